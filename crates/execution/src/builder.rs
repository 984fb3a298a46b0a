//! Starting: profile in, running engine out. Every part can be replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use alphec_engine::core::{Core, CoreConfig, Mode};
use alphec_engine::journal::{Journal, OpenOptions, Sink as _};
use alphec_engine::{
    AlertSink, BrokerTask, Clock, Engine, EngineParts, RecoverError, RiskRule, SystemClock, replay,
    rule_configs,
};
use alphec_model::record::Header;
use alphec_model::{Body, CancelScope, LogId, Provenance, Record, UtcNanos};

use crate::client::ExecutionClient;
use crate::config::{ConfigError, Profile};
use crate::sinks::{LogSink, WebhookSink};
use crate::{Error, VERSION};

/// Orders held in memory, finished ones included.
const ORDERS_MAX: usize = 2_000_000;
/// Events a subscriber may be behind before it misses some.
const EVENT_BUFFER: usize = 65_536;
/// How many days back executions are asked for: over a long weekend, within the broker's seven.
const EXECUTIONS_DAYS: u8 = 5;

/// Builds an [`ExecutionClient`].
pub struct Builder {
    profile: Profile,
    arming_token: Option<String>,
    unarmed: bool,
    rules: Vec<Arc<dyn RiskRule>>,
    sinks: Vec<Arc<dyn AlertSink>>,
    clock: Arc<dyn Clock>,
    broker: Option<BrokerTask>,
}

impl core::fmt::Debug for Builder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Builder").field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

impl ExecutionClient {
    /// Begins with a profile.
    #[must_use]
    pub fn builder(profile: Profile) -> Builder {
        Builder {
            profile,
            arming_token: None,
            unarmed: false,
            rules: Vec::new(),
            sinks: vec![Arc::new(LogSink)],
            clock: Arc::new(SystemClock::new()),
            broker: None,
        }
    }

    /// Starts with a profile as it is.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start(profile: Profile) -> Result<Self, Error> {
        Self::builder(profile).start()
    }
}

impl Builder {
    /// Arms live trading with a token given by hand (see [`crate::config::arming`]).
    #[must_use]
    pub fn arm(mut self, token: impl Into<String>) -> Self {
        self.arming_token = Some(token.into());
        self
    }

    /// Starts a live profile without an arming: orders are followed, canceled and killed, and nothing new is
    /// sent. To stop trading must never need the permission to trade.
    #[must_use]
    pub const fn unarmed(mut self) -> Self {
        self.unarmed = true;
        self
    }

