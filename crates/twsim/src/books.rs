//! The broker's books in a file, so that they outlive the gateway's process.
//!
//! A gateway that dies loses its connections, what it had parked and the faults it was in; the broker's books are not
//! in it. The file has one line for the options that the venue began with, and then one for each change of the venue,
//! in order; who opens it lives through them again. A line is written before any answer to it leaves, so what a client
//! was told is in the books whatever kills the process. (Not so if the machine dies: nothing here waits for a disk.)

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::GatewayConfig;
use crate::venue::{Meddle, UtcNs, Venue, VenueConfig, VenueInput};

/// How the first line begins: a file that ends within it, and has no other, was being begun.
const BEGINNING: &[u8] = concat!(r#"{"books":""#, env!("CARGO_PKG_VERSION"), r#"","opened_at":"#).as_bytes();

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Beginning {
    /// The version that began them: another may make another venue of the same lines.
    books: String,
    opened_at: UtcNs,
    /// Everything else that the venue began with, in words: another beginning would make another venue of the same lines.
    with: String,
}

/// Why books cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BooksError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("another gateway has them open")]
    Taken,
    #[error("they were begun with other options, or by another version: use the same, or another file")]
    OtherBeginning,
    #[error("there is something else in that file, and it is left as it is: use another file")]
    Foreign,
    #[error("line {0} is none of theirs ({1}): put back a copy that is whole, or use another file")]
    Damaged(usize, serde_json::Error),
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Books {
    file: File,
    path: PathBuf,
    problem: Option<String>,
}

/// A venue as its books have it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) books: Books,
    pub(crate) venue: Venue,
    /// The latest instant in them.
    pub(crate) latest: UtcNs,
}

impl Books {
    /// Opens the books of a venue: begins them at `now` where there are none, or goes on where they end.
    pub(crate) fn open(path: &Path, config: &GatewayConfig, now: UtcNs) -> Result<Opened, BooksError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => BooksError::Taken,
            TryLockError::Error(error) => error.into(),
        })?;
        let mut reader = BufReader::new(&file);
        let (mut venue, mut latest, mut end) = (None, now, 0);
        for number in 1.. {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                // The end, or a line whose writer was killed in the middle: nobody was told of it.
                if venue.is_none() && !is_begun(&line) {
                    return Err(BooksError::Foreign);
                }
                break;
            }
            end += line.len() as u64;
            let damaged = |error| BooksError::Damaged(number, error);
            match &mut venue {
                None => {
                    let beginning: Beginning = serde_json::from_slice(&line).map_err(damaged)?;
                    if beginning != Beginning::of(&config.venue(beginning.opened_at)) {
                        return Err(BooksError::OtherBeginning);
                    }
                    venue = Some(Venue::new(config.venue(beginning.opened_at)));
                }
                Some(venue) => latest = latest.max(venue.live_again(&line).map_err(damaged)?),
            }
        }
        file.set_len(end)?;
        file.seek(SeekFrom::End(0))?;
        let mut books = Self { file, path: path.to_owned(), problem: None };
        let is_new = venue.is_none();
        let mut venue = venue.unwrap_or_else(|| Venue::new(config.venue(now)));
        if is_new {
            let mut line = serde_json::to_vec(&Beginning::of(&config.venue(now))).map_err(io::Error::from)?;
            line.push(b'\n');
            books.file.write_all(&line)?;
        }
        venue.keep_diary();
        if !is_new {
            // What was parked was in the process, and not at the broker (tws-behaviour 2.3).
            drop(venue.handle(latest, VenueInput::Meddle(Meddle::DropParked)));
        }
        Ok(Opened { books, venue, latest })
    }

    /// Writes a diary's lines down. Once that has failed, or there are none for what happened, nothing more is written.
    pub(crate) fn write(&mut self, lines: Result<Vec<u8>, serde_json::Error>) {
        if self.problem.is_some() {
            return;
        }
        let written = lines.map_err(io::Error::from).and_then(|lines| self.file.write_all(&lines));
        if let Err(error) = written {
            let problem = format!("the books {} cannot be written: {error}", self.path.display());
            tracing::error!("{problem}");
            self.problem = Some(problem);
        }
    }

    /// Why they are not complete, if they are not.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

impl Beginning {
    fn of(config: &VenueConfig) -> Self {
        let VenueConfig { start, .. } = *config;
        let with = format!("{:?}", VenueConfig { start: 0, ..config.clone() });
        Self { books: env!("CARGO_PKG_VERSION").to_owned(), opened_at: start, with }
    }
}

/// Whether the rest of a first line is one that a gateway began to write.
fn is_begun(rest: &[u8]) -> bool {
    rest.starts_with(BEGINNING) || BEGINNING.starts_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_without_words_ends_the_books_as_a_full_disk_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.jsonl");
        let mut books = Books::open(&path, &GatewayConfig::default(), 0).unwrap().books;
        let whole = std::fs::read(&path).unwrap();
        books.write(Err(serde::ser::Error::custom("no words")));
        assert!(books.problem().unwrap().ends_with("cannot be written: no words"));
        books.write(Ok(b"later\n".to_vec()));
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}
