//! Drawing a plan from a seed. Every rate is drawn anew for every run, from nothing to much (swarm testing): some
//! runs are quiet, some hell, and each has another favourite.

use std::time::Duration;

use alphec_model::{Decimal, Limits, WhenInDoubt};

use crate::clock::{HOUR, Instant, MILLI, MINUTE, SECOND};
use crate::dice::Dice;
use crate::disk::Mood;
use crate::plan::{Act, Kind, Life, NewOrder, Plan, Planned, Scope, Setup};

/// 2026-03-02 14:30 UTC, a Monday.
const FIRST_DAY: Instant = 1_772_461_800 * SECOND;

/// Orders of a day.
const ORDERS: (i64, i64) = (50, 2_000);

/// Most orders of a small day.
const SMALL: i64 = 150;

/// What one run is drawn from.
pub(crate) fn plan(seed: u64, orders_max: i64) -> Plan {
    let mut dice = Dice::new(seed, 1);
    let setup = setup(&mut dice);
    let orders = orders(&mut dice, orders_max);
    let mut acts = Vec::new();
    trade(&mut dice, &setup, orders, &mut acts);
    operate(&mut dice, &setup, &mut acts);
    crate::faults::draw(&mut dice, &setup, &mut acts);
    // Stable, so that acts of one instant keep the order they were drawn in.
    acts.sort_by_key(|planned| planned.at);
    let mut plan = Plan { seed, setup, acts };
    if dice.chance(200) {
        crate::scenes::add(&mut plan);
    }
    plan
}

/// How many orders: nineteen days in twenty are small, for a day costs with its orders. The twentieth has any
/// number, and each doubling is as likely as the next.
fn orders(dice: &mut Dice, max: i64) -> i64 {
    let (low, high) = (ORDERS.0.min(max), ORDERS.1.min(max));
    if dice.chance(950) {
        return dice.range(low, high.min(SMALL));
    }
    let doubled = dice.pick(&[1_i64, 2, 4, 8, 16, 32]).unwrap_or(1).saturating_mul(low);
    dice.range(doubled, doubled.saturating_mul(2)).min(high)
}

fn setup(dice: &mut Dice) -> Setup {
    let days = dice.range(0, 700);
    let start = FIRST_DAY.saturating_add(days.saturating_mul(24 * HOUR));
    let day = dice.range(20 * MINUTE, 8 * HOUR);
    Setup {
        start,
        day,
        instruments: u8::try_from(dice.range(1, 4)).unwrap_or(1),
        limits: limits(dice),
        ack_timeout: dice.range(2, 10).saturating_mul(SECOND),
        resnapshot_after: dice.pick(&[SECOND, 3 * SECOND, 5 * SECOND, 30 * SECOND]).unwrap_or(SECOND),
        absent_after: dice.pick(&[0, 30 * SECOND, 2 * MINUTE]).unwrap_or(0),
        reconcile_every: dice.range(1, 20).saturating_mul(MINUTE),
        messages_per_second: dice.pick(&[None, Some(45), Some(45), Some(20)]).unwrap_or(None),
        heartbeat: dice.range(10, 120).saturating_mul(SECOND),
        has_rule: dice.chance(150),
        rule_takes: dice.pick(&[0, 20 * MILLI, 150 * MILLI]).unwrap_or(0),
        restart: dice.chance(200).then(|| {
            let from = dice.range(0, day);
            (from, from.saturating_add(dice.skewed(MINUTE, 20 * MINUTE)).min(day))
        }),
        when_in_doubt: doubt(dice),
        disk: Mood::Works {
            from: 50_000,
            to: dice.pick(&[200_000, 5 * MILLI, 40 * MILLI]).unwrap_or(200_000),
        },
        latency: (20_000, dice.pick(&[100_000, 2 * MILLI, 30 * MILLI]).unwrap_or(100_000)),
        cancel_delay: dice.pick(&[0, 0, 5 * MILLI, 300 * MILLI]).unwrap_or(0),
        commission_delay: dice.pick(&[0, MILLI, SECOND]).unwrap_or(0),
    }
}

