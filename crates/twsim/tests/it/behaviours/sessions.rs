//! Connections, handshakes, lost servers, rates.

use crate::bench::{Bench, MS, SECOND, START, at, count, id, limit, market};
use crate::frames::Body;
use alphec_twsim::venue::OrderKind;

/// Behaviour 1 (§1.7, §2.1)
#[test]
fn an_order_written_before_a_restart_never_existed_or_is_live_and_is_not_answered_either_way() {
    for (fault, working) in [("drop-before-accept=rst", 0), ("drop-after-accept=rst", 1)] {
        let mut bench = Bench::new(&[fault]);
        let conn = bench.client(1);
        bench.place(conn, 1, limit(229.0));
        assert_eq!(bench.lines(conn), ["RST"], "{fault}");
        assert_eq!(bench.desk.truth().orders.len(), working, "{fault}");
    }
}

/// Behaviour 1 (§1.7)
#[test]
fn a_restart_resets_connections_and_lets_nobody_in_for_a_while() {
    let mut bench = Bench::new(&["restart(down=5s)@10s"]);
    let conn = bench.client(1);
    bench.pass(10 * SECOND);
    assert_eq!(bench.lines(conn), ["RST"]);
    let refused = bench.dial(1);
    assert_eq!(bench.lines(refused), ["RST"]);
    bench.pass(5 * SECOND);
    bench.client(1);
}

/// Behaviour 2 (§2.1)
#[test]
fn the_next_order_id_rolls_back_and_ids_that_were_used_are_taken_again() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 10, limit(229.0));
    bench.cancel(conn, 10);
    bench.desk.disconnect_all();
    bench.lines(conn);
    bench.inject("roll-back-ids=3");
    let conn = bench.dial(1);
    assert!(bench.lines(conn).contains(&"ID 8".to_owned()));
    bench.desk.disconnect_all();
    bench.lines(conn);
    bench.inject("reset-ids");
    let conn = bench.client(1);
    bench.place(conn, 10, limit(229.0));
    assert!(bench.lines(conn).contains(&"OS 10 Submitted 0/1".to_owned()));
}

/// Behaviour 3 (§1.7, §1.8)
#[test]
fn an_order_sent_while_the_servers_are_lost_executes_when_they_are_back_or_never() {
    for (orders, fills) in [("keep", 1), ("drop", 0)] {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.inject(&format!("lost-servers(for=60s, orders={orders})"));
        assert_eq!(bench.lines(conn), ["ER -1 1100"]);
        bench.place(conn, 1, market());
        assert!(bench.lines(conn).is_empty());
        bench.pass(60 * SECOND);
        let lines = bench.lines(conn);
        assert_eq!(lines[0], "ER -1 1102");
        assert_eq!(count(&lines, "EX 1 1@230.01"), fills, "{orders}: {lines:?}");
    }
}

