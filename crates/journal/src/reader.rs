//! Reading: beside a live writer, after a crash, or from a copy. Never writes.
//!
//! Reads go in small transactions, one after the other: an open one would keep the writer from
//! reusing its WAL, and the chain makes sure that the pieces fit together.

use core::fmt;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use alphec_model::{ClientOrderId, CorrelationId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::connect;
use crate::error::Error;
use crate::filter::Filter;
use crate::front_view::{self, VIEW};
use crate::health::Health;
use crate::row::{COLUMNS, Flaw, Stored, column_of, decode, hash_cell, seq_of};
use crate::salvage;
use crate::sink::Head;

/// The table itself.
pub(crate) const TABLE: &str = "main.record";
/// Records read at a time.
const CHUNK: usize = 512;

/// A journal open for reading.
#[derive(Debug)]
pub struct Reader {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    /// Where the records are: in the table with the front log over it, or in the table alone.
    source: &'static str,
}

impl Reader {
    /// Opens it, whether or not an engine is writing to it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotAJournal`], [`Error::Newer`], or the storage's.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::open_plainly(path).map_err(|error| salvage::locate(path, error))
    }

    pub(crate) fn open_plainly(path: &Path) -> Result<Self, Error> {
        Self::over(connect::reader(path)?, path)
    }

    /// Opens also a file that is shorter than it says, to read what is left of it. Where the table's end cannot
    /// be read, nothing proves that the front log follows it, and the table alone counts.
    pub(crate) fn rescue(path: &Path) -> Result<Self, Error> {
        let reader = Self::over(connect::rescue(path)?, path)?;
        let end = reader.refresh().and_then(|()| read_head(&reader.conn, path, TABLE));
        let source = if end.is_ok() { VIEW } else { TABLE };
        Ok(Self { source, ..reader })
    }

    fn over(conn: Connection, path: &Path) -> Result<Self, Error> {
        front_view::create(&conn, path)?;
        Ok(Self { conn, path: path.to_owned(), source: VIEW })
    }

    /// Takes the front log as it is now into what is read.
    fn refresh(&self) -> Result<(), Error> {
        if self.source == VIEW { front_view::refresh(&self.conn, &self.path) } else { Ok(()) }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last record's number and hash.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the last record does not agree with itself, or the storage's.
    pub fn head(&self) -> Result<Head, Error> {
        let last = self.find(&Filter::default().last(1))?.next().transpose()?;
        Ok(last.map_or(Head::EMPTY, |stored| stored.head()))
    }

    /// Every record from `from` on, in order, the chain checked on the way: what replay reads.
    ///
    /// The first error is the last item. A reader of a live journal ends where it ends at that moment.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the record before `from` is missing or bad, or the storage's.
    pub fn records(&self, from: Seq) -> Result<Records<'_>, Error> {
        let mut filter = Filter::default();
        let mut chain = Head::EMPTY;
        if from > Seq::new(1) {
            let before = Seq::new(from.get().saturating_sub(1));
            let stored = self.record(before)?;
            let missing = || self.corrupt(before, "it is missing".to_owned());
            chain = stored.ok_or_else(missing)?.head();
            filter = filter.from(from);
        }
        Ok(Records::new(self, filter, Some(chain)))
    }

    /// The records that the filter lets through, each checked against its own hash.
    ///
    /// # Errors
    /// The storage's.
    pub fn find(&self, filter: &Filter) -> Result<Records<'_>, Error> {
        let mut filter = filter.clone();
        if let Some(count) = filter.last.take() {
            match self.nth_from_the_end(&filter, count)? {
                Some(seq) => filter = filter.from(seq),
                None => return Ok(Records::ended(self)),
            }
        }
        Ok(Records::new(self, filter, None))
    }

    /// The record with this number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not agree with itself, or the storage's.
    pub fn record(&self, seq: Seq) -> Result<Option<Stored>, Error> {
        self.find(&Filter::default().from(seq).to(seq))?.next().transpose()
    }

    /// Everything on record about an order.
    ///
    /// # Errors
    /// As [`Reader::find`].
    pub fn trail(&self, order: &ClientOrderId) -> Result<Records<'_>, Error> {
        self.find(&Filter::default().client_order_id(order.clone()))
    }

    /// Everything on record about a piece of work.
    ///
    /// # Errors
    /// As [`Reader::find`].
    pub fn by_correlation(&self, work: &CorrelationId) -> Result<Records<'_>, Error> {
        self.find(&Filter::default().correlation_id(work.clone()))
    }

    /// The last `count` records, oldest first.
    ///
    /// # Errors
    /// As [`Reader::find`].
    pub fn tail(&self, count: usize) -> Result<Records<'_>, Error> {
        self.find(&Filter::default().last(count))
    }

    /// Its size and end.
    ///
    /// # Errors
    /// As [`Reader::head`].
    pub fn health(&self) -> Result<Health, Error> {
        let last = self.find(&Filter::default().last(1))?.next().transpose()?;
        Ok(Health::of(&self.path, last.as_ref()))
    }

    /// Compares the journal's end with the note made when it was written.
    pub(crate) fn check_note(&self, noted: Option<Head>, head: Head) -> Result<(), Error> {
        let Some(noted) = noted.filter(|noted| *noted != Head::EMPTY) else { return Ok(()) };
        if noted.seq > head.seq {
            let (path, head) = (self.path.clone(), head.seq);
            return Err(Error::TailLost { path, head, acknowledged: noted.seq });
        }
        match self.record(noted.seq)? {
            Some(stored) => self.as_noted(Some(noted), stored.head()).map(drop),
            None => Err(self.corrupt(noted.seq, "it is missing".to_owned())),
        }
    }

    /// The record, unless the note has another under its number.
    pub(crate) fn as_noted(&self, noted: Option<Head>, head: Head) -> Result<Head, Error> {
        if noted.is_some_and(|noted| noted.seq == head.seq && noted.hash != head.hash) {
            let what = "its hash is not the one noted in the .head file when it was written";
            return Err(self.corrupt(head.seq, what.to_owned()));
        }
        Ok(head)
    }

    /// The last record's number at this moment.
    pub(crate) fn last_seq(&self) -> Result<Seq, Error> {
        self.refresh()?;
        last_number(&self.conn, &self.path, self.source)
    }

    pub(crate) fn corrupt(&self, seq: Seq, what: String) -> Error {
        Error::Corrupt { path: self.path.clone(), seq, what }
    }

    pub(crate) fn failed(&self, error: rusqlite::Error) -> Error {
        Error::sql(&self.path, "reading", error)
    }

    fn nth_from_the_end(&self, filter: &Filter, count: usize) -> Result<Option<Seq>, Error> {
        self.refresh()?;
        let (condition, values) = filter.condition(filter.before_first());
        let source = self.source;
        let sql = format!(
            "SELECT min(seq) FROM (SELECT seq FROM {source} WHERE {condition} ORDER BY seq DESC LIMIT {count})"
        );
        let seq: Option<i64> = self
            .conn
            .prepare_cached(&sql)
            .and_then(|mut sql| sql.query_row(params_from_iter(values), |row| row.get(0)))
            .map_err(|error| self.failed(error))?;
        // Zero and less are numbers no record has; they are read, and then found to be wrong.
        Ok(seq.map(seq_of))
    }
}

