//! Scenes for the hunt only: what no day of trading is likely to bring about. The days of a campaign stay as they are drawn.

use alphec_model::WhenInDoubt;

use crate::clock::{Instant, MILLI, MINUTE, SECOND};
use crate::dice::Dice;
use crate::disk::Mood;
use crate::draw::at;
use crate::plan::{Act, Kind, Life, NewOrder, Plan, Planned};
use crate::scenes::{gateway, order};

type Scene = fn(&mut Dice, Instant, &mut Vec<Planned>);

/// Each with its chance in a thousand on a day of the hunt.
const SCENES: [(Scene, i64); 6] = [
    (bracket_without_its_last_exit, 400),
    (bracket_whose_entry_is_canceled, 400),
    (filled_entry_whose_exit_is_refused, 400),
    (choice_of_which_one_is_refused, 400),
    (more_than_a_batch, 50),
    (order_of_others_left_out, 400),
];

/// Adds some to a plan, from the plan's own seed.
pub(super) fn add(plan: &mut Plan) {
    let mut dice = Dice::new(plan.seed, 10);
    for (scene, chance) in SCENES {
        let when = dice.range(MINUTE, plan.setup.day.saturating_sub(5 * MINUTE));
        if dice.chance(chance) {
            scene(&mut dice, when, &mut plan.acts);
        }
    }
    plan.acts.sort_by_key(|planned| planned.at);
}

fn bracket(dice: &mut Dice, kind: Kind, doubt: WhenInDoubt) -> Act {
    Act::Bracket { entry: NewOrder { kind, ..far(dice, doubt) }, profit: 300, loss: 300 }
}

/// An order that the market does not reach for a while.
fn far(dice: &mut Dice, doubt: WhenInDoubt) -> NewOrder {
    let is_buy = dice.chance(500);
    NewOrder {
        instrument: 0,
        strategy: 0,
        is_buy,
        qty: dice.range(1, 20),
        kind: Kind::Limit,
        away: 200,
        life: Life::Day,
        doubt: Some(doubt),
    }
}

/// The rest waits untransmitted at the gateway, and its author wants nothing done about an order in doubt.
fn bracket_without_its_last_exit(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "swallow@3"));
    acts.push(at(when, bracket(dice, Kind::Limit, WhenInDoubt::Hold)));
}

fn bracket_whose_entry_is_canceled(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(at(when, bracket(dice, Kind::Limit, WhenInDoubt::CancelProbe)));
    acts.push(at(when.saturating_add(5 * SECOND), Act::Cancel { back: 2 }));
}

/// The entry fills before anything can be undone.
fn filled_entry_whose_exit_is_refused(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "reject@2"));
    acts.push(at(when, bracket(dice, Kind::Market, WhenInDoubt::CancelProbe)));
}

fn choice_of_which_one_is_refused(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "reject@2"));
    let first = far(dice, WhenInDoubt::CancelProbe);
    acts.push(at(when, Act::OneCancelsAll { first, legs: 3 }));
}

/// A caller repeats itself while a sync takes its time: more records wait than a batch has room for.
fn more_than_a_batch(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    let slow = Mood::Works { from: 2 * SECOND, to: 3 * SECOND };
    acts.push(at(when.saturating_sub(SECOND), order(dice, 20)));
    acts.push(at(when, Act::Disk(slow)));
    for turn in 0..20 {
        let when = when.saturating_add(turn * 10 * MILLI);
        acts.extend((0..400).map(|_| at(when, Act::Again { back: 0, is_other: false })));
    }
    let works = Mood::Works { from: MILLI, to: 5 * MILLI };
    acts.push(at(when.saturating_add(SECOND), Act::Disk(works)));
}

/// One list does not have it; those before and after do.
fn order_of_others_left_out(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "foreign-order"));
    acts.push(at(when, order(dice, 200)));
    acts.push(gateway(when.saturating_add(dice.range(MINUTE, 20 * MINUTE)), "omit-orders(lists=1)"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_rare_scene_is_one_of_the_gateway() {
        let (mut dice, mut acts) = (Dice::new(1, 10), Vec::new());
        for (scene, _) in SCENES {
            scene(&mut dice, MINUTE, &mut acts);
        }
        for planned in acts {
            if let Act::Gateway(text) = planned.act {
                assert!(text.parse::<alphec_twsim::Fault>().is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn rare_scenes_leave_the_acts_of_the_day_in_their_order() {
        let mut plan = crate::draw::plan(3, 60);
        let before = plan.acts.clone();
        add(&mut plan);
        assert!(plan.acts.len() > before.len() && plan.acts.is_sorted_by_key(|planned| planned.at));
        let mut left = plan.acts.iter();
        assert!(before.iter().all(|planned| left.any(|other| other == planned)));
    }
}
