//! No lost order.

use alphec_model::{Evidence, OrderState};
use alphec_twsim::Truth;

use super::ledger::Intent;
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct NoLostOrder;

impl Invariant for NoLostOrder {
    fn number(&self) -> u8 {
        4
    }

    fn sentence(&self) -> &'static str {
        "In the end each intent has one end that the venue agrees with, or works there with what the journal says is left; an exit for what its entry has filled and no exit has closed."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { truth, .. } = scene.sight else { return Ok(()) };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        scene.ledger.intents.values().try_for_each(|intent| judge(intent, truth, scene))
    }
}

fn judge(intent: &Intent, truth: &Truth, scene: &Scene<'_>) -> Verdict {
    let order = &intent.order;
    let key = &order.client_order_id;
    let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
    if scene.ledger.splits(order_ref) > 0 {
        return Ok(());
    }
    let open = truth
        .orders
        .iter()
        .find(|real| real.ended_at.is_none() && *real.report.spec.order_ref == *order_ref)
        .filter(|real| real.report.status.is_working());
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
