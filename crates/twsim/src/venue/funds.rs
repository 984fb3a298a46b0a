//! Checks on terms and money, and the totals of an account.

use rust_decimal::Decimal;

use super::Venue;
use super::account::Account;
use super::instrument::{Instrument, SecType};
use super::kind::{OrderKind, TrailBy};
use super::margin::Margin;
use super::market::Market;
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
    /// Net liquidation less what options are worth: nobody lends on those.
    pub equity_with_loan: Decimal,
    /// Margin that opening the positions would need.
    pub initial_margin: Decimal,
    /// Margin that keeping the positions needs.
    pub maintenance_margin: Decimal,
    /// Half of the value of stocks, which US rules ask for at the end of the day.
    pub reg_t_margin: Decimal,
    /// Equity with loan value less initial margin.
    pub available_funds: Decimal,
    /// Equity with loan value less maintenance margin; below zero the broker would liquidate.
    pub excess_liquidity: Decimal,
    /// Four times the available funds.
    pub buying_power: Decimal,
    /// Profit of what is held.
    pub unrealized_pnl: Decimal,
    /// Profit of what was closed.
    pub realized_pnl: Decimal,
}

/// What an order would do to its account, in the account's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Effect {
    /// Added margin; negative for what would be freed.
    pub(super) margin: Margin,
    /// Added equity with loan value: what options cost leaves it.
    pub(super) equity: Decimal,
}

impl Effect {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let margin = Margin {
            initial: self.margin.initial.checked_add(other.margin.initial)?,
            maintenance: self.margin.maintenance.checked_add(other.margin.maintenance)?,
        };
        Some(Self { margin, equity: self.equity.checked_add(other.equity)? })
    }

    /// What the order needs of the available funds.
    fn needed(self) -> Decimal {
        self.margin.initial - self.equity
    }
}

impl Venue {
    /// Totals of one account; `None` for an account that does not exist, and where no listed pair tells what one of its
    /// currencies is worth.
    pub fn totals(&self, account: &str) -> Option<AccountTotals> {
        self.accounts.get(account).and_then(|account| self.totals_of(account))
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
        if !instrument.is_combination() {
            instrument.check_size(spec.quantity)?;
        }
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
        let (Some(market), Some(account)) = (self.market(spec.con_id), self.accounts.get(&spec.account))
        else {
            return Err(Refusal::UnknownContract);
        };
        let (currency, base) = (&market.instrument.currency, &account.base_currency);
        if self.exchange_rate(currency, base).is_none() {
            return Err(Refusal::no_rate(currency, base));
        }
        let needed = self.effect(spec, quantity).map(Effect::needed);
        if needed.is_some_and(|needed| needed <= Decimal::ZERO) {
            return Ok(());
        }
        let Some(totals) = self.totals_of(account) else { return Err(Refusal::no_rate(currency, base)) };
        match needed {
            Some(needed) if needed <= totals.available_funds => Ok(()),
            Some(needed) => Err(Refusal::margin(needed, totals.available_funds)),
            None => Err(Refusal::margin(Decimal::MAX, totals.available_funds)),
        }
    }

    /// What filling `quantity` of an order would do to its account. `None` for what no decimal can hold.
    pub(super) fn effect(&self, spec: &OrderSpec, quantity: Decimal) -> Option<Effect> {
        let market = self.market(spec.con_id)?;
        if market.instrument.is_combination() {
            return self.legs_effect(spec, quantity);
        }
        let worst = market.worst_price(spec);
        self.effect_of((&spec.account, spec.con_id), spec.side.signed(quantity), Some(worst))
    }

