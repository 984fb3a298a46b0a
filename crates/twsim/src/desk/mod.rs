//! The gateway without sockets: sessions, venue and faults behind four doors — bytes in, bytes out, time,
//! and a test's controls. Deterministic like the venue: what leaves depends only on what entered and when.

mod accounts;
mod act;
mod bars;
mod bend;
mod combination;
mod control;
mod convert;
mod depth;
mod extra;
mod handshake;
mod history;
mod later;
mod limits;
mod lines;
mod lists;
mod market;
mod meet;
mod multi;
mod orders;
mod pace;
mod plight;
mod quirk;
mod route;
mod script;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::BytesMut;

pub use act::Subject;
pub use control::{OrderTruth, Truth};
pub use lines::ConnId;

use crate::client::{Event, Session};
use crate::config::{GatewayConfig, nanoseconds};
use crate::faults::{FaultPlan, Knob};
use crate::latency::Ways;
use crate::scenario::EventKind;
use crate::venue::{ConId, UtcNs, Venue, VenueInput, VenueOutput};
use crate::wire::FrameError;
use history::HistoryPace;
use later::Postponed;
use lines::Lines;
use plight::Plight;
use quirk::Quirks;
use script::Script;

/// What a gateway has seen since it started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections accepted.
    pub connections: u64,
    /// Messages read.
    pub messages_in: u64,
    /// Messages queued for clients.
    pub messages_out: u64,
    /// New orders received.
    pub orders: u64,
    /// Modifications received.
    pub modifies: u64,
    /// Cancels received.
    pub cancels: u64,
    /// Sessions refused because their client id was taken (326).
    pub client_ids_refused: u64,
    /// Connections ended because of bytes that are no message.
    pub malformed: u64,
    /// Messages dropped because they came before startApi.
    pub early: u64,
    /// Connections ended because the client did not read.
    pub slow_clients: u64,
    /// Requests of the API that are not served here, by name.
    pub unsupported: BTreeMap<String, u64>,
}

/// Bytes to write, and whether the connection ends after them.
#[derive(Debug, Default)]
pub struct Output {
    /// To be written in this order.
    pub bytes: BytesMut,
    /// Close after writing.
    pub close: bool,
    /// Close by a reset, without writing.
    pub reset: bool,
    /// Most bytes a second that are read from this client; 0 for no limit.
    pub read_rate: u32,
}

impl Output {
    /// Adds what comes after it.
    pub(crate) fn add(&mut self, later: Self) {
        let Self { bytes, close, reset, read_rate } = later;
        self.bytes.unsplit(bytes);
        self.close |= close;
        self.reset |= reset;
        self.read_rate = read_rate;
        if self.reset {
            self.bytes.clear();
        }
    }
}

/// The gateway without sockets.
#[derive(Debug)]
pub struct Desk {
    config: GatewayConfig,
    venue: Venue,
    faults: FaultPlan,
    postponed: Postponed,
    plight: Plight,
    lines: Lines,
    next_conn: ConnId,
    outputs: Vec<VenueOutput>,
    /// What the venue said before any fault met it, while somebody watches.
    watched: Option<Vec<VenueOutput>>,
    moved: BTreeSet<(Arc<str>, ConId)>,
    refresh_at: UtcNs,
    /// When bars are next due, while somebody wants them.
    bars_at: Option<UtcNs>,
    history_pace: HistoryPace,
    /// Most bytes a second that are read from each client; 0 for no limit.
    read_rate: u32,
    /// The script of a scenario, when there is one.
    script: Option<Box<Script>>,
    /// The latest instant seen.
    now: UtcNs,
}

/// Most bytes kept from a client that writes to a mute gateway, or that are on their way.
const MUTE_INBOX_LIMIT: usize = 4 * 1024 * 1024;

impl Desk {
    /// Opens a gateway at `now`.
    pub fn new(config: GatewayConfig, now: UtcNs) -> Self {
        let venue = Venue::new(config.venue(now));
        Self::before(venue, config, now)
    }

