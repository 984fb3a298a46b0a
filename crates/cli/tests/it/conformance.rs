//! `conformance`: the simulator does what it is said to do, a gateway that does not is found out, and no live
//! account is ever traded on.

use std::fs;

use serde_json::Value;

use crate::house::{House, Sim, profile};

/// Each check asks a question whose answer ends what it waits for, so the silence may be short.
const QUICK: [&str; 4] = ["conformance", "--quiet-ms", "20", "--json"];

/// Orders sent, by their raw message id.
fn placements(record: &str) -> usize {
    record.lines().filter(|line| line.contains("\"sent\"") && line.contains("\"hex\":\"000000cb")).count()
}

#[test]
fn the_simulator_differs_nowhere_from_itself_and_every_frame_is_recorded() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house.run(&[&QUICK[..], &["--record", "frames.jsonl"]].concat());
    let document = said.json();
    let checks = document["checks"].as_array().unwrap();
    let others: Vec<&Value> = checks.iter().filter(|check| check["outcome"] != "same").collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(checks.len() > 40 && document["ok"] == true, "{document}");
    assert_eq!(document["questions"].as_array().map(Vec::len), Some(12));
    said.exits(0);

    let record = fs::read_to_string(house.path("frames.jsonl")).unwrap();
    let frames: Vec<Value> = record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |key, value| frames.iter().filter(|frame| frame[key] == value).count();
    assert!(placements(&record) > 10);
    assert!(count("direction", "sent") > 50 && count("direction", "received") > 100);
    assert_eq!(frames.iter().filter(|frame| frame["check"].is_string()).count(), checks.len());
}

#[test]
fn a_gateway_that_behaves_otherwise_is_found_out() {
    let sim = Sim::start(&["--read-only"]);
    let said = House::of(&sim).run(&QUICK).exits(1);
    let document = said.json();
    let check = |name: &str| {
        let checks = document["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap()["outcome"].clone()
    };
    assert_eq!(check("server version"), "same");
    assert_eq!(check("a limit order that rests"), "differs");
    assert_eq!(check("a market order"), "differs");
}

#[test]
fn a_login_with_one_live_account_is_refused_before_any_order() {
    let sim = Sim::start(&["--accounts", "DU1234567,U7654321"]);
    let house = House::of(&sim);
    let said = house.run(&[&QUICK[..], &["--record", "frames.jsonl"]].concat()).exits(2);
    said.complains(&["U7654321", "paper accounts only"]);
    let record = fs::read_to_string(house.path("frames.jsonl")).unwrap();
    assert_eq!(placements(&record), 0);
}

#[test]
fn a_live_profile_is_refused() {
    let sim = Sim::start(&[]);
    let house = House::with(
        &profile(sim.addr)
            .replace("mode = \"paper\"", "mode = \"live\"\nallow_live = true")
            .replace("DU1234567", "U1234567"),
    );
    house.run(&QUICK).exits(2).complains(&["not for paper"]);
}

#[test]
fn the_table_names_checks_sections_and_open_questions() {
    let sim = Sim::start(&[]);
    let said = House::of(&sim).run(&["conformance", "--quiet-ms", "20"]);
    for words in ["a market order", "2.5-7", "not tried: takes a restart", "the same, 0 differ"] {
        assert!(said.out.contains(words), "{said:?}");
    }
}
