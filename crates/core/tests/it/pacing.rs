//! Which message leaves next, and when, in virtual time.

use std::time::Duration;

use alphec_core::{Lane, Next, Pacing, share_of_new_orders};
use alphec_model::{BrokerRequest, CancelScope, Side, UtcNanos};
use proptest::prelude::*;

use crate::support::World;
use crate::support::setup::limit;

const START: UtcNanos = UtcNanos::from_nanos(1_800_000_000_000_000_000);

fn after(ms: u64) -> UtcNanos {
    START.saturating_add(Duration::from_millis(ms))
}

/// A reading of the books.
const BOOKS: u32 = u32::MAX;

fn cost(message: &u32) -> usize {
    if *message == BOOKS { 6 } else { 1 }
}

/// Pops all that may leave from `from` on, millisecond by millisecond, until `until`; when each left.
fn drain(pacing: &mut Pacing<u32>, from: u64, until: u64) -> Vec<(u64, Lane, u32)> {
    let mut left = Vec::new();
    for ms in from..until {
        while let Next::Now(lane, message) = pacing.pop(after(ms), cost) {
            pacing.sent(cost(&message), after(ms));
            left.push((ms, lane, message));
        }
    }
    left
}

#[test]
fn a_cancel_leaves_within_250_ms_behind_a_thousand_orders_whenever_it_comes() {
    for comes_at in [0, 1, 500, 999, 1_000, 1_013, 5_000, 12_345] {
        let mut pacing = Pacing::new(Some(45));
        for number in 0..1_000 {
            pacing.push(Lane::New, number, after(0));
        }
        drain(&mut pacing, 0, comes_at);
        pacing.push(Lane::Cancel, 7_777, after(comes_at));
        let left = drain(&mut pacing, comes_at, comes_at + 250);
        let cancel = left.iter().find(|(_, lane, _)| *lane == Lane::Cancel);
        assert!(cancel.is_some(), "it came at {comes_at} ms and did not leave: {left:?}");
    }
}

#[test]
fn what_is_kept_for_cancels_is_there_whatever_else_left_and_be_it_the_books() {
    for (limit, kept) in [(8, 1), (10, 2), (20, 4), (45, 9)] {
        for comes_at in (0..4_000).step_by(50) {
            let mut pacing = Pacing::new(Some(limit));
            for number in 0..60 {
                pacing.push(Lane::New, number, after(0));
            }
            drain(&mut pacing, 0, comes_at / 2);
            pacing.take_out(Lane::New, |_| true);
            for _ in 0..3 {
                pacing.push(Lane::Query, BOOKS, after(comes_at / 2));
            }
            drain(&mut pacing, comes_at / 2, comes_at);
            for number in 0..kept {
                pacing.push(Lane::Cancel, number, after(comes_at));
            }
            let left = drain(&mut pacing, comes_at, comes_at + 1);
            let cancels = left.iter().filter(|(_, lane, _)| *lane == Lane::Cancel).count();
            assert_eq!(cancels, usize::try_from(kept).unwrap(), "{limit}, {comes_at} ms: {left:?}");
        }
    }
}

#[test]
fn what_costs_more_than_the_whole_budget_leaves_all_the_same_and_by_itself() {
    let mut pacing = Pacing::new(Some(5));
    for message in [BOOKS, BOOKS] {
        pacing.push(Lane::Query, message, after(0));
    }
    let left: Vec<u64> = drain(&mut pacing, 0, 3_000).into_iter().map(|(at, _, _)| at).collect();
    assert_eq!(left, [0, 1_000]);
}

#[test]
fn lanes_leave_in_their_order_and_each_in_the_order_they_came() {
    let mut pacing = Pacing::new(None);
    for (number, lane) in Lane::ALL.into_iter().rev().chain(Lane::ALL).enumerate() {
        pacing.push(lane, u32::try_from(number).unwrap(), START);
    }
    let left: Vec<(Lane, u32)> = drain(&mut pacing, 0, 1).into_iter().map(|(_, lane, n)| (lane, n)).collect();
    assert!(left.is_sorted(), "{left:?}");
    assert_eq!(left.len(), 10);
}

#[test]
fn waits_are_visible() {
    let mut pacing = Pacing::new(Some(10));
    for number in 0..20 {
        pacing.push(Lane::New, number, after(0));
    }
    drain(&mut pacing, 0, 1);
    let waits = pacing.waits();
    assert_eq!((waits.waiting, waits.delayed), ([0, 0, 0, 12, 0], 0));
    drain(&mut pacing, 1, 5_000);
    let waits = pacing.waits();
    assert_eq!((waits.waiting, waits.delayed), ([0; 5], 12));
    assert_eq!(waits.longest, Duration::from_secs(2));
}

#[test]
fn a_clock_that_steps_back_holds_nothing_for_ever() {
    let mut pacing = Pacing::new(Some(1));
    pacing.push(Lane::New, 1, after(10_000));
    assert!(matches!(pacing.pop(after(10_000), cost), Next::Now(..)));
    pacing.sent(1, after(10_000));
    pacing.push(Lane::New, 2, after(0));
    assert!(matches!(pacing.pop(after(0), cost), Next::Now(..)));
}

