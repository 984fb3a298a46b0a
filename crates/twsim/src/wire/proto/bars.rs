//! Bars: of the past, and as they happen.

use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Decoded, ReqId, Told, put_message, read, tell};
use crate::wire::layout::Contract;
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{Bar, HistoryRequest, LiveBarsRequest, Reply, Request};

#[derive(Clone, PartialEq, Message)]
struct HistoryAsked {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    end: Option<String>,
    #[prost(string, optional, tag = "4")]
    bar_size: Option<String>,
    #[prost(string, optional, tag = "5")]
    duration: Option<String>,
    #[prost(bool, optional, tag = "6")]
    regular_hours: Option<bool>,
    #[prost(string, optional, tag = "7")]
    what: Option<String>,
    #[prost(int32, optional, tag = "8")]
    date_format: Option<i32>,
    #[prost(bool, optional, tag = "9")]
    keep_up_to_date: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct LiveBarsAsked {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(int32, optional, tag = "3")]
    bar_size: Option<i32>,
    #[prost(string, optional, tag = "4")]
    what: Option<String>,
    #[prost(bool, optional, tag = "5")]
    regular_hours: Option<bool>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct HistoryBar {
    #[prost(string, optional, tag = "1")]
    date: Option<String>,
    #[prost(double, optional, tag = "2")]
    open: Option<f64>,
    #[prost(double, optional, tag = "3")]
    high: Option<f64>,
    #[prost(double, optional, tag = "4")]
    low: Option<f64>,
    #[prost(double, optional, tag = "5")]
    close: Option<f64>,
    #[prost(string, optional, tag = "6")]
    volume: Option<String>,
    #[prost(string, optional, tag = "7")]
    average: Option<String>,
    #[prost(int32, optional, tag = "8")]
    count: Option<i32>,
}

impl HistoryBar {
    fn of(bar: &Bar) -> Self {
        Self {
            date: Some(bar.date.clone()),
            open: Some(to_double(bar.open)),
            high: Some(to_double(bar.high)),
            low: Some(to_double(bar.low)),
            close: Some(to_double(bar.close)),
            volume: Some(quantity_text(bar.volume)),
            average: Some(quantity_text(bar.average)),
            count: Some(bar.count),
        }
    }
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct HistoricalData {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    bars: Vec<HistoryBar>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct HistoricalDataEnd {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    start: Option<String>,
    #[prost(string, optional, tag = "3")]
    end: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct HistoricalUpdate {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    bar: Option<HistoryBar>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct RealTimeBar {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    seconds: Option<i64>,
    #[prost(double, optional, tag = "3")]
    open: Option<f64>,
    #[prost(double, optional, tag = "4")]
    high: Option<f64>,
    #[prost(double, optional, tag = "5")]
    low: Option<f64>,
    #[prost(double, optional, tag = "6")]
    close: Option<f64>,
    #[prost(string, optional, tag = "7")]
    volume: Option<String>,
    #[prost(string, optional, tag = "8")]
    average: Option<String>,
    #[prost(int32, optional, tag = "9")]
    count: Option<i32>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        20 => read(id, body, |m: HistoryAsked| {
            Request::HistoricalData(Box::new(HistoryRequest {
                req_id: m.req_id.unwrap_or(-1),
                query: m.contract.unwrap_or_default(),
                end: m.end.unwrap_or_default(),
                bar_size: m.bar_size.unwrap_or_default(),
                duration: m.duration.unwrap_or_default(),
                regular_hours: m.regular_hours.unwrap_or(false),
                what: m.what.unwrap_or_default(),
                date_format: m.date_format.unwrap_or(1),
                keep_up_to_date: m.keep_up_to_date.unwrap_or(false),
            }))
        }),
        25 => read(id, body, |m: ReqId| Request::CancelHistoricalData { req_id: m.req_id.unwrap_or(-1) }),
        50 => read(id, body, |m: LiveBarsAsked| {
            Request::RealTimeBars(Box::new(LiveBarsRequest {
                req_id: m.req_id.unwrap_or(-1),
                query: m.contract.unwrap_or_default(),
                bar_size: m.bar_size.unwrap_or(5),
                what: m.what.unwrap_or_default(),
                regular_hours: m.regular_hours.unwrap_or(false),
            }))
        }),
        51 => read(id, body, |m: ReqId| Request::CancelRealTimeBars { req_id: m.req_id.unwrap_or(-1) }),
        _ => None,
    }
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        17 => tell::<HistoricalData>(body),
        108 => tell::<HistoricalDataEnd>(body),
        90 => tell::<HistoricalUpdate>(body),
        50 => tell::<RealTimeBar>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::HistoricalData(history) => {
            let bars = history.bars.iter().map(HistoryBar::of).collect();
            put_message(out, 17, &HistoricalData { req_id: Some(history.req_id), bars });
        }
        Reply::HistoricalDataEnd { req_id, start, end } => {
            let message = HistoricalDataEnd {
                req_id: Some(*req_id),
                start: Some(start.clone()),
                end: Some(end.clone()),
            };
            put_message(out, 108, &message);
        }
        Reply::HistoricalUpdate { req_id, bar } => {
            let message = HistoricalUpdate { req_id: Some(*req_id), bar: Some(HistoryBar::of(bar)) };
            put_message(out, 90, &message);
        }
        Reply::RealTimeBar { req_id, seconds, bar } => {
            let message = RealTimeBar {
                req_id: Some(*req_id),
                seconds: Some(*seconds),
                open: Some(to_double(bar.open)),
                high: Some(to_double(bar.high)),
                low: Some(to_double(bar.low)),
                close: Some(to_double(bar.close)),
                volume: Some(quantity_text(bar.volume)),
                average: Some(quantity_text(bar.average)),
                count: Some(bar.count),
            };
            put_message(out, 50, &message);
        }
        _ => debug_assert!(false, "not a bar"),
    }
}
