//! One API session, without I/O: which phase it is in, who it belongs to, what it subscribed to, and the
//! bytes waiting to leave. It knows nothing about orders or prices.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::latency::Ways;
use crate::venue::{BarPrice, ConId, Level, UtcNs};
use crate::wire::frame::{API_PREFIX, FrameError, MAX_PAYLOAD, parse_version_line, put_text, take_payload};
use crate::wire::{OLDEST_SERVER_VERSION, format_stamp_in};

/// Longest version line: nobody may make the gateway hold megabytes before saying who they are.
const VERSION_LINE_MAX: usize = 512;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for `API\0`.
    Prefix,
    /// Waiting for the version line.
    Version,
    /// Waiting for startApi.
    Start,
    /// In business.
    Ready,
}

/// What the bytes received so far amount to.
#[derive(Debug)]
pub(crate) enum Event {
    /// The version line was answered.
    Greeted,
    /// A message.
    Message(Bytes),
}

/// A subscription to account summary rows.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) accounts: Vec<Arc<str>>,
    pub(crate) tags: Vec<String>,
}

/// Bars of one price of one instrument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BarFeed {
    pub(crate) con_id: ConId,
    pub(crate) price: BarPrice,
    /// Nanoseconds of a bar.
    pub(crate) size: i64,
    /// Dates as seconds since the epoch instead of texts.
    pub(crate) epoch: bool,
}

/// The book of one instrument, as the client has it.
#[derive(Debug, Clone)]
pub(crate) struct DepthFeed {
    pub(crate) con_id: ConId,
    pub(crate) rows: usize,
    /// Each level names the venue it is at.
    pub(crate) smart: bool,
    /// Bids and asks as they were sent.
    pub(crate) sent: [Vec<Level>; 2],
}

/// What the session wants to hear about.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    pub(crate) market_data: BTreeMap<i32, ConId>,
    pub(crate) market_data_type: Option<i32>,
    pub(crate) depth: BTreeMap<i32, DepthFeed>,
    /// Five-second bars as they happen.
    pub(crate) live_bars: BTreeMap<i32, BarFeed>,
    /// Bars of the past that go on.
    pub(crate) history: BTreeMap<i32, BarFeed>,
    pub(crate) positions: bool,
    pub(crate) account: Option<Arc<str>>,
    pub(crate) summaries: BTreeMap<i32, Summary>,
    pub(crate) pnl: BTreeMap<i32, Arc<str>>,
    pub(crate) pnl_single: BTreeMap<i32, (Arc<str>, ConId)>,
    /// By request: the accounts it covers.
    pub(crate) positions_multi: BTreeMap<i32, Vec<Arc<str>>>,
    pub(crate) accounts_multi: BTreeMap<i32, Vec<Arc<str>>>,
    pub(crate) bind_manual: bool,
}

impl Subscriptions {
    pub(crate) fn count(&self) -> usize {
        let bars = self.live_bars.len() + self.history.len();
        self.market_data.len() + self.depth.len() + bars + self.summaries.len() + self.pnl.len()
    }
}

/// Bytes on their way out, with the instants from which they may leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    ready: BytesMut,
    late: BytesMut,
    late_marks: VecDeque<(UtcNs, usize)>,
}

impl Outbox {
    /// Appends what `write` writes, to leave `delay` after `now`. Frames stay in order when the delay shrinks.
    pub(crate) fn push(&mut self, now: UtcNs, delay: i64, write: impl FnOnce(&mut BytesMut)) {
        if delay <= 0 && self.late.is_empty() {
            return write(&mut self.ready);
        }
        let before = self.late.len();
        write(&mut self.late);
        let due = self
            .late_marks
            .back()
            .map_or(now.saturating_add(delay), |(last, _)| now.saturating_add(delay).max(*last));
        self.late_marks.push_back((due, self.late.len() - before));
    }

    /// Moves what is due to the front.
    pub(crate) fn release(&mut self, now: UtcNs) {
        while let Some((due, length)) = self.late_marks.front().copied() {
            if due > now {
                break;
            }
            self.late_marks.pop_front();
            let frames = self.late.split_to(length);
            self.ready.extend_from_slice(&frames);
        }
    }

    pub(crate) fn next_due(&self) -> Option<UtcNs> {
        self.late_marks.front().map(|(due, _)| *due)
    }

    pub(crate) fn len(&self) -> usize {
        self.ready.len() + self.late.len()
    }

    pub(crate) fn take(&mut self) -> BytesMut {
        self.ready.split()
    }
}

