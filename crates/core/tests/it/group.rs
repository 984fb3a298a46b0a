//! Orders that belong together: judged, recorded, sent, refused and undone as one.

use alphec_core::{Misuse, Reply, RuleConfig};
use alphec_model::broker::{NoticeClass, Ticket, TicketLeg, Wire};
use alphec_model::risk::RuleAnswer;
use alphec_model::{
    AlertKind, BrokerEvent, BrokerRequest, Command, DenyReason, GroupError, GroupKind, GroupRequest,
    OrderRequest, OrderState, OrderType, Side, WhenInDoubt,
};

use crate::support::broker::{Books, completed_row, execution, position};
use crate::support::setup::{key, limit, px, request, seconds, spec};
use crate::support::{Seen, World};

const LEGS: [&str; 3] = ["entry", "profit", "loss"];

/// An entry at 100, its profit at 105, its loss at 95.
fn bracket_of(qty: &str) -> GroupRequest {
    let loss = spec(Side::Sell, qty, OrderType::Stop { stop_px: px("95") });
    let terms = [limit(Side::Buy, qty, "100"), limit(Side::Sell, qty, "105"), loss];
    let orders = LEGS.into_iter().zip(terms).map(|(name, spec)| request(name, "AAPL", spec)).collect();
    GroupRequest { kind: GroupKind::Bracket, orders }
}

fn peers() -> GroupRequest {
    let orders = ["low", "high"].into_iter().zip(["99", "98"]);
    let orders = orders.map(|(name, price)| request(name, "AAPL", limit(Side::Buy, "10", price))).collect();
    GroupRequest { kind: GroupKind::OneCancelsAll, orders }
}

fn submit(world: &mut World, group: GroupRequest) -> Seen {
    world.command(Command::SubmitGroup(group))
}

fn tickets(seen: &Seen) -> Vec<Ticket> {
    let places = seen.0.requests.iter().filter_map(|request| match request {
        BrokerRequest::Place(ticket) => Some(ticket.clone()),
        _ => None,
    });
    places.collect()
}

fn states(world: &World) -> [OrderState; 3] {
    LEGS.map(|name| world.state(name))
}

/// Ready, with a bracket of 10 that the broker has acknowledged.
fn working() -> World {
    let mut world = World::ready();
    submit(&mut world, bracket_of("10"));
    for name in LEGS {
        world.open_order(name, "PreSubmitted");
    }
    assert_eq!(states(&world), [OrderState::Working; 3]);
    world
}

#[test]
fn a_bracket_is_recorded_in_one_step_and_leaves_tied_together_the_last_one_starting_it() {
    let mut world = World::ready();
    let seen = submit(&mut world, bracket_of("10"));
    assert_eq!(seen.kinds().iter().filter(|kind| **kind == "accepted").count(), 3);
    let tickets = tickets(&seen);
    let ids: Vec<_> = tickets.iter().map(|ticket| ticket.broker_order_id).collect();
    assert!(ids.is_sorted() && ids.len() == 3);
    let child = |is_last| Some(TicketLeg::Child { parent: ids[0], is_last });
    let legs: Vec<_> = tickets.iter().map(|ticket| ticket.leg.clone()).collect();
    assert_eq!(legs, [Some(TicketLeg::Parent), child(false), child(true)]);
    assert_eq!(tickets.iter().map(Ticket::transmits).collect::<Vec<_>>(), [false, false, true]);
    let Reply::Group(orders) = seen.reply() else { panic!("{:?}", seen.reply()) };
    assert!(orders.iter().all(|order| order.state == OrderState::PendingNew) && orders.len() == 3);
}

