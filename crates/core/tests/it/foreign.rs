//! Orders of others in our accounts: shown, counted, never touched (invariant I20, behaviour 31).

use alphec_model::broker::{BrokerStatus, OpenOrderReport, StatusReport};
use alphec_model::{AlertKind, BrokerEvent, CancelScope, Rule, Side};

use crate::support::World;
use crate::support::broker;
use crate::support::setup::{account, instrument, limit, request, seconds};

/// A buy of 10 AAPL by client 99, under a number that is also one of ours.
fn theirs(world: &World) -> OpenOrderReport {
    let mut row = broker::open_row(&world.order("a"), "Submitted");
    row.names = broker::foreign(99, 1, 77_777);
    row.terms = broker::echoed(&limit(Side::Buy, "10", "100"));
    row
}

fn foreign_buys(world: &World) -> String {
    world
        .core
        .book()
        .exposure(&account("DU1"), &instrument("AAPL"))
        .foreign_buy_leaves
        .normalize()
        .to_string()
}

#[test]
fn an_open_order_of_someone_else_is_shown_counted_and_told_once() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut books = world.rows(&["a"]);
    books.open.push(theirs(&world));
    let seen = world.next_books(books.clone());
    assert_eq!((foreign_buys(&world), seen.alerts(AlertKind::ForeignOrder)), ("10".into(), 1));
    assert_eq!(world.core.book().foreign_orders().count(), 1);
    let seen = world.next_books(books);
    assert_eq!((foreign_buys(&world), seen.alerts(AlertKind::ForeignOrder)), ("10".into(), 0));
    assert_eq!(world.reserved_buys("AAPL"), "1", "ours are counted apart");
}

#[test]
fn it_counts_in_position_and_open_order_limits() {
    let mut world = World::ready_with(|config| {
        config.limits.max_position = "12".parse().unwrap();
        config.limits.max_open_orders = 2;
    });
    world.submit("a", Side::Buy, "1");
    world.open_order("a", "Submitted");
    assert_eq!(world.submit("b", Side::Buy, "2").places(), 1, "room without the other");
    world.open_order("b", "Submitted");
    world.cancel("b");
    world.status("b", "Cancelled", "0");
    let row = theirs(&world);
    world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(world.submit("c", Side::Buy, "2").denied().rule(), Rule::MaxPosition);
    assert_eq!(world.submit("d", Side::Buy, "1").denied().rule(), Rule::MaxOpenOrders);
    assert_eq!(world.submit("e", Side::Sell, "2").places(), 1, "the other side is free");
}

#[test]
fn one_in_an_instrument_outside_the_profile_denies_what_cannot_be_valued() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut row = theirs(&world);
    (row.instrument, row.con_id) = (None, Some(alphec_model::ConId::new(4_242)));
    world.event(BrokerEvent::OpenOrder(row));
    let terms = limit(Side::Buy, "1", "100");
    assert_eq!(world.submit_request(request("b", "AAPL", terms)).denied().rule(), Rule::MaxGrossNotional);
}

#[test]
fn it_is_released_by_a_status_or_by_two_lists_in_a_row_that_do_not_show_it() {
    let mut world = World::working("a", Side::Buy, "1");
    let status = |status: &str, left: &str| {
        BrokerEvent::Status(StatusReport {
            names: broker::foreign(99, 1, 77_777),
            status: BrokerStatus::from(smol_str::SmolStr::new(status)),
            cum_qty: None,
            remaining_qty: Some(left.parse().unwrap()),
            why_held: None,
        })
    };
    let row = theirs(&world);
    world.event(BrokerEvent::OpenOrder(row.clone()));
    world.event(status("Submitted", "4"));
    assert_eq!(foreign_buys(&world), "4", "what is left counts");
    world.event(status("Cancelled", "4"));
    assert_eq!((foreign_buys(&world), world.core.book().foreign_orders().count()), ("0".into(), 0));
    world.event(BrokerEvent::OpenOrder(row.clone()));
    for (is_listed, left) in [(false, "10"), (true, "10"), (false, "10"), (false, "0")] {
        let mut books = world.rows(&["a"]);
        books.open.extend(is_listed.then(|| row.clone()));
        world.next_books(books);
        assert_eq!(foreign_buys(&world), left, "{is_listed}");
    }
}

/// A gateway that has just started may leave one out for longer than two readings take.
#[test]
fn a_second_life_of_ours_is_released_only_once_it_was_missing_for_as_long_as_an_absence_must_last() {
    let mut world = World::ready_with(|config| config.absent_after = seconds(30));
    world.submit("a", Side::Buy, "1");
    world.open_order("a", "Submitted");
    let mut second = broker::open_row(&world.order("a"), "Submitted");
    second.names.perm_id = Some(alphec_model::PermId::new(9_999));
    let books = world.rows(&["a"]);
    world.event(BrokerEvent::OpenOrder(second));
    let (mut lists, missed_at) = (0, world.now);
    while foreign_buys(&world) == "1" {
        world.next_books(books.clone());
        lists += 1;
    }
    let lasted = world.now.since(missed_at);
    assert!(lists > 2 && (seconds(30)..seconds(100)).contains(&lasted), "{lists} lists in {lasted:?}");
}

