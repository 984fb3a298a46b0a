//! The way out of a journal that cannot be trusted: what is intact goes into a new one, the old is kept whole.
//!
//! Only a prefix is ever kept: every record up to the first that is missing, changed or unreadable. What follows it may
//! look sound, but nothing proves that it belongs there. Which records are added to say so is the caller's matter.
//!
//! Interrupted at any point it leaves either the damaged journal in its place, or nothing there but the note of its
//! head: then no engine begins anew, and running it again goes on. That note stays to the very end: it says how much had
//! been written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alphec_model::{Record, Seq, UtcNanos};
use rusqlite::Connection;

use crate::connect;
use crate::disk;
use crate::error::Error;
use crate::filter::Filter;
use crate::front;
use crate::front_view::{PLACES, insert_row};
use crate::head_note::HeadNote;
use crate::journal::{Journal, OpenOptions, end_is_there, holder};
use crate::lock::{Lock, beside};
use crate::reader::Reader;
use crate::row::{COLUMNS, Stored, seq_of};
use crate::schema;
use crate::sink::{Head, Sink};
use crate::verify::{check_database, verify};

/// Records copied in one transaction.
const CHUNK: usize = 4_096;
/// The files of the database, and the front log, whose records were read with it.
const DATABASE: [&str; 4] = ["", "-wal", "-shm", ".front"];
/// Ending of the new journal while it is made.
const NEW: &str = ".salvaged";
/// The note of the head.
const NOTE: &str = ".head";

/// What is wrong with a journal, and what is not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Survey {
    /// The last record up to which everything is as it was written.
    pub kept: Head,
    /// The last record that is known to have been written.
    pub known: Seq,
    /// The first thing that is wrong; `None` when nothing is.
    pub flaw: Option<Error>,
}

impl Survey {
    /// The first record that is not there as it was written. Nothing may be wrong with it but its surroundings.
    #[must_use]
    pub const fn first_bad(&self) -> Seq {
        self.kept.seq.next()
    }
}

/// A salvage under way: the journal's lock is held, nothing is written yet.
#[derive(Debug)]
pub struct Salvage {
    path: PathBuf,
    options: OpenOptions,
    /// Nothing where no record can be read.
    reader: Option<Reader>,
    survey: Survey,
    /// What an earlier salvage had ready, and was put in place.
    resumed: Option<Salvaged>,
    _lock: Lock,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Where the damaged journal is now; its other files are beside it.
    pub damaged: PathBuf,
    /// The new journal's head.
    pub head: Head,
    /// Whether an earlier salvage, which was interrupted, had made the new journal: it was put in place only now.
    pub was_interrupted: bool,
}

/// Reads everything and says what is wrong, without a lock and without writing.
///
/// # Errors
/// When nothing says that a journal is or was there.
pub fn survey(path: impl AsRef<Path>) -> Result<Survey, Error> {
    read_what_is_left(path.as_ref()).map(|(_, survey)| survey)
}

/// What a salvage had ready when it was interrupted while it put it in place: the damaged journal is out of the way,
/// and the new one not there yet, or without its note. The next one finishes it.
///
/// # Errors
/// The storage's.
pub fn unfinished(path: impl AsRef<Path>) -> Result<Option<Salvaged>, Error> {
    let path = path.as_ref();
    let new = beside(path, NEW);
    let last = match (path.exists(), new.exists()) {
        (false, true) => last_of(&new).filter(|_| verify(&new, &mut |_| {}).is_ok()),
        // Its note goes last.
        (true, false) => {
            let note = HeadNote::read(&new)?;
            note.and_then(|note| last_of(path).filter(|last| last.head() == note))
        }
        (true, true) | (false, false) => None,
    };
    Ok(last.map(|last| Salvaged {
        damaged: kept_as(path, last.record.header.at),
        head: last.head(),
        was_interrupted: true,
    }))
}

impl Salvage {
    /// Takes the journal's lock, finishes what is [`unfinished`], and surveys it.
    ///
    /// # Errors
    /// [`Error::Held`], and as [`survey`].
    pub fn begin(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let lock = Lock::take(&path, &holder(&options))?;
        let resumed = finish_what_was_interrupted(&path)?;
        let (reader, survey) = read_what_is_left(&path)?;
        Ok(Self { path, options, reader, survey, resumed, _lock: lock })
    }

    /// What was found.
    #[must_use]
    pub const fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Where the damaged journal will be kept.
    #[must_use]
    pub fn damaged(&self) -> PathBuf {
        kept_as(&self.path, self.options.since)
    }

