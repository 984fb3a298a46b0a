//! The decisions: one deterministic machine, `handle(now, input) -> step`.
//!
//! It does no I/O, reads no clock, draws no random number, holds no lock, uses no float, and
//! cannot fail. What it does not do: talk to a broker, write a journal, wait.
//!
//! Invariants, each pinned by a test:
//! 1. State changes only by [`Book::apply`], live and on replay alike; so a replayed journal
//!    gives the same book.
//! 2. A request that can trade is staged only in the step that records its intent.
//! 3. Broker order ids only rise, whatever the broker offers.
//! 4. An execution is booked once; a later revision replaces it; fills come from nothing else.
//! 5. Exposure is reserved from acceptance until evidence ends the order.
//! 6. A cancel is never refused for an order that can still be live.
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    clippy::float_arithmetic,
    clippy::iter_over_hash_type,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic
)]

mod book;
mod broker;
mod config;
mod deadlines;
mod last_look;
mod machine;
mod orders;
mod pacing;
mod risk;
mod session;
mod step;

pub use book::{Book, Exposure, Gap, Halt, ReplayError};
pub use config::{CoreConfig, Mode, RuleConfig};
pub use machine::Core;
pub use orders::transition::{Effect, on_status};
pub use pacing::{Lane, Next, Pacing, Waits, cost, share_of_new_orders};
pub use session::Readiness;
pub use step::{Ask, Input, Misuse, Question, Reply, Step, Token};
