//! Configuration of the adapter: plain data, no file format and no defaults for what concerns money.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use alphec_model::{ApiClientId, Instrument, UtcNanos};

/// Where a gateway listens by default. The port is a convention and proves nothing about paper or live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// TWS, live account.
    TwsLive,
    /// TWS, paper account.
    TwsPaper,
    /// IB Gateway, live account.
    GatewayLive,
    /// IB Gateway, paper account.
    GatewayPaper,
}

impl Endpoint {
    /// The broker's default port.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::TwsLive => 7496,
            Self::TwsPaper => 7497,
            Self::GatewayLive => 4001,
            Self::GatewayPaper => 4002,
        }
    }
}

/// How to come back after a failed or lost connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconnect {
    /// Delay before the second attempt.
    pub first_delay: Duration,
    /// How much longer each further delay is; below 1 counts as 1.
    pub factor: f64,
    /// The longest delay.
    pub ceiling: Duration,
    /// Each delay varies by up to this fraction, up or down; clamped to 0 … 1.
    pub jitter: f64,
    /// Attempts in a row before giving up; `None` for ever.
    pub attempts: Option<u32>,
    /// Seed of the variation.
    pub seed: u64,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_secs(1),
            factor: 2.0,
            ceiling: Duration::from_secs(30),
            jitter: 0.2,
            attempts: None,
            seed: 0,
        }
    }
}

/// How a silent gateway is found out. TCP does not tell: a stopped gateway keeps its socket open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time between two probes.
    pub interval: Duration,
    /// How long an answer may take.
    pub deadline: Duration,
    /// Misses in a row that end the session; at least 1.
    pub misses: u32,
}

impl Default for Heartbeat {
    /// A silent gateway is found out within 10 seconds.
    fn default() -> Self {
        Self { interval: Duration::from_secs(3), deadline: Duration::from_secs(3), misses: 2 }
    }
}

impl Heartbeat {
    /// The longest that a gateway can be silent before it is found out.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        let probe = self.deadline.max(crate::session::PROBE_SPACING);
        self.interval.max(crate::session::PROBE_SPACING)
            + probe * self.misses.max(1).saturating_sub(1)
            + self.deadline
    }
}

/// Which market data to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketDataKind {
    /// As the market moves; needs a subscription.
    Live,
    /// Fifteen to twenty minutes old.
    Delayed,
}

/// Market data for the instruments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketData {
    /// Whether to subscribe.
    pub enabled: bool,
    /// To what.
    pub kind: MarketDataKind,
}

impl Default for MarketData {
    fn default() -> Self {
        Self { enabled: true, kind: MarketDataKind::Live }
    }
}

/// The caller's clock: this crate never reads the system's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UtcNanos + Send + Sync>);

impl Clock {
    /// Takes any source of time.
    pub fn new(now: impl Fn() -> UtcNanos + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn now(&self) -> UtcNanos {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Everything the adapter needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Host name or address of the gateway.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The one client id, on every connection: another id could not cancel our orders.
    pub api_client_id: ApiClientId,
    /// What may be traded.
    pub instruments: Vec<Instrument>,
    /// How to come back.
    pub reconnect: Reconnect,
    /// How long a connection may take, handshake included.
    pub connect_timeout: Duration,
    /// How a silent gateway is found out.
    pub heartbeat: Heartbeat,
    /// After this much silence an order waits for a round trip; `None` never asks.
    pub probe_after_idle: Option<Duration>,
    /// How long each list of a snapshot may take.
    pub snapshot_timeout: Duration,
    /// Messages in any one second, all kinds together; `None` writes as fast as it can.
    pub messages_per_second: Option<u32>,
    /// Market data.
    pub market_data: MarketData,
    /// Whether to follow account values.
    pub account_updates: bool,
    /// The caller's clock.
    pub clock: Clock,
}

impl Config {
    /// A configuration with the usual timings.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, api_client_id: ApiClientId, clock: Clock) -> Self {
        Self {
            host: host.into(),
            port,
            api_client_id,
            instruments: Vec::new(),
            reconnect: Reconnect::default(),
            connect_timeout: Duration::from_secs(15),
            heartbeat: Heartbeat::default(),
            probe_after_idle: Some(Duration::from_secs(2)),
            snapshot_timeout: Duration::from_secs(15),
            // IBKR allows half the market-data lines a second: 50 for the default 100 lines.
            messages_per_second: Some(45),
            market_data: MarketData::default(),
            account_updates: true,
            clock,
        }
    }

    pub(crate) fn address(&self) -> String {
        let Self { host, port, .. } = self;
        // An IPv6 address needs its brackets beside a port.
        if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_host_gets_its_brackets() {
        let address =
            |host| Config::new(host, 4002, ApiClientId::new(1), Clock::new(|| UtcNanos::EPOCH)).address();
        assert_eq!(address("::1"), "[::1]:4002");
        assert_eq!(address("[::1]"), "[::1]:4002");
        assert_eq!(address("localhost"), "localhost:4002");
    }

    #[test]
    fn a_silent_gateway_is_found_out_within_ten_seconds_unless_told_otherwise() {
        assert!(Heartbeat::default().longest_silence() <= Duration::from_secs(10));
        let patient =
            Heartbeat { interval: Duration::from_secs(10), deadline: Duration::from_secs(5), misses: 2 };
        assert_eq!(patient.longest_silence(), Duration::from_secs(20));
    }

    #[test]
    fn the_default_ports_are_those_of_the_broker() {
        let ports = [Endpoint::TwsLive, Endpoint::TwsPaper, Endpoint::GatewayLive, Endpoint::GatewayPaper]
            .map(Endpoint::port);
        assert_eq!(ports, [7496, 7497, 4001, 4002]);
    }
}
