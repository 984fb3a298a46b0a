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
        awake_until(self.in_flight.as_ref(), self.sync_took)
    }
}

fn awake_until(in_flight: Option<&InFlight>, sync_took: Duration) -> Duration {
    let is_waited_for = |it: &&InFlight| {
        it.batch.records.len() <= RECORDS_MAX && it.batch.held.urgency() == Urgency::Somebody
    };
    match in_flight.filter(is_waited_for) {
        Some(in_flight) if sync_took <= AWAKE => in_flight.since.saturating_add(AWAKE),
        Some(_) | None => Duration::ZERO,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alphec_core::Step;
    use alphec_model::record::{Body, Header, Record};
    use alphec_model::{BrokerRequest, Provenance, Seq, UtcNanos};

    use super::*;
    use crate::write_ahead::Batch;

    const NOW: Duration = Duration::from_secs(7);

    /// A batch of so many records, and of a request if somebody waits for it.
    fn in_flight(records: usize, is_waited_for: bool) -> InFlight {
        let header = Header {
            seq: Seq::new(1),
            at: UtcNanos::EPOCH,
            provenance: Provenance::Decided,
            correlation_id: None,
            client_order_id: None,
            broker_order_id: None,
            perm_id: None,
            exec_id: None,
        };
        let record = Arc::new(Record { header, body: Body::CancelAsked });
        let mut batch = Batch { records: vec![record; records], ..Batch::default() };
        let requests = is_waited_for.then_some(BrokerRequest::GlobalCancel).into_iter().collect();
        drop(batch.held.take(Step { requests, ..Step::default() }, None));
        InFlight { batch, since: NOW }
    }

    #[test]
    fn only_a_small_batch_that_somebody_waits_for_is_waited_for_awake_and_only_on_a_quick_disk() {
        let quick = Duration::from_micros(100);
        let order = in_flight(3, true);
        assert_eq!(awake_until(Some(&order), quick), NOW + AWAKE, "and no longer");
        assert_eq!(awake_until(Some(&order), Duration::from_millis(2)), Duration::ZERO, "a slow disk");
        assert_eq!(awake_until(Some(&in_flight(3, false)), quick), Duration::ZERO, "nobody waits");
        assert_eq!(awake_until(Some(&in_flight(RECORDS_MAX + 1, true)), quick), Duration::ZERO, "a burst");
        assert_eq!(awake_until(None, quick), Duration::ZERO, "nothing is on its way");
    }
}
