//! What the configuration refuses, and what it says then: place, key, remedy.

use alphec_execution::ConfigError;
use alphec_execution::config::parse;

use crate::support::PAPER;

fn refusal(text: &str) -> String {
    parse(text, None).map(|_| "it was accepted").map_err(|error| error.to_string()).unwrap_err()
}

/// The paper profile with a line more.
fn with(line: &str) -> String {
    refusal(&format!("{PAPER}{line}\n"))
}

/// The paper profile with something else instead.
fn edited(from: &str, to: &str) -> String {
    assert!(PAPER.contains(from), "{from}");
    refusal(&PAPER.replace(from, to))
}

fn check(refusal: &str, expected: &str, input: &str) {
    let first = refusal.lines().next().unwrap();
    assert_eq!(first.strip_prefix("configuration:").unwrap_or(first), expected, "of {input}");
}

#[test]
fn a_float_where_a_decimal_belongs_is_shown_with_its_line_and_a_caret() {
    let text = PAPER.replace("tick = \"0.01\"", "tick = 0.01");
    let expected = r#"configuration:4:83: `instruments.AAPL.tick`: the float 0.01 has no exact value; write the decimal in quotes
  |
4 | instruments.AAPL = { kind = "stock", exchange = "SMART", currency = "USD", tick = 0.01 }
  |                                                                                   ^^^^"#;
    assert_eq!(refusal(&text), expected);
}

#[test]
fn text_that_is_not_toml_is_shown_with_its_line_and_a_caret() {
    let expected = "configuration:2:14: this is not TOML: invalid basic string, expected `\"`
  |
2 | mode = \"paper
  |              ^";
    assert_eq!(refusal("[profiles.paper]\nmode = \"paper\naccounts = []\n"), expected);
    check(&refusal("a = ["), "1:6: this is not TOML: unclosed array, expected `]`", "an open list");
    check(&with("port = 1\nport = 2"), "7:1: this is not TOML: duplicate key", "a key twice");
    check(&with("port = 99999999999999999999"), "6:8: this is not TOML: the number is too large", "a number");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let expected = "configuration:6:1: unknown key `prot`; did you mean `port`?
  |
6 | prot …
  | ^^^^";
    assert_eq!(with("prot = 4002"), expected);
    for (line, expected) in [
        (
            "reconnect = { first_delay = 5 }",
            "6:15: unknown key `reconnect.first_delay`; did you mean `first_delay_ms`?",
        ),
        ("alerts = { webhok = \"env:A\" }", "6:12: unknown key `alerts.webhok`; did you mean `webhook`?"),
        ("stop.zebra = 1", "6:6: unknown key `stop.zebra`; known here: policy, deadline_ms"),
        (
            "instruments.EUR.USD = { kind = \"forex\" }",
            "6:17: unknown key `instruments.EUR.USD`; if it is part of the instrument's name, quote that: \
             instruments.\"EUR.USD\"",
        ),
    ] {
        check(&with(line), expected, line);
    }
    let refused = instrument("stock", ", limits = { max_ordr_qty = 3 }");
    let meant = "unknown key `instruments.X.limits.max_ordr_qty`; did you mean `max_order_qty`?";
    assert!(refused.contains(meant), "{refused}");
    check(&refusal("[profile.paper]\n"), "1:2: unknown key `profile`; did you mean `profiles`?", "profile");
}

#[test]
fn missing_limits_are_all_named_and_stop_the_start() {
    assert_eq!(
        edited("max_order_qty = 100, max_order_notional = 25000, ", ""),
        "configuration:5:10: profile `paper` lacks limits: max_order_qty, max_order_notional; a profile without \
         limits does not start trading; write them in `limits = { ... }`"
    );
    assert_eq!(
        edited("limits =", "#"),
        "configuration:1:1: profile `paper` lacks limits: max_order_qty, max_order_notional, max_position, \
         max_gross_notional, max_net_notional, max_leverage, price_collar; a profile without limits does not start \
         trading; write them in `limits = { ... }`"
    );
}

