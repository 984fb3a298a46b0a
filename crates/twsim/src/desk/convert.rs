//! From what a client wrote to what the venue understands. Anything unclear is refused with the broker's own
//! code, nothing is guessed; what the venue has no use for is carried along.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Desk;
use super::combination::{is_combination, priced_by_legs};
use super::extra::extra;
use crate::venue::{
    Instrument, OrderKind, OrderSpec, Refusal, Right, Side, TimeInForce, TrailBy, UtcNs, Venue,
};
use crate::wire::{Contract, Order, PlaceOrder, decimal_from_double, decimal_from_text, parse_stamp};

impl Desk {
    /// The instrument a query means, when it means exactly one. A combination is listed when it is first named.
    pub(super) fn resolve(&mut self, now: UtcNs, query: &Contract) -> Result<Arc<Instrument>, Refusal> {
        if is_combination(query) {
            return self.combination(now, query);
        }
        let found = find(&self.venue, query)?;
        match found.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] | [_, ..] => Err(Refusal::UnknownContract),
        }
    }

    pub(super) fn order_spec(&mut self, now: UtcNs, placed: &PlaceOrder) -> Result<OrderSpec, Refusal> {
        let order = &placed.order;
        if order.what_if != Some(true) && order.what_if_type.is_some_and(|kind| kind != 0) {
            return Err(Refusal::Invalid("A what-if type needs a what-if order".to_owned()));
        }
        let instrument = self.resolve(now, &placed.contract)?;
        let quantity = decimal_from_text(order.total_quantity.as_deref())
            .map_err(|text| Refusal::Unreadable(format!("totalQuantity '{text}'")))?
            .unwrap_or(Decimal::ZERO);
        let exchange = given(&placed.contract.exchange).unwrap_or(&instrument.exchange);
        Ok(OrderSpec {
            con_id: instrument.con_id,
            exchange: exchange.into(),
            account: self.account_for(order.account.as_deref().unwrap_or_default())?,
            side: side(order)?,
            quantity,
            kind: priced_by_legs(order, &placed.contract, &instrument)
                .map_or_else(|| order_kind(order), Ok)?,
            tif: time_in_force(order)?,
            order_ref: order.order_ref.as_deref().unwrap_or_default().into(),
            parent_id: order.parent_id.unwrap_or(0),
            // An absent flag means no: both dialects leave it out, or write 0, for a parked order.
            transmit: order.transmit.unwrap_or(false),
            outside_rth: order.outside_rth.unwrap_or(false),
            extra: extra(order, &placed.contract)?,
            carried: placed.carried(),
        })
    }

    /// The account named, or the only one there is.
    pub(super) fn account_for(&self, named: &str) -> Result<Arc<str>, Refusal> {
        if !named.is_empty() {
            let known = self.venue.account(named).map(|account| Arc::clone(&account.id));
            return known.ok_or_else(|| Refusal::Invalid(format!("Invalid account code '{named}'.")));
        }
        let mut accounts = self.venue.accounts();
        match (accounts.next(), accounts.next()) {
            (Some(only), None) => Ok(Arc::clone(&only.id)),
            _ => Err(Refusal::AccountRequired),
        }
    }
}

/// All instruments a query matches, in listing order. An unknown word in it is refused, not ignored.
pub(super) fn find<'a>(venue: &'a Venue, query: &Contract) -> Result<Vec<&'a Arc<Instrument>>, Refusal> {
    let right = right(query)?;
    known_sec_type(query)?;
    if let Some(con_id) = query.con_id.filter(|id| *id != 0) {
        return Ok(venue.instrument(con_id).into_iter().collect());
    }
    if given(&query.symbol).is_none() && given(&query.local_symbol).is_none() {
        return Ok(Vec::new());
    }
    Ok(venue.instruments().filter(|instrument| matches(instrument, query, right)).collect())
}

fn matches(instrument: &Instrument, query: &Contract, right: Option<Right>) -> bool {
    let fits = |wanted: &Option<String>, have: &str| given(wanted).is_none_or(|wanted| wanted == have);
    let strike = query.strike.and_then(decimal_from_double).filter(|strike| !strike.is_zero());
    let exchange = given(&query.exchange);
    fits(&query.symbol, &instrument.symbol)
        && fits(&query.local_symbol, &instrument.local_symbol)
        && fits(&query.sec_type, instrument.sec_type.as_str())
        && fits(&query.currency, &instrument.currency)
        && given(&query.last_trade_date_or_contract_month)
            .is_none_or(|wanted| instrument.expiry.starts_with(wanted))
        && (strike.is_none() || strike == instrument.strike)
        && (right.is_none() || right == instrument.right)
        && exchange.is_none_or(|wanted| {
            wanted == "SMART" || wanted == instrument.exchange || wanted == instrument.primary_exchange
        })
}

/// A text that says something.
pub(super) fn given(field: &Option<String>) -> Option<&str> {
    field.as_deref().filter(|text| !text.is_empty())
}

