//! `sim`: one line, then service, then a clean end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use ibapi::contracts::Contract;
use ibapi::orders::{Order, OrderUpdate};
use ibapi::subscriptions::SubscriptionItem;
use serde_json::Value;

use crate::house::{House, Sim, profile, program, run};

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
fn the_control_port_is_named_in_the_first_line_and_answers_there() {
    for flags in [&["--control", "127.0.0.1:0"][..], &["--control", "127.0.0.1:0", "--json"]] {
        let mut args = vec!["--clock", "manual@2026-11-25T14:30:00Z"];
        args.extend(flags);
        let sim = Sim::start(&args);
        let control = match serde_json::from_str::<Value>(&sim.first_line) {
            Ok(document) => document["control"].as_str().unwrap().to_owned(),
            Err(_) => sim.first_line.trim().rsplit_once("control port ").unwrap().1.to_owned(),
        };
        let mut stream = TcpStream::connect(control).unwrap();
        stream.write_all(b"{\"do\":\"advance\",\"by\":\"1s\",\"id\":1}\n").unwrap();
        let mut said = String::new();
        BufReader::new(stream).read_line(&mut said).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said, serde_json::json!({ "id": 1, "ok": true, "now": "2026-11-25T14:30:01.000000000Z" }));
    }
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
        "DU1,DU2=EUR:50000+USD:1000",
        "--instruments",
        "AAPL,TSLA,SAP/EUR=180,BRK~0.0001=600,EUR.USD",
        "--prices",
        "TSLA=250.5",
        "--fault",
        "drop-after-accept@3",
        "--fault",
        "delay=5ms",
        "--depth",
        "10:2:300",
        "--margins",
        "AAPL=50%/25%,TSLA=30%",
        "--latency",
        "lognormal:median=3ms,p99=40ms",
        "--latency",
        "requests=fixed:1ms",
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
        (["--instruments", "SAP/EUR"], "list EUR.USD or USD.EUR"),
        (["--instruments", "EQNR/NOK"], "EUR, GBP, JPY"),
        (["--instruments", "NOK.SEK"], "needs a price"),
        (["--accounts", "DU1=lots"], "DU1234567=250000"),
        (["--margins", "ES=half"], "19140/17400"),
        (["--margins", "XYZ=1"], "does not list"),
        (["--latency", "5ms"], "fixed:5ms, uniform:1ms..5ms"),
        (["--depth", "0"], "LEVELS[:STEPS[:SIZE]]"),
        (["--prices", "XYZ=1"], "does not list"),
        (["--server-version", "156"], "157"),
        (["--record", "/nowhere/at/all.jsonl"], "cannot write the record /nowhere/at/all.jsonl"),
        (["--fault", "halfopen"], "did you mean \"half-open\"?"),
        (["--control", "0.0.0.0:0"], "for this machine only, and \"0.0.0.0:0\" is no loopback address"),
        (["--clock", "manual@noon"], "manual@2026-11-25T14:30:00Z"),
    ] {
        run(program().args(["sim", "--listen", "127.0.0.1:0"]).args(args)).exits(2).complains(&[words]);
    }
}

#[test]
fn a_record_is_complete_when_it_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.jsonl");
    let sim = Sim::start(&["--record", path.to_str().unwrap()]);
    House::of(&sim).submit("noted", &["--type", "limit", "--limit", "225", "--wait", "accepted"]).exits(0);
    assert_eq!(sim.signal("-TERM").code(), Some(0));
    let lines = std::fs::read_to_string(&path).unwrap();
    for line in lines.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(entry["at"].is_string() && entry["what"].is_string(), "{line}");
    }
    assert!(
        lines.contains("\"message\":\"placeOrder\"") && lines.contains("\"message\":\"openOrder\""),
        "{lines}"
    );
}

#[test]
fn an_address_in_use_is_an_error() {
    let sim = Sim::start(&[]);
    let said = run(program().args(["sim", "--json", "--listen", &sim.addr.to_string()])).exits(1);
    assert_eq!(said.json()["error"]["kind"], "listen");
    assert!(said.err.contains("in use"), "{said:?}");
}

