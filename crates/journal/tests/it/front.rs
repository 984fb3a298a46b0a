//! The front log: one write and one sync for a small batch, and nothing lost between it and the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alphec_journal::faulty::{Disk, Fault, What};
use alphec_journal::{Error, Filter, Journal, Reader, Sink, survey, verify};
use alphec_model::{ClientOrderId, Seq};
use rusqlite::Connection;

use crate::common::{beside, journal_of, options, place, record, records, replay};

const SLOT: usize = 4 << 10;
const FILES: [&str; 4] = ["", "-wal", ".front", ".head"];

/// The records of each frame in [`left_behind`]; the table ends at 5.
const FRAMES: [core::ops::RangeInclusive<u64>; 3] = [6..=6, 7..=9, 10..=11];

/// A journal as a dead process leaves it at `path`: 5 records in the table, 6 in three frames.
fn left_behind(path: &Path) {
    let (_dir, live) = place();
    let mut journal = Journal::create(&live, options()).unwrap();
    let _durable = journal.append(&records(1..=5)).unwrap();
    journal.maintain().unwrap();
    for frame in FRAMES {
        let _durable = journal.append(&records(frame)).unwrap();
    }
    copy(&live, path);
}

fn copy(from: &Path, to: &Path) {
    for suffix in FILES {
        fs::copy(beside(from, suffix), beside(to, suffix)).unwrap();
    }
}

fn front_of(path: &Path) -> PathBuf {
    beside(path, ".front")
}

/// Where the frames end, without their padding: a record ends with a bracket.
fn ends(front: &[u8]) -> [usize; 3] {
    [0, 1, 2].map(|frame| {
        let slot = &front[frame * SLOT..(frame + 1) * SLOT];
        frame * SLOT + slot.iter().rposition(|byte| *byte != 0).unwrap() + 1
    })
}

/// The last record once only this many frames count.
fn head_after(frames: usize) -> u64 {
    FRAMES[..frames].last().map_or(5, |frame| *frame.end())
}

/// How many records the table itself has.
fn in_table(path: &Path) -> u64 {
    let conn = Connection::open(path).unwrap();
    let count: i64 = conn.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap();
    u64::try_from(count).unwrap()
}

#[test]
fn a_small_batch_is_one_write_and_one_sync_and_not_in_the_table_yet() {
    let (_dir, path) = place();
    Journal::create(&path, options()).unwrap().close().unwrap();
    let disk = Disk::watch(&path).unwrap();
    let mut journal = Journal::open(&path, options()).unwrap();
    disk.plan(Fault { what: What::Slow(Duration::ZERO), nth: 1, times: u64::MAX });
    for seq in 1..=3 {
        let before = disk.struck();
        let durable = journal.append(&records(seq..=seq)).unwrap();
        assert_eq!(disk.struck() - before, 2, "one write, one sync");
        assert_eq!(journal.reader().unwrap().head().unwrap(), durable.head);
    }
    assert_eq!(in_table(&path), 0);
    journal.maintain().unwrap();
    assert_eq!(in_table(&path), 3);
    assert_eq!(replay(&path, 1).unwrap(), records(1..=3));
    let head = journal.close().unwrap();
    assert_eq!(verify(&path, &mut |_| {}).unwrap().head, head);
    assert!(!front_of(&path).exists());
}

#[test]
fn a_full_front_log_goes_to_the_table_by_itself() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    for seq in 1..=300 {
        let _durable = journal.append(&records(seq..=seq)).unwrap();
    }
    assert_eq!(in_table(&path), 256, "one frame a slot of a mebibyte");
    assert_eq!(replay(&path, 1).unwrap(), records(1..=300));
    assert_eq!(verify(&path, &mut |_| {}).unwrap().records, 300);
}

#[test]
fn cut_at_any_byte_only_the_frames_that_are_whole_count() {
    let (_dir, path) = place();
    left_behind(&path);
    let front = fs::read(front_of(&path)).unwrap();
    let ends = ends(&front);
    let reader = Reader::open(&path).unwrap();
    for cut in 0..=3 * SLOT {
        fs::write(front_of(&path), &front[..cut]).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(reader.head().unwrap().seq, Seq::new(head_after(whole)), "cut at {cut}");
    }
}

#[test]
fn a_changed_bit_in_a_frame_ends_the_log_before_it_and_the_loss_is_noticed() {
    let (_dir, path) = place();
    left_behind(&path);
    let front = fs::read(front_of(&path)).unwrap();
    let reader = Reader::open(&path).unwrap();
    for (frame, end) in ends(&front).into_iter().enumerate() {
        for position in frame * SLOT..end {
            let mut bytes = front.clone();
            bytes[position] ^= 1 << (position % 8);
            fs::write(front_of(&path), bytes).unwrap();
            assert_eq!(reader.head().unwrap().seq, Seq::new(head_after(frame)), "byte {position}");
        }
        assert!(matches!(verify(&path, &mut |_| {}), Err(Error::TailLost { .. })));
        assert!(matches!(Journal::open(&path, options()), Err(Error::TailLost { .. })));
    }
}

