//! Many runs on all cores: seeds in order, counts added up, the first failure shortened and shown.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::check::Violation;
use crate::draw;
use crate::tally::Tally;
use crate::world::World;

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    /// The first seed.
    pub(crate) first: u64,
    /// How many runs at most.
    pub(crate) seeds: u64,
    /// How long at most.
    pub(crate) time: Option<Duration>,
    /// Most orders of a day.
    pub(crate) orders_max: i64,
    /// Threads.
    pub(crate) threads: usize,
    /// Every so many seeds, one runs twice and must give the same bytes; 0 for never.
    pub(crate) twice_every: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) tally: Tally,
    pub(crate) failed: Vec<(u64, Violation)>,
    pub(crate) took: Duration,
    pub(crate) twice: u64,
}

impl Campaign {
    /// Runs it; `progress` hears of it about once a second. It ends early at the first failure.
    pub(crate) fn run(&self, keep_going: bool, progress: &(dyn Fn(&Tally, Duration) + Sync)) -> Ran {
        let began = Instant::now();
        let (next, stop, twice) = (AtomicU64::new(0), AtomicBool::new(false), AtomicU64::new(0));
        let shared = Mutex::new((Tally::default(), Vec::new(), began));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) && self.time.is_none_or(|time| began.elapsed() < time)
                    {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        if nth >= self.seeds {
                            return;
                        }
                        let seed = self.first.wrapping_add(nth);
                        let (tally, violation) = self.one(seed, nth, &twice);
                        let mut shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        shared.0.add(&tally);
                        if let Some(violation) = violation {
                            shared.1.push((seed, violation));
                            stop.fetch_or(!keep_going, Ordering::Relaxed);
                        }
                        if shared.2.elapsed() >= Duration::from_secs(1) {
                            shared.2 = Instant::now();
                            progress(&shared.0, began.elapsed());
                        }
                    }
                });
            }
        });
        let (tally, mut failed, _) = shared.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        failed.sort_by_key(|(seed, _)| *seed);
        Ran { tally, failed, took: began.elapsed(), twice: twice.into_inner() }
    }

    fn one(&self, seed: u64, nth: u64, twice: &AtomicU64) -> (Tally, Option<Violation>) {
        let plan = draw::plan(seed, self.orders_max);
        let outcome = World::new(plan.clone()).run();
        let again = self.twice_every > 0 && nth.is_multiple_of(self.twice_every);
        if again && outcome.violation.is_none() {
            twice.fetch_add(1, Ordering::Relaxed);
            let other = World::new(plan).run();
            if (&other.journal, other.wire) != (&outcome.journal, outcome.wire) {
                let what = "the same seed gave other bytes the second time".to_owned();
                return (outcome.tally, Some(Violation { number: 18, at: 0, what }));
            }
        }
        (outcome.tally, outcome.violation)
    }
}
