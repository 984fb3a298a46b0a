//! Cancels: never refused for an order that can still be live, and they leave when they can.

use alphec_core::{Input, Reply};
use alphec_model::broker::{NoticeClass, Wire};
use alphec_model::{AlertKind, BrokerEvent, CancelScope, Command, OrderState, Side, StrategyId};

use crate::support::World;
use crate::support::broker::Books;
use crate::support::setup::{account, correlation, instrument, key, limit, request, seconds};

fn is_asked(world: &World, name: &str) -> bool {
    world.order(name).pending.cancel_asked_at.is_some()
}

#[test]
fn a_cancel_leaves_at_once_for_every_order_that_can_be_live() {
    let mut world = World::ready();
    world.submit("new", Side::Buy, "1");
    assert_eq!(world.cancel("new").cancels(), [1]);
    world.submit("doubt", Side::Buy, "1");
    world.wait(seconds(6));
    assert_eq!(world.state("doubt"), OrderState::InDoubt);
    assert_eq!(world.cancel("doubt").cancels(), [2]);
    world.feed();
    world.submit("works", Side::Buy, "1");
    world.open_order("works", "Submitted");
    assert_eq!(world.cancel("works").cancels(), [3]);
    assert_eq!(world.cancel("works").cancels(), [3], "again if asked again");
    assert_eq!(world.reserved_buys("AAPL"), "3", "asking releases nothing");
}

#[test]
fn a_cancel_passes_whatever_refuses_orders() {
    let mut world = World::working("a", Side::Buy, "1");
    world.halt();
    world.input(Input::Journal { trouble: Some("disk full".into()) });
    world.input(Input::Stopping);
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: alphec_model::broker::ServerLink::Lost });
    assert_eq!(world.cancel("a").cancels(), [1]);
}

#[test]
fn an_ended_order_is_left_alone() {
    for (status, end) in [("Cancelled", OrderState::Canceled), ("Filled", OrderState::Filled)] {
        let mut world = World::working("a", Side::Buy, "1");
        if end == OrderState::Filled {
            world.fill("a", "e1.01", "1");
        }
        world.status("a", status, "0");
        let seen = world.cancel("a");
        assert_eq!((seen.order().state, seen.cancels().len()), (end, 0));
    }
}

#[test]
fn a_cancel_asked_for_without_a_connection_leaves_with_the_next_one() {
    let mut world = World::working("a", Side::Buy, "1");
    world.disconnect();
    assert_eq!(world.cancel("a").cancels().len(), 0);
    assert!(is_asked(&world, "a"));
    assert_eq!(world.connect().cancels(), [1], "before anything else");
    let books = world.rows(&["a"]);
    assert_eq!(world.books(books).cancels().len(), 0, "once");
}

#[test]
fn a_cancel_lost_with_its_connection_leaves_again_also_after_a_restart() {
    let mut world = World::working("a", Side::Buy, "1");
    assert_eq!(world.cancel("a").cancels(), [1]);
    assert_eq!(world.reconnect().cancels(), [1]);
    world.restart();
    world.resolve();
    assert_eq!(world.connect().cancels(), [1]);
}

#[test]
fn a_cancel_sent_while_the_servers_were_lost_leaves_again_once_they_are_back() {
    use alphec_model::broker::ServerLink;
    for back in [ServerLink::Restored, ServerLink::RestoredDataLost] {
        let mut world = World::working("a", Side::Buy, "1");
        let generation = world.generation;
        world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Lost });
        assert_eq!(world.cancel("a").cancels(), [1], "it is tried all the same");
        world.event(BrokerEvent::ServerLink { generation, link: back });
        let books = world.rows(&["a"]);
        assert_eq!(world.books(books).cancels(), [1]);
    }
}

#[test]
fn a_cancel_that_complete_lists_contradict_is_told_and_sent_again_until_the_broker_is_at_work_on_it() {
    let mut world = World::working("a", Side::Buy, "1");
    world.cancel("a");
    let mut books = world.rows(&["a"]);
    let seen = world.next_books(books.clone());
    assert_eq!((seen.cancels(), seen.alerts(AlertKind::Anomaly)), (vec![1], 1));
    let again = world.now;
    assert_eq!(world.next_books(books.clone()).cancels(), [1]);
    assert!(world.now.since(again) <= seconds(5), "without waiting for the next minute");
    books.open[0].status = alphec_model::broker::BrokerStatus::PendingCancel;
    for _ in 0..3 {
        assert_eq!(world.next_books(books.clone()).cancels(), [0; 0], "it has arrived");
    }
}

