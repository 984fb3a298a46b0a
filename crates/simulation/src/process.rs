//! One life of the program: the engine with its clock and adapter, and what its callers wait for.

use std::sync::Arc;

use alphec_core::{Ask, Core, Reply};
use alphec_engine::by_hand::{Answer, EngineByHand, Parts};
use alphec_engine::{CallError, Clock};
use alphec_model::risk::RuleAnswer;
use alphec_model::{Body, Command, Record, planted};

use crate::clock::{Instant, ProcessClock};
use crate::plan::Setup;
use crate::profile;
use crate::wire::{self, Adapter};

/// A command and its answer, once it is there.
pub(crate) type Answered = (Command, Result<Reply, CallError>);

pub(crate) struct Process {
    pub(crate) engine: EngineByHand,
    pub(crate) adapter: Adapter,
    pub(crate) clock: Arc<ProcessClock>,
    calls: Vec<(Command, Answer)>,
    /// What the custom rule thinks about, and until when.
    asks: Vec<(Instant, Ask)>,
    rule_takes: Instant,
    /// It was told to stop, and comes back after this long.
    pub(crate) stops_for: Option<Instant>,
    /// It has done what a stop asks for.
    pub(crate) has_stopped: bool,
    pub(crate) paused_until: Instant,
}

impl Process {
    /// A new life on what the journal holds; an error when that does not replay.
    pub(crate) fn start(
        setup: &Setup,
        now: Instant,
        (skew, drift): (i64, i64),
        records: &[Record],
    ) -> Result<Self, String> {
        let clock = Arc::new(ProcessClock::new(now, skew, drift));
        let mut core = Core::new(profile::config(setup));
        for record in records {
            let forgotten = is_forgotten(record).then(|| nothing_in_place_of(record));
            let record = forgotten.as_ref().unwrap_or(record);
            core.replay(record).map_err(|error| error.to_string())?;
        }
        let limits = serde_json::to_value(&setup.limits).map_err(|error| error.to_string())?;
        let shared: Arc<dyn Clock> = clock.clone();
        let engine = EngineByHand::start(Parts { core, clock: shared, log_id: profile::log_id(), limits });
        let adapter = Adapter::new(
            wire::Setup {
                api_client_id: alphec_model::ApiClientId::new(profile::CLIENT),
                account: profile::account(),
                instruments: profile::instruments(setup),
                messages_per_second: setup.messages_per_second,
                heartbeat: setup.heartbeat,
            },
            now,
        );
        Ok(Self {
            engine,
            adapter,
            clock,
            calls: Vec::new(),
            asks: Vec::new(),
            rule_takes: setup.rule_takes,
            stops_for: None,
            has_stopped: false,
            paused_until: Instant::MIN,
        })
    }

    pub(crate) fn set_time(&mut self, now: Instant) {
        self.clock.set(now);
        self.adapter.set_wall(self.clock.now());
    }

    /// A caller asks; what the full lane does not take is as if never asked.
    pub(crate) fn command(&mut self, command: Command) -> bool {
        let answer = self.engine.command(command.clone());
        let is_taken = answer.is_some();
        self.calls.extend(answer.map(|answer| (command, answer)));
        is_taken
    }

    /// Answers that have come, and calls whose answer never comes.
    pub(crate) fn answers(&mut self) -> Vec<Answered> {
        use tokio::sync::oneshot::error::TryRecvError;
        let mut answered = Vec::new();
        let mut at = 0;
        while let Some((_, answer)) = self.calls.get_mut(at) {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => at = at.saturating_add(1),
                Ok(reply) => answered.push((self.calls.remove(at).0, reply)),
                Err(TryRecvError::Closed) => {
                    answered.push((self.calls.remove(at).0, Err(CallError::Stopped)))
                }
            }
        }
        answered
    }

    /// Callers stop waiting.
    pub(crate) fn abandon(&mut self) {
        self.calls.clear();
    }

    /// The custom rule refuses one order in sixteen by its name, and thinks as long as the name says: some of its
    /// answers come after their deadline.
    pub(crate) fn answer_rules(&mut self, now: Instant) -> bool {
        while let Some(ask) = self.engine.ask() {
            let takes = i64::from(letters(&ask)).saturating_mul(7_919) % self.rule_takes.saturating_add(1);
            self.asks.push((now.saturating_add(takes), ask));
        }
        let ready: Vec<_> = self.asks.extract_if(.., |(at, _)| *at <= now).collect();
        let is_any = !ready.is_empty();
        for (_, ask) in ready {
            let answer = if letters(&ask).is_multiple_of(16) {
                RuleAnswer::Deny { text: "house rule".to_owned(), measured: None, limit: None }
            } else {
                RuleAnswer::Pass
            };
            self.engine.rule_answers(ask.question, ask.proposal.client_order_id.clone(), ask.rule, answer);
        }
        is_any
    }

    /// When it next does something by itself.
    pub(crate) fn due(&self) -> Instant {
        let engine = self.engine.due().map_or(Instant::MAX, |at| self.clock.instant_of(at));
        let rule = self.asks.iter().map(|(at, _)| *at).min().unwrap_or(Instant::MAX);
        engine.min(self.adapter.due()).min(rule)
    }
}

fn letters(ask: &Ask) -> u32 {
    ask.proposal.client_order_id.as_str().bytes().map(u32::from).sum()
}

/// Whether a planted bug makes a start skip this record.
fn is_forgotten(record: &Record) -> bool {
    match &record.body {
        Body::Halted { .. } => planted::is("a-start-forgets-halts"),
        Body::Denied { .. } => planted::is("a-start-forgets-denied-keys"),
        Body::Filled { .. } => planted::is("a-start-forgets-fills"),
        Body::CancelAsked => planted::is("a-start-forgets-cancels"),
        Body::ReplaceAsked { .. } => planted::is("a-start-forgets-changes"),
        Body::ForeignSeen { .. } => planted::is("a-start-forgets-orders-of-others"),
        _ => false,
    }
}

fn nothing_in_place_of(record: &Record) -> Record {
    Record { header: record.header.clone(), body: Body::Anomaly { what: String::new() } }
}
