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

use alphec_model::{Record, Seq};
use rusqlite::Connection;

use crate::connect;
use crate::disk;
use crate::error::Error;
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
}

/// Reads everything and says what is wrong, without a lock and without writing.
///
/// # Errors
/// When nothing says that a journal is or was there, or when it is another than its note says.
pub fn survey(path: impl AsRef<Path>) -> Result<Survey, Error> {
    read_what_is_left(path.as_ref()).map(|(_, survey)| survey)
}

impl Salvage {
    /// Takes the journal's lock and surveys it.
    ///
    /// # Errors
    /// [`Error::Held`], and as [`survey`].
    pub fn begin(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let lock = Lock::take(&path, &holder(&options))?;
        finish_what_was_interrupted(&path)?;
        let (reader, survey) = read_what_is_left(&path)?;
        Ok(Self { path, options, reader, survey, _lock: lock })
    }

    /// What was found.
    #[must_use]
    pub const fn survey(&self) -> &Survey {
        &self.survey
    }

    /// Where the damaged journal will be kept.
    #[must_use]
    pub fn damaged(&self) -> PathBuf {
        let stamp: String =
            self.options.since.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        beside(&self.path, &format!(".damaged-{stamp}"))
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

    /// Writes the kept records and then the `epilogue` into a new journal, verifies it, keeps the damaged one under
    /// [`Salvage::damaged`], and puts the new one in its place.
    ///
    /// # Errors
    /// [`Error::Sound`] when nothing is wrong, [`Error::Exists`], and the storage's. The damaged journal is whole
    /// whatever happens.
    pub fn finish(self, epilogue: &[Arc<Record>]) -> Result<Salvaged, Error> {
        if self.survey.flaw.is_none() {
            return Err(Error::Sound { path: self.path });
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
        disk::sync_directory_of(&path).map_err(|error| Error::io(&path, "replacing", error))?;
        // The lock's file says nothing once nobody holds it.
        drop(fs::remove_file(beside(&new, ".lock")));
        Ok(Salvaged { damaged, head })
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

/// What can be read of it, and what is wrong. Where no record can be, the note alone says that a journal was there.
fn read_what_is_left(path: &Path) -> Result<(Option<Reader>, Survey), Error> {
    let noted = HeadNote::read(path)?.filter(|noted| *noted != Head::EMPTY);
    match (Reader::rescue(path), noted) {
        (Ok(reader), noted) => {
            let survey = survey_with(&reader, noted)?;
            Ok((Some(reader), survey))
        }
        (Err(Error::Missing { path }), Some(noted)) => {
            let (kept, known) = (Head::EMPTY, noted.seq);
            let flaw = Error::TailLost { path, head: kept.seq, acknowledged: known };
            Ok((None, Survey { kept, known, flaw: Some(flaw) }))
        }
        (Err(Error::Damaged { path, what, .. } | Error::NotAJournal { path, what }), Some(noted)) => {
            let (kept, known) = (Head::EMPTY, noted.seq);
            let flaw = Error::Corrupt { path, seq: kept.seq.next(), what };
            Ok((None, Survey { kept, known, flaw: Some(flaw) }))
        }
        (Err(error), _) => Err(error),
    }
}

fn survey_with(reader: &Reader, noted: Option<Head>) -> Result<Survey, Error> {
    let mut kept = Head::EMPTY;
    let mut flaw = None;
    for stored in reader.records(Seq::new(1))? {
        match stored {
            Ok(stored) => kept = stored.head(),
            Err(error) => flaw = Some(error),
        }
    }
    // Numbers of records behind the flaw count as written, though nothing else of them does.
    let highest = reader.conn.query_row("SELECT ifnull(max(seq), 0) FROM record", [], |row| row.get(0));
    let noted_seq = noted.map_or(Seq::new(0), |noted| noted.seq);
    let known = kept.seq.max(noted_seq).max(highest.map_or(Seq::new(0), seq_of));
    if flaw.is_none() {
        flaw = match reader.check_note(noted, kept) {
            // Records that were lost from the end leave a whole chain; one that was written anew does not.
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
    let note = beside(path, NOTE);
    if note.exists() {
        fs::copy(&note, beside(damaged, NOTE)).map_err(|error| Error::io(&note, "copying", error))?;
    }
    for suffix in DATABASE {
        rename_if_there(&beside(path, suffix), &beside(damaged, suffix))?;
    }
    rename_if_there(new, path)?;
    rename_if_there(&beside(new, NOTE), &note)
}

/// A salvage that had its journal ready and was interrupted while it put it in place: the damaged one is out of the
/// way, and the new one not there yet, or without its note.
fn finish_what_was_interrupted(path: &Path) -> Result<(), Error> {
    let new = beside(path, NEW);
    // Its note goes last.
    if path.exists()
        && !new.exists()
        && let Some(note) = HeadNote::read(&new)?
        && Reader::open_plainly(path).and_then(|reader| reader.head()).is_ok_and(|head| head == note)
    {
        return rename_if_there(&beside(&new, NOTE), &beside(path, NOTE));
    }
    let is_ready = !path.exists() && new.exists() && verify(&new, &mut |_| {}).is_ok();
    if !is_ready {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "a salvage was interrupted; what it had made is put in place");
    for suffix in DATABASE {
        rename_if_there(&beside(path, suffix), &beside(path, &format!(".damaged-interrupted{suffix}")))?;
    }
    rename_if_there(&new, path)?;
    rename_if_there(&beside(&new, NOTE), &beside(path, NOTE))?;
    disk::sync_directory_of(path).map_err(|error| Error::io(path, "replacing", error))
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
