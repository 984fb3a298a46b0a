//! Durable means durable.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Durable;

impl Invariant for Durable {
    fn number(&self) -> u8 {
        16
    }

    fn sentence(&self) -> &'static str {
        "What was acknowledged as durable is there, byte for byte, after any crash."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Born { hashes, acknowledged, .. } = scene.sight else { return Ok(()) };
        match acknowledged.iter().zip(hashes.iter()).position(|(was, is)| was != is) {
            Some(at) => Err(format!("record {} is not what was made durable", at + 1)),
            None if hashes.len() < acknowledged.len() => Err("durable records are gone".to_owned()),
            None => Ok(()),
        }
    }
}
