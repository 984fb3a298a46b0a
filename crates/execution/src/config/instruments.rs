//! Instruments of a profile: which keys each kind needs, and which it has no use for.

use alphec_model::instrument::InstrumentParts;
use alphec_model::{Decimal, Instrument, InstrumentError, InstrumentId, InstrumentKind, TickRule};
use serde::Deserialize;

use super::de::Fault;
use super::text::{InstrumentText, KindText, TickText};
use super::tree::{Node, Value};

type Checked<T> = Result<T, Fault>;

/// Adds what an instrument may leave out.
pub(super) fn derive(tree: &mut Node) {
    let Some(instruments) = tree.child("instruments").and_then(Node::table) else { return };
    let tables = instruments.iter().filter(|(_, node)| node.table().is_some());
    let kinds: Vec<(String, Option<KindText>)> = tables
        .map(|(key, node)| {
            (key.clone(), node.child("kind").and_then(|kind| KindText::deserialize(kind).ok()))
        })
        .collect();
    for (key, kind) in kinds {
        let mut put = |name: &str, value| tree.put_default(&["instruments", &key, name], value);
        put("symbol", Value::Text(key.clone()));
        put("lot", Value::Text("1".to_owned()));
        if matches!(kind, Some(KindText::Stock | KindText::Forex)) {
            put("multiplier", Value::Text("1".to_owned()));
        }
    }
}

/// Checks one.
pub(super) fn instrument(id: &InstrumentId, text: &InstrumentText) -> Checked<Instrument> {
    for (key, value) in [("symbol", &text.symbol), ("exchange", &text.exchange)] {
        if value.trim().is_empty() || value.trim() != value {
            return Err(Fault::at(key, "it is empty or has spaces around it; write it as TWS shows it"));
        }
    }
    let contract = contract(text)?;
    let multiplier = text.multiplier.ok_or_else(|| Fault::missing("multiplier"))?;
    if matches!(text.kind, KindText::Stock | KindText::Forex) && multiplier != Decimal::ONE {
        return Err(Fault::at("multiplier", "of a stock or forex pair it is 1; leave it out"));
    }
    let parts = InstrumentParts {
        id: id.clone(),
        symbol: text.symbol.as_str().into(),
        contract,
        exchange: text.exchange.as_str().into(),
        currency: text.currency,
        multiplier,
        tick: tick(&text.tick)?,
        lot: text.lot,
    };
    Instrument::new(parts).map_err(|error| {
        let key = match &error {
            InstrumentError::NotPositive { what, .. } => what,
            InstrumentError::BadExpiry { .. } => "expiry",
            _ => "tick",
        };
        Fault::at(key, error.to_string())
    })
}

fn tick(text: &TickText) -> Checked<TickRule> {
    let rule = match text {
        TickText::Fixed(tick) => TickRule::fixed(*tick),
        TickText::Ladder(steps) => TickRule::ladder(steps.clone()),
    };
    let steps = match text {
        TickText::Fixed(tick) => std::slice::from_ref(tick).to_vec(),
        TickText::Ladder(steps) => steps.iter().map(|(_, tick)| *tick).collect(),
    };
    match steps.iter().find(|tick| tick.get() <= Decimal::ZERO) {
        Some(tick) => Err(Fault::at("tick", format!("{tick} is no tick; it must be above zero"))),
        None => Ok(rule),
    }
}

/// The kind with what only it has; refuses what belongs to another.
fn contract(text: &InstrumentText) -> Checked<InstrumentKind> {
    let given = [
        ("primary_exchange", text.primary_exchange.is_some()),
        ("expiry", text.expiry.is_some()),
        ("strike", text.strike.is_some()),
        ("right", text.right.is_some()),
    ];
    let (kind, used): (_, &[&str]) = match text.kind {
        KindText::Stock => ("a stock", &["primary_exchange"]),
        KindText::Future => ("a future", &["expiry"]),
        KindText::Option => ("an option", &["expiry", "strike", "right"]),
        KindText::Forex => ("a forex pair", &[]),
    };
    if let Some((key, _)) = given.iter().find(|(key, is_given)| *is_given && !used.contains(key)) {
        return Err(Fault::at(key, format!("{kind} has none; leave it out")));
    }
    Ok(match text.kind {
        KindText::Stock => {
            InstrumentKind::Stock { primary_exchange: text.primary_exchange.as_deref().map(Into::into) }
        }
        KindText::Future => InstrumentKind::Future { expiry: expiry(text, &[6, 8])?.into() },
        KindText::Option => {
            let strike = text.strike.ok_or_else(|| Fault::missing("strike"))?;
            if strike.get() <= Decimal::ZERO {
                return Err(Fault::at("strike", format!("{strike} is no strike; it must be above zero")));
            }
            let right = text.right.ok_or_else(|| Fault::missing("right"))?;
            InstrumentKind::Option { expiry: expiry(text, &[8])?.into(), strike, right }
        }
        KindText::Forex => {
            if text.symbol.parse::<alphec_model::Currency>().is_err() || text.symbol == text.currency.as_str()
            {
                let why =
                    "of a forex pair this is the base currency, as in symbol = \"EUR\", currency = \"USD\"";
                return Err(Fault::at("symbol", why));
            }
            InstrumentKind::Forex
        }
    })
}

fn expiry<'a>(text: &'a InstrumentText, lengths: &[usize]) -> Checked<&'a str> {
    let expiry = text.expiry.as_deref().ok_or_else(|| Fault::missing("expiry"))?;
    let number = |from, to| expiry.get(from..to).and_then(|digits| digits.parse::<u8>().ok());
    let is_month = number(4, 6).is_some_and(|month| (1..=12).contains(&month));
    let is_day = expiry.len() == 6 || number(6, 8).is_some_and(|day| (1..=31).contains(&day));
    let is_digits = expiry.bytes().all(|byte| byte.is_ascii_digit());
    if lengths.contains(&expiry.len()) && is_digits && is_month && is_day {
        return Ok(expiry);
    }
    let form = if lengths.contains(&6) { "YYYYMM or YYYYMMDD" } else { "YYYYMMDD" };
    Err(Fault::at("expiry", format!("{expiry:?} is no expiry; write {form}")))
}

/// Whether two are one contract at the broker under two names of ours, as far as can be told here.
pub(super) fn is_same_contract(one: &Instrument, other: &Instrument) -> bool {
    let same_listing = match (one.kind(), other.kind()) {
        (InstrumentKind::Stock { primary_exchange: a }, InstrumentKind::Stock { primary_exchange: b }) => {
            a.is_none() || b.is_none() || a == b
        }
        (InstrumentKind::Future { .. }, InstrumentKind::Future { .. }) => {
            one.kind() == other.kind() && one.exchange() == other.exchange()
        }
        (a, b) => a == b,
    };
    same_listing && one.symbol() == other.symbol() && one.currency() == other.currency()
}
