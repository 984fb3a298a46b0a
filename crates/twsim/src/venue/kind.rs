//! Order types, with the prices each of them needs.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How far a trailing stop stays behind the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrailBy {
    /// A price distance.
    Amount(Decimal),
    /// A share of the touch, in percent.
    Percent(Decimal),
}

impl TrailBy {
    /// The distance when the touch is at `touch`.
    pub fn distance(self, touch: Decimal) -> Decimal {
        match self {
            Self::Amount(amount) => amount,
            Self::Percent(percent) => touch.abs() * percent / Decimal::ONE_HUNDRED,
        }
    }
}

/// Order type with the prices that type needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// Fills at the touch.
    Market,
    /// Fills at the touch when the touch is at least as good as `limit`.
    Limit {
        /// Worst acceptable price.
        limit: Decimal,
    },
    /// Becomes a market order when the touch reaches `stop`.
    Stop {
        /// Trigger price.
        stop: Decimal,
    },
    /// Becomes a limit order when the touch reaches `stop`.
    StopLimit {
        /// Trigger price.
        stop: Decimal,
        /// Worst acceptable price after the trigger.
        limit: Decimal,
    },
    /// A stop order whose stop follows the touch, and never goes back.
    Trail {
        /// How far behind.
        by: TrailBy,
        /// Trigger price now; `None` until there is a market to follow.
        stop: Option<Decimal>,
    },
    /// A stop-limit order whose stop follows the touch, its limit with it.
    TrailLimit {
        /// How far behind.
        by: TrailBy,
        /// Trigger price now; `None` until there is a market to follow.
        stop: Option<Decimal>,
        /// What is added to the stop for the limit: above it for buys, below it for sells when positive and
        /// negative respectively.
        offset: Decimal,
    },
    /// Becomes a market order when the market comes to `touch`: down to it for buys, up to it for sells.
    IfTouched {
        /// Trigger price.
        touch: Decimal,
    },
    /// Becomes a limit order when the market comes to `touch`.
    LimitIfTouched {
        /// Trigger price.
        touch: Decimal,
        /// Worst acceptable price after the trigger.
        limit: Decimal,
    },
    /// Fills at the closing price.
    MarketOnClose,
    /// Fills at the closing price when that is at least as good as `limit`.
    LimitOnClose {
        /// Worst acceptable price.
        limit: Decimal,
    },
    /// Fills at the touch; what is left rests at the price of the first fill.
    MarketToLimit {
        /// Where the rest rests; without meaning before the first fill.
        limit: Option<Decimal>,
    },
}

impl OrderKind {
    /// The limit price now, for the kinds that have one.
    pub fn limit(self) -> Option<Decimal> {
        match self {
            Self::Limit { limit }
            | Self::StopLimit { limit, .. }
            | Self::LimitIfTouched { limit, .. }
            | Self::LimitOnClose { limit } => Some(limit),
            Self::TrailLimit { stop, offset, .. } => stop.map(|stop| stop + offset),
            Self::MarketToLimit { limit } => limit,
            Self::Market
            | Self::MarketOnClose
            | Self::Stop { .. }
            | Self::Trail { .. }
            | Self::IfTouched { .. } => None,
        }
    }

    /// The trigger price now, for the kinds that have one.
    pub fn stop(self) -> Option<Decimal> {
        match self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } => Some(stop),
            Self::IfTouched { touch } | Self::LimitIfTouched { touch, .. } => Some(touch),
            Self::Trail { stop, .. } | Self::TrailLimit { stop, .. } => stop,
            Self::Market
            | Self::Limit { .. }
            | Self::MarketOnClose
            | Self::LimitOnClose { .. }
            | Self::MarketToLimit { .. } => None,
        }
    }

    /// True for the kinds that wait for a trigger, known or not.
    pub fn has_trigger(self) -> bool {
        self.stop().is_some() || self.trail().is_some()
    }

    /// True for the kinds that a market wakes which becomes better for them, as it does a limit order; stops
    /// are woken by one that becomes worse.
    pub fn is_if_touched(self) -> bool {
        matches!(self, Self::IfTouched { .. } | Self::LimitIfTouched { .. })
    }

    /// How the stop trails, when it does.
    pub fn trail(self) -> Option<TrailBy> {
        match self {
            Self::Trail { by, .. } | Self::TrailLimit { by, .. } => Some(by),
            _ => None,
        }
    }

    /// The same with another trailing stop; other kinds stay as they are.
    pub(super) fn with_trail_stop(self, stop: Option<Decimal>) -> Self {
        match self {
            Self::Trail { by, .. } => Self::Trail { by, stop },
            Self::TrailLimit { by, offset, .. } => Self::TrailLimit { by, stop, offset },
            other => other,
        }
    }

    /// As a new order begins, whatever limit the client wrote.
    pub(super) fn begun(self) -> Self {
        match self {
            Self::MarketToLimit { .. } => Self::MarketToLimit { limit: None },
            other => other,
        }
    }

    /// As a change of `old`: what moved with the market stays where it is unless the change names it.
    pub(super) fn continued(self, old: Self) -> Self {
        match (self, old) {
            (Self::MarketToLimit { limit }, Self::MarketToLimit { limit: now }) => {
                Self::MarketToLimit { limit: now.and(limit.or(now)) }
            }
            _ if self.stop().is_none() && self.trail() == old.trail() => self.with_trail_stop(old.stop()),
            _ => self,
        }
    }

    /// True when both are the same kind, whatever their prices.
    pub fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}