#[test]
fn the_exits_of_one_entry_reserve_what_the_largest_of_them_does() {
    let mut world = World::ready_with(|config| config.limits.max_position = "10".parse().unwrap());
    submit(&mut world, bracket_of("10"));
    let reserved = |world: &World| {
        let exposure = world
            .core
            .book()
            .exposure(&crate::support::setup::account("DU1"), &crate::support::setup::instrument("AAPL"));
        (exposure.buy_leaves.to_string(), exposure.sell_leaves.to_string(), exposure.sells)
    };
    assert_eq!(reserved(&world), ("10".to_owned(), "10".to_owned(), 2));
    for name in LEGS {
        world.open_order(name, "PreSubmitted");
    }
    // The larger one ends: the other still counts whole.
    world.status("profit", "Cancelled", "0");
    assert_eq!(reserved(&world), ("10".to_owned(), "10".to_owned(), 1));
    world.fill("loss", "e.1.01", "4");
    assert_eq!(reserved(&world).1, "6");
}

#[test]
fn one_leg_that_the_gate_refuses_refuses_all_and_nothing_leaves() {
    for culprit in 0..3 {
        let mut world = World::ready();
        let mut group = bracket_of("10");
        // Off the tick.
        group.orders[culprit].spec = match culprit {
            2 => spec(Side::Sell, "10", OrderType::Stop { stop_px: px("95.001") }),
            1 => limit(Side::Sell, "10", "105.001"),
            _ => limit(Side::Buy, "10", "100.001"),
        };
        for times in ["first", "again"] {
            let seen = submit(&mut world, group.clone());
            assert_eq!(seen.places(), 0);
            let Reply::Group(orders) = seen.reply() else { panic!("{times}: {:?}", seen.reply()) };
            let named: Vec<_> = orders.iter().map(|order| order.client_order_id.as_str()).collect();
            assert_eq!(named, LEGS, "{times}: the caller hears of every leg, leg {culprit} included");
        }
        assert_eq!(states(&world), [OrderState::Denied; 3], "leg {culprit}");
        for (index, name) in LEGS.into_iter().enumerate() {
            let reason = world.order(name).deny_reason.unwrap();
            assert_eq!(matches!(reason, DenyReason::Group { .. }), index != culprit, "{name}: {reason}");
        }
        assert_eq!(world.reserved_buys("AAPL"), "0");
    }
}

#[test]
fn the_same_group_again_is_the_same_group_and_a_key_of_it_elsewhere_is_refused() {
    let mut world = working();
    let seen = submit(&mut world, bracket_of("10"));
    assert_eq!(seen.places(), 0);
    assert!(matches!(seen.reply(), Reply::Group(orders) if orders.len() == 3));
    let mut other = bracket_of("10");
    other.orders.truncate(2);
    other.orders[0] = request("another", "AAPL", limit(Side::Buy, "10", "100"));
    let seen = submit(&mut world, other);
    assert!(matches!(seen.misuse(), Misuse::KeyReused(_)), "{:?}", seen.reply());
    let seen = submit(&mut world, bracket_of("20"));
    assert!(matches!(seen.misuse(), Misuse::KeyReused(_)));
}

#[test]
fn orders_that_make_no_group_are_refused_with_the_reason() {
    type Change = fn(&mut Vec<OrderRequest>);
    type Expected = fn(&GroupError) -> bool;
    let table: [(Change, Expected); 7] = [
        (
            |orders| orders.push(request("third", "AAPL", limit(Side::Sell, "10", "106"))),
            |error| matches!(error, GroupError::Exits(3)),
        ),
        (|orders| orders.truncate(1), |error| matches!(error, GroupError::Size(1))),
        (|orders| orders[1] = orders[2].clone(), |error| matches!(error, GroupError::SameKey(_))),
        (
            |orders| orders[1].strategy_id = "other".parse().unwrap(),
            |error| matches!(error, GroupError::OtherOwner(_)),
        ),
        (|orders| orders[1].spec.side = Side::Buy, |error| matches!(error, GroupError::NoExit(_))),
        (
            |orders| orders[2].spec.order_qty = "11".parse().unwrap(),
            |error| matches!(error, GroupError::NoExit(_)),
        ),
        (
            |orders| orders[0].when_in_doubt = Some(WhenInDoubt::ResendIfAbsent),
            |error| matches!(error, GroupError::NotResendable(_)),
        ),
    ];
    let mut world = World::ready();
    for (change, expected) in table {
        let mut group = bracket_of("10");
        change(&mut group.orders);
        let seen = submit(&mut world, group);
        assert_eq!(seen.places(), 0);
        assert!(matches!(seen.misuse(), Misuse::BadGroup(error) if expected(error)), "{:?}", seen.reply());
    }
    assert!(world.core.book().is_empty());
}

