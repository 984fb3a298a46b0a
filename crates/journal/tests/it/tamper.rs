//! An editor with the file in hand: whatever is changed, verify names the record.

use std::fs;
use std::path::Path;

use alphec_journal::{Error, Journal, Report, verify};
use alphec_model::Seq;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::common::{beside, given, journal_of, options, place, record, records, replay};

const COLUMNS: [&str; 12] = [
    "seq",
    "at_ns",
    "kind",
    "provenance",
    "correlation_id",
    "client_order_id",
    "broker_order_id",
    "perm_id",
    "exec_id",
    "payload",
    "prev",
    "hash",
];

fn check(path: &Path) -> Result<Report, Error> {
    verify(path, &mut |_| {})
}

/// The file opened by someone who has switched off what protects it.
fn hostile(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    for trigger in ["record_never_changes", "record_never_goes", "record_only_at_the_end"] {
        conn.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    conn.pragma_update(None, "synchronous", "off").unwrap();
    conn
}

/// Every version of a cell with one byte changed.
fn one_byte_off(value: &Value) -> Vec<Value> {
    let flip = |bytes: &[u8]| {
        let flipped = |at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        (0..bytes.len()).map(flipped).collect::<Vec<_>>()
    };
    match value {
        Value::Null => vec![Value::Integer(7), Value::Text("7".into())],
        Value::Integer(number) => (0..8).map(|byte| Value::Integer(number ^ (1 << (byte * 8)))).collect(),
        Value::Text(text) => flip(text.as_bytes())
            .into_iter()
            .filter_map(|bytes| String::from_utf8(bytes).ok())
            .map(Value::Text)
            .collect(),
        Value::Blob(bytes) => flip(bytes).into_iter().map(Value::Blob).collect(),
        Value::Real(_) => Vec::new(),
    }
}

#[test]
fn one_changed_byte_in_any_cell_of_any_record_is_found_and_the_record_named() {
    let (_dir, path) = place();
    journal_of(&path, 6);
    let conn = hostile(&path);
    let mut changes = 0;
    for seq in 1_u64..=6 {
        for column in COLUMNS {
            let at = i64::try_from(seq).unwrap();
            let sql = format!("SELECT {column} FROM record WHERE seq = ?1");
            let value: Value = conn.query_row(&sql, [at], |row| row.get(0)).unwrap();
            for changed in one_byte_off(&value) {
                let set = format!("UPDATE record SET {column} = ?1 WHERE rowid = ?2");
                // A column of another type, or a number that is taken, SQLite itself refuses.
                if conn.execute(&set, (&changed, at)).is_err() {
                    continue;
                }
                changes += 1;
                let error = check(&path).unwrap_err();
                let Error::Corrupt { seq: named, .. } = &error else { panic!("{column} of {seq}: {error}") };
                // A last record that is renumbered downwards shows as one out of turn.
                assert!(named.get() == seq || column == "seq", "{column} of {seq}: {error}");
                let now = if let ("seq", Value::Integer(now)) = (column, &changed) { *now } else { at };
                conn.execute(&set, (&value, now)).unwrap();
            }
        }
    }
    assert!(changes > 1_500, "{changes}");
    assert!(matches!(check(&path), Err(Error::SchemaAltered { .. })), "all is as before but the triggers");
}

#[test]
fn a_renumbered_record_is_missing_where_it_was() {
    let (_dir, path) = place();
    journal_of(&path, 6);
    let conn = hostile(&path);
    for number in [-4, 0, 4_000] {
        conn.execute("UPDATE record SET seq = ?1 WHERE seq = 4", [number]).unwrap();
        let error = check(&path).unwrap_err();
        let first_bad = if number > 0 { Seq::new(4) } else { Seq::new(1) };
        assert!(matches!(error, Error::Corrupt { seq, .. } if seq == first_bad), "{number}: {error}");
        conn.execute("UPDATE record SET seq = 4 WHERE seq = ?1", [number]).unwrap();
    }
}

#[test]
fn a_payload_that_is_no_longer_text_is_named() {
    let (_dir, path) = place();
    journal_of(&path, 4);
    let conn = hostile(&path);
    conn.execute_batch("UPDATE record SET payload = CAST(x'ff00fe' AS TEXT) WHERE seq = 3").unwrap();
    assert!(matches!(check(&path), Err(Error::Corrupt { seq, .. }) if seq == Seq::new(3)));
}

#[test]
fn a_forged_record_with_a_fresh_hash_breaks_the_chain_at_the_next_one() {
    let (_dir, path) = place();
    journal_of(&path, 6);
    let conn = hostile(&path);
    let payload: String =
        conn.query_row("SELECT payload FROM record WHERE seq = 4", [], |row| row.get(0)).unwrap();
    let prev: Vec<u8> =
        conn.query_row("SELECT prev FROM record WHERE seq = 4", [], |row| row.get(0)).unwrap();
    let forged = payload.replace("strange", "harmles");
    let hash = alphec_journal::Hash::of(&alphec_journal::Hash::from_bytes(&prev).unwrap(), forged.as_bytes());
    conn.execute("UPDATE record SET payload = ?1, hash = ?2 WHERE seq = 4", (&forged, hash.as_bytes()))
        .unwrap();
    let error = check(&path).unwrap_err();
    assert!(matches!(error, Error::Corrupt { seq, .. } if seq == Seq::new(5)), "{error}");
    assert!(error.to_string().contains("does not follow record 4"), "{error}");
}

#[test]
fn removed_and_swapped_records_are_named() {
    let edits = [
        ("DELETE FROM record WHERE seq = 3", 3),
        ("DELETE FROM record WHERE seq = 1", 1),
        (
            "UPDATE record SET seq = 99 WHERE seq = 2; UPDATE record SET seq = 2 WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = 99",
            2,
        ),
        (
            "INSERT INTO record SELECT 7, at_ns, kind, provenance, NULL, NULL, NULL, NULL, NULL, payload, prev, hash FROM record WHERE seq = 6",
            7,
        ),
    ];
    for (edit, named) in edits {
        let (_dir, path) = place();
        journal_of(&path, 6);
        hostile(&path).execute_batch(edit).unwrap();
        let error = check(&path).unwrap_err();
        assert!(matches!(error, Error::Corrupt { seq, .. } if seq == Seq::new(named)), "{edit}: {error}");
        assert!(error.to_string().contains("trade nothing until settled"), "{error}");
    }
}

#[test]
fn a_cut_tail_is_noticed_while_the_note_beside_the_journal_is_there() {
    let (_dir, path) = place();
    journal_of(&path, 6);
    hostile(&path).execute_batch("DELETE FROM record WHERE seq > 4").unwrap();
    let error = check(&path).unwrap_err();
    assert!(matches!(error, Error::TailLost { .. }) && error.is_corrupt(), "{error}");
    assert!(error.to_string().contains("ends at record 4, but record 6 had been written"), "{error}");

    // Without it, only a head kept elsewhere can tell; see the documentation of `Report`.
    fs::remove_file(beside(&path, ".head")).unwrap();
    assert!(matches!(check(&path), Err(Error::SchemaAltered { .. })));
}

#[test]
fn an_older_copy_put_in_place_of_the_journal_is_not_opened() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    let old = fs::read(&path).unwrap();
    let mut journal = Journal::open(&path, options()).unwrap();
    let _durable = alphec_journal::Sink::append(&mut journal, &records(4..=9)).unwrap();
    drop(journal);
    fs::write(&path, old).unwrap();
    let error = Journal::open(&path, options()).unwrap_err();
    assert!(
        matches!(error, Error::TailLost { head, acknowledged, .. } if (head, acknowledged) == (Seq::new(3), Seq::new(9))),
        "{error}"
    );
    // What is there can still be read.
    assert_eq!(replay(&path, 1).unwrap(), records(1..=3));
    let report = check(&path);
    assert!(matches!(report, Err(Error::TailLost { .. })));
}

