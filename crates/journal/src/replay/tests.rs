//! Threads read what one reader reads, and whatever is wrong is told as it tells it. Time is for the benchmark `restart`.

use std::path::Path;
use std::sync::Arc;

use alphec_model::{Body, Header, Provenance, UtcNanos};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::{Journal, OpenOptions, Sink};

const COUNT: u64 = 23;

fn record(seq: u64) -> Arc<Record> {
    let header = Header {
        seq: Seq::new(seq),
        at: UtcNanos::EPOCH,
        provenance: Provenance::Decided,
        correlation_id: None,
        client_order_id: None,
        broker_order_id: None,
        perm_id: None,
        exec_id: None,
    };
    Arc::new(Record { header, body: Body::Anomaly { what: format!("thing {seq}") } })
}

fn journal(dir: &TempDir) -> std::path::PathBuf {
    let path = dir.path().join("journal.db");
    let mut journal = Journal::create(&path, OpenOptions::new("test", UtcNanos::EPOCH)).unwrap();
    let records: Vec<_> = (1..=COUNT).map(record).collect();
    let _durable = journal.append(&records).unwrap();
    journal.close().unwrap();
    path
}

/// What was read, and the words of the error that ended it.
type Outcome = (Vec<Record>, Option<String>);

fn outcome(records: impl Iterator<Item = Result<Record, Error>>) -> Outcome {
    let (mut read, mut error) = (Vec::new(), None);
    for record in records {
        assert!(error.is_none(), "something came after the error");
        match record {
            Ok(record) => read.push(record),
            Err(why) => error = Some(why.to_string()),
        }
    }
    (read, error)
}

fn on_one_thread(path: &Path) -> Outcome {
    let reader = Reader::open(path).unwrap();
    outcome(reader.records(Seq::new(1)).unwrap().map(|stored| stored.map(|stored| stored.record)))
}

/// Any number of threads and any length of pieces read what one thread reads, and end as it does.
#[track_caller]
fn agrees(path: &Path, what: &str) -> Outcome {
    let expected = on_one_thread(path);
    let reader = Reader::open(path).unwrap();
    // An end that cannot be read may be anything to the threads.
    let last = reader.last_seq().map_or(COUNT, Seq::get);
    for (threads, piece) in [(1, 4), (2, 1), (2, 5), (3, 7), (4, 2), (2, COUNT), (3, 100)] {
        for last in [last, last.saturating_add(5), last / 2] {
            let plan = Plan { last, piece, threads };
            assert_eq!(outcome(Replay::begin(&reader, Some(plan))), expected, "{what}, {plan:?}");
        }
    }
    assert_eq!(outcome(reader.replay()), expected, "{what}");
    expected
}

fn hostile(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    for trigger in ["record_never_changes", "record_never_goes", "record_only_at_the_end"] {
        conn.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    conn.pragma_update(None, "synchronous", "off").unwrap();
    conn
}

#[test]
fn a_sound_journal_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (read, error) = agrees(&journal(&dir), "sound");
    assert_eq!((u64::try_from(read.len()).unwrap(), error), (COUNT, None));
}

#[test]
fn an_empty_journal_has_no_records_and_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    drop(Journal::create(&path, OpenOptions::new("test", UtcNanos::EPOCH)).unwrap());
    assert_eq!(agrees(&path, "empty"), (Vec::new(), None));
}

#[test]
fn each_missing_record_is_named_whichever_thread_meets_the_hole() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    for seq in 1..COUNT {
        let at = i64::try_from(seq).unwrap();
        conn.execute("UPDATE record SET seq = -1000 WHERE seq = ?1", [at]).unwrap();
        conn.execute_batch("CREATE TABLE away AS SELECT * FROM record WHERE seq = -1000; DELETE FROM record WHERE seq = -1000").unwrap();
        let (read, error) = agrees(&path, &format!("without {seq}"));
        assert_eq!(u64::try_from(read.len()).unwrap(), seq - 1);
        assert!(error.unwrap().contains(&format!("record {seq} ")));
        conn.execute("UPDATE away SET seq = ?1", [at]).unwrap();
        conn.execute_batch("INSERT INTO record SELECT * FROM away; DROP TABLE away").unwrap();
    }
    agrees(&path, "all are back");
}

#[test]
fn each_pair_of_swapped_records_names_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    let swap = |one: u64, other: u64| {
        for (from, to) in [(one, 9_999), (other, one), (9_999, other)] {
            let numbers = [from, to].map(|seq| i64::try_from(seq).unwrap());
            conn.execute("UPDATE record SET seq = ?2 WHERE seq = ?1", numbers).unwrap();
        }
    };
    for one in 1..=COUNT {
        for other in one + 1..=COUNT {
            swap(one, other);
            let (read, error) = agrees(&path, &format!("{one} and {other} swapped"));
            assert_eq!(u64::try_from(read.len()).unwrap(), one - 1);
            assert!(error.unwrap().contains(&format!("record {one} ")));
            swap(one, other);
        }
    }
}

