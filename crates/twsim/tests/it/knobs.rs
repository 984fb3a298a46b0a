//! The knobs of section 7.1 of the notes on the real gateway's behaviour that are no dangerous behaviour of their
//! own: waiting for a market to open, late lists, the master client, ids of hand-typed orders, the end of a day.

use alphec_twsim::venue::{Calendar, OrderKind, OrderSpec, SecType, Side, TimeInForce, VenueInput};

use crate::bench::{Bench, SECOND, count, id, limit, market, sized};
use crate::frames::{AAPL, Body};
use crate::kit::dec;

const HOUR: i64 = 3_600 * SECOND;
/// The bench begins on a Sunday at 03:44:37 UTC; US stocks open on Monday at 14:30.
const TO_THE_OPEN: i64 = 34 * HOUR + 45 * 60 * SECOND + 23 * SECOND;

/// A weekend.
fn closed(faults: &[&str]) -> Bench {
    Bench::with(faults, |config| {
        let calendar = Calendar::usual(SecType::Stock).unwrap();
        config.instruments[0].calendar = Some(calendar.into());
    })
}

fn good_till_cancelled(order: Body) -> Body {
    order.text(11, "GTC")
}

#[test]
fn a_cancel_is_confirmed_when_the_session_opens() {
    for (mut bench, waits) in
        [(closed(&["cancel-late=open"]), true), (Bench::new(&["cancel-late=open"]), false)]
    {
        let conn = bench.client(1);
        bench.place(conn, 1, good_till_cancelled(limit(220.0)));
        bench.lines(conn);
        bench.cancel(conn, 1);
        bench.pass(SECOND);
        assert_eq!(count(&bench.lines(conn), "OS 1 PendingCancel"), 1);
        assert_eq!(bench.desk.truth().orders[0].ended_at.is_none(), waits, "an open market confirms at once");
        bench.pass(TO_THE_OPEN - 2 * SECOND);
        assert_eq!(bench.desk.truth().orders[0].ended_at.is_none(), waits);
        bench.pass(2 * SECOND);
        assert!(bench.desk.truth().orders[0].ended_at.is_some());
    }
}

#[test]
fn an_order_is_acknowledged_when_the_session_opens() {
    let mut bench = closed(&["status-late=open"]);
    let conn = bench.client(1);
    bench.place(conn, 1, good_till_cancelled(limit(220.0)));
    assert_eq!(bench.lines(conn), ["ER 1 399"]);
    bench.pass(TO_THE_OPEN - SECOND);
    assert_eq!(count(&bench.lines(conn), "OS"), 0);
    bench.pass(2 * SECOND);
    assert!(count(&bench.lines(conn), "OS 1 ") >= 1);
}

