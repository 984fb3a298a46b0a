//! The front log under the same disk: its few operations ask the model as those of SQLite do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::model::{Model, Operation, What};
use super::vfs::watcher;
use super::{Which, locked, pause, read_if_there};

/// What watches an open file.
#[derive(Debug)]
pub(crate) struct Watch {
    which: Which,
    model: Arc<Mutex<Model>>,
}

impl Watch {
    /// Of a file that was just opened; `None` when nobody watches it.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        let Some((which, model)) = watcher(&canonical(path)) else { return Ok(None) };
        locked(&model).file(which).meet(read_if_there(path)?);
        Ok(Some(Self { which, model }))
    }

    /// Writes what is to be written, or the part that a fault leaves of it.
    pub(crate) fn write(
        &self,
        bytes: &[u8],
        offset: u64,
        write: impl FnOnce(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let struck = strike(&self.model, Operation::Write);
        let mut model = locked(&self.model);
        let (length, outcome) = match struck {
            Some(What::WriteFails) => return Err(failure()),
            Some(What::WriteTears) => (model.part_of(bytes.len()), Err(failure())),
            Some(What::Full) => (model.part_of(bytes.len()), Err(io::ErrorKind::StorageFull.into())),
            _ => (bytes.len(), Ok(())),
        };
        let part = bytes.get(..length).unwrap_or_default();
        write(part)?;
        model.file(self.which).wrote(usize::try_from(offset).unwrap_or_default(), part.to_vec());
        outcome
    }

    /// Not handed on: the model knows what is synced.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let struck = strike(&self.model, Operation::Sync);
        let mut model = locked(&self.model);
        match struck {
            Some(What::SyncFails) => {
                model.file(self.which).sync_failed();
                Err(failure())
            }
            Some(What::SyncLies) => Ok(()),
            _ => {
                model.file(self.which).synced();
                Ok(())
            }
        }
    }

    /// A read that may fail.
    pub(crate) fn before_reading(path: &Path) -> io::Result<()> {
        match watcher(&canonical(path)).and_then(|(_, model)| strike(&model, Operation::Read)) {
            Some(_) => Err(failure()),
            None => Ok(()),
        }
    }

    /// The file is gone.
    pub(crate) fn removed(path: &Path) {
        if let Some((which, model)) = watcher(&canonical(path)) {
            locked(&model).file(which).removed();
        }
    }
}

/// What strikes this operation; a slow one has been waited for.
fn strike(model: &Mutex<Model>, operation: Operation) -> Option<What> {
    let struck = locked(model).strike(operation);
    match struck {
        Some(What::Slow(how_long)) => {
            pause(how_long);
            None
        }
        other => other,
    }
}

/// The full name, also of a file that is not there.
fn canonical(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|parent| parent.canonicalize().ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}

fn failure() -> io::Error {
    io::Error::other("made to fail by a test")
}
