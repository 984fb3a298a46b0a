//! One writer: an operating-system lock on `<journal>.lock`, whose text names the holder.
//!
//! The lock, not the text, decides; the system drops it however the process dies.

use core::fmt;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use alphec_model::UtcNanos;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Who has a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Which program.
    pub program: String,
    /// Since when.
    pub since: UtcNanos,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {}, since {})", self.program, self.pid, self.since)
    }
}

/// The lock; held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    owner: u32,
}

impl Lock {
    /// Takes the lock of the journal at `path`, or says who has it.
    pub(crate) fn take(path: &Path, holder: &Holder) -> Result<Self, Error> {
        let at = beside(path, ".lock");
        let failed = |error| Error::io(&at, "locking", error);
        let mut options = File::options();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).open(&at).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file).map(Box::new);
                return Err(Error::Held { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // The text is for people: failing to write it (a full disk, say) must not keep an engine down.
        let text = serde_json::to_string(holder).unwrap_or_default();
        if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{text}")) {
            tracing::warn!(path = %at.display(), %error, "cannot note who holds the journal");
        }
        Ok(Self { file, owner: holder.pid })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A forked child has the same lock through its copy of the handle: it must not end it for
        // its parent, nor keep it when the parent is done (closing alone would wait for both).
        if self.owner != std::process::id() {
            return;
        }
        // So that nobody reads a name that is no longer true.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// The path with `suffix` added to its file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
