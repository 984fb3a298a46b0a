//! All sessions, and the one place where a reply becomes bytes in an outbox.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::BytesMut;

use super::Counters;
use super::quirk::Quirks;
use crate::client::{Outbox, Session};
use crate::venue::UtcNs;
use crate::wire::{Reply, encode};

/// Identity of a connection; never reused.
pub type ConnId = u64;

#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) sessions: BTreeMap<ConnId, Session>,
    pub(crate) by_client: HashMap<i32, ConnId>,
    pub(crate) counters: Counters,
    /// How late frames leave, in nanoseconds.
    pub(crate) delay: i64,
    /// What faults change in every frame.
    pub(super) quirks: Quirks,
    touched: BTreeSet<ConnId>,
    outbox_limit: usize,
}

impl Lines {
    pub(crate) fn new(outbox_limit: usize) -> Self {
        Self {
            sessions: BTreeMap::new(),
            by_client: HashMap::new(),
            counters: Counters::default(),
            delay: 0,
            quirks: Quirks::default(),
            touched: BTreeSet::new(),
            outbox_limit,
        }
    }

    /// Queues a reply. A session that is closing gets nothing more; one that lets its outbox overflow is
    /// closed.
    pub(crate) fn send(&mut self, now: UtcNs, conn: ConnId, reply: &Reply<'_>) {
        let Some(session) = self.sessions.get_mut(&conn).filter(|session| !session.closing) else { return };
        let version = session.server_version;
        let quirks = &self.quirks;
        let travel = session.ways.as_mut().map_or(0, |ways| ways.answers.draw());
        session.outbox.push(now, self.delay + travel, |out| {
            let start = out.len();
            encode(version, reply, out);
            if !quirks.is_none() {
                quirks.apply(version, out, start);
            }
        });
        self.counters.messages_out += 1;
        self.touched.insert(conn);
        if session.outbox.len() > self.outbox_limit {
            session.closing = true;
            session.lost = true;
            session.outbox = Outbox::default();
            self.counters.slow_clients += 1;
        }
    }

    /// Queues a reply several times.
    pub(crate) fn send_times(&mut self, now: UtcNs, conn: ConnId, reply: &Reply<'_>, copies: u32) {
        for _ in 0..copies {
            self.send(now, conn, reply);
        }
    }

    pub(crate) fn error(&mut self, now: UtcNs, conn: ConnId, id: i32, (code, text): (i32, &str)) {
        let reply = Reply::Error { id, code, text: text.into(), at_ms: now / 1_000_000 };
        self.send(now, conn, &reply);
    }

    /// Queues bytes that are no reply.
    pub(crate) fn send_raw(&mut self, now: UtcNs, conn: ConnId, write: impl FnOnce(&mut BytesMut)) {
        if let Some(session) = self.sessions.get_mut(&conn).filter(|session| !session.closing) {
            let travel = session.ways.as_mut().map_or(0, |ways| ways.answers.draw());
            session.outbox.push(now, self.delay + travel, write);
            self.touched.insert(conn);
        }
    }

    /// The connection ends: politely once its outbox is written, or at once.
    pub(crate) fn cut(&mut self, conn: ConnId, reset: bool) {
        if let Some(session) = self.sessions.get_mut(&conn) {
            session.reset |= reset;
        }
        self.close(conn);
    }

    /// The connection ends once its outbox is written.
    pub(crate) fn close(&mut self, conn: ConnId) {
        if let Some(session) = self.sessions.get_mut(&conn) {
            session.closing = true;
            self.touched.insert(conn);
        }
    }

    pub(crate) fn touch(&mut self, conn: ConnId) {
        self.touched.insert(conn);
    }

    /// Connections that have bytes to write or are to be closed.
    pub(crate) fn take_touched(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// Connections of sessions in business, in the order they connected.
    pub(crate) fn ready(&self) -> Vec<ConnId> {
        self.sessions.iter().filter(|(_, session)| session.is_ready()).map(|(conn, _)| *conn).collect()
    }
}
