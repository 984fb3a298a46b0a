//! Changes that nobody answers: given up, giving way to the next one, refused or in force late.

use alphec_model::broker::{BrokerStatus, NoticeClass};
use alphec_model::{AlertKind, OrderSpec, OrderState, Rule, Side, TimeInForce};

use crate::modify::{buy, changing, refused, unwritten};
use crate::support::World;
use crate::support::broker::{Books, completed_row, echoed};
use crate::support::setup::{limit, seconds};

/// A working order for 10 with a change to `qty` that was given up: two rounds of lists showed the old terms.
fn given_up(qty: &str) -> World {
    let mut world = changing(qty);
    world.wait(seconds(6));
    for still_pending in [true, false] {
        let books = world.rows(&["a"]);
        let told = world.next_books(books).alerts(AlertKind::ChangeFailed);
        assert_eq!((world.order("a").pending.replace.is_some(), told == 0), (still_pending, still_pending));
    }
    world
}

/// The lists show it at this size.
fn shown_at(world: &mut World, qty: &str) {
    let mut books = world.rows(&["a"]);
    books.open[0].terms = echoed(&buy(qty));
    world.next_books(books);
}

#[test]
fn old_terms_confirmed_by_the_venue_in_two_rounds_end_the_change_and_its_size_stays_reserved() {
    let mut world = given_up("20");
    assert_eq!((world.order("a").spec, world.reserved_buys("AAPL")), (buy("10"), "20".into()));
    assert_eq!(world.modify("a", limit(Side::Buy, "10", "99")).replaces(), 1, "another one may leave");
    world.open_order_with("a", "Submitted", &limit(Side::Buy, "10", "99"));
    assert_eq!((world.order("a").version, world.reserved_buys("AAPL")), (3, "20".into()));
    world.cancel("a");
    world.status("a", "Cancelled", "0");
    assert_eq!(world.reserved_buys("AAPL"), "0");
}

#[test]
fn a_change_that_was_given_up_is_taken_over_when_a_list_shows_it_after_all() {
    let mut world = given_up("20");
    world.open_order_with("a", "Submitted", &buy("20"));
    assert_eq!(world.order("a").spec, buy("10"), "a single message may be an old one");
    shown_at(&mut world, "20");
    assert_eq!((world.order("a").spec, world.order("a").version), (buy("20"), 2));
    assert!(world.core.readiness().halted.is_none(), "it was judged and reserved all along");
    world.fill("a", "e1.01", "10");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    world.fill("a", "e2.01", "10");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
}

#[test]
fn what_one_list_shows_of_a_change_that_was_given_up_a_later_one_takes_back() {
    let mut world = given_up("20");
    for (shown, version) in [("20", 2), ("10", 1), ("20", 2)] {
        shown_at(&mut world, shown);
        let order = world.order("a");
        assert_eq!((order.spec, order.version), (buy(shown), version));
        assert_eq!((order.pending.given_up.len(), world.reserved_buys("AAPL")), (1, "20".into()));
    }
}

#[test]
fn with_a_larger_size_given_up_an_order_is_filled_by_the_brokers_word_and_the_same_count() {
    let mut world = given_up("20");
    world.fill("a", "e1.01", "10");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    world.status("a", "Submitted", "10");
    assert_eq!(world.state("a"), OrderState::Working);
    world.status("a", "Filled", "10");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
}

#[test]
fn a_completed_row_tells_at_which_size_an_order_with_a_change_given_up_was_filled() {
    for (wanted, filled, version) in [("20", "10", 1), ("5", "5", 2)] {
        let mut world = given_up(wanted);
        world.fill("a", "e1.01", filled);
        world.wait(seconds(6));
        let completed = vec![completed_row(&world.order("a"), "Filled", filled, "0")];
        let positions = vec![crate::support::broker::position("AAPL", filled)];
        assert_eq!(world.state("a"), OrderState::Working, "{wanted} {filled}");
        world.next_books(Books { completed, positions, ..Books::default() });
        assert_eq!(world.order("a").version, version, "{wanted} {filled}");
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Filled, "0".into()));
    }
}

