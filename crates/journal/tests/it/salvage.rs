//! A journal cut at any byte, or with any record missing, moved or changed: it is refused, the first bad record is
//! named, and the salvage keeps exactly what comes before it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use alphec_journal::{Error, Journal, OpenOptions, Reader, Salvage, Sink, survey, unfinished, verify};
use alphec_model::{Body, Record, Seq, UtcNanos};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::common::{beside, given, options, place, record, records, replay};

/// Records of the journals here: several pages of them.
const COUNT: u64 = 120;

fn journal_at(path: &Path) {
    let mut journal = Journal::create(path, options()).unwrap();
    let _durable = journal.append(&records(1..=COUNT)).unwrap();
    journal.close().unwrap();
}

/// The record that says that something was salvaged.
fn epilogue(seq: Seq) -> Arc<Record> {
    let mut record = record(seq.get());
    record.header.at = options().since;
    record.body = Body::Anomaly { what: "salvaged".to_owned() };
    Arc::new(record)
}

/// The journal is refused for good with the first bad record named, and salvaging keeps the records before it.
fn check(path: &Path) -> Result<u64, TestCaseError> {
    let refused = opened_whole(path);
    prop_assert!(refused.is_some(), "a damaged journal was opened");
    let error = refused.unwrap();
    // From here on it is only read.
    let before = fs::read(path).unwrap();
    let found = survey(path).unwrap();
    let named = format!("record {}", found.first_bad());
    prop_assert!(error.to_string().contains(&named), "no `{}` in: {}", named, error);
    prop_assert!(error.to_string().contains("alphec-exec audit salvage"), "{}", error);

    let kept = found.kept.seq;
    let salvage = Salvage::begin(path, options()).unwrap();
    let damaged = salvage.damaged();
    let done = salvage.finish(&[epilogue(kept.next())]).unwrap();
    prop_assert_eq!(&done.damaged, &damaged);
    prop_assert!(fs::read(&damaged).unwrap() == before, "the damaged journal is kept as it was");
    let mut expected = records(1..=kept.get());
    expected.push(epilogue(kept.next()));
    prop_assert_eq!(replay(path, 1).unwrap(), expected);
    prop_assert_eq!(verify(path, &mut |_| {}).unwrap().head, done.head);
    let mut journal = Journal::open(path, options()).unwrap();
    let _durable = journal.append(&[Arc::new(record(kept.get() + 2))]).unwrap();
    Ok(kept.get())
}

/// Opens and replays it as a start does; the error that stops it, if one does.
fn opened_whole(path: &Path) -> Option<Error> {
    let journal = match Journal::open(path, options()) {
        Ok(journal) => journal,
        Err(error) => return Some(error),
    };
    let reader = journal.reader().unwrap();
    let outcome = reader.records(Seq::new(1)).unwrap().find_map(Result::err);
    outcome.or_else(|| verify(path, &mut |_| {}).err())
}

fn hostile(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "DROP TRIGGER record_never_changes; DROP TRIGGER record_never_goes; DROP TRIGGER record_only_at_the_end",
    )
    .unwrap();
    conn
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn cut_at_any_byte_it_is_refused_and_what_is_whole_can_be_kept(share in 0.0_f64..1.0) {
        let (_dir, path) = place();
        journal_at(&path);
        let whole = fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a length")]
        let length = (share * whole.len() as f64) as usize;
        fs::write(&path, &whole[..length]).unwrap();
        check(&path)?;
    }

    #[test]
    fn with_records_missing_the_first_is_named(first in 1..=COUNT, count in 1_u64..4) {
        let (_dir, path) = place();
        journal_at(&path);
        hostile(&path).execute("DELETE FROM record WHERE seq >= ?1 AND seq < ?2", [first, first + count].map(|seq| i64::try_from(seq).unwrap())).unwrap();
        prop_assert_eq!(check(&path)?, first - 1);
    }

    #[test]
    fn with_two_records_swapped_the_first_is_named(one in 1..=COUNT, other in 1..=COUNT) {
        prop_assume!(one != other);
        let (_dir, path) = place();
        journal_at(&path);
        let conn = hostile(&path);
        for (from, to) in [(one, 9_999), (other, one), (9_999, other)] {
            conn.execute("UPDATE record SET seq = ?2 WHERE seq = ?1", [from, to].map(|seq| i64::try_from(seq).unwrap())).unwrap();
        }
        prop_assert_eq!(check(&path)?, one.min(other) - 1);
    }

    #[test]
    fn with_a_record_changed_it_is_named(seq in 1..=COUNT) {
        let (_dir, path) = place();
        journal_at(&path);
        let sql = "UPDATE record SET payload = replace(payload, '\"header\"', '\"Header\"') WHERE seq = ?1";
        hostile(&path).execute(sql, [i64::try_from(seq).unwrap()]).unwrap();
        prop_assert_eq!(check(&path)?, seq - 1);
    }
}

