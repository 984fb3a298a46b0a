//! The journal, read in every way.

use std::fs;

use serde_json::Value;

use crate::house::{House, Sim};

fn house_with_history(sim: &Sim) -> House {
    let house = House::of(sim);
    house.submit("filled-1", &["--type", "market", "--wait", "done", "--correlation-id", "work-1"]).exits(0);
    house.submit("canceled-1", &["--type", "limit", "--limit", "225"]).exits(0);
    house.run(&["order", "cancel", "canceled-1"]).exits(0);
    house
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_trail_tells_the_story_in_order() {
    let sim = Sim::start(&[]);
    let house = house_with_history(&sim);
    let said = house.run(&["audit", "trail", "canceled-1"]).exits(0);
    let story = [
        "passed the gate",
        "place written",
        "pending_new → working",
        "cancel goes out",
        "working → canceled",
    ];
    let mut rest = said.out.as_str();
    for chapter in story {
        let at = rest
            .find(chapter)
            .unwrap_or_else(|| panic!("no `{chapter}` after the one before in\n{}", said.out));
        rest = &rest[at..];
    }
    let records = lines(&house.run(&["audit", "trail", "canceled-1", "--json"]).exits(0).out);
    assert!(records.len() > 6);
    assert!(records.iter().all(|record| record["payload"]["header"]["client_order_id"] == "canceled-1"));
    house.run(&["audit", "trail", "nobody"]).exits(2).complains(&["no record of order nobody"]);
}

#[test]
fn show_picks_by_every_condition() {
    let sim = Sim::start(&[]);
    let house = house_with_history(&sim);
    let show = |args: &[&str]| lines(&house.run(&[&["audit", "show", "--json"], args].concat()).exits(0).out);
    assert_eq!(show(&["--last", "3"]).len(), 3);
    assert!(show(&["--kind", "filled"]).iter().all(|record| record["payload"]["body"]["kind"] == "filled"));
    assert!(!show(&["--correlation", "work-1"]).is_empty());
    assert!(!show(&["--order", "filled-1"]).is_empty());
    assert!(show(&["--since", "2035-01-01T00:00:00Z"]).is_empty());
    assert!(show(&["--until", "2001-01-01T00:00:00Z"]).is_empty());
    let all = show(&["--all"]);
    assert_eq!(all[0]["seq"], 1);
    assert_eq!(show(&[]).len(), all.len().min(50));
    let table = house.run(&["audit", "show", "--kind", "filled"]).exits(0).out;
    assert!(table.contains("buy 10 AAPL at 230.01"), "{table}");
    house.run(&["audit", "show", "--since", "yesterday"]).exits(2).complains(&["with its zone"]);
}

#[test]
fn verify_gives_the_records_and_the_head() {
    let sim = Sim::start(&[]);
    let house = house_with_history(&sim);
    let found = house.run(&["audit", "verify", "--json"]).exits(0).json();
    assert_eq!(found["ok"], true);
    assert_eq!(found["head"]["seq"], found["records"]);
    assert_eq!(found["head"]["hash"].as_str().unwrap().len(), 64);
    assert_eq!(found["tail_checked"], true);
    let said = house.run(&["audit", "verify"]).exits(0);
    assert!(said.out.contains(found["head"]["hash"].as_str().unwrap()), "{said:?}");
}

#[test]
fn export_writes_every_payload_as_it_is_hashed_and_replaces_nothing() {
    let sim = Sim::start(&[]);
    let house = house_with_history(&sim);
    let piped = house.run(&["audit", "export", "--to", "-"]).exits(0).out;
    let said = house.run(&["audit", "export", "--to", "out.jsonl", "--json"]).exits(0);
    assert_eq!(fs::read_to_string(house.path("out.jsonl")).unwrap(), piped);
    let records = lines(&piped);
    assert_eq!(said.json()["records"], records.len());
    for (before, after) in records.iter().zip(records.iter().skip(1)) {
        assert_eq!(before["hash"], after["prev"]);
    }
    house.run(&["audit", "export", "--to", "out.jsonl"]).exits(2).complains(&["exists already"]);
    let some = house.run(&["audit", "export", "--to", "-", "--order", "filled-1"]).exits(0).out;
    assert!(!some.is_empty() && some.len() < piped.len());
}
