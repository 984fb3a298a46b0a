//! What stops trading, and what others do in our accounts.

use alphec_model::broker::{OpenOrderReport, Wire};
use alphec_model::{BrokerEvent, CancelScope, Command, Side, StrategyId};

use super::buy;
use crate::support::World;
use crate::support::broker::{self, Books, foreign_execution, position};
use crate::support::setup::{account, correlation, instrument};

fn scopes() -> [CancelScope; 4] {
    [
        CancelScope::Account { account: account("DU1") },
        CancelScope::Strategy { strategy_id: StrategyId::new("mean-reversion").unwrap() },
        CancelScope::Instrument { instrument: instrument("AAPL") },
        CancelScope::All,
    ]
}

pub(super) fn stops() -> World {
    let mut world = World::working("a", Side::Buy, "5");
    scopes().into_iter().for_each(|scope| drop(world.cancel_all(scope)));
    world.global_cancel();
    let at = world.now;
    world.event(BrokerEvent::GlobalCancelWritten { at });
    world.event(BrokerEvent::GlobalCancelNotWritten { why: "the socket is full".into() });
    let broker_order_id = world.order("a").broker_order_id.unwrap();
    let why = "the queue is full".to_owned();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Cancel, why });
    scopes().into_iter().for_each(|scope| drop(world.kill(scope)));
    world.status("a", "Cancelled", "0");
    world.next_books(Books::default());
    world.command(Command::Reconcile { correlation_id: correlation("work-7") });
    world.next_books(Books::default());
    // One of them stays.
    for scope in scopes().into_iter().filter(|scope| !matches!(scope, CancelScope::Strategy { .. })) {
        assert!(world.resume_in(scope).has("resumed"));
    }
    world.halt();
    world.next_books(Books::default());
    world.resume();
    world
}

/// A buy of 10 by client 99, with a reference of its own.
fn theirs(world: &World) -> OpenOrderReport {
    let mut row = broker::open_row(&world.order("a"), "Submitted");
    row.names = broker::foreign(99, 1, 77_777);
    row.names.order_ref = Some("by hand".into());
    row.terms = broker::echoed(&buy("10"));
    row
}

pub(super) fn others() -> World {
    let mut world = World::working("a", Side::Buy, "1");
    let row = theirs(&world);
    world.event(BrokerEvent::OpenOrder(row.clone()));
    let mut status = broker::status_of(&world.order("a"), "Submitted", "4");
    status.names = broker::foreign(99, 1, 77_777);
    world.event(BrokerEvent::Status(status));
    let mut gone = row.clone();
    gone.names = broker::foreign(98, 2, 88_888);
    world.event(BrokerEvent::OpenOrder(gone));
    world.event(BrokerEvent::Execution(foreign_execution("ES", Side::Sell, "0009.01", "2")));
    // A difference that a fill explains, one that a person accepts, one that stays.
    let books = |world: &World, aapl: &str, sap: &str| {
        let mut books = world.rows(&["a"]);
        books.open.push(row.clone());
        books.positions = vec![position("ES", "-2"), position("AAPL", aapl), position("SAP", sap)];
        books
    };
    for _ in 0..2 {
        let books = books(&world, "5", "3");
        world.next_books(books);
    }
    world.event(BrokerEvent::Execution(foreign_execution("AAPL", Side::Buy, "0010.01", "5")));
    let thawed = books(&world, "5", "3");
    assert!(world.next_books(thawed).has("break_cleared"));
    let (by, reason) = ("mary".into(), "the statement of Tuesday".into());
    let (account, instrument) = (account("DU1"), instrument("SAP"));
    assert!(
        world.command(Command::AcceptPosition { account, instrument, by, reason }).has("position_accepted")
    );
    for _ in 0..2 {
        let books = books(&world, "6", "3");
        world.next_books(books);
    }
    world.salvaged();
    world
}
