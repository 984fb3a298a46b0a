//! A gateway without sockets under a clock in the hand, and clients that read every frame as a short line.
//! The messages are declared here from the broker's numbers, with only the fields that the lines show.

#![allow(clippy::needless_pass_by_value, reason = "an order is built to be placed")]

use alphec_twsim::desk::{ConnId, Desk};
use alphec_twsim::{Fault, GatewayConfig};
use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use crate::frames::{AAPL, Body};

/// 2025-11-23 03:44:37 UTC.
pub(crate) const START: i64 = 1_763_869_477_000_000_000;
pub(crate) const MS: i64 = 1_000_000;
pub(crate) const SECOND: i64 = 1_000 * MS;

pub(crate) mod id {
    pub(crate) const PLACE: i32 = 3;
    pub(crate) const CANCEL: i32 = 4;
    pub(crate) const OPEN_ORDERS: i32 = 5;
    pub(crate) const EXECUTIONS: i32 = 7;
    pub(crate) const ALL_OPEN_ORDERS: i32 = 16;
    pub(crate) const CURRENT_TIME: i32 = 49;
    pub(crate) const POSITIONS: i32 = 61;
    pub(crate) const START_API: i32 = 71;
    pub(crate) const COMPLETED_ORDERS: i32 = 99;
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    status: Option<String>,
    #[prost(string, optional, tag = "3")]
    filled: Option<String>,
    #[prost(string, optional, tag = "4")]
    remaining: Option<String>,
    #[prost(string, optional, tag = "10")]
    why_held: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Terms {
    #[prost(string, optional, tag = "6")]
    quantity: Option<String>,
    #[prost(double, optional, tag = "9")]
    limit: Option<f64>,
    #[prost(string, optional, tag = "11")]
    tif: Option<String>,
    #[prost(bool, optional, tag = "19")]
    outside_rth: Option<bool>,
    #[prost(int64, optional, tag = "3")]
    perm_id: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct State {
    #[prost(string, optional, tag = "1")]
    status: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Open {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
    #[prost(message, optional, tag = "3")]
    order: Option<Terms>,
    #[prost(message, optional, tag = "4")]
    state: Option<State>,
}

#[derive(Clone, PartialEq, Message)]
struct Completed {
    #[prost(message, optional, tag = "2")]
    order: Option<Terms>,
    #[prost(message, optional, tag = "3")]
    state: Option<State>,
}

#[derive(Clone, PartialEq, Message)]
struct Fill {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    exec_id: Option<String>,
    #[prost(string, optional, tag = "7")]
    shares: Option<String>,
    #[prost(double, optional, tag = "8")]
    price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Executed {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "3")]
    fill: Option<Fill>,
}

#[derive(Clone, PartialEq, Message)]
struct Commission {
    #[prost(string, optional, tag = "1")]
    exec_id: Option<String>,
    #[prost(double, optional, tag = "2")]
    amount: Option<f64>,
    #[prost(double, optional, tag = "4")]
    realized: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Failure {
    #[prost(int32, optional, tag = "1")]
    id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(int32, optional, tag = "1")]
    value: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, optional, tag = "1")]
    value: Option<String>,
}

/// What a frame says, in short:
/// `OO 1 Submitted`, `OS 1 Filled 1/0`, `EX 1 1@230.01 .01`, `CR 1`, `ER 1 201`, `END 53`.
fn line(mut payload: Bytes) -> String {
    let id = payload.get_i32() - 200;
    let text = |field: Option<String>| field.unwrap_or_else(|| "-".to_owned());
    match id {
        3 => {
            let it = Status::decode(payload).unwrap();
            let held = it.why_held.map(|why| format!(" {why}")).unwrap_or_default();
            format!(
                "OS {} {} {}/{}{held}",
                it.order_id.unwrap(),
                text(it.status),
                text(it.filled),
                text(it.remaining)
            )
        }
        4 => {
            let it = Failure::decode(payload).unwrap();
            let id = it.id.map_or("-".to_owned(), |id| id.to_string());
            format!("ER {id} {}", it.code.map_or("-".to_owned(), |code| code.to_string()))
        }
        5 => {
            let it = Open::decode(payload).unwrap();
            format!("OO {} {}", it.order_id.unwrap(), text(it.state.unwrap().status))
        }
        9 => format!("ID {}", Number::decode(payload).unwrap().value.unwrap()),
        11 => {
            let it = Executed::decode(payload).unwrap();
            let fill = it.fill.unwrap();
            let exec_id = fill.exec_id.unwrap();
            let request = it.req_id.filter(|id| *id != -1).map(|id| format!(" req {id}")).unwrap_or_default();
            format!(
                "EX {} {}@{} {}{request}",
                fill.order_id.unwrap(),
                text(fill.shares),
                fill.price.unwrap(),
                &exec_id[exec_id.len() - 3..]
            )
        }
        15 => format!("ACCOUNTS {}", text(Text::decode(payload).unwrap().value)),
        59 => {
            let it = Commission::decode(payload).unwrap();
            let realized =
                it.realized.filter(|it| *it < f64::MAX).map(|it| format!(" {it}")).unwrap_or_default();
            format!("CR {}{realized}", it.amount.unwrap())
        }
        101 => {
            let it = Completed::decode(payload).unwrap();
            format!("DONE {} {}", text(it.order.unwrap().quantity), text(it.state.unwrap().status))
        }
        other => format!("END {other}"),
    }
}

/// The gateway and the clock.
pub(crate) struct Bench {
    pub(crate) desk: Desk,
    pub(crate) now: i64,
}

impl Bench {
    pub(crate) fn new(faults: &[&str]) -> Self {
        Self::with(faults, |_| {})
    }