#[test]
fn opening_brings_whole_frames_to_the_table_and_forgets_a_torn_one() {
    for whole in 0..=3 {
        let (_dir, path) = place();
        left_behind(&path);
        let front = fs::read(front_of(&path)).unwrap();
        let cut = ends(&front).get(whole).map_or(front.len(), |end| end - 1);
        fs::write(front_of(&path), &front[..cut]).unwrap();
        // The note is of the live process, and knows all; a power cut may take it.
        fs::remove_file(beside(&path, ".head")).unwrap();
        let head = head_after(whole);
        assert_eq!(replay(&path, 1).unwrap(), records(1..=head), "{whole} frames, by a reader");
        let mut journal = Journal::open(&path, options()).unwrap();
        assert_eq!((journal.head().seq, in_table(&path)), (Seq::new(head), head), "{whole} frames");
        let _durable = journal.append(&records(head + 1..=head + 2)).unwrap();
        drop(journal);
        assert_eq!(replay(&path, 1).unwrap(), records(1..=head + 2));
        assert_eq!(verify(&path, &mut |_| {}).unwrap().records, head + 2);
    }
}

#[test]
fn frames_that_the_table_has_already_are_not_taken_twice() {
    let (_dir, live) = place();
    let mut journal = Journal::create(&live, options()).unwrap();
    for seq in 1..=4 {
        let _durable = journal.append(&records(seq..=seq)).unwrap();
    }
    journal.maintain().unwrap();
    // As a crash leaves it right after the commit, and after the next batch lies over the first.
    for last in [4, 5] {
        if last == 5 {
            let _durable = journal.append(&records(5..=5)).unwrap();
        }
        let (_dir, path) = place();
        copy(&live, &path);
        assert_eq!(replay(&path, 1).unwrap(), records(1..=last));
        let reopened = Journal::open(&path, options()).unwrap();
        assert_eq!((reopened.head(), in_table(&path)), (journal.head(), last));
        drop(reopened);
        assert_eq!(verify(&path, &mut |_| {}).unwrap().records, last);
    }
}

#[test]
fn every_question_has_the_same_answer_before_and_after_the_table_has_the_records() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=40)).unwrap();
    journal.maintain().unwrap();
    for from in (41..=80).step_by(4) {
        let _durable = journal.append(&records(from..from + 4)).unwrap();
    }
    let order = ClientOrderId::new("order-3").unwrap();
    let filters = [
        Filter::default(),
        Filter::default().last(7),
        Filter::default().from(Seq::new(39)).to(Seq::new(43)),
        Filter::default().client_order_id(order.clone()),
        Filter::default().client_order_id(order).last(2),
        Filter::default().kind("cancel_asked").since(record(30).header.at),
    ];
    let reader = Reader::open(&path).unwrap();
    let ask = || {
        let answers = filters
            .each_ref()
            .map(|filter| reader.find(filter).unwrap().map(|stored| stored.unwrap()).collect::<Vec<_>>());
        (answers, reader.head().unwrap(), verify(&path, &mut |_| {}).unwrap())
    };
    let (before, table) = (ask(), in_table(&path));
    journal.maintain().unwrap();
    assert_eq!((table, in_table(&path)), (40, 80));
    assert_eq!(ask(), before);
    assert!(before.0.iter().all(|answer| !answer.is_empty()));
}

#[test]
fn a_table_that_cannot_be_written_at_the_end_leaves_the_records_for_the_next_start() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=3)).unwrap();
    let tool = Connection::open(&path).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(journal.close(), Err(Error::Busy { .. })));
    tool.execute_batch("COMMIT").unwrap();
    assert_eq!((in_table(&path), replay(&path, 1).unwrap()), (0, records(1..=3)));
    let journal = Journal::open(&path, options()).unwrap();
    assert_eq!((journal.head().seq, in_table(&path)), (Seq::new(3), 3));
}

