//! A TWS that is not there: a seeded venue and a thin server on the real wire protocol.

#![forbid(unsafe_code)]

mod client;
mod config;
pub mod desk;
pub mod faults;
mod gateway;
mod server;
pub mod venue;
pub mod wire;

pub use config::GatewayConfig;
pub use desk::{Counters, OrderTruth, Truth};
pub use faults::{Fault, FaultKind, FaultTextError, When};
pub use gateway::{Gateway, GatewayBuilder, GatewayError, GatewayHandle};
