//! Orders of every type through the broker's callbacks, in every order that they come in.

use alphec_model::{
    AlertKind, BrokerEvent, Evidence, OrderSpec, OrderState, OrderType, Side, TimeInForce, Trail,
};

use crate::support::World;
use crate::support::broker::{execution, open_row};
use crate::support::setup::{px, seconds, spec};

fn types() -> Vec<(&'static str, OrderSpec)> {
    vec![
        ("market", spec(Side::Buy, "10", OrderType::Market)),
        ("limit", spec(Side::Buy, "10", OrderType::Limit { limit_px: px("100") })),
        ("stop", spec(Side::Buy, "10", OrderType::Stop { stop_px: px("105") })),
        (
            "stop_limit",
            spec(Side::Buy, "10", OrderType::StopLimit { stop_px: px("105"), limit_px: px("106") }),
        ),
        (
            "trailing_stop",
            spec(Side::Buy, "10", OrderType::TrailingStop { trail: Trail::Amount { amount: px("2") } }),
        ),
    ]
}

/// One step of a broker's script.
#[derive(Clone, Copy)]
enum Say {
    Open(&'static str),
    Status(&'static str, &'static str),
    Fill(&'static str, &'static str),
    Cost(&'static str),
}

/// The callback templates that the broker is known for.
const SCRIPTS: [(&str, &[Say], OrderState); 9] = {
    use Say::{Cost, Fill, Open, Status};
    [
        (
            "filled at once",
            &[
                Open("PreSubmitted"),
                Status("PreSubmitted", "0"),
                Fill("e1.01", "10"),
                Open("Filled"),
                Status("Filled", "10"),
                Open("Filled"),
                Cost("e1.01"),
            ],
            OrderState::Filled,
        ),
        ("executions only", &[Fill("e1.01", "10"), Cost("e1.01")], OrderState::Filled),
        (
            "execution before the open order",
            &[Fill("e1.01", "4"), Open("Submitted"), Status("Submitted", "4"), Fill("e2.01", "6")],
            OrderState::Filled,
        ),
        (
            "resting, each pair three times",
            &[
                Open("PreSubmitted"),
                Status("PreSubmitted", "0"),
                Open("Submitted"),
                Status("Submitted", "0"),
                Open("Submitted"),
                Status("Submitted", "0"),
                Open("Submitted"),
                Status("Submitted", "0"),
            ],
            OrderState::Working,
        ),
        (
            "partial fills with stale statuses",
            &[
                Open("Submitted"),
                Fill("e1.01", "3"),
                Status("Submitted", "3"),
                Fill("e2.01", "7"),
                Status("Submitted", "3"),
                Open("Submitted"),
                Open("PreSubmitted"),
            ],
            OrderState::Filled,
        ),
        (
            "the same execution again and again",
            &[Fill("e1.01", "4"), Fill("e1.01", "4"), Open("Submitted"), Fill("e1.01", "4")],
            OrderState::Working,
        ),
        ("held for a locate", &[Open("Inactive"), Status("Inactive", "0")], OrderState::Working),
        (
            "held, then filled",
            &[Status("Inactive", "0"), Status("Submitted", "0"), Fill("e1.01", "10")],
            OrderState::Filled,
        ),
        ("a word nobody knows", &[Status("Dreaming", "0")], OrderState::Working),
    ]
};

#[test]
fn every_type_lives_through_every_known_sequence() {
    for (kind, terms) in types() {
        for (what, script, end) in SCRIPTS {
            let mut world = World::ready();
            world.submit_spec("a", "AAPL", terms.clone());
            for say in script {
                match *say {
                    Say::Open(status) => world.open_order("a", status),
                    Say::Status(status, filled) => world.status("a", status, filled),
                    Say::Fill(exec_id, qty) => world.fill("a", exec_id, qty),
                    Say::Cost(exec_id) => world.commission(exec_id, Some("1.25")),
                };
            }
            assert_eq!(world.state("a"), end, "{kind}: {what}");
        }
    }
}

#[test]
fn a_status_never_fills_and_the_books_are_asked_for_the_executions() {
    let mut world = World::working("a", Side::Buy, "10");
    world.status("a", "Filled", "10");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Working, "0".into()));
    assert_eq!(world.reserved_buys("AAPL"), "10", "nothing is released without an execution");
    assert_eq!(world.wait(seconds(3)).snapshots(), 1);
    world.fill("a", "e1.01", "10");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "10".into()));
}

#[test]
fn a_status_whose_execution_follows_costs_no_reading_of_the_books() {
    for (status, filled) in [("Submitted", "4"), ("Filled", "10")] {
        let mut world = World::working("a", Side::Buy, "10");
        world.status("a", status, filled);
        world.fill("a", "e1.01", filled);
        assert_eq!(world.wait(seconds(3)).snapshots(), 0, "{status}");
    }
}

