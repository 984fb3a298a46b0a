//! What is done by itself about an order in doubt: nothing, a question, or one second attempt.

use alphec_core::{Misuse, RuleConfig};
use alphec_model::broker::NoticeClass;
use alphec_model::risk::RuleAnswer;
use alphec_model::{AlertKind, BrokerEvent, OrderState, OrderType, Side, WhenInDoubt};

use crate::support::World;
use crate::support::broker::{Books, execution, open_row, position};
use crate::support::setup::{limit, px, request, seconds, spec};

/// Ready, with one order of this choice in doubt after a lost connection, and connected again.
fn in_doubt(choice: WhenInDoubt) -> World {
    let mut world = World::ready();
    let mut order = request("a", "AAPL", limit(Side::Buy, "10", "100"));
    order.when_in_doubt = Some(choice);
    assert_eq!(world.submit_request(order).places(), 1);
    world.reconnect();
    assert_eq!(world.state("a"), OrderState::InDoubt);
    world
}

/// Ready, with an unanswered order that may be placed again once it was absent for half a minute.
fn marked_under_a_long_watch() -> World {
    let mut world = World::ready_with(|config| config.absent_after = seconds(30));
    let mut order = request("a", "AAPL", limit(Side::Buy, "10", "100"));
    order.when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
    world.submit_request(order);
    world
}

/// Rounds of empty books until the quiet watch is over and the order has been asked for, if it ever is.
fn watched(world: &mut World) -> Vec<i32> {
    let mut asked = Vec::new();
    for _ in 0..4 {
        world.feed();
        asked.extend(world.next_books(Books::default()).cancels());
    }
    asked
}

fn not_found(world: &mut World) -> crate::support::Seen {
    world.feed();
    world.notice("a", 10_147, NoticeClass::NotFound)
}

#[test]
fn held_it_is_never_asked_for_and_people_are_told_once() {
    let mut world = in_doubt(WhenInDoubt::Hold);
    assert!(watched(&mut world).is_empty());
    assert_eq!(world.state("a"), OrderState::InDoubt);
    assert_eq!(world.reserved_buys("AAPL"), "10");
    // A cancel that someone asks for is a question too, and is always sent.
    assert_eq!(world.cancel("a").cancels(), [1]);
    not_found(&mut world);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn a_question_is_on_record_as_one_and_not_as_a_wish_to_cancel() {
    let mut world = in_doubt(WhenInDoubt::CancelProbe);
    assert_eq!(watched(&mut world).first(), Some(&1));
    assert!(!world.bodies("a", "cancel_probed").is_empty());
    assert!(world.bodies("a", "cancel_asked").is_empty());
    not_found(&mut world);
    assert_eq!(world.state("a"), OrderState::Canceled);
    assert_eq!(world.reserved_buys("AAPL"), "0");
}

#[test]
fn proven_absent_and_marked_for_it_it_is_placed_again_under_new_names_with_both_attempts_reserved() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    let before = world.order("a");
    watched(&mut world);
    let seen = not_found(&mut world);
    assert_eq!((seen.places(), seen.alerts(AlertKind::OrderResent)), (1, 1));
    let order = world.order("a");
    assert_eq!((order.state, order.attempts), (OrderState::PendingNew, 2));
    assert!(order.broker_order_id > before.broker_order_id);
    assert_ne!(order.order_ref, before.order_ref);
    assert_eq!(world.reserved_buys("AAPL"), "20", "the first attempt may show up after all");
    world.open_order("a", "Submitted");
    world.fill("a", "e.1.01", "10");
    assert_eq!(world.state("a"), OrderState::Filled);
    assert_eq!(world.position("AAPL"), "10");
}

#[test]
fn it_is_never_placed_a_third_time() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    watched(&mut world);
    assert_eq!(not_found(&mut world).places(), 1);
    world.reconnect();
    assert_eq!(world.state("a"), OrderState::InDoubt);
    watched(&mut world);
    assert_eq!(not_found(&mut world).places(), 0);
    assert_eq!(world.state("a"), OrderState::Canceled);
    assert_eq!(world.reserved_buys("AAPL"), "0");
}

