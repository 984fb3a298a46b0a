//! The words of the house: what things are, never what to do about them.
//!
//! Values only: no I/O, no clock, no randomness, no knowledge of any broker library.
//! Every type that crosses a boundary (journal, command line, Python) has its one JSON
//! spelling here: decimals and times are strings, an unknown field is an error.
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    clippy::float_arithmetic,
    clippy::iter_over_hash_type,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

pub mod account;
pub mod alert;
mod bare;
pub mod broker;
pub mod command;
pub mod decimal;
pub mod doubt;
pub mod event;
pub mod farm;
pub mod group;
pub mod ids;
pub mod instrument;
pub mod lifecycle;
pub mod order;
pub mod planted;
pub mod reason;
pub mod record;
pub mod risk;
pub mod time;

pub use account::{AccountValue, AccountValues, Position};
pub use alert::{Alert, AlertKind, Severity};
pub use broker::{BrokerEvent, BrokerRequest};
pub use command::{CancelScope, Command, ModifyRequest, OrderRequest};
pub use decimal::{Currency, Money, Price, Qty, SignedQty, ValueError, exact_mul};
pub use doubt::WhenInDoubt;
pub use event::Event;
pub use farm::{FarmKind, FarmState};
pub use group::{BracketError, GroupError, GroupKind, GroupRequest, Leg, LegRole};
pub use ids::{
    AccountId, ApiClientId, BrokerOrderId, ClientOrderId, ConId, CorrelationId, ExecId, Generation, IdError,
    InstrumentId, IntentName, LogId, OrderRef, PermId, Seq, StrategyId,
};
pub use instrument::{Instrument, InstrumentError, InstrumentKind, OptionRight, TickRule};
pub use lifecycle::{Evidence, OrderState};
pub use order::{Order, OrderSpec, OrderType, Pending, PendingReplace, Side, SpecError, TimeInForce, Trail};
pub use reason::{DenyReason, RejectReason, Rule};
pub use record::{Body, ForeignOrder, Header, Provenance, Record};
pub use risk::{Check, Limits, Proposal, Quote, Verdict};
pub use rust_decimal::Decimal;
pub use time::UtcNanos;
