//! Instants in UTC, to the nanosecond. Values only: nothing here knows what time it is.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with nine decimals.
///
/// ```
/// use alphec_model::UtcNanos;
/// let at: UtcNanos = "2026-11-23T14:30:00.000000789Z".parse().unwrap();
/// assert_eq!(at.to_string(), "2026-11-23T14:30:00.000000789Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcNanos(i64);

/// Text that names no instant in UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an instant; write it with its zone, like 2026-11-23T14:30:00Z")]
pub struct TimeError {
    /// The text as given.
    pub text: String,
}

impl UtcNanos {
    /// The epoch.
    pub const EPOCH: Self = Self(0);

    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Later by `duration`, capped at the last representable instant.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// Earlier by `duration`, floored at the first representable instant.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(nanos))
    }

    /// How long after `earlier`; zero when it is not after (wall clocks step back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for UtcNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(timestamp) => write!(f, "{timestamp:.9}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for UtcNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UtcNanos {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: text.to_owned() };
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| error())?;
        i64::try_from(timestamp.as_nanosecond()).map(Self).map_err(|_| error())
    }
}

impl TryFrom<String> for UtcNanos {
    type Error = TimeError;
    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<UtcNanos> for String {
    fn from(value: UtcNanos) -> Self {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nanosecond_survives_text() {
        for nanos in [0, 1, 789, 1_700_000_000_000_000_001, i64::MAX, -1] {
            let at = UtcNanos::from_nanos(nanos);
            assert_eq!(at.to_string().parse::<UtcNanos>().unwrap(), at);
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        assert!("2026-11-23T14:30:00".parse::<UtcNanos>().is_err());
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_negative_age() {
        assert_eq!(UtcNanos::from_nanos(5).since(UtcNanos::from_nanos(9)), Duration::ZERO);
    }
}
