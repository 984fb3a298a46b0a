//! The broker's data farms: what prices, history and definitions come from.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a farm serves. None of them carries orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FarmKind {
    /// Quotes (2103, 2104, 2108, 2119).
    MarketData,
    /// History (2105, 2106, 2107).
    History,
    /// Definitions of contracts (2157, 2158).
    Definitions,
}

/// How a farm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FarmState {
    /// Connected.
    Up,
    /// Broken: what it serves grows old.
    Down,
    /// Asleep, and there when asked.
    Dormant,
    /// On its way.
    Connecting,
}

impl fmt::Display for FarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MarketData => "market data",
            Self::History => "history",
            Self::Definitions => "contract definitions",
        })
    }
}
