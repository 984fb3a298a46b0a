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
//!
//! Limits, and what happens at each:
//!
//! | what | limit | reaction |
//! |---|---|---|
//! | orders that wait to be written | 20,000 | `NotWritten` |
//! | cancels that wait to be written | 10,000 | `NotWritten` |
//! | snapshots that wait | 4 | `SnapshotFailed` |
//! | events that the caller has not read | 4,096 | the broker is not read; ibapi then reports a lag: `Gap` |
//! | the same, while requests keep coming | 16,384 | requests are not taken |
//! | reports of background tasks | 1,024 | the tasks wait, quotes lag |
//! | order messages before the handshake is done | 20,000 | `Gap` |
//! | breaks of the order stream in a session | 32 | the session ends |
//! | raw text of an undecodable message | 16 KiB | cut |

#![forbid(unsafe_code)]

mod backoff;
#[cfg(feature = "simulation")]
pub mod by_hand;
mod config;
mod connect;
mod convert;
mod directory;
mod lanes;
mod notices;
mod pace;
mod port;
mod probe;
mod run;
mod session;

pub use config::{Clock, Config, Endpoint, Heartbeat, MarketData, MarketDataKind, Reconnect};
pub use notices::classify;
pub use probe::{ClockOffset, Probe, ProbeError, probe};
pub use run::{Ended, run};
