//! Positions: adopted once, moved by executions, compared twice, frozen when they differ, never repaired.

use alphec_model::{AlertKind, BrokerEvent, DenyReason, OrderState, Side};

use crate::support::World;
use crate::support::broker::{Books, foreign_execution, position};
use crate::support::setup::{con_id, instrument, seconds};

fn holds(of: &str, qty: &str) -> Books {
    Books { positions: vec![position(of, qty)], ..Books::default() }
}

fn is_frozen(world: &mut World, name: &str) -> bool {
    world.feed();
    match world.submit(name, Side::Buy, "1").order().deny_reason.clone() {
        None => false,
        Some(DenyReason::InstrumentNotAllowed { why_not, .. }) => why_not.contains("frozen"),
        Some(other) => panic!("another reason: {other:?}"),
    }
}

#[test]
fn the_first_position_is_adopted_and_later_ones_are_compared() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    world.books(holds("AAPL", "-7"));
    assert_eq!(world.position("AAPL"), "-7");
    world.reconnect();
    world.books(holds("AAPL", "-9"));
    assert_eq!(world.position("AAPL"), "-7", "a difference is never repaired");
}

#[test]
fn a_difference_seen_twice_freezes_and_agreement_thaws() {
    let mut world = World::ready();
    let seen = world.next_books(holds("AAPL", "5"));
    assert_eq!(seen.alerts(AlertKind::PositionBreak), 0, "once may be a lag");
    assert!(world.core.readiness().disputed);
    let seen = world.next_books(holds("AAPL", "5"));
    assert!(!world.core.readiness().disputed, "by now it is a break");
    assert_eq!((seen.alerts(AlertKind::PositionBreak), seen.has("position_broken")), (1, true));
    assert!(is_frozen(&mut world, "a"));
    let seen = world.next_books(holds("AAPL", "5"));
    assert_eq!(seen.alerts(AlertKind::PositionBreak), 0, "told once");
    world.restart();
    world.resolve();
    world.connect();
    world.books(holds("AAPL", "5"));
    assert!(is_frozen(&mut world, "b"), "also after a restart");
    world.event(BrokerEvent::Execution(foreign_execution("AAPL", Side::Buy, "e1.01", "5")));
    assert!(world.next_books(holds("AAPL", "5")).has("break_cleared"));
    assert!(!is_frozen(&mut world, "c"));
}

#[test]
fn two_different_differences_in_a_row_are_a_break_as_well() {
    let mut world = World::ready();
    assert!(!world.next_books(holds("AAPL", "5")).has("position_broken"));
    assert!(world.next_books(holds("AAPL", "6")).has("position_broken"));
}

#[test]
fn a_break_is_recorded_while_the_instrument_is_traded() {
    let mut world = World::working("a", Side::Buy, "100");
    let mut broken = false;
    // Someone else sold five, and nobody told us.
    for fill in 1..=4_u32 {
        world.fill("a", &format!("e{fill}.01"), "10");
        let rows = world.rows(&["a"]);
        let positions = vec![position("AAPL", &(10 * fill - 5).to_string())];
        broken |= world.next_books(Books { positions, ..rows }).has("position_broken");
    }
    assert!(broken && is_frozen(&mut world, "b"));
}

#[test]
fn a_count_that_lags_behind_every_fill_is_no_break() {
    let mut world = World::working("a", Side::Buy, "100");
    world.wait(seconds(59));
    for fill in 1..=4_u32 {
        world.wait(seconds(1));
        world.fill("a", &format!("e{fill}.01"), "10");
        world.fill("a", &format!("e{fill}b.01"), "5");
        let rows = world.rows(&["a"]);
        let before_the_last = vec![position("AAPL", &(15 * fill - 5).to_string())];
        let seen = world.next_books(Books { positions: before_the_last, ..rows });
        assert!(!seen.has("position_broken"), "{fill}");
    }
}

#[test]
fn a_position_that_lags_its_fill_is_no_break() {
    let mut world = World::working("a", Side::Buy, "10");
    world.wait(seconds(60));
    world.now = world.now.saturating_add(seconds(1));
    world.fill("a", "e1.01", "10");
    world.books(Books::default());
    assert!(!world.next_books(holds("AAPL", "10")).has("position_broken"));
    assert!(!is_frozen(&mut world, "b"));
}

#[test]
fn a_difference_at_connection_is_settled_before_anything_is_sent() {
    let mut world = World::ready();
    world.reconnect();
    world.books(holds("AAPL", "5"));
    assert!(!world.core.readiness().is_ready(), "the first look differs: look again");
    world.next_books(holds("AAPL", "5"));
    assert!(world.core.readiness().is_ready());
    assert!(is_frozen(&mut world, "a"));
}

#[test]
fn currency_pairs_are_cash_and_are_not_compared() {
    let mut world = World::ready();
    for _ in 0..3 {
        assert!(!world.next_books(holds("EUR.USD", "5")).has("position_broken"));
    }
}

#[test]
fn nothing_is_adopted_or_sent_before_every_instrument_has_its_name() {
    let mut world = World::started();
    world.connect();
    world.feed();
    let mut row = position("AAPL", "7");
    row.instrument = None;
    let books = || Books { positions: vec![row.clone()], ..Books::default() };
    world.books(books());
    assert!(!world.core.readiness().is_ready());
    world.resolve();
    world.next_books(books());
    assert!(world.core.readiness().is_ready());
    assert_eq!(world.position("AAPL"), "7");
    assert_eq!(world.position("con:265598"), "0");
}

