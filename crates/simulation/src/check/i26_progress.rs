//! Progress.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Progress;

impl Invariant for Progress {
    fn number(&self) -> u8 {
        26
    }

    fn sentence(&self) -> &'static str {
        "Once faults have stopped and the link is healthy, the engine is ready, or halted with a reason."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { core, .. } = scene.sight else { return Ok(()) };
        let readiness = core.readiness();
        let is_named = readiness.halted.is_some() || readiness.refused.is_some();
        if readiness.is_ready() || is_named {
            return Ok(());
        }
        Err(format!("neither ready nor halted: {readiness:?}"))
    }
}