    /// The records that are kept.
    ///
    /// # Errors
    /// As [`Reader::records`].
    pub fn records(&self) -> Result<impl Iterator<Item = Result<Stored, Error>>, Error> {
        let count = usize::try_from(self.survey.kept.seq.get()).unwrap_or(usize::MAX);
        let reader = self.reader.as_ref().filter(|_| count > 0);
        let records = reader.map(|reader| reader.records(Seq::new(1))).transpose()?;
        Ok(records.into_iter().flatten().take(count))
    }

    /// What can be read of the records that are not kept, one by one: what they used was used, whatever else is wrong.
    ///
    /// # Errors
    /// As [`Reader::find`].
    pub fn given_up(&self) -> Result<impl Iterator<Item = Stored>, Error> {
        let first = self.survey.first_bad();
        let bad = self.reader.as_ref().and_then(|reader| reader.record(first).ok().flatten());
        let behind = Filter::default().from(first.next());
        let behind = self.reader.as_ref().map(|reader| reader.find(&behind)).transpose()?;
        Ok(bad.into_iter().chain(behind.into_iter().flatten().map_while(Result::ok)))
    }

    /// Writes the kept records and then the `epilogue` into a new journal, verifies it, keeps the damaged one under
    /// [`Salvage::damaged`], and puts the new one in its place. The epilogue ends with a record of the moment that the
    /// options give: should this be interrupted, it says to the next salvage where the damaged one is.
    ///
    /// Where nothing is wrong any more since an interrupted salvage was finished, it gives what that one did.
    ///
    /// # Errors
    /// [`Error::Sound`] when nothing is wrong, [`Error::Exists`], and the storage's. The damaged journal is whole
    /// whatever happens.
    pub fn finish(self, epilogue: &[Arc<Record>]) -> Result<Salvaged, Error> {
        if self.survey.flaw.is_none() {
            return self.resumed.ok_or(Error::Sound { path: self.path });
        }
        let damaged = self.damaged();
        if damaged.exists() {
            return Err(Error::Exists { path: damaged });
        }
        let new = beside(&self.path, NEW);
        // Of an attempt that was interrupted: made from the same records.
        remove_all(&new)?;
        self.copy_to(&new)?;
        let mut journal = Journal::open(&new, self.options.clone())?;
        let _durable = journal.append(epilogue)?;
        journal.close()?;
        let head = verify(&new, &mut |_| {})?.head;
        let Self { path, reader, .. } = self;
        // Its last close must not touch files that have moved.
        drop(reader);
        put_in_place(&path, &new, &damaged)?;
        // The lock's file says nothing once nobody holds it.
        drop(fs::remove_file(beside(&new, ".lock")));
        Ok(Salvaged { damaged, head, was_interrupted: false })
    }

    /// Copies the kept records, payloads byte for byte, so that every hash stays what it was.
    fn copy_to(&self, new: &Path) -> Result<(), Error> {
        let failed = |error| Error::sql(new, "writing", error);
        connect::create(new)?;
        let conn = connect::writer(new)?;
        let mut records = self.records()?;
        loop {
            let chunk: Vec<Stored> = records.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                break;
            }
            copy(&conn, &chunk).map_err(failed)?;
        }
        conn.close().map_err(|(_, error)| failed(error))
    }
}

/// What can be read of it, and what is wrong. Where no record can be, the note and the front log say that a journal was
/// there.
fn read_what_is_left(path: &Path) -> Result<(Option<Reader>, Survey), Error> {
    let noted = HeadNote::read(path)?.filter(|noted| *noted != Head::EMPTY);
    let written = noted.map(|noted| noted.seq).max(front::last_written(path)?);
    match (Reader::rescue(path), written) {
        (Ok(reader), written) => {
            let survey = survey_with(&reader, noted, written)?;
            Ok((Some(reader), survey))
        }
        (Err(Error::Missing { path }), Some(known)) => {
            let kept = Head::EMPTY;
            let flaw = Error::TailLost { path, head: kept.seq, acknowledged: known };
            Ok((None, Survey { kept, known, flaw: Some(flaw) }))
        }
        (Err(Error::Damaged { path, what, .. } | Error::NotAJournal { path, what }), Some(known)) => {
            let kept = Head::EMPTY;
            let flaw = Error::Corrupt { path, seq: kept.seq.next(), what };
            Ok((None, Survey { kept, known, flaw: Some(flaw) }))
        }
        (Err(error), _) => Err(error),
    }
}

