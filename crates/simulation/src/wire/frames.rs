//! The messages of the TWS protocol that the adapter uses, with the fields that it reads and writes. Declared
//! here a second time on purpose: what the gateway's side gets wrong is not repeated on this side.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// Added to a message id when the body is protobuf.
const PROTOBUF: i32 = 200;

pub(crate) mod id {
    pub(crate) const TICK_PRICE: i32 = 1;
    pub(crate) const ORDER_STATUS: i32 = 3;
    pub(crate) const ERROR: i32 = 4;
    pub(crate) const OPEN_ORDER: i32 = 5;
    pub(crate) const ACCOUNT_VALUE: i32 = 6;
    pub(crate) const NEXT_VALID_ID: i32 = 9;
    pub(crate) const EXECUTION: i32 = 11;
    pub(crate) const MANAGED_ACCOUNTS: i32 = 15;
    pub(crate) const CURRENT_TIME: i32 = 49;
    pub(crate) const OPEN_ORDER_END: i32 = 53;
    pub(crate) const EXECUTIONS_END: i32 = 55;
    pub(crate) const COMMISSION: i32 = 59;
    pub(crate) const POSITION: i32 = 61;
    pub(crate) const POSITION_END: i32 = 62;
    pub(crate) const COMPLETED_ORDER: i32 = 101;
    pub(crate) const COMPLETED_ORDERS_END: i32 = 102;
    /// The highest id of any message to a client.
    pub(crate) const HIGHEST: i32 = 120;
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StartApi {
    #[prost(int32, optional, tag = "1")]
    pub(crate) client_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Number {
    #[prost(int32, optional, tag = "1")]
    pub(crate) value: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Text {
    #[prost(string, optional, tag = "1")]
    pub(crate) value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Contract {
    #[prost(int32, optional, tag = "1")]
    pub(crate) con_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(crate) symbol: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(crate) exchange: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Order {
    #[prost(int32, optional, tag = "1")]
    pub(crate) client_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) order_id: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    pub(crate) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    pub(crate) parent_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(crate) action: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) total_quantity: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(crate) order_type: Option<String>,
    #[prost(double, optional, tag = "9")]
    pub(crate) limit_price: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub(crate) aux_price: Option<f64>,
    #[prost(string, optional, tag = "11")]
    pub(crate) tif: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub(crate) account: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub(crate) good_till_date: Option<String>,
    #[prost(string, optional, tag = "27")]
    pub(crate) oca_group: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub(crate) order_ref: Option<String>,
    #[prost(int32, optional, tag = "30")]
    pub(crate) oca_type: Option<i32>,
    #[prost(bool, optional, tag = "66")]
    pub(crate) transmit: Option<bool>,
    #[prost(string, optional, tag = "115")]
    pub(crate) filled_quantity: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OrderState {
    #[prost(string, optional, tag = "1")]
    pub(crate) status: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub(crate) warning: Option<String>,
    #[prost(string, optional, tag = "30")]
    pub(crate) completed_status: Option<String>,
}

/// Place an order, and an open order: the same first three fields.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OpenOrder {
    #[prost(int32, optional, tag = "1")]
    pub(crate) order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub(crate) order: Option<Order>,
    #[prost(message, optional, tag = "4")]
    pub(crate) state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CompletedOrder {
    #[prost(message, optional, tag = "1")]
    pub(crate) contract: Option<Contract>,
    #[prost(message, optional, tag = "2")]
    pub(crate) order: Option<Order>,
    #[prost(message, optional, tag = "3")]
    pub(crate) state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OrderStatus {
    #[prost(int32, optional, tag = "1")]
    pub(crate) order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(crate) status: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) filled: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) remaining: Option<String>,
    #[prost(int64, optional, tag = "6")]
    pub(crate) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "9")]
    pub(crate) client_id: Option<i32>,
    #[prost(string, optional, tag = "10")]
    pub(crate) why_held: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Execution {
    #[prost(int32, optional, tag = "1")]
    pub(crate) order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(crate) exec_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) account: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) side: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(crate) shares: Option<String>,
    #[prost(double, optional, tag = "8")]
    pub(crate) price: Option<f64>,
    #[prost(int64, optional, tag = "9")]
    pub(crate) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "10")]
    pub(crate) client_id: Option<i32>,
    #[prost(string, optional, tag = "14")]
    pub(crate) order_ref: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecutionDetails {
    #[prost(int32, optional, tag = "1")]
    pub(crate) req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub(crate) execution: Option<Execution>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Commission {
    #[prost(string, optional, tag = "1")]
    pub(crate) exec_id: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub(crate) amount: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub(crate) currency: Option<String>,
    #[prost(double, optional, tag = "4")]
    pub(crate) realized_pnl: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Position {
    #[prost(string, optional, tag = "1")]
    pub(crate) account: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub(crate) quantity: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AccountValue {
    #[prost(string, optional, tag = "1")]
    pub(crate) key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) currency: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) account: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AccountUpdates {
    #[prost(bool, optional, tag = "1")]
    pub(crate) subscribe: Option<bool>,
    #[prost(string, optional, tag = "2")]
    pub(crate) account: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrorMessage {
    #[prost(int32, optional, tag = "1")]
    pub(crate) id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(crate) code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub(crate) text: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TickPrice {
    #[prost(int32, optional, tag = "1")]
    pub(crate) req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) field: Option<i32>,
    #[prost(double, optional, tag = "3")]
    pub(crate) price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MarketData {
    #[prost(int32, optional, tag = "1")]
    pub(crate) req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecutionFilter {
    #[prost(int32, optional, tag = "8")]
    pub(crate) last_n_days: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Executions {
    #[prost(int32, optional, tag = "1")]
    pub(crate) req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) filter: Option<ExecutionFilter>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Flag {
    #[prost(bool, optional, tag = "1")]
    pub(crate) value: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Nothing {}

/// One message as a frame.
pub(crate) fn frame(id: i32, message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let mut out = Vec::with_capacity(body.len().saturating_add(8));
    out.put_u32(u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX));
    out.put_i32(id.saturating_add(PROTOBUF));
    out.put_slice(&body);
    out
}

/// The first bytes of every connection.
pub(crate) fn greeting() -> Vec<u8> {
    let line = b"v213..226";
    let mut out = b"API\0".to_vec();
    out.put_u32(u32::try_from(line.len()).unwrap_or(0));
    out.put_slice(line);
    out
}

/// Bytes that are no frame: there is no way back into step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfStep;

/// The next payload that is complete.
pub(crate) fn take(inbox: &mut BytesMut) -> Result<Option<Bytes>, OutOfStep> {
    const LONGEST: usize = 0x00ff_ffff;
    let Some(prefix) = inbox.first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
    if length == 0 || length > LONGEST {
        return Err(OutOfStep);
    }
    if inbox.len() < length.saturating_add(4) {
        return Ok(None);
    }
    let mut payload = inbox.split_to(length.saturating_add(4)).freeze();
    Ok(Some(payload.split_off(4)))
}

/// Message id and body of a payload.
pub(crate) fn split(mut payload: Bytes) -> Option<(i32, Bytes)> {
    let id = i32::from_be_bytes(*payload.first_chunk::<4>()?);
    let body = payload.split_off(4);
    Some((id.checked_sub(PROTOBUF)?, body))
}
