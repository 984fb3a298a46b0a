//! A TWS that is not there: a seeded venue and a thin server on the real wire protocol.
//!
//! Two layers. [`venue`] is an exchange and a broker without I/O: same seed and same input, same output, for
//! millions of orders in a simulation. [`Gateway`] puts sessions, faults and a socket around it, so that any
//! TWS client (server versions 157 to 226, text and protobuf) can trade against it.
//!
//! ```
//! # async fn example() -> Result<(), alphec_twsim::GatewayError> {
//! use alphec_twsim::Gateway;
//!
//! let gateway = Gateway::builder().account("DU1234567").seed(7).listen("127.0.0.1:0").start().await?;
//! println!("listening on {}", gateway.addr());
//! gateway.set_price("AAPL", "231.50".parse().unwrap());
//! gateway.inject("drop-after-accept@3".parse().unwrap());
//! assert!(gateway.truth().executions.is_empty());
//! gateway.stop().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! The way of a message: `server` reads bytes, [`desk::Desk`] cuts them into frames by session, [`wire`]
//! turns a frame into a request, the desk asks the fault plan, then the venue; what the venue says goes to
//! the sessions that should hear it, through [`wire`] again, and leaves in one write.
//!
//! What differs from the broker, on purpose: an instrument without a [`Calendar`](venue::Calendar) never
//! closes and its day ends at midnight UTC; auctions fill everything at the last price; orders do not take
//! liquidity from each other; stops watch the opposite touch; children grow in step with their parent's fills;
//! market data is always live; margins are plain rules by product; no client's order is shown in the market,
//! so hidden ones are like the others; order types beyond market, limit, stop, if-touched, market-to-limit,
//! on-close and trailing stop are refused.

#![forbid(unsafe_code)]

pub mod action;
mod books;
mod client;
mod config;
mod control;
pub mod desk;
pub mod faults;
mod gateway;
mod latency;
pub mod prices;
mod record;
pub mod scenario;
mod server;
pub mod venue;
pub mod wire;

pub use action::{Action, ActionError};
pub use config::{Clock, GatewayConfig, Limits};
pub use desk::{Counters, OrderTruth, Truth};
pub use faults::{Fault, FaultTextError, Knob, When};
pub use gateway::{Gateway, GatewayBuilder, GatewayError, GatewayHandle};
pub use latency::{Latency, LatencyTextError, Travel};
pub use scenario::{Scenario, ScenarioError};

/// The examples of the page for users, compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/simulator.md")]
struct Page;