#[test]
fn silence_about_a_cancel_reads_the_lists_within_its_deadline_and_sends_it_again() {
    let mut world = World::working("a", Side::Buy, "1");
    let asked = world.now;
    world.cancel("a");
    while world.asked.is_none() {
        world.wait(seconds(1));
    }
    assert!(world.now.since(asked) <= seconds(6), "not with the next minute");
    let books = world.rows(&["a"]);
    assert_eq!(world.books(books).cancels(), [1]);
    assert_eq!(world.state("a"), OrderState::Working);
}

/// The books are asked for within the deadline of a cancel, and show the order as if it had never been canceled.
fn is_sent_again(world: &mut World, why: &str) {
    let asked = world.now;
    while world.asked.is_none() {
        world.wait(seconds(1));
    }
    assert!(world.now.since(asked) <= seconds(6), "{why}: not with the next minute");
    let books = world.rows(&["a"]);
    assert_eq!(world.books(books).cancels(), [1], "{why}");
}

#[test]
fn what_answers_the_order_or_a_change_of_it_answers_no_cancel() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    world.cancel("a");
    world.status("a", "Submitted", "0");
    is_sent_again(&mut world, "placed");

    let mut world = World::working("a", Side::Buy, "1");
    world.modify("a", limit(Side::Buy, "2", "100"));
    world.cancel("a");
    world.open_order_with("a", "Submitted", &limit(Side::Buy, "2", "100"));
    assert_eq!(world.order("a").version, 2);
    is_sent_again(&mut world, "changed");

    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    world.reconnect();
    world.cancel("a");
    world.status("a", "Submitted", "0");
    assert_eq!(world.state("a"), OrderState::Working);
    while world.asked.is_some() {
        let books = world.rows(&["a"]);
        world.books(books);
    }
    is_sent_again(&mut world, "found again");
}

#[test]
fn a_global_cancel_that_nobody_answers_is_looked_into_as_one_of_each_order() {
    let mut world = World::working("a", Side::Buy, "1");
    world.global_cancel();
    is_sent_again(&mut world, "global");
}

#[test]
fn a_cancel_that_the_broker_is_at_work_on_waits_for_the_next_lists() {
    let mut world = World::working("a", Side::Buy, "1");
    world.cancel("a");
    world.status("a", "PendingCancel", "0");
    assert_eq!(world.wait(seconds(10)).snapshots(), 0);
}

#[test]
fn a_cancel_that_was_never_written_leaves_after_the_next_lists() {
    let mut world = World::working("a", Side::Buy, "1");
    world.cancel("a");
    let broker_order_id = world.order("a").broker_order_id.unwrap();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Cancel, why: "queue full".into() });
    let books = world.rows(&["a"]);
    assert_eq!(world.next_books(books).cancels(), [1]);
}

/// Answers each cancel of a live order so, ten times, with lists that show the order: cancels sent in all, and how often
/// people were told.
fn answered_ten_times(world: &mut World, code: i32, class: NoticeClass) -> (usize, usize) {
    let (mut sent, mut raised) = (world.cancel("a").cancels().len(), 0);
    for _ in 0..10 {
        world.notice("a", code, class);
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "1".into()));
        assert_eq!(is_asked(world, "a"), raised == 0, "no code takes the wish back");
        let books = world.rows(&["a"]);
        let seen = world.next_books(books);
        (sent, raised) = (sent + seen.cancels().len(), raised + seen.alerts(AlertKind::Anomaly));
    }
    (sent, raised)
}

#[test]
fn not_found_or_refused_for_a_live_order_proves_nothing_and_the_cancel_leaves_again() {
    let refused = NoticeClass::CancelRefused;
    for (code, class) in [(10_147, NoticeClass::NotFound), (10_148, refused), (161, refused)] {
        let mut world = World::working("a", Side::Buy, "1");
        let told = answered_ten_times(&mut world, code, class);
        assert_eq!(told, (3, 1), "three attempts, then a person is told");
        assert!(!is_asked(&world, "a"));
    }
}

#[test]
fn a_refused_cancel_asks_for_the_books() {
    for code in [10_148, 161] {
        let mut world = World::working("a", Side::Buy, "1");
        world.cancel("a");
        let seen = world.notice("a", code, NoticeClass::CancelRefused);
        assert_eq!(seen.snapshots() + world.wait(seconds(3)).snapshots(), 1);
    }
}

