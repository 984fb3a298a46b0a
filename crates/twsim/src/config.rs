//! How a simulated gateway starts. Plain data; the builder and the command line both end here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::faults::Fault;
use crate::latency::Latency;
use crate::scenario::Step;
use crate::venue::{AccountConfig, ConId, Depth, Instrument, PricePath, Retention, UtcNs, VenueConfig};
use crate::wire::NEWEST_SERVER_VERSION;

/// Configuration of a simulated gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayConfig {
    /// Address to listen on; port 0 picks a free one.
    pub listen: String,
    /// Seed of the price walk.
    pub seed: u64,
    /// Accounts; never empty in a running gateway.
    pub accounts: Vec<AccountConfig>,
    /// Instruments.
    pub instruments: Vec<Instrument>,
    /// Faults armed from the start.
    pub faults: Vec<Fault>,
    /// Newest server version offered, 157 to 226; below 213 the session speaks text, in whole or in part. The session gets the lower of this and the client's newest.
    pub server_version: i32,
    /// Time between two steps of the price walk; `None` for prices that move by hand only.
    pub walk_every: Option<Duration>,
    /// Symbols or local symbols whose prices follow a script instead of walking.
    pub prices: BTreeMap<String, PricePath>,
    /// The book behind the touch, where an instrument has none of its own; `None` for the touch alone.
    pub depth: Option<Depth>,
    /// How long messages travel between client and venue.
    pub latency: Latency,
    /// Time between a fill and its commission report.
    pub commission_delay: Duration,
    /// Time between a cancel and its confirmation.
    pub cancel_delay: Duration,
    /// Most working orders per instrument, side and account (the broker's own limit is about 15).
    pub working_per_side: Option<usize>,
    /// How much of the past is kept.
    pub retention: Retention,
    /// Refuse everything that needs write access (321 without an id), order lists included.
    pub read_only: bool,
    /// Answer reqCurrentTime at most once a second per session, as some gateways do.
    pub clock_once_per_second: bool,
    /// Refuse requests for small bars above the broker's rate (162).
    pub history_pacing: bool,
    /// The client id that also receives the order callbacks of all others.
    pub master_client_id: Option<i32>,
    /// Time between two unprompted refreshes of account values.
    pub account_refresh: Duration,
    /// Most sessions at once.
    pub max_clients: usize,
    /// Most of everything else that clients can open.
    pub limits: Limits,
    /// What happens by script.
    pub steps: Vec<Step>,
    /// Loopback address of the control port; `None` for none.
    pub control: Option<String>,
    /// Where the time comes from.
    pub clock: Clock,
    /// File to record every frame and decision in.
    pub record: Option<PathBuf>,
    /// File to keep the broker's books in, which a gateway that is started with it again goes on from.
    pub books: Option<PathBuf>,
    /// Most bytes waiting for one client; a client that lets more pile up is disconnected.
    pub outbox_limit: usize,
}

/// Where the gateway's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    Wall,
    /// It stands still at an instant until it is advanced.
    Manual {
        /// The instant at which the gateway opens.
        start: UtcNs,
    },
}

impl Clock {
    /// A clock that stands still, from the same instant in every run: Monday 5 January 2026, 15:00 UTC, ten in the
    /// morning in New York.
    pub const STILL: Self = Self::Manual { start: 1_767_625_200_000_000_000 };
}

/// How much may be open at once. Beyond it a request gets an error and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instruments with streaming data or five-second bars, of all sessions together; as many subscriptions for each
    /// session. Beyond it 101 (tws-behaviour 5).
    pub market_data_lines: usize,
    /// Instruments whose depth is watched, of all sessions together. Beyond it 309 (tws-behaviour 5).
    pub depth: usize,
    /// Profit-and-loss subscriptions of one kind in a session. Beyond it 322.
    pub pnl: usize,
    /// Orders parked in the gateway (`transmit` false), of all sessions together. Beyond it 201.
    pub parked_orders: usize,
    /// Working orders of all accounts together. Beyond it 201.
    pub working_orders: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { market_data_lines: 100, depth: 3, pnl: 100, parked_orders: 10_000, working_orders: 1_000_000 }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            seed: 1,
            accounts: vec![AccountConfig::usd("DU1234567", Decimal::from(1_000_000))],
            instruments: Instrument::defaults(),
            faults: Vec::new(),
            server_version: NEWEST_SERVER_VERSION,
            walk_every: Some(Duration::from_millis(250)),
            prices: BTreeMap::new(),
            depth: None,
            latency: Latency::default(),
            commission_delay: Duration::ZERO,
            cancel_delay: Duration::ZERO,
            working_per_side: None,
            retention: Retention::default(),
            read_only: false,
            clock_once_per_second: false,
            history_pacing: true,
            master_client_id: None,
            account_refresh: Duration::from_secs(180),
            max_clients: 32,
            limits: Limits::default(),
            steps: Vec::new(),
            control: None,
            clock: Clock::Wall,
            record: None,
            books: None,
            outbox_limit: 32 * 1024 * 1024,
        }
    }
}

impl GatewayConfig {
    /// The part of it that is the venue's.
    pub fn venue(&self, start: UtcNs) -> VenueConfig {
        VenueConfig {
            seed: self.seed,
            start,
            accounts: self.accounts.clone(),
            instruments: self.instruments.clone(),
            walk_every: self.walk_every.map(nanoseconds),
            paths: self.paths(),
            depth: self.depth,
            commission_delay: nanoseconds(self.commission_delay),
            cancel_delay: nanoseconds(self.cancel_delay),
            working_per_side: self.working_per_side,
            working_max: self.limits.working_orders,
            parked_max: self.limits.parked_orders,
            retention: self.retention,
        }
    }
}

impl GatewayConfig {
    fn paths(&self) -> BTreeMap<ConId, PricePath> {
        let found = |symbol: &String| self.scripted(symbol).map(|it| it.con_id);
        self.prices.iter().filter_map(|(symbol, path)| Some((found(symbol)?, path.clone()))).collect()
    }

    /// The instrument that a line of scripted prices means: by its own symbol first, then by the plain one.
    pub(crate) fn scripted(&self, symbol: &str) -> Option<&Instrument> {
        let local = self.instruments.iter().find(|it| it.local_symbol == symbol);
        local.or_else(|| self.instruments.iter().find(|it| it.symbol == symbol))
    }
}

pub(crate) fn nanoseconds(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX / 4)
}
