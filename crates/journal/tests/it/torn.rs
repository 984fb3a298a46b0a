//! The WAL cut or damaged at any place, as a power cut or a bad block leaves it.

use std::fs;
use std::path::{Path, PathBuf};

use alphec_journal::{Error, Journal, Sink, verify};

use crate::common::{beside, options, place, records, replay};

/// A journal as a dead process leaves it: 5 records in the main file, 15 more in the WAL.
fn left_behind(path: &Path) -> PathBuf {
    let (_dir, live) = place();
    let mut journal = Journal::create(&live, options()).unwrap();
    let _durable = journal.append(&records(1..=5)).unwrap();
    journal.close().unwrap();
    let mut journal = Journal::open(&live, options()).unwrap();
    for seq in 6..=20 {
        let _durable = journal.append(&records(seq..=seq)).unwrap();
        // From the front log into the WAL, one commit each.
        journal.maintain().unwrap();
    }
    for suffix in ["", "-wal", ".front", ".head"] {
        fs::copy(beside(&live, suffix), beside(path, suffix)).unwrap();
    }
    beside(path, "-wal")
}

/// Puts the journal back with another WAL, and opens it, with and without the note of its head.
fn open_with(path: &Path, main: &[u8], wal: &[u8], note: Option<&[u8]>) -> Result<u64, Error> {
    fs::write(path, main).unwrap();
    fs::write(beside(path, "-wal"), wal).unwrap();
    let _ = fs::remove_file(beside(path, "-shm"));
    // The front log knows too where the table must end; here it is about the WAL alone.
    for suffix in [".head", ".front"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
    if let Some(note) = note {
        fs::write(beside(path, ".head"), note).unwrap();
    }
    let journal = Journal::open(path, options())?;
    assert_eq!(journal.is_end_proven(), note.is_some());
    let head = journal.head().seq.get();
    drop(journal);
    let report = verify(path, &mut |_| {})?;
    assert_eq!(report.records, head);
    assert_eq!(replay(path, 1)?, records(1..=head));
    Ok(head)
}

#[test]
fn a_wal_cut_anywhere_leaves_a_whole_number_of_commits_and_the_loss_is_noticed() {
    let (_dir, path) = place();
    let wal_path = left_behind(&path);
    let (main, wal, note) =
        (fs::read(&path).unwrap(), fs::read(wal_path).unwrap(), fs::read(beside(&path, ".head")).unwrap());
    let used = wal.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let wal = &wal[..used];
    assert_eq!(open_with(&path, &main, wal, Some(&note)).unwrap(), 20);
    let mut heads = Vec::new();
    for length in (0..used).step_by(997) {
        let head = open_with(&path, &main, &wal[..length], None).unwrap();
        heads.push(head);
        let noticed = open_with(&path, &main, &wal[..length], Some(&note));
        assert!(matches!(noticed, Err(Error::TailLost { .. })), "cut at {length}: {noticed:?}");
        assert_eq!(
            fs::read(beside(&path, "-wal")).unwrap(),
            &wal[..length],
            "a start that fails leaves it as it was"
        );
    }
    assert!(heads.is_sorted() && heads.first() == Some(&5) && heads.contains(&12), "{heads:?}");
}

#[test]
fn a_changed_byte_in_the_wal_is_noticed_wherever_it_is() {
    let (_dir, path) = place();
    let wal_path = left_behind(&path);
    let (main, wal, note) =
        (fs::read(&path).unwrap(), fs::read(wal_path).unwrap(), fs::read(beside(&path, ".head")).unwrap());
    let used = wal.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for position in (0..used).step_by(1_009) {
        let mut wal = wal[..used].to_vec();
        wal[position] ^= 1;
        let opened = open_with(&path, &main, &wal, Some(&note));
        // SQLite drops what follows the damage without a word; the note remembers.
        assert!(matches!(opened, Err(Error::TailLost { .. }) | Ok(20)), "byte {position}: {opened:?}");
        let head = open_with(&path, &main, &wal, None).unwrap();
        assert_eq!(opened.is_ok(), head == 20, "byte {position}");
    }
}
