//! Scenario files, read from text; what they do to a gateway is in the integration tests.

use super::*;
use crate::config::Clock;

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    text.parse()
}

#[test]
fn a_scenario_says_how_to_start_and_what_happens() {
    let scenario = read(
        r#"
        seed = 7
        clock = "manual"
        start = "2026-11-25T14:30:00Z"
        server_version = 178
        accounts = ["DU1", "DU2=250000"]
        instruments = ["AAPL", "TSLA"]
        walk = "off"
        sessions = { TSLA = "09:30-16:00@US/Eastern" }
        faults = ["reject=201@3"]

        [prices]
        AAPL = "230"
        TSLA = [{ at = "0s", bid = "250" }, { at = "10s", bid = "251", ask = "251.5" }]

        [[instrument]]
        symbol = "SI"
        type = "future"
        multiplier = 5000
        tick = "0.005"
        price = "31.5"

        [[step]]
        at = "30s"
        do = "inject"
        fault = "half-open"

        [[step]]
        after = { event = "fill", symbol = "AAPL", nth = 2 }
        wait = "500ms"
        do = "bust"
        "#,
    )
    .unwrap();
    let mut config = GatewayConfig::default();
    scenario.clone().apply(&mut config);
    assert_eq!((config.seed, config.server_version, config.walk_every), (7, 178, None));
    assert_eq!(config.clock, Clock::Manual { start: 1_795_617_000_000_000_000 });
    assert_eq!(config.accounts.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["DU1", "DU2"]);
    let symbols: Vec<&str> = config.instruments.iter().map(|it| it.local_symbol.as_str()).collect();
    assert!(symbols.contains(&"AAPL") && symbols.ends_with(&["TSLA", "SI"]), "{symbols:?}");
    assert!(config.instruments.iter().all(|it| it.calendar.is_some() == (it.symbol == "TSLA")));
    assert_eq!(config.prices["TSLA"].points().len(), 2);
    assert_eq!(config.prices["AAPL"].points()[0].1.ask, Some("230.01".parse().unwrap()));
    assert_eq!(config.faults[0].to_string(), "reject=201@3");
    let [first, second] = scenario.steps.as_slice() else { panic!("two steps") };
    assert_eq!((first.line, &first.when), (23, &Moment::At(30_000_000_000)));
    assert_eq!(second.text, r#"{"do":"bust"}"#);
    let Moment::After { event, nth, wait } = &second.when else { panic!("{second:?}") };
    assert_eq!((event.kind, *nth, *wait), (EventKind::Fill, 2, 500_000_000));
}

#[test]
fn what_is_wrong_names_its_line_its_key_and_the_nearest_that_would_do() {
    let table = [
        ("seed = 1\nsed = 2", 2, "no key \"sed\"", "did you mean \"seed\"?"),
        ("seed = \"x\"", 1, "\"seed\" is \"x\"", "whole number"),
        ("seed = ", 1, "no TOML", "toml.io"),
        ("clock = \"slow\"", 1, "\"clock\" is \"slow\"", "manual"),
        ("start = \"2026-11-25T14:30:00Z\"", 1, "stands still", "clock = \"manual\""),
        ("faults = [\n\"reject@3\",\n\"halfopen\"]", 3, "unknown fault \"halfopen\"", "--list-faults"),
        ("accounts = [\"D U\"]", 1, "account", "DU1=250000"),
        ("server_version = 100", 1, "no server version 100", "157"),
        ("[prices]\nAAPL = 230.5", 2, "\"AAPL\" is 230.5", "in quotes"),
        ("[prices]\nAPPL = \"1\"", 2, "\"APPL\" is not listed", "did you mean \"AAPL\"?"),
        ("[prices]\nAAPL = { bid = \"2\", ask = \"1\" }", 2, "not below", "below"),
        ("[prices]\nAAPL = [{ at = \"1\", bid = \"2\" }]", 2, "\"at\" is \"1\"", "30s"),
        ("price_file = \"nowhere.csv\"", 1, "cannot read nowhere.csv", "relative"),
        ("sessions = { AAPL = \"9-5\" }", 1, "is not written as", "usual"),
        ("[[instrument]]\nsymbol = \"A\"\ntype = \"bond\"", 1, "\"type\" is \"bond\"", "forex"),
        ("[[instrument]]\nsymbol = \"A\"\nprize = \"1\"", 3, "no key \"prize\"", "did you mean \"price\"?"),
        ("[[step]]\nat = \"30s\"", 1, "`do` is missing", "inject"),
        ("[[step]]\nat = \"30s\"\ndo = \"injct\"", 3, "unknown verb \"injct\"", "did you mean \"inject\"?"),
        ("[[step]]\nat = \"30s\"\ndo = \"advance\"\nby = \"1s\"", 3, "cannot be done here", "inject"),
        (
            "[[step]]\nat = \"30s\"\ndo = \"inject\"\nfault = \"rejct\"",
            4,
            "did you mean \"reject\"?",
            "--list-faults",
        ),
        (
            "[[step]]\nat = \"30s\"\ndo = \"disconnect\"\nclint = 7",
            4,
            "no key \"clint\"",
            "did you mean \"client\"?",
        ),
        ("[[step]]\ndo = \"disconnect\"", 1, "does not say when", "at = \"30s\""),
        ("[[step]]\nat = \"soon\"\ndo = \"disconnect\"", 2, "\"at\" is \"soon\"", "instant"),
        ("[[step]]\nat = \"1s\"\nwait = \"1s\"\ndo = \"disconnect\"", 3, "\"wait\" goes with", "later"),
        (
            "[[step]]\nafter = { event = \"fil\" }\ndo = \"bust\"",
            2,
            "unknown event \"fil\"",
            "did you mean \"fill\"?",
        ),
        (
            "[[step]]\nafter = { event = \"fill\", nht = 2 }\ndo = \"bust\"",
            2,
            "no key \"nht\"",
            "did you mean \"nth\"?",
        ),
        (
            "[[step]]\nafter = { event = \"connect\", symbol = \"AAPL\" }\ndo = \"disconnect\"",
            2,
            "about no order",
            "client",
        ),
        ("[[step]]\nafter = { event = \"fill\", symbol = \"XXXX\" }\ndo = \"bust\"", 2, "not listed", "AAPL"),
        ("[[step]]\nafter = { event = \"fill\", nth = 0 }\ndo = \"bust\"", 2, "\"nth\" is 0", "from 1"),
        ("[[step]]\nat = \"1s\"\nafter = { event = \"fill\" }\ndo = \"bust\"", 3, "not both", "at ="),
    ];
    check(&table);
}

#[test]
fn a_price_that_its_instrument_cannot_have_is_refused_when_the_file_is_read() {
    check(&[
        (
            "[prices]\nMSFT = \"420\"\nAAPL = \"230.005\"",
            3,
            "230.005 is no price of AAPL",
            "multiples of 0.01",
        ),
        ("[prices]\nAAPL = \"-1\"", 2, "-1 is no price of AAPL", "only futures"),
        (
            "[prices]\nAAPL = [\n{ at = \"0s\", bid = \"2\" },\n{ at = \"1s\", bid = \"2.001\" }]",
            4,
            "2.001 is no",
            "0.01",
        ),
        ("[prices]\nAAPL = { bid = \"2\", bid_size = 0 }", 2, "\"bid_size\" is 0", "above zero"),
        (
            "[[step]]\nat = \"30s\"\ndo = \"set-price\"\nsymbol = \"AAPL\"\nbid = \"230\"\nask = \"230.015\"",
            6,
            "230.015 is no price of AAPL",
            "multiples of 0.01",
        ),
        (
            "[[step]]\nat = \"30s\"\ndo = \"set-price\"\nsymbol = \"AAPL\"\nbid = \"0\"",
            5,
            "0 is no price of AAPL",
            "only futures",
        ),
        (
            "[[step]]\nat = \"30s\"\ndo = \"set-price\"\nbid = \"1\"\nsymbol = \"APPL\"",
            5,
            "\"APPL\" is not listed",
            "did you mean \"AAPL\"?",
        ),
        (
            "[[step]]\nat = \"30s\"\ndo = \"place-by-hand\"\nsymbol = \"AAPL\"\nside = \"buy\"\nquantity = 1\nlimit = \"1.001\"",
            7,
            "1.001 is no price of AAPL",
            "multiples of 0.01",
        ),
    ]);
}

/// Texts, each with the line that is wrong, what is wrong and what would do.
fn check(table: &[(&str, usize, &str, &str)]) {
    for (text, line, what, hint) in table.iter().copied() {
        let error = read(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.what.contains(what), "{text}: {error}");
        assert!(error.hint.contains(hint), "{text}: {error}");
        assert!(error.to_string().starts_with(&format!("scenario:{line}: ")), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Scenario::load("/nowhere/script.toml").unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/script.toml:0: it cannot be read"), "{error}");
}
