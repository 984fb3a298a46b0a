//! The kill switch: persisted, verified by complete lists, tried until it is true (invariants I12, I29).

use alphec_core::{Input, Misuse, Reply};
use alphec_model::broker::{NoticeClass, Wire};
use alphec_model::{
    AlertKind, BrokerEvent, BrokerOrderId, BrokerRequest, CancelScope, OrderState, Rule, Side, StrategyId,
};

use crate::support::World;
use crate::support::broker::{Books, position};
use crate::support::setup::{account, instrument, limit, request, seconds};

fn is_verified(world: &World, scope: &CancelScope) -> bool {
    world.core.book().halt_of(scope).is_some_and(|halt| halt.is_verified)
}

#[test]
fn a_kill_halts_cancels_and_is_verified_by_lists_asked_for_after_it() {
    let mut world = World::working("a", Side::Buy, "5");
    world.submit("new", Side::Buy, "1");
    let seen = world.kill(CancelScope::All);
    assert_eq!(seen.cancels(), [1, 2]);
    assert!(matches!(seen.reply(), Reply::Canceling(names) if names.len() == 2));
    assert!(seen.has("halted") && seen.alerts(AlertKind::Halted) == 1);
    assert_eq!(world.submit("b", Side::Buy, "1").denied().rule(), Rule::Halted);
    world.status("a", "Cancelled", "0");
    world.status("new", "Cancelled", "0");
    assert!(!is_verified(&world, &CancelScope::All), "statuses are no complete lists");
    let seen = world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All) && seen.alerts(AlertKind::KillVerified) == 1);
    assert_eq!(world.next_books(Books::default()).alerts(AlertKind::KillVerified), 0, "told once");
}

#[test]
fn lists_that_do_not_close_the_gap_verify_nothing() {
    let mut world = World::ready();
    world.kill(CancelScope::All);
    world.reconnect();
    let differs = || Books { positions: vec![position("AAPL", "5")], ..Books::default() };
    world.books(differs());
    assert!(!is_verified(&world, &CancelScope::All), "they differ from what we know: they are read again");
    world.next_books(differs());
    assert!(is_verified(&world, &CancelScope::All));
}

#[test]
fn lists_asked_for_before_the_kill_verify_nothing() {
    let mut world = World::ready();
    world.wait(seconds(60));
    let early = world.asked.unwrap();
    world.now = world.now.saturating_add(seconds(1));
    world.kill(CancelScope::All);
    world.event(Books::default().snapshot(early, world.generation));
    assert!(!is_verified(&world, &CancelScope::All));
    world.asked = None;
    world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All));
}

#[test]
fn each_scope_halts_and_cancels_what_it_reaches_and_nothing_else() {
    let scopes = [
        (CancelScope::All, [true, true, true]),
        (CancelScope::Account { account: account("DU1") }, [true, true, true]),
        (CancelScope::Strategy { strategy_id: StrategyId::new("other").unwrap() }, [false, true, false]),
        (CancelScope::Instrument { instrument: instrument("ES") }, [false, false, true]),
    ];
    for (scope, reached) in scopes {
        let mut world = World::ready();
        let of = |name: &str, number: usize| {
            let mut request = match number {
                2 => request(name, "ES", limit(Side::Buy, "1", "5000")),
                _ => request(name, "AAPL", limit(Side::Buy, "1", "100")),
            };
            if number == 1 {
                request.strategy_id = StrategyId::new("other").unwrap();
            }
            request
        };
        for number in 0..3 {
            world.submit_request(of(&format!("o{number}"), number));
            world.open_order(&format!("o{number}"), "Submitted");
        }
        let expected: Vec<i32> = (1..=3).zip(reached).filter_map(|(id, is)| is.then_some(id)).collect();
        assert_eq!(world.kill(scope.clone()).cancels(), expected, "{scope}");
        for (number, is_reached) in reached.into_iter().enumerate() {
            let order = world.submit_request(of(&format!("p{number}"), number)).order();
            assert_eq!(order.state == OrderState::Denied, is_reached, "{scope} {number}");
            let change = world.modify(
                &format!("o{number}"),
                match number {
                    2 => limit(Side::Buy, "2", "5000"),
                    _ => limit(Side::Buy, "2", "100"),
                },
            );
            assert_eq!(change.replaces() == 0, is_reached, "{scope} {number}");
        }
    }
}