    /// Opens a gateway at `now` to a venue that is there already.
    pub(crate) fn before(venue: Venue, config: GatewayConfig, now: UtcNs) -> Self {
        let mut faults = FaultPlan::new(config.seed);
        for fault in &config.faults {
            faults.arm(now, fault.clone());
        }
        let mut desk = Self {
            venue,
            faults,
            postponed: Postponed::default(),
            plight: Plight::default(),
            lines: Lines::new(config.outbox_limit),
            next_conn: 1,
            outputs: Vec::new(),
            watched: None,
            moved: BTreeSet::new(),
            refresh_at: now + nanoseconds(config.account_refresh),
            bars_at: None,
            history_pace: HistoryPace::default(),
            read_rate: 0,
            script: Script::of(&config.steps, now),
            now,
            config,
        };
        desk.read_fault_levels(now);
        desk
    }

    /// A client connected.
    pub fn open(&mut self) -> ConnId {
        let conn = self.next_conn;
        self.next_conn += 1;
        let mut session = Session::new(self.config.server_version);
        session.ways = Ways::of(self.config.latency, self.config.seed, conn);
        self.lines.sessions.insert(conn, session);
        self.lines.counters.connections += 1;
        self.meet_socket(conn);
        conn
    }

    /// The connection is gone.
    pub fn closed(&mut self, conn: ConnId) {
        if let Some(session) = self.lines.sessions.get_mut(&conn).filter(|it| it.next_arrival().is_some()) {
            session.hurry();
            self.read_inbox(self.now, conn);
            self.flush(self.now);
        }
        self.release_client_id(conn);
        self.lines.sessions.remove(&conn);
    }

    /// Bytes arrived.
    pub fn receive(&mut self, now: UtcNs, conn: ConnId, bytes: &[u8]) {
        self.run_due(now);
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        session.feed(bytes);
        let is_kept = session.muted || session.ways.is_some();
        if is_kept && session.waiting_bytes() > MUTE_INBOX_LIMIT {
            self.lines.close(conn);
        }
        self.read_inbox(now, conn);
        self.flush(now);
    }

    /// Time passed.
    pub fn wake(&mut self, now: UtcNs) {
        self.run_due(now);
        self.flush(now);
    }

