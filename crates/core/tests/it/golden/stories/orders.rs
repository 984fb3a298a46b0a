//! Orders: what becomes of them.

use alphec_core::{Input, RuleConfig};
use alphec_model::broker::{CommissionReport, NoticeClass, StatusReport, Wire};
use alphec_model::risk::RuleAnswer;
use alphec_model::{
    AccountValue, BrokerEvent, Command, GroupKind, GroupRequest, OrderSpec, OrderState, OrderType, PermId,
    Quote, Side, TickRule, TimeInForce, Trail, UtcNanos, WhenInDoubt,
};

use super::buy;
use crate::support::World;
use crate::support::broker::{
    self, Books, commission, completed_row, execution, foreign_execution, position, status_of,
};
use crate::support::setup::{self, con_id, dec, instrument, key, limit, px, request, seconds, spec};

fn written(world: &mut World, name: &str, wire: Wire) {
    let broker_order_id = world.order(name).broker_order_id.unwrap();
    let at = world.now;
    world.event(BrokerEvent::Written { broker_order_id, wire, at });
}

fn not_written(world: &mut World, name: &str, wire: Wire) {
    let broker_order_id = world.order(name).broker_order_id.unwrap();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire, why: "the queue is full".into() });
}

/// A tick ladder and a multiplier by the broker's word, and a first position with a fill in it.
fn first_sight() -> World {
    let mut world = World::started();
    world.resolve();
    world.event(BrokerEvent::InstrumentResolved {
        instrument: instrument("AAPL"),
        con_id: con_id("AAPL"),
        tick: Some(TickRule::ladder(vec![(px("0"), px("0.0001")), (px("1"), px("0.01"))])),
        multiplier: Some(dec("1")),
    });
    world.connect();
    world.feed();
    let mut bought = foreign_execution("AAPL", Side::Buy, "0001.base.01", "30");
    bought.time = Some("2026-11-23T15:00:00Z".parse().unwrap());
    let positions = vec![position("AAPL", "30"), position("SAP", "-12.5")];
    world.books(Books { executions: vec![bought], positions, ..Books::default() });
    world
}

/// Each type, each time in force.
fn kinds_of_orders(now: UtcNanos) -> [(&'static str, &'static str, OrderSpec); 7] {
    let until = TimeInForce::Gtd { expire_at: now.saturating_add(seconds(3_600)) };
    let (stop_px, limit_px) = (px("105"), px("106"));
    let trailing = |trail| spec(Side::Sell, "5", OrderType::TrailingStop { trail });
    let percent = Trail::Percent { percent: dec("1.5") };
    [
        ("limit", "AAPL", buy("10")),
        ("market", "AAPL", spec(Side::Buy, "2", OrderType::Market).with_time_in_force(TimeInForce::Ioc)),
        (
            "stop",
            "AAPL",
            spec(Side::Buy, "3", OrderType::Stop { stop_px }).with_time_in_force(TimeInForce::Gtc),
        ),
        (
            "stop_limit",
            "AAPL",
            spec(Side::Buy, "4", OrderType::StopLimit { stop_px, limit_px }).with_time_in_force(until),
        ),
        ("by_amount", "AAPL", trailing(Trail::Amount { amount: px("2") })),
        ("by_percent", "AAPL", trailing(percent).with_time_in_force(TimeInForce::Gtc)),
        ("at_once", "ES", limit(Side::Sell, "1", "5000").with_time_in_force(TimeInForce::Fok)),
    ]
}

/// Fills, their costs, a correction and a bust.
fn fills(world: &mut World) {
    let limit_order = world.order("limit");
    let mut first = execution(&limit_order, "0001.0a.01", "4", "100");
    (first.time, first.con_id) = (Some(world.now), Some(con_id("AAPL")));
    world.event(BrokerEvent::Execution(first));
    world.fill("limit", "0001.0b.01", "6");
    world.fill("limit", "0001.0b.02", "5.5");
    world.fill("market", "0002.0a.01", "2");
    world.fill("market", "0002.0a.02", "0");
    world.event(BrokerEvent::Commission(CommissionReport {
        realized_pnl: Some(dec("-12.34")),
        ..commission("0001.0a.01", Some("1.05"))
    }));
    world.commission("0001.0b.02", None);
    world.event(BrokerEvent::Commission(CommissionReport {
        currency: None,
        ..commission("0001.0b.02", Some("-0.20"))
    }));
}

