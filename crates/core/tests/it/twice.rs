//! Orders that the broker made two of (behaviour 4).

use alphec_core::Input;
use alphec_model::broker::{BrokerStatus, CompletedReport, NoticeClass, OpenOrderReport, StatusReport};
use alphec_model::{
    AlertKind, BrokerEvent, CancelScope, Command, GroupKind, GroupRequest, OrderState, OrderType, PermId,
    Side,
};

use crate::support::World;
use crate::support::broker::{self, Books};
use crate::support::setup::{instrument, key, limit, px, request, seconds, spec};

#[test]
fn both_lives_of_an_order_count_and_both_are_canceled() {
    let mut world = World::working("a", Side::Buy, "5");
    let mut second = broker::open_row(&world.order("a"), "Submitted");
    second.names.perm_id = Some(PermId::new(9_999));
    world.event(BrokerEvent::OpenOrder(second.clone()));
    assert!(world.core.readiness().halted.is_some(), "trading stops");
    let exposure = world.core.book().exposure(&world.order("a").account, &world.order("a").instrument);
    assert_eq!(
        (exposure.buy_leaves.to_string(), exposure.foreign_buy_leaves.to_string()),
        ("5".into(), "5".into())
    );
    let mut books = world.rows(&["a"]);
    books.open.push(second.clone());
    assert_eq!(world.next_books(books).cancels(), [1]);
    world.status("a", "Cancelled", "0");
    assert_eq!(world.state("a"), OrderState::Canceled);
    let books = Books { open: vec![second], ..Books::default() };
    assert_eq!(world.next_books(books).cancels(), [1], "one cancel reaches one life: again for the other");
    for left in ["5", "0"] {
        world.next_books(Books::default());
        let exposure = world.core.book().exposure(&world.order("a").account, &world.order("a").instrument);
        assert_eq!(exposure.foreign_buy_leaves.to_string(), left);
    }
    world.input(Input::Wake);
}

/// The row of a second order that the broker made of a change of this one.
fn second_of(world: &World, name: &str, status: &str) -> OpenOrderReport {
    let mut second = broker::open_row(&world.order(name), status);
    second.names.perm_id = Some(PermId::new(9_999));
    second
}

/// Order "a" with a change in flight of which the broker made a second order; its row.
fn split() -> (World, OpenOrderReport) {
    let mut world = World::working("a", Side::Buy, "5");
    world.wait(seconds(6));
    world.feed();
    let smaller = limit(Side::Buy, "3", "100");
    world.modify("a", smaller.clone());
    let second = OpenOrderReport { terms: broker::echoed(&smaller), ..second_of(&world, "a", "Submitted") };
    (world, second)
}

/// The same, told and listed; the first cancel has left.
fn known() -> (World, OpenOrderReport) {
    let (mut world, second) = split();
    let seen = world.event(BrokerEvent::OpenOrder(second.clone()));
    assert_eq!(seen.snapshots(), 1, "what lives is asked for at once");
    let both = both(&world, &second);
    assert_eq!(world.next_books(both).cancels(), [1]);
    (world, second)
}

fn both(world: &World, second: &OpenOrderReport) -> Books {
    let mut books = world.rows(&["a"]);
    books.open.push(second.clone());
    books
}

/// A status that carries no reference, as they do.
fn status_of(second: &OpenOrderReport, status: BrokerStatus) -> BrokerEvent {
    let mut names = second.names.clone();
    names.order_ref = None;
    BrokerEvent::Status(StatusReport { names, status, cum_qty: None, remaining_qty: None, why_held: None })
}

/// What orders of others can still buy, a second life among them.
fn foreign_buys(world: &World) -> String {
    let order = world.order("a");
    let exposure = world.core.book().exposure(&order.account, &order.instrument);
    exposure.foreign_buy_leaves.normalize().to_string()
}

fn as_it_was(world: &World) -> (OrderState, String) {
    (world.state("a"), world.reserved_buys("AAPL"))
}

