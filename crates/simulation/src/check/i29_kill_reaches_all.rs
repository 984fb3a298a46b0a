//! A kill reaches all.

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct KillReachesAll;

impl Invariant for KillReachesAll {
    fn number(&self) -> u8 {
        29
    }

    fn sentence(&self) -> &'static str {
        "After a kill and a healthy link, the venue has no open order of ours in its scope, but for a life of one that the gateway split and no cancel reaches."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { truth, .. } = scene.sight else { return Ok(()) };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        for order in truth.orders.iter().filter(|order| order.ended_at.is_none()) {
            let key = scene.ledger.by_ref.get(&*order.report.spec.order_ref);
            let Some(intent) = key.and_then(|key| scene.ledger.intents.get(key)) else { continue };
            let ours = &intent.order;
            let scope = scene.ledger.halts.iter().find(|(scope, is_kill)| {
                **is_kill && scope.reaches(&ours.account, &ours.strategy_id, &ours.instrument)
            });
            // One number of two lives may reach neither: a person is told, and I3 sees that cancels left.
            let is_split = scene.ledger.splits(&order.report.spec.order_ref) > 0;
            if let (Some((scope, _)), true, false) = (scope, order.report.status.is_working(), is_split) {
                return Err(format!("{} still works though {scope} was killed", ours.client_order_id));
            }
        }
        Ok(())
    }
}
