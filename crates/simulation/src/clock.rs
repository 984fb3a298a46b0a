//! The clock of a process: it starts where its machine's clock happened to be, and runs at its own pace.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alphec_engine::Clock;
use alphec_model::{UtcNanos, planted};

/// Nanoseconds of the world's own time.
pub(crate) type Instant = i64;

pub(crate) const MILLI: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1_000 * MILLI;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// A process reads its wall clock once, at its start, and counts on from there.
#[derive(Debug)]
pub(crate) struct ProcessClock {
    born: Instant,
    wall: i64,
    /// How much faster than the world it runs, in millionths.
    drift: i64,
    elapsed: AtomicI64,
}

impl ProcessClock {
    /// Of a process that starts now, on a machine whose clock is off by `skew`.
    pub(crate) const fn new(now: Instant, skew: i64, drift: i64) -> Self {
        Self { born: now, wall: now.saturating_add(skew), drift, elapsed: AtomicI64::new(0) }
    }

    /// The world has come to this instant.
    pub(crate) fn set(&self, now: Instant) {
        let real = now.saturating_sub(self.born);
        let mut counted = real.saturating_add(self.drifted(real));
        if planted::is("the-wall-clock-is-followed") && real / MINUTE % 2 == 1 {
            counted = counted.saturating_sub(2 * SECOND);
        }
        self.elapsed.store(counted, Ordering::Relaxed);
    }

    const fn drifted(&self, real: i64) -> i64 {
        (real / 1_000_000).saturating_mul(self.drift)
    }

    /// The instant of the world at which this clock shows `wall`, or a little after it.
    pub(crate) fn instant_of(&self, wall: UtcNanos) -> Instant {
        let counted = wall.as_nanos().saturating_sub(self.wall).max(0);
        let mut real = counted.saturating_sub(counted / 1_000_000 * self.drift);
        while real.saturating_add(self.drifted(real)) < counted {
            let missing = counted.saturating_sub(real.saturating_add(self.drifted(real)));
            real = real.saturating_add(missing.max(1));
        }
        // A clock that steps back shows it two seconds later at most.
        let late = if planted::is("the-wall-clock-is-followed") { 2 * SECOND } else { 0 };
        self.born.saturating_add(real).saturating_add(late)
    }

    fn counted(&self) -> i64 {
        self.elapsed.load(Ordering::Relaxed)
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> UtcNanos {
        UtcNanos::from_nanos(self.wall.saturating_add(self.counted()))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.counted()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_by_a_drifting_clock_is_reached_when_the_world_gets_there() {
        for drift in [-20_000, -500, 0, 500, 20_000] {
            let clock = ProcessClock::new(5 * SECOND, -HOUR, drift);
            for ahead in [0, 1, 999, 1_000_001, SECOND, HOUR] {
                let due = UtcNanos::from_nanos(clock.now().as_nanos() + ahead);
                let at = clock.instant_of(due);
                clock.set(at);
                assert!(clock.now() >= due, "{drift} {ahead}");
                clock.set(5 * SECOND);
            }
        }
    }
}