#[test]
fn custom_rules_judge_every_leg_and_none_leaves_before_all_have_passed() {
    let mut world = World::ready_with(|config| {
        config.rules = vec![RuleConfig { name: "desk".into(), deadline: seconds(2) }]
    });
    assert_eq!(submit(&mut world, bracket_of("10")).places(), 0);
    for name in ["loss", "entry"] {
        assert_eq!(world.answer(name, "desk", RuleAnswer::Pass).places(), 0);
    }
    let seen = world.answer("profit", "desk", RuleAnswer::Pass);
    assert_eq!(seen.places(), 3);
    assert!(
        matches!(seen.reply(), Reply::Group(orders) if orders.iter().all(|order| order.state == OrderState::PendingNew))
    );
}

#[test]
fn one_objection_or_cancel_of_a_staged_leg_refuses_the_group() {
    let deny = RuleAnswer::Deny { text: "no".into(), measured: None, limit: None };
    for cancels in [false, true] {
        let mut world = World::ready_with(|config| {
            config.rules = vec![RuleConfig { name: "desk".into(), deadline: seconds(2) }]
        });
        submit(&mut world, bracket_of("10"));
        world.answer("entry", "desk", RuleAnswer::Pass);
        let seen =
            if cancels { world.cancel("profit") } else { world.answer("profit", "desk", deny.clone()) };
        let group = seen.0.replies.iter().find_map(|(_, reply)| match reply {
            Reply::Group(orders) => Some(orders),
            _ => None,
        });
        assert!(group.expect("the caller hears of all").iter().all(|order| order.state.is_terminal()));
        assert_eq!(world.answer("loss", "desk", RuleAnswer::Pass).places(), 0);
        assert_eq!(world.reserved_buys("AAPL"), "0");
    }
}

#[test]
fn a_leg_that_never_stood_takes_the_group_with_it_before_anything_has_filled() {
    for name in ["profit", "loss"] {
        let mut world = World::ready();
        submit(&mut world, bracket_of("10"));
        let seen = world.notice(name, 201, NoticeClass::Dead);
        assert_eq!(world.state(name), OrderState::Rejected);
        assert_eq!(seen.cancels().len(), 2, "the others are canceled");
        assert_eq!(seen.alerts(AlertKind::GroupBroken), 1);
    }
}

#[test]
fn a_leg_that_was_never_written_undoes_the_rest() {
    let mut world = World::ready();
    submit(&mut world, bracket_of("10"));
    let broker_order_id = world.order("loss").broker_order_id.unwrap();
    let why = "the queue is full".to_owned();
    let seen = world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why });
    assert_eq!(world.state("loss"), OrderState::Denied);
    assert_eq!(seen.cancels(), [1, 2]);
}

#[test]
fn an_exit_refused_after_the_entry_filled_leaves_the_other_exit_and_people_are_told_to_look() {
    let mut world = World::ready();
    submit(&mut world, bracket_of("10"));
    world.open_order("entry", "Submitted");
    world.open_order("profit", "PreSubmitted");
    world.fill("entry", "e.1.01", "4");
    let seen = world.notice("loss", 201, NoticeClass::Dead);
    assert_eq!(seen.cancels(), [1], "what could still open is canceled, the profit stays");
    assert_eq!(seen.alerts(AlertKind::GroupBroken), 1);
    assert_eq!(world.state("profit"), OrderState::Working);
}

#[test]
fn an_exit_that_a_person_settles_is_one_that_never_stood() {
    let mut world = World::ready();
    submit(&mut world, bracket_of("10"));
    world.open_order("entry", "Submitted");
    world.open_order("profit", "PreSubmitted");
    world.fill("entry", "e.1.01", "4");
    world.wait(seconds(6));
    assert_eq!(world.state("loss"), OrderState::InDoubt);
    let (by, reason) = ("mary".into(), "it is not in TWS".into());
    let seen = world.command(Command::Settle { client_order_id: key("loss"), by, reason });
    assert_eq!(seen.alerts(AlertKind::GroupBroken), 1, "what has filled may be unprotected");
    assert_eq!(seen.cancels(), [1, 3], "what could still open, and what may wait there unseen");
    assert_eq!((world.state("profit"), world.state("loss")), (OrderState::Working, OrderState::Canceled));
}

