//! What goes into the venue and what comes out of it.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::meddle::Meddle;
use super::preview::Preview;
use super::refusal::Refusal;
use super::types::{ConId, OrderKey, OrderSpec, Side, Status, UtcNs};

/// A request to the venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum VenueInput {
    /// A new order, or the modification of a live one when the key is known.
    Place {
        /// The order's name.
        key: OrderKey,
        /// Its terms.
        spec: OrderSpec,
    },
    /// What would an order cost and tie up? Nothing is placed.
    Preview {
        /// The name of the answer.
        key: OrderKey,
        /// The order's terms.
        spec: Box<OrderSpec>,
    },
    /// An order refused before it reached the venue; its id is used up all the same.
    Refuse {
        /// The order's name.
        key: OrderKey,
        /// Why.
        refusal: Refusal,
        /// Its terms, as far as they were understood: a rejection proper is remembered with them.
        spec: Option<Box<OrderSpec>>,
    },
    /// Cancel one order.
    Cancel {
        /// The order's name.
        key: OrderKey,
    },
    /// Cancel every working order of every client.
    CancelAll,
    /// An order typed by hand: no API id until client 0 binds it.
    PlaceManual {
        /// Its terms.
        spec: OrderSpec,
    },
    /// Set the market of one instrument by hand. Its walk stops until `Release`.
    SetQuote {
        /// Instrument.
        con_id: ConId,
        /// The new market.
        quote: Quote,
    },
    /// Let the instrument's price walk again.
    Release {
        /// Instrument.
        con_id: ConId,
    },
    /// Reject new orders of an instrument (201) with this reason, or accept them again.
    SetReject {
        /// Instrument.
        con_id: ConId,
        /// Why, or `None` to accept.
        reason: Option<String>,
    },
    /// Say an execution again with other values: a correction, or a bust when the quantity is zero.
    Correct {
        /// The execution, under any of its revisions.
        exec_id: String,
        /// The right price.
        price: Decimal,
        /// The right quantity.
        quantity: Decimal,
    },
    /// Something unusual, for faults.
    Meddle(Meddle),
    /// Nothing but the passage of time.
    Wake,
}

/// Bid, ask and last of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quote {
    /// Best bid; `None` when nobody bids.
    pub bid: Option<Decimal>,
    /// Best ask; `None` when nobody offers.
    pub ask: Option<Decimal>,
    /// Last trade.
    pub last: Option<Decimal>,
    /// Size at the bid.
    pub bid_size: Decimal,
    /// Size at the ask.
    pub ask_size: Decimal,
    /// Size of the last trade.
    pub last_size: Decimal,
}

impl Quote {
    /// A two-sided market with the same size on both sides; last trade at the bid.
    pub fn new(bid: Decimal, ask: Decimal, size: Decimal) -> Self {
        Self {
            bid: Some(bid),
            ask: Some(ask),
            last: Some(bid),
            bid_size: size,
            ask_size: size,
            last_size: size.min(Decimal::ONE_HUNDRED),
        }
    }

    /// The side an order of `side` trades against: price and size.
    pub fn touch(&self, side: Side) -> (Option<Decimal>, Decimal) {
        match side {
            Side::Buy => (self.ask, self.ask_size),
            Side::Sell => (self.bid, self.bid_size),
        }
    }

    /// Middle of the market, or whatever price there is.
    pub fn mid(&self) -> Option<Decimal> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) => Some((bid + ask) / Decimal::TWO),
            (bid, ask) => bid.or(ask).or(self.last),
        }
    }
}

/// An order as the venue knows it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// The order's name. A manual order that is not bound has order id 0 on the wire; see `bound`.
    pub key: OrderKey,
    /// The broker's permanent id.
    pub perm_id: i64,
    /// The parent's permanent id, 0 for none.
    pub parent_perm_id: i64,
    /// Terms in force.
    pub spec: Arc<OrderSpec>,
    /// Status.
    pub status: Status,
    /// Filled so far.
    pub filled: Decimal,
    /// What can still fill, or what was left when the order ended.
    pub remaining: Decimal,
    /// Average price of the fills, zero before the first.
    pub avg_price: Decimal,
    /// Price of the latest fill, zero before the first.
    pub last_price: Decimal,
    /// Commission charged so far.
    pub commission: Decimal,
    /// Why the order is held, empty when it is not.
    pub why_held: &'static str,
    /// False for a hand-typed order that no API client has bound.
    pub bound: bool,
    /// Why it was rejected, empty when it was not.
    pub reject_reason: Arc<str>,
}

/// One fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Four dot-separated groups; the last one counts corrections.
    pub exec_id: String,
    /// The order it belongs to.
    pub key: OrderKey,
    /// The order's permanent id.
    pub perm_id: i64,
    /// Instrument.
    pub con_id: ConId,
    /// Which leg of a combination it is of, from 1; 0 for the order's own instrument.
    pub leg: usize,
    /// Account.
    pub account: Arc<str>,
    /// The client's mark.
    pub order_ref: Arc<str>,
    /// Side.
    pub side: Side,
    /// Size of this fill.
    pub quantity: Decimal,
    /// Price of this fill.
    pub price: Decimal,
    /// Filled by the order up to and with this fill.
    pub cum_quantity: Decimal,
    /// Average price up to and with this fill.
    pub avg_price: Decimal,
    /// When.
    pub at: UtcNs,
    /// True when the order was resting and gave liquidity.
    pub added_liquidity: bool,
    /// What the fill cost.
    pub commission: Decimal,
    /// Currency of price and commission.
    pub currency: Arc<str>,
    /// Profit realised by this fill after commission; `None` when it only opened.
    pub realized_pnl: Option<Decimal>,
}

/// What the venue has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VenueOutput {
    /// The state of an order: acknowledged, changed, filled, ended.
    Order(Box<OrderReport>),
    /// The terms of an order moved with the market: told without a status (tws-behaviour 2.5, template 14).
    Terms(Box<OrderReport>),
    /// The answer to a what-if, to whoever asked.
    Preview(Box<Preview>),
    /// A fill.
    Execution(Arc<Execution>),
    /// The cost of a fill, after the fill.
    Commission(Arc<Execution>),
    /// An error about an order, to its owner. 202 is the confirmation of a cancel.
    Refused {
        /// The order's name.
        key: OrderKey,
        /// Why.
        refusal: Refusal,
    },
    /// A position changed.
    Position {
        /// Account.
        account: Arc<str>,
        /// Instrument.
        con_id: ConId,
    },
    /// A market moved.
    Quote {
        /// Instrument.
        con_id: ConId,
        /// The market now.
        quote: Quote,
    },
}
