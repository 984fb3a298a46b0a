//! A kill reaches all.

use std::collections::BTreeSet;
use std::sync::Arc;

use alphec_model::{Body, BrokerEvent, ClientOrderId, Record};
use alphec_twsim::desk::Truth;

use super::{Invariant, Scene, Verdict, is_open, reaches};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct KillReachesAll {
    /// Orders for which a cancel left on this connection since the last kill.
    canceled: BTreeSet<ClientOrderId>,
}

impl Invariant for KillReachesAll {
    fn number(&self) -> u8 {
        29
    }

    fn sentence(&self) -> &'static str {
        "After a kill and a healthy link, the venue has no open order of ours in its scope, but for a life of one that the gateway split, if a cancel of it left."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Wire(Sent::Cancel(id)) => self.canceled.extend(scene.ledger.by_id.get(&id.get()).cloned()),
            Sight::Told(BrokerEvent::Disconnected { .. }) | Sight::Died => self.canceled.clear(),
            Sight::Durable(records) => {
                let is_kill = |record: &Arc<Record>| matches!(record.body, Body::Halted { kill: true, .. });
                if records.iter().any(is_kill) {
                    self.canceled.clear();
                }
            }
            Sight::End { truth, .. } if scene.ledger.can_see() => return self.end(truth, scene),
            _ => {}
        }
        Ok(())
    }
}

impl KillReachesAll {
    fn end(&self, truth: &Truth, scene: &Scene<'_>) -> Verdict {
        for order in truth.orders.iter() {
            if order.ended_at.is_some() || !is_open(&order.report) {
                continue;
            }
            let key = scene.ledger.by_ref.get(&*order.report.spec.order_ref);
            let Some(intent) = key.and_then(|key| scene.ledger.intents.get(key)) else { continue };
            let ours = &intent.order;
            let scope = scene.ledger.halts.iter().find(|(scope, is_kill)| **is_kill && reaches(scope, ours));
            // One number of two lives may reach neither: a person is told.
            let is_beyond_reach = scene.ledger.splits(&order.report.spec.order_ref) > 0
                && self.canceled.contains(&ours.client_order_id);
            if let (Some((scope, _)), false) = (scope, is_beyond_reach) {
                return Err(format!("{} still works though {scope} was killed", ours.client_order_id));
            }
        }
        Ok(())
    }
}
