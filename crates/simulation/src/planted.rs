//! The tester tested: every planted bug is chosen in turn, and must break an invariant within the budget.

mod bugs;

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
    found: Option<(u64, Violation)>,
    tried: u64,
    millis: u128,
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
    let missed: Vec<&str> =
        fates.iter().filter(|(_, (_, fate))| fate.found.is_none()).map(|(bug, _)| *bug).collect();
    say(&format!("{} planted, {} found", fates.len(), fates.len() - missed.len()));
    // Without a bug to find, nothing is proven.
    missed.is_empty() && !fates.is_empty()
}

/// Tries seed after seed until one breaks an invariant with the bug planted, and breaks none without it.
fn hunt(bug: &Bug, campaign: &Campaign, budget: u64) -> Fate {
    let began = Instant::now();
    for tried in 1..=budget {
        let seed = campaign.first.wrapping_add(tried - 1);
        let found = live(Some(bug.name), seed, campaign).filter(|_| live(None, seed, campaign).is_none());
        if let Some(violation) = found {
            return Fate { found: Some((seed, violation)), tried, millis: began.elapsed().as_millis() };
        }
    }
    Fate { found: None, tried: budget, millis: began.elapsed().as_millis() }
}

fn live(bug: Option<&'static str>, seed: u64, campaign: &Campaign) -> Option<Violation> {
    plant(bug);
    let mut plan = draw::plan(seed, campaign.orders_max);
    scenes::add(&mut plan);
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
    let (by, seed, what) = match &fate.found {
        Some((seed, violation)) => {
            let is_plausible = bug.by.contains(&violation.number);
            let by = format!("I{}{}", violation.number, if is_plausible { "" } else { "?" });
            (by, seed.to_string(), violation.what.as_str())
        }
        None => ("NONE".to_owned(), String::new(), bug.breaks),
    };
    let what: String = what.chars().take(110).collect();
    format!("{:<46}{by:>6}{seed:>8}{:>8}{:>9}  {what}", bug.name, fate.tried, fate.millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of `docs/simulation.md`.
    fn page() -> String {
        let by = |bug: &Bug| bug.by.iter().map(|number| format!("I{number}")).collect::<Vec<_>>().join(", ");
        BUGS.iter().map(|bug| format!("| `{}` | {} | {} |\n", bug.name, bug.breaks, by(bug))).collect()
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
