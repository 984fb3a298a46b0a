//! The tester tested: every planted bug is chosen in turn, and must break an invariant within the budget.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use alphec_model::planted::plant;

use crate::campaign::Campaign;
use crate::check::Violation;
use crate::draw;
use crate::world::World;

/// Each bug by the name of its hook. None is planted yet, and until one is, the hunt fails.
const BUGS: &[&str] = &[];

/// Seeds tried for one bug unless told otherwise.
const SEEDS: u64 = 3_000;

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
                    plant(Some(bug));
                    let fate = hunt(campaign, budget);
                    plant(None);
                    let mut fates = fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    fates.insert(*bug, fate);
                    progress(&format!("{} of {} bugs hunted ", fates.len(), BUGS.len()));
                }
            });
        }
    });
    progress("");
    let fates = fates.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    say(&table(&fates));
    let missed: Vec<&str> =
        fates.iter().filter(|(_, fate)| fate.found.is_none()).map(|(bug, _)| *bug).collect();
    say(&format!("{} planted, {} found", fates.len(), fates.len() - missed.len()));
    // Without a bug to find, nothing is proven.
    missed.is_empty() && !fates.is_empty()
}

fn hunt(campaign: &Campaign, budget: u64) -> Fate {
    let began = Instant::now();
    for tried in 1..=budget {
        let seed = campaign.first.wrapping_add(tried - 1);
        let violation = World::new(draw::plan(seed, campaign.orders_max)).run().violation;
        if let Some(violation) = violation {
            return Fate { found: Some((seed, violation)), tried, millis: began.elapsed().as_millis() };
        }
    }
    Fate { found: None, tried: budget, millis: began.elapsed().as_millis() }
}

fn table(fates: &BTreeMap<&str, Fate>) -> String {
    let mut out = format!("{:<34}{:>6}{:>8}{:>9}  {}\n", "planted bug", "by", "seeds", "ms", "what was seen");
    for (bug, fate) in fates {
        let (by, what) = match &fate.found {
            Some((_, violation)) => (format!("I{}", violation.number), violation.what.as_str()),
            None => ("none".to_owned(), "NOT FOUND"),
        };
        let what: String = what.chars().take(90).collect();
        let _infallible = writeln!(out, "{bug:<34}{by:>6}{:>8}{:>9}  {what}", fate.tried, fate.millis);
    }
    out
}