    /// Adds a risk rule of the firm's own; all must pass.
    #[must_use]
    pub fn rule(mut self, rule: Arc<dyn RiskRule>) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds somewhere alerts go, besides the log.
    #[must_use]
    pub fn alert_sink(mut self, sink: Arc<dyn AlertSink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Puts another clock in.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Puts another broker adapter in, instead of the one for TWS.
    #[must_use]
    pub fn broker(mut self, broker: BrokerTask) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Opens and replays the journal, and starts the engine. Connecting goes on by itself: wait
    /// with [`ExecutionClient::wait_ready`].
    ///
    /// # Errors
    /// [`Error::Config`] for a live profile that is not armed, [`Error::Journal`] and
    /// [`Error::Recover`] for a journal that cannot be used. Nothing was sent then.
    pub fn start(self) -> Result<ExecutionClient, Error> {
        let Self { profile, arming_token, unarmed, rules, mut sinks, clock, broker } = self;
        let armed_until = match profile.mode {
            Mode::Paper => None,
            Mode::Live if unarmed => None,
            Mode::Live => Some(profile.check_armed(arming_token.as_deref(), clock.now())?),
        };
        if profile.lacks_restart_windows() {
            tracing::warn!(profile = %profile.name, "live and without `restart_windows`: orders may leave as the gateway restarts");
        }
        // First: whoever finds it held can ask the engine that holds it, and needs nothing else for that.
        let mut journal =
            Journal::open_or_create(&profile.journal, OpenOptions::new("alphec-exec", clock.now()))?;
        sinks.extend(webhook(&profile, unarmed)?);
        let mut core = Core::new(core_config(&profile, &rules, armed_until, clock.now()));
        replay_journal(&mut core, &journal, &profile)?;
        halt_unless_the_end_is_proven(&mut core, &mut journal, clock.now())?;
        let unfinished = crate::unfinished::open(&journal)?;
        let broker = broker.unwrap_or_else(|| tws(&profile, Arc::clone(&clock)));
        let limits = limits_json(&profile)?;
        let handle = Engine::start(EngineParts {
            core,
            sink: Box::new(journal),
            emergency: unfinished.store,
            unfinished: unfinished.commands,
            broker,
            rules,
            sinks,
            clock,
            log_id: new_log_id(),
            version: VERSION.to_owned(),
            profile: profile.name.clone(),
            limits,
            event_buffer: EVENT_BUFFER,
            stop_policy: profile.stop.policy,
            stop_deadline: profile.stop.deadline,
        })?;
        if let Err(error) = crate::beside::watch(&profile.journal, handle.operator_line()) {
            tracing::error!(%error, "no operator can halt this engine from beside it");
        }
        Ok(ExecutionClient { handle, stop: profile.stop, profile: profile.name })
    }
}

/// A journal that has records and no note of its last one may have lost some, a halt among them. It is the first thing
/// on record, since the next start finds a note again; but only where the journal is this profile's.
fn halt_unless_the_end_is_proven(core: &mut Core, journal: &mut Journal, at: UtcNanos) -> Result<(), Error> {
    if journal.is_end_proven() {
        return Ok(());
    }
    let reason = format!(
        "nothing proves that the journal's last records are there: {}.head is missing or unreadable. Compare orders and \
         positions with the broker's, then resume",
        journal.path().display()
    );
    let header = Header::nameless(journal.head().seq.next(), at, Provenance::Decided);
    let body = Body::Halted { scope: CancelScope::All, kill: false, by: "the journal".to_owned(), reason };
    let record = Arc::new(Record { header, body });
    let _durable = journal.append(&[Arc::clone(&record)])?;
    let recover = |why: RecoverError| Error::Recover { path: journal.path().to_owned(), why: Box::new(why) };
    replay(core, [Ok(&*record)]).map(drop).map_err(recover)
}

/// Where alerts go besides, by the profile. To stop trading needs no secret: without one it is told, and goes on.
fn webhook(profile: &Profile, is_to_stop: bool) -> Result<Option<Arc<dyn AlertSink>>, Error> {
    let Some(address) = &profile.alert_webhook else { return Ok(None) };
    match address.resolve().and_then(WebhookSink::new) {
        Ok(sink) => Ok(Some(Arc::new(sink))),
        Err(error) if is_to_stop => {
            tracing::error!(%error, "alerts go to no webhook");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the machine is told of a profile.
fn core_config(
    profile: &Profile,
    rules: &[Arc<dyn RiskRule>],
    armed_until: Option<UtcNanos>,
    now: UtcNanos,
) -> CoreConfig {
    CoreConfig {
        mode: profile.mode,
        armed_until,
        api_client_id: profile.client_id,
        accounts: profile.accounts.iter().cloned().collect(),
        instruments: profile.instruments.clone(),
        limits: profile.limits.clone(),
        instrument_limits: profile.instrument_limits.clone(),
        rules: rule_configs(rules),
        ack_timeout: profile.ack_timeout,
        resnapshot_after: profile.resnapshot_after,
        absent_after: profile.absent_after,
        absent_watch: profile.absent_watch,
        when_in_doubt: profile.when_in_doubt,
        restart_windows: restart_windows(profile, now),
        reconcile_every: profile.reconcile_every,
        messages_per_second: profile.pacing_per_second,
        executions_days: EXECUTIONS_DAYS,
        orders_max: ORDERS_MAX,
    }
}

/// Every restart of the gateway from now on, in order.
fn restart_windows(profile: &Profile, now: UtcNanos) -> Vec<(UtcNanos, UtcNanos)> {
    let mut all: Vec<_> = profile.restart_windows.iter().flat_map(|window| window.upcoming(now)).collect();
    all.sort_unstable();
    all
}

fn replay_journal(core: &mut Core, journal: &Journal, profile: &Profile) -> Result<(), Error> {
    let path = &profile.journal;
    let recover = |why: RecoverError| Error::Recover { path: path.clone(), why: Box::new(why) };
    let mut mode = None;
    let reader = journal.reader()?;
    let records = reader.replay().inspect(|record| {
        if let Ok(Record { body: Body::Started { mode: started, .. }, .. }) = record {
            mode = Some(started.clone());
        }
    });
    replay(core, records).map_err(recover)?;
    let another = |theirs, ours| Err(ConfigError::AnotherJournal { path: path.clone(), theirs, ours }.into());
    let id = profile.client_id;
    match (core.book().api_client_id().filter(|theirs| *theirs != id), mode) {
        (Some(theirs), _) => another(format!("client id {theirs}"), format!("client id {id}")),
        (None, Some(theirs)) if theirs != profile.mode.as_str() => {
            another(format!("{theirs} trading"), format!("for {}", profile.mode.as_str()))
        }
        (None, _) => Ok(()),
    }
}

/// The adapter for TWS and IB Gateway.
fn tws(profile: &Profile, clock: Arc<dyn Clock>) -> BrokerTask {
    let seed = clock.now().as_nanos().unsigned_abs();
    let mut config = alphec_ibkr::Config::new(
        profile.host.clone(),
        profile.port,
        profile.client_id,
        alphec_ibkr::Clock::new(move || clock.now()),
    );
    config.instruments = profile.instruments.values().cloned().collect();
    config.reconnect = alphec_ibkr::Reconnect {
        first_delay: profile.reconnect.first_delay,
        factor: profile.reconnect.factor,
        ceiling: profile.reconnect.ceiling,
        jitter: profile.reconnect.jitter,
        attempts: profile.reconnect.attempts,
        seed,
    };
    config.heartbeat = alphec_ibkr::Heartbeat {
        interval: profile.heartbeat.interval,
        deadline: profile.heartbeat.deadline,
        misses: profile.heartbeat.misses,
    };
    config.probe_after_idle = profile.heartbeat.idle;
    config.connect_timeout = profile.connect_timeout;
    config.snapshot_timeout = profile.snapshot_timeout;
    config.messages_per_second = profile.pacing_per_second;
    if profile.delayed_market_data {
        config.market_data.kind = alphec_ibkr::MarketDataKind::Delayed;
    }
    Box::new(move |requests, events, stop| {
        Box::pin(async move {
            let ended = alphec_ibkr::run(config, requests, events, stop).await;
            tracing::info!(?ended, "the TWS adapter has ended");
        })
    })
}

/// The limits in force, for the record: an auditor sees what each verdict was judged by.
fn limits_json(profile: &Profile) -> Result<serde_json::Value, Error> {
    let own: BTreeMap<&str, _> =
        profile.instrument_limits.iter().map(|(id, limits)| (id.as_str(), limits)).collect();
    serde_json::to_value(serde_json::json!({ "default": profile.limits, "instruments": own }))
        .map_err(|error| ConfigError::unspellable(&error).into())
}

/// Eight characters that name a journal: enough to tell ours from anyone's at one broker.
pub(crate) fn new_log_id() -> LogId {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let short: String = random.chars().take(8).collect();
    crate::id(LogId::new(short))
}