/// Behaviour 4 (§2.2)
#[test]
fn a_modification_while_the_servers_are_lost_becomes_a_second_live_order_and_the_old_one_is_listed_last() {
    let mut bench = Bench::new(&["lists-backwards"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.inject("lost-servers");
    bench.place(conn, 1, limit(228.0));
    bench.lines(conn);
    let orders = bench.desk.truth().orders;
    assert_eq!(orders.len(), 2);
    assert_ne!(orders[0].report.perm_id, orders[1].report.perm_id);
    assert_eq!(count(&bench.ask(conn, id::OPEN_ORDERS), "OO 1 Submitted"), 2);
    // The last one listed is the old one, at its old price.
    assert_eq!(bench.echoed(conn, 1).0, Some(229.0));
    bench.cancel(conn, 1);
    bench.pass(30 * SECOND);
    assert_eq!(bench.desk.truth().orders.iter().filter(|it| it.report.status.is_working()).count(), 1);
}

/// Behaviour 4 (§2.2)
#[test]
fn a_modification_can_become_a_second_live_order_before_anybody_is_told_that_the_servers_are_lost() {
    let mut bench = Bench::new(&["modify-twins@1"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.place(conn, 1, limit(228.0));
    bench.lines(conn);
    assert_eq!(count(&bench.ask(conn, id::OPEN_ORDERS), "OO 1 Submitted"), 2);
    // The third one finds the servers there again and moves the newer one.
    bench.place(conn, 1, limit(227.0));
    let prices: Vec<_> = bench.desk.truth().orders.iter().map(|it| it.report.spec.kind).collect();
    assert_eq!(prices, [229, 227].map(|price| OrderKind::Limit { limit: price.into() }));
    // So does a cancel, and then there is one.
    bench.cancel(conn, 1);
    bench.pass(30 * SECOND);
    assert_eq!(bench.desk.truth().orders.iter().filter(|it| it.report.status.is_working()).count(), 1);
}

/// Behaviour 19 (§1.12)
#[test]
fn a_half_open_gateway_keeps_the_socket_says_nothing_and_acts_on_the_backlog_when_it_resumes() {
    let mut bench = Bench::new(&["half-open@30s..40s"]);
    let conn = bench.client(1);
    bench.pass(30 * SECOND);
    bench.place(conn, 1, limit(229.0));
    bench.send(conn, id::CURRENT_TIME, &Body::default());
    bench.pass(9 * SECOND);
    assert!(bench.lines(conn).is_empty() && bench.desk.truth().orders.is_empty());
    bench.pass(SECOND);
    let lines = bench.lines(conn);
    assert!(at(&lines, "OS 1 Submitted") < at(&lines, "END 49"));
}

/// Behaviour 20 (§1.12)
#[test]
fn the_clock_answers_one_request_a_second() {
    let mut bench = Bench::new(&["clock-once-per-second"]);
    let conn = bench.client(1);
    assert_eq!(bench.ask(conn, id::CURRENT_TIME), ["END 49"]);
    assert!(bench.ask(conn, id::CURRENT_TIME).is_empty());
    bench.pass(SECOND);
    assert_eq!(bench.ask(conn, id::CURRENT_TIME), ["END 49"]);
}

/// Behaviour 21 (§1.4)
#[test]
fn a_client_id_stays_taken_for_some_attempts_after_its_session_ended() {
    let mut bench = Bench::new(&["hold-client-id=2"]);
    let conn = bench.client(1);
    bench.desk.closed(conn);
    for _attempt in 0..2 {
        let refused = bench.dial(1);
        let lines = bench.lines(refused);
        assert_eq!(lines[1..], ["ER -1 326", "EOF"]);
    }
    bench.client(1);
}

/// Behaviour 22 (§1.8, §4.3)
#[test]
fn a_new_session_hears_nothing_of_what_happened_while_it_was_away() {
    let mut bench = Bench::new(&["outage(for=5s)@10s"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.pass(10 * SECOND);
    assert_eq!(bench.lines(conn), ["RST"]);
    bench.price("228.90");
    assert_eq!(bench.desk.truth().executions.len(), 1);
    bench.pass(5 * SECOND);
    let conn = bench.dial(1);
    let lines = bench.lines(conn);
    assert_eq!(lines[1..], ["ID 2", "ACCOUNTS DU1234567", "ER -1 2104", "ER -1 2106", "ER -1 2158"]);
}

/// Behaviour 22 (§1.8)
#[test]
fn after_1100_a_new_session_hears_2110_at_most_and_1102_is_not_repeated() {
    let mut bench = Bench::new(&["lost-servers(for=10s)@5s"]);
    let conn = bench.client(1);
    bench.pass(5 * SECOND);
    bench.desk.closed(conn);
    let conn = bench.dial(1);
    assert!(bench.lines(conn).contains(&"ER -1 2110".to_owned()));
    bench.desk.closed(conn);
    bench.pass(10 * SECOND);
    let conn = bench.dial(1);
    assert_eq!(count(&bench.lines(conn), "ER -1 11"), 0);
}

/// Behaviour 23 (§1.8)
#[test]
fn fills_are_delivered_after_1100_and_their_commission_later() {
    let mut bench = Bench::new(&["lost-servers@10s", "commission-late=10s"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.lines(conn);
    bench.pass(10 * SECOND);
    bench.price("228.90");
    let lines = bench.lines(conn);
    assert_eq!(lines[..2], ["ER -1 1100", "EX 1 1@228.91 .01"]);
    assert!(lines.contains(&"OS 1 Filled 1/0".to_owned()));
    bench.pass(10 * SECOND);
    assert_eq!(bench.lines(conn), ["CR 1"]);
}

/// Behaviour 33 (§5)
#[test]
fn above_the_message_rate_orders_wait_or_get_100_and_the_session_ends() {
    let mut bench = Bench::new(&["pacing(mode=queue, rate=10)"]);
    let conn = bench.client(1);
    bench.pass(SECOND);
    for order_id in 1..=12 {
        bench.place(conn, order_id, limit(229.0));
    }
    let lines = bench.lines(conn);
    assert_eq!((count(&lines, "OO"), count(&lines, "ER -1 -")), (20, 1), "{lines:?}");
    bench.pass(SECOND);
    assert_eq!(count(&bench.lines(conn), "OO"), 4);

    let mut bench = Bench::new(&["pacing(mode=reject, rate=10, strikes=3)"]);
    let conn = bench.client(1);
    bench.pass(SECOND);
    for order_id in 1..=15 {
        bench.place(conn, order_id, limit(229.0));
    }
    let lines = bench.lines(conn);
    assert_eq!((count(&lines, "ER -1 100"), lines.last().unwrap().as_str()), (3, "EOF"));
    assert_eq!(bench.desk.truth().orders.len(), 10);
}

/// Behaviour 35 (§1.6)
#[test]
fn in_read_only_mode_orders_and_open_order_lists_get_321_without_an_id_and_the_rest_works() {
    let mut bench = Bench::new(&["read-only"]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    assert_eq!(bench.lines(conn), ["ER -1 321"]);
    assert_eq!(bench.ask(conn, id::ALL_OPEN_ORDERS), ["ER -1 321"]);
    assert_eq!(bench.ask(conn, id::POSITIONS), ["END 62"]);
    assert!(bench.desk.truth().orders.is_empty());
}

/// Behaviour 36 (§1.5)
#[test]
fn a_gateway_on_the_paper_port_can_name_live_accounts() {
    let mut bench = Bench::new(&["live-accounts"]);
    let conn = bench.dial(1);
    assert!(bench.lines(conn).contains(&"ACCOUNTS U1234567".to_owned()));
}

/// Behaviour 37 (§2.3)
#[test]
fn parked_orders_are_invisible_and_gone_after_a_restart_and_a_bracket_can_be_cut_in_half() {
    let parked = || limit(229.0).flag(66, false);
    let mut bench = Bench::new(&["restart@10s"]);
    let conn = bench.client(1);
    bench.place(conn, 1, parked());
    assert_eq!(bench.ask(conn, id::OPEN_ORDERS), ["END 53"]);
    bench.pass(20 * SECOND);
    assert_eq!(bench.lines(conn), ["RST"]);
    let conn = bench.client(1);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn), ["ER 1 10147"]);

    let mut bench = Bench::new(&["drop-before-accept(how=rst)@2"]);
    let conn = bench.client(1);
    bench.place(conn, 1, parked());
    bench.place(conn, 2, limit(231.0).int(4, 1));
    assert_eq!(bench.lines(conn), ["RST"]);
    assert!(bench.desk.truth().orders.is_empty());
}

#[test]
fn handshakes_come_in_every_order_and_with_any_time_zone() {
    let mut bench = Bench::new(&["accounts-first", "no-farms", "time-zone=\"中国标准时间\""]);
    let conn = bench.dial(1);
    let lines = bench.lines(conn);
    assert!(lines[0].ends_with("20251123 03:44:37 中国标准时间"), "{lines:?}");
    assert_eq!(lines[1..], ["ACCOUNTS DU1234567", "ID 1"]);

    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.desk.closed(conn);
    bench.inject("early-notices");
    bench.inject("download-open-orders");
    let conn = bench.dial(1);
    let lines = bench.lines(conn);
    let id_at = at(&lines, "ID");
    assert_eq!((count(&lines[..id_at], "OO 1"), count(&lines[id_at..], "OO 1")), (1, 1));
    assert_eq!(count(&lines[..id_at], "ER -1 2104"), 1);
}

#[test]
fn a_connection_can_be_reset_or_left_hanging_at_every_stage() {
    let mut bench = Bench::new(&["reset-at-connect@1..1", "handshake-stall@2..2", "reset-at-start@1..1"]);
    let conn = bench.dial(1);
    assert_eq!(bench.lines(conn), ["RST"]);
    let conn = bench.dial(1);
    assert!(bench.lines(conn).is_empty());
    let conn = bench.dial(2);
    assert_eq!(bench.lines(conn), ["RST"]);
    bench.client(3);
}

#[test]
fn notices_of_every_code_can_be_sent_and_the_port_can_change() {
    let mut bench = Bench::new(&["notice=2103@1s", "notice(code=0)@2s", "port-changed@3s"]);
    let conn = bench.client(1);
    bench.pass(3 * SECOND);
    assert_eq!(bench.lines(conn), ["ER -1 2103", "ER -1 -", "ER -1 1300", "EOF"]);
}

#[test]
fn the_daily_restart_comes_at_its_time_every_day() {
    let mut bench = Bench::new(&["daily-restart(at=03:45, down=1s)"]);
    for _day in 0..2 {
        let conn = bench.client(1);
        bench.pass(22 * SECOND);
        assert!(bench.lines(conn).is_empty());
        bench.pass(SECOND);
        assert_eq!(bench.lines(conn), ["RST"]);
        bench.pass(86_400 * SECOND - 23 * SECOND);
    }
    assert_eq!((bench.now - START) % (86_400 * SECOND), 0);
}

#[test]
fn bytes_that_are_no_frame_can_be_sent_in_five_ways() {
    for (how, bytes) in [
        ("zero-length", vec![0, 0, 0, 0]),
        ("oversized", vec![0x7f, 0xff, 0xff, 0xff]),
        ("unknown-message", vec![0, 0, 0, 8, 0, 0, 1, 143, 0, 0, 0, 0]),
        ("bad-body", vec![0, 0, 0, 7, 0, 0, 0, 203, 0x1a, 0x20, b'x']),
        ("truncated", vec![0, 0, 0, 64, 0, 0, 0, 203]),
    ] {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.inject(&format!("garble={how}"));
        let (sent, closed) = bench.raw(conn);
        assert_eq!((sent.to_vec(), closed), (bytes, how == "truncated"), "{how}");
    }
}

#[test]
fn everything_can_be_late_in_order() {
    let mut bench = Bench::new(&["delay=50ms"]);
    let conn = bench.dial(1);
    bench.pass(50 * MS);
    bench.lines(conn);
    bench.place(conn, 1, limit(229.0));
    assert!(bench.lines(conn).is_empty());
    bench.pass(50 * MS);
    assert_eq!(count(&bench.lines(conn), "OS 1"), 2);
}
