//! Open orders, statuses, executions and commissions: repeated, missing, late, out of order, changed.

use crate::bench::{Bench, MS, SECOND, at, count, id, limit, market, sized};

/// Behaviour 5 (§2.5-2)
#[test]
fn a_fill_arrives_without_any_status() {
    let mut bench = Bench::new(&["no-status"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    assert_eq!(bench.lines(conn), ["EX 1 1@230.01 .01", "CR 1"]);
}

/// Behaviour 5 (§2.5-2)
#[test]
fn a_share_of_the_orders_gets_no_status_and_each_order_stays_on_its_side() {
    let mut bench = Bench::new(&["no-status%40"]);
    let conn = bench.client(1);
    for order_id in 1..=50 {
        bench.place(conn, order_id, market());
    }
    let lines = bench.lines(conn);
    let silent = (1..=50).filter(|order| count(&lines, &format!("OS {order} ")) == 0).count();
    let whole = (1..=50).filter(|order| count(&lines, &format!("OS {order} ")) == 2).count();
    assert!((10..=30).contains(&silent) && silent + whole == 50, "{silent} silent, {whole} whole");
}

/// Behaviour 6 (§2.5)
#[test]
fn callbacks_are_repeated_and_once_more_after_the_order_is_over() {
    let mut bench = Bench::new(&["duplicate(copies=3, again=1s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    let lines = bench.lines(conn);
    assert_eq!(count(&lines, "OS 1 Filled 1/0"), 3);
    assert_eq!(count(&lines, "EX"), 3);
    bench.pass(SECOND);
    assert_eq!(count(&bench.lines(conn), "OS 1 Filled 1/0"), 1);
    assert_eq!(bench.desk.truth().executions.len(), 1);
}

/// Behaviour 7 (§3.1)
#[test]
fn the_same_execution_comes_live_again_and_under_the_id_of_a_request() {
    let mut bench = Bench::new(&["execution-again(after=1s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    assert_eq!(count(&bench.lines(conn), "EX 1 1@230.01 .01"), 1);
    assert_eq!(bench.executions(conn, 0)[0], "EX 1 1@230.01 .01 req 77");
    bench.pass(SECOND);
    assert_eq!(bench.lines(conn), ["EX 1 1@230.01 .01"]);
}

/// Behaviour 8 (§2.5-3)
#[test]
fn an_execution_comes_up_to_a_second_before_the_first_acknowledgement() {
    let mut bench = Bench::new(&["execution-first(by=1s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    assert_eq!(bench.lines(conn), ["EX 1 1@230.01 .01", "CR 1"]);
    bench.pass(SECOND);
    assert_eq!(bench.lines(conn)[..2], ["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1"]);

    let mut bench = Bench::new(&["execution-first"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    let lines = bench.lines(conn);
    assert!(at(&lines, "EX") < at(&lines, "OO"), "{lines:?}");
}

/// Behaviour 9 (§2.5-5)
#[test]
fn after_a_fill_the_state_from_before_it_is_sent_once_more() {
    let mut bench = Bench::new(&["stale-status(after=100ms)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    assert!(bench.lines(conn).contains(&"OS 1 Filled 1/0".to_owned()));
    bench.pass(100 * MS);
    assert_eq!(bench.lines(conn), ["OO 1 Submitted", "OS 1 Submitted 0/1"]);
}

/// Behaviour 28 (§3.2)
#[test]
fn an_execution_is_corrected_under_the_next_revision_of_its_id() {
    let mut bench = Bench::new(&["correction(after=1s, price=229.5)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    bench.lines(conn);
    bench.pass(SECOND);
    assert_eq!(bench.lines(conn)[0], "EX 1 1@229.5 .02");
    let truth = bench.desk.truth();
    assert_eq!(truth.position("DU1234567", crate::frames::AAPL), 1.into());
    assert_eq!(truth.accounts[0].positions[&crate::frames::AAPL].cost, crate::kit::dec("229.5"));
}

/// Behaviour 28 (§3.2)
#[test]
fn a_busted_execution_comes_again_with_quantity_zero_and_its_position_is_gone() {
    let mut bench = Bench::new(&["bust(after=1s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    bench.lines(conn);
    bench.pass(SECOND);
    assert_eq!(bench.lines(conn)[0], "EX 1 0@230.01 .02");
    assert!(bench.desk.truth().position("DU1234567", crate::frames::AAPL).is_zero());
}

/// Behaviour 29 (§3.1)
#[test]
fn a_commission_is_late_or_missing_or_minus_one_first_or_without_a_result() {
    let mut bench = Bench::new(&[
        "commission-late(by=15s, order=1)",
        "commission-missing(order=2)",
        "commission-pending(then=2s, order=3)",
    ]);
    let conn = bench.client(1);
    for (order_id, now) in [(1, 0), (2, 0), (3, 1)] {
        bench.place(conn, order_id, market());
        let lines = bench.lines(conn);
        assert_eq!(count(&lines, "CR"), now, "order {order_id}: {lines:?}");
    }
    bench.pass(2 * SECOND);
    assert_eq!(bench.lines(conn), ["CR 1"]);
    bench.pass(13 * SECOND);
    assert_eq!(bench.lines(conn), ["CR 1"]);

    // A sale that closes has a result, unless the fault takes it away.
    for (faults, has_result) in [(&[][..], true), (&["commission-unset"][..], false)] {
        let mut bench = Bench::new(faults);
        let conn = bench.client(1);
        bench.place(conn, 1, market());
        bench.lines(conn);
        let sell = crate::frames::order("SELL", "1", "MKT");
        bench.place(conn, 2, sell);
        let lines = bench.lines(conn);
        assert_eq!(lines[at(&lines, "CR")].split(' ').count() == 3, has_result, "{lines:?}");
    }
}

/// Behaviour 39 (§2.3, §2.5, §2.7)
#[test]
fn what_is_echoed_is_what_a_preset_made_of_it_and_a_modified_price_is_shown_late() {
    let mut bench =
        Bench::new(&["preset-tif(tif=GTC)@1", "ignore-outside-rth@1", "modify-shows-old(for=1h)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0).flag(19, true));
    let lines = bench.lines(conn);
    assert!(at(&lines, "ER 1 10349") < at(&lines, "OS 1 Submitted") && count(&lines, "ER 1 2109") == 1);
    assert_eq!(bench.echoed(conn, 1), (Some(229.0), "GTC".to_owned(), false));
    bench.place(conn, 1, limit(228.0));
    bench.lines(conn);
    assert_eq!(bench.desk.truth().orders[0].report.spec.kind.limit(), Some(228.into()));
    assert_eq!(bench.echoed(conn, 1).0, Some(229.0));
    bench.pass(3_600 * SECOND);
    assert_eq!(bench.echoed(conn, 1).0, Some(228.0));
}

/// Behaviour 40 (§6, §7.3)
#[test]
fn unset_numbers_missing_fields_and_unknown_words_are_sent_on_request() {
    let unset = "170141183460469231731687303715884105727";
    for (fault, status) in [
        ("sentinels", format!("OS 1 Submitted {unset}/{unset}")),
        ("missing-remaining", "OS 1 Submitted 0/-".to_owned()),
        ("unknown-status=WarnState", "OS 1 WarnState 0/1".to_owned()),
    ] {
        let mut bench = Bench::new(&[fault]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        let lines = bench.lines(conn);
        assert!(lines.contains(&status), "{fault}: {lines:?}");
    }
}

#[test]
fn one_kind_of_callback_can_be_lost_and_statuses_and_executions_can_be_late() {
    for (fault, at_once, later) in [
        (
            "lose=open-order",
            &["OS 1 PreSubmitted 0/1", "EX 1 1@230.01 .01", "OS 1 Filled 1/0", "CR 1"][..],
            0,
        ),
        ("lose=status", &["OO 1 PreSubmitted", "EX 1 1@230.01 .01", "OO 1 Filled", "CR 1"], 0),
        ("lose=acknowledgement", &["EX 1 1@230.01 .01", "OO 1 Filled", "OS 1 Filled 1/0", "CR 1"], 0),
        ("lose=terminal", &["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1", "EX 1 1@230.01 .01", "CR 1"], 0),
        (
            "lose=execution",
            &["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1", "OO 1 Filled", "OS 1 Filled 1/0", "CR 1"],
            0,
        ),
        ("status-late=1s", &["EX 1 1@230.01 .01", "CR 1"], 4),
        (
            "execution-late=1s",
            &["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1", "OO 1 Filled", "OS 1 Filled 1/0", "CR 1"],
            1,
        ),
    ] {
        let mut bench = Bench::new(&[fault]);
        let conn = bench.client(1);
        bench.place(conn, 1, market());
        assert_eq!(bench.lines(conn), at_once, "{fault}");
        bench.pass(SECOND);
        assert_eq!(bench.lines(conn).len(), later, "{fault}");
    }
}

#[test]
fn an_order_can_fill_in_parts_with_a_status_for_each() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(231.0, "700"));
    assert!(bench.lines(conn).contains(&"OS 1 Submitted 500/200".to_owned()));
    bench.price("230.50");
    assert!(bench.lines(conn).contains(&"OS 1 Filled 700/0".to_owned()));
    assert_eq!(count(&bench.executions(conn, 0), "EX 1"), 2);
    assert_eq!(bench.ask(conn, id::OPEN_ORDERS), ["END 53"]);
}
