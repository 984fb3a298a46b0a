//! Delays between connection attempts: growing, capped, varied by a seeded generator.

use core::time::Duration;

use crate::config::Reconnect;

/// A connection that stood this long proves the gateway healthy: the delays start over.
/// A shorter one does not, else a gateway that accepts and drops would be hammered.
const HEALTHY_AFTER: Duration = Duration::from_secs(20);

/// Counts attempts and names delays.
#[derive(Debug)]
pub(crate) struct Backoff {
    plan: Reconnect,
    /// Failed attempts in a row.
    failures: u32,
    /// Steps of growth behind us: failures and sessions that died young.
    level: u32,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(plan: Reconnect) -> Self {
        let random = plan.seed;
        Self { plan, failures: 0, level: 0, random }
    }

    /// Which attempt in a row just failed (1 for the first), and the delay before the next;
    /// `None` when the last one allowed is spent.
    pub(crate) fn failed(&mut self) -> (u32, Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        self.level = self.level.saturating_add(1);
        let spent = self.plan.attempts.is_some_and(|attempts| self.failures >= attempts);
        (self.failures, (!spent).then(|| self.delay()))
    }

    /// The delay after a session that stood for `lived`.
    pub(crate) fn lost(&mut self, lived: Duration) -> Duration {
        self.failures = 0;
        self.level = if lived >= HEALTHY_AFTER { 0 } else { self.level.saturating_add(1) };
        self.delay()
    }

    fn delay(&mut self) -> Duration {
        let steps = self.level.saturating_sub(1).min(64);
        let factor = if self.plan.factor.is_finite() { self.plan.factor.max(1.0) } else { 1.0 };
        let jitter = if self.plan.jitter.is_finite() { self.plan.jitter.clamp(0.0, 1.0) } else { 0.0 };
        let ceiling = self.plan.ceiling.as_secs_f64();
        let mut seconds = self.plan.first_delay.as_secs_f64();
        for _ in 0..steps {
            seconds = (seconds * factor).min(ceiling);
        }
        let varied = seconds.min(ceiling) * (1.0 + jitter * self.signed_unit());
        Duration::try_from_secs_f64(varied).unwrap_or(self.plan.ceiling)
    }

    /// SplitMix64 mapped to -1 … 1: enough to spread clients, and the same for the same seed.
    fn signed_unit(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let thousandths = u16::try_from(mixed % 2001).unwrap_or(1000);
        (f64::from(thousandths) - 1000.0) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(jitter: f64, attempts: Option<u32>) -> Reconnect {
        Reconnect {
            first_delay: Duration::from_millis(100),
            factor: 2.0,
            ceiling: Duration::from_secs(1),
            jitter,
            attempts,
            seed: 7,
        }
    }

    #[test]
    fn delays_double_up_to_the_ceiling() {
        let mut backoff = Backoff::new(plan(0.0, None));
        let delays: Vec<u128> = (0..6).map(|_| backoff.failed().1.unwrap_or_default().as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn the_last_attempt_allowed_names_no_delay() {
        let mut backoff = Backoff::new(plan(0.0, Some(2)));
        assert!(matches!(backoff.failed(), (1, Some(_))));
        assert_eq!(backoff.failed(), (2, None));
    }

    #[test]
    fn a_session_that_died_young_does_not_reset_the_delays() {
        let mut backoff = Backoff::new(plan(0.0, None));
        backoff.failed();
        backoff.failed();
        assert_eq!(backoff.lost(Duration::from_secs(1)).as_millis(), 400);
        assert_eq!(backoff.failed().0, 1, "yet the attempts in a row start over");
        assert_eq!(backoff.lost(Duration::from_secs(60)).as_millis(), 100);
    }

    #[test]
    fn jitter_stays_in_its_band_and_repeats_with_the_seed() {
        let run = || {
            let mut backoff = Backoff::new(plan(0.5, None));
            (0..200).map(|_| backoff.lost(HEALTHY_AFTER).as_millis()).collect::<Vec<_>>()
        };
        let delays = run();
        assert!(delays.iter().all(|delay| (50..=150).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay < 80) && delays.iter().any(|delay| *delay > 120));
        assert_eq!(delays, run());
    }
}
