//! Reading a whole journal on several threads: what a start waits for.
//!
//! The journal is cut into pieces of equal length. Each thread has a reader of its own and takes every
//! n-th piece: it reads, hashes, decodes and checks it onto the record before it, exactly as one thread
//! would. The pieces come out in order. Nothing is left out and nothing is taken on trust: a piece begins by
//! checking the record that the piece before it ends with.
//!
//! Threads only hasten what is sound. At the first thing that is not (a bad record, a number no record
//! may have, a thread that is gone) the caller's own reader goes on alone, from the record after the last
//! good one: what is wrong is named in one place only.

use core::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use alphec_model::{Record, Seq};

use crate::error::Error;
use crate::reader::{Reader, Records};

/// Records a thread reads at a time.
const PIECE: u64 = 2_048;
/// Pieces that wait for their turn, for each thread: what bounds the memory.
const AHEAD: usize = 2;
/// More threads would wait for the one that applies.
const THREADS_MAX: usize = 4;

/// How a journal is shared out.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// The last record to read.
    last: u64,
    /// Records in each piece.
    piece: u64,
    threads: u64,
}

impl Plan {
    /// None where one thread does as well.
    fn of(last: Seq) -> Option<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let threads = u64::try_from(cores).unwrap_or(1).min(last.get().div_ceil(PIECE));
        (threads > 1).then_some(Self { last: last.get(), piece: PIECE, threads })
    }

    /// The pieces of one thread, as first and last record.
    fn pieces_of(self, thread: u64) -> impl Iterator<Item = (u64, u64)> {
        let step = usize::try_from(self.threads).unwrap_or(1);
        (0..self.last.div_ceil(self.piece)).skip(usize::try_from(thread).unwrap_or(0)).step_by(step).map(
            move |number| {
                let before = number.saturating_mul(self.piece);
                (before.saturating_add(1), before.saturating_add(self.piece).min(self.last))
            },
        )
    }
}

/// Every record of a journal in order; see [`Reader::replay`].
pub struct Replay<'a> {
    reader: &'a Reader,
    /// The last record given out.
    read: Seq,
    threads: Option<Threads>,
    alone: Option<Records<'a>>,
    ended: bool,
}

impl fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("read", &self.read).finish_non_exhaustive()
    }
}

impl Reader {
    /// Every record, in order, each checked against itself and the one before it, on as many threads as
    /// are of use: the same records, and the same error in the same place, as [`Reader::records`] gives from
    /// the first on.
    ///
    /// The first error is the last item.
    #[must_use]
    pub fn replay(&self) -> Replay<'_> {
        // An end that cannot be read is met again by the reader that goes alone.
        Replay::begin(self, self.last_seq().ok().and_then(Plan::of))
    }
}

impl<'a> Replay<'a> {
    fn begin(reader: &'a Reader, plan: Option<Plan>) -> Self {
        // Without its threads it only takes longer.
        let threads = plan.and_then(|plan| Threads::begin(reader.path(), plan).ok());
        Self { reader, read: Seq::new(0), threads, alone: None, ended: false }
    }

    /// The next record that the threads have read; none once they are done or have met something bad.
    fn read_ahead(&mut self) -> Option<Record> {
        let next = self.threads.as_mut()?.next();
        match &next {
            Some(record) => self.read = record.header.seq,
            None => self.threads = None,
        }
        next
    }

    fn go_alone(&mut self) -> Option<Result<Record, Error>> {
        if self.alone.is_none() && !self.ended {
            match self.reader.records(self.read.next()) {
                Ok(records) => self.alone = Some(records),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.alone.as_mut()?.next().map(|stored| stored.map(|stored| stored.record))
    }
}

impl Iterator for Replay<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_ahead().map(Ok).or_else(|| self.go_alone())
    }
}

/// Threads that read ahead.
struct Threads {
    hands: Vec<Hand>,
    /// Whose piece comes next.
    turn: usize,
    ready: std::vec::IntoIter<Record>,
}

/// A thread at work, and where its pieces come out.
struct Hand {
    pieces: Option<Receiver<Vec<Record>>>,
    thread: Option<JoinHandle<()>>,
}

impl Threads {
    fn begin(path: &Path, plan: Plan) -> Result<Self, Error> {
        let mut threads = Self { hands: Vec::new(), turn: 0, ready: Vec::new().into_iter() };
        for number in 0..plan.threads {
            let own = Reader::open_plainly(path)?;
            let (give, take) = sync_channel(AHEAD);
            let thread = std::thread::Builder::new()
                .name(format!("alphec-replay-{number}"))
                .spawn(move || read_pieces(&own, plan.pieces_of(number), &give))
                .map_err(|error| Error::io(path, "reading", error))?;
            threads.hands.push(Hand { pieces: Some(take), thread: Some(thread) });
        }
        Ok(threads)
    }

    /// The next record; none when all were read, or the thread whose turn it is has ended early.
    fn next(&mut self) -> Option<Record> {
        if let Some(record) = self.ready.next() {
            return Some(record);
        }
        let piece = self.hands.get(self.turn)?.pieces.as_ref()?.recv().ok()?;
        self.turn = self.turn.saturating_add(1) % self.hands.len().max(1);
        self.ready = piece.into_iter();
        self.ready.next()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Nobody listens any more: each thread ends with the piece that it has in hand.
        self.hands.iter_mut().for_each(|hand| hand.pieces = None);
        for thread in self.hands.iter_mut().filter_map(|hand| hand.thread.take()) {
            if thread.join().is_err() {
                tracing::error!("a thread that read the journal has panicked");
            }
        }
    }
}

/// Reads piece after piece until all are read, one is not sound, or nobody listens.
fn read_pieces(reader: &Reader, pieces: impl Iterator<Item = (u64, u64)>, give: &SyncSender<Vec<Record>>) {
    for (first, last) in pieces {
        let Some(piece) = read_piece(reader, first, last) else { return };
        if give.send(piece).is_err() {
            return;
        }
    }
}

/// A piece that is whole and sound, or none: what is wrong with it is for the reader that goes alone.
fn read_piece(reader: &Reader, first: u64, last: u64) -> Option<Vec<Record>> {
    let count = usize::try_from(last.checked_sub(first)?).ok()?.checked_add(1)?;
    let records = reader.records(Seq::new(first)).ok()?.take(count);
    let piece: Vec<_> = records.map(|stored| Some(stored.ok()?.record)).collect::<Option<_>>()?;
    (piece.len() == count).then_some(piece)
}

#[cfg(test)]
mod tests;
