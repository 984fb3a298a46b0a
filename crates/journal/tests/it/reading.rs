//! Readers beside a writer, after one, and without one.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use alphec_journal::{Error, Head, Journal, Reader, Sink, measure_sync_of, verify};
use alphec_model::Seq;

use crate::common::{beside, child, in_child, journal_of, options, place, records, replay, with_mounts};

#[test]
fn readers_and_verify_work_while_the_writer_writes() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=10)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut rounds, mut last) = (0, 10);
                    while !done.load(Ordering::Relaxed) || rounds == 0 {
                        let seen = u64::try_from(replay(&path, 1).unwrap().len()).unwrap();
                        let report = verify(&path, &mut |_| {}).unwrap();
                        assert!(seen >= last && report.records >= seen, "{seen} after {last}");
                        (rounds, last) = (rounds + 1, seen);
                    }
                })
            })
            .collect();
        for batch in 0..300 {
            let _durable = journal.append(&records(batch * 10 + 11..=batch * 10 + 20)).unwrap();
            journal.maintain().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(verify(&path, &mut |_| {}).unwrap().records, 3_010);
}

#[test]
fn a_closed_journal_is_one_file_with_its_note_and_reading_leaves_it_unchanged() {
    let (dir, path) = place();
    journal_of(&path, 30);
    assert!(!beside(&path, "-wal").exists());
    let before = fs::read(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.head().unwrap().seq, Seq::new(30));
    drop(reader);
    verify(&path, &mut |_| {}).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    let copy = dir.path().join("a copy with ? and # and % in its name.db");
    fs::copy(&path, &copy).unwrap();
    let report = verify(&copy, &mut |_| {}).unwrap();
    assert_eq!((report.records, report.tail_checked), (30, false));
}

#[test]
fn a_reader_sees_what_is_still_in_the_wal_of_a_dead_writer() {
    let (_dir, live) = place();
    let mut journal = Journal::create(&live, options()).unwrap();
    let durable = journal.append(&records(1..=25)).unwrap();
    let (_dir, path) = place();
    for suffix in ["", "-wal", ".front", ".head"] {
        fs::copy(beside(&live, suffix), beside(&path, suffix)).unwrap();
    }
    assert_eq!(Reader::open(&path).unwrap().head().unwrap(), durable.head);
    assert_eq!(verify(&path, &mut |_| {}).unwrap().head, durable.head);
    assert_eq!(replay(&path, 1).unwrap(), records(1..=25));
}

/// Not a test by itself: run where the journal's directory cannot be written.
#[test]
fn child_reads_from_a_read_only_place() {
    let Some(path) = in_child() else { return };
    let report = verify(&path, &mut |_| {}).unwrap();
    assert_eq!(replay(&path, 1).unwrap(), records(1..=30));
    let error = verify(path.with_file_name("unsettled.db"), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::NeedsWritablePlace { .. }), "{error}");
    assert!(matches!(Journal::open(&path, options()), Err(Error::Io { .. })));
    println!("read {} records", report.records);
}

#[test]
fn a_closed_journal_can_be_verified_on_a_read_only_medium_and_one_with_a_wal_says_what_to_do() {
    let (dir, path) = place();
    journal_of(&path, 30);
    let (_dir, live) = place();
    let mut journal = Journal::create(&live, options()).unwrap();
    let _durable = journal.append(&records(1..=25)).unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(beside(&live, suffix), beside(&dir.path().join("unsettled.db"), suffix)).unwrap();
    }
    let child = child("reading::child_reads_from_a_read_only_place", &path);
    let here = dir.path().display();
    let Some(output) =
        with_mounts(&format!("mount --bind '{here}' '{here}' && mount -o remount,bind,ro '{here}'"), &child)
    else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("read 30 records"), "{output:?}");
}

#[test]
fn a_reader_keeps_up_with_new_records_and_an_empty_journal_is_fine() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let reader = journal.reader().unwrap();
    assert_eq!(reader.head().unwrap(), Head::EMPTY);
    assert_eq!(reader.tail(5).unwrap().count(), 0);
    let report = verify(&path, &mut |_| {}).unwrap();
    assert_eq!((report.records, report.first_at), (0, None));
    let durable = journal.append(&records(1..=2)).unwrap();
    assert_eq!(reader.head().unwrap(), durable.head);
    let health = reader.health().unwrap();
    assert_eq!((health.records, health.head), (2, durable.head));
    assert!(health.bytes > 0 && health.wal_bytes > 0 && health.free_bytes.is_some());
}

#[test]
fn an_endless_reader_does_not_keep_the_wal_from_being_reused() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=2_000)).unwrap();
    let reader = journal.reader().unwrap();
    let mut half_read = reader.records(Seq::new(1)).unwrap();
    half_read.next().unwrap().unwrap();
    for batch in 4..40 {
        let _durable = journal.append(&records(batch * 500 + 1..=batch * 500 + 500)).unwrap();
        journal.maintain().unwrap();
    }
    assert!(journal.health().unwrap().wal_bytes <= 8 << 20, "{:?}", journal.health());
    assert!(half_read.all(|stored| stored.is_ok()));
}

#[test]
fn the_sync_of_a_disk_is_measured_and_the_probe_removed() {
    let (dir, _) = place();
    let latency = measure_sync_of(dir.path(), 4_096, 20).unwrap();
    assert!(latency.min <= latency.median && latency.median <= latency.p99 && latency.rounds == 20);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(measure_sync_of(dir.path().join("nowhere"), 10, 1).is_err());
}
