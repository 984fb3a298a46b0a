//! `doctor`: each fault on its own line, with its remedy and its code.

use serde_json::Value;

use crate::house::{House, Running, Said, Sim, profile};

#[track_caller]
fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name} in {document}"))
}

#[track_caller]
fn outcome(said: &Said, name: &str) -> String {
    check(&said.json(), name)["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn a_healthy_house_passes_everything() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house.run(&["doctor", "--json"]).exits(0);
    let names = [
        "configuration",
        "limits",
        "restart windows",
        "gateway reachable",
        "handshake, server version",
        "accounts",
        "read-only mode",
        "clock offset",
        "journal",
    ];
    for name in names {
        assert_eq!(outcome(&said, name), "pass", "{name}: {said:?}");
    }
    assert_ne!(outcome(&said, "sync latency"), "skipped");
    house.run(&["positions"]).exits(0);
    let said = house.run(&["doctor", "--json"]).exits(0);
    assert!(check(&said.json(), "journal")["found"].as_str().unwrap().contains("verified"), "{said:?}");
    assert!(house.run(&["doctor"]).exits(0).out.contains("pass"));
}

#[test]
fn without_a_gateway_what_needs_it_is_skipped_and_the_rest_is_not() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    drop(sim);
    let said = house.run(&["doctor", "--json"]).exits(5);
    assert_eq!(outcome(&said, "gateway reachable"), "fail");
    assert_eq!(outcome(&said, "clock offset"), "skipped");
    assert_eq!(outcome(&said, "journal"), "pass");
    assert_eq!(said.json()["ok"], false);
}

#[test]
fn a_login_with_other_accounts_is_told() {
    let sim = Sim::start(&["--accounts", "DU7654321"]);
    let said = House::of(&sim).run(&["doctor", "--json"]).exits(2);
    assert_eq!(outcome(&said, "accounts"), "fail");
    assert!(check(&said.json(), "accounts")["remedy"].as_str().unwrap().contains("DU1234567"));
}

#[test]
fn a_gateway_in_read_only_mode_is_told() {
    let sim = Sim::start(&["--read-only"]);
    let said = House::of(&sim).run(&["doctor", "--json"]).exits(1);
    assert_eq!(outcome(&said, "read-only mode"), "fail");
    assert!(check(&said.json(), "read-only mode")["remedy"].as_str().unwrap().contains("Read-Only API"));
}

#[test]
fn a_client_id_in_use_is_told_with_what_to_do() {
    let sim = Sim::start(&["--fault", "swallow@1"]);
    let holder = House::of(&sim);
    let _running = Running::start(&holder);
    let said = House::of(&sim).run(&["doctor", "--json"]).exits(5);
    let handshake = check(&said.json(), "handshake, server version").clone();
    assert_eq!(handshake["outcome"], "fail");
    assert!(handshake["found"].as_str().unwrap().contains("client id 7 is in use"), "{handshake}");
    assert!(handshake["remedy"].as_str().unwrap().contains("stop the other program"), "{handshake}");
}

#[test]
fn a_profile_without_limits_fails_that_line() {
    let sim = Sim::start(&[]);
    let config = profile(sim.addr);
    let house = House::with(config.split("limits =").next().unwrap());
    let said = house.run(&["doctor", "--json"]).exits(2);
    assert_eq!(outcome(&said, "limits"), "fail");
    assert_eq!(outcome(&said, "gateway reachable"), "skipped");
}

#[test]
fn a_live_profile_that_is_not_told_when_the_gateway_restarts_is_warned() {
    let sim = Sim::start(&["--accounts", "U1234567"]);
    let live = profile(sim.addr)
        .replace("mode = \"paper\"", "mode = \"live\"\nallow_live = true")
        .replace("DU1234567", "U1234567");
    let said = House::with(&live).run(&["doctor", "--profile", "paper", "--json"]);
    assert_eq!(outcome(&said, "restart windows"), "warn");
    assert!(check(&said.json(), "restart windows")["remedy"].as_str().unwrap().contains("restart_windows"));
    let told = live.replace("client_id", "restart_windows = [\"23:45-23:56@America/New_York\"]\nclient_id");
    let said = House::with(&told).run(&["doctor", "--profile", "paper", "--json"]);
    assert_eq!(outcome(&said, "restart windows"), "pass");
}

#[test]
fn a_corrupt_journal_fails_that_line() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["positions"]).exits(0);
    house.edit(&house.journal(), b"\"kind\":\"started\"", b"\"kind\":\"starteD\"");
    let said = house.run(&["doctor", "--json"]).exits(1);
    assert_eq!(outcome(&said, "journal"), "fail");
    assert_eq!(outcome(&said, "clock offset"), "pass");
}
