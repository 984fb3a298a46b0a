//! Orders given up as gone that show up after all (behaviour 3).

use alphec_model::broker::{NoticeClass, Wire};
use alphec_model::{AlertKind, BrokerEvent, Command, OrderState, PermId, Rule, Side};

use crate::support::World;
use crate::support::broker::{self, Books};
use crate::support::setup::{key, limit, seconds};

/// An order that two complete rounds and a cancel did not find.
fn given_up() -> World {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "4");
    world.wait(seconds(6));
    world.next_books(Books::default());
    world.next_books(Books::default());
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Canceled, "0".into()));
    world
}

#[test]
fn a_late_arrival_counts_again_at_once_and_is_canceled() {
    for by_list in [false, true] {
        let mut world = given_up();
        let seen = if by_list {
            let books = world.rows(&["a"]);
            world.next_books(books)
        } else {
            world.open_order("a", "Submitted")
        };
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "4".into()));
        assert_eq!((seen.cancels(), seen.alerts(AlertKind::LateArrival)), (vec![1], 1), "{by_list}");
        world.status("a", "Cancelled", "0");
        assert_eq!(world.state("a"), OrderState::Canceled);
    }
}

#[test]
fn a_late_fill_is_booked_and_the_rest_is_canceled() {
    let mut world = given_up();
    let seen = world.fill("a", "e1.01", "1");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Working, "1".into()));
    assert_eq!((world.reserved_buys("AAPL"), seen.cancels()), ("3".into(), vec![1]));
    let mut world = given_up();
    let seen = world.fill("a", "e1.01", "4");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "4".into()));
    assert_eq!(seen.alerts(AlertKind::LateArrival), 1, "people hear of it when it filled whole, too");
}

/// Proven absent, and watched for ten minutes.
fn watched() -> World {
    let mut world = World::ready_with(|config| config.absent_watch = seconds(600));
    world.submit("a", Side::Buy, "4");
    world.wait(seconds(6));
    world.next_books(Books::default());
    world.next_books(Books::default());
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Canceled, "4".into()));
    world
}

#[test]
fn an_order_proven_absent_stays_reserved_until_lists_without_it_at_the_end_of_its_watch() {
    for is_restart in [false, true] {
        let mut world = watched();
        let ended = world.now;
        if is_restart {
            world.restart();
            world.resolve();
            world.connect();
            world.books(Books::default());
        }
        while world.reserved_buys("AAPL") == "4" {
            assert_eq!(world.core.book().live_orders().count(), 0, "nothing waits for it");
            world.next_books(Books::default());
        }
        let lasted = world.now.since(ended);
        assert!((seconds(600)..seconds(660)).contains(&lasted), "{lasted:?}");
        assert_eq!(world.bodies("a", "watch_ended").len(), 1);
        assert_eq!((world.state("a"), world.core.book().watched_orders().count()), (OrderState::Canceled, 0));
    }
}

#[test]
fn what_shows_up_while_it_is_watched_counts_once_and_is_watched_no_more() {
    let mut world = watched();
    world.fill("a", "e1.01", "1");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "3".into()));
    assert_eq!(world.core.book().watched_orders().count(), 0);
    world.status("a", "Cancelled", "1");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Canceled, "0".into()));
    let mut world = watched();
    world.fill("a", "e1.01", "4");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
}

#[test]
fn the_watch_counts_the_largest_size_that_the_broker_may_hold() {
    let mut world = World::ready_with(|config| config.absent_watch = seconds(600));
    world.submit("a", Side::Buy, "4");
    world.open_order("a", "Submitted");
    world.modify("a", limit(Side::Buy, "10", "100"));
    assert_eq!(world.reserved_buys("AAPL"), "10");
    while world.state("a") != OrderState::Canceled {
        world.next_books(Books::default());
        world.notice("a", 10_147, NoticeClass::NotFound);
    }
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

/// What it held back while it was cut off the gateway sends when it is back: the first lists do not have it yet.
#[test]
fn lists_of_a_new_connection_end_a_watch_only_once_they_last_as_long_as_an_absence() {
    let mut world = World::ready_with(|config| {
        config.absent_watch = seconds(600);
        config.absent_after = seconds(30);
    });
    world.submit("a", Side::Buy, "4");
    world.wait(seconds(6));
    while world.state("a") != OrderState::Canceled {
        world.next_books(Books::default());
        world.notice("a", 10_147, NoticeClass::NotFound);
    }
    world.disconnect();
    world.now = world.now.saturating_add(seconds(3_600));
    world.connect();
    world.books(Books::default());
    assert_eq!((world.core.readiness().is_ready(), world.reserved_buys("AAPL")), (true, "4".into()));
    let back = world.now;
    while world.reserved_buys("AAPL") == "4" {
        world.next_books(Books::default());
    }
    assert!(world.now.since(back) >= seconds(30), "{:?}", world.now.since(back));
}

#[test]
fn a_watch_does_not_end_while_the_holdings_differ_and_a_person_can_end_it() {
    let mut world = watched();
    for _ in 0..15 {
        let positions = vec![broker::position("AAPL", "4")];
        world.next_books(Books { positions, ..Books::default() });
    }
    assert_eq!(world.reserved_buys("AAPL"), "4");
    let (by, reason) = ("mary".to_owned(), "not on the statement".to_owned());
    world.command(Command::Settle { client_order_id: key("a"), by, reason });
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Canceled, "0".into()));
    assert_eq!(world.bodies("a", "watch_ended").len(), 1);
}