#[test]
fn an_order_is_read_when_the_session_opens() {
    let mut bench = closed(&["swallow(late=open)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, good_till_cancelled(limit(220.0)));
    bench.pass(TO_THE_OPEN - SECOND);
    assert!(bench.lines(conn).is_empty() && bench.desk.truth().orders.is_empty());
    bench.pass(2 * SECOND);
    assert_eq!(count(&bench.lines(conn), "OS 1 Submitted"), 1);
}

#[test]
fn a_modified_price_is_shown_when_the_session_opens() {
    let mut bench = closed(&["modify-shows-old=open"]);
    let conn = bench.client(1);
    bench.place(conn, 1, good_till_cancelled(limit(220.0)));
    bench.place(conn, 1, good_till_cancelled(limit(221.0)));
    bench.lines(conn);
    assert_eq!(bench.echoed(conn, 1).0, Some(220.0));
    bench.pass(TO_THE_OPEN + SECOND);
    bench.lines(conn);
    assert_eq!(bench.echoed(conn, 1).0, Some(221.0));
}

#[test]
fn lists_come_late_and_as_they_are_then() {
    let mut bench = Bench::new(&["lists-late(list=open, by=3s)"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(220.0));
    bench.lines(conn);
    assert!(bench.ask(conn, id::OPEN_ORDERS).is_empty());
    assert!(!bench.ask(conn, id::POSITIONS).is_empty(), "other lists are answered");
    bench.place(conn, 2, limit(221.0));
    bench.lines(conn);
    bench.pass(3 * SECOND);
    let lines = bench.lines(conn);
    assert_eq!((count(&lines, "OO 1"), count(&lines, "OO 2"), count(&lines, "END 53")), (1, 1, 1));
    // One whose asker is gone is answered to nobody.
    bench.send(conn, id::ALL_OPEN_ORDERS, &Body::default());
    bench.desk.closed(conn);
    bench.pass(3 * SECOND);
}

#[test]
fn the_master_client_hears_of_the_orders_of_all_others() {
    let mut bench = Bench::new(&["master-client(id=9)"]);
    let (master, other, conn) = (bench.client(9), bench.client(2), bench.client(1));
    bench.place(conn, 1, market());
    let heard = bench.lines(master);
    assert_eq!(heard, bench.lines(conn), "orders, executions and commissions");
    assert!(count(&heard, "EX 1") == 1 && bench.lines(other).is_empty());
    // It may not change them.
    bench.place(conn, 2, limit(220.0));
    bench.lines(master);
    bench.cancel(master, 2);
    assert_eq!(bench.lines(master), ["ER 2 10147"]);
}

#[test]
fn each_client_lists_its_own_orders_and_one_request_lists_all() {
    let mut bench = Bench::new(&[]);
    let (one, two) = (bench.client(1), bench.client(2));
    bench.place(one, 1, limit(220.0));
    bench.place(two, 1, limit(221.0));
    let (_, _) = (bench.lines(one), bench.lines(two));
    assert_eq!(count(&bench.ask(one, id::OPEN_ORDERS), "OO"), 1);
    assert_eq!(count(&bench.ask(one, id::ALL_OPEN_ORDERS), "OO"), 2);
}

#[test]
fn hand_typed_orders_get_negative_ids_or_the_next_positive_ones() {
    for (faults, first, second) in [(&[][..], -1, -2), (&["positive-auto-ids"][..], 6, 7)] {
        let mut bench = Bench::new(faults);
        let zero = bench.client(0);
        bench.place(zero, 5, limit(220.0));
        for _ in 0..2 {
            let spec = OrderSpec {
                con_id: AAPL,
                exchange: "SMART".into(),
                account: "DU1234567".into(),
                side: Side::Buy,
                quantity: dec("3"),
                kind: OrderKind::Limit { limit: dec("219") },
                tif: TimeInForce::Day,
                order_ref: "".into(),
                parent_id: 0,
                transmit: true,
                outside_rth: false,
                extra: None,
                carried: [].into(),
            };
            bench.desk.control(bench.now, VenueInput::PlaceManual { spec });
        }
        bench.lines(zero);
        let all = bench.ask(zero, id::ALL_OPEN_ORDERS);
        assert_eq!(count(&all, "OO 0 "), 2, "no id until it is bound: {all:?}");
        let bound = bench.ask(zero, id::OPEN_ORDERS);
        for number in [first, second] {
            assert_eq!(count(&bound, &format!("OO {number} ")), 1, "{bound:?}");
        }
        bench.place(zero, 8, limit(218.0));
        assert_eq!(count(&bench.lines(zero), "OS 8 Submitted"), 1, "the sequence goes on");
    }
}

#[test]
fn a_day_order_expires_while_its_client_is_away_and_nobody_tells() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(220.0));
    bench.place(conn, 2, good_till_cancelled(limit(221.0)));
    bench.lines(conn);
    bench.desk.disconnect_all();
    bench.lines(conn);
    bench.pass(24 * HOUR);
    let conn = bench.dial(1);
    let said = bench.lines(conn);
    assert_eq!(count(&said, "OS") + count(&said, "ER 1"), 0, "{said:?}");
    assert_eq!(count(&bench.ask(conn, id::OPEN_ORDERS), "OO"), 1);
    assert_eq!(bench.ask(conn, id::COMPLETED_ORDERS)[0], "DONE 1 Cancelled");
}

#[test]
fn an_error_can_come_without_a_code() {
    let mut bench = Bench::new(&["inform=0"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(220.0));
    assert_eq!(bench.lines(conn)[0], "ER 1 -");
}

#[test]
fn any_code_can_kill_or_only_inform() {
    for code in [110, 201, 399, 10_349, 12_345] {
        let mut bench = Bench::new(&[&format!("reject={code}"), &format!("inform={code}")]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(220.0));
        assert!(bench.lines(conn).contains(&format!("ER 1 {code}")));
        assert!(bench.desk.truth().orders.iter().all(|order| order.ended_at.is_some()));
        bench.place(conn, 2, limit(220.0));
        let lines = bench.lines(conn);
        assert_eq!(
            (&lines[0], lines.last().unwrap()),
            (&format!("ER 2 {code}"), &"OS 2 Submitted 0/1".to_owned())
        );
    }
}

#[test]
fn fills_come_in_the_sizes_that_are_shown() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.01, "700"));
    assert!(bench.lines(conn).contains(&"OS 1 Submitted 500/200".to_owned()));
}