#[test]
fn a_cancel_that_the_broker_had_taken_and_lost_leaves_again_though_it_was_refused_once() {
    let mut world = World::working("a", Side::Buy, "1");
    world.cancel("a");
    world.reconnect();
    world.notice("a", 161, NoticeClass::CancelRefused);
    let mut books = world.rows(&["a"]);
    books.open[0].status = alphec_model::broker::BrokerStatus::PendingCancel;
    assert_eq!(world.next_books(books).cancels(), Vec::<i32>::new(), "it is at work on it");
    let mut sent = 0;
    for _ in 0..6 {
        world.wait(seconds(10));
        let books = world.rows(&["a"]);
        sent += world.next_books(books).cancels().len();
    }
    assert!(sent > 0 && is_asked(&world, "a"));
}

#[test]
fn a_late_answer_to_a_cancel_keeps_the_order_live_until_it_comes() {
    let mut world = World::working("a", Side::Buy, "1");
    world.cancel("a");
    for _ in 0..200 {
        if world.asked.is_some() {
            let mut books = world.rows(&["a"]);
            books.open[0].status = alphec_model::broker::BrokerStatus::PendingCancel;
            world.books(books);
        }
        world.wait(seconds(60));
    }
    assert_eq!((world.state("a"), is_asked(&world, "a")), (OrderState::Working, true));
    world.status("a", "Cancelled", "0");
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn cancel_all_reaches_its_scope_and_nothing_else() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    world.submit_spec("b", "ES", limit(Side::Buy, "1", "5000"));
    let mut other = request("c", "AAPL", limit(Side::Buy, "1", "100"));
    other.strategy_id = StrategyId::new("momentum").unwrap();
    world.submit_request(other);
    world.submit("done", Side::Buy, "1");
    world.fill("done", "e1.01", "1");
    let momentum = StrategyId::new("momentum").unwrap();
    let scopes = [
        (CancelScope::All, vec![1, 2, 3]),
        (CancelScope::Account { account: account("DU1") }, vec![1, 2, 3]),
        (CancelScope::Account { account: account("DU2") }, vec![]),
        (CancelScope::Strategy { strategy_id: momentum }, vec![3]),
        (CancelScope::Instrument { instrument: instrument("AAPL") }, vec![1, 3]),
    ];
    for (scope, reached) in scopes {
        let seen = world.cancel_all(scope.clone());
        assert_eq!(seen.cancels(), reached, "{scope:?}");
        let Reply::Canceling(names) = seen.reply() else { panic!("{:?}", seen.reply()) };
        assert_eq!(names.len(), reached.len());
    }
}

#[test]
fn nothing_is_canceled_at_a_login_that_is_not_ours() {
    let mut world = World::working("a", Side::Buy, "1");
    world.disconnect();
    world.cancel("a");
    assert_eq!(world.session(&["DU9"], 1).cancels().len(), 0, "there the same id is another order");
    assert_eq!(world.cancel("a").cancels().len(), 0);
    world.next_books(Books::default());
    world.disconnect();
    assert_eq!(world.connect().cancels(), [1]);
}

#[test]
fn a_global_cancel_is_one_named_and_recorded_request_that_stands_for_a_cancel_of_each_of_ours() {
    let mut world = World::working("a", Side::Buy, "1");
    world.submit("new", Side::Buy, "1");
    world.halt();
    let seen = world.global_cancel();
    assert_eq!((seen.global_cancels(), seen.cancels().len()), (1, 0));
    assert_eq!(seen.kinds(), ["commanded", "cancel_asked", "cancel_asked", "requested"]);
    assert_eq!(seen.alerts(AlertKind::GlobalCancel), 1);
    let Reply::GloballyCanceling { orders, not_sent: None } = seen.reply() else {
        panic!("{:?}", seen.reply())
    };
    assert_eq!(orders.len(), 2);
    assert_eq!(world.reserved_buys("AAPL"), "2", "asking releases nothing");
    let books = world.rows(&["a", "new"]);
    assert_eq!(world.next_books(books).cancels().len(), 0, "they were asked for already");
    world.status("a", "Cancelled", "0");
    assert_eq!(world.state("a"), OrderState::Canceled);
    assert_eq!(world.reconnect().cancels(), [2], "what it did not reach leaves by itself");
}

#[test]
fn a_global_cancel_that_cannot_leave_says_so_and_never_leaves_later() {
    let mut world = World::working("a", Side::Buy, "1");
    world.disconnect();
    let seen = world.global_cancel();
    assert_eq!(seen.global_cancels(), 0);
    let Reply::GloballyCanceling { orders, not_sent: Some(why) } = seen.reply() else {
        panic!("{:?}", seen.reply())
    };
    assert!(orders.len() == 1 && why.contains("no connection"), "{why}");
    let seen = world.connect();
    assert_eq!((seen.global_cancels(), seen.cancels()), (0, vec![1]), "ours only");
}

