//! What has reached the disk, what only the cache holds, and what goes wrong next.

use std::collections::VecDeque;
use std::time::Duration;

use super::Which;

/// A sector is written whole or not at all.
const SECTOR: usize = 512;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A write fails and writes nothing.
    WriteFails,
    /// A write fails after a part of it.
    WriteTears,
    /// There is no space for a part of a write.
    Full,
    /// A sync fails, and what it was for stays in the cache only.
    SyncFails,
    /// A sync says that it worked and did nothing.
    SyncLies,
    /// A read fails.
    ReadFails,
    /// A write or a sync takes this long, and then works.
    Slow(Duration),
}

/// What goes wrong when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub what: What,
    /// At which operation of its sort, counted from 1 from now on.
    pub nth: u64,
    /// At so many operations in a row.
    pub times: u64,
}

/// An operation that a fault may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Write,
    Sync,
}

impl What {
    const fn strikes(self, operation: Operation) -> bool {
        match self {
            Self::WriteFails | Self::WriteTears | Self::Full => matches!(operation, Operation::Write),
            Self::SyncFails | Self::SyncLies => matches!(operation, Operation::Sync),
            Self::ReadFails => matches!(operation, Operation::Read),
            Self::Slow(_) => matches!(operation, Operation::Write | Operation::Sync),
        }
    }
}

/// A stream of numbers from a seed, the same everywhere (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, and without, `end`; 0 when that is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        match end {
            0 => 0,
            _ => mixed % end,
        }
    }
}

/// The files, and the faults to come.
#[derive(Debug, Clone)]
pub(super) struct Model {
    main: FileModel,
    wal: FileModel,
    front: FileModel,
    faults: Vec<(Fault, u64)>,
    dice: Dice,
    pub(super) struck: u64,
}

impl Default for Model {
    fn default() -> Self {
        let (main, wal, front) = (FileModel::default(), FileModel::default(), FileModel::default());
        Self { main, wal, front, faults: Vec::new(), dice: Dice::new(0), struck: 0 }
    }
}

impl Model {
    pub(super) const fn file(&mut self, which: Which) -> &mut FileModel {
        match which {
            Which::Main => &mut self.main,
            Which::Wal => &mut self.wal,
            Which::Front => &mut self.front,
        }
    }

    pub(super) fn plan(&mut self, fault: Fault) {
        self.faults.push((fault, 0));
    }

    pub(super) fn heal(&mut self) {
        self.faults.clear();
    }

    /// What strikes the operation that comes now, if anything does.
    pub(super) fn strike(&mut self, operation: Operation) -> Option<What> {
        let mut struck = None;
        for (fault, seen) in self.faults.iter_mut().filter(|(fault, _)| fault.what.strikes(operation)) {
            *seen = seen.saturating_add(1);
            let last = fault.nth.saturating_add(fault.times);
            if (fault.nth..last).contains(seen) {
                struck = struck.or(Some(fault.what));
            }
        }
        self.struck = self.struck.saturating_add(u64::from(struck.is_some()));
        struck
    }

    /// How much of a torn write is written.
    pub(super) fn part_of(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.dice.below(length)).unwrap_or_default()
    }

    pub(super) fn lose_power(&mut self, dice: &mut Dice) {
        self.main.lose_power(dice);
        self.wal.lose_power(dice);
        self.front.lose_power(dice);
    }
}

/// Whether a change is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// In the cache; the next sync brings it to the disk.
    Pending,
    /// Its sync failed: in the cache, and no later sync will bring it to the disk.
    Doomed,
    /// On the disk.
    Durable,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

/// One file: what is on the disk for certain, and every change since the first that is not.
#[derive(Debug, Clone, Default)]
pub(super) struct FileModel {
    exists: bool,
    durable: Vec<u8>,
    changes: VecDeque<(Change, Fate)>,
    /// The content of a removed file, whose removal no power cut has tried yet.
    ghost: Option<Vec<u8>>,
}

impl FileModel {
    /// The file as found when it is opened. Content from elsewhere was synced by whoever wrote it.
    pub(super) fn meet(&mut self, content: Option<Vec<u8>>) {
        if self.visible() != content {
            let exists = content.is_some();
            *self = Self { exists, durable: content.unwrap_or_default(), ..Self::default() };
        }
    }

    pub(super) fn wrote(&mut self, at: usize, bytes: Vec<u8>) {
        self.changes.push_back((Change::Write { at, bytes }, Fate::Pending));
    }

    pub(super) fn cut(&mut self, length: usize) {
        self.changes.push_back((Change::Length(length), Fate::Pending));
    }

    pub(super) fn synced(&mut self) {
        self.settle(Fate::Durable);
        while let Some((change, _)) = self.changes.pop_front_if(|(_, fate)| *fate == Fate::Durable) {
            apply(&mut self.durable, &change);
        }
    }

    pub(super) fn sync_failed(&mut self) {
        self.settle(Fate::Doomed);
    }

    pub(super) fn removed(&mut self) {
        let ghost = Some(core::mem::take(&mut self.durable));
        *self = Self { ghost, ..Self::default() };
    }

    /// What a process sees; `None` when there is no such file.
    pub(super) fn visible(&self) -> Option<Vec<u8>> {
        let mut content = self.durable.clone();
        self.changes.iter().for_each(|(change, _)| apply(&mut content, change));
        self.exists.then_some(content)
    }

    fn settle(&mut self, fate: Fate) {
        for (_, is) in self.changes.iter_mut().filter(|(_, is)| *is == Fate::Pending) {
            *is = fate;
        }
    }

    fn lose_power(&mut self, dice: &mut Dice) {
        if let Some(ghost) = self.ghost.take().filter(|_| !self.exists && dice.below(2) == 0) {
            (self.exists, self.durable) = (true, ghost);
        }
        for (change, fate) in core::mem::take(&mut self.changes) {
            match fate {
                Fate::Durable => apply(&mut self.durable, &change),
                Fate::Pending | Fate::Doomed => survive(&mut self.durable, &change, dice),
            }
        }
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => content.resize(*length, 0),
        Change::Write { at, bytes } => put(content, *at, bytes),
    }
}

/// A change that was not synced: whole, in part, or lost.
fn survive(content: &mut Vec<u8>, change: &Change, dice: &mut Dice) {
    match (dice.below(3), change) {
        (0, _) => {}
        (1, Change::Write { at, bytes }) => {
            for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                if dice.below(2) == 0 {
                    put(content, at.saturating_add(index.saturating_mul(SECTOR)), sector);
                }
            }
        }
        _ => apply(content, change),
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at.saturating_add(bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(at..end) {
        place.copy_from_slice(bytes);
    }
}
