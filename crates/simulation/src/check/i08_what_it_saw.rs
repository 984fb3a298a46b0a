//! Gate completeness: what a verdict was made by.

use std::collections::BTreeSet;

use alphec_model::risk::RuleAnswer;
use alphec_model::{Body, ClientOrderId, Record, UtcNanos, Verdict as GateVerdict};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct WhatItSaw {
    /// Orders that a custom rule passed, or the latest change of which it did.
    passed: BTreeSet<ClientOrderId>,
}

impl Invariant for WhatItSaw {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "A pass is by a market no older than the limits allow, and where there is a custom rule nothing leaves that it has not passed."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => records.iter().try_for_each(|record| self.note(record, scene)),
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => {
                let key = scene.ledger.by_ref.get(ticket.order_ref.as_str());
                match key.filter(|key| scene.ledger.has_rule && !self.passed.contains(*key)) {
                    Some(key) => Err(format!("{key} leaves and the custom rule has not passed it")),
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
                key.map(|key| self.passed.remove(key));
                is_fresh(verdict, record.header.at, scene)
            }
            Body::RuleAnswered { answer: RuleAnswer::Pass, .. } => {
                self.passed.extend(key.cloned());
                Ok(())
            }
            Body::RuleAnswered { .. } => {
                key.map(|key| self.passed.remove(key));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn is_fresh(verdict: &GateVerdict, at: UtcNanos, scene: &Scene<'_>) -> Verdict {
    let quote = verdict.quote.ok_or("a verdict without a market")?;
    let (age, allowed) = (at.since(quote.at), scene.ledger.limits.max_quote_age_ms);
    if age <= allowed {
        return Ok(());
    }
    Err(format!("a verdict is by a quote {} s old, {} s are allowed", age.as_secs(), allowed.as_secs()))
}