#[test]
fn an_account_that_does_not_fit_the_mode_is_refused() {
    for (from, to, expected) in [
        (
            "DU1234567",
            "U1234567",
            "3:13: `accounts[0]`: U1234567 is a live account: paper accounts begin with D; this profile has mode = \"paper\"",
        ),
        (
            "mode = \"paper\"",
            "mode = \"live\"",
            "3:13: `accounts[0]`: DU1234567 is a paper account: it begins with D; this profile has mode = \"live\"",
        ),
        (
            "DU1234567",
            "du1234567",
            "3:13: `accounts[0]`: du1234567 is no account: use capital letters and digits, as TWS shows it",
        ),
        (
            "DU1234567",
            "D U",
            "3:13: `accounts[0]`: `D U` is no account id: use 1 to 32 printable ASCII characters without spaces",
        ),
        ("[\"DU1234567\"]", "[]", "3:12: `accounts`: name the account that may trade, like [\"DU1234567\"]"),
        ("[\"DU1234567\"]", "\"DU1234567\"", "3:12: `accounts`: text stands where a list belongs"),
        ("[\"DU1234567\"]", "[\"DU1\", \"DU1\"]", "3:20: `accounts[1]`: DU1 stands here twice"),
        (
            "mode = \"paper\"\naccounts = [\"DU1234567\"]",
            "mode = \"live\"\naccounts = [\"U1\", \"U2\"]",
            "3:12: `accounts`: a live profile has exactly one account, so that its arming can name it; write one profile each",
        ),
    ] {
        check(&edited(from, to), expected, to);
    }
}

#[test]
fn limits_that_cannot_be_meant_are_refused() {
    for (from, to, expected) in [
        (
            "\"0.05\"",
            "0.05",
            "5:170: `limits.price_collar`: the float 0.05 has no exact value; write the decimal in quotes",
        ),
        (
            "\"0.05\"",
            "\"5\"",
            "5:170: `limits.price_collar`: 5 is more than the whole price; 0.05 is five percent",
        ),
        (
            "\"0.05\"",
            "\"5%\"",
            "5:170: `limits.price_collar`: `5%` is not a decimal number; write it like 101.25, without exponent, separators or NaN",
        ),
        (
            "max_order_qty = 100",
            "max_order_qty = \"-100\"",
            "5:28: `limits.max_order_qty`: -100 is negative; a size is zero or more, direction is the order's side",
        ),
        (
            "max_leverage = 1",
            "max_leverage = 0",
            "5:152: `limits.max_leverage`: 0 would let nothing through; use a limit above zero, or halt instead",
        ),
    ] {
        check(&edited(from, to), expected, to);
    }
}

#[test]
fn a_key_that_must_be_there_is_named_with_what_to_write() {
    for (key, expected) in [
        ("mode", "1:1: `mode` is missing; write mode = \"paper\" (or \"live\")"),
        (
            "accounts",
            "1:1: `accounts` is missing; write the account that may trade, like accounts = [\"DU1234567\"]",
        ),
        (
            "instruments.AAPL",
            "1:1: `instruments` is missing; name what may trade, like instruments.AAPL = \
             { kind = \"stock\", exchange = \"SMART\", currency = \"USD\", tick = \"0.01\" }",
        ),
    ] {
        check(&edited(&format!("{key} ="), "#"), expected, key);
    }
}

