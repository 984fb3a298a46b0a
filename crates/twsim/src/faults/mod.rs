//! Faults: what can go wrong between a client and a gateway, decided here and carried out elsewhere.
//!
//! A pure decision module: it counts orders, compares instants and answers questions. It owns no socket and
//! no clock.

mod plan;
mod text;

pub(crate) use plan::{Effect, Fate, FaultPlan};
pub use text::FaultTextError;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection is cut as a request arrives: the gateway never acts on it.
    DropBefore(Request),
    /// The connection is cut after the gateway acted on a request and before it answered.
    DropAfter(Request),
    /// A request is read and ignored; the session goes on.
    Swallow(Request),
    /// New orders are refused with this code.
    Reject {
        /// Error code on the wire.
        code: i32,
    },
    /// Every open connection falls silent with its socket open. What arrives meanwhile is kept and acted on
    /// after `resume_after`, or never.
    Mute {
        /// Nanoseconds until the gateway wakes up again.
        resume_after: Option<i64>,
    },
    /// Every open connection is cut.
    Disconnect,
    /// Everything the gateway sends arrives late.
    Delay {
        /// Nanoseconds.
        by: i64,
    },
    /// Order callbacks (open order, status, execution, commission) arrive this many times.
    Duplicate {
        /// Copies, the first one included.
        copies: u32,
    },
    /// Executions are sent before the order callbacks they belong to, the first acknowledgement included.
    ExecutionFirst,
    /// No open-order or status callback is sent unasked: only executions, commissions and errors.
    NoStatus,
    /// After a connection ends, its client id stays taken (326) for this many attempts.
    HoldClientId {
        /// Attempts refused.
        attempts: u32,
    },
    /// The handshake offers order ids this much below the right one.
    RollBackIds {
        /// How far back.
        by: i32,
    },
}

/// The requests a fault can be tied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A new order.
    Place,
    /// A modification.
    Modify,
    /// A cancel.
    Cancel,
}

/// When it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once; for faults tied to a request: at the next one.
    Now,
    /// At the n-th such request (for other faults: the n-th new order), counted from the injection, from 1.
    Nth(u64),
    /// After this many nanoseconds; for faults tied to a request: at the first one after that.
    After(i64),
}

/// One fault. Faults tied to a request happen once; the others last until cleared.
///
/// The text form is `name[=value][@when]`, with `when` a count (`3`) or a time (`5s`, `250ms`):
/// `drop-before-accept@3`, `drop-after-accept@3`, `drop-before-modify`, `drop-after-cancel@2`, `swallow@2`,
/// `swallow-cancel`, `reject=201@4`, `mute@5s`, `mute=2s@3`, `disconnect@10s`, `delay=50ms`, `duplicate`,
/// `duplicate=3`, `execution-first`, `no-status`, `hold-client-id=2`, `roll-back-ids=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When.
    pub when: When,
}

impl Fault {
    /// Every name of the text form, for help texts.
    pub const fn names() -> &'static [&'static str] {
        &text::NAMES
    }

    /// A fault that happens at once, or at the next request it is tied to.
    pub const fn now(kind: FaultKind) -> Self {
        Self { kind, when: When::Now }
    }

    /// A fault tied to the n-th request, counted from 1.
    pub const fn nth(kind: FaultKind, nth: u64) -> Self {
        Self { kind, when: When::Nth(nth) }
    }
}
