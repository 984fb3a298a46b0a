//! The layer between SQLite and the file system. The only unsafe code of this workspace, and in no program of it.
//!
//! It becomes SQLite's default file system for the process, and hands every call on to the one that was the default
//! before, except for files that somebody watches: their writes, syncs and reads ask the model first.
//!
//! Why it is sound. SQLite promises (its documentation of `sqlite3_vfs` and `sqlite3_io_methods`): a file object of
//! `szOsFile` bytes that only one thread uses at a time, methods called only between a successful `xOpen` and
//! `xClose`, and buffers as long as said. Our object is followed in the same memory by that of the file system below,
//! whose size and alignment (a pointer's) are part of ours. The tables of functions live as long as the process.

#![expect(unsafe_code, reason = "SQLite's file systems are tables of C functions")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::size_of;
use core::ptr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rusqlite::ffi;

use super::model::{Model, Operation, What};
use super::{Which, locked, name_of, pause};

/// A file by its full name, which of a journal's files it is, and what is known of its disk.
type Entry = (PathBuf, Which, Weak<Mutex<Model>>);

/// Every watched file.
static WATCHED: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
/// The file system below; set once, before ours is known to SQLite.
static BELOW: OnceLock<Below> = OnceLock::new();

struct Below(*mut ffi::sqlite3_vfs);

// SAFETY: a registered file system is never freed, and SQLite itself calls it from any thread.
unsafe impl Send for Below {}
// SAFETY: as above.
unsafe impl Sync for Below {}

/// Our part of a file object; the part of the file system below follows it.
#[repr(C)]
struct Watched {
    methods: ffi::sqlite3_file,
    which: Which,
    model: *const Mutex<Model>,
}

/// Watches the files of the journal at `path`, which must be canonical.
pub(super) fn watch(path: &Path, model: &Arc<Mutex<Model>>) -> io::Result<()> {
    let installed = BELOW.get_or_init(install);
    if installed.0.is_null() {
        return Err(io::Error::other("SQLite did not take the layer between"));
    }
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched.retain(|(_, _, model)| model.strong_count() > 0);
    for which in Which::ALL {
        watched.push((name_of(path, which), which, Arc::downgrade(model)));
    }
    Ok(())
}

pub(super) fn watcher(name: &Path) -> Option<(Which, Arc<Mutex<Model>>)> {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    watched
        .iter()
        .filter(|(path, ..)| path == name)
        .find_map(|(_, which, model)| Some((*which, model.upgrade()?)))
}

