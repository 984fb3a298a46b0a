//! The rarer terms of an order, from what a client wrote.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::combination::leg_terms;
use crate::venue::{Extra, Oca, OcaKind, Refusal, UtcNs};
use crate::wire::{Contract, Order, parse_stamp};

/// `None` when the order has none of them.
pub(super) fn extra(order: &Order, contract: &Contract) -> Result<Option<Arc<Extra>>, Refusal> {
    let extra = Extra {
        oca: oca(order)?,
        good_after: good_after(order)?,
        all_or_none: order.all_or_none.unwrap_or(false),
        min_quantity: min_quantity(order)?,
        hidden: order.hidden.unwrap_or(false),
        legs: leg_terms(order, contract)?,
    };
    Ok((extra != Extra::default()).then(|| Arc::new(extra)))
}

/// A type without a group means nothing.
fn oca(order: &Order) -> Result<Option<Oca>, Refusal> {
    let Some(group) = order.oca_group.as_deref().filter(|group| !group.is_empty()) else { return Ok(None) };
    let number = order.oca_type.unwrap_or(0);
    match OcaKind::of_number(number) {
        Some(kind) => Ok(Some(Oca { group: group.into(), kind })),
        None => Err(Refusal::Invalid(format!("Invalid OCA type '{number}'"))),
    }
}

fn good_after(order: &Order) -> Result<Option<UtcNs>, Refusal> {
    match order.good_after_time.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => parse_stamp(text).map(Some).ok_or_else(|| Refusal::BadTime(text.to_owned())),
    }
}

/// Zero is how some clients say nothing.
fn min_quantity(order: &Order) -> Result<Option<Decimal>, Refusal> {
    match order.min_qty {
        None | Some(0) => Ok(None),
        Some(least) if least > 0 => Ok(Some(least.into())),
        Some(least) => Err(Refusal::Invalid(format!("Invalid minimum quantity '{least}'"))),
    }
}
