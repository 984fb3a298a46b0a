//! What one account has at stake in one instrument, kept as running sums.

use alphec_model::{Decimal, ForeignOrder, Order, Side, SignedQty};

/// Position plus the worst that live orders can add to either side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exposure {
    /// From executions since the baseline.
    pub position: SignedQty,
    /// By how much the broker's count differs, while it does.
    pub broken: Option<SignedQty>,
    /// Sum of the worst leaves of live buys.
    pub buy_leaves: Decimal,
    /// Sum of the worst leaves of live sells.
    pub sell_leaves: Decimal,
    /// Live buys.
    pub buys: u32,
    /// Live sells.
    pub sells: u32,
    /// What open buys of others can still fill, part of the above in every limit.
    pub foreign_buy_leaves: Decimal,
    /// What open sells of others can still fill.
    pub foreign_sell_leaves: Decimal,
    /// Open buys of others.
    pub foreign_buys: u32,
    /// Open sells of others.
    pub foreign_sells: u32,
}

impl Exposure {
    /// The largest position the live orders can lead to, if every buy and no sell fills.
    #[must_use]
    pub fn worst_long(&self) -> Decimal {
        self.position.get().saturating_add(self.all_buy_leaves())
    }

    /// The smallest position the live orders can lead to, if every sell and no buy fills.
    #[must_use]
    pub fn worst_short(&self) -> Decimal {
        self.position.get().saturating_sub(self.all_sell_leaves())
    }

    /// What buys can still fill, ours and those of others.
    pub(crate) fn all_buy_leaves(&self) -> Decimal {
        self.buy_leaves.saturating_add(self.foreign_buy_leaves)
    }

    /// What sells can still fill, ours and those of others.
    pub(crate) fn all_sell_leaves(&self) -> Decimal {
        self.sell_leaves.saturating_add(self.foreign_sell_leaves)
    }

    /// The same without one live order (while its change is judged).
    #[must_use]
    pub(crate) fn without(mut self, order: &Order, leaves: Decimal) -> Self {
        self.release(order, leaves);
        self
    }

    pub(crate) fn reserve(&mut self, order: &Order, leaves: Decimal) {
        match order.spec.side {
            Side::Buy => {
                self.buy_leaves = self.buy_leaves.saturating_add(leaves);
                self.buys = self.buys.saturating_add(1);
            }
            Side::Sell => {
                self.sell_leaves = self.sell_leaves.saturating_add(leaves);
                self.sells = self.sells.saturating_add(1);
            }
        }
    }

    pub(crate) fn release(&mut self, order: &Order, leaves: Decimal) {
        match order.spec.side {
            Side::Buy => {
                self.buy_leaves = self.buy_leaves.saturating_sub(leaves);
                self.buys = self.buys.saturating_sub(1);
            }
            Side::Sell => {
                self.sell_leaves = self.sell_leaves.saturating_sub(leaves);
                self.sells = self.sells.saturating_sub(1);
            }
        }
    }

    pub(crate) fn reserve_foreign(&mut self, order: &ForeignOrder) {
        let leaves = order.leaves_qty.get();
        match order.side {
            Side::Buy => {
                self.foreign_buy_leaves = self.foreign_buy_leaves.saturating_add(leaves);
                self.foreign_buys = self.foreign_buys.saturating_add(1);
            }
            Side::Sell => {
                self.foreign_sell_leaves = self.foreign_sell_leaves.saturating_add(leaves);
                self.foreign_sells = self.foreign_sells.saturating_add(1);
            }
        }
    }

    pub(crate) fn release_foreign(&mut self, order: &ForeignOrder) {
        let leaves = order.leaves_qty.get();
        match order.side {
            Side::Buy => {
                self.foreign_buy_leaves = self.foreign_buy_leaves.saturating_sub(leaves);
                self.foreign_buys = self.foreign_buys.saturating_sub(1);
            }
            Side::Sell => {
                self.foreign_sell_leaves = self.foreign_sell_leaves.saturating_sub(leaves);
                self.foreign_sells = self.foreign_sells.saturating_sub(1);
            }
        }
    }

    /// Whether anything could be gained or lost: a position, or a live order.
    pub(crate) fn is_at_stake(&self) -> bool {
        !(self.position.is_zero()
            && self.buy_leaves.is_zero()
            && self.sell_leaves.is_zero()
            && self.foreign_buys == 0
            && self.foreign_sells == 0)
    }

    pub(crate) fn is_shown(&self) -> bool {
        !self.position.is_zero() || self.broken.is_some()
    }
}
