//! The tester tested: every planted bug is chosen in turn, and must break an invariant of its own within the budget. What
//! another one finds first is a report that points elsewhere, and counts as a miss until somebody has looked at it.

mod bugs;
mod rare;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use alphec_model::planted::plant;
use bugs::{BUGS, Bug};

use crate::campaign::Campaign;
use crate::check::Violation;
use crate::draw;
use crate::scenes;
use crate::world::World;

/// Seeds tried for one bug unless told otherwise.
const SEEDS: u64 = 400;

/// How one bug fared.
#[derive(Debug)]
struct Fate {
    broke: Option<(u64, Violation)>,
    tried: u64,
    millis: u128,
}

impl Fate {
    /// Whether one of the invariants that may find the bug did.
    fn is_found(&self, bug: &Bug) -> bool {
        self.broke.as_ref().is_some_and(|(_, violation)| bug.by.contains(&violation.number))
    }
}

/// Plants one bug after the other and prints what found each; whether all were found.
pub(crate) fn run(campaign: &Campaign, say: &mut dyn FnMut(&str), progress: &(dyn Fn(&str) + Sync)) -> bool {
    let budget = if campaign.seeds == u64::MAX || campaign.seeds == 1_000 { SEEDS } else { campaign.seeds };
    let next = AtomicUsize::new(0);
    let fates = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..campaign.threads.max(1) {
            scope.spawn(|| {
                while let Some(bug) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fate = hunt(bug, campaign, budget);
                    progress(&format!("{}\n", row(bug, &fate)));
                    let mut fates = fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    fates.insert(bug.name, (bug, fate));
                    progress(&format!("{} of {} bugs hunted ", fates.len(), BUGS.len()));
                }
            });
        }
    });
    progress("");
    let fates = fates.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    say(&table(&fates));
    let found = fates.values().filter(|(bug, fate)| fate.is_found(bug)).count();
    say(&format!("{} planted, {found} found", fates.len()));
    // Without a bug to find, nothing is proven.
    found == fates.len() && !fates.is_empty()
}

/// Tries seed after seed until one breaks an invariant, whichever, with the bug planted, and breaks none without it.
fn hunt(bug: &Bug, campaign: &Campaign, budget: u64) -> Fate {
    let began = Instant::now();
    for tried in 1..=budget {
        let seed = campaign.first.wrapping_add(tried - 1);
        let broke = live(Some(bug.name), seed, campaign).filter(|_| live(None, seed, campaign).is_none());
        if let Some(violation) = broke {
            return Fate { broke: Some((seed, violation)), tried, millis: began.elapsed().as_millis() };
        }
    }
    Fate { broke: None, tried: budget, millis: began.elapsed().as_millis() }
}

fn live(bug: Option<&'static str>, seed: u64, campaign: &Campaign) -> Option<Violation> {
    plant(bug);
    let mut plan = draw::plan(seed, campaign.orders_max);
    scenes::add(&mut plan);
    rare::add(&mut plan);
    let violation = World::new(plan).run().violation;
    plant(None);
    violation
}

fn table(fates: &BTreeMap<&str, (&Bug, Fate)>) -> String {
    let mut out = format!(
        "{:<46}{:>6}{:>8}{:>8}{:>9}  {}\n",
        "planted bug", "by", "seed", "seeds", "ms", "what was seen"
    );
    for (bug, fate) in fates.values() {
        let _infallible = writeln!(out, "{}", row(bug, fate));
    }
    out
}

fn row(bug: &Bug, fate: &Fate) -> String {
    let (by, seed, what) = match &fate.broke {
        Some((seed, violation)) if fate.is_found(bug) => {
            (format!("I{}", violation.number), seed.to_string(), violation.what.clone())
        }
        Some((seed, violation)) => {
            let what = format!("NOT FOUND by {}: {}", finders(bug), violation.what);
            (format!("I{}?", violation.number), seed.to_string(), what)
        }
        None => ("NONE".to_owned(), String::new(), format!("NOT FOUND: {}", bug.breaks)),
    };
    let what: String = what.chars().take(110).collect();
    format!("{:<46}{by:>6}{seed:>8}{:>8}{:>9}  {what}", bug.name, fate.tried, fate.millis)
}

/// The invariants that may find it.
fn finders(bug: &Bug) -> String {
    bug.by.iter().map(|number| format!("I{number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of `docs/simulation.md`.
    fn page() -> String {
        let row = |bug: &Bug| format!("| `{}` | {} | {} |\n", bug.name, bug.breaks, finders(bug));
        BUGS.iter().map(row).collect()
    }

    fn broken_by(number: u8) -> Fate {
        let violation = Violation { number, at: 0, what: "planted".to_owned() };
        Fate { broke: Some((7, violation)), tried: 7, millis: 1 }
    }

    #[test]
    fn only_an_invariant_that_the_bug_names_finds_it() {
        let bug = Bug { name: "a-bug", breaks: "something", by: &[8, 12] };
        assert!(broken_by(12).is_found(&bug));
        assert!(!broken_by(4).is_found(&bug));
        assert!(!broken_by(0).is_found(&bug));
        assert!(!Fate { broke: None, tried: 7, millis: 1 }.is_found(&bug));
    }

    #[test]
    fn what_another_invariant_found_first_is_told_as_a_miss() {
        let bug = Bug { name: "a-bug", breaks: "something", by: &[8, 12] };
        let told = row(&bug, &broken_by(4));
        assert!(told.contains("I4?") && told.contains("NOT FOUND by I8, I12: planted"), "{told}");
        assert!(!row(&bug, &broken_by(8)).contains("NOT FOUND"));
    }

    #[test]
    fn no_bug_names_an_invariant_that_is_not_checked() {
        let checked: Vec<u8> = crate::check::all().iter().map(|invariant| invariant.number()).collect();
        for bug in BUGS {
            let is_checked = |number: &u8| *number == 0 || checked.contains(number);
            assert!(!bug.by.is_empty() && bug.by.iter().all(is_checked), "{}", bug.name);
        }
    }

    #[test]
    fn every_invariant_that_is_checked_is_named_by_a_bug() {
        for invariant in crate::check::all() {
            let number = invariant.number();
            assert!(
                BUGS.iter().any(|bug| bug.by.contains(&number)),
                "nothing planted is I{number}'s to find"
            );
        }
    }

    #[test]
    fn the_page_names_every_planted_bug() {
        let docs = include_str!("../../../docs/simulation.md");
        assert!(docs.contains(&page()), "the table in docs/simulation.md should be:\n{}", page());
    }

    #[test]
    fn there_are_enough_and_no_two_of_a_name() {
        let names: std::collections::BTreeSet<&str> = BUGS.iter().map(|bug| bug.name).collect();
        assert_eq!(names.len(), BUGS.len());
        assert!(names.len() >= 40);
    }
}
