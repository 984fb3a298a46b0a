//! A scripted broker, a journal with a gate, and an engine around them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use alphec_engine::core::{Core, CoreConfig, Mode, RuleConfig};
use alphec_engine::journal::testing::MemorySink;
use alphec_engine::journal::{Durable, EmergencyStore, Error as JournalError, Head, Sink};
use alphec_engine::{
    AlertSink, BrokerTask, Engine, EngineParts, Handle, RiskRule, StopPolicy, SystemClock, rule_configs,
};
use alphec_model::broker::{BrokerStatus, OpenOrderReport, OrderNames, Session, Snapshot, Ticket};
use alphec_model::instrument::InstrumentParts;
use alphec_model::{
    AccountId, AccountValue, ApiClientId, BrokerEvent, BrokerOrderId, BrokerRequest, ClientOrderId, Command,
    ConId, CorrelationId, Currency, Decimal, Generation, Instrument, InstrumentId, InstrumentKind, Limits,
    LogId, ModifyRequest, OrderRequest, OrderSpec, PermId, Price, Quote, Record, Side, StrategyId, TickRule,
};
use tokio::sync::mpsc;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a test waits for what must not come.
pub(crate) const QUIET: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Default)]
enum Passes {
    #[default]
    All,
    Only(u32),
}

/// Records kept by a test across engines.
#[derive(Clone, Default)]
pub(crate) struct SharedSink {
    inner: Arc<Mutex<MemorySink>>,
    /// How many appends may pass.
    gate: Arc<(Mutex<Passes>, Condvar)>,
}

impl SharedSink {
    /// Makes every append wait until [`Self::open`].
    pub(crate) fn shut(&self) {
        self.let_pass(0);
    }

    /// Makes appends wait once this many have passed.
    pub(crate) fn let_pass(&self, appends: u32) {
        *self.gate.0.lock().unwrap() = Passes::Only(appends);
        self.gate.1.notify_all();
    }

    pub(crate) fn open(&self) {
        *self.gate.0.lock().unwrap() = Passes::All;
        self.gate.1.notify_all();
    }

    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        self.inner.lock().unwrap().records().to_vec()
    }
}

impl Sink for SharedSink {
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, JournalError> {
        let mut passes = self.gate.0.lock().unwrap();
        while matches!(*passes, Passes::Only(0)) {
            passes = self.gate.1.wait(passes).unwrap();
        }
        if let Passes::Only(left) = &mut *passes {
            *left -= 1;
        }
        drop(passes);
        self.inner.lock().unwrap().append(records)
    }

    fn head(&self) -> Head {
        self.inner.lock().unwrap().head()
    }
}

/// The test's end of the broker port.
pub(crate) struct Broker {
    pub(crate) requests: mpsc::Receiver<BrokerRequest>,
    pub(crate) events: mpsc::Sender<BrokerEvent>,
}

impl Broker {
    pub(crate) async fn next(&mut self) -> BrokerRequest {
        tokio::time::timeout(PATIENCE, self.requests.recv())
            .await
            .expect("a request in time")
            .expect("an engine")
    }

    pub(crate) async fn next_place(&mut self) -> Ticket {
        loop {
            if let BrokerRequest::Place(ticket) = self.next().await {
                return ticket;
            }
        }
    }

    pub(crate) async fn next_cancel(&mut self) -> BrokerOrderId {
        loop {
            if let BrokerRequest::Cancel { broker_order_id } = self.next().await {
                return broker_order_id;
            }
        }
    }

    /// Asserts that nothing that can trade comes for a while.
    pub(crate) async fn no_trade(&mut self) {
        let until = tokio::time::Instant::now() + QUIET;
        while let Ok(Some(request)) = tokio::time::timeout_at(until, self.requests.recv()).await {
            assert!(!request.can_trade(), "{request:?}");
        }
    }

    pub(crate) async fn say(&self, event: BrokerEvent) {
        self.events.send(event).await.unwrap();
    }

    /// Connects, resolves, quotes, and answers the first snapshot with empty books.
    pub(crate) async fn come_up(&mut self) {
        self.connect().await;
        self.answer_snapshot().await;
    }

