//! The loop. One turn: take what is ready, step, hand the records to the journal, and release
//! what an earlier batch held. When the journal refuses: `trouble`. How it ends: `end`.

#[cfg(feature = "simulation")]
mod by_hand;
mod end;
mod room;
mod trouble;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Core, Input, Reply, Step, Token};
use alphec_model::{Alert, BrokerEvent, BrokerRequest, Command, Event, Provenance, UtcNanos, planted};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::emergency::Emergency;
use crate::engine::Opening;
use crate::follow::Followers;
use crate::handle::{Call, CallError, Query, Stats, Status, needs_record};
use crate::outbox::Outbox;
use crate::rules::Answered;
use crate::side::Side;
use crate::stop::StopPolicy;
use crate::write_ahead::{Answer, Batch, Committed, Held, Outcome, Urgency, WriteAhead};
use end::UnderWay;
use trouble::Trouble;

/// Inputs of one kind taken in one turn, so that none starves the others.
const TAKE_MAX: usize = 512;
/// Records of one batch.
const BATCH_MAX: usize = 4_096;
/// Records that may wait for the journal. Beyond it no input is taken, and the adapter's channel fills.
/// Cancels and halts still are: those that change something, so a few records an order at most (`room`).
const RECORDS_MAX: usize = 262_144;
/// Records that nobody waits for (a write noted, a repeated status) stay this long for company, so that
/// the sync of one does not stand before the sync of an order.
const LINGER: Duration = Duration::from_millis(5);
/// The same for records that only subscribers to events wait for. A strategy that answers the broker's
/// word with an order has heard it already, and its order then shares their sync instead of waiting for it.
const LINGER_EVENTS: Duration = Duration::from_millis(1);
/// Records that are not kept lingering.
const LINGER_MAX: usize = 256;
/// A cancel waits for a sync this long and then goes ahead of it.
const SLOW_CANCEL: Duration = Duration::from_millis(100);
/// A sync that takes longer stops new orders, and what waited for it is not sent.
const SLOW_JOURNAL: Duration = Duration::from_secs(5);
/// Answers to queries that may wait for a sync.
const ANSWERS_MAX: usize = 16_384;
/// The longest sleep.
const IDLE: Duration = Duration::from_secs(1);
/// Delay before records that did not become durable are tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How long the end waits for the adapter, and for the journal.
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
    pub(crate) emergency: Emergency,
    pub(crate) outbox: Outbox,
    pub(crate) side: Side,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) followers: Arc<Followers>,
    pub(crate) alerts: broadcast::Sender<Alert>,
    pub(crate) stop: CancellationToken,
    pub(crate) stop_policy: StopPolicy,
    pub(crate) stop_deadline: Duration,
}

/// A batch at the journal.
struct InFlight {
    batch: Batch,
    /// By the machine's own clock, see [`Clock::elapsed`].
    since: Duration,
}

/// A caller who waits for an answer.
struct Waiter {
    reply: oneshot::Sender<Result<Reply, CallError>>,
    /// What it is told is only true once it is durable.
    needs_record: bool,
    /// It asked for a change, not for an order.
    is_change: bool,
}

/// What may be known outside and is not told yet; emptied every turn.
#[derive(Default)]
struct News {
    replies: Vec<(Token, Reply)>,
    answers: Vec<Answer>,
    events: Vec<Event>,
    follows_requests: bool,
}

impl News {
    const fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.answers.is_empty() && self.events.is_empty()
    }
}

/// The state of the loop.
pub(crate) struct Loop {
    parts: LoopParts,
    /// What the current turns leave.
    filling: Batch,
    /// When the first record of it came.
    filling_since: UtcNanos,
    /// Full batches that wait for the journal.
    queue: VecDeque<Batch>,
    in_flight: Option<InFlight>,
    /// Since when a cancel waits for a sync.
    cancels_since: Option<UtcNanos>,
    /// The batch in the air takes longer than it may, and people know.
    is_slow: bool,
    trouble: Option<Trouble>,
    journal_gone: bool,
    waiters: HashMap<Token, Waiter>,
    next_token: Token,
    news: News,
    stopping: Option<UnderWay>,
    callers_gone: bool,
    adapter_gone: bool,
    stats: Stats,
}

