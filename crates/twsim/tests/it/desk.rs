//! The gateway without sockets: hostile bytes never break it, and the same bytes give the same answers.

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::Desk;
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;
use prost::Message;

const START: i64 = 1_763_870_277_000_000_000;

/// An order with every field a fuzzer might want to spoil.
#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(int32, tag = "4")]
    parent_id: i32,
    #[prost(string, tag = "5")]
    action: String,
    #[prost(string, tag = "6")]
    quantity: String,
    #[prost(string, tag = "8")]
    order_type: String,
    #[prost(double, tag = "9")]
    limit_price: f64,
    #[prost(double, tag = "10")]
    aux_price: f64,
    #[prost(string, tag = "11")]
    tif: String,
    #[prost(string, tag = "26")]
    good_till_date: String,
    #[prost(bool, tag = "66")]
    transmit: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Contract {
    #[prost(int32, tag = "1")]
    con_id: i32,
}

#[derive(Clone, PartialEq, Message)]
struct PlaceOrder {
    #[prost(int32, tag = "1")]
    order_id: i32,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    order: Option<Order>,
}

fn frame(raw_id: i32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u32(4 + body.len() as u32);
    out.put_i32(raw_id);
    out.put_slice(body);
    out
}

fn hello() -> Vec<u8> {
    let mut out = b"API\0\0\0\0\x09v213..226".to_vec();
    out.extend(frame(271, &[8, 1]));
    out
}

fn price() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (22_900..23_100_i32).prop_map(|cents| f64::from(cents) / 100.0),
        1 => prop::sample::select(vec![0.0, -1.0, f64::MAX, f64::NAN, f64::INFINITY, 1e15, 1e-9, 230.005]),
    ]
}

fn place() -> impl Strategy<Value = Vec<u8>> {
    let quantities =
        vec!["1", "100", "0", "-5", "0.5", "1e3", "79228162514264337593543950335", "2147483647", "x", ""];
    let kinds =
        vec!["MKT", "LMT", "STP", "STP LMT", "TRAIL", "TRAIL LIMIT", "MIT", "LIT", "MTL", "MOC", "LOC", ""];
    let tifs = vec!["DAY", "GTC", "GTD", "IOC", "FOK", "OPG", ""];
    let dates = vec!["", "20991231 00:00:00 UTC", "20991331", "ééééééééé", "20200101-00:00:00"];
    let con_ids = vec![265_598, 649_180_695, 12_087_792, 713_000_001, 0, -1, i32::MIN];
    (
        (prop_oneof![1..30_i32, any::<i32>()], prop::sample::select(con_ids), 0..4_i32, any::<bool>()),
        (prop::sample::select(quantities), prop::sample::select(kinds), price(), price()),
        (
            prop::sample::select(tifs),
            prop::sample::select(dates),
            prop::sample::select(vec!["BUY", "SELL", "HOLD"]),
        ),
    )
        .prop_map(
            |((order_id, con_id, parent_id, transmit), (quantity, kind, limit_price, aux_price), rest)| {
                let (tif, good_till_date, action) = rest;
                let order = Order {
                    parent_id: if parent_id == 3 { order_id.wrapping_sub(1) } else { 0 },
                    action: action.to_owned(),
                    quantity: quantity.to_owned(),
                    order_type: kind.to_owned(),
                    limit_price,
                    aux_price,
                    tif: tif.to_owned(),
                    good_till_date: good_till_date.to_owned(),
                    transmit,
                };
                let message =
                    PlaceOrder { order_id, contract: Some(Contract { con_id }), order: Some(order) };
                frame(203, &message.encode_to_vec())
            },
        )
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => place(),
        3 => (200..312_i32, prop::collection::vec(any::<u8>(), 0..24)).prop_map(|(id, body)| frame(id, &body)),
        2 => (200..312_i32, any::<i32>()).prop_map(|(id, value)| {
            let mut body = BytesMut::new();
            prost::encoding::int32::encode(1, &value, &mut body);
            frame(id, &body)
        }),
        1 => (any::<i32>(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(id, body)| frame(id, &body)),
        1 => prop::collection::vec(any::<u8>(), 0..16),
    ]
}

/// Feeds the pieces to one connection after another and returns everything that was answered.
fn talk(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut desk = Desk::new(GatewayConfig::default(), START);
    let mut answers = Vec::new();
    let mut conn = desk.open();
    let mut now = START;
    desk.receive(now, conn, &hello());
    for piece in pieces {
        now += 40_000_000;
        desk.receive(now, conn, piece);
        let output = desk.take_output(conn);
        answers.extend_from_slice(&output.bytes);
        if output.close {
            desk.closed(conn);
            conn = desk.open();
            desk.receive(now, conn, &hello());
        }
    }
    answers.extend_from_slice(&desk.take_output(conn).bytes);
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn hostile_bytes_never_break_the_gateway(pieces in prop::collection::vec(piece(), 1..60)) {
        prop_assert!(!talk(&pieces).is_empty());
    }

    #[test]
    fn the_same_bytes_at_the_same_times_get_the_same_answers(pieces in prop::collection::vec(place(), 1..40)) {
        prop_assert_eq!(talk(&pieces), talk(&pieces));
    }

    #[test]
    fn bytes_may_arrive_in_any_cut(pieces in prop::collection::vec(place(), 1..20), cut in 1..40_usize) {
        let mut whole = Desk::new(GatewayConfig::default(), START);
        let mut parts = Desk::new(GatewayConfig::default(), START);
        let (one, other) = (whole.open(), parts.open());
        let stream: Vec<u8> = [hello()].into_iter().chain(pieces).flatten().collect();
        whole.receive(START, one, &stream);
        for part in stream.chunks(cut) {
            parts.receive(START, other, part);
        }
        prop_assert_eq!(whole.truth(), parts.truth());
        prop_assert_eq!(whole.take_output(one).bytes, parts.take_output(other).bytes);
    }
}
