//! No orphan.

use alphec_model::OrderRef;
use alphec_twsim::OrderTruth;
use alphec_twsim::venue::VenueOutput;

use super::{Invariant, Scene, Verdict, is_open};
use crate::profile;
use crate::sight::Sight;

pub(super) struct NoOrphan;

impl Invariant for NoOrphan {
    fn number(&self) -> u8 {
        2
    }

    fn sentence(&self) -> &'static str {
        "Every order at the venue with a reference of our journal has exactly one intent in it; every other open order on our accounts is on record as foreign."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Venue(VenueOutput::Order(report)) => {
                let order_ref = &*report.spec.order_ref;
                let intent = OrderRef::new(order_ref).ok().and_then(|order_ref| order_ref.intent());
                let is_ours = intent.is_some_and(|intent| intent.log.as_str() == profile::LOG);
                if is_ours && !scene.ledger.by_ref.contains_key(order_ref) {
                    return Err(format!("the venue has {order_ref}, which no intent names"));
                }
                Ok(())
            }
            Sight::End { truth, .. } if scene.ledger.can_see() => truth
                .orders
                .iter()
                .filter(|order| order.ended_at.is_none() && is_open(&order.report))
                .try_for_each(|order| is_known(order, scene)),
            _ => Ok(()),
        }
    }
}

fn is_known(order: &OrderTruth, scene: &Scene<'_>) -> Verdict {
    let report = &order.report;
    let foreign = scene.ledger.foreign.contains(&format!("perm:{}", report.perm_id));
    let perms =
        scene.ledger.by_ref.get(&*report.spec.order_ref).and_then(|key| scene.ledger.intents.get(key));
    if foreign || perms.is_some() {
        return Ok(());
    }
    Err(format!("an order of someone else (perm id {}) is open and not on record", report.perm_id))
}
