//! The one place that reads time.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alphec_model::UtcNanos;

/// A clock that never steps back.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> UtcNanos;

    /// Time since some fixed instant by the machine's own clock: how long a disk takes is no matter of
    /// whatever an injected clock says of the hour.
    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The wall clock as read once at the start, carried on by the monotonic clock: a step of the wall
/// clock moves no deadline. `alphec-exec doctor` measures how far it is from the gateway's.
#[derive(Debug)]
pub struct SystemClock {
    wall: UtcNanos,
    since: Instant,
}

impl SystemClock {
    /// Reads the wall clock.
    #[must_use]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = UtcNanos::EPOCH.saturating_add(since_epoch);
        Self { wall, since: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UtcNanos {
        self.wall.saturating_add(self.since.elapsed())
    }
}
