//! The life of orders, a command at a time.

use std::process::Stdio;

use serde_json::json;

use crate::house::{House, Said, Sim, profile, signal};

#[test]
fn a_market_order_fills_and_makes_a_position() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house
        .submit(
            "buy-1",
            &["--type", "market", "--wait", "done", "--strategy", "s1", "--correlation-id", "work-1"],
        )
        .exits(0);
    let order = &said.json()["order"];
    assert_eq!(order["state"], "filled");
    assert_eq!(order["cum_qty"], "10");
    assert_eq!(order["avg_px"], "230.01");
    assert_eq!(order["strategy_id"], "s1");
    assert_eq!(order["correlation_id"], "work-1");
    assert_eq!(said.err, "", "nothing to warn of");

    let position = json!({ "positions": [{ "account": "DU1234567", "instrument": "AAPL", "qty": "10" }] });
    assert_eq!(house.run(&["positions", "--json"]).exits(0).json(), position);
    assert_eq!(house.run(&["positions", "--json", "--offline"]).exits(0).json(), position);

    let status = house.run(&["order", "status", "buy-1", "--json"]).exits(0).json();
    assert_eq!(status["fills"][0]["last_px"], "230.01");
    let offline = house.run(&["order", "status", "buy-1", "--json", "--offline"]).exits(0).json();
    assert_eq!(offline["order"], status["order"]);
    let time = status["fills"][0]["time"].as_str().unwrap().to_owned();
    assert_eq!(offline["fills"][0]["time"], time.as_str());
    let shown = time.replace('T', " ")[..19].to_owned();
    let table = house.run(&["order", "status", "buy-1", "--offline"]).exits(0).out;
    assert!(table.contains("TIME (UTC)") && table.contains(&shown), "{shown}:\n{table}");
    let trail = house.run(&["audit", "trail", "buy-1"]).exits(0).out;
    assert!(trail.contains(&format!("executed {shown} UTC")), "{shown}:\n{trail}");
}

#[test]
fn a_resting_order_outlives_the_command_and_can_be_changed_and_canceled_by_others() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house.submit("rest-1", &["--type", "limit", "--limit", "225.50", "--tif", "gtc"]).exits(0);
    assert_eq!(said.json()["order"]["state"], "working");
    let open = house.run(&["order", "list", "--json"]).exits(0).json();
    assert_eq!(open["orders"][0]["client_order_id"], "rest-1");
    assert_eq!(open["orders"][0]["state"], "working", "no stop cancels it");

    let said = house.run(&["order", "modify", "rest-1", "--json", "--limit", "226", "--qty", "12"]).exits(0);
    let order = &said.json()["order"];
    assert_eq!((&order["version"], &order["spec"]["order_qty"]), (&json!(2), &json!("12")));
    assert_eq!(order["spec"]["order_type"]["limit_px"], "226");

    let said = house.run(&["order", "cancel", "rest-1", "--json"]).exits(0);
    assert_eq!(said.json()["order"]["state"], "canceled");
    assert_eq!(house.run(&["order", "list", "--json"]).exits(0).json(), json!({ "orders": [] }));
    let all = house.run(&["order", "list", "--all", "--json", "--offline"]).exits(0).json();
    assert_eq!(all["orders"][0]["state"], "canceled");
}

#[test]
fn a_cancel_does_not_wait_for_books_that_never_come() {
    let sim = Sim::start(&["--fault", "empty-lists(list=positions, how=silence)@4s..600s"]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "limit", "--limit", "225", "--tif", "gtc"]).exits(0);
    house.submit("b", &["--type", "limit", "--limit", "225", "--tif", "gtc"]).exits(0);
    std::thread::sleep(std::time::Duration::from_secs(4));
    house.run(&["positions", "--timeout", "2"]).exits(5);
    let said = house.run(&["order", "cancel", "a", "--json", "--timeout", "5"]).exits(0);
    assert_eq!(said.json()["order"]["state"], "canceled");
    let said = house.run(&["order", "cancel", "--all", "--json", "--timeout", "5"]).exits(0);
    assert_eq!(said.json()["orders"][0]["state"], "canceled");
}

#[test]
fn every_type_and_life_is_understood() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let cases: [(&str, &[&str], &str); 6] = [
        ("stop", &["--type", "stop", "--stop", "235"], "stop"),
        ("stop-limit", &["--type", "stop-limit", "--stop", "235", "--limit", "236"], "stop_limit"),
        ("gtd", &["--type", "limit", "--limit", "225", "--gtd", "2035-01-01T00:00:00Z"], "limit"),
        ("day", &["--type", "limit", "--limit", "225", "--tif", "day"], "limit"),
        ("gtc", &["--type", "limit", "--limit", "225", "--tif", "gtc"], "limit"),
        ("fok", &["--type", "limit", "--limit", "231", "--tif", "fok"], "limit"),
    ];
    for (id, terms, wanted) in cases {
        let said = house.submit(id, terms).exits(0);
        assert_eq!(said.json()["order"]["spec"]["order_type"]["type"], wanted, "{id}");
    }
    let said = house.run(&["order", "cancel", "--all", "--json"]).exits(0);
    assert_eq!(said.json()["canceling"], 5);
    assert!(said.json()["orders"].as_array().unwrap().iter().all(|order| order["state"] == "canceled"));
}

#[test]
fn an_immediate_order_that_finds_nothing_ends_unfilled_and_that_is_a_failure() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house
        .submit("ioc", &["--type", "limit", "--limit", "225", "--tif", "ioc", "--wait", "done"])
        .exits(1);
    assert_eq!(said.json()["error"]["kind"], "not_filled");
    assert_eq!(said.json()["order"]["state"], "canceled");
}

