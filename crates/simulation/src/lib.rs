//! Seeded worlds: the real machine, the real loop with its durable-before-wire rule, the adapter's real
//! conversions and queues, and the simulated gateway with its venue, in one thread under a virtual clock.
//!
//! A [`Run`] is one simulated trading day and the time after it in which everything heals and must settle.
//! Checkers outside the code under test look at every step. `docs/simulation.md` says what is real, what is
//! modelled, and what is not checked here. Never shipped.
#![forbid(unsafe_code)]

mod campaign;
mod check;
mod clock;
pub mod command;
mod dice;
mod disk;
mod draw;
mod faults;
mod net;
mod plan;
#[cfg(feature = "planted")]
mod planted;
mod process;
mod profile;
mod scenes;
mod shrink;
mod sight;
mod story;
mod table;
mod tally;
mod wire;
mod world;

/// One run, by its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Everything follows from it.
    pub seed: u64,
    /// Most orders of the day.
    pub orders_max: i64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The invariant that did not hold, when, and what was seen.
    pub violation: Option<String>,
    /// Every byte of the journal.
    pub journal: Vec<u8>,
    /// A digest of every frame and its instant.
    pub wire: u64,
    /// Steps taken.
    pub steps: u64,
    /// Orders submitted.
    pub orders: u64,
}

impl Run {
    /// Lives it.
    #[must_use]
    pub fn live(self) -> Report {
        let outcome = world::World::new(draw::plan(self.seed, self.orders_max)).run();
        Report {
            violation: outcome
                .violation
                .map(|violation| format!("I{}: {}", violation.number, violation.what)),
            journal: outcome.journal,
            wire: outcome.wire,
            steps: outcome.tally.steps,
            orders: outcome.tally.orders,
        }
    }

    /// Lives it with a bug planted on this thread.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn live_with(self, bug: &'static str) -> Report {
        alphec_model::planted::plant(Some(bug));
        let report = self.live();
        alphec_model::planted::plant(None);
        report
    }
}
