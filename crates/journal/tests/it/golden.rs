//! Golden journals: the hash that each ends with, and that a journal of their records is theirs to the byte.
//!
//! The records are those of `alphec-core` (`crates/core/tests/golden`; the head of its test says when they may change:
//! once released, never). `golden.heads` holds a line for each: name, number and hash of the last record.
//! `GOLDEN_BLESS=1 cargo nextest run -p alphec-journal golden` adds the lines of new ones and changes none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alphec_journal::{Filter, Hash, Head, Journal, Reader, Sink, verify};
use alphec_model::{Record, Seq};

use crate::common::{given, options, place};

const BLESS: &str = "GOLDEN_BLESS";

/// Every golden journal by name, its payloads in order.
fn journals() -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let all: BTreeMap<_, _> = named
        .map(|path| {
            let payloads = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), payloads)
        })
        .collect();
    assert!(all.contains_key("a_day"), "{all:?}");
    all
}

/// Where the chain over the very bytes leads.
fn head_of(payloads: &[String]) -> Head {
    payloads.iter().fold(Head::EMPTY, |head, payload| Head {
        seq: head.seq.next(),
        hash: Hash::of(&head.hash, payload.as_bytes()),
    })
}

fn list() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.heads")
}

#[test]
fn every_golden_journal_ends_with_the_hash_that_it_had() {
    let known = std::fs::read_to_string(list()).unwrap_or_default();
    let known: BTreeMap<&str, &str> = known.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let journals = journals();
    let mut all = String::new();
    for (name, payloads) in &journals {
        let Head { seq, hash } = head_of(payloads);
        let head = format!("{seq} {hash}");
        if let Some(before) = known.get(name.as_str()) {
            assert_eq!(head, *before, "{name} has changed: put it back; what is new belongs in a new one");
        } else {
            assert!(std::env::var_os(BLESS).is_some(), "{name} is new: {BLESS}=1 adds it");
        }
        all += &format!("{name} {head}\n");
    }
    let gone: Vec<_> = known.keys().filter(|name| !journals.contains_key(**name)).collect();
    assert!(gone.is_empty(), "golden journals are kept: {gone:?}");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(list(), all).unwrap();
    }
}

#[test]
fn a_journal_of_golden_records_is_the_golden_one_to_the_byte() {
    for (name, payloads) in journals() {
        let (_dir, path) = place();
        let records = given(payloads.iter().map(|payload| serde_json::from_str::<Record>(payload).unwrap()));
        let mut journal = Journal::create(&path, options()).unwrap();
        let durable = journal.append(&records).unwrap();
        journal.close().unwrap();
        assert_eq!(durable.head, head_of(&payloads), "{name}");
        assert_eq!(verify(&path, &mut |_| {}).unwrap().head, durable.head, "{name}");

        let reader = Reader::open(&path).unwrap();
        let stored: Vec<_> =
            reader.records(Seq::new(1)).unwrap().map(|stored| stored.unwrap().payload).collect();
        assert_eq!(stored, payloads, "{name}");
        let replayed: Vec<Record> = reader.replay().map(|record| record.unwrap()).collect();
        assert!(replayed.iter().eq(records.iter().map(|record| record.as_ref())), "{name}");
        let mut exported = Vec::new();
        assert_eq!(reader.export(&Filter::default(), &mut exported).unwrap().head, durable.head, "{name}");
        let exported = String::from_utf8(exported).unwrap();
        for (line, payload) in exported.lines().zip(&payloads) {
            assert!(line.ends_with(&format!("\"payload\":{payload}}}")), "{name}: {line}");
        }
    }
}
