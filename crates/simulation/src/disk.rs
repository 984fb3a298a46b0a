//! The journal on a disk that is not there: real records, real hashes, real chain; writes that take time,
//! fail, and are torn by a crash.
//!
//! The file is frames of length, payload and hash, one after the other. What has been synced stays; of what has
//! not, a crash keeps any number of bytes from the front.

use std::sync::Arc;

use alphec_journal::Hash;
use alphec_model::{Record, Seq, planted};

use crate::clock::Instant;
use crate::dice::Dice;

/// What the disk is going through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// A sync takes between these two spans.
    Works { from: Instant, to: Instant },
    /// A sync fails, and nothing was written.
    Fails,
    /// A sync fails though everything was written.
    Lies,
    /// There is no room.
    Full,
}

/// What a frame is longer than its payload.
const FRAME: usize = 36;

/// A batch on its way.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    hashes: Vec<Hash>,
    due: Instant,
    mood: Mood,
}

/// What a batch came to.
#[derive(Debug)]
pub(crate) struct Done {
    /// Durable up to here, or why not.
    pub(crate) outcome: Result<Seq, String>,
    /// The records, when they are durable and were not before.
    pub(crate) records: Vec<Arc<Record>>,
}

/// What a start finds.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    pub(crate) hashes: Vec<Hash>,
}

/// The file cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Corrupt {
    pub(crate) seq: u64,
}

#[derive(Debug)]
pub(crate) struct Disk {
    file: Vec<u8>,
    /// The hash of every record in the file.
    written: Vec<Hash>,
    /// So many records were acknowledged as durable.
    acknowledged: usize,
    pending: Option<(Pending, Vec<Arc<Record>>)>,
    mood: Mood,
    dice: Dice,
    /// What was said to be durable and is not: only with a bug planted.
    unsynced: Vec<u8>,
    /// The file as it was before a bit of it flipped, and in which record.
    intact: Option<(Vec<u8>, u64)>,
}

impl Disk {
    pub(crate) const fn new(mood: Mood, dice: Dice) -> Self {
        Self {
            file: Vec::new(),
            written: Vec::new(),
            acknowledged: 0,
            pending: None,
            mood,
            dice,
            unsynced: Vec::new(),
            intact: None,
        }
    }

    /// From now on.
    pub(crate) fn set_mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.file
    }

    /// The hash of every record that was acknowledged as durable.
    pub(crate) fn acknowledged(&self) -> &[Hash] {
        self.written.get(..self.acknowledged).unwrap_or_default()
    }

    /// Takes a batch; its outcome comes later.
    pub(crate) fn begin(&mut self, now: Instant, records: Vec<Arc<Record>>) {
        // Whoever does not wait for the one before gets one longer write: only with a bug planted.
        let before = self.pending.take();
        let (mut bytes, mut hashes, mut all) =
            before.map_or_else(Default::default, |(pending, all)| (pending.bytes, pending.hashes, all));
        let mut payload = Vec::new();
        let mut head = hashes.last().or(self.written.last()).copied().unwrap_or(Hash::GENESIS);
        for record in &records {
            // A failed attempt may have persisted this batch already.
            let seq = usize::try_from(record.header.seq.get()).unwrap_or(usize::MAX);
            if seq <= self.written.len() && !planted::is("a-batch-tried-again-is-written-twice") {
                continue;
            }
            payload.clear();
            if serde_json::to_writer(&mut payload, &**record).is_err() {
                continue;
            }
            head = Hash::of(&head, &payload);
            hashes.push(head);
            bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(&payload);
            bytes.extend_from_slice(head.as_bytes());
        }
        let mood = self.mood;
        let (from, to) = match mood {
            Mood::Works { from, to } => (from, to),
            Mood::Fails | Mood::Lies | Mood::Full => (0, 2_000_000),
        };
        let due = now.saturating_add(self.dice.range(from, to));
        all.extend(records);
        self.pending = Some((Pending { bytes, hashes, due, mood }, all));
    }

    pub(crate) fn due(&self) -> Instant {
        self.pending.as_ref().map_or(Instant::MAX, |(pending, _)| pending.due)
    }

    /// What has come of the batch, once it is due.
    pub(crate) fn done(&mut self, now: Instant) -> Option<Done> {
        let (pending, records) = self.pending.take_if(|(pending, _)| pending.due <= now)?;
        let is_believed = planted::is("a-failed-sync-counts-as-done");
        let is_skipped = pending.hashes.len() > 4 && planted::is("a-large-batch-is-not-synced");
        let why = match pending.mood {
            _ if is_believed => None,
            Mood::Works { .. } => None,
            Mood::Fails | Mood::Lies => Some("the device failed"),
            Mood::Full => Some("no space left on the device"),
        };
        if matches!(pending.mood, Mood::Works { .. } | Mood::Lies) {
            self.file.append(&mut self.unsynced);
            if is_skipped {
                self.unsynced.extend_from_slice(&pending.bytes);
            } else {
                self.file.extend_from_slice(&pending.bytes);
            }
            self.written.extend(pending.hashes);
        }
        match why {
            Some(why) => Some(Done { outcome: Err(why.to_owned()), records: Vec::new() }),
            None => {
                self.acknowledged = self.written.len();
                let last = records.last().map(|record| record.header.seq).filter(|_| is_believed);
                let upto = Seq::new(u64::try_from(self.acknowledged).unwrap_or(u64::MAX));
                let is_true = last.is_none() || matches!(pending.mood, Mood::Works { .. });
                let records = if is_true { records } else { Vec::new() };
                Some(Done { outcome: Ok(last.unwrap_or(upto)), records })
            }
        }
    }

    /// The process dies: of what was not synced, the front may have reached the disk.
    pub(crate) fn crash(&mut self) {
        self.unsynced.clear();
        if let Some((pending, _)) = self.pending.take() {
            let kept = self.dice.range(0, i64::try_from(pending.bytes.len()).unwrap_or(0));
            let kept = usize::try_from(kept).unwrap_or(0);
            self.file.extend_from_slice(pending.bytes.get(..kept).unwrap_or_default());
        }
    }

    /// While no process runs, a bit flips somewhere in what is durable: so many thousandths along the way.
    pub(crate) fn rot(&mut self, thousandths: usize, bit: u8) {
        if self.intact.is_some() {
            return;
        }
        let lengths = frames(&self.file).take(self.acknowledged).map(|(payload, _)| payload.len() + FRAME);
        let ends: Vec<usize> =
            lengths.scan(0, |end, length| Some(core::mem::replace(end, *end + length) + length)).collect();
        let at = ends.last().map_or(0, |end| end * thousandths.min(999) / 1_000);
        let Some(record) = ends.iter().position(|end| at < *end) else { return };
        let intact = self.file.clone();
        if let Some(byte) = self.file.get_mut(at) {
            *byte ^= 1 << (bit % 8);
            self.intact = Some((intact, u64::try_from(record).unwrap_or(0) + 1));
        }
    }

    /// The record in which a bit flipped.
    pub(crate) fn rotten(&self) -> Option<u64> {
        self.intact.as_ref().map(|(_, seq)| *seq)
    }

    /// An operator puts a whole copy in the place of the file.
    pub(crate) fn restore(&mut self) {
        if let Some((intact, _)) = self.intact.take() {
            self.file = intact;
        }
    }

    /// A start: reads everything, checks the chain, and cuts off what a crash left half written.
    pub(crate) fn open(&mut self) -> Result<Found, Corrupt> {
        let (mut records, mut hashes, mut whole) = (Vec::new(), Vec::new(), 0);
        let mut head = Hash::GENESIS;
        for (payload, hash) in frames(&self.file) {
            if Hash::of(&head, payload) != hash {
                break;
            }
            let Ok(record) = serde_json::from_slice::<Record>(payload) else { break };
            whole += payload.len() + FRAME;
            head = hash;
            hashes.push(hash);
            records.push(record);
        }
        if records.len() < self.acknowledged && !planted::is("a-rotten-record-is-taken-for-a-torn-tail") {
            return Err(Corrupt { seq: u64::try_from(records.len()).unwrap_or(0) + 1 });
        }
        if !planted::is("a-torn-tail-is-left-in-place") {
            self.file.truncate(whole);
        }
        self.acknowledged = hashes.len();
        self.written.clone_from(&hashes);
        Ok(Found { records, hashes })
    }
}

