//! What the broker says of orders, executions and positions, one by one and as complete books.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::decimal::{Currency, Price, Qty, SignedQty};
use crate::ids::{AccountId, ApiClientId, BrokerOrderId, ConId, ExecId, Generation, InstrumentId, PermId};
use crate::order::Side;
use crate::time::UtcNanos;

/// The broker's word for where an order stands; unknown words are kept and never terminal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "SmolStr", into = "SmolStr")]
pub enum BrokerStatus {
    /// Accepted by the gateway, not yet processed.
    ApiPending,
    /// Sent on, destination not confirmed.
    PendingSubmit,
    /// Cancel requested, not confirmed; fills still possible.
    PendingCancel,
    /// Held by the broker, or not yet acknowledged by the venue.
    PreSubmitted,
    /// Routed and acknowledged; partial fills stay here.
    Submitted,
    /// Canceled before the broker acknowledged it.
    ApiCancelled,
    /// Balance canceled, or rejected, or expired.
    Cancelled,
    /// Fully filled.
    Filled,
    /// Rejected *or* held and able to come back: not terminal by itself.
    Inactive,
    /// Anything else, as it came.
    Unknown(SmolStr),
}

impl BrokerStatus {
    /// The broker's own spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiPending => "ApiPending",
            Self::PendingSubmit => "PendingSubmit",
            Self::PendingCancel => "PendingCancel",
            Self::PreSubmitted => "PreSubmitted",
            Self::Submitted => "Submitted",
            Self::ApiCancelled => "ApiCancelled",
            Self::Cancelled => "Cancelled",
            Self::Filled => "Filled",
            Self::Inactive => "Inactive",
            Self::Unknown(text) => text,
        }
    }
}

impl From<SmolStr> for BrokerStatus {
    fn from(text: SmolStr) -> Self {
        match text.as_str() {
            "ApiPending" => Self::ApiPending,
            "PendingSubmit" => Self::PendingSubmit,
            "PendingCancel" => Self::PendingCancel,
            "PreSubmitted" => Self::PreSubmitted,
            "Submitted" => Self::Submitted,
            "ApiCancelled" => Self::ApiCancelled,
            "Cancelled" => Self::Cancelled,
            "Filled" => Self::Filled,
            "Inactive" => Self::Inactive,
            _ => Self::Unknown(text),
        }
    }
}

impl From<BrokerStatus> for SmolStr {
    fn from(status: BrokerStatus) -> Self {
        Self::new(status.as_str())
    }
}

/// Every name a broker message can give an order. Match by perm id, then reference, then ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderNames {
    /// The API handle, meaningful only with the client id. Zero, negative: kept as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_order_id: Option<BrokerOrderId>,
    /// Whose handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_client_id: Option<ApiClientId>,
    /// The durable id, once given (wire 0 is `None`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perm_id: Option<PermId>,
    /// The reference text, ours or anyone's, as it came (empty is `None`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<SmolStr>,
}

/// Terms as the broker repeats them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EchoedTerms {
    /// Total size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_qty: Option<Qty>,
    /// The broker's word for the type, such as `LMT`.
    pub order_type: SmolStr,
    /// Limit price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_px: Option<Price>,
    /// Trigger price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_px: Option<Price>,
    /// The broker's word for the life, such as `DAY`.
    pub time_in_force: SmolStr,
}

/// An open order, from a list or unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenOrderReport {
    /// Its names.
    pub names: OrderNames,
    /// Whose.
    pub account: AccountId,
    /// What, if it is an instrument of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentId>,
    /// The broker's contract id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con_id: Option<ConId>,
    /// The broker's symbol, for people.
    pub symbol: SmolStr,
    /// The broker's word for the side, such as `BUY`: untrusted, for foreign orders only.
    pub side: Option<Side>,
    /// Terms as echoed.
    pub terms: EchoedTerms,
    /// Where it stands.
    pub status: BrokerStatus,
    /// The broker's warning, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A status message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusReport {
    /// Its names.
    pub names: OrderNames,
    /// Where it stands.
    pub status: BrokerStatus,
    /// Filled so far by the broker's count: compared with ours, never booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cum_qty: Option<Qty>,
    /// Unfilled by the broker's count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_qty: Option<Qty>,
    /// Why it is held, such as `locate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_held: Option<SmolStr>,
}

/// A row of the completed-orders list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletedReport {
    /// Its names; often only the perm id and the reference.
    pub names: OrderNames,
    /// Whose.
    pub account: AccountId,
    /// How it ended.
    pub status: BrokerStatus,
    /// The broker's words on how it ended.
    pub completed_status: String,
    /// Size left unfilled (the broker sends it in the *total* field).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfilled_qty: Option<Qty>,
    /// Size filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled_qty: Option<Qty>,
}

/// One execution: the only thing that counts as a fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionReport {
    /// Its identity; a correction differs only after the last dot.
    pub exec_id: ExecId,
    /// The order's names.
    pub names: OrderNames,
    /// Whose.
    pub account: AccountId,
    /// What, if it is an instrument of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentId>,
    /// The broker's contract id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con_id: Option<ConId>,
    /// The broker's symbol, for people.
    pub symbol: SmolStr,
    /// Bought or sold.
    pub side: Side,
    /// Size of this execution. Zero only in a correction that takes it back.
    pub last_qty: Qty,
    /// Price of this execution.
    pub last_px: Price,
    /// When, to the second, where the text names one instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<UtcNanos>,
    /// When, as the broker wrote it.
    pub time_text: SmolStr,
    /// Where it was executed.
    pub venue: SmolStr,
    /// The broker closed the position out by itself.
    pub is_liquidation: bool,
    /// The combination's own execution; its legs are reported one by one beside it.
    pub is_combo: bool,
}

/// Costs of one execution; may come before or after it, or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommissionReport {
    /// Of which execution.
    pub exec_id: ExecId,
    /// How much; `None` while the broker says "pending".
    #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
    pub commission: Option<Decimal>,
    /// In which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Realized profit, when it closes something.
    #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
    pub realized_pnl: Option<Decimal>,
}

/// A holding by the broker's count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionReport {
    /// Whose.
    pub account: AccountId,
    /// What, if it is an instrument of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentId>,
    /// The broker's contract id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con_id: Option<ConId>,
    /// The broker's symbol, for people.
    pub symbol: SmolStr,
    /// How much.
    pub qty: SignedQty,
}

/// The broker's books, complete: each list arrived to its end marker on one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Of the request.
    pub id: u64,
    /// Of the connection.
    pub generation: Generation,
    /// Open orders of every client of the login.
    pub open: Vec<OpenOrderReport>,
    /// Orders that ended today.
    pub completed: Vec<CompletedReport>,
    /// Executions as far back as asked for.
    pub executions: Vec<ExecutionReport>,
    /// Commissions that came with them.
    pub commissions: Vec<CommissionReport>,
    /// Holdings of every account of the login.
    pub positions: Vec<PositionReport>,
}