/// Every word of the broker for where an order stands.
fn words(world: &mut World) {
    let order = world.order("stop");
    for word in ["PendingSubmit", "ApiPending", "PreSubmitted", "Inactive", "Dreaming", "Submitted"] {
        let why_held = Some("locate".into());
        let remaining_qty = Some("3".parse().unwrap());
        let report = StatusReport { why_held, remaining_qty, ..status_of(&order, word, "0") };
        world.event(BrokerEvent::Status(report));
    }
    world.cancel("stop");
    written(world, "stop", Wire::Cancel);
    world.status("stop", "PendingCancel", "0");
    world.notice("stop", 10_148, NoticeClass::CancelRefused);
    world.cancel("stop");
    world.status("stop", "ApiCancelled", "0");
    world.status("limit", "Filled", "9.5");
}

pub(super) fn a_day() -> World {
    let mut world = first_sight();
    for (name, of, terms) in kinds_of_orders(world.now) {
        world.submit_spec(name, of, terms);
        written(&mut world, name, Wire::Place);
    }
    world.event(BrokerEvent::OpenOrder({
        let mut row = broker::open_row(&world.order("limit"), "PreSubmitted");
        (row.warning, row.con_id) = (Some("it waits for the open".into()), Some(con_id("AAPL")));
        row
    }));
    for name in ["market", "stop", "stop_limit", "by_amount"] {
        world.open_order(name, "Submitted");
    }
    // Its durable id comes later.
    let mut unnamed = broker::open_row(&world.order("by_percent"), "Submitted");
    unnamed.names.perm_id = None;
    world.event(BrokerEvent::OpenOrder(unnamed));
    assert!(world.status("by_percent", "Submitted", "0").has("perm_id_learned"));
    world.notice("at_once", 201, NoticeClass::Dead);
    fills(&mut world);
    words(&mut world);
    world.now = world.now.saturating_add(seconds(3_601));
    world.status("stop_limit", "Cancelled", "0");
    assert_eq!(world.state("stop_limit"), OrderState::Expired);
    let stopped = world.input(Input::Stop);
    assert!(stopped.has("stopped"));
    let limits = serde_json::to_value(setup::limits()).unwrap();
    world.restart();
    world.input(Input::Stop);
    world.input(Input::Start { version: "0.1.0".into(), profile: "paper".into(), limits });
    world
}

fn ruled() -> World {
    World::ready_with(|config| {
        config.rules =
            ["credit", "desk"].map(|name| RuleConfig { name: name.into(), deadline: seconds(2) }).to_vec();
    })
}

fn pass(world: &mut World, name: &str) {
    for rule in ["credit", "desk"] {
        world.answer(name, rule, RuleAnswer::Pass);
    }
}

fn objection() -> RuleAnswer {
    RuleAnswer::Deny { text: "not today".into(), measured: Some(dec("7")), limit: Some(dec("5.0")) }
}

/// The lists show it at this size, four of it filled.
fn shown_at(world: &mut World, name: &str, qty: &str) {
    let mut books = world.rows(&[name]);
    books.open[0].terms = broker::echoed(&buy(qty));
    world.next_books(Books { positions: four(), ..books });
}

pub(super) fn changes() -> World {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    pass(&mut world, "a");
    world.open_order("a", "Submitted");
    // Taken over.
    world.modify("a", buy("12"));
    pass(&mut world, "a");
    written(&mut world, "a", Wire::Replace);
    world.open_order_with("a", "Submitted", &buy("12"));
    // Refused: by a rule, by the broker, by the terms.
    world.modify("a", buy("13"));
    world.answer("a", "desk", objection());
    world.modify("a", buy("15"));
    pass(&mut world, "a");
    written(&mut world, "a", Wire::Replace);
    world.notice("a", 105, NoticeClass::ModifyRefused);
    world.modify("a", limit(Side::Sell, "10", "100"));
    world.fill("a", "0001.01", "4");
    world.modify("a", buy("4"));
    // Never written.
    world.modify("a", buy("16"));
    pass(&mut world, "a");
    not_written(&mut world, "a", Wire::Replace);
    // Given up, in force after all, and in flight at the end.
    world.modify("a", buy("20"));
    pass(&mut world, "a");
    written(&mut world, "a", Wire::Replace);
    for qty in ["12", "12", "20"] {
        shown_at(&mut world, "a", qty);
    }
    assert_eq!(world.bodies("a", "replace_came_late").len(), 1);
    world.feed();
    world.modify("a", buy("18"));
    pass(&mut world, "a");
    assert!(world.order("a").pending.replace.is_some());
    world
}

