//! Currencies: what one is worth in another, by the pairs that are listed.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::Venue;
use super::account::{Account, AccountConfig};
use super::instrument::{Instrument, SecType};
use super::market::Market;

/// Pairs of other currencies are crossed through it.
const CROSS: &str = "USD";

/// What an account has and owes in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Cash.
    pub cash: Decimal,
    /// Value of stocks.
    pub stocks: Decimal,
    /// Value of options.
    pub options: Decimal,
    /// Profit of futures that are held.
    pub futures_pnl: Decimal,
    /// Profit of what is held.
    pub unrealized_pnl: Decimal,
    /// Profit of what was closed.
    pub realized_pnl: Decimal,
}

impl Ledger {
    /// All of it together.
    pub fn net_liquidation(&self) -> Decimal {
        self.cash + self.stocks + self.options + self.futures_pnl
    }
}

impl Venue {
    /// Units of `into` for one unit of `currency`: by a listed pair, by its inverse, or across US dollars by two of them.
    /// `None` where no pair says so.
    pub fn exchange_rate(&self, currency: &str, into: &str) -> Option<Decimal> {
        if currency == into {
            return Some(Decimal::ONE);
        }
        let across = || self.pair(currency, CROSS)?.checked_mul(self.pair(CROSS, into)?);
        self.pair(currency, into).or_else(across)
    }

    fn pair(&self, currency: &str, into: &str) -> Option<Decimal> {
        let pairs = self.markets.iter().filter(|market| market.instrument.sec_type == SecType::Forex);
        pairs.into_iter().find_map(|market| {
            let pair = pair_of(&market.instrument);
            if pair == (currency, into) {
                market.rate()
            } else if pair == (into, currency) {
                market.rate().and_then(|rate| Decimal::ONE.checked_div(rate))
            } else {
                None
            }
        })
    }

    /// What an account has in each of its currencies.
    pub fn ledger(&self, account: &Account) -> BTreeMap<String, Ledger> {
        let mut ledger: BTreeMap<String, Ledger> = BTreeMap::new();
        for (currency, amount) in &account.cash {
            ledger.entry(currency.clone()).or_default().cash += *amount;
        }
        for (con_id, position) in &account.positions {
            let Some(market) = self.market(*con_id) else { continue };
            let instrument = &market.instrument;
            let line = ledger.entry(instrument.currency.clone()).or_default();
            let value = position.quantity * Market::mark(market) * instrument.point_value();
            line.realized_pnl += position.realized;
            line.unrealized_pnl += value - position.cost - position.fees;
            match instrument.sec_type {
                SecType::Stock => line.stocks += value,
                SecType::Option => line.options += value,
                SecType::Future => line.futures_pnl += value - position.cost,
                SecType::Forex | SecType::Bag => {}
            }
        }
        ledger
    }
}

/// Why no account value could be told: the first account and currency between which no listed pair stands.
pub fn missing_rate(accounts: &[AccountConfig], instruments: &[Instrument]) -> Option<MissingRate> {
    let pairs: BTreeSet<(&str, &str)> =
        instruments.iter().filter(|it| it.sec_type == SecType::Forex).map(pair_of).collect();
    let direct = |one: &str, other: &str| pairs.contains(&(one, other)) || pairs.contains(&(other, one));
    let is_told = |currency: &str, base: &str| {
        currency == base || direct(currency, base) || (direct(currency, CROSS) && direct(CROSS, base))
    };
    for account in accounts {
        let Some((base, _)) = account.cash.first() else { continue };
        let of_cash = account.cash.iter().map(|(currency, _)| (currency, &account.id));
        let of_prices = instruments.iter().map(|it| (&it.currency, &it.local_symbol));
        let of_pairs = instruments.iter().filter(|it| it.sec_type == SecType::Forex);
        let of_pairs = of_pairs.map(|it| (&it.symbol, &it.local_symbol));
        let missing = of_cash.chain(of_prices).chain(of_pairs).find(|(currency, _)| !is_told(currency, base));
        if let Some((currency, of)) = missing {
            return Some(MissingRate {
                currency: currency.clone(),
                of: of.clone(),
                base: base.clone(),
                account: account.id.clone(),
            });
        }
    }
    None
}

/// A currency that no listed pair turns into an account's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{of} is in {currency}, and nothing that is listed says what {currency} is in {base}, the currency of account {account}; \
    list {currency}.{base} or {base}.{currency}, or a pair of each with {CROSS}"
)]
pub struct MissingRate {
    /// The currency.
    pub currency: String,
    /// The instrument or account that has it.
    pub of: String,
    /// The account's base currency.
    pub base: String,
    /// The account.
    pub account: String,
}

fn pair_of(instrument: &Instrument) -> (&str, &str) {
    (&instrument.symbol, &instrument.currency)
}
