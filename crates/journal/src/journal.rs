//! The writer: one process, one journal, records added at the end.
//!
//! A small batch becomes durable in the front log and goes to the table later, all of them in one
//! commit: in a quiet moment, or when the log is full. What cannot wait there (a large batch, one
//! given again, anything the log is too damaged for) goes to the table at once, after what waits.

mod start;

pub(crate) use start::end_is_there;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alphec_model::{Record, Seq, UtcNanos};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::batch::Batch;
use crate::connect;
use crate::error::Error;
use crate::front::{self, Front};
use crate::front_view::{PLACES, insert_row};
use crate::hash::Hash;
use crate::head_note::HeadNote;
use crate::health::Health;
use crate::lock::{Holder, Lock, beside};
use crate::reader::{Reader, read_head};
use crate::row::{COLUMNS, column_of};
use crate::salvage;
use crate::schema;
use crate::sink::{Durable, Head, Sink};

/// Bytes of commits after which a quiet moment is used to copy the WAL into the main file.
const QUIET_COPY_AFTER: usize = 1 << 20;
/// What a commit writes beside the payloads: part of a page per table and index.
const COMMIT_OVERHEAD: usize = 8 << 10;

/// SQLite's own limit.
const PAGES_MAX: i64 = 4_294_967_294;

/// How to open a journal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The name other processes are told while this one has the journal.
    pub program: String,
    /// Now; they are told since when.
    pub since: UtcNanos,
    /// Refuse to grow beyond so many bytes, as if the disk were full.
    pub bytes_max: Option<u64>,
}

impl OpenOptions {
    /// For this program, from now on, without a limit of its own.
    #[must_use]
    pub fn new(program: impl Into<String>, since: UtcNanos) -> Self {
        Self { program: program.into(), since, bytes_max: None }
    }

    /// With a limit on the main file's size.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = Some(bytes);
        self
    }
}

/// A journal open for writing. Closes and lets go of its lock when dropped.
#[derive(Debug)]
pub struct Journal {
    // First, so that the database is closed before the lock goes.
    conn: Connection,
    path: PathBuf,
    /// The last record that is durable, here or there.
    head: Head,
    /// The last record of the table.
    stored: Head,
    /// Nothing once it has failed, or where there was no space for it: then everything goes to the
    /// table at once.
    front: Option<Front>,
    /// What is durable in the front log only.
    waiting: Batch,
    /// Bringing that to the table failed: nothing is taken on until it works.
    is_behind: bool,
    /// What a dead process left in the front log is known, so that the log may be emptied.
    is_recovered: bool,
    is_end_proven: bool,
    batch: Batch,
    /// Changes when somebody else writes to the file; nothing when that cannot be told any more.
    data_version: Option<i64>,
    note: HeadNote,
    uncopied: usize,
    owner: u32,
    options: OpenOptions,
    _lock: Lock,
}

