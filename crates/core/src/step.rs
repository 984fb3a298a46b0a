//! What goes into the machine and what comes out of one turn.

use std::sync::Arc;

use alphec_model::risk::{RuleAnswer, RuleName};
use alphec_model::{
    AccountId, Alert, BrokerEvent, BrokerRequest, CancelScope, ClientOrderId, Command, DenyReason, Event,
    GroupError, InstrumentId, LogId, Order, OrderState, Proposal, Record, UtcNanos,
};

/// Ties an answer to the caller who waits for it. Numbers from the driver, opaque here.
pub type Token = u64;

/// Which question to the custom rules an answer is to. Each asking is another one, in this process life.
pub type Question = u64;

/// One input. All of them together are the only way to move the machine.
#[derive(Debug, Clone)]
pub enum Input {
    /// The journal is new: give it its name. First input of a journal's life.
    Open {
        /// Its name for life.
        log_id: LogId,
    },
    /// A process begins (after replay): whatever was on its way is in doubt.
    Start {
        /// Of this library.
        version: String,
        /// Which profile.
        profile: String,
        /// The limits in force, for the record.
        limits: serde_json::Value,
    },
    /// A caller asks.
    Command {
        /// Who waits for the answer.
        token: Token,
        /// What.
        command: Command,
    },
    /// A custom risk rule answered.
    RuleAnswer {
        /// To which question.
        question: Question,
        /// About which order.
        client_order_id: ClientOrderId,
        /// Which rule.
        rule: RuleName,
        /// What.
        answer: RuleAnswer,
    },
    /// The broker said something.
    Broker(BrokerEvent),
    /// A deadline may have passed.
    Wake,
    /// The journal stopped or resumed accepting records.
    Journal {
        /// Why not, or `None` when it works again.
        trouble: Option<String>,
    },
    /// The process is about to end: no new orders or changes, cancels still pass.
    Stopping,
    /// The process ends.
    Stop,
}

/// A question to a custom risk rule.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which question; its answer repeats it.
    pub question: Question,
    /// Which rule.
    pub rule: RuleName,
    /// About what.
    pub proposal: Arc<Proposal>,
}

/// A call that makes no sense; nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The key already names an order with another body.
    #[error("client order id {0} is already used for a different order; use a new id for a new order")]
    KeyReused(ClientOrderId),
    /// No order has this key.
    #[error("no order {0} in this journal; check the id, or the journal that the profile names")]
    UnknownOrder(ClientOrderId),
    /// The books are not clean enough for it yet: to resume trading, or to accept a position.
    #[error("not done: {0}")]
    NotClean(String),
    /// The orders make no group.
    #[error("no group: {0}")]
    BadGroup(GroupError),
    /// More orders than may be held in memory.
    #[error("the book holds as many orders as it may; begin a new journal")]
    BookFull,
    /// There is no such halt.
    #[error("{0} is not halted; `reconcile show` names the halts in force")]
    NotHalted(CancelScope),
    /// There is no break to accept.
    #[error("{instrument} of {account} is not in a break: both counts agree, or have not been compared")]
    NotBroken {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
    },
    /// Only an order in doubt is for a person to settle.
    #[error(
        "order {client_order_id} is {state}, not in doubt; only an order in doubt is for an operator to settle"
    )]
    NotInDoubt {
        /// Which.
        client_order_id: ClientOrderId,
        /// Where it stands.
        state: OrderState,
    },
}

/// The answer to a command.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The order as it stands: accepted, denied (see its `deny_reason`), or already known.
    Order(Arc<Order>),
    /// The orders of a group as they stand: all accepted, or all denied.
    Group(Vec<Arc<Order>>),
    /// The broker's books are read as soon as may be: [`Readiness::books_as_of`](crate::Readiness) passes this
    /// instant when they were.
    Reconciling(UtcNanos),
    /// A change was refused by us; the order stands as it did.
    ReplaceDenied {
        /// As it stands.
        order: Arc<Order>,
        /// Why.
        reason: DenyReason,
    },
    /// A cancel is on its way for these orders.
    Canceling(Vec<ClientOrderId>),
    /// Every open order of the login is asked to end, these of ours among them.
    GloballyCanceling {
        /// Ours. They are canceled one by one where the global cancel did not leave.
        orders: Vec<ClientOrderId>,
        /// Why the global cancel did not leave, if so. It is not kept for later: by then others may
        /// have placed orders that nobody meant.
        not_sent: Option<String>,
    },
    /// Done.
    Done,
    /// Nothing was done.
    Misuse(Misuse),
}

/// Everything one turn decided. Consume it completely before the next turn: make the records
/// durable, and only then release requests, replies, questions and events.
#[derive(Debug, Default)]
#[must_use = "a step that is not consumed loses records and requests"]
pub struct Step {
    /// To make durable, in order.
    pub records: Vec<Arc<Record>>,
    /// To hand to the broker, in order, after the records are durable.
    pub requests: Vec<BrokerRequest>,
    /// To answer.
    pub replies: Vec<(Token, Reply)>,
    /// To ask custom rules.
    pub asks: Vec<Ask>,
    /// To publish.
    pub events: Vec<Event>,
    /// To raise.
    pub alerts: Vec<Alert>,
}

impl Step {
    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.requests.is_empty()
            && self.replies.is_empty()
            && self.asks.is_empty()
            && self.alerts.is_empty()
    }

    /// Appends another step, in order.
    pub fn extend(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
        self.requests.append(&mut other.requests);
        self.replies.append(&mut other.replies);
        self.asks.append(&mut other.asks);
        self.events.append(&mut other.events);
        self.alerts.append(&mut other.alerts);
    }
}
