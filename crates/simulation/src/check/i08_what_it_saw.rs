//! Gate completeness: what a verdict was made by.

use std::collections::BTreeSet;

use alphec_model::risk::RuleAnswer;
use alphec_model::{Body, ClientOrderId, Record, UtcNanos, Verdict as GateVerdict};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct WhatItSaw {
    /// Orders that a custom rule denied, and for which no change was asked since.
    denied: BTreeSet<ClientOrderId>,
}

impl Invariant for WhatItSaw {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "A pass is by a market no older than the limits allow, and what a custom rule denied does not leave."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => records.iter().try_for_each(|record| self.note(record, scene)),
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => {
                let key = scene.ledger.by_ref.get(ticket.order_ref.as_str());
                match key.filter(|key| self.denied.contains(*key)) {
                    Some(key) => Err(format!("{key} leaves and a custom rule denied it")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl WhatItSaw {
    fn note(&mut self, record: &Record, scene: &Scene<'_>) -> Verdict {
        let key = record.header.client_order_id.as_ref();
        match &record.body {
            Body::Accepted { verdict, .. } | Body::Resent { verdict, .. } => {
                is_fresh(verdict, record.header.at, scene)
            }
            Body::ReplaceAsked { verdict, .. } => {
                key.map(|key| self.denied.remove(key));
                is_fresh(verdict, record.header.at, scene)
            }
            Body::RuleAnswered { answer: RuleAnswer::Deny { .. }, .. } => {
                self.denied.extend(key.cloned());
                Ok(())
            }
            // The order stands; only the change was denied.
            Body::ReplaceDenied { .. } | Body::ReplaceEnded { .. } => {
                key.map(|key| self.denied.remove(key));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn is_fresh(verdict: &GateVerdict, at: UtcNanos, scene: &Scene<'_>) -> Verdict {
    let Some(quote) = verdict.quote else { return Ok(()) };
    let (age, allowed) = (at.since(quote.at), scene.ledger.limits.max_quote_age_ms);
    if age <= allowed {
        return Ok(());
    }
    Err(format!("a verdict is by a quote {} s old, {} s are allowed", age.as_secs(), allowed.as_secs()))
}
