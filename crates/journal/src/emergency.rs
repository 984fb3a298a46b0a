//! Beside the journal: what must outlive the process while the journal takes no records.
//!
//! A cancel or a halt does not wait for a broken journal (`reliability.md` §4.4), and a process that ends before the
//! journal is well again would forget it. `<journal>.emergency` keeps the records of such acts, a line each, until
//! the journal has them. Its room is laid out when it is made, so that a full disk, the likeliest trouble, does not
//! keep it from being written where the file system writes in place.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alphec_model::Record;

use crate::disk::sync_directory_of;
use crate::error::Error;
use crate::lock::beside;

/// Laid out in advance: room for some hundreds of records. More are taken while the disk has room.
const ROOM: usize = 256 * 1024;
/// The longest file that is read.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// So much of a line that is not understood is quoted.
const SAID_MAX: usize = 300;
/// What stands where nothing is written.
const BLANK: u8 = b'\n';

/// Somewhere records are kept until the journal has them.
pub trait EmergencyStore: Send {
    /// Keeps these too; they are on stable storage when it returns.
    ///
    /// # Errors
    /// The storage's.
    fn keep(&mut self, records: &[Arc<Record>]) -> io::Result<()>;

    /// The journal has all of them.
    ///
    /// # Errors
    /// The storage's; the next process finds it again then, and that it is on record.
    fn clear(&mut self) -> io::Result<()>;
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub struct Left {
    /// Its records, oldest first.
    pub records: Vec<Record>,
    /// Lines that say nothing that is understood, and why. Somebody meant something by each.
    pub unread: Vec<String>,
}

/// The file beside a journal. Whoever holds the journal's lock may have it, and nobody else.
#[derive(Debug)]
pub struct EmergencyFile {
    file: File,
    path: PathBuf,
    end: u64,
    /// As far as anything may be written; beyond the end after a write that failed.
    dirty: u64,
}

impl EmergencyFile {
    /// Opens or creates the one of the journal at `journal`, and reads what lies there.
    ///
    /// # Errors
    /// The storage's.
    pub fn open(journal: impl AsRef<Path>) -> Result<(Self, Left), Error> {
        let path = beside(journal.as_ref(), ".emergency");
        let io = |doing| {
            let path = path.clone();
            move |error| Error::io(&path, doing, error)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("opening"))?;
        let mut bytes = Vec::new();
        (&mut file).take(BYTES_MAX).read_to_end(&mut bytes).map_err(io("reading"))?;
        let left = read(&bytes);
        let written = bytes.iter().rposition(|byte| *byte != BLANK).map_or(0, |last| last.saturating_add(1));
        if let Err(error) = lay_out(&mut file, &path, bytes.len()) {
            tracing::warn!(%error, path = %path.display(), "no room for emergencies; free space on its disk");
        }
        let end = u64::try_from(written).unwrap_or(u64::MAX);
        Ok((Self { file, path, end, dirty: end }, left))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

impl EmergencyStore for EmergencyFile {
    fn keep(&mut self, records: &[Arc<Record>]) -> io::Result<()> {
        // What an earlier process did not finish ends here.
        let mut lines = vec![BLANK];
        for record in records {
            serde_json::to_writer(&mut lines, &**record)?;
            lines.push(BLANK);
        }
        let end = self.end.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        self.dirty = self.dirty.max(end);
        self.write(self.end, &lines)?;
        self.end = end;
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        let written = usize::try_from(self.dirty).unwrap_or(usize::MAX);
        self.write(0, &vec![BLANK; written])?;
        (self.end, self.dirty) = (0, 0);
        let room = u64::try_from(ROOM).unwrap_or(u64::MAX);
        if self.file.metadata()?.len() > room { self.file.set_len(room) } else { Ok(()) }
    }
}

fn read(bytes: &[u8]) -> Left {
    let mut left = Left::default();
    for line in bytes.split(|byte| *byte == BLANK).filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(record) => left.records.push(record),
            Err(error) => {
                let said: String = String::from_utf8_lossy(line).chars().take(SAID_MAX).collect();
                left.unread.push(format!("{error}: {said}"));
            }
        }
    }
    left
}

fn lay_out(file: &mut File, path: &Path, from: usize) -> io::Result<()> {
    let Some(missing) = ROOM.checked_sub(from).filter(|missing| *missing > 0) else { return Ok(()) };
    file.seek(SeekFrom::End(0))?;
    file.write_all(&vec![BLANK; missing])?;
    file.sync_all()?;
    sync_directory_of(path)
}

#[cfg(test)]
mod tests {
    use alphec_model::record::Header;
    use alphec_model::{Body, CancelScope, Provenance, Seq, UtcNanos};

