//! Prefix.

use std::sync::Arc;

use alphec_model::Record;

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct Prefix {
    handed: Vec<Arc<Record>>,
}

impl Invariant for Prefix {
    fn number(&self) -> u8 {
        17
    }

    fn sentence(&self) -> &'static str {
        "What is recovered is a prefix of what was handed to the journal: no hole, no other order, no half record."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Handed(records) => {
                for record in *records {
                    let at = usize::try_from(record.header.seq.get().saturating_sub(1)).unwrap_or(usize::MAX);
                    self.handed.truncate(at);
                    self.handed.push(Arc::clone(record));
                }
                Ok(())
            }
            Sight::Born { records, .. } => {
                if records.len() > self.handed.len() {
                    return Err("the journal has more than it was given".to_owned());
                }
                match records.iter().zip(&self.handed).position(|(is, was)| *is != **was) {
                    Some(at) => Err(format!("record {} is not the one that was given", at + 1)),
                    None => {
                        self.handed.truncate(records.len());
                        Ok(())
                    }
                }
            }
            _ => Ok(()),
        }
    }
}
