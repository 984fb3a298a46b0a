//! Putting the parts together and starting the engine's own thread.

use std::sync::Arc;
use std::time::Duration;

use alphec_core::Core;
use alphec_journal::{EmergencyStore, Sink};
use alphec_model::{Command, LogId};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::alerts::AlertSink;
use crate::broker::{BrokerTask, EVENTS_MAX, REQUESTS_MAX};
use crate::clock::Clock;
use crate::emergency::Emergency;
use crate::follow::Followers;
use crate::handle::{CALLS_MAX, Handle};
use crate::outbox::Outbox;
use crate::rules::{RiskRule, Rules, rule_configs};
use crate::run::{Channels, Loop, LoopParts};
use crate::side::Side;
use crate::stop::StopPolicy;
use crate::write_ahead::WriteAhead;

/// Answers of custom rules that may wait for the engine.
const ANSWERS_MAX: usize = 1_024;
/// Alerts a subscriber may be behind before it misses some.
const ALERT_BUFFER: usize = 1_024;

/// Everything an engine is made of; each part can be replaced.
pub struct EngineParts {
    /// The machine, with the journal already replayed into it.
    pub core: Core,
    /// Where records become durable; its head is the last record replayed.
    pub sink: Box<dyn Sink + Send>,
    /// Where cancels and halts are kept while the journal takes no records.
    pub emergency: Option<Box<dyn EmergencyStore>>,
    /// What it kept of an earlier process and the journal does not have: carried out before anything else.
    pub unfinished: Vec<Command>,
    /// The broker adapter.
    pub broker: BrokerTask,
    /// Custom risk rules; the machine was told of the same ones.
    pub rules: Vec<Arc<dyn RiskRule>>,
    /// Where alerts go.
    pub sinks: Vec<Arc<dyn AlertSink>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The name a new journal gets.
    pub log_id: LogId,
    /// Of this library, for the record.
    pub version: String,
    /// The profile's name, for the record.
    pub profile: String,
    /// The limits in force, for the record.
    pub limits: serde_json::Value,
    /// Events a subscriber may be behind before it misses some.
    pub event_buffer: usize,
    /// What happens to open orders when every handle is dropped without a stop.
    pub stop_policy: StopPolicy,
    /// How long such a stop waits for the broker.
    pub stop_deadline: Duration,
}

impl core::fmt::Debug for EngineParts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EngineParts").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The engine could not start; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gave no thread.
    #[error("could not start a thread for {what}: {source}")]
    Thread {
        /// For what.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// The journal's end is not where the replay ended.
    #[error(
        "the journal ends at record {journal} but {replayed} were replayed; replay it whole before starting"
    )]
    NotReplayed {
        /// Its last record.
        journal: u64,
        /// The last one replayed.
        replayed: u64,
    },
    /// The rules given are not those the machine was told of, or two have one name.
    #[error("the risk rules given are not the ones configured, or two share a name; give each its own name")]
    RulesDiffer,
}

/// Starts engines.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Starts an engine on a thread of its own, with a single-threaded runtime that the adapter
    /// shares: from the wire to the machine there is no thread to cross.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(parts: EngineParts) -> Result<Handle, StartError> {
        let replayed = parts.core.book().seq().map_or(0, alphec_model::Seq::get);
        let journal = parts.sink.head().seq.get();
        if replayed != journal {
            return Err(StartError::NotReplayed { journal, replayed });
        }
        check_rules(&parts)?;
        let thread = |what| move |source| StartError::Thread { what, source };
        let (calls, calls_in) = mpsc::channel(CALLS_MAX);
        let (urgent, urgent_in) = mpsc::channel(CALLS_MAX);
        let (events, _) = broadcast::channel(parts.event_buffer.max(16));
        let followers = Arc::new(Followers::default());
        let (alerts, _) = broadcast::channel(ALERT_BUFFER);
        let (answers, answers_in) = mpsc::channel(ANSWERS_MAX);
        let (requests, requests_in) = mpsc::channel(REQUESTS_MAX);
        let (broker_events, broker_in) = mpsc::channel(EVENTS_MAX);
        let side =
            Side::spawn(Rules::new(&parts.rules), parts.sinks, answers).map_err(thread("risk rules"))?;
        let (ahead, outcomes) = WriteAhead::spawn(parts.sink).map_err(thread("the journal"))?;
        let emergency = match parts.emergency {
            Some(store) => Emergency::spawn(store).map_err(thread("the emergency store"))?,
            None => Emergency::default(),
        };
        let handle = Handle {
            calls,
            urgent,
            events: events.downgrade(),
            followers: Arc::clone(&followers),
            alerts: alerts.downgrade(),
        };
        let stop = CancellationToken::new();
        let channels =
            Channels { outcomes, urgent: urgent_in, broker: broker_in, answers: answers_in, calls: calls_in };
        let looped = Loop::new(LoopParts {
            outbox: Outbox::new(requests, parts.core.config().messages_per_second),
            core: parts.core,
            clock: parts.clock,
            ahead,
            emergency,
            side,
            events,
            followers: Arc::clone(&followers),
            alerts,
            stop: stop.clone(),
            stop_policy: parts.stop_policy,
            stop_deadline: parts.stop_deadline,
        });
        let opening = Opening {
            log_id: parts.log_id,
            version: parts.version,
            profile: parts.profile,
            limits: parts.limits,
            unfinished: parts.unfinished,
        };
        let broker = parts.broker;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(thread("the runtime"))?;
        std::thread::Builder::new()
            .name("alphec-engine".to_owned())
            .spawn(move || {
                block_on(&runtime, async move {
                    // An adapter that panics closes its channels: a lost connection, not a lost process.
                    let adapter = tokio::spawn(async move { broker(requests_in, broker_events, stop).await });
                    looped.run(opening, channels, adapter).await;
                });
                followers.end();
            })
            .map_err(thread("the engine"))?;
        Ok(handle)
    }
}

/// Runs to the end, or to a panic, which ends the engine and not the process.
fn block_on(runtime: &tokio::runtime::Runtime, running: impl Future<Output = ()>) {
    let run = std::panic::AssertUnwindSafe(|| runtime.block_on(running));
    if std::panic::catch_unwind(run).is_err() {
        tracing::error!(
            "the engine failed; orders at the broker stay as they are, start it again to see them"
        );
    }
}

/// A rule that the machine does not wait for, or a name that stands for two, would never be asked.
fn check_rules(parts: &EngineParts) -> Result<(), StartError> {
    let told = &parts.core.config().rules;
    let names: std::collections::BTreeSet<_> = told.iter().map(|rule| &rule.name).collect();
    if *told == rule_configs(&parts.rules) && names.len() == told.len() {
        Ok(())
    } else {
        Err(StartError::RulesDiffer)
    }
}

/// What a process says of itself when it takes the journal.
pub(crate) struct Opening {
    pub(crate) log_id: LogId,
    pub(crate) version: String,
    pub(crate) profile: String,
    pub(crate) limits: serde_json::Value,
    pub(crate) unfinished: Vec<Command>,
}