#[test]
fn a_login_that_is_not_of_the_profile_hears_of_no_global_cancel() {
    let mut world = World::working("a", Side::Buy, "1");
    world.disconnect();
    world.session(&["DU9"], 1);
    let seen = world.global_cancel();
    assert_eq!((seen.global_cancels(), seen.cancels().len()), (0, 0));
    assert!(matches!(seen.reply(), Reply::GloballyCanceling { not_sent: Some(_), .. }));
}

#[test]
fn a_global_cancel_that_was_never_written_cancels_ours_one_by_one() {
    let mut world = World::working("a", Side::Buy, "1");
    world.global_cancel();
    let seen = world.event(BrokerEvent::GlobalCancelNotWritten { why: "the socket is full".into() });
    assert_eq!(seen.alerts(AlertKind::GlobalCancel), 1);
    let books = world.rows(&["a"]);
    assert_eq!(world.next_books(books).cancels(), [1]);
}

#[test]
fn a_global_cancel_ends_what_was_never_sent_and_survives_a_restart_as_cancels_of_ours() {
    let mut world = World::working("a", Side::Buy, "1");
    world.global_cancel();
    world.restart();
    world.resolve();
    assert_eq!(world.connect().cancels(), [1]);
}

#[test]
fn what_a_cancel_or_halt_would_not_change_is_known_before_it_is_taken() {
    let mut world = World::working("a", Side::Buy, "1");
    world.submit("b", Side::Buy, "1");
    let one = |name: &str| Command::Cancel { client_order_id: key(name), correlation_id: correlation("w") };
    let all = || Command::CancelAll { scope: CancelScope::All, correlation_id: correlation("w") };
    let halt = || Command::Halt { by: "operator".into(), reason: "drill".into() };
    let repeats = |world: &World, command: Command| world.core.repeats(world.now, &command);

    assert!(matches!(repeats(&world, one("nobody")), Some(Reply::Misuse(_))));
    assert!(repeats(&world, one("a")).is_none() && repeats(&world, all()).is_none());
    assert!(repeats(&world, halt()).is_none());
    world.cancel("a");
    assert!(matches!(repeats(&world, one("a")), Some(Reply::Order(_))), "it is on its way");
    assert!(repeats(&world, all()).is_none(), "the other is not");
    world.cancel("b");
    assert!(matches!(repeats(&world, all()), Some(Reply::Canceling(names)) if names.len() == 2));
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert!(repeats(&world, one("a")).is_none(), "it may be tried again");
    world.disconnect();
    assert!(repeats(&world, one("a")).is_some(), "it leaves with the next connection");
    world.connect();
    world.status("a", "Cancelled", "0");
    assert!(matches!(repeats(&world, one("a")), Some(Reply::Order(_))), "it has ended");
    world.halt();
    assert!(matches!(repeats(&world, halt()), Some(Reply::Done)));
    assert!(
        repeats(
            &world,
            Command::Resume { scope: CancelScope::All, by: "operator".into(), reason: "over".into() }
        )
        .is_none()
    );
}

#[test]
fn a_global_cancel_is_the_same_act_for_a_second() {
    let mut world = World::working("a", Side::Buy, "1");
    let (by, reason) = ("operator".to_owned(), "drill".to_owned());
    let again = Command::GlobalCancel { by, reason, correlation_id: correlation("w") };
    assert!(world.core.repeats(world.now, &again).is_none());
    world.global_cancel();
    assert!(world.core.repeats(world.now, &again).is_some());
    world.wait(seconds(1));
    assert!(world.core.repeats(world.now, &again).is_none(), "others may have placed orders since");
    world.global_cancel();
    world.disconnect();
    assert!(world.core.repeats(world.now, &again).is_none());
}

#[test]
fn an_order_that_was_told_dead_and_that_the_lists_show_alive_is_canceled() {
    for status in ["Submitted", "Inactive"] {
        let mut world = World::working("a", Side::Buy, "1");
        let mut books = world.rows(&["a"]);
        books.open[0].status = alphec_model::broker::BrokerStatus::from(smol_str::SmolStr::new(status));
        world.cancel("a");
        world.status("a", "Cancelled", "0");
        assert_eq!(world.state("a"), OrderState::Canceled);
        assert_eq!(world.next_books(books).cancels(), [1], "another may be in its place by now");
        assert_eq!((world.state("a"), is_asked(&world, "a")), (OrderState::Working, true));
    }
}
