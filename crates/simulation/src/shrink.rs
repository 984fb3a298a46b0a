//! A failing plan made shorter: parts of it are left out as long as the same invariant still breaks.

use std::fmt::Write as _;

use crate::check::Violation;
use crate::clock::{MILLI, SECOND};
use crate::plan::Plan;
use crate::world::World;

/// Runs spent on one failure.
const TRIES_MAX: u32 = 400;

/// The shortest plan found, with what then breaks.
fn shrink(plan: &Plan, violation: &Violation) -> (Plan, Violation) {
    let (mut best, mut broken) = (plan.clone(), violation.clone());
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
    (best, broken)
}

/// The failure for people: what broke, the history, and how to see it again.
pub(crate) fn report(plan: &Plan, violation: &Violation, orders_max: i64) -> String {
    let (shortest, broken) = shrink(plan, violation);
    let mut out = format!(
        "seed {} breaks I{}: {}\n\nthe shortest history found ({} of {} acts) breaks it {} ms after the start: {}\n",
        plan.seed,
        violation.number,
        violation.what,
        shortest.acts.len(),
        plan.acts.len(),
        broken.at.saturating_sub(plan.setup.start) / MILLI,
        broken.what,
    );
    out.push_str(&shown(&shortest));
    let story = World::new(shortest).telling().run().story;
    let _infallible = writeln!(out, "\nwhat was seen last:\n{story}");
    let _infallible =
        writeln!(out, "\nagain: cargo xtask sim --seed {} --seeds 1 --orders {orders_max}", plan.seed);
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