#[test]
fn a_record_forged_with_its_hash_is_found_by_the_next_also_across_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    for seq in 1..COUNT {
        let restore = forge(&conn, seq, ("thing", "other"));
        let (read, error) = agrees(&path, &format!("{seq} forged"));
        assert_eq!(u64::try_from(read.len()).unwrap(), seq);
        assert!(error.unwrap().contains(&format!("record {} ", seq + 1)));
        restore();
    }
}

/// Puts other words into a record, under a hash that agrees with them; what is given back puts the old ones back.
fn forge<'a>(conn: &'a Connection, seq: u64, (was, is): (&str, &str)) -> impl FnOnce() + use<'a> {
    let at = i64::try_from(seq).unwrap();
    let get = "SELECT payload, prev, hash FROM record WHERE seq = ?1";
    let (payload, prev, hash): (String, Vec<u8>, Vec<u8>) =
        conn.query_row(get, [at], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let forged = payload.replace(was, is);
    let fresh = crate::Hash::of(&crate::Hash::from_bytes(&prev).unwrap(), forged.as_bytes());
    let set = "UPDATE record SET payload = ?1, hash = ?2 WHERE seq = ?3";
    conn.execute(set, (&forged, fresh.as_bytes(), at)).unwrap();
    move || assert_eq!(conn.execute(set, (&payload, hash, at)).unwrap(), 1)
}

#[test]
fn a_number_that_no_record_may_have_is_named_as_one_thread_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    for (from, to) in [(1, 0), (1, -7), (COUNT, 0), (COUNT, 4_000_000_000_000), (COUNT, i64::MAX)] {
        let from = i64::try_from(from).unwrap();
        let renumber = "UPDATE record SET seq = ?2 WHERE seq = ?1";
        conn.execute(renumber, [from, to]).unwrap();
        assert_ne!(agrees(&path, &format!("{from} is {to}")).1, None);
        conn.execute(renumber, [to, from]).unwrap();
    }
    conn.execute("UPDATE record SET seq = -seq", []).unwrap();
    let (read, error) = agrees(&path, "nothing has a number that a record may have");
    assert_eq!(read.len(), 0);
    assert!(error.unwrap().contains("record 1 "));
}

#[test]
fn the_first_bad_record_is_named_also_where_the_last_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    conn.execute("UPDATE record SET hash = x'00' WHERE seq = ?1", [i64::try_from(COUNT).unwrap()]).unwrap();
    let (read, error) = agrees(&path, "the last has no hash");
    assert_eq!(u64::try_from(read.len()).unwrap(), COUNT - 1);
    assert!(error.unwrap().contains(&format!("record {COUNT} ")));
    conn.execute("UPDATE record SET payload = '{}' WHERE seq = 9", []).unwrap();
    let (read, error) = agrees(&path, "the last has no hash, and the ninth was changed");
    assert_eq!(read.len(), 8);
    assert!(error.unwrap().contains("record 9 "));
}

#[test]
fn a_record_of_a_newer_program_is_named_whichever_thread_meets_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let conn = hostile(&path);
    for seq in 1..=COUNT {
        let restore = forge(&conn, seq, ("anomaly", "wonder"));
        let (read, error) = agrees(&path, &format!("{seq} is newer"));
        assert_eq!(u64::try_from(read.len()).unwrap(), seq - 1);
        assert!(error.unwrap().contains("wonder"));
        restore();
    }
}

#[test]
fn threads_that_are_gone_cost_time_and_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let expected = on_one_thread(&path);
    let reader = Reader::open(path).unwrap();
    for gone in 0..2 {
        let mut replay = Replay::begin(&reader, Some(Plan { last: COUNT, piece: 4, threads: 2 }));
        replay.threads.as_mut().unwrap().hands.get_mut(gone).unwrap().pieces = None;
        assert_eq!(outcome(replay), expected);
    }
}

#[test]
fn what_a_writer_adds_meanwhile_follows() {
    let dir = tempfile::tempdir().unwrap();
    let path = journal(&dir);
    let mut journal = Journal::open(&path, OpenOptions::new("test", UtcNanos::EPOCH)).unwrap();
    let reader = journal.reader().unwrap();
    let replay = Replay::begin(&reader, Some(Plan { last: COUNT, piece: 4, threads: 2 }));
    let _durable = journal.append(&[record(COUNT + 1)]).unwrap();
    let (read, error) = outcome(replay);
    assert_eq!((u64::try_from(read.len()).unwrap(), error), (COUNT + 1, None));
}
