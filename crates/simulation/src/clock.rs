//! The clock of a process: it starts where its machine's clock happened to be, runs at its own pace, and follows the
//! machine's by the rule of `alphec-engine`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alphec_engine::{Clock, Slept};
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
    /// How far the machine's wall clock was set forward, or back, since.
    stepped: AtomicI64,
    /// How long the machine slept, which its monotonic clock does not count.
    asleep: AtomicI64,
    slept: Slept,
}

impl ProcessClock {
    /// Of a process that starts now, on a machine whose clock is off by `skew`.
    pub(crate) const fn new(now: Instant, skew: i64, drift: i64) -> Self {
        Self {
            born: now,
            wall: now.saturating_add(skew),
            drift,
            elapsed: AtomicI64::new(0),
            stepped: AtomicI64::new(0),
            asleep: AtomicI64::new(0),
            slept: Slept::new(),
        }
    }

    /// Somebody, or the time service, sets the machine's wall clock.
    pub(crate) fn step(&self, by: i64) {
        self.stepped.fetch_add(by, Ordering::Relaxed);
    }

    /// The machine sleeps for so long from now on: its wall clock goes on, its monotonic clock does not.
    pub(crate) fn sleep(&self, span: Instant) {
        self.asleep.fetch_add(span, Ordering::Relaxed);
        self.step(span);
    }

    /// The world has come to this instant.
    pub(crate) fn set(&self, now: Instant) {
        let real = now.saturating_sub(self.born).saturating_sub(self.asleep.load(Ordering::Relaxed));
        let mut counted = real.saturating_add(self.drifted(real));
        if planted::is("the-wall-clock-is-followed") && real / MINUTE % 2 == 1 {
            counted = counted.saturating_sub(2 * SECOND);
        }
        self.elapsed.fetch_max(counted, Ordering::Relaxed);
    }

    const fn drifted(&self, real: i64) -> i64 {
        (real / 1_000_000).saturating_mul(self.drift)
    }

    /// The instant of the world at which this clock shows `wall`, or a little after it.
    pub(crate) fn instant_of(&self, wall: UtcNanos) -> Instant {
        let slept = i64::try_from(self.slept.get().as_nanos()).unwrap_or(i64::MAX);
        let counted = wall.as_nanos().saturating_sub(self.wall).saturating_sub(slept).max(0);
        let mut real = counted.saturating_sub(counted / 1_000_000 * self.drift);
        while real.saturating_add(self.drifted(real)) < counted {
            let missing = counted.saturating_sub(real.saturating_add(self.drifted(real)));
            real = real.saturating_add(missing.max(1));
        }
        // A clock that steps back shows it two seconds later at most.
        let late = if planted::is("the-wall-clock-is-followed") { 2 * SECOND } else { 0 };
        let asleep = self.asleep.load(Ordering::Relaxed);
        self.born.saturating_add(real).saturating_add(asleep).saturating_add(late)
    }

    fn counted(&self) -> i64 {
        self.elapsed.load(Ordering::Relaxed)
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> UtcNanos {
        let awake = UtcNanos::from_nanos(self.wall.saturating_add(self.counted()));
        let wall = awake.as_nanos().saturating_add(self.stepped.load(Ordering::Relaxed));
        self.slept.time(awake, UtcNanos::from_nanos(wall))
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
            let mut at = 5 * SECOND;
            for ahead in [0, 1, 999, 1_000_001, SECOND, HOUR] {
                let due = UtcNanos::from_nanos(clock.now().as_nanos() + ahead);
                at = at.max(clock.instant_of(due));
                clock.set(at);
                assert!(clock.now() >= due, "{drift} {ahead}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_forward_and_a_machine_that_slept_are_followed_and_one_set_back_is_not() {
        let clock = ProcessClock::new(0, 0, 0);
        let shows = |at: Instant| {
            clock.set(at);
            clock.now().as_nanos()
        };
        assert_eq!(shows(SECOND), SECOND);
        clock.step(-HOUR);
        assert_eq!(shows(2 * SECOND), 2 * SECOND);
        clock.step(2 * HOUR);
        assert_eq!(shows(3 * SECOND), HOUR + 3 * SECOND);
        clock.sleep(MINUTE);
        assert_eq!(shows(3 * SECOND + MINUTE), HOUR + MINUTE + 3 * SECOND);
        assert_eq!(clock.elapsed(), Duration::from_secs(3), "and has not counted it");
        let due = UtcNanos::from_nanos(2 * HOUR);
        assert!(shows(clock.instant_of(due)) >= due.as_nanos());
    }
}
