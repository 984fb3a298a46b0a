//! What is asked of the broker: orders as they go out, cancels, the complete lists.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::{AccountId, BrokerOrderId, Generation, InstrumentId, OrderRef};
use crate::order::OrderSpec;
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
    #[serde(deserialize_with = "crate::bare::read")]
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
    #[serde(deserialize_with = "crate::bare::read")]
    GlobalCancel,
    /// Give up what still waits to be written of these orders, new ones and changes alike. Nothing goes to the wire; each
    /// that is given up is answered as not written.
    Withdraw {
        /// Their API handles.
        broker_order_ids: Vec<BrokerOrderId>,
    },
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

    /// Whether it can only end orders, or keep something from being written. Those are never held back, for a record or for
    /// anything else.
    #[must_use]
    pub const fn is_cancel(&self) -> bool {
        matches!(self, Self::Cancel { .. } | Self::GlobalCancel | Self::Withdraw { .. })
    }
}