/// A code names the order, not the change: it may be the late answer to one that was given up.
#[test]
fn a_refusal_that_may_be_meant_for_a_change_given_up_releases_nothing() {
    for (code, class) in [(110, NoticeClass::Dead), (105, NoticeClass::ModifyRefused)] {
        let mut world = given_up("20");
        assert_eq!(world.modify("a", buy("50")).replaces(), 1);
        world.notice("a", code, class);
        assert_eq!((world.order("a").spec, world.reserved_buys("AAPL")), (buy("10"), "50".into()), "{code}");
        shown_at(&mut world, "50");
        assert_eq!((world.order("a").spec, world.order("a").version), (buy("50"), 3), "{code}");
        assert!(world.core.readiness().halted.is_none());
    }
}

#[test]
fn with_a_larger_size_given_up_the_last_execution_after_the_status_asks_for_the_books() {
    let mut world = given_up("20");
    world.status("a", "Filled", "10");
    world.fill("a", "e1.01", "10");
    assert_eq!(world.state("a"), OrderState::Working);
    assert_eq!(world.wait(seconds(6)).snapshots(), 1, "not with the next minute");
}

/// The larger size may be in force, and counts; asking for more than is in force is growth all the same.
#[test]
fn with_a_larger_size_given_up_only_a_change_to_no_more_than_is_in_force_is_no_growth() {
    let mut world = World::ready_with(|config| config.limits.max_gross_notional = 2_050.into());
    world.submit("a", Side::Buy, "10");
    world.open_order("a", "Submitted");
    assert_eq!(world.modify("a", buy("20")).replaces(), 1);
    for _ in 0..2 {
        shown_at(&mut world, "10");
    }
    world.account_values();
    world.quote("AAPL", "104.99", "105.01");
    for qty in ["21", "20", "15"] {
        assert!(world.modify("a", buy(qty)).denied().rule() == Rule::MaxGrossNotional, "{qty}");
    }
    assert_eq!(world.modify("a", buy("9")).replaces(), 1, "the market has carried it over the limit");
    assert_eq!(world.reserved_buys("AAPL"), "20");
}

#[test]
fn a_change_of_how_long_it_lives_that_was_given_up_is_seen_to_come_late() {
    let good_till_canceled = || buy("10").with_time_in_force(TimeInForce::Gtc);
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify("a", good_till_canceled()).replaces(), 1);
    for _ in 0..2 {
        shown_at(&mut world, "10");
    }
    assert_eq!((world.order("a").spec, world.order("a").pending.given_up.len()), (buy("10"), 1));
    let mut books = world.rows(&["a"]);
    books.open[0].terms = echoed(&good_till_canceled());
    world.next_books(books);
    assert_eq!((world.order("a").spec, world.order("a").version), (good_till_canceled(), 2));
    shown_at(&mut world, "10");
    assert_eq!((world.order("a").spec, world.order("a").version), (buy("10"), 1));
}

#[test]
fn the_price_of_a_change_given_up_or_giving_way_counts_for_the_next_one() {
    for (tried, passes, is_held) in
        [("101", true, false), ("104", false, false), ("101", true, true), ("104", false, true)]
    {
        let mut world = World::ready_with(|config| config.limits.max_gross_notional = 1_120.into());
        world.submit("a", Side::Buy, "10");
        world.open_order("a", "Submitted");
        assert_eq!(world.modify("a", limit(Side::Buy, "10", tried)).replaces(), 1, "{tried}");
        for _ in 0..2 {
            if is_held { held_at(&mut world, &buy("10")) } else { shown_at(&mut world, "10") }
        }
        assert_eq!(world.order("a").pending.given_up.is_empty(), is_held);
        quiet(&mut world);
        // 11 at 100 would be within the limit; at 104, which the broker may still take up, it is not.
        let seen = world.modify("a", limit(Side::Buy, "11", "100"));
        assert_eq!(seen.replaces() == 1, passes, "{tried} {is_held}");
        if !passes {
            assert_eq!(seen.denied().rule(), Rule::MaxGrossNotional);
            assert_eq!(world.order("a").pending.given_up.is_empty(), is_held, "what is denied moves nothing");
        }
    }
}

