//! The loop. One turn: take what is ready, step, hand the records to the journal, and release
//! what an earlier batch held. When the journal refuses: [`trouble`]. How it ends: [`end`].

mod end;
mod trouble;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Core, Input, Reply, Step, Token};
use alphec_model::broker::Wire;
use alphec_model::{Alert, BrokerEvent, BrokerRequest, Command, Event, Record, UtcNanos};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::Opening;
use crate::handle::{Call, CallError, Query, Stats, Status};
use crate::outbox::Outbox;
use crate::rules::Answered;
use crate::side::Side;
use crate::stop::StopPolicy;
use crate::write_ahead::{Committed, Held, Outcome, WriteAhead};
use end::UnderWay;
use trouble::Trouble;

/// Inputs of one kind taken in one turn, so that none starves the others.
const TAKE_MAX: usize = 512;
/// Records of one batch.
const BATCH_MAX: usize = 4_096;
/// Records that may wait for the journal. Beyond it no input is taken, and the adapter's channel fills.
const RECORDS_MAX: usize = 262_144;
/// Records that nobody waits for (a write noted, a repeated status) stay this long for company, so that
/// the sync of one does not stand before the sync of an order.
const LINGER: Duration = Duration::from_millis(5);
/// Records that are not kept lingering.
const LINGER_MAX: usize = 256;
/// A batch in the air for longer lets the cancels behind it go ahead.
const SLOW_JOURNAL: Duration = Duration::from_millis(100);
/// Delay before records that did not become durable are tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How long the end waits for the adapter and for the journal.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// The ends the loop listens on.
pub(crate) struct Channels {
    pub(crate) outcomes: mpsc::Receiver<Outcome>,
    pub(crate) urgent: mpsc::Receiver<Call>,
    pub(crate) broker: mpsc::Receiver<BrokerEvent>,
    pub(crate) answers: mpsc::Receiver<Answered>,
    pub(crate) calls: mpsc::Receiver<Call>,
}

/// What the loop is made of.
pub(crate) struct LoopParts {
    pub(crate) core: Core,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ahead: WriteAhead,
    pub(crate) outbox: Outbox,
    pub(crate) side: Side,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) alerts: broadcast::Sender<Alert>,
    pub(crate) stop: CancellationToken,
    pub(crate) stop_policy: StopPolicy,
    pub(crate) stop_deadline: Duration,
}

/// A batch at the journal.
struct InFlight {
    held: Held,
    records: usize,
    since: UtcNanos,
}

struct Waiter {
    reply: oneshot::Sender<Result<Reply, CallError>>,
    is_cancel: bool,
}

/// The state of the loop.
pub(crate) struct Loop {
    parts: LoopParts,
    filling: Held,
    records: Vec<Arc<Record>>,
    /// When the first of them came.
    records_since: UtcNanos,
    in_flight: Option<InFlight>,
    trouble: Option<Trouble>,
    waiters: HashMap<Token, Waiter>,
    next_token: Token,
    stopping: Option<UnderWay>,
    callers_gone: bool,
    adapter_gone: bool,
    stats: Stats,
}

impl Loop {
    pub(crate) fn new(parts: LoopParts) -> Self {
        Self {
            parts,
            filling: Held::default(),
            records: Vec::new(),
            records_since: UtcNanos::EPOCH,
            in_flight: None,
            trouble: None,
            waiters: HashMap::new(),
            next_token: 0,
            stopping: None,
            callers_gone: false,
            adapter_gone: false,
            stats: Stats::default(),
        }
    }

    pub(crate) async fn run(mut self, opening: Opening, mut channels: Channels, adapter: JoinHandle<()>) {
        self.open(opening);
        while !self.is_stopped() {
            self.dispatch();
            self.parts.outbox.flush();
            self.wait(&mut channels).await;
            self.take_ready(&mut channels);
        }
        self.finish(channels, adapter).await;
    }

    fn open(&mut self, opening: Opening) {
        let Opening { log_id, version, profile, limits } = opening;
        if self.parts.core.book().log_id().is_none() {
            self.step(Input::Open { log_id });
        }
        self.step(Input::Start { version, profile, limits });
    }

    /// Waits until something is ready, and takes one of it.
    async fn wait(&mut self, channels: &mut Channels) {
        let pause = self.pause();
        let has_room = self.records.len() < RECORDS_MAX;
        let outbox_waits = !self.parts.outbox.is_empty() && !self.adapter_gone;
        tokio::select! {
            biased;
            Some(outcome) = channels.outcomes.recv() => self.outcome(outcome),
            Some(call) = channels.urgent.recv(), if has_room => self.call(call),
            event = channels.broker.recv(), if has_room && !self.adapter_gone => self.broker_event(event),
            Some(answered) = channels.answers.recv(), if has_room => self.rule_answered(answered),
            call = channels.calls.recv(), if has_room && !self.callers_gone => self.maybe_call(call),
            _ = self.parts.outbox.room(), if outbox_waits => {}
            () = tokio::time::sleep(pause) => self.wake(),
        }
    }

