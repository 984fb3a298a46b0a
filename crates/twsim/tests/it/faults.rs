//! Every fault, seen from the client's side and checked against what the venue knows.

use std::time::Duration;

use alphec_twsim::{Fault, GatewayHandle};
use ibapi::orders::{Action, Order};
use ibapi::{Client, Error};

use crate::kit::{Tape, aapl, connect, limit, order, still};
use crate::raw::{OneNumber, Raw};

fn fault(text: &str) -> Fault {
    text.parse().unwrap()
}

/// A client that does not reconnect by itself.
async fn once(gateway: &GatewayHandle, client_id: i32) -> Client {
    Client::builder()
        .address(gateway.addr().to_string())
        .client_id(client_id)
        .max_reconnect_attempts(0)
        .connect()
        .await
        .unwrap()
}

async fn gone(gateway: &GatewayHandle) {
    while gateway.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn marked(mark: &str) -> Order {
    Order { order_ref: mark.to_owned(), ..limit(Action::Buy, 1.0, 229.0) }
}

#[tokio::test]
async fn dropped_before_acceptance_the_order_never_existed_and_its_id_is_offered_again() {
    let gateway = still().fault(fault("drop-before-accept@2")).start().await.unwrap();
    let client = once(&gateway, 1).await;
    client.submit_order(1, &aapl(), &marked("first")).await.unwrap();
    client.submit_order(2, &aapl(), &marked("second")).await.unwrap();
    gone(&gateway).await;
    assert_eq!(gateway.truth().orders.len(), 1);
    assert_eq!(connect(&gateway, 1).await.next_order_id(), 2);
}

#[tokio::test]
async fn dropped_after_acceptance_the_order_is_live_and_unanswered() {
    let gateway = still().start().await.unwrap();
    gateway.inject(fault("drop-after-accept"));
    let client = once(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &marked("live")).await.unwrap();
    gone(&gateway).await;
    assert!(tape.ended().await);
    let truth = gateway.truth();
    assert!(truth.by_ref("live").unwrap().report.status.is_working());
    assert_eq!(connect(&gateway, 1).await.next_order_id(), 2);
}

#[tokio::test]
async fn an_order_fills_while_its_client_is_away_and_the_new_session_hears_nothing_unasked() {
    let gateway = still().start().await.unwrap();
    gateway.inject(fault("drop-after-accept"));
    let client = once(&gateway, 1).await;
    client.submit_order(1, &aapl(), &marked("away")).await.unwrap();
    gone(&gateway).await;
    gateway.set_price("AAPL", "228.5".parse().unwrap());
    assert_eq!(gateway.truth().executions.len(), 1);
    let mut raw = Raw::session(&gateway, 1).await;
    raw.until(15).await;
    for _farm in 0..3 {
        raw.until(4).await;
    }
    assert!(raw.is_silent().await);
}

#[tokio::test]
async fn modifies_and_cancels_can_be_lost_on_either_side_of_the_gateway() {
    for (text, price, working) in [
        ("drop-before-modify", "229", true),
        ("drop-after-modify", "228", true),
        ("drop-after-cancel", "229", false),
        ("drop-before-cancel", "229", true),
    ] {
        let gateway = still().fault(fault(text)).start().await.unwrap();
        let client = once(&gateway, 1).await;
        let mut tape = Tape::of(&client).await;
        client.submit_order(1, &aapl(), &marked("m")).await.unwrap();
        tape.until_status("Submitted").await;
        if text.ends_with("modify") {
            client.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 228.0)).await.unwrap();
        } else {
            let _updates = client.cancel_order(1, "").await.unwrap();
        }
        gone(&gateway).await;
        let report = gateway.truth().orders[0].report.clone();
        assert_eq!(report.spec.kind.limit(), Some(price.parse().unwrap()), "{text}");
        assert_eq!(report.status.is_working(), working, "{text}");
    }
}

