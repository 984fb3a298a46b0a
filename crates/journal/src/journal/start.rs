//! How a journal starts: its end is checked, and what a dead process left in the front log is brought
//! to the table before anything else.

use std::path::Path;

use super::Journal;
use crate::error::Error;
use crate::front::{self, Front};
use crate::hash::Hash;
use crate::reader::{Reader, TABLE, read_head};
use crate::row;
use crate::sink::Head;

/// That nothing is missing from the end, before anything is written: where something is, what is left of it must stay
/// for those who settle it. Whatever else is wrong, the writer finds out too.
pub(super) fn look_before_writing(path: &Path, noted: Option<Head>) -> Result<(), Error> {
    match end_is_there(path, noted) {
        Err(error) if error.is_corrupt() => Err(error),
        Err(_) | Ok(()) => Ok(()),
    }
}

/// That the front log follows the table, that nothing is gone between its frames, and that the note has no more.
pub(crate) fn end_is_there(path: &Path, noted: Option<Head>) -> Result<(), Error> {
    let reader = Reader::open_plainly(path)?;
    let stored = read_head(&reader.conn, path, TABLE)?;
    let head = end_of(path, stored, &front::read_all(path)?, &reader)?.unwrap_or(stored);
    reader.check_note(noted, head)?;
    match front::beyond(path, head.seq)? {
        Some(acknowledged) => Err(Error::TailLost { path: path.to_owned(), head: head.seq, acknowledged }),
        None => Ok(()),
    }
}

/// Where a front log ends, if it has anything that the table has not, which ends at `stored`; an error unless it is of
/// this journal.
fn end_of(path: &Path, stored: Head, run: &front::Run, reader: &Reader) -> Result<Option<Head>, Error> {
    let (Some(before), Some(last)) = (run.before, run.last()) else { return Ok(None) };
    let stray = |what: String| Error::StrayFront { path: path.to_owned(), last: last.seq, what };
    if before.seq > stored.seq {
        return Err(stray(format!("it follows record {}, the journal ends at {}", before.seq, stored.seq)));
    }
    let common = last.seq.min(stored.seq);
    let here = if common == Head::EMPTY.seq {
        Some(Hash::GENESIS)
    } else {
        reader.record(common)?.map(|stored| stored.hash)
    };
    if here != run.hash_of(common) {
        return Err(stray(format!("its record {common} is another than the journal's")));
    }
    Ok(Some(last).filter(|last| last.seq > stored.seq))
}

impl Journal {
    /// Checks the last record and the note of it, and brings what a dead process left in the front
    /// log to the table.
    pub(super) fn check_end(&mut self, noted: Option<Head>) -> Result<(), Error> {
        let reader = self.reader()?;
        if self.stored != Head::EMPTY {
            reader.record(self.stored.seq)?;
        }
        let run = front::read_all(&self.path)?;
        if let Some(last) = end_of(&self.path, self.stored, &run, &reader)? {
            for row in run.rows.iter().filter(|row| row.seq > self.stored.seq) {
                let unreadable = |what| Error::Unreadable { path: self.path.clone(), seq: row.seq, what };
                self.waiting.push(row::parse(&row.payload).map_err(unreadable)?, &row.payload);
            }
            self.head = last;
        }
        reader.check_note(noted, self.head)?;
        match self.drain() {
            // An engine must be able to start on a full disk, if only to cancel.
            Err(error) if error.is_disk_full() => {
                tracing::warn!(%error, "records stay in the front log until there is space");
                front::write_again(&self.path, &run.bytes)
                    .map_err(|error| Error::io(&self.path, "syncing the front log of", error))
            }
            other => other,
        }
    }

    /// From here on small batches need not wait for the table, unless something waits for it already.
    pub(super) fn prepare_front(&mut self) {
        if self.is_behind {
            return;
        }
        match Front::prepare(&self.path) {
            Ok(front) => self.front = Some(front),
            Err(error) => {
                // Only a matter of speed.
                tracing::debug!(path = %self.path.display(), %error, "no front log: each batch waits for the table");
                self.remove_front();
            }
        }
    }
}
