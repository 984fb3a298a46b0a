//! Scenarios: at this time or after this event, do that; the same seed and the same input give the same output.

use std::path::{Path, PathBuf};

use alphec_twsim::{Clock, Gateway, GatewayBuilder, GatewayHandle, Scenario};
use ibapi::orders::Action;
use serde_json::{Value, json};

use crate::control::Desk;
use crate::frames::{order, place};
use crate::kit::{Event, Tape, aapl, connect, limit};
use crate::raw::{OneNumber, Raw};

fn scenario(text: &str) -> Scenario {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn playing(text: &str) -> GatewayBuilder {
    Gateway::builder().fixed_prices().clock(Clock::STILL).control("127.0.0.1:0").scenario(scenario(text))
}

async fn start(text: &str) -> (GatewayHandle, Desk) {
    let gateway = playing(text).start().await.unwrap();
    let desk = Desk::open(&gateway).await;
    (gateway, desk)
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios").join(name)
}

/// The steps that were done, by line.
async fn done(desk: &mut Desk) -> Vec<i64> {
    let steps = desk.ask(json!({ "do": "steps" })).await;
    let rows = steps["steps"].as_array().unwrap();
    rows.iter().filter(|row| row["done"] == true).map(|row| row["line"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_step_happens_at_its_time_and_one_after_an_event_means_what_the_event_was_about() {
    let (gateway, mut desk) = start(
        r#"
        [[step]]
        at = "30s"
        do = "set-price"
        symbol = "AAPL"
        bid = "225"
        [[step]]
        after = { event = "fill", symbol = "AAPL", nth = 2 }
        wait = "1s"
        do = "bust"
        [[step]]
        after = { event = "accept", order_ref = "doomed" }
        do = "reject"
        reason = "as the script says"
        "#,
    )
    .await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 228.0)).await.unwrap();
    tape.until_status("Submitted").await;
    desk.ask(json!({ "do": "advance", "by": "29s" })).await;
    assert_eq!(done(&mut desk).await, [0; 0]);
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    assert_eq!(tape.until_status("Filled").await.order_id, 1);
    assert_eq!(done(&mut desk).await, [2]);

    client.submit_order(2, &aapl(), &limit(Action::Buy, 10.0, 240.0)).await.unwrap();
    assert_eq!(tape.until_status("Filled").await.order_id, 2);
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    let positions = desk.ask(json!({ "do": "positions" })).await;
    assert_eq!(positions["positions"][0]["quantity"], "100", "the second fill is taken back");

    let mut doomed = limit(Action::Buy, 10.0, 200.0);
    doomed.order_ref = "doomed".into();
    client.submit_order(3, &aapl(), &doomed).await.unwrap();
    assert_eq!(tape.until_status("Inactive").await.order_id, 3);
    assert!(tape.until_error().await.1.contains("as the script says"));
    let log = desk.ask(json!({ "do": "decisions", "limit": 1 })).await;
    let last = &log["decisions"][0];
    assert_eq!((&last["on"], &last["seed"], &last["fired"]), (&json!("order 7/3"), &json!(1), &json!(true)));
    assert!(last["step"].as_str().unwrap().starts_with("line 11: {\"do\":\"reject\""), "{last}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_step_that_cannot_be_done_is_on_record_and_the_script_goes_on() {
    let (gateway, mut desk) = start(
        r#"
        [[step]]
        at = "1s"
        do = "fill"
        order_ref = "nobody's"
        [[step]]
        at = "1s"
        do = "set-price"
        symbol = "AAPL"
        bid = "225"
        "#,
    )
    .await;
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    let log = desk.ask(json!({ "do": "decisions" })).await;
    let fired: Vec<&Value> = log["decisions"].as_array().unwrap().iter().map(|it| &it["fired"]).collect();
    assert_eq!(fired, [&json!(false), &json!(true)], "{log}");
    assert_eq!(desk.ask(json!({ "do": "prices", "symbol": "MSFT" })).await["prices"][0]["bid"], "420");
    let aapl = desk.ask(json!({ "do": "prices" })).await;
    assert_eq!(aapl["prices"][0]["bid"], "225");
    gateway.stop().await;
}

#[tokio::test]
async fn every_kind_of_event_can_be_waited_for() {
    let kinds = ["connect", "order", "accept", "modify", "cancel", "cancelled", "fill", "filled", "rejected"];
    let mut text = String::new();
    for kind in kinds {
        text.push_str(&format!(
            "[[step]]\nafter = {{ event = \"{kind}\", client = 7 }}\ndo = \"clear-faults\"\n"
        ));
    }
    text.push_str("[[step]]\nafter = { event = \"disconnect\", client = 7 }\ndo = \"clear-faults\"\n");
    let (gateway, mut desk) = start(&text).await;
    let other = connect(&gateway, 8).await;
    let mut others = Tape::of(&other).await;
    other.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 240.0)).await.unwrap();
    others.until_status("Filled").await;
    assert_eq!(done(&mut desk).await, [0; 0], "another client's");
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 200.0)).await.unwrap();
    tape.until_status("Submitted").await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 201.0)).await.unwrap();
    tape.until_status("Submitted").await;
    let _updates = client.cancel_order(1, "").await.unwrap();
    tape.until_status("Cancelled").await;
    client.submit_order(2, &aapl(), &limit(Action::Buy, 1.0, 240.0)).await.unwrap();
    tape.until_status("Filled").await;
    desk.ask(json!({ "do": "refuse-orders", "symbol": "AAPL" })).await;
    client.submit_order(3, &aapl(), &limit(Action::Buy, 1.0, 240.0)).await.unwrap();
    tape.until_error().await;
    assert_eq!(done(&mut desk).await.len(), kinds.len());
    client.disconnect().await;
    while done(&mut desk).await.len() == kinds.len() {
        tokio::task::yield_now().await;
    }
    gateway.stop().await;
}

