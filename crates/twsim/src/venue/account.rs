//! Money and positions of one account. Cash moves on fills and on nothing else.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::instrument::{Instrument, SecType};
use super::types::{ConId, Side};

/// An account to open at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountConfig {
    /// Account id; paper ids start with `D`.
    pub id: String,
    /// Opening balances by currency; the first one is the base currency.
    pub cash: Vec<(String, Decimal)>,
}

impl AccountConfig {
    /// An account in US dollars.
    pub fn usd(id: &str, cash: Decimal) -> Self {
        Self { id: id.to_owned(), cash: vec![("USD".to_owned(), cash)] }
    }
}

/// `ID`, `ID=AMOUNT` in US dollars, or `ID=EUR:AMOUNT+USD:AMOUNT…` of which the first is the base currency; without an
/// amount, one million.
impl FromStr for AccountConfig {
    type Err = AccountTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || AccountTextError { text: text.to_owned() };
        let (id, cash) = match text.trim().split_once('=') {
            Some((id, amounts)) => {
                (id, amounts.split('+').map(balance).collect::<Option<_>>().ok_or_else(bad)?)
            }
            None => (text.trim(), vec![("USD".to_owned(), Decimal::from(1_000_000))]),
        };
        let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if plain { Ok(Self { id: id.to_owned(), cash }) } else { Err(bad()) }
    }
}

/// `AMOUNT` in US dollars, or `EUR:AMOUNT`.
fn balance(text: &str) -> Option<(String, Decimal)> {
    let (currency, amount) = text.split_once(':').unwrap_or(("USD", text));
    let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    let amount: Decimal = amount.parse().ok().filter(|amount| *amount >= Decimal::ZERO)?;
    is_currency.then(|| (currency.to_owned(), amount))
}

/// A text that names no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("account {text:?} is not of the form DU1234567, DU1234567=250000 or DU1234567=EUR:250000+USD:1000")]
pub struct AccountTextError {
    /// What was written.
    pub text: String,
}

/// Holding of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Signed quantity.
    pub quantity: Decimal,
    /// Signed cost of what is held: quantity × price × multiplier.
    pub cost: Decimal,
    /// Commissions of what is held.
    pub fees: Decimal,
    /// Realised so far, after commissions.
    pub realized: Decimal,
}

impl Position {
    /// Cost per unit with multiplier and commission, as the broker reports it.
    pub fn avg_cost(&self) -> Decimal {
        if self.quantity.is_zero() { Decimal::ZERO } else { (self.cost + self.fees) / self.quantity }
    }
}

/// The money effect of one fill.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trade {
    pub(crate) side: Side,
    pub(crate) quantity: Decimal,
    pub(crate) price: Decimal,
    pub(crate) commission: Decimal,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Account id.
    pub id: Arc<str>,
    /// Currency the totals are in.
    pub base_currency: Arc<str>,
    /// Balances by currency.
    pub cash: BTreeMap<String, Decimal>,
    /// Holdings, flat ones included once traded.
    pub positions: BTreeMap<ConId, Position>,
}

impl Account {
    pub(crate) fn open(config: &AccountConfig) -> Self {
        let base = config.cash.first().map_or("USD", |(currency, _)| currency.as_str());
        let mut cash = BTreeMap::new();
        for (currency, amount) in &config.cash {
            *cash.entry(currency.clone()).or_default() += *amount;
        }
        cash.entry(base.to_owned()).or_default();
        Self { id: config.id.as_str().into(), base_currency: base.into(), cash, positions: BTreeMap::new() }
    }

    /// Nothing in it, for reckoning on the side.
    pub(crate) fn empty() -> Self {
        Self { id: "".into(), base_currency: "".into(), cash: BTreeMap::new(), positions: BTreeMap::new() }
    }

    /// Signed quantity held.
    pub fn held(&self, con_id: ConId) -> Decimal {
        self.positions.get(&con_id).map_or(Decimal::ZERO, |position| position.quantity)
    }

    /// Books a fill; returns what it realised, `None` when it only opened or added.
    pub(crate) fn book(&mut self, instrument: &Instrument, trade: Trade) -> Option<Decimal> {
        let signed = trade.side.signed(trade.quantity);
        let unit_value = trade.price * instrument.point_value();
        let position = self.positions.entry(instrument.con_id).or_default();

        let opposite = position.quantity * signed < Decimal::ZERO;
        let closed = if opposite { trade.quantity.min(position.quantity.abs()) } else { Decimal::ZERO };
        let gross = close(position, closed, trade.side.signed(closed) * unit_value);
        let closing_fee =
            if closed.is_zero() { Decimal::ZERO } else { trade.commission * closed / trade.quantity };
        let opened = signed - trade.side.signed(closed);
        position.quantity += opened;
        position.cost += opened * unit_value;
        position.fees += trade.commission - closing_fee;

        let realized = (!closed.is_zero()).then(|| gross.profit - gross.fees - closing_fee);
        position.realized += realized.unwrap_or_default();

        match instrument.sec_type {
            SecType::Stock | SecType::Option => self.pay(&instrument.currency, -signed * unit_value),
            SecType::Future => self.pay(&instrument.currency, gross.profit),
            SecType::Forex => {
                self.pay(&instrument.currency, -signed * unit_value);
                self.pay(&instrument.symbol, signed);
            }
            // Booked by its legs.
            SecType::Bag => {}
        }
        self.pay(&instrument.currency, -trade.commission);
        realized
    }

    fn pay(&mut self, currency: &str, amount: Decimal) {
        match self.cash.get_mut(currency) {
            Some(balance) => *balance += amount,
            None => {
                self.cash.insert(currency.to_owned(), amount);
            }
        }
    }
}

struct Closed {
    profit: Decimal,
    fees: Decimal,
}

/// Takes `closed` units out of the position; `traded_value` is the signed value they were traded at. When the
/// position becomes flat the whole cost leaves with it, so that no rounding residue stays behind.
fn close(position: &mut Position, closed: Decimal, traded_value: Decimal) -> Closed {
    if closed.is_zero() {
        return Closed { profit: Decimal::ZERO, fees: Decimal::ZERO };
    }
    let held = position.quantity.abs();
    let (cost, fees) = if closed == held {
        (position.cost, position.fees)
    } else {
        (position.cost * closed / held, position.fees * closed / held)
    };
    let direction = if position.quantity.is_sign_negative() { closed } else { -closed };
    position.quantity += direction;
    position.cost -= cost;
    position.fees -= fees;
    Closed { profit: -traded_value - cost, fees }
}
