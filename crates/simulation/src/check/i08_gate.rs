//! Gate completeness.

use alphec_model::broker::Ticket;
use alphec_model::{Decimal, OrderType, Verdict as GateVerdict};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

pub(super) struct Gate;

impl Invariant for Gate {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "Each frame that can enlarge exposure has a pass of the gate on record, and its size and price are within the limits in force."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Wire(sent) = scene.sight else { return Ok(()) };
        let (Sent::Place(ticket) | Sent::Replace(ticket)) = sent else { return Ok(()) };
        let Some(intent) = scene.ledger.intent_of(ticket) else { return Ok(()) };
        let verdict = match sent {
            Sent::Place(_) => &intent.verdict,
            _ => intent.changes.last().map_or(&intent.verdict, |change| &change.verdict),
        };
        let key = &intent.order.client_order_id;
        if !verdict.is_pass() || verdict.checks.is_empty() {
            return Err(format!("{key} is sent without a pass of the gate"));
        }
        let limits = &scene.ledger.limits;
        if ticket.spec.order_qty > limits.max_order_qty {
            return Err(format!("{key} is sent with {}, beyond the limit", ticket.spec.order_qty));
        }
        collar(ticket, verdict, limits.price_collar).map_err(|why| format!("{key}: {why}"))
    }
}

/// A plain limit must be near the middle of the market that the verdict was made by.
fn collar(ticket: &Ticket, verdict: &GateVerdict, collar: Decimal) -> Verdict {
    let OrderType::Limit { limit_px } = ticket.spec.order_type else { return Ok(()) };
    let Some(reference) = verdict.quote.and_then(|quote| quote.reference_px()) else {
        return Err("its verdict names no price".to_owned());
    };
    let distance = (limit_px.get() - reference).abs();
    if distance > reference.abs() * collar {
        return Err(format!("{limit_px} is beyond the collar around {reference}"));
    }
    Ok(())
}
