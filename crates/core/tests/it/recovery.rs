//! Orders in doubt: only evidence from the broker ends them, and nothing is ever resent.

use alphec_core::Input;
use alphec_model::broker::{BrokerStatus, NoticeClass};
use alphec_model::{
    AlertKind, Body, BrokerEvent, BrokerRequest, Command, Evidence, LogId, OrderRef, OrderState, Side,
    UtcNanos,
};

use crate::support::World;
use crate::support::broker::{Books, completed_row, execution, foreign, open_row, position};
use crate::support::setup::{key, limit, seconds, spec};

/// An order for 10 that was written into a connection that died, and a new connection.
fn in_doubt() -> World {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    world.reconnect();
    assert_eq!(world.state("a"), OrderState::InDoubt);
    world
}

fn holds(qty: &str) -> Books {
    Books { positions: vec![position("AAPL", qty)], ..Books::default() }
}

fn filled(world: &World, exec_id: &str, qty: &str) -> Books {
    Books { executions: vec![execution(&world.order("a"), exec_id, qty, "100")], ..holds(qty) }
}

#[test]
fn an_order_that_the_first_lists_leave_open_has_the_books_read_twice_before_anything_is_sent() {
    let working = || {
        let mut world = World::working("a", Side::Buy, "10");
        world.reconnect();
        world
    };
    for (name, mut world) in [("in doubt", in_doubt()), ("working, and not listed", working())] {
        world.books(holds("0"));
        assert!(!world.core.readiness().is_ready(), "{name}");
        let first = world.now;
        world.next_books(holds("0"));
        assert!(world.now.since(first) >= crate::support::setup::config().resnapshot_after, "{name}");
        assert!(world.core.readiness().is_ready(), "{name}: it may stay in doubt, and reserved");
    }
}

#[test]
fn an_order_that_the_first_lists_show_has_them_read_once() {
    for mut world in [in_doubt(), World::working("a", Side::Buy, "10")] {
        if world.core.readiness().is_ready() {
            world.reconnect();
        }
        world.books(world.rows(&["a"]));
        assert_eq!(world.state("a"), OrderState::Working);
        assert!(world.core.readiness().is_ready());
    }
}

#[test]
fn a_reading_of_the_books_records_what_is_new_and_nothing_twice() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "4");
    world.commission("e1.01", Some("1"));
    let order = world.order("a");
    let mut books = world.rows(&["a"]);
    books.executions = vec![execution(&order, "e1.01", "4", "100"), execution(&order, "e2.01", "6", "100")];
    books.commissions =
        ["e1.01", "e2.01"].map(|exec_id| crate::support::broker::commission(exec_id, Some("1"))).into();
    books.completed = vec![completed_row(&order, "Filled", "10", "0")];
    books.positions = vec![position("AAPL", "10")];
    let observed = |seen: &crate::support::Seen| {
        let bodies = seen.0.records.iter().map(|record| &record.body);
        let events = bodies.filter_map(|body| match body {
            Body::Observed { event } => Some((**event).clone()),
            _ => None,
        });
        events.collect::<Vec<_>>()
    };
    let first = world.next_books(books.clone());
    let told = observed(&first);
    let new = told.iter().filter_map(|event| match event {
        BrokerEvent::Execution(report) => Some(report.exec_id.as_str()),
        BrokerEvent::Commission(report) => Some(report.exec_id.as_str()),
        _ => None,
    });
    assert_eq!(new.collect::<Vec<_>>(), ["e2.01", "e2.01"], "each in a record of its own");
    books.open.clear();
    let again = observed(&world.next_books(books));
    let [BrokerEvent::Snapshot(lists)] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!((lists.executions.len(), lists.commissions.len(), lists.completed.len()), (0, 0, 0));
    assert_eq!(lists.positions.len(), 1, "what is compared is on record");
}

