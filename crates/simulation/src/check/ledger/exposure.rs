//! What can still fill, by the journal.

use std::collections::BTreeMap;

use alphec_model::{Body, ClientOrderId, Decimal, ForeignOrder, Leg, LegRole, Order, Record, Side};

use super::{Intent, Ledger};

/// What a decision led to at its worst, by the records up to it: on the order's side, with and without it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::check) struct Worst {
    pub(in crate::check) position: Decimal,
    pub(in crate::check) position_without: Decimal,
    pub(in crate::check) open: usize,
}

impl Ledger {
    /// What a decision about an order led to, by the records up to it.
    pub(super) fn weigh(&self, record: &Record) -> Option<Worst> {
        let is_decision =
            matches!(record.body, Body::Accepted { .. } | Body::Resent { .. } | Body::ReplaceAsked { .. });
        let key = record.header.client_order_id.as_ref().filter(|_| is_decision)?;
        let order = &self.intents.get(key)?.order;
        Some(Worst {
            position: self.worst_position(order, true),
            position_without: self.worst_position(order, false),
            open: self.live_beside(order).count() + self.foreign_beside(order).count(),
        })
    }

    /// The worst position that the order's side can lead to, with the order or without it.
    fn worst_position(&self, order: &Order, is_with: bool) -> Decimal {
        let held = self.positions.get(order.instrument.as_str()).copied().unwrap_or_default();
        let ours =
            self.live_beside(order).filter(|it| is_with || it.client_order_id != order.client_order_id);
        // What one exit has filled, its siblings cannot fill any more, although they live until the broker says so.
        let leaves = Self::worst(ours.map(|it| (it, self.leaves_beside_exits(it))));
        let theirs: Decimal = self.foreign_beside(order).map(|one| one.leaves_qty.get()).sum();
        let signed = if order.spec.side == Side::Buy { held } else { -held };
        signed + leaves + theirs
    }

    /// Our live orders on the order's side of its instrument, itself among them.
    fn live_beside(&self, order: &Order) -> impl Iterator<Item = &Order> {
        let (instrument, side) = (order.instrument.clone(), order.spec.side);
        let live = self.live().map(|intent| &intent.order);
        live.filter(move |other| other.instrument == instrument && other.spec.side == side)
    }

    fn foreign_beside(&self, order: &Order) -> impl Iterator<Item = &ForeignOrder> {
        let (instrument, side) = (order.instrument.clone(), order.spec.side);
        self.foreign_open.values().filter(move |other| other.instrument == instrument && other.side == side)
    }

    /// Whether this order is on record with those of others, and open by it.
    pub(in crate::check) fn is_foreign_open(&self, perm_id: i64) -> bool {
        self.foreign_open.contains_key(&format!("perm:{perm_id}"))
    }

    /// What these orders can fill at most: exits of one entry count as the largest of them, for each makes the
    /// others smaller.
    pub(in crate::check) fn worst<'a>(orders: impl Iterator<Item = (&'a Order, Decimal)>) -> Decimal {
        let mut sum = Decimal::ZERO;
        let mut exits: BTreeMap<&ClientOrderId, Decimal> = BTreeMap::new();
        for (order, leaves) in orders {
            match order.leg.as_ref().filter(|leg| leg.role == LegRole::Child) {
                Some(leg) => {
                    let largest = exits.entry(&leg.group).or_default();
                    *largest = leaves.max(*largest);
                }
                None => sum += leaves,
            }
        }
        exits.values().fold(sum, |sum, leaves| sum + leaves)
    }

    /// What the order can still fill; an exit at most what is left of its size after all exits of its entry.
    pub(in crate::check) fn leaves_beside_exits(&self, order: &Order) -> Decimal {
        let leaves = order.worst_leaves_qty().get();
        let Some(leg) = order.leg.as_ref().filter(|leg| leg.role == LegRole::Child) else { return leaves };
        let filled = self.exits_filled.get(&leg.group).copied().unwrap_or_default();
        let left = order.worst_order_qty().get().saturating_sub(filled);
        leaves.min(left.max(Decimal::ZERO))
    }

    /// What the exits of a group have filled.
    pub(in crate::check) fn closed(&self, leg: &Leg) -> Decimal {
        self.exits_filled.get(&leg.group).copied().unwrap_or_default()
    }

    /// Whether an exit that works for so much there works as it should: for what its entry has filled and no exit
    /// has closed (tws-behaviour 2.3). Where a size was changed or a fill corrected on the way, for no more than
    /// is on record.
    pub(in crate::check) fn works_for(&self, intent: &Intent, remaining: Decimal) -> bool {
        let Some(leg) = intent.order.leg.as_ref().filter(|leg| leg.role == LegRole::Child) else {
            return false;
        };
        let of_group = |other: &&Intent| other.order.leg.as_ref().is_some_and(|it| it.group == leg.group);
        let was_touched = |other: &Intent| {
            let order_ref = other.order.order_ref.as_ref().map_or("", |text| text.as_str());
            !other.changes.is_empty() || self.was_corrected(order_ref)
        };
        if self.intents.values().filter(of_group).any(was_touched) {
            return remaining <= intent.order.leaves_qty().get();
        }
        let entered = self.intents.get(&leg.group).map_or(Decimal::ZERO, |entry| entry.order.cum_qty.get());
        let closed = self.exits_filled.get(&leg.group).copied().unwrap_or_default();
        remaining == entered.saturating_sub(closed).max(Decimal::ZERO)
    }
}
