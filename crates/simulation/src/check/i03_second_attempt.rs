//! At most once: a second attempt.

use std::collections::BTreeSet;

use alphec_model::{Body, ClientOrderId};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// Orders that somebody asked to end.
#[derive(Default)]
pub(super) struct SecondAttempt {
    unwanted: BTreeSet<ClientOrderId>,
}

impl Invariant for SecondAttempt {
    fn number(&self) -> u8 {
        3
    }

    fn sentence(&self) -> &'static str {
        "An order is placed again only while no attempt at it is open at the venue or has filled there, and never once a cancel of it was asked for."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        for record in *records {
            let Some(key) = &record.header.client_order_id else { continue };
            if record.body == Body::CancelAsked {
                self.unwanted.insert(key.clone());
            }
            let Body::Resent { order_ref, .. } = &record.body else { continue };
            if self.unwanted.contains(key) {
                return Err(format!("{key} is placed again and somebody wants it gone"));
            }
            let mut earlier = scene
                .ledger
                .by_ref
                .iter()
                .filter(|(text, of)| *of == key && text.as_str() != order_ref.as_str());
            let lives = |text: &str| scene.ledger.is_open(text) || scene.ledger.has_filled(text);
            if let Some((text, _)) = earlier.find(|(text, _)| lives(text)) {
                return Err(format!(
                    "{key} is placed again and {text} is open at the venue, or filled there"
                ));
            }
        }
        Ok(())
    }
}
