//! What a decision costs: one submit through the whole gate, with a thousand orders working, and
//! again with a hundred thousand finished ones in the book.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run should stop")]
#![expect(clippy::print_stdout, reason = "the ratio belongs beside the numbers")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use alphec_core::{Core, CoreConfig, Input, Mode, Reply, Step};
use alphec_model::broker::{BrokerStatus, Notice, NoticeClass, OrderNames, Session, Snapshot, StatusReport};
use alphec_model::instrument::InstrumentParts;
use alphec_model::{
    AccountId, AccountValue, ApiClientId, BrokerEvent, BrokerOrderId, BrokerRequest, ClientOrderId, Command,
    ConId, CorrelationId, Currency, Generation, Instrument, InstrumentId, InstrumentKind, Limits, LogId,
    OrderRequest, OrderSpec, OrderState, PermId, Quote, Side, StrategyId, TickRule, UtcNanos,
};
use criterion::{Criterion, criterion_group, criterion_main};

const WORKING: u32 = 1_000;
const FINISHED: u32 = 100_000;
const INSTRUMENTS: u32 = 50;
const SAMPLES: usize = 20_000;

struct Desk {
    core: Core,
    now: UtcNanos,
    count: u32,
}

fn account() -> AccountId {
    AccountId::new("DU1").unwrap()
}

fn instrument_id(number: u32) -> InstrumentId {
    InstrumentId::new(format!("STOCK-{number:03}")).unwrap()
}

fn instrument(number: u32) -> Instrument {
    Instrument::new(InstrumentParts {
        id: instrument_id(number),
        symbol: format!("S{number}").into(),
        contract: InstrumentKind::Stock { primary_exchange: None },
        exchange: "SMART".into(),
        currency: Currency::USD,
        multiplier: "1".parse().unwrap(),
        tick: TickRule::fixed("0.01".parse().unwrap()),
        lot: "1".parse().unwrap(),
    })
    .unwrap()
    .with_con_id(ConId::new(i32::try_from(number).unwrap() + 1))
}

fn config() -> CoreConfig {
    let far: alphec_model::Decimal = "1000000000".parse().unwrap();
    let limits = Limits {
        max_order_qty: "1000".parse().unwrap(),
        max_order_notional: far,
        max_position: "1000000".parse().unwrap(),
        max_open_orders: 1_000_000,
        price_collar: "0.10".parse().unwrap(),
        max_quote_age_ms: Duration::from_secs(1_000_000),
        max_gross_notional: far,
        max_net_notional: far,
        max_leverage: "1000".parse().unwrap(),
        max_account_age_ms: Duration::from_secs(1_000_000),
        max_messages_per_second: 1_000,
    };
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(7),
        accounts: BTreeSet::from([account()]),
        instruments: (0..INSTRUMENTS).map(|number| (instrument_id(number), instrument(number))).collect(),
        limits,
        instrument_limits: BTreeMap::new(),
        rules: Vec::new(),
        ack_timeout: Duration::from_secs(5),
        resnapshot_after: Duration::from_secs(3),
        absent_after: Duration::ZERO,
        absent_watch: Duration::ZERO,
        when_in_doubt: alphec_model::WhenInDoubt::Hold,
        restart_windows: Vec::new(),
        reconcile_every: Duration::from_secs(1_000_000),
        messages_per_second: None,
        executions_days: 1,
        orders_max: 10_000_000,
    }
}

impl Desk {
    fn open() -> Self {
        let now = UtcNanos::from_nanos(1_800_000_000_000_000_000);
        let mut desk = Self { core: Core::new(config()), now, count: 0 };
        let _ = desk.take(Input::Open { log_id: LogId::new("bench").unwrap() });
        let limits = serde_json::Value::Null;
        let _ = desk.take(Input::Start { version: "0".into(), profile: "bench".into(), limits });
        let session = Session {
            generation: Generation::new(1),
            server_version: 213,
            api_client_id: ApiClientId::new(7),
            next_order_id: BrokerOrderId::new(1),
            accounts: vec![account()],
        };
        let step = desk.take(Input::Broker(BrokerEvent::Connected(session)));
        let Some(BrokerRequest::Snapshot { id, .. }) = step.requests.first() else { return desk };
        let (id, generation) = (*id, Generation::new(1));
        let (open, completed, executions) = (Vec::new(), Vec::new(), Vec::new());
        let (commissions, positions) = (Vec::new(), Vec::new());
        let books = Snapshot { id, generation, open, completed, executions, commissions, positions };
        let _ = desk.take(Input::Broker(BrokerEvent::Snapshot(books)));
        let amount = "100000000".parse().unwrap();
        for value in [
            AccountValue::NetLiquidation { amount, currency: Currency::USD },
            AccountValue::Ready { ready: true },
        ] {
            let _ = desk.take(Input::Broker(BrokerEvent::Account { account: account(), value }));
        }
        let (bid, ask) = (Some("99.99".parse().unwrap()), Some("100.01".parse().unwrap()));
        for number in 0..INSTRUMENTS {
            let quote = Quote { bid, ask, last: None, at: now };
            let _ = desk.take(Input::Broker(BrokerEvent::Quote { instrument: instrument_id(number), quote }));
        }
        desk
    }