    use super::*;

    fn halt(seq: u64, reason: &str) -> Arc<Record> {
        let header = Header::nameless(Seq::new(seq), UtcNanos::EPOCH, Provenance::Operator);
        let (by, reason) = ("operator".to_owned(), reason.to_owned());
        Arc::new(Record { header, body: Body::Halted { scope: CancelScope::All, kill: true, by, reason } })
    }

    fn fresh() -> (tempfile::TempDir, PathBuf, EmergencyFile) {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("j");
        let (file, left) = EmergencyFile::open(&journal).unwrap();
        assert!(left.records.is_empty() && left.unread.is_empty());
        (dir, journal, file)
    }

    fn left(journal: &Path) -> Vec<u64> {
        let (_, left) = EmergencyFile::open(journal).unwrap();
        assert_eq!(left.unread, [""; 0]);
        left.records.iter().map(|record| record.header.seq.get()).collect()
    }

    #[test]
    fn what_is_kept_is_found_by_the_next_process_until_it_is_cleared() {
        let (_dir, journal, mut file) = fresh();
        file.keep(&[halt(7, "a"), halt(9, "b")]).unwrap();
        assert_eq!(left(&journal), [7, 9]);
        let (mut file, found) = EmergencyFile::open(&journal).unwrap();
        assert_eq!(found.records.last(), Some(&*halt(9, "b")));
        file.keep(&[halt(11, "line\nbreak")]).unwrap();
        assert_eq!(left(&journal), [7, 9, 11], "what comes later follows");
        file.clear().unwrap();
        assert_eq!(left(&journal), [0; 0]);
        file.keep(&[halt(12, "c")]).unwrap();
        assert_eq!(left(&journal), [12]);
    }

    #[test]
    fn hundreds_of_records_need_no_new_room_and_thousands_find_some() {
        let (_dir, journal, mut file) = fresh();
        let length = |file: &EmergencyFile| std::fs::metadata(file.path()).unwrap().len();
        let laid_out = length(&file);
        assert_eq!(laid_out, u64::try_from(ROOM).unwrap());
        for seq in 0..500 {
            file.keep(&[halt(seq, "the operator says so")]).unwrap();
        }
        assert_eq!(length(&file), laid_out);
        let more: Vec<_> = (500..3_000).map(|seq| halt(seq, "the operator says so")).collect();
        file.keep(&more).unwrap();
        assert_eq!(left(&journal), (0..3_000).collect::<Vec<_>>());
        file.clear().unwrap();
        assert_eq!((length(&file), left(&journal)), (laid_out, Vec::new()));
    }

    #[test]
    fn what_a_failed_write_left_is_cleared_too() {
        let (_dir, journal, mut file) = fresh();
        file.keep(&[halt(7, "a"), halt(9, "b")]).unwrap();
        // As after a sync that failed: the bytes are there, and nobody counts on them.
        file.end = 0;
        file.clear().unwrap();
        file.keep(&[halt(11, "c")]).unwrap();
        assert_eq!(left(&journal), [11]);
    }

    #[test]
    fn a_file_cut_or_broken_anywhere_gives_what_is_whole_and_says_that_something_was_there() {
        let (_dir, journal, mut file) = fresh();
        file.keep(&[halt(7, "a"), halt(9, "b")]).unwrap();
        let whole = std::fs::read(file.path()).unwrap();
        let end = usize::try_from(file.end).unwrap();
        let first = whole.iter().skip(1).position(|byte| *byte == BLANK).unwrap() + 1;
        for cut in 0..end {
            std::fs::write(file.path(), whole.get(..cut).unwrap()).unwrap();
            let (_, left) = EmergencyFile::open(&journal).unwrap();
            let whole_ones = usize::from(cut >= first) + usize::from(cut >= end - 1);
            let is_broken = ![0, 1, first, first + 1, end - 1].contains(&cut);
            assert_eq!(
                (left.records.len(), left.unread.len()),
                (whole_ones, usize::from(is_broken)),
                "{cut}"
            );
            // The next record stands on a line of its own.
            let (mut file, _) = EmergencyFile::open(&journal).unwrap();
            file.keep(&[halt(11, "c")]).unwrap();
            let (_, left) = EmergencyFile::open(&journal).unwrap();
            assert_eq!(left.records.last(), Some(&*halt(11, "c")), "{cut}");
            assert_eq!(
                (left.records.len(), left.unread.len()),
                (whole_ones + 1, usize::from(is_broken)),
                "{cut}"
            );
        }
    }
}
