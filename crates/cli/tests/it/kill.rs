//! The kill switch from the command line, and the way back.

use alphec_execution::model::CancelScope;
use alphec_execution::{StopAct, ask_beside, operator_file};
use serde_json::json;

use crate::house::{House, Sim, profile};

#[test]
fn a_kill_cancels_is_verified_outlives_the_command_and_needs_a_deliberate_resume() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("rest-1", &["--type", "limit", "--limit", "225.50", "--tif", "gtc"]).exits(0);
    let said = house.run(&["kill", "--all", "--reason", "drill", "--by", "mary", "--json"]).exits(0).json();
    assert_eq!(said, json!({ "scope": { "scope": "all" }, "canceling": ["rest-1"], "verified": true }));
    let status = house.run(&["order", "status", "rest-1", "--json", "--offline"]).exits(0).json();
    assert_eq!(status["order"]["state"], "canceled");

    house.submit("later", &["--type", "limit", "--limit", "225.50"]).exits(3).complains(&["halted", "mary"]);
    house
        .run(&["resume", "--instrument", "AAPL", "--reason", "over"])
        .exits(2)
        .complains(&["instrument AAPL is not halted"]);
    // The engine of this command has read the books since the halt, and they are clean.
    let said = house.run(&["resume", "--all", "--reason", "drill over", "--json"]).exits(0).json();
    assert_eq!(said, json!({ "scope": { "scope": "all" }, "resumed": true }));
    house.submit("after", &["--type", "limit", "--limit", "225.50"]).exits(0);
}

#[test]
fn a_halt_is_shown_with_its_scope_and_reason() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["kill", "--all", "--by", "mary", "--reason", "drill"]).exits(0);
    let halts = house.run(&["reconcile", "show", "--json"]).exits(0).json()["halts"].clone();
    assert_eq!(
        (&halts[0]["why"], &halts[0]["kill"], &halts[0]["verified"]),
        (&json!("drill, by mary"), &json!(true), &json!(true))
    );
    let said = house.run(&["reconcile", "show"]).exits(0).out;
    assert!(said.contains("halts in force: 1") && said.contains("drill, by mary, a verified kill"), "{said}");
}

#[test]
fn a_kill_beside_a_running_engine_is_done_by_that_engine_and_is_on_its_record() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            house.submit(
                "rest-1",
                &["--type", "limit", "--limit", "225.50", "--wait", "done", "--timeout", "60"],
            )
        });
        let begun = std::time::Instant::now();
        while !house.run(&["order", "status", "rest-1", "--offline"]).out.contains("working") {
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "the order never worked");
        }
        let said =
            house.run(&["kill", "--all", "--reason", "drill", "--by", "mary", "--json"]).exits(0).json();
        assert_eq!(said["verified"], true, "{said}");
        assert!(waiting.join().unwrap().out.contains("canceled"));
    });
    assert!(!house.path("paper.db.operator").exists(), "the request is done");
    house.submit("later", &["--type", "limit", "--limit", "225.50"]).exits(3).complains(&["halted", "mary"]);
}

#[test]
fn a_request_that_nobody_understands_halts_the_next_engine_before_it_sends_anything() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    std::fs::write(house.path("paper.db.operator"), "STOP!!").unwrap();
    house
        .submit("a", &["--type", "limit", "--limit", "225.50"])
        .exits(3)
        .complains(&["halted", "could not be understood"]);
    assert!(!house.path("paper.db.operator").exists());
}

#[test]
fn a_request_that_waits_keeps_no_other_one_from_being_made_and_all_are_done() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    let journal = house.path("paper.db");
    let kill = |scope| StopAct::Kill { scope, by: "mary".to_owned(), reason: "drill".to_owned() };
    let narrow = CancelScope::Instrument { instrument: "AAPL".parse().unwrap() };
    let narrow = ask_beside(&journal, &kill(narrow)).unwrap();
    let wide = ask_beside(&journal, &kill(CancelScope::All)).unwrap();
    assert_eq!(narrow, operator_file(&journal));
    assert_ne!(narrow, wide);
    let halts = house.run(&["reconcile", "show", "--json"]).exits(0).json()["halts"].clone();
    assert_eq!(halts.as_array().map(Vec::len), Some(2), "{halts}");
    assert!(!narrow.exists() && !wide.exists(), "both are on record");
    let left = std::fs::read_dir(journal.parent().unwrap()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|it| it.file_name()).filter(|it| it.to_string_lossy().contains("operator")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn to_stop_trading_needs_no_secret_beside_a_running_engine_or_alone() {
    let sim = Sim::start(&[]);
    let house =
        House::with(&format!("{}alerts.webhook = \"env:ALPHEC_NO_SUCH_SECRET\"\n", profile(sim.addr)));
    house
        .submit("a", &["--type", "limit", "--limit", "225.50"])
        .exits(2)
        .complains(&["ALPHEC_NO_SUCH_SECRET"]);
    let said = house.run(&["kill", "--all", "--reason", "drill", "--by", "mary", "--json"]).exits(0).json();
    assert_eq!(said["verified"], true, "{said}");
    // Whoever holds the journal is asked, although this shell could not start an engine that trades.
    let held = alphec_journal::Journal::open_or_create(
        house.path("paper.db"),
        alphec_journal::OpenOptions::new("test", alphec_execution::model::UtcNanos::EPOCH),
    )
    .unwrap();
    let said = house.run(&["kill", "--all", "--reason", "drill", "--by", "mary", "--timeout", "1"]).exits(1);
    said.complains(&["has not taken the request"]);
    drop(held);
}

#[test]
fn a_journal_that_cannot_prove_its_end_halts_until_somebody_has_looked() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("a", &["--type", "limit", "--limit", "225.50"]).exits(0);
    std::fs::remove_file(house.path("paper.db.head")).unwrap();
    house
        .submit("b", &["--type", "limit", "--limit", "225.50"])
        .exits(3)
        .complains(&["halted", "paper.db.head"]);
    house.submit("c", &["--type", "limit", "--limit", "225.50"]).exits(3).complains(&["halted"]);
    house.run(&["resume", "--all", "--reason", "compared"]).exits(0);
    house.submit("d", &["--type", "limit", "--limit", "225.50"]).exits(0);
}

#[test]
fn a_kill_without_a_reason_or_a_scope_is_no_kill() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.run(&["kill", "--all"]).exits(2).complains(&["--reason"]);
    house.run(&["kill", "--reason", "drill"]).exits(2).complains(&["--all"]);
}

#[test]
fn reconcile_shows_what_is_open_and_settles_only_what_is_in_doubt() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("rest-1", &["--type", "limit", "--limit", "225.50", "--tif", "gtc"]).exits(0);
    let said = house.run(&["reconcile", "show", "--json"]).exits(0).json();
    assert_eq!(said, json!({ "breaks": [], "in_doubt": [], "foreign": [], "halts": [] }));
    house
        .run(&["reconcile", "accept", "AAPL", "--account", "DU1234567", "--reason", "statement"])
        .exits(2)
        .complains(&["not in a break"]);
    house
        .run(&["reconcile", "settle", "rest-1", "--reason", "statement"])
        .exits(2)
        .complains(&["working, not in doubt"]);
}
