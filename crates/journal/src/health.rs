//! How a journal is doing, for `doctor` and monitoring.

use std::fs;
use std::path::{Path, PathBuf};

use alphec_model::UtcNanos;
use serde::Serialize;

use crate::lock::beside;
use crate::row::Stored;
use crate::sink::Head;

/// Sizes and end of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Which file.
    pub path: PathBuf,
    /// How many records (they are numbered without a gap).
    pub records: u64,
    /// Size of the main file.
    pub bytes: u64,
    /// Size of the write-ahead log; a few megabytes of it are kept ready while a writer is open.
    pub wal_bytes: u64,
    /// Space left for the owner of this process on the journal's disk, when it can be told.
    pub free_bytes: Option<u64>,
    /// The last record.
    pub head: Head,
    /// When the last record was made.
    pub head_at: Option<UtcNanos>,
}

impl Health {
    pub(crate) fn of(path: &Path, last: Option<&Stored>) -> Self {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let head = last.map_or(Head::EMPTY, Stored::head);
        Self {
            path: path.to_owned(),
            records: head.seq.get(),
            bytes: size(path),
            wal_bytes: size(&beside(path, "-wal")),
            free_bytes: fs4::available_space(path).ok(),
            head,
            head_at: last.map(|stored| stored.record.header.at),
        }
    }
}
