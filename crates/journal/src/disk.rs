//! The few file operations that do not go through SQLite.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

#[cfg(feature = "faulty-disk")]
use crate::faulty::Watch;

/// A file written in place and synced.
#[derive(Debug)]
pub(crate) struct Disk {
    file: File,
    #[cfg(feature = "faulty-disk")]
    watch: Option<Watch>,
}

impl Disk {
    /// Opens the file, or creates it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::options().read(true).write(true).create(true).truncate(false).open(path)?,
            #[cfg(feature = "faulty-disk")]
            watch: Watch::of(path)?,
        })
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(crate) fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(feature = "faulty-disk")]
        if let Some(watch) = &self.watch {
            return watch.write(bytes, offset, |part| write_at(&mut self.file, part, offset));
        }
        write_at(&mut self.file, bytes, offset)
    }

    /// What was written is on the disk; its length too.
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(feature = "faulty-disk")]
        if let Some(watch) = &self.watch {
            return watch.sync();
        }
        self.file.sync_data()
    }
}

/// The first `most` bytes of a file; `None` where there is none.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    #[cfg(feature = "faulty-disk")]
    Watch::before_reading(path)?;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes the beginning of a file as it was, and syncs it. That it can be read says only that the
/// system has it in memory; after a sync that failed, a further sync alone would not bring it to the disk.
pub(crate) fn write_again(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut disk = Disk::open(path)?;
    disk.write_at(bytes, 0)?;
    disk.sync()
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {
            #[cfg(feature = "faulty-disk")]
            Watch::removed(path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// One system call where there is one: whoever appends waits for this.
#[cfg(unix)]
pub(crate) fn write_at(file: &mut File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
pub(crate) fn write_at(file: &mut File, bytes: &[u8], offset: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes))
}

/// Makes a new name in a directory durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