#[test]
fn clients_that_speak_nonsense_are_cut_off_and_the_others_are_not_disturbed() {
    let sim = Sim::start(&[]);
    let house = House::of(&sim);
    house.submit("before", &["--type", "limit", "--limit", "225", "--wait", "accepted"]).exits(0);
    for nonsense in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        &[0xff; 64],
        b"API\0\0\0\0\x04vX..",
        b"API\0\xff\xff\xff\xff",
    ] {
        let mut stream = TcpStream::connect(sim.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(nonsense).unwrap();
        // It says nothing and hangs up.
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        assert!(ended.is_ok_and(|length| length == 0), "{nonsense:?}: {said:?}");
    }
    let listed = house.run(&["order", "list", "--json"]).exits(0);
    assert_eq!(listed.json()["orders"].as_array().map(Vec::len), Some(1));
}

#[test]
fn quotes_come_from_a_file_and_a_bad_row_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("quotes.csv");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "time,symbol,bid,ask\n0,AAPL,100,100.01\n").unwrap();
    drop(Sim::start_with(&["--price-file", path]));
    for (text, words) in [
        ("time,symbol,bid,ask\n0,AAPL,1,2\n1,AAPL,1,x\n", "line 3: ask \"x\" is not a number"),
        ("time,symbol,bid,ask\n0,XYZ,1,2\n", "prices for XYZ, which is not listed"),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = run(program().args(["sim", "--listen", "127.0.0.1:0", "--price-file", path]));
        said.exits(2).complains(&[words]);
    }
    let said = run(program().args(["sim", "--price-file", "nowhere.csv"]));
    said.exits(2).complains(&["cannot read --price-file nowhere.csv"]);
}

#[test]
fn markets_keep_the_hours_they_are_given_and_bad_ones_are_named() {
    drop(Sim::start_with(&["--sessions", "usual,AAPL=09:00-17:30/08:00-20:00@Europe/Berlin"]));
    for (hours, words) in [
        ("XYZ=09:00-17:30@UTC", "--sessions names XYZ, which this gateway does not list"),
        ("AAPL=09:00-17:30", "is not written as 09:30-16:00@US/Eastern"),
        ("AAPL=09:00-17:30@Mars/Base", "`Mars/Base` is no time zone"),
        ("AAPL", "write it as `usual` or SYMBOL=HOURS"),
    ] {
        let said = run(program().args(["sim", "--listen", "127.0.0.1:0", "--sessions", hours]));
        said.exits(2).complains(&[words]);
    }
}

#[test]
fn a_scenario_is_played_and_what_is_wrong_in_one_names_file_line_and_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("play.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "accounts = [\"DU7\"]\n[[step]]\nat = \"1h\"\ndo = \"disconnect\"\n").unwrap();
    drop(Sim::start_with(&["--scenario", path, "--seed", "3"]));
    for (text, words) in [
        (
            "seed = 1\nacounts = []\n",
            "play.toml:2: a scenario has no key \"acounts\"; did you mean \"accounts\"?",
        ),
        ("faults = [\"halfopen\"]\n", "did you mean \"half-open\"?"),
        (
            "[[step]]\nat = \"1s\"\ndo = \"injekt\"\n",
            "play.toml:3: unknown verb \"injekt\"; did you mean \"inject\"?",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let said = run(program().args(["sim", "--listen", "127.0.0.1:0", "--scenario", path]));
        said.exits(2).complains(&[words]);
    }
    let said = run(program().args(["sim", "--scenario", "nowhere.toml"]));
    said.exits(2).complains(&["nowhere.toml:0: it cannot be read"]);
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let sim = Sim::start(&[]);
    let taken = sim.addr.to_string();
    for flag in ["--listen", "--control"] {
        let said = run(program().args(if flag == "--listen" {
            vec!["sim", flag, &taken]
        } else {
            vec!["sim", "--listen", "127.0.0.1:0", flag, &taken]
        }))
        .exits(1);
        said.complains(&[&taken, "in use", "port 0 takes a free one"]);
    }
}

#[test]
fn every_fault_is_listed_for_people_and_for_programs() {
    let said = run(program().args(["sim", "--list-faults", "--json"])).exits(0);
    let names: Vec<String> =
        said.json().as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 40 && names.contains(&"half-open".to_owned()), "{names:?}");
    let listed = run(program().args(["sim", "--list-faults"])).exits(0);
    assert!(names.iter().all(|name| listed.out.contains(name.as_str())));
}

