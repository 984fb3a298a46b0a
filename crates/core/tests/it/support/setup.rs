//! What the worlds of these tests are made of: accounts, instruments, limits, terms.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alphec_core::{CoreConfig, Mode};
use alphec_model::instrument::InstrumentParts;
use alphec_model::{
    AccountId, ApiClientId, ClientOrderId, ConId, CorrelationId, Currency, Decimal, Instrument, InstrumentId,
    InstrumentKind, Limits, OrderRequest, OrderSpec, OrderType, Price, Quote, Side, StrategyId, TickRule,
    UtcNanos,
};

pub(crate) const ACCOUNT: &str = "DU1";
pub(crate) const CLIENT: i32 = 7;

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

pub(crate) fn key(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap()
}

pub(crate) fn instrument(text: &str) -> InstrumentId {
    InstrumentId::new(text).unwrap()
}

pub(crate) fn correlation(text: &str) -> CorrelationId {
    CorrelationId::new(text).unwrap()
}

pub(crate) fn px(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The contract id of each instrument of the default profile.
pub(crate) fn con_id(id: &str) -> ConId {
    ConId::new(match id {
        "AAPL" => 265_598,
        "ES" => 495_512_563,
        "EUR.USD" => 12_087_792,
        "SAP" => 14_204,
        other => panic!("no contract id for {other}"),
    })
}

pub(crate) const INSTRUMENTS: [&str; 4] = ["AAPL", "ES", "EUR.USD", "SAP"];

fn make(id: &str, contract: InstrumentKind, currency: Currency, money: &str, tick: &str) -> Instrument {
    Instrument::new(InstrumentParts {
        id: instrument(id),
        symbol: id.into(),
        contract,
        exchange: "SMART".into(),
        currency,
        multiplier: dec(money),
        tick: TickRule::fixed(px(tick)),
        lot: "1".parse().unwrap(),
    })
    .unwrap()
}

fn stock() -> InstrumentKind {
    InstrumentKind::Stock { primary_exchange: None }
}

pub(crate) fn euro() -> Currency {
    "EUR".parse().unwrap()
}

pub(crate) fn limits() -> Limits {
    Limits {
        max_order_qty: "1000".parse().unwrap(),
        max_order_notional: dec("1000000"),
        max_position: "5000".parse().unwrap(),
        max_open_orders: 15,
        price_collar: dec("0.10"),
        max_quote_age_ms: seconds(10),
        max_gross_notional: dec("5000000"),
        max_net_notional: dec("5000000"),
        max_leverage: dec("10"),
        max_account_age_ms: seconds(300),
        max_messages_per_second: 50,
    }
}

pub(crate) fn config() -> CoreConfig {
    let future = InstrumentKind::Future { expiry: "202612".into() };
    let instruments = [
        make("AAPL", stock(), Currency::USD, "1", "0.01"),
        make("ES", future, Currency::USD, "50", "0.25"),
        make("EUR.USD", InstrumentKind::Forex, Currency::USD, "1", "0.00005"),
        make("SAP", stock(), euro(), "1", "0.01"),
    ];
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(CLIENT),
        accounts: BTreeSet::from([account(ACCOUNT)]),
        instruments: instruments.into_iter().map(|one| (one.id().clone(), one)).collect(),
        limits: limits(),
        instrument_limits: BTreeMap::new(),
        rules: Vec::new(),
        ack_timeout: seconds(5),
        resnapshot_after: seconds(3),
        absent_after: Duration::ZERO,
        absent_watch: Duration::ZERO,
        when_in_doubt: alphec_model::WhenInDoubt::CancelProbe,
        restart_windows: Vec::new(),
        reconcile_every: seconds(60),
        messages_per_second: None,
        executions_days: 2,
        orders_max: 1_000,
    }
}

pub(crate) fn spec(side: Side, qty: &str, order_type: OrderType) -> OrderSpec {
    OrderSpec::new(side, qty.parse().unwrap(), order_type).unwrap()
}

pub(crate) fn limit(side: Side, qty: &str, limit_px: &str) -> OrderSpec {
    spec(side, qty, OrderType::Limit { limit_px: px(limit_px) })
}

pub(crate) fn request(name: &str, of: &str, spec: OrderSpec) -> OrderRequest {
    OrderRequest {
        client_order_id: key(name),
        strategy_id: StrategyId::new("mean-reversion").unwrap(),
        correlation_id: correlation("work-1"),
        account: account(ACCOUNT),
        instrument: instrument(of),
        spec,
        when_in_doubt: None,
    }
}

pub(crate) fn quote(bid: &str, ask: &str, at: UtcNanos) -> Quote {
    Quote { bid: Some(px(bid)), ask: Some(px(ask)), last: None, at }
}