    fn take(&mut self, input: Input) -> Step {
        self.core.handle(self.now, input)
    }

    fn submit(&mut self) -> (Input, BrokerOrderId) {
        // Orders come as fast as the message rate lets them.
        self.now = self.now.saturating_add(Duration::from_millis(2));
        self.count += 1;
        let side = if self.count.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let spec = OrderSpec::limit(side, "10".parse().unwrap(), "100.00".parse().unwrap()).unwrap();
        let request = OrderRequest {
            client_order_id: ClientOrderId::new(format!("order-{:08}", self.count)).unwrap(),
            strategy_id: StrategyId::new("mean-reversion").unwrap(),
            correlation_id: CorrelationId::new(format!("signal-{:08}", self.count)).unwrap(),
            account: account(),
            instrument: instrument_id(self.count % INSTRUMENTS),
            spec,
            when_in_doubt: None,
        };
        let id = self.core.book().next_broker_id();
        (Input::Command { token: u64::from(self.count), command: Command::Submit(request) }, id)
    }

    fn acknowledge(&mut self, id: BrokerOrderId) {
        let names = OrderNames {
            broker_order_id: Some(id),
            api_client_id: Some(ApiClientId::new(7)),
            perm_id: Some(PermId::new(i64::from(id.get()) + 1_000)),
            order_ref: None,
        };
        let status = BrokerStatus::Submitted;
        let report = StatusReport { names, status, cum_qty: None, remaining_qty: None, why_held: None };
        let _ = self.take(Input::Broker(BrokerEvent::Status(report)));
    }

    fn finish(&mut self, id: BrokerOrderId) {
        let (text, class) = ("canceled".to_owned(), NoticeClass::Canceled);
        let notice = Notice { broker_order_id: Some(id), code: 202, text, class };
        let _ = self.take(Input::Broker(BrokerEvent::Notice(notice)));
    }

    /// With `finished` ended orders and a thousand working ones.
    fn with(finished: u32) -> Self {
        let mut desk = Self::open();
        for number in 0..finished + WORKING {
            let (input, id) = desk.submit();
            let _ = desk.take(input);
            desk.acknowledge(id);
            if number < finished {
                desk.finish(id);
            }
        }
        assert_eq!(desk.core.book().live_orders().count(), usize::try_from(WORKING).unwrap());
        desk
    }

    /// One decision, timed without making its input and without ending its order again.
    fn timed_submit(&mut self) -> Duration {
        let (input, id) = self.submit();
        let begin = Instant::now();
        let step = black_box(self.take(input));
        let took = begin.elapsed();
        let Some((_, Reply::Order(order))) = step.replies.first() else { return took };
        assert_eq!(order.state, OrderState::PendingNew, "{:?}", order.deny_reason);
        self.finish(id);
        took
    }
}

/// The median and the 99th percentile of both desks, taken in turns so that a noisy machine disturbs both alike.
fn percentiles(desks: [&mut Desk; 2]) -> [(Duration, Duration); 2] {
    let mut took = [const { Vec::new() }; 2];
    let [young, old] = desks;
    for _ in 0..SAMPLES {
        took[0].push(young.timed_submit());
        took[1].push(old.timed_submit());
    }
    took.map(|mut took| {
        took.sort_unstable();
        (took[SAMPLES / 2], took[SAMPLES * 99 / 100])
    })
}

fn decision(criterion: &mut Criterion) {
    let mut young = Desk::with(0);
    let mut old = Desk::with(FINISHED);
    let [(median, high), (median_old, high_old)] = percentiles([&mut young, &mut old]);
    println!("submit decision, {WORKING} working           median {median:?}, 99th percentile {high:?}");
    println!(
        "the same after {FINISHED} finished orders  median {median_old:?}, 99th percentile {high_old:?}"
    );
    println!("ratio {:.2}", median_old.as_secs_f64() / median.as_secs_f64());
    let mut group = criterion.benchmark_group("decision");
    group.measurement_time(Duration::from_secs(3)).sample_size(30);
    group.bench_function("submit_1000_working", |bench| {
        bench.iter_custom(|count| (0..count).map(|_| young.timed_submit()).sum());
    });
    group.bench_function("submit_1000_working_100000_finished", |bench| {
        bench.iter_custom(|count| (0..count).map(|_| old.timed_submit()).sum());
    });
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
