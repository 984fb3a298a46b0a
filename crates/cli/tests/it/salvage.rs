//! The way out of a journal that cannot be trusted, as an operator takes it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use alphec_execution::model::record::Header;
use alphec_execution::model::{Body, BrokerOrderId, Provenance, Record, Seq, UtcNanos};
use alphec_journal::{Journal, OpenOptions, Reader, Sink};

use crate::house::{House, Running, Sim, profile};

/// A house whose journal was replaced by an older copy: the order `lost` works at the broker and is on record nowhere.
fn house_with_an_old_copy(sim: &Sim) -> House {
    let house = House::of(sim);
    house.submit("early", &["--type", "market", "--wait", "done"]).exits(0);
    let old = fs::read(house.journal()).unwrap();
    house.submit("lost", &["--type", "limit", "--limit", "225"]).exits(0);
    fs::write(house.journal(), old).unwrap();
    house
}

#[test]
fn nothing_trades_on_a_journal_with_a_lost_end_until_it_is_salvaged_and_resumed() {
    let sim = Sim::start(&[]);
    let house = house_with_an_old_copy(&sim);
    for args in [&["positions"][..], &["audit", "verify"], &["reconcile", "show"]] {
        house.run(args).exits(1).complains(&["is missing", "alphec-exec audit salvage"]);
    }
    let refused = house.submit("more", &["--type", "market"]).exits(1);
    assert!(refused.err.contains("alphec-exec audit salvage"), "{refused:?}");

    let before = fs::read(house.journal()).unwrap();
    let shown = house.run(&["audit", "salvage", "--json"]).exits(0).json();
    assert!(shown["salvaged"] == false && shown["known"].as_u64() > shown["kept"].as_u64(), "{shown}");
    assert!(house.run(&["audit", "salvage"]).exits(0).out.contains("would be lost"));
    assert_eq!(fs::read(house.journal()).unwrap(), before, "only shown");
    house.run(&["audit", "salvage", "--yes"]).exits(2).complains(&["--reason"]);

    let done = house.run(&["audit", "salvage", "--yes", "--reason", "old copy", "--json"]).exits(0).json();
    assert_eq!(
        fs::read(house.path(done["damaged"].as_str().unwrap())).unwrap(),
        before,
        "the damaged one is kept"
    );
    house.run(&["audit", "verify"]).exits(0);
    house.run(&["audit", "salvage"]).exits(2).complains(&["nothing to salvage"]);

    house.submit("halted", &["--type", "market"]).exits(3).complains(&["salvaged", "old copy"]);
    let books = house.run(&["reconcile", "show", "--json"]).exits(0).json();
    let foreign = books["foreign"].as_array().unwrap();
    assert!(foreign.len() == 1 && foreign[0]["order_ref"].as_str().unwrap().starts_with("ax2."), "{books}");

    house
        .run(&["resume", "--all", "--reason", "compared"])
        .exits(2)
        .complains(&["live on at the broker", "--global"]);
    house.run(&["order", "cancel", "--all", "--global", "--yes"]).exits(0);
    house.run(&["resume", "--all", "--reason", "compared, and the lost order ended"]).exits(0);
    house.submit("after", &["--type", "limit", "--limit", "224"]).exits(0);
    let after = house.run(&["order", "status", "after", "--offline", "--json"]).exits(0).json();
    let order = &after["order"];
    assert!(
        order["broker_order_id"].as_i64().unwrap() > 10_000,
        "no id that the lost order may have: {order}"
    );
    let number: u64 = order["order_ref"].as_str().unwrap().split('.').nth(2).unwrap().parse().unwrap();
    assert!(number > 10_000, "no name that the lost order may have: {order}");
}

/// Adds a record to a journal that nobody has.
fn append(journal: &Path, body: Body) {
    let mut journal = Journal::open(journal, OpenOptions::new("test", UtcNanos::EPOCH)).unwrap();
    let header = Header::nameless(journal.head().seq.next(), UtcNanos::EPOCH, Provenance::Operator);
    let _durable = journal.append(&[Arc::new(Record { header, body })]).unwrap();
}

#[test]
fn a_note_that_is_anothers_is_settled_and_no_number_of_a_record_that_is_given_up_is_used_again() {
    let sim = Sim::start(&[]);
    let (house, other) = (House::of(&sim), House::of(&sim));
    other.run(&["positions"]).exits(0);
    house.submit("a", &["--type", "market", "--wait", "done"]).exits(0);
    append(&house.journal(), Body::IdFloorRaised { next: BrokerOrderId::new(50_000), intents: Some(60_000) });
    fs::copy(other.path("paper.db.head"), house.path("paper.db.head")).unwrap();
    let said = house.submit("b", &["--type", "market"]).exits(1);
    assert!(
        said.err.contains("not the one noted") && said.err.contains("alphec-exec audit salvage"),
        "{said:?}"
    );
    let before = fs::read(house.journal()).unwrap();

    let done = house.run(&["audit", "salvage", "--yes", "--reason", "mixed up", "--json"]).exits(0).json();
    let damaged = done["damaged"].as_str().unwrap();
    assert!(fs::read(house.path(damaged)).unwrap() == before, "the damaged one is kept");
    assert_eq!(
        fs::read(house.path(&format!("{damaged}.head"))).unwrap(),
        fs::read(other.path("paper.db.head")).unwrap()
    );
    house.submit("b", &["--type", "market"]).exits(3).complains(&["salvaged", "mixed up"]);
    let reader = Reader::open(house.journal()).unwrap();
    let floor = reader.records(Seq::new(1)).unwrap().find_map(|stored| match stored.unwrap().record.body {
        Body::IdFloorRaised { next, intents } => Some((next.get(), intents.unwrap())),
        _ => None,
    });
    assert!(floor.is_some_and(|(id, intents)| id > 60_000 && intents > 70_000), "{floor:?}");
}

