//! Sinks for tests: one in memory, and one that fails on purpose.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alphec_model::Record;

use crate::error::Error;
use crate::hash::Hash;
use crate::sink::{Durable, Head, Sink};

/// Keeps records in memory, with the same rules and hashes as a journal.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    records: Vec<Arc<Record>>,
    hashes: Vec<Hash>,
}

impl MemorySink {
    /// Everything appended so far.
    #[must_use]
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }
}

impl Sink for MemorySink {
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, Error> {
        let (mut more, mut hashes, mut already) = (Vec::new(), Vec::new(), 0_usize);
        let mut head = self.head();
        for record in records {
            let seq = record.header.seq;
            if seq <= self.head().seq {
                let index = usize::try_from(seq.get()).unwrap_or(usize::MAX).wrapping_sub(1);
                if self.records.get(index) != Some(record) {
                    return Err(Error::Conflict { path: memory(), seq });
                }
                already = already.saturating_add(1);
                continue;
            }
            if seq != head.seq.next() {
                return Err(Error::OutOfSequence { path: memory(), expected: head.seq.next(), found: seq });
            }
            let payload = serde_json::to_vec(&**record)
                .map_err(|error| Error::Unstorable { seq, what: error.to_string() })?;
            head = Head { seq, hash: Hash::of(&head.hash, &payload) };
            more.push(Arc::clone(record));
            hashes.push(head.hash);
        }
        self.records.append(&mut more);
        self.hashes.append(&mut hashes);
        Ok(Durable { head, already })
    }

    fn head(&self) -> Head {
        match (self.records.last(), self.hashes.last()) {
            (Some(record), Some(hash)) => Head { seq: record.header.seq, hash: *hash },
            _ => Head::EMPTY,
        }
    }
}

/// When a failure strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was written.
    BeforePersisting,
    /// All was written, but the caller is told it failed.
    AfterPersisting,
}

/// As what a failure shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No space left.
    DiskFull,
    /// The device failed.
    Io,
}

/// Passes everything on, except for chosen appends.
#[derive(Debug)]
pub struct FailingSink<S> {
    inner: S,
    appends: u64,
    plan: Vec<Planned>,
}

#[derive(Debug, Clone, Copy)]
struct Planned {
    first: u64,
    last: u64,
    when: When,
    failure: Failure,
}

impl<S: Sink> FailingSink<S> {
    /// Around `inner`, failing nothing yet.
    pub const fn new(inner: S) -> Self {
        Self { inner, appends: 0, plan: Vec::new() }
    }

    /// Fails the `nth` append, counted from 1.
    #[must_use]
    pub fn fail_nth(self, nth: u64, when: When, failure: Failure) -> Self {
        self.fail_range(nth, nth, when, failure)
    }

    /// Fails every append from the `first` to the `last`, counted from 1.
    #[must_use]
    pub fn fail_range(mut self, first: u64, last: u64, when: When, failure: Failure) -> Self {
        self.plan.push(Planned { first, last, when, failure });
        self
    }

    /// What is wrapped.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Gives back what is wrapped.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Sink> Sink for FailingSink<S> {
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, Error> {
        self.appends = self.appends.saturating_add(1);
        let nth = self.appends;
        let Some(planned) =
            self.plan.iter().find(|planned| (planned.first..=planned.last).contains(&nth)).copied()
        else {
            return self.inner.append(records);
        };
        if planned.when == When::AfterPersisting {
            let _unreported = self.inner.append(records)?;
        }
        Err(planned.failure.error())
    }

    fn maintain(&mut self) -> Result<(), Error> {
        self.inner.maintain()
    }

    fn head(&self) -> Head {
        self.inner.head()
    }
}

impl Failure {
    fn error(self) -> Error {
        let kind = match self {
            Self::DiskFull => io::ErrorKind::StorageFull,
            Self::Io => io::ErrorKind::Other,
        };
        Error::io(Path::new("test"), "writing", io::Error::new(kind, "made to fail by a test"))
    }
}

fn memory() -> PathBuf {
    PathBuf::from("memory")
}