proptest! {
    /// So that no order that closes a position waits behind those that open one, though ids rise in the order of the
    /// wire: a profile that lets more pass is refused.
    #[test]
    fn no_order_waits_where_the_gate_lets_no_more_pass_than_the_share_of_new_orders(
        limit in 8_u32..60,
        gaps in prop::collection::vec(0_u64..60, 1..600),
    ) {
        let share = usize::try_from(share_of_new_orders(limit)).unwrap();
        let mut pacing = Pacing::new(Some(limit));
        let (mut now, mut passed) = (0, Vec::new());
        for (number, gap) in (0..).zip(gaps) {
            now += gap;
            if passed.iter().filter(|at| now - **at < 1_000).count() == share {
                continue;
            }
            passed.push(now);
            pacing.push(Lane::New, number, after(now));
            prop_assert_eq!(drain(&mut pacing, now, now + 1), [(now, Lane::New, number)]);
        }
    }

    #[test]
    fn no_second_holds_more_than_the_budget_and_nothing_is_lost(
        limit in 1_u32..60,
        pushes in prop::collection::vec((0_u64..3_000, 0_usize..5), 1..120),
    ) {
        let mut pacing = Pacing::new(Some(limit));
        let mut pushes = pushes;
        pushes.sort_unstable();
        let total = pushes.len();
        let mut pushes = pushes.into_iter().peekable();
        let mut left = Vec::new();
        for ms in 0..130_000 {
            while let Some((_, lane)) = pushes.next_if(|(at, _)| *at == ms) {
                pacing.push(Lane::ALL[lane], 0, after(ms));
            }
            left.extend(drain(&mut pacing, ms, ms + 1));
            if pushes.peek().is_none() && pacing.is_empty() {
                break;
            }
        }
        prop_assert_eq!(left.len(), total);
        for (first, _, _) in &left {
            let within = left.iter().filter(|(at, _, _)| (*first..first + 1_000).contains(at)).count();
            prop_assert!(within <= usize::try_from(limit).unwrap(), "{} in a second", within);
        }
    }
}

#[test]
fn each_request_has_the_lane_of_what_it_means() {
    let mut world = World::working("a", Side::Buy, "10");
    let lane = |world: &World, request: &BrokerRequest| world.core.lane(request);
    let smaller = world.modify("a", limit(Side::Buy, "5", "100"));
    assert_eq!(lane(&world, smaller.0.requests.last().unwrap()), Lane::Reducing);
    let order = world.order("a");
    world.open_order_with("a", "Submitted", &order.pending.replace.unwrap().spec);
    let larger = world.modify("a", limit(Side::Buy, "20", "100"));
    assert_eq!(lane(&world, larger.0.requests.last().unwrap()), Lane::New);
    let new = world.submit("b", Side::Sell, "10");
    assert_eq!(lane(&world, new.0.requests.last().unwrap()), Lane::New);
    let snapshot = BrokerRequest::Snapshot { id: 1, executions_days: 1 };
    assert_eq!(lane(&world, &snapshot), Lane::Query);
    assert_eq!(lane(&world, &BrokerRequest::GlobalCancel), Lane::Kill);
    let withdraw = BrokerRequest::Withdraw { broker_order_ids: Vec::new() };
    assert_eq!((lane(&world, &withdraw), alphec_core::cost(&withdraw)), (Lane::Kill, 0));
    let cancel = BrokerRequest::Cancel { broker_order_id: order.broker_order_id.unwrap() };
    assert_eq!(lane(&world, &cancel), Lane::Cancel);
    world.kill(CancelScope::All);
    assert_eq!(lane(&world, &cancel), Lane::Kill);
}

#[test]
fn however_many_new_orders_come_a_reading_of_the_books_leaves_within_two_seconds() {
    for (limit, per_second) in [(10, 8), (20, 16), (45, 31), (45, 36), (45, 200)] {
        let mut pacing = Pacing::new(Some(limit));
        let mut left = Vec::new();
        for ms in 0..10_000 {
            if ms == 5_000 {
                pacing.push(Lane::Query, BOOKS, after(ms));
            }
            if ms * per_second % 1_000 < per_second {
                pacing.push(Lane::New, 1, after(ms));
            }
            left.extend(drain(&mut pacing, ms, ms + 1));
        }
        let books = left.iter().find(|(_, lane, _)| *lane == Lane::Query);
        let at = books.map(|(at, _, _)| *at).unwrap_or(u64::MAX);
        assert!(at <= 7_000, "of {limit}, beside {per_second} a second: {at}");
        let orders = left.iter().filter(|(at, lane, _)| *lane == Lane::New && *at > 7_000).count();
        assert!(orders > 0, "and orders go on");
    }
}

#[test]
fn nor_do_changes_that_make_orders_no_larger_keep_it_waiting() {
    let mut pacing = Pacing::new(Some(45));
    let mut left = Vec::new();
    for ms in 0..10_000 {
        if ms == 5_000 {
            pacing.push(Lane::Query, BOOKS, after(ms));
        }
        if ms * 36 % 1_000 < 36 {
            pacing.push(Lane::Reducing, 1, after(ms));
        }
        left.extend(drain(&mut pacing, ms, ms + 1));
    }
    let books = left.iter().find(|(_, lane, _)| *lane == Lane::Query).map_or(u64::MAX, |(at, _, _)| *at);
    assert!(books <= 7_000, "{books}");
}
