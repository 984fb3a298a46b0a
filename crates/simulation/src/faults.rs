//! Drawing faults. Every group has a rate of its own in every run, nothing included, so that some runs see one
//! kind only and some see all of them at once.

use crate::clock::{Instant, MILLI, MINUTE, SECOND};
use crate::dice::Dice;
use crate::disk::Mood;
use crate::draw::at;
use crate::plan::{Act, Planned, Setup};

/// A fault of the gateway as text, and whether it lasts (and so may make a run hopeless if it is always on).
/// `{n}` is a count, `{s}` a span of some seconds, `{m}` one of some milliseconds.
type Template = &'static str;

/// Faults that meet one order, change, cancel or fill.
const SINGLE: &[Template] = &[
    "drop-before-accept",
    "drop-after-accept",
    "drop-before-modify",
    "drop-after-modify",
    "drop-before-cancel",
    "drop-after-cancel",
    "swallow",
    "swallow(late={s})",
    "swallow-modify",
    "swallow-modify(late={s})",
    "swallow-cancel",
    "swallow-cancel(late={s})",
    "reject",
    "reject(code=110)",
    "reject(code=201, status=none)",
    "reject(code=321, id=none)",
    "reject(code=999)",
    "reject-modify",
    "reject-modify(code=201)",
    "inform",
    "inform(code=2109)",
    "inform(code=399)",
    "preset-tif",
    "cancel-not-found",
    "cancel-not-found(acts=yes)",
    "cancel-late(by={s})",
    "cancel-late(by={s}, shown=no)",
    "fill-during-cancel",
    "fill-after-cancel(after={m})",
    "fill-during-modify",
    "modify-shows-old(for={s})",
    // Twice: it needs a change to meet, and trading halts when it does.
    "modify-twins",
    "modify-twins",
    "locate-hold(for={s})",
    "foreign-order",
    "foreign-order(id=manual)",
    "cancel-unasked(after={s})",
    "correction(after={s})",
    "correction(after={s}, quantity=1)",
    "bust(after={s})",
];

/// Faults that mark orders for life, by chance.
const MARKS: &[Template] = &[
    "duplicate",
    "duplicate(copies=3, again={s})",
    "execution-first",
    "execution-first(by={m})",
    "no-status",
    "lose(what=open-order)",
    "lose(what=status)",
    "lose(what=acknowledgement)",
    "lose(what=terminal)",
    "lose(what=execution)",
    "status-late(by={s})",
    "status-late(by={m})",
    "stale-status(after={m})",
    "stale-status(after={s})",
    "execution-again(after={s})",
    "execution-late(by={s})",
    "commission-late(by={s})",
    "commission-missing",
    "commission-pending(then={s})",
    "commission-unset",
    "error-id(id=-1)",
    "error-id(absent=yes)",
    "error-text",
    "cancel-finished(code=0, then=0)",
];

/// States of the gateway; each begins at an instant and ends by itself or with the day.
const STATES: &[Template] = &[
    "half-open(resume={s})",
    "disconnect",
    "disconnect(how=rst)",
    "outage(for={s})",
    "restart(down={s})",
    "restart(down={s}, code=1100)",
    "lost-servers(for={s}, then=1102)",
    "lost-servers(for={s}, then=1101)",
    "lost-servers(for={s}, then=1102, orders=drop)",
    "lost-servers(for={s}, then=1101, fills=hold)",
    "lost-servers(for={s}, then=1101, fills=drop)",
    "notice(code=2103)",
    "notice(code=321)",
    "port-changed",
    "garble",
    "garble(how=zero-length)",
    "garble(how=oversized)",
    "garble(how=unknown-message)",
    "garble(how=bad-body)",
    "roll-back-ids(by={n})",
    "reset-ids",
    "port-refused(for={s})",
    "hold-client-id(attempts={n})",
    "handshake-stall",
    "reset-at-connect",
    "reset-at-start",
    "accounts-first",
    "early-notices",
    "no-farms",
    "download-open-orders",
    "live-accounts",
    "read-only",
    "clock-once-per-second",
    "pacing(mode=queue, rate=30)",
    "pacing(mode=reject, rate=49)",
    "per-side-limit(limit=5)",
    "child-race(within={m})",
    "empty-lists(list=open)",
    "empty-lists(list=completed)",
    "empty-lists(list=executions)",
    "empty-lists(list=positions)",
    "empty-lists(list=all, how=silence)",
    "empty-lists(list=all, how=refused)",
    "empty-lists(list=executions, how=silence)",
    "omit-orders(lists=1)",
    "lists-backwards",
    "lists-late(by={s})",
    "lists-late(by={m})",
    "lists-late(by={s}, list=open)",
    "lists-late(by={s}, list=completed)",
    "lists-late(by={s}, list=executions)",
    "lists-late(by={s}, list=positions)",
    "no-zero-positions",
    "master-client(id=7)",
    "execution-zone",
    "execution-zone(zone=dash)",
    "execution-zone(zone=none)",
    "completed-total(how=zero)",
    "completed-total(how=whole)",
    "sentinels",
    "missing-remaining",
    "unknown-status",
    "delay(by={m})",
    "delay(by={s})",
];

pub(crate) fn draw(dice: &mut Dice, setup: &Setup, acts: &mut Vec<Planned>) {
    // One run in eight is quiet.
    if dice.chance(125) {
        return;
    }
    for group in [process, connection, disk, network, singles, marks, states] {
        if dice.chance(450) {
            let count = dice.skewed(1, 24);
            for _ in 0..count {
                let when = dice.range(0, setup.day);
                group(dice, setup, when, acts);
            }
        }
    }
}