#[test]
fn what_still_works_is_canceled_again_after_every_list_whatever_refused_it() {
    let mut world = World::working("a", Side::Buy, "5");
    world.kill(CancelScope::All);
    for round in 0..6 {
        world.notice("a", 10_147, NoticeClass::NotFound);
        let books = world.rows(&["a"]);
        assert_eq!(world.next_books(books).cancels(), [1], "round {round}");
        assert!(!is_verified(&world, &CancelScope::All));
    }
    world.status("a", "Cancelled", "0");
    world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All));
}

#[test]
fn a_kill_without_a_connection_leaves_with_the_next_one_also_after_a_restart() {
    let mut world = World::working("a", Side::Buy, "5");
    world.disconnect();
    assert_eq!(world.kill(CancelScope::All).cancels(), [0; 0]);
    assert_eq!(world.connect().cancels(), [1]);
    let seen = world.restart();
    assert_eq!(seen.alerts(AlertKind::Halted), 1, "still halted");
    world.resolve();
    assert_eq!(world.connect().cancels(), [1]);
    let books = world.rows(&["a"]);
    assert_eq!(world.books(books).cancels(), [1]);
    world.status("a", "Cancelled", "0");
    world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All));
    world.restart();
    assert!(is_verified(&world, &CancelScope::All), "the proof is on record");
    assert_eq!(world.submit("b", Side::Buy, "1").denied().rule(), Rule::Halted);
}

#[test]
fn resuming_needs_a_verified_kill_clean_books_and_its_own_scope() {
    let mut world = World::working("a", Side::Buy, "5");
    let scope = CancelScope::Instrument { instrument: instrument("AAPL") };
    world.kill(scope.clone());
    assert!(matches!(world.resume().misuse(), Misuse::NotHalted(CancelScope::All)));
    assert!(matches!(world.resume_in(scope.clone()).misuse(), Misuse::NotClean(_)));
    let books = world.rows(&["a"]);
    world.next_books(books);
    let seen = world.resume_in(scope.clone());
    assert!(matches!(seen.misuse(), Misuse::NotClean(why) if why.contains("still live: a")));
    world.status("a", "Cancelled", "0");
    world.next_books(Books::default());
    let seen = world.resume_in(scope);
    assert!(matches!(seen.reply(), Reply::Done) && seen.alerts(AlertKind::Resumed) == 1);
    world.feed();
    assert_eq!(world.submit("b", Side::Buy, "1").order().state, OrderState::PendingNew);
}

#[test]
fn a_second_life_keeps_a_kill_from_being_verified() {
    let mut world = World::working("a", Side::Buy, "5");
    world.kill(CancelScope::All);
    let mut second = crate::support::broker::open_row(&world.order("a"), "Submitted");
    second.names.perm_id = Some(alphec_model::PermId::new(9_999));
    world.status("a", "Cancelled", "0");
    // One list may leave it out; the next is read soon.
    for open in [vec![second.clone()], vec![], vec![second], vec![]] {
        world.next_books(Books { open, ..Books::default() });
        assert!(!is_verified(&world, &CancelScope::All));
        assert!(matches!(world.resume().misuse(), Misuse::NotClean(_)));
    }
    world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All));
    assert!(matches!(world.resume().reply(), Reply::Done));
}

#[test]
fn what_came_back_after_a_kill_was_verified_keeps_trading_halted() {
    let mut world = World::working("a", Side::Buy, "5");
    let books = world.rows(&["a"]);
    world.kill(CancelScope::All);
    world.status("a", "Cancelled", "0");
    world.next_books(Books::default());
    assert!(is_verified(&world, &CancelScope::All));
    assert_eq!(world.next_books(books).cancels(), [1], "it is canceled again");
    assert!(matches!(world.resume().misuse(), Misuse::NotClean(why) if why.contains("still live: a")));
}

#[test]
fn books_that_differ_are_not_clean_the_first_time_either() {
    let mut world = World::ready();
    world.wait(seconds(1));
    world.halt();
    let positions = vec![position("ES", "3")];
    world.next_books(Books { positions, ..Books::default() });
    assert!(matches!(world.resume().misuse(), Misuse::NotClean(_)));
    world.next_books(Books::default());
    assert!(matches!(world.resume().reply(), Reply::Done));
}

