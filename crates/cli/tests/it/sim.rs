//! `sim`: one line, then service, then a clean end.

use std::net::TcpStream;

use serde_json::Value;

use crate::house::{Sim, program, run};

#[test]
fn the_first_line_says_where_it_listens_and_it_does() {
    let sim = Sim::start(&[]);
    assert_eq!(sim.first_line, format!("listening on {}\n", sim.addr));
    TcpStream::connect(sim.addr).unwrap();
}

#[test]
fn with_json_the_first_line_is_a_document() {
    let sim = Sim::start(&["--json"]);
    let document: Value = serde_json::from_str(&sim.first_line).unwrap();
    assert_eq!(document, serde_json::json!({ "listening": sim.addr.to_string() }));
}

#[test]
fn either_signal_ends_it_cleanly() {
    for signal in ["-INT", "-TERM"] {
        let status = Sim::start(&[]).signal(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[test]
fn every_option_is_taken() {
    let options = [
        "--seed",
        "3",
        "--accounts",
        "DU1,DU2",
        "--instruments",
        "AAPL,TSLA",
        "--prices",
        "TSLA=250.5",
        "--fault",
        "drop-after-accept@3",
        "--fault",
        "delay=5ms",
        "--read-only",
        "--server-version",
        "178",
    ];
    drop(Sim::start_with(&options));
}

#[test]
fn nonsense_is_a_usage_error_that_says_what_would_do() {
    for (args, words) in [
        (["--fault", "explode"], "docs/simulator-behaviours.md"),
        (["--prices", "AAPL"], "SYMBOL=PRICE"),
        (["--prices", "XYZ=1"], "does not list"),
        (["--server-version", "156"], "157"),
    ] {
        run(program().args(["sim", "--listen", "127.0.0.1:0"]).args(args)).exits(2).complains(&[words]);
    }
}

#[test]
fn an_address_in_use_is_an_error() {
    let sim = Sim::start(&[]);
    let said = run(program().args(["sim", "--json", "--listen", &sim.addr.to_string()])).exits(1);
    assert_eq!(said.json()["error"]["kind"], "listen");
    assert!(said.err.contains("in use"), "{said:?}");
}
