//! Defaults, file, environment, overrides: which one wins, and where a value says it came from.

use std::path::PathBuf;
use std::time::Duration;

use alphec_execution::config::{Env, Overrides, Source, load};
use alphec_execution::model::InstrumentId;
use alphec_execution::{ConfigError, Mode, StopPolicy};

use crate::support::{Folder, PAPER, env};

fn none() -> Overrides {
    Overrides::default()
}

#[test]
fn five_lines_make_a_profile_and_the_rest_is_defaults() {
    let folder = Folder::with(PAPER);
    assert_eq!(PAPER.lines().count(), 5);
    let loaded = folder.load(&[], none()).unwrap();
    let profile = &loaded.profile;
    assert_eq!((profile.name.as_str(), profile.mode, profile.allow_live), ("paper", Mode::Paper, false));
    assert_eq!((profile.host.as_str(), profile.port, profile.client_id.get()), ("127.0.0.1", 7497, 1));
    assert_eq!(profile.journal, folder.dir.path().join("paper.alphec.db"));
    assert_eq!(profile.limits.max_open_orders, 15);
    assert_eq!(profile.limits.max_quote_age_ms, Duration::from_secs(10));
    assert_eq!(profile.pacing_per_second, Some(45));
    assert_eq!(profile.reconcile_every, Duration::from_secs(60));
    assert_eq!(profile.reconnect.attempts, None, "for ever");
    assert_eq!(profile.stop.policy, StopPolicy::Cancel);
    assert!(profile.arming.is_none() && profile.alert_webhook.is_none());
    assert!(profile.instrument_limits.is_empty());
    let aapl = &profile.instruments[&InstrumentId::new("AAPL").unwrap()];
    assert_eq!((aapl.symbol(), aapl.lot().to_string().as_str()), ("AAPL", "1"));
}

#[test]
fn the_default_port_follows_from_endpoint_and_mode() {
    for (endpoint, mode, account, port) in [
        ("tws", "paper", "DU1", 7497),
        ("tws", "live", "U1", 7496),
        ("gateway", "paper", "DU1", 4002),
        ("gateway", "live", "U1", 4001),
    ] {
        let text = PAPER.replace("\"paper\"", &format!("\"{mode}\"")).replace("DU1234567", account);
        let folder = Folder::with(&format!("{text}endpoint = \"{endpoint}\"\n"));
        assert_eq!(folder.load(&[], none()).unwrap().profile.port, port, "{endpoint} {mode}");
    }
}

#[test]
fn each_layer_wins_over_the_one_below_and_is_named_as_the_origin() {
    let folder = Folder::with(&format!("{PAPER}port = 4002\nclient_id = 5\nhost = \"gateway\"\n"));
    let variables = [("ALPHEC_EXEC_PORT", "5001"), ("ALPHEC_EXEC_CLIENT_ID", "6")];
    let overrides = Overrides { port: Some(6001), ..none() };
    let loaded = folder.load(&variables, overrides).unwrap();
    let profile = &loaded.profile;
    assert_eq!((profile.host.as_str(), profile.port, profile.client_id.get()), ("gateway", 6001, 6));
    let file = folder.file().display().to_string();
    for (key, value, origin) in [
        ("port", "6001", "flag".to_owned()),
        ("client_id", "\"6\"", "env ALPHEC_EXEC_CLIENT_ID".to_owned()),
        ("host", "\"gateway\"", format!("{file}:8")),
        ("mode", "\"paper\"", format!("{file}:2")),
        ("limits.max_order_qty", "100", format!("{file}:5")),
        ("limits.max_open_orders", "15", "default".to_owned()),
        ("instruments.AAPL.tick", "\"0.01\"", format!("{file}:4")),
        ("instruments.AAPL.lot", "\"1\"", "default".to_owned()),
        ("accounts", "[\"DU1234567\"]", format!("{file}:3")),
        ("stop.policy", "\"cancel\"", "default".to_owned()),
    ] {
        let setting = loaded.origins.get(key).unwrap_or_else(|| panic!("{key} in {:?}", loaded.origins));
        assert_eq!((setting.value.as_str(), setting.origin.to_string()), (value, origin), "{key}");
    }
}