#[test]
fn a_restart_between_the_attempts_sends_neither_again() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    watched(&mut world);
    not_found(&mut world);
    assert_eq!(world.restart().places(), 0);
    assert_eq!((world.state("a"), world.order("a").attempts), (OrderState::InDoubt, 2));
    assert_eq!(world.reserved_buys("AAPL"), "20");
}

#[test]
fn a_wish_to_cancel_a_partial_fill_a_known_perm_id_or_the_gate_keep_it_from_being_placed_again() {
    type Trouble = fn(&mut World);
    let table: [(&str, Trouble); 4] = [
        ("someone wants it gone", |world| drop(world.cancel("a"))),
        ("trading is halted", |world| drop(world.halt())),
        ("the market moved away", |world| world.quote("AAPL", "149.99", "150.01")),
        ("no quote", |world| drop(world.wait(seconds(30)))),
    ];
    for (why, trouble) in table {
        let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
        watched(&mut world);
        world.feed();
        trouble(&mut world);
        let seen = world.notice("a", 10_147, NoticeClass::NotFound);
        assert_eq!(seen.places(), 0, "{why}");
        assert_eq!(world.state("a"), OrderState::Canceled, "{why}");
    }
}

#[test]
fn before_complete_lists_and_the_quiet_watch_nothing_is_placed_again() {
    let mut world = marked_under_a_long_watch();
    world.reconnect();
    world.feed();
    assert_eq!(world.notice("a", 10_147, NoticeClass::NotFound).places(), 0, "no list was read");
    world.books(Books::default());
    world.next_books(Books::default());
    world.feed();
    assert_eq!(world.notice("a", 10_147, NoticeClass::NotFound).places(), 0, "the watch is not over");
    assert_eq!(world.state("a"), OrderState::InDoubt);
}

#[test]
fn the_first_attempt_that_shows_up_after_all_counts_on_its_own_is_canceled_by_its_own_id_and_halts() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    let first = world.order("a");
    watched(&mut world);
    not_found(&mut world);
    world.open_order("a", "Submitted");
    let seen = world.event(BrokerEvent::OpenOrder(open_row(&first, "Submitted")));
    assert_eq!(seen.cancels(), [first.broker_order_id.unwrap().get()]);
    assert_eq!((seen.alerts(AlertKind::LateArrival), seen.has("halted")), (1, true));
    let foreign: Vec<_> = world.core.book().foreign_orders().collect();
    assert_eq!(foreign.len(), 1);
    let second = world.order("a");
    assert_eq!((second.state, second.perm_id == first.perm_id), (OrderState::Working, false));
    // Its fill moves the position and fills nothing of the second.
    world.event(BrokerEvent::Execution(execution(&first, "e.9.01", "10", "100")));
    assert_eq!((world.position("AAPL").as_str(), world.state("a")), ("10", OrderState::Working));
    assert!(world.order("a").cum_qty.is_zero());
}

#[test]
fn only_a_limit_order_can_be_marked_and_the_mark_is_part_of_the_body() {
    let mut world = World::ready();
    let stop = spec(Side::Buy, "10", OrderType::Stop { stop_px: px("101") });
    for (name, terms) in [("m", spec(Side::Buy, "10", OrderType::Market)), ("s", stop)] {
        let mut order = request(name, "AAPL", terms);
        order.when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
        let seen = world.submit_request(order);
        assert_eq!(seen.places(), 0);
        assert!(seen.denied().to_string().contains("only a limit order"), "{}", seen.denied());
    }
    let marked = |choice| {
        let mut order = request("a", "AAPL", limit(Side::Buy, "10", "100"));
        order.when_in_doubt = choice;
        order
    };
    world.submit_request(marked(Some(WhenInDoubt::Hold)));
    world.submit_request(marked(None)).order();
    let seen = world.submit_request(marked(Some(WhenInDoubt::ResendIfAbsent)));
    assert!(matches!(seen.misuse(), Misuse::KeyReused(_)));
}

