//! Bounds.

use super::ledger::Ledger;
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Bounds;

impl Invariant for Bounds {
    fn number(&self) -> u8 {
        22
    }

    fn sentence(&self) -> &'static str {
        "A batch of records that is handed to the journal is closed when it is full, and records that are not durable yet stay within their limit."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Handed(records) if records.len() > batch_max(scene.ledger) => {
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

/// The engine closes a batch with the input that fills it: so many records, and what that input leaves, a few for each
/// order.
fn batch_max(ledger: &Ledger) -> usize {
    FULL.saturating_add(FEW.saturating_mul(ledger.intents.len().saturating_add(FEW))).min(BATCH_MAX)
}

const FULL: usize = 4_096;
const FEW: usize = 8;
/// However many orders there are.
const BATCH_MAX: usize = 16_384;
/// What the engine lets wait, and what cancels and halts may add.
const BEHIND_MAX: u64 = 300_000;
