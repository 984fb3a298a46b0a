//! Instants at which something of an order is overdue; at most one an order.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::UtcNanos;

use crate::book::OrderIx;

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    in_order: BTreeSet<(UtcNanos, OrderIx)>,
    of: BTreeMap<OrderIx, UtcNanos>,
}

impl Deadlines {
    /// Sets the order's deadline, in place of the one it had.
    pub(crate) fn set(&mut self, ix: OrderIx, due: UtcNanos) {
        self.remove(ix);
        self.in_order.insert((due, ix));
        self.of.insert(ix, due);
    }

    pub(crate) fn remove(&mut self, ix: OrderIx) {
        if let Some(due) = self.of.remove(&ix) {
            self.in_order.remove(&(due, ix));
        }
    }

    pub(crate) fn has(&self, ix: OrderIx) -> bool {
        self.of.contains_key(&ix)
    }

    pub(crate) fn clear(&mut self) {
        self.in_order.clear();
        self.of.clear();
    }

    pub(crate) fn next(&self) -> Option<UtcNanos> {
        self.in_order.first().map(|(due, _)| *due)
    }

    /// The order that is longest overdue at `now`.
    pub(crate) fn overdue(&self, now: UtcNanos) -> Option<OrderIx> {
        self.in_order.first().filter(|(due, _)| *due <= now).map(|(_, ix)| *ix)
    }
}
