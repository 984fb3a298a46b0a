//! Verification: every record, the chain, the file below it and the schema above it.

use std::path::{Path, PathBuf};

use alphec_model::{Body, LogId, Seq, UtcNanos};
use serde::Serialize;

use crate::error::Error;
use crate::head_note::HeadNote;
use crate::reader::Reader;
use crate::schema;
use crate::sink::Head;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records checked.
    pub done: u64,
    /// Records to check.
    pub total: u64,
}

/// What was found to be in order.
///
/// A chain cannot show that its end was cut off on purpose. Keep `head` somewhere else (a report,
/// a mailbox, another host) and compare: a later journal must contain that number with that hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Which file.
    pub path: PathBuf,
    /// How many records.
    pub records: u64,
    /// The journal's name for life, when its first record gives it.
    pub log_id: Option<LogId>,
    /// When the first record was made.
    pub first_at: Option<UtcNanos>,
    /// When the last record was made.
    pub last_at: Option<UtcNanos>,
    /// The last record and the hash that stands for the whole.
    pub head: Head,
    /// Whether the note of the last write was there to compare with; without it an accidental loss
    /// of the newest records cannot be noticed.
    pub tail_checked: bool,
}

/// Records between two calls of `progress`.
const STEP: u64 = 1_000;

/// Checks the journal at `path`, also beside a live writer (then up to where it was at the start).
///
/// # Errors
/// The first thing that is wrong: [`Error::Corrupt`] names the record.
pub fn verify(path: impl AsRef<Path>, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let path = path.as_ref();
    // Before the database, as a live writer moves it on after each commit.
    let noted = HeadNote::read(path)?;
    let reader = Reader::open(path)?;
    let report = walk(&reader, noted, progress)?;
    reader.check_note(noted, report.head)?;
    check_database(&reader, report.head.seq)?;
    schema::check(&reader.conn, path)?;
    Ok(report)
}

fn walk(reader: &Reader, noted: Option<Head>, progress: &mut dyn FnMut(Progress)) -> Result<Report, Error> {
    let total = reader.last_seq()?.get();
    let mut report = Report {
        path: reader.path.clone(),
        records: 0,
        log_id: None,
        first_at: None,
        last_at: None,
        head: Head::EMPTY,
        tail_checked: noted.is_some(),
    };
    for stored in reader.records(Seq::new(1))? {
        let stored = stored?;
        if report.records == 0 {
            report.first_at = Some(stored.record.header.at);
        }
        if let Body::Opened { log_id, .. } = &stored.record.body {
            report.log_id.get_or_insert_with(|| log_id.clone());
        }
        report.last_at = Some(stored.record.header.at);
        report.head = stored.head();
        report.records = report.records.saturating_add(1);
        if report.records.is_multiple_of(STEP) {
            progress(Progress { done: report.records, total });
        }
        if report.records >= total {
            break;
        }
    }
    progress(Progress { done: report.records, total });
    Ok(report)
}

/// Asks SQLite whether pages, table and indexes agree: a query must not miss what the table has.
pub(crate) fn check_database(reader: &Reader, last: Seq) -> Result<(), Error> {
    let damaged = |what| Error::Damaged { path: reader.path.clone(), after: Some(last), what };
    let found: String = reader
        .conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| reader.failed(error))?;
    if found == "ok" { Ok(()) } else { Err(damaged(found)) }
}
