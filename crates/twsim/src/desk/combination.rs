//! Combinations, from what a client wrote about them.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Desk;
use super::convert::given;
use super::meet::Arriving;
use crate::faults::Knob;
use crate::venue::{
    Apart, CombinationProblem, Instrument, LegSpec, LegTerms, OrderKind, Refusal, SecType, Side, UtcNs,
};
use crate::wire::{ComboLeg, Contract, Order, decimal_from_double};

/// The parameter by which a client lets the legs fill on their own.
const NON_GUARANTEED: &str = "NonGuaranteed";

/// True for a contract that is described by its legs.
pub(super) fn is_combination(query: &Contract) -> bool {
    given(&query.sec_type) == Some(SecType::Bag.as_str())
}

impl Desk {
    /// Known by its legs, or without them by the contract id that the gateway gave it.
    pub(super) fn combination(&mut self, now: UtcNs, query: &Contract) -> Result<Arc<Instrument>, Refusal> {
        if query.combo_legs.is_empty() {
            let known = query.con_id.and_then(|con_id| self.venue.instrument(con_id));
            return match known.filter(|instrument| instrument.is_combination()) {
                Some(instrument) => Ok(Arc::clone(instrument)),
                None => Err(Refusal::Combination(CombinationProblem::NoLegs)),
            };
        }
        let legs: Result<Vec<LegSpec>, Refusal> =
            query.combo_legs.iter().enumerate().map(|(at, leg)| leg_spec(at, leg)).collect();
        let instrument = self.venue.combination(now, given(&query.symbol).unwrap_or_default(), &legs?)?;
        match given(&query.currency) {
            Some(wanted) if wanted != instrument.currency => {
                Err(Refusal::Combination(CombinationProblem::Currencies))
            }
            Some(_) | None => Ok(instrument),
        }
    }

    /// Lets the legs of an order fill on their own, where the order allows it and a fault wants it.
    pub(super) fn part_legs(&mut self, now: UtcNs, order: &mut Arriving) {
        let Ok(spec) = &mut order.spec else { return };
        if !spec.is_non_guaranteed() {
            return;
        }
        let Some(fault) = self.marks_con(now, Knob::LegsApart, order.key, spec.con_id) else { return };
        let legs = match fault.int("legs") {
            0 => usize::MAX,
            some => usize::try_from(some).unwrap_or(usize::MAX),
        };
        let apart = Apart { by: fault.span("by"), legs };
        if let Some(terms) = spec.extra.as_mut().and_then(|extra| Arc::make_mut(extra).legs.as_mut()) {
            terms.apart = Some(apart);
        }
    }
}

fn leg_spec(at: usize, leg: &ComboLeg) -> Result<LegSpec, Refusal> {
    let problem = || Refusal::Combination(CombinationProblem::Leg(at + 1));
    let side = match leg.action.as_deref().unwrap_or_default() {
        "BUY" => Side::Buy,
        "SELL" | "SSHORT" => Side::Sell,
        _ => return Err(problem()),
    };
    let ratio = leg.ratio.and_then(|ratio| u32::try_from(ratio).ok()).ok_or_else(problem)?;
    Ok(LegSpec { con_id: leg.con_id.unwrap_or(0), ratio, side })
}

/// What an order says about the legs of its combination; `None` where it says nothing.
pub(super) fn leg_terms(order: &Order, contract: &Contract) -> Result<Option<LegTerms>, Refusal> {
    if !is_combination(contract) {
        return Ok(None);
    }
    let mut limits = Vec::new();
    for (at, leg) in contract.combo_legs.iter().enumerate() {
        let Some(price) = leg.per_leg_price else { continue };
        let problem = Refusal::Combination(CombinationProblem::Leg(at + 1));
        limits.push((leg.con_id.unwrap_or(0), decimal_from_double(price).ok_or(problem)?));
    }
    let terms = LegTerms { limits, non_guaranteed: is_non_guaranteed(order)?, apart: None };
    Ok((terms != LegTerms::default()).then_some(terms))
}

fn is_non_guaranteed(order: &Order) -> Result<bool, Refusal> {
    let parameters = &order.smart_combo_routing_params;
    let named = parameters.iter().find(|it| it.tag.as_deref() == Some(NON_GUARANTEED));
    match named.map(|it| it.value.as_deref().unwrap_or_default()) {
        None | Some("0") => Ok(false),
        Some("1") => Ok(true),
        Some(other) => Err(Refusal::Invalid(format!("Invalid value '{other}' of {NON_GUARANTEED}"))),
    }
}

/// A limit order without a price of its own, but with one for every leg, has the price that they come to.
pub(super) fn priced_by_legs(order: &Order, contract: &Contract, of: &Instrument) -> Option<OrderKind> {
    if order.order_type.as_deref() != Some("LMT") || order.lmt_price.is_some() || of.legs.is_empty() {
        return None;
    }
    let mut limit = Decimal::ZERO;
    for leg in &of.legs {
        let named = contract.combo_legs.iter().find(|it| it.con_id == Some(leg.spec.con_id))?;
        let price = decimal_from_double(named.per_leg_price?)?;
        limit += leg.spec.side.signed(price * leg.weight);
    }
    Some(OrderKind::Limit { limit })
}
