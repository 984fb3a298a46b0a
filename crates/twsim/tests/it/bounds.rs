//! Everything that a client can open has a limit, and an error that says so (tws-behaviour 5).

use alphec_twsim::venue::Instrument;
use alphec_twsim::{GatewayConfig, Limits};

use crate::bench::{Bench, count, id, limit};
use crate::frames::{AAPL, Body, contract};
use crate::kit::dec;

const MARKET_DATA: i32 = 1;
const CANCEL_MARKET_DATA: i32 = 2;
const LIVE_BARS: i32 = 50;
const PNL: i32 = 92;
const PNL_SINGLE: i32 = 94;

fn many_listed(config: &mut GatewayConfig, limits: Limits) {
    let stocks = (0..10).map(|at| Instrument::stock(900_000 + at, &format!("S{at}"), dec("10")));
    config.instruments.extend(stocks);
    config.limits = limits;
}

fn ticks(bench: &mut Bench, conn: u64, (req_id, con_id): (i32, i32)) -> Vec<String> {
    bench.send(conn, MARKET_DATA, &Body::default().int(1, req_id).nested(2, &contract(con_id)));
    bench.lines(conn)
}

fn bars(bench: &mut Bench, conn: u64, (req_id, con_id): (i32, i32)) -> Vec<String> {
    let body = Body::default().int(1, req_id).nested(2, &contract(con_id)).int(3, 5).text(4, "MIDPOINT");
    bench.send(conn, LIVE_BARS, &body);
    bench.lines(conn)
}

/// Section 5: "100 lines by default (101 when exceeded)". Bars as they happen are lines too.
#[test]
fn the_login_has_so_many_instruments_at_once_and_the_next_one_gets_101() {
    assert_eq!(Limits::default().market_data_lines, 100);
    let limits = Limits { market_data_lines: 3, ..Limits::default() };
    let mut bench = Bench::with(&[], |config| many_listed(config, limits));
    let (one, two) = (bench.client(1), bench.client(2));
    assert_eq!(count(&ticks(&mut bench, one, (1, 900_000)), "ER"), 0);
    assert_eq!(count(&ticks(&mut bench, one, (2, 900_001)), "ER"), 0);
    assert_eq!(bars(&mut bench, two, (1, 900_002)), [""; 0]);
    assert_eq!(ticks(&mut bench, two, (2, 900_003)), ["ER 2 101"]);
    assert_eq!(bars(&mut bench, one, (3, 900_003)), ["ER 3 101"]);
    // What somebody watches already is no line more, and a look is no line at all.
    assert_eq!(count(&ticks(&mut bench, two, (3, 900_000)), "ER"), 0);
    let look = Body::default().int(1, 9).nested(2, &contract(900_005)).flag(4, true);
    bench.send(two, MARKET_DATA, &look);
    assert_eq!(count(&bench.lines(two), "ER"), 0);
    bench.send(one, CANCEL_MARKET_DATA, &Body::default().int(1, 2));
    assert_eq!(count(&ticks(&mut bench, two, (4, 900_003)), "ER"), 0);
}

/// One instrument cannot be subscribed to without end either.
#[test]
fn a_session_has_no_more_subscriptions_than_the_login_has_lines() {
    let limits = Limits { market_data_lines: 3, ..Limits::default() };
    let mut bench = Bench::with(&[], |config| many_listed(config, limits));
    let conn = bench.client(1);
    for req_id in 1..=3 {
        assert_eq!(count(&ticks(&mut bench, conn, (req_id, AAPL)), "ER"), 0);
    }
    assert_eq!(ticks(&mut bench, conn, (4, AAPL)), ["ER 4 101"]);
    assert_eq!(count(&ticks(&mut bench, conn, (3, 900_000)), "ER"), 0, "the same id takes its own place");
}

#[test]
fn profit_and_loss_is_watched_by_so_many_requests_of_each_kind_and_the_next_gets_322() {
    let limits = Limits { pnl: 2, ..Limits::default() };
    let mut bench = Bench::with(&[], |config| config.limits = limits);
    let conn = bench.client(1);
    for req_id in 1..=3 {
        bench.send(conn, PNL, &Body::default().int(1, req_id).text(2, "DU1234567"));
        bench.send(conn, PNL_SINGLE, &Body::default().int(1, 10 + req_id).text(2, "DU1234567").int(4, AAPL));
    }
    let heard = bench.lines(conn);
    let errors: Vec<&String> = heard.iter().filter(|line| line.starts_with("ER")).collect();
    assert_eq!(errors, ["ER 3 322", "ER 13 322"]);
    bench.send(conn, PNL, &Body::default().int(1, 2).text(2, "DU1234567"));
    assert_eq!(count(&bench.lines(conn), "ER"), 0, "the same id again is no more than before");
}

#[test]
fn parked_and_working_orders_are_so_many_and_the_next_one_is_rejected() {
    let limits = Limits { parked_orders: 2, working_orders: 3, ..Limits::default() };
    let mut bench = Bench::with(&[], |config| config.limits = limits);
    let conn = bench.client(1);
    for order_id in 1..=2 {
        bench.place(conn, order_id, limit(200.0).flag(66, false));
    }
    bench.place(conn, 3, limit(200.0).flag(66, false));
    bench.place(conn, 2, limit(201.0).flag(66, false));
    assert_eq!(bench.lines(conn), ["ER 3 201", "OO 3 Inactive", "OS 3 Inactive 0/1"]);
    for order_id in 4..=7 {
        bench.place(conn, order_id, limit(200.0));
    }
    let heard = bench.lines(conn);
    assert_eq!(count(&heard, "ER 7 201"), 1, "{heard:?}");
    assert_eq!(bench.ask(conn, id::OPEN_ORDERS).iter().filter(|line| line.starts_with("OO")).count(), 3);
}
