//! What the engine needs of a journal, so that tests can put another one in.

use std::sync::Arc;

use alphec_model::{Record, Seq};
use serde::Serialize;

use crate::error::Error;
use crate::hash::Hash;

/// The last record: its number and the hash that stands for it and everything before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its number; 0 when there is none yet.
    pub seq: Seq,
    /// Its hash; [`Hash::GENESIS`] when there is none yet.
    pub hash: Hash,
}

impl Head {
    /// Of a journal without records.
    pub const EMPTY: Self = Self { seq: Seq::new(0), hash: Hash::GENESIS };
}

/// Proof that records are on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "nothing may leave the process before its record is durable"]
pub struct Durable {
    /// The last record that is durable.
    pub head: Head,
    /// How many of the records given were there already, byte for byte, from an earlier attempt.
    pub already: usize,
}

/// Somewhere records become durable.
pub trait Sink {
    /// Makes all records durable, or none, with one sync.
    ///
    /// After an error the same records may be given again: those that did become durable are
    /// recognised and counted in [`Durable::already`], not written twice.
    ///
    /// # Errors
    /// Whatever kept them from becoming durable; see [`Error::is_disk_full`] and [`Error::is_retryable`].
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, Error>;

    /// Does a bounded piece of housekeeping; call it when nothing is waiting.
    ///
    /// # Errors
    /// Of the storage. The records are safe; housekeeping is tried again next time.
    fn maintain(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The last durable record.
    fn head(&self) -> Head;
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, Error> {
        (**self).append(records)
    }

    fn maintain(&mut self) -> Result<(), Error> {
        (**self).maintain()
    }

    fn head(&self) -> Head {
        (**self).head()
    }
}