#[test]
fn what_the_broker_holds_otherwise_than_asked_is_told_and_not_taken_over() {
    type Alter = fn(&mut alphec_model::broker::EchoedTerms);
    let cases: [(&str, Alter); 3] = [
        ("limit of 99", |terms| terms.limit_px = Some(crate::support::setup::px("99"))),
        ("as GTC", |terms| terms.time_in_force = "GTC".into()),
        ("at 4", |terms| terms.order_qty = Some("4".parse().unwrap())),
    ];
    for (what, alter) in cases {
        let mut world = World::working("a", Side::Buy, "10");
        let before = world.order("a").spec;
        let mut books = world.rows(&["a"]);
        assert_eq!(world.next_books(books.clone()).alerts(AlertKind::Anomaly), 0);
        alter(&mut books.open[0].terms);
        let seen = world.next_books(books.clone());
        let told = seen.0.alerts.iter().any(|alert| alert.text.contains(what));
        assert!(told, "{what}: {:?}", seen.0.alerts);
        assert_eq!(world.order("a").spec, before);
        assert_eq!(world.next_books(books).alerts(AlertKind::Anomaly), 0, "once");
    }
}

#[test]
fn a_tick_that_is_off_the_brokers_is_told() {
    use alphec_model::TickRule;
    let px = crate::support::setup::px;
    for (theirs, is_told) in [("0.01", false), ("0.005", false), ("0.05", true)] {
        let mut world = World::started();
        let seen = world.event(BrokerEvent::InstrumentResolved {
            instrument: crate::support::setup::instrument("AAPL"),
            con_id: crate::support::setup::con_id("AAPL"),
            tick: Some(TickRule::ladder(vec![(px("0"), px("0.0001")), (px("1"), px(theirs))])),
            multiplier: None,
        });
        assert_eq!(seen.alerts(AlertKind::Anomaly) == 1, is_told, "{theirs}");
    }
}

#[test]
fn executions_of_many_days_are_asked_for_once_after_each_gap() {
    let mut world = World::started_with(|config| config.executions_days = 5);
    world.resolve();
    let days = |seen: &crate::support::Seen| {
        let asked = seen.0.requests.iter().find_map(|request| match request {
            BrokerRequest::Snapshot { executions_days, .. } => Some(*executions_days),
            _ => None,
        });
        asked.expect("the books are asked for")
    };
    assert_eq!(days(&world.connect()), 5);
    world.feed();
    world.books(Books::default());
    assert_eq!(days(&world.wait(seconds(60))), 2);
    world.books(Books::default());
    world.disconnect();
    assert_eq!(days(&world.connect()), 5);
}

#[test]
fn found_open_it_works() {
    let mut world = in_doubt();
    let books = world.rows(&["a"]);
    let seen = world.books(books);
    assert_eq!((world.state("a"), seen.places()), (OrderState::Working, 0));
    assert!(world.core.readiness().is_ready());
}

#[test]
fn found_by_its_reference_alone_it_works() {
    let mut world = in_doubt();
    let mut books = world.rows(&["a"]);
    books.open[0].names.broker_order_id = None;
    books.open[0].names.api_client_id = None;
    world.books(books);
    assert_eq!(world.state("a"), OrderState::Working);
}

#[test]
fn found_in_the_executions_it_is_filled_or_works() {
    for (qty, end) in [("10", OrderState::Filled), ("4", OrderState::Working)] {
        let mut world = in_doubt();
        let books = filled(&world, "e1.01", qty);
        world.books(books);
        assert_eq!((world.state("a"), world.position("AAPL")), (end, qty.into()));
    }
}

#[test]
fn found_completed_it_ends_in_the_same_round_as_its_executions() {
    for (status, done, unfilled, end) in [
        ("Cancelled", "0", "10", OrderState::Canceled),
        ("Cancelled", "4", "6", OrderState::Canceled),
        ("Filled", "10", "0", OrderState::Filled),
    ] {
        let mut world = in_doubt();
        let mut books = if done == "0" { Books::default() } else { filled(&world, "e1.01", done) };
        books.completed = vec![completed_row(&world.order("a"), status, done, unfilled)];
        world.books(books);
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (end, "0".into()), "{status} {done}");
        let position = if done == "0" { "0" } else { done };
        assert_eq!(world.position("AAPL"), position);
    }
}

