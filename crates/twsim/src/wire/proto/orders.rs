//! Orders: placing, cancelling, order lists, executions, commissions.

use bytes::{Buf, Bytes, BytesMut};
use prost::encoding::{self, DecodeContext};
use prost::{DecodeError, Message};

use super::{Decoded, Empty, ReqId, Told, open_order, put_message, put_req_id, read, tell};
use crate::wire::frame::FrameError;
use crate::wire::layout::{
    CommissionAndFeesReport, CompletedOrder, ExecutionDetails, OpenOrder, Order, OrderCancel, OrderStatus,
};
use crate::wire::{ExecutionFilter, PlaceOrder, Reply, Request, echo};

#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct OrderBound {
    #[prost(int64, optional, tag = "1")]
    perm_id: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    client_id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    order_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct CancelOrder {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    particulars: Option<OrderCancel>,
}

/// A message that is only a yes or no.
#[derive(Clone, Copy, PartialEq, Message)]
struct Flag {
    #[prost(bool, optional, tag = "1")]
    value: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct Filter {
    #[prost(int32, optional, tag = "1")]
    client_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(string, optional, tag = "3")]
    time: Option<String>,
    #[prost(string, optional, tag = "4")]
    symbol: Option<String>,
    #[prost(string, optional, tag = "5")]
    sec_type: Option<String>,
    #[prost(string, optional, tag = "6")]
    exchange: Option<String>,
    #[prost(string, optional, tag = "7")]
    side: Option<String>,
    #[prost(int32, optional, tag = "8")]
    last_n_days: Option<i32>,
    #[prost(int32, repeated, tag = "9")]
    specific_dates: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct ExecutionRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    filter: Option<Filter>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        3 => Some(place(body).map_err(|source| FrameError::BadBody { message_id: id, source })),
        4 => read(id, body, |m: CancelOrder| Request::CancelOrder {
            order_id: m.order_id.unwrap_or(0),
            particulars: Box::new(m.particulars.unwrap_or_default()),
        }),
        5 => read(id, body, |_: Empty| Request::OpenOrders),
        7 => read(id, body, |m: ExecutionRequest| Request::Executions {
            req_id: m.req_id.unwrap_or(-1),
            filter: Box::new(filter(m.filter.unwrap_or_default())),
        }),
        15 => read(id, body, |m: Flag| Request::AutoOpenOrders { bind: m.value.unwrap_or(false) }),
        16 => read(id, body, |_: Empty| Request::AllOpenOrders),
        58 => read(id, body, |_: Empty| Request::GlobalCancel),
        99 => read(id, body, |m: Flag| Request::CompletedOrders { api_only: m.value.unwrap_or(false) }),
        _ => None,
    }
}

/// As `PlaceOrderRequest` lays it out, read into its place: an order is too large to be moved about.
fn place(body: &Bytes) -> Result<Request, DecodeError> {
    let mut placed = Box::<PlaceOrder>::default();
    let (mut body, context) = (body.clone(), DecodeContext::default());
    while body.has_remaining() {
        let (tag, kind) = encoding::decode_key(&mut body)?;
        match tag {
            1 => encoding::int32::merge(kind, &mut placed.order_id, &mut body, context.clone())?,
            2 => encoding::message::merge(kind, &mut placed.contract, &mut body, context.clone())?,
            3 => encoding::message::merge(kind, &mut placed.order, &mut body, context.clone())?,
            4 => {
                let attached = placed.attached.get_or_insert_default();
                encoding::message::merge(kind, attached, &mut body, context.clone())?;
            }
            _ => encoding::skip_field(kind, tag, &mut body, context.clone())?,
        }
    }
    placed.order.drop_text_only();
    Ok(Request::PlaceOrder(placed))
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        3 => tell::<OrderStatus>(body),
        5 => tell::<OpenOrder>(body),
        11 => tell::<ExecutionDetails>(body),
        53 | 102 => tell::<Empty>(body),
        55 => tell::<ReqId>(body),
        59 => tell::<CommissionAndFeesReport>(body),
        100 => tell::<OrderBound>(body),
        101 => tell::<CompletedOrder>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::OpenOrder { order, instrument } => open_order::put(out, order, instrument),
        Reply::Preview { preview, instrument } => {
            let mut message = echo::preview(preview, instrument);
            message.order = message.order.map(Order::without_text_only);
            put_message(out, 5, &message);
        }
        Reply::OrderStatus { order } => put_message(out, 3, &echo::order_status(order)),
        Reply::OpenOrderEnd => put_message(out, 53, &Empty {}),
        Reply::OrderBound { perm_id, client_id, order_id } => {
            let message = OrderBound {
                perm_id: Some(*perm_id),
                client_id: Some(*client_id),
                order_id: Some(*order_id),
            };
            put_message(out, 100, &message);
        }
        Reply::CompletedOrder { order, instrument } => {
            let mut message = echo::completed_order(order, instrument);
            message.order = message.order.map(Order::without_text_only);
            put_message(out, 101, &message);
        }
        Reply::CompletedOrdersEnd => put_message(out, 102, &Empty {}),
        Reply::Execution { req_id, execution, instrument, time } => {
            put_message(out, 11, &echo::execution(*req_id, execution, (instrument, time.as_deref())));
        }
        Reply::ExecutionsEnd { req_id } => put_req_id(out, 55, *req_id),
        Reply::Commission(execution) => put_message(out, 59, &echo::commission(execution)),
        _ => debug_assert!(false, "not an order reply"),
    }
}

fn filter(message: Filter) -> ExecutionFilter {
    ExecutionFilter {
        client_id: message.client_id.unwrap_or(0),
        account: message.account.unwrap_or_default(),
        time: message.time.unwrap_or_default(),
        symbol: message.symbol.unwrap_or_default(),
        sec_type: message.sec_type.unwrap_or_default(),
        exchange: message.exchange.unwrap_or_default(),
        side: message.side.unwrap_or_default(),
        last_n_days: message.last_n_days.unwrap_or(0),
        specific_dates: message.specific_dates,
    }
}
