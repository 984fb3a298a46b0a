//! Orders that belong together, and what they reserve.

use alphec_model::{Decimal, Leg, LegRole, Order, OrderState, planted};

use super::{Book, OrderIx};

impl Book {
    /// Every order of the group that this one is of, itself included, first to last.
    pub(crate) fn legs_of(&self, ix: OrderIx) -> Vec<OrderIx> {
        let leg = self.entry(ix).and_then(|entry| entry.order.leg.as_ref());
        leg.and_then(|leg| self.groups.get(&leg.group)).cloned().unwrap_or_default()
    }

    /// What an order reserves. The exits of one entry make each other smaller, so together they reserve what the
    /// largest of them does: should two of them fill at once by a race, the other side of the entry's position is
    /// no larger than that.
    pub(crate) fn reserved_by(&self, order: &Order) -> Decimal {
        if order.state == OrderState::InDoubt && planted::is("an-order-in-doubt-reserves-nothing") {
            return Decimal::ZERO;
        }
        let ix = self.ix_of(&order.client_order_id);
        let covered = self.largest_exit(order.leg.as_ref(), ix);
        self.may_fill(ix, order).saturating_sub(covered).max(Decimal::ZERO)
    }

    /// Whether what the order may fill counts: while it lives, and while one that was proven absent is watched for.
    pub(super) fn is_reserved(&self, ix: OrderIx, order: &Order) -> bool {
        order.state.reserves_exposure() || self.watched.contains_key(&ix)
    }

    /// The most that it may fill by itself.
    fn may_fill(&self, ix: Option<OrderIx>, order: &Order) -> Decimal {
        let watched = ix.and_then(|ix| self.watched.get(&ix));
        watched.map_or_else(|| order.worst_leaves_qty(), |size| order.leaves_at(*size)).get()
    }

    /// What the largest live exit of the same entry, other than `but`, can still fill; zero for what is no exit.
    pub(crate) fn largest_exit(&self, leg: Option<&Leg>, but: Option<OrderIx>) -> Decimal {
        let Some(leg) = leg.filter(|leg| leg.role == LegRole::Child) else { return Decimal::ZERO };
        let legs = self.groups.get(&leg.group).into_iter().flatten().filter(|ix| Some(**ix) != but);
        let orders = legs.filter_map(|ix| Some((*ix, &self.entry(*ix)?.order)));
        let exits = orders.filter(|(ix, order)| {
            self.is_reserved(*ix, order) && order.leg.as_ref().is_some_and(|leg| leg.role == LegRole::Child)
        });
        exits.map(|(ix, order)| self.may_fill(Some(ix), order)).max().unwrap_or_default()
    }
}
