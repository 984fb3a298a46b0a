//! What the machine is told once: accounts, instruments, limits, deadlines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alphec_model::risk::RuleName;
use alphec_model::{AccountId, ApiClientId, Instrument, InstrumentId, Limits, UtcNanos, WhenInDoubt};

/// Restart windows that may overlap.
const RESTARTS_A_DAY: usize = 16;

/// Which money is at stake. The accounts that the broker lists must agree with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Paper: every account of the login starts with `D`.
    Paper,
    /// Live: no allowed account starts with `D`; the builder has checked the arming.
    Live,
}

impl Mode {
    /// The mode as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

/// A custom risk rule as the machine knows it: its name, and how long it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleConfig {
    /// Its name in verdicts and records.
    pub name: RuleName,
    /// No answer within this denies.
    pub deadline: Duration,
}

/// Everything the machine is told once.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// Paper or live.
    pub mode: Mode,
    /// Live trading is permitted until then; `None` for paper.
    pub armed_until: Option<UtcNanos>,
    /// The client id that owns our orders, the same for life.
    pub api_client_id: ApiClientId,
    /// Accounts that may trade.
    pub accounts: BTreeSet<AccountId>,
    /// Instruments that may trade.
    pub instruments: BTreeMap<InstrumentId, Instrument>,
    /// Limits of instruments without their own.
    pub limits: Limits,
    /// Limits of single instruments.
    pub instrument_limits: BTreeMap<InstrumentId, Limits>,
    /// Custom rules; each must pass.
    pub rules: Vec<RuleConfig>,
    /// Silence after a write for this long puts an order in doubt.
    pub ack_timeout: Duration,
    /// Delay before reading the broker's books again when they were incomplete or disagreed.
    pub resnapshot_after: Duration,
    /// How long an order must be in no list, on a good link, before it may count as gone.
    pub absent_after: Duration,
    /// How long what an order could fill stays reserved after it was proven absent; none if zero.
    pub absent_watch: Duration,
    /// What may be done about an order in doubt that says nothing of it itself. Resending is chosen order by
    /// order: as a default it counts as asking by a cancel.
    pub when_in_doubt: WhenInDoubt,
    /// When the gateway restarts: from and until, in order. Nothing new is sent in between, because orders written
    /// in the same second vanish without an error (`tws-behaviour.md` §1.7). Cancels leave.
    pub restart_windows: Vec<(UtcNanos, UtcNanos)>,
    /// How often the broker's books are read while all is well.
    pub reconcile_every: Duration,
    /// Messages to the broker in any one second; `None` is without pacing.
    pub messages_per_second: Option<u32>,
    /// How many days back executions are asked for (the broker allows seven).
    pub executions_days: u8,
    /// Orders held in memory; at the limit new ones are denied.
    pub orders_max: usize,
}

impl CoreConfig {
    /// The end of the restart window that `now` is in, if it is in one.
    pub(crate) fn restarting_until(&self, now: UtcNanos) -> Option<UtcNanos> {
        let begun = self.restart_windows.partition_point(|(from, _)| *from <= now);
        // Several windows a day may overlap; each lasts a day or a little more at most.
        let latest = self.restart_windows.get(..begun)?.iter().rev().take(RESTARTS_A_DAY);
        latest.map(|(_, until)| *until).filter(|until| now < *until).max()
    }

    /// The limits in force for one instrument.
    #[must_use]
    pub fn limits_for(&self, instrument: &InstrumentId) -> &Limits {
        self.instrument_limits.get(instrument).unwrap_or(&self.limits)
    }
}