    pub(crate) fn with(faults: &[&str], change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let faults = faults.iter().map(|text| text.parse::<Fault>().unwrap()).collect();
        let mut config = GatewayConfig { faults, walk_every: None, ..GatewayConfig::default() };
        change(&mut config);
        Self { desk: Desk::new(config, START), now: START }
    }

    pub(crate) fn inject(&mut self, fault: &str) {
        self.desk.inject(self.now, fault.parse().unwrap());
    }

    /// A session in business; what the handshake said is read already.
    pub(crate) fn client(&mut self, client_id: i32) -> ConnId {
        let conn = self.dial(client_id);
        let said = self.lines(conn);
        assert!(said.iter().any(|line| line.starts_with("ID")), "{said:?}");
        conn
    }

    /// A session of which nothing is read yet.
    pub(crate) fn dial(&mut self, client_id: i32) -> ConnId {
        let conn = self.desk.open();
        self.desk.receive(self.now, conn, b"API\0\0\0\0\x09v213..226");
        self.send(conn, id::START_API, &Body::default().int(1, client_id));
        conn
    }

    pub(crate) fn send(&mut self, conn: ConnId, id: i32, body: &Body) {
        self.desk.receive(self.now, conn, &body.frame(id));
    }

    pub(crate) fn ask(&mut self, conn: ConnId, id: i32) -> Vec<String> {
        self.send(conn, id, &Body::default());
        self.lines(conn)
    }

    pub(crate) fn executions(&mut self, conn: ConnId, days: i32) -> Vec<String> {
        let filter = if days > 0 { Body::default().int(8, days) } else { Body::default() };
        self.send(conn, id::EXECUTIONS, &Body::default().int(1, 77).nested(2, &filter));
        self.lines(conn)
    }

    /// Places or modifies an order for AAPL.
    pub(crate) fn place(&mut self, conn: ConnId, order_id: i32, order: Body) {
        self.place_in(conn, order_id, Body::default().int(1, AAPL), order);
    }

    pub(crate) fn place_in(&mut self, conn: ConnId, order_id: i32, contract: Body, order: Body) {
        let body = Body::default().int(1, order_id).nested(2, &contract).nested(3, &order);
        self.send(conn, id::PLACE, &body);
    }

    pub(crate) fn cancel(&mut self, conn: ConnId, order_id: i32) {
        self.send(conn, id::CANCEL, &Body::default().int(1, order_id));
    }

    pub(crate) fn price(&mut self, bid: &str) {
        use alphec_twsim::venue::{Quote, VenueInput};
        let bid: rust_decimal::Decimal = bid.parse().unwrap();
        let quote = Quote::new(bid, bid + rust_decimal::Decimal::new(1, 2), 500.into());
        self.desk.control(self.now, VenueInput::SetQuote { con_id: AAPL, quote });
    }

    /// Lets time pass, waking the gateway whenever it asked for it.
    pub(crate) fn pass(&mut self, span: i64) {
        let until = self.now + span;
        while let Some(next) = self.desk.next_wake().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.desk.wake(self.now);
        }
        self.now = until;
        self.desk.wake(until);
    }

    pub(crate) fn raw(&mut self, conn: ConnId) -> (BytesMut, bool) {
        let output = self.desk.take_output(conn);
        if output.close {
            self.desk.closed(conn);
        }
        (output.bytes, output.close)
    }

    /// What a client reads now; `RST` or `EOF` when its connection ended.
    pub(crate) fn lines(&mut self, conn: ConnId) -> Vec<String> {
        let mut output = self.desk.take_output(conn);
        let mut lines = Vec::new();
        while output.bytes.len() >= 4 {
            let length = output.bytes.get_u32() as usize;
            let payload = output.bytes.split_to(length).freeze();
            // The answer to the version line is text.
            if payload.first().is_some_and(u8::is_ascii_digit) {
                lines.push(format!(
                    "HELLO {}",
                    String::from_utf8_lossy(&payload).replace('\0', " ").trim_end()
                ));
            } else {
                lines.push(line(payload));
            }
        }
        if output.close {
            lines.push(if output.reset { "RST" } else { "EOF" }.to_owned());
            self.desk.closed(conn);
        }
        lines
    }

    /// The terms of the last open order for this id in what was sent: limit, time in force, outside hours.
    pub(crate) fn echoed(&mut self, conn: ConnId, order_id: i32) -> (Option<f64>, String, bool) {
        self.send(conn, id::OPEN_ORDERS, &Body::default());
        let mut output = self.desk.take_output(conn).bytes;
        let mut found = None;
        while output.len() >= 4 {
            let length = output.get_u32() as usize;
            let mut payload = output.split_to(length).freeze();
            if payload.get_i32() == 205 {
                let open = Open::decode(payload).unwrap();
                if open.order_id == Some(order_id) {
                    found = open.order;
                }
            }
        }
        let terms = found.expect("an open order with this id");
        (terms.limit, terms.tif.unwrap_or_default(), terms.outside_rth.unwrap_or(false))
    }
}

/// A limit order to buy one share, transmitted.
pub(crate) fn limit(price: f64) -> Body {
    sized(price, "1")
}

pub(crate) fn sized(price: f64, quantity: &str) -> Body {
    Body::default()
        .text(5, "BUY")
        .text(6, quantity)
        .text(8, "LMT")
        .double(9, price)
        .text(11, "DAY")
        .flag(66, true)
}

/// A market order to buy one share, transmitted.
pub(crate) fn market() -> Body {
    Body::default().text(5, "BUY").text(6, "1").text(8, "MKT").text(11, "DAY").flag(66, true)
}

pub(crate) fn count(lines: &[String], start: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(start)).count()
}

/// The first line that starts so, by its place.
pub(crate) fn at(lines: &[String], start: &str) -> usize {
    lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {lines:?}"))
}