fn four() -> Vec<alphec_model::broker::PositionReport> {
    vec![position("AAPL", "4")]
}

/// Rounds of lists without it, and a cancel that does not find it.
fn proven_absent(world: &mut World, name: &str) {
    for _ in 0..2 {
        world.next_books(Books { positions: four(), ..Books::default() });
    }
    world.quote("AAPL", "99.99", "100.01");
    world.notice(name, 10_147, NoticeClass::NotFound);
}

fn marked(name: &str, choice: WhenInDoubt) -> alphec_model::OrderRequest {
    alphec_model::OrderRequest { when_in_doubt: Some(choice), ..request(name, "AAPL", buy("4")) }
}

pub(super) fn doubts() -> World {
    let mut world = World::ready();
    // Silence, then the lists: never there, ended, filled, open.
    for name in ["absent", "ended", "filled", "open"] {
        world.submit(name, Side::Buy, "4");
    }
    world.wait(seconds(6));
    let mut books = world.rows(&["open"]);
    books.completed = vec![completed_row(&world.order("ended"), "Cancelled", "0", "4")];
    books.executions = vec![execution(&world.order("filled"), "0001.01", "4", "100")];
    books.commissions = vec![commission("0001.01", Some("1"))];
    books.positions = four();
    world.next_books(books);
    world.cancel("open");
    world.status("open", "Cancelled", "0");
    proven_absent(&mut world, "absent");
    // It was there after all.
    world.open_order("absent", "Submitted");
    world.status("absent", "Cancelled", "0");
    // A person can settle a doubt; the adapter lets none arise.
    world.quote("AAPL", "99.99", "100.01");
    world.submit_request(marked("held", WhenInDoubt::Hold));
    world.submit("unwritten", Side::Buy, "4");
    not_written(&mut world, "unwritten", Wire::Place);
    world.reconnect();
    let (by, reason) = ("mary".into(), "not on the statement".into());
    world.command(Command::Settle { client_order_id: key("held"), by, reason });
    world.books(Books { positions: four(), ..Books::default() });
    // Placed again, and left in doubt by the end of the process.
    world.quote("AAPL", "99.99", "100.01");
    world.submit_request(marked("again", WhenInDoubt::ResendIfAbsent));
    world.reconnect();
    proven_absent(&mut world, "again");
    assert_eq!(world.order("again").attempts, 2);
    world.restart();
    world
}

/// Proven absent: one whose watch is over, and one that still counts.
pub(super) fn watches() -> World {
    let mut world = World::ready_with(|config| config.absent_watch = seconds(600));
    for name in ["gone", "watched"] {
        world.submit(name, Side::Buy, "4");
        world.wait(seconds(6));
        for _ in 0..2 {
            world.next_books(Books::default());
        }
        world.notice(name, 10_147, NoticeClass::NotFound);
        if name == "gone" {
            while world.bodies(name, "watch_ended").is_empty() {
                world.next_books(Books::default());
            }
            world.feed();
        }
    }
    assert_eq!(world.reserved_buys("AAPL"), "4");
    world
}

fn bracket(names: [&str; 3]) -> GroupRequest {
    let loss = spec(Side::Sell, "10", OrderType::Stop { stop_px: px("95") });
    let terms = [buy("10"), limit(Side::Sell, "10", "105"), loss];
    let orders = names.into_iter().zip(terms).map(|(name, spec)| request(name, "AAPL", spec)).collect();
    GroupRequest { kind: GroupKind::Bracket, orders }
}

pub(super) fn groups() -> World {
    let mut world = World::ready();
    world.command(Command::SubmitGroup(bracket(["entry", "profit", "loss"])));
    for name in ["entry", "profit", "loss"] {
        world.open_order(name, "PreSubmitted");
    }
    world.fill("entry", "0001.01", "10");
    world.command(Command::SubmitGroup(bracket(["entry", "profit", "loss"])));
    // A group that we refuse, and one of which one order is to fill: the broker takes it in part.
    let mut off_tick = bracket(["no", "no-profit", "no-loss"]);
    off_tick.orders[1].spec = limit(Side::Sell, "10", "105.001");
    world.command(Command::SubmitGroup(off_tick));
    let peers = [("low", "99"), ("high", "98")];
    let orders = peers.map(|(name, price)| request(name, "AAPL", limit(Side::Buy, "5", price))).to_vec();
    let one_of_two = GroupRequest { kind: GroupKind::OneCancelsAll, orders };
    for _ in 0..2 {
        world.command(Command::SubmitGroup(one_of_two.clone()));
    }
    world.open_order("low", "Submitted");
    world.notice("high", 201, NoticeClass::Dead);
    world
}

