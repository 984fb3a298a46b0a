//! The one place that reads time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// The wall clock ahead of ours by more than this was no drift: the machine slept, and we did not count it.
const SLEPT: Duration = Duration::from_secs(1);

/// The wall clock as read once at the start, carried on by the monotonic clock: a step back of the wall clock
/// moves no deadline. The monotonic clock stands still while the machine sleeps, so a wall clock far ahead is
/// followed. `alphec-exec doctor` measures how far it is from the gateway's.
#[derive(Debug)]
pub struct SystemClock {
    wall: UtcNanos,
    since: Instant,
    slept: Slept,
}

/// How long the machine has slept, by how far its wall clock is ahead of what was counted. A step forward looks the
/// same, and is followed: what is late by it was judged too long ago, at worst.
#[derive(Debug, Default)]
pub struct Slept(AtomicU64);

impl Slept {
    /// Not at all so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// What time it is when `awake` was counted and the wall clock shows `wall`.
    #[must_use]
    pub fn time(&self, awake: UtcNanos, wall: UtcNanos) -> UtcNanos {
        let now = awake.saturating_add(self.get());
        if wall.since(now) <= SLEPT {
            return now;
        }
        let nanos = u64::try_from(wall.since(awake).as_nanos()).unwrap_or(u64::MAX);
        let most = self.0.fetch_max(nanos, Ordering::Relaxed).max(nanos);
        awake.saturating_add(Duration::from_nanos(most))
    }

    /// How long so far.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl SystemClock {
    /// Reads the wall clock.
    #[must_use]
    pub fn new() -> Self {
        Self { wall: wall_clock(), since: Instant::now(), slept: Slept::default() }
    }

    fn at(&self, elapsed: Duration, wall: UtcNanos) -> UtcNanos {
        self.slept.time(self.wall.saturating_add(elapsed), wall)
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UtcNanos {
        // In this order: whatever comes between the two readings makes the wall clock look behind.
        let wall = wall_clock();
        self.at(self.since.elapsed(), wall)
    }
}

fn wall_clock() -> UtcNanos {
    UtcNanos::EPOCH.saturating_add(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_while_the_machine_sleeps_and_never_back() {
        let clock = SystemClock::new();
        let start = clock.wall;
        let at = |elapsed: u64, wall: u64| {
            let seconds = Duration::from_millis;
            clock.at(seconds(elapsed), start.saturating_add(seconds(wall))).since(start).as_millis()
        };
        assert_eq!(at(1_000, 1_900), 1_000, "a drift is none");
        assert_eq!(at(2_000, 3_602_000), 3_602_000, "an hour slept");
        assert_eq!(at(3_000, 3_603_000), 3_603_000);
        assert_eq!(at(4_000, 0), 3_604_000, "a step back moves nothing");
    }
}
