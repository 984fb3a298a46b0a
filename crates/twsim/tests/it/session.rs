//! Sessions: handshake, versions, client ids, the clock, and bytes that are no conversation.

use std::time::Duration;

use alphec_twsim::{Gateway, GatewayError};
use ibapi::{Client, Error};
use prost::Message;
use rust_decimal::Decimal;

use crate::kit::{Tape, aapl, connect, limit, still};
use crate::raw::{OneNumber, Raw};
use ibapi::orders::Action;

/// A market data request for a contract id.
#[derive(Clone, PartialEq, Message)]
struct MarketData {
    #[prost(int32, tag = "1")]
    req_id: i32,
    #[prost(message, optional, tag = "2")]
    contract: Option<OneNumber>,
}

#[tokio::test]
async fn the_handshake_gives_version_accounts_and_first_order_id() {
    let gateway = Gateway::builder().account("DU1").account("DU2").start().await.unwrap();
    let client = connect(&gateway, 3).await;
    assert_eq!(client.server_version(), 226);
    assert_eq!(client.next_order_id(), 1);
    assert_eq!(client.handshake_managed_accounts(), ["DU1", "DU2"]);
    assert_eq!(client.managed_accounts().await.unwrap(), ["DU1", "DU2"]);
    assert!(client.connection_time().is_some());
    assert_eq!(gateway.connections(), 1);
}

#[tokio::test]
async fn the_version_is_the_lower_of_both_newest_and_clients_too_old_are_turned_away() {
    let gateway = Gateway::builder().server_version(220).start().await.unwrap();
    assert_eq!(connect(&gateway, 1).await.server_version(), 220);
    let mut older = Raw::open(&gateway).await;
    older.greet("v100..215 +PACEAPI").await;
    assert!(older.payload().await.unwrap().starts_with(b"215\0"));
    let mut text_only = Raw::open(&gateway).await;
    text_only.greet("v157..178").await;
    assert!(text_only.payload().await.unwrap().starts_with(b"178\0"));
    let mut ancient = Raw::open(&gateway).await;
    ancient.greet("v100..156").await;
    assert_eq!(ancient.payload().await, None);
    assert_eq!(gateway.counters().malformed, 1);
    let refused = Gateway::builder().server_version(300).start().await.unwrap_err();
    assert!(matches!(refused, GatewayError::Config { .. }));
}

#[tokio::test]
async fn a_second_holder_of_a_client_id_gets_326_and_is_closed() {
    let gateway = still().start().await.unwrap();
    let first = connect(&gateway, 5).await;
    let refused = Client::connect(&gateway.addr().to_string(), 5).await;
    assert!(matches!(refused, Err(Error::ClientIdInUse { client_id: 5 })));
    let other = connect(&gateway, 6).await;
    assert_eq!(gateway.connections(), 2);
    assert_eq!(gateway.counters().client_ids_refused, 1);
    assert!(first.is_connected() && other.is_connected());
    first.disconnect().await;
    while gateway.connections() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(connect(&gateway, 5).await.is_connected());
}

#[tokio::test]
async fn order_ids_go_on_after_a_reconnect_and_are_counted_per_client() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(41, &aapl(), &limit(Action::Buy, 1.0, 229.0)).await.unwrap();
    tape.until_status("Submitted").await;
    assert_eq!(client.next_valid_order_id().await.unwrap(), 42);
    client.disconnect().await;
    while gateway.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(connect(&gateway, 1).await.next_order_id(), 42);
    assert_eq!(connect(&gateway, 2).await.next_order_id(), 1);
}

#[tokio::test]
async fn the_clock_answers_in_seconds_and_milliseconds() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let seconds = client.server_time().await.unwrap();
    let millis = client.server_time_millis().await.unwrap();
    assert!((millis - seconds).whole_seconds().abs() <= 1);
}

#[tokio::test]
async fn with_the_quirk_on_the_clock_answers_once_a_second() {
    let gateway = still().with(|it| it.clock_once_per_second = true).start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    raw.send(49, &OneNumber::default()).await;
    raw.until(49).await;
    raw.send(49, &OneNumber::default()).await;
    assert!(raw.is_silent().await);
    gateway.advance_clock(Duration::from_secs(1));
    raw.send(49, &OneNumber::default()).await;
    raw.until(49).await;
}

#[tokio::test]
async fn bytes_that_are_no_message_cost_their_own_connection_and_no_other() {
    let gateway = still().start().await.unwrap();
    let bystander = connect(&gateway, 9).await;
    let truncated = [0, 0, 0, 6, 0, 0, 0, 203, 0x1a, 0x7f];
    let bad: [&[u8]; 5] = [
        &[0, 0, 0, 0],
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 2, 1, 2],
        &truncated,
        b"GET / HTTP/1.1\r\n\r\n",
    ];
    for (at, bytes) in bad.iter().enumerate() {
        let mut raw = Raw::session(&gateway, 20 + at as i32).await;
        raw.bytes(bytes).await;
        while raw.payload().await.is_some() {}
    }
    let mut browser = Raw::open(&gateway).await;
    browser.bytes(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(browser.payload().await, None);
    assert_eq!(gateway.counters().malformed, 6);
    assert!(bystander.server_time().await.is_ok());
}

#[tokio::test]
async fn what_is_not_served_is_refused_by_name_and_counted() {
    let gateway = still().start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    raw.send(87, &OneNumber { value: Some(77) }).await;
    let error = raw.error().await;
    assert_eq!((error.id, error.code), (Some(77), Some(321)));
    assert!(error.text.unwrap().contains("reqHeadTimestamp is not supported"));
    raw.send(150, &OneNumber { value: Some(78) }).await;
    assert_eq!(raw.error().await.code, Some(320));
    let counters = gateway.counters();
    assert_eq!(counters.unsupported.get("reqHeadTimestamp"), Some(&1));
    assert_eq!(counters.unsupported.len(), 2);
}

#[tokio::test]
async fn read_only_mode_refuses_orders_and_their_lists_without_an_id() {
    let gateway = still().with(|it| it.read_only = true).start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    for request in [3, 4, 5, 16, 58] {
        raw.send(request, &OneNumber { value: Some(5) }).await;
        let error = raw.error().await;
        assert_eq!((error.id, error.code), (Some(-1), Some(321)));
    }
    raw.send(61, &OneNumber::default()).await;
    raw.until(62).await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_disconnected_when_its_outbox_is_full() {
    let gateway = still().with(|it| it.outbox_limit = 64 * 1024).start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    raw.send(1, &MarketData { req_id: 1, contract: Some(OneNumber { value: Some(265_598) }) }).await;
    raw.until(81).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while gateway.counters().slow_clients == 0 && std::time::Instant::now() < deadline {
        for cents in 0..2_000 {
            gateway.set_price("AAPL", Decimal::new(23_000 + cents, 2));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(gateway.counters().slow_clients, 1);
    assert!(connect(&gateway, 2).await.is_connected());
}

#[tokio::test]
async fn stopping_ends_every_connection_and_frees_the_port() {
    let gateway = still().start().await.unwrap();
    let addr = gateway.addr();
    let mut raw = Raw::session(&gateway, 1).await;
    gateway.stop().await;
    while raw.payload().await.is_some() {}
    assert!(Gateway::builder().listen(&addr.to_string()).start().await.is_ok());
}
