//! Inferred stays inferred.

use alphec_model::{Body, Evidence, Provenance};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct InferredStaysInferred;

impl Invariant for InferredStaysInferred {
    fn number(&self) -> u8 {
        28
    }

    fn sentence(&self) -> &'static str {
        "Each change of an order's state is marked as its evidence says: what was concluded as inferred, what the broker said as observed."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        records.iter().try_for_each(|record| {
            let Body::OrderChanged { evidence, .. } = &record.body else { return Ok(()) };
            let expected = match evidence {
                Evidence::Decision => Provenance::Decided,
                Evidence::Operator { .. } => Provenance::Operator,
                Evidence::Silence { .. } | Evidence::Absent { .. } => Provenance::Inferred,
                _ => Provenance::Observed,
            };
            if record.header.provenance == expected {
                return Ok(());
            }
            Err(format!("record {} is marked {}", record.header.seq, record.header.provenance.as_str()))
        })
    }
}
