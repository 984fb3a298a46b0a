//! The adapter's part: one session at a time over a line of bytes, with the real conversions, queues, budget and
//! last look of `alphec-ibkr`. What is modelled is what its client library does: framing, routing, liveness.

pub(crate) mod frames;
mod inbound;
mod lists;
mod rows;
mod session;

use std::collections::VecDeque;
use std::time::Duration;

use alphec_ibkr::by_hand::{Converter, Moment, Next, Queue, refused};
use alphec_model::broker::{BrokerEvent, BrokerRequest, Ticket, Wire};
use alphec_model::{
    AccountId, ApiClientId, BrokerOrderId, Generation, Instrument, LogId, OrderRef, UtcNanos, planted,
};
use bytes::BytesMut;
use frames::{OpenOrder, frame};
use lists::Reading;
use session::Up;

use crate::clock::{Instant, SECOND};

/// How the adapter is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) api_client_id: ApiClientId,
    pub(crate) account: AccountId,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) messages_per_second: Option<u32>,
    /// Nanoseconds between two probes.
    pub(crate) heartbeat: Instant,
}

/// What a frame to the gateway is, for those who watch the wire.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sent {
    Place(Box<Ticket>),
    Replace(Box<Ticket>),
    Cancel(BrokerOrderId),
    GlobalCancel,
    /// The first question of a reading of the books.
    Books,
    /// Whether the gateway is there.
    Probe,
    Other,
}

/// What the adapter wants of its socket.
#[derive(Debug)]
pub(crate) enum Wish {
    Connect,
    Send(Sent, Vec<u8>),
    Close,
}

#[derive(Debug)]
enum State {
    Offline {
        retry_at: Instant,
    },
    /// The socket is made; the handshake is under way.
    Starting {
        deadline: Instant,
        greeted: bool,
        next_id: Option<i32>,
        accounts: Option<Vec<AccountId>>,
    },
    Up(Box<Up>),
}

const CONNECT_TIMEOUT: Instant = 15 * SECOND;
const LIST_TIMEOUT: Instant = 15 * SECOND;
const PROBE_DEADLINE: Instant = 5 * SECOND;
const PROBE_SPACING: Instant = 2 * SECOND;
const PROBE_MISSES: u32 = 2;
/// An order waits for a round trip when the gateway was silent for so long.
const PROBE_AFTER_IDLE: Instant = 2 * SECOND;
/// One that waited longer for it is not written.
const WAITED_MAX: Instant = 2 * SECOND;
const BACKOFF_CEILING: Instant = 30 * SECOND;
const SNAPSHOTS_MAX: usize = 4;

/// The adapter. It lives and dies with its process.
#[derive(Debug)]
pub(crate) struct Adapter {
    setup: Setup,
    converter: Converter,
    queue: Queue,
    state: State,
    generation: u64,
    attempt: u32,
    backoff: Instant,
    born: Instant,
    inbox: BytesMut,
    wishes: VecDeque<Wish>,
    events: VecDeque<BrokerEvent>,
    next_req_id: i32,
    /// The time that its process reads.
    wall: UtcNanos,
    /// The last order that was written, for bugs that are planted.
    last_placed: Option<(Box<Ticket>, Vec<u8>)>,
}

impl Adapter {
    pub(crate) fn new(setup: Setup, now: Instant) -> Self {
        Self {
            converter: Converter::new(&setup.instruments),
            queue: Queue::new(setup.messages_per_second),
            setup,
            state: State::Offline { retry_at: now },
            generation: 0,
            attempt: 0,
            backoff: SECOND,
            born: now,
            inbox: BytesMut::new(),
            wishes: VecDeque::new(),
            events: VecDeque::new(),
            next_req_id: 1_500_000_000,
            wall: UtcNanos::EPOCH,
            last_placed: None,
        }
    }

    pub(crate) const fn set_wall(&mut self, wall: UtcNanos) {
        self.wall = wall;
    }

    pub(crate) fn wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    pub(crate) fn event(&mut self) -> Option<BrokerEvent> {
        self.events.pop_front()
    }

    /// An event that found no room comes first again.
    pub(crate) fn give_back(&mut self, event: BrokerEvent) {
        self.events.push_front(event);
    }

    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    pub(crate) const fn generation(&self) -> Generation {
        Generation::new(self.generation)
    }

