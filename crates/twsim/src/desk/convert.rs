//! From what a client wrote to what the venue understands. Anything unclear is refused with the broker's own
//! code, nothing is guessed.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Desk;
use crate::venue::{Instrument, OrderKind, OrderSpec, Refusal, Right, Side, TimeInForce, Venue};
use crate::wire::{ContractQuery, PlaceOrder, decimal_from_double, decimal_from_text, parse_stamp};

impl Desk {
    /// The instrument a query means, when it means exactly one.
    pub(super) fn resolve(&self, query: &ContractQuery) -> Result<Arc<Instrument>, Refusal> {
        let found = find(&self.venue, query);
        match found.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] | [_, ..] => Err(Refusal::UnknownContract),
        }
    }

    pub(super) fn order_spec(&self, order: &PlaceOrder) -> Result<OrderSpec, Refusal> {
        if order.what_if {
            return Err(Refusal::Invalid("what-if orders are not supported by the simulator".to_owned()));
        }
        let instrument = self.resolve(&order.contract)?;
        let side = match order.action.as_str() {
            "BUY" => Side::Buy,
            "SELL" | "SSHORT" => Side::Sell,
            other => return Err(Refusal::Invalid(format!("Invalid action '{other}'"))),
        };
        let quantity = decimal_from_text(order.quantity.as_deref())
            .map_err(|text| Refusal::Unreadable(format!("totalQuantity '{text}'")))?
            .unwrap_or(Decimal::ZERO);
        let exchange: &str =
            if order.contract.exchange.is_empty() { &instrument.exchange } else { &order.contract.exchange };
        Ok(OrderSpec {
            con_id: instrument.con_id,
            exchange: exchange.into(),
            account: self.account_for(&order.account)?,
            side,
            quantity,
            kind: order_kind(order)?,
            tif: time_in_force(order)?,
            order_ref: order.order_ref.as_str().into(),
            parent_id: order.parent_id,
            transmit: order.transmit,
            outside_rth: order.outside_rth,
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

/// All instruments a query matches, in listing order.
pub(super) fn find<'a>(venue: &'a Venue, query: &ContractQuery) -> Vec<&'a Arc<Instrument>> {
    if query.con_id != 0 {
        return venue.instrument(query.con_id).into_iter().collect();
    }
    if query.symbol.is_empty() && query.local_symbol.is_empty() {
        return Vec::new();
    }
    venue.instruments().filter(|instrument| matches(instrument, query)).collect()
}

fn matches(instrument: &Instrument, query: &ContractQuery) -> bool {
    let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
    let strike = decimal_from_double(query.strike).filter(|strike| !strike.is_zero());
    let right = match query.right.as_str() {
        "C" | "CALL" => Some(Right::Call),
        "P" | "PUT" => Some(Right::Put),
        _ => None,
    };
    fits(&query.symbol, &instrument.symbol)
        && fits(&query.local_symbol, &instrument.local_symbol)
        && fits(&query.sec_type, instrument.sec_type.as_str())
        && fits(&query.currency, &instrument.currency)
        && instrument.expiry.starts_with(&query.expiry)
        && (strike.is_none() || strike == instrument.strike)
        && (right.is_none() || right == instrument.right)
        && (query.exchange == "SMART"
            || fits(&query.exchange, &instrument.exchange)
            || query.exchange == instrument.primary_exchange)
}

fn order_kind(order: &PlaceOrder) -> Result<OrderKind, Refusal> {
    let price = |field: Option<f64>, name: &str| {
        field.and_then(decimal_from_double).ok_or_else(|| {
            Refusal::Invalid(format!("{name} is required for order type {}", order.order_type))
        })
    };
    match order.order_type.as_str() {
        "MKT" => Ok(OrderKind::Market),
        "LMT" => Ok(OrderKind::Limit { limit: price(order.limit_price, "Limit price")? }),
        "STP" => Ok(OrderKind::Stop { stop: price(order.aux_price, "Stop price")? }),
        "STP LMT" | "STPLMT" => Ok(OrderKind::StopLimit {
            stop: price(order.aux_price, "Stop price")?,
            limit: price(order.limit_price, "Limit price")?,
        }),
        other => Err(Refusal::UnsupportedKind(other.to_owned())),
    }
}

fn time_in_force(order: &PlaceOrder) -> Result<TimeInForce, Refusal> {
    match order.tif.as_str() {
        "" | "DAY" => Ok(TimeInForce::Day),
        "GTC" => Ok(TimeInForce::Gtc),
        "IOC" => Ok(TimeInForce::Ioc),
        "FOK" => Ok(TimeInForce::Fok),
        "GTD" => parse_stamp(&order.good_till_date)
            .map(TimeInForce::Gtd)
            .ok_or_else(|| Refusal::BadTime(order.good_till_date.clone())),
        other => Err(Refusal::Invalid(format!("Invalid time in force '{other}'"))),
    }
}