impl Journal {
    /// Creates a journal and opens it.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Held`], or the storage's.
    pub fn create(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Error::io(parent, "creating", error))?;
        }
        let lock = Lock::take(path, &holder(&options))?;
        if path.exists() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        // A journal that was here and is gone is no reason to begin anew: its orders may be working.
        if let Some(noted) = HeadNote::read(path)?.filter(|noted| *noted != Head::EMPTY) {
            let (path, head) = (path.to_owned(), Head::EMPTY.seq);
            return Err(Error::TailLost { path, head, acknowledged: noted.seq });
        }
        if let Some(last) = front::last_written(path)? {
            let (path, what) = (path.to_owned(), "there is no journal beside it".to_owned());
            return Err(Error::StrayFront { path, last, what });
        }
        let wal = beside(path, "-wal");
        if std::fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
            return Err(Error::Leftover { path: path.to_owned(), file: wal });
        }
        connect::create(path)?;
        Self::open_locked(path, options, lock)
    }

    /// Opens an existing journal; its end is checked, the rest when it is read or verified.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotAJournal`], [`Error::Newer`], [`Error::Held`], those of
    /// [`Error::is_corrupt`], or the storage's.
    pub fn open(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let located = |error| salvage::locate(path, error);
        connect::must_exist(path).map_err(located)?;
        let lock = Lock::take(path, &holder(&options))?;
        Self::open_locked(path, options, lock).map_err(located)
    }

    /// Opens the journal, or creates it where there is none.
    ///
    /// # Errors
    /// As [`Journal::open`] and [`Journal::create`].
    pub fn open_or_create(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.exists() { Self::open(path, options) } else { Self::create(path, options) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a note of the last record was there when it was opened, or there was none to note: without one, records
    /// that are gone from the end would not be missed, a halt among them. It is noted again with the next append, so let
    /// that say what follows from it.
    #[must_use]
    pub const fn is_end_proven(&self) -> bool {
        self.is_end_proven
    }

    /// Opens it for reading too, to replay it for instance.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open(&self.path)
    }

    /// Its size and end.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn health(&self) -> Result<Health, Error> {
        self.reader()?.health()
    }

    /// Changes the limit on the main file's size; `None` lifts it.
    ///
    /// # Errors
    /// The storage's.
    pub fn set_bytes_max(&mut self, bytes: Option<u64>) -> Result<(), Error> {
        limit(&self.conn, bytes).map_err(|error| Error::sql(&self.path, "limiting", error))?;
        self.options.bytes_max = bytes;
        Ok(())
    }

    /// Brings everything into the main file and closes it: one file and its note are left.
    ///
    /// Dropping does the same, but cannot say when it fails; no record is lost then either.
    ///
    /// # Errors
    /// The storage's.
    pub fn close(mut self) -> Result<Head, Error> {
        self.put_away()?;
        Ok(self.head)
    }

    fn open_locked(path: &Path, options: OpenOptions, lock: Lock) -> Result<Self, Error> {
        // Before the database is touched, as it may not be ahead of it.
        let noted = HeadNote::read(path)?;
        start::look_before_writing(path, noted)?;
        let conn = connect_limited(path, &options)?;
        schema::check(&conn, path)?;
        let data_version = data_version(&conn).map_err(|error| Error::sql(path, "opening", error))?;
        let stored = read_head(&conn, path, "record")?;
        let note = HeadNote::open(path).map_err(|error| Error::io(path, "opening the note of", error))?;
        let mut journal = Self {
            conn,
            path: path.to_owned(),
            head: stored,
            stored,
            front: None,
            waiting: Batch::default(),
            is_behind: false,
            is_recovered: false,
            is_end_proven: false,
            batch: Batch::default(),
            data_version: Some(data_version),
            note,
            uncopied: 0,
            owner: std::process::id(),
            options,
            _lock: lock,
        };
        journal.check_end(noted)?;
        journal.is_recovered = true;
        journal.prepare_front();
        journal.is_end_proven = noted.is_some() || journal.head == Head::EMPTY;
        if journal.is_end_proven {
            journal.note.write(journal.head);
        }
        if noted.is_none()
            && let Err(error) = journal.note.sync()
        {
            tracing::warn!(path = %path.display(), %error, "the note of the journal's head may not outlast a power cut");
        }
        Ok(journal)
    }

    fn remove_front(&self) {
        if let Err(error) = front::remove(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the front log; it holds nothing new");
        }
    }

    /// A forked child shares the lock and the file offsets: two writers would follow.
    fn check_owner(&self) -> Result<(), Error> {
        let pid = std::process::id();
        if pid == self.owner {
            return Ok(());
        }
        Err(Error::Forked { path: self.path.clone(), owner: self.owner, pid })
    }

    /// Everything to the table, and the front log away.
    fn put_away(&mut self) -> Result<(), Error> {
        self.check_owner()?;
        self.drain()?;
        self.front = None;
        self.remove_front();
        Ok(())
    }

    /// Brings what waits in the front log to the table, and empties the log.
    fn drain(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let stored = self.store(&waiting);
        self.is_behind = stored.is_err();
        if stored.is_ok() {
            waiting.clear();
            if let Some(front) = &mut self.front {
                front.reset();
            }
        }
        self.waiting = waiting;
        stored.map(drop)
    }

    /// Whether the batch can be durable before the table has it.
    fn may_wait(&self) -> bool {
        // A file that somebody else wrote to is looked at before anything is acknowledged.
        let is_alone = || data_version(&self.conn).is_ok_and(|now| Some(now) == self.data_version);
        Front::fits(&self.batch) && self.batch.first() == Some(self.head.seq.next()) && is_alone()
    }

    /// The batch into the front log; nothing when the log cannot take it, now or ever again.
    fn put_in_front(&mut self) -> Result<Option<Head>, Error> {
        if self.front.as_ref().is_some_and(|front| !front.has_room(&self.batch)) {
            self.drain()?;
        }
        let Some(front) = self.front.as_mut().filter(|front| front.has_room(&self.batch)) else {
            return Ok(None);
        };
        match front.push(self.head, &self.batch) {
            Ok(head) => {
                self.waiting.take_in(&mut self.batch);
                Ok(Some(head))
            }
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the front log failed: each batch waits for the table");
                self.front = None;
                Ok(None)
            }
        }
    }

    /// The batch into the table, after what waits; how much of it was there.
    fn put_in_table(&mut self) -> Result<(Head, usize), Error> {
        self.drain()?;
        let batch = std::mem::take(&mut self.batch);
        let stored = self.store(&batch);
        self.batch = batch;
        stored
    }

    /// Adds the batch to the table, durably, or nothing of it.
    fn store(&mut self, batch: &Batch) -> Result<(Head, usize), Error> {
        // A transaction left open by a failed rollback is settled before anything else.
        self.roll_back()?;
        match self.transact(batch) {
            Ok((head, already)) => {
                // When it cannot be told, the next batch goes to the table too.
                self.data_version = data_version(&self.conn).ok();
                self.stored = head;
                self.uncopied = self.uncopied.saturating_add(batch.bytes().saturating_add(COMMIT_OVERHEAD));
                Ok((head, already))
            }
            Err(error) => {
                if let Err(after) = self.roll_back() {
                    tracing::error!(error = %after, "cannot roll back; tried again at the next append");
                }
                Err(error)
            }
        }
    }

    /// Adds the batch in one transaction; returns the new head and how many were there.
    fn transact(&self, batch: &Batch) -> Result<(Head, usize), Error> {
        let failed = |error| Error::sql(&self.path, "writing", error);
        self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut sql| sql.execute([])).map_err(failed)?;
        let found = read_head(&self.conn, &self.path, "record")?;
        let already = self.match_existing(batch, found)?;
        let mut head = found;
        let mut insert =
            self.conn.prepare_cached(&format!("INSERT INTO record ({COLUMNS}) {PLACES}")).map_err(failed)?;
        for (record, payload) in batch.entries().skip(already) {
            let hash = Hash::of(&head.hash, payload);
            insert_row(&mut insert, record, payload, &head.hash, &hash).map_err(failed)?;
            head = Head { seq: record.header.seq, hash };
        }
        self.conn.prepare_cached("COMMIT").and_then(|mut sql| sql.execute([])).map_err(failed)?;
        Ok((head, already))
    }

    /// How many of the records are stored already; an error unless the rest continues the journal.
    fn match_existing(&self, batch: &Batch, found: Head) -> Result<usize, Error> {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(0) };
        if found.seq < self.stored.seq {
            let (path, head) = (self.path.clone(), found.seq);
            return Err(Error::TailLost { path, head, acknowledged: self.stored.seq });
        }
        if found.seq == self.stored.seq && found.hash != self.stored.hash {
            let what = "its hash changed since it was written".to_owned();
            return Err(Error::Corrupt { path: self.path.clone(), seq: found.seq, what });
        }
        // More in the file than was acknowledged: only an attempt that failed after it had
        // persisted explains that, and then the records given now are the same again.
        let explained =
            found.seq == self.stored.seq || (first <= self.stored.seq.next() && last >= found.seq);
        if first > found.seq.next() || !explained {
            let expected = found.seq.next();
            return Err(Error::OutOfSequence { path: self.path.clone(), expected, found: first });
        }
        let mut already = 0_usize;
        for (record, payload) in batch.entries() {
            if record.header.seq > found.seq {
                break;
            }
            self.match_stored(record.header.seq, payload)?;
            already = already.saturating_add(1);
        }
        Ok(already)
    }

    fn match_stored(&self, seq: Seq, payload: &[u8]) -> Result<(), Error> {
        let same = self
            .conn
            .prepare_cached("SELECT payload FROM record WHERE seq = ?1")
            .and_then(|mut sql| {
                sql.query_row([column_of(seq)], |row| Ok(row.get_ref(0)? == ValueRef::Text(payload)))
            })
            .map_err(|error| Error::sql(&self.path, "reading", error))?;
        if same { Ok(()) } else { Err(Error::Conflict { path: self.path.clone(), seq }) }
    }

    /// Back to no transaction, with a new connection if this one cannot.
    fn roll_back(&mut self) -> Result<(), Error> {
        if self.conn.is_autocommit() || self.conn.execute_batch("ROLLBACK").is_ok() {
            return Ok(());
        }
        self.data_version = None;
        self.conn = connect_limited(&self.path, &self.options)?;
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // In a forked child it is the parent's; and what is not known is not touched.
        if self.check_owner().is_err() || !self.is_recovered {
            return;
        }
        if let Err(error) = self.put_away() {
            tracing::error!(path = %self.path.display(), %error, "records stay in the front log until the journal is opened again");
        }
    }
}