#[test]
fn completed_with_fills_that_are_not_listed_stays_in_doubt() {
    let mut world = in_doubt();
    for _ in 0..4 {
        let completed = vec![completed_row(&world.order("a"), "Cancelled", "4", "6")];
        world.next_books(Books { completed, ..Books::default() });
        assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "10".into()));
    }
    world.fill("a", "e1.01", "4");
    let mut books = filled(&world, "e1.01", "4");
    books.completed = vec![completed_row(&world.order("a"), "Cancelled", "4", "6")];
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn a_completed_row_with_a_word_that_ends_nothing_ends_nothing() {
    for status in ["Submitted", "Dreaming"] {
        let mut world = in_doubt();
        let completed = vec![completed_row(&world.order("a"), status, "0", "10")];
        let seen = world.books(Books { completed, ..Books::default() });
        assert_eq!((world.state("a"), seen.alerts(AlertKind::Anomaly)), (OrderState::InDoubt, 1));
    }
}

#[test]
fn found_nowhere_twice_it_is_asked_for_by_a_cancel_and_not_found_ends_it() {
    let mut world = in_doubt();
    assert_eq!(world.books(Books::default()).cancels().len(), 0);
    assert_eq!(world.next_books(Books::default()).cancels(), [1], "the second round probes");
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Canceled, "0".into()));
    let changes = world.bodies("a", "order_changed");
    assert!(matches!(changes.last(), Some(Body::OrderChanged { evidence: Evidence::Absent { .. }, .. })));
}

#[test]
fn not_found_before_two_complete_rounds_ends_nothing() {
    let mut world = in_doubt();
    world.notice("a", 10_147, NoticeClass::NotFound);
    world.books(Books::default());
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::InDoubt, "10".into()));
}

#[test]
fn an_unanswered_probe_is_repeated_ever_more_rarely_and_never_ends_the_order() {
    let mut world = in_doubt();
    let mut probes = 0;
    for _ in 0..64 {
        probes += world.next_books(Books::default()).cancels().len();
    }
    assert_eq!((world.state("a"), probes), (OrderState::InDoubt, 6), "at rounds 2, 4, 8, 16, 32 and 64");
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

#[test]
fn failed_or_older_or_unasked_lists_prove_nothing() {
    let mut world = in_doubt();
    for _ in 0..4 {
        let id = world.asked.take().unwrap();
        let old = alphec_model::Generation::new(world.generation.get() - 1);
        world.event(Books::default().snapshot(id, old));
        world.event(Books::default().snapshot(id + 100, world.generation));
        let (generation, why) = (world.generation, "timed out".to_owned());
        world.event(BrokerEvent::SnapshotFailed { id, generation, why });
        world.wait(seconds(3));
    }
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("a"), OrderState::InDoubt);
    assert!(!world.core.readiness().is_ready());
}

#[test]
fn lists_asked_for_before_the_order_was_sent_do_not_miss_it() {
    let mut world = World::ready();
    world.wait(seconds(60));
    let asked = world.asked.expect("the regular reading");
    world.now = world.now.saturating_add(seconds(1));
    world.feed();
    world.submit("a", Side::Buy, "10");
    world.open_order("a", "Submitted");
    world.event(Books::default().snapshot(asked, world.generation));
    world.asked = None;
    world.next_books(Books::default());
    assert_eq!(world.state("a"), OrderState::Working, "only one of the two counts");
    world.next_books(Books::default());
    assert_eq!(world.state("a"), OrderState::InDoubt);
}

#[test]
fn a_row_older_than_what_was_last_heard_is_left_aside() {
    let mut world = World::working("a", Side::Buy, "10");
    world.wait(seconds(60));
    let books = world.rows(&["a"]);
    world.now = world.now.saturating_add(seconds(1));
    world.status("a", "Cancelled", "0");
    world.books(books.clone());
    assert_eq!(world.state("a"), OrderState::Canceled);
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Working, "a list asked for later is news");
}