    /// Connects, resolves and quotes.
    pub(crate) async fn connect(&self) {
        self.say(BrokerEvent::Connected(Session {
            generation: Generation::new(1),
            server_version: 226,
            api_client_id: ApiClientId::new(7),
            next_order_id: BrokerOrderId::new(1),
            accounts: vec![account()],
        }))
        .await;
        self.say(BrokerEvent::InstrumentResolved {
            instrument: aapl(),
            con_id: ConId::new(265_598),
            tick: None,
            multiplier: None,
        })
        .await;
        for value in [
            AccountValue::NetLiquidation { amount: Decimal::from(1_000_000), currency: Currency::USD },
            AccountValue::Ready { ready: true },
        ] {
            self.say(BrokerEvent::Account { account: account(), value }).await;
        }
        self.quote("100").await;
    }

    pub(crate) async fn quote(&self, px: &str) {
        let px: Price = px.parse().unwrap();
        let at = alphec_engine::Clock::now(&SystemClock::new());
        let quote = Quote { bid: Some(px), ask: Some(px), last: Some(px), at };
        self.say(BrokerEvent::Quote { instrument: aapl(), quote }).await;
    }

    pub(crate) async fn answer_snapshot(&mut self) {
        loop {
            if let BrokerRequest::Snapshot { id, .. } = self.next().await {
                let (open, completed, executions, commissions, positions) = Default::default();
                let generation = Generation::new(1);
                let books = Snapshot { id, generation, open, completed, executions, commissions, positions };
                self.say(BrokerEvent::Snapshot(books)).await;
                return;
            }
        }
    }

    /// Answers every reading with empty books until trading goes on: a gap gives up the one that is on its way.
    pub(crate) async fn recover(&mut self, handle: &Handle) {
        let answering = async {
            loop {
                self.answer_snapshot().await;
            }
        };
        tokio::select! {
            () = until_ready(handle) => {}
            () = answering => {}
        }
    }

    /// Acknowledges a placed order.
    pub(crate) async fn acknowledge(&self, ticket: &Ticket) {
        self.report(ticket, BrokerStatus::Submitted).await;
    }

    pub(crate) async fn report(&self, ticket: &Ticket, status: BrokerStatus) {
        let id = i64::from(ticket.broker_order_id.get());
        self.say(BrokerEvent::OpenOrder(OpenOrderReport {
            names: OrderNames {
                broker_order_id: Some(ticket.broker_order_id),
                api_client_id: Some(ApiClientId::new(7)),
                perm_id: Some(PermId::new(900_000 + id)),
                order_ref: Some(ticket.order_ref.as_str().into()),
            },
            account: account(),
            instrument: Some(aapl()),
            con_id: Some(ConId::new(265_598)),
            symbol: "AAPL".into(),
            side: Some(ticket.spec.side),
            terms: alphec_model::broker::EchoedTerms::default(),
            status,
            warning: None,
        }))
        .await;
    }
}

/// What a test engine is made of.
pub(crate) struct World {
    pub(crate) sink: SharedSink,
    pub(crate) store: Option<Box<dyn Sink + Send>>,
    pub(crate) emergency: Option<Box<dyn EmergencyStore>>,
    pub(crate) unfinished: Vec<Command>,
    pub(crate) rules: Vec<Arc<dyn RiskRule>>,
    pub(crate) alert_sinks: Vec<Arc<dyn AlertSink>>,
    pub(crate) broker: Option<BrokerTask>,
    pub(crate) stop_policy: StopPolicy,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            sink: SharedSink::default(),
            store: None,
            emergency: None,
            unfinished: Vec::new(),
            rules: Vec::new(),
            alert_sinks: Vec::new(),
            broker: None,
            stop_policy: StopPolicy::Cancel,
        }
    }

    /// Starts an engine and brings it up until orders may be sent.
    pub(crate) async fn ready(self) -> (Handle, Broker) {
        let (handle, mut broker) = self.start();
        broker.come_up().await;
        until_ready(&handle).await;
        (handle, broker)
    }

    /// Starts an engine on what the sink already holds.
    pub(crate) fn start(self) -> (Handle, Broker) {
        let mut core = Core::new(config(rule_configs(&self.rules)));
        for record in self.sink.records() {
            core.replay(&record).unwrap();
        }
        let (out, requests) = mpsc::channel(1_024);
        let (events, mut incoming) = mpsc::channel(1_024);
        let scripted: BrokerTask = Box::new(move |mut from_engine, to_engine, stop| {
            Box::pin(async move {
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        Some(request) = from_engine.recv() => drop(out.send(request).await),
                        Some(event) = incoming.recv() => to_engine.send(event).await.unwrap(),
                        else => return,
                    }
                }
            })
        });
        let handle = Engine::start(EngineParts {
            core,
            sink: self.store.unwrap_or_else(|| Box::new(self.sink)),
            emergency: self.emergency,
            unfinished: self.unfinished,
            broker: self.broker.unwrap_or(scripted),
            rules: self.rules,
            sinks: self.alert_sinks,
            clock: Arc::new(SystemClock::new()),
            log_id: LogId::new("test").unwrap(),
            version: "0".to_owned(),
            profile: "paper".to_owned(),
            limits: "none".into(),
            event_buffer: 1_024,
            stop_policy: self.stop_policy,
            stop_deadline: Duration::from_millis(300),
        })
        .unwrap();
        (handle, Broker { requests, events })
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::new("DU1").unwrap()
}