/// What may be done about an order in doubt. A run in which most are held proves little about the rest.
fn doubt(dice: &mut Dice) -> WhenInDoubt {
    use WhenInDoubt::{CancelProbe, Hold, ResendIfAbsent};
    dice.pick(&[Hold, CancelProbe, CancelProbe, CancelProbe, ResendIfAbsent, ResendIfAbsent])
        .unwrap_or(CancelProbe)
}

fn limits(dice: &mut Dice) -> Limits {
    let qty = crate::profile::qty;
    let is_tight = dice.chance(300);
    Limits {
        max_order_qty: qty(dice.range(50, 1_000)),
        max_order_notional: Decimal::from(if is_tight { 50_000_i64 } else { 50_000_000 }),
        max_position: qty(if is_tight { dice.range(50, 400) } else { 20_000 }),
        max_open_orders: u32::try_from(dice.pick(&[5, 15, 200, 2_000]).unwrap_or(200)).unwrap_or(200),
        price_collar: Decimal::new(dice.range(2, 50), 2),
        max_quote_age_ms: Duration::from_secs(dice.pick(&[60, 600, 36_000]).unwrap_or(600)),
        max_gross_notional: Decimal::from(1_000_000_000_i64),
        max_net_notional: Decimal::from(1_000_000_000_i64),
        max_leverage: Decimal::from(1_000_i64),
        max_account_age_ms: Duration::from_secs(36_000),
        max_messages_per_second: u32::try_from(dice.pick(&[20, 50, 1_000]).unwrap_or(50)).unwrap_or(50),
    }
}

/// How a strategy of this run behaves.
struct Habits {
    market: i64,
    away: i64,
    modify: i64,
    cancel: i64,
    again: i64,
    burst: i64,
    qty_max: i64,
    gtc: i64,
    short_lived: i64,
    stops: i64,
    choice: i64,
    groups: i64,
}

impl Habits {
    fn draw(dice: &mut Dice) -> Self {
        let mut rate = |high: i64| if dice.chance(250) { 0 } else { dice.skewed(0, high) };
        Self {
            market: rate(400),
            modify: rate(600),
            cancel: rate(700),
            again: rate(100),
            gtc: rate(600),
            short_lived: rate(400),
            stops: rate(400),
            choice: rate(600),
            groups: rate(400),
            away: dice.pick(&[1, 3, 20, 100]).unwrap_or(3),
            burst: dice.pick(&[1, 1, 1, 5, 5, 40, 40, 1_000]).unwrap_or(1),
            qty_max: dice.pick(&[1, 10, 100, 900]).unwrap_or(100),
        }
    }
}

/// Orders, changes and cancels, and the market that they meet.
fn trade(dice: &mut Dice, setup: &Setup, orders: i64, acts: &mut Vec<Planned>) {
    let habits = Habits::draw(dice);
    let first = 5 * SECOND;
    for instrument in 0..setup.instruments {
        acts.push(at(MILLI, Act::Market { instrument, ticks: 0, spread: 2, size: 500 }));
    }
    let mut placed = 0;
    while placed < orders {
        let mut when = dice.range(first, setup.day);
        let burst = dice.range(1, habits.burst).min(orders.saturating_sub(placed));
        for _ in 0..burst {
            placed = placed.saturating_add(1);
            one_order(dice, setup, &habits, when, acts);
            when = when.saturating_add(dice.skewed(0, 100 * MILLI));
        }
    }
}