/// One API session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) phase: Phase,
    pub(crate) client_id: i32,
    pub(crate) server_version: i32,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) outbox: Outbox,
    /// No more input is read; the connection closes once the outbox is written.
    pub(crate) closing: bool,
    /// The client let its outbox overflow: there is no point in writing the rest.
    pub(crate) lost: bool,
    /// Silent with the socket open.
    pub(crate) muted: bool,
    /// Held back by the message rate; it reads on when the next second begins.
    pub(crate) paced: bool,
    /// Messages of the present second, and when it began.
    pub(crate) pace: (UtcNs, u32),
    /// Messages above the rate so far.
    pub(crate) strikes: u32,
    /// The connection ends by a reset, and nothing more is written.
    pub(crate) reset: bool,
    /// Time zone in the handshake, in place of UTC.
    pub(crate) zone: Option<String>,
    /// How long its messages travel, if they take any time.
    pub(crate) ways: Option<Box<Ways>>,
    /// Instant of the last answered reqCurrentTime.
    pub(crate) clock_answered_at: Option<UtcNs>,
    newest_version: i32,
    inbox: BytesMut,
    /// Messages on their way, by the instant at which they arrive.
    arriving: VecDeque<(UtcNs, Bytes)>,
    arriving_bytes: usize,
}

impl Session {
    pub(crate) fn new(newest_version: i32) -> Self {
        Self {
            phase: Phase::Prefix,
            client_id: -1,
            server_version: 0,
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            closing: false,
            lost: false,
            muted: false,
            paced: false,
            pace: (UtcNs::MIN, 0),
            strikes: 0,
            reset: false,
            zone: None,
            ways: None,
            clock_answered_at: None,
            arriving: VecDeque::new(),
            arriving_bytes: 0,
            newest_version,
            inbox: BytesMut::new(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready && !self.closing
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.inbox.len() + self.arriving_bytes
    }

    /// When the next message arrives that is on its way.
    pub(crate) fn next_arrival(&self) -> Option<UtcNs> {
        let reads = !self.closing && !self.muted && !self.paced;
        self.arriving.front().map(|(due, _)| *due).filter(|_| reads)
    }

    /// The connection is gone: what is on its way arrives all the same.
    pub(crate) fn hurry(&mut self) {
        for (due, _) in &mut self.arriving {
            *due = UtcNs::MIN;
        }
        if let Some(ways) = &mut self.ways {
            ways.stop();
        }
    }

    /// Gives a message back, to be read again before all others.
    pub(crate) fn unread(&mut self, payload: &Bytes) {
        self.arriving_bytes += payload.len();
        self.arriving.push_front((UtcNs::MIN, payload.clone()));
    }

    /// The next thing to act on.
    pub(crate) fn next_event(&mut self, now: UtcNs) -> Result<Option<Event>, FrameError> {
        if self.ways.is_none() && self.arriving.is_empty() {
            return self.parse(now);
        }
        // Everything that was received sets out; what was given back goes first.
        while let Some(event) = self.parse(now)? {
            let Event::Message(payload) = event else { return Ok(Some(event)) };
            let travel = self.ways.as_mut().map_or(0, |ways| ways.requests.draw());
            let before = self.arriving.back().map_or(UtcNs::MIN, |(due, _)| *due);
            self.arriving_bytes += payload.len();
            self.arriving.push_back((now.saturating_add(travel).max(before), payload));
        }
        let arrived = self.arriving.pop_front_if(|(due, _)| *due <= now).map(|(_, payload)| payload);
        self.arriving_bytes -= arrived.as_ref().map_or(0, Bytes::len);
        Ok(arrived.map(Event::Message))
    }

    /// The next thing in the inbox, if it is complete.
    fn parse(&mut self, now: UtcNs) -> Result<Option<Event>, FrameError> {
        if self.phase == Phase::Prefix {
            let known = self.inbox.len().min(API_PREFIX.len());
            if self.inbox[..known] != API_PREFIX[..known] {
                return Err(FrameError::NotAnApiClient);
            }
            if known < API_PREFIX.len() {
                return Ok(None);
            }
            let _prefix = self.inbox.split_to(known);
            self.phase = Phase::Version;
        }
        let longest = if self.phase == Phase::Version { VERSION_LINE_MAX } else { MAX_PAYLOAD };
        let Some(payload) = take_payload(&mut self.inbox, longest)? else { return Ok(None) };
        if self.phase == Phase::Version {
            self.greet(now, &payload)?;
            return Ok(Some(Event::Greeted));
        }
        Ok(Some(Event::Message(payload)))
    }

    /// Answers the version line with the newest version both sides speak, which decides the dialect of every
    /// message from here on.
    fn greet(&mut self, now: UtcNs, payload: &[u8]) -> Result<(), FrameError> {
        let (min, max) = parse_version_line(payload)?;
        let version = max.min(self.newest_version);
        if version < OLDEST_SERVER_VERSION || min > version {
            return Err(FrameError::UnsupportedVersion { min, max });
        }
        self.server_version = version;
        self.phase = Phase::Start;
        let stamp = format_stamp_in(now, self.zone.as_deref().unwrap_or("UTC"));
        self.outbox.push(now, 0, |out| put_text(out, &[&version.to_string(), &stamp]));
        Ok(())
    }
}
