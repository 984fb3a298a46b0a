//! What can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use alphec_model::Seq;

use crate::lock::Holder;

/// A journal that cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("there is no journal at {}; check the path, or start an engine there to create it", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Creating it would replace something.
    #[error("{} exists already; open it, or choose another path", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Where it would begin lies what only a journal leaves.
    #[error(
        "{} is what is left of a journal that was at {}: put the journal back that it belongs to, or settle with the \
         broker's books and then move it away",
        file.display(), path.display()
    )]
    Leftover {
        /// Where it would begin.
        path: PathBuf,
        /// What lies there.
        file: PathBuf,
    },
    /// The file is something else.
    #[error(
        "{} is not a journal ({what}); check the path, or, where a journal was, restore a good copy or see what can be \
         kept with `alphec-exec audit salvage`",
        path.display()
    )]
    NotAJournal {
        /// Which file.
        path: PathBuf,
        /// What it seems to be.
        what: String,
    },
    /// The file was written by a later version of this program.
    #[error(
        "journal {} has format {found}, this program knows {known}; use the newer program that wrote it",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Another engine has it.
    #[error(
        "journal {} is in use by {}; stop that process first, or give this one its own journal",
        path.display(),
        holder.as_deref().map_or_else(|| "another process".to_owned(), Holder::to_string)
    )]
    Held {
        /// Which file.
        path: PathBuf,
        /// Who, when it said so.
        holder: Option<Box<Holder>>,
    },
    /// The process forked; the child has no right to the parent's journal.
    #[error("journal {} belongs to process {owner}, not to its fork {pid}; open nothing before forking", path.display())]
    Forked {
        /// Which file.
        path: PathBuf,
        /// Who opened it.
        owner: u32,
        /// Who used it.
        pid: u32,
    },
    /// The numbers do not continue the journal.
    #[error("record {found} was given where {expected} comes next in {}; replay the journal and start again from its head", path.display())]
    OutOfSequence {
        /// Which file.
        path: PathBuf,
        /// What comes next.
        expected: Seq,
        /// What was given.
        found: Seq,
    },
    /// A different record stands under this number already.
    #[error("record {seq} in {} already says something else; replay the journal and start again from its head", path.display())]
    Conflict {
        /// Which file.
        path: PathBuf,
        /// Which number.
        seq: Seq,
    },
    /// A record cannot be written down.
    #[error("record {seq} cannot be stored ({what}); this is a defect, please report it")]
    Unstorable {
        /// Which.
        seq: Seq,
        /// Why.
        what: String,
    },
    /// No space left.
    #[error("no space left while {doing} {}; free space on its disk: no record was lost, none was added", path.display())]
    DiskFull {
        /// Which file.
        path: PathBuf,
        /// Doing what.
        doing: &'static str,
        /// As reported.
        source: StorageError,
    },
    /// Another program holds a database lock.
    #[error("another program has locked {} while {doing}; close database tools that have it open", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
        /// Doing what.
        doing: &'static str,
        /// As reported.
        source: StorageError,
    },
    /// The storage failed.
    #[error("storage failed while {doing} {}; check the disk and the system log, then run `alphec-exec audit verify`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Doing what.
        doing: &'static str,
        /// As reported.
        source: StorageError,
    },
    /// The database file itself is damaged.
    #[error(
        "the file {} is damaged {}: {what}; keep it, trade nothing until settled: {}",
        path.display(),
        match after {
            Some(seq) => format!("from record {} on", seq.next()),
            None => "and no record in it can be read".to_owned(),
        },
        match after {
            Some(_) => "restore a good copy, or see what can be kept with `alphec-exec audit salvage`",
            None => "restore a good copy, or begin anew beyond it with `alphec-exec audit salvage`",
        }
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The last record that could be read, if any was.
        after: Option<Seq>,
        /// What SQLite found.
        what: String,
    },
    /// A record is not what was written.
    #[error(
        "record {seq} in {} is not as it was written: {what}; keep the file, trade nothing until settled: restore a good copy, or see what can be kept with `alphec-exec audit salvage`",
        path.display()
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// The first bad record.
        seq: Seq,
        /// What is wrong with it.
        what: String,
    },
    /// Records that were durable are gone from the end, or the whole journal is.
    #[error(
        "{} ends at record {head}, but record {acknowledged} had been written: record {} is missing; restore it and what follows from a copy (with its -wal and .front files), or see what can be kept with `alphec-exec audit salvage`",
        path.display(), head.next()
    )]
    TailLost {
        /// Which file.
        path: PathBuf,
        /// The last record found.
        head: Seq,
        /// The last record known to have been written.
        acknowledged: Seq,
    },
    /// A front log is here that does not continue the journal.
    #[error(
        "{}.front ends at record {last} and does not belong to the journal ({what}): put the journal back that it belongs to (with its -wal file), or see what can be kept without it with `alphec-exec audit salvage`",
        path.display()
    )]
    StrayFront {
        /// Of which journal.
        path: PathBuf,
        /// The last record in it.
        last: Seq,
        /// Why it is not this journal's.
        what: String,
    },
    /// The hash is right, but the payload is not understood.
    #[error("record {seq} in {} is intact but not understood ({what}); use the newer program that wrote it", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Which record.
        seq: Seq,
        /// What is not understood.
        what: String,
    },
    /// The tables, indexes or triggers are not as created.
    #[error("the schema of {} was altered ({what}); someone edited the file: restore a good copy, or see what can be kept with `alphec-exec audit salvage`", path.display())]
    SchemaAltered {
        /// Which file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Records wait in the WAL, and SQLite cannot make its index file beside it to read them.
    #[error("{} cannot be read where nothing can be written; copy it with its -wal and .front files to a writable directory", path.display())]
    NeedsWritablePlace {
        /// Which file.
        path: PathBuf,
        /// As reported.
        source: StorageError,
    },
    /// There is nothing to salvage.
    #[error("{} is as it was written; there is nothing to salvage", path.display())]
    Sound {
        /// Which file.
        path: PathBuf,
    },
    /// The linked SQLite has a bug that can corrupt the journal.
    #[error(
        "SQLite {found} is linked; {needed} or newer is needed (older ones can corrupt the journal): build with the bundled one"
    )]
    SqliteTooOld {
        /// Which is linked.
        found: &'static str,
        /// Which is needed.
        needed: &'static str,
    },
    /// Writing an export failed on the receiving side.
    #[error("the export could not be written; check the destination")]
    Export {
        /// As reported.
        source: io::Error,
    },
}

