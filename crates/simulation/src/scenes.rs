//! Scenes: a few acts that belong together. Chance alone rarely brings about what a mistake needs to show itself,
//! such as a halt while a burst of orders waits for the budget; a fifth of the days have some, and the hunt for planted
//! bugs adds them to each day.

use alphec_model::WhenInDoubt;

use crate::clock::{Instant, MILLI, MINUTE, SECOND};
use crate::dice::Dice;
use crate::disk::Mood;
use crate::draw::at;
use crate::plan::{Act, Kind, Life, NewOrder, Plan, Planned, Scope};

type Scene = fn(&mut Dice, Instant, &mut Vec<Planned>);

const SCENES: [Scene; 19] = [
    burst_and_halt,
    halt_on_a_silent_link,
    cancel_in_a_burst,
    kill_amid_doubt,
    live_and_unheard_of,
    two_changes,
    refused_change,
    lost_change_of_a_stop,
    split_by_a_change,
    far_off,
    date_ended_early,
    held,
    cancel_lost,
    unwanted_and_swallowed,
    no_servers,
    other_login,
    gap,
    slow_cancel,
    error_of_nobody,
];

/// Adds scenes to a plan, from the plan's own seed.
pub(crate) fn add(plan: &mut Plan) {
    let mut dice = Dice::new(plan.seed, 9);
    for _ in 0..dice.range(2, 6) {
        let when = dice.range(MINUTE, plan.setup.day.saturating_sub(5 * MINUTE));
        if let Some(scene) = dice.pick(&SCENES) {
            scene(&mut dice, when, &mut plan.acts);
        }
    }
    slow_disk(&mut dice, plan);
    plan.acts.sort_by_key(|planned| planned.at);
}

pub(crate) fn order(dice: &mut Dice, away: i64) -> Act {
    Act::Submit(NewOrder {
        instrument: 0,
        strategy: u8::try_from(dice.range(0, 2)).unwrap_or(0),
        is_buy: dice.chance(500),
        qty: dice.range(1, 20),
        kind: Kind::Limit,
        away,
        life: Life::Day,
        doubt: dice.chance(300).then_some(WhenInDoubt::ResendIfAbsent),
    })
}

fn burst(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    for _ in 0..60 {
        acts.push(at(when, order(dice, 20)));
    }
}

pub(crate) fn gateway(when: Instant, text: &str) -> Planned {
    at(when, Act::Gateway(text.to_owned()))
}

fn burst_and_halt(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    burst(dice, when, acts);
    let stop = if dice.chance(500) { Act::Halt } else { Act::Kill(Scope::All) };
    acts.push(at(when.saturating_add(dice.range(50 * MILLI, 900 * MILLI)), stop));
    acts.push(at(when.saturating_add(SECOND), Act::Resume(Scope::All)));
    acts.push(at(when.saturating_add(MINUTE), Act::Resume(Scope::All)));
}

/// The order waits at the adapter for an answer of a gateway that is silent for three seconds.
fn halt_on_a_silent_link(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(2_200 * MILLI), "half-open(resume=3s)"));
    acts.push(at(when, order(dice, 20)));
    acts.push(at(when.saturating_add(dice.range(100 * MILLI, 700 * MILLI)), Act::Halt));
    acts.push(at(when.saturating_add(MINUTE), Act::Resume(Scope::All)));
}

fn cancel_in_a_burst(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(at(when.saturating_sub(5 * SECOND), order(dice, 20)));
    burst(dice, when, acts);
    for back in 58..62 {
        acts.push(at(when.saturating_add(20 * MILLI), Act::Cancel { back }));
    }
}

fn kill_amid_doubt(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "swallow(late=20s)"));
    acts.push(at(when, order(dice, 20)));
    acts.push(at(when.saturating_add(dice.range(MILLI, 15 * SECOND)), Act::Kill(Scope::All)));
}

/// The order works, and nothing says so.
fn live_and_unheard_of(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "lose(what=acknowledgement)%100"));
    let Act::Submit(new) = order(dice, 200) else { return };
    acts.push(at(when, Act::Submit(NewOrder { doubt: Some(WhenInDoubt::ResendIfAbsent), ..new })));
    acts.push(at(when.saturating_add(30 * SECOND), Act::GatewayHeals));
}

fn two_changes(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "swallow-modify(late=4s)"));
    acts.push(at(when, order(dice, 20)));
    let (first, then) = if dice.chance(500) { (60, 30) } else { (1, 2) };
    acts.push(at(when.saturating_add(2 * SECOND), Act::Modify { back: 0, qty: first, ticks: 0 }));
    acts.push(at(when.saturating_add(3 * SECOND), Act::Modify { back: 0, qty: then, ticks: 0 }));
    for (seconds, ticks) in [(4, -25), (5, 60)] {
        let market = Act::Market { instrument: 0, ticks, spread: 2, size: 1 };
        acts.push(at(when.saturating_add(seconds * SECOND), market));
    }
}

fn refused_change(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    let text = dice.pick(&["reject-modify(code=104)", "reject-modify(code=201)"]).unwrap_or("reject-modify");
    acts.push(gateway(when.saturating_sub(MILLI), text));
    acts.push(at(when, order(dice, 20)));
    let qty = dice.range(1, 60);
    acts.push(at(when.saturating_add(2 * SECOND), Act::Modify { back: 0, qty, ticks: 0 }));
}

