//! Cancels are always allowed: and arrive.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct InTheEnd;

impl Invariant for InTheEnd {
    fn number(&self) -> u8 {
        13
    }

    fn sentence(&self) -> &'static str {
        "In the end no order works at the venue for which a cancel is on record and no answer to it."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { .. } = scene.sight else { return Ok(()) };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        for intent in scene.ledger.live() {
            let order = &intent.order;
            let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
            let is_asked = order.pending.cancel_asked_at.is_some();
            if is_asked && scene.ledger.is_open(order_ref) && scene.ledger.splits(order_ref) == 0 {
                return Err(format!(
                    "the cancel of {} is on record and the order works",
                    order.client_order_id
                ));
            }
        }
        Ok(())
    }
}
