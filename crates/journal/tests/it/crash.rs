//! Killed at any instant: what was acknowledged is there, and nothing is half there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use alphec_journal::{Journal, Reader, Sink, verify};
use alphec_model::{Body, Record, Seq};

use crate::common::{beside, child, given, in_child, options, place, record, replay};

/// As [`record`], but long, so that the WAL is copied into the main file every few commits.
fn long(seq: u64) -> Record {
    let mut record = record(seq);
    if let Body::Anomaly { what } = &mut record.body {
        *what = format!("{what}{}", "long ".repeat(4_000));
    }
    record
}

/// Not a test by itself: appends for ever, saying what is durable, until it is killed.
#[test]
fn child_appends_until_killed() {
    let Some(path) = in_child() else { return };
    let mut journal = Journal::open_or_create(&path, options()).unwrap();
    let mut out = std::io::stdout();
    loop {
        let first = journal.head().seq.get() + 1;
        let count = first % 5 + 1;
        let records = given((first..first + count).map(long));
        let durable = journal.append(&records).unwrap();
        writeln!(out, "\nacknowledged {}", durable.head.seq).unwrap();
        out.flush().unwrap();
        journal.maintain().unwrap();
    }
}

/// Reads acknowledgements until `enough`, kills the child after a further `delay`, and returns the
/// last acknowledgement that it managed to make.
fn kill_after(mut child: Child, enough: usize, delay: Duration) -> u64 {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    let mut note = |line: std::io::Result<String>| {
        if let Some(seq) = line.unwrap().strip_prefix("acknowledged ") {
            last = seq.parse().unwrap();
        }
    };
    // Three lines for each acknowledgement would be too many: one is empty.
    lines.by_ref().take(enough * 2 + 3).for_each(&mut note);
    let start = Instant::now();
    while start.elapsed() < delay {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lines.for_each(note);
    last
}

#[test]
fn whenever_it_is_killed_the_journal_holds_all_that_was_acknowledged() {
    let (_dir, path) = place();
    let mut before = 0;
    for round in 0_u32..24 {
        let child = child("crash::child_appends_until_killed", &path).stdout(Stdio::piped()).spawn().unwrap();
        let enough = usize::try_from(round % 6 * 7 + 1).unwrap();
        let acknowledged = kill_after(child, enough, Duration::from_micros(u64::from(round) * 137));
        assert!(acknowledged > before, "round {round}: the child did nothing");

        // A reader first, with the WAL as the dead process left it.
        let head = Reader::open(&path).unwrap().head().unwrap();
        assert!(
            head.seq.get() >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {head:?} is there"
        );
        let found = replay(&path, 1).unwrap();
        assert!(found.iter().zip(1..).all(|(found, seq)| **found == long(seq)), "round {round}");
        // The killed process's lock is gone with it, and opening loses nothing.
        let journal = Journal::open(&path, options()).unwrap();
        assert_eq!(journal.head(), head);
        drop(journal);
        assert_eq!(verify(&path, &mut |_| {}).unwrap().head, head);
        before = head.seq.get();
    }
}

#[test]
fn killed_while_creating_leaves_no_half_journal() {
    let (_dir, path) = place();
    // What an interrupted creation leaves: part of the new file, under its working name.
    std::fs::write(beside(&path, ".new"), [7; 5_000]).unwrap();
    std::fs::write(beside(&path, ".new-journal"), [7; 500]).unwrap();
    let mut journal = Journal::open_or_create(&path, options()).unwrap();
    let _durable = journal.append(&given([record(1)])).unwrap();
    assert_eq!(journal.head().seq, Seq::new(1));
    assert!(!beside(&path, ".new").exists());
}

#[test]
fn the_lock_of_another_process_names_it() {
    let (_dir, path) = place();
    let mut child = child("crash::child_appends_until_killed", &path).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().find(|line| line.as_ref().unwrap().starts_with("acknowledged")).unwrap().unwrap();
    let error = Journal::open(&path, options()).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let _journal = Journal::open(&path, options()).unwrap();
}