#[test]
fn a_new_order_is_judged_as_if_the_watched_one_might_fill() {
    let mut world = World::ready_with(|config| {
        config.absent_watch = seconds(600);
        config.limits.max_position = "5".parse().unwrap();
    });
    world.submit("a", Side::Buy, "4");
    world.wait(seconds(6));
    world.next_books(Books::default());
    world.next_books(Books::default());
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!(world.submit("b", Side::Buy, "2").denied().rule(), Rule::MaxPosition);
    assert_eq!(world.submit("c", Side::Buy, "1").places(), 1);
}

#[test]
fn the_watch_for_late_arrivals_outlives_restarts() {
    let mut world = given_up();
    world.restart();
    world.resolve();
    world.connect();
    let books = world.rows(&["a"]);
    assert_eq!(world.books(books).cancels(), [1]);
}

#[test]
fn an_order_older_than_the_executions_that_are_listed_is_not_proven_absent() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "4");
    world.wait(seconds(6));
    // Two days of executions: today and at least a part of yesterday.
    world.now = world.now.saturating_add(seconds(24 * 3_600));
    for _ in 0..6 {
        world.next_books(Books::default());
        world.notice("a", 10_147, NoticeClass::NotFound);
    }
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "4".into()));
}

#[test]
fn an_order_made_larger_at_the_broker_stops_trading_once_a_list_shows_it() {
    let mut world = World::working("a", Side::Buy, "4");
    let mut larger = world.rows(&["a"]);
    larger.open[0].terms.order_qty = Some("400".parse().unwrap());
    let seen = world.event(BrokerEvent::OpenOrder(larger.open[0].clone()));
    assert_eq!(seen.alerts(AlertKind::Anomaly), 1);
    assert!(world.core.readiness().is_ready(), "one message may be an old one");
    let seen = world.next_books(larger);
    assert_eq!(seen.alerts(AlertKind::Halted), 1);
    assert!(world.core.readiness().halted.is_some_and(|why| why.contains("400")));
}

#[test]
fn an_order_proven_unwritten_that_shows_up_is_canceled_too() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "4");
    let broker_order_id = world.order("a").broker_order_id.unwrap();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why: "no link".into() });
    assert_eq!(world.state("a"), OrderState::Denied);
    let seen = world.open_order("a", "Submitted");
    assert_eq!((world.state("a"), seen.cancels()), (OrderState::Working, vec![1]));
}

#[test]
fn an_order_the_broker_ended_is_not_brought_back_by_a_stale_frame() {
    let mut world = World::working("a", Side::Buy, "4");
    world.status("a", "Cancelled", "0");
    let seen = world.open_order("a", "Submitted");
    assert_eq!((world.state("a"), seen.cancels().len()), (OrderState::Canceled, 0));
}

#[test]
fn absence_needs_a_quiet_period_on_a_good_link() {
    let mut world = World::ready_with(|config| config.absent_after = seconds(30));
    world.submit("a", Side::Buy, "1");
    world.wait(seconds(6));
    let mut probed_at = None;
    let first = world.now;
    for _ in 0..40 {
        if !world.next_books(Books::default()).cancels().is_empty() {
            probed_at = Some(world.now.since(first));
            break;
        }
    }
    let probed_at = probed_at.expect("it is asked for by a cancel");
    assert!(probed_at >= seconds(30) && probed_at < seconds(45), "{probed_at:?}");
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("a"), OrderState::Canceled);
    // Losing the servers in between begins it anew: the gateway may have stored the order.
    let mut world = World::ready_with(|config| config.absent_after = seconds(30));
    world.submit("a", Side::Buy, "1");
    world.wait(seconds(6));
    for _ in 0..5 {
        world.next_books(Books::default());
    }
    let generation = world.generation;
    for link in [alphec_model::broker::ServerLink::Lost, alphec_model::broker::ServerLink::Restored] {
        world.event(BrokerEvent::ServerLink { generation, link });
    }
    let back = world.now;
    loop {
        let cancels = world.next_books(Books::default()).cancels().len();
        if world.now.since(back) >= seconds(30) {
            break;
        }
        assert_eq!(cancels, 0, "{:?} after", world.now.since(back));
    }
}

#[test]
fn a_fill_alone_shows_a_second_life_and_leaves_the_first_to_be_canceled() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "5");
    let mut fill = broker::execution(&world.order("a"), "e2.01", "5", "100");
    fill.names.perm_id = Some(PermId::new(9_999));
    let seen = world.event(BrokerEvent::Execution(fill));
    assert_eq!((seen.alerts(AlertKind::Halted), world.position("AAPL")), (1, "10".into()));
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "5".into()));
    assert_eq!(world.kill(alphec_model::CancelScope::All).cancels(), [1]);
}
