//! The broker port, as data: requests out, events in. Any adapter that speaks it can be put in.
//!
//! Nothing here is specific to a wire format. Fields that the broker left out are `None`;
//! an adapter never fills a default. Echoed terms are what the broker *says*, to be compared
//! with our own record and never adopted over it.

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::account::AccountValue;
use crate::decimal::{Currency, Price, Qty, SignedQty};
use crate::farm::{FarmKind, FarmState};
use crate::ids::{
    AccountId, ApiClientId, BrokerOrderId, ConId, ExecId, Generation, InstrumentId, OrderRef, PermId,
};
use crate::instrument::TickRule;
use crate::order::{OrderSpec, Side};
use crate::risk::Quote;
use crate::time::UtcNanos;

/// An order as it goes out: everything the adapter needs to write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The connection it was decided for. The adapter writes it on no other one.
    pub generation: Generation,
    /// The API handle to place or replace under.
    pub broker_order_id: BrokerOrderId,
    /// Our identity, to travel in the broker's order reference.
    pub order_ref: OrderRef,
    /// Where it trades.
    pub account: AccountId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// The terms.
    pub spec: OrderSpec,
    /// The adapter writes it until then and not later: its price was judged by a market that is gone.
    #[serde(default = "long_ago")]
    pub send_by: UtcNanos,
    /// Its part in a group. A change of an exit or an entry leaves it out: the broker remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<TicketLeg>,
}

const fn long_ago() -> UtcNanos {
    UtcNanos::EPOCH
}

/// An order's part in a group, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "leg", rename_all = "snake_case", deny_unknown_fields)]
pub enum TicketLeg {
    /// An entry: the broker parks it until the last of its exits has arrived.
    Parent,
    /// An exit.
    Child {
        /// The API handle of its entry.
        parent: BrokerOrderId,
        /// The last one: with it the broker starts them all.
        is_last: bool,
    },
    /// One of several, of which one is to fill.
    Peer {
        /// The name of the group at the broker.
        group: SmolStr,
    },
}

impl Ticket {
    /// Whether the broker may start the order, and with it all that it has parked of its group.
    #[must_use]
    pub const fn transmits(&self) -> bool {
        match &self.leg {
            Some(TicketLeg::Parent) => false,
            Some(TicketLeg::Child { is_last, .. }) => *is_last,
            Some(TicketLeg::Peer { .. }) | None => true,
        }
    }
}

/// What the core asks of the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BrokerRequest {
    /// Place a new order.
    Place(Ticket),
    /// Change a live order: the same id with new terms.
    Replace(Ticket),
    /// Cancel one order of ours.
    Cancel {
        /// Its API handle.
        broker_order_id: BrokerOrderId,
    },
    /// Cancel every open order of the login, whoever placed it. Answered order by order, without an end.
    GlobalCancel,
    /// Take the complete lists, each to its end marker, and answer with one snapshot.
    Snapshot {
        /// Echoed in the answer.
        id: u64,
        /// How many days back the executions must reach (1 is today only).
        executions_days: u8,
    },
}

impl BrokerRequest {
    /// Whether it can create or enlarge an order. Those leave only after their record is durable.
    #[must_use]
    pub const fn can_trade(&self) -> bool {
        matches!(self, Self::Place(_) | Self::Replace(_))
    }

    /// Whether it can only end orders. Those are never held back, for a record or for anything else.
    #[must_use]
    pub const fn is_cancel(&self) -> bool {
        matches!(self, Self::Cancel { .. } | Self::GlobalCancel)
    }
}

/// A finished handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Which connection of this process life.
    pub generation: Generation,
    /// The negotiated protocol level.
    pub server_version: i32,
    /// The client id it holds.
    pub api_client_id: ApiClientId,
    /// The lowest order id the broker offers; a floor, never an order to go back.
    pub next_order_id: BrokerOrderId,
    /// Every account of the login. These, not the port, say whether it is paper.
    pub accounts: Vec<AccountId>,
}

/// How the link to the broker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No connection.
    Down,
    /// Connected; the broker's books are being read. No new orders yet.
    Recovering,
    /// Connected and reconciled.
    Ready,
    /// The gateway lost the broker's servers (code 1100 or 2110). No new orders.
    Degraded,
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Down => "down",
            Self::Recovering => "recovering",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
        })
    }
}

/// A change of connectivity between the gateway and the broker's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerLink {
    /// Lost (1100, 2110). The socket to the gateway stays up.
    Lost,
    /// Back, subscriptions gone (1101).
    RestoredDataLost,
    /// Back, subscriptions kept (1102).
    Restored,
}

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

