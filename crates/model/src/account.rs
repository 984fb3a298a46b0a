//! Accounts as the broker reports them, and positions as we count them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal::{Currency, SignedQty};
use crate::ids::{AccountId, InstrumentId};
use crate::time::UtcNanos;

/// One figure of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "figure", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum AccountValue {
    /// Net liquidation value in the account's base currency.
    NetLiquidation {
        /// How much.
        #[serde(with = "crate::decimal::text")]
        amount: Decimal,
        /// The base currency.
        currency: Currency,
    },
    /// Base-currency value of one unit of `currency`.
    ExchangeRate {
        /// Of what.
        currency: Currency,
        /// In base currency.
        #[serde(with = "crate::decimal::text")]
        rate: Decimal,
    },
    /// Whether the broker says its values are current (false during server resets).
    Ready {
        /// As told.
        ready: bool,
    },
}

/// The latest figures of one account. Fresh with every connection, so never part of the record by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountValues {
    /// Net liquidation and its currency.
    pub net_liquidation: Option<(Decimal, Currency)>,
    /// Base-currency value of one unit, by currency.
    pub exchange_rates: BTreeMap<Currency, Decimal>,
    /// When a figure last arrived.
    pub updated_at: Option<UtcNanos>,
    /// Whether the broker says its values are current.
    pub ready: bool,
}

/// A position as counted from executions since the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub instrument: InstrumentId,
    /// How much; negative is short.
    pub qty: SignedQty,
    /// A difference from the broker's books that froze the instrument, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<SignedQty>,
}
