//! The exit codes, each by what it promises.

use crate::house::{House, Running, Sim, profile};

#[test]
fn zero_is_done() {
    let sim = Sim::start(&[]);
    House::of(&sim).submit("a", &["--type", "market", "--wait", "done"]).exits(0);
}

#[test]
fn one_is_failed() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house
        .submit("a", &["--type", "limit", "--limit", "225", "--wait", "done", "--timeout", "0.5"])
        .exits(1);
    assert_eq!(said.json()["error"]["kind"], "still_working");
    assert_eq!(said.json()["order"]["state"], "working");
}

#[test]
fn two_is_usage_or_configuration() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["order", "submit", "--json"]).exits(2);
    house.run(&["order", "status", "unheard-of"]).exits(2).complains(&["unheard-of", "check the id"]);
    house.run(&["positions", "--profile", "nope"]).exits(2).complains(&["no profile `nope`", "paper"]);
}

#[test]
fn three_is_denied_by_the_gate_and_never_sent() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let said = house.submit("big", &["--type", "market", "--qty", "101"]).exits(2);
    assert_eq!(said.json()["error"]["kind"], "usage", "an option given twice is a mistake");
    let args = [
        "order",
        "submit",
        "--json",
        "--symbol",
        "AAPL",
        "--side",
        "buy",
        "--qty",
        "101",
        "--type",
        "market",
        "--client-order-id",
        "big",
    ];
    let said = house.run(&args).exits(3).complains(&["max_order_qty", "101", "100"]);
    assert_eq!(said.json()["error"]["kind"], "denied");
    assert_eq!(said.json()["order"]["state"], "denied");
    let trail = house.run(&["audit", "trail", "big", "--json"]).exits(0).out;
    assert_eq!(trail.lines().count(), 1, "{trail}");
    assert!(trail.contains(r#""kind":"denied""#), "{trail}");
}

#[test]
fn three_is_a_denied_change_too_and_the_order_stands() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "limit", "--limit", "225"]).exits(0);
    let said = house
        .run(&["order", "modify", "a", "--qty", "1000", "--json"])
        .exits(3)
        .complains(&["max_order_qty"]);
    assert_eq!(said.json()["order"]["state"], "working");
    assert_eq!(said.json()["order"]["spec"]["order_qty"], "10");
}

#[test]
fn four_is_rejected_by_the_broker() {
    let sim = Sim::start(&["--fault", "reject=201@1"]);
    let house = House::of(&sim);
    let said = house.submit("a", &["--type", "market", "--wait", "done"]).exits(4).complains(&["201"]);
    assert_eq!(said.json()["error"]["kind"], "rejected");
    assert_eq!(said.json()["order"]["state"], "rejected");
}

#[test]
fn five_is_not_connected() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    drop(sim);
    for args in [&["positions"][..], &["order", "list"], &["order", "cancel", "--all"]] {
        house.run(args).exits(5).complains(&["cannot connect to 127.0.0.1:", "start TWS or IB Gateway"]);
    }
    let said = house.submit("a", &["--type", "market"]).exits(5);
    assert_eq!(said.json()["error"]["kind"], "not_connected");
}

#[test]
fn five_is_a_client_id_that_another_program_holds() {
    let sim = Sim::start(&["--fault", "swallow@1"]);
    let (holder, house) = (House::of(&sim), House::of(&sim));
    let _running = Running::start(&holder);
    house.run(&["positions", "--timeout", "1"]).exits(5).complains(&["client id 7 is in use"]);
}

#[test]
fn six_is_in_doubt() {
    let sim = Sim::start(&["--fault", "swallow@1"]);
    let house = House::of(&sim);
    let said = house
        .submit("a", &["--type", "market", "--timeout", "0.5"])
        .exits(6)
        .complains(&["do not submit it again"]);
    assert_eq!(said.json()["error"]["kind"], "in_doubt");
}

/// A profile that looks again soon.
fn impatient(sim: &Sim) -> House {
    House::with(&profile(sim.addr).replace(
        "limits =",
        "when_in_doubt = \"cancel-probe\"\ntimeouts.resnapshot_ms = 100\ntimeouts.absent_ms = 0\nstop.deadline_ms = 500\nlimits =",
    ))
}

#[test]
fn looking_at_an_order_in_doubt_stays_until_the_books_have_settled_it() {
    for look in [&["order", "status", "a", "--json"][..], &["order", "list", "--all", "--json"]] {
        let sim = Sim::start(&["--fault", "swallow@1"]);
        let house = impatient(&sim);
        house.submit("a", &["--type", "market", "--timeout", "0.5"]).exits(6);
        let said = house.run(look).exits(0).complains(&["was in doubt", "settled it: canceled"]);
        assert!(said.out.contains(r#""state":"canceled""#), "{said:?}");
        assert_eq!(house.run(&["order", "status", "a"]).exits(0).err, "", "nothing is left to say");
    }
}

#[test]
fn an_order_that_stays_in_doubt_is_said_to_be_when_the_time_is_up() {
    let sim = Sim::start(&["--fault", "swallow@1", "--fault", "swallow-cancel"]);
    let house = impatient(&sim);
    house.submit("a", &["--type", "market", "--timeout", "0.5"]).exits(6);
    let look = ["order", "status", "a", "--json", "--timeout", "1"];
    let said = house.run(&look).exits(0).complains(&["still in doubt after 1s"]);
    assert_eq!(said.json()["order"]["state"], "in_doubt");
}

#[test]
fn help_and_version_are_done_and_name_the_codes() {
    let house = House::with("");
    let said = house.run(&["--help"]).exits(0);
    for word in
        ["demo", "sim", "order", "positions", "audit", "doctor", "config", "Exit codes", "6  in doubt"]
    {
        assert!(said.out.contains(word), "no {word} in {}", said.out);
    }
    house.run(&["--version"]).exits(0);
}

#[test]
fn a_gateway_that_dies_while_an_order_is_waited_for_is_not_called_still_working() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let rest = ["--type", "limit", "--limit", "225.50", "--wait", "done", "--timeout", "4"];
            house.submit("orphan", &rest)
        });
        house.until(|| {
            let listed = house.run(&["order", "status", "orphan", "--offline", "--json"]);
            listed.code == 0 && listed.json()["order"]["state"] == "working"
        });
        sim.signal("-KILL");
        waiting.join().unwrap().exits(5).complains(&["connection is lost", "do not submit it again"]);
    });
}
