//! Session: start, ids, account list, clock, errors.

use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Decoded, Empty, ReqId, Told, put_message, put_req_id, read, tell};
use crate::wire::{NO_ID, Reply, Request};

#[derive(Clone, PartialEq, Message)]
struct StartApi {
    #[prost(int32, optional, tag = "1")]
    client_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct NextValidId {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct ManagedAccounts {
    #[prost(string, optional, tag = "1")]
    accounts: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct ErrorMessage {
    #[prost(int32, optional, tag = "1")]
    id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    at_ms: Option<i64>,
    #[prost(int32, optional, tag = "3")]
    code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    text: Option<String>,
}

/// Both clocks: seconds in one message, milliseconds in the other.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct Clock {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        71 => read(id, body, |m: StartApi| Request::StartApi { client_id: m.client_id.unwrap_or(0) }),
        8 => read(id, body, |_: Empty| Request::Ids),
        14 => read(id, body, |_: Empty| Request::SetServerLogLevel),
        17 => read(id, body, |_: Empty| Request::ManagedAccounts),
        49 => read(id, body, |_: Empty| Request::CurrentTime),
        105 => read(id, body, |_: Empty| Request::CurrentTimeMillis),
        79 => read(id, body, |m: ReqId| Request::SoftDollarTiers { req_id: m.req_id.unwrap_or(-1) }),
        85 => read(id, body, |_: Empty| Request::NewsProviders),
        104 => read(id, body, |m: ReqId| Request::UserInfo { req_id: m.req_id.unwrap_or(-1) }),
        _ => None,
    }
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        9 => tell::<NextValidId>(body),
        15 => tell::<ManagedAccounts>(body),
        4 => tell::<ErrorMessage>(body),
        49 | 109 => tell::<Clock>(body),
        77 | 107 => tell::<ReqId>(body),
        85 => tell::<Empty>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::NextValidId(order_id) => put_message(out, 9, &NextValidId { order_id: Some(*order_id) }),
        Reply::ManagedAccounts(accounts) => {
            put_message(out, 15, &ManagedAccounts { accounts: Some((*accounts).to_owned()) });
        }
        Reply::Error { id, code, text, at_ms } => {
            let message = ErrorMessage {
                id: (*id != NO_ID).then_some(*id),
                at_ms: Some(*at_ms),
                // The warning about the message rate has no code (tws-behaviour 1.8).
                code: (*code != 0).then_some(*code),
                text: Some(text.to_string()),
            };
            put_message(out, 4, &message);
        }
        Reply::CurrentTime { seconds } => put_message(out, 49, &Clock { value: Some(*seconds) }),
        Reply::CurrentTimeMillis { millis } => put_message(out, 109, &Clock { value: Some(*millis) }),
        // An ordinary login has no tiers, no news of its own and no white brand.
        Reply::SoftDollarTiers { req_id } => put_req_id(out, 77, *req_id),
        Reply::NewsProviders => put_message(out, 85, &Empty {}),
        Reply::UserInfo { req_id } => put_req_id(out, 107, *req_id),
        _ => debug_assert!(false, "not a session reply"),
    }
}
