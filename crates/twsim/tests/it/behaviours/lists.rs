//! Lists that are empty, incomplete, or say other things than they seem to.

use crate::bench::{Bench, SECOND, count, id, limit, market, sized};

/// Behaviour 24 (§4.1)
#[test]
fn a_list_is_empty_because_the_request_failed_and_looks_like_no_orders() {
    for (fault, answer) in [
        ("empty-lists(list=open, how=end)", &["END 53"][..]),
        ("empty-lists(list=open, how=silence)", &[]),
        ("empty-lists(list=open, how=refused)", &["ER -1 321"]),
    ] {
        let mut bench = Bench::new(&[fault]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        bench.lines(conn);
        assert_eq!(bench.ask(conn, id::OPEN_ORDERS), answer, "{fault}");
        assert_eq!(bench.desk.truth().orders.len(), 1);
    }
    let mut bench = Bench::new(&["empty-lists(list=all)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, market());
    bench.lines(conn);
    assert_eq!(bench.executions(conn, 0), ["END 55"]);
    assert_eq!(bench.ask(conn, id::COMPLETED_ORDERS), ["END 102"]);
    assert_eq!(bench.ask(conn, id::POSITIONS), ["END 62"]);
}

/// Behaviour 25 (§4.1)
#[test]
fn a_live_order_is_missing_from_the_first_list_and_is_in_the_second() {
    let mut bench = Bench::new(&["omit-orders(lists=1)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    assert_eq!(bench.ask(conn, id::ALL_OPEN_ORDERS), ["END 53"]);
    assert_eq!(count(&bench.ask(conn, id::ALL_OPEN_ORDERS), "OO 1"), 1);
}

/// Behaviour 26 (§4.1)
#[test]
fn the_total_of_a_completed_order_is_what_was_left_of_it() {
    for (fault, total) in
        [(&[][..], "200"), (&["completed-total=zero"], "0"), (&["completed-total=whole"], "700")]
    {
        let mut bench = Bench::new(fault);
        let conn = bench.client(1);
        bench.place(conn, 1, sized(231.0, "700"));
        bench.cancel(conn, 1);
        bench.lines(conn);
        let expected = [format!("DONE {total} Cancelled"), "END 102".to_owned()];
        assert_eq!(bench.ask(conn, id::COMPLETED_ORDERS), expected, "{fault:?}");
    }
}

/// Behaviour 27 (§3.3)
#[test]
fn executions_reach_back_to_midnight_only_and_to_earlier_days_when_asked_unless_the_gateway_cannot() {
    for (faults, of_two_days) in [(&[][..], 1), (&["execution-window=1"], 0)] {
        let mut bench = Bench::new(faults);
        let conn = bench.client(1);
        bench.place(conn, 1, market());
        bench.lines(conn);
        assert_eq!(count(&bench.executions(conn, 0), "EX 1"), 1);
        bench.pass(86_400 * SECOND);
        bench.lines(conn);
        assert_eq!(count(&bench.executions(conn, 0), "EX 1"), 0);
        assert_eq!(count(&bench.executions(conn, 2), "EX 1"), of_two_days, "{faults:?}");
    }
}

/// Behaviour 31 (§1.4, §2.1)
#[test]
fn foreign_orders_come_with_clashing_zero_and_negative_ids() {
    let mut bench = Bench::new(&["foreign-order(client=99)@1", "foreign-order(id=manual)@2"]);
    let conn = bench.client(1);
    for order_id in [1, 2] {
        bench.place(conn, order_id, limit(229.0));
    }
    bench.lines(conn);
    let all = bench.ask(conn, id::ALL_OPEN_ORDERS);
    assert_eq!((count(&all, "OO 1 "), count(&all, "OO 2 "), count(&all, "OO 0 ")), (2, 1, 1), "{all:?}");
    assert_eq!(count(&bench.ask(conn, id::OPEN_ORDERS), "OO"), 2);
    let zero = bench.client(0);
    assert_eq!(count(&bench.ask(zero, id::OPEN_ORDERS), "OO -1 "), 1);
}
