//! A working order.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::calendar::Phase;
use super::combination::{LegDone, Legging};
use super::growth::Growth;
use super::io::{Execution, OrderReport, Quote};
use super::market::Market;
use super::types::{OrderKey, OrderSpec, Side, Status, UtcNs};

/// Why an order is in no book yet. The first reason that applies counts; the others are looked at after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Its parent has not filled.
    Parent,
    /// Shares are being located.
    Locate,
    /// The time it names has not come.
    Time,
    /// Its market is closed for it.
    Session,
    /// It waits for an auction.
    Auction,
}

/// An order that can still change. Finished ones become an `OrderReport` in the archive.
#[derive(Debug, Clone)]
pub(crate) struct LiveOrder {
    /// Arrival number: time priority and identity inside the venue.
    pub(crate) seq: u64,
    pub(crate) key: OrderKey,
    pub(crate) perm_id: i64,
    pub(crate) parent_perm_id: i64,
    /// The parent's name, kept after the parent is gone.
    pub(crate) family: Option<OrderKey>,
    pub(crate) spec: Arc<OrderSpec>,
    pub(crate) status: Status,
    pub(crate) filled: Decimal,
    /// Sum of quantity × price of the fills.
    pub(crate) traded: Decimal,
    pub(crate) last_price: Decimal,
    pub(crate) commission: Decimal,
    pub(crate) triggered: bool,
    /// Why it is in no book, if it is in none.
    pub(crate) hold: Option<Hold>,
    /// How it grows while its parent works.
    pub(crate) growth: Option<Box<Growth>>,
    /// It rested before its first fill.
    pub(crate) rested: bool,
    pub(crate) bound: bool,
    /// The timer that ends a good-till-date order, removed with it.
    pub(crate) expiry: Option<(UtcNs, u64)>,
    /// The timer that starts a good-after-time order, removed with it.
    pub(crate) start: Option<(UtcNs, u64)>,
    /// The quote change whose displayed size this order has already taken.
    pub(crate) filled_at_quote: u64,
    /// What has traded of each leg of a combination.
    pub(crate) legs: Vec<LegDone>,
    /// A fill of a combination that is under way.
    pub(crate) legging: Option<Legging>,
}

impl LiveOrder {
    pub(crate) fn remaining(&self) -> Decimal {
        (self.spec.quantity - self.filled).max(Decimal::ZERO)
    }

    pub(crate) fn avg_price(&self) -> Decimal {
        if self.filled.is_zero() { Decimal::ZERO } else { self.traded / self.filled }
    }

    /// True when the touch has reached the trigger: buys watch the ask, sells the bid.
    pub(crate) fn is_triggered_by(&self, quote: &Quote) -> bool {
        let (touch, _) = quote.touch(self.spec.side);
        let (Some(trigger), Some(touch)) = (self.spec.kind.stop(), touch) else { return false };
        let wakes_from_above = (self.spec.side == Side::Buy) == self.spec.kind.is_if_touched();
        if wakes_from_above { touch <= trigger } else { touch >= trigger }
    }

    /// True while the market has not been where this order waits for it.
    pub(crate) fn waits_for_trigger(&self) -> bool {
        !self.triggered && self.spec.kind.has_trigger()
    }

    /// Draws a trailing stop after the touch; true when it moved. It only ever comes closer to the market.
    pub(crate) fn follow(&mut self, market: &Market) -> bool {
        let kind = self.spec.kind;
        let Some(by) = kind.trail().filter(|_| !self.triggered) else { return false };
        let Some(here) = market.trail_stop(self.spec.side, by) else { return false };
        let stop = kind.stop().map_or(here, |stop| match self.spec.side {
            Side::Buy => stop.min(here),
            Side::Sell => stop.max(here),
        });
        let moved = kind.stop() != Some(stop);
        if moved {
            Arc::make_mut(&mut self.spec).kind = kind.with_trail_stop(Some(stop));
        }
        moved
    }

    /// The price at which this order trades now, if it does.
    pub(crate) fn executable_price(&self, quote: &Quote) -> Option<Decimal> {
        let (touch, _) = quote.touch(self.spec.side);
        let touch = touch.filter(|_| !self.waits_for_trigger())?;
        self.takes(touch).then_some(touch)
    }

    /// True when a price is as good as the limit, where there is one.
    pub(crate) fn takes(&self, price: Decimal) -> bool {
        self.spec.kind.limit().is_none_or(|limit| match self.spec.side {
            Side::Buy => price <= limit,
            Side::Sell => price >= limit,
        })
    }

    /// Status of an order that is neither ended nor being cancelled.
    pub(crate) fn resting_status(&self) -> Status {
        if self.hold.is_some() || self.waits_for_trigger() { Status::PreSubmitted } else { Status::Submitted }
    }

    /// What holds it when nobody else does, while its market is in this phase.
    pub(crate) fn hold_at(&self, now: UtcNs, phase: Phase) -> Option<Hold> {
        if self.spec.good_after().is_some_and(|at| at > now) {
            Some(Hold::Time)
        } else if self.spec.auction().is_some() {
            Some(Hold::Auction)
        } else if !phase.serves(self.spec.outside_rth) {
            Some(Hold::Session)
        } else {
            None
        }
    }

    /// As the broker words it; no word for a time to come is known (tws-behaviour 2.4).
    fn why_held(&self) -> &'static str {
        match self.hold {
            Some(Hold::Locate) if self.status == Status::Inactive => "locate",
            Some(Hold::Parent) if self.status.is_working() => "child",
            Some(Hold::Parent | Hold::Locate | Hold::Time | Hold::Session | Hold::Auction) | None => "",
        }
    }

    /// A fill of the order's own instrument that cost nothing yet.
    pub(crate) fn execution(
        &self,
        now: UtcNs,
        exec_id: String,
        (quantity, price): (Decimal, Decimal),
        currency: &Arc<str>,
    ) -> Execution {
        Execution {
            exec_id,
            key: self.key,
            perm_id: self.perm_id,
            con_id: self.spec.con_id,
            leg: 0,
            account: Arc::clone(&self.spec.account),
            order_ref: Arc::clone(&self.spec.order_ref),
            side: self.spec.side,
            quantity,
            price,
            cum_quantity: self.filled,
            avg_price: self.avg_price(),
            at: now,
            added_liquidity: self.rested,
            commission: Decimal::ZERO,
            currency: Arc::clone(currency),
            realized_pnl: None,
        }
    }

    pub(crate) fn report(&self) -> Box<OrderReport> {
        Box::new(OrderReport {
            key: self.key,
            perm_id: self.perm_id,
            parent_perm_id: self.parent_perm_id,
            spec: Arc::clone(&self.spec),
            status: self.status,
            filled: self.filled,
            remaining: self.remaining(),
            avg_price: self.avg_price(),
            last_price: self.last_price,
            commission: self.commission,
            why_held: self.why_held(),
            bound: self.bound,
            reject_reason: "".into(),
        })
    }
}