/// What a code means for the order it names. One table in the adapter assigns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeClass {
    /// A new order is dead; a change of an acknowledged order is refused and the original lives.
    Dead,
    /// The order lives on; the text informs.
    Informational,
    /// Only a change can be meant; the original lives.
    ModifyRefused,
    /// The order was canceled, by us or by the broker (202).
    Canceled,
    /// A cancel was refused because of where the order stands.
    CancelRefused,
    /// The broker does not know the order (10147): not a proof of absence.
    NotFound,
    /// Connectivity.
    Link,
    /// Too many messages.
    Pacing,
    /// Order ids collide.
    IdTrouble,
    /// Answers a data request, not an order.
    Request,
    /// Not in the table: the order, if one is named, is in doubt.
    Unlisted,
}

/// An error or message of the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The order it names, if its id is one of an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_order_id: Option<BrokerOrderId>,
    /// The code.
    pub code: i32,
    /// The text, possibly localised: for people.
    pub text: String,
    /// What the table says of the code.
    pub class: NoticeClass,
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

/// What was written to the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// A new order.
    Place,
    /// A change.
    Replace,
    /// A cancel.
    Cancel,
}

/// What the adapter learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum BrokerEvent {
    /// A connection attempt failed; another follows unless `retry_in_ms` is absent.
    ConnectFailed {
        /// 1 for the first in a row.
        attempt: u32,
        /// Delay before the next.
        retry_in_ms: Option<u64>,
        /// What happened and what to do.
        error: String,
    },
    /// A handshake is done.
    Connected(Session),
    /// The connection is gone. Whatever was written and not answered is in doubt.
    Disconnected {
        /// Which connection.
        generation: Generation,
        /// What happened.
        why: String,
    },
    /// Events may be missing (a stream ended or lagged) though the connection stands.
    Gap {
        /// Which connection.
        generation: Generation,
        /// What happened.
        why: String,
    },
    /// The gateway lost or regained the broker's servers.
    ServerLink {
        /// Which connection.
        generation: Generation,
        /// What happened.
        link: ServerLink,
    },
    /// A data farm changed its state.
    Farm {
        /// Which connection.
        generation: Generation,
        /// What it serves.
        kind: FarmKind,
        /// The broker's name for it.
        name: String,
        /// How it stands.
        state: FarmState,
    },
    /// An open order.
    OpenOrder(OpenOrderReport),
    /// A status.
    Status(StatusReport),
    /// An execution.
    Execution(ExecutionReport),
    /// Costs of an execution.
    Commission(CommissionReport),
    /// A code with a text.
    Notice(Notice),
    /// The complete books.
    Snapshot(Snapshot),
    /// The books could not be read to the end: that says nothing about any order.
    SnapshotFailed {
        /// Of the request.
        id: u64,
        /// Of the connection.
        generation: Generation,
        /// What happened.
        why: String,
    },
    /// A figure of an account.
    Account {
        /// Whose.
        account: AccountId,
        /// Which and how much.
        value: AccountValue,
    },
    /// The market moved. Not journaled by itself; each verdict records the quote it judged by.
    Quote {
        /// Of what.
        instrument: InstrumentId,
        /// To what.
        quote: Quote,
    },
    /// The broker knows the instrument.
    InstrumentResolved {
        /// Ours.
        instrument: InstrumentId,
        /// Theirs.
        con_id: ConId,
        /// Valid prices by their rule, if they gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tick: Option<TickRule>,
        /// Money per price unit and contract by their count, if they gave one.
        #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
        multiplier: Option<Decimal>,
    },
    /// The broker does not know the instrument, or knows several.
    InstrumentUnknown {
        /// Ours.
        instrument: InstrumentId,
        /// The broker's words.
        why: String,
    },
    /// A request went to the wire whole.
    Written {
        /// Of which order.
        broker_order_id: BrokerOrderId,
        /// What.
        wire: Wire,
        /// When.
        at: UtcNanos,
    },
    /// A request was given up before its first byte: proof that the broker never saw it.
    NotWritten {
        /// Of which order.
        broker_order_id: BrokerOrderId,
        /// What.
        wire: Wire,
        /// Why.
        why: String,
    },
    /// A global cancel went to the wire whole.
    GlobalCancelWritten {
        /// When.
        at: UtcNanos,
    },
    /// A global cancel was given up before its first byte: orders of others stand as they did.
    GlobalCancelNotWritten {
        /// Why.
        why: String,
    },
    /// A message that could not be understood. The raw text is kept; nothing is guessed.
    Undecodable {
        /// The order it names, if that much was readable.
        names: OrderNames,
        /// What is wrong.
        why: String,
        /// As it came.
        raw: String,
    },
}

impl BrokerEvent {
    /// Whether it is part of the record. Quotes stream; a verdict keeps the one it used.
    #[must_use]
    pub const fn is_journaled(&self) -> bool {
        !matches!(self, Self::Quote { .. })
    }
}
