//! At most once: a second attempt.

use alphec_model::Body;

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct SecondAttempt;

impl Invariant for SecondAttempt {
    fn number(&self) -> u8 {
        3
    }

    fn sentence(&self) -> &'static str {
        "An order is placed again only while no attempt at it is open at the venue."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        for record in *records {
            let (Body::Resent { order_ref, .. }, Some(key)) = (&record.body, &record.header.client_order_id)
            else {
                continue;
            };
            let mut earlier = scene
                .ledger
                .by_ref
                .iter()
                .filter(|(text, of)| *of == key && text.as_str() != order_ref.as_str());
            if let Some((text, _)) = earlier.find(|(text, _)| scene.ledger.is_open(text)) {
                return Err(format!("{key} is placed again and {text} is open at the venue"));
            }
        }
        Ok(())
    }
}
