//! Corrections and busts: an execution that is said again with other values (tws-behaviour 3.2).
//!
//! A correction replaces the execution: same id but for the last group, which counts up. Money and position
//! become what they would be had the execution been right from the start. The order stays as it was reported:
//! a bust does not send it back to work.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Venue;
use super::account::{Account, Position, Trade};
use super::instrument::Instrument;
use super::io::{Execution, VenueOutput};

/// Highest value of the last group of an execution id, which has two digits.
const REVISION_MAX: u32 = 99;

impl Venue {
    /// Corrects the execution with this id, whatever revision of it is named; a quantity of zero busts it and
    /// gives its commission back. Nothing happens for an execution that is not remembered.
    pub(super) fn correct(
        &mut self,
        exec_id: &str,
        (price, quantity): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) {
        let (base, _) = revision_of(exec_id);
        let Some(place) = self.archive.find_execution(|it| revision_of(&it.exec_id).0 == base) else {
            return;
        };
        let Some(old) = self.archive.executions().nth(place).map(Arc::clone) else { return };
        let (_, revision) = revision_of(&old.exec_id);
        if revision >= REVISION_MAX || quantity < Decimal::ZERO {
            return;
        }
        let Some(instrument) = self.market(old.con_id).map(|market| Arc::clone(&market.instrument)) else {
            return;
        };
        let mut new = corrected(&old, (price, quantity));
        new.exec_id = format!("{base}.{:02}", revision + 1);
        if instrument.is_combination() {
            // Its legs are what was booked, and have corrections of their own.
            let new = Arc::new(new);
            self.archive.replace_execution(place, Arc::clone(&new));
            out.push(VenueOutput::Execution(new));
            return;
        }
        let (before, _) = self.replay(&instrument, &old, &old);
        let (after, realized) = self.replay(&instrument, &old, &new);
        new.realized_pnl = realized;
        let Some(account) = self.accounts.get_mut(&old.account) else { return };
        account.shift(&instrument, &before, &after);
        let new = Arc::new(new);
        self.archive.replace_execution(place, Arc::clone(&new));
        out.push(VenueOutput::Execution(Arc::clone(&new)));
        out.push(VenueOutput::Position { account: Arc::clone(&new.account), con_id: new.con_id });
        out.push(VenueOutput::Commission(new));
    }

    /// What the remembered executions of one account in one instrument come to with `new` in place of `old`,
    /// and what `new` realises.
    fn replay(
        &self,
        instrument: &Instrument,
        old: &Execution,
        new: &Execution,
    ) -> (Account, Option<Decimal>) {
        let mut account = Account::empty();
        let mut realized = None;
        for execution in self.archive.executions() {
            if execution.account != old.account || execution.con_id != old.con_id {
                continue;
            }
            let is_it = execution.exec_id == old.exec_id;
            let said = if is_it { new } else { execution };
            if said.quantity.is_zero() {
                continue;
            }
            let (side, quantity, price) = (said.side, said.quantity, said.price);
            let trade = Trade { side, quantity, price, commission: said.commission };
            let result = account.book(instrument, trade);
            if is_it {
                realized = result;
            }
        }
        (account, realized)
    }
}

impl Account {
    /// Moves what one instrument did to this account from `before` to `after`. Both leave the same forgotten
    /// executions out, so that the sums are right even when the past is trimmed.
    fn shift(&mut self, instrument: &Instrument, before: &Self, after: &Self) {
        for (sign, reckoned) in [(Decimal::NEGATIVE_ONE, before), (Decimal::ONE, after)] {
            for (currency, amount) in &reckoned.cash {
                *self.cash.entry(currency.clone()).or_default() += sign * *amount;
            }
        }
        let of = |account: &Self| account.positions.get(&instrument.con_id).copied().unwrap_or_default();
        let (was, is) = (of(before), of(after));
        let held = self.positions.entry(instrument.con_id).or_default();
        *held = Position {
            quantity: held.quantity + is.quantity - was.quantity,
            cost: held.cost + is.cost - was.cost,
            fees: held.fees + is.fees - was.fees,
            realized: held.realized + is.realized - was.realized,
        };
    }
}

/// The execution with its new values; cumulative ones follow.
fn corrected(old: &Execution, (price, quantity): (Decimal, Decimal)) -> Execution {
    let cum_quantity = old.cum_quantity - old.quantity + quantity;
    let traded = old.avg_price * old.cum_quantity - old.price * old.quantity + price * quantity;
    Execution {
        price,
        quantity,
        cum_quantity,
        avg_price: if cum_quantity.is_zero() { Decimal::ZERO } else { traded / cum_quantity },
        commission: if quantity.is_zero() { Decimal::ZERO } else { old.commission },
        ..old.clone()
    }
}

/// All groups but the last, and the last one.
fn revision_of(exec_id: &str) -> (&str, u32) {
    match exec_id.rsplit_once('.') {
        Some((base, revision)) => (base, revision.parse().unwrap_or(0)),
        None => (exec_id, 0),
    }
}
