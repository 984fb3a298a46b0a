//! What the venue really has.

use std::sync::Arc;

use alphec_model::Order;
use alphec_twsim::venue::VenueOutput;

use super::super::is_open;
use super::{Held, Ledger};
use crate::profile;
use crate::tally::Tally;

impl Ledger {
    pub(super) fn note_venue(&mut self, output: &VenueOutput, tally: &mut Tally) {
        match output {
            VenueOutput::Order(report) | VenueOutput::Terms(report) => {
                let is_open = is_open(report);
                let was_live = is_open || self.venue.get(&report.perm_id).is_some_and(|held| held.was_live);
                let order_ref = report.spec.order_ref.to_string();
                if report.key.client_id == profile::CLIENT {
                    self.refs_of_id.insert(report.key.order_id, order_ref.clone());
                }
                if !order_ref.is_empty() {
                    self.note_life(order_ref, report.perm_id, tally);
                }
                if report.status.is_working() && !report.filled.is_zero() {
                    tally.saw("partial fill");
                }
                if is_open && self.by_ref.contains_key(&*report.spec.order_ref) {
                    self.open.insert(report.perm_id, (**report).clone());
                } else {
                    self.open.remove(&report.perm_id);
                }
                self.venue.insert(report.perm_id, Held { is_open, was_live });
            }
            VenueOutput::Execution(execution) => {
                tally.saw("fill");
                if revision_of(&execution.exec_id) > 1 {
                    tally.saw("correction");
                    self.corrected.insert(execution.order_ref.to_string());
                }
                let base = base_of(&execution.exec_id).to_owned();
                self.executions.insert(base, Arc::clone(execution));
            }
            _ => {}
        }
    }

    /// A second order of one that is open, and that was sent once, is of the gateway's making.
    fn note_life(&mut self, order_ref: String, perm_id: i64, tally: &mut Tally) {
        let was_open = self.is_open(&order_ref);
        let was_sent_once = self.frames.get(&order_ref).is_none_or(|frames| *frames <= 1);
        let perms = self.perms_of_ref.entry(order_ref.clone()).or_default();
        if perms.insert(perm_id) && was_open && was_sent_once {
            *self.split.entry(order_ref).or_default() += 1;
            tally.saw("split order");
        }
    }

    /// How often the gateway made two orders of one.
    pub(in crate::check) fn splits(&self, order_ref: &str) -> usize {
        self.split.get(order_ref).copied().unwrap_or(0)
    }

    fn lives(&self, order_ref: &str) -> impl Iterator<Item = &Held> {
        let perms = self.perms_of_ref.get(order_ref).into_iter().flatten();
        perms.filter_map(|perm| self.venue.get(perm))
    }

    pub(in crate::check) fn was_live(&self, order_ref: &str) -> bool {
        self.lives(order_ref).any(|held| held.was_live)
    }

    pub(in crate::check) fn is_open(&self, order_ref: &str) -> bool {
        self.lives(order_ref).any(|held| held.is_open)
    }

    pub(in crate::check) fn has_filled(&self, order_ref: &str) -> bool {
        self.executions.values().any(|execution| *execution.order_ref == *order_ref)
    }

    /// Whether the order is open at the venue; of one that was split, the life that the book knows.
    pub(in crate::check) fn is_known_life_open(&self, order: &Order) -> bool {
        let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
        match order.perm_id.filter(|_| self.splits(order_ref) > 0) {
            Some(perm_id) => self.venue.get(&perm_id.get()).is_some_and(|held| held.is_open),
            None => self.is_open(order_ref),
        }
    }
}

/// An execution's identity without its revision.
pub(in crate::check) fn base_of(exec_id: &str) -> &str {
    exec_id.rsplit_once('.').map_or(exec_id, |(base, _)| base)
}

/// An execution's revision.
fn revision_of(exec_id: &str) -> u32 {
    exec_id.rsplit_once('.').and_then(|(_, last)| last.parse().ok()).unwrap_or(0)
}
