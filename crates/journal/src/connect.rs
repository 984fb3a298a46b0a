//! Opening the file: how SQLite is set up for one careful writer and any number of readers.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::disk::{self, sync_directory_of};
use crate::error::Error;
use crate::lock::beside;
use crate::schema;

/// The first SQLite without the WAL-reset bug, which can corrupt a journal that is being read.
const SQLITE_NEEDED: (i32, &str) = (3_051_003, "3.51.3");

/// A writer waits this long for a foreign lock: no other writer should exist, so hardly at all.
const WRITER_PATIENCE: Duration = Duration::from_millis(250);
/// A reader waits this long while another process recovers the file after a crash.
const READER_PATIENCE: Duration = Duration::from_secs(5);

/// Frames in the WAL at which a commit also copies them into the main file, if no quiet moment came.
const FRAMES_MAX: i64 = 4_096;
/// A WAL grown beyond this (a reader was in the way) is cut back.
const WAL_BYTES_KEPT: i64 = 64 << 20;
/// Zeros written ahead of time, so that a commit need not also make the file system grow the WAL;
/// that halves the time of a sync on ext4.
const WAL_BYTES_READY: usize = 4 << 20;
const CACHE_KIB: i64 = -16_384;

/// Writes a new, empty journal under a name nobody looks at, then renames it: it exists whole or not.
pub(crate) fn create(path: &Path) -> Result<(), Error> {
    check_sqlite()?;
    let new = beside(path, ".new");
    for leftover in [new.clone(), beside(&new, "-journal"), beside(&new, "-wal"), beside(&new, "-shm")] {
        let _ = fs::remove_file(leftover);
    }
    let write = || -> rusqlite::Result<()> {
        let conn = Connection::open_with_flags(
            &new,
            flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE),
        )?;
        schema::write(&conn)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.close().map_err(|(_, error)| error)
    };
    write().map_err(|error| Error::sql(path, "creating", error))?;
    File::open(&new)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| sync_directory_of(path))
        .map_err(|error| Error::io(path, "creating", error))
}

/// Opens for writing; the caller holds the lock.
pub(crate) fn writer(path: &Path) -> Result<Connection, Error> {
    check_sqlite()?;
    settle(path)?;
    make_wal_ready(path);
    let conn = open_writer(path)?;
    prepare_writer(&conn).map_err(|error| Error::sql(path, "opening", error))?;
    Ok(conn)
}

/// Opens read-only, beside a live writer, after a crash, or from a read-only copy.
pub(crate) fn reader(path: &Path) -> Result<Connection, Error> {
    check_sqlite()?;
    must_exist(path)?;
    match open_reader(path, OsStr::new("")) {
        // A WAL database needs its index file; where none can be made, it can still be read if
        // nothing is waiting in the WAL.
        Err(Error::Io { source, .. }) if is_read_only_place(&source) => {
            if fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0) {
                return Err(Error::NeedsWritablePlace { path: path.to_owned(), source });
            }
            open_reader(path, OsStr::new("?immutable=1"))
        }
        other => other,
    }
}

/// Opens read-only what a reader refuses as a whole because its end is missing.
pub(crate) fn rescue(path: &Path) -> Result<Connection, Error> {
    check_sqlite()?;
    must_exist(path)?;
    let failed = |error| Error::sql(path, "opening", error);
    let conn = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_ONLY)).map_err(failed)?;
    // The one switch that makes SQLite read a file which is shorter than its header says; nothing is written.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    conn.pragma_update(None, "writable_schema", true).map_err(failed)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(failed)?;
    conn.pragma_update(None, "cell_size_check", true).map_err(failed)?;
    conn.pragma_update(None, "mmap_size", 0).map_err(failed)?;
    conn.busy_timeout(READER_PATIENCE).map_err(failed)?;
    schema::identify(&conn, path)?;
    Ok(conn)
}

