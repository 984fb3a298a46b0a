//! What the way between client and gateway can do (tws-behaviour 1.11, 7.1).

use std::time::{Duration, Instant};

use alphec_twsim::Gateway;
use tokio::net::TcpStream;

use crate::bench::{Bench, count, id};
use crate::frames::{AAPL, Body, contract, order, place};
use crate::kit::still;
use crate::raw::{OneNumber, Raw};

/// Nothing listens: the system itself refuses, as it does while a gateway restarts.
#[tokio::test]
async fn the_port_refuses_connections_for_a_while_and_those_that_there_are_go_on() {
    let gateway = still().start().await.unwrap();
    let mut before = Raw::session(&gateway, 1).await;
    gateway.inject("port-refused=400ms".parse().unwrap());
    let refused = loop {
        match TcpStream::connect(gateway.addr()).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            // It stood in the queue when the port closed.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    before.send(49, &OneNumber::default()).await;
    before.until(49).await;
    let started = Instant::now();
    while TcpStream::connect(gateway.addr()).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "the port opens again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Raw::session(&gateway, 2).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_port_that_is_closed_can_be_opened_by_hand_and_does_not_keep_the_gateway_from_stopping() {
    let gateway = Gateway::builder().fault("port-refused=never".parse().unwrap()).start().await.unwrap();
    while TcpStream::connect(gateway.addr()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gateway.clear_faults();
    let started = Instant::now();
    while TcpStream::connect(gateway.addr()).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "the port opens again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gateway.inject("port-refused=never".parse().unwrap());
    gateway.stop().await;
}

/// An order behind a thousand bytes of nothing waits until the gateway has read that far.
#[tokio::test]
async fn a_gateway_that_reads_slowly_acts_late_on_what_is_written_to_it() {
    let gateway = still().fault("slow-read=2000".parse().unwrap()).start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    let started = Instant::now();
    for _ in 0..125 {
        raw.send(59, &OneNumber::default()).await;
    }
    raw.bytes(&place(1, order("BUY", "1", "MKT"))).await;
    raw.until(11).await;
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
}

/// Section 1.11: a client that does not drain its socket is disconnected after the bulk timeout.
#[tokio::test]
async fn a_client_that_takes_nothing_is_disconnected_after_the_bulk_timeout() {
    let gateway = still()
        .fault("bulk-timeout=150ms".parse().unwrap())
        .with(|config| config.outbox_limit = usize::MAX)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    // More answers than the sockets hold between them, of which none is read.
    let details = Body::default().int(1, 5).nested(2, &contract(AAPL)).frame(9);
    for _ in 0..20 {
        raw.tries(&details.repeat(1_000)).await;
    }
    let started = Instant::now();
    while gateway.connections() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "still connected");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Section 4.2: "closed positions are sent as explicit 0", which is an option.
#[test]
fn closed_positions_are_sent_as_zero_or_not_at_all() {
    for (faults, rows) in [(&[][..], 1), (&["no-zero-positions"][..], 0)] {
        let mut bench = Bench::new(faults);
        let conn = bench.client(1);
        bench.place(conn, 1, order("BUY", "1", "MKT"));
        bench.place(conn, 2, order("SELL", "1", "MKT"));
        bench.lines(conn);
        let heard = bench.ask(conn, id::POSITIONS);
        assert_eq!(count(&heard, "END 61"), rows, "{faults:?}: {heard:?}");
        assert_eq!(heard.last().map(String::as_str), Some("END 62"));
    }
}
