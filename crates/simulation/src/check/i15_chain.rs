//! The chain.

use alphec_journal::Hash;

use super::{Invariant, Scene, Verdict};
use crate::disk::frames;
use crate::sight::Sight;

pub(super) struct Chain;

impl Invariant for Chain {
    fn number(&self) -> u8 {
        15
    }

    fn sentence(&self) -> &'static str {
        "Records are numbered from 1 without a gap, and each hash follows from the one before it and the payload."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { journal, .. } = scene.sight else { return Ok(()) };
        let (mut head, mut seq) = (Hash::GENESIS, 0_u64);
        for (payload, hash) in frames(journal) {
            seq += 1;
            head = Hash::of(&head, payload);
            if head != hash {
                return Err(format!("the hash of record {seq} does not follow"));
            }
            if !payload.starts_with(format!("{{\"header\":{{\"seq\":{seq},").as_bytes()) {
                return Err(format!("record {seq} has another number"));
            }
        }
        Ok(())
    }
}