/// A cancel that is sent again while the lists are read is refused, for the order is over: that is news of the order, and
/// says not how it ended. The list does.
#[test]
fn an_end_in_a_list_counts_whatever_was_heard_since_it_was_asked_for() {
    for (filled, fill) in [("0", None), ("4", Some("4"))] {
        let mut world = World::working("a", Side::Buy, "10");
        world.cancel("a");
        world.reconnect();
        world.now = world.now.saturating_add(seconds(1));
        world.notice("a", 10_148, NoticeClass::CancelRefused);
        assert_eq!(world.state("a"), OrderState::Working);
        let order = world.order("a");
        let executions = fill.map(|qty| execution(&order, "e1.01", qty, "100")).into_iter().collect();
        let completed = vec![completed_row(&order, "Cancelled", filled, "0")];
        world.books(Books { completed, executions, ..holds(filled) });
        let (state, reserved) = (world.state("a"), world.reserved_buys("AAPL"));
        assert_eq!((state, reserved.as_str()), (OrderState::Canceled, "0"), "{filled} filled");
    }
}

/// What the gateway held back for a while may be active since the list was asked for.
#[test]
fn inactive_in_a_list_ends_nothing_that_was_heard_of_since_it_was_asked_for() {
    for (said, is_over) in [("Inactive", false), ("Cancelled", true)] {
        let mut world = World::working("a", Side::Buy, "10");
        world.wait(seconds(60));
        let completed = vec![completed_row(&world.order("a"), said, "0", "10")];
        world.now = world.now.saturating_add(seconds(1));
        world.feed();
        let cheaper = limit(Side::Buy, "10", "99");
        assert_eq!(world.modify("a", cheaper.clone()).replaces(), 1);
        world.open_order_with("a", "Submitted", &cheaper);
        world.books(Books { completed, ..holds("0") });
        assert_eq!(world.state("a").is_terminal(), is_over, "{said}");
    }
}

#[test]
fn an_end_whose_fills_are_on_their_way_waits_for_them() {
    let mut world = World::working("a", Side::Buy, "10");
    let ended = |world: &World| {
        let completed = vec![completed_row(&world.order("a"), "Cancelled", "4", "6")];
        Books { completed, ..holds("4") }
    };
    world.wait(seconds(60));
    world.now = world.now.saturating_add(seconds(1));
    world.cancel("a");
    let books = ended(&world);
    world.books(books);
    assert_eq!(
        world.state("a"),
        OrderState::Working,
        "asked for before the cancel, and four are not counted"
    );
    world.fill("a", "e1.01", "4");
    let books = ended(&world);
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn an_ended_order_that_a_later_list_shows_open_is_tracked_again() {
    let mut world = World::working("a", Side::Buy, "10");
    world.status("a", "Cancelled", "0");
    assert_eq!(world.state("a"), OrderState::Canceled);
    world.now = world.now.saturating_add(seconds(1));
    let seen = world.open_order("a", "Submitted");
    assert_eq!((world.state("a"), seen.alerts(AlertKind::Anomaly)), (OrderState::Canceled, 0), "maybe stale");
    let due = world.core.next_deadline().unwrap();
    assert!(due <= world.now.saturating_add(seconds(3)), "the lists are asked soon");
    let books = world.rows(&["a"]);
    let seen = world.next_books(books);
    assert_eq!((world.state("a"), seen.alerts(AlertKind::Anomaly)), (OrderState::Working, 1));
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

#[test]
fn a_filled_order_in_a_list_stays_filled() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "10");
    world.now = world.now.saturating_add(seconds(1));
    let books = Books { open: vec![open_row(&world.order("a"), "Submitted")], ..holds("10") };
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Filled);
}

#[test]
fn a_working_order_that_vanished_is_doubted_and_ends_only_if_the_holdings_agree() {
    for (theirs, end) in [("0", OrderState::Canceled), ("10", OrderState::InDoubt)] {
        let mut world = World::working("a", Side::Buy, "10");
        let mut probes = 0;
        for _ in 0..4 {
            probes += world.next_books(holds(theirs)).cancels().len();
        }
        assert_eq!((world.state("a"), probes), (OrderState::InDoubt, 1));
        world.notice("a", 10_147, NoticeClass::NotFound);
        assert_eq!(world.state("a"), end, "the broker holds {theirs}");
    }
}

