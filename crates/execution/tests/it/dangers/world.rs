//! An engine on a paper profile against a gateway with something wrong with it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use alphec_engine::journal::{Reader, verify};
use alphec_execution::config::Overrides;
use alphec_execution::model::{
    AccountId, Alert, AlertKind, DenyReason, InstrumentId, Order, OrderRequest, OrderSpec, OrderState,
    OrderType, Rule, Seq, Side, StrategyId,
};
use alphec_execution::{
    Error, ExecutionClient, OrderHandle, Profile, Readiness, new_client_order_id, new_correlation_id,
};
use alphec_twsim::faults::Cause;
use alphec_twsim::{Fault, Gateway, GatewayBuilder, GatewayHandle};
use tokio::sync::broadcast;

use crate::support::{Folder, PAPER};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// Long enough for something that must not happen.
pub(super) const QUIET: Duration = Duration::from_millis(700);

pub(super) const ACCOUNT: &str = "DU1234567";

/// Contract id of the instrument that is traded.
pub(super) const AAPL: i32 = 265_598;

/// Deadlines that tests can wait for. Nothing counts as gone for being in no list.
const QUICK: &str = "
timeouts.ack_ms = 400
timeouts.snapshot_ms = 1500
timeouts.resnapshot_ms = 100
timeouts.absent_ms = 60000
timeouts.reconcile_ms = 500
heartbeat.interval_ms = 1000
heartbeat.deadline_ms = 500
heartbeat.misses = 2
reconnect.first_delay_ms = 50
reconnect.ceiling_ms = 200
reconnect.jitter = 0.0
stop.policy = \"keep\"
";

/// Faults that the gateway's log does not mention, and what the journal says where one was met.
const SILENT: [(&str, &str); 4] = [
    ("sentinels", "means unset"),
    ("missing-remaining", "missing in OrderStatus"),
    ("unknown-status", "WarnState"),
    ("pacing(mode=queue", "in_doubt"),
];

/// What the journal says where this fault was met, if the gateway's log does not mention it.
fn sign_of(fault: &str) -> Option<&'static str> {
    SILENT.iter().find(|(name, _)| fault.starts_with(name)).map(|(_, sign)| *sign)
}

pub(super) struct World {
    pub(super) gateway: GatewayHandle,
    pub(super) client: ExecutionClient,
    pub(super) profile: Profile,
    alerts: broadcast::Receiver<Alert>,
    folder: Folder,
    /// Faults that were armed, as text.
    armed: Mutex<Vec<String>>,
}

impl World {
    /// Ready to trade, with faults armed from the start.
    pub(super) async fn ready(faults: &[&str]) -> Self {
        let world = Self::started(faults, "", |gateway| gateway).await;
        world.is_ready().await;
        world
    }

    /// Started, with more lines in the profile and another gateway.
    pub(super) async fn started(
        faults: &[&str],
        more: &str,
        change: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
    ) -> Self {
        let builder = Gateway::builder().account(ACCOUNT).fixed_prices();
        let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let armed = Mutex::new(faults.iter().map(ToString::to_string).collect());
        let builder = faults.into_iter().fold(builder, GatewayBuilder::fault);
        let gateway = change(builder).start().await.unwrap();
        assert!(gateway.set_price("AAPL", "200.00".parse().unwrap()));
        let folder = Folder::with(&profile_text(more));
        let overrides = Overrides { port: Some(gateway.addr().port()), ..Overrides::default() };
        let profile = folder.load(&[], overrides).unwrap().profile;
        let client = ExecutionClient::start(profile.clone()).unwrap();
        let alerts = client.alerts();
        Self { gateway, client, profile, alerts, folder, armed }
    }

    pub(super) async fn is_ready(&self) {
        self.client.wait_ready(PATIENCE).await.unwrap();
        self.client.wait_quote(&aapl(), PATIENCE).await.unwrap();
    }

    pub(super) fn inject(&self, fault: &str) {
        let fault: Fault = fault.parse().unwrap();
        self.armed.lock().unwrap().push(fault.to_string());
        self.gateway.inject(fault);
    }

    /// The process ends and another one begins on the same journal.
    pub(super) async fn restarted(self) -> Self {
        let Self { gateway, client, profile, folder, armed, .. } = self;
        client.stop().await.unwrap();
        let client = ExecutionClient::start(profile.clone()).unwrap();
        let alerts = client.alerts();
        Self { gateway, client, profile, alerts, folder, armed }
    }

    pub(super) async fn submit(&self, spec: OrderSpec) -> OrderHandle {
        self.try_submit(spec).await.unwrap()
    }

    pub(super) async fn try_submit(&self, spec: OrderSpec) -> Result<OrderHandle, Error> {
        self.client.submit_order(self.request(spec)).await
    }

    /// An order under a key of its own.
    pub(super) fn request(&self, spec: OrderSpec) -> OrderRequest {
        OrderRequest {
            client_order_id: new_client_order_id(),
            strategy_id: StrategyId::new("test").unwrap(),
            correlation_id: new_correlation_id(),
            account: AccountId::new(ACCOUNT).unwrap(),
            instrument: aapl(),
            spec,
            when_in_doubt: None,
        }
    }

    /// An order that the gateway has acknowledged.
    pub(super) async fn working(&self, spec: OrderSpec) -> OrderHandle {
        let order = self.submit(spec).await;
        reach(&order, OrderState::Working).await;
        order
    }

    /// The order as the engine has it now.
    pub(super) async fn order(&self, handle: &OrderHandle) -> Order {
        self.client.get_order_status(handle.client_order_id()).await.unwrap()
    }

