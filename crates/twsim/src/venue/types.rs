//! The venue's own words: keys, sides, order kinds, statuses. Deliberately not the adapter's types, so that
//! a mistake in one is not repeated in the other.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::extra::Extra;
use super::kind::OrderKind;

/// Nanoseconds since the Unix epoch, UTC. The venue never reads a clock: every entry point takes one.
pub type UtcNs = i64;

/// The broker's contract id.
pub type ConId = i32;

/// Nanoseconds of one civil day.
pub const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// An order as an API client names it: order ids are unique only per client id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// API client id of the owner; 0 for orders typed by hand.
    pub client_id: i32,
    /// The id the client chose.
    pub order_id: i32,
}

impl OrderKey {
    /// Names order `order_id` of client `client_id`.
    pub const fn new(client_id: i32, order_id: i32) -> Self {
        Self { client_id, order_id }
    }
}

/// Buy or sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from the position.
    Sell,
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `quantity` with the sign this side gives a position.
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// How long an order stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until the end of the venue's day.
    Day,
    /// Until cancelled.
    Gtc,
    /// Until an instant.
    Gtd(UtcNs),
    /// What fills at once; the rest is cancelled.
    Ioc,
    /// Everything at once or nothing.
    Fok,
    /// In the next opening auction or not at all.
    Opg,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// Instrument.
    pub con_id: ConId,
    /// Exchange as the client named it; echoed back.
    pub exchange: Arc<str>,
    /// Account that trades.
    pub account: Arc<str>,
    /// Side.
    pub side: Side,
    /// Total quantity, fills included.
    pub quantity: Decimal,
    /// Type and prices.
    pub kind: OrderKind,
    /// Time in force.
    pub tif: TimeInForce,
    /// The client's own mark; kept for the order's life and echoed everywhere.
    pub order_ref: Arc<str>,
    /// Order id of the parent, 0 for none.
    pub parent_id: i32,
    /// False parks the order in the gateway: not at the venue, not in any list.
    pub transmit: bool,
    /// Trades in the longer hours too, where the instrument has some.
    pub outside_rth: bool,
    /// Rarer terms; `None` for the plain orders that most are.
    pub extra: Option<Arc<Extra>>,
    /// What came with the order and means nothing here: kept as it is, given back with every report.
    pub carried: Arc<[u8]>,
}

/// Order status in the broker's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Held by the venue: an untriggered stop, a child waiting for its parent, or not acknowledged yet.
    PreSubmitted,
    /// Working.
    Submitted,
    /// Cancel requested; fills are still possible.
    PendingCancel,
    /// Ended without its full quantity.
    Cancelled,
    /// Ended with its full quantity.
    Filled,
    /// Rejected. (The real broker uses the same word for orders on hold.)
    Inactive,
}

impl Status {
    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreSubmitted => "PreSubmitted",
            Self::Submitted => "Submitted",
            Self::PendingCancel => "PendingCancel",
            Self::Cancelled => "Cancelled",
            Self::Filled => "Filled",
            Self::Inactive => "Inactive",
        }
    }

    /// True for orders that can still fill.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::PreSubmitted | Self::Submitted | Self::PendingCancel)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