#[test]
fn values_out_of_range_are_refused_with_the_range() {
    for (line, expected) in [
        ("port = 70000", "6:8: `port`: 70000 stands where a whole number from 1 to 65535 belongs"),
        ("port = -1", "6:8: `port`: -1 stands where a whole number from 1 to 65535 belongs"),
        ("port = 0", "6:8: `port`: 0 is no port; use 1 to 65535"),
        ("port = 4002.5", "6:8: `port`: a float stands where a whole number from 1 to 65535 belongs"),
        ("port = \"4002\"", "6:8: `port`: text stands where a whole number from 1 to 65535 belongs"),
        ("host = \"\"", "6:8: `host`: name the host of TWS or IB Gateway, like \"127.0.0.1\""),
        ("host = \"a:3\"", "6:8: `host`: the port goes into `port`"),
        ("host = \"http://a\"", "6:8: `host`: this is no host name or address; write it like \"127.0.0.1\""),
        ("host = 5", "6:8: `host`: a whole number stands where text in quotes belongs"),
        ("endpoint = \"tsw\"", "6:12: `endpoint`: \"tsw\" is none of tws, gateway; did you mean \"tws\"?"),
        ("client_id = -2", "6:13: `client_id`: -2 is no client id; use zero or more, and keep it"),
        (
            "client_id = 99999999999",
            "6:13: `client_id`: 99999999999 stands where a whole number below 2147483648 belongs",
        ),
        (
            "pacing_per_second = -4",
            "6:21: `pacing_per_second`: -4 stands where a whole number below 2147483648 belongs",
        ),
        (
            "pacing_per_second = 7",
            "6:21: `pacing_per_second`: 7 messages a second leave no room for a reading of the books: give at least 8, \
             or 0 for no pacing",
        ),
        (
            "pacing_per_second = 10",
            "5:10: `limits.max_messages_per_second`: of pacing_per_second = 10 orders may use 8, the rest is kept for \
             cancels, and 20 pass the gate: orders would wait; use 8 or less, or a wider pacing",
        ),
        ("reconnect.factor = 0.5", "6:20: `reconnect.factor`: 0.5 is out of range; use 1 to 100"),
        ("reconnect.factor = nan", "6:20: `reconnect.factor`: NaN is out of range; use 1 to 100"),
        ("reconnect.jitter = 2", "6:20: `reconnect.jitter`: 2 is out of range; use 0 to 1"),
        ("reconnect.ceiling_ms = 1", "6:24: `reconnect.ceiling_ms`: the ceiling is below the first delay"),
        ("reconnect = 5", "6:13: `reconnect`: a whole number stands where a table belongs"),
        ("heartbeat.misses = 0", "6:20: `heartbeat.misses`: 0 is out of range; use 1 or more"),
        (
            "timeouts.ack_ms = 0",
            "6:19: `timeouts.ack_ms`: 0 is out of range; use 1 to 86400000 milliseconds (a day)",
        ),
        (
            "stop.policy = \"kep\"",
            "6:15: `stop.policy`: \"kep\" is none of cancel, keep, keep-gtc; did you mean \"keep\"?",
        ),
        (
            "market_data = \"delay\"",
            "6:15: `market_data`: \"delay\" is none of live, delayed; did you mean \"delayed\"?",
        ),
        ("allow_live = \"yes\"", "6:14: `allow_live`: text stands where true or false belongs"),
        ("journal = \"\"", "6:11: `journal`: name a file for the journal"),
    ] {
        check(&with(line), expected, line);
    }
}

/// A line for an instrument; most of it is sound.
fn instrument(kind: &str, more: &str) -> String {
    with(&format!(
        "instruments.X = {{ kind = \"{kind}\", exchange = \"E\", currency = \"USD\", tick = \"0.01\"{more} }}"
    ))
}

#[test]
fn instruments_that_cannot_be_are_refused() {
    for (kind, more, expected) in [
        (
            "stok",
            "",
            "`instruments.X.kind`: \"stok\" is none of stock, future, option, forex; did you mean \"stock\"?",
        ),
        ("stock", ", strike = \"3\"", "`instruments.X.strike`: a stock has none; leave it out"),
        ("stock", ", lot = \"0\"", "`instruments.X.lot`: instrument X: lot must be above zero, got 0"),
        (
            "stock",
            ", multiplier = 3",
            "`instruments.X.multiplier`: of a stock or forex pair it is 1; leave it out",
        ),
        (
            "stock",
            ", symbol = \" A\"",
            "`instruments.X.symbol`: it is empty or has spaces around it; write it as TWS shows it",
        ),
        (
            "future",
            ", multiplier = 50",
            "`instruments.X.expiry` is missing; write it like expiry = \"20261218\"",
        ),
        (
            "future",
            ", expiry = \"202612\"",
            "`instruments.X.multiplier` is missing; futures and options need it: money per point and contract, like multiplier = 50",
        ),
        (
            "future",
            ", expiry = \"Dec26\", multiplier = 50",
            "`instruments.X.expiry`: \"Dec26\" is no expiry; write YYYYMM or YYYYMMDD",
        ),
        (
            "future",
            ", expiry = \"202613\", multiplier = 50",
            "`instruments.X.expiry`: \"202613\" is no expiry; write YYYYMM or YYYYMMDD",
        ),
        (
            "option",
            ", expiry = \"202612\", multiplier = 100, strike = 1, right = \"call\"",
            "`instruments.X.expiry`: \"202612\" is no expiry; write YYYYMMDD",
        ),
        (
            "option",
            ", expiry = \"20261218\", multiplier = 100, strike = 0, right = \"call\"",
            "`instruments.X.strike`: 0 is no strike; it must be above zero",
        ),
        (
            "option",
            ", expiry = \"20261218\", multiplier = 100, strike = 1",
            "`instruments.X.right` is missing; write right = \"call\" or \"put\"",
        ),
        (
            "forex",
            "",
            "`instruments.X.symbol`: of a forex pair this is the base currency, as in symbol = \"EUR\", currency = \"USD\"",
        ),
    ] {
        let refused = instrument(kind, more);
        let (_, said) = refused.lines().next().unwrap().split_once(": ").unwrap();
        assert_eq!(said, expected, "of {kind}{more}");
    }
}

