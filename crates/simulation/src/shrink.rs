//! A failing plan made shorter: parts of it are left out as long as the same invariant still breaks.

use std::fmt::Write as _;

use crate::check::Violation;
use crate::clock::{MILLI, SECOND};
use crate::plan::Plan;
use crate::world::World;

/// Runs spent on one failure.
const TRIES_MAX: u32 = 400;

/// The shortest plan found, with what then breaks; none where one more life does not break it: what only two lives
/// together show (I18) would leave no act at all.
fn shrink(plan: &Plan, violation: &Violation) -> Option<(Plan, Violation)> {
    let mut best = plan.clone();
    let again = World::new(best.clone()).run().violation;
    let mut broken = again.filter(|again| again.number == violation.number)?;
    let mut tries = 0;
    // Nothing after the break matters.
    let after = broken.at.saturating_sub(best.setup.start);
    best.acts.retain(|planned| planned.at <= after);
    let mut chunk = best.acts.len().div_ceil(2).max(1);
    while tries < TRIES_MAX {
        let mut at = 0;
        let mut is_shorter = false;
        while at < best.acts.len() && tries < TRIES_MAX {
            let mut shorter = best.clone();
            let end = at.saturating_add(chunk).min(shorter.acts.len());
            shorter.acts.drain(at..end);
            tries += 1;
            match World::new(shorter.clone()).run().violation {
                Some(other) if other.number == broken.number => {
                    (best, broken, is_shorter) = (shorter, other, true);
                }
                _ => at = end,
            }
        }
        if chunk == 1 && !is_shorter {
            break;
        }
        chunk = (chunk / 2).max(1);
    }
    Some((best, broken))
}

/// The failure for people: what broke, the history, and how to see it again.
pub(crate) fn report(plan: &Plan, violation: &Violation, orders_max: i64) -> String {
    let mut out = format!("seed {} breaks I{}: {}\n\n", plan.seed, violation.number, violation.what);
    match shrink(plan, violation) {
        Some((shortest, broken)) => out.push_str(&history(plan, shortest, &broken)),
        None => out.push_str(
            "one life of this day does not break it: no history to show, the line below lives it twice\n",
        ),
    }
    let _infallible =
        writeln!(out, "\nagain: cargo xtask sim --seed {} --seeds 1 --orders {orders_max}", plan.seed);
    out
}

fn history(plan: &Plan, shortest: Plan, broken: &Violation) -> String {
    let mut out = format!(
        "the shortest history found ({} of {} acts) breaks it {} ms after the start: {}\n",
        shortest.acts.len(),
        plan.acts.len(),
        broken.at.saturating_sub(plan.setup.start) / MILLI,
        broken.what,
    );
    out.push_str(&shown(&shortest));
    let story = World::new(shortest).telling().run().story;
    let _infallible = writeln!(out, "\nwhat was seen last:\n{story}");
    out
}

/// A plan, act by act.
pub(crate) fn shown(plan: &Plan) -> String {
    let mut out = format!("{:?}\n", plan.setup);
    for planned in &plan.acts {
        let (whole, part) = (planned.at / SECOND, planned.at % SECOND / 1_000);
        let _infallible = writeln!(out, "{whole:>8}.{part:06} s  {:?}", planned.act);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw;

    fn broken(number: u8) -> Violation {
        Violation { number, at: 0, what: "planted".to_owned() }
    }

    #[test]
    fn what_only_two_lives_show_is_not_shortened_and_can_be_repeated() {
        let report = report(&draw::plan(1, 60), &broken(18), 60);
        assert!(report.starts_with("seed 1 breaks I18: planted\n"), "{report}");
        assert!(report.contains("lives it twice"), "{report}");
        assert!(report.ends_with("again: cargo xtask sim --seed 1 --seeds 1 --orders 60\n"), "{report}");
        assert!(!report.contains("shortest history"), "{report}");
    }

    #[cfg(feature = "planted")]
    #[test]
    fn a_day_that_fails_is_shortened() {
        alphec_model::planted::plant(Some("callers-hear-before-the-record"));
        let plan = draw::plan(1, 60);
        let (shortest, broken) = shrink(&plan, &broken(5)).expect("a history");
        alphec_model::planted::plant(None);
        assert!((1..plan.acts.len()).contains(&shortest.acts.len()), "{shortest:?}");
        assert_eq!(broken.number, 5);
    }
}
