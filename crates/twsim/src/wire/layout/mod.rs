//! The broker's messages as data: the neutral form between the two dialects. Protobuf writes them as they
//! are, the text dialect translates them field by field.
//!
//! Only messages with contracts and orders live here, the ones both dialects need; small messages are
//! declared where they are written.

mod contract;
mod order;
mod report;

use prost::Message;

pub use contract::{ComboLeg, Contract, ContractDetails, DeltaNeutralContract};
pub use order::{AttachedOrders, Order, OrderCancel, OrderCondition, PlaceOrderRequest, SoftDollarTier};
pub use report::{
    CommissionAndFeesReport, CompletedOrder, Execution, ExecutionDetails, OpenOrder, OrderAllocation,
    OrderState, OrderStatus,
};

/// A named parameter. On the wire a map entry; kept as a list, because the order of the parameters is the
/// client's.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct TagValue {
    /// Name.
    #[prost(string, optional, tag = "1")]
    pub tag: Option<String>,
    /// Value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}