#[test]
fn where_nothing_can_be_read_any_more_it_begins_anew_beyond_what_was_written() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil); 4] = [
        ("empty", |path| fs::write(path, "").unwrap()),
        ("something else", |path| fs::write(path, "STOP".repeat(4_096)).unwrap()),
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("its first page gone", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[..4_096].fill(0);
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (what, spoil) in spoils {
        let (_dir, path) = place();
        journal_at(&path);
        spoil(&path);
        let said = Journal::open_or_create(&path, options()).unwrap_err().to_string();
        assert!(said.contains("record 1 "), "{what}: {said}");
        assert!(said.contains("alphec-exec audit salvage"), "{what}: {said}");
        let salvage = Salvage::begin(&path, options()).unwrap();
        assert_eq!(
            (salvage.survey().kept.seq, salvage.survey().known),
            (Seq::new(0), Seq::new(COUNT)),
            "{what}"
        );
        let _done = salvage.finish(&[epilogue(Seq::new(1))]).unwrap();
        assert_eq!(replay(&path, 1).unwrap(), [epilogue(Seq::new(1))], "{what}");
    }
}

#[test]
fn without_a_note_what_is_no_journal_is_left_alone() {
    let (_dir, path) = place();
    fs::write(&path, "").unwrap();
    fs::write(beside(&path, "-wal"), "frames").unwrap();
    assert!(matches!(survey(&path), Err(Error::NotAJournal { .. })));
    assert!(matches!(Reader::open(&path), Err(Error::NotAJournal { .. })));
    assert_eq!(
        fs::read(beside(&path, "-wal")).unwrap(),
        b"frames",
        "even a reader of an empty file deletes it"
    );
    fs::remove_file(&path).unwrap();
    assert!(matches!(Journal::open_or_create(&path, options()), Err(Error::Leftover { .. })));
}

#[test]
fn a_salvage_that_was_interrupted_while_it_put_its_journal_in_place_is_finished() {
    let (_dir, path) = place();
    journal_at(&path);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let salvage = Salvage::begin(&path, options()).unwrap();
    let kept = salvage.survey().kept.seq;
    assert!(kept > Seq::new(0));
    let done = salvage.finish(&[epilogue(kept.next())]).unwrap();
    let note = fs::read(beside(&path, ".head")).unwrap();
    let old_note = fs::read(beside(&done.damaged, ".head")).unwrap();
    // The damaged journal is away and the new one not there yet; then it is there, and its note not yet.
    for has_moved in [false, true] {
        fs::write(beside(&path, ".salvaged.head"), &note).unwrap();
        fs::write(beside(&path, ".head"), &old_note).unwrap();
        if !has_moved {
            fs::rename(&path, beside(&path, ".salvaged")).unwrap();
        }
        assert!(unfinished(&path).unwrap().is_some());
        let later = OpenOptions::new("test", UtcNanos::from_nanos(1_800_000_000_000_000_000));
        let again = Salvage::begin(&path, later).unwrap();
        assert!(again.survey().flaw.is_none(), "{:?}", again.survey());
        let resumed = again.finish(&[]).unwrap();
        assert_eq!((&resumed.damaged, resumed.head), (&done.damaged, done.head));
        assert!(resumed.was_interrupted && !done.was_interrupted);
        assert!(unfinished(&path).unwrap().is_none());
        let _whole = Journal::open(&path, options()).unwrap();
        assert_eq!(
            replay(&path, 1).unwrap()[..usize::try_from(kept.get()).unwrap()],
            records(1..=kept.get())
        );
        verify(&path, &mut |_| {}).unwrap();
    }
}

#[test]
fn what_only_the_front_log_holds_is_kept_when_the_end_is_lost_and_goes_with_the_damaged_one_else() {
    for (changed, kept) in [(None, 8), (Some(3_i64), 2)] {
        let (_live_dir, live) = place();
        let mut journal = Journal::create(&live, options()).unwrap();
        let _durable = journal.append(&records(1..=5)).unwrap();
        journal.maintain().unwrap();
        let _durable = journal.append(&records(6..=8)).unwrap();
        // As a crash leaves it, with a note that knows of more.
        let (_dir, path) = place();
        for suffix in ["", "-wal", "-shm", ".front", ".head"] {
            fs::copy(beside(&live, suffix), beside(&path, suffix)).unwrap();
        }
        let _durable = journal.append(&records(9..=9)).unwrap();
        drop(journal);
        fs::copy(beside(&live, ".head"), beside(&path, ".head")).unwrap();
        if let Some(seq) = changed {
            let sql =
                "UPDATE record SET payload = replace(payload, '\"header\"', '\"Header\"') WHERE seq = ?1";
            hostile(&path).execute(sql, [seq]).unwrap();
        }
        let front = fs::read(beside(&path, ".front")).unwrap();
        let salvage = Salvage::begin(&path, options()).unwrap();
        assert_eq!(salvage.survey().kept.seq, Seq::new(kept), "{:?}", salvage.survey());
        let done = salvage.finish(&[epilogue(Seq::new(kept + 1))]).unwrap();
        assert_eq!(fs::read(beside(&done.damaged, ".front")).unwrap(), front, "kept beside the damaged one");
        assert!(!beside(&path, ".front").exists());
        assert_eq!(replay(&path, 1).unwrap().len(), usize::try_from(kept + 1).unwrap());
    }
}

#[test]
fn a_note_of_another_history_names_its_record_and_what_comes_before_it_can_be_kept() {
    for seq in [1, 60, COUNT] {
        let (_other_dir, other) = place();
        let mut history: Vec<_> = (1..=seq).map(record).collect();
        history.last_mut().unwrap().header.at = UtcNanos::EPOCH;
        let mut journal = Journal::create(&other, options()).unwrap();
        let _durable = journal.append(&given(history)).unwrap();
        journal.close().unwrap();

        let (dir, path) = place();
        journal_at(&path);
        let note = fs::read(beside(&other, ".head")).unwrap();
        fs::write(beside(&path, ".head"), &note).unwrap();
        let salvage = Salvage::begin(&path, options()).unwrap();
        assert_eq!(salvage.survey().known, Seq::new(COUNT));
        let given_up: Vec<_> = salvage.given_up().unwrap().map(|stored| Arc::new(stored.record)).collect();
        assert_eq!(given_up, records(seq..=COUNT));
        drop(salvage);
        assert_eq!(check(&path).unwrap(), seq - 1);
        let notes = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let kept = notes
            .filter(|path| path.to_string_lossy().contains(".damaged-"))
            .find(|path| path.to_string_lossy().ends_with(".head"));
        assert!(fs::read(kept.unwrap()).unwrap() == note, "kept beside the damaged one");
    }
}

#[test]
fn a_front_log_without_its_journal_is_kept_and_what_follows_begins_beyond_it() {
    // Its first frame whole, or rotten: the others say as well that a journal was here.
    for is_rotten in [false, true] {
        let (_live_dir, live) = place();
        let mut journal = Journal::create(&live, options()).unwrap();
        for seq in 1..=3 {
            let _durable = journal.append(&records(seq..=seq)).unwrap();
        }
        let (_dir, path) = place();
        let mut front = fs::read(beside(&live, ".front")).unwrap();
        front[0] ^= u8::from(is_rotten);
        fs::write(beside(&path, ".front"), &front).unwrap();
        let refused = Journal::open_or_create(&path, options()).unwrap_err();
        assert!(matches!(refused, Error::StrayFront { .. }), "{refused}");
        assert!(refused.to_string().contains("alphec-exec audit salvage"), "{refused}");

        let salvage = Salvage::begin(&path, options()).unwrap();
        assert_eq!((salvage.survey().kept.seq, salvage.survey().known), (Seq::new(0), Seq::new(3)));
        let done = salvage.finish(&[epilogue(Seq::new(1))]).unwrap();
        assert!(fs::read(beside(&done.damaged, ".front")).unwrap() == front, "kept as it was");
        assert_eq!(replay(&path, 1).unwrap(), [epilogue(Seq::new(1))]);
        let _journal = Journal::open(&path, options()).unwrap();
    }
}

#[test]
fn a_salvage_without_a_note_leaves_no_moment_in_which_a_journal_could_be_begun_anew() {
    for note in [None, Some("")] {
        let (_dir, path) = place();
        journal_at(&path);
        hostile(&path).execute_batch("DELETE FROM record WHERE seq = 50").unwrap();
        fs::remove_file(beside(&path, ".head")).unwrap();
        if let Some(note) = note {
            fs::write(beside(&path, ".head"), note).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        let salvage = Salvage::begin(&path, options()).unwrap();
        let (damaged, kept) = (salvage.damaged(), salvage.survey().kept.seq);
        // The last file cannot be moved out of the way.
        fs::write(beside(&path, ".front"), "x").unwrap();
        let obstacle = beside(&damaged, ".front");
        fs::create_dir_all(obstacle.join("full")).unwrap();
        salvage.finish(&[epilogue(kept.next())]).unwrap_err();
        assert!(!path.exists() && fs::read(&damaged).unwrap() == whole);
        let refused = Journal::open_or_create(&path, options()).unwrap_err();
        assert!(refused.to_string().contains("alphec-exec audit salvage"), "{refused}");

        fs::remove_dir_all(obstacle).unwrap();
        let resumed = Salvage::begin(&path, options()).unwrap().finish(&[]).unwrap();
        assert_eq!((resumed.damaged, resumed.head.seq), (damaged.clone(), kept.next()));
        assert_eq!(fs::read(beside(&damaged, ".front")).unwrap(), b"x");
        assert_eq!(fs::read_to_string(beside(&damaged, ".head")).ok().as_deref(), note);
        let _journal = Journal::open(&path, options()).unwrap();
        assert_eq!(replay(&path, 1).unwrap().len(), 50);
    }
}

#[test]
fn cuts_leave_nothing_a_part_or_everything_and_the_part_grows_with_the_file() {
    let (_dir, path) = place();
    journal_at(&path);
    let (whole, note) = (fs::read(&path).unwrap(), fs::read(beside(&path, ".head")).unwrap());
    let mut kept = Vec::new();
    for length in (0..whole.len()).step_by(4_096) {
        let (_dir, path) = place();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &whole[..length]).unwrap();
        fs::write(beside(&path, ".head"), &note).unwrap();
        kept.push(check(&path).unwrap());
    }
    assert!(kept.is_sorted(), "{kept:?}");
    assert!(kept.first() == Some(&0) && kept.iter().any(|kept| (1..COUNT).contains(kept)), "{kept:?}");
}

#[test]
fn a_lost_wal_is_a_lost_tail_and_the_rest_can_be_kept() {
    let (_dir, path) = place();
    let mut journal = Journal::create(&path, options()).unwrap();
    let _durable = journal.append(&records(1..=5)).unwrap();
    journal.close().unwrap();
    let main = fs::read(&path).unwrap();
    let mut journal = Journal::open(&path, options()).unwrap();
    let _durable = journal.append(&records(6..=9)).unwrap();
    drop(journal);
    fs::write(&path, main).unwrap();
    assert_eq!(survey(&path).unwrap().known, Seq::new(9));
    assert_eq!(check(&path).unwrap(), 5);
}

#[test]
fn a_sound_journal_is_left_alone_and_one_in_use_too() {
    let (_dir, path) = place();
    journal_at(&path);
    let before = fs::read(&path).unwrap();
    let salvage = Salvage::begin(&path, options()).unwrap();
    assert!(matches!(salvage.finish(&[]), Err(Error::Sound { .. })));
    assert!(fs::read(&path).unwrap() == before);
    let _journal = Journal::open(&path, options()).unwrap();
    assert!(Salvage::begin(&path, options()).unwrap_err().is_held());
}

#[test]
fn what_an_interrupted_salvage_left_is_made_anew() {
    let (_dir, path) = place();
    journal_at(&path);
    hostile(&path).execute_batch("DELETE FROM record WHERE seq > 50").unwrap();
    for (suffix, content) in [("", &b"half"[..]), (".head", b"x"), ("-wal", b"y")] {
        fs::write(beside(&beside(&path, ".salvaged"), suffix), content).unwrap();
    }
    assert_eq!(check(&path).unwrap(), 50);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.head().unwrap().seq, Seq::new(52));
    assert!(!beside(&path, ".salvaged").exists());
}