/// Records one after the other; see [`Reader::records`] and [`Reader::find`].
pub struct Records<'a> {
    reader: &'a Reader,
    filter: Filter,
    after: i64,
    /// The record that the next one must follow; `None` when records are picked.
    chain: Option<Head>,
    ready: VecDeque<Result<Stored, Error>>,
    ended: bool,
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("filter", &self.filter)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl<'a> Records<'a> {
    fn new(reader: &'a Reader, filter: Filter, chain: Option<Head>) -> Self {
        // From the very start the chain also looks at numbers that no record may have.
        let from_the_start = chain == Some(Head::EMPTY);
        let after = if from_the_start { i64::MIN } else { filter.before_first() };
        Self { reader, after, filter, chain, ready: VecDeque::new(), ended: false }
    }

    fn ended(reader: &'a Reader) -> Self {
        Self { ended: true, ..Self::new(reader, Filter::default(), None) }
    }

    /// Reads the next piece into `ready`; the last thing in it is the first error, if any.
    fn fill(&mut self) {
        self.ready.clear();
        if let Err(error) = self.read_chunk() {
            self.ended = true;
            self.ready.push_back(Err(error));
        }
    }

    fn read_chunk(&mut self) -> Result<(), Error> {
        let reader = self.reader;
        reader.refresh()?;
        let source = reader.source;
        let (condition, values) = self.filter.condition(self.after);
        let sql = format!("SELECT {COLUMNS} FROM {source} WHERE {condition} ORDER BY seq LIMIT {CHUNK}");
        let mut statement = reader.conn.prepare_cached(&sql).map_err(|error| reader.failed(error))?;
        let mut rows = statement.query(params_from_iter(values)).map_err(|error| reader.failed(error))?;
        let mut count = 0_usize;
        loop {
            let last_good = self.chain.map(|chain| chain.seq);
            let row = match rows.next().map_err(|error| reader.failed(error)) {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(Error::Damaged { path, what, .. }) => {
                    return Err(Error::Damaged { path, after: last_good, what });
                }
                Err(error) => return Err(error),
            };
            count = count.saturating_add(1);
            self.after = row.get(0).map_err(|error| reader.failed(error))?;
            let stored = check(reader, row, self.after, self.chain.as_mut())?;
            self.ready.push_back(Ok(stored));
        }
        self.ended = count < CHUNK;
        Ok(())
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Stored, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && !self.ended {
            self.fill();
        }
        self.ready.pop_front()
    }
}