pub(crate) fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}

pub(crate) fn key(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap()
}

pub(crate) fn submit(id: &str) -> Command {
    let spec = OrderSpec::limit(Side::Buy, "10".parse().unwrap(), "100".parse().unwrap()).unwrap();
    Command::Submit(OrderRequest {
        client_order_id: key(id),
        strategy_id: StrategyId::new("test").unwrap(),
        correlation_id: CorrelationId::new("test").unwrap(),
        account: account(),
        instrument: aapl(),
        spec,
        when_in_doubt: None,
    })
}

pub(crate) fn modify(id: &str, qty: &str) -> Command {
    let spec = OrderSpec::limit(Side::Buy, qty.parse().unwrap(), "100".parse().unwrap()).unwrap();
    let correlation_id = CorrelationId::new("test").unwrap();
    Command::Modify(ModifyRequest { client_order_id: key(id), correlation_id, spec })
}

pub(crate) fn cancel(id: &str) -> Command {
    Command::Cancel { client_order_id: key(id), correlation_id: CorrelationId::new("test").unwrap() }
}

pub(crate) fn global_cancel() -> Command {
    let correlation_id = CorrelationId::new("test").unwrap();
    Command::GlobalCancel { by: "operator".into(), reason: "drill".into(), correlation_id }
}

/// Submits an order and acknowledges it.
pub(crate) async fn work(handle: &Handle, broker: &mut Broker, id: &str) -> Ticket {
    handle.command(submit(id)).await.unwrap();
    let ticket = broker.next_place().await;
    broker.acknowledge(&ticket).await;
    ticket
}

pub(crate) async fn until_ready(handle: &Handle) {
    until(handle, |status| status.readiness.is_ready()).await;
}

pub(crate) async fn until(handle: &Handle, wanted: impl Fn(&alphec_engine::Status) -> bool) {
    let wait = async {
        while !wanted(&handle.status().await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the status wanted in time");
}

fn config(rules: Vec<RuleConfig>) -> CoreConfig {
    let instrument = Instrument::new(InstrumentParts {
        id: aapl(),
        symbol: "AAPL".into(),
        contract: InstrumentKind::Stock { primary_exchange: None },
        exchange: "SMART".into(),
        currency: Currency::USD,
        multiplier: Decimal::ONE,
        tick: TickRule::fixed("0.01".parse().unwrap()),
        lot: "1".parse().unwrap(),
    })
    .unwrap();
    let much = Decimal::from(1_000_000_000);
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(7),
        accounts: BTreeSet::from([account()]),
        instruments: BTreeMap::from([(aapl(), instrument)]),
        limits: Limits {
            max_order_qty: "1000".parse().unwrap(),
            max_order_notional: much,
            max_position: "100000".parse().unwrap(),
            max_open_orders: 1_000,
            price_collar: Decimal::ONE,
            max_quote_age_ms: Duration::from_secs(60),
            max_gross_notional: much,
            max_net_notional: much,
            max_leverage: Decimal::from(1_000),
            max_account_age_ms: Duration::from_secs(60),
            max_messages_per_second: 100_000,
        },
        instrument_limits: BTreeMap::new(),
        rules,
        ack_timeout: Duration::from_secs(5),
        resnapshot_after: Duration::from_millis(200),
        absent_after: Duration::ZERO,
        absent_watch: Duration::ZERO,
        when_in_doubt: alphec_model::WhenInDoubt::Hold,
        restart_windows: Vec::new(),
        reconcile_every: Duration::from_secs(60),
        messages_per_second: None,
        executions_days: 1,
        orders_max: 100_000,
    }
}
