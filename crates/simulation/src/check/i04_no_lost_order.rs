//! No lost order.

use alphec_model::{Evidence, OrderState};
use alphec_twsim::{OrderTruth, Truth};

use super::ledger::Intent;
use super::{Invariant, Scene, Verdict, is_open};
use crate::sight::Sight;

pub(super) struct NoLostOrder;

impl Invariant for NoLostOrder {
    fn number(&self) -> u8 {
        4
    }

    fn sentence(&self) -> &'static str {
        "In the end each intent has one end that the venue agrees with, or works there with what the journal says is left; an exit for what its entry has filled and no exit has closed. What works besides, of an earlier attempt or a second life, is on record with the orders of others."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { truth, .. } = scene.sight else { return Ok(()) };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        scene.ledger.intents.values().try_for_each(|intent| judge(intent, truth, scene))?;
        truth.orders.iter().filter(|order| works(order)).try_for_each(|order| counts(order, scene))
    }
}

fn works(order: &OrderTruth) -> bool {
    order.ended_at.is_none() && is_open(&order.report)
}

/// Whether an order of ours that works there is the one that the book has, or another one on record.
fn counts(real: &OrderTruth, scene: &Scene<'_>) -> Verdict {
    let (order_ref, perm_id) = (&*real.report.spec.order_ref, real.report.perm_id);
    let key = scene.ledger.by_ref.get(order_ref);
    let Some(intent) = key.and_then(|key| scene.ledger.intents.get(key)) else { return Ok(()) };
    let order = &intent.order;
    let is_current = order.order_ref.as_ref().is_some_and(|text| text.as_str() == order_ref);
    let is_its_life =
        scene.ledger.splits(order_ref) == 0 || order.perm_id.is_some_and(|it| it.get() == perm_id);
    let is_live = !order.state.is_terminal() || matches!(intent.evidence, Some(Evidence::Operator { .. }));
    if is_current && is_its_life && is_live || scene.ledger.is_foreign_open(perm_id) {
        return Ok(());
    }
    Err(format!("perm id {perm_id} of {} works, the book has it as {}", order.client_order_id, order.state))
}

fn judge(intent: &Intent, truth: &Truth, scene: &Scene<'_>) -> Verdict {
    let order = &intent.order;
    let key = &order.client_order_id;
    let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
    if scene.ledger.splits(order_ref) > 0 {
        return Ok(());
    }
    let open = truth.orders.iter().find(|real| works(real) && *real.report.spec.order_ref == *order_ref);
    match (order.state, open) {
        (OrderState::Working, Some(real)) => {
            let left = order.spec.order_qty.saturating_sub(order.cum_qty).get();
            let is_changing = order.pending.replace.is_some();
            let is_told = is_changing || scene.ledger.was_corrected(order_ref);
            if real.report.remaining == left
                || is_told
                || scene.ledger.works_for(intent, real.report.remaining)
            {
                return Ok(());
            }
            Err(format!("{key} works with {} left at the venue and {left} on record", real.report.remaining))
        }
        (OrderState::Working | OrderState::PendingNew | OrderState::Staged, None) => {
            Err(format!("{key} is {} on record and nowhere at the venue", order.state))
        }
        (OrderState::InDoubt, None) if scene.ledger.is_beyond_proof(intent) => Ok(()),
        (OrderState::InDoubt | OrderState::PendingNew | OrderState::Staged, _) => {
            Err(format!("{key} is still {} in the end", order.state))
        }
        (state, Some(real)) if !matches!(intent.evidence, Some(Evidence::Operator { .. })) => {
            Err(format!("{key} is {state} on record and {} at the venue", real.report.status))
        }
        _ => Ok(()),
    }
}
