//! The protobuf dialect. One file per message family; of small messages only the fields that this gateway
//! reads or writes are declared, the rest is skipped by the decoder.

mod accounts;
mod bars;
mod contracts;
mod market;
mod names;
mod open_order;
mod orders;
mod session;

use bytes::{Bytes, BytesMut};
use prost::{DecodeError, Message};
use serde::Serialize;
use serde_json::Value;

use super::frame::{FrameError, put_message};
use super::{Reply, Request};

/// Reads one message, given its id without the offset.
pub(super) fn decode(id: i32, body: &Bytes) -> Result<Request, FrameError> {
    session::decode(id, body)
        .or_else(|| contracts::decode(id, body))
        .or_else(|| orders::decode(id, body))
        .or_else(|| accounts::decode(id, body))
        .or_else(|| market::decode(id, body))
        .or_else(|| bars::decode(id, body))
        .unwrap_or_else(|| names::unsupported(id, body))
}

/// Appends one reply as a frame.
pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::NextValidId(_)
        | Reply::ManagedAccounts(_)
        | Reply::Error { .. }
        | Reply::CurrentTime { .. }
        | Reply::CurrentTimeMillis { .. }
        | Reply::SoftDollarTiers { .. }
        | Reply::NewsProviders
        | Reply::UserInfo { .. } => session::encode(reply, out),
        Reply::ContractDetails { .. }
        | Reply::ContractDetailsEnd { .. }
        | Reply::MarketRule { .. }
        | Reply::SymbolSamples { .. }
        | Reply::OptionChain(_)
        | Reply::OptionChainEnd { .. } => contracts::encode(reply, out),
        Reply::OpenOrder { .. }
        | Reply::Preview { .. }
        | Reply::OrderStatus { .. }
        | Reply::OpenOrderEnd
        | Reply::OrderBound { .. }
        | Reply::CompletedOrder { .. }
        | Reply::CompletedOrdersEnd
        | Reply::Execution { .. }
        | Reply::ExecutionsEnd { .. }
        | Reply::Commission(_) => orders::encode(reply, out),
        Reply::Position { .. }
        | Reply::PositionEnd
        | Reply::AccountValue { .. }
        | Reply::PortfolioValue(_)
        | Reply::AccountUpdateTime(_)
        | Reply::AccountDownloadEnd(_)
        | Reply::AccountSummary { .. }
        | Reply::AccountSummaryEnd { .. }
        | Reply::PositionMulti { .. }
        | Reply::PositionMultiEnd { .. }
        | Reply::AccountUpdateMulti { .. }
        | Reply::AccountUpdateMultiEnd { .. }
        | Reply::PnL { .. }
        | Reply::PnLSingle(_)
        | Reply::FamilyCodes(_) => accounts::encode(reply, out),
        Reply::HistoricalData(_)
        | Reply::HistoricalDataEnd { .. }
        | Reply::HistoricalUpdate { .. }
        | Reply::RealTimeBar { .. } => bars::encode(reply, out),
        Reply::MarketDataType { .. }
        | Reply::TickReqParams { .. }
        | Reply::TickPrice { .. }
        | Reply::TickSize { .. }
        | Reply::TickSnapshotEnd { .. }
        | Reply::MarketDepth(_)
        | Reply::DepthExchanges(_) => market::encode(reply, out),
    }
}

/// What a message to a client says, field by field, and whether that is all of it. `None` for messages that no
/// family writes.
pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    session::describe(id, body)
        .or_else(|| contracts::describe(id, body))
        .or_else(|| orders::describe(id, body))
        .or_else(|| accounts::describe(id, body))
        .or_else(|| market::describe(id, body))
        .or_else(|| bars::describe(id, body))
}

/// A message that is only a request id.
#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct ReqId {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
}

/// A message without fields.
#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct Empty {}

/// Outcome of a family's decoder: `None` when the id belongs to another family.
type Decoded = Option<Result<Request, FrameError>>;

fn read<M: Message + Default>(id: i32, body: &Bytes, then: impl FnOnce(M) -> Request) -> Decoded {
    Some(M::decode(body.clone()).map(then).map_err(|source| FrameError::BadBody { message_id: id, source }))
}

/// Outcome of a family's description.
type Told = Result<(Value, bool), DecodeError>;

fn tell<M: Message + Default + Serialize>(body: &Bytes) -> Option<Told> {
    let told = M::decode(body.clone()).map(|message| {
        // Declared fields have plain names and plain values: this cannot fail.
        let fields = serde_json::to_value(&message).unwrap_or_default();
        (fields, message.encoded_len() == body.len())
    });
    Some(told)
}

fn put_req_id(out: &mut BytesMut, message_id: i32, req_id: i32) {
    put_message(out, message_id, &ReqId { req_id: Some(req_id) });
}