#[test]
fn no_more_than_eight_changes_of_an_order_are_given_up() {
    let mut world = World::working("a", Side::Buy, "10");
    for nth in 0..8 {
        world.feed();
        assert_eq!(world.modify("a", buy(&format!("{}", 11 + nth))).replaces(), 1, "{nth}");
        for _ in 0..2 {
            shown_at(&mut world, "10");
        }
        assert_eq!(world.order("a").pending.given_up.len(), nth + 1);
    }
    assert!(refused(&mut world, buy("30")).contains("never answered"));
    assert_eq!(world.cancel("a").cancels().len(), 1);
}

/// Long enough for a change that lists do not show to give way.
fn quiet(world: &mut World) {
    world.wait(seconds(31));
    world.feed();
}

/// The lists show it held at these terms, as they show a stop until it triggers.
fn held_at(world: &mut World, terms: &OrderSpec) {
    let mut books = world.rows(&["a"]);
    books.open[0].status = BrokerStatus::PreSubmitted;
    books.open[0].terms = echoed(terms);
    world.next_books(books);
}

#[test]
fn old_terms_of_a_held_order_prove_nothing_however_often() {
    let mut world = changing("20");
    for _ in 0..5 {
        held_at(&mut world, &buy("10"));
    }
    assert_eq!(world.order("a").pending.replace.map(|replace| replace.version), Some(2));
    assert_eq!(world.reserved_buys("AAPL"), "20", "the venue may still take it over when it opens");
}

/// A stop stays held for all its life, and its change may have been lost.
#[test]
fn a_change_that_two_lists_do_not_show_gives_way_to_another_and_stays_reserved() {
    let mut world = changing("20");
    held_at(&mut world, &buy("10"));
    world.wait(seconds(6));
    let mut books = world.rows(&["a"]);
    books.open[0].status = BrokerStatus::PreSubmitted;
    assert_eq!(world.next_books(books).alerts(AlertKind::Anomaly), 1, "people are told");
    quiet(&mut world);
    assert_eq!(world.modify("a", buy("15")).replaces(), 1);
    let order = world.order("a");
    assert_eq!(order.pending.replace.map(|replace| replace.version), Some(3));
    assert_eq!((order.spec, world.reserved_buys("AAPL")), (buy("10"), "20".into()));
    assert!(refused(&mut world, buy("16")).contains("in flight"), "the new one is waited for");
    held_at(&mut world, &buy("20"));
    assert_eq!((world.order("a").version, world.reserved_buys("AAPL")), (2, "20".into()), "it came late");
    held_at(&mut world, &buy("15"));
    assert_eq!((world.order("a").version, world.order("a").pending.replace), (3, None));
    assert!(world.core.readiness().halted.is_none(), "each was judged and reserved all along");
}

/// A gateway that lost its servers and has not said so yet shows the old terms, and sends the change later.
#[test]
fn a_change_gives_way_only_after_the_quiet_time_of_an_absent_order() {
    let mut world = World::ready_with(|config| config.absent_after = seconds(600));
    world.submit("a", Side::Buy, "10");
    world.open_order("a", "Submitted");
    assert_eq!(world.modify("a", buy("20")).replaces(), 1);
    for _ in 0..3 {
        held_at(&mut world, &buy("10"));
    }
    world.feed();
    assert!(refused(&mut world, buy("15")).contains("in flight"));
    let quiet_until = world.now.saturating_add(seconds(600));
    while world.now < quiet_until {
        held_at(&mut world, &buy("10"));
    }
    world.feed();
    assert_eq!(world.modify("a", buy("15")).replaces(), 1);
}

#[test]
fn a_change_that_lists_of_an_earlier_connection_did_not_show_is_waited_for() {
    let mut world = changing("20");
    held_at(&mut world, &buy("10"));
    held_at(&mut world, &buy("10"));
    world.reconnect();
    let books = world.rows(&["a"]);
    world.books(books);
    quiet(&mut world);
    assert!(refused(&mut world, buy("15")).contains("in flight"));
}