/// Payload and hash of every frame that is there in full.
pub(crate) fn frames(mut file: &[u8]) -> impl Iterator<Item = (&[u8], Hash)> {
    core::iter::from_fn(move || {
        let length = usize::try_from(u32::from_be_bytes(*file.first_chunk::<4>()?)).ok()?;
        let payload = file.get(4..4 + length)?;
        let hash = Hash::from_bytes(file.get(4 + length..36 + length)?)?;
        file = file.get(36 + length..)?;
        Some((payload, hash))
    })
}

#[cfg(test)]
mod tests {
    use alphec_model::{Body, Header, Provenance, UtcNanos};

    use super::*;

    fn written(count: u64) -> Disk {
        let mut disk = Disk::new(Mood::Works { from: 1, to: 1 }, Dice::new(1, 2));
        let record = |seq: u64| {
            let header = Header {
                seq: Seq::new(seq),
                at: UtcNanos::from_nanos(1),
                provenance: Provenance::Observed,
                correlation_id: None,
                client_order_id: None,
                broker_order_id: None,
                perm_id: None,
                exec_id: None,
            };
            Arc::new(Record {
                header,
                body: Body::Anomaly { what: "x".repeat(usize::try_from(seq).unwrap()) },
            })
        };
        disk.begin(0, (1..=count).map(record).collect());
        assert!(disk.done(1).unwrap().outcome.is_ok());
        disk
    }

    #[test]
    fn a_bit_that_flips_anywhere_stops_the_start_and_its_record_is_named() {
        for thousandths in 0..1_000 {
            let mut disk = written(7);
            disk.rot(thousandths, u8::try_from(thousandths % 8).unwrap());
            let named = disk.open().map(|found| found.records.len()).unwrap_err().seq;
            assert_eq!(Some(named), disk.rotten(), "{thousandths}");
            disk.restore();
            assert_eq!(disk.open().unwrap().records.len(), 7);
            assert_eq!(disk.rotten(), None);
        }
    }

    #[test]
    fn nothing_rots_where_nothing_is_durable() {
        let mut disk = Disk::new(Mood::Fails, Dice::new(1, 2));
        disk.rot(500, 3);
        assert_eq!(disk.rotten(), None);
        assert!(disk.open().unwrap().records.is_empty());
    }
}