fn survey_with(reader: &Reader, noted: Option<Head>, written: Option<Seq>) -> Result<Survey, Error> {
    let mut kept = Head::EMPTY;
    let mut flaw = None;
    for stored in reader.records(Seq::new(1))? {
        match stored.and_then(|stored| reader.as_noted(noted, stored.head())) {
            Ok(head) => kept = head,
            Err(error) => {
                flaw = Some(error);
                break;
            }
        }
    }
    // Numbers of records behind the flaw count as written, though nothing else of them does.
    let highest = reader.conn.query_row("SELECT ifnull(max(seq), 0) FROM record", [], |row| row.get(0));
    let highest = highest.map_or(Seq::new(0), seq_of);
    let known = kept.seq.max(highest).max(written.unwrap_or(Seq::new(0)));
    if flaw.is_none() {
        flaw = match reader.check_note(noted, kept) {
            Err(error @ Error::TailLost { .. }) => Some(error),
            Err(error) => return Err(error),
            Ok(()) => check_database(reader, kept.seq)
                .and_then(|()| schema::check(&reader.conn, &reader.path))
                .and_then(|()| end_is_there(&reader.path, noted))
                .err(),
        };
    }
    let flaw = match flaw {
        Some(Error::Damaged { path, after: None, what }) => {
            Some(Error::Damaged { path, after: Some(kept.seq), what })
        }
        flaw => flaw,
    };
    Ok(Survey { kept, known, flaw })
}

/// Tells which record is the first bad one, where only the end or the file as a whole was looked at.
pub(crate) fn locate(path: &Path, error: Error) -> Error {
    // A front log that does not belong here says nothing about the records.
    let is_of_records = error.is_corrupt() || matches!(error, Error::NotAJournal { .. });
    if !is_of_records || matches!(error, Error::StrayFront { .. }) {
        return error;
    }
    survey(path).ok().and_then(|survey| survey.flaw).unwrap_or(error)
}

fn copy(conn: &Connection, chunk: &[Stored]) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let mut insert = conn.prepare_cached(&format!("INSERT INTO record ({COLUMNS}) {PLACES}"))?;
    for Stored { record, payload, prev, hash } in chunk {
        insert_row(&mut insert, record, payload.as_bytes(), prev, hash)?;
    }
    conn.execute_batch("COMMIT")
}

/// There is a note of a head in the place at every moment, so that nobody begins a new journal there meanwhile. The old
/// one is replaced last: of a salvage that is interrupted it says to the next one how much had been written.
fn put_in_place(path: &Path, new: &Path, damaged: &Path) -> Result<(), Error> {
    keep_note(path, new, damaged)?;
    for suffix in DATABASE {
        rename_if_there(&beside(path, suffix), &beside(damaged, suffix))?;
    }
    rename_if_there(new, path)?;
    put_note_in_place(path, new)
}

/// The note that lies there goes with the damaged journal. Where it says nothing, the new one lies there from now on.
fn keep_note(path: &Path, new: &Path, damaged: &Path) -> Result<(), Error> {
    let (note, ready) = (beside(path, NOTE), beside(new, NOTE));
    let is_ready_there = ready.exists() && fs::read(&note).ok() == fs::read(&ready).ok();
    if note.exists() && !is_ready_there {
        copy_file(&note, &beside(damaged, NOTE))?;
    }
    let says_nothing = HeadNote::read(path)?.is_none_or(|noted| noted == Head::EMPTY);
    if ready.exists() && says_nothing { copy_file(&ready, &note) } else { Ok(()) }
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .and_then(|()| disk::sync_directory_of(to))
        .map_err(|error| Error::io(from, "copying", error))
}

fn put_note_in_place(path: &Path, new: &Path) -> Result<(), Error> {
    rename_if_there(&beside(new, NOTE), &beside(path, NOTE))?;
    disk::sync_directory_of(path).map_err(|error| Error::io(path, "replacing", error))
}

fn finish_what_was_interrupted(path: &Path) -> Result<Option<Salvaged>, Error> {
    let Some(done) = unfinished(path)? else { return Ok(None) };
    tracing::warn!(path = %path.display(), "a salvage was interrupted; what it had made is put in place");
    let new = beside(path, NEW);
    if path.exists() {
        put_note_in_place(path, &new)?
    } else {
        put_in_place(path, &new, &done.damaged)?
    }
    Ok(Some(done))
}

fn last_of(path: &Path) -> Option<Stored> {
    Reader::open_plainly(path).ok()?.tail(1).ok()?.next()?.ok()
}

/// Where the journal at `path` is kept by a salvage of that moment.
fn kept_as(path: &Path, at: UtcNanos) -> PathBuf {
    let stamp: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    beside(path, &format!(".damaged-{stamp}"))
}

fn remove_all(path: &Path) -> Result<(), Error> {
    for suffix in DATABASE.into_iter().chain([NOTE]) {
        let file = beside(path, suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&file, "removing", error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(from, "renaming", error)),
        Ok(()) | Err(_) => File::open(to)
            .map_or(Ok(()), |file| file.sync_all().map_err(|error| Error::io(to, "syncing", error))),
    }
}