#[test]
fn a_vanished_currency_order_has_no_holdings_to_agree_and_stays_in_doubt() {
    let mut world = World::ready();
    world.submit_spec("a", "EUR.USD", limit(Side::Buy, "100", "1.1"));
    world.open_order("a", "Submitted");
    for _ in 0..4 {
        world.next_books(Books::default());
    }
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("a"), OrderState::InDoubt);
}

#[test]
fn orders_of_others_with_our_numbers_never_touch_ours() {
    let mut world = World::working("a", Side::Buy, "10");
    let id = world.order("a").broker_order_id.unwrap().get();
    for (client, reference) in [(99, None), (0, None), (7, Some("typed by hand")), (7, Some("ax1.other.1.a"))]
    {
        let mut row = open_row(&world.order("a"), "Cancelled");
        row.names = foreign(client, id, 55_000 + i64::from(client));
        row.names.order_ref = reference.map(Into::into);
        world.event(BrokerEvent::OpenOrder(row));
    }
    let mut status = crate::support::broker::status_of(&world.order("a"), "Cancelled", "0");
    status.names.api_client_id = None;
    status.names.perm_id = None;
    world.event(BrokerEvent::Status(status.clone()));
    status.names = foreign(7, id, 77_777);
    world.event(BrokerEvent::Status(status));
    assert_eq!(world.state("a"), OrderState::Working);
}

#[test]
fn a_reference_of_this_journal_that_it_does_not_know_halts() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut row = open_row(&world.order("a"), "Submitted");
    row.names = foreign(7, 700, 70_000);
    let unknown = OrderRef::of_intent(&LogId::new("k3f9q2aa").unwrap(), 99, "terms");
    row.names.order_ref = Some(unknown.as_str().into());
    let seen = world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(seen.alerts(AlertKind::Halted), 1);
    assert_eq!(world.submit("b", Side::Buy, "1").denied().rule(), alphec_model::Rule::Halted);
    world.restart();
    assert!(world.core.readiness().halted.is_some());
}

/// Two copies of one journal count on from the same number (`reliability.md` §4.4).
#[test]
fn a_number_of_ours_on_an_order_of_another_copy_of_this_journal_is_not_our_order_and_halts() {
    let mut world = World::working("a", Side::Buy, "10");
    let ours = world.order("a");
    let number = ours.order_ref.as_ref().unwrap().intent().unwrap().number;
    let other = OrderRef::of_intent(&LogId::new("k3f9q2aa").unwrap(), number, "of another copy");
    let mut row = open_row(&ours, "Submitted");
    row.names = foreign(7, 700, 70_000);
    row.names.order_ref = Some(other.as_str().into());
    let mut fill = execution(&ours, "0001.01.01", "10", "100");
    fill.names = row.names.clone();
    let seen = world.event(BrokerEvent::OpenOrder(row));
    assert_eq!(seen.alerts(AlertKind::Halted), 1);
    world.event(BrokerEvent::Execution(fill));
    assert_eq!((world.state("a"), world.order("a").cum_qty), (OrderState::Working, alphec_model::Qty::ZERO));
}

#[test]
fn a_salvage_excuses_a_number_that_is_not_on_record_and_no_other_order_under_one_that_is() {
    for (number, is_excused) in [(40, true), (1, false)] {
        let mut world = World::working("a", Side::Buy, "10");
        world.salvaged();
        let mut row = open_row(&world.order("a"), "Submitted");
        row.names = foreign(7, 450, 70_000);
        let other = OrderRef::of_intent(&LogId::new("k3f9q2aa").unwrap(), number, "of another copy");
        row.names.order_ref = Some(other.as_str().into());
        let _ = world.core.handle(world.now, Input::Broker(BrokerEvent::OpenOrder(row)));
        assert_eq!(world.core.readiness().halted.is_none(), is_excused, "{number}");
    }
}