    /// Waits for an alert of this kind; earlier ones count.
    pub(super) async fn hears(&mut self, kind: AlertKind) -> Alert {
        let heard = async {
            loop {
                match self.alerts.recv().await {
                    Ok(alert) if alert.kind == kind => return alert,
                    Ok(_) => {}
                    Err(error) => panic!("{error} before {kind}"),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, heard).await {
            Ok(alert) => alert,
            Err(_) => panic!("no {kind}"),
        }
    }

    /// The position that the engine has.
    pub(super) async fn position(&self) -> String {
        let positions = self.client.positions().await.unwrap();
        positions.iter().map(|it| it.qty.to_string()).next().unwrap_or_else(|| "0".to_owned())
    }

    /// The position that there is.
    pub(super) fn true_position(&self) -> String {
        self.gateway.truth().position(ACCOUNT, AAPL).normalize().to_string()
    }

    /// Orders that ever existed at the venue.
    pub(super) fn orders_at_venue(&self) -> usize {
        self.gateway.truth().orders.len()
    }

    /// The engine's position is this, and it is the right one.
    pub(super) async fn holds(&self, qty: &str) {
        until("the position", || async { self.position().await == qty }).await;
        assert_eq!(self.true_position(), qty);
    }

    /// While an order of ten is not over, another one does not fit into a position limit of fifteen. Its price must
    /// pass the collar, which is judged first.
    pub(super) async fn reserves_exposure(&self) {
        let denied = self.try_submit(buy("10", "194.00")).await.unwrap_err();
        let reason = denied.denied().unwrap_or_else(|| panic!("{denied}"));
        let of_position = matches!(reason, DenyReason::Limit { rule: Rule::MaxPosition, .. });
        assert!(of_position, "{reason}");
    }

    /// The library keeps this from happening, so that it need not be met.
    pub(super) fn avoids(&self, fault: &str) {
        let mut armed = self.armed.lock().unwrap();
        let before = armed.len();
        armed.retain(|it| !it.starts_with(fault));
        assert_ne!(armed.len(), before, "{fault} was not armed");
        assert!(!self.gateway.decisions().iter().any(|it| it.fired), "{:?}", self.gateway.decisions());
    }

    /// Every fault that was armed has happened: a test of a reaction to nothing proves nothing.
    fn met_its_faults(&self) {
        let is_fired = |fault: &String| {
            self.gateway.decisions().iter().any(|it| it.fired && it.cause == Cause::Fault(fault.clone()))
        };
        for fault in self.armed.lock().unwrap().iter().filter(|fault| sign_of(fault).is_none()) {
            assert!(is_fired(fault), "{fault} never happened: {:?}", self.gateway.decisions());
        }
    }

    /// The journal of a client that has stopped is whole, and has what the gateway's log does not mention.
    fn journal_is_whole(&self) {
        verify(&self.profile.journal, &mut |_| {}).unwrap();
        let reader = Reader::open(&self.profile.journal).unwrap();
        let records: Vec<_> = reader.records(Seq::new(1)).unwrap().map(|record| record.unwrap()).collect();
        for fault in self.armed.lock().unwrap().iter() {
            let says = |sign| records.iter().any(|record| record.payload.contains(sign));
            assert!(sign_of(fault).is_none_or(says), "{fault} left no trace in the journal");
        }
    }

    /// Everything said and done: no second order, every fault met, and the journal is whole.
    pub(super) async fn ends(self, orders: usize) {
        assert_eq!(self.orders_at_venue(), orders, "orders at the venue");
        self.met_its_faults();
        self.client.stop().await.unwrap();
        self.journal_is_whole();
        self.gateway.stop().await;
    }
}

/// The sample with short deadlines and these lines, which win over them; those of `limits` go into its table.
fn profile_text(more: &str) -> String {
    let mut sample = PAPER.to_owned();
    let mut lines: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, value) in QUICK.lines().chain(more.lines()).filter_map(|line| line.split_once(" = ")) {
        match key.strip_prefix("limits.") {
            Some(limit) => {
                let end = sample.rfind(" }").unwrap();
                let start = sample.find(&format!(" {limit} = ")).unwrap_or(end);
                let stop = sample[start..].find(',').map_or(end, |at| start + at + 1);
                let stop = if start == end { end } else { stop };
                let set = if start == end {
                    format!(", {limit} = {value}")
                } else {
                    format!(" {limit} = {value},")
                };
                sample.replace_range(start..stop, &set);
            }
            None => drop(lines.insert(key, value)),
        }
    }
    let rest: Vec<String> = lines.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{sample}{}\n", rest.join("\n"))
}

/// A position limit that one order of ten leaves no room in for another.
pub(super) const NARROW: &str = "limits.max_position = 15";

pub(super) fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}

pub(super) fn market(qty: &str) -> OrderSpec {
    OrderSpec::new(Side::Buy, qty.parse().unwrap(), OrderType::Market).unwrap()
}

/// Rests: the market is at 200.00.
pub(super) fn buy(qty: &str, price: &str) -> OrderSpec {
    OrderSpec::limit(Side::Buy, qty.parse().unwrap(), price.parse().unwrap()).unwrap()
}

pub(super) async fn reach(order: &OrderHandle, state: OrderState) {
    let reached = tokio::time::timeout(PATIENCE, order.until(|order| order.state == state)).await;
    assert!(matches!(reached, Ok(Ok(_))), "{state}: {:?}", order.last());
}

pub(super) async fn readiness(world: &World) -> Readiness {
    world.client.status().await.unwrap().readiness
}

/// Waits until something is so.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{what}");
}
