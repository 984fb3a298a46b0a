//! What becomes of orders, modifications and cancels.

use crate::bench::{Bench, MS, SECOND, at, count, id, limit, market};

/// Behaviour 10 (§2.4, §2.8)
#[test]
fn an_order_fills_while_its_cancel_is_pending_and_the_cancel_meets_10148() {
    let mut bench = Bench::new(&["fill-during-cancel"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.cancel(conn, 1);
    let lines = bench.lines(conn);
    assert_eq!(lines[..3], ["OO 1 PendingCancel", "OS 1 PendingCancel 0/1", "EX 1 1@229 .01"]);
    assert!(at(&lines, "OS 1 Filled 1/0") < at(&lines, "ER 1 10148"));
}

/// Behaviour 10 (§2.4)
#[test]
fn an_order_fills_after_it_was_reported_cancelled() {
    let mut bench = Bench::new(&["fill-after-cancel=100ms"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/1", "ER 1 202"]);
    bench.pass(100 * MS);
    assert_eq!(bench.lines(conn)[0], "EX 1 1@229 .01");
    assert_eq!(bench.desk.truth().executions.len(), 1);
}

/// Behaviour 11 (§2.8)
#[test]
fn a_cancel_is_confirmed_hours_later_or_never() {
    let mut bench = Bench::new(&["cancel-late(by=8h, order=1)", "cancel-late(by=never, shown=no, order=2)"]);
    let conn = bench.client(1);
    for order_id in [1, 2] {
        bench.place(conn, order_id, limit(229.0));
    }
    bench.lines(conn);
    bench.cancel(conn, 1);
    bench.cancel(conn, 2);
    assert_eq!(bench.lines(conn), ["OO 1 PendingCancel", "OS 1 PendingCancel 0/1"]);
    bench.pass(8 * 3_600 * SECOND);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/1", "ER 1 202"]);
    assert_eq!(bench.ask(conn, id::OPEN_ORDERS)[0], "OO 2 Submitted");
}

/// Behaviour 12 (§2.6)
#[test]
fn a_cancel_of_a_live_order_is_answered_with_10147_and_the_order_lives_or_ends_all_the_same() {
    let mut bench = Bench::new(&["cancel-not-found(order=1)", "cancel-not-found(acts=yes, order=2)"]);
    let conn = bench.client(1);
    for order_id in [1, 2] {
        bench.place(conn, order_id, limit(229.0));
        bench.lines(conn);
        bench.cancel(conn, order_id);
        let lines = bench.lines(conn);
        assert_eq!(lines[0], format!("ER {order_id} 10147"));
        assert_eq!(lines.len() > 1, order_id == 2, "{lines:?}");
    }
    bench.price("228.90");
    assert_eq!(bench.lines(conn)[0], "EX 1 1@228.91 .01");
}

/// Behaviour 13 (§2.8)
#[test]
fn the_cancel_of_a_filled_order_gets_10148_once_and_10147_from_then_on() {
    for faults in [&[][..], &["cancel-finished"], &["cancel-finished(code=10147, then=0)"]] {
        let mut bench = Bench::new(faults);
        let conn = bench.client(1);
        bench.place(conn, 1, market());
        bench.lines(conn);
        let mut answers = Vec::new();
        for _attempt in 0..3 {
            bench.cancel(conn, 1);
            answers.extend(bench.lines(conn));
        }
        if faults == ["cancel-finished(code=10147, then=0)"] {
            assert_eq!(answers, ["ER 1 10147"]);
        } else {
            assert_eq!(answers, ["ER 1 10148", "ER 1 10147", "ER 1 10147"], "{faults:?}");
        }
    }
}

/// Behaviour 14 (§2.5-10)
#[test]
fn a_rejection_comes_as_an_error_and_then_silence_whatever_its_code() {
    for code in [110, 103, 200, 387, 460, 321] {
        let mut bench = Bench::new(&[&format!("reject={code}")]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        assert_eq!(bench.lines(conn), [format!("ER 1 {code}")]);
        bench.pass(60 * SECOND);
        assert!(bench.lines(conn).is_empty() && bench.desk.truth().orders.is_empty());
    }
    for (status, word) in [("inactive", "Inactive"), ("cancelled", "Cancelled")] {
        let mut bench = Bench::new(&[&format!("reject(code=201, status={status})")]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        assert_eq!(
            bench.lines(conn),
            ["ER 1 201".to_owned(), format!("OO 1 {word}"), format!("OS 1 {word} 0/1")]
        );
    }
}

/// Behaviour 15 (§2.6, §2.7)
#[test]
fn the_code_that_kills_an_order_only_refuses_a_modification_and_the_old_order_fills() {
    let mut bench = Bench::new(&["reject-modify=110"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.place(conn, 1, limit(228.0));
    assert_eq!(bench.lines(conn), ["ER 1 110"]);
    bench.price("228.98");
    assert_eq!(bench.lines(conn)[0], "EX 1 1@228.99 .01");
}

/// Behaviour 15 (§2.7)
#[test]
fn a_modification_can_find_its_order_filled() {
    let mut bench = Bench::new(&["fill-during-modify"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.place(conn, 1, limit(228.0));
    let lines = bench.lines(conn);
    assert_eq!((lines[0].as_str(), lines.last().unwrap().as_str()), ("EX 1 1@229 .01", "ER 1 104"));
}

/// Behaviour 16 (§2.6)
#[test]
fn an_informational_code_looks_like_an_error_and_the_order_fills() {
    for code in [10_349, 399, 404, 2109, 2148, 202] {
        let mut bench = Bench::new(&[&format!("inform={code}")]);
        let conn = bench.client(1);
        bench.place(conn, 1, market());
        let lines = bench.lines(conn);
        assert_eq!(lines[0], format!("ER 1 {code}"));
        assert!(lines.contains(&"OS 1 Filled 1/0".to_owned()), "{lines:?}");
    }
}

/// Behaviour 17 (§2.4)
#[test]
fn inactive_is_a_hold_that_ends_in_a_fill_or_a_rejection_that_does_not() {
    let mut bench = Bench::new(&["locate-hold(for=30s)@1", "reject=201@2"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    assert_eq!(bench.lines(conn), ["OO 1 Inactive", "OS 1 Inactive 0/1 locate", "ER 1 404"]);
    bench.place(conn, 2, market());
    assert_eq!(bench.lines(conn), ["ER 2 201", "OO 2 Inactive", "OS 2 Inactive 0/1"]);
    bench.pass(30 * SECOND);
    assert!(bench.lines(conn).contains(&"OS 1 Filled 1/0".to_owned()));
    assert_eq!(bench.desk.truth().executions.len(), 1);
}

/// Behaviour 17 (§2.4)
#[test]
fn a_held_order_can_be_cancelled_before_it_is_released() {
    let mut bench = Bench::new(&["locate-hold(for=30s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    bench.lines(conn);
    bench.cancel(conn, 1);
    assert!(bench.lines(conn).contains(&"OS 1 Cancelled 0/1".to_owned()));
    bench.pass(60 * SECOND);
    assert!(bench.lines(conn).is_empty());
}

/// Behaviour 18 (§2.5-11)
#[test]
fn orders_in_a_burst_are_swallowed_and_some_appear_minutes_later() {
    let mut bench = Bench::new(&["swallow(late=5m)@2..3", "swallow@4"]);
    let conn = bench.client(1);
    for order_id in 1..=5 {
        bench.place(conn, order_id, limit(229.0));
    }
    let lines = bench.lines(conn);
    for (order_id, seen) in [(1, 2), (2, 0), (3, 0), (5, 2)] {
        assert_eq!(count(&lines, &format!("OS {order_id} ")), seen, "order {order_id}: {lines:?}");
    }
    bench.pass(300 * SECOND);
    let lines = bench.lines(conn);
    assert_eq!(
        (count(&lines, "OS 2 Submitted"), count(&lines, "OS 4")),
        (0, 0),
        "an id below the highest is refused"
    );
    assert_eq!(count(&lines, "ER 2 103"), 1);
}

/// Behaviour 32 (§1.10)
#[test]
fn an_error_about_an_order_comes_under_another_id_or_none_in_any_language() {
    for (fault, expected) in
        [("reject(code=321, id=none)", "ER -1 321"), ("reject(code=201, id=absent, status=none)", "ER - 201")]
    {
        let mut bench = Bench::new(&[fault]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        assert_eq!(bench.lines(conn), [expected]);
    }
    for (fault, expected) in [("error-id=9001", "ER 9001 110"), ("error-id(absent=yes)", "ER - 110")] {
        let mut bench = Bench::new(&[fault, "error-text=\"订单被拒绝\""]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.001));
        assert_eq!(bench.lines(conn), [expected]);
    }
}

/// Behaviour 34 (§5)
#[test]
fn working_orders_are_limited_per_side_of_a_contract() {
    let mut bench = Bench::new(&["per-side-limit=15"]);
    let conn = bench.client(1);
    for order_id in 1..=15 {
        bench.place(conn, order_id, limit(229.0));
    }
    bench.lines(conn);
    bench.place(conn, 16, limit(229.0));
    assert_eq!(bench.lines(conn)[0], "ER 16 201");
    bench.place(conn, 17, crate::frames::limit("SELL", "1", 231.0));
    assert!(bench.lines(conn).contains(&"OS 17 Submitted 0/1".to_owned()));
}

/// Behaviour 38 (§2.3)
#[test]
fn a_child_too_soon_gets_10006_and_a_modification_that_names_a_parent_gets_135() {
    let child = || limit(231.0).int(4, 1);
    let mut bench = Bench::new(&["child-race(within=50ms)", "parent-gone"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.place(conn, 2, child());
    assert_eq!(bench.lines(conn), ["ER 2 10006"]);
    bench.pass(50 * MS);
    bench.place(conn, 3, child());
    assert!(bench.lines(conn).contains(&"OS 3 PreSubmitted 0/1 child".to_owned()));
    bench.place(conn, 3, child());
    assert_eq!(bench.lines(conn), ["ER 3 135"]);
}

#[test]
fn the_broker_can_cancel_an_order_that_nobody_cancelled() {
    let mut bench = Bench::new(&["cancel-unasked(after=1s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.pass(SECOND);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/1", "ER 1 202"]);
}

/// Nor changes another order that has its number by then.
#[test]
fn a_held_modification_of_an_order_whose_number_was_forgotten_places_nothing() {
    for is_used_again in [false, true] {
        let mut bench = Bench::new(&["swallow-modify(late=10s)"]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        bench.place(conn, 1, limit(228.0));
        bench.cancel(conn, 1);
        bench.desk.disconnect_all();
        bench.lines(conn);
        bench.inject("reset-ids");
        let conn = bench.client(1);
        if is_used_again {
            bench.place(conn, 1, limit(227.0));
        }
        bench.lines(conn);
        bench.pass(10 * SECOND);
        assert_eq!(bench.lines(conn), ["ER 1 104"], "{is_used_again}");
    }
}

#[test]
fn modifications_and_cancels_can_be_lost_and_appear_later() {
    let mut bench = Bench::new(&["swallow-modify", "swallow-cancel(late=2s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.place(conn, 1, limit(228.0));
    bench.cancel(conn, 1);
    assert!(bench.lines(conn).is_empty());
    bench.pass(2 * SECOND);
    assert!(bench.lines(conn).contains(&"ER 1 202".to_owned()));
}
