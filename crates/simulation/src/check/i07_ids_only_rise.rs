//! Ids only rise.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct IdsOnlyRise {
    highest: i32,
}

impl Invariant for IdsOnlyRise {
    fn number(&self) -> u8 {
        7
    }

    fn sentence(&self) -> &'static str {
        "Ids of new orders only rise, over all lives of the process, whatever the gateway offers."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Wire(Sent::Place(ticket)) = scene.sight else { return Ok(()) };
        let id = ticket.broker_order_id.get();
        if id <= self.highest {
            return Err(format!("order id {id} is sent after {}", self.highest));
        }
        self.highest = id;
        Ok(())
    }
}