#[test]
fn a_doubt_that_any_live_word_settles() {
    for status in ["ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel", "Inactive"] {
        let mut world = in_doubt();
        world.status("a", status, "0");
        assert_eq!(world.state("a"), OrderState::Working, "{status}");
    }
}

#[test]
fn a_restart_in_the_middle_of_a_proof_begins_the_proof_again() {
    let mut world = in_doubt();
    world.books(Books::default());
    world.restart();
    world.resolve();
    world.connect();
    world.books(Books::default());
    world.notice("a", 10_147, NoticeClass::NotFound);
    assert_eq!(world.state("a"), OrderState::InDoubt, "one round of this life is not two");
}

#[test]
fn orders_of_every_type_are_never_resent() {
    let mut world = World::ready();
    world.submit_spec("a", "AAPL", spec(Side::Buy, "10", alphec_model::OrderType::Market));
    let mut placed = 0;
    for _ in 0..20 {
        placed += world.reconnect().places();
        placed += world.books(Books::default()).places();
        placed += world.wait(seconds(30)).places();
    }
    assert_eq!(placed, 0);
}

#[test]
fn statuses_of_a_list_are_judged_like_any_other() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut books = world.rows(&["a"]);
    books.open[0].status = BrokerStatus::Cancelled;
    world.next_books(books);
    assert_eq!(world.state("a"), OrderState::Canceled);
}

#[test]
fn until_the_gap_is_closed_every_reading_asks_for_all_the_days() {
    let mut world = World::ready_with(|config| config.executions_days = 5);
    world.submit("a", Side::Buy, "10");
    let days = |seen: &crate::support::Seen| {
        seen.0.requests.iter().find_map(|request| match request {
            BrokerRequest::Snapshot { executions_days, .. } => Some(*executions_days),
            _ => None,
        })
    };
    world.disconnect();
    assert_eq!(days(&world.connect()), Some(5));
    world.books(holds("0"));
    assert!(world.core.book().gap().is_some());
    assert_eq!(
        days(&world.wait(seconds(3))),
        Some(5),
        "the first did not show the order: it may have shown too little"
    );
    world.books(holds("0"));
    assert!(world.core.book().gap().is_none());
    assert_eq!(days(&world.wait(seconds(60))), Some(2));
}

#[test]
fn an_unanswered_order_that_the_lists_after_a_gap_do_not_show_has_them_read_twice() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    world.event(BrokerEvent::Gap { generation: world.generation, why: "a frame did not decode".into() });
    world.next_books(holds("0"));
    assert_eq!(world.state("a"), OrderState::PendingNew);
    assert!(!world.core.readiness().is_ready());
    world.next_books(holds("0"));
    assert!(world.core.readiness().is_ready());
}

#[test]
fn a_clock_that_was_set_back_between_two_processes_makes_no_list_look_old() {
    let mut world = World::working("a", Side::Buy, "5");
    world.submit("b", Side::Buy, "5");
    world.halt();
    world.now = UtcNanos::from_nanos(world.now.as_nanos() - 19 * 3_600_000_000_000);
    let seen = world.restart();
    assert_eq!(seen.alerts(AlertKind::Anomaly), 1, "people are told");
    world.connect();
    world.feed();
    // The lists show "a" as over, and "b" not at all.
    let gone = Books {
        completed: vec![completed_row(&world.order("a"), "Cancelled", "0", "5")],
        ..Books::default()
    };
    for _ in 0..2 {
        world.next_books(gone.clone());
    }
    assert_eq!(world.state("a"), OrderState::Canceled);
    world.wait(seconds(60));
    world.notice("b", 10_147, NoticeClass::NotFound);
    assert_eq!(
        world.state("b"),
        OrderState::InDoubt,
        "by this clock it is not made yet: nobody knows how old it is"
    );
    let (by, reason) = ("operator".to_owned(), "looked it up".to_owned());
    world.command(Command::Settle { client_order_id: key("b"), by, reason });
    world.next_books(gone);
    world.resume();
    assert!(world.core.readiness().halted.is_none(), "{:?}", world.core.readiness());
}
