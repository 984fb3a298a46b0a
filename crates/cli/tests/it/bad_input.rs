//! Each bad input of the issue: one clear error that says what to do, the right code, nothing lost.

use std::fs;
use std::io::Write;

use crate::house::{House, Running, Said, Sim, profile};

#[track_caller]
fn kind(said: &Said) -> String {
    said.json()["error"]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn a_malformed_file_points_at_its_place() {
    let house = House::with("[profiles.paper\nmode = \"paper\"\n");
    let said =
        house.run(&["config", "check", "--json"]).exits(2).complains(&["alphec-exec.toml:1", "not TOML"]);
    assert_eq!(kind(&said), "configuration");
}

#[test]
fn an_unknown_key_is_named_with_what_was_meant() {
    let sim = Sim::start(&[]);
    let house = House::with(&profile(sim.addr).replace("client_id", "client_di"));
    house.run(&["positions"]).exits(2).complains(&["client_di", "client_id"]);
}

#[test]
fn a_float_where_a_decimal_belongs_is_refused() {
    let sim = Sim::start(&[]);
    let house = House::with(&profile(sim.addr).replacen("\"0.01\"", "0.01", 1));
    house.run(&["config", "check"]).exits(2).complains(&["tick", "quotes"]);
    let house = House::of(&sim);
    for qty in ["1e2", "NaN", "0x10", "1,5"] {
        let args =
            ["order", "submit", "--instrument", "AAPL", "--side", "buy", "--qty", qty, "--type", "market"];
        house.run(&args).exits(2).complains(&["--qty"]);
    }
    assert!(!house.journal().exists(), "nothing was started");
}

#[test]
fn nonsense_terms_are_refused_before_anything_starts() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let cases: [(&[&str], &str); 6] = [
        (&["--type", "limit"], "--limit PX"),
        (&["--type", "market", "--limit", "1"], "neither"),
        (&["--type", "stop-limit", "--stop", "1"], "both"),
        (&["--type", "market", "--tif", "gtd"], "--gtd"),
        (&["--type", "market", "--gtd", "2035-01-01T00:00:00"], "with its zone"),
        (&["--type", "market", "--tif", "gtc", "--gtd", "2035-01-01T00:00:00Z"], "--tif gtd only"),
    ];
    for (terms, words) in cases {
        house.submit("a", terms).exits(2).complains(&[words]);
    }
    let zero = ["order", "submit", "--instrument", "AAPL", "--side", "buy", "--type", "market", "--qty"];
    house.run(&[&zero[..], &["0"]].concat()).exits(2).complains(&["zero"]);
    house.run(&[&zero[..], &["-1"]].concat()).exits(2);
    assert!(!house.journal().exists(), "nothing was started");
}

#[test]
fn an_unreachable_port_is_not_connected_and_leaves_no_journal() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    drop(sim);
    house.submit("a", &["--type", "market"]).exits(5).complains(&["cannot connect", "check host and port"]);
    assert!(!house.journal().exists());
}

#[test]
fn a_wrong_account_refuses_to_trade() {
    let sim = Sim::start(&["--accounts", "DU7654321"]);
    let house = House::of(&sim);
    let said = house.submit("a", &["--type", "market"]).exits(2).complains(&["DU1234567"]);
    assert_eq!(kind(&said), "configuration");
}

#[test]
fn a_paper_profile_on_a_live_login_refuses_to_trade() {
    let sim = Sim::start(&["--accounts", "U1234567"]);
    let house = House::with(&profile(sim.addr).replace("DU1234567", "U1234567"));
    house.submit("a", &["--type", "market"]).exits(2).complains(&["U1234567"]);
}

#[test]
fn an_account_outside_the_profile_is_denied() {
    let sim = Sim::start(&["--accounts", "DU1234567,DU2"]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "market", "--account", "DU2"]).exits(3).complains(&["DU2", "not allowed"]);
}

#[test]
fn a_live_profile_needs_its_arming() {
    let sim = Sim::start(&["--accounts", "U1234567"]);
    let live = profile(sim.addr).replace("\"paper\"", "\"live\"").replace("DU1234567", "U1234567");
    House::with(&live).submit("a", &["--type", "market"]).exits(2).complains(&["allow_live"]);
    let house = House::with(&live.replace("client_id", "allow_live = true\nclient_id"));
    house.submit("a", &["--type", "market"]).exits(2).complains(&["not armed", "ALPHEC-LIVE U1234567 UNTIL"]);
    let expired = ["--type", "market", "--arm", "ALPHEC-LIVE U1234567 UNTIL 2020-01-01T00:00:00Z"];
    house.submit("a", &expired).exits(2).complains(&["expired"]);
    assert!(!house.journal().exists(), "nothing was started");
}

#[test]
fn to_stop_a_live_profile_needs_no_arming() {
    let sim = Sim::start(&["--accounts", "U1234567"]);
    let live = profile(sim.addr).replace("\"paper\"", "\"live\"").replace("DU1234567", "U1234567");
    let house = House::with(&live.replace("client_id", "allow_live = true\nclient_id"));
    let until = std::process::Command::new("date").args(["-u", "-d", "+1 hour", "+%FT%TZ"]).output().unwrap();
    let token = format!("ALPHEC-LIVE U1234567 UNTIL {}", String::from_utf8(until.stdout).unwrap().trim());
    for id in ["a", "b"] {
        house.submit(id, &["--type", "limit", "--limit", "225", "--tif", "gtc", "--arm", &token]).exits(0);
    }
    house.run(&["order", "list", "--json"]).exits(0);
    house.run(&["order", "cancel", "a", "--json"]).exits(0);
    house.run(&["kill", "--all", "--by", "mary", "--reason", "drill"]).exits(0);
    let all = house.run(&["order", "list", "--all", "--json", "--offline"]).exits(0).json();
    assert!(all["orders"].as_array().unwrap().iter().all(|order| order["state"] == "canceled"), "{all}");
}