#[test]
fn a_holding_keeps_its_size_when_its_instrument_joins_the_profile() {
    let mut world = World::started_with(|config| {
        config.instruments.remove(&instrument("AAPL"));
    });
    for id in ["ES", "EUR.USD", "SAP"] {
        resolve(&mut world, id);
    }
    world.connect();
    let mut row = position("AAPL", "7");
    row.instrument = None;
    world.books(Books { positions: vec![row], ..Books::default() });
    assert_eq!(world.position("con:265598"), "7");
    world.restart_with(crate::support::setup::config());
    world.resolve();
    assert_eq!((world.position("AAPL"), world.position("con:265598")), ("7".into(), "0".into()));
    world.connect();
    world.books(holds("AAPL", "7"));
    assert!(!is_frozen(&mut world, "a"));
}

fn resolve(world: &mut World, id: &str) {
    world.event(BrokerEvent::InstrumentResolved {
        instrument: instrument(id),
        con_id: con_id(id),
        tick: None,
        multiplier: None,
    });
}

#[test]
fn a_fill_is_named_by_its_order_while_contracts_are_not_resolved() {
    let mut world = World::working("a", Side::Buy, "10");
    world.restart();
    world.connect();
    let mut report = crate::support::broker::execution(&world.order("a"), "e1.01", "10", "100");
    (report.instrument, report.con_id) = (None, Some(con_id("AAPL")));
    world.event(BrokerEvent::Execution(report));
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "10".into()));
}

#[test]
fn a_foreign_fill_before_contracts_are_resolved_ends_up_under_our_name() {
    let mut world = World::ready();
    world.restart();
    world.connect();
    let mut report = foreign_execution("AAPL", Side::Buy, "e1.01", "3");
    report.instrument = None;
    world.event(BrokerEvent::Execution(report));
    assert_eq!(world.position("con:265598"), "3");
    world.resolve();
    assert_eq!((world.position("AAPL"), world.position("con:265598")), ("3".into(), "0".into()));
}

#[test]
fn an_execution_without_any_contract_is_raised() {
    let mut world = World::ready();
    let mut report = foreign_execution("AAPL", Side::Buy, "e1.01", "3");
    (report.instrument, report.con_id) = (None, None);
    assert_eq!(world.event(BrokerEvent::Execution(report)).alerts(AlertKind::Anomaly), 1);
}

#[test]
fn a_position_that_lags_the_fills_of_the_same_lists_keeps_nobody_waiting() {
    let mut world = World::working("a", Side::Buy, "10");
    world.reconnect();
    let executions = vec![crate::support::broker::execution(&world.order("a"), "e1.01", "10", "100")];
    world.books(Books { executions, ..Books::default() });
    assert!(world.core.readiness().is_ready());
    assert!(!world.next_books(holds("AAPL", "10")).has("position_broken"));
}

#[test]
fn a_break_stops_what_has_left_the_gate_already() {
    let mut world = World::ready();
    world.next_books(holds("AAPL", "5"));
    world.feed();
    let seen = world.submit("a", Side::Buy, "1");
    let request = seen.0.requests.first().unwrap();
    assert_eq!(world.core.last_look(world.now, request), Ok(()));
    assert_eq!(world.next_books(holds("AAPL", "5")).withdrawn(), [1]);
    world.feed();
    assert!(world.core.last_look(world.now, request).unwrap_err().contains("frozen"));
}

#[test]
fn a_freeze_goes_with_a_holding_whose_instrument_joins_the_profile() {
    let mut world = World::started_with(|config| {
        config.instruments.remove(&instrument("AAPL"));
    });
    for id in ["ES", "EUR.USD", "SAP"] {
        resolve(&mut world, id);
    }
    world.connect();
    let unnamed = |qty: &str| {
        let mut row = position("AAPL", qty);
        row.instrument = None;
        Books { positions: vec![row], ..Books::default() }
    };
    world.books(unnamed("7"));
    world.next_books(unnamed("9"));
    assert!(world.next_books(unnamed("9")).has("position_broken"));
    world.restart_with(crate::support::setup::config());
    world.resolve();
    world.connect();
    world.books(holds("AAPL", "9"));
    assert!(is_frozen(&mut world, "a"), "nothing has shown where the 2 come from");
    world.event(BrokerEvent::Execution(foreign_execution("AAPL", Side::Buy, "e1.01", "2")));
    assert!(world.next_books(holds("AAPL", "9")).has("break_cleared"));
    assert!(!is_frozen(&mut world, "b"));
}

#[test]
fn what_is_listed_by_its_number_while_contracts_are_not_resolved_is_no_break() {
    let mut world = World::ready();
    world.event(BrokerEvent::Execution(foreign_execution("AAPL", Side::Buy, "e1.01", "7")));
    world.next_books(holds("AAPL", "7"));
    world.restart();
    world.connect();
    let mut row = position("AAPL", "7");
    row.instrument = None;
    for _ in 0..4 {
        let seen = world.next_books(Books { positions: vec![row.clone()], ..Books::default() });
        assert!(!seen.has("position_broken"));
    }
    world.resolve();
    world.next_books(holds("AAPL", "7"));
    assert!(!is_frozen(&mut world, "a"));
}