/// Whoever changes an order in TWS while our change is lost: neither terms are ever shown again.
#[test]
fn terms_that_are_neither_old_nor_new_leave_the_order_changeable() {
    let mut world = changing("20");
    for _ in 0..2 {
        shown_at(&mut world, "9");
    }
    quiet(&mut world);
    assert_eq!(world.modify("a", buy("15")).replaces(), 1);
}

/// The words of the adapter name the order, not the change: one at a time.
#[test]
fn a_change_given_up_before_it_left_keeps_others_back_until_the_adapter_has_spoken() {
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify_unwritten("a", buy("20")).replaces(), 1);
    for _ in 0..2 {
        shown_at(&mut world, "10");
    }
    world.feed();
    assert_eq!(world.order("a").pending.given_up.len(), 1);
    assert!(refused(&mut world, buy("50")).contains("not left yet"));
    unwritten(&mut world);
    assert_eq!(world.modify("a", buy("50")).replaces(), 1);
    assert_eq!(world.reserved_buys("AAPL"), "50");
}

/// The link may go while a change waits to be written; its word comes after.
#[test]
fn a_change_that_a_lost_connection_left_unwritten_ends_with_the_word_on_it() {
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify_unwritten("a", buy("20")).replaces(), 1);
    world.disconnect();
    unwritten(&mut world);
    assert_eq!((world.order("a").pending.replace, world.reserved_buys("AAPL")), (None, "10".into()));
}

/// The word on a change of an earlier connection may be lost with it, or come late: then none is sure.
#[test]
fn a_word_that_may_be_about_a_change_of_an_earlier_connection_ends_no_change() {
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify_unwritten("a", buy("20")).replaces(), 1);
    world.reconnect();
    let books = world.rows(&["a"]);
    world.books(books);
    shown_at(&mut world, "10");
    quiet(&mut world);
    assert_eq!(world.modify_unwritten("a", buy("30")).replaces(), 1);
    unwritten(&mut world);
    assert_eq!(
        (world.order("a").pending.replace.is_some(), world.reserved_buys("AAPL")),
        (true, "30".into())
    );
    shown_at(&mut world, "10");
    shown_at(&mut world, "10");
    world.feed();
    assert_eq!(world.modify_unwritten("a", buy("40")).replaces(), 1, "and keeps none back");
    unwritten(&mut world);
    assert_eq!(
        (world.order("a").pending.replace.is_some(), world.reserved_buys("AAPL")),
        (true, "40".into())
    );
}

#[test]
fn a_start_that_finds_a_change_unseen_reads_the_books_twice() {
    let mut world = changing("20");
    world.reconnect();
    for is_ready in [false, true] {
        let mut books = world.rows(&["a"]);
        books.open[0].status = BrokerStatus::PreSubmitted;
        match is_ready {
            false => world.books(books),
            true => world.next_books(books),
        };
        assert_eq!(world.core.readiness().is_ready(), is_ready);
    }
    world.feed();
    assert_eq!(world.modify("a", buy("15")).replaces(), 1, "as a one-shot command asks for it");
}

/// An old message about the first terms must not end what keeps the second ones reserved.
#[test]
fn back_to_terms_that_may_be_shown_by_an_old_message_the_ones_between_stay_reserved() {
    let mut world = given_up("20");
    shown_at(&mut world, "20");
    assert_eq!((world.order("a").spec, world.order("a").version), (buy("20"), 2));
    world.feed();
    assert_eq!(world.modify("a", buy("10")).replaces(), 1);
    world.open_order_with("a", "Submitted", &buy("10"));
    assert_eq!((world.order("a").version, world.reserved_buys("AAPL")), (3, "20".into()));
    shown_at(&mut world, "20");
    assert_eq!((world.order("a").spec, world.order("a").version), (buy("20"), 2));
    assert!(world.core.readiness().halted.is_none());
}