#[test]
fn a_code_names_an_order_and_not_which_of_its_two_lives_so_it_ends_neither() {
    // Whether the cancel leaves again with the first list after the code, the second, which ends the second life, and the
    // third.
    for (code, class, again) in [
        (202, NoticeClass::Canceled, [true, false, true]),
        (201, NoticeClass::Dead, [false, true, true]),
        (104, NoticeClass::ModifyRefused, [false, true, true]),
        (161, NoticeClass::CancelRefused, [true, false, true]),
        (10_147, NoticeClass::NotFound, [true, false, true]),
        (103, NoticeClass::IdTrouble, [false, true, true]),
    ] {
        let (mut world, second) = known();
        let seen = world.notice("a", code, class);
        assert_eq!(seen.alerts(AlertKind::Anomaly), usize::from(code == 103), "{code}");
        let mut nameless = status_of(&second, BrokerStatus::Cancelled);
        if let BrokerEvent::Status(report) = &mut nameless {
            report.names.perm_id = None;
        }
        world.event(nameless);
        assert_eq!(as_it_was(&world), (OrderState::Working, "5".into()), "{code}");
        // The second is gone, as two lists show; the first, that one cancel did not reach, is canceled again.
        for leaves in again {
            world.wait(seconds(4));
            let books = world.rows(&["a"]);
            assert_eq!(world.next_books(books).cancels().len(), usize::from(leaves), "{code}");
        }
        world.status("a", "Cancelled", "0");
        assert_eq!(as_it_was(&world), (OrderState::Canceled, "0".into()), "{code}");
    }
}

#[test]
fn the_first_life_is_canceled_also_when_the_second_is_over_before_any_list() {
    let (mut world, mut second) = split();
    world.event(BrokerEvent::OpenOrder(second.clone()));
    second.status = BrokerStatus::Filled;
    world.event(BrokerEvent::OpenOrder(second));
    let books = world.rows(&["a"]);
    let seen = world.next_books(books);
    assert_eq!((world.state("a"), seen.cancels()), (OrderState::Working, vec![1]));
    // It is asked for once, and again only if the lists contradict it.
    let books = world.rows(&["a"]);
    assert!(world.next_books(books).cancels().is_empty());
}

#[test]
fn a_new_connection_knows_of_both_lives_before_anything_shows_them_again() {
    for restarts in [false, true] {
        let (mut world, second) = known();
        if restarts {
            world.restart();
            world.connect();
            world.feed();
        } else {
            world.reconnect();
        }
        world.event(status_of(&second, BrokerStatus::Cancelled));
        world.notice("a", 202, NoticeClass::Canceled);
        assert_eq!(as_it_was(&world), (OrderState::Working, "5".into()), "restarts: {restarts}");
        let left: usize = (0..3)
            .map(|_| {
                let books = world.rows(&["a"]);
                world.next_books(books).cancels().len()
            })
            .sum();
        assert!(left > 0, "restarts: {restarts}");
    }
}

#[test]
fn once_somebody_has_looked_and_resumed_the_life_that_is_left_is_an_order_like_any_other() {
    let (mut world, second) = known();
    // The cancel reached the second only, and the first is kept.
    world.event(status_of(&second, BrokerStatus::Cancelled));
    world.notice("a", 161, NoticeClass::CancelRefused);
    world.wait(seconds(4));
    let books = world.rows(&["a"]);
    world.next_books(books);
    world.resume();
    assert!(world.core.readiness().halted.is_none(), "{:?}", world.core.readiness());
    world.feed();
    world.notice("a", 202, NoticeClass::Canceled);
    assert_eq!(as_it_was(&world), (OrderState::Canceled, "0".into()), "a code ends it again");
}

#[test]
fn a_life_that_is_held_as_inactive_is_canceled_too() {
    let (mut world, mut second) = split();
    second.status = BrokerStatus::Inactive;
    world.event(BrokerEvent::OpenOrder(second.clone()));
    let mut books = both(&world, &second);
    books.open[0].status = BrokerStatus::Inactive;
    assert_eq!(world.next_books(books).cancels(), [1]);
}

#[test]
fn cancels_that_end_no_life_leave_a_few_times_and_then_people_are_told() {
    // Of the first that nobody finds any more, of the second after the first has ended, and of both without an answer.
    for (first_lives, second_lives, code) in [(true, false, 10_147), (false, true, 10_148), (true, true, 0)] {
        let (mut world, second) = known();
        if !first_lives {
            world.status("a", "Cancelled", "0");
        }
        let (mut left, mut told) = (0, 0);
        for _ in 0..60 {
            let mut books = if first_lives { world.rows(&["a"]) } else { Books::default() };
            books.open.extend(second_lives.then(|| second.clone()));
            let seen = world.next_books(books);
            left += seen.cancels().len();
            told += seen.alerts(AlertKind::Anomaly);
            if code != 0 {
                world.notice("a", code, NoticeClass::NotFound);
            }
        }
        let most = if code == 0 { 60 } else { 12 };
        assert!((2..=most).contains(&left), "{left} cancels: {first_lives} {second_lives}");
        assert!(told > 0, "{first_lives} {second_lives}");
    }
}