/// That there is a file at all, and something in it: SQLite's own message for the one is obscure, and beside an empty
/// file it deletes the WAL, even for a reader.
pub(crate) fn must_exist(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(file) if file.len() == 0 => {
            Err(Error::NotAJournal { path: path.to_owned(), what: "the file is empty".to_owned() })
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::Missing { path: path.to_owned() }),
        Err(error) => Err(Error::io(path, "opening", error)),
    }
}

/// Makes everything in the WAL durable in the main file.
///
/// After a crash the WAL may hold commits that were never synced but are visible: the system still
/// has them in memory. What is read must be as durable as what was acknowledged, or a power cut
/// could take back records that a restarted engine has already acted on.
fn settle(path: &Path) -> Result<(), Error> {
    let conn = open_writer(path)?;
    match copy_wal(&conn, "TRUNCATE").map_err(|error| Error::sql(path, "recovering", error)) {
        Ok(true) => return Ok(()),
        // A reader is in the way, or there is no space to copy to: the WAL stays, and is made durable
        // where it is. An engine must be able to start on a full disk, if only to cancel.
        Ok(false) | Err(Error::DiskFull { .. }) => {}
        Err(error) => return Err(error),
    }
    let wal = beside(path, "-wal");
    let made_durable = match disk::read(&wal, u64::MAX) {
        Ok(Some(bytes)) => disk::write_again(&wal, &bytes),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    made_durable.map_err(|error| Error::io(&wal, "syncing", error))
}

/// Copies the WAL into the main file and syncs both; false when someone else was in the way.
pub(crate) fn copy_wal(conn: &Connection, mode: &str) -> rusqlite::Result<bool> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| Ok(row.get::<_, i64>(0)? == 0))
}

/// Fills an empty WAL with zeros, which SQLite takes for no WAL. Only a matter of speed.
fn make_wal_ready(path: &Path) {
    let wal = beside(path, "-wal");
    if fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return;
    }
    let filled = File::create(&wal)
        .and_then(|mut file| file.write_all(&vec![0; WAL_BYTES_READY]).and_then(|()| file.sync_all()))
        .and_then(|()| sync_directory_of(&wal));
    if let Err(error) = filled {
        tracing::debug!(path = %wal.display(), %error, "cannot prepare the write-ahead log");
        let _ = File::create(&wal);
    }
}

fn open_writer(path: &Path) -> Result<Connection, Error> {
    must_exist(path)?;
    let failed = |error| Error::sql(path, "opening", error);
    let conn = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE)).map_err(failed)?;
    prepare(&conn, WRITER_PATIENCE).map_err(failed)?;
    schema::identify(&conn, path)?;
    Ok(conn)
}

fn open_reader(path: &Path, query: &OsStr) -> Result<Connection, Error> {
    let failed = |error| Error::sql(path, "opening", error);
    let read_only = flags(OpenFlags::SQLITE_OPEN_READ_ONLY);
    let conn = if query.is_empty() {
        Connection::open_with_flags(path, read_only)
    } else {
        Connection::open_with_flags(uri(path, query), read_only | OpenFlags::SQLITE_OPEN_URI)
    }
    .map_err(failed)?;
    prepare(&conn, READER_PATIENCE).map_err(failed)?;
    // A reader that happens to be the last to close must leave the WAL to the writer.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    schema::identify(&conn, path)?;
    Ok(conn)
}

fn prepare(conn: &Connection, patience: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(patience)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update(None, "cache_size", CACHE_KIB)
}

fn prepare_writer(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    // On macOS a plain sync stops at the drive's cache.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", FRAMES_MAX)?;
    conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)
}

fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE
}

fn check_sqlite() -> Result<(), Error> {
    let (number, needed) = SQLITE_NEEDED;
    if rusqlite::version_number() >= number {
        return Ok(());
    }
    Err(Error::SqliteTooOld { found: rusqlite::version(), needed })
}

fn is_read_only_place(source: &crate::StorageError) -> bool {
    matches!(source.sqlite_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// The path as SQLite's URI syntax wants it.
fn uri(path: &Path, query: &OsStr) -> String {
    let mut uri = "file:".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            other => uri.push(other),
        }
    }
    uri.push_str(&query.to_string_lossy());
    uri
}
