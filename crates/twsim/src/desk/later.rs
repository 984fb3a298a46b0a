//! What the faults have put off: messages, requests, and the ends of states. One queue, by time and arrival.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::route::Manner;
use super::{ConnId, Desk};
use crate::faults::Fault;
use crate::venue::{OrderKey, OrderSpec, UtcNs, VenueInput, VenueOutput};
use crate::wire::Request;

/// Most things put off at once; what comes on top happens at once.
const LATER_MAX: usize = 100_000;

/// Something for later.
#[derive(Debug)]
pub(super) enum Later {
    /// Say this, without asking the faults again.
    Say(Box<VenueOutput>, Manner),
    /// Let the venue do this.
    Do(Box<VenueInput>),
    /// Let the venue change this order, and no other that has its number by then.
    Change { key: OrderKey, perm_id: i64, spec: Box<OrderSpec> },
    /// A silence ends.
    Resume,
    /// The broker's servers are back.
    Online,
    /// The daily restart.
    Daily(Arc<Fault>),
    /// The port is open again.
    OpenPort,
    /// A request is read now.
    Serve(ConnId, Box<Request>),
    /// A session that was held back by pacing reads on.
    Read(ConnId),
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    queue: BTreeMap<(UtcNs, u64), Later>,
    next: u64,
}

impl Postponed {
    pub(super) fn next_due(&self) -> Option<UtcNs> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the first thing that is due, with its instant.
    pub(super) fn take_due(&mut self, now: UtcNs) -> Option<Later> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    /// Drops everything of a kind.
    pub(super) fn remove(&mut self, is_it: impl Fn(&Later) -> bool) {
        self.queue.retain(|_, later| !is_it(later));
    }

    fn put(&mut self, at: UtcNs, later: Later) {
        let at = if self.queue.len() >= LATER_MAX { UtcNs::MIN } else { at };
        self.next += 1;
        self.queue.insert((at, self.next), later);
    }
}

impl Desk {
    pub(super) fn later(&mut self, now: UtcNs, wait: i64, later: Later) {
        self.postponed.put(now.saturating_add(wait.max(0)), later);
    }

    pub(super) fn run_postponed(&mut self, now: UtcNs) {
        while let Some(later) = self.postponed.take_due(now) {
            match later {
                Later::Say(output, manner) => self.deliver(now, *output, &manner),
                Later::Do(input) => self.apply(now, *input),
                Later::Change { key, perm_id, spec } => self.change_held(now, key, perm_id, *spec),
                Later::Resume => self.resume_all(now),
                Later::Online => self.servers_back(now),
                Later::OpenPort => self.plight.port_closed = false,
                Later::Serve(conn, request) => self.dispatch(now, conn, *request, &Bytes::new()),
                Later::Daily(fault) => self.restart_daily(now, &fault),
                Later::Read(conn) => {
                    if let Some(session) = self.lines.sessions.get_mut(&conn) {
                        session.paced = false;
                    }
                    self.read_inbox(now, conn);
                }
            }
        }
    }
}