#[test]
fn what_carries_no_perm_id_counts_for_the_order_and_shows_no_second_one() {
    let (mut world, second) = known();
    let mut row = broker::open_row(&world.order("a"), "Submitted");
    row.names.perm_id = None;
    let seen = world.event(BrokerEvent::OpenOrder(row.clone()));
    assert_eq!(seen.alerts(AlertKind::ForeignOrder), 0);
    let mut books = both(&world, &second);
    books.open[0] = row;
    world.next_books(books);
    assert_eq!(foreign_buys(&world), "3");
    let mut fill = broker::execution(&world.order("a"), "e1.01", "5", "100");
    fill.names.perm_id = None;
    world.event(BrokerEvent::Execution(fill));
    assert_eq!(world.order("a").cum_qty.to_string(), "5");
}

/// A bracket of 10 that the broker has acknowledged.
fn bracket() -> World {
    let mut world = World::ready();
    let loss = spec(Side::Sell, "10", OrderType::Stop { stop_px: px("95") });
    let terms = [limit(Side::Buy, "10", "100"), limit(Side::Sell, "10", "105"), loss];
    let orders = LEGS.into_iter().zip(terms).map(|(name, spec)| request(name, "AAPL", spec)).collect();
    world.command(Command::SubmitGroup(GroupRequest { kind: GroupKind::Bracket, orders }));
    LEGS.iter().for_each(|name| drop(world.open_order(name, "PreSubmitted")));
    world
}

/// A bracket of which the broker made two entries, and the second filled all of it and is over.
fn bracket_filled_by_the_second() -> World {
    let mut world = bracket();
    let second = second_of(&world, "entry", "Submitted");
    world.event(BrokerEvent::OpenOrder(second.clone()));
    let mut fill = broker::execution(&world.order("entry"), "e1.01", "10", "100");
    fill.names = second.names.clone();
    world.event(BrokerEvent::Execution(fill));
    world.event(BrokerEvent::OpenOrder(OpenOrderReport { status: BrokerStatus::Filled, ..second }));
    world
}

const LEGS: [&str; 3] = ["entry", "profit", "loss"];

#[test]
fn the_end_of_one_life_of_an_entry_leaves_its_exits_to_what_the_other_has_filled() {
    for (reconnects, restarts) in [(false, false), (true, false), (true, true)] {
        let mut world = bracket_filled_by_the_second();
        if restarts {
            world.restart();
            world.connect();
            world.feed();
        } else if reconnects {
            world.reconnect();
        }
        let seen = world.status("entry", "Cancelled", "0");
        assert_eq!(
            (world.position("AAPL"), seen.cancels()),
            ("10".into(), vec![]),
            "{reconnects} {restarts}"
        );
        assert_eq!(seen.alerts(AlertKind::GroupBroken), 1);
        assert_eq!(["profit", "loss"].map(|name| world.state(name)), [OrderState::Working; 2]);
    }
}

#[test]
fn so_does_an_entry_that_a_person_settles_while_the_link_is_down() {
    let mut world = bracket_filled_by_the_second();
    world.wait(seconds(6));
    for _ in 0..2 {
        let exits = world.rows(&["profit", "loss"]);
        world.next_books(exits);
    }
    assert_eq!(world.state("entry"), OrderState::InDoubt);
    world.disconnect();
    let settle =
        Command::Settle { client_order_id: key("entry"), by: "operator".into(), reason: "looked".into() };
    let seen = world.command(settle);
    assert_eq!((world.state("entry"), seen.alerts(AlertKind::GroupBroken)), (OrderState::Canceled, 1));
    let asked = |name: &str| world.order(name).pending.cancel_asked_at;
    assert_eq!(["profit", "loss"].map(asked), [None, None]);
}

/// The completed row of the second.
fn over(world: &World, second: &OpenOrderReport) -> CompletedReport {
    let row = broker::completed_row(&world.order("a"), "Cancelled", "0", "3");
    CompletedReport { names: second.names.clone(), ..row }
}

#[test]
fn the_row_of_a_second_life_that_is_over_is_no_news_and_no_sign_of_the_first() {
    let (mut world, second) = known();
    world.event(status_of(&second, BrokerStatus::Cancelled));
    let over = over(&world, &second);
    let mut books = world.rows(&["a"]);
    books.completed.push(over.clone());
    world.wait(seconds(4));
    world.next_books(books);
    world.resume();
    assert!(world.core.readiness().halted.is_none(), "{:?}", world.core.readiness());
    world.reconnect();
    for _ in 0..3 {
        let mut books = world.rows(&["a"]);
        books.completed.push(over.clone());
        world.next_books(books);
        assert!(world.core.readiness().halted.is_none(), "it is told once");
    }
    for _ in 0..3 {
        world.next_books(Books { completed: vec![over.clone()], ..Books::default() });
    }
    assert_eq!(world.state("a"), OrderState::InDoubt, "no list shows the first");
}

