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
            Sight::Handed(records) if records.len() > batch_max(scene.ledger, records.len()) => {
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
/// order and execution, and one for what may be an order and is not durable yet.
fn batch_max(ledger: &Ledger, handed: usize) -> usize {
    let undurable = usize::try_from(ledger.handed.saturating_sub(ledger.seq)).unwrap_or(usize::MAX);
    let before = undurable.saturating_sub(handed);
    let known = ledger.intents.len().saturating_add(ledger.executions.len());
    let last = FEW.saturating_mul(known.saturating_add(FEW)).saturating_add(before);
    FULL.saturating_add(last).min(BATCH_MAX)
}

const FULL: usize = 4_096;
const FEW: usize = 8;
/// However many orders there are.
const BATCH_MAX: usize = 16_384;
/// What the engine lets wait, and what cancels and halts may add.
const BEHIND_MAX: u64 = 300_000;
