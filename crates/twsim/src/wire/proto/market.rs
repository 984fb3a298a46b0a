//! Market data: requests and ticks.

use bytes::{Bytes, BytesMut};
use prost::Message;
use rust_decimal::Decimal;

use super::{Decoded, Empty, ReqId, Told, put_message, put_req_id, read, tell};
use crate::wire::layout::Contract;
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{DepthRequest, DepthRow, MarketDataRequest, Reply, Request};

/// What the venues of a depth are said to serve.
const DEPTH_SERVICE: &str = "Deep";

#[derive(Clone, PartialEq, Message)]
struct DataRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(bool, optional, tag = "4")]
    snapshot: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    regulatory_snapshot: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct DepthAsked {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(int32, optional, tag = "3")]
    rows: Option<i32>,
    #[prost(bool, optional, tag = "4")]
    smart: Option<bool>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct DepthData {
    #[prost(int32, optional, tag = "1")]
    position: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    operation: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    side: Option<i32>,
    #[prost(double, optional, tag = "4")]
    price: Option<f64>,
    #[prost(string, optional, tag = "5")]
    size: Option<String>,
    #[prost(string, optional, tag = "6")]
    maker: Option<String>,
    #[prost(bool, optional, tag = "7")]
    smart: Option<bool>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct Depth {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    data: Option<DepthData>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct DepthVenue {
    #[prost(string, optional, tag = "1")]
    exchange: Option<String>,
    #[prost(string, optional, tag = "2")]
    sec_type: Option<String>,
    #[prost(string, optional, tag = "4")]
    service: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct DepthVenues {
    #[prost(message, repeated, tag = "1")]
    venues: Vec<DepthVenue>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct MarketDataTypeRequest {
    #[prost(int32, optional, tag = "1")]
    kind: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct MarketDataType {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    kind: Option<i32>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct TickPrice {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    field: Option<i32>,
    #[prost(double, optional, tag = "3")]
    price: Option<f64>,
    #[prost(string, optional, tag = "4")]
    size: Option<String>,
    #[prost(int32, optional, tag = "5")]
    attributes: Option<i32>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct TickSize {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    field: Option<i32>,
    #[prost(string, optional, tag = "3")]
    size: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct TickReqParams {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    min_tick: Option<String>,
    #[prost(string, optional, tag = "3")]
    bbo_exchange: Option<String>,
    #[prost(int32, optional, tag = "4")]
    snapshot_permissions: Option<i32>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        1 => read(id, body, |m: DataRequest| {
            Request::MarketData(Box::new(MarketDataRequest {
                req_id: m.req_id.unwrap_or(-1),
                snapshot: m.snapshot.unwrap_or(false) || m.regulatory_snapshot.unwrap_or(false),
                query: m.contract.unwrap_or_default(),
            }))
        }),
        2 => read(id, body, |m: ReqId| Request::CancelMarketData { req_id: m.req_id.unwrap_or(-1) }),
        10 => read(id, body, |m: DepthAsked| {
            Request::MarketDepth(Box::new(DepthRequest {
                req_id: m.req_id.unwrap_or(-1),
                query: m.contract.unwrap_or_default(),
                rows: m.rows.unwrap_or(0),
                smart: m.smart.unwrap_or(false),
            }))
        }),
        11 => read(id, body, |m: ReqId| Request::CancelMarketDepth { req_id: m.req_id.unwrap_or(-1) }),
        82 => read(id, body, |_: Empty| Request::DepthExchanges),
        59 => {
            read(id, body, |m: MarketDataTypeRequest| Request::MarketDataType { kind: m.kind.unwrap_or(1) })
        }
        _ => None,
    }
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        58 => tell::<MarketDataType>(body),
        81 => tell::<TickReqParams>(body),
        1 => tell::<TickPrice>(body),
        2 => tell::<TickSize>(body),
        57 => tell::<ReqId>(body),
        12 | 13 => tell::<Depth>(body),
        80 => tell::<DepthVenues>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::MarketDataType { req_id, kind } => {
            put_message(out, 58, &MarketDataType { req_id: Some(*req_id), kind: Some(*kind) });
        }
        Reply::TickReqParams { req_id, min_tick } => {
            let message = TickReqParams {
                req_id: Some(*req_id),
                min_tick: Some(min_tick.normalize().to_string()),
                bbo_exchange: Some("9c0001".to_owned()),
                snapshot_permissions: Some(3),
            };
            put_message(out, 81, &message);
        }
        Reply::TickPrice { req_id, field, price, size } => {
            let message = TickPrice {
                req_id: Some(*req_id),
                field: Some(*field),
                // No price is written as -1, as the broker does.
                price: Some(to_double(price.unwrap_or(Decimal::NEGATIVE_ONE))),
                size: Some(quantity_text(*size)),
                attributes: Some(0),
            };
            put_message(out, 1, &message);
        }
        Reply::TickSize { req_id, field, size } => {
            let message =
                TickSize { req_id: Some(*req_id), field: Some(*field), size: Some(quantity_text(*size)) };
            put_message(out, 2, &message);
        }
        Reply::TickSnapshotEnd { req_id } => put_req_id(out, 57, *req_id),
        Reply::MarketDepth(row) => put_message(out, reply.message_id(), &depth(row)),
        Reply::DepthExchanges(venues) => {
            let venue = |(exchange, sec_type): &(&str, &str)| DepthVenue {
                exchange: Some((*exchange).to_owned()),
                sec_type: Some((*sec_type).to_owned()),
                service: Some(DEPTH_SERVICE.to_owned()),
            };
            put_message(out, 80, &DepthVenues { venues: venues.iter().map(venue).collect() });
        }
        _ => debug_assert!(false, "not a market data reply"),
    }
}

fn depth(row: &DepthRow<'_>) -> Depth {
    let data = DepthData {
        position: Some(row.position),
        operation: Some(row.operation),
        side: Some(row.side),
        price: Some(to_double(row.level.price)),
        size: Some(quantity_text(row.level.size)),
        maker: row.maker.map(str::to_owned),
        smart: row.maker.map(|_| true),
    };
    Depth { req_id: Some(row.req_id), data: Some(data) }
}
