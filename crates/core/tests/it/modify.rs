//! Changes: one in flight, the worse of both versions reserved, the original lives until proven else.

use alphec_model::broker::{NoticeClass, Wire};
use alphec_model::{
    AlertKind, BrokerEvent, DenyReason, OrderSpec, OrderState, OrderType, Side, TimeInForce, Trail,
};

use crate::support::broker::{Books, completed_row, echoed};
use crate::support::setup::{limit, px, seconds, spec};
use crate::support::{Seen, World};

pub(super) fn buy(qty: &str) -> OrderSpec {
    limit(Side::Buy, qty, "100")
}

/// A working order for 10 with a change to `qty` on its way.
pub(super) fn changing(qty: &str) -> World {
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify("a", buy(qty)).replaces(), 1);
    world
}

pub(super) fn refused(world: &mut World, terms: OrderSpec) -> String {
    let seen = world.modify("a", terms);
    assert_eq!(seen.replaces(), 0);
    match seen.denied() {
        DenyReason::NotChangeable { what } => what,
        other => panic!("another reason: {other:?}"),
    }
}

pub(super) fn unwritten(world: &mut World) -> Seen {
    let broker_order_id = world.order("a").broker_order_id.unwrap();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Replace, why: "too late".into() })
}

#[test]
fn another_date_alone_is_refused_for_no_echo_could_prove_it() {
    let mut world = World::ready();
    let until = |world: &World, hours: u64| TimeInForce::Gtd {
        expire_at: world.now.saturating_add(seconds(3_600 * hours)),
    };
    let (early, late) = (until(&world, 1), until(&world, 2));
    world.submit_spec("a", "AAPL", limit(Side::Buy, "10", "100").with_time_in_force(early));
    world.open_order("a", "Submitted");
    let seen = world.modify("a", limit(Side::Buy, "10", "100").with_time_in_force(late));
    assert!(matches!(seen.denied(), DenyReason::NotChangeable { what } if what.contains("date")));
    let seen = world.modify("a", limit(Side::Buy, "10", "99").with_time_in_force(late));
    assert_eq!(seen.replaces(), 1, "with another price the echo proves it");
}

#[test]
fn a_change_is_taken_over_when_the_broker_repeats_the_new_terms() {
    let mut world = changing("20");
    assert_eq!(world.reserved_buys("AAPL"), "20");
    world.open_order_with("a", "Submitted", &buy("10"));
    world.status("a", "Submitted", "0");
    assert!(world.order("a").pending.replace.is_some(), "the old terms prove nothing");
    world.open_order_with("a", "Submitted", &buy("20"));
    let order = world.order("a");
    assert_eq!((order.spec, order.version, order.pending.replace), (buy("20"), 2, None));
}

#[test]
fn a_change_refused_by_code_leaves_the_original_alive() {
    for (code, class) in
        [(110, NoticeClass::Dead), (103, NoticeClass::IdTrouble), (105, NoticeClass::ModifyRefused)]
    {
        let mut world = changing("20");
        assert_eq!(world.notice("a", code, class).alerts(AlertKind::ChangeFailed), 1, "{code}");
        let order = world.order("a");
        assert_eq!((order.state, order.spec, order.version), (OrderState::Working, buy("10"), 1), "{code}");
        assert_eq!((order.pending.replace, world.reserved_buys("AAPL")), (None, "10".into()));
        world.fill("a", "e1.01", "10");
        assert_eq!(world.state("a"), OrderState::Filled);
    }
}

#[test]
fn one_change_at_a_time_and_never_of_side_or_type() {
    let mut world = changing("20");
    assert!(refused(&mut world, buy("30")).contains("in flight"));
    let mut world = World::working("a", Side::Buy, "10");
    assert!(refused(&mut world, limit(Side::Sell, "10", "100")).contains("side"));
    assert!(refused(&mut world, spec(Side::Buy, "10", OrderType::Market)).contains("type"));
    assert!(refused(&mut world, buy("10")).contains("in force"));
    world.cancel("a");
    assert!(refused(&mut world, buy("9")).contains("cancel"));
}

#[test]
fn only_a_working_order_can_be_changed() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    assert!(refused(&mut world, buy("9")).contains("not acknowledged"));
    world.wait(seconds(6));
    world.feed();
    assert!(refused(&mut world, buy("9")).contains("in doubt"));
    world.open_order("a", "Submitted");
    world.fill("a", "e1.01", "10");
    assert!(refused(&mut world, buy("20")).contains("filled already"));
}

#[test]
fn a_change_to_what_is_filled_or_less_is_refused() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "4");
    for qty in ["3", "4"] {
        let reason = world.modify("a", buy(qty)).denied();
        assert!(matches!(reason, DenyReason::Terms { .. }), "{reason:?}");
    }
    assert_eq!(world.modify("a", buy("5")).replaces(), 1);
}

#[test]
fn no_change_leaves_on_a_bad_link() {
    let mut world = World::working("a", Side::Buy, "10");
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: alphec_model::broker::ServerLink::Lost });
    assert!(world.modify("a", buy("20")).denied().is_not_ready());
}

#[test]
fn fills_during_an_increase_fill_the_order_only_when_the_increase_is_settled() {
    let mut world = changing("20");
    world.fill("a", "e1.01", "10");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    world.notice("a", 104, NoticeClass::ModifyRefused);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));

    let mut world = changing("20");
    world.fill("a", "e1.01", "10");
    world.open_order_with("a", "Submitted", &buy("20"));
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    world.fill("a", "e2.01", "10");
    assert_eq!(world.state("a"), OrderState::Filled);
}