fn one_order(dice: &mut Dice, setup: &Setup, habits: &Habits, when: Instant, acts: &mut Vec<Planned>) {
    let instrument = u8::try_from(dice.range(0, i64::from(setup.instruments).saturating_sub(1))).unwrap_or(0);
    let moves = dice.chance(700);
    if moves {
        acts.push(at(when.saturating_sub(50 * MILLI), market(dice, instrument)));
    }
    acts.push(at(when, submission(dice, habits, instrument)));
    let soon = |dice: &mut Dice| when.saturating_add(dice.skewed(1, 30 * SECOND));
    let back = |dice: &mut Dice| usize::try_from(dice.skewed(0, 20)).unwrap_or(0);
    if dice.chance(habits.modify) {
        let act = Act::Modify {
            back: back(dice),
            qty: dice.range(1, habits.qty_max.saturating_add(20)),
            ticks: dice.range(-habits.away, habits.away),
        };
        acts.push(at(soon(dice), act));
    }
    if dice.chance(habits.cancel) {
        acts.push(at(soon(dice), Act::Cancel { back: back(dice) }));
    }
    if dice.chance(habits.again) {
        acts.push(at(soon(dice), Act::Again { back: back(dice), is_other: dice.chance(300) }));
    }
    if dice.chance(400) {
        acts.push(at(soon(dice), market(dice, instrument)));
    }
}

/// One order, or a group of them.
fn submission(dice: &mut Dice, habits: &Habits, instrument: u8) -> Act {
    let order = new_order(dice, habits, instrument);
    if !dice.chance(habits.groups) {
        return Act::Submit(order);
    }
    let order =
        NewOrder { doubt: order.doubt.filter(|choice| *choice != WhenInDoubt::ResendIfAbsent), ..order };
    if dice.chance(300) {
        return Act::OneCancelsAll { first: order, legs: dice.range(2, 4) };
    }
    let (profit, loss) = (dice.range(0, 30), dice.range(0, 30));
    Act::Bracket { entry: order, profit: if loss == 0 { profit.max(1) } else { profit }, loss }
}

fn market(dice: &mut Dice, instrument: u8) -> Act {
    Act::Market {
        instrument,
        ticks: dice.range(-12, 12),
        spread: dice.range(1, 6),
        size: dice.pick(&[1, 10, 50, 500, 5_000]).unwrap_or(500),
    }
}

fn new_order(dice: &mut Dice, habits: &Habits, instrument: u8) -> NewOrder {
    let kind = if dice.chance(habits.market) {
        Kind::Market
    } else if dice.chance(habits.stops) {
        dice.pick(&[Kind::Stop, Kind::StopLimit, Kind::Trail]).unwrap_or(Kind::Stop)
    } else {
        Kind::Limit
    };
    let is_immediate = matches!(kind, Kind::Market | Kind::Limit) && dice.chance(habits.short_lived);
    let life = if is_immediate {
        dice.pick(&[Life::Ioc, Life::Fok]).unwrap_or(Life::Ioc)
    } else if dice.chance(habits.gtc) {
        dice.pick(&[Life::Gtc, Life::Gtd(60), Life::Gtd(3_600)]).unwrap_or(Life::Gtc)
    } else {
        Life::Day
    };
    NewOrder {
        instrument,
        strategy: u8::try_from(dice.range(0, 2)).unwrap_or(0),
        is_buy: dice.chance(500),
        qty: dice.skewed(1, habits.qty_max.saturating_add(100)),
        kind,
        away: dice.range(-2, habits.away),
        life,
        doubt: dice.chance(habits.choice).then(|| doubt(dice)),
    }
}