/// Plays one run against a gateway that draws, walks and has a script, and returns its record.
async fn run(path: &Path, seed: u64) -> String {
    let text = r#"
        clock = "manual"
        walk = "100ms"
        faults = ["reject=201%40", "commission-late=300ms"]
        [[step]]
        at = "2s"
        do = "inject"
        fault = "duplicate%50"
        [[step]]
        after = { event = "fill" }
        wait = "1s"
        do = "correct"
        price = "229"
        [[step]]
        after = { event = "connect" }
        wait = "4s"
        do = "disconnect"
    "#;
    let gateway = Gateway::builder()
        .scenario(scenario(text))
        .seed(seed)
        .record(path)
        .control("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let mut desk = Desk::open(&gateway).await;
    let mut raw = Raw::session(&gateway, 7).await;
    raw.until(4).await;
    for id in 1..=12 {
        raw.bytes(&place(id, order("BUY", "10", "MKT"))).await;
        // The current time is the answer to wait for: whatever the order brought comes before it.
        raw.send(49, &OneNumber::default()).await;
        raw.until(49).await;
        desk.ask(json!({ "do": "advance", "by": "330ms" })).await;
    }
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    while raw.payload().await.is_some() {}
    assert_eq!(gateway.stop().await, None);
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn the_same_seed_and_the_same_input_give_the_same_record_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(&folder.path().join("first"), 5).await;
    let second = run(&folder.path().join("second"), 5).await;
    assert!(first.contains("\"step\":\"line"), "{first}");
    assert!(first.contains("\"message\":\"execDetails\"") && first.contains("\"drawn_from\""));
    assert_eq!(first, second);
    let other = run(&folder.path().join("other"), 6).await;
    assert_ne!(first, other);
}

#[tokio::test]
async fn the_example_of_silence_holds_back_what_comes_after_the_fill() {
    let scenario = Scenario::load(example("silence-after-a-fill.toml")).unwrap();
    let gateway = Gateway::builder()
        .scenario(scenario)
        .clock(Clock::STILL)
        .control("127.0.0.1:0")
        .with(|config| config.commission_delay = std::time::Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let mut desk = Desk::open(&gateway).await;
    let mut raw = Raw::session(&gateway, 7).await;
    raw.until(4).await;
    raw.bytes(&place(1, order("BUY", "10", "MKT"))).await;
    while desk.ask(json!({ "do": "executions" })).await["executions"] == json!([]) {
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.ask(json!({ "do": "connections" })).await["connections"][0]["silent"], true);
    desk.ask(json!({ "do": "advance", "by": "4s" })).await;
    assert_eq!(desk.ask(json!({ "do": "connections" })).await["connections"][0]["silent"], true);
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    raw.until(59).await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_example_of_a_fill_in_a_cancel_ends_flat_and_disconnected() {
    let scenario = Scenario::load(example("filled-while-cancelling.toml")).unwrap();
    let builder = Gateway::builder().scenario(scenario).clock(Clock::STILL).control("127.0.0.1:0");
    let gateway = builder.start().await.unwrap();
    let mut desk = Desk::open(&gateway).await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    for id in 1..=2 {
        client.submit_order(id, &aapl(), &limit(Action::Buy, 10.0, 220.0)).await.unwrap();
        tape.until_status("Submitted").await;
    }
    let _updates = client.cancel_order(2, "").await.unwrap();
    assert_eq!(tape.until_status("Filled").await.order_id, 2);
    desk.ask(json!({ "do": "advance", "by": "2s" })).await;
    loop {
        if let Event::Execution(data) = tape.next().await
            && data.execution.shares == 0.0
        {
            break;
        }
    }
    assert_eq!(desk.ask(json!({ "do": "positions" })).await["positions"][0]["quantity"], "0");
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    while desk.ask(json!({ "do": "connections" })).await["connections"] != json!([]) {
        tokio::task::yield_now().await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_example_of_a_bad_day_is_over_in_a_moment() {
    let scenario = Scenario::load(example("a-bad-day.toml")).unwrap();
    let gateway = Gateway::builder().scenario(scenario).control("127.0.0.1:0").start().await.unwrap();
    let mut desk = Desk::open(&gateway).await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 10.0, 300.0)).await.unwrap();
    assert_eq!(tape.until_error().await.0, 399, "the market is not open yet");
    desk.ask(json!({ "do": "advance", "by": "1m" })).await;
    tape.until_status("Filled").await;
    client.submit_order(2, &aapl(), &limit(Action::Buy, 10.0, 208.0)).await.unwrap();
    tape.until_status("Submitted").await;
    desk.ask(json!({ "do": "advance", "by": "90m" })).await;
    assert_eq!(tape.until_status("Filled").await.order_id, 2);
    client.submit_order(3, &aapl(), &limit(Action::Buy, 10.0, 208.0)).await.unwrap();
    assert!(tape.until_error().await.1.contains("The market is halted"));
    desk.ask(json!({ "do": "advance", "by": "10m" })).await;
    client.submit_order(4, &aapl(), &limit(Action::Buy, 10.0, 50.0)).await.unwrap();
    assert_eq!(tape.until_status("Submitted").await.order_id, 4);
    desk.ask(json!({ "do": "advance", "by": "2h" })).await;
    while desk.ask(json!({ "do": "connections" })).await["connections"] != json!([]) {
        tokio::task::yield_now().await;
    }
    desk.ask(json!({ "do": "advance", "by": "4h" })).await;
    let orders = desk.ask(json!({ "do": "orders", "open": true })).await;
    assert_eq!((&orders["orders"], &orders["now"]), (&json!([]), &json!("2026-11-25T22:10:00.000000000Z")));
    gateway.stop().await;
}