#[test]
fn a_corrupt_journal_names_the_record_and_nothing_trades_on_it() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("victim-order", &["--type", "market", "--wait", "done"]).exits(0);
    house.run(&["audit", "verify"]).exits(0);
    house.edit(&house.journal(), b"\"kind\":\"accepted\"", b"\"kind\":\"accepteD\"");
    let said = house.run(&["audit", "verify", "--json"]).exits(1).complains(&[
        "record ",
        "not as it was written",
        "restore",
    ]);
    assert_eq!(kind(&said), "journal_corrupt");
    house.submit("b", &["--type", "market"]).exits(1).complains(&["record "]);
    house.run(&["order", "list", "--offline"]).exits(1).complains(&["record "]);
}

#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["positions"]).exits(0);
    // SQLite keeps the format's number at offset 60 of the file.
    let mut bytes = fs::read(house.journal()).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(house.journal(), &bytes).unwrap();
    for args in
        [&["positions"][..], &["audit", "verify"], &["audit", "show"], &["order", "list", "--offline"]]
    {
        house.run(args).exits(1).complains(&["format 99", "newer program"]);
    }
    assert_eq!(kind(&house.run(&["audit", "verify", "--json"])), "journal_newer");
    assert_eq!(fs::read(house.journal()).unwrap(), bytes);
}

#[test]
fn a_second_engine_is_told_who_has_the_journal_and_reading_still_works() {
    let sim = Sim::start(&["--fault", "swallow@1"]);
    let house = House::of(&sim);
    let first = Running::start(&house);
    let said = house
        .run(&["positions", "--json"])
        .exits(1)
        .complains(&["in use by alphec-exec (process", "--offline"]);
    assert!(said.err.contains(&first.pid()), "{said:?}");
    assert_eq!(kind(&said), "journal_held");
    let said = house.run(&["order", "list", "--offline", "--json"]).exits(0);
    assert_eq!(said.json()["orders"][0]["client_order_id"], "slow");
    house.run(&["audit", "verify"]).exits(0);
    house.run(&["doctor"]).exits(0);
}

#[test]
fn beside_a_running_engine_a_global_cancel_works_with_a_journal_of_its_own() {
    let sim = Sim::start(&["--fault", "swallow@2"]);
    let house = House::of(&sim);
    house.submit("rest", &["--type", "limit", "--limit", "225"]).exits(0);
    let _running = Running::start(&house);
    let act = ["order", "cancel", "--all", "--global", "--yes"];
    let said = house.run(&act).exits(1).complains(&["in use by", "--journal emergency.db --client-id 999"]);
    assert!(!said.err.contains("cancel written"), "{said:?}");
    let beside = ["--journal", "emergency.db", "--client-id", "999"];
    house.run(&[&act[..], &beside].concat()).exits(0);
    // The running engine hears of it as of any other end.
    house.until(|| {
        let shown = house.run(&["order", "status", "rest", "--offline", "--json"]);
        shown.code == 0 && shown.json()["order"]["state"] == "canceled"
    });
    let shown = house.run(&["audit", "show", "--all", "--journal", "emergency.db"]).exits(0).out;
    assert!(shown.contains("cancel every open order of the login"), "{shown}");
}

#[test]
fn a_symbol_outside_the_profile_is_denied_and_on_record() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let args = [
        "order",
        "submit",
        "--instrument",
        "XYZ",
        "--side",
        "buy",
        "--qty",
        "1",
        "--type",
        "market",
        "--client-order-id",
        "a",
    ];
    house.run(&args).exits(3).complains(&["XYZ", "not allowed"]);
    house.run(&["audit", "trail", "a"]).exits(0);
}

#[test]
fn a_symbol_that_the_broker_does_not_know_is_denied_without_a_long_wait() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let args = ["order", "submit", "--instrument", "NOPE", "--side", "buy", "--qty", "1", "--type", "market"];
    house.run(&args).exits(3).complains(&["NOPE"]);
}

#[test]
fn a_price_off_the_tick_is_denied_with_the_step() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "limit", "--limit", "225.005"]).exits(3).complains(&["225.005", "0.01"]);
}

#[test]
fn a_missing_journal_and_a_file_that_is_none_say_so() {
    let house = House::with("");
    house
        .run(&["audit", "verify", "--journal", "nowhere.db"])
        .exits(2)
        .complains(&["no journal at nowhere.db"]);
    fs::File::create(house.path("text.db")).unwrap().write_all(&[b'x'; 8192]).unwrap();
    house.run(&["audit", "verify", "--journal", "text.db"]).exits(1).complains(&["not a journal"]);
    house.run(&["audit", "verify"]).exits(2).complains(&["--journal"]);
}

#[test]
fn an_error_in_json_is_one_document_beside_the_words() {
    let house = House::with("");
    let said = house.run(&["order", "submit", "--json", "--qty", "1e2"]).exits(2);
    assert_eq!(kind(&said), "usage");
    assert!(!said.err.is_empty());
}
