//! A trading desk of long ago: whole lives of orders, as the real machine recorded them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alphec_engine::core::{Core, CoreConfig, Input, Mode};
use alphec_engine::journal::{Journal, OpenOptions, Sink};
use alphec_execution::model::broker::{
    BrokerStatus, CommissionReport, EchoedTerms, ExecutionReport, OpenOrderReport, OrderNames, Session,
    Snapshot, StatusReport, Wire,
};
use alphec_execution::model::instrument::InstrumentParts;
use alphec_execution::model::{
    AccountId, AccountValue, ApiClientId, BrokerEvent, BrokerOrderId, BrokerRequest, ClientOrderId, Command,
    ConId, CorrelationId, Currency, ExecId, Generation, Instrument, InstrumentId, InstrumentKind, Limits,
    LogId, Order, OrderRequest, OrderSpec, OrderState, PermId, Quote, Record, Side, StrategyId, TickRule,
    UtcNanos,
};

const BATCH: usize = 5_000;
const CLIENT: i32 = 7;

/// Writes a journal of at least so many records and closes it; how many orders it has.
pub(super) fn write(path: &Path, count: u64) -> usize {
    let mut desk = Desk::open(path);
    while desk.journal.head().seq.get() < count {
        desk.live_one_order();
    }
    desk.flush();
    let orders = desk.core.book().len();
    desk.journal.close().expect("a clean close");
    orders
}

struct Desk {
    core: Core,
    journal: Journal,
    records: Vec<Arc<Record>>,
    now: UtcNanos,
    orders: u32,
}

fn id<T, E: core::fmt::Debug>(made: Result<T, E>) -> T {
    made.expect("a sound name")
}

fn account() -> AccountId {
    id(AccountId::new("DU1234567"))
}

fn aapl() -> InstrumentId {
    id(InstrumentId::new("AAPL"))
}

fn instrument() -> Instrument {
    let parts = InstrumentParts {
        id: aapl(),
        symbol: "AAPL".into(),
        contract: InstrumentKind::Stock { primary_exchange: None },
        exchange: "SMART".into(),
        currency: Currency::USD,
        multiplier: id("1".parse()),
        tick: TickRule::fixed(id("0.01".parse())),
        lot: id("1".parse()),
    };
    id(Instrument::new(parts)).with_con_id(ConId::new(265_598))
}

fn config() -> CoreConfig {
    let far = id("1000000000000".parse());
    let limits = Limits {
        max_order_qty: id("1000".parse()),
        max_order_notional: far,
        max_position: id("1000000000".parse()),
        max_open_orders: 1_000_000,
        price_collar: id("0.10".parse()),
        max_quote_age_ms: Duration::from_secs(100_000_000),
        max_gross_notional: far,
        max_net_notional: far,
        max_leverage: id("100000".parse()),
        max_account_age_ms: Duration::from_secs(100_000_000),
        max_messages_per_second: 1_000_000,
    };
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(CLIENT),
        accounts: BTreeSet::from([account()]),
        instruments: BTreeMap::from([(aapl(), instrument())]),
        limits,
        instrument_limits: BTreeMap::new(),
        rules: Vec::new(),
        ack_timeout: Duration::from_secs(5),
        resnapshot_after: Duration::from_secs(3),
        absent_after: Duration::ZERO,
        absent_watch: Duration::ZERO,
        when_in_doubt: alphec_execution::model::WhenInDoubt::Hold,
        restart_windows: Vec::new(),
        reconcile_every: Duration::from_secs(100_000_000),
        messages_per_second: None,
        executions_days: 1,
        orders_max: 10_000_000,
    }
}

impl Desk {
    fn open(path: &Path) -> Self {
        let now = UtcNanos::from_nanos(1_700_000_000_000_000_000);
        let journal = Journal::create(path, OpenOptions::new("bench", now)).expect("a new journal");
        let mut desk = Self { core: Core::new(config()), journal, records: Vec::new(), now, orders: 0 };
        desk.take(Input::Open { log_id: id(LogId::new("k3f9q2aa")) });
        let limits = serde_json::Value::Null;
        desk.take(Input::Start { version: "0".into(), profile: "bench".into(), limits });
        let generation = Generation::new(1);
        let session = Session {
            generation,
            server_version: 213,
            api_client_id: ApiClientId::new(CLIENT),
            next_order_id: BrokerOrderId::new(1),
            accounts: vec![account()],
        };
        let requests = desk.take(Input::Broker(BrokerEvent::Connected(session)));
        let asked = requests.into_iter().find_map(|request| match request {
            BrokerRequest::Snapshot { id, .. } => Some(id),
            _ => None,
        });
        let books = Snapshot {
            id: asked.expect("the books are asked for"),
            generation,
            open: Vec::new(),
            completed: Vec::new(),
            executions: Vec::new(),
            commissions: Vec::new(),
            positions: Vec::new(),
        };
        desk.hear(BrokerEvent::Snapshot(books));
        let amount = id("100000000".parse());
        let value = AccountValue::NetLiquidation { amount, currency: Currency::USD };
        desk.hear(BrokerEvent::Account { account: account(), value });
        desk.hear(BrokerEvent::Account { account: account(), value: AccountValue::Ready { ready: true } });
        let (bid, ask) = (Some(id("99.99".parse())), Some(id("100.01".parse())));
        desk.hear(BrokerEvent::Quote { instrument: aapl(), quote: Quote { bid, ask, last: None, at: now } });
        desk
    }