#[test]
fn ticks_that_cannot_be_are_refused() {
    for (tick, expected) in [
        ("\"0\"", "0 is no tick; it must be above zero"),
        ("[]", "instrument AAPL: tick ladder must start at 0 and rise step by step"),
        ("[[\"1\", \"0.01\"]]", "instrument AAPL: tick ladder must start at 0 and rise step by step"),
        ("[[\"0\", 0.01]]", "the float 0.01 has no exact value; write the decimal in quotes"),
        (
            "{}",
            "a table stands where a tick in quotes, like \"0.01\", or a ladder, like [[\"0\", \"0.0001\"], [\"1\", \"0.01\"]], belongs",
        ),
    ] {
        let refused = edited("tick = \"0.01\"", &format!("tick = {tick}"));
        assert!(refused.lines().next().unwrap().ends_with(expected), "{refused}");
    }
}

#[test]
fn one_contract_under_two_names_is_refused_because_its_limits_would_count_twice() {
    let refused = with(
        "instruments.B = { kind = \"stock\", symbol = \"AAPL\", exchange = \"NASDAQ\", currency = \"USD\", tick = \"0.01\" }",
    );
    check(
        &refused,
        "6:17: `instruments.B`: this is the same contract as AAPL: its limits would count twice",
        "a twin",
    );
}

#[test]
fn a_profile_is_chosen_by_name_or_by_being_the_only_one() {
    let two = "[profiles.a]\n[profiles.b]\n";
    assert_eq!(
        refusal(two),
        "configuration has several profiles: a, b; name one with --profile, ALPHEC_EXEC_PROFILE or default_profile"
    );
    let error = parse(two, Some("c")).unwrap_err();
    assert_eq!(error.to_string(), "configuration has no profile `c`; it has a, b");
    assert!(matches!(error, ConfigError::UnknownProfile { .. }));
    let none = "configuration has no profile; begin one with a line `[profiles.paper]`";
    for text in ["", "default_profile = \"x\"", "profiles = 3"] {
        assert_eq!(refusal(text), none, "{text}");
    }
    check(
        &refusal("[profiles.\"../x\"]"),
        "1:1: `profiles.\"../x\"`: the name of a profile has 1 to 32 letters, digits, dashes and underscores",
        "a path",
    );
    let defaulted = format!("default_profile = \"paper\"\n{PAPER}[profiles.other]\n");
    assert_eq!(parse(&defaulted, None).unwrap().name, "paper");
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    for line in [
        "alerts = { webhook = \"https://hooks.example/CANARY\" }",
        "alerts = { webhook = \"CANARY\" }",
        "alerts = { webhok = \"https://hooks.example/CANARY\" }",
        "alerts = { webhook = [\"CANARY\"] }",
        "alerts = { webhook = \"https://hooks.example/CANARY }",
        "arming = \"CANARY\"",
        "webhook = \"CANARY\"",
        "alerts = \"https://CANARY\"",
    ] {
        let error = parse(&format!("{PAPER}{line}\n"), None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
    }
    let refused = with("alerts.webhook = \"https://hooks.example/CANARY\"");
    let expected = "6:18: `alerts.webhook`: a secret is written here only as a reference: env:NAME, file:PATH, \
         exec:PROGRAM ARGS or keyring:SERVICE/USER; put the secret there, not into the configuration \
         (this begins with none of the four)";
    check(&refused, expected, "a literal address");
}

#[test]
fn no_slip_of_a_key_makes_it_panic() {
    for (index, original) in PAPER.char_indices() {
        for slip in ["", "é", "\"", "{", "]", ".", "\n", "0", "="] {
            let after = PAPER.get(index + original.len_utf8()..).unwrap();
            let text = format!("{}{slip}{after}", PAPER.get(..index).unwrap());
            if let Err(error) = parse(&text, None) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
}
