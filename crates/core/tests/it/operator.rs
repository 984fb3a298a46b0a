//! What only a person can settle: on record, with author and reason, and no fill invented.

use alphec_core::{Misuse, Reply};
use alphec_model::{Body, Command, CorrelationId, Evidence, OrderState, Rule, Side};

use crate::support::broker::{Books, position};
use crate::support::setup::{account, instrument, key, limit, request, seconds};
use crate::support::{Seen, World};

fn accept(world: &mut World, of: &str) -> Seen {
    world.command(Command::AcceptPosition {
        account: account("DU1"),
        instrument: instrument(of),
        by: "mary".into(),
        reason: "the statement of Tuesday".into(),
    })
}

fn settle(world: &mut World, name: &str) -> Seen {
    let (by, reason) = ("mary".into(), "not on the statement".into());
    world.command(Command::Settle { client_order_id: key(name), by, reason })
}

fn broken() -> (World, Books) {
    let mut world = World::ready();
    let books = Books { positions: vec![position("AAPL", "3")], ..Books::default() };
    world.next_books(books.clone());
    world.next_books(books.clone());
    world.feed();
    assert_eq!(world.submit("x", Side::Buy, "1").denied().rule(), Rule::AllowedInstrument);
    (world, books)
}

#[test]
fn an_accepted_position_is_ours_from_there_and_thaws_the_instrument() {
    let (mut world, books) = broken();
    let seen = accept(&mut world, "AAPL");
    assert!(matches!(seen.reply(), Reply::Done));
    let accepted = seen.0.records.iter().find_map(|record| match &record.body {
        Body::PositionAccepted { ours, theirs, by, reason, .. } => {
            Some((ours.to_string(), theirs.to_string(), by.clone(), reason.clone()))
        }
        _ => None,
    });
    let expected = ("0".into(), "3".into(), "mary".into(), "the statement of Tuesday".into());
    assert_eq!(accepted, Some(expected));
    assert_eq!(world.position("AAPL"), "3");
    world.next_books(books.clone());
    world.next_books(books);
    world.feed();
    assert_eq!(world.submit_request(request("y", "AAPL", limit(Side::Buy, "1", "100"))).places(), 1);
}

#[test]
fn there_is_nothing_to_accept_where_both_counts_agree() {
    let (mut world, _) = broken();
    assert!(matches!(accept(&mut world, "ES").misuse(), Misuse::NotBroken { .. }));
    accept(&mut world, "AAPL");
    assert!(matches!(accept(&mut world, "AAPL").misuse(), Misuse::NotBroken { .. }), "once");
}

#[test]
fn an_order_in_doubt_is_settled_by_a_named_person_and_watched_for() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "2");
    assert!(matches!(settle(&mut world, "a").misuse(), Misuse::NotInDoubt { .. }));
    assert!(matches!(settle(&mut world, "nobody").misuse(), Misuse::UnknownOrder(_)));
    world.wait(seconds(6));
    let seen = settle(&mut world, "a");
    assert_eq!((seen.order().state, world.reserved_buys("AAPL")), (OrderState::Canceled, "0".into()));
    assert_eq!(seen.cancels(), [1], "it may wait there untransmitted, where nobody sees it");
    let changed = world.bodies("a", "order_changed");
    let Some(Body::OrderChanged { evidence: Evidence::Operator { who, .. }, .. }) = changed.last() else {
        panic!("an operator's word: {changed:?}");
    };
    assert_eq!(who, "mary");
    let seen = world.open_order("a", "Submitted");
    assert_eq!((world.state("a"), seen.cancels()), (OrderState::Working, vec![1]), "it was not over");
}

#[test]
fn books_are_read_out_of_turn_on_request_and_it_is_told_as_of_when() {
    let mut world = World::ready();
    world.next_books(Books::default());
    world.wait(seconds(10));
    assert_eq!(world.asked, None, "nothing is due");
    let seen = world.command(Command::Reconcile { correlation_id: CorrelationId::new("work").unwrap() });
    let Reply::Reconciling(asked) = *seen.reply() else { panic!("{:?}", seen.reply()) };
    assert!(world.asked.is_some(), "the lists are asked for");
    assert!(world.core.readiness().books_as_of.is_some_and(|read| read < asked));
    world.next_books(Books::default());
    assert!(world.core.readiness().books_as_of.is_some_and(|read| read >= asked));
    world.disconnect();
    assert_eq!(world.core.readiness().books_as_of, None, "what was read belongs to its connection");
}

#[test]
fn a_position_that_was_traded_since_it_was_counted_is_not_accepted_before_it_is_counted_again() {
    let (mut world, books) = broken();
    world.wait(seconds(1));
    let fill = crate::support::broker::foreign_execution("AAPL", Side::Buy, "e1.01", "3");
    world.event(alphec_model::BrokerEvent::Execution(fill));
    assert!(matches!(accept(&mut world, "AAPL").misuse(), Misuse::NotClean(_)), "both would count");
    assert!(world.next_books(books).has("break_cleared"), "it was that very execution");
    assert_eq!(world.position("AAPL"), "3");
}
