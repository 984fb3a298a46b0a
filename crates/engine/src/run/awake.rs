//! A sync that should be over soon is waited for awake: a core that went to sleep for it takes half as long again to
//! be itself, and the order behind the sync waits for that too.

use std::time::Duration;

use super::{Channels, InFlight, Loop};
use crate::write_ahead::Urgency;

/// Awake for so long at most, and only where the last sync took no longer.
const AWAKE: Duration = Duration::from_micros(250);
/// Records of a batch that is waited for so. With a larger one comes work enough.
const RECORDS_MAX: usize = 32;

impl Loop {
    /// Until when the loop looks for what is next without sleeping, by [`crate::clock::Clock::elapsed`].
    pub(super) fn awake_until(&self) -> Duration {
        let is_waited_for = |it: &&InFlight| {
            it.batch.records.len() <= RECORDS_MAX && it.batch.held.urgency() == Urgency::Somebody
        };
        match self.in_flight.as_ref().filter(is_waited_for) {
            Some(in_flight) if self.sync_took <= AWAKE => in_flight.since.saturating_add(AWAKE),
            Some(_) | None => Duration::ZERO,
        }
    }
}

impl Channels {
    pub(super) fn are_empty(&self) -> bool {
        self.outcomes.is_empty()
            && self.urgent.is_empty()
            && self.broker.is_empty()
            && self.answers.is_empty()
            && self.calls.is_empty()
    }
}