#[test]
fn a_front_log_without_its_journal_halts_until_it_is_salvaged_and_resumed() {
    let sim = Sim::start(&["--fault", "swallow@1"]);
    let house = House::of(&sim);
    let running = Running::start(&house);
    let front = fs::read(house.path("paper.db.front")).unwrap();
    drop(running);
    for file in fs::read_dir(house.path("")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.to_string_lossy().contains("paper.db") {
            fs::remove_file(file).unwrap();
        }
    }
    fs::write(house.path("paper.db.front"), front).unwrap();
    house.run(&["positions"]).exits(1).complains(&["paper.db.front", "alphec-exec audit salvage"]);
    assert!(house.run(&["audit", "salvage"]).exits(0).out.contains("first bad record"));
    is_begun_anew(&house);
}

#[test]
fn a_journal_that_is_gone_is_begun_anew_by_a_salvage_for_the_client_id_that_is_named() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("early", &["--type", "market", "--wait", "done"]).exits(0);
    fs::remove_file(house.journal()).unwrap();
    fs::rename(house.path("alphec-exec.toml"), house.path("away.toml")).unwrap();
    let act = ["audit", "salvage", "--yes", "--reason", "gone", "--journal", "paper.db"];
    house.run(&act).exits(2).complains(&["--client-id"]);
    fs::rename(house.path("away.toml"), house.path("alphec-exec.toml")).unwrap();
    is_begun_anew(&house);
}

/// A salvage that keeps no record leaves a journal that an engine starts on, halted until somebody has looked.
#[track_caller]
fn is_begun_anew(house: &House) {
    house.run(&["audit", "salvage", "--yes", "--reason", "journal gone"]).exits(0);
    house.submit("a", &["--type", "market"]).exits(3).complains(&["salvaged", "journal gone"]);
    house.run(&["order", "cancel", "--all", "--global", "--yes"]).exits(0);
    house.run(&["resume", "--all", "--reason", "compared"]).exits(0);
    let placed = house.submit("b", &["--type", "limit", "--limit", "224"]).exits(0).json();
    assert!(placed["order"]["broker_order_id"].as_i64().unwrap() > 10_000, "{placed}");
}

#[test]
fn a_salvage_that_was_interrupted_says_that_it_is_finished_and_where_the_damaged_journal_is() {
    let sim = Sim::start(&[]);
    let house = house_with_an_old_copy(&sim);
    let done = house.run(&["audit", "salvage", "--yes", "--reason", "old copy", "--json"]).exits(0).json();
    let damaged = done["damaged"].as_str().unwrap();
    // As an interruption leaves it: the damaged journal is away, the new one not there yet.
    fs::rename(house.journal(), house.path("paper.db.salvaged")).unwrap();
    fs::rename(house.path("paper.db.head"), house.path("paper.db.salvaged.head")).unwrap();
    fs::copy(house.path(&format!("{damaged}.head")), house.path("paper.db.head")).unwrap();

    house.run(&["positions"]).exits(1).complains(&["alphec-exec audit salvage"]);
    assert!(house.run(&["audit", "salvage"]).exits(0).out.contains("was interrupted"));
    let again = house.run(&["audit", "salvage", "--yes", "--reason", "go on", "--json"]).exits(0).json();
    assert_eq!((&again["damaged"], &again["head"]), (&done["damaged"], &done["head"]));
    assert_eq!(again["interrupted"], true);
    house.submit("a", &["--type", "market"]).exits(3).complains(&["salvaged", "old copy"]);
}

#[test]
fn a_journal_without_its_note_gets_no_record_of_an_engine_that_it_does_not_belong_to() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "market", "--wait", "done"]).exits(0);
    fs::remove_file(house.path("paper.db.head")).unwrap();
    let head = || Reader::open(house.journal()).unwrap().head().unwrap();
    let before = head();
    fs::write(house.path("other.toml"), profile(sim.addr).replace("client_id = 7", "client_id = 8")).unwrap();
    house.run(&["positions", "--config", "other.toml"]).exits(2).complains(&["client id 7"]);
    assert_eq!(head(), before);
    house.submit("b", &["--type", "market"]).exits(3).complains(&["halted", "paper.db.head"]);
}

#[test]
fn a_file_cut_short_names_the_first_bad_record_and_is_not_made_whole_in_silence() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    for name in ["a", "b", "c"] {
        house.submit(name, &["--type", "market", "--wait", "done"]).exits(0);
    }
    let whole = fs::read(house.journal()).unwrap();
    fs::write(house.journal(), &whole[..whole.len() * 3 / 4]).unwrap();
    let said = house.run(&["positions"]).exits(1).complains(&["alphec-exec audit salvage"]);
    let shown = house.run(&["audit", "salvage", "--json"]).exits(0).json();
    assert!(said.err.contains(&format!("record {} ", shown["first_bad"])), "{said:?} {shown}");
    house.run(&["audit", "salvage", "--yes", "--reason", "cut"]).exits(0);
    house.submit("d", &["--type", "market"]).exits(3).complains(&["salvaged"]);
    assert!(house.run(&["audit", "show", "--last", "5"]).exits(0).out.contains("salvaged"));
}
