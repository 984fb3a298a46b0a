//! What is traded: contract identity, currency, multiplier and tick rule.

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::decimal::{Currency, Price, Qty};
use crate::ids::{ConId, InstrumentId};

/// Why a description is not an instrument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstrumentError {
    /// A tick, lot or multiplier that is zero or negative.
    #[error("instrument {id}: {what} must be above zero, got {value}")]
    NotPositive {
        /// Which instrument.
        id: InstrumentId,
        /// Which number.
        what: &'static str,
        /// As given.
        value: Decimal,
    },
    /// An expiry that is neither `YYYYMM` nor `YYYYMMDD`.
    #[error("instrument {id}: expiry `{text}` is neither YYYYMM nor YYYYMMDD")]
    BadExpiry {
        /// Which instrument.
        id: InstrumentId,
        /// As given.
        text: String,
    },
    /// A tick ladder that does not start at zero and rise.
    #[error("instrument {id}: tick ladder must start at 0 and rise step by step")]
    BadLadder {
        /// Which instrument.
        id: InstrumentId,
    },
}

/// Call or put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionRight {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

/// The kind of contract and what only that kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum InstrumentKind {
    /// A share or fund.
    Stock {
        /// The listing exchange; tells apart equal symbols behind `SMART`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        primary_exchange: Option<SmolStr>,
    },
    /// A dated future.
    Future {
        /// `YYYYMM` or `YYYYMMDD`.
        expiry: SmolStr,
    },
    /// A listed option.
    Option {
        /// `YYYYMMDD`.
        expiry: SmolStr,
        /// Strike in the quote unit.
        strike: Price,
        /// Call or put.
        right: OptionRight,
    },
    /// A currency pair; the symbol is the base, the currency the quote.
    #[serde(deserialize_with = "crate::bare::read")]
    Forex,
}

impl InstrumentKind {
    /// Whether an order price may be zero or negative (futures and spreads trade there; shares do not).
    #[must_use]
    pub const fn allows_negative_price(&self) -> bool {
        matches!(self, Self::Future { .. })
    }

    fn expiry(&self) -> Option<&SmolStr> {
        match self {
            Self::Future { expiry } | Self::Option { expiry, .. } => Some(expiry),
            Self::Stock { .. } | Self::Forex => None,
        }
    }
}

impl fmt::Display for InstrumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stock { .. } => "stock",
            Self::Future { .. } => "future",
            Self::Option { .. } => "option",
            Self::Forex => "forex",
        })
    }
}

/// Price increments by price level, lowest first: `(from this price, step)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TickRule(Vec<(Price, Price)>);

impl TickRule {
    /// One increment at every price.
    #[must_use]
    pub fn fixed(increment: Price) -> Self {
        Self(vec![(Price::ZERO, increment)])
    }

    /// A ladder of `(low edge, increment)`; checked by [`Instrument::new`].
    #[must_use]
    pub const fn ladder(steps: Vec<(Price, Price)>) -> Self {
        Self(steps)
    }

    /// Whether every price on this rule's increments is one on the other's too.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let edges = self.0.iter().chain(&other.0).map(|(low_edge, _)| *low_edge);
        let is_whole =
            |one: Price, other: Price| one.get().checked_rem(other.get()).is_some_and(|rest| rest.is_zero());
        edges.into_iter().all(|edge| match (self.increment_at(edge), other.increment_at(edge)) {
            (Some(ours), Some(theirs)) => is_whole(ours, theirs),
            _ => true,
        })
    }

    /// The increment that applies at `price`; the size of the price decides for negative ones.
    #[must_use]
    pub fn increment_at(&self, price: Price) -> Option<Price> {
        let level = price.get().abs();
        self.0.iter().rev().find(|(low_edge, _)| low_edge.get() <= level).map(|(_, increment)| *increment)
    }

    /// Whether the broker would take this price (else: error 110).
    #[must_use]
    pub fn admits(&self, price: Price) -> bool {
        self.increment_at(price)
            .and_then(|increment| price.get().checked_rem(increment.get()))
            .is_some_and(|remainder| remainder.is_zero())
    }

    fn is_sound(&self) -> bool {
        let starts_at_zero = self.0.first().is_some_and(|(low_edge, _)| low_edge.is_zero());
        let rises = self.0.iter().zip(self.0.iter().skip(1)).all(|(low, high)| low.0 < high.0);
        starts_at_zero && rises && self.0.iter().all(|(_, increment)| increment.get() > Decimal::ZERO)
    }
}

/// One tradable contract under our own name for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    id: InstrumentId,
    symbol: SmolStr,
    contract: InstrumentKind,
    exchange: SmolStr,
    currency: Currency,
    #[serde(with = "crate::decimal::text")]
    multiplier: Decimal,
    tick: TickRule,
    lot: Qty,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    con_id: Option<ConId>,
}