/// Makes a copy of the default file system with two functions of ours, and makes it the default.
fn install() -> Below {
    // SAFETY: `sqlite3_vfs_find` gives null or a table that is never freed; it is copied, and the copy leaked, so that
    // both outlive every connection.
    unsafe {
        let below = ffi::sqlite3_vfs_find(ptr::null());
        let Some(table) = below.as_ref() else { return Below(ptr::null_mut()) };
        let own = c_int::try_from(size_of::<Watched>()).unwrap_or(c_int::MAX);
        let ours = Box::leak(Box::new(ffi::sqlite3_vfs {
            szOsFile: table.szOsFile.saturating_add(own),
            pNext: ptr::null_mut(),
            zName: c"alphec-faulty".as_ptr(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..*table
        }));
        match ffi::sqlite3_vfs_register(ours, 1) {
            ffi::SQLITE_OK => Below(below),
            _ => Below(ptr::null_mut()),
        }
    }
}

fn below() -> *mut ffi::sqlite3_vfs {
    BELOW.get().map_or(ptr::null_mut(), |below| below.0)
}

/// # Safety
/// `name` is null or a string of C.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    let name = unsafe { CStr::from_ptr(name) };
    Some(PathBuf::from(name.to_str().ok()?))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's; `file` has room for our part and that of the file system below (`install`).
    unsafe {
        let Some(open) = below().as_ref().and_then(|below| below.xOpen) else { return ffi::SQLITE_CANTOPEN };
        let Some((which, model)) = path_of(name).as_deref().and_then(watcher) else {
            return open(below(), name, file, flags, out_flags);
        };
        (*file).pMethods = ptr::null();
        let code = open(below(), name, under(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        {
            let mut model = locked(&model);
            let Some(content) = content_of(under(file)) else { return ffi::SQLITE_CANTOPEN };
            model.file(which).meet(Some(content));
        }
        let methods = ffi::sqlite3_file { pMethods: &raw const METHODS };
        file.cast::<Watched>().write(Watched { methods, which, model: Arc::into_raw(model) });
        ffi::SQLITE_OK
    }
}

/// What is in an open file of the file system below. Read through it: opening and closing the file once more would
/// end the locks that this process has on it.
///
/// # Safety
/// `file` is open, and of the file system below.
unsafe fn content_of(file: *mut ffi::sqlite3_file) -> Option<Vec<u8>> {
    // SAFETY: an open file has its functions, and the buffer is as long as said.
    unsafe {
        let methods = (*file).pMethods.as_ref()?;
        let mut size = 0;
        if methods.xFileSize?(file, &raw mut size) != ffi::SQLITE_OK {
            return None;
        }
        let mut content = vec![0_u8; usize::try_from(size).ok()?];
        let length = c_int::try_from(size).ok()?;
        let read = methods.xRead?(file, content.as_mut_ptr().cast(), length, 0);
        (read == ffi::SQLITE_OK).then_some(content)
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: the arguments are SQLite's.
    unsafe {
        let Some(delete) = below().as_ref().and_then(|below| below.xDelete) else {
            return ffi::SQLITE_IOERR_DELETE;
        };
        let watcher = path_of(name).as_deref().and_then(watcher);
        let code = delete(below(), name, sync);
        if let Some((which, model)) = watcher.filter(|_| code == ffi::SQLITE_OK) {
            locked(&model).file(which).removed();
        }
        code
    }
}

/// The file object of the file system below.
///
/// # Safety
/// `file` is one of ours.
const unsafe fn under(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: it follows ours in the same memory.
    unsafe { file.cast::<Watched>().add(1).cast() }
}

/// # Safety
/// `file` is one of ours and open.
unsafe fn ours<'a>(file: *mut ffi::sqlite3_file) -> (Which, &'a Mutex<Model>) {
    // SAFETY: written by `open`, and the model is kept until `close`.
    unsafe {
        let watched = &*file.cast::<Watched>();
        (watched.which, &*watched.model)
    }
}

/// What strikes this operation; a slow one has been waited for.
///
/// # Safety
/// `file` is one of ours and open.
unsafe fn strike(file: *mut ffi::sqlite3_file, operation: Operation) -> Option<What> {
    // SAFETY: by the caller's word.
    let (_, model) = unsafe { ours(file) };
    let struck = locked(model).strike(operation);
    match struck {
        Some(What::Slow(how_long)) => {
            pause(how_long);
            None
        }
        other => other,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are SQLite's, for an open file of ours; `data` holds `amount` bytes.
    unsafe {
        let struck = strike(file, Operation::Write);
        let (which, model) = ours(file);
        let mut model = locked(model);
        let whole = usize::try_from(amount).unwrap_or_default();
        let (length, code) = match struck {
            Some(What::WriteFails) => return ffi::SQLITE_IOERR_WRITE,
            Some(What::WriteTears) => (model.part_of(whole), ffi::SQLITE_IOERR_WRITE),
            Some(What::Full) => (model.part_of(whole), ffi::SQLITE_FULL),
            _ => (whole, ffi::SQLITE_OK),
        };
        let part = c_int::try_from(length).unwrap_or_default();
        let Some(write) = methods(file).xWrite else { return ffi::SQLITE_IOERR_WRITE };
        let written = write(under(file), data, part, at);
        if written != ffi::SQLITE_OK {
            return written;
        }
        let bytes = core::slice::from_raw_parts(data.cast::<u8>(), length).to_vec();
        model.file(which).wrote(usize::try_from(at).unwrap_or_default(), bytes);
        code
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the arguments are SQLite's, for an open file of ours.
    unsafe {
        match strike(file, Operation::Write) {
            Some(What::Full) => return ffi::SQLITE_FULL,
            Some(_) => return ffi::SQLITE_IOERR_TRUNCATE,
            None => {}
        }
        let (which, model) = ours(file);
        let mut model = locked(model);
        let Some(truncate) = methods(file).xTruncate else { return ffi::SQLITE_IOERR_TRUNCATE };
        let code = truncate(under(file), length);
        if code == ffi::SQLITE_OK {
            model.file(which).cut(usize::try_from(length).unwrap_or_default());
        }
        code
    }
}

/// Not handed on: the model knows what is synced, and a real sync would only take time.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe {
        let struck = strike(file, Operation::Sync);
        let (which, model) = ours(file);
        let mut model = locked(model);
        match struck {
            Some(What::SyncFails) => {
                model.file(which).sync_failed();
                ffi::SQLITE_IOERR_FSYNC
            }
            Some(What::SyncLies) => ffi::SQLITE_OK,
            _ => {
                model.file(which).synced();
                ffi::SQLITE_OK
            }
        }
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are SQLite's, for an open file of ours.
    unsafe {
        if strike(file, Operation::Read).is_some() {
            return ffi::SQLITE_IOERR_READ;
        }
        match methods(file).xRead {
            Some(read) => read(under(file), into, amount, at),
            None => ffi::SQLITE_IOERR_READ,
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours, used for the last time: the model goes back to `Arc`, which `open` took it from.
    unsafe {
        let code = methods(file).xClose.map_or(ffi::SQLITE_OK, |close| close(under(file)));
        drop(Arc::from_raw((*file.cast::<Watched>()).model));
        (*file).pMethods = ptr::null();
        code
    }
}

/// The functions of the file below.
///
/// # Safety
/// `file` is one of ours and open.
unsafe fn methods<'a>(file: *mut ffi::sqlite3_file) -> &'a ffi::sqlite3_io_methods {
    // SAFETY: the file below is open, so it has its functions.
    unsafe { &*(*under(file)).pMethods }
}

/// Hands a call on as it is.
macro_rules! hand_on {
    ($($name:ident = $field:ident($($argument:ident: $kind:ty),*), or $otherwise:expr;)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $kind),*) -> c_int {
            // SAFETY: the arguments are SQLite's, for an open file of ours.
            unsafe { methods(file).$field.map_or($otherwise, |below| below(under(file), $($argument),*)) }
        }
    )*};
}

hand_on! {
    file_size = xFileSize(size: *mut ffi::sqlite3_int64), or ffi::SQLITE_IOERR_FSTAT;
    lock = xLock(level: c_int), or ffi::SQLITE_IOERR_LOCK;
    unlock = xUnlock(level: c_int), or ffi::SQLITE_IOERR_UNLOCK;
    check_reserved_lock = xCheckReservedLock(held: *mut c_int), or ffi::SQLITE_IOERR_CHECKRESERVEDLOCK;
    file_control = xFileControl(what: c_int, argument: *mut c_void), or ffi::SQLITE_NOTFOUND;
    sector_size = xSectorSize(), or 4_096;
    device_characteristics = xDeviceCharacteristics(), or 0;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void), or ffi::SQLITE_IOERR_SHMMAP;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int), or ffi::SQLITE_IOERR_SHMLOCK;
    shm_unmap = xShmUnmap(delete: c_int), or ffi::SQLITE_OK;
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: an open file of ours.
    unsafe {
        if let Some(barrier) = methods(file).xShmBarrier {
            barrier(under(file));
        }
    }
}

/// Version 2: with shared memory, without mapped files, which would go past us.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
