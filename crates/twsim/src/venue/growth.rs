//! Children that go to work as their parent fills (tws-behaviour 2.3).
//!
//! The broker sets children to work for what has filled of a parent and lets them grow with it. How exactly is an
//! open question (8-2). Here a child works for the same part of its size, rounded down; a fill of one child shrinks
//! its siblings by the same part; a child of which all that works has filled waits, with nothing left, for more.
//! When the parent ends in parts, its children stay for what has filled.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Venue;
use super::io::VenueOutput;
use super::order::{Hold, LiveOrder};
use super::types::{OrderKey, Status, UtcNs};

/// How a child grows while its parent works.
#[derive(Debug, Clone)]
pub(crate) struct Growth {
    /// The child's size once its parent has filled.
    full: Decimal,
    /// The parent's size when the child came. What is cut off the parent later never fills.
    parent: Decimal,
    /// How much has been set to work.
    grown: Decimal,
}

impl Growth {
    pub(crate) fn new(full: Decimal, parent: Decimal) -> Self {
        Self { full, parent, grown: Decimal::ZERO }
    }

    /// How much is to be at work once so much of the parent has filled.
    fn due(&self, filled: Decimal) -> Decimal {
        if filled >= self.parent { self.full } else { part(self.full, filled, self.parent) }
    }
}

/// `whole` × `of` ⁄ `all`, rounded down to the places that `whole` has.
pub(crate) fn part(whole: Decimal, of: Decimal, all: Decimal) -> Decimal {
    (whole * of / all).trunc_with_scale(whole.normalize().scale())
}

impl LiveOrder {
    /// The size to be at work after a change to `asked`. A client that repeats the size it was told, or the one it
    /// asked for first, changes no size.
    pub(crate) fn resize(&mut self, asked: Decimal) -> Decimal {
        let shown = self.spec.quantity;
        let Some(growth) = self.growth.as_deref_mut() else { return asked };
        if asked == shown || asked == growth.full {
            return shown;
        }
        let due = part(asked, growth.grown, growth.full);
        let more = due - growth.grown;
        let is_at_work = !growth.grown.is_zero();
        (growth.full, growth.grown) = (asked, due);
        if is_at_work { (shown + more).max(self.filled) } else { asked }
    }

    /// Nothing is left to fill, now or later.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.growth.is_none() && self.remaining().is_zero()
    }
}

impl Venue {
    /// So much of a parent has filled, and it works on.
    pub(super) fn grow_children(
        &mut self,
        now: UtcNs,
        parent: OrderKey,
        filled: Decimal,
        out: &mut Vec<VenueOutput>,
    ) {
        let children = self.children.get(&parent).cloned().unwrap_or_default();
        self.grow_all(now, &children, (filled, false), out);
    }

    /// All are at work before the first of them fills, which shrinks the others.
    fn grow_all(
        &mut self,
        now: UtcNs,
        children: &[u64],
        (filled, is_last): (Decimal, bool),
        out: &mut Vec<VenueOutput>,
    ) {
        let grown: Vec<u64> = children
            .iter()
            .copied()
            .filter(|child| self.set_to_work(now, *child, (filled, is_last), out))
            .collect();
        for child in grown {
            self.settle(now, child, out);
        }
    }

    /// A parent is over, and so much of it has filled: its children are what they will be.
    pub(super) fn settle_children(
        &mut self,
        now: UtcNs,
        parent: OrderKey,
        filled: Decimal,
        out: &mut Vec<VenueOutput>,
    ) {
        let children = self.children.get(&parent).cloned().unwrap_or_default();
        self.grow_all(now, &children, (filled, true), out);
        for child in children {
            let Some(order) = self.live.get(&child) else { continue };
            match (order.hold, order.is_exhausted()) {
                (Some(Hold::Parent), _) => self.end(now, child, Status::Cancelled, out),
                (_, true) if order.filled.is_zero() => self.end(now, child, Status::Cancelled, out),
                (_, true) => self.end(now, child, Status::Filled, out),
                (_, false) => {}
            }
        }
    }

    /// Sets a child that comes late to work for what has filled of its parent.
    pub(super) fn grow(&mut self, now: UtcNs, child: u64, filled: Decimal, out: &mut Vec<VenueOutput>) {
        self.grow_all(now, &[child], (filled, false), out);
    }

    /// Gives a child its part of what has filled of its parent, which may be all that ever will. Says whether
    /// there is more for it to do.
    fn set_to_work(
        &mut self,
        now: UtcNs,
        child: u64,
        (filled, is_last): (Decimal, bool),
        out: &mut Vec<VenueOutput>,
    ) -> bool {
        let Some(order) = self.live.get_mut(&child) else { return false };
        let Some(growth) = order.growth.as_deref_mut() else { return false };
        let due = growth.due(filled);
        let more = due - growth.grown;
        let is_first = growth.grown.is_zero();
        growth.grown = due.max(growth.grown);
        if is_last {
            order.growth = None;
        }
        if more <= Decimal::ZERO {
            return false;
        }
        let shown = order.spec.quantity;
        let quantity = if is_first { more } else { shown + more };
        if quantity != shown {
            Arc::make_mut(&mut order.spec).quantity = quantity;
        }
        if order.hold == Some(Hold::Parent) {
            self.release(now, child);
        }
        if let Some(order) = self.live.get(&child).filter(|_| quantity != shown) {
            out.push(VenueOutput::Order(order.report()));
        }
        true
    }
}