    /// Takes what else is ready, so that it joins the same batch.
    fn take_ready(&mut self, channels: &mut Channels) {
        while let Ok(outcome) = channels.outcomes.try_recv() {
            self.outcome(outcome);
        }
        for _ in 0..TAKE_MAX {
            let Ok(call) = channels.urgent.try_recv() else { break };
            self.call(call);
        }
        for _ in 0..TAKE_MAX {
            let Ok(event) = channels.broker.try_recv() else { break };
            self.broker_event(Some(event));
        }
        for _ in 0..TAKE_MAX {
            let Ok(answered) = channels.answers.try_recv() else { break };
            self.rule_answered(answered);
        }
        for _ in 0..TAKE_MAX {
            let Ok(call) = channels.calls.try_recv() else { break };
            self.call(call);
        }
        // Every turn, not only idle ones: a busy loop must not miss a deadline.
        self.wake();
    }

    /// How long nothing is due.
    fn pause(&self) -> Duration {
        let now = self.parts.clock.now();
        let slow = self.in_flight.as_ref().map(|in_flight| in_flight.since.saturating_add(SLOW_JOURNAL));
        let retry =
            self.trouble.as_ref().filter(|_| self.in_flight.is_none()).map(|trouble| trouble.retry_at);
        let stop = self
            .stopping
            .as_ref()
            .map(|under_way| under_way.began.saturating_add(under_way.stopping.give_up_after));
        let slow = slow.filter(|at| *at > now);
        let linger = (!self.records.is_empty() && self.in_flight.is_none())
            .then(|| self.records_since.saturating_add(LINGER));
        let next = [self.parts.core.next_deadline(), slow, retry, stop, linger].into_iter().flatten().min();
        next.map_or(Duration::from_secs(1), |at| at.since(now)).min(Duration::from_secs(1))
    }

    fn wake(&mut self) {
        let now = self.parts.clock.now();
        if self.parts.core.next_deadline().is_some_and(|at| at <= now) {
            self.step(Input::Wake);
        }
        let is_slow =
            self.in_flight.as_ref().is_some_and(|in_flight| now.since(in_flight.since) >= SLOW_JOURNAL);
        if is_slow {
            self.let_cancels_ahead();
        }
        if self.in_flight.is_none() && self.trouble.as_ref().is_some_and(|trouble| trouble.retry_at <= now) {
            self.retry(now);
        }
    }

    fn step(&mut self, input: Input) {
        let step = self.parts.core.handle(self.parts.clock.now(), input);
        self.absorb(step);
    }

    fn absorb(&mut self, mut step: Step) {
        // Alerts are for people: they do not wait for the journal, which may be what they are about.
        for alert in std::mem::take(&mut step.alerts) {
            self.stats.alerts_dropped += self.parts.side.alert(&alert);
            // No subscriber is no error.
            drop(self.parts.alerts.send(alert));
        }
        if self.records.is_empty() {
            self.records_since = self.parts.clock.now();
        }
        let mut records = self.filling.take(step, self.parts.core.book().seq());
        self.records.append(&mut records);
    }

