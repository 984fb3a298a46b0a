//! Risk-checked, durable order execution through Interactive Brokers' TWS and IB Gateway.
//!
//! A strategy says *what* it wants to trade; this library decides whether it may, makes the
//! intent durable, gets it to the broker once, keeps an honest picture of it through disconnects
//! and restarts, and leaves a record that can be verified. It trades paper unless armed.
//!
//! Five types to know: [`Profile`] (what one engine is told), [`ExecutionClient`] (the verbs),
//! [`OrderRequest`](alphec_model::OrderRequest) (what you want), [`OrderHandle`] (what came of
//! it), [`Event`](alphec_model::Event) (everything that happens, once durable).
//!
//! It is not a strategy framework, a market-data library or a back-tester.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod beside;
mod books;
mod builder;
mod client;
pub mod config;
mod error;
mod order;
mod probe;
mod salvage;
mod sinks;
mod unfinished;

use alphec_model::{ClientOrderId, CorrelationId};

pub use alphec_engine::core::{Halt, Lane, Misuse, Mode, Readiness, Waits};
pub use alphec_engine::{
    AlertSink, Answering, BrokerTask, CallError, Clock, Delivery, DeliveryError, RecoverError, RiskRule,
    Stats, Status, StopPolicy, StopReport, SystemClock, sync_rule,
};
pub use alphec_ibkr::{ClockOffset, Probe, ProbeError};
pub use alphec_model as model;
pub use beside::{StopAct, ask_beside, operator_file};
pub use books::{Books, read_books};
pub use builder::Builder;
pub use client::{ExecutionClient, GlobalCancel, Reconciliation};
pub use config::{ConfigError, Profile};
pub use error::Error;
pub use order::OrderHandle;
pub use probe::probe;
pub use salvage::salvage_journal;
pub use sinks::{LogSink, WebhookSink};

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A fresh client order id: time-ordered and unique.
#[must_use]
pub fn new_client_order_id() -> ClientOrderId {
    id(ClientOrderId::new(uuid::Uuid::now_v7().to_string()))
}

/// A fresh correlation id: time-ordered and unique.
#[must_use]
pub fn new_correlation_id() -> CorrelationId {
    id(CorrelationId::new(uuid::Uuid::now_v7().to_string()))
}

#[expect(clippy::expect_used, reason = "36 hex digits and dashes are always an id")]
fn id<T>(made: Result<T, alphec_model::IdError>) -> T {
    made.expect("a UUID is an id")
}

/// The examples of the first page, compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