#[test]
fn exits_end_with_an_entry_that_filled_nothing_and_stay_for_what_has_filled() {
    let mut world = working();
    let seen = world.status("entry", "Cancelled", "0");
    assert_eq!(seen.cancels(), [2, 3]);

    let mut world = working();
    world.fill("entry", "e.1.01", "4");
    assert!(world.status("entry", "Cancelled", "4").cancels().is_empty());
    assert_eq!(world.state("loss"), OrderState::Working);
}

#[test]
fn a_leg_does_not_leave_once_another_of_its_group_is_over() {
    let mut world = World::ready();
    let seen = submit(&mut world, bracket_of("10"));
    let broker_order_id = world.order("entry").broker_order_id.unwrap();
    let why = "too old".to_owned();
    world.event(BrokerEvent::NotWritten { broker_order_id, wire: Wire::Place, why });
    for request in seen.0.requests.iter().skip(1) {
        let why = world.core.last_look(world.now, request).unwrap_err();
        assert!(why.contains("group") || why.contains("cancel"), "{why}");
    }
}

#[test]
fn a_group_that_the_lists_show_in_part_is_canceled_whole_even_where_its_orders_are_held() {
    let mut world = World::ready_with(|config| config.when_in_doubt = WhenInDoubt::Hold);
    submit(&mut world, bracket_of("10"));
    world.reconnect();
    assert_eq!(states(&world), [OrderState::InDoubt; 3]);
    // The process died between the second and the third: both lie parked, and parked orders are in no list.
    let mut canceled = Vec::new();
    for _ in 0..4 {
        world.feed();
        canceled.extend(world.next_books(Books::default()).cancels());
    }
    canceled.sort_unstable();
    canceled.dedup();
    assert_eq!(canceled, [1, 2, 3]);
    for name in ["entry", "profit"] {
        world.notice(name, 202, NoticeClass::Canceled);
        assert_eq!(world.state(name), OrderState::Canceled);
    }
    world.notice("loss", 10_147, NoticeClass::NotFound);
    assert!(world.state("loss").is_terminal());
    assert_eq!(world.reserved_buys("AAPL"), "0");
}

#[test]
fn an_exit_that_is_asked_for_and_not_found_once_the_entry_has_filled_never_stood() {
    let mut world = World::ready_with(|config| config.when_in_doubt = WhenInDoubt::CancelProbe);
    submit(&mut world, bracket_of("10"));
    let mut world = asked_for_the_loss(world);
    let seen = world.notice("loss", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("loss"), OrderState::Canceled);
    assert_eq!(seen.alerts(AlertKind::GroupBroken), 1, "what has filled may be unprotected");
    assert_eq!(seen.cancels(), [1], "what could still open is canceled");
}

#[test]
fn a_restart_finds_a_whole_group_again() {
    let mut world = World::ready();
    submit(&mut world, bracket_of("10"));
    world.restart();
    world.resolve();
    world.connect();
    world.feed();
    let rows = world.rows(&LEGS);
    let seen = world.books(rows);
    assert!(seen.cancels().is_empty());
    assert_eq!(states(&world), [OrderState::Working; 3]);
}

#[test]
fn the_size_of_a_bracket_never_changes_and_its_prices_do() {
    let mut world = working();
    let denied = world.modify("profit", limit(Side::Sell, "11", "105")).denied();
    assert!(denied.to_string().contains("size of a bracket"), "{denied}");
    let seen = world.modify("profit", limit(Side::Sell, "10", "106"));
    let ticket = seen.0.requests.iter().find_map(|request| match request {
        BrokerRequest::Replace(ticket) => Some(ticket.clone()),
        _ => None,
    });
    assert!(ticket.unwrap().transmits(), "a change that did not transmit would park a live order");
}

