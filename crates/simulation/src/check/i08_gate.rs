//! Gate completeness.

use alphec_model::broker::Ticket;
use alphec_model::{Decimal, OrderType, Side, Verdict as GateVerdict};

use super::ledger::{Intent, Ledger};
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

pub(super) struct Gate;

impl Invariant for Gate {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "Each frame that can enlarge exposure has a pass of the gate on record, and with every open and unknown order at its worst stays within the limits in force."
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
        collar(ticket, verdict, limits.price_collar).map_err(|why| format!("{key}: {why}"))?;
        position(intent, scene)?;
        open_orders(intent, scene)
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

/// The worst position that its side can lead to.
fn position(intent: &Intent, scene: &Scene<'_>) -> Verdict {
    let order = &intent.order;
    let held = scene.ledger.positions.get(order.instrument.as_str()).copied().unwrap_or_default();
    let others = scene.ledger.live().filter(|other| {
        other.order.instrument == order.instrument && other.order.spec.side == order.spec.side
    });
    // What one exit has filled, its siblings cannot fill any more, although they live until the broker says so.
    let leaves =
        Ledger::worst(others.map(|other| (&other.order, scene.ledger.leaves_beside_exits(&other.order))));
    let worst = if order.spec.side == Side::Buy { held + leaves } else { leaves - held };
    let limit = scene.ledger.limits.max_position.get();
    // A change that makes nothing larger passes beyond the limit too, as does what a fill came after.
    let is_growing = intent.changes.is_empty();
    if worst > limit && is_growing && scene.ledger.seq == scene.ledger.handed && !scene.ledger.has_moved() {
        return Err(format!("{} can lead to {worst}, the limit is {limit}", order.client_order_id));
    }
    Ok(())
}

fn open_orders(intent: &Intent, scene: &Scene<'_>) -> Verdict {
    let order = &intent.order;
    let open = scene
        .ledger
        .live()
        .filter(|other| {
            other.order.instrument == order.instrument && other.order.spec.side == order.spec.side
        })
        .filter(|other| other.order.created_at <= order.created_at)
        .count();
    let limit = usize::try_from(scene.ledger.limits.max_open_orders).unwrap_or(usize::MAX);
    if open > limit && intent.changes.is_empty() && !scene.ledger.has_moved() {
        return Err(format!(
            "{} is open order {open} of its side, the limit is {limit}",
            order.client_order_id
        ));
    }
    Ok(())
}
