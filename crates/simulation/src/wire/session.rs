//! A session that is up: probes, lists, market data and account values.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alphec_model::broker::BrokerEvent;
use alphec_model::{AccountId, BrokerOrderId, InstrumentId, Quote, planted};

use super::frames::{self, frame};
use super::lists::Stage;
use super::{
    Adapter, LIST_TIMEOUT, PROBE_AFTER_IDLE, PROBE_DEADLINE, PROBE_MISSES, PROBE_SPACING, Reading, Sent,
    State, WAITED_MAX,
};
use crate::clock::Instant;

/// A round trip before an order.
#[derive(Debug)]
struct Sign {
    since: Instant,
    /// When the question was put last.
    asked_at: Instant,
    misses: u32,
}

#[derive(Debug)]
pub(super) struct Up {
    pub(super) since: Instant,
    pub(super) accounts: Vec<AccountId>,
    pub(super) snapshots: VecDeque<(u64, u8)>,
    pub(super) reading: Option<Reading>,
    /// A list that never ended: its end marker could end a later one.
    pub(super) owing: Option<String>,
    pub(super) quotes: BTreeMap<i32, (InstrumentId, Quote)>,
    /// When the budget lets the next message through.
    pub(super) paced_until: Option<Instant>,
    pub(super) probe_at: Instant,
    pub(super) probed_at: Option<Instant>,
    pub(super) misses: u32,
    /// The gateway has said that it lost the broker's servers.
    pub(super) is_server_lost: bool,
    /// When the gateway was last heard.
    heard_at: Instant,
    /// The round trip that orders wait for.
    sign: Option<Sign>,
    pub(super) unknown_frames: BTreeSet<i32>,
    /// Executions that the list being read has shown: their commissions belong to it.
    pub(super) listed: BTreeSet<String>,
}

impl Up {
    fn new(now: Instant, accounts: Vec<AccountId>, probe_at: Instant) -> Self {
        Self {
            since: now,
            accounts,
            snapshots: VecDeque::new(),
            reading: None,
            owing: None,
            quotes: BTreeMap::new(),
            paced_until: None,
            probe_at,
            probed_at: None,
            misses: 0,
            is_server_lost: false,
            heard_at: now,
            sign: None,
            unknown_frames: BTreeSet::new(),
            listed: BTreeSet::new(),
        }
    }

    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// Whether this is the list being read.
    fn is_at(&self, stage: Stage) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.stage == stage)
    }

    pub(super) fn due(&self) -> Instant {
        let probe = self.probed_at.map_or(self.probe_at, |at| at.saturating_add(PROBE_DEADLINE));
        let list = self.reading.as_ref().map(|reading| match reading.asked_at {
            Some(at) => at.saturating_add(LIST_TIMEOUT),
            None => self.paced_until.unwrap_or(Instant::MIN),
        });
        let sign = self.sign.as_ref().map(|sign| sign.asked_at.saturating_add(PROBE_DEADLINE));
        let queued = (self.reading.is_none() && !self.snapshots.is_empty()).then_some(Instant::MIN);
        [Some(probe), sign, list, queued, self.paced_until]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Instant::MAX)
    }
}

