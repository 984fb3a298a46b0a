//! The checkers: one file per invariant, each with its number and its sentence. They see what can be seen from
//! outside and keep books of their own; nothing of the machine under test helps them.

mod connection;
mod i01_intent_before_wire;
mod i01_terms_at_venue;
mod i02_no_orphan;
mod i03_at_most_once;
mod i03_both_lives;
mod i03_second_attempt;
mod i04_no_lost_order;
mod i04_no_stuck_change;
mod i04_true_ends;
mod i05_honest_answers;
mod i06_idempotent_calls;
mod i07_ids_only_rise;
mod i08_books_first;
mod i08_gate;
mod i08_restart;
mod i08_what_it_saw;
mod i08_worst_case;
mod i09_position;
mod i10_all_told;
mod i10_fill_once;
mod i11_others;
mod i11_reservation;
mod i12_kill_latch;
mod i12_resume;
mod i13_cancel_allowed;
mod i13_in_the_end;
mod i15_chain;
mod i16_durable;
mod i17_prefix;
mod i18_determinism;
mod i19_absence;
mod i20_hands_off;
mod i21_time;
mod i22_bounds;
mod i23_mode;
mod i25_limits;
mod i26_progress;
mod i27_groups;
mod i28_inferred;
mod i29_kill_reaches_all;
mod ledger;

use alphec_core::Core;
use alphec_model::broker::OrderNames;
use alphec_model::{CancelScope, Evidence, Order};
use alphec_twsim::venue::OrderReport;

use crate::clock::{Instant, SECOND};
use crate::plan::Setup;
use crate::sight::Sight;
use crate::tally::Tally;
use ledger::Ledger;

/// What left the engine before it knew better may still be on its way through the adapter for so long.
const ON_ITS_WAY: Instant = 3 * SECOND;

/// Whether it is a word of the broker.
const fn is_word(evidence: &Evidence) -> bool {
    matches!(
        evidence,
        Evidence::Status { .. }
            | Evidence::Notice { .. }
            | Evidence::OpenOrder { .. }
            | Evidence::Completed { .. }
    )
}

/// Whether a halt or a cancel of this scope is about the order.
fn reaches(scope: &CancelScope, order: &Order) -> bool {
    scope.reaches(&order.account, &order.strategy_id, &order.instrument)
}

/// Whether the venue has it in work, or will: one whose shares are being located cannot fill yet, and lives.
fn is_open(report: &OrderReport) -> bool {
    report.status.is_working() || !report.why_held.is_empty()
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Its number; 0 for the simulation itself.
    pub(crate) number: u8,
    pub(crate) at: Instant,
    pub(crate) what: String,
}

/// What a checker is shown: the instant, what is seen, and the books as they stand after it.
pub(crate) struct Scene<'a> {
    pub(crate) now: Instant,
    pub(crate) sight: &'a Sight<'a>,
    pub(crate) ledger: &'a Ledger,
}

pub(crate) type Verdict = Result<(), String>;

/// One invariant.
pub(crate) trait Invariant {
    /// As the study numbers it.
    fn number(&self) -> u8;
    /// What must hold.
    fn sentence(&self) -> &'static str;
    /// Looks at one thing.
    fn see(&mut self, scene: &Scene<'_>) -> Verdict;
}

/// All of them, and the books that they share.
pub(crate) struct Checks {
    ledger: Ledger,
    all: Vec<Box<dyn Invariant>>,
}

/// Every invariant that is checked.
pub(crate) fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(i01_intent_before_wire::IntentBeforeWire),
        Box::new(i01_terms_at_venue::TermsAtVenue),
        Box::new(i02_no_orphan::NoOrphan),
        Box::new(i03_at_most_once::AtMostOnce::default()),
        Box::new(i03_both_lives::BothLives::default()),
        Box::new(i03_second_attempt::SecondAttempt::default()),
        Box::new(i04_no_lost_order::NoLostOrder),
        Box::new(i04_no_stuck_change::NoStuckChange::default()),
        Box::new(i04_true_ends::TrueEnds::default()),
        Box::new(i05_honest_answers::HonestAnswers),
        Box::new(i06_idempotent_calls::IdempotentCalls::default()),
        Box::new(i07_ids_only_rise::IdsOnlyRise::default()),
        Box::new(i08_gate::Gate),
        Box::new(i08_books_first::BooksFirst::default()),
        Box::new(i08_restart::Restart),
        Box::new(i08_worst_case::WorstCase),
        Box::new(i08_what_it_saw::WhatItSaw::default()),
        Box::new(i09_position::PositionConservation::default()),
        Box::new(i10_fill_once::FillOnce::default()),
        Box::new(i10_all_told::AllTold::default()),
        Box::new(i11_reservation::Reservation::default()),
        Box::new(i11_others::Others::default()),
        Box::new(i12_kill_latch::KillLatch),
        Box::new(i12_resume::Resume::default()),
        Box::new(i13_cancel_allowed::CancelAllowed::default()),
        Box::new(i13_in_the_end::InTheEnd::default()),
        Box::new(i15_chain::Chain),
        Box::new(i16_durable::Durable),
        Box::new(i17_prefix::Prefix::default()),
        Box::new(i18_determinism::Determinism::default()),
        Box::new(i19_absence::Absence::default()),
        Box::new(i20_hands_off::HandsOff::default()),
        Box::new(i21_time::TimeSafety::default()),
        Box::new(i22_bounds::Bounds),
        Box::new(i23_mode::Mode::default()),
        Box::new(i25_limits::LimitsAreHistory),
        Box::new(i26_progress::Progress),
        Box::new(i27_groups::Groups::default()),
        Box::new(i28_inferred::InferredStaysInferred),
        Box::new(i29_kill_reaches_all::KillReachesAll::default()),
    ]
}

impl Checks {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self { ledger: Ledger::new(setup), all: all() }
    }

    pub(crate) fn see(
        &mut self,
        now: Instant,
        sight: &Sight<'_>,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        let fail = |number, what| Violation { number, at: now, what };
        let books = self.ledger.see(now, sight, tally);
        let scene = Scene { now, sight, ledger: &self.ledger };
        for invariant in &mut self.all {
            invariant.see(&scene).map_err(|what| fail(invariant.number(), what))?;
        }
        // What the books cannot take in is an invariant's to name, where one can.
        books.map_err(|what| fail(0, what))
    }

    pub(crate) fn heal(&mut self, now: Instant) {
        self.ledger.healed_at = Some(now);
    }

    /// Whether the connection's login has our account.
    pub(crate) const fn is_our_login(&self) -> bool {
        self.ledger.is_our_login
    }

    pub(crate) const fn wire_digest(&self) -> u64 {
        self.ledger.wire_digest
    }

    /// The state of the order that these names mean, for the table of edges.
    pub(crate) fn state_of(&self, core: &Core, names: &OrderNames) -> Option<&'static str> {
        let key = self.ledger.key_of(names)?;
        core.book().order(key).map(|order| order.state.as_str())
    }
}