#[test]
fn fills_during_a_decrease_count_against_the_larger_until_it_is_settled() {
    let mut world = changing("5");
    world.fill("a", "e1.01", "5");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "5".into()));
    world.open_order_with("a", "Filled", &buy("5"));
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
}

#[test]
fn a_completed_row_settles_a_change_that_was_never_answered() {
    // (wanted, filled, end): the row counts every fill we count.
    for (wanted, filled, end, version) in [
        ("5", "5", OrderState::Filled, 2),
        ("20", "10", OrderState::Filled, 1),
        ("20", "15", OrderState::Canceled, 2),
    ] {
        let mut world = changing(wanted);
        world.fill("a", "e1.01", filled);
        world.wait(seconds(6));
        let completed = vec![completed_row(&world.order("a"), "Filled", filled, "0")];
        world.next_books(Books {
            completed,
            positions: vec![crate::support::broker::position("AAPL", filled)],
            ..Books::default()
        });
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (end, "0".into()), "{wanted} {filled}");
        assert_eq!(world.order("a").version, version, "{wanted} {filled}");
    }
}

#[test]
fn an_unanswered_change_asks_for_the_books_and_stays_reserved() {
    let mut world = changing("20");
    assert_eq!(world.wait(seconds(6)).snapshots(), 1);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "20".into()));
}

#[test]
fn a_change_lost_with_the_connection_is_settled_by_the_lists() {
    let mut world = changing("20");
    world.reconnect();
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "20".into()));
    let mut books = world.rows(&["a"]);
    books.open[0].terms = echoed(&buy("20"));
    world.books(books);
    assert_eq!((world.order("a").spec, world.order("a").pending.replace), (buy("20"), None));
}

#[test]
fn a_change_that_was_never_written_leaves_the_terms_in_force() {
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify_unwritten("a", buy("20")).replaces(), 1);
    assert_eq!(unwritten(&mut world).alerts(AlertKind::ChangeFailed), 1);
    assert_eq!((world.order("a").pending.replace, world.reserved_buys("AAPL")), (None, "10".into()));
    world.modify_unwritten("a", buy("20"));
    world.cancel("a");
    assert_eq!(unwritten(&mut world).alerts(AlertKind::ChangeFailed), 0, "the order is to go");
}

#[test]
fn a_change_of_life_alone_is_taken_over_only_when_the_new_life_is_repeated() {
    let mut world = World::working("a", Side::Buy, "10");
    let gtc = buy("10").with_time_in_force(TimeInForce::Gtc);
    assert_eq!(world.modify("a", gtc.clone()).replaces(), 1);
    world.open_order_with("a", "Submitted", &buy("10"));
    assert!(world.order("a").pending.replace.is_some(), "a stale echo with the old life");
    world.open_order_with("a", "Submitted", &gtc);
    assert_eq!((world.order("a").spec, world.order("a").version), (gtc, 2));
}

#[test]
fn a_size_that_we_never_asked_for_is_raised_and_not_adopted() {
    let mut world = World::working("a", Side::Buy, "10");
    let seen = world.open_order_with("a", "Submitted", &buy("500"));
    assert_eq!(seen.alerts(AlertKind::Anomaly), 1);
    assert_eq!(world.order("a").spec, buy("10"));
}

#[test]
fn a_trailing_stop_keeps_its_distance_and_its_size_can_change() {
    let trailing = |qty: &str, amount: &str| {
        let trail = Trail::Amount { amount: px(amount) };
        spec(Side::Buy, qty, OrderType::TrailingStop { trail })
    };
    let mut world = World::ready();
    world.submit_spec("a", "AAPL", trailing("10", "2"));
    world.open_order("a", "PreSubmitted");
    let denied = world.modify("a", trailing("10", "3")).denied();
    assert!(denied.to_string().contains("distance"), "{denied}");
    assert_eq!(world.modify("a", trailing("5", "2")).replaces(), 1);
}

#[test]
fn prices_of_every_type_can_change() {
    let types = [
        (OrderType::Stop { stop_px: px("105") }, OrderType::Stop { stop_px: px("106") }),
        (
            OrderType::StopLimit { stop_px: px("105"), limit_px: px("106") },
            OrderType::StopLimit { stop_px: px("106"), limit_px: px("107") },
        ),
        (OrderType::Limit { limit_px: px("99") }, OrderType::Limit { limit_px: px("101") }),
    ];
    for (before, after) in types {
        let mut world = World::ready();
        world.submit_spec("a", "AAPL", spec(Side::Buy, "10", before));
        world.open_order("a", "PreSubmitted");
        let after = spec(Side::Buy, "10", after);
        assert_eq!(world.modify("a", after.clone()).replaces(), 1);
        world.open_order_with("a", "PreSubmitted", &after);
        assert_eq!((world.order("a").spec, world.order("a").version), (after, 2));
    }
}

#[test]
fn a_full_order_that_vanished_with_a_change_in_flight_is_filled_when_the_change_is_refused() {
    let mut world = changing("20");
    world.fill("a", "e1.01", "10");
    let books =
        || Books { positions: vec![crate::support::broker::position("AAPL", "10")], ..Books::default() };
    world.next_books(books());
    world.next_books(books());
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "10".into()));
    world.notice("a", 104, NoticeClass::ModifyRefused);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
}