#[test]
fn an_exit_that_is_held_for_what_its_entry_has_filled_can_be_changed_and_surprises_nobody() {
    let mut world = working();
    world.fill("entry", "e.1.01", "4");
    world.modify("profit", limit(Side::Sell, "10", "106"));
    let held = |world: &World| {
        let mut rows = world.rows(&LEGS);
        for row in &mut rows.open {
            let is_exit = row.names.broker_order_id != world.order("entry").broker_order_id;
            row.terms.order_qty = Some(if is_exit { "4" } else { "10" }.parse().unwrap());
        }
        rows.positions = vec![position("AAPL", "4")];
        rows
    };
    let mut rows = held(&world);
    rows.open[1].terms.limit_px = Some(px("106"));
    let seen = world.next_books(rows);
    assert!(!seen.has("anomaly"), "{:?}", seen.kinds());
    let profit = world.order("profit");
    assert_eq!((profit.version, profit.pending.replace), (2, None));
    assert_eq!(profit.spec, limit(Side::Sell, "10", "106"), "it grows with its entry");
    assert!(!world.next_books(held(&world)).has("anomaly"));
}

#[test]
fn an_exit_ends_once_it_has_closed_what_its_entry_filled() {
    let mut world = working();
    world.fill("entry", "e.1.01", "4");
    world.status("entry", "Cancelled", "4");
    world.fill("profit", "e.2.01", "4");
    world.status("profit", "Filled", "4");
    world.status("loss", "Cancelled", "0");
    let orders = LEGS.map(|name| world.order(name));
    let mut books = Books { positions: vec![position("AAPL", "0")], ..Books::default() };
    books.executions =
        vec![execution(&orders[0], "e.1.01", "4", "100"), execution(&orders[1], "e.2.01", "4", "105")];
    books.completed = vec![
        completed_row(&orders[0], "Cancelled", "4", "6"),
        completed_row(&orders[1], "Filled", "4", "0"),
        completed_row(&orders[2], "Cancelled", "0", "10"),
    ];
    world.next_books(books.clone());
    world.next_books(books);
    // Of ten asked for, four; the other six were never at the broker.
    assert_eq!(states(&world), [OrderState::Canceled; 3]);
    assert_eq!(LEGS.map(|name| world.order(name).cum_qty.to_string()), ["4", "4", "0"]);
    assert_eq!((world.position("AAPL").as_str(), world.reserved_buys("AAPL").as_str()), ("0", "0"));
}

#[test]
fn of_peers_one_that_never_stood_undoes_the_others_and_one_canceled_by_the_group_does_not() {
    let mut world = World::ready();
    let seen = submit(&mut world, peers());
    let names: Vec<_> = tickets(&seen).into_iter().map(|ticket| ticket.leg).collect();
    let group = world.order("low").order_ref.unwrap().as_str().into();
    assert_eq!(names, vec![Some(TicketLeg::Peer { group }); 2]);
    assert_eq!(world.notice("high", 201, NoticeClass::Dead).cancels(), [1]);

    let mut world = World::ready();
    submit(&mut world, peers());
    for name in ["low", "high"] {
        world.open_order(name, "Submitted");
    }
    assert_eq!(world.reserved_buys("AAPL"), "20", "both could fill by a race");
    world.fill("low", "e.1.01", "10");
    let seen = world.status("high", "Cancelled", "0");
    assert!(seen.cancels().is_empty() && seen.alerts(AlertKind::GroupBroken) == 0);
    world.wait(seconds(1));
    assert_eq!((world.state("low"), world.state("high")), (OrderState::Filled, OrderState::Canceled));
}

/// The bracket after an entry that filled 4 of 10, when no list shows the loss any more and it is asked for.
fn asked_for_the_loss(mut world: World) -> World {
    filled_in_part(&mut world, ("entry", "100"), &["entry", "profit"]);
    assert_eq!(states(&world), [OrderState::Working, OrderState::Working, OrderState::InDoubt]);
    assert!(!world.bodies("loss", "cancel_probed").is_empty(), "it was asked for");
    world
}

