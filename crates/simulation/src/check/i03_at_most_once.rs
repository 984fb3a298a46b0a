//! At most once.

use std::collections::BTreeMap;

use alphec_model::BrokerEvent;

use super::{Invariant, ON_ITS_WAY, Scene, Verdict};
use crate::clock::Instant;
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct AtMostOnce {
    /// Orders told to live twice: since when, and whether a halt was on record after that.
    told: BTreeMap<String, (Instant, bool)>,
}

impl Invariant for AtMostOnce {
    fn number(&self) -> u8 {
        3
    }

    fn sentence(&self) -> &'static str {
        "Each intent has at most one order at the venue. If the gateway itself split one in two, trading is halted before anything more is sent, once that was told."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Told(BrokerEvent::OpenOrder(report)) => {
                self.note(report.names.order_ref.as_deref(), scene);
                Ok(())
            }
            Sight::Told(BrokerEvent::Snapshot(snapshot)) => {
                snapshot.open.iter().for_each(|row| self.note(row.names.order_ref.as_deref(), scene));
                Ok(())
            }
            Sight::Died => {
                // What was told and not recorded has to be told again.
                self.told.retain(|_, (_, recorded)| *recorded);
                Ok(())
            }
            Sight::Rest { .. } => {
                let halted = !scene.ledger.halts.is_empty();
                self.told.values_mut().for_each(|(_, recorded)| *recorded |= halted);
                Ok(())
            }
            Sight::Wire(Sent::Place(_) | Sent::Replace(_)) => self.no_more(scene),
            Sight::End { .. } => scene.ledger.perms_of_ref.iter().try_for_each(|(order_ref, perms)| {
                if !scene.ledger.by_ref.contains_key(order_ref) {
                    return Ok(());
                }
                let splits = scene.ledger.splits(order_ref);
                if perms.len() > splits + 1 {
                    return Err(format!(
                        "{order_ref} became {} orders, the gateway split it {splits} times",
                        perms.len()
                    ));
                }
                Ok(())
            }),
            _ => Ok(()),
        }
    }
}

impl AtMostOnce {
    fn note(&mut self, order_ref: Option<&str>, scene: &Scene<'_>) {
        let Some(order_ref) = order_ref.filter(|text| scene.ledger.by_ref.contains_key(*text)) else {
            return;
        };
        // Both lives have to have been told; the second one shows itself by its other permanent id.
        let lives = scene.ledger.told_perms.get(order_ref).map_or(0, std::collections::BTreeSet::len);
        if lives > 1 {
            self.told.entry(order_ref.to_owned()).or_insert((scene.now, false));
        }
    }

    fn no_more(&self, scene: &Scene<'_>) -> Verdict {
        let is_late = |at: Instant| scene.now.saturating_sub(at) > ON_ITS_WAY;
        let unhalted = self.told.iter().find(|(_, (at, recorded))| !recorded && is_late(*at));
        unhalted.map_or(Ok(()), |(order_ref, _)| {
            Err(format!("{order_ref} lives twice, that was told, and more is sent"))
        })
    }
}
