//! Messages that take their time, each way, and stay in order.

use alphec_twsim::GatewayConfig;

use crate::bench::{Bench, MS, SECOND, at, count, limit, market};
use crate::kit::{Tape, aapl, connect, order, still};

fn slow(text: &str) -> impl FnOnce(&mut GatewayConfig) {
    let latency = text.parse().unwrap();
    move |config| config.latency = latency
}

/// A session in business behind a latency.
fn client(bench: &mut Bench) -> u64 {
    let conn = bench.dial(1);
    bench.pass(10 * SECOND);
    assert_eq!(count(&bench.lines(conn), "ID"), 1);
    conn
}

#[test]
fn an_order_arrives_after_its_way_in_and_its_answer_after_the_way_out() {
    let mut bench = Bench::with(&[], slow("fixed:5ms"));
    let conn = client(&mut bench);
    bench.place(conn, 1, market());
    bench.pass(5 * MS - 1);
    assert!(bench.desk.truth().orders.is_empty(), "it is on its way");
    bench.pass(1);
    assert_eq!(bench.desk.truth().executions.len(), 1);
    assert_eq!(bench.desk.truth().executions[0].at, bench.now);
    bench.pass(5 * MS - 1);
    assert_eq!(bench.lines(conn), [""; 0]);
    bench.pass(1);
    assert_eq!(count(&bench.lines(conn), "EX 1"), 1);
}

#[test]
fn each_way_can_have_a_latency_of_its_own() {
    let mut bench = Bench::with(&[], slow("answers=fixed:8ms"));
    let conn = client(&mut bench);
    bench.place(conn, 1, market());
    assert_eq!(bench.desk.truth().executions.len(), 1);
    bench.pass(8 * MS);
    assert_eq!(count(&bench.lines(conn), "EX 1"), 1);
    let mut bench = Bench::with(&[], slow("requests=fixed:8ms"));
    let conn = client(&mut bench);
    bench.place(conn, 1, market());
    bench.pass(8 * MS);
    assert_eq!(count(&bench.lines(conn), "EX 1"), 1);
}

/// However long each of them travels, nothing on a connection is overtaken.
#[test]
fn orders_and_answers_stay_in_order() {
    let mut bench = Bench::with(&[], slow("lognormal:median=3ms,p99=400ms"));
    let conn = client(&mut bench);
    for order_id in 1..=50 {
        bench.place(conn, order_id, limit(200.0));
        bench.cancel(conn, order_id);
    }
    bench.pass(120 * SECOND);
    let heard = bench.lines(conn);
    assert_eq!(count(&heard, "ER"), 50, "each cancel found its order: {heard:?}");
    for order_id in 1..50 {
        let (this, next) =
            (at(&heard, &format!("OS {order_id} Cancelled")), at(&heard, &format!("OO {} ", order_id + 1)));
        assert!(this < next, "{order_id}");
    }
}

#[test]
fn the_same_seed_travels_the_same_way() {
    let run = || {
        let mut bench = Bench::with(&[], slow("uniform:1ms..50ms"));
        let conn = client(&mut bench);
        let mut heard = Vec::new();
        for order_id in 1..=20 {
            bench.place(conn, order_id, limit(200.0));
            bench.pass(10 * MS);
            heard.push((bench.now, bench.lines(conn)));
        }
        heard
    };
    assert_eq!(run(), run());
}

/// Bytes that were written before a connection ended arrive, as they do on a real network.
#[test]
fn what_was_sent_before_the_connection_ended_is_acted_on() {
    let mut bench = Bench::with(&[], slow("fixed:5s"));
    let conn = client(&mut bench);
    bench.pass(10 * SECOND);
    bench.place(conn, 1, market());
    bench.desk.closed(conn);
    assert_eq!(bench.desk.truth().executions.len(), 1);
}

#[test]
fn a_silent_gateway_with_latency_does_not_spin() {
    let mut bench = Bench::with(&[], slow("requests=fixed:5ms"));
    let conn = client(&mut bench);
    bench.inject("half-open");
    bench.place(conn, 1, market());
    bench.pass(SECOND);
    assert!(bench.desk.next_wake().is_none_or(|next| next > bench.now));
    bench.desk.clear_faults(bench.now);
    bench.pass(SECOND);
    assert_eq!(bench.desk.truth().executions.len(), 1);
}

#[tokio::test]
async fn a_client_waits_as_long_as_both_ways_take() {
    let gateway = still().latency("fixed:40ms".parse().unwrap()).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let started = std::time::Instant::now();
    client.submit_order(1, &aapl(), &order(ibapi::orders::Action::Buy, 1.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    assert!(started.elapsed().as_millis() >= 80, "{:?}", started.elapsed());
}