/// Each of two changes may be refused, and the code names the order only.
#[test]
fn a_refusal_code_after_a_change_was_given_up_rejects_only_what_lists_keep_as_inactive() {
    let mut world = given_up("20");
    assert_eq!(world.modify("a", buy("50")).replaces(), 1);
    world.notice("a", 110, NoticeClass::Dead);
    world.notice("a", 110, NoticeClass::Dead);
    world.status("a", "Inactive", "0");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "50".into()));
    world.notice("a", 110, NoticeClass::Dead);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "50".into()));
    listed_as(&mut world, BrokerStatus::Submitted);
    world.status("a", "Inactive", "0");
    world.notice("a", 110, NoticeClass::Dead);
    for _ in 0..3 {
        listed_as(&mut world, BrokerStatus::Inactive);
    }
    assert_eq!(world.state("a"), OrderState::Working, "it was held before the code");
    for status in [BrokerStatus::Submitted, BrokerStatus::Inactive, BrokerStatus::Submitted] {
        world.notice("a", 110, NoticeClass::Dead);
        listed_as(&mut world, status);
        assert_eq!(
            world.state("a"),
            OrderState::Working,
            "inactive in one list, or active since, is not dead"
        );
    }
    world.notice("a", 110, NoticeClass::Dead);
    listed_as(&mut world, BrokerStatus::Inactive);
    listed_as(&mut world, BrokerStatus::Inactive);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Rejected, "0".into()));
}

fn listed_as(world: &mut World, status: BrokerStatus) {
    let mut books = world.rows(&["a"]);
    books.open[0].status = status;
    world.next_books(books);
}

#[test]
fn a_completed_row_tells_which_of_two_changes_took_effect() {
    // Given up, in flight, filled: the version that was filled.
    for (given, flying, filled, version, end) in [
        ("20", "30", "20", 2, OrderState::Filled),
        ("20", "15", "15", 3, OrderState::Filled),
        ("20", "15", "10", 1, OrderState::Filled),
    ] {
        let mut world = given_up(given);
        world.feed();
        assert_eq!(world.modify("a", buy(flying)).replaces(), 1);
        world.fill("a", "e1.01", filled);
        world.wait(seconds(6));
        let completed = vec![completed_row(&world.order("a"), "Filled", filled, "0")];
        let positions = vec![crate::support::broker::position("AAPL", filled)];
        world.next_books(Books { completed, positions, ..Books::default() });
        assert_eq!((world.state("a"), world.order("a").version), (end, version), "{flying} {filled}");
        assert_eq!(world.reserved_buys("AAPL"), "0");
    }
}

/// The echo of the one that came late differs from the one in flight only in how long the order lives.
#[test]
fn a_late_change_with_another_life_does_not_prove_the_one_in_flight() {
    let good_till_canceled = buy("20").with_time_in_force(TimeInForce::Gtc);
    let mut world = World::working("a", Side::Buy, "10");
    assert_eq!(world.modify("a", good_till_canceled.clone()).replaces(), 1);
    for _ in 0..2 {
        shown_at(&mut world, "10");
    }
    world.feed();
    assert_eq!(world.modify("a", buy("20")).replaces(), 1);
    world.open_order_with("a", "Submitted", &good_till_canceled);
    assert_eq!(world.order("a").pending.replace.map(|replace| replace.version), Some(3));
    world.open_order_with("a", "Submitted", &buy("20"));
    assert_eq!((world.order("a").spec, world.order("a").version), (buy("20"), 3));
}

#[test]
fn another_date_than_that_of_a_change_in_flight_is_refused_too() {
    let mut world = World::working("a", Side::Buy, "10");
    let until = |hours: u64| TimeInForce::Gtd { expire_at: world.now.saturating_add(seconds(3_600 * hours)) };
    let (early, late) = (buy("20").with_time_in_force(until(1)), buy("20").with_time_in_force(until(2)));
    assert_eq!(world.modify("a", early).replaces(), 1);
    for _ in 0..2 {
        shown_at(&mut world, "10");
    }
    world.feed();
    assert!(refused(&mut world, late).contains("date"));
}