impl Loop {
    pub(crate) fn new(parts: LoopParts) -> Self {
        Self {
            parts,
            filling: Batch::default(),
            filling_since: UtcNanos::EPOCH,
            queue: VecDeque::new(),
            in_flight: None,
            cancels_since: None,
            is_slow: false,
            trouble: None,
            journal_gone: false,
            waiters: HashMap::new(),
            next_token: 0,
            news: News::default(),
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
            self.flush();
            self.tell_after_the_write().await;
            self.wait(&mut channels).await;
            self.take_ready(&mut channels);
        }
        self.finish(channels, adapter).await;
    }

    pub(crate) fn open(&mut self, opening: Opening) {
        let Opening { log_id, version, profile, limits, unfinished } = opening;
        if self.parts.core.book().log_id().is_none() {
            self.step(Input::Open { log_id });
        }
        self.step(Input::Start { version, profile, limits });
        if unfinished.is_empty() {
            return;
        }
        for command in unfinished {
            tracing::warn!(
                ?command,
                "an earlier process was asked for this and could not record it: carrying it out"
            );
            // Nobody waits for this token any more.
            let token = self.fresh_token();
            self.step(Input::Command { token, command });
        }
        self.parts.emergency.taken_up(self.parts.core.book().seq());
    }

    /// Waits until something is ready, and takes one of it. Cancels are taken whatever is full.
    async fn wait(&mut self, channels: &mut Channels) {
        let pause = self.pause();
        let has_room = self.has_room();
        let outbox = &self.parts.outbox;
        let outbox_waits = !outbox.is_empty() && outbox.paced_until().is_none() && !self.adapter_gone;
        tokio::select! {
            biased;
            outcome = channels.outcomes.recv(), if !self.journal_gone => self.outcome(outcome),
            Some(call) = channels.urgent.recv() => self.urgent_call(call, &mut channels.calls),
            event = channels.broker.recv(), if has_room && !self.adapter_gone => self.broker_event(event),
            Some(answered) = channels.answers.recv(), if has_room => self.rule_answered(answered),
            call = channels.calls.recv(), if has_room && !self.callers_gone => self.maybe_call(call),
            () = self.parts.outbox.room(), if outbox_waits => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// Takes what else is ready, so that it joins the same batch.
    fn take_ready(&mut self, channels: &mut Channels) {
        while let Ok(outcome) = channels.outcomes.try_recv() {
            self.outcome(Some(outcome));
        }
        for _ in 0..TAKE_MAX {
            let Ok(call) = channels.urgent.try_recv() else { break };
            self.urgent_call(call, &mut channels.calls);
        }
        for _ in 0..TAKE_MAX {
            let Some(event) = self.has_room().then(|| channels.broker.try_recv().ok()).flatten() else {
                break;
            };
            self.broker_event(Some(event));
        }
        for _ in 0..TAKE_MAX {
            let Some(answered) = self.has_room().then(|| channels.answers.try_recv().ok()).flatten() else {
                break;
            };
            self.rule_answered(answered);
        }
        for _ in 0..TAKE_MAX {
            let Some(call) = self.has_room().then(|| channels.calls.try_recv().ok()).flatten() else { break };
            self.call(call);
        }
        // Every turn, not only idle ones: a busy loop must not miss a deadline.
        self.wake();
    }

    /// Whether more may be taken in while the journal is behind.
    fn has_room(&self) -> bool {
        let waiting = self.queue.len().saturating_mul(BATCH_MAX).saturating_add(self.filling.records.len());
        waiting < RECORDS_MAX && self.filling.held.answers.len() < ANSWERS_MAX
    }

    /// How long nothing is due.
    fn pause(&self) -> Duration {
        let now = self.parts.clock.now();
        self.next_due(now).map_or(IDLE, |at| at.since(now)).min(IDLE)
    }

    /// When something is due, if at all.
    fn next_due(&self, now: UtcNanos) -> Option<UtcNanos> {
        let stop = self.stopping.as_ref().map(|under_way| under_way.give_up_at);
        let is_lingering =
            !self.filling.records.is_empty() && self.in_flight.is_none() && self.trouble.is_none();
        let linger = is_lingering.then(|| self.filling_since.saturating_add(self.linger()));
        [
            self.parts.core.next_deadline(),
            self.trouble_deadline(now),
            stop,
            linger,
            self.parts.outbox.paced_until(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn wake(&mut self) {
        let now = self.parts.clock.now();
        if self.parts.core.next_deadline().is_some_and(|at| at <= now) {
            self.step(Input::Wake);
        }
        self.mind_the_journal(now);
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
        self.tell_at_once(&step.events);
        let now = self.parts.clock.now();
        if self.filling.records.is_empty() {
            self.filling_since = now;
        }
        let cancels = step.requests.iter().any(BrokerRequest::is_cancel);
        if cancels && self.cancels_since.is_none() {
            self.cancels_since = Some(now);
        }
        if planted::is("callers-hear-before-the-record") {
            self.news.replies.append(&mut step.replies);
        }
        let mut records = self.filling.held.take(step, self.parts.core.book().seq());
        self.parts.emergency.watch(&records);
        self.filling.records.append(&mut records);
        if self.filling.records.len() >= BATCH_MAX && !planted::is("a-batch-has-no-end") {
            self.queue.push_back(std::mem::take(&mut self.filling));
        }
    }

    /// What the broker says of an order is heard at once; its event follows when it is durable.
    fn tell_at_once(&self, events: &[Event]) {
        let observed = |event: &&Event| event.record.header.provenance == Provenance::Observed;
        for event in events.iter().filter(observed) {
            self.parts.followers.hear(event);
        }
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

    /// A cancel may be of an order whose submission is still in the other lane: that comes first.
    fn urgent_call(&mut self, call: Call, calls: &mut mpsc::Receiver<Call>) {
        let waits_for_submissions = match &call {
            Call::Command(command, _) => match &**command {
                Command::Cancel { client_order_id, .. } => {
                    self.parts.core.book().order(client_order_id).is_none()
                }
                Command::CancelAll { .. } | Command::GlobalCancel { .. } | Command::Kill { .. } => true,
                _ => false,
            },
            Call::Query(_) | Call::Stop { .. } => false,
        };
        if waits_for_submissions {
            // Those that came before; what comes meanwhile is later than the cancel.
            for _ in 0..calls.len() {
                let Ok(earlier) = calls.try_recv() else { break };
                self.call(earlier);
            }
        }
        self.call(call);
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Command(command, reply) => {
                if let Some(answer) = self.without_a_record(&command) {
                    // A caller that stopped waiting loses the answer only.
                    drop(reply.send(answer));
                    return;
                }
                let token = self.fresh_token();
                let is_change = matches!(*command, Command::Modify(_));
                let waiter = Waiter { reply, needs_record: needs_record(&command), is_change };
                self.waiters.insert(token, waiter);
                self.step(Input::Command { token, command: *command });
            }
            Call::Query(query) => self.query(query),
            Call::Stop { policy, deadline, done } => self.begin_stop(policy, deadline, Some(done)),
        }
    }

    fn fresh_token(&mut self) -> Token {
        let token = self.next_token;
        self.next_token += 1;
        token
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
            Query::Halts(to) => {
                answer(to, book.halts().map(|(scope, halt)| (scope.clone(), halt.clone())).collect())
            }
            Query::ForeignOrders(to) => answer(to, book.foreign_orders().cloned().collect()),
            Query::Status(to) => {
                let status = Status {
                    readiness: core.readiness(),
                    journal_seq: Some(self.parts.ahead.durable().upto()),
                    stats: Stats { waits: self.parts.outbox.waits(), ..self.stats },
                };
                answer(to, status)
            }
        };
        self.filling.held.answer(answer, self.parts.core.book().seq());
    }

    fn rule_answered(&mut self, answered: Answered) {
        let Answered { question, client_order_id, rule, answer } = answered;
        self.step(Input::RuleAnswer { question, client_order_id, rule, answer });
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
        if self.trouble.is_some() || self.is_slow {
            self.let_out();
        }
        if self.trouble.is_some() || self.in_flight.is_some() {
            return;
        }
        if let Some(batch) = self.queue.pop_front() {
            self.begin(batch);
        } else if !self.filling.records.is_empty() {
            if !self.may_linger() {
                let batch = std::mem::take(&mut self.filling);
                self.begin(batch);
            }
        } else if !self.filling.held.is_empty() {
            let held = std::mem::take(&mut self.filling.held);
            self.release(held);
        }
    }

    fn may_linger(&self) -> bool {
        self.stopping.is_none()
            && self.filling.records.len() <= LINGER_MAX
            && self.parts.clock.now().since(self.filling_since) < self.linger()
    }

    /// How long what is being filled may wait for company.
    const fn linger(&self) -> Duration {
        match self.filling.held.urgency() {
            Urgency::Nobody => LINGER,
            Urgency::Subscribers => LINGER_EVENTS,
            Urgency::Somebody => Duration::ZERO,
        }
    }

    fn begin(&mut self, batch: Batch) {
        if self.journal_gone || !self.parts.ahead.begin(batch.records.clone()) {
            self.journal_gone = true;
            self.begin_trouble(batch, "the journal's thread has ended; restart the process");
            return;
        }
        self.in_flight = Some(InFlight { batch, since: self.parts.clock.elapsed() });
    }

    fn outcome(&mut self, outcome: Option<Outcome>) {
        let batch = self.in_flight.take().map(|in_flight| in_flight.batch);
        match (outcome, batch) {
            (Some(Outcome::Durable(receipt)), Some(batch)) => {
                self.parts.ahead.note(receipt);
                self.parts.emergency.durable(receipt.upto());
                let records = trouble::count(batch.records.len());
                self.stats.commits += 1;
                self.stats.records += records;
                self.stats.batch_max = self.stats.batch_max.max(records);
                self.release(batch.held);
                self.end_trouble();
            }
            (Some(Outcome::Failed(why)), Some(batch)) => self.begin_trouble(batch, &why),
            (None, batch) => {
                self.journal_gone = true;
                self.begin_trouble(
                    batch.unwrap_or_default(),
                    "the journal's thread has ended; restart the process",
                );
            }
            (Some(_), None) => {}
        }
    }

    fn release(&mut self, held: Held) {
        let Some(released) = held.release(self.parts.ahead.durable()) else {
            // A bug of ours. Nothing leaves; whoever waits hears that the engine let go.
            tracing::error!("refused to release what is not durable");
            return;
        };
        self.news.follows_requests |= !released.requests.is_empty();
        for request in released.requests {
            self.send(request);
        }
        if self.in_flight.is_none() && self.queue.is_empty() && !self.filling.held.has_cancel() {
            self.cancels_since = None;
        }
        for ask in released.asks {
            if let Some(answered) = self.parts.side.ask(ask) {
                self.rule_answered(answered);
            }
        }
        self.news.replies.extend(released.replies);
        self.news.answers.extend(released.answers);
        self.news.events.extend(released.events);
    }

    /// Tells callers and subscribers what may be known now. When requests left with it the adapter writes
    /// them first: waking people takes longer than the write, and the broker is the one who is waited for.
    async fn tell_after_the_write(&mut self) {
        if self.news.is_empty() {
            return;
        }
        if self.news.follows_requests {
            tokio::task::yield_now().await;
        }
        self.tell();
    }

    fn tell(&mut self) {
        let News { replies, answers, events, follows_requests: _ } = std::mem::take(&mut self.news);
        for (token, reply) in replies {
            self.reply(token, Ok(reply));
        }
        for answer in answers {
            answer();
        }
        for event in events {
            self.parts.followers.tell(&event);
            // No subscriber is no error.
            drop(self.parts.events.send(event));
        }
    }

    fn send(&mut self, committed: Committed) {
        let (lane, now) = (self.parts.core.lane(committed.request()), self.parts.clock.now());
        if let Err(request) = self.parts.outbox.push(committed, lane, now) {
            self.never_sent(&request, "too many requests are waiting for the broker");
        }
    }

    /// Hands requests to the adapter, each after a last look: what was decided is not sent when
    /// the machine would no longer decide it.
    fn flush(&mut self) {
        let (core, now) = (&self.parts.core, self.parts.clock.now());
        let refused = self.parts.outbox.flush(now, |request| core.last_look(now, request));
        for (request, why) in refused {
            self.never_sent(&request, &why);
        }
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
