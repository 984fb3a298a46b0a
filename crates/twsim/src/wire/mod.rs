//! The wire: framing, and one module per dialect. A dialect turns frames into [`Request`]s and [`Reply`]s
//! into frames; nothing outside this folder knows field numbers or field orders. `text` is spoken by server
//! versions up to 212, `proto` from 201 on, and in between `catalog` says which message is in which. What both
//! share are the two enums, and [`layout`] for what has contracts and orders in it.

mod catalog;
mod describe;
mod dialect;
mod echo;
pub mod frame;
pub mod layout;
mod number;
mod proto;
mod reply;
mod request;
mod stamp;
mod text;

pub use dialect::{decode, encode};
pub use frame::FrameError;
pub use layout::{ComboLeg, Contract, Order};
pub use reply::{Bar, DepthRow, History, NO_ID, OptionChain, PortfolioLine, Reply, SinglePnL};
pub use request::{
    DepthRequest, ExecutionFilter, HistoryRequest, LiveBarsRequest, MarketDataRequest, MultiRequest,
    OptionChainRequest, PlaceOrder, Request, SummaryRequest,
};
pub use stamp::{
    civil_date, format_instant, format_stamp, format_stamp_in, lacks_zone, parse_instant, parse_stamp,
};
pub use text::FieldProblem;

pub(crate) use catalog::BINARY_ID;
pub(crate) use describe::{Described, describe_reply, describe_request, text_fields};
pub(crate) use echo::{action as side_word, order_type, tif as tif_word};
pub(crate) use number::{decimal_from_double, decimal_from_text};

/// Oldest server version this gateway speaks. Whatever is younger in the clients still in use begins here.
pub const OLDEST_SERVER_VERSION: i32 = 157;

/// Newest server version this gateway speaks.
pub const NEWEST_SERVER_VERSION: i32 = 226;
