//! A profile: everything one engine is told, checked. Made by [`super::load`], or by hand in tests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use alphec_engine::StopPolicy;
use alphec_engine::core::Mode;
use alphec_model::{AccountId, ApiClientId, Instrument, InstrumentId, Limits, UtcNanos, WhenInDoubt};

use super::restart::RestartWindow;
use super::secret::SecretRef;

/// How to come back after a failed or lost connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconnect {
    /// Delay before the second attempt.
    pub first_delay: Duration,
    /// How much longer each further delay is.
    pub factor: f64,
    /// The longest delay.
    pub ceiling: Duration,
    /// Each delay varies by up to this fraction.
    pub jitter: f64,
    /// Attempts in a row before giving up; `None` for ever.
    pub attempts: Option<u32>,
}

/// How a silent gateway is found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two probes.
    pub interval: Duration,
    /// How long an answer may take.
    pub deadline: Duration,
    /// Misses in a row that end the session.
    pub misses: u32,
    /// After this much silence an order waits for a round trip; `None` never asks.
    pub idle: Option<Duration>,
}

/// How the engine stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What happens to open orders.
    pub policy: StopPolicy,
    /// How long to wait for the broker's answers.
    pub deadline: Duration,
}

/// Permission to trade live: names the account and expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// For which account.
    pub account: AccountId,
    /// Until when.
    pub until: UtcNanos,
}

/// Everything one engine is told, checked.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Paper or live.
    pub mode: Mode,
    /// Whether a live profile may start at all.
    pub allow_live: bool,
    /// Gateway host.
    pub host: String,
    /// Gateway port.
    pub port: u16,
    /// The one client id.
    pub client_id: ApiClientId,
    /// Accounts that may trade.
    pub accounts: Vec<AccountId>,
    /// The journal file.
    pub journal: PathBuf,
    /// Instruments that may trade.
    pub instruments: BTreeMap<InstrumentId, Instrument>,
    /// Limits of instruments without their own.
    pub limits: Limits,
    /// Limits of single instruments.
    pub instrument_limits: BTreeMap<InstrumentId, Limits>,
    /// How to come back.
    pub reconnect: Reconnect,
    /// How a silent gateway is found out.
    pub heartbeat: Heartbeat,
    /// How long a connection may take, handshake included.
    pub connect_timeout: Duration,
    /// Silence after a write for this long puts an order in doubt.
    pub ack_timeout: Duration,
    /// How long each list of the broker's books may take.
    pub snapshot_timeout: Duration,
    /// Delay before the broker's books are read again when they disagreed.
    pub resnapshot_after: Duration,
    /// How long an order must be in no list, on a good link, before it may count as gone.
    pub absent_after: Duration,
    /// How long what such an order could fill stays reserved after that, should it show up all the same; none if zero.
    pub absent_watch: Duration,
    /// What may be done by itself about an order in doubt that says nothing of it: hold it, or ask by a cancel.
    pub when_in_doubt: WhenInDoubt,
    /// When the gateway restarts, day by day; nothing new is sent then, nor in the 90 s before.
    pub restart_windows: Vec<RestartWindow>,
    /// How often the broker's books are read while all is well.
    pub reconcile_every: Duration,
    /// Messages in any one second to the gateway; `None` is without pacing, for benchmarks.
    pub pacing_per_second: Option<u32>,
    /// Whether market data may be delayed (15 minutes) instead of live.
    pub delayed_market_data: bool,
    /// How the engine stops.
    pub stop: Stop,
    /// Where alerts are posted as JSON, if anywhere besides the log. A reference, never the address itself.
    pub alert_webhook: Option<SecretRef>,
    /// Where the arming token is found, for live.
    pub arming: Option<SecretRef>,
}