/// Everything an [`Instrument`] is made of, by name; [`Instrument::new`] checks it.
#[derive(Debug, Clone)]
pub struct InstrumentParts {
    /// Our name.
    pub id: InstrumentId,
    /// The broker's symbol (the base currency for forex).
    pub symbol: SmolStr,
    /// The kind of contract.
    pub contract: InstrumentKind,
    /// Where orders are routed, such as `SMART`, `CME`, `IDEALPRO`.
    pub exchange: SmolStr,
    /// The currency that prices are in.
    pub currency: Currency,
    /// Money per price unit and contract; 1 for shares and forex.
    pub multiplier: Decimal,
    /// Valid prices.
    pub tick: TickRule,
    /// Smallest size step.
    pub lot: Qty,
}

impl Instrument {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`InstrumentError`] names the part that cannot be.
    pub fn new(parts: InstrumentParts) -> Result<Self, InstrumentError> {
        let InstrumentParts { id, symbol, contract, exchange, currency, multiplier, tick, lot } = parts;
        for (what, value) in [("multiplier", multiplier), ("lot", lot.get())] {
            if value <= Decimal::ZERO {
                return Err(InstrumentError::NotPositive { id, what, value });
            }
        }
        if !tick.is_sound() {
            return Err(InstrumentError::BadLadder { id });
        }
        if let Some(expiry) = contract.expiry() {
            let sound = matches!(expiry.len(), 6 | 8) && expiry.bytes().all(|byte| byte.is_ascii_digit());
            if !sound {
                return Err(InstrumentError::BadExpiry { id, text: expiry.to_string() });
            }
        }
        Ok(Self { id, symbol, contract, exchange, currency, multiplier, tick, lot, con_id: None })
    }

    /// The same instrument with the broker's contract id, once resolved.
    #[must_use]
    pub fn with_con_id(mut self, con_id: ConId) -> Self {
        self.con_id = Some(con_id);
        self
    }

    /// The same instrument with another tick rule.
    ///
    /// # Errors
    /// [`InstrumentError::BadLadder`].
    pub fn with_tick(mut self, tick: TickRule) -> Result<Self, InstrumentError> {
        if !tick.is_sound() {
            return Err(InstrumentError::BadLadder { id: self.id });
        }
        self.tick = tick;
        Ok(self)
    }

    /// Our name.
    #[must_use]
    pub const fn id(&self) -> &InstrumentId {
        &self.id
    }
    /// The broker's symbol.
    #[must_use]
    pub fn symbol(&self) -> &str {
        &self.symbol
    }
    /// The kind of contract.
    #[must_use]
    pub const fn kind(&self) -> &InstrumentKind {
        &self.contract
    }
    /// Where orders are routed.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }
    /// The currency that prices are in.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }
    /// Money per price unit and contract.
    #[must_use]
    pub const fn multiplier(&self) -> Decimal {
        self.multiplier
    }
    /// Valid prices.
    #[must_use]
    pub const fn tick(&self) -> &TickRule {
        &self.tick
    }
    /// Smallest size step.
    #[must_use]
    pub const fn lot(&self) -> Qty {
        self.lot
    }
    /// The broker's contract id, once resolved.
    #[must_use]
    pub const fn con_id(&self) -> Option<ConId> {
        self.con_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn a_tick_ladder_judges_each_price_by_its_own_level() {
        let rule = TickRule::ladder(vec![(price("0"), price("0.0001")), (price("1"), price("0.01"))]);
        for (text, admitted) in
            [("0.1234", true), ("0.12345", false), ("1.23", true), ("1.234", false), ("-1.23", true)]
        {
            assert_eq!(rule.admits(price(text)), admitted, "{text}");
        }
    }

    #[test]
    fn an_unsound_instrument_is_refused() {
        let parts = || InstrumentParts {
            id: InstrumentId::new("ES").unwrap(),
            symbol: "ES".into(),
            contract: InstrumentKind::Future { expiry: "202612".into() },
            exchange: "CME".into(),
            currency: Currency::USD,
            multiplier: Decimal::from(50),
            tick: TickRule::fixed(price("0.25")),
            lot: "1".parse().unwrap(),
        };
        assert!(Instrument::new(parts()).is_ok());
        assert!(Instrument::new(InstrumentParts { multiplier: Decimal::ZERO, ..parts() }).is_err());
        assert!(Instrument::new(InstrumentParts { tick: TickRule::fixed(Price::ZERO), ..parts() }).is_err());
        assert!(Instrument::new(InstrumentParts { tick: TickRule::ladder(vec![]), ..parts() }).is_err());
        let contract = InstrumentKind::Future { expiry: "Dec26".into() };
        assert!(Instrument::new(InstrumentParts { contract, ..parts() }).is_err());
    }
}
