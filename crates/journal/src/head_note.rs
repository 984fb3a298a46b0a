//! A note beside the journal of the last record written, to notice when the tail goes missing.
//!
//! A hash chain proves that nothing inside was changed, not that the end is still there; and
//! SQLite, recovering after a crash, silently drops what follows a damaged place in its WAL. The
//! note `<journal>.head` is written after each commit and synced only when it is new: it can be behind
//! the journal, never ahead of it. A journal that ends before its note has lost records, and one that has records and
//! no note cannot prove that it has all of them.
//!
//! Against a person who edits both files it proves nothing; for that, keep the head that
//! [`crate::verify()`] reports somewhere else.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use alphec_model::Seq;

use crate::disk::{sync_directory_of, write_at};
use crate::error::Error;
use crate::hash::Hash;
use crate::lock::beside;
use crate::sink::Head;

/// Two slots, written in turn, so that a torn write leaves the other one.
const SLOT_BYTES: usize = 128;
const SECOND_SLOT: u64 = 128;

/// The note, open for writing.
#[derive(Debug)]
pub(crate) struct HeadNote {
    file: File,
    path: PathBuf,
    second: bool,
    failing: bool,
}

impl HeadNote {
    /// Opens or creates the note of the journal at `path`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = beside(path, ".head");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(Self { file, path, second: false, failing: false })
    }

    /// Makes the note itself as lasting as the journal; what it says may still be behind.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all().and_then(|()| sync_directory_of(&self.path))
    }

    /// What the note of the journal at `path` says; `None` when there is none, or nothing in it that was written whole.
    pub(crate) fn read(path: &Path) -> Result<Option<Head>, Error> {
        let at = beside(path, ".head");
        let mut bytes = Vec::new();
        match File::open(&at).and_then(|file| file.take(4_096).read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes.chunks(SLOT_BYTES).filter_map(parse).max_by_key(|head| head.seq)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&at, "reading", error)),
        }
    }

    /// Notes the head. Failing to is no reason to stop: the note is then only behind.
    pub(crate) fn write(&mut self, head: Head) {
        let offset = if self.second { SECOND_SLOT } else { 0 };
        self.second = !self.second;
        match write_at(&mut self.file, &slot(head), offset) {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::warn!(path = %self.path.display(), %error, "cannot note the journal's head");
            }
            Err(_) => {}
        }
    }
}

fn slot(head: Head) -> Vec<u8> {
    let text = format!("{} {}", head.seq, head.hash);
    let check = Hash::of(&Hash::GENESIS, text.as_bytes()).to_string();
    let line = format!("{text} {}", check.get(..16).unwrap_or_default());
    format!("{line:<width$}\n", width = SLOT_BYTES.saturating_sub(1)).into_bytes()
}

fn parse(slot_bytes: &[u8]) -> Option<Head> {
    let text = core::str::from_utf8(slot_bytes).ok()?;
    let mut words = text.split_ascii_whitespace();
    let seq = Seq::new(words.next()?.parse().ok()?);
    let head = Head { seq, hash: Hash::from_hex(words.next()?)? };
    (slot(head) == slot_bytes).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::indexing_slicing, reason = "a panic here is a failed test")]
    fn a_torn_slot_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut note = HeadNote::open(&path).unwrap();
        assert_eq!(HeadNote::read(&path).unwrap(), None);
        let head = |seq| Head { seq: Seq::new(seq), hash: Hash::of(&Hash::GENESIS, &[1]) };
        note.write(head(7));
        note.write(head(8));
        assert_eq!(HeadNote::read(&path).unwrap(), Some(head(8)));
        let whole = std::fs::read(beside(&path, ".head")).unwrap();
        for position in SLOT_BYTES..whole.len() {
            let mut torn = whole.clone();
            torn[position] ^= 1;
            std::fs::write(beside(&path, ".head"), &torn).unwrap();
            assert_eq!(HeadNote::read(&path).unwrap(), Some(head(7)), "byte {position}");
            std::fs::write(beside(&path, ".head"), &whole[..position]).unwrap();
            assert_eq!(HeadNote::read(&path).unwrap(), Some(head(7)), "cut at {position}");
        }
    }
}
