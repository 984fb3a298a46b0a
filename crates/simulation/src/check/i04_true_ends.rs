//! No lost order: ends are true.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::{Body, ClientOrderId, OrderState, Record};

use alphec_twsim::venue::VenueOutput;

use super::{Invariant, Scene, Verdict, is_word};
use crate::clock::{Instant, SECOND};
use crate::sight::Sight;

/// Ends on record of what was open at the venue at that moment.
#[derive(Default)]
pub(super) struct TrueEnds {
    ended: BTreeSet<ClientOrderId>,
    doubtful: BTreeMap<ClientOrderId, Instant>,
}

/// A fill may cross the cancel, and the gateway may say the one before it says the other.
const CROSSING: Instant = 5 * SECOND;

impl Invariant for TrueEnds {
    fn number(&self) -> u8 {
        4
    }

    fn sentence(&self) -> &'static str {
        "What is on record as ended by a word of the broker is not open at the venue for long."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => {
                let ended = records.iter().filter(|record| ends_by_a_word(record));
                for key in ended.filter_map(|record| record.header.client_order_id.clone()) {
                    if is_wrong(&key, scene) {
                        self.doubtful.insert(key.clone(), scene.now);
                    }
                    self.ended.insert(key);
                }
                Ok(())
            }
            Sight::Venue(VenueOutput::Order(report)) => {
                let key = scene.ledger.by_ref.get(&*report.spec.order_ref);
                if let Some(key) = key.filter(|key| self.ended.contains(*key) && is_wrong(key, scene)) {
                    self.doubtful.entry(key.clone()).or_insert(scene.now);
                }
                Ok(())
            }
            Sight::Rest { .. } => {
                self.doubtful.retain(|key, _| is_wrong(key, scene));
                let late = self.doubtful.iter().find(|(_, at)| scene.now.saturating_sub(**at) > CROSSING);
                late.map_or(Ok(()), |(key, _)| {
                    Err(format!("{key} has ended by a word of the broker and is open at the venue"))
                })
            }
            _ => Ok(()),
        }
    }
}

fn ends_by_a_word(record: &Record) -> bool {
    let Body::OrderChanged { to, evidence, .. } = &record.body else { return false };
    is_word(evidence) && to.is_terminal() && *to != OrderState::Filled
}

/// Whether it has ended on record and is open at the venue.
fn is_wrong(key: &ClientOrderId, scene: &Scene<'_>) -> bool {
    let Some(order) = scene.ledger.intents.get(key).map(|intent| &intent.order) else { return false };
    let is_over = order.state.is_terminal() && order.state != OrderState::Filled;
    is_over && scene.ledger.is_known_life_open(order)
}
