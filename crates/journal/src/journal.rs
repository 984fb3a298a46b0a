//! The writer: one process, one journal, records added at the end.

use std::path::{Path, PathBuf};

use alphec_model::{Record, Seq, UtcNanos};
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::connect;
use crate::error::Error;
use crate::hash::Hash;
use crate::head_note::HeadNote;
use crate::health::Health;
use crate::lock::{Holder, Lock};
use crate::reader::{Reader, read_head};
use crate::row::{self, column_of};
use crate::salvage;
use crate::schema;
use crate::sink::{Durable, Head, Sink};

/// The longest payload; a broker's longest list is far below.
const PAYLOAD_BYTES_MAX: usize = 16 << 20;
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
    head: Head,
    note: HeadNote,
    encoder: Encoder,
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
        if let Some(noted) = HeadNote::read(path).filter(|noted| *noted != Head::EMPTY) {
            let (path, head) = (path.to_owned(), Head::EMPTY.seq);
            return Err(Error::TailLost { path, head, acknowledged: noted.seq });
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
        connect::must_exist(path)?;
        let lock = Lock::take(path, &holder(&options))?;
        Self::open_locked(path, options, lock).map_err(|error| salvage::locate(path, error))
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

    /// Copies what is in the WAL into the main file and closes it: one file is left.
    ///
    /// Dropping does the same, but cannot say when it fails; no record is lost then either.
    ///
    /// # Errors
    /// The storage's.
    pub fn close(self) -> Result<Head, Error> {
        let Self { conn, path, head, .. } = self;
        conn.close().map_err(|(_, error)| Error::sql(&path, "closing", error))?;
        Ok(head)
    }

    fn open_locked(path: &Path, options: OpenOptions, lock: Lock) -> Result<Self, Error> {
        // Before the database is touched, as it may not be ahead of it.
        let noted = HeadNote::read(path);
        let conn = connect_limited(path, &options)?;
        schema::check(&conn, path)?;
        let reader = Reader::open(path)?;
        let head = reader.head()?;
        reader.check_note(noted, head)?;
        let mut note = HeadNote::open(path).map_err(|error| Error::io(path, "opening the note of", error))?;
        if noted.is_none() && head != Head::EMPTY {
            tracing::warn!(path = %path.display(), "no note of the journal's head: a lost tail would go unnoticed once");
        }
        note.write(head);
        let (path, owner) = (path.to_owned(), std::process::id());
        Ok(Self {
            conn,
            path,
            head,
            note,
            encoder: Encoder::default(),
            uncopied: 0,
            owner,
            options,
            _lock: lock,
        })
    }

    /// A forked child shares the lock and the file offsets: two writers would follow.
    fn check_owner(&self) -> Result<(), Error> {
        let pid = std::process::id();
        if pid == self.owner {
            return Ok(());
        }
        Err(Error::Forked { path: self.path.clone(), owner: self.owner, pid })
    }

    /// Adds what is encoded in one transaction; returns the new head and how many were there.
    fn transact(&self, records: &[Record]) -> Result<(Head, usize), Error> {
        let failed = |error| Error::sql(&self.path, "writing", error);
        self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut sql| sql.execute([])).map_err(failed)?;
        let found = read_head(&self.conn, &self.path)?;
        let already = self.match_existing(records, found)?;
        let mut head = found;
        let mut insert = self.conn.prepare_cached(INSERT).map_err(failed)?;
        for (record, payload) in records.iter().zip(self.encoder.payloads()).skip(already) {
            let hash = Hash::of(&head.hash, payload);
            let rest = [ValueRef::Text(payload), blob(&head.hash), blob(&hash)];
            for (index, value) in row::derived(record).into_iter().chain(rest).enumerate() {
                let place = index.saturating_add(1);
                insert.raw_bind_parameter(place, ToSqlOutput::Borrowed(value)).map_err(failed)?;
            }
            insert.raw_execute().map_err(failed)?;
            head = Head { seq: record.header.seq, hash };
        }
        self.conn.prepare_cached("COMMIT").and_then(|mut sql| sql.execute([])).map_err(failed)?;
        Ok((head, already))
    }

    /// How many of the records are stored already; an error unless the rest continues the journal.
    fn match_existing(&self, records: &[Record], found: Head) -> Result<usize, Error> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(0) };
        let (first, last) = (first.header.seq, last.header.seq);
        if found.seq < self.head.seq {
            let (path, head) = (self.path.clone(), found.seq);
            return Err(Error::TailLost { path, head, acknowledged: self.head.seq });
        }
        if found.seq == self.head.seq && found.hash != self.head.hash {
            let what = "its hash changed since it was written".to_owned();
            return Err(Error::Corrupt { path: self.path.clone(), seq: found.seq, what });
        }
        // More in the file than was acknowledged: only an attempt that failed after it had
        // persisted explains that, and then the records given now are the same again.
        let explained = found.seq == self.head.seq || (first <= self.head.seq.next() && last >= found.seq);
        if first > found.seq.next() || !explained {
            let expected = found.seq.next();
            return Err(Error::OutOfSequence { path: self.path.clone(), expected, found: first });
        }
        let mut already = 0_usize;
        for (record, payload) in records.iter().zip(self.encoder.payloads()) {
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
        self.conn = connect_limited(&self.path, &self.options)?;
        Ok(())
    }
}

impl Sink for Journal {
    fn append(&mut self, records: &[Record]) -> Result<Durable, Error> {
        self.check_owner()?;
        if records.is_empty() {
            return Ok(Durable { head: self.head, already: 0 });
        }
        self.encoder.encode(&self.path, records)?;
        // A transaction left open by a failed rollback is settled before anything else.
        self.roll_back()?;
        match self.transact(records) {
            Ok((head, already)) => {
                self.head = head;
                self.note.write(head);
                self.uncopied =
                    self.uncopied.saturating_add(self.encoder.bytes.len().saturating_add(COMMIT_OVERHEAD));
                Ok(Durable { head, already })
            }
            Err(error) => {
                if let Err(after) = self.roll_back() {
                    tracing::error!(error = %after, "cannot roll back; tried again at the next append");
                }
                Err(error)
            }
        }
    }

    fn maintain(&mut self) -> Result<(), Error> {
        self.check_owner()?;
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

/// The JSON of a batch, end to end in one buffer that is used again.
#[derive(Debug, Default)]
struct Encoder {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encoder {
    fn encode(&mut self, path: &Path, records: &[Record]) -> Result<(), Error> {
        self.bytes.clear();
        self.ends.clear();
        let mut expected = None;
        for record in records {
            let seq = record.header.seq;
            if let Some(expected) = expected.filter(|expected| *expected != seq) {
                return Err(Error::OutOfSequence { path: path.to_owned(), expected, found: seq });
            }
            expected = Some(seq.next());
            let start = self.bytes.len();
            let unstorable = |what| Error::Unstorable { seq, what };
            serde_json::to_writer(&mut self.bytes, record).map_err(|error| unstorable(error.to_string()))?;
            let length = self.bytes.len().saturating_sub(start);
            if length > PAYLOAD_BYTES_MAX {
                return Err(unstorable(format!("{length} bytes, at most {PAYLOAD_BYTES_MAX} fit")));
            }
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }

    fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
}

pub(crate) const INSERT: &str = "INSERT INTO record (seq, at_ns, kind, provenance, correlation_id, client_order_id, \
     broker_order_id, perm_id, exec_id, payload, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

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

const fn blob(hash: &Hash) -> ValueRef<'_> {
    ValueRef::Blob(hash.as_bytes().as_slice())
}