#[test]
fn statuses_that_count_ahead_of_the_executions_ask_for_the_books() {
    let mut world = World::working("a", Side::Buy, "10");
    world.status("a", "Submitted", "4");
    assert_eq!(world.order("a").cum_qty.to_string(), "0");
    assert_eq!(world.wait(seconds(3)).snapshots(), 1);
}

#[test]
fn a_fill_after_a_cancel_request_and_even_after_canceled_is_booked() {
    let mut world = World::working("a", Side::Buy, "10");
    world.cancel("a");
    world.status("a", "PendingCancel", "0");
    world.fill("a", "e1.01", "4");
    world.status("a", "Cancelled", "4");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Canceled, "4".into()));
    world.fill("a", "e2.01", "1");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Canceled, "5".into()));
    world.fill("a", "e3.01", "5");
    assert_eq!((world.state("a"), world.position("AAPL")), (OrderState::Filled, "10".into()));
}

#[test]
fn more_fills_than_ordered_are_booked_and_raised() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "10");
    let seen = world.fill("a", "e2.01", "5");
    assert_eq!(seen.alerts(AlertKind::Anomaly), 1);
    assert_eq!((world.position("AAPL"), world.reserved_buys("AAPL")), ("15".into(), "0".into()));
}

#[test]
fn stale_frames_after_the_end_change_nothing() {
    for end in ["Cancelled", "ApiCancelled"] {
        let mut world = World::working("a", Side::Buy, "10");
        world.status("a", end, "0");
        for status in ["Submitted", "PreSubmitted", "Inactive", "PendingCancel", "Cancelled", "Dreaming"] {
            world.open_order("a", status);
            world.status("a", status, "0");
        }
        assert_eq!((world.state("a"), world.bodies("a", "order_changed").len()), (OrderState::Canceled, 2));
    }
}

#[test]
fn a_good_till_date_order_past_its_date_has_expired() {
    let mut world = World::ready();
    let until = world.now.saturating_add(seconds(30));
    let gtd = TimeInForce::Gtd { expire_at: until };
    let terms = || types().remove(1).1.with_time_in_force(gtd);
    for name in ["early", "late", "asked"] {
        world.submit_spec(name, "AAPL", terms());
        world.open_order(name, "Submitted");
    }
    world.status("early", "Cancelled", "0");
    world.cancel("asked");
    world.now = until;
    world.status("late", "Cancelled", "0");
    world.status("asked", "Cancelled", "0");
    let states = ["early", "late", "asked"].map(|name| world.state(name));
    assert_eq!(states, [OrderState::Canceled, OrderState::Expired, OrderState::Canceled]);
}

#[test]
fn every_end_cites_what_proves_it() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "10");
    let changes = world.bodies("a", "order_changed");
    let Some(alphec_model::Body::OrderChanged { to, evidence, .. }) = changes.last() else {
        panic!("{changes:?}")
    };
    assert_eq!(*to, OrderState::Filled);
    assert!(
        matches!(evidence, Evidence::Execution { exec_id } if exec_id.as_str() == "e1.01"),
        "{evidence:?}"
    );
}

#[test]
fn the_perm_id_is_learned_from_whatever_says_it_first() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    world.status("a", "Submitted", "0");
    assert_eq!(world.order("a").perm_id.map(alphec_model::PermId::get), Some(1_001));
    world.submit("b", Side::Buy, "10");
    let mut row = open_row(&world.order("b"), "Submitted");
    row.names.perm_id = None;
    world.event(BrokerEvent::OpenOrder(row));
    assert_eq!((world.state("b"), world.order("b").perm_id), (OrderState::Working, None));
    world.status("b", "Submitted", "0");
    assert_eq!(world.order("b").perm_id.map(alphec_model::PermId::get), Some(1_002));
}

#[test]
fn a_second_life_under_another_perm_id_ends_nothing_and_halts() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut other = open_row(&world.order("a"), "Cancelled");
    other.names.perm_id = Some(alphec_model::PermId::new(9_999));
    let seen = world.event(BrokerEvent::OpenOrder(other.clone()));
    assert_eq!(seen.alerts(AlertKind::Halted), 1);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    assert!(world.core.book().halted().is_some());
    let mut fill = execution(&world.order("a"), "e1.01", "10", "100");
    fill.names = other.names;
    world.event(BrokerEvent::Execution(fill));
    assert_eq!(world.position("AAPL"), "10", "what it fills is booked");
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    assert_eq!(world.order("a").cum_qty.to_string(), "0", "and fills nothing of the first life");
    let mut status = crate::support::broker::status_of(&world.order("a"), "Cancelled", "0");
    status.names.perm_id = Some(alphec_model::PermId::new(9_999));
    world.event(BrokerEvent::Status(status));
}
