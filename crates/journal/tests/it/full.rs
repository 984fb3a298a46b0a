//! No space, foreign locks and foreign writers: nothing lost, nothing doubled, and on it goes.

use std::path::Path;

use alphec_journal::{Error, Journal, OpenOptions, Reader, Sink, verify};
use alphec_model::{Body, Record};
use rusqlite::Connection;

use crate::common::{child, given, in_child, options, place, record, records, replay, with_mounts};

fn long(seq: u64) -> Record {
    let mut record = record(seq);
    record.body = Body::Anomaly { what: "long ".repeat(4_000) };
    record
}

/// Appends one record after the other until there is no space; returns the one that failed.
fn fill(journal: &mut Journal) -> Record {
    loop {
        let record = long(journal.head().seq.get() + 1);
        match journal.append(&given([record.clone()])) {
            Ok(_) => {}
            Err(error) => {
                assert!(error.is_disk_full() && error.is_retryable(), "{error}");
                assert!(error.to_string().contains("free space"), "{error}");
                return record;
            }
        }
    }
}

#[test]
fn at_its_size_limit_the_journal_says_so_stays_readable_and_goes_on_when_there_is_space() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, OpenOptions::bytes_max(options(), 600_000)).unwrap();
    let refused = fill(&mut journal);
    let head = journal.head();
    assert!(head.seq.get() > 5 && head.seq.next() == refused.header.seq);
    assert_eq!(Reader::open(&path).unwrap().head().unwrap(), head);
    // Refused again, and a batch of which a part would fit is refused as a whole.
    assert!(
        journal
            .append(&given([long(head.seq.get() + 1), record(head.seq.get() + 2)]))
            .unwrap_err()
            .is_disk_full()
    );
    assert_eq!(Reader::open(&path).unwrap().head().unwrap(), head);

    journal.set_bytes_max(None).unwrap();
    let durable = journal.append(&given([refused])).unwrap();
    assert_eq!((durable.head.seq, durable.already), (head.seq.next(), 0));
    journal.close().unwrap();
    assert_eq!(verify(&path, &mut |_| {}).unwrap().head, durable.head);
}

/// Not a test by itself: needs a tiny file system of its own, made by the test below.
#[test]
fn child_fills_a_real_disk() {
    let Some(path) = in_child() else { return };
    let dir = path.parent().unwrap();
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 3_000_000]).unwrap();
    let mut journal = Journal::create(&path, options()).unwrap();
    for round in 0..3 {
        let refused = fill(&mut journal);
        let head = journal.head();
        assert_eq!(Reader::open(&path).unwrap().head().unwrap(), head);
        let _ = journal.maintain();
        if round == 0 {
            std::fs::remove_file(&ballast).unwrap();
            let durable = journal.append(&given([refused])).unwrap();
            assert_eq!(durable.head.seq, head.seq.next());
        } else {
            // Also with a new process on the full disk: open, read, verify.
            drop(journal);
            assert_eq!(verify(&path, &mut |_| {}).unwrap().head, head);
            journal = Journal::open(&path, options()).unwrap();
            assert_eq!(journal.head(), head);
        }
    }
    assert_eq!(verify(&path, &mut |_| {}).unwrap().head, journal.head());
    println!("filled and recovered at {}", journal.head().seq);
}

#[test]
fn on_a_really_full_disk_nothing_is_lost_and_appends_work_again_after_space_returns() {
    let (dir, _) = place();
    let path = dir.path().join("small/journal.db");
    std::fs::create_dir(dir.path().join("small")).unwrap();
    let child = child("full::child_fills_a_real_disk", &path);
    let mount = format!("mount -t tmpfs -o size=5m none '{}'", dir.path().join("small").display());
    let Some(output) = with_mounts(&mount, &child) else {
        // Where user namespaces are not allowed, the size limit above stands in for this.
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("filled and recovered"), "{output:?}");
}

#[test]
fn a_foreign_lock_is_named_and_the_same_records_succeed_after_it() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=2)).unwrap();
    let tool = Connection::open(&path).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The front log does not need the table for what it takes; nothing more is taken on it once it does.
    let durable = journal.append(&records(3..=4)).unwrap();
    for refused in [journal.maintain().unwrap_err(), journal.append(&records(5..=6)).unwrap_err()] {
        assert!(matches!(refused, Error::Busy { .. }) && refused.is_retryable(), "{refused}");
    }
    assert_eq!((journal.head(), Reader::open(&path).unwrap().head().unwrap()), (durable.head, durable.head));
    tool.execute_batch("COMMIT").unwrap();
    let _durable = journal.append(&records(5..=6)).unwrap();
    assert_eq!(replay(&path, 1).unwrap(), records(1..=6));
    // What is too large for the front log waits for the table, and so for the lock.
    let large: Vec<_> = (7..=10).map(long).collect();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = journal.append(&given(large.clone())).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }) && error.is_retryable(), "{error}");
    tool.execute_batch("COMMIT").unwrap();
    let durable = journal.append(&given(large)).unwrap();
    assert_eq!((durable.head.seq.get(), durable.already), (10, 0));
}

#[test]
fn records_that_someone_else_added_stop_the_writer() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=2)).unwrap();
    journal.maintain().unwrap();
    append_behind_its_back(&path, 3);
    let error = journal.append(&given([record(4)])).unwrap_err();
    assert!(matches!(error, Error::OutOfSequence { .. }), "{error}");
    let mut other = record(3);
    other.header.at = record(1).header.at;
    assert!(matches!(journal.append(&given([other, record(4)])), Err(Error::Conflict { .. })));
}

#[test]
fn an_append_that_persisted_although_it_failed_is_recognised_when_repeated() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=2)).unwrap();
    journal.maintain().unwrap();
    append_behind_its_back(&path, 3);
    // The engine only knows that record 3 failed, and gives it again with what came since.
    let durable = journal.append(&records(3..=5)).unwrap();
    assert_eq!(durable.already, 1);
    assert_eq!(replay(&path, 1).unwrap(), records(1..=5));
}

#[test]
fn a_tail_that_vanishes_under_a_running_writer_stops_it() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=4)).unwrap();
    journal.maintain().unwrap();
    let vandal = Connection::open(&path).unwrap();
    vandal.execute_batch("DROP TRIGGER record_never_goes; DELETE FROM record WHERE seq = 4").unwrap();
    let error = journal.append(&given([record(5)])).unwrap_err();
    assert!(matches!(error, Error::TailLost { .. }) && !error.is_retryable(), "{error}");
}

/// Adds the record as the journal would, past the journal.
fn append_behind_its_back(path: &Path, seq: u64) {
    let (_dir, twin) = place();
    let mut journal = Journal::create(&twin, options()).unwrap();
    let _durable = journal.append(&records(1..=seq)).unwrap();
    journal.close().unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute("ATTACH ?1 AS twin", [twin.to_str().unwrap()]).unwrap();
    conn.execute(
        "INSERT INTO main.record SELECT * FROM twin.record WHERE seq = ?1",
        [i64::try_from(seq).unwrap()],
    )
    .unwrap();
}