#[test]
fn resuming_is_refused_while_an_order_is_in_doubt_or_a_position_broken() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    world.wait(seconds(6));
    world.halt();
    let books = world.rows(&["a"]);
    let mut failing = books.clone();
    failing.open.clear();
    world.next_books(failing.clone());
    world.next_books(failing);
    assert_eq!(world.state("a"), OrderState::InDoubt);
    assert!(matches!(world.resume().misuse(), Misuse::NotClean(why) if why.contains("in doubt: a")));
    world.next_books(books.clone());
    assert_eq!(world.state("a"), OrderState::Working);
    let mut differs = books.clone();
    differs.positions = vec![position("ES", "3")];
    world.next_books(differs.clone());
    world.next_books(differs);
    assert!(matches!(world.resume().misuse(), Misuse::NotClean(why) if why.contains("ES")));
    world.next_books(books);
    assert!(matches!(world.resume().reply(), Reply::Done));
}

#[test]
fn an_order_decided_before_a_kill_does_not_leave_after_it() {
    let mut world = World::ready();
    let seen = world.submit("a", Side::Buy, "1");
    let placed = seen.0.requests[0].clone();
    assert_eq!(world.core.last_look(world.now, &placed), Ok(()));
    world.kill(CancelScope::Strategy { strategy_id: StrategyId::new("mean-reversion").unwrap() });
    assert!(world.core.last_look(world.now, &placed).unwrap_err().contains("halted"));
}

#[test]
fn what_may_wait_at_the_adapter_is_withdrawn_by_a_halt_of_its_scope_once_and_before_any_cancel() {
    let mut world = World::working("works", Side::Buy, "5");
    world.submit("new", Side::Buy, "1");
    world.submit_spec("other", "ES", limit(Side::Buy, "1", "5000"));
    world.modify("works", limit(Side::Buy, "4", "100"));
    let seen = world.kill(CancelScope::Instrument { instrument: instrument("ES") });
    assert_eq!(seen.withdrawn(), [3]);
    assert!(matches!(seen.0.requests.first(), Some(BrokerRequest::Withdraw { .. })), "{:?}", seen.0.requests);
    assert_eq!(
        world.halt().withdrawn(),
        [1, 2, 3],
        "a new order, the change of one that works, one in another place"
    );
    assert_eq!(world.halt().withdrawn(), [0; 0], "nothing has left since");
    let (broker_order_id, why) = (BrokerOrderId::new(2), "withdrawn".to_owned());
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why });
    assert!(world.state("new").is_terminal());
}

#[test]
fn an_order_in_doubt_may_still_wait_to_be_written_and_is_withdrawn() {
    let mut world = World::ready();
    world.submit("new", Side::Buy, "1");
    world.wait(seconds(60));
    assert_eq!(world.state("new"), OrderState::InDoubt);
    assert_eq!(world.halt().withdrawn(), [1]);
    let (broker_order_id, why) = (BrokerOrderId::new(1), "withdrawn".to_owned());
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why });
    assert!(world.state("new").is_terminal(), "it is proven that the broker never saw it");
}

#[test]
fn what_may_wait_is_withdrawn_when_the_journal_takes_no_records() {
    let mut world = World::ready();
    world.submit("new", Side::Buy, "1");
    assert_eq!(world.input(Input::Journal { trouble: Some("full".to_owned()) }).withdrawn(), [1]);
    assert_eq!(world.input(Input::Journal { trouble: None }).withdrawn(), [0; 0]);
}

#[test]
fn what_the_broker_is_at_work_on_is_not_canceled_over_and_over_and_is_once_it_is_not() {
    let mut world = World::working("a", Side::Buy, "5");
    assert_eq!(world.kill(CancelScope::All).cancels(), [1]);
    let rows = |world: &World, status: &str| {
        let mut books = world.rows(&["a"]);
        books.open[0].status = alphec_model::broker::BrokerStatus::from(smol_str::SmolStr::new(status));
        books
    };
    for _ in 0..50 {
        let books = rows(&world, "PendingCancel");
        assert_eq!(world.next_books(books).cancels(), Vec::<i32>::new(), "a venue may be closed for days");
    }
    let books = rows(&world, "Submitted");
    assert_eq!(world.next_books(books).cancels(), [1]);
}
