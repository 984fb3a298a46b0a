//! How fast a gateway answers, in one run on one machine, so that the ratios mean something:
//!
//! - place to acknowledgement, one order at a time, against a bare TCP echo that answers the same frames with
//!   the same frames, on the same kind of runtime, by turns;
//! - orders a second when they are pipelined from one connection, counted when the last answer is read.
//!
//! `cargo bench -p alphec-twsim --bench throughput`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops where it fails")]

mod client;
mod cpu;
mod echo;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use alphec_twsim::Gateway;

use client::{Client, Kind};
use cpu::Placement;

/// Turns of each pair, and orders in each turn.
const TURNS: usize = 60;
const ORDERS_A_TURN: i32 = 250;
/// Orders in one pipelined burst, and bursts.
const BURST: i32 = 20_000;
const BURSTS: usize = 9;

fn main() {
    if std::env::args().any(|arg| arg == "--test") {
        println!("throughput: nothing to test; run it as a benchmark");
        return;
    }
    println!("| one order at a time, medians of {TURNS} turns | gateway | bare echo | ratio | goal |");
    println!("|---|---:|---:|---:|---:|");
    for placement in Placement::all() {
        placement.take();
        let gateway = placement.around(gateway);
        for kind in [Kind::Resting, Kind::Filling] {
            println!("{}", one_at_a_time(gateway, kind, placement));
        }
    }
    println!();
    println!("| pipelined from one connection, medians of {BURSTS} bursts | orders/s | goal |");
    println!("|---|---:|---:|");
    let gateway = gateway();
    for kind in [Kind::Resting, Kind::Filling] {
        println!("{}", pipelined(gateway, kind));
    }
}

/// A gateway on a thread and a runtime of its own, as it is in life; it ends with the process.
fn gateway() -> SocketAddr {
    echo::on_a_thread("gateway", async |tell| {
        let gateway = Gateway::builder().fixed_prices().start().await.expect("a gateway");
        tell.send(gateway.addr()).expect("a listener");
        std::future::pending::<()>().await;
    })
}

/// Median time to the last byte of an answer, at the gateway and at the echo, by turns.
fn one_at_a_time(gateway: SocketAddr, kind: Kind, placement: Placement) -> String {
    let mut ours = Client::start(gateway);
    let (order, answer) = ours.sample(kind);
    let (asked, answered) = (order.len(), answer.len());
    let mut bare = Client::connect(placement.around(|| echo::start(answer)));
    let (mut gateways, mut echoes, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let echo = turn(&mut bare, kind);
        let gateway = turn(&mut ours, kind);
        ours.cancel_all();
        ratios.push(gateway.as_secs_f64() / echo.as_secs_f64());
        gateways.push(gateway);
        echoes.push(echo);
    }
    let micros = |spans: &mut Vec<Duration>| median(spans, Duration::cmp).as_secs_f64() * 1e6;
    let (gateway, echo) = (micros(&mut gateways), micros(&mut echoes));
    let ratio = median(&mut ratios, f64::total_cmp);
    format!(
        "| {}, {}: {asked} bytes in, {answered} out | {gateway:.1} µs | {echo:.1} µs | {ratio:.2} | 1.50 |",
        placement.name(),
        kind.name()
    )
}

fn turn(client: &mut Client, kind: Kind) -> Duration {
    let mut spans: Vec<Duration> = (0..ORDERS_A_TURN)
        .map(|_| {
            let frame = client.next_order(kind);
            let began = Instant::now();
            client.write(&frame);
            client.skip_frames(kind.answers());
            began.elapsed()
        })
        .collect();
    median(&mut spans, Duration::cmp)
}

fn pipelined(gateway: SocketAddr, kind: Kind) -> String {
    let mut client = Client::start(gateway);
    let mut rates: Vec<f64> = (0..BURSTS)
        .map(|_| {
            let batch: Vec<u8> = (0..BURST).flat_map(|_| client.next_order(kind)).collect();
            let began = Instant::now();
            let writer = client.write_aside(batch);
            client.skip_frames(BURST as usize * kind.answers());
            let rate = f64::from(BURST) / began.elapsed().as_secs_f64();
            writer.join().expect("a writer");
            client.cancel_all();
            rate
        })
        .collect();
    let rate = median(&mut rates, f64::total_cmp);
    format!("| {}, {} answers each | {rate:.0} | 40 000 |", kind.name(), kind.answers())
}

fn median<T: Copy>(values: &mut [T], order: impl FnMut(&T, &T) -> std::cmp::Ordering) -> T {
    values.sort_by(order);
    values[values.len() / 2]
}