#[test]
fn the_profiles_choice_applies_where_an_order_says_nothing_and_never_sends_twice() {
    for (profile, expected) in [
        (WhenInDoubt::Hold, WhenInDoubt::Hold),
        (WhenInDoubt::CancelProbe, WhenInDoubt::CancelProbe),
        (WhenInDoubt::ResendIfAbsent, WhenInDoubt::CancelProbe),
    ] {
        let mut world = World::ready_with(|config| config.when_in_doubt = profile);
        world.submit("a", Side::Buy, "10");
        assert_eq!(world.order("a").when_in_doubt, expected);
    }
}

#[test]
fn what_custom_rules_have_passed_is_not_placed_again() {
    let mut world = World::ready_with(|config| {
        config.rules = vec![RuleConfig { name: "desk".into(), deadline: seconds(2) }];
    });
    let mut order = request("a", "AAPL", limit(Side::Buy, "10", "100"));
    order.when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
    world.submit_request(order);
    assert_eq!(world.answer("a", "desk", RuleAnswer::Pass).places(), 1);
    world.reconnect();
    watched(&mut world);
    assert_eq!(not_found(&mut world).places(), 0, "they judged a moment that is gone");
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn an_order_that_somebody_wants_gone_is_never_placed_again_however_often_it_is_not_found() {
    let mut world = marked_under_a_long_watch();
    world.disconnect();
    world.cancel("a");
    let mut seen = world.connect();
    for round in 0..40 {
        for id in seen.cancels() {
            assert_eq!(id, 1);
            assert_eq!(not_found(&mut world).places(), 0, "round {round}");
        }
        if world.state("a") == OrderState::Canceled {
            assert!(round > 3, "the watch outlasts three answers");
            assert!(world.bodies("a", "cancel_ended").is_empty(), "the wish stood to the end");
            return;
        }
        world.feed();
        seen = world.next_books(Books::default());
    }
    panic!("it was never proven absent");
}

#[test]
fn nor_is_one_whose_cancel_was_not_found_thrice_before_anybody_had_doubts() {
    let mut world = World::ready_with(|config| {
        config.ack_timeout = seconds(600);
        config.absent_after = seconds(0);
    });
    let mut marked = request("a", "AAPL", limit(Side::Buy, "5", "100"));
    marked.when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
    world.submit_request(marked);
    world.cancel("a");
    for _ in 0..5 {
        not_found(&mut world);
        world.next_books(Books::default());
        assert_eq!(world.state("a"), OrderState::PendingNew);
    }
    assert!(world.order("a").pending.cancel_asked_at.is_some(), "the wish stands");
    world.feed();
    for _ in 0..40 {
        world.feed();
        let seen = world.next_books(Books::default());
        for _ in seen.cancels() {
            assert_eq!(not_found(&mut world).places(), 0);
        }
        if world.state("a") == OrderState::Canceled {
            return;
        }
    }
    panic!("it was never proven absent");
}

#[test]
fn a_question_is_not_put_again_before_the_books_are_read_and_ends_when_they_show_the_order() {
    let mut world = in_doubt(WhenInDoubt::CancelProbe);
    assert_eq!(watched(&mut world).first(), Some(&1));
    // The question got lost with the connection, and the order is there.
    assert!(world.reconnect().cancels().is_empty());
    let rows = world.rows(&["a"]);
    assert!(world.next_books(rows).cancels().is_empty());
    assert_eq!(world.state("a"), OrderState::Working);
    assert_eq!(world.order("a").pending.cancel_asked_at, None);
    let rows = world.rows(&["a"]);
    assert!(world.next_books(rows).cancels().is_empty());
}

#[test]
fn a_cancel_of_an_order_that_was_only_asked_for_is_a_cancel() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    watched(&mut world);
    assert!(world.order("a").pending.is_probe);
    assert_eq!(world.cancel("a").cancels(), [1]);
    assert_eq!(world.bodies("a", "cancel_asked").len(), 1);
    assert_eq!(not_found(&mut world).places(), 0);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn nor_is_one_whose_cancel_the_broker_refused_before_it_did_not_find_the_order() {
    for code in [161, 10_148] {
        let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
        assert_eq!(world.cancel("a").cancels(), [1]);
        world.notice("a", code, NoticeClass::CancelRefused);
        assert!(world.order("a").pending.is_cancel_asked(), "no code takes the wish back");
        watched(&mut world);
        assert_eq!(not_found(&mut world).places(), 0);
        assert_eq!(world.state("a"), OrderState::Canceled);
    }
}

#[test]
fn an_order_that_the_broker_was_heard_to_know_is_not_placed_again_also_after_a_restart() {
    for restarts in [false, true] {
        let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
        assert_eq!(watched(&mut world).first(), Some(&1), "a question");
        // The holdings do not agree for the moment, so that it ends nothing.
        world.next_books(Books { positions: vec![position("AAPL", "7")], ..Books::default() });
        world.notice("a", 10_148, NoticeClass::CancelRefused);
        assert_eq!(world.state("a"), OrderState::InDoubt);
        if restarts {
            world.restart();
            world.resolve();
            world.connect();
        }
        watched(&mut world);
        assert_eq!(not_found(&mut world).places(), 0);
        assert_eq!(world.state("a"), OrderState::Canceled);
    }
}

#[test]
fn an_order_that_a_live_status_without_a_number_was_told_of_is_not_forgotten_by_three_codes() {
    let mut world = World::ready();
    let mut marked = request("a", "AAPL", limit(Side::Buy, "10", "100"));
    marked.when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
    world.submit_request(marked);
    let mut pending = crate::support::broker::status_of(&world.order("a"), "PendingSubmit", "0");
    pending.names.perm_id = None;
    world.event(BrokerEvent::Status(pending));
    for _ in 0..3 {
        world.cancel("a");
        not_found(&mut world);
    }
    assert!(world.order("a").pending.is_cancel_asked(), "no list has shown it");
    for _ in 0..12 {
        world.feed();
        let seen = world.next_books(Books::default());
        for _ in seen.cancels() {
            assert_eq!(not_found(&mut world).places(), 0);
        }
    }
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn an_order_of_a_quarter_of_an_hour_ago_is_not_placed_again() {
    for (minutes, places) in [(13, 1), (16, 0)] {
        let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
        world.disconnect();
        world.wait(seconds(minutes * 60));
        world.connect();
        world.account_values();
        watched(&mut world);
        assert_eq!(not_found(&mut world).places(), places, "after {minutes} minutes");
    }
}

#[test]
fn an_order_that_may_have_made_a_position_that_was_accepted_is_not_placed_again() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    let holds = || Books { positions: vec![position("AAPL", "10")], ..Books::default() };
    for _ in 0..4 {
        world.feed();
        world.next_books(holds());
    }
    world.command(alphec_model::Command::AcceptPosition {
        account: crate::support::setup::account("DU1"),
        instrument: crate::support::setup::instrument("AAPL"),
        by: "mary".into(),
        reason: "she has seen the fill".into(),
    });
    for _ in 0..4 {
        world.feed();
        world.next_books(holds());
    }
    assert_eq!(not_found(&mut world).places(), 0);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn where_the_first_attempt_has_filled_after_all_the_second_is_canceled() {
    let mut world = in_doubt(WhenInDoubt::ResendIfAbsent);
    let first = world.order("a");
    watched(&mut world);
    assert_eq!(not_found(&mut world).places(), 1);
    world.open_order("a", "Submitted");
    let second = world.order("a").broker_order_id.unwrap().get();
    let seen = world.event(BrokerEvent::Execution(execution(&first, "e.9.01", "10", "100")));
    assert!(seen.cancels().contains(&second) && seen.has("halted"));
}

#[test]
fn a_code_that_answers_any_request_does_not_reject_an_order_whose_cancel_is_on_its_way_too() {
    for (code, state) in [(321, OrderState::InDoubt), (322, OrderState::InDoubt), (201, OrderState::Rejected)]
    {
        let mut world = World::ready();
        world.submit("a", Side::Buy, "10");
        world.cancel("a");
        world.notice("a", code, NoticeClass::Dead);
        assert_eq!(world.state("a"), state, "{code}");
    }
}
