//! Kill latch.

use super::{Invariant, Scene, Verdict, reaches};
use crate::sight::Sight;
use crate::wire::Sent;

pub(super) struct KillLatch;

impl Invariant for KillLatch {
    fn number(&self) -> u8 {
        12
    }

    fn sentence(&self) -> &'static str {
        "No frame that can enlarge exposure starts after a kill or halt of its scope is durable, in any life of the process, until a resume is on record."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) = scene.sight else { return Ok(()) };
        let Some(intent) = scene.ledger.intent_of(ticket) else { return Ok(()) };
        let order = &intent.order;
        match scene.ledger.halts.keys().find(|scope| reaches(scope, order)) {
            Some(scope) => Err(format!("{} is sent while {scope} is halted", order.client_order_id)),
            None => Ok(()),
        }
    }
}