    fn maybe_call(&mut self, call: Option<Call>) {
        match call {
            Some(call) => self.call(call),
            None => {
                // Every handle was dropped without a stop: never leave silently.
                self.callers_gone = true;
                let (policy, deadline) = (self.parts.stop_policy, self.parts.stop_deadline);
                self.begin_stop(policy, deadline, None);
            }
        }
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Command(command, reply) => {
                let is_cancel = matches!(*command, Command::Cancel { .. } | Command::CancelAll { .. });
                let token = self.next_token;
                self.next_token += 1;
                self.waiters.insert(token, Waiter { reply, is_cancel });
                self.step(Input::Command { token, command: *command });
            }
            Call::Query(query) => self.query(query),
            Call::Stop { policy, deadline, done } => self.begin_stop(policy, deadline, Some(done)),
        }
    }

    fn query(&mut self, query: Query) {
        let core = &self.parts.core;
        let book = core.book();
        let answer: Box<dyn FnOnce() + Send> = match query {
            Query::Order(key, to) => answer(to, book.order(&key).cloned()),
            Query::OpenOrders(to) => answer(to, book.live_orders().cloned().collect()),
            Query::AllOrders(to) => answer(to, book.orders().cloned().collect()),
            Query::Fills(key, to) => answer(to, book.fills_of(&key).cloned().collect()),
            Query::Positions(to) => answer(to, book.positions().collect()),
            Query::Account(account, to) => answer(to, core.account(&account).cloned()),
            Query::Quote(instrument, to) => answer(to, core.quote(&instrument).copied()),
            Query::Status(to) => {
                let status =
                    Status { readiness: core.readiness(), journal_seq: book.seq(), stats: self.stats };
                answer(to, status)
            }
        };
        self.filling.answer(answer, self.parts.core.book().seq());
    }

    fn rule_answered(&mut self, answered: Answered) {
        let Answered { client_order_id, rule, answer } = answered;
        self.step(Input::RuleAnswer { client_order_id, rule, answer });
    }

    fn broker_event(&mut self, event: Option<BrokerEvent>) {
        match event {
            Some(event) => self.step(Input::Broker(event)),
            None => {
                self.adapter_gone = true;
                let generation = self.parts.core.generation();
                let why = "the broker adapter has ended".to_owned();
                self.step(Input::Broker(BrokerEvent::Disconnected { generation, why }));
            }
        }
    }

    /// Hands waiting records to the journal, if it is free; lets out what waits for none.
    fn dispatch(&mut self) {
        if self.trouble.is_some() {
            self.let_out_in_trouble();
            return;
        }
        if self.in_flight.is_some() {
            return;
        }
        if self.records.is_empty() {
            if !self.filling.is_empty() {
                let held = std::mem::take(&mut self.filling);
                self.release(held);
            }
            return;
        }
        if self.may_linger() {
            return;
        }
        let held =
            if self.records.len() <= BATCH_MAX { std::mem::take(&mut self.filling) } else { Held::default() };
        let rest = self.records.split_off(self.records.len().min(BATCH_MAX));
        let records = std::mem::replace(&mut self.records, rest);
        self.begin(records, held);
    }

    fn may_linger(&self) -> bool {
        self.filling.is_empty()
            && self.stopping.is_none()
            && self.records.len() <= LINGER_MAX
            && self.parts.clock.now().since(self.records_since) < LINGER
    }

    fn begin(&mut self, records: Vec<Arc<Record>>, held: Held) {
        let count = records.len();
        if !self.parts.ahead.begin(records) {
            tracing::error!("the journal thread is gone; nothing more can be sent");
        }
        self.in_flight = Some(InFlight { held, records: count, since: self.parts.clock.now() });
    }

    fn outcome(&mut self, outcome: Outcome) {
        let Some(InFlight { held, records: count, .. }) = self.in_flight.take() else { return };
        match outcome {
            Outcome::Durable(receipt) => {
                self.parts.ahead.note(receipt);
                self.stats.commits += 1;
                self.stats.records += count as u64;
                self.stats.batch_max = self.stats.batch_max.max(count as u64);
                self.release(held);
                self.end_trouble();
            }
            Outcome::Failed { records, error } => self.begin_trouble(records, held, &error.to_string()),
        }
    }

    fn release(&mut self, held: Held) {
        let released = match held.release(self.parts.ahead.durable()) {
            Ok(released) => released,
            Err(held) => {
                // Spoke of records that are not durable yet: goes out with the batch that holds them.
                self.filling.put_first(*held);
                return;
            }
        };
        for request in released.requests {
            self.send(request);
        }
        for (token, reply) in released.replies {
            self.reply(token, Ok(reply));
        }
        for answer in released.answers {
            answer();
        }
        for ask in released.asks {
            self.parts.side.ask(ask);
        }
        for event in released.events {
            // No subscriber is no error.
            drop(self.parts.events.send(event));
        }
    }

    fn send(&mut self, committed: Committed) {
        if let Err(request) = self.parts.outbox.push(committed) {
            self.never_sent(&request, "too many requests are waiting for the broker");
        }
    }

    fn never_sent(&mut self, request: &BrokerRequest, why: &str) {
        let (ticket, wire) = match request {
            BrokerRequest::Place(ticket) => (ticket, Wire::Place),
            BrokerRequest::Replace(ticket) => (ticket, Wire::Replace),
            _ => return,
        };
        let broker_order_id = ticket.broker_order_id;
        self.step(Input::Broker(BrokerEvent::NotWritten { broker_order_id, wire, why: why.to_owned() }));
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, CallError>) {
        if let Some(waiter) = self.waiters.remove(&token) {
            // A caller that stopped waiting loses the answer, never the order.
            drop(waiter.reply.send(reply));
        }
    }
}

fn answer<T: Send + 'static>(to: oneshot::Sender<T>, value: T) -> Box<dyn FnOnce() + Send> {
    Box::new(move || drop(to.send(value)))
}
