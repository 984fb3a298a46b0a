//! The wire: framing, and one module per dialect. A dialect turns frames into [`Request`]s and [`Reply`]s
//! into frames; nothing outside this folder knows field numbers. Today there is one dialect, protobuf, as
//! spoken from server version 213 on; a text dialect would sit beside `proto` and share the two enums.

mod echo;
pub mod frame;
pub mod layout;
mod number;
mod proto;
mod reply;
mod request;
mod stamp;

pub use frame::FrameError;
pub use layout::{Contract, Order};
pub use proto::{decode, encode};
pub use reply::{PortfolioLine, Reply};
pub use request::{ExecutionFilter, MarketDataRequest, PlaceOrder, Request, SummaryRequest};
pub use stamp::{civil_date, format_stamp, parse_stamp};

pub(crate) use number::{decimal_from_double, decimal_from_text};

/// Oldest server version this gateway speaks: from here on every message is protobuf.
pub const OLDEST_SERVER_VERSION: i32 = 213;

/// Newest server version this gateway speaks.
pub const NEWEST_SERVER_VERSION: i32 = 226;