#[test]
fn an_exit_that_is_missing_or_refused_leaves_the_others_while_a_second_entry_may_have_filled() {
    for is_refused in [false, true] {
        let mut world = bracket_filled_by_the_second();
        if is_refused {
            world.status("profit", "Inactive", "0");
            let seen = world.notice("profit", 201, NoticeClass::Dead);
            assert_eq!(world.state("profit"), OrderState::Rejected);
            assert_eq!((seen.cancels(), seen.alerts(AlertKind::GroupBroken)), (vec![], 1));
        } else {
            world.wait(seconds(60));
            let cancels: Vec<i32> = (0..4)
                .flat_map(|_| {
                    let books = world.rows(&["loss"]);
                    world.next_books(books).cancels()
                })
                .collect();
            assert!(!cancels.contains(&3), "the stop stays: {cancels:?}");
        }
        assert_eq!(
            (world.state("loss"), world.order("loss").pending.cancel_asked_at),
            (OrderState::Working, None)
        );
    }
}

#[test]
fn an_order_that_an_execution_named_first_is_not_taken_over_by_another_of_its_number() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "5");
    let fill = broker::execution(&world.order("a"), "e1.01", "5", "100");
    let named = fill.names.perm_id;
    world.event(BrokerEvent::Execution(fill));
    assert_eq!((world.state("a"), world.order("a").perm_id), (OrderState::Filled, named));
    let second = second_of(&world, "a", "Submitted");
    let books = Books { open: vec![second], ..Books::default() };
    world.wait(seconds(6));
    assert_eq!(world.next_books(books).cancels(), [1]);
    assert!(world.core.readiness().halted.is_some());
    assert_eq!(foreign_buys(&world), "5");
}

#[test]
fn a_second_life_whose_row_lost_its_perm_id_counts_on() {
    let (mut world, mut second) = known();
    second.names.perm_id = None;
    let books = both(&world, &second);
    world.next_books(books);
    assert_eq!(foreign_buys(&world), "3");
}

#[test]
fn a_new_connection_cancels_the_first_also_when_the_second_was_over_before_any_list() {
    let (mut world, mut second) = split();
    world.event(BrokerEvent::OpenOrder(second.clone()));
    second.status = BrokerStatus::Filled;
    world.event(BrokerEvent::OpenOrder(second));
    world.reconnect();
    let books = world.rows(&["a"]);
    assert_eq!(world.next_books(books).cancels(), [1]);
}

#[test]
fn only_a_resume_of_everything_says_that_somebody_has_looked() {
    let (mut world, second) = known();
    let scope = CancelScope::Instrument { instrument: instrument("ES") };
    world.kill(scope.clone());
    world.event(status_of(&second, BrokerStatus::Cancelled));
    for _ in 0..2 {
        let books = world.rows(&["a"]);
        world.next_books(books);
    }
    world.resume_in(scope.clone());
    assert!(world.core.book().halts().all(|(halted, _)| *halted != scope), "it is over");
    world.notice("a", 202, NoticeClass::Canceled);
    assert_eq!(as_it_was(&world), (OrderState::Working, "5".into()));
}

#[test]
fn a_resume_waits_for_lists_that_were_asked_for_since_the_second_was_seen() {
    let (mut world, second) = split();
    world.halt();
    world.wait(seconds(6));
    let books = world.rows(&["a"]);
    world.next_books(books);
    // Only an execution tells of it, while everything is halted already.
    let mut fill = broker::execution(&world.order("a"), "e1.01", "1", "100");
    fill.names = second.names.clone();
    world.event(BrokerEvent::Execution(fill));
    world.resume();
    assert!(world.core.readiness().halted.is_some(), "what else lives of it is not known yet");
    let books = both(&world, &second);
    world.next_books(books);
    world.resume();
    assert!(world.core.readiness().halted.is_some(), "the second lives");
}

#[test]
fn a_second_life_that_comes_back_as_inactive_is_news_too() {
    let (mut world, mut second) = known();
    world.event(status_of(&second, BrokerStatus::Cancelled));
    world.wait(seconds(4));
    let books = world.rows(&["a"]);
    world.next_books(books);
    world.resume();
    assert!(world.core.readiness().halted.is_none(), "{:?}", world.core.readiness());
    second.status = BrokerStatus::Inactive;
    let books = both(&world, &second);
    world.next_books(books);
    assert!(world.core.readiness().halted.is_some());
}

#[test]
fn an_exit_that_was_split_ends_with_its_entry_as_any_other() {
    let mut world = bracket();
    let second = second_of(&world, "profit", "PreSubmitted");
    world.event(BrokerEvent::OpenOrder(second));
    let seen = world.status("entry", "Cancelled", "0");
    assert_eq!(seen.cancels(), [2, 3], "the entry has filled nothing, in one life only");
}
