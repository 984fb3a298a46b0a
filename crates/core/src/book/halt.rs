//! What stops trading or may hide something: halts by scope, gaps, and orders of others.

use alphec_model::{
    AccountId, CancelScope, ForeignOrder, InstrumentId, Order, StrategyId, UtcNanos, planted, record::Record,
};

use super::Book;

/// Trading halted in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why, and by whom.
    pub why: String,
    /// Since when.
    pub since: UtcNanos,
    /// By the kill switch.
    pub is_kill: bool,
    /// Complete lists have shown that nothing of it works any more.
    pub is_verified: bool,
}

/// Messages may be missing since then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Which: 1, 2, 3, … for the life of the journal.
    pub epoch: u64,
    /// Since when.
    pub since: UtcNanos,
    /// Why.
    pub why: String,
}

impl Book {
    /// A deliberate act, on books that were read since. One for everything says that somebody has looked at what lives
    /// twice.
    pub(super) fn resume(&mut self, scope: &CancelScope) {
        self.halts.remove(scope);
        if scope.is_all() {
            self.second_lives.values_mut().for_each(|is_settled| *is_settled = true);
        }
    }

    /// Why trading as a whole is halted, if it is.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halts.get(&CancelScope::All).map(|halt| halt.why.as_str())
    }

    /// Every halt in force, by its scope.
    pub fn halts(&self) -> impl Iterator<Item = (&CancelScope, &Halt)> {
        self.halts.iter()
    }

    /// The halt in force in exactly this scope.
    #[must_use]
    pub fn halt_of(&self, scope: &CancelScope) -> Option<&Halt> {
        self.halts.get(scope)
    }

    /// Why this account, strategy or instrument may not trade, if a halt reaches it.
    pub(crate) fn halt_on(
        &self,
        account: &AccountId,
        strategy_id: &StrategyId,
        instrument: &InstrumentId,
    ) -> Option<String> {
        let (scope, halt) =
            self.halts.iter().find(|(scope, _)| scope.reaches(account, strategy_id, instrument))?;
        if !scope.is_all() && planted::is("only-a-halt-of-everything-stops-orders") {
            return None;
        }
        Some(if scope.is_all() { halt.why.clone() } else { format!("{scope}: {}", halt.why) })
    }

    /// Live orders that a scope reaches.
    pub(crate) fn live_in<'a>(&'a self, scope: &'a CancelScope) -> impl Iterator<Item = &'a Order> {
        self.live_orders()
            .filter(|order| scope.reaches(&order.account, &order.strategy_id, &order.instrument))
    }

    /// The gap that is open, if one is: what is known of orders may be old.
    #[must_use]
    pub const fn gap(&self) -> Option<&Gap> {
        self.gap.as_ref()
    }

    /// Which gap the next one will be: 1, 2, 3, … for the life of the journal.
    #[must_use]
    pub const fn next_gap(&self) -> u64 {
        self.gaps.saturating_add(1)
    }

    /// Open orders of others in our accounts, those too that the last lists left out for the first time.
    pub fn foreign_orders(&self) -> impl Iterator<Item = &ForeignOrder> {
        self.foreign.values()
    }

    pub(crate) fn foreign(&self, key: &str) -> Option<&ForeignOrder> {
        self.foreign.get(key)
    }

    pub(super) fn halt(&mut self, scope: &CancelScope, (why, is_kill): (String, bool), record: &Record) {
        let since = record.header.at;
        // A halt on top of a kill does not make it a lesser one.
        let is_kill = is_kill || self.halts.get(scope).is_some_and(|halt| halt.is_kill);
        self.halts.insert(scope.clone(), Halt { why, since, is_kill, is_verified: false });
    }

    pub(super) fn verify_kill(&mut self, scope: &CancelScope) {
        if let Some(halt) = self.halts.get_mut(scope) {
            halt.is_verified = true;
        }
    }

    pub(super) fn open_gap(&mut self, epoch: u64, why: &str, since: UtcNanos) -> Result<(), String> {
        if epoch != self.next_gap() || self.gap.is_some() {
            return Err(format!("gap {epoch} does not follow gap {}", self.gaps));
        }
        self.gaps = epoch;
        self.gap = Some(Gap { epoch, since, why: why.to_owned() });
        Ok(())
    }

    pub(super) fn close_gap(&mut self, epoch: u64) -> Result<(), String> {
        match self.gap.take() {
            Some(gap) if gap.epoch == epoch => Ok(()),
            _ => Err(format!("gap {epoch} is not open")),
        }
    }

    pub(super) fn see_foreign(&mut self, order: &ForeignOrder) {
        self.lose_foreign(&order.key);
        if !planted::is("orders-of-others-are-not-counted") {
            super::apply::exposure_mut(&mut self.exposures, &order.account, &order.instrument)
                .reserve_foreign(order);
        }
        self.foreign.insert(order.key.clone(), order.clone());
    }

    pub(super) fn lose_foreign(&mut self, key: &str) {
        if let Some(order) = self.foreign.remove(key) {
            super::apply::exposure_mut(&mut self.exposures, &order.account, &order.instrument)
                .release_foreign(&order);
        }
    }
}
