//! What callers may ask.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::doubt::WhenInDoubt;
use crate::group::GroupRequest;
use crate::ids::{AccountId, ClientOrderId, CorrelationId, InstrumentId, StrategyId};
use crate::order::OrderSpec;

/// A new order. The same key with the same body is the same order; with another body it is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The idempotency key.
    pub client_order_id: ClientOrderId,
    /// Whose idea.
    pub strategy_id: StrategyId,
    /// Ties it to the work it came from.
    pub correlation_id: CorrelationId,
    /// Where to trade.
    pub account: AccountId,
    /// What to trade.
    pub instrument: InstrumentId,
    /// The terms.
    pub spec: OrderSpec,
    /// What may be done by itself while its outcome is not proven; the profile's choice unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_in_doubt: Option<WhenInDoubt>,
}

/// New terms for a live order. Side and instrument never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifyRequest {
    /// Which order.
    pub client_order_id: ClientOrderId,
    /// Ties it to the work it came from.
    pub correlation_id: CorrelationId,
    /// The terms wanted, all of them.
    pub spec: OrderSpec,
}

/// Which orders a cancel-all, a halt or the kill switch reaches. Only ours, ever: what reaches further is
/// [`Command::GlobalCancel`].
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CancelScope {
    /// Every order of ours.
    #[default]
    #[serde(deserialize_with = "crate::bare::read")]
    All,
    /// Those of one account.
    Account {
        /// Which.
        account: AccountId,
    },
    /// Those of one strategy.
    Strategy {
        /// Which.
        strategy_id: StrategyId,
    },
    /// Those in one instrument.
    Instrument {
        /// Which.
        instrument: InstrumentId,
    },
}

impl CancelScope {
    /// Whether it reaches everything of ours.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether it reaches an order of this account, strategy and instrument.
    #[must_use]
    pub fn reaches(&self, account: &AccountId, strategy_id: &StrategyId, instrument: &InstrumentId) -> bool {
        match self {
            Self::All => true,
            Self::Account { account: of } => of == account,
            Self::Strategy { strategy_id: of } => of == strategy_id,
            Self::Instrument { instrument: of } => of == instrument,
        }
    }
}

impl fmt::Display for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("everything"),
            Self::Account { account } => write!(f, "account {account}"),
            Self::Strategy { strategy_id } => write!(f, "strategy {strategy_id}"),
            Self::Instrument { instrument } => write!(f, "instrument {instrument}"),
        }
    }
}

/// Anything a caller may ask that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Command {
    /// Place an order.
    Submit(OrderRequest),
    /// Place orders that belong together, all or none.
    SubmitGroup(GroupRequest),
    /// Change a live order.
    Modify(ModifyRequest),
    /// Cancel an order; never refused while it can still be live.
    Cancel {
        /// Which order.
        client_order_id: ClientOrderId,
        /// Ties it to the work it came from.
        correlation_id: CorrelationId,
    },
    /// Cancel many.
    CancelAll {
        /// Which.
        scope: CancelScope,
        /// Ties it to the work it came from.
        correlation_id: CorrelationId,
    },
    /// Cancel every open order of the broker's login: ours, those of other API clients, and those
    /// entered by hand. An operator's act, never a strategy's.
    GlobalCancel {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Ties it to the work it came from.
        correlation_id: CorrelationId,
    },
    /// Refuse every new order and change, across restarts, until resumed.
    Halt {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The kill switch: halt a scope, across restarts, cancel everything of ours in it, and go on until
    /// complete lists show that nothing of it works any more.
    Kill {
        /// What.
        scope: CancelScope,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Ties it to the work it came from.
        correlation_id: CorrelationId,
    },
    /// Allow orders again. Refused until the broker's books were read without a difference since the halt.
    Resume {
        /// Of what: the scope that was halted.
        #[serde(default, skip_serializing_if = "CancelScope::is_all")]
        scope: CancelScope,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Read the broker's books now instead of when they are due.
    Reconcile {
        /// Ties it to the work it came from.
        correlation_id: CorrelationId,
    },
    /// An operator's act: the broker's position is the right one. Ends a break without inventing a fill.
    AcceptPosition {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// Who.
        by: String,
        /// Why, such as the statement that explains the difference.
        reason: String,
    },
    /// An operator's act: an order in doubt is over at the broker, by proof that we cannot see.
    Settle {
        /// Which order.
        client_order_id: ClientOrderId,
        /// Who.
        by: String,
        /// Why, such as the statement that shows it.
        reason: String,
    },
}