#[test]
fn variables_reach_every_level() {
    let folder = Folder::with(&format!(
        "{PAPER}instruments.\"ES-2026-12\" = {{ kind = \"future\", symbol = \"ES\", exchange = \"CME\", \
         currency = \"USD\", tick = \"0.25\", multiplier = 50, expiry = \"202609\" }}\n"
    ));
    let variables = [
        ("ALPHEC_EXEC_LIMITS__MAX_ORDER_QTY", "50"),
        ("ALPHEC_EXEC_LIMITS__PRICE_COLLAR", "0.02"),
        ("ALPHEC_EXEC_ACCOUNTS", "DU1, DU2"),
        ("ALPHEC_EXEC_STOP__POLICY", "keep-gtc"),
        ("ALPHEC_EXEC_RECONNECT__FACTOR", "1.5"),
        ("ALPHEC_EXEC_INSTRUMENTS__ES_2026_12__EXPIRY", "202612"),
        ("ALPHEC_EXEC_INSTRUMENTS__AAPL__LIMITS", "{ max_order_qty = 7 }"),
        ("ALPHEC_EXEC_ALERTS__WEBHOOK", "env:HOOK"),
        ("ALPHEC_EXEC_ARM", "read when it is needed"),
        ("PATH", "not ours"),
    ];
    let profile = folder.load(&variables, none()).unwrap().profile;
    assert_eq!(profile.limits.max_order_qty.to_string(), "50");
    assert_eq!(profile.limits.price_collar.to_string(), "0.02", "text from the environment is no float");
    assert_eq!(profile.accounts.len(), 2);
    assert_eq!(profile.stop.policy, StopPolicy::KeepGtc);
    assert!((profile.reconnect.factor - 1.5).abs() < 1e-9);
    assert_eq!(profile.alert_webhook.unwrap().to_string(), "env:HOOK");
    let own = &profile.instrument_limits[&InstrumentId::new("AAPL").unwrap()];
    assert_eq!(own.max_order_qty.to_string(), "7");
    assert_eq!(own.price_collar.to_string(), "0.02", "an instrument's silence is the profile's limit");
    let es = &profile.instruments[&InstrumentId::new("ES-2026-12").unwrap()];
    assert!(format!("{:?}", es.kind()).contains("202612"));
}

#[test]
fn a_variable_that_sets_nothing_is_named() {
    let folder = Folder::with(PAPER);
    for (name, value, why) in [
        ("ALPHEC_EXEC_PROT", "1", "there is no key `prot`; did you mean ALPHEC_EXEC_PORT?"),
        (
            "ALPHEC_EXEC_LIMITS_MAX_ORDER_QTY",
            "1",
            "levels are parted by two underscores; did you mean ALPHEC_EXEC_LIMITS__MAX_ORDER_QTY?",
        ),
        (
            "ALPHEC_EXEC_LIMITS__MAX_ORDR_QTY",
            "1",
            "there is no key `max_ordr_qty`; did you mean ALPHEC_EXEC_LIMITS__MAX_ORDER_QTY?",
        ),
        ("ALPHEC_EXEC_port", "1", "write the key in capitals, with two underscores between levels"),
        ("ALPHEC_EXEC_LIMITS__", "1", "write the key in capitals, with two underscores between levels"),
        ("ALPHEC_EXEC_INSTRUMENTS__MSFT__TICK", "1", "the profile has no instrument MSFT; it has AAPL"),
        ("ALPHEC_EXEC_ACCOUNTS", "[\"DU1\"", "its value is not a TOML value"),
    ] {
        let error = folder.load(&[(name, value)], none()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the environment variable {name} sets nothing: {why}; correct or unset it")
        );
    }
}

