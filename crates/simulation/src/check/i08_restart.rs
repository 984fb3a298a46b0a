//! Gate: the restart of the gateway.

use std::time::Duration;

use alphec_model::UtcNanos;

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

/// How long after its decision a frame may leave.
const SEND_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Restart;

impl Invariant for Restart {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "No order and no change is decided, by the process's own clock, while the profile says that the gateway restarts."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) = scene.sight else { return Ok(()) };
        let has_come = |at: UtcNanos| at.saturating_add(SEND_WITHIN) <= ticket.send_by;
        if scene.ledger.restart.is_some_and(|(from, to)| has_come(from) && !has_come(to)) {
            return Err(format!("order {} left in the restart window", ticket.broker_order_id));
        }
        Ok(())
    }
}
