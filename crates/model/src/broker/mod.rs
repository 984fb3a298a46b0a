//! The broker port, as data: requests out, events in. Any adapter that speaks it can be put in.
//!
//! Nothing here is specific to a wire format. Fields that the broker left out are `None`;
//! an adapter never fills a default. Echoed terms are what the broker *says*, to be compared
//! with our own record and never adopted over it.

mod link;
mod reports;
mod requests;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::link::{LinkState, Notice, NoticeClass, ServerLink, Session};
pub use self::reports::{
    BrokerStatus, CommissionReport, CompletedReport, EchoedTerms, ExecutionReport, OpenOrderReport,
    OrderNames, PositionReport, Snapshot, StatusReport,
};
pub use self::requests::{BrokerRequest, Ticket, TicketLeg};
use crate::account::AccountValue;
use crate::farm::{FarmKind, FarmState};
use crate::ids::{AccountId, BrokerOrderId, ConId, Generation, InstrumentId};
use crate::instrument::TickRule;
use crate::risk::Quote;
use crate::time::UtcNanos;

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