impl Adapter {
    /// The handshake is done: announce the connection, ask for prices and account values.
    pub(super) fn come_up(&mut self, now: Instant, next_id: i32, accounts: Vec<AccountId>) {
        self.generation = self.generation.saturating_add(1);
        self.attempt = 0;
        self.events.push_back(BrokerEvent::Connected(alphec_model::broker::Session {
            generation: self.generation(),
            server_version: 226,
            api_client_id: self.setup.api_client_id,
            next_order_id: BrokerOrderId::new(next_id),
            accounts: accounts.clone(),
        }));
        let mut up = Up::new(now, accounts, now.saturating_add(self.setup.heartbeat));
        let instruments = self.setup.instruments.clone();
        for (at, instrument) in instruments.iter().enumerate() {
            let (req_id, Some(con_id)) = (9_000_000 + i32::try_from(at).unwrap_or(0), instrument.con_id())
            else {
                continue;
            };
            let quote = Quote { bid: None, ask: None, last: None, at: self.wall };
            up.quotes.insert(req_id, (instrument.id().clone(), quote));
            let contract = frames::Contract { con_id: Some(con_id.get()), ..frames::Contract::default() };
            let asked = frames::MarketData { req_id: Some(req_id), contract: Some(contract) };
            self.send(Sent::Other, frame(1, &asked));
            self.events.push_back(BrokerEvent::InstrumentResolved {
                instrument: instrument.id().clone(),
                con_id,
                tick: None,
                multiplier: None,
            });
        }
        let account = self.setup.account.as_str().to_owned();
        let updates = frames::AccountUpdates { subscribe: Some(true), account: Some(account) };
        self.send(Sent::Other, frame(6, &updates));
        self.state = State::Up(Box::new(up));
        if let Some((ticket, bytes)) =
            self.last_placed.take_if(|_| planted::is("a-reconnect-sends-the-last-order-again"))
        {
            self.send(Sent::Place(ticket), bytes);
        }
    }

    pub(super) fn run_session(&mut self, now: Instant) {
        self.probe(now);
        self.miss_a_sign(now);
        self.time_out_list(now);
        if !self.is_up() {
            return;
        }
        let later = self.write_waiting(now);
        let later = later.into_iter().chain(self.ask_next_list(now)).min();
        if let State::Up(up) = &mut self.state {
            up.paced_until = later;
        }
    }

    fn probe(&mut self, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        match up.probed_at {
            Some(at) if at.saturating_add(PROBE_DEADLINE) <= now => {
                up.misses = up.misses.saturating_add(1);
                up.probed_at = None;
                up.probe_at = now.max(at.saturating_add(PROBE_SPACING));
                if up.misses >= PROBE_MISSES {
                    self.lose(now, "the gateway is silent though the socket stands");
                }
            }
            None if up.probe_at <= now => {
                up.probed_at = Some(now);
                // Probes may use the part of the budget that is kept for urgent messages.
                let _over_budget = self.queue.take(true, self.age(now));
                self.send(Sent::Probe, frame(49, &frames::Nothing {}));
            }
            Some(_) | None => {}
        }
    }

    /// The gateway said the time: it is alive.
    pub(super) fn probed(&mut self, now: Instant) {
        let heartbeat = self.setup.heartbeat;
        if let State::Up(up) = &mut self.state
            && up.probed_at.take().is_some()
        {
            up.misses = 0;
            up.probe_at = now.saturating_add(heartbeat);
        }
    }

    /// Whether orders wait for a round trip; one begins if the gateway was silent for too long. Cancels never do.
    pub(super) fn waits_for_a_sign(&mut self, now: Instant) -> bool {
        let State::Up(up) = &mut self.state else { return false };
        if !self.queue.is_order_next() {
            return false;
        }
        if up.sign.is_none() && now.saturating_sub(up.heard_at) >= PROBE_AFTER_IDLE {
            up.sign = Some(Sign { since: now, asked_at: now, misses: 0 });
            self.ask_for_a_sign(now);
        }
        matches!(&self.state, State::Up(up) if up.sign.is_some())
    }

    fn ask_for_a_sign(&mut self, now: Instant) {
        // Counted, but never held back: it is what orders wait for.
        let _over_budget = self.queue.take(true, self.age(now));
        self.send(Sent::Probe, frame(17, &frames::Nothing {}));
    }

    fn miss_a_sign(&mut self, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        let Some(sign) = &mut up.sign else { return };
        if sign.asked_at.saturating_add(PROBE_DEADLINE) > now {
            return;
        }
        (sign.misses, sign.asked_at) = (sign.misses.saturating_add(1), now);
        if sign.misses >= PROBE_MISSES {
            self.lose(now, "the gateway is silent: no answer to a round trip before an order");
        } else {
            self.ask_for_a_sign(now);
        }
    }

