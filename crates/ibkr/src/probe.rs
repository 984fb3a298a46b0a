//! One look at a gateway, for `doctor`: who answers, for which accounts, at what time, and whether
//! it lets orders through. It places nothing and changes nothing.

use core::fmt;
use core::time::Duration;
use std::panic::AssertUnwindSafe;

use alphec_model::{AccountId, UtcNanos};
use futures::FutureExt;
use ibapi::{Client, Error, Notice};

use crate::config::Config;
use crate::connect::{self, Link};
use crate::run::panic_text;

/// How long each question may take after the handshake.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The gateway answers `reqCurrentTime` at most once a second, and the engine's own probe may have been first.
const CLOCK_TRIES: u32 = 2;
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// "The API interface is currently in Read-Only mode", mostly without an id (TWS, 2024).
const READ_ONLY: i32 = 321;

/// What a gateway says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The negotiated protocol level.
    pub server_version: i32,
    /// Every account of the login.
    pub accounts: Vec<AccountId>,
    /// Its clock against ours; `None` when it did not tell the time.
    pub clock: Option<ClockOffset>,
    /// Whether it refuses what needs write access; `None` when it did not answer.
    pub is_read_only: Option<bool>,
}

/// The gateway's clock against ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// The gateway's time less ours, in nanoseconds.
    pub ahead_ns: i64,
    /// The truth is within this much of it: half the round trip and the unit of the answer.
    pub uncertainty: Duration,
}

/// Why there is nothing to say of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ProbeError {
    /// What happened and what to do.
    pub why: String,
}

/// Connects once, asks, and disconnects.
///
/// # Errors
/// [`ProbeError`] when there is no handshake. What is not answered after it is `None` in the probe.
pub async fn probe(config: &Config) -> Result<Probe, ProbeError> {
    match AssertUnwindSafe(ask(config)).catch_unwind().await {
        Ok(probed) => probed.map_err(|why| ProbeError { why }),
        Err(panic) => Err(ProbeError { why: panic_text(panic.as_ref()) }),
    }
}

async fn ask(config: &Config) -> Result<Probe, String> {
    let Link { client, mut notices, accounts, updates, .. } = connect::connect(config).await?;
    let clock = clock_offset(config, &client).await;
    let refused = async {
        while let Some(notice) = notices.next().await {
            if is_refusal(&notice) {
                return;
            }
        }
        core::future::pending().await
    };
    let is_read_only = tokio::select! {
        biased;
        () = refused => Some(true),
        listed = tokio::time::timeout(ANSWER_WITHIN, list(config, &client)) => match listed {
            Ok(Ok(())) => Some(false),
            Ok(Err(Error::Notice(notice))) if is_refusal(&notice) => Some(true),
            Ok(Err(_)) | Err(_) => None,
        },
    };
    let server_version = client.server_version();
    drop(updates);
    // A gateway that does not say goodbye has said enough.
    let _ = tokio::time::timeout(CLOSE_WITHIN, client.disconnect()).await;
    Ok(Probe { server_version, accounts, clock, is_read_only })
}

/// Something that needs write access and changes nothing. The own list of client 0 would bind
/// manual orders to it, so there it is the list of all.
async fn list(config: &Config, client: &Client) -> Result<(), Error> {
    let rows = if config.api_client_id.get() == 0 {
        client.all_open_orders().await
    } else {
        client.open_orders().await
    };
    rows?.collect_to_end_within(ANSWER_WITHIN).await.map(drop)
}

fn is_refusal(notice: &Notice) -> bool {
    notice.code == READ_ONLY
}

/// To the millisecond where the gateway can, to the second otherwise.
async fn clock_offset(config: &Config, client: &Client) -> Option<ClockOffset> {
    for _ in 0..CLOCK_TRIES {
        let asked = config.clock.now();
        if let Ok(Ok(time)) = tokio::time::timeout(ANSWER_WITHIN, client.server_time_millis()).await {
            return offset(config, (asked, time.unix_timestamp_nanos()), Duration::from_millis(1));
        }
        let asked = config.clock.now();
        if let Ok(Ok(time)) = tokio::time::timeout(ANSWER_WITHIN, client.server_time()).await {
            return offset(config, (asked, time.unix_timestamp_nanos()), Duration::from_secs(1));
        }
    }
    None
}

/// The answer was made somewhere between the question and its arrival, and it is cut off to its unit.
fn offset(config: &Config, (asked, theirs): (UtcNanos, i128), unit: Duration) -> Option<ClockOffset> {
    let half_trip = config.clock.now().since(asked) / 2;
    let half_unit = unit / 2;
    let ours = i128::from(asked.saturating_add(half_trip).as_nanos());
    let cut = i128::try_from(half_unit.as_nanos()).ok()?;
    let ahead_ns = i64::try_from(theirs.checked_add(cut)?.checked_sub(ours)?).ok()?;
    Some(ClockOffset { ahead_ns, uncertainty: half_trip.saturating_add(half_unit) })
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ahead_ms = self.ahead_ns / 1_000_000;
        write!(f, "{ahead_ms:+} ms, give or take {} ms", self.uncertainty.as_millis().max(1))
    }
}

#[cfg(test)]
mod tests {
    use alphec_model::ApiClientId;

    use super::*;
    use crate::config::Clock;

    #[test]
    fn an_offset_is_taken_from_the_middle_of_the_round_trip() {
        let arrived = UtcNanos::from_nanos(1_000_000_000);
        let config = Config::new("localhost", 4002, ApiClientId::new(7), Clock::new(move || arrived));
        let asked = arrived.saturating_sub(Duration::from_millis(10));
        let found = offset(&config, (asked, 1_995_000_000), Duration::from_millis(1)).unwrap();
        assert_eq!(found.ahead_ns, 1_000_500_000);
        assert_eq!(found.uncertainty, Duration::from_micros(5_500));
        assert_eq!(found.to_string(), "+1000 ms, give or take 5 ms");
    }
}
