//! Live trading needs a token, and each way it can be wrong has its own answer.

use std::time::Duration;

use alphec_execution::config::{Profile, arming, parse};
use alphec_execution::model::{AccountId, UtcNanos};
use alphec_execution::{ConfigError, Error, ExecutionClient};

use crate::support::PAPER;

const NOW: &str = "2026-11-23T14:00:00Z";

fn at(text: &str) -> UtcNanos {
    text.parse().unwrap()
}

fn live(more: &str) -> Profile {
    let text = PAPER.replace("mode = \"paper\"", "mode = \"live\"").replace("DU1234567", "U1234567");
    parse(&format!("{text}{more}\n"), None).unwrap()
}

fn refusal(profile: &Profile, given: Option<&str>) -> String {
    profile.check_armed(given, at(NOW)).unwrap_err().to_string()
}

#[test]
fn a_right_token_arms_until_it_ends() {
    let until = at("2026-11-23T21:00:00Z");
    let token = arming::token_for(&AccountId::new("U1234567").unwrap(), until);
    assert_eq!(token, "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T21:00:00.000000000Z");
    let profile = live("allow_live = true");
    assert_eq!(profile.check_armed(Some(&token), at(NOW)), Ok(until));
    let elsewhere = "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T22:00:00+01:00";
    assert_eq!(profile.check_armed(Some(elsewhere), at(NOW)), Ok(until), "any zone, one instant");
}

#[test]
fn exactly_a_day_is_the_longest() {
    let profile = live("allow_live = true");
    let account = &profile.accounts[0];
    let day = at(NOW).saturating_add(arming::LONGEST);
    assert_eq!(profile.check_armed(Some(&arming::token_for(account, day)), at(NOW)), Ok(day));
    let longer = day.saturating_add(Duration::from_nanos(1));
    assert_eq!(
        refusal(&profile, Some(&arming::token_for(account, longer))),
        "the arming token lasts until 2026-11-24T14:00:00.000000001Z, more than 24 hours after now, \
         2026-11-23T14:00:00.000000000Z; make one that ends sooner"
    );
}

#[test]
fn each_thing_that_is_missing_or_wrong_has_its_own_answer() {
    let profile = live("allow_live = true");
    let good = "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T21:00:00Z";
    assert_eq!(
        refusal(&live(""), Some(good)),
        "profile `paper` is live but does not allow it; if real money is meant, set allow_live = true in it, and arm it"
    );
    assert_eq!(
        refusal(&profile, None),
        "profile `paper` trades live and is not armed; give the token `ALPHEC-LIVE U1234567 UNTIL <instant within 24 \
         hours, like 2026-11-23T21:00:00Z>` with --arm, in the variable ALPHEC_EXEC_ARM, or where `arming` of the \
         profile refers to (cannot get the secret env:ALPHEC_EXEC_ARM: the variable is not set; export it first)"
    );
    assert_eq!(
        refusal(&profile, Some("ALPHEC-LIVE U7654321 UNTIL 2026-11-23T21:00:00Z")),
        "the arming token is for account U7654321, but profile `paper` trades U1234567; make one for it"
    );
    for until in ["2026-11-23T14:00:00Z", "2026-11-22T21:00:00Z"] {
        let expired = refusal(&profile, Some(&format!("ALPHEC-LIVE U1234567 UNTIL {until}")));
        assert!(expired.contains("expired at") && expired.ends_with("make a new one"), "{expired}");
    }
    let paper = parse(PAPER, None).unwrap();
    assert_eq!(
        refusal(&paper, Some(good)),
        "profile `paper` is for paper and needs no arming; drop the token, or choose a live profile"
    );
}

#[test]
fn only_the_exact_form_is_a_token() {
    for token in [
        "",
        "ALPHEC-LIVE",
        "alphec-live U1234567 UNTIL 2026-11-23T21:00:00Z",
        "ALPHEC-LIVE U1234567 until 2026-11-23T21:00:00Z",
        "ALPHEC-LIVE  U1234567 UNTIL 2026-11-23T21:00:00Z",
        "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T21:00:00",
        "ALPHEC-LIVE U1234567 UNTIL tomorrow",
        "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T21:00:00Z please",
        "ALPHEC-LIVE U1234567 UNTIL 2026-11-23 21:00:00Z",
        "ALPHEC-LIVE\tU1234567 UNTIL 2026-11-23T21:00:00Z",
    ] {
        let error = arming::parse(token).unwrap_err();
        assert!(matches!(error, ConfigError::BadToken { .. }), "{token}: {error}");
        assert!(error.to_string().contains("write exactly `ALPHEC-LIVE <account> UNTIL <instant"), "{error}");
    }
}

#[test]
fn the_token_may_be_where_the_profile_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("armed");
    let until = at("2026-11-23T21:00:00Z");
    std::fs::write(&path, "ALPHEC-LIVE U1234567 UNTIL 2026-11-23T21:00:00Z\n").unwrap();
    private(&path);
    let profile = live(&format!("allow_live = true\narming = \"file:{}\"", path.display()));
    assert_eq!(profile.check_armed(None, at(NOW)), Ok(until));
}

fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn an_unarmed_live_profile_does_not_start_and_touches_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut profile = live("allow_live = true");
    profile.journal = folder.path().join("live.db");
    let error = ExecutionClient::start(profile.clone()).unwrap_err();
    assert!(matches!(error, Error::Config(ConfigError::NotArmed { .. })), "{error}");
    profile.allow_live = false;
    let error = ExecutionClient::start(profile).unwrap_err();
    assert!(matches!(error, Error::Config(ConfigError::LiveNotAllowed { .. })), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