/// A word of the broker between two lists says that it lives; the completed orders say that it does not.
#[test]
fn a_sighting_between_two_lists_that_leave_it_out_keeps_it_and_a_completed_row_ends_it_at_once() {
    let mut world = World::working("a", Side::Buy, "1");
    let row = theirs(&world);
    world.event(BrokerEvent::OpenOrder(row.clone()));
    let mut books = world.rows(&["a"]);
    for _ in 0..3 {
        world.next_books(books.clone());
        assert_eq!(foreign_buys(&world), "10");
        world.event(BrokerEvent::OpenOrder(row.clone()));
    }
    let mut ended = broker::completed_row(&world.order("a"), "Cancelled", "0", "10");
    ended.names = broker::foreign(0, 0, 77_777);
    books.completed.push(ended);
    world.next_books(books);
    assert_eq!(foreign_buys(&world), "0");
}

/// Nothing is sent by what may be missing for a moment, and a process of one act can wait for that act's own state.
#[test]
fn the_first_lists_that_leave_one_out_are_read_again_before_anything_is_sent() {
    for is_restart in [true, false] {
        let mut world = World::working("a", Side::Buy, "1");
        let row = theirs(&world);
        world.event(BrokerEvent::OpenOrder(row));
        if is_restart {
            world.restart();
            world.resolve();
            world.connect();
        } else {
            let (generation, why) = (world.generation, "lagged".to_owned());
            // What one list left out before a gap does not count after it.
            let books = world.rows(&["a"]);
            world.next_books(books);
            world.event(BrokerEvent::Gap { generation, why });
        }
        for (left, is_ready) in [("10", false), ("0", true)] {
            let books = world.rows(&["a"]);
            world.next_books(books);
            assert_eq!((foreign_buys(&world).as_str(), world.core.readiness().is_ready()), (left, is_ready));
        }
    }
}

#[test]
fn one_that_grows_counts_at_its_new_size_less_what_filled() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut row = theirs(&world);
    world.event(BrokerEvent::OpenOrder(row.clone()));
    let status = |filled: &str, left: &str| {
        BrokerEvent::Status(StatusReport {
            names: broker::foreign(99, 1, 77_777),
            status: BrokerStatus::Submitted,
            cum_qty: Some(filled.parse().unwrap()),
            remaining_qty: Some(left.parse().unwrap()),
            why_held: None,
        })
    };
    world.event(status("4", "6"));
    row.terms.order_qty = Some("100".parse().unwrap());
    world.event(BrokerEvent::OpenOrder(row.clone()));
    assert_eq!(foreign_buys(&world), "96");
    world.event(status("3", "7"));
    assert_eq!(foreign_buys(&world), "96", "an old status takes nothing away");
    row.terms.order_qty = Some("20".parse().unwrap());
    world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(foreign_buys(&world), "16", "and one that shrinks counts less");
}

#[test]
fn one_that_cannot_be_counted_halts_what_it_trades() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut row = theirs(&world);
    row.terms.order_qty = None;
    world.event(BrokerEvent::OpenOrder(row.clone()));
    assert_eq!(world.submit("b", Side::Buy, "1").denied().rule(), Rule::Halted);
    let elsewhere = limit(Side::Buy, "1", "5000");
    assert_eq!(world.submit_request(request("c", "ES", elsewhere.clone())).places(), 1);
    (row.instrument, row.con_id) = (None, None);
    world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(world.submit_request(request("d", "ES", elsewhere)).denied().rule(), Rule::Halted);
}

#[test]
fn no_cancel_of_ours_reaches_it_and_a_restart_keeps_it_counted() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut row = theirs(&world);
    row.names = broker::foreign(99, 55, 77_777);
    world.event(BrokerEvent::OpenOrder(row.clone()));
    assert_eq!(world.cancel_all(CancelScope::All).cancels(), [1]);
    assert_eq!(world.kill(CancelScope::All).cancels(), [1]);
    let mut books = world.rows(&["a"]);
    books.open.push(row);
    assert_eq!(world.next_books(books).cancels(), [1]);
    world.restart();
    assert_eq!(foreign_buys(&world), "10");
}

#[test]
fn orders_of_accounts_that_are_not_ours_are_nobodys_business() {
    let mut world = World::working("a", Side::Buy, "1");
    let mut row = theirs(&world);
    row.account = account("DU9");
    world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(world.core.book().foreign_orders().count(), 0);
}
