//! One key, one order; ids that only rise; a reference that carries our name.

use alphec_core::{Misuse, Reply};
use alphec_model::{BrokerRequest, OrderState, Side, StrategyId};

use crate::support::World;
use crate::support::broker::Books;
use crate::support::setup::{limit, request, seconds};

#[test]
fn the_same_key_and_body_is_the_same_order_and_is_sent_once() {
    let mut world = World::ready();
    assert_eq!(world.submit("a", Side::Buy, "10").places(), 1);
    let again = world.submit("a", Side::Buy, "10");
    assert_eq!((again.places(), again.order().state), (0, OrderState::PendingNew));
    world.open_order("a", "Submitted");
    world.modify("a", limit(Side::Buy, "20", "100"));
    world.open_order_with("a", "Submitted", &limit(Side::Buy, "20", "100"));
    let again = world.submit("a", Side::Buy, "10");
    assert_eq!(again.order().spec, limit(Side::Buy, "20", "100"), "the body first asked for is compared");
    world.restart();
    assert_eq!(world.submit("a", Side::Buy, "10").order().state, OrderState::Working, "also after a restart");
}

#[test]
fn the_same_key_and_another_body_is_refused() {
    let mut world = World::ready();
    let asked = || request("a", "AAPL", limit(Side::Buy, "10", "100"));
    world.submit_request(asked());
    let mut others = vec![
        request("a", "AAPL", limit(Side::Buy, "11", "100")),
        request("a", "AAPL", limit(Side::Sell, "10", "100")),
        request("a", "AAPL", limit(Side::Buy, "10", "101")),
        request("a", "ES", limit(Side::Buy, "10", "100")),
    ];
    let mut of_another = asked();
    of_another.strategy_id = StrategyId::new("momentum").unwrap();
    others.push(of_another);
    for other in others {
        let seen = world.submit_request(other);
        assert_eq!((seen.places(), seen.misuse()), (0, &Misuse::KeyReused(crate::support::setup::key("a"))));
    }
}

#[test]
fn a_denied_key_stays_denied() {
    let mut world = World::started();
    world.submit("a", Side::Buy, "10");
    world.resolve();
    world.connect();
    world.feed();
    world.books(Books::default());
    let again = world.submit("a", Side::Buy, "10");
    assert_eq!((again.places(), again.order().state), (0, OrderState::Denied));
}

#[test]
fn broker_ids_never_fall_whatever_the_broker_offers() {
    let mut world = World::started();
    world.resolve();
    world.session(&["DU1"], 500);
    world.feed();
    world.books(Books::default());
    let id = |world: &World, name: &str| world.order(name).broker_order_id.unwrap().get();
    world.submit("a", Side::Buy, "1");
    world.submit("b", Side::Buy, "1");
    assert_eq!((id(&world, "a"), id(&world, "b")), (500, 501));
    // A gateway that lost them offers the same ids again.
    world.disconnect();
    world.session(&["DU1"], 500);
    world.feed();
    world.books(Books::default());
    world.next_books(Books::default());
    world.submit("c", Side::Buy, "1");
    assert_eq!(id(&world, "c"), 502);
    world.restart();
    world.resolve();
    world.session(&["DU1"], 1);
    world.feed();
    world.books(Books::default());
    world.next_books(Books::default());
    world.submit("d", Side::Buy, "1");
    assert_eq!(id(&world, "d"), 503);
}

#[test]
fn ids_that_the_broker_shows_as_ours_are_never_given_out() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "1");
    let mut row = crate::support::broker::open_row(&world.order("a"), "Submitted");
    for (client, id) in
        [(crate::support::setup::CLIENT, 40), (99, 900), (crate::support::setup::CLIENT, i32::MAX)]
    {
        row.names = crate::support::broker::foreign(client, id, 5_000 + i64::from(id));
        row.names.order_ref = Some("typed by hand".into());
        world.event(alphec_model::BrokerEvent::OpenOrder(row.clone()));
    }
    world.submit("b", Side::Buy, "1");
    assert_eq!(world.order("b").broker_order_id.unwrap().get(), 41);
}

#[test]
fn used_up_ids_deny_and_are_never_used_twice() {
    let mut world = World::started();
    world.resolve();
    world.session(&["DU1"], i32::MAX - 1);
    world.feed();
    world.books(Books::default());
    assert_eq!(world.submit("a", Side::Buy, "1").places(), 1);
    assert!(world.submit("b", Side::Buy, "1").denied().is_not_ready());
}

#[test]
fn the_request_carries_terms_reference_and_connection() {
    let mut world = World::ready();
    let seen = world.submit("a", Side::Sell, "7");
    let [BrokerRequest::Place(ticket)] = seen.0.requests.as_slice() else { panic!("{:?}", seen.0.requests) };
    assert_eq!(ticket.spec, limit(Side::Sell, "7", "100"));
    assert_eq!(ticket.order_ref.as_str(), world.order("a").order_ref.unwrap().as_str());
    assert_eq!(
        ticket.order_ref.intent().map(|intent| (intent.log.to_string(), intent.number)),
        Some(("k3f9q2aa".into(), 1))
    );
    assert_eq!(ticket.generation, world.generation);
}

#[test]
fn silence_is_doubt_and_the_books_are_asked_for() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    world.wait(seconds(4));
    assert_eq!(world.state("a"), OrderState::PendingNew);
    let seen = world.wait(seconds(1));
    assert_eq!((world.state("a"), seen.snapshots(), seen.places()), (OrderState::InDoubt, 1, 0));
    assert_eq!(seen.alerts(alphec_model::AlertKind::OrderInDoubt), 1);
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

#[test]
fn an_order_that_was_never_written_is_denied_and_frees_its_exposure() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    let broker_order_id = world.order("a").broker_order_id.unwrap();
    world.wait(seconds(6));
    assert_eq!(world.state("a"), OrderState::InDoubt);
    let wire = alphec_model::broker::Wire::Place;
    world.event(alphec_model::BrokerEvent::NotWritten {
        broker_order_id,
        wire,
        why: "old connection".into(),
    });
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Denied, "0".into()));
    world.submit("b", Side::Buy, "10");
    world.open_order("b", "Submitted");
    let broker_order_id = world.order("b").broker_order_id.unwrap();
    world.event(alphec_model::BrokerEvent::NotWritten { broker_order_id, wire, why: "late".into() });
    assert_eq!(world.state("b"), OrderState::Working, "what the broker showed was written");
}

#[test]
fn an_unknown_order_is_a_misuse() {
    let mut world = World::ready();
    let unknown = Misuse::UnknownOrder(crate::support::setup::key("ghost"));
    assert_eq!(world.cancel("ghost").misuse(), &unknown);
    assert_eq!(world.modify("ghost", limit(Side::Buy, "1", "100")).misuse(), &unknown);
    assert!(matches!(world.halt().reply(), Reply::Done));
}