#[test]
fn a_gateway_that_was_killed_comes_back_with_the_brokers_books() {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("books.jsonl");
    let start = || Sim::start(&["--control", "127.0.0.1:0", "--books", books.to_str().unwrap()]);
    let truth = |sim: &Sim| {
        let mut said = sim.ask(&serde_json::json!({ "do": "truth" })).unwrap();
        said.as_object_mut().unwrap().remove("now");
        said
    };
    let sim = start();
    let house = House::of(&sim);
    house.submit("bought", &["--type", "market", "--wait", "done"]).exits(0);
    house.submit("rests", &["--type", "limit", "--limit", "225"]).exits(0);
    let before = truth(&sim);
    assert_eq!(sim.signal("-KILL").code(), None);
    let sim = start();
    assert_eq!(truth(&sim), before);
    std::fs::write(house.path("alphec-exec.toml"), profile(sim.addr)).unwrap();
    house.run(&["order", "cancel", "rests"]).exits(0);
    assert_eq!(truth(&sim)["positions"][0]["quantity"], "10");
}

/// A gateway whose books may become this large and no larger.
fn with_little_room(books: &Path) -> Sim {
    let whole = program();
    let mut limited = std::process::Command::new("sh");
    // Enough for the first line, whose blocks are of 512 or 1,024 bytes.
    limited.args(["-c", "ulimit -f 24; exec \"$0\" \"$@\""]).arg(whole.get_program());
    limited.args(["sim", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--walk-ms", "0", "--books"]);
    limited.arg(books);
    Sim::of(limited)
}

/// The same books, and room for more.
fn with_room(books: &Path) -> Sim {
    Sim::start_with(&["--walk-ms", "0", "--control", "127.0.0.1:0", "--books", books.to_str().unwrap()])
}

#[test]
fn a_gateway_whose_books_cannot_be_written_serves_nobody_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("books.jsonl");
    let sim = with_little_room(&books);
    // Each one higher than the one before: what was answered last is told from what came after it.
    let rising = (0..10_000).map(|step| format!("{}.{:02}", 231 + step / 100, step % 100));
    let answered = rising.map_while(|bid| {
        let said = sim.ask(&serde_json::json!({ "do": "set-price", "symbol": "AAPL", "bid": bid }))?;
        assert_eq!(said["ok"], true, "{said}");
        Some(bid)
    });
    let last = answered.last().unwrap();
    assert_eq!(sim.ends().code(), Some(1));
    // What was written is whole, and is gone on from.
    let text = std::fs::read_to_string(&books).unwrap();
    assert!(text.lines().count() > 5, "{text}");
    let again = with_room(&books);
    let prices = again.ask(&serde_json::json!({ "do": "prices", "symbol": "AAPL" })).unwrap();
    let kept: alphec_execution::model::Decimal =
        prices["prices"][0]["bid"].as_str().unwrap().parse().unwrap();
    assert_eq!(kept, last.parse().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_answered_that_the_books_do_not_have() {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("books.jsonl");
    let sim = with_little_room(&books);
    let client = ibapi::Client::connect(&sim.addr.to_string(), 77).await.unwrap();
    let mut updates = client.order_update_stream().await.unwrap();
    let contract = Contract { contract_id: 265_598, exchange: "SMART".into(), ..Contract::default() };
    let mut answered = Vec::new();
    loop {
        let order = Order {
            total_quantity: 1.0,
            order_type: "LMT".to_owned(),
            limit_price: Some(200.0),
            order_ref: format!("mine-{}", answered.len()),
            transmit: true,
            ..Order::default()
        };
        let id = client.next_order_id();
        let told = async {
            client.submit_order(id, &contract, &order).await.ok()?;
            loop {
                let SubscriptionItem::Data(said) = updates.next().await?.ok()? else { continue };
                let about = match said {
                    OrderUpdate::OpenOrder(order) => order.order_id,
                    OrderUpdate::OrderStatus(status) => status.order_id,
                    _ => continue,
                };
                if about == id {
                    return Some(());
                }
            }
        };
        // A client that lost its gateway looks for it again, and tells nobody.
        let gone = async {
            while sim.ask(&serde_json::json!({ "do": "clock" })).is_some() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            // What it said last may still be on its way.
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let told = tokio::select! {
            biased;
            told = told => told,
            () = gone => None,
        };
        if told.is_none() {
            break;
        }
        answered.push(order.order_ref);
    }
    assert_eq!(sim.ends().code(), Some(1));
    let kept = with_room(&books).ask(&serde_json::json!({ "do": "orders" })).unwrap();
    let kept: Vec<_> = kept["orders"].as_array().unwrap().iter().map(|row| &row["order_ref"]).collect();
    // The last one may have come in and not been answered.
    assert!(answered.len() > 5 && kept.len() <= answered.len() + 1, "{kept:?}");
    assert!(answered.iter().eq(kept.into_iter().take(answered.len())), "{answered:?}");
}