/// What operators do.
fn operate(dice: &mut Dice, setup: &Setup, acts: &mut Vec<Planned>) {
    let anywhere = |dice: &mut Dice| dice.range(MINUTE.min(setup.day), setup.day);
    let few = |dice: &mut Dice, per_mille: i64| if dice.chance(per_mille) { dice.range(1, 4) } else { 0 };
    for _ in 0..few(dice, 400) {
        acts.push(at(anywhere(dice), Act::CancelAll(scope(dice, setup))));
    }
    for _ in 0..few(dice, 150) {
        acts.push(at(anywhere(dice), Act::GlobalCancel));
    }
    for _ in 0..few(dice, 300) {
        let (scope, when) = (scope(dice, setup), anywhere(dice));
        let act = if dice.chance(300) { Act::Halt } else { Act::Kill(scope) };
        let scope = if act == Act::Halt { Scope::All } else { scope };
        acts.push(at(when, act));
        for _ in 0..dice.range(0, 4) {
            acts.push(at(when.saturating_add(dice.range(SECOND, 5 * MINUTE)), Act::Resume(scope)));
        }
    }
    for _ in 0..few(dice, 150) {
        acts.push(at(anywhere(dice), Act::Abandon));
    }
    for _ in 0..few(dice, 200) {
        acts.push(at(anywhere(dice), Act::Settle { back: usize::try_from(dice.range(0, 30)).unwrap_or(0) }));
    }
    for _ in 0..few(dice, 200) {
        let instrument = u8::try_from(dice.range(0, 3)).unwrap_or(0);
        acts.push(at(anywhere(dice), Act::AcceptPosition { instrument }));
    }
    for _ in 0..few(dice, 250) {
        let instrument = u8::try_from(dice.range(0, i64::from(setup.instruments) - 1)).unwrap_or(0);
        let (is_buy, qty, away) = (dice.chance(500), dice.range(1, 100), dice.range(-2, 20));
        acts.push(at(anywhere(dice), Act::ManualOrder { instrument, is_buy, qty, away }));
    }
    for _ in 0..few(dice, 150) {
        let when = anywhere(dice);
        trade_elsewhere(dice, setup, when, acts);
    }
}

/// Someone trades where we are not shown it; later they trade it back, or an operator accepts it, or neither.
fn trade_elsewhere(dice: &mut Dice, setup: &Setup, when: Instant, acts: &mut Vec<Planned>) {
    let instrument = u8::try_from(dice.range(0, i64::from(setup.instruments) - 1)).unwrap_or(0);
    let size = dice.skewed(1, 200);
    let qty = if dice.chance(500) { size } else { size.saturating_neg() };
    acts.push(at(when, Act::TradeElsewhere { instrument, qty }));
    let later = when.saturating_add(dice.skewed(SECOND, 40 * MINUTE));
    match dice.range(0, 3) {
        0 => acts.push(at(later, Act::TradeElsewhere { instrument, qty: qty.saturating_neg() })),
        1 | 2 => acts.push(at(later, Act::AcceptPosition { instrument })),
        _ => {}
    }
}

fn scope(dice: &mut Dice, setup: &Setup) -> Scope {
    let instrument = u8::try_from(dice.range(0, i64::from(setup.instruments).saturating_sub(1))).unwrap_or(0);
    match dice.range(0, 4) {
        0 => Scope::Strategy(u8::try_from(dice.range(0, 2)).unwrap_or(0)),
        1 => Scope::Instrument(instrument),
        2 => Scope::Account,
        _ => Scope::All,
    }
}

pub(crate) const fn at(at: Instant, act: Act) -> Planned {
    Planned { at, act }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_fifty_to_two_thousand_orders_and_every_size_is_drawn() {
        let mut dice = Dice::new(1, 1);
        let days: Vec<i64> = (0..20_000).map(|_| orders(&mut dice, i64::MAX)).collect();
        assert!(days.iter().all(|orders| (50..=2_000).contains(orders)));
        let sizes = [50..=100, 101..=200, 201..=400, 401..=800, 801..=1_600, 1_601..=1_999, 2_000..=2_000];
        for size in sizes {
            let count = days.iter().filter(|orders| size.contains(*orders)).count();
            assert!(count >= 30, "{size:?} orders on {count} days of 20,000");
        }
        let mean = days.iter().sum::<i64>() / 20_000;
        assert!((110..160).contains(&mean), "{mean} orders a day are what a campaign can pay for");
    }

    #[test]
    fn a_hunt_asks_for_small_days() {
        let mut dice = Dice::new(1, 1);
        assert!((0..1_000).map(|_| orders(&mut dice, 60)).all(|orders| (50..=60).contains(&orders)));
    }
}
