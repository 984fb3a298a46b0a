//! The front log: a small batch is durable with one write and one sync, before SQLite has it.
//!
//! `<journal>.front` is a file of fixed length, filled with zeros beforehand, so that a sync has
//! nothing of the file system's own to write. One batch is one frame. Frames begin at multiples of
//! 4 KiB: no write touches a sector of a frame that was acknowledged. When the records are in the
//! table (committed, synced) the next frame goes to the beginning again. What is left behind it is
//! told from what is live by the chain: a frame counts only where its number and hash continue what
//! is before it. `FORMAT.md` has the layout.

use std::io;
use std::path::{Path, PathBuf};

use alphec_model::Seq;
use sha2::{Digest, Sha256};

use crate::batch::Batch;
use crate::disk::{self, Disk};
use crate::error::Error;
use crate::hash::Hash;
use crate::lock::beside;
use crate::sink::Head;

/// Length of the file.
const FILE_BYTES: usize = 1 << 20;
/// A frame begins at a multiple of this.
const ALIGNMENT: usize = 4 << 10;
/// Payloads of one frame, with their lengths; what is larger goes to SQLite, which is as quick then.
const BODY_BYTES_MAX: usize = 64 << 10;
const HEADER_BYTES: usize = 120;
const MAGIC: &[u8; 8] = b"AxFront1";

/// The front log, open for writing.
#[derive(Debug)]
pub(crate) struct Front {
    disk: Disk,
    /// Where the next frame goes.
    end: usize,
    frame: Vec<u8>,
}

impl Front {
    /// Opens or creates the front log of the journal at `path`, which needs nothing that is in it.
    pub(crate) fn prepare(path: &Path) -> io::Result<Self> {
        let at = name_of(path);
        let mut disk = Disk::open(&at)?;
        if usize::try_from(disk.len()?).ok() != Some(FILE_BYTES) {
            disk.write_at(&vec![0; FILE_BYTES], 0)?;
            disk.sync()?;
            disk::sync_directory_of(&at)?;
        }
        Ok(Self { disk, end: 0, frame: Vec::new() })
    }

    /// Whether the batch is small enough for a frame.
    pub(crate) const fn fits(batch: &Batch) -> bool {
        body_bytes(batch) <= BODY_BYTES_MAX
    }

    /// Whether there is room for it before the next [`Self::reset`].
    pub(crate) fn has_room(&self, batch: &Batch) -> bool {
        let length = HEADER_BYTES.saturating_add(body_bytes(batch)).next_multiple_of(ALIGNMENT);
        self.end.saturating_add(length) <= FILE_BYTES
    }

    /// Makes the batch durable after the record `before`. After an error nothing may be pushed any
    /// more: what a failed write or sync has left on the disk is not known.
    pub(crate) fn push(&mut self, before: Head, batch: &Batch) -> io::Result<Head> {
        let hash = batch.payloads().fold(before.hash, |prev, payload| Hash::of(&prev, payload));
        self.encode(before, hash, batch)?;
        self.disk.write_at(&self.frame, to_u64(self.end))?;
        self.disk.sync()?;
        self.end = self.end.saturating_add(self.frame.len());
        Ok(Head { seq: batch.last().unwrap_or(before.seq), hash })
    }

    /// Begins at the beginning again: the table has, durably, what is here.
    pub(crate) const fn reset(&mut self) {
        self.end = 0;
    }

    fn encode(&mut self, before: Head, hash: Hash, batch: &Batch) -> io::Result<()> {
        let frame = &mut self.frame;
        frame.clear();
        frame.extend_from_slice(MAGIC);
        frame.extend_from_slice(&before.seq.next().get().to_le_bytes());
        frame.extend_from_slice(&to_u32(batch.len())?.to_le_bytes());
        frame.extend_from_slice(&to_u32(body_bytes(batch))?.to_le_bytes());
        frame.extend_from_slice(before.hash.as_bytes());
        frame.extend_from_slice(hash.as_bytes());
        let check = Sha256::digest(&*frame);
        frame.extend_from_slice(&check);
        for payload in batch.payloads() {
            frame.extend_from_slice(&to_u32(payload.len())?.to_le_bytes());
            frame.extend_from_slice(payload);
        }
        frame.resize(frame.len().next_multiple_of(ALIGNMENT), 0);
        Ok(())
    }
}

/// Records of a front log that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The record that the first one follows.
    pub(crate) before: Option<Head>,
    pub(crate) rows: Vec<Row>,
    /// The frames, as they are in the file.
    pub(crate) bytes: Vec<u8>,
}

/// A record as it is in a front log.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) seq: Seq,
    pub(crate) payload: Vec<u8>,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
}

impl Run {
    pub(crate) fn last(&self) -> Option<Head> {
        self.rows.last().map(|row| Head { seq: row.seq, hash: row.hash }).or(self.before)
    }

    /// The hash of a record of the run, or of the one before it.
    pub(crate) fn hash_of(&self, seq: Seq) -> Option<Hash> {
        let of_row = self.rows.iter().find(|row| row.seq == seq).map(|row| row.hash);
        of_row.or_else(|| self.before.filter(|before| before.seq == seq).map(|before| before.hash))
    }
}

