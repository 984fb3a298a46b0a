//! The profile that every world trades with: one paper account, up to four instruments that the gateway lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alphec_core::{CoreConfig, Mode, RuleConfig};
use alphec_model::instrument::InstrumentParts;
use alphec_model::{
    AccountId, ApiClientId, ConId, Currency, Decimal, Instrument, InstrumentKind, LogId, Price, Qty,
    TickRule, UtcNanos,
};

use crate::clock::{Instant, MINUTE};
use crate::plan::Setup;

pub(crate) const ACCOUNT: &str = "DU1234567";
pub(crate) const CLIENT: i32 = 7;
pub(crate) const LOG: &str = "sim";
pub(crate) const RULE: &str = "house";

/// An instrument as both sides know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    symbol: &'static str,
    pub(crate) con_id: i32,
    pub(crate) tick: Decimal,
    expiry: Option<&'static str>,
    multiplier: i64,
    pub(crate) is_forex: bool,
}

const fn stock(name: &'static str, con_id: i32) -> Listed {
    Listed {
        name,
        symbol: name,
        con_id,
        tick: Decimal::from_parts(1, 0, 0, false, 2),
        expiry: None,
        multiplier: 1,
        is_forex: false,
    }
}

/// In the order in which worlds take them in.
pub(crate) const LISTED: [Listed; 4] = [
    stock("AAPL", 265_598),
    Listed {
        name: "ES",
        symbol: "ES",
        con_id: 649_180_695,
        tick: Decimal::from_parts(25, 0, 0, false, 2),
        expiry: Some("20270319"),
        multiplier: 50,
        is_forex: false,
    },
    stock("MSFT", 272_093),
    Listed {
        name: "EUR.USD",
        symbol: "EUR",
        con_id: 12_087_792,
        tick: Decimal::from_parts(5, 0, 0, false, 5),
        expiry: None,
        multiplier: 1,
        is_forex: true,
    },
];

/// A size; sizes of plans are never below zero.
pub(crate) fn qty(value: i64) -> Qty {
    Qty::new(Decimal::from(value)).unwrap_or(Qty::ZERO)
}

pub(crate) fn account() -> AccountId {
    literal(ACCOUNT)
}

pub(crate) fn log_id() -> LogId {
    literal(LOG)
}

/// Reads a name that is written in this crate.
#[expect(clippy::panic, reason = "a literal that cannot be read is a bug of this crate")]
pub(crate) fn literal<T: core::str::FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(value) => value,
        Err(_) => panic!("`{text}` cannot be read"),
    }
}

pub(crate) fn span(nanoseconds: Instant) -> Duration {
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
}

pub(crate) fn instruments(setup: &Setup) -> Vec<Instrument> {
    LISTED.iter().take(usize::from(setup.instruments)).map(instrument).collect()
}

#[expect(clippy::panic, reason = "the four instruments of this crate are well formed")]
fn instrument(listed: &Listed) -> Instrument {
    let contract = match listed.expiry {
        Some(expiry) => InstrumentKind::Future { expiry: expiry.into() },
        None if listed.is_forex => InstrumentKind::Forex,
        None => InstrumentKind::Stock { primary_exchange: None },
    };
    let parts = InstrumentParts {
        id: literal(listed.name),
        symbol: listed.symbol.into(),
        exchange: match (&contract, listed.is_forex) {
            (InstrumentKind::Future { .. }, _) => "CME".into(),
            (_, true) => "IDEALPRO".into(),
            (_, false) => "SMART".into(),
        },
        contract,
        currency: Currency::USD,
        multiplier: Decimal::from(listed.multiplier),
        tick: TickRule::fixed(Price::new(listed.tick).unwrap_or(Price::ZERO)),
        lot: qty(1),
    };
    match Instrument::new(parts) {
        Ok(instrument) => instrument.with_con_id(ConId::new(listed.con_id)),
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn config(setup: &Setup) -> CoreConfig {
    let instruments = instruments(setup);
    let rule = RuleConfig { name: RULE.into(), deadline: Duration::from_millis(100) };
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(CLIENT),
        accounts: BTreeSet::from([account()]),
        instruments: instruments.into_iter().map(|one| (one.id().clone(), one)).collect(),
        limits: setup.limits.clone(),
        instrument_limits: BTreeMap::new(),
        rules: setup.has_rule.then_some(rule).into_iter().collect(),
        ack_timeout: span(setup.ack_timeout),
        resnapshot_after: span(setup.resnapshot_after),
        absent_after: span(setup.absent_after),
        absent_watch: span(absent_watch(setup)),
        messages_per_second: setup.messages_per_second,
        when_in_doubt: setup.when_in_doubt,
        restart_windows: restart_window(setup).into_iter().collect(),
        reconcile_every: span(setup.reconcile_every),
        executions_days: 2,
        orders_max: 100_000,
    }
}

/// How long an order that was proven absent is watched for: longer where it must be absent for longer.
pub(crate) const fn absent_watch(setup: &Setup) -> Instant {
    setup.absent_after.saturating_mul(5).saturating_add(MINUTE)
}

/// When the gateway is to restart, as the profile says it.
pub(crate) fn restart_window(setup: &Setup) -> Option<(UtcNanos, UtcNanos)> {
    let at = |since: Instant| UtcNanos::from_nanos(setup.start.saturating_add(since));
    setup.restart.map(|(from, to)| (at(from), at(to)))
}
