//! Determinism.

use alphec_core::{Book, Core};
use alphec_model::Record;

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// Rests between two comparisons of everything with everything.
const EVERY: u32 = 2_000;

/// A second machine that knows nothing but the journal.
#[derive(Default)]
pub(super) struct Determinism {
    shadow: Book,
    rests: u32,
    /// A life has begun, and its first records are not compared yet.
    is_new_life: bool,
}

impl Invariant for Determinism {
    fn number(&self) -> u8 {
        18
    }

    fn sentence(&self) -> &'static str {
        "Replaying the journal into an empty machine gives the live state. (The same seed twice gives the same bytes: \
         that is checked over whole runs.)"
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => records.iter().try_for_each(|record| self.apply(record)),
            Sight::Born { records, .. } => {
                self.is_new_life = true;
                let known = self.shadow.seq().map_or(0, alphec_model::Seq::get);
                let known = usize::try_from(known).unwrap_or(usize::MAX);
                records.iter().skip(known).try_for_each(|record| self.apply(record))
            }
            Sight::Rest { core: Some(core), .. } => {
                self.rests = self.rests.wrapping_add(1);
                let is_due = self.is_new_life || self.rests.is_multiple_of(EVERY);
                if !is_due || core.book().seq() != self.shadow.seq() {
                    return Ok(());
                }
                self.is_new_life = false;
                self.compare(core)
            }
            Sight::End { core, .. } => self.compare(core),
            _ => Ok(()),
        }
    }
}

impl Determinism {
    fn apply(&mut self, record: &Record) -> Verdict {
        self.shadow.apply(record).map_err(|error| error.to_string())
    }

    fn compare(&self, core: &Core) -> Verdict {
        if core.book().seq() != self.shadow.seq() || *core.book() == self.shadow {
            return Ok(());
        }
        Err("the journal replayed is not the live state".to_owned())
    }
}
