//! The loop: collect inputs, step, make durable, release.
//!
//! It owns the machine, the journal and the clock, and gives the broker adapter, the callers, the
//! custom risk rules and the alert sinks their ends of bounded channels. It takes no trading
//! decision of its own.
//!
//! Invariants:
//! - A request that can trade reaches the adapter only as `write_ahead::Committed`, and only a
//!   journal receipt makes one.
//! - Replies and events leave after the records they speak of are durable.
//! - A cancel does not wait for a slow or broken journal, and an order never follows its own cancel. What was asked for so
//!   is in the emergency store until the journal has it.
//! - What was decided is looked at once more before it leaves (`Core::last_look`).
//! - Nothing a rule, a sink or a subscriber does can stall the loop.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod alerts;
mod broker;
#[cfg(feature = "simulation")]
pub mod by_hand;
mod clock;
mod emergency;
mod engine;
mod follow;
mod handle;
mod outbox;
mod recover;
mod rules;
mod run;
mod side;
mod stop;
mod write_ahead;

pub use alerts::{AlertSink, Delivery, DeliveryError};
pub use alphec_core as core;
pub use alphec_journal as journal;
pub use broker::{BrokerTask, EVENTS_MAX, REQUESTS_MAX};
pub use clock::{Clock, Slept, SystemClock};
pub use engine::{Engine, EngineParts, StartError};
pub use follow::{Follower, News};
pub use handle::{CallError, Handle, OperatorLine, PendingReply, Stats, Status};
pub use recover::{RecoverError, replay};
pub use rules::{Answering, RiskRule, rule_configs, sync_rule};
pub use stop::{StopPolicy, StopReport};
