//! Golden journals: what this version wrote, and the book that every later one must find in it
//! (invariant I30, `reliability.md` §3.4).
//!
//! `tests/golden/<story>.jsonl` holds records, one payload a line, byte for byte as a journal stores them;
//! `<story>.book` the book that they replay into, one fact a line; [`stories`] tells where they come from. The
//! journal's own tests pin the hash that each ends with.
//!
//! **A golden journal of a released version never changes**: what that version wrote, the next ones must read. A
//! kind or a field that is new comes in a story of its own, and so in a new file; [`kinds`] fails until it does.
//!
//! `GOLDEN_BLESS=1 cargo nextest run -p alphec-core golden`, then the same with `-p alphec-journal`, writes the files of
//! new stories and adds to the books what they did not show before. It changes no record, and nothing that a book says.

mod book;
mod kinds;
mod stories;

use std::path::{Path, PathBuf};

use alphec_core::{Core, Input};
use alphec_model::broker::OrderNames;
use alphec_model::{BrokerEvent, OrderState, Record};

use crate::support::broker::execution;
use crate::support::setup;

const BLESS: &str = "GOLDEN_BLESS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every golden journal by name, oldest record first.
fn journals() -> Vec<(String, Vec<String>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect())
        })
        .collect();
    all.sort();
    all
}

fn opened(name: &str, lines: &[String]) -> Core {
    let mut core = Core::new(setup::config());
    for (line, text) in (1..).zip(lines) {
        let record: Record =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}, record {line}: {error}"));
        core.replay(&record).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    core
}

#[test]
fn every_story_is_told_in_a_golden_journal_and_each_of_these_opens_into_its_book() {
    let is_blessing = std::env::var_os(BLESS).is_some();
    for (name, tell) in stories::STORIES {
        let path = folder().join(format!("{name}.jsonl"));
        let told = tell();
        if is_blessing && !path.exists() {
            std::fs::write(&path, told.join("\n") + "\n").unwrap();
        }
        assert!(path.exists(), "{name} is not told: {BLESS}=1 writes it");
    }
    for (name, lines) in journals() {
        let book = book::facts(opened(&name, &lines).book());
        let path = folder().join(format!("{name}.book"));
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        if is_blessing {
            assert!(before.is_empty() || book::only_adds(&before, &book), "{name}: what it said has changed");
            std::fs::write(&path, &book).unwrap();
            continue;
        }
        let (book, before) = (book::read(&book), book::read(&before));
        for (is, was) in book.iter().zip(&before) {
            assert_eq!(is, was, "{name}");
        }
        assert_eq!(book.len(), before.len(), "{name}");
    }
}

/// Whoever exports or copies a journal by its records would give other hashes otherwise.
#[test]
fn a_record_of_a_golden_journal_is_written_again_with_the_same_bytes() {
    for (name, lines) in journals() {
        for text in lines {
            let record: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), text, "{name}");
        }
    }
}

#[test]
fn an_order_of_the_first_form_of_references_is_known_by_it_and_nothing_else() {
    let (name, lines) = journals().into_iter().find(|(name, _)| name == "first_references").unwrap();
    let mut core = opened(&name, &lines);
    let order = core.book().order(&setup::key("a")).unwrap().clone();
    assert!(order.order_ref.as_ref().is_some_and(|reference| reference.as_str().starts_with("ax1.")));
    let mut report = execution(&order, "0001.0b.01", "6", "100");
    report.names = OrderNames { order_ref: report.names.order_ref, ..OrderNames::default() };
    let step = core.handle(order.updated_at, Input::Broker(BrokerEvent::Execution(report)));
    assert!(step.records.iter().any(|record| record.body.kind() == "filled"), "{step:?}");
    assert_eq!(core.book().order(&setup::key("a")).unwrap().state, OrderState::Filled);
}

#[test]
fn a_golden_journal_with_a_record_changed_or_left_out_gives_another_book_or_none() {
    let (name, lines) = journals().into_iter().find(|(name, _)| name == "a_day").unwrap();
    let whole = book::facts(opened(&name, &lines).book());
    let mut core = Core::new(setup::config());
    let mut refused = 0;
    for text in lines.iter().filter(|text| !text.contains(r#""kind":"filled""#)) {
        refused += usize::from(core.replay(&serde_json::from_str(text).unwrap()).is_err());
    }
    assert!(refused > 0, "a number is missing");
    let dearer: Vec<String> =
        lines.iter().map(|text| text.replace(r#""last_px":"100""#, r#""last_px":"101""#)).collect();
    assert_ne!(book::facts(opened(&name, &dearer).book()), whole);
}

#[test]
fn a_book_may_only_gain_facts_that_it_did_not_show() {
    let before = "{\"a\":1,\"b\":{\"c\":[1]}}\n";
    for (after, only_adds) in [
        ("{\"a\":1,\"b\":{\"c\":[1],\"d\":2}}\n", true),
        ("{\"a\":2,\"b\":{\"c\":[1]}}\n", false),
        ("{\"a\":1,\"b\":{\"c\":[1,2]}}\n", false),
        ("{\"a\":1}\n", false),
        ("{\"a\":1,\"b\":{\"c\":[1]}}\n{}\n", false),
    ] {
        assert_eq!(book::only_adds(before, after), only_adds, "{after}");
    }
}
