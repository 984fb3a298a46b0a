//! The record: an append-only SQLite file with a hash chain, verify, queries and replay.
//!
//! Blocking on purpose; the engine gives it a thread. It decides nothing and reads no clock: what
//! a record says and when it happened come from the caller. There is no way to change or delete a
//! record, in code or (short of editing the schema, which [`verify()`] reports) in the file: records
//! must be kept for at least seven years, so disposal is an act outside this crate, on whole files.
//!
//! Invariant: when [`Sink::append`] returns [`Durable`], every record of the call is on stable
//! storage, numbered without a gap, and hashed onto all records before it. `FORMAT.md` describes
//! the file for a reader who does not have this program.
#![cfg_attr(not(feature = "faulty-disk"), forbid(unsafe_code))]
#![deny(
    missing_docs,
    clippy::float_arithmetic,
    clippy::iter_over_hash_type,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic
)]

mod batch;
mod connect;
mod disk;
mod emergency;
mod error;
mod export;
#[cfg(feature = "faulty-disk")]
pub mod faulty;
mod filter;
mod front;
mod front_view;
mod hash;
mod head_note;
mod health;
mod journal;
mod lock;
mod reader;
mod replay;
mod row;
mod salvage;
mod schema;
mod sink;
mod sync;
pub mod testing;
mod verify;

pub use emergency::{EmergencyFile, EmergencyStore, Left};
pub use error::{Error, StorageError};
pub use export::Exported;
pub use filter::Filter;
pub use hash::Hash;
pub use health::Health;
pub use journal::{Journal, OpenOptions};
pub use lock::Holder;
pub use reader::{Reader, Records};
pub use replay::Replay;
pub use row::Stored;
pub use salvage::{Salvage, Salvaged, Survey, survey, unfinished};
pub use schema::FORMAT_VERSION;
pub use sink::{Durable, Head, Sink};
pub use sync::{SyncLatency, measure_sync, measure_sync_of};
pub use verify::{Progress, Report, verify};
