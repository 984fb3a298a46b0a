//! What is not opened, and what the error says.

use std::fs;
use std::path::Path;

use alphec_journal::{Error, FORMAT_VERSION, Journal, Reader, Sink, verify};
use rusqlite::Connection;

use crate::common::{beside, given, journal_of, options, place, record, records, replay};

#[test]
fn a_second_writer_is_told_who_has_the_journal() {
    let (_dir, path) = place();
    let first = Journal::create(&path, options()).unwrap();
    let error = Journal::open(&path, options()).unwrap_err();
    let Error::Held { holder: Some(holder), .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.program.as_str()), (std::process::id(), "the tests"));
    let text = error.to_string();
    let process = format!("process {}, since 2023-11-14T22:13:20", std::process::id());
    assert!(text.contains("in use by the tests") && text.contains(&process), "{text}");
    assert!(error.is_held());
    assert!(Journal::create(&path, options()).unwrap_err().is_held());

    drop(first);
    let _second = Journal::open(&path, options()).unwrap();
}

#[test]
fn a_lock_file_left_behind_keeps_nobody_out() {
    let (_dir, path) = place();
    journal_of(&path, 2);
    fs::write(beside(&path, ".lock"), r#"{"pid":1,"program":"long dead","since":"2020-01-01T00:00:00Z"}"#)
        .unwrap();
    let _journal = Journal::open(&path, options()).unwrap();
}

#[test]
fn a_missing_journal_is_said_to_be_missing_and_nothing_is_left_in_its_place() {
    let (dir, path) = place();
    assert!(matches!(Journal::open(&path, options()), Err(Error::Missing { .. })));
    assert!(matches!(Reader::open(&path), Err(Error::Missing { .. })));
    assert!(matches!(verify(&path, &mut |_| {}), Err(Error::Missing { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn creating_over_a_journal_is_refused_and_open_or_create_opens_it() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    assert!(matches!(Journal::create(&path, options()), Err(Error::Exists { .. })));
    let mut journal = Journal::open_or_create(&path, options()).unwrap();
    let _durable = journal.append(&given([record(4)])).unwrap();
    assert_eq!(replay(&path, 1).unwrap(), records(1..=4));
}

#[test]
fn creating_makes_the_directories_above() {
    let (dir, _) = place();
    let _journal = Journal::open_or_create(dir.path().join("a/b/journal.db"), options()).unwrap();
}

#[test]
fn a_journal_from_a_newer_version_is_refused_with_both_versions() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", FORMAT_VERSION + 1).unwrap();
    for error in both_ways(&path) {
        assert!(matches!(error, Error::Newer { found, .. } if found == FORMAT_VERSION + 1), "{error}");
        assert!(error.to_string().contains("use the newer program"), "{error}");
    }
}

#[test]
fn a_record_of_a_kind_from_the_future_is_intact_but_not_understood() {
    let (_dir, path) = place();
    let payload = r#"{"header":{"seq":1,"at":"2026-11-23T14:30:00Z","provenance":"decided"},"body":{"kind":"teleported"}}"#;
    Journal::create(&path, options()).unwrap().close().unwrap();
    let hash = alphec_journal::Hash::of(&alphec_journal::Hash::GENESIS, payload.as_bytes());
    Connection::open(&path)
        .unwrap()
        .execute(
            "INSERT INTO record (seq, at_ns, kind, provenance, payload, prev, hash) VALUES (1, 0, 'x', 'x', ?1, zeroblob(32), ?2)",
            (payload, hash.as_bytes()),
        )
        .unwrap();
    let error = verify(&path, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    assert!(!error.is_corrupt());
}

#[test]
fn files_of_another_kind_are_no_journal() {
    let (_dir, path) = place();
    let fill: [fn(&Path); 4] = [
        |path| fs::write(path, "dear diary, ".repeat(1_000)).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| fs::write(path, [0; 8_192]).unwrap(),
        |path| Connection::open(path).unwrap().execute_batch("CREATE TABLE record (seq)").unwrap(),
    ];
    for fill in fill {
        let _ = fs::remove_file(&path);
        fill(&path);
        let before = fs::read(&path).unwrap();
        for error in both_ways(&path) {
            assert!(matches!(error, Error::NotAJournal { .. }), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_changed_schema_is_refused_by_the_writer_and_reported_by_verify() {
    for edit in [
        "DROP TRIGGER record_never_changes",
        "DROP TRIGGER record_never_goes",
        "DROP TRIGGER record_only_at_the_end",
        "DROP INDEX record_by_client_order_id",
        "CREATE TRIGGER sly AFTER INSERT ON record BEGIN SELECT 1; END",
        "CREATE TABLE more (x)",
    ] {
        let (_dir, path) = place();
        journal_of(&path, 3);
        Connection::open(&path).unwrap().execute_batch(edit).unwrap();
        for error in [verify(&path, &mut |_| {}).unwrap_err(), Journal::open(&path, options()).unwrap_err()] {
            assert!(matches!(error, Error::SchemaAltered { .. }) && error.is_corrupt(), "{edit}: {error}");
        }
    }
}

#[test]
fn the_file_itself_refuses_changes_deletions_and_records_out_of_turn() {
    let (_dir, path) = place();
    journal_of(&path, 5);
    let conn = Connection::open(&path).unwrap();
    for (edit, because) in [
        ("UPDATE record SET kind = 'x' WHERE seq = 3", "never changes"),
        ("DELETE FROM record WHERE seq = 5", "never deleted"),
        ("DELETE FROM record", "never deleted"),
        ("INSERT OR REPLACE INTO record SELECT * FROM record WHERE seq = 3", "only added at the end"),
        (
            "INSERT INTO record SELECT 9, at_ns, kind, provenance, NULL, NULL, NULL, NULL, NULL, payload, prev, hash FROM record WHERE seq = 3",
            "only added at the end",
        ),
    ] {
        let error = conn.execute_batch(edit).unwrap_err().to_string();
        assert!(error.contains(because), "{edit}: {error}");
    }
    assert_eq!(replay(&path, 1).unwrap(), records(1..=5));
}

/// The errors of opening for reading and for writing.
fn both_ways(path: &Path) -> [Error; 2] {
    [Reader::open(path).unwrap_err(), Journal::open(path, options()).unwrap_err()]
}