impl Sink for Journal {
    fn append(&mut self, records: &[Arc<Record>]) -> Result<Durable, Error> {
        self.check_owner()?;
        if records.is_empty() {
            return Ok(Durable { head: self.head, already: 0 });
        }
        self.batch.encode(&self.path, records)?;
        if self.is_behind {
            self.drain()?;
        }
        let in_front = if self.may_wait() { self.put_in_front()? } else { None };
        let (head, already) = match in_front {
            Some(head) => (head, 0),
            None => self.put_in_table()?,
        };
        self.head = head;
        self.note.write(head);
        Ok(Durable { head, already })
    }

    fn maintain(&mut self) -> Result<(), Error> {
        self.check_owner()?;
        if !self.waiting.is_empty() {
            return self.drain();
        }
        if self.uncopied < QUIET_COPY_AFTER {
            return Ok(());
        }
        let copied = connect::copy_wal(&self.conn, "PASSIVE");
        // When somebody else is copying it, that will do.
        if copied.map_err(|error| Error::sql(&self.path, "copying the log of", error))? {
            self.uncopied = 0;
        }
        Ok(())
    }

    fn head(&self) -> Head {
        self.head
    }
}

fn connect_limited(path: &Path, options: &OpenOptions) -> Result<Connection, Error> {
    let conn = connect::writer(path)?;
    limit(&conn, options.bytes_max).map_err(|error| Error::sql(path, "limiting", error))?;
    Ok(conn)
}

fn limit(conn: &Connection, bytes: Option<u64>) -> rusqlite::Result<()> {
    let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = bytes.map_or(PAGES_MAX, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1));
    conn.pragma_update_and_check(None, "max_page_count", pages.clamp(1, PAGES_MAX), |_| Ok(()))
}

pub(crate) fn holder(options: &OpenOptions) -> Holder {
    Holder { pid: std::process::id(), program: options.program.clone(), since: options.since }
}

/// A number that changes when another connection has written to the file.
fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
