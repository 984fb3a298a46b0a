//! Cancels are always allowed: and arrive.

use std::collections::BTreeSet;

use alphec_model::{Body, ClientOrderId, Evidence, Record};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// Orders that somebody wants gone, by the journal.
#[derive(Default)]
pub(super) struct InTheEnd {
    unwanted: BTreeSet<ClientOrderId>,
}

impl Invariant for InTheEnd {
    fn number(&self) -> u8 {
        13
    }

    fn sentence(&self) -> &'static str {
        "A wish to cancel ends with its order or by a list that shows it; in the end no order works at the venue that somebody wants gone."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => return records.iter().try_for_each(|record| self.note(record)),
            Sight::End { .. } => {}
            _ => return Ok(()),
        }
        if !scene.ledger.can_see() {
            return Ok(());
        }
        for intent in scene.ledger.live() {
            let order = &intent.order;
            let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
            let is_asked = order.pending.cancel_asked_at.is_some();
            if is_asked && scene.ledger.is_open(order_ref) && scene.ledger.splits(order_ref) == 0 {
                return Err(format!(
                    "the cancel of {} is on record and the order works",
                    order.client_order_id
                ));
            }
        }
        Ok(())
    }
}

impl InTheEnd {
    fn note(&mut self, record: &Record) -> Verdict {
        let Some(key) = &record.header.client_order_id else { return Ok(()) };
        match &record.body {
            Body::CancelAsked => {
                self.unwanted.insert(key.clone());
            }
            Body::CancelEnded { evidence } => {
                let was_unwanted = self.unwanted.remove(key);
                if was_unwanted && !matches!(evidence, Evidence::OpenOrder { .. }) {
                    return Err(format!("the wish to cancel {key} was taken back by a code"));
                }
            }
            Body::OrderChanged { to, .. } if to.is_terminal() => {
                self.unwanted.remove(key);
            }
            _ => {}
        }
        Ok(())
    }
}
