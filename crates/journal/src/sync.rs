//! How long the journal's disk takes to make a small write durable.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Error;

/// Times of a write with its sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SyncLatency {
    /// The fastest.
    pub min: Duration,
    /// The middle one.
    pub median: Duration,
    /// Ninety-nine of a hundred were faster.
    pub p99: Duration,
    /// How many were made.
    pub rounds: usize,
}

/// What a commit of one record writes: a page for the table and one for the index.
const COMMIT_BYTES: usize = 2 * 4_120;
const ROUNDS: usize = 200;
/// A broken disk must not keep `doctor` for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// Measures writes of the size of a one-record commit, in a file of its own in `dir`.
///
/// # Errors
/// The file system's.
pub fn measure_sync(dir: impl AsRef<Path>) -> Result<SyncLatency, Error> {
    measure_sync_of(dir, COMMIT_BYTES, ROUNDS)
}

/// Measures `rounds` writes of `bytes` each; the file is written once before, as the WAL is.
///
/// # Errors
/// The file system's.
pub fn measure_sync_of(dir: impl AsRef<Path>, bytes: usize, rounds: usize) -> Result<SyncLatency, Error> {
    let path = dir.as_ref().join(format!(".alphec-sync-{}", std::process::id()));
    let measured = measure(&path, bytes, rounds.max(1));
    let _ = fs::remove_file(&path);
    measured.map_err(|error| Error::io(&path, "measuring the sync of", error))
}

fn measure(path: &Path, bytes: usize, rounds: usize) -> std::io::Result<SyncLatency> {
    let mut file = File::create(path)?;
    let block = vec![0x5A; bytes];
    for _ in 0..rounds {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let begun = Instant::now();
    let mut times = Vec::with_capacity(rounds);
    while times.len() < rounds && (times.is_empty() || begun.elapsed() < PATIENCE) {
        let start = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| {
        let index = times.len().saturating_mul(percent).checked_div(100).unwrap_or(0);
        times.get(index).or(times.last()).copied().unwrap_or_default()
    };
    Ok(SyncLatency { min: at(0), median: at(50), p99: at(99), rounds: times.len() })
}