/// A stop is held until it triggers, so nothing shows that its change was lost, or is only late.
fn lost_change_of_a_stop(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    let text = if dice.chance(500) { "swallow-modify" } else { "swallow-modify(late=300s)" };
    acts.push(gateway(when.saturating_sub(MILLI), text));
    let Act::Submit(new) = order(dice, 200) else { return };
    acts.push(at(when, Act::Submit(NewOrder { kind: Kind::Stop, ..new })));
    for (seconds, qty) in [(2, 60), (240, 30)] {
        acts.push(at(when.saturating_add(seconds * SECOND), Act::Modify { back: 0, qty, ticks: 0 }));
    }
}

/// The gateway makes a second order of a change; more is wanted while both live, and after.
fn split_by_a_change(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "modify-twins"));
    acts.push(at(when, order(dice, 200)));
    acts.push(at(when.saturating_add(2 * SECOND), Act::Modify { back: 0, qty: 30, ticks: 1 }));
    for seconds in [5, 100, 200] {
        acts.push(at(when.saturating_add(seconds * SECOND), order(dice, 200)));
    }
}

fn far_off(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    let away = dice.range(2_000, 20_000);
    acts.push(at(when, order(dice, away)));
}

fn date_ended_early(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "cancel-unasked(after=5s)"));
    let Act::Submit(new) = order(dice, 20) else { return };
    acts.push(at(when, Act::Submit(NewOrder { life: Life::Gtd(7_200), ..new })));
}

fn held(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "locate-hold(for=60s)"));
    let Act::Submit(new) = order(dice, 3) else { return };
    acts.push(at(when, Act::Submit(NewOrder { is_buy: false, ..new })));
}

fn cancel_lost(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "swallow-cancel"));
    acts.push(at(when, order(dice, 20)));
    acts.push(at(when.saturating_add(2 * SECOND), Act::Cancel { back: 0 }));
}

/// The order is lost and nobody wants it any more: what may be placed again must not be. Or it comes late, when it was
/// proven absent.
fn unwanted_and_swallowed(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    let fates =
        ["swallow", "swallow", "swallow", "swallow(late=30s)", "swallow(late=60s)", "swallow(late=200s)"];
    acts.push(gateway(when.saturating_sub(MILLI), dice.pick(&fates).unwrap_or("swallow")));
    let Act::Submit(new) = order(dice, 200) else { return };
    acts.push(at(
        when,
        Act::Submit(NewOrder { doubt: Some(WhenInDoubt::ResendIfAbsent), kind: Kind::Limit, ..new }),
    ));
    acts.push(at(when.saturating_add(dice.range(100 * MILLI, SECOND)), Act::Cancel { back: 0 }));
}

fn no_servers(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when, "lost-servers(for=60s, then=1102)"));
    for second in [5, 10, 15] {
        acts.push(at(when.saturating_add(second * SECOND), order(dice, 20)));
    }
}

fn other_login(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when, "live-accounts"));
    acts.push(at(when.saturating_add(SECOND), Act::Cut));
    for second in [20, 40, 60] {
        acts.push(at(when.saturating_add(second * SECOND), order(dice, 20)));
    }
    acts.push(at(when.saturating_add(2 * MINUTE), Act::GatewayHeals));
    acts.push(at(when.saturating_add(2 * MINUTE), Act::Cut));
}

/// A message that cannot be read, and orders before the books are read again.
fn gap(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(SECOND), "lists-late(by=20s)"));
    acts.push(gateway(when, "garble(how=bad-body)"));
    for second in [2, 5, 10] {
        acts.push(at(when.saturating_add(second * SECOND), order(dice, 20)));
    }
    acts.push(at(when.saturating_add(MINUTE), Act::GatewayHeals));
}

fn slow_cancel(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "cancel-late(by=60s)"));
    acts.push(at(when, order(dice, 20)));
    acts.push(at(when.saturating_add(2 * SECOND), Act::Cancel { back: 0 }));
}

/// An error that names no order, while one is unanswered.
fn error_of_nobody(dice: &mut Dice, when: Instant, acts: &mut Vec<Planned>) {
    acts.push(gateway(when.saturating_sub(MILLI), "swallow(late=3s)"));
    acts.push(at(when, order(dice, 20)));
    acts.push(gateway(when.saturating_add(SECOND), "notice(code=321)"));
}

/// Orders and cancels that wait for the same slow sync; then the process dies.
fn slow_disk(dice: &mut Dice, plan: &mut Plan) {
    if dice.chance(700) {
        return;
    }
    let when = dice.range(MINUTE, plan.setup.day.saturating_sub(5 * MINUTE));
    let after = |millis: i64| when.saturating_add(millis * MILLI);
    plan.acts.push(at(after(-3_000), order(dice, 20)));
    plan.acts.push(at(when, Act::Disk(Mood::Works { from: SECOND, to: 2 * SECOND })));
    for millis in [1, 2, 3] {
        plan.acts.push(at(after(millis), order(dice, 20)));
    }
    for (millis, back) in [(4, 3), (5, 4), (6, 0)] {
        plan.acts.push(at(after(millis), Act::Cancel { back }));
    }
    plan.acts.push(at(after(3_000), Act::Disk(plan.setup.disk)));
    plan.acts.push(at(after(dice.range(1, 4_000)), Act::Crash { down: SECOND, skew: 0, drift: 0 }));
}