#[tokio::test]
async fn a_mute_gateway_keeps_the_socket_open_and_acts_on_the_backlog_when_it_wakes() {
    let gateway = still().start().await.unwrap();
    let mut raw = Raw::session(&gateway, 1).await;
    let client = connect(&gateway, 2).await;
    raw.send(49, &OneNumber::default()).await;
    raw.until(49).await;
    gateway.inject(fault("mute"));
    raw.send(49, &OneNumber::default()).await;
    client.submit_order(1, &aapl(), &marked("late")).await.unwrap();
    assert!(raw.is_silent().await);
    assert!(client.is_connected());
    assert_eq!(gateway.truth().orders.len(), 0);
    gateway.clear_faults();
    raw.until(49).await;
    while gateway.truth().by_ref("late").is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn silence_can_begin_at_an_order_and_end_by_itself() {
    let gateway = still().fault(fault("mute=60s@2")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &marked("heard")).await.unwrap();
    tape.until_status("Submitted").await;
    client.submit_order(2, &aapl(), &marked("unheard")).await.unwrap();
    while gateway.counters().orders < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(gateway.truth().orders.len(), 1);
    gateway.advance_clock(Duration::from_secs(60));
    assert_eq!(tape.until_status("Submitted").await.order_id, 2);
}

#[tokio::test]
async fn a_swallowed_order_is_never_answered_and_the_session_goes_on() {
    let gateway = still().fault(fault("swallow@1")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &marked("lost")).await.unwrap();
    client.submit_order(2, &aapl(), &marked("kept")).await.unwrap();
    assert_eq!(tape.until_status("Submitted").await.order_id, 2);
    assert!(gateway.truth().by_ref("lost").is_none());
}

#[tokio::test]
async fn a_rejection_can_be_ordered_by_code() {
    let gateway = still().fault(fault("reject=201@1")).fault(fault("reject=460@2")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &marked("a")).await.unwrap();
    assert_eq!(tape.until_error().await.0, 201);
    client.submit_order(2, &aapl(), &marked("b")).await.unwrap();
    assert_eq!(tape.until_error().await.0, 460);
    client.submit_order(3, &aapl(), &marked("c")).await.unwrap();
    tape.until_status("Submitted").await;
}

#[tokio::test]
async fn delayed_frames_arrive_late_and_in_order() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    gateway.inject(fault("delay=120ms"));
    let sent = tokio::time::Instant::now();
    client.submit_order(1, &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    let words = tape.words(6).await;
    assert!(sent.elapsed() >= Duration::from_millis(120));
    assert_eq!(words[2], "EX 1");
    assert_eq!(words[5], "CR");
}

#[tokio::test]
async fn duplicated_callbacks_are_identical() {
    let gateway = still().fault(fault("duplicate")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    let words = tape.words(12).await;
    assert!(words.chunks(2).all(|pair| pair[0] == pair[1]), "{words:?}");
    assert_eq!(gateway.truth().executions.len(), 1);
}

#[tokio::test]
async fn a_client_id_can_stay_taken_after_its_session_died() {
    let gateway = still().fault(fault("hold-client-id=2")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    client.disconnect().await;
    gone(&gateway).await;
    for _attempt in 0..2 {
        let refused = Client::connect(&gateway.addr().to_string(), 1).await;
        assert!(matches!(refused, Err(Error::ClientIdInUse { client_id: 1 })));
    }
    assert!(connect(&gateway, 1).await.is_connected());
}

#[tokio::test]
async fn the_next_order_id_can_roll_back() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(10, &aapl(), &marked("ten")).await.unwrap();
    tape.until_status("Submitted").await;
    client.disconnect().await;
    gone(&gateway).await;
    gateway.inject(fault("roll-back-ids=3"));
    assert_eq!(connect(&gateway, 1).await.next_order_id(), 8);
}

#[tokio::test]
async fn every_connection_can_be_cut_at_a_time() {
    let gateway = still().fault(fault("disconnect@60s")).start().await.unwrap();
    let _one = once(&gateway, 1).await;
    let _two = once(&gateway, 2).await;
    assert_eq!(gateway.connections(), 2);
    gateway.advance_clock(Duration::from_secs(60));
    gone(&gateway).await;
    assert!(connect(&gateway, 1).await.is_connected());
}

#[tokio::test]
async fn an_execution_can_overtake_the_acknowledgement_of_its_order() {
    let gateway = still().fault(fault("execution-first")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    let words = tape.words(6).await;
    assert_eq!((words[0].as_str(), words[1].as_str()), ("EX 1", "OO PreSubmitted"));
}

#[tokio::test]
async fn an_order_can_fill_without_any_status() {
    let gateway = still().fault(fault("no-status")).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    assert_eq!(tape.words(2).await, ["EX 1", "CR"]);
}
