//! Checks on terms and money, and the totals of an account.

use rust_decimal::Decimal;

use super::Venue;
use super::account::Account;
use super::instrument::{Instrument, SecType};
use super::kind::{OrderKind, TrailBy};
use super::refusal::Refusal;
use super::types::{ConId, OrderSpec, TimeInForce, UtcNs};

/// Largest order size: far beyond any market, and far from where exact decimals would overflow.
const QUANTITY_MAX: u64 = 1_000_000_000_000;

/// Totals of an account in its base currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountTotals {
    /// Cash plus the value of what is held.
    pub net_liquidation: Decimal,
    /// Cash of all currencies.
    pub total_cash: Decimal,
    /// Absolute value of stocks and options held.
    pub gross_position_value: Decimal,
    /// Margin the positions need.
    pub initial_margin: Decimal,
    /// Net liquidation less margin.
    pub available_funds: Decimal,
    /// Four times the available funds.
    pub buying_power: Decimal,
    /// Profit of what is held.
    pub unrealized_pnl: Decimal,
    /// Profit of what was closed.
    pub realized_pnl: Decimal,
}

impl Venue {
    /// Totals of one account; `None` for an account that does not exist.
    pub fn totals(&self, account: &str) -> Option<AccountTotals> {
        self.accounts.get(account).map(|account| self.totals_of(account))
    }

    /// Units of base currency for one unit of `currency`. A currency without a listed pair counts as one.
    pub fn exchange_rate(&self, currency: &str, base: &str) -> Decimal {
        if currency == base {
            return Decimal::ONE;
        }
        self.markets
            .iter()
            .filter(|market| market.instrument.sec_type == SecType::Forex)
            .find_map(|market| {
                let mid = market.quote.mid().filter(|mid| !mid.is_zero())?;
                let (of, quote) = (market.instrument.symbol.as_str(), market.instrument.currency.as_str());
                if (of, quote) == (currency, base) {
                    Some(mid)
                } else if (of, quote) == (base, currency) {
                    Some(Decimal::ONE / mid)
                } else {
                    None
                }
            })
            .unwrap_or(Decimal::ONE)
    }

    /// Everything about an order that can be judged without knowing the rest of the world.
    pub(super) fn check_terms(&self, spec: &OrderSpec) -> Result<(), Refusal> {
        let market = self.market(spec.con_id).ok_or(Refusal::UnknownContract)?;
        if !self.accounts.contains_key(&spec.account) {
            return Err(Refusal::Invalid(format!("Invalid account code '{}'", spec.account)));
        }
        if spec.quantity <= Decimal::ZERO {
            return Err(Refusal::ZeroSize);
        }
        if spec.quantity > Decimal::from(QUANTITY_MAX) {
            return Err(Refusal::Rejected(format!("The size exceeds {QUANTITY_MAX}")));
        }
        let instrument = &market.instrument;
        check_trail(spec.kind, instrument)?;
        let stop = spec.kind.stop().or_else(|| market.trail_stop(spec.side, spec.kind.trail()?));
        if stop.is_some_and(|stop| stop <= Decimal::ZERO) && instrument.needs_positive_price() {
            return Err(Refusal::BadStop);
        }
        for price in [spec.kind.limit(), spec.kind.stop()].into_iter().flatten() {
            if instrument.needs_positive_price() && price <= Decimal::ZERO {
                return Err(Refusal::Invalid(format!("Price {price} must be positive")));
            }
            if !instrument.on_grid(price) {
                return Err(Refusal::OffGrid);
            }
        }
        spec.check_tif()?;
        self.check_combination(spec, instrument)?;
        spec.check_extra(instrument)
    }

    /// What the venue itself rejects (201).
    pub(super) fn check_venue(&self, now: UtcNs, spec: &OrderSpec) -> Result<(), Refusal> {
        let Some(market) = self.market(spec.con_id) else { return Err(Refusal::UnknownContract) };
        if let Some(reason) = &market.instrument.reject_reason {
            return Err(Refusal::Rejected(reason.clone()));
        }
        if matches!(spec.tif, TimeInForce::Gtd(at) if at <= now) {
            return Err(Refusal::Rejected("The good-till date has passed".to_owned()));
        }
        self.check_auction(now, spec)?;
        self.check_group(spec)?;
        if self.live.len() >= self.config.working_max {
            let most = self.config.working_max;
            return Err(Refusal::Rejected(format!("The number of working orders has reached {most}")));
        }
        self.check_certain_loss(spec)?;
        if let Some(limit) = self.config.working_per_side {
            let working = self
                .live
                .values()
                .filter(|other| {
                    other.spec.con_id == spec.con_id
                        && other.spec.side == spec.side
                        && other.spec.account == spec.account
                })
                .count();
            if working >= limit {
                return Err(Refusal::Rejected(format!(
                    "The number of working orders on this side has reached {limit}"
                )));
            }
        }
        self.check_funds(spec, spec.quantity)
    }