/// Checks a row against itself and, in a chain, against the record before it.
fn check(reader: &Reader, row: &Row<'_>, number: i64, chain: Option<&mut Head>) -> Result<Stored, Error> {
    let seq = seq_of(number);
    if let Some(chain) = &chain {
        let expected = chain.seq.next();
        if number != column_of(expected) {
            let what = format!("it is missing: the next record in the file has number {number}");
            return Err(reader.corrupt(expected, what));
        }
    }
    let stored = decode(row).map_err(|flaw| match flaw {
        Flaw::Corrupt(what) => reader.corrupt(seq, what),
        Flaw::Unreadable(what) => Error::Unreadable { path: reader.path.clone(), seq, what },
    })?;
    if let Some(chain) = chain {
        if stored.prev != chain.hash {
            let before = chain.seq;
            return Err(reader
                .corrupt(seq, format!("it does not follow record {before}: one of the two was changed")));
        }
        *chain = stored.head();
    }
    Ok(stored)
}

/// The last record's number in a table or view, without looking at anything else of it.
pub(crate) fn last_number(conn: &Connection, path: &Path, from: &str) -> Result<Seq, Error> {
    let sql = format!("SELECT seq FROM {from} ORDER BY seq DESC LIMIT 1");
    conn.prepare_cached(&sql)
        .and_then(|mut sql| sql.query_row([], |row| row.get(0)).optional())
        .map(|found| seq_of(found.unwrap_or(0)))
        .map_err(|error| Error::sql(path, "reading", error))
}

/// The last record's number and hash in a table or view, without looking into it.
pub(crate) fn read_head(conn: &Connection, path: &Path, from: &str) -> Result<Head, Error> {
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, hash_cell(row, 1, "hash")));
    let found = conn
        .prepare_cached(&format!("SELECT seq, hash FROM {from} ORDER BY seq DESC LIMIT 1"))
        .and_then(|mut sql| sql.query_row([], read).optional())
        .map_err(|error| Error::sql(path, "reading", error))?;
    let Some((seq, hash)) = found else { return Ok(Head::EMPTY) };
    let seq = seq_of(seq);
    match hash {
        Ok(hash) => Ok(Head { seq, hash }),
        Err(Flaw::Corrupt(what) | Flaw::Unreadable(what)) => {
            Err(Error::Corrupt { path: path.to_owned(), seq, what })
        }
    }
}