/// Terms that make no order.
fn no_terms(now: UtcNanos) -> [OrderSpec; 6] {
    let stop = OrderType::Stop { stop_px: px("105") };
    let trail = Trail::Percent { percent: dec("100") };
    let mut nothing = buy("1");
    nothing.order_qty = "0".parse().unwrap();
    [
        nothing,
        buy("1.5"),
        limit(Side::Buy, "1", "100.001"),
        limit(Side::Buy, "1", "-1"),
        spec(Side::Buy, "1", stop).with_time_in_force(TimeInForce::Fok),
        spec(Side::Sell, "1", OrderType::TrailingStop { trail })
            .with_time_in_force(TimeInForce::Gtd { expire_at: now }),
    ]
}

pub(super) fn refusals() -> World {
    let mut world = ruled();
    for (number, terms) in no_terms(world.now).into_iter().enumerate() {
        world.submit_spec(&format!("terms-{number}"), "AAPL", terms);
    }
    let expired = buy("1").with_time_in_force(TimeInForce::Gtd { expire_at: world.now });
    world.submit_spec("expired", "AAPL", expired);
    let market = spec(Side::Buy, "1", OrderType::Market);
    let when_in_doubt = Some(WhenInDoubt::ResendIfAbsent);
    let at_any_price = alphec_model::OrderRequest { when_in_doubt, ..request("any-price", "AAPL", market) };
    world.submit_request(at_any_price);
    // By each limit in turn.
    world.submit("too-large", Side::Buy, "1001");
    world.submit_spec("too-dear", "ES", limit(Side::Buy, "999", "5000"));
    world.submit_spec("too-far", "AAPL", limit(Side::Buy, "1", "111"));
    world.submit_spec("elsewhere", "MSFT", buy("1"));
    let other =
        alphec_model::OrderRequest { account: setup::account("DU9"), ..request("owner", "AAPL", buy("1")) };
    world.submit_request(other);
    // By what is missing, too old, too large to count.
    let at = world.now;
    let last = Some(px("100"));
    let quote = |quote| BrokerEvent::Quote { instrument: instrument("AAPL"), quote };
    world.event(quote(Quote { bid: None, ask: None, last: None, at }));
    world.submit("unpriced", Side::Buy, "1");
    world.event(quote(Quote { bid: None, ask: None, last, at }));
    world.submit("silenced", Side::Buy, "1");
    world.answer("silenced", "desk", RuleAnswer::Pass);
    world.wait(seconds(2));
    world.submit("refused", Side::Buy, "1");
    world.answer("refused", "credit", objection());
    world.wait(seconds(11));
    world.submit("stale", Side::Buy, "1");
    world.feed();
    world.figure(AccountValue::ExchangeRate { currency: setup::euro(), rate: dec("1.10000000000000000007") });
    world.quote("SAP", "199.9900000007", "199.9900000007");
    world.submit_spec("overflow", "SAP", spec(Side::Buy, "1", OrderType::Market));
    // By what came while a rule was still thinking, and by a halt.
    world.submit("unrecorded", Side::Buy, "1");
    world.answer("unrecorded", "credit", RuleAnswer::Pass);
    world.input(Input::Journal { trouble: Some("disk full".into()) });
    world.answer("unrecorded", "desk", RuleAnswer::Pass);
    world.input(Input::Journal { trouble: None });
    world.submit("unconnected", Side::Buy, "1");
    world.answer("unconnected", "credit", RuleAnswer::Pass);
    world.disconnect();
    world.answer("unconnected", "desk", RuleAnswer::Pass);
    world.halt();
    for _ in 0..2 {
        world.submit_request(marked("halted", WhenInDoubt::Hold));
    }
    world
}

/// A change of which the broker made a second order.
pub(super) fn twice() -> World {
    let mut world = World::working("a", Side::Buy, "10");
    world.modify("a", buy("6"));
    let mut second = broker::open_row(&world.order("a"), "Submitted");
    second.names.perm_id = Some(PermId::new(9_999));
    world.event(BrokerEvent::OpenOrder(second.clone()));
    let mut books = world.rows(&["a"]);
    books.open.push(second);
    world.next_books(books);
    world.status("a", "Cancelled", "0");
    world
}