    /// Only what adds exposure needs money; an order that reduces a position always passes.
    pub(super) fn check_funds(&self, spec: &OrderSpec, quantity: Decimal) -> Result<(), Refusal> {
        let Some(account) = self.accounts.get(&spec.account) else { return Err(Refusal::UnknownContract) };
        let needed = self.margin_change(spec, quantity);
        if needed.is_some_and(|needed| needed <= Decimal::ZERO) {
            return Ok(());
        }
        let available = self.totals_of(account).available_funds;
        match needed {
            Some(needed) if needed <= available => Ok(()),
            Some(needed) => Err(Refusal::margin(needed, available)),
            None => Err(Refusal::margin(Decimal::MAX, available)),
        }
    }

    /// What filling `quantity` of an order would add to its account's margin, in the account's currency; negative
    /// for what it would free. `None` for what no decimal can hold.
    pub(super) fn margin_change(&self, spec: &OrderSpec, quantity: Decimal) -> Option<Decimal> {
        let market = self.market(spec.con_id)?;
        if market.instrument.is_combination() {
            return self.legs_margin(spec, quantity);
        }
        let worst = market.worst_price(spec);
        self.margin_of((&spec.account, spec.con_id), spec.side.signed(quantity), Some(worst))
    }

    /// The same for a signed quantity of one instrument, bought or sold for `price` at worst.
    pub(super) fn margin_of(
        &self,
        (account, con_id): (&str, ConId),
        signed: Decimal,
        price: Option<Decimal>,
    ) -> Option<Decimal> {
        let (market, account) = (self.market(con_id)?, self.accounts.get(account)?);
        let held = account.held(con_id);
        let added = (held + signed).abs() - held.abs();
        // What is held is worth the middle of the market.
        let price = price.filter(|_| added > Decimal::ZERO).unwrap_or_else(|| market.mark());
        let rate = self.exchange_rate(&market.instrument.currency, &account.base_currency);
        let notional = added.checked_mul(price.abs())?.checked_mul(market.instrument.multiplier)?;
        notional.checked_mul(market.instrument.margin_rate * rate)
    }

    pub(super) fn totals_of(&self, account: &Account) -> AccountTotals {
        let base = &account.base_currency;
        let mut totals = AccountTotals::default();
        for (currency, amount) in &account.cash {
            totals.total_cash += *amount * self.exchange_rate(currency, base);
        }
        totals.net_liquidation = totals.total_cash;
        for (con_id, position) in &account.positions {
            let Some(market) = self.market(*con_id) else { continue };
            let rate = self.exchange_rate(&market.instrument.currency, base);
            totals.realized_pnl += position.realized * rate;
            if position.quantity.is_zero() {
                continue;
            }
            let mark = market.mark();
            let value = position.quantity * mark * market.instrument.multiplier * rate;
            let profit = value - position.cost * rate;
            // Commissions left the cash when they were paid; they only belong into the profit.
            totals.unrealized_pnl += profit - position.fees * rate;
            totals.initial_margin += value.abs() * market.instrument.margin_rate;
            match market.instrument.sec_type {
                SecType::Stock | SecType::Option => {
                    totals.net_liquidation += value;
                    totals.gross_position_value += value.abs();
                }
                SecType::Future => totals.net_liquidation += profit,
                // The pair's value is in the two cash balances already.
                SecType::Forex | SecType::Bag => {}
            }
        }
        totals.available_funds = (totals.net_liquidation - totals.initial_margin).max(Decimal::ZERO);
        totals.buying_power = totals.available_funds * Decimal::from(4);
        totals
    }
}

/// What a trailing stop keeps to, apart from its stop.
fn check_trail(kind: OrderKind, instrument: &Instrument) -> Result<(), Refusal> {
    let positive = |value: Decimal, what: &str| match value > Decimal::ZERO {
        true => Ok(()),
        false => Err(Refusal::Invalid(format!("{what} must be positive"))),
    };
    match kind.trail() {
        Some(TrailBy::Amount(amount)) => {
            positive(amount, "The trailing amount")?;
            if !instrument.on_grid(amount) {
                return Err(Refusal::OffGrid);
            }
        }
        Some(TrailBy::Percent(percent)) => {
            positive(percent, "The trailing percent")?;
            if percent >= Decimal::ONE_HUNDRED {
                return Err(Refusal::Invalid("The trailing percent must be below 100".to_owned()));
            }
        }
        None => {}
    }
    match kind {
        OrderKind::TrailLimit { offset, .. } if !instrument.on_grid(offset) => Err(Refusal::OffGrid),
        _ => Ok(()),
    }
}