#[test]
fn a_front_log_that_fails_is_left_alone_and_the_table_takes_over() {
    for what in [What::SyncFails, What::WriteFails, What::WriteTears, What::Full] {
        let (_dir, path) = place();
        Journal::create(&path, options()).unwrap().close().unwrap();
        let disk = Disk::watch(&path).unwrap();
        let mut journal = Journal::open(&path, options()).unwrap();
        let _durable = journal.append(&records(1..=2)).unwrap();
        disk.plan(Fault { what, nth: 1, times: 1 });
        let durable = journal.append(&records(3..=4)).unwrap();
        assert_eq!((durable.already, in_table(&path)), (0, 4), "{what:?}");
        let left = fs::read(front_of(&path)).unwrap();
        let _durable = journal.append(&records(5..=6)).unwrap();
        assert_eq!((in_table(&path), fs::read(front_of(&path)).unwrap()), (6, left), "{what:?}");
        assert_eq!(replay(&path, 1).unwrap(), records(1..=6));
        drop(journal);
        assert_eq!(verify(&path, &mut |_| {}).unwrap().records, 6, "{what:?}");
    }
}

#[test]
fn a_front_log_without_its_journal_is_kept_and_refused() {
    let (_dir, path) = place();
    left_behind(&path);
    for gone in ["", "-wal", ".head"] {
        fs::remove_file(beside(&path, gone)).unwrap();
    }
    let left = fs::read(front_of(&path)).unwrap();
    let error = Journal::open_or_create(&path, options()).unwrap_err();
    assert!(
        matches!(error, Error::StrayFront { last, .. } if last == Seq::new(11)) && error.is_corrupt(),
        "{error}"
    );
    assert!(error.to_string().contains("put the journal back"), "{error}");
    assert!(!path.exists() && fs::read(front_of(&path)).unwrap() == left);
    fs::remove_file(front_of(&path)).unwrap();
    let _journal = Journal::open_or_create(&path, options()).unwrap();
}

#[test]
fn a_front_log_of_another_journal_is_kept_and_refused() {
    // Of one that is shorter, as long as the table here, and longer; none has what it continues.
    for count in [3, 5, 20] {
        let (_dir, path) = place();
        left_behind(&path);
        let left = fs::read(front_of(&path)).unwrap();
        let (_dir, other) = place();
        let mut journal = Journal::create(&other, options()).unwrap();
        let mut history: Vec<_> = records(1..=count);
        history[0] = record(1).into();
        let mut second = record(2);
        second.header.at = record(1).header.at;
        history[1] = second.into();
        let _durable = journal.append(&history).unwrap();
        drop(journal);
        fs::write(front_of(&other), &left).unwrap();
        let error = Journal::open(&other, options()).unwrap_err();
        assert!(matches!(error, Error::StrayFront { .. }), "{count}: {error}");
        assert_eq!(fs::read(front_of(&other)).unwrap(), left, "{count}");
        assert_eq!(in_table(&other), count);
    }
}

#[test]
fn an_older_copy_of_the_table_under_a_newer_front_log_is_refused() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    let old = fs::read(&path).unwrap();
    let mut journal = Journal::open(&path, options()).unwrap();
    let _durable = journal.append(&records(4..=5)).unwrap();
    journal.maintain().unwrap();
    let _durable = journal.append(&records(6..=6)).unwrap();
    let (_dir, copied) = place();
    fs::write(&copied, old).unwrap();
    fs::copy(front_of(&path), front_of(&copied)).unwrap();
    let error = Journal::open(&copied, options()).unwrap_err();
    assert!(matches!(error, Error::StrayFront { .. }), "{error}");
    assert!(verify(&copied, &mut |_| {}).is_err(), "a gap is not read over");
}

#[test]
fn a_frame_that_rots_before_another_one_is_missed_also_without_a_note() {
    let (_dir, path) = place();
    left_behind(&path);
    let front = fs::read(front_of(&path)).unwrap();
    fs::remove_file(beside(&path, ".head")).unwrap();
    for (frame, end) in ends(&front).into_iter().enumerate() {
        for position in [frame * SLOT, frame * SLOT + 130, end - 1] {
            let mut bytes = front.clone();
            bytes[position] ^= 1;
            fs::write(front_of(&path), &bytes).unwrap();
            let opened = Journal::open(&path, options());
            let lost = (frame < 2).then_some(Seq::new(11));
            let noticed = match &opened {
                Err(Error::TailLost { head, acknowledged, .. }) => {
                    assert_eq!(*head, Seq::new(head_after(frame)));
                    Some(*acknowledged)
                }
                _ => None,
            };
            // The last one is the only witness of itself.
            assert_eq!(noticed, lost, "frame {frame}, byte {position}: {opened:?}");
            // What a start refuses, the way out that it names takes.
            assert_eq!(
                survey(&path).unwrap().flaw.is_some(),
                opened.is_err(),
                "frame {frame}, byte {position}"
            );
            assert!(opened.is_err() || !opened.unwrap().is_end_proven());
            if frame == 2 {
                return;
            }
        }
    }
}