/// A failure below this crate, as reported there.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StorageError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        Self(error.into())
    }
}

impl StorageError {
    pub(crate) fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        match &self.0 {
            Cause::Sqlite(error) => error.sqlite_error_code(),
            Cause::Io(_) => None,
        }
    }
}

impl Error {
    /// Whether freeing space is the cure.
    #[must_use]
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// Whether giving the same records again, unchanged, may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Busy { .. } | Self::Io { .. })
    }

    /// Whether the journal as stored cannot be trusted or read: nothing may trade on it.
    #[must_use]
    pub const fn is_corrupt(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Corrupt { .. }
                | Self::TailLost { .. }
                | Self::StrayFront { .. }
                | Self::Leftover { .. }
                | Self::SchemaAltered { .. }
        )
    }

    /// Whether another process has the journal.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// From a failed file operation.
    pub(crate) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        let (path, full) = (path.to_owned(), source.kind() == io::ErrorKind::StorageFull);
        let source = StorageError::from(source);
        if full { Self::DiskFull { path, doing, source } } else { Self::Io { path, doing, source } }
    }

    /// From a failed SQLite operation.
    pub(crate) fn sql(path: &Path, doing: &'static str, error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        // Growing the shared index of the WAL fails under another name when the disk is full.
        let is = |code| error.sqlite_error().is_some_and(|error| error.extended_code == code);
        let index_full = is(rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        // The file ends before a page that it should have.
        let is_cut = is(rusqlite::ffi::SQLITE_IOERR_SHORT_READ);
        let code = error.sqlite_error_code();
        let what = error.to_string();
        let source = StorageError(error.into());
        match code {
            Some(Code::DiskFull) => Self::DiskFull { path, doing, source },
            _ if index_full => Self::DiskFull { path, doing, source },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy { path, doing, source },
            Some(Code::NotADatabase) => Self::NotAJournal { path, what },
            Some(Code::DatabaseCorrupt) => Self::Damaged { path, after: None, what },
            // Every statement here fits the schema as created: what is missing was cut off.
            _ if what.starts_with("no such table") => Self::Damaged { path, after: None, what },
            _ if is_cut => Self::Damaged { path, after: None, what: "it ends within a page".to_owned() },
            _ => Self::Io { path, doing, source },
        }
    }
}