/// `0` and `?` are what clients and gateways write for "none".
fn right(query: &Contract) -> Result<Option<Right>, Refusal> {
    match given(&query.right).unwrap_or_default() {
        "" | "0" | "?" => Ok(None),
        "C" | "CALL" => Ok(Some(Right::Call)),
        "P" | "PUT" => Ok(Some(Right::Put)),
        other => Err(Refusal::Invalid(format!("Invalid right '{other}'"))),
    }
}

/// Security types of the API; those the venue does not list find nothing, any other word is an error.
const SEC_TYPES: [&str; 16] = [
    "STK", "OPT", "FUT", "IND", "FOP", "CASH", "BAG", "WAR", "BOND", "CMDTY", "NEWS", "FUND", "CFD",
    "CRYPTO", "CONTFUT", "EVENT",
];

fn known_sec_type(query: &Contract) -> Result<(), Refusal> {
    match given(&query.sec_type) {
        None => Ok(()),
        Some(word) if SEC_TYPES.contains(&word) => Ok(()),
        Some(other) => Err(Refusal::Invalid(format!("Invalid security type '{other}'"))),
    }
}

fn side(order: &Order) -> Result<Side, Refusal> {
    match order.action.as_deref().unwrap_or_default() {
        "BUY" => Ok(Side::Buy),
        "SELL" | "SSHORT" => Ok(Side::Sell),
        other => Err(Refusal::Invalid(format!("Invalid action '{other}'"))),
    }
}

fn order_kind(order: &Order) -> Result<OrderKind, Refusal> {
    let word = order.order_type.as_deref().unwrap_or_default();
    let price = |field: Option<f64>, name: &str| {
        field
            .and_then(decimal_from_double)
            .ok_or_else(|| Refusal::Invalid(format!("{name} is required for order type {word}")))
    };
    match word {
        "MKT" => Ok(OrderKind::Market),
        "LMT" => Ok(OrderKind::Limit { limit: price(order.lmt_price, "Limit price")? }),
        "STP" => Ok(OrderKind::Stop { stop: price(order.aux_price, "Stop price")? }),
        "STP LMT" | "STPLMT" => Ok(OrderKind::StopLimit {
            stop: price(order.aux_price, "Stop price")?,
            limit: price(order.lmt_price, "Limit price")?,
        }),
        "MIT" => Ok(OrderKind::IfTouched { touch: price(order.aux_price, "Trigger price")? }),
        "LIT" => Ok(OrderKind::LimitIfTouched {
            touch: price(order.aux_price, "Trigger price")?,
            limit: price(order.lmt_price, "Limit price")?,
        }),
        "MOC" => Ok(OrderKind::MarketOnClose),
        "LOC" => Ok(OrderKind::LimitOnClose { limit: price(order.lmt_price, "Limit price")? }),
        "MTL" => Ok(OrderKind::MarketToLimit { limit: set(order.lmt_price) }),
        "TRAIL" => Ok(OrderKind::Trail { by: trail_by(order)?, stop: set(order.trail_stop_price) }),
        "TRAIL LIMIT" | "TRAILLMT" => trail_limit(order),
        other => Err(Refusal::UnsupportedKind(other.to_owned())),
    }
}

/// A price that says something: some clients write zero for nothing.
fn set(field: Option<f64>) -> Option<Decimal> {
    field.and_then(decimal_from_double).filter(|price| !price.is_zero())
}

fn trail_by(order: &Order) -> Result<TrailBy, Refusal> {
    match (set(order.aux_price), set(order.trailing_percent)) {
        (Some(amount), None) => Ok(TrailBy::Amount(amount)),
        (None, Some(percent)) => Ok(TrailBy::Percent(percent)),
        (Some(_), Some(_)) | (None, None) => Err(one_value("trailing amount or trailing percent")),
    }
}

/// The limit trails too, so it is kept as its distance from the stop.
fn trail_limit(order: &Order) -> Result<OrderKind, Refusal> {
    let stop = set(order.trail_stop_price);
    let offset = order.lmt_price_offset.and_then(decimal_from_double);
    let offset = match (offset, set(order.lmt_price), side(order)?) {
        (Some(offset), None, Side::Buy) => offset,
        (Some(offset), None, Side::Sell) => -offset,
        (None, Some(limit), _) => {
            let needed = || Refusal::Invalid("A limit price that trails needs a stop price".to_owned());
            limit - stop.ok_or_else(needed)?
        }
        (Some(_), Some(_), _) | (None, None, _) => {
            return Err(one_value("limit price or limit price offset value"));
        }
    };
    Ok(OrderKind::TrailLimit { by: trail_by(order)?, stop, offset })
}

fn one_value(of: &str) -> Refusal {
    Refusal::Invalid(format!("You must specify one value: {of}."))
}

fn time_in_force(order: &Order) -> Result<TimeInForce, Refusal> {
    match order.tif.as_deref().unwrap_or_default() {
        "" | "DAY" => Ok(TimeInForce::Day),
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        "OPG" => Ok(TimeInForce::Opg),
        "GTD" => {
            let until = order.good_till_date.as_deref().unwrap_or_default();
            parse_stamp(until).map(TimeInForce::Gtd).ok_or_else(|| Refusal::BadTime(until.to_owned()))
        }
        other => Err(Refusal::Invalid(format!("Invalid time in force '{other}'"))),
    }
}
