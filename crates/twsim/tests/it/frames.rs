//! Frames as a client writes them, made field by field from the broker's numbers and from nothing of the
//! gateway's own. Shared by tests, the benchmark, the long run and the fuzz targets.

#![allow(dead_code, reason = "each of its users needs another part of it")]
#![allow(clippy::needless_pass_by_value, reason = "an order is built to be placed")]

use bytes::BufMut;
use prost::encoding::{bool, double, int32, string};

/// Added to a message id when the body is protobuf.
pub(crate) const PROTOBUF: i32 = 200;

/// AAPL, at 230.00 / 230.01 in a gateway with still prices.
pub(crate) const AAPL: i32 = 265_598;

/// A protobuf message under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body(Vec<u8>);

impl Body {
    pub(crate) fn int(mut self, tag: u32, value: i32) -> Self {
        int32::encode(tag, &value, &mut self.0);
        self
    }

    pub(crate) fn flag(mut self, tag: u32, value: bool) -> Self {
        bool::encode(tag, &value, &mut self.0);
        self
    }

    pub(crate) fn double(mut self, tag: u32, value: f64) -> Self {
        double::encode(tag, &value, &mut self.0);
        self
    }

    pub(crate) fn text(mut self, tag: u32, value: &str) -> Self {
        string::encode(tag, &value.to_owned(), &mut self.0);
        self
    }

    pub(crate) fn nested(mut self, tag: u32, value: &Self) -> Self {
        prost::encoding::bytes::encode(tag, &value.0, &mut self.0);
        self
    }

    /// The whole frame of a message with this id.
    pub(crate) fn frame(&self, message_id: i32) -> Vec<u8> {
        frame(message_id + PROTOBUF, &self.0)
    }
}

/// Length, raw message id, body.
pub(crate) fn frame(raw_id: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + body.len());
    out.put_u32(4 + body.len() as u32);
    out.put_i32(raw_id);
    out.put_slice(body);
    out
}

/// Everything up to a session in the protobuf dialect.
pub(crate) fn hello(client_id: i32) -> Vec<u8> {
    let mut out = greeting("v213..226");
    out.extend(Body::default().int(1, client_id).frame(71));
    out
}

/// The prefix and the version line.
pub(crate) fn greeting(versions: &str) -> Vec<u8> {
    let mut out = b"API\0".to_vec();
    out.put_u32(versions.len() as u32);
    out.put_slice(versions.as_bytes());
    out
}

/// A request whose whole body is a request id.
pub(crate) fn ask(message_id: i32, req_id: i32) -> Vec<u8> {
    Body::default().int(1, req_id).frame(message_id)
}

pub(crate) fn contract(con_id: i32) -> Body {
    Body::default().int(1, con_id).text(8, "SMART")
}

/// Side, quantity, type; transmitted.
pub(crate) fn order(action: &str, quantity: &str, kind: &str) -> Body {
    Body::default().text(5, action).text(6, quantity).text(8, kind).flag(66, true)
}

pub(crate) fn limit(action: &str, quantity: &str, price: f64) -> Body {
    order(action, quantity, "LMT").double(9, price)
}

/// An order in AAPL.
pub(crate) fn place(order_id: i32, order: Body) -> Vec<u8> {
    place_in(AAPL, order_id, order)
}

pub(crate) fn place_in(con_id: i32, order_id: i32, order: Body) -> Vec<u8> {
    Body::default().int(1, order_id).nested(2, &contract(con_id)).nested(3, &order).frame(3)
}

pub(crate) fn cancel(order_id: i32) -> Vec<u8> {
    ask(4, order_id)
}

/// Raw message ids of whole frames in a row.
pub(crate) fn ids(mut bytes: &[u8]) -> Vec<i32> {
    let mut found = Vec::new();
    while let Some((&[a, b, c, d, e, f, g, h], _)) = bytes.split_first_chunk::<8>() {
        found.push(i32::from_be_bytes([e, f, g, h]));
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        bytes = bytes.get(4 + length..).unwrap_or_default();
    }
    found
}
