//! Why an order did not happen: ours (`DenyReason`) or the broker's (`RejectReason`).

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::{AccountId, ClientOrderId, InstrumentId};
use crate::order::SpecError;

/// A rule of the gate, in the order they are judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Trading is halted.
    Halted,
    /// The link is not ready, or recovery is not complete.
    Ready,
    /// The account must be one the profile allows.
    AllowedAccount,
    /// The instrument must be one the profile allows, and not frozen.
    AllowedInstrument,
    /// The terms themselves.
    Terms,
    /// Maximum size of one order.
    MaxOrderQty,
    /// A fresh reference price must be near.
    PriceCollar,
    /// Maximum value of one order.
    MaxOrderNotional,
    /// Maximum position, worst case.
    MaxPosition,
    /// Working orders per instrument and side.
    MaxOpenOrders,
    /// Sum of absolute exposures, worst case.
    MaxGrossNotional,
    /// Absolute net exposure, worst case.
    MaxNetNotional,
    /// Gross exposure over net liquidation.
    MaxLeverage,
    /// Orders and changes per second.
    MaxMessageRate,
    /// The journal cannot make records durable.
    Journal,
    /// Every order of its group must pass.
    Group,
    /// A rule of the firm's own.
    Custom(SmolStr),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Halted => "halted",
            Self::Ready => "ready",
            Self::AllowedAccount => "allowed_account",
            Self::AllowedInstrument => "allowed_instrument",
            Self::Terms => "terms",
            Self::MaxOrderQty => "max_order_qty",
            Self::PriceCollar => "price_collar",
            Self::MaxOrderNotional => "max_order_notional",
            Self::MaxPosition => "max_position",
            Self::MaxOpenOrders => "max_open_orders",
            Self::MaxGrossNotional => "max_gross_notional",
            Self::MaxNetNotional => "max_net_notional",
            Self::MaxLeverage => "max_leverage",
            Self::MaxMessageRate => "max_message_rate",
            Self::Journal => "journal",
            Self::Group => "group",
            Self::Custom(name) => name,
        })
    }
}

/// Why our gate refused: the rule, what it measured, and its limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum DenyReason {
    /// A measured value is beyond its limit.
    #[error("{rule}: {measured} is beyond the limit {limit}")]
    Limit {
        /// Which rule.
        rule: Rule,
        /// What it would come to.
        #[serde(with = "crate::decimal::text")]
        measured: Decimal,
        /// What is allowed.
        #[serde(with = "crate::decimal::text")]
        limit: Decimal,
    },
    /// Something the rule needs is not there.
    #[error("{rule}: {what} is missing, so the order cannot be judged")]
    Missing {
        /// Which rule.
        rule: Rule,
        /// What is missing.
        what: String,
    },
    /// Something the rule needs is too old.
    #[error("{rule}: {what} is {age_ms} ms old, older than the allowed {limit_ms} ms")]
    Stale {
        /// Which rule.
        rule: Rule,
        /// What is old.
        what: String,
        /// Its age.
        age_ms: u64,
        /// The age allowed.
        limit_ms: u64,
    },
    /// A product or sum that no exact decimal holds.
    #[error("{rule}: the amount is too large to compute exactly")]
    Overflow {
        /// Which rule.
        rule: Rule,
    },
    /// Trading is halted.
    #[error("trading is halted ({reason}); resume deliberately when it is safe")]
    Halted {
        /// Why.
        reason: String,
    },
    /// No ready connection.
    #[error(
        "not ready to send: {state}; nothing was sent; once connected and reconciled, submit it under a new client order id"
    )]
    NotReady {
        /// Where the link stands.
        state: String,
    },
    /// Not an account of this profile.
    #[error("account {account} is not allowed by this profile")]
    AccountNotAllowed {
        /// As given.
        account: AccountId,
    },
    /// Not an instrument of this profile, or the broker does not know it.
    #[error("instrument {instrument} is not allowed: {why_not}")]
    InstrumentNotAllowed {
        /// As given.
        instrument: InstrumentId,
        /// Not in the profile, unknown to the broker, frozen by a break.
        why_not: String,
    },
    /// The terms make no order.
    #[error("{error}")]
    Terms {
        /// What is wrong.
        error: SpecError,
    },
    /// The order cannot be changed where it stands.
    #[error("cannot change the order: {what}")]
    NotChangeable {
        /// Why.
        what: String,
    },
    /// A custom rule said no.
    #[error("{rule}: {text}")]
    Custom {
        /// Which.
        rule: Rule,
        /// Its words.
        text: String,
        /// What it measured, if it says.
        #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
        measured: Option<Decimal>,
        /// Its limit, if it says.
        #[serde(default, with = "crate::decimal::text::option", skip_serializing_if = "Option::is_none")]
        limit: Option<Decimal>,
    },
    /// A custom rule did not answer in time.
    #[error("{rule}: no answer within {deadline_ms} ms, which denies")]
    Deadline {
        /// Which.
        rule: Rule,
        /// The time it had.
        deadline_ms: u64,
    },
    /// Another order of its group cannot be.
    #[error("its group is not whole: order {leg}: {why_not}")]
    Group {
        /// Which.
        leg: ClientOrderId,
        /// Why it cannot.
        why_not: String,
    },
    /// The record could not be made durable.
    #[error("the journal is not accepting records ({why_not}); new orders stop until it is")]
    Journal {
        /// What happened.
        why_not: String,
    },
    /// The wire refused before the first byte.
    #[error("never written to the broker: {why_not}")]
    NotWritten {
        /// What happened.
        why_not: String,
    },
}

impl DenyReason {
    /// The rule behind it.
    #[must_use]
    pub fn rule(&self) -> Rule {
        match self {
            Self::Limit { rule, .. }
            | Self::Missing { rule, .. }
            | Self::Stale { rule, .. }
            | Self::Overflow { rule }
            | Self::Custom { rule, .. }
            | Self::Deadline { rule, .. } => rule.clone(),
            Self::Halted { .. } => Rule::Halted,
            Self::NotReady { .. } | Self::NotWritten { .. } => Rule::Ready,
            Self::AccountNotAllowed { .. } => Rule::AllowedAccount,
            Self::InstrumentNotAllowed { .. } => Rule::AllowedInstrument,
            Self::Terms { .. } | Self::NotChangeable { .. } => Rule::Terms,
            Self::Journal { .. } => Rule::Journal,
            Self::Group { .. } => Rule::Group,
        }
    }

    /// Whether it is the connection, not the order, that is at fault.
    #[must_use]
    pub const fn is_not_ready(&self) -> bool {
        matches!(self, Self::NotReady { .. } | Self::NotWritten { .. })
    }
}

/// Why the broker refused or ended an order, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("broker code {code}: {text}")]
pub struct RejectReason {
    /// The broker's code; 0 when only a status said so.
    pub code: i32,
    /// The broker's text, never interpreted.
    pub text: String,
}
