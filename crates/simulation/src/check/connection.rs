//! The connection that the durable records have come to.

use alphec_model::{Body, BrokerEvent, Record};

/// A record is judged by the connection on which it was decided: with a slow disk the next one may be up before it is
/// durable.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) generation: u64,
}

impl Recorded {
    pub(super) fn note(&mut self, record: &Record) {
        if let Body::Observed { event } = &record.body
            && let BrokerEvent::Connected(session) = &**event
        {
            self.generation = session.generation.get();
        }
    }
}
