//! Intent before wire.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

pub(super) struct IntentBeforeWire;

impl Invariant for IntentBeforeWire {
    fn number(&self) -> u8 {
        1
    }

    fn sentence(&self) -> &'static str {
        "Before the first byte of a frame that can create or enlarge an order, its intent is durable: the same \
         reference, the same terms, the same id."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Wire(sent) = scene.sight else { return Ok(()) };
        let (Sent::Place(ticket) | Sent::Replace(ticket)) = sent else { return Ok(()) };
        let id = ticket.broker_order_id;
        let intent = scene.ledger.intent_of(ticket).ok_or(format!("order {id} is sent without an intent"))?;
        if intent.order.broker_order_id != Some(id) {
            return Err(format!("order {id} is sent, and its intent has another id"));
        }
        let is_recorded = match sent {
            Sent::Place(_) => ticket.spec == intent.order.spec,
            _ => intent.changes.last().is_some_and(|change| change.spec == ticket.spec && !change.is_over),
        };
        if is_recorded {
            Ok(())
        } else {
            Err(format!("order {id} is sent with terms that are not on record"))
        }
    }
}
