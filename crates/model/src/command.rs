//! What callers may ask.

use serde::{Deserialize, Serialize};

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

/// Which orders a cancel-all reaches. Only ours, ever: what reaches further is [`Command::GlobalCancel`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CancelScope {
    /// Every order of ours.
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

/// Anything a caller may ask that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Command {
    /// Place an order.
    Submit(OrderRequest),
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
    /// Allow orders again.
    Resume {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}