/// A new connection, and rounds of lists: of one order 4 have filled at a price, and only these orders are open.
fn filled_in_part(world: &mut World, (name, price): (&str, &str), open: &[&str]) {
    world.reconnect();
    let executions = vec![execution(&world.order(name), "e.1.01", "4", price)];
    for _ in 0..8 {
        world.feed();
        let rows = world.rows(open);
        let positions = vec![position("AAPL", "4")];
        world.next_books(Books { executions: executions.clone(), positions, ..rows });
    }
}

#[test]
fn an_exit_that_our_own_question_took_away_never_stood() {
    let mut world = asked_for_the_loss(working());
    let seen = world.notice("loss", 202, NoticeClass::Canceled);
    assert_eq!(world.state("loss"), OrderState::Canceled);
    assert_eq!(seen.alerts(AlertKind::GroupBroken), 1, "what has filled may be unprotected");
    assert_eq!(seen.cancels(), [1], "what could still open is canceled");
}

#[test]
fn an_exit_that_stood_and_is_gone_undoes_nothing_and_people_are_told_to_look() {
    let mut world = asked_for_the_loss(working());
    let seen = world.notice("loss", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("loss"), OrderState::Canceled);
    assert_eq!(seen.alerts(AlertKind::GroupBroken), 1, "nobody said why");
    assert!(seen.cancels().is_empty());
}

#[test]
fn an_exit_that_the_others_fill_ended_is_missed_by_nobody() {
    let mut world = asked_for_the_loss(working());
    world.event(BrokerEvent::Execution(execution(&world.order("profit"), "e.2.01", "4", "105")));
    for positions in [vec![], vec![]] {
        world.feed();
        let rows = world.rows(&["entry", "profit"]);
        world.next_books(Books { positions, ..rows });
    }
    let seen = world.notice("loss", 10_148, NoticeClass::CancelRefused);
    assert_eq!((world.state("loss"), seen.alerts(AlertKind::GroupBroken)), (OrderState::Canceled, 0));
    assert!(seen.cancels().is_empty());
}

#[test]
fn of_peers_one_that_stood_and_is_gone_leaves_the_other() {
    let mut world = World::ready_with(|config| config.when_in_doubt = WhenInDoubt::CancelProbe);
    submit(&mut world, peers());
    for name in ["low", "high"] {
        world.open_order(name, "Submitted");
    }
    filled_in_part(&mut world, ("low", "99"), &["low"]);
    assert_eq!(world.state("high"), OrderState::InDoubt);
    let seen = world.notice("high", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("high"), OrderState::Canceled);
    assert!(seen.cancels().is_empty(), "the broker may have ended it for what the other filled");
    assert_eq!(world.state("low"), OrderState::Working);
}

#[test]
fn an_entry_that_is_called_canceled_ahead_of_its_fills_keeps_its_exits() {
    let mut world = working();
    let mut cancels = world.notice("entry", 202, NoticeClass::Canceled).cancels();
    cancels.extend(world.status("entry", "Cancelled", "4").cancels());
    assert_eq!((world.state("entry"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    cancels.extend(world.fill("entry", "e1.01", "4").cancels());
    let mut books = world.rows(&["profit", "loss"]);
    books.completed = vec![completed_row(&world.order("entry"), "Cancelled", "4", "6")];
    books.positions = vec![position("AAPL", "4")];
    cancels.extend(world.next_books(books).cancels());
    assert_eq!(states(&world), [OrderState::Canceled, OrderState::Working, OrderState::Working]);
    assert_eq!(cancels, Vec::<i32>::new());
}

#[test]
fn an_entry_that_fills_after_its_exits_were_given_up_with_it_is_told() {
    let mut world = working();
    assert_eq!(world.status("entry", "Cancelled", "0").cancels().len(), 2);
    let seen = world.fill("entry", "e1.01", "4");
    assert_eq!((seen.alerts(AlertKind::GroupBroken), world.position("AAPL")), (1, "4".into()));
    assert_eq!(world.fill("entry", "e2.01", "1").alerts(AlertKind::GroupBroken), 0, "once");
}