    /// The engine asks for something.
    pub(crate) fn request(&mut self, now: Instant, request: BrokerRequest) {
        let State::Up(up) = &mut self.state else {
            self.events.extend(refused(&request, "not connected to the broker"));
            return;
        };
        match request {
            BrokerRequest::Snapshot { id, executions_days } => {
                if let Some(why) = up.owing.clone() {
                    self.snapshot_failed(id, &why);
                    self.lose(now, &format!("a list never ended, reconnecting for a clean one: {why}"));
                } else if up.snapshots.len() >= SNAPSHOTS_MAX {
                    self.snapshot_failed(id, "too many snapshots already wait");
                } else {
                    up.snapshots.push_back((id, executions_days));
                }
            }
            request => self.events.extend(self.queue.push(request)),
        }
    }

    /// The connection was made.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.inbox.clear();
        self.state = State::Starting {
            deadline: now.saturating_add(CONNECT_TIMEOUT),
            greeted: false,
            next_id: None,
            accounts: None,
        };
        self.send(Sent::Other, frames::greeting());
    }

    /// The connection is gone, by its own or the gateway's doing.
    pub(crate) fn hung_up(&mut self, now: Instant) {
        match self.state {
            State::Offline { .. } => {}
            State::Starting { .. } => self.connect_failed(now, "the gateway closed the connection"),
            State::Up(_) => self.lose(now, "the gateway closed the connection"),
        }
    }

    /// Does what is due: timeouts, probes, lists, and what waits to be written.
    pub(crate) fn run(&mut self, now: Instant) {
        match &self.state {
            State::Offline { retry_at } if *retry_at <= now => {
                self.state = State::Offline { retry_at: Instant::MAX };
                self.wishes.push_back(Wish::Connect);
            }
            State::Starting { deadline, .. } if *deadline <= now => {
                self.wishes.push_back(Wish::Close);
                self.connect_failed(now, "no answer to the handshake");
            }
            State::Offline { .. } | State::Starting { .. } => {}
            State::Up(_) => self.run_session(now),
        }
    }

    /// When [`Self::run`] is next due.
    pub(crate) fn due(&self) -> Instant {
        match &self.state {
            State::Offline { retry_at } => *retry_at,
            State::Starting { deadline, .. } => *deadline,
            State::Up(up) => up.due(),
        }
    }

    pub(crate) fn connect_failed(&mut self, now: Instant, why: &str) {
        self.attempt = self.attempt.saturating_add(1);
        let retry_in = self.backoff;
        self.backoff = self.backoff.saturating_mul(2).min(BACKOFF_CEILING);
        if self.attempt >= 5 && planted::is("the-fifth-attempt-is-the-last") {
            self.backoff = Instant::MAX;
        }
        self.state = State::Offline { retry_at: now.saturating_add(retry_in) };
        self.events.push_back(BrokerEvent::ConnectFailed {
            attempt: self.attempt,
            retry_in_ms: Some(u64::try_from(retry_in / 1_000_000).unwrap_or(0)),
            error: why.to_owned(),
        });
    }

    /// The session ends: what was not written is proven so, and what was asked is answered.
    fn lose(&mut self, now: Instant, why: &str) {
        let State::Up(up) = &mut self.state else { return };
        let unanswered: Vec<u64> = up.reading.take().map(|reading| reading.id).into_iter().collect();
        let waiting: Vec<u64> = up.snapshots.drain(..).map(|(id, _)| id).collect();
        let lasted = now.saturating_sub(up.since);
        self.events.extend(self.queue.end(why));
        if let Some((ticket, _)) =
            self.last_placed.take_if(|_| planted::is("what-was-written-is-called-unwritten"))
        {
            let broker_order_id = ticket.broker_order_id;
            let why = why.to_owned();
            self.events.push_back(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why });
        }
        for id in unanswered.into_iter().chain(waiting) {
            self.snapshot_failed(id, &format!("the session ended: {why}"));
        }
        self.wishes.push_back(Wish::Close);
        let (generation, why) = (self.generation(), why.to_owned());
        self.events.push_back(BrokerEvent::Disconnected { generation, why });
        if lasted > 60 * SECOND {
            self.backoff = SECOND;
        }
        self.state = State::Offline { retry_at: now.saturating_add(self.backoff) };
    }

    fn snapshot_failed(&mut self, id: u64, why: &str) {
        let generation = self.generation();
        self.events.push_back(BrokerEvent::SnapshotFailed { id, generation, why: why.to_owned() });
    }

    fn send(&mut self, sent: Sent, bytes: Vec<u8>) {
        self.wishes.push_back(Wish::Send(sent, bytes));
    }

    /// Since its own start, as its budget counts.
    fn age(&self, now: Instant) -> Duration {
        Duration::from_nanos(u64::try_from(now.saturating_sub(self.born)).unwrap_or(0))
    }

    /// Writes what waits and what the budget allows; gives the instant to go on.
    fn write_waiting(&mut self, now: Instant) -> Option<Instant> {
        loop {
            if self.waits_for_a_sign(now) {
                return None;
            }
            match self.queue.pop(self.age(now)) {
                Ok(None) => return None,
                Err(at) => {
                    let at = i64::try_from(at.as_nanos()).unwrap_or(Instant::MAX);
                    return Some(self.born.saturating_add(at).max(now.saturating_add(1)));
                }
                Ok(Some(next)) => self.write(next),
            }
        }
    }

    fn write(&mut self, next: Next) {
        let at = self.wall;
        match next {
            Next::Order(wire, ticket) => self.write_order(wire, ticket),
            Next::Cancel(broker_order_id) => {
                let bytes = frame(4, &frames::Number { value: Some(broker_order_id.get()) });
                self.send(Sent::Cancel(broker_order_id), bytes);
                let wire = Wire::Cancel;
                self.events.push_back(BrokerEvent::Written { broker_order_id, wire, at });
            }
            Next::GlobalCancel => {
                self.send(Sent::GlobalCancel, frame(58, &frames::Nothing {}));
                self.events.push_back(BrokerEvent::GlobalCancelWritten { at });
            }
        }
    }

    fn write_order(&mut self, wire: Wire, ticket: Box<Ticket>) {
        let broker_order_id = ticket.broker_order_id;
        let (accounts, is_server_lost) = match &self.state {
            State::Up(up) => (up.accounts.clone(), up.is_server_lost),
            State::Offline { .. } | State::Starting { .. } => (Vec::new(), false),
        };
        let is_server_lost = is_server_lost && !planted::is("lost-servers-stop-nothing");
        let is_any = planted::is("any-login-is-accepted");
        let accounts = if is_any { vec![ticket.account.clone()] } else { accounts };
        let moment =
            Moment { generation: self.generation(), accounts: &accounts, is_server_lost, now: self.wall };
        match self.converter.place(&ticket, &moment) {
            Err(why) => self.events.push_back(BrokerEvent::NotWritten { broker_order_id, wire, why }),
            Ok(placed) => {
                let bytes = frame(3, &place_order(placed));
                if wire == Wire::Place {
                    self.last_placed = Some((ticket.clone(), bytes.clone()));
                }
                let sent = if wire == Wire::Replace { Sent::Replace(ticket) } else { Sent::Place(ticket) };
                self.send(sent, bytes);
                self.events.push_back(BrokerEvent::Written { broker_order_id, wire, at: self.wall });
            }
        }
    }
}

