//! Bounds.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Bounds;

impl Invariant for Bounds {
    fn number(&self) -> u8 {
        22
    }

    fn sentence(&self) -> &'static str {
        "Records that are not durable and batches stay within their limits."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Handed(records) if records.len() > BATCH_MAX => {
                Err(format!("a batch of {} records", records.len()))
            }
            Sight::Rest { core: Some(core), .. } => {
                let seq = core.book().seq().map_or(0, alphec_model::Seq::get);
                let behind = seq.saturating_sub(scene.ledger.seq);
                if behind > BEHIND_MAX { Err(format!("{behind} records are not durable")) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// A turn may overshoot the batch's own limit by what one input leaves.
const BATCH_MAX: usize = 16_384;
/// What the engine lets wait, and what cancels and halts may add.
const BEHIND_MAX: u64 = 300_000;