    /// The gateway named the accounts: it is there.
    pub(super) fn gave_a_sign(&mut self, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        let Some(sign) = up.sign.take() else { return };
        up.heard(now);
        if now.saturating_sub(sign.since) >= WAITED_MAX {
            self.events
                .extend(self.queue.give_up_all("the gateway took too long to answer a round trip before it"));
        }
        self.run_session(now);
    }

    fn time_out_list(&mut self, now: Instant) {
        let State::Up(up) = &mut self.state else { return };
        let late =
            |reading: &Reading| reading.asked_at.is_some_and(|at| at.saturating_add(LIST_TIMEOUT) <= now);
        if let Some(reading) = up.reading.take_if(|reading| late(reading)) {
            let mut why = format!("the list of {} did not end in time", reading.stage.name());
            if reading.stage.is_owing() {
                up.owing = Some(why.clone());
            }
            if let Some(spoiled) = &reading.spoiled {
                why = format!("{spoiled}; {why}");
            }
            self.snapshot_failed(reading.id, &why);
        }
    }

    /// Asks for the list that is next, if its turn has come; gives the instant to try again.
    fn ask_next_list(&mut self, now: Instant) -> Option<Instant> {
        let age = self.age(now);
        let State::Up(up) = &mut self.state else { return None };
        if up.reading.is_none() {
            let (id, days) = up.snapshots.pop_front()?;
            up.reading = Some(Reading::new(id, days, self.next_req_id));
            up.listed.clear();
            self.next_req_id = self.next_req_id.saturating_add(1);
        }
        let reading = up.reading.as_mut().filter(|reading| reading.asked_at.is_none())?;
        if let Err(at) = self.queue.take(false, age) {
            let at = i64::try_from(at.as_nanos()).unwrap_or(Instant::MAX);
            return Some(self.born.saturating_add(at).max(now.saturating_add(1)));
        }
        reading.asked_at = Some(now);
        let bytes = match reading.stage {
            Stage::Barrier => frame(17, &frames::Nothing {}),
            Stage::Open => frame(16, &frames::Nothing {}),
            Stage::Completed => frame(99, &frames::Flag { value: Some(false) }),
            Stage::Executions => {
                let days = i32::from(reading.days);
                let filter = frames::ExecutionFilter { last_n_days: (days > 1).then_some(days.min(7)) };
                frame(7, &frames::Executions { req_id: Some(reading.req_id), filter: Some(filter) })
            }
            Stage::Positions => frame(61, &frames::Nothing {}),
        };
        let is_first = matches!(&self.state, State::Up(up) if up.is_at(Stage::Barrier));
        self.send(if is_first { Sent::Books } else { Sent::Other }, bytes);
        None
    }

    /// The end marker of a list came.
    pub(super) fn list_ended(&mut self, now: Instant, stage: Stage) {
        let State::Up(up) = &mut self.state else { return };
        let is_awaited = |reading: &Reading| reading.stage == stage && reading.asked_at.is_some();
        let Some(mut reading) = up.reading.take_if(|reading| is_awaited(reading)) else { return };
        if stage == Stage::Positions {
            self.send(Sent::Other, frame(64, &frames::Nothing {}));
        }
        match (stage.next(), reading.spoiled.take()) {
            (Some(next), spoiled) => {
                let State::Up(up) = &mut self.state else { return };
                (reading.stage, reading.asked_at, reading.spoiled) = (next, None, spoiled);
                up.reading = Some(reading);
            }
            (None, Some(why)) => self.snapshot_failed(reading.id, &why),
            (None, None) => {
                if let State::Up(up) = &mut self.state {
                    up.heard(now);
                }
                let snapshot = reading.finish(self.generation());
                self.events.push_back(BrokerEvent::Snapshot(snapshot));
            }
        }
        self.run_session(now);
    }
}
