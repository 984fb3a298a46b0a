//! The TWS adapter over crate ibapi; converts at the edge and nowhere else.
//!
//! It speaks the broker port of `alphec-model`: [`BrokerRequest`](alphec_model::BrokerRequest) in,
//! [`BrokerEvent`](alphec_model::BrokerEvent) out, over two bounded channels. It decides nothing about
//! orders: it writes what it is handed, or proves that it did not, and reports what the broker says.
//!
//! Invariants:
//! - A place or replace request leads to exactly one of: `Written`, `NotWritten`, or the `Disconnected`
//!   of its session (then it may have been sent).
//! - Order events are never dropped; quotes are coalesced, the latest wins.
//! - Nothing that ibapi or the broker sends can panic the process: it costs the connection.

#![forbid(unsafe_code)]

mod backoff;
mod config;
mod connect;
mod convert;
mod directory;
mod lanes;
mod notices;
mod pace;
mod port;
mod run;
mod session;

pub use config::{Clock, Config, Endpoint, Heartbeat, MarketData, MarketDataKind, Reconnect};
pub use notices::classify;
pub use run::{Ended, run};
