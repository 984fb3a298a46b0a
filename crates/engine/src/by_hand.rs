//! The engine without its threads: the same loop, one turn at a time. Whoever holds it plays the journal's
//! thread, the adapter, the callers and the custom rules. For `crates/simulation`, never shipped.

use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Ask, Core, Question, Reply};
use alphec_model::risk::{RuleAnswer, RuleName};
use alphec_model::{
    Alert, BrokerEvent, BrokerRequest, ClientOrderId, Command, Event, LogId, Record, Seq, UtcNanos,
};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::broker::{EVENTS_MAX, REQUESTS_MAX};
use crate::clock::Clock;
use crate::emergency::Emergency;
use crate::engine::Opening;
use crate::follow::Followers;
use crate::handle::{CALLS_MAX, Call, CallError, is_urgent};
use crate::outbox::Outbox;
use crate::rules::Answered;
use crate::run::{Channels, Loop, LoopParts};
use crate::side::Side;
use crate::stop::{StopPolicy, StopReport};
use crate::write_ahead::{JournalSide, Outcome, Receipt, WriteAhead};

/// Events and alerts that may wait to be read between two turns.
const BUFFER: usize = 4_096;

/// What an engine by hand starts with.
pub struct Parts {
    /// The machine, with the journal already replayed into it.
    pub core: Core,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The name a new journal gets.
    pub log_id: LogId,
    /// The limits in force, for the record.
    pub limits: serde_json::Value,
}

impl core::fmt::Debug for Parts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parts").field("log_id", &self.log_id).finish_non_exhaustive()
    }
}

/// The answer to a command, when it comes.
pub type Answer = oneshot::Receiver<Result<Reply, CallError>>;

/// An engine that moves only when told to. Dropping it is a kill.
pub struct EngineByHand {
    looped: Loop,
    channels: Channels,
    journal: JournalSide,
    requests: mpsc::Receiver<BrokerRequest>,
    broker: mpsc::Sender<BrokerEvent>,
    calls: mpsc::Sender<Call>,
    urgent: mpsc::Sender<Call>,
    asks: mpsc::Receiver<Ask>,
    answers: mpsc::Sender<Answered>,
    events: broadcast::Receiver<Event>,
    alerts: broadcast::Receiver<Alert>,
}

impl core::fmt::Debug for EngineByHand {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EngineByHand").finish_non_exhaustive()
    }
}

impl EngineByHand {
    /// Opens the engine; its first records wait in the first batch.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let Parts { core, clock, log_id, limits } = parts;
        let durable = Receipt::of(core.book().seq().unwrap_or(Seq::new(0)));
        let (ahead, results, journal) = WriteAhead::without_thread(durable);
        let (side, asks) = Side::by_hand();
        let per_second = core.config().messages_per_second;
        let (requests_out, requests) = mpsc::channel(REQUESTS_MAX);
        let (broker, broker_in) = mpsc::channel(EVENTS_MAX);
        let (calls, calls_in) = mpsc::channel(CALLS_MAX);
        let (urgent, urgent_in) = mpsc::channel(CALLS_MAX);
        let (answers, answers_in) = mpsc::channel(CALLS_MAX);
        let (events_out, events) = broadcast::channel(BUFFER);
        let (alerts_out, alerts) = broadcast::channel(BUFFER);
        let channels = Channels {
            outcomes: results,
            urgent: urgent_in,
            broker: broker_in,
            answers: answers_in,
            calls: calls_in,
        };
        let mut looped = Loop::new(LoopParts {
            core,
            clock,
            ahead,
            emergency: Emergency::default(),
            outbox: Outbox::new(requests_out, per_second),
            side,
            events: events_out,
            followers: Arc::new(Followers::default()),
            alerts: alerts_out,
            stop: CancellationToken::new(),
            stop_policy: StopPolicy::Keep,
            stop_deadline: Duration::ZERO,
        });
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let (profile, unfinished) = ("simulation".to_owned(), Vec::new());
        looped.open(Opening { log_id, version, profile, limits, unfinished });
        Self { looped, channels, journal, requests, broker, calls, urgent, asks, answers, events, alerts }
    }

    /// Takes in what waits, decides, and lets out what may leave; `false` once it is stopped.
    pub fn turn(&mut self) -> bool {
        self.looped.turn(&mut self.channels)
    }

    /// When the next turn is due though nothing comes in, if at all.
    #[must_use]
    pub fn due(&self) -> Option<UtcNanos> {
        self.looped.due()
    }

    /// The machine, to be looked at.
    #[must_use]
    pub const fn core(&self) -> &Core {
        self.looped.core()
    }

    /// A caller asks, in the lane that its command has; `None` when that lane is full.
    pub fn command(&self, command: Command) -> Option<Answer> {
        let lane = if is_urgent(&command) { &self.urgent } else { &self.calls };
        let (reply, answer) = oneshot::channel();
        lane.try_send(Call::Command(Box::new(command), reply)).ok().map(|()| answer)
    }

    /// A caller asks it to stop.
    pub fn stop(&self, policy: StopPolicy, deadline: Duration) -> Option<oneshot::Receiver<StopReport>> {
        let (done, report) = oneshot::channel();
        self.urgent.try_send(Call::Stop { policy, deadline, done }).ok().map(|()| report)
    }

    /// The broker says something; gives it back when the channel is full.
    ///
    /// # Errors
    /// The event.
    pub fn tell(&self, event: BrokerEvent) -> Result<(), Box<BrokerEvent>> {
        self.broker.try_send(event).map_err(|error| Box::new(error.into_inner()))
    }

    /// The next request that left for the broker.
    pub fn request(&mut self) -> Option<BrokerRequest> {
        self.requests.try_recv().ok()
    }

    /// The next batch of records handed to the journal.
    pub fn batch(&mut self) -> Option<Vec<Arc<Record>>> {
        self.journal.incoming.try_recv().ok()
    }

    /// The journal's word on that batch: durable up to a record, or why not.
    pub fn outcome(&self, outcome: Result<Seq, String>) {
        let outcome = match outcome {
            Ok(upto) => Outcome::Durable(Receipt::of(upto)),
            Err(why) => Outcome::Failed(why),
        };
        // There is one batch in the air at most, and room for two answers.
        drop(self.journal.outcomes.try_send(outcome));
    }

    /// The next question to custom rules.
    pub fn ask(&mut self) -> Option<Ask> {
        self.asks.try_recv().ok()
    }

    /// A custom rule answers.
    pub fn rule_answers(
        &self,
        question: Question,
        client_order_id: ClientOrderId,
        rule: RuleName,
        answer: RuleAnswer,
    ) {
        // A full channel loses the answer, and the deadline denies.
        drop(self.answers.try_send(Answered { question, client_order_id, rule, answer }));
    }

    /// The next event that subscribers hear.
    pub fn event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// The next alert.
    pub fn alert(&mut self) -> Option<Alert> {
        self.alerts.try_recv().ok()
    }
}
