//! At most once: and of what the gateway made twice, neither is left alone.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::BrokerEvent;
use alphec_model::broker::OrderNames;
use alphec_twsim::venue::VenueOutput;

use super::{Invariant, Scene, Verdict, is_open};
use crate::sight::Sight;
use crate::wire::Sent;

/// What this connection told of one order.
#[derive(Default)]
struct Told {
    perms: BTreeSet<i64>,
    /// Whether a cancel left since both lives were told, and since one of them last ended.
    is_canceled: bool,
}

#[derive(Default)]
pub(super) struct BothLives {
    /// By reference.
    told: BTreeMap<String, Told>,
}

impl Invariant for BothLives {
    fn number(&self) -> u8 {
        3
    }

    fn sentence(&self) -> &'static str {
        "In the end a cancel left for each life of an order that the gateway split in two: one at first, and one more when the first of them ended."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Told(BrokerEvent::OpenOrder(report)) => self.note(&report.names, scene),
            Sight::Told(BrokerEvent::Snapshot(snapshot)) => {
                snapshot.open.iter().for_each(|row| self.note(&row.names, scene));
            }
            Sight::Venue(VenueOutput::Order(report)) if !is_open(report) => {
                if let Some(told) = self.told.get_mut(&*report.spec.order_ref) {
                    told.is_canceled = false;
                }
            }
            Sight::Wire(Sent::Cancel(id)) => {
                let order = scene.ledger.by_id.get(&id.get()).and_then(|key| scene.ledger.intents.get(key));
                let order_ref = order.and_then(|intent| intent.order.order_ref.as_ref());
                if let Some(told) = order_ref.and_then(|text| self.told.get_mut(text.as_str())) {
                    told.is_canceled = true;
                }
            }
            // The lists of the next one show what still lives; that it lived twice they need not.
            Sight::Told(BrokerEvent::Disconnected { .. }) | Sight::Died => self.told.clear(),
            Sight::End { .. } if scene.ledger.can_see() => return self.end(scene),
            _ => {}
        }
        Ok(())
    }
}

impl BothLives {
    fn note(&mut self, names: &OrderNames, scene: &Scene<'_>) {
        let ours = names.order_ref.as_deref().filter(|text| scene.ledger.by_ref.contains_key(*text));
        if let (Some(order_ref), Some(perm_id)) = (ours, names.perm_id) {
            let told = self.told.entry(order_ref.to_owned()).or_default();
            told.is_canceled &= !told.perms.insert(perm_id.get());
        }
    }

    fn end(&self, scene: &Scene<'_>) -> Verdict {
        let left_alone = self.told.iter().find(|(order_ref, told)| {
            told.perms.len() > 1
                && !told.is_canceled
                && scene.ledger.splits(order_ref) > 0
                && scene.ledger.is_open(order_ref)
        });
        left_alone.map_or(Ok(()), |(order_ref, _)| {
            Err(format!("{order_ref} was made two orders, one of them lives, and no cancel left for it"))
        })
    }
}