    fn take(&mut self, input: Input) -> Vec<BrokerRequest> {
        self.now = self.now.saturating_add(Duration::from_micros(731));
        let step = self.core.handle(self.now, input);
        self.records.extend(step.records);
        if self.records.len() >= BATCH {
            self.flush();
        }
        step.requests
    }

    fn hear(&mut self, event: BrokerEvent) {
        drop(self.take(Input::Broker(event)));
    }

    fn flush(&mut self) {
        let _durable = self.journal.append(&self.records).expect("a record");
        self.records.clear();
        self.journal.maintain().expect("a quiet moment");
    }

    /// Sent, acknowledged, and then filled in two parts, or canceled.
    fn live_one_order(&mut self) {
        self.orders += 1;
        let number = self.orders;
        let key = id(ClientOrderId::new(format!("mean-reversion-{number:08}")));
        let side = if number.is_multiple_of(4) { Side::Sell } else { Side::Buy };
        let request = OrderRequest {
            client_order_id: key.clone(),
            strategy_id: id(StrategyId::new("mean-reversion")),
            correlation_id: id(CorrelationId::new(format!("signal-{number:08}"))),
            account: account(),
            instrument: aapl(),
            spec: id(OrderSpec::limit(side, id("100".parse()), id("99.95".parse()))),
            when_in_doubt: None,
        };
        drop(self.take(Input::Command { token: u64::from(number), command: Command::Submit(request) }));
        self.written(&key, Wire::Place);
        let order = self.order(&key);
        assert_eq!(order.state, OrderState::PendingNew, "{:?}", order.deny_reason);
        self.hear(BrokerEvent::OpenOrder(echo(&order, BrokerStatus::PreSubmitted)));
        self.status(&key, BrokerStatus::Submitted, ("0", "100"));
        if number.is_multiple_of(2) {
            self.fill(&key, (1, "40"));
            self.fill(&key, (2, "60"));
        } else {
            let correlation_id = order.correlation_id;
            let command = Command::Cancel { client_order_id: key.clone(), correlation_id };
            drop(self.take(Input::Command { token: u64::from(number), command }));
            self.written(&key, Wire::Cancel);
            self.status(&key, BrokerStatus::Cancelled, ("0", "100"));
        }
        assert!(self.order(&key).state.is_terminal());
    }

    fn order(&self, key: &ClientOrderId) -> Order {
        self.core.book().order(key).expect("an order").clone()
    }

    fn written(&mut self, key: &ClientOrderId, wire: Wire) {
        let broker_order_id = self.order(key).broker_order_id.expect("an id");
        let at = self.now;
        self.hear(BrokerEvent::Written { broker_order_id, wire, at });
    }

    fn status(&mut self, key: &ClientOrderId, status: BrokerStatus, (filled, rest): (&str, &str)) {
        let names = names(&self.order(key));
        let (cum_qty, remaining_qty) = (filled.parse().ok(), rest.parse().ok());
        self.hear(BrokerEvent::Status(StatusReport {
            names,
            status,
            cum_qty,
            remaining_qty,
            why_held: None,
        }));
    }

    fn fill(&mut self, key: &ClientOrderId, (part, qty): (u32, &str)) {
        let order = self.order(key);
        let exec_id = id(ExecId::new(format!("00025b46.{:08x}.{part:02}.01", self.orders)));
        self.hear(BrokerEvent::Execution(ExecutionReport {
            exec_id: exec_id.clone(),
            names: names(&order),
            account: account(),
            instrument: Some(aapl()),
            con_id: Some(ConId::new(265_598)),
            symbol: "AAPL".into(),
            side: order.spec.side,
            last_qty: id(qty.parse()),
            last_px: id("99.95".parse()),
            time_text: "20231114 22:13:20 US/Eastern".into(),
            time: Some(UtcNanos::from_nanos(1_700_000_000_000_000_000)),
            venue: "ISLAND".into(),
            is_liquidation: false,
            is_combo: false,
        }));
        let (cum, rest) = if part == 1 { ("40", "60") } else { ("100", "0") };
        let status = if part == 1 { BrokerStatus::Submitted } else { BrokerStatus::Filled };
        self.status(key, status, (cum, rest));
        self.hear(BrokerEvent::Commission(CommissionReport {
            exec_id,
            commission: Some(id("1.05".parse())),
            currency: Some(Currency::USD),
            realized_pnl: None,
        }));
    }
}

fn names(order: &Order) -> OrderNames {
    OrderNames {
        broker_order_id: order.broker_order_id,
        api_client_id: Some(ApiClientId::new(CLIENT)),
        perm_id: order.broker_order_id.map(|id| PermId::new(i64::from(id.get()) + 1_000_000_000)),
        order_ref: order.order_ref.as_ref().map(|reference| reference.as_str().into()),
    }
}

fn echo(order: &Order, status: BrokerStatus) -> OpenOrderReport {
    OpenOrderReport {
        names: names(order),
        account: account(),
        instrument: Some(aapl()),
        con_id: Some(ConId::new(265_598)),
        symbol: "AAPL".into(),
        side: Some(order.spec.side),
        terms: EchoedTerms {
            order_qty: Some(order.spec.order_qty),
            order_type: "LMT".into(),
            limit_px: Some(id("99.95".parse())),
            stop_px: None,
            time_in_force: "DAY".into(),
        },
        status,
        warning: None,
    }
}