#[test]
fn the_same_id_with_the_same_terms_is_the_same_order() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let terms = ["--type", "market", "--wait", "done"];
    let first = house.submit("once", &terms).exits(0).json();
    let again = house.submit("once", &terms).exits(0).json();
    assert_eq!(first["order"]["broker_order_id"], again["order"]["broker_order_id"]);
    assert_eq!(house.run(&["positions", "--json"]).json()["positions"][0]["qty"], "10", "bought once");
    house.submit("once", &["--type", "limit", "--limit", "225"]).exits(2).complains(&["already used"]);
}

#[test]
fn a_scope_cancels_its_own_and_leaves_the_rest() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let terms = ["--type", "limit", "--limit", "225"];
    house.submit("a", &[&terms[..], &["--strategy", "one"]].concat()).exits(0);
    house.submit("b", &[&terms[..], &["--strategy", "two"]].concat()).exits(0);
    house.run(&["order", "cancel", "--strategy", "one", "--json"]).exits(0);
    let open = house.run(&["order", "list", "--json"]).exits(0).json();
    assert_eq!(open["orders"].as_array().unwrap().len(), 1);
    assert_eq!(open["orders"][0]["client_order_id"], "b");
}

#[test]
fn a_global_cancel_asks_twice_and_reaches_the_orders_of_other_clients() {
    let sim = Sim::start(&[]);
    let (house, other) =
        (House::of(&sim), House::with(&profile(sim.addr).replace("client_id = 7", "client_id = 8")));
    let terms = ["--type", "limit", "--limit", "225"];
    house.submit("ours", &terms).exits(0);
    other.submit("theirs", &terms).exits(0);
    house.run(&["order", "cancel", "--all", "--global"]).exits(2).complains(&["other API clients", "--yes"]);
    house.run(&["order", "cancel", "--global", "--yes"]).exits(2);
    assert_eq!(other.run(&["order", "list", "--json"]).json()["orders"][0]["state"], "working");

    let said = house.run(&["order", "cancel", "--all", "--global", "--yes", "--json"]).exits(0);
    assert_eq!((&said.json()["global"], &said.json()["canceling"]), (&json!(true), &json!(1)));
    assert_eq!(said.json()["orders"][0]["state"], "canceled");
    assert_eq!(other.run(&["order", "list", "--json"]).exits(0).json(), json!({ "orders": [] }));
    let shown = house.run(&["audit", "show", "--all"]).out;
    assert!(
        shown.contains("cancel every open order of the login") && shown.contains("global cancel written")
    );
}

#[test]
fn people_see_aligned_tables_without_colour_in_a_pipe() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("rest-1", &["--type", "limit", "--limit", "225.50", "--account", "DU1234567"]).exits(0);
    let said = house.run(&["order", "list"]).exits(0);
    assert!(!said.out.contains('\u{1b}'), "{said:?}");
    insta::with_settings!({ filters => vec![(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", "[when]                 ")] }, {
        insta::assert_snapshot!(said.out, @r"
    ORDER   STATE    SIDE  QTY  INSTRUMENT  TERMS            TIF  FILLED  AVERAGE  ACCOUNT    UPDATED (UTC)
    rest-1  working  buy    10  AAPL        limit at 225.50  day       0        -  DU1234567  [when]
    ");
    });
    assert_eq!(house.run(&["positions"]).exits(0).out, "no positions\n");
}

#[test]
fn an_order_whose_connection_is_cut_after_it_was_taken_is_found_again_and_not_sent_twice() {
    let sim = Sim::start(&["--fault", "drop-after-accept@1"]);
    let house =
        House::with(&profile(sim.addr).replace("limits =", "reconnect.first_delay_ms = 50\nlimits ="));
    let said = house.submit("cut", &["--type", "market", "--wait", "done"]).exits(0);
    assert_eq!(said.json()["order"]["state"], "filled");
    assert_eq!(house.run(&["positions", "--json"]).json()["positions"][0]["qty"], "10", "bought once");
    let trail = house.run(&["audit", "trail", "cut"]).out;
    assert!(trail.contains("in_doubt"), "it was in doubt in between: {trail}");
}

#[test]
fn an_interrupted_wait_leaves_the_order_working_and_says_so() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let args = [
        "order",
        "submit",
        "--json",
        "--instrument",
        "AAPL",
        "--side",
        "buy",
        "--qty",
        "10",
        "--type",
        "limit",
        "--limit",
        "225",
        "--wait",
        "done",
        "--client-order-id",
        "long",
    ];
    let child = house.program(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    house.until(|| house.run(&["audit", "trail", "long"]).out.contains("pending_new → working"));
    signal(&child, "-INT");
    let said = Said::of(&child.wait_with_output().unwrap()).exits(1);
    assert_eq!(said.json()["error"]["kind"], "still_working");
    let open = house.run(&["order", "list", "--json"]).exits(0).json();
    assert_eq!(open["orders"][0]["state"], "working");
}

#[test]
fn without_waiting_the_order_is_on_its_way_all_the_same() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("quick", &["--type", "market", "--wait", "none"]).exits(0);
    let status = house.run(&["order", "status", "quick", "--json"]).exits(0).json();
    assert_eq!(status["order"]["state"], "filled");
}

#[test]
fn a_reader_that_has_left_is_no_failure() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["positions"]).exits(0);
    for args in [&["audit", "show", "--json", "--all"][..], &["audit", "show"], &["config", "show"]] {
        let mut child = house.program(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let said = Said::of(&child.wait_with_output().unwrap()).exits(0);
        assert_eq!(said.err, "");
    }
}
