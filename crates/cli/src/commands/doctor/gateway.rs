//! The gateway: there, speaking, with the right accounts, taking orders, telling the right time.

use std::time::Duration;

use alphec_execution::model::{AccountId, ApiClientId};
use alphec_execution::{ClockOffset, Mode, Probe, Profile};

use super::Check;
use crate::commands::one_shot::reach;
use crate::exit::Exit;

/// What is looked at, in this order.
pub(super) const CHECKS: [&str; 5] = [REACHABLE, HANDSHAKE, ACCOUNTS, READ_ONLY, CLOCK];

const REACHABLE: &str = "gateway reachable";
const HANDSHAKE: &str = "handshake, server version";
const ACCOUNTS: &str = "accounts";
const READ_ONLY: &str = "read-only mode";
const CLOCK: &str = "clock offset";

/// How long a socket may take.
const REACH_PATIENCE: Duration = Duration::from_secs(5);
/// Further apart than this, an order good till an instant ends at another one, and records do not line up.
const OFFSET_MAX: Duration = Duration::from_secs(1);
/// Added to the client id while an engine holds the profile's own.
const BESIDE: i32 = 900_000;

/// Looks at it; what cannot be looked at is skipped.
pub(super) async fn look(profile: &Profile, is_held: bool) -> Vec<Check> {
    let address = format!("{}:{}", profile.host, profile.port);
    if let Err(failure) = reach(profile, REACH_PATIENCE).await {
        let (found, remedy) = split(&failure.message);
        let first = Check::fail(REACHABLE, Exit::NotConnected, found, remedy);
        return with_skipped(vec![first], "needs a gateway");
    }
    let reachable = Check::pass(REACHABLE, address);
    let client_id = if is_held { beside(profile.client_id) } else { profile.client_id };
    match alphec_execution::probe(profile, client_id).await {
        Ok(probe) => {
            let spoken = format!("server version {}, client id {client_id}", probe.server_version);
            let handshake = Check::pass(HANDSHAKE, spoken);
            vec![reachable, handshake, accounts(profile, &probe), read_only(&probe), clock(probe.clock)]
        }
        Err(error) => {
            let (found, remedy) = split(&error.why);
            let handshake = Check::fail(HANDSHAKE, Exit::NotConnected, found, remedy);
            with_skipped(vec![reachable, handshake], "needs a handshake")
        }
    }
}

/// The engine's own id would shut one of the two out.
const fn beside(client_id: ApiClientId) -> ApiClientId {
    ApiClientId::new(client_id.get().saturating_add(BESIDE))
}

fn with_skipped(mut checks: Vec<Check>, because: &str) -> Vec<Check> {
    let rest = CHECKS.iter().skip(checks.len()).map(|check| Check::skipped(check, because));
    checks.extend(rest.collect::<Vec<_>>());
    checks
}

/// The adapter says in one sentence what happened, with a number in parentheses or not, and what to do.
fn split(why: &str) -> (String, String) {
    let parts = why.split_once("): ").map(|(found, remedy)| (format!("{found})"), remedy));
    let parts = parts.or_else(|| why.split_once("; ").map(|(found, remedy)| (found.to_owned(), remedy)));
    let parts = parts.or_else(|| why.rsplit_once(": ").map(|(found, remedy)| (found.to_owned(), remedy)));
    let (found, remedy) = parts.unwrap_or_else(|| (why.to_owned(), "look at the gateway's own log"));
    (found, remedy.to_owned())
}

fn accounts(profile: &Profile, probe: &Probe) -> Check {
    let names =
        |accounts: &[AccountId]| accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(", ");
    let found = format!("the login has {}", names(&probe.accounts));
    let missing: Vec<AccountId> =
        profile.accounts.iter().filter(|account| !probe.accounts.contains(account)).cloned().collect();
    if !missing.is_empty() {
        let remedy = format!(
            "profile {} also wants {}: correct its accounts, or log in as their user",
            profile.name,
            names(&missing)
        );
        return Check::fail(ACCOUNTS, Exit::Usage, found, remedy);
    }
    let is_paper = |account: &AccountId| account.as_str().starts_with('D');
    match profile.mode {
        Mode::Paper if !probe.accounts.iter().all(is_paper) => {
            let remedy = format!(
                "profile {} is for paper and this login is live: connect it to the paper login",
                profile.name
            );
            Check::fail(ACCOUNTS, Exit::Usage, found, remedy)
        }
        Mode::Live if profile.accounts.iter().any(is_paper) => {
            let remedy = format!(
                "profile {} is for live trading and names a paper account: correct its mode or accounts",
                profile.name
            );
            Check::fail(ACCOUNTS, Exit::Usage, found, remedy)
        }
        Mode::Paper | Mode::Live => {
            Check::pass(ACCOUNTS, format!("{found}; the profile is for {}", profile.mode.as_str()))
        }
    }
}

fn read_only(probe: &Probe) -> Check {
    match probe.is_read_only {
        Some(false) => Check::pass(READ_ONLY, "off: orders are let through"),
        Some(true) => {
            let remedy = "untick Read-Only API in the API settings of TWS or IB Gateway";
            Check::fail(READ_ONLY, Exit::Failed, "on: the gateway refuses orders (321)", remedy)
        }
        None => {
            let remedy = "look for a dialog in TWS or IB Gateway, then try again";
            Check::warn(READ_ONLY, "unknown: the gateway did not answer", remedy)
        }
    }
}

fn clock(offset: Option<ClockOffset>) -> Check {
    let Some(offset) = offset else {
        return Check::warn(
            CLOCK,
            "unknown: the gateway did not tell the time",
            "try again; some gateways answer once a second",
        );
    };
    let found = format!("the gateway is at {offset}");
    let apart = Duration::from_nanos(offset.ahead_ns.unsigned_abs()).saturating_sub(offset.uncertainty);
    if apart <= OFFSET_MAX {
        return Check::pass(CLOCK, found);
    }
    Check::fail(
        CLOCK,
        Exit::Failed,
        found,
        "synchronise the clocks of this host and of the gateway's, with NTP for instance",
    )
}