/// A reference of our journal that no record holds.
fn of_no_intent(order_id: i32) -> Option<String> {
    let log = LogId::new(crate::profile::LOG).ok()?;
    let number = u64::try_from(order_id).ok()?.saturating_add(1_000_000);
    Some(OrderRef::of_intent(&log, number, "nobody's").as_str().to_owned())
}

fn place_order(placed: alphec_ibkr::by_hand::Placed) -> OpenOrder {
    let given = |text: String| (!text.is_empty()).then_some(text);
    let order_ref = if planted::is("an-order-leaves-under-the-reference-of-no-intent") {
        of_no_intent(placed.order_id)
    } else {
        given(placed.order_ref)
    };
    OpenOrder {
        order_id: Some(placed.order_id),
        contract: Some(frames::Contract {
            con_id: Some(placed.con_id),
            symbol: None,
            exchange: Some(placed.exchange),
        }),
        order: Some(frames::Order {
            action: Some(placed.action),
            total_quantity: Some(placed.total_quantity.to_string()),
            order_type: Some(placed.order_type),
            limit_price: placed.limit_price,
            aux_price: placed.aux_price,
            tif: given(placed.tif),
            account: Some(placed.account),
            good_till_date: given(placed.good_till_date),
            order_ref,
            transmit: Some(placed.transmit),
            parent_id: (placed.parent_id != 0).then_some(placed.parent_id),
            oca_group: given(placed.oca_group),
            oca_type: (placed.oca_type != 0).then_some(placed.oca_type),
            ..frames::Order::default()
        }),
        state: None,
    }
}
