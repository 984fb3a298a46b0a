//! A disk that fails on purpose, under the real SQLite: for tests only, behind the feature `faulty-disk`.
//!
//! [`Disk::watch`] puts itself between SQLite and the file system for one journal. Writes and syncs fail, tear, lie or
//! take their time as planned, and the disk remembers what has really reached it: [`Disk::after_crash`] lays out,
//! somewhere else, the files as a dead process or a power cut would leave them.
//!
//! What it assumes of disks (`research/reliability.md` §3.3, group D): a write that was never synced may survive whole,
//! in part (by sectors) or not at all; a failed sync leaves its writes in the cache but not on the disk, and a later
//! good sync does not mend that; a torn write damages only the range it was to write. Files that do not go through
//! it are taken as synced by whoever wrote them, except the note of the head, which never is.

mod front;
mod model;
mod vfs;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use front::Watch;

use crate::lock::beside;
use model::Model;
pub use model::{Dice, Fault, What};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// It was killed: the system still has what it wrote, synced or not.
    Kill,
    /// The power went: of what was not synced, chance decides.
    PowerLoss {
        /// Of that chance.
        seed: u64,
    },
}

/// The files of a journal that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Main,
    Wal,
    Front,
}

impl Which {
    const ALL: [Self; 3] = [Self::Main, Self::Wal, Self::Front];
}

/// The disk under one journal, watched until dropped.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    model: Arc<Mutex<Model>>,
}

impl Disk {
    /// Watches the existing, closed journal at `path`. What is there is taken as durable.
    ///
    /// # Errors
    /// Of reading it, or when SQLite does not take the layer between.
    pub fn watch(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        Self::over(path, Model::default())
    }

    fn over(path: PathBuf, mut model: Model) -> io::Result<Self> {
        for which in Which::ALL {
            let content = read_if_there(&name_of(&path, which))?;
            model.file(which).meet(content);
        }
        let model = Arc::new(Mutex::new(model));
        vfs::watch(&path, &model)?;
        Ok(Self { path, model })
    }

    /// Adds a fault to come.
    pub fn plan(&self, fault: Fault) {
        self.model().plan(fault);
    }

    /// Forgets every fault.
    pub fn heal(&self) {
        self.model().heal();
    }

    /// How many operations a fault has struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.model().struck
    }

    /// Writes the files as the crash leaves them, for a journal at `into` (in a folder of its own), and watches that.
    /// What was not synced before a kill is still not synced after it.
    ///
    /// # Errors
    /// Of the files.
    pub fn after_crash(&self, crash: Crash, into: impl AsRef<Path>) -> io::Result<Self> {
        let into = into.as_ref();
        // Before the database, as it may never be ahead of it.
        let note = read_if_there(&beside(&self.path, ".head"))?;
        let mut model = self.model().clone();
        model.heal();
        let mut dice = Dice::new(match crash {
            Crash::Kill => 0,
            Crash::PowerLoss { seed } => seed,
        });
        if matches!(crash, Crash::PowerLoss { .. }) {
            model.lose_power(&mut dice);
        }
        for which in Which::ALL {
            if let Some(content) = model.file(which).visible() {
                fs::write(name_of(into, which), content)?;
            }
        }
        if let Some(note) = note {
            // Never synced: it survives a power cut as it is, half, or not at all.
            let kept = match (crash, dice.below(4)) {
                (Crash::Kill, _) | (_, 0 | 1) => note.len(),
                (_, 2) => note.len() / 2,
                (..) => 0,
            };
            fs::write(beside(into, ".head"), note.get(..kept).unwrap_or_default())?;
        }
        Self::over(fs::canonicalize(into)?, model)
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        locked(&self.model)
    }
}

/// A panic elsewhere in a test must not hide behind one about this lock.
fn locked(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name_of(path: &Path, which: Which) -> PathBuf {
    match which {
        Which::Main => path.to_owned(),
        Which::Wal => beside(path, "-wal"),
        Which::Front => beside(path, ".front"),
    }
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A pause in the middle of an operation, which is what a slow disk is.
fn pause(how_long: Duration) {
    std::thread::sleep(how_long);
}