/// What the front log of the journal at `path` holds from its beginning on, unless the table, which
/// ends at `stored`, has it already. A frame that is not whole ends it: it was never acknowledged.
pub(crate) fn read(path: &Path, stored: Seq) -> Result<Run, Error> {
    let at = name_of(path);
    let failed = |error| Error::io(&at, "reading", error);
    // Mostly there is nothing, and that is told by the beginning.
    let beginning = disk::read(&at, to_u64(HEADER_BYTES)).map_err(failed)?.unwrap_or_default();
    if FrameHeader::parse(&beginning).is_none_or(|header| header.last_seq() <= stored) {
        return Ok(Run::default());
    }
    Ok(run_of(disk::read(&at, to_u64(FILE_BYTES)).map_err(failed)?.unwrap_or_default()))
}

/// The last record of a frame that begins beyond what comes after `end`, if there is one: the frames between were
/// acknowledged, and are gone. What was left behind by earlier rounds is in the table, and so is before the end.
pub(crate) fn beyond(path: &Path, end: Seq) -> Result<Option<Seq>, Error> {
    let headers = headers(path)?.into_iter().filter(|header| header.first > end.next());
    Ok(headers.map(|header| header.last_seq()).max())
}

/// The last record of any frame, whether or not the frame is whole and wherever it lies: so many had been written.
pub(crate) fn last_written(path: &Path) -> Result<Option<Seq>, Error> {
    Ok(headers(path)?.iter().map(FrameHeader::last_seq).max())
}

/// Everything, what the table has too.
pub(crate) fn read_all(path: &Path) -> Result<Run, Error> {
    read(path, Seq::new(0))
}

/// Makes frames that could be read durable.
pub(crate) fn write_again(path: &Path, frames: &[u8]) -> io::Result<()> {
    disk::write_again(&name_of(path), frames)
}

/// Removes the front log of the journal at `path`.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    disk::remove(&name_of(path))
}

fn name_of(path: &Path) -> PathBuf {
    beside(path, ".front")
}

fn headers(path: &Path) -> Result<Vec<FrameHeader>, Error> {
    let at = name_of(path);
    let bytes = disk::read(&at, to_u64(FILE_BYTES)).map_err(|error| Error::io(&at, "reading", error))?;
    Ok(bytes.unwrap_or_default().chunks(ALIGNMENT).filter_map(FrameHeader::parse).collect())
}

fn run_of(mut bytes: Vec<u8>) -> Run {
    let mut run = Run::default();
    let mut at = 0;
    while let Some((header, body)) = bytes.get(at..).and_then(frame_at) {
        let before = header.before();
        if run.last().is_some_and(|last| last != before) {
            break;
        }
        let Some(mut rows) = rows_of(&header, body) else { break };
        run.before.get_or_insert(before);
        run.rows.append(&mut rows);
        let length = HEADER_BYTES.saturating_add(header.length).next_multiple_of(ALIGNMENT);
        at = at.saturating_add(length);
    }
    bytes.truncate(at);
    run.bytes = bytes;
    run
}

fn frame_at(bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
    let header = FrameHeader::parse(bytes)?;
    let body = bytes.get(HEADER_BYTES..)?.get(..header.length)?;
    Some((header, body))
}

/// The rows of a frame; `None` unless they are what its header says: the chain is their checksum.
fn rows_of(header: &FrameHeader, mut body: &[u8]) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let (mut seq, mut prev) = (header.first, header.prev);
    for _ in 0..header.count {
        let (length, rest) = body.split_first_chunk::<4>()?;
        let (payload, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let hash = Hash::of(&prev, payload);
        rows.push(Row { seq, payload: payload.to_vec(), prev, hash });
        (seq, prev, body) = (seq.next(), hash, rest);
    }
    (prev == header.hash && body.is_empty()).then_some(rows)
}

/// What a frame begins with.
#[derive(Debug)]
struct FrameHeader {
    first: Seq,
    count: u32,
    length: usize,
    prev: Hash,
    hash: Hash,
}

impl FrameHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_BYTES)?;
        let (said, check) = header.split_at_checked(HEADER_BYTES.checked_sub(32)?)?;
        if Sha256::digest(said).as_slice() != check {
            return None;
        }
        let (magic, rest) = said.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (prev, hash) = rest.split_first_chunk::<32>()?;
        let (first, count) = (Seq::new(u64::from_le_bytes(*first)), u32::from_le_bytes(*count));
        let (prev, hash) = (Hash::from_bytes(prev)?, Hash::from_bytes(hash)?);
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let is_one = magic == MAGIC && first > Seq::new(0) && count > 0;
        is_one.then_some(Self { first, count, length, prev, hash })
    }

    const fn before(&self) -> Head {
        Head { seq: Seq::new(self.first.get().saturating_sub(1)), hash: self.prev }
    }

    fn last_seq(&self) -> Seq {
        Seq::new(self.before().seq.get().saturating_add(self.count.into()))
    }
}

const fn body_bytes(batch: &Batch) -> usize {
    batch.bytes().saturating_add(batch.len().saturating_mul(4))
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn to_u32(number: usize) -> io::Result<u32> {
    u32::try_from(number).map_err(io::Error::other)
}
