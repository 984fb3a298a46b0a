//! The record: what it says is what was on the wire, in order.

use std::path::Path;

use alphec_twsim::{Gateway, GatewayError};
use futures::StreamExt;
use ibapi::orders::Action;
use serde_json::Value;

use crate::kit::{Tape, aapl, connect, limit, still};
use crate::raw::Raw;
use crate::text::{MARKET_ORDER, Text};

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `in placeOrder`, `out openOrder`, … of one client.
fn messages(lines: &[Value], client: i64) -> Vec<String> {
    let own = lines.iter().filter(|line| line["what"] == "frame" && line["client"] == client);
    own.map(|line| format!("{} {}", line["dir"].as_str().unwrap(), line["message"].as_str().unwrap()))
        .collect()
}

fn frame<'a>(lines: &'a [Value], client: i64, message: &str) -> &'a Value {
    let is_it = |line: &&Value| line["client"] == client && line["message"] == message;
    lines.iter().find(is_it).unwrap_or_else(|| panic!("no {message} of client {client}"))
}

#[tokio::test]
async fn what_two_dialects_say_is_recorded_in_words_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.jsonl");
    let gateway = still().fault("reject=201@9".parse().unwrap()).record(&path).start().await.unwrap();
    let mut old = Text::session(&gateway, 164).await;
    old.send(3, MARKET_ORDER).await;
    old.until("59").await;
    let new = connect(&gateway, 7).await;
    let mut tape = Tape::of(&new).await;
    new.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_status("Filled").await;
    assert_eq!(gateway.stop().await, None);

    let lines = lines(&path);
    let filled = ["in placeOrder", "out openOrder", "out orderStatus"];
    let costs = ["out execDetails", "out openOrder", "out orderStatus", "out commissionAndFeesReport"];
    let said: Vec<&str> = filled.into_iter().chain(costs).collect();
    for client in [3, 7] {
        let all = messages(&lines, client);
        let from = all.iter().position(|word| word == "in placeOrder").unwrap();
        assert_eq!(all[from..from + 3], filled, "client {client}");
        assert!(said.iter().all(|word| all.iter().any(|have| have == word)), "client {client}: {all:?}");
    }
    let old = frame(&lines, 3, "placeOrder");
    assert_eq!((&old["version"], &old["dialect"]), (&164.into(), &"text".into()));
    assert_eq!(old["fields"]["order"]["total_quantity"], "100");
    assert_eq!(old["text"][0], "13");
    let new = frame(&lines, 7, "placeOrder");
    assert_eq!((&new["version"], &new["dialect"]), (&226.into(), &"protobuf".into()));
    assert_eq!(new["fields"]["order"]["lmt_price"], 231.5);
    assert_eq!(frame(&lines, 3, "execDetails")["text"][4], "STK");
    let execution = &frame(&lines, 7, "execDetails")["fields"]["execution"];
    assert_eq!((&execution["shares"], &execution["price"]), (&"100".into(), &230.01.into()));
}

#[tokio::test]
async fn no_frame_to_a_client_is_less_in_words_than_in_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.jsonl");
    let gateway = still().record(&path).start().await.unwrap();
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_status("Filled").await;
    let mut completed = client.completed_orders(false).await.unwrap();
    completed.next().await.unwrap().unwrap();
    client.contract_details(&aapl()).await.unwrap();
    gateway.stop().await;
    let lines = lines(&path);
    let to_client: Vec<&Value> = lines.iter().filter(|line| line["dir"] == "out").collect();
    assert!(to_client.len() > 10);
    for line in to_client {
        assert!(line.get("hex").is_none() && line["message"] != "", "{line}");
    }
}

#[tokio::test]
async fn decisions_stand_between_the_frames_that_they_belong_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.jsonl");
    let gateway =
        still().seed(5).fault("reject=201%100".parse().unwrap()).record(&path).start().await.unwrap();
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_error().await;
    gateway.stop().await;
    let lines = lines(&path);
    let at = lines.iter().position(|line| line["what"] == "decision").unwrap();
    assert_eq!(lines[at - 1]["message"], "placeOrder");
    let decision = &lines[at];
    assert_eq!((&decision["seed"], &decision["fired"]), (&5.into(), &true.into()));
    assert_eq!(decision["on"], "order 7/1");
    assert!(decision["draw"].is_u64() && decision["drawn_from"]["position"].is_u64(), "{decision}");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_recorded_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.jsonl");
    let gateway = still().record(&path).start().await.unwrap();
    let mut raw = Raw::session(&gateway, 3).await;
    // A cancel whose body ends inside a field.
    raw.bytes(&[0, 0, 0, 6, 0, 0, 0, 204, 0x1a, 0x20]).await;
    while raw.payload().await.is_some() {}
    gateway.stop().await;
    let lines = lines(&path);
    let bad = frame(&lines, 3, "cancelOrder");
    assert_eq!(bad["hex"], "000000cc1a20");
    assert!(bad["problem"].as_str().unwrap().contains("does not decode"), "{bad}");
    assert_eq!(lines.last().unwrap()["what"], "disconnect");
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_an_error_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing").join("frames.jsonl");
    let error = Gateway::builder().record(&path).start().await.unwrap_err();
    assert!(matches!(error, GatewayError::Record { .. }), "{error}");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

/// Every write to this file fails as on a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_fills_up_ends_the_record_and_not_the_gateway() {
    let gateway = still().record("/dev/full").start().await.unwrap();
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_status("Filled").await;
    let problem = gateway.stop().await.unwrap();
    assert!(problem.contains("/dev/full") && problem.contains("ends early"), "{problem}");
}
