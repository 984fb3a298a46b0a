//! Progress.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Progress;

impl Invariant for Progress {
    fn number(&self) -> u8 {
        26
    }

    fn sentence(&self) -> &'static str {
        "Once faults have stopped the engine is connected to its login, has read the books since, and is ready, or halted with a reason."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { core, .. } = scene.sight else { return Ok(()) };
        let readiness = core.readiness();
        if !scene.ledger.can_see() {
            return Err(format!("the books were not read since everything healed: {readiness:?}"));
        }
        if readiness.is_ready() || readiness.halted.is_some() {
            return Ok(());
        }
        Err(format!("neither ready nor halted: {readiness:?}"))
    }
}
