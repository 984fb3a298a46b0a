//! The control port: what is read there is what the venue has, and nobody there disturbs the gateway.

use std::time::Duration;

use alphec_twsim::{Clock, Gateway, GatewayError, GatewayHandle};
use ibapi::orders::Action;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::kit::{Tape, aapl, connect, limit, still};

/// A test at the control port.
pub(crate) struct Desk {
    stream: BufReader<TcpStream>,
}

impl Desk {
    pub(crate) async fn open(gateway: &GatewayHandle) -> Self {
        let addr = gateway.control_addr().expect("a control port");
        Self { stream: BufReader::new(TcpStream::connect(addr).await.unwrap()) }
    }

    pub(crate) async fn line(&mut self, line: &str) -> Value {
        self.stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Value {
        let mut text = String::new();
        let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_line(&mut text)).await;
        read.expect("an answer in time").unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    /// The answer to a request that must succeed.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        let answer = self.line(&request.to_string()).await;
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }

    /// Error and hint of a request that must fail.
    pub(crate) async fn fail(&mut self, request: Value) -> (String, String) {
        let answer = self.line(&request.to_string()).await;
        assert_eq!(answer["ok"], false, "{request}: {answer}");
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("error"), text("hint"))
    }
}

async fn open() -> (GatewayHandle, Desk) {
    let gateway = still().control("127.0.0.1:0").start().await.unwrap();
    let desk = Desk::open(&gateway).await;
    (gateway, desk)
}

#[tokio::test]
async fn what_is_read_is_what_the_venue_has_and_decimals_are_texts() {
    let (gateway, mut desk) = open().await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    let mut order = limit(Action::Buy, 100.0, 231.5);
    order.order_ref = "mine".into();
    client.submit_order(1, &aapl(), &order).await.unwrap();
    tape.until_status("Filled").await;

    let orders = desk.ask(json!({ "do": "orders", "id": "a" })).await;
    assert_eq!(orders["id"], "a");
    let row = &orders["orders"][0];
    for (key, value) in [
        ("client", json!(7)),
        ("order", json!(1)),
        ("order_ref", json!("mine")),
        ("symbol", json!("AAPL")),
        ("side", json!("BUY")),
        ("type", json!("LMT")),
        ("quantity", json!("100")),
        ("limit", json!("231.5")),
        ("status", json!("Filled")),
        ("filled", json!("100")),
        ("avg_price", json!("230.01")),
    ] {
        assert_eq!(row[key], value, "{key}: {row}");
    }
    let truth = desk.ask(json!({ "do": "truth" })).await;
    assert_eq!(truth["orders"], orders["orders"]);
    let execution = &truth["executions"][0];
    assert_eq!((&execution["price"], &execution["quantity"]), (&json!("230.01"), &json!("100")));
    assert_eq!(truth["positions"][0]["quantity"], "100");
    let commission: rust_decimal::Decimal = execution["commission"].as_str().unwrap().parse().unwrap();
    let cash: rust_decimal::Decimal = truth["accounts"][0]["cash"]["USD"].as_str().unwrap().parse().unwrap();
    assert_eq!(cash, rust_decimal::Decimal::from(1_000_000 - 23_001) - commission);
    assert!(truth["now"].as_str().unwrap().ends_with('Z'), "{truth}");
    gateway.stop().await;
}