fn process(dice: &mut Dice, setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let act = match dice.range(0, 9) {
        0 | 1 => Act::Pause { span: dice.skewed(MILLI, 10 * MINUTE) },
        3 => Act::Step { by: off_by(dice).saturating_mul(SECOND) },
        4 => Act::Sleep { span: dice.skewed(SECOND, 10 * MINUTE) },
        2 => Act::Stop { cancels: dice.chance(500), down: dice.skewed(MILLI, MINUTE) },
        _ => crash(dice),
    };
    acts.push(at(near_an_order(dice, setup, when, acts), act));
}

fn crash(dice: &mut Dice) -> Act {
    let is_off = dice.chance(300);
    let skew = if is_off { off_by(dice).saturating_mul(SECOND) } else { 0 };
    let drift = if is_off { dice.pick(&[-500, 0, 500, 20_000]).unwrap_or(0) } else { 0 };
    Act::Crash { down: dice.skewed(MILLI, 2 * MINUTE), skew, drift }
}

/// By how many seconds a clock is wrong, or is set.
fn off_by(dice: &mut Dice) -> i64 {
    match dice.range(0, 9) {
        // A wrong date.
        0 => dice.pick(&[-86_400, 86_400]).unwrap_or(0),
        // A zone taken for another.
        1 => dice.pick(&[-3_600, 3_600, 18_000]).unwrap_or(0),
        _ => dice.range(-600, 600),
    }
}

/// Faults come where something is on its way: within a few milliseconds after an order.
fn near_an_order(dice: &mut Dice, setup: &Setup, when: Instant, acts: &[Planned]) -> Instant {
    if dice.chance(300) {
        return when;
    }
    let last = i64::try_from(acts.len()).unwrap_or(0).saturating_sub(1).max(0);
    let some = usize::try_from(dice.range(0, last)).unwrap_or(0);
    let after = dice.skewed(0, 200 * MILLI);
    acts.get(some).map_or(when, |planned| planned.at.saturating_add(after)).min(setup.day)
}

fn connection(dice: &mut Dice, setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let act = if dice.chance(400) {
        Act::BlackHole { notices_after: dice.skewed(SECOND, 3 * MINUTE) }
    } else {
        Act::Cut
    };
    acts.push(at(near_an_order(dice, setup, when, acts), act));
}

/// A disk in trouble gets over it.
fn disk(dice: &mut Dice, setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    if dice.chance(60) {
        let thousandths = usize::try_from(dice.range(0, 999)).unwrap_or(0);
        let (down, bit) = (dice.skewed(MILLI, 2 * MINUTE), u8::try_from(dice.range(0, 7)).unwrap_or(0));
        acts.push(at(near_an_order(dice, setup, when, acts), Act::Rot { down, thousandths, bit }));
        return;
    }
    let mood = match dice.range(0, 5) {
        0 => Mood::Fails,
        1 => Mood::Lies,
        2 => Mood::Full,
        3 => Mood::Works { from: SECOND, to: 30 * SECOND },
        _ => Mood::Works { from: 20 * MILLI, to: SECOND },
    };
    acts.push(at(near_an_order(dice, setup, when, acts), Act::Disk(mood)));
    acts.push(at(when.saturating_add(dice.skewed(MILLI, 5 * MINUTE)), Act::Disk(setup.disk)));
}

fn network(dice: &mut Dice, setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let from = dice.skewed(MILLI, 5 * SECOND);
    let to = from.saturating_add(dice.skewed(0, 10 * SECOND));
    acts.push(at(when, Act::Latency { from, to }));
    let (from, to) = setup.latency;
    acts.push(at(when.saturating_add(dice.skewed(SECOND, 5 * MINUTE)), Act::Latency { from, to }));
}

fn singles(dice: &mut Dice, _setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let Some(template) = dice.pick(SINGLE) else { return };
    acts.push(at(when, Act::Gateway(fill_in(dice, template))));
}

fn marks(dice: &mut Dice, _setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let Some(template) = dice.pick(MARKS) else { return };
    let share = dice.pick(&[1, 5, 20, 100]).unwrap_or(5);
    acts.push(at(when, Act::Gateway(format!("{}%{share}", fill_in(dice, template)))));
}

fn states(dice: &mut Dice, _setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let Some(template) = dice.pick(STATES) else { return };
    acts.push(at(when, Act::Gateway(fill_in(dice, template))));
    // States that would last for ever do not.
    if dice.chance(800) {
        acts.push(at(when.saturating_add(dice.skewed(SECOND, 10 * MINUTE)), Act::GatewayHeals));
    }
}

fn fill_in(dice: &mut Dice, template: &str) -> String {
    template
        .replace("{n}", &dice.skewed(1, 50).to_string())
        .replace("{s}", &format!("{}s", dice.skewed(1, 120)))
        .replace("{m}", &format!("{}ms", dice.range(1, 900)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_fault_of_the_gateway() {
        let mut dice = Dice::new(1, 1);
        for template in [SINGLE, MARKS, STATES].concat() {
            let text = fill_in(&mut dice, template);
            assert!(
                text.parse::<alphec_twsim::Fault>().is_ok(),
                "{text}: {:?}",
                text.parse::<alphec_twsim::Fault>()
            );
        }
    }
}
