//! Order types, with the prices each of them needs.

use rust_decimal::Decimal;

/// How far a trailing stop stays behind the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl OrderKind {
    /// The limit price now, for the kinds that have one.
    pub fn limit(self) -> Option<Decimal> {
        match self {
            Self::Limit { limit } | Self::StopLimit { limit, .. } => Some(limit),
            Self::TrailLimit { stop, offset, .. } => stop.map(|stop| stop + offset),
            Self::Market | Self::Stop { .. } | Self::Trail { .. } => None,
        }
    }

    /// The trigger price now, for the kinds that have one.
    pub fn stop(self) -> Option<Decimal> {
        match self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } => Some(stop),
            Self::Trail { stop, .. } | Self::TrailLimit { stop, .. } => stop,
            Self::Market | Self::Limit { .. } => None,
        }
    }

    /// True for the kinds that wait for a trigger, known or not.
    pub fn has_trigger(self) -> bool {
        match self {
            Self::Stop { .. } | Self::StopLimit { .. } | Self::Trail { .. } | Self::TrailLimit { .. } => true,
            Self::Market | Self::Limit { .. } => false,
        }
    }

    /// How the stop trails, when it does.
    pub fn trail(self) -> Option<TrailBy> {
        match self {
            Self::Trail { by, .. } | Self::TrailLimit { by, .. } => Some(by),
            Self::Market | Self::Limit { .. } | Self::Stop { .. } | Self::StopLimit { .. } => None,
        }
    }

    /// The same with another trailing stop; other kinds stay as they are.
    pub(super) fn with_trail_stop(self, stop: Option<Decimal>) -> Self {
        match self {
            Self::Trail { by, .. } => Self::Trail { by, stop },
            Self::TrailLimit { by, offset, .. } => Self::TrailLimit { by, stop, offset },
            Self::Market | Self::Limit { .. } | Self::Stop { .. } | Self::StopLimit { .. } => self,
        }
    }

    /// True when both are the same kind, whatever their prices.
    pub fn same_kind(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}