#[test]
fn a_bad_value_names_the_layer_that_gave_it() {
    let folder = Folder::with(PAPER);
    for (name, value, expected) in [
        (
            "ALPHEC_EXEC_PORT",
            "four",
            "variable ALPHEC_EXEC_PORT: `port`: this is not a whole number from 1 to 65535",
        ),
        (
            "ALPHEC_EXEC_LIMITS__PRICE_COLLAR",
            "1e2",
            "variable ALPHEC_EXEC_LIMITS__PRICE_COLLAR: `limits.price_collar`: `1e2` is not a decimal number; \
             write it like 101.25, without exponent, separators or NaN",
        ),
        (
            "ALPHEC_EXEC_ACCOUNTS",
            "DU1,U2",
            "variable ALPHEC_EXEC_ACCOUNTS: `accounts[1]`: U2 is a live account: paper accounts begin with D; \
             this profile has mode = \"paper\"",
        ),
    ] {
        assert_eq!(folder.load(&[(name, value)], none()).unwrap_err().to_string(), expected);
    }
    let overrides = Overrides { host: Some(String::new()), ..none() };
    let expected = "option: `host`: name the host of TWS or IB Gateway, like \"127.0.0.1\"";
    assert_eq!(folder.load(&[], overrides).unwrap_err().to_string(), expected);
}

#[test]
fn a_journal_is_beside_the_file_unless_a_person_types_its_path() {
    let folder = Folder::with(&format!("{PAPER}journal = \"deep/paper.db\"\n"));
    let journal = |variables: &[(&str, &str)], overrides| folder.load(variables, overrides).unwrap();
    let beside = folder.dir.path().join("deep/paper.db");
    let loaded = journal(&[], none());
    assert_eq!(loaded.profile.journal, beside);
    assert_eq!(loaded.origins["journal"].value, format!("{:?}", beside.display().to_string()));
    assert_eq!(journal(&[("ALPHEC_EXEC_JOURNAL", "x.db")], none()).profile.journal, PathBuf::from("x.db"));
    let overrides = Overrides { journal: Some("y.db".into()), ..none() };
    assert_eq!(journal(&[("ALPHEC_EXEC_JOURNAL", "x.db")], overrides).profile.journal, PathBuf::from("y.db"));
}

#[test]
fn the_file_and_the_profile_can_be_named_by_variables() {
    let folder = Folder::with(&format!("{PAPER}{}", PAPER.replace("profiles.paper", "profiles.other")));
    let file = folder.file().display().to_string();
    let variables = [("ALPHEC_EXEC_CONFIG", file.as_str()), ("ALPHEC_EXEC_PROFILE", "other")];
    let loaded = load(Source { env: env(&variables), ..Source::default() }).unwrap();
    assert_eq!(loaded.profile.name, "other");
    assert_eq!(loaded.profiles, ["other", "paper"]);
    assert_eq!(loaded.path, folder.file());
    let named = Source { profile: Some("paper".to_owned()), env: env(&variables), ..Source::default() };
    assert_eq!(load(named).unwrap().profile.name, "paper", "the caller wins");
}

#[test]
fn the_users_own_file_is_found_and_where_there_is_none_a_sample_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/alphec-exec");
    std::fs::create_dir_all(&folder).unwrap();
    let variables = [("HOME", home.path().to_str().unwrap())];
    let source = || Source { env: env(&variables), ..Source::default() };
    let error = load(source()).unwrap_err();
    let ConfigError::NoFile { looked } = &error else { panic!("{error}") };
    assert_eq!(looked, &[PathBuf::from("alphec-exec.toml"), folder.join("config.toml")]);
    let (_, sample) =
        error.to_string().split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    alphec_execution::config::parse(&sample, None).unwrap();
    std::fs::write(folder.join("config.toml"), &sample).unwrap();
    assert_eq!(load(source()).unwrap().profile.name, "paper", "the sample works");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let source = Source { path: Some("nowhere.toml".into()), env: Env::from_iter([]), ..Source::default() };
    let error = load(source).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration nowhere.toml: "), "{error}");
}

#[test]
fn a_secret_is_shown_as_its_reference() {
    let folder = Folder::with(&format!("{PAPER}alerts.webhook = \"file:hook\"\n"));
    let loaded = folder.load(&[], none()).unwrap();
    assert_eq!(loaded.origins["alerts.webhook"].value, "\"file:hook\"");
    let reference = loaded.profile.alert_webhook.unwrap();
    let beside = folder.dir.path().join("hook");
    assert_eq!(reference.to_string(), format!("file:{}", beside.display()), "relative to the file");
    let live = PAPER.replace("\"paper\"", "\"live\"").replace("DU1234567", "U1234567");
    let loaded = Folder::with(&live).load(&[], none()).unwrap();
    assert_eq!(loaded.origins["arming"].value, "\"env:ALPHEC_EXEC_ARM\"");
}
