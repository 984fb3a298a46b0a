//! What the gate judges by: limits, reference prices, and the verdict it leaves behind.

use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::decimal::{Price, Qty, SignedQty};
use crate::ids::{AccountId, ClientOrderId, CorrelationId, InstrumentId, StrategyId};
use crate::order::OrderSpec;
use crate::reason::{DenyReason, Rule};
use crate::time::UtcNanos;

/// Every limit of one instrument, or the profile's defaults. None is optional: a missing limit
/// is a configuration error, not a permission. Money is in the account's base currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest size of one order.
    pub max_order_qty: Qty,
    /// Largest value of one order.
    #[serde(with = "crate::decimal::text")]
    pub max_order_notional: Decimal,
    /// Largest absolute position, counting working and in-doubt orders at their worst.
    pub max_position: Qty,
    /// Working orders per instrument and side (IBKR itself refuses beyond 15).
    pub max_open_orders: u32,
    /// How far an order's price may be from the reference price, as a fraction: 0.05 is five percent.
    #[serde(with = "crate::decimal::text")]
    pub price_collar: Decimal,
    /// Oldest reference price that may be judged by.
    #[serde(with = "duration_ms")]
    pub max_quote_age_ms: Duration,
    /// Sum of absolute exposures over all instruments of the account.
    #[serde(with = "crate::decimal::text")]
    pub max_gross_notional: Decimal,
    /// Absolute net exposure over all instruments of the account.
    #[serde(with = "crate::decimal::text")]
    pub max_net_notional: Decimal,
    /// Gross exposure over net liquidation.
    #[serde(with = "crate::decimal::text")]
    pub max_leverage: Decimal,
    /// Oldest account values that may be judged by (the broker refreshes every three minutes).
    #[serde(with = "duration_ms")]
    pub max_account_age_ms: Duration,
    /// New orders and changes in any one second. Cancels are counted, never refused.
    pub max_messages_per_second: u32,
}

mod duration_ms {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// The market as last seen for one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Best price to sell at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Price>,
    /// Best price to buy at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Price>,
    /// Last trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Price>,
    /// When the latest of them arrived.
    pub at: UtcNanos,
}

impl Quote {
    /// The price to judge by: the middle of an uncrossed market, else the last trade.
    #[must_use]
    pub fn reference_px(&self) -> Option<Decimal> {
        match (self.bid, self.ask) {
            (Some(bid), Some(ask)) if bid <= ask => {
                bid.get().checked_add(ask.get())?.checked_mul(Decimal::new(5, 1)).map(|px| px.normalize())
            }
            _ => self.last.map(Price::get),
        }
    }
}

/// One rule's finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which rule.
    pub rule: Rule,
    /// What it measured.
    #[serde(with = "crate::decimal::text")]
    pub measured: Decimal,
    /// What is allowed.
    #[serde(with = "crate::decimal::text")]
    pub limit: Decimal,
}

/// What the gate found, with the inputs it found it by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Why not; `None` is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<DenyReason>,
    /// Every numeric rule judged, up to the one that refused.
    pub checks: Vec<Check>,
    /// The market it judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The position it judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<SignedQty>,
    /// Net liquidation it judged by.
    #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
    pub net_liquidation: Option<Decimal>,
}

impl Verdict {
    /// Whether nothing refused.
    #[must_use]
    pub const fn is_pass(&self) -> bool {
        self.denied.is_none()
    }
}

/// What a custom risk rule is asked about: the order, and what the gate already found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// Whose idea.
    pub strategy_id: StrategyId,
    /// Ties it to the work it came from.
    pub correlation_id: CorrelationId,
    /// Where it would trade.
    pub account: AccountId,
    /// What it would trade.
    pub instrument: InstrumentId,
    /// The terms wanted.
    pub spec: OrderSpec,
    /// The terms in force, when this is a change.
    pub replaces: Option<OrderSpec>,
    /// What the built-in gate found.
    pub verdict: Verdict,
}

/// A custom rule's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleAnswer {
    /// It has no objection.
    #[serde(deserialize_with = "crate::bare::read")]
    Pass,
    /// It refuses.
    Deny {
        /// Why, for people.
        text: String,
        /// What it measured, if it says.
        #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
        measured: Option<Decimal>,
        /// Its limit, if it says.
        #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
        limit: Option<Decimal>,
    },
}

/// The name of a custom rule.
pub type RuleName = SmolStr;