    /// The same for a signed quantity of one instrument, bought or sold for `price` at worst.
    pub(super) fn effect_of(
        &self,
        (account, con_id): (&str, ConId),
        signed: Decimal,
        price: Option<Decimal>,
    ) -> Option<Effect> {
        let (market, account) = (self.market(con_id)?, self.accounts.get(account)?);
        let instrument = &market.instrument;
        let (held, after) = (account.held(con_id), account.held(con_id) + signed);
        let rate = self.exchange_rate(&instrument.currency, &account.base_currency)?;
        let underlying = self.underlying_price(instrument);
        // What is held is worth the middle of the market.
        let mark = market.mark();
        let worst = price.unwrap_or(mark);
        let margin = |quantity, price| instrument.margin.of(instrument, quantity, (price, underlying));
        let (freed, added) = if held * after < Decimal::ZERO {
            (margin(held, mark)?, margin(after, worst)?)
        } else if after.abs() > held.abs() {
            (Margin::default(), margin(signed, worst)?)
        } else {
            // As much less, on the side that is held.
            (margin(-signed, mark)?, Margin::default())
        };
        let change = |added: Decimal, freed: Decimal| added.checked_sub(freed)?.checked_mul(rate);
        let equity = match instrument.sec_type {
            SecType::Option => {
                let paid = signed.checked_mul(worst)?.checked_mul(instrument.point_value())?;
                -paid.checked_mul(rate)?
            }
            SecType::Stock | SecType::Future | SecType::Forex | SecType::Bag => Decimal::ZERO,
        };
        let margin = Margin {
            initial: change(added.initial, freed.initial)?,
            maintenance: change(added.maintenance, freed.maintenance)?,
        };
        Some(Effect { margin, equity })
    }

    /// The price of the stock that an option is on, if it is listed.
    fn underlying_price(&self, instrument: &Instrument) -> Option<Decimal> {
        let is_it = |other: &&Market| {
            let other = &other.instrument;
            other.sec_type == SecType::Stock
                && other.symbol == instrument.symbol
                && other.currency == instrument.currency
        };
        if instrument.sec_type != SecType::Option {
            return None;
        }
        self.markets.iter().find(is_it).map(Market::mark)
    }

    pub(super) fn totals_of(&self, account: &Account) -> Option<AccountTotals> {
        let base = &account.base_currency;
        let mut totals = AccountTotals::default();
        for (currency, amount) in &account.cash {
            totals.total_cash += *amount * self.exchange_rate(currency, base)?;
        }
        totals.net_liquidation = totals.total_cash;
        let mut options = Decimal::ZERO;
        for (con_id, position) in &account.positions {
            let Some(market) = self.market(*con_id) else { continue };
            let instrument = &market.instrument;
            let rate = self.exchange_rate(&instrument.currency, base)?;
            totals.realized_pnl += position.realized * rate;
            if position.quantity.is_zero() {
                continue;
            }
            let mark = market.mark();
            let value = position.quantity * mark * instrument.point_value() * rate;
            let profit = value - position.cost * rate;
            // Commissions left the cash when they were paid; they only belong into the profit.
            totals.unrealized_pnl += profit - position.fees * rate;
            let prices = (mark, self.underlying_price(instrument));
            let margin = instrument.margin.of(instrument, position.quantity, prices)?;
            totals.initial_margin += margin.initial * rate;
            totals.maintenance_margin += margin.maintenance * rate;
            match instrument.sec_type {
                SecType::Stock => {
                    totals.net_liquidation += value;
                    totals.gross_position_value += value.abs();
                    totals.reg_t_margin += value.abs() / Decimal::TWO;
                }
                SecType::Option => {
                    options += value;
                    totals.net_liquidation += value;
                    totals.gross_position_value += value.abs();
                }
                SecType::Future => totals.net_liquidation += profit,
                // The pair's value is in the two cash balances already.
                SecType::Forex | SecType::Bag => {}
            }
        }
        totals.equity_with_loan = totals.net_liquidation - options;
        totals.available_funds = (totals.equity_with_loan - totals.initial_margin).max(Decimal::ZERO);
        totals.excess_liquidity = totals.equity_with_loan - totals.maintenance_margin;
        totals.buying_power = totals.available_funds * Decimal::from(4);
        Some(totals)
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