#[test]
fn a_journal_that_disappeared_is_not_silently_begun_anew() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    fs::remove_file(&path).unwrap();
    let error = Journal::open_or_create(&path, options()).unwrap_err();
    assert!(matches!(error, Error::TailLost { .. }), "{error}");
    assert!(!path.exists());
    fs::remove_file(beside(&path, ".head")).unwrap();
    let _journal = Journal::open_or_create(&path, options()).unwrap();
}

#[test]
fn another_history_of_the_same_length_is_not_opened() {
    let (_dir, path) = place();
    journal_of(&path, 3);
    let note = fs::read(beside(&path, ".head")).unwrap();
    let (_dir, other) = place();
    let mut journal = Journal::create(&other, options()).unwrap();
    let mut history = [record(1), record(2), record(3)];
    history[2].header.at = history[1].header.at;
    let _durable = alphec_journal::Sink::append(&mut journal, &given(history)).unwrap();
    drop(journal);
    assert!(check(&other).unwrap().tail_checked);
    fs::write(beside(&other, ".head"), note).unwrap();
    let error = Journal::open(&other, options()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { seq, .. } if seq == Seq::new(3)), "{error}");
}

#[test]
fn a_changed_byte_anywhere_in_the_file_is_an_error_or_changes_nothing_and_never_a_panic() {
    let (_dir, path) = place();
    journal_of(&path, 40);
    let head = check(&path).unwrap().head;
    let whole = fs::read(&path).unwrap();
    let (mut noticed, mut harmless) = (0, 0);
    for position in (0..whole.len()).step_by(17) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        match check(&path) {
            Ok(report) => {
                harmless += 1;
                assert_eq!(report.head, head, "byte {position}");
                assert_eq!(replay(&path, 1).unwrap(), records(1..=40), "byte {position}");
            }
            Err(_) => noticed += 1,
        }
    }
    // Empty space and counters may change unnoticed; what is read may not.
    assert!(noticed > 500, "{noticed} noticed, {harmless} harmless");
}