#[tokio::test]
async fn rows_can_be_chosen_and_an_order_shown_as_its_client_hears_of_it() {
    let (gateway, mut desk) = open().await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_status("Filled").await;
    client.submit_order(2, &aapl(), &limit(Action::Buy, 5.0, 220.25)).await.unwrap();
    tape.until_status("Submitted").await;
    let mut ids = async |request: Value| -> Vec<i64> {
        let answer = desk.ask(request).await;
        answer["orders"].as_array().unwrap().iter().map(|row| row["order"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(json!({ "do": "orders" })).await, [2, 1]);
    assert_eq!(ids(json!({ "do": "orders", "open": true })).await, [2]);
    assert_eq!(ids(json!({ "do": "orders", "open": false })).await, [1]);
    assert_eq!(ids(json!({ "do": "orders", "client": 8 })).await, [0; 0]);
    assert_eq!(ids(json!({ "do": "orders", "symbol": "MSFT" })).await, [0; 0]);
    assert_eq!(ids(json!({ "do": "orders", "limit": 1 })).await, [2]);
    let echo = desk.ask(json!({ "do": "orders", "open": true, "echo": true })).await;
    let order = &echo["orders"][0]["echo"]["order"];
    assert_eq!((&order["lmt_price"], &order["total_quantity"]), (&json!(220.25), &json!("5")), "{echo}");
    gateway.stop().await;
}

#[tokio::test]
async fn every_action_happens_to_the_client_too() {
    let (gateway, mut desk) = open().await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    for id in 1..=4 {
        client.submit_order(id, &aapl(), &limit(Action::Buy, 10.0, 220.25)).await.unwrap();
        tape.until_status("Submitted").await;
    }
    desk.ask(json!({ "do": "fill", "client": 7, "order": 1, "quantity": "4" })).await;
    let status = tape.until_status("Submitted").await;
    assert_eq!((status.order_id, status.filled), (1, 4.0));
    desk.ask(json!({ "do": "cancel", "client": 7, "order": 2 })).await;
    assert_eq!(tape.until_status("Cancelled").await.order_id, 2);
    desk.ask(json!({ "do": "expire", "client": 7, "order": 3 })).await;
    assert_eq!(tape.until_status("Cancelled").await.order_id, 3);
    desk.ask(json!({ "do": "reject", "client": 7, "order": 4, "reason": "no such luck" })).await;
    assert_eq!(tape.until_status("Inactive").await.order_id, 4);
    let (code, text) = tape.until_error().await;
    assert!(code == 201 && text.contains("no such luck"), "{code} {text}");

    let executions = desk.ask(json!({ "do": "executions" })).await;
    let exec_id = executions["executions"][0]["exec_id"].as_str().unwrap().to_owned();
    desk.ask(json!({ "do": "correct", "exec_id": exec_id, "price": "219" })).await;
    let corrected = &desk.ask(json!({ "do": "executions" })).await["executions"][0];
    assert_eq!((&corrected["price"], &corrected["quantity"]), (&json!("219"), &json!("4")));
    desk.ask(json!({ "do": "bust", "exec_id": exec_id })).await;
    assert_eq!(desk.ask(json!({ "do": "positions" })).await["positions"][0]["quantity"], "0");

    desk.ask(json!({ "do": "set-price", "symbol": "AAPL", "bid": "200", "ask": "200.05" })).await;
    assert_eq!(tape.until_status("Filled").await.order_id, 1);
    desk.ask(json!({ "do": "inject", "fault": "reject=203@1" })).await;
    assert_eq!(desk.ask(json!({ "do": "faults" })).await["faults"], json!(["reject=203@1"]));
    client.submit_order(5, &aapl(), &limit(Action::Buy, 10.0, 150.0)).await.unwrap();
    assert_eq!(tape.until_error().await.0, 203);
    desk.ask(json!({ "do": "refuse-orders", "symbol": "AAPL", "reason": "halted" })).await;
    client.submit_order(6, &aapl(), &limit(Action::Buy, 10.0, 150.0)).await.unwrap();
    assert!(tape.until_error().await.1.contains("halted"));
    desk.ask(json!({ "do": "accept-orders", "symbol": "AAPL" })).await;

    let place =
        json!({ "do": "place-by-hand", "symbol": "AAPL", "side": "sell", "quantity": 3, "limit": "300" });
    desk.ask(place).await;
    let orders = desk.ask(json!({ "do": "orders", "client": 0 })).await;
    assert_eq!(orders["orders"][0]["limit"], "300");
    assert_eq!(desk.ask(json!({ "do": "connections" })).await["connections"][0]["client"], 7);
    desk.ask(json!({ "do": "disconnect", "client": 7 })).await;
    while desk.ask(json!({ "do": "connections" })).await["connections"] != json!([]) {
        tokio::task::yield_now().await;
    }
    let log = desk.ask(json!({ "do": "decisions", "limit": 1 })).await;
    assert_eq!(log["decisions"][0]["control"], "{\"client\":7,\"do\":\"disconnect\"}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_failed_request_says_what_would_do_and_the_next_one_is_served() {
    let (gateway, mut desk) = open().await;
    for (request, error, hint) in [
        (json!({ "do": "ordres" }), "unknown verb", "orders"),
        (json!({ "do": "orders", "clint": 7 }), "no key \"clint\"", "client"),
        (json!({ "do": "set-price", "symbol": "AAPL", "bid": 1.5 }), "is 1.5", "in quotes"),
        (
            json!({ "do": "set-price", "symbol": "AAPL", "bid": "1.555" }),
            "no price of AAPL",
            "multiples of 0.01",
        ),
        (json!({ "do": "set-price", "symbol": "APPL", "bid": "1" }), "not listed", "AAPL"),
        (json!({ "do": "inject", "fault": "halfopen" }), "half-open", "--list-faults"),
        (json!({ "do": "clear-faults", "name": "reject" }), "no fault \"reject\" is armed", "faults"),
        (json!({ "do": "fill", "client": 7, "order": 1 }), "no working order", "orders"),
        (json!({ "do": "fill" }), "no order is named", "order_ref"),
        (json!({ "do": "bust", "exec_id": "x.1" }), "no execution \"x.1\"", "executions"),
        (json!({ "do": "bust" }), "no execution is named", "exec_id"),
        (json!({ "do": "disconnect", "client": 7 }), "client 7 is not connected", "nobody"),
        (json!({ "do": "advance", "by": "-1s" }), "is \"-1s\"", "above zero"),
        (json!({ "do": "advance", "by": "9000h" }), "too far", "366 days"),
        (
            json!({ "do": "place-by-hand", "symbol": "AAPL", "side": "buy", "quantity": 1, "account": "X" }),
            "no account \"X\"",
            "DU1234567",
        ),
    ] {
        let said = desk.fail(request.clone()).await;
        assert!(said.0.contains(error) && said.1.contains(hint), "{request}: {said:?}");
    }
    let answer = desk.line("{\"do\":\"clock\",\"id\":[1]}").await;
    assert_eq!((&answer["id"], &answer["clock"]), (&json!([1]), &json!("wall")));
    let help = desk.ask(json!({ "do": "help" })).await;
    assert!(help["help"].as_array().unwrap().len() > 20);
    gateway.stop().await;
}

#[tokio::test]
async fn whoever_speaks_nonsense_at_the_control_port_is_the_only_one_to_notice() {
    let (gateway, mut desk) = open().await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    let addr = gateway.control_addr().unwrap();
    for nonsense in [
        &b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{\"do\":\"disconnect\"}\n"[..],
        b"API\0\0\0\0\x09v157..178\n",
        &[0xff; 100_000],
        b"[1]\n{\"do\":\"disconnect\"}\n",
    ] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        let mut said = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await;
        ended.expect("an end in time").ok();
        if !said.is_empty() {
            assert!(String::from_utf8(said).unwrap().contains("\"ok\":false"));
        }
    }
    // A slip in a conversation is answered, and the conversation goes on.
    desk.ask(json!({ "do": "clock" })).await;
    let answer = desk.line("{\"do\":").await;
    assert!(answer["error"].as_str().unwrap().contains("no JSON"), "{answer}");
    desk.ask(json!({ "do": "clock" })).await;
    // More connections than there are seats: those in business stay.
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(TcpStream::connect(addr).await.unwrap());
    }
    desk.ask(json!({ "do": "clock" })).await;
    client.submit_order(1, &aapl(), &limit(Action::Buy, 100.0, 231.5)).await.unwrap();
    tape.until_status("Filled").await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_control_port_is_on_this_machine_only_and_a_taken_one_is_named() {
    for address in ["0.0.0.0:0", "192.168.1.4:5000", "[::]:0", "nonsense"] {
        let error = Gateway::builder().control(address).start().await.unwrap_err();
        assert!(matches!(error, GatewayError::Config { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(address) && text.contains("127.0.0.1:0"), "{text}");
    }
    let (gateway, _desk) = open().await;
    let taken = gateway.control_addr().unwrap().to_string();
    let error = Gateway::builder().control(&taken).start().await.unwrap_err();
    assert!(matches!(&error, GatewayError::Listen { address, .. } if *address == taken), "{error}");
}

#[tokio::test]
async fn a_clock_that_stands_still_moves_everything_when_it_is_advanced() {
    let gateway = Gateway::builder()
        .clock(Clock::STILL)
        .walk_every(Duration::from_secs(1))
        .fault("delay=2s@1m".parse().unwrap())
        .with(|config| config.commission_delay = Duration::from_secs(5))
        .control("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let mut desk = Desk::open(&gateway).await;
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    let prices = desk.ask(json!({ "do": "prices" })).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let later = desk.ask(json!({ "do": "prices" })).await;
    assert_eq!(later, prices, "nothing moves, and neither does the time");
    assert_eq!(later["now"], "2026-01-05T15:00:00.000000000Z");
    let moved = desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    assert_eq!(moved["now"], "2026-01-05T15:00:01.000000000Z");
    let walked = desk.ask(json!({ "do": "prices" })).await;
    assert_ne!(walked["prices"], prices["prices"]);

    client.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 240.0)).await.unwrap();
    tape.until_status("Filled").await;
    let said = desk.ask(json!({ "do": "counters" })).await["counters"]["messages_out"].clone();
    desk.ask(json!({ "do": "advance", "by": "4s" })).await;
    let still = desk.ask(json!({ "do": "counters" })).await["counters"]["messages_out"].clone();
    assert_eq!(said, still, "the commission's time has not come");
    desk.ask(json!({ "do": "advance", "by": "1s" })).await;
    assert!(matches!(tape.next().await, crate::kit::Event::Commission(_)));

    // The fault begins a minute after the start, and holds back what is said after it.
    desk.ask(json!({ "do": "advance", "by": "1m" })).await;
    client.submit_order(2, &aapl(), &limit(Action::Buy, 1.0, 1.0)).await.unwrap();
    while desk.ask(json!({ "do": "orders", "open": true })).await["orders"] == json!([]) {
        tokio::task::yield_now().await;
    }
    desk.ask(json!({ "do": "advance", "by": "2s" })).await;
    assert_eq!(tape.until_status("Submitted").await.order_id, 2);
    // Day orders end with the day.
    desk.ask(json!({ "do": "advance", "by": "10h" })).await;
    assert_eq!(tape.until_status("Cancelled").await.order_id, 2);
    gateway.stop().await;
}