    /// When [`wake`](Self::wake) is next needed.
    pub fn next_wake(&self) -> Option<UtcNs> {
        let on_the_way = |session: &Session| [session.outbox.next_due(), session.next_arrival()];
        let on_the_way = self.lines.sessions.values().flat_map(on_the_way).flatten().min();
        [
            self.venue.next_wake(),
            self.faults.next_wake(),
            self.postponed.next_due(),
            on_the_way,
            self.bars_at,
            self.script.as_deref().and_then(Script::next_due),
            Some(self.refresh_at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Connections with something to write or to end, since the last call.
    pub fn take_touched(&mut self) -> Vec<ConnId> {
        self.lines.take_touched()
    }

    /// What is to be written to a connection now. A mute session writes nothing.
    pub fn take_output(&mut self, conn: ConnId) -> Output {
        let Some(session) = self.lines.sessions.get_mut(&conn) else {
            return Output { close: true, ..Output::default() };
        };
        if session.muted && !session.closing {
            return Output { read_rate: self.read_rate, ..Output::default() };
        }
        let mut output = Output {
            bytes: session.outbox.take(),
            close: session.closing,
            reset: session.reset,
            read_rate: self.read_rate,
        };
        if output.reset {
            output.bytes.clear();
        }
        if output.close {
            // Before the client can see the end and come back: its id must be free by then.
            self.release_client_id(conn);
        }
        output
    }

    /// Most bytes a second that are read from each client; 0 for no limit.
    pub fn read_rate(&self) -> u32 {
        self.read_rate
    }

    /// Nanoseconds after which a client that takes nothing is given up, when a fault sets them.
    pub fn bulk_timeout(&self) -> Option<i64> {
        self.faults.quiet_level(self.now, Knob::BulkTimeout).map(|fault| fault.span("after"))
    }

    /// True while nobody listens at the port.
    pub fn is_port_closed(&self) -> bool {
        self.plight.port_closed
    }

    /// True when the rest of a write to this connection can be given up.
    pub fn is_lost(&self, conn: ConnId) -> bool {
        self.lines.sessions.get(&conn).is_none_or(|session| session.lost)
    }

    fn run_due(&mut self, now: UtcNs) {
        self.now = self.now.max(now);
        for fault in self.faults.on_time(now) {
            self.begin(now, &fault);
        }
        self.run_postponed(now);
        self.read_fault_levels(now);
        self.venue.handle_into(now, VenueInput::Wake, &mut self.outputs);
        self.route(now);
        self.send_due_bars(now);
        if self.refresh_at <= now {
            self.refresh_at = now + nanoseconds(self.config.account_refresh).max(1_000_000);
            self.refresh_accounts(now);
        }
        self.read_arrived(now);
        let mut released = Vec::new();
        for (conn, session) in &mut self.lines.sessions {
            if session.outbox.next_due().is_some_and(|due| due <= now) {
                session.outbox.release(now);
                released.push(*conn);
            }
        }
        for conn in released {
            self.lines.touch(conn);
        }
        self.run_script(now);
    }

    /// Reads what has arrived since; nothing is on its way where messages take no time.
    fn read_arrived(&mut self, now: UtcNs) {
        let arrived =
            |(_, session): &(&ConnId, &Session)| session.next_arrival().is_some_and(|due| due <= now);
        let ready: Vec<ConnId> = self.lines.sessions.iter().filter(arrived).map(|(conn, _)| *conn).collect();
        for conn in ready {
            self.read_inbox(now, conn);
        }
    }

    fn read_inbox(&mut self, now: UtcNs, conn: ConnId) {
        loop {
            let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
            if session.closing || session.muted || session.paced {
                return;
            }
            match session.next_event(now) {
                Ok(None) => return,
                Ok(Some(Event::Greeted)) => self.lines.touch(conn),
                Ok(Some(Event::Message(payload))) => {
                    if !self.faults.is_idle() && !self.keeps_pace(now, conn, &payload) {
                        continue;
                    }
                    self.lines.counters.messages_in += 1;
                    if let Err(error) = self.message(now, conn, &payload) {
                        return self.reject_bytes(conn, &error);
                    }
                    self.run_script(now);
                }
                Err(error) => return self.reject_bytes(conn, &error),
            }
        }
    }

    /// Bytes that are no message cost this connection, and nothing else.
    fn reject_bytes(&mut self, conn: ConnId, error: &FrameError) {
        tracing::debug!(conn, %error, "connection closed");
        self.lines.counters.malformed += 1;
        self.lines.close(conn);
    }

    fn release_client_id(&mut self, conn: ConnId) {
        let Some(client_id) = self.client_of(conn) else { return };
        if self.lines.by_client.get(&client_id) == Some(&conn) {
            self.lines.by_client.remove(&client_id);
            self.keep_client_id(client_id);
            self.note_session(self.now, EventKind::Disconnect, client_id);
        }
    }

    fn mute_all(&mut self) {
        for session in self.lines.sessions.values_mut() {
            session.muted = true;
        }
    }

    fn resume_all(&mut self, now: UtcNs) {
        let silent: Vec<ConnId> =
            self.lines.sessions.iter().filter(|(_, session)| session.muted).map(|(conn, _)| *conn).collect();
        for conn in silent {
            if let Some(session) = self.lines.sessions.get_mut(&conn) {
                session.muted = false;
            }
            self.lines.touch(conn);
            self.read_inbox(now, conn);
        }
    }

    fn read_fault_levels(&mut self, now: UtcNs) {
        let level = |knob| self.faults.quiet_level(now, knob);
        let delay = level(Knob::Delay).map_or(0, |fault| fault.span("by"));
        let quirks = Quirks {
            sentinels: level(Knob::Sentinels).is_some(),
            no_remaining: level(Knob::MissingRemaining).is_some(),
            status: level(Knob::UnknownStatus).map(|fault| fault.words("status")),
        };
        let rate = level(Knob::SlowRead).map_or(0, |fault| fault.int("rate"));
        self.read_rate = u32::try_from(rate).unwrap_or(u32::MAX);
        self.venue.number_by_hand(level(Knob::PositiveAutoIds).is_some());
        self.lines.delay = delay;
        self.lines.quirks = quirks;
    }
}
