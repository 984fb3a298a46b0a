//! From the shape of a profile to a profile: everything that can be known to be wrong is found here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use alphec_engine::core::{Mode, share_of_new_orders};
use alphec_model::{AccountId, ApiClientId, Decimal, Instrument, InstrumentId, Limits};
use serde::Deserialize;

use super::arming;
use super::de::Fault;
use super::instruments;
use super::profile::{Heartbeat, Profile, Reconnect, Stop};
use super::restart::RestartWindow;
use super::secret::SecretRef;
use super::text::{
    EndpointText, HeartbeatText, LimitsText, MarketDataText, ModeText, ProfileText, ReconnectText,
};
use super::tree::{Node, Origin, Value};

/// The longest time that anything may be told to take.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;

type Checked<T> = Result<T, Fault>;

impl From<ModeText> for Mode {
    fn from(text: ModeText) -> Self {
        match text {
            ModeText::Paper => Self::Paper,
            ModeText::Live => Self::Live,
        }
    }
}

/// Adds the defaults that follow from other keys: port, journal, arming, and those of instruments.
pub(super) fn derive(tree: &mut Node, name: &str) {
    let mode = tree.child("mode").and_then(|node| ModeText::deserialize(node).ok());
    let endpoint = tree.child("endpoint").and_then(|node| EndpointText::deserialize(node).ok());
    let port = mode.zip(endpoint).map_or(0, |(mode, endpoint)| endpoint.port(mode.into()));
    tree.put_default(&["port"], Value::Integer(port.into()));
    tree.put_default(&["journal"], Value::Text(format!("{name}.alphec.db")));
    if matches!(mode, Some(ModeText::Live)) {
        tree.put_default(&["arming"], Value::Text(SecretRef::env(arming::VARIABLE).to_string()));
    }
    instruments::derive(tree);
}

/// Checks a whole profile. Relative files are beside the configuration, in `folder`.
pub(super) fn profile(name: &str, tree: &Node, folder: &Path) -> Checked<Profile> {
    let text = ProfileText::deserialize(tree)?;
    let mode = text.mode.into();
    accounts(&text.accounts, mode)?;
    let limits = limits(&text.limits)?;
    let (instruments, instrument_limits) = all_instruments(&text, &limits)?;
    within_pacing(text.pacing_per_second, &limits, &instrument_limits)?;
    let misplaced = tree.child("journal").map(|node| &node.origin);
    let based = |secret: Option<SecretRef>| secret.map(|secret| secret.based_on(folder));
    Ok(Profile {
        name: name.to_owned(),
        mode,
        allow_live: text.allow_live,
        host: host(&text.host)?,
        port: port(text.port)?,
        client_id: client_id(text.client_id)?,
        accounts: text.accounts,
        journal: journal(&text.journal, misplaced, folder)?,
        instruments,
        limits,
        instrument_limits,
        reconnect: reconnect(&text.reconnect)?,
        heartbeat: heartbeat(&text.heartbeat)?,
        connect_timeout: ms("timeouts.connect_ms", text.timeouts.connect_ms)?,
        ack_timeout: ms("timeouts.ack_ms", text.timeouts.ack_ms)?,
        snapshot_timeout: ms("timeouts.snapshot_ms", text.timeouts.snapshot_ms)?,
        resnapshot_after: ms("timeouts.resnapshot_ms", text.timeouts.resnapshot_ms)?,
        absent_after: quiet("timeouts.absent_ms", text.timeouts.absent_ms)?,
        absent_watch: quiet("timeouts.absent_watch_ms", text.timeouts.absent_watch_ms)?,
        reconcile_every: ms("timeouts.reconcile_ms", text.timeouts.reconcile_ms)?,
        pacing_per_second: (text.pacing_per_second > 0).then_some(text.pacing_per_second),
        when_in_doubt: text.when_in_doubt.into(),
        restart_windows: restart_windows(&text.restart_windows)?,
        delayed_market_data: matches!(text.market_data, MarketDataText::Delayed),
        stop: Stop {
            policy: text.stop.policy.into(),
            deadline: ms("stop.deadline_ms", text.stop.deadline_ms)?,
        },
        alert_webhook: based(text.alerts.webhook),
        arming: based(text.arming),
    })
}

/// The account's own name says what it is: those of paper begin with `D`.
fn accounts(accounts: &[AccountId], mode: Mode) -> Checked<()> {
    let bad = |index: usize, why: String| Err(Fault::at(&format!("accounts.{index}"), why));
    if accounts.is_empty() {
        return Err(Fault::at("accounts", "name the account that may trade, like [\"DU1234567\"]"));
    }
    if mode == Mode::Live && accounts.len() > 1 {
        let why =
            "a live profile has exactly one account, so that its arming can name it; write one profile each";
        return Err(Fault::at("accounts", why));
    }
    let mut seen = BTreeSet::new();
    for (index, account) in accounts.iter().enumerate() {
        let text = account.as_str();
        if !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return bad(
                index,
                format!("{text} is no account: use capital letters and digits, as TWS shows it"),
            );
        }
        if !seen.insert(account) {
            return bad(index, format!("{text} stands here twice"));
        }
        match (mode, text.starts_with('D')) {
            (Mode::Paper, false) => {
                let why = "is a live account: paper accounts begin with D; this profile has mode = \"paper\"";
                return bad(index, format!("{text} {why}"));
            }
            (Mode::Live, true) => {
                let why = "is a paper account: it begins with D; this profile has mode = \"live\"";
                return bad(index, format!("{text} {why}"));
            }
            (Mode::Paper, true) | (Mode::Live, false) => {}
        }
    }
    Ok(())
}

fn host(host: &str) -> Checked<String> {
    let why = match host {
        "" => "name the host of TWS or IB Gateway, like \"127.0.0.1\"",
        host if host.contains("//") || host.contains(char::is_whitespace) => {
            "this is no host name or address; write it like \"127.0.0.1\""
        }
        host if host.bytes().filter(|byte| *byte == b':').count() == 1 => "the port goes into `port`",
        host => return Ok(host.to_owned()),
    };
    Err(Fault::at("host", why))
}

fn port(port: u16) -> Checked<u16> {
    if port == 0 { Err(Fault::at("port", "0 is no port; use 1 to 65535")) } else { Ok(port) }
}

fn client_id(id: i32) -> Checked<ApiClientId> {
    if id < 0 {
        return Err(Fault::at("client_id", format!("{id} is no client id; use zero or more, and keep it")));
    }
    Ok(ApiClientId::new(id))
}

fn journal(text: &str, origin: Option<&Origin>, folder: &Path) -> Checked<std::path::PathBuf> {
    if text.is_empty() {
        return Err(Fault::at("journal", "name a file for the journal"));
    }
    Ok(match origin {
        // Whoever types a path means it from where they are.
        Some(Origin::Env { .. } | Origin::Override) => text.into(),
        _ => folder.join(text),
    })
}

fn ms(key: &str, value: u64) -> Checked<Duration> {
    if (1..=LONGEST_MS).contains(&value) {
        return Ok(Duration::from_millis(value));
    }
    Err(Fault::at(key, format!("{value} is out of range; use 1 to {LONGEST_MS} milliseconds (a day)")))
}

/// A time that may also be none at all.
fn quiet(key: &str, value: u64) -> Checked<Duration> {
    if value == 0 { Ok(Duration::ZERO) } else { ms(key, value) }
}

/// More than a few are a slip.
const RESTARTS_MAX: usize = 8;

fn restart_windows(texts: &[String]) -> Checked<Vec<RestartWindow>> {
    if texts.len() > RESTARTS_MAX {
        return Err(Fault::at("restart_windows", format!("more than {RESTARTS_MAX} windows")));
    }
    let parse = |(index, text): (usize, &String)| {
        text.parse().map_err(|why: String| Fault::at(&format!("restart_windows.{index}"), why))
    };
    texts.iter().enumerate().map(parse).collect()
}

fn reconnect(text: &ReconnectText) -> Checked<Reconnect> {
    let first_delay = ms("reconnect.first_delay_ms", text.first_delay_ms)?;
    let ceiling = ms("reconnect.ceiling_ms", text.ceiling_ms)?;
    if ceiling < first_delay {
        return Err(Fault::at("reconnect.ceiling_ms", "the ceiling is below the first delay"));
    }
    if !(1.0..=100.0).contains(&text.factor) {
        return Err(Fault::at("reconnect.factor", format!("{} is out of range; use 1 to 100", text.factor)));
    }
    if !(0.0..=1.0).contains(&text.jitter) {
        return Err(Fault::at("reconnect.jitter", format!("{} is out of range; use 0 to 1", text.jitter)));
    }
    let attempts = (text.attempts > 0).then_some(text.attempts);
    Ok(Reconnect { first_delay, factor: text.factor, ceiling, jitter: text.jitter, attempts })
}

fn heartbeat(text: &HeartbeatText) -> Checked<Heartbeat> {
    if text.misses == 0 {
        return Err(Fault::at("heartbeat.misses", "0 is out of range; use 1 or more"));
    }
    Ok(Heartbeat {
        interval: ms("heartbeat.interval_ms", text.interval_ms)?,
        deadline: ms("heartbeat.deadline_ms", text.deadline_ms)?,
        misses: text.misses,
        idle: (text.idle_ms > 0).then(|| ms("heartbeat.idle_ms", text.idle_ms)).transpose()?,
    })
}

/// The limits, or the names of all that are missing.
fn limits(text: &LimitsText) -> Checked<Limits> {
    let mut missing = Vec::new();
    macro_rules! needed {
        ($key:ident) => {
            text.$key.unwrap_or_else(|| {
                missing.push(stringify!($key));
                Default::default()
            })
        };
    }
    let limits = Limits {
        max_order_qty: needed!(max_order_qty),
        max_order_notional: needed!(max_order_notional),
        max_position: needed!(max_position),
        max_gross_notional: needed!(max_gross_notional),
        max_net_notional: needed!(max_net_notional),
        max_leverage: needed!(max_leverage),
        price_collar: needed!(price_collar),
        max_open_orders: needed!(max_open_orders),
        max_messages_per_second: needed!(max_messages_per_second),
        max_quote_age_ms: Duration::from_millis(needed!(max_quote_age_ms)),
        max_account_age_ms: Duration::from_millis(needed!(max_account_age_ms)),
    };
    if !missing.is_empty() {
        return Err(Fault::missing_limits(missing));
    }
    sound(&limits)?;
    Ok(limits)
}

/// Below it a reading of the books, which is six messages, would use up what is kept for cancels.
const PACING_MIN: u32 = 8;

/// The gate must be the narrower of the two: what it passes and the pacing holds back grows old in a queue, and one
/// that closes a position would wait behind those that open one.
fn within_pacing(pacing: u32, all: &Limits, own: &BTreeMap<InstrumentId, Limits>) -> Checked<()> {
    if (1..PACING_MIN).contains(&pacing) {
        let why = format!(
            "{pacing} messages a second leave no room for a reading of the books: give at least {PACING_MIN}, or 0 for \
             no pacing"
        );
        return Err(Fault::at("pacing_per_second", why));
    }
    let share = share_of_new_orders(pacing);
    let too_many = |limits: &Limits| pacing > 0 && limits.max_messages_per_second > share;
    let why = |most: u32| {
        format!(
            "of pacing_per_second = {pacing} orders may use {share}, the rest is kept for cancels, and {most} pass the \
             gate: orders would wait; use {share} or less, or a wider pacing"
        )
    };
    if too_many(all) {
        let why = why(all.max_messages_per_second);
        return Err(Fault::at("max_messages_per_second", why).below("limits"));
    }
    match own.values().find(|limits| too_many(limits)) {
        Some(limits) => Err(Fault::at("pacing_per_second", why(limits.max_messages_per_second))),
        None => Ok(()),
    }
}

/// Zero would deny everything, and more than all is no collar: both are slips, not wishes.
fn sound(limits: &Limits) -> Checked<()> {
    let whole = |number: u32| Decimal::from(number);
    let positive = [
        ("max_order_qty", limits.max_order_qty.get()),
        ("max_order_notional", limits.max_order_notional),
        ("max_position", limits.max_position.get()),
        ("max_gross_notional", limits.max_gross_notional),
        ("max_net_notional", limits.max_net_notional),
        ("max_leverage", limits.max_leverage),
        ("price_collar", limits.price_collar),
        ("max_open_orders", whole(limits.max_open_orders)),
        ("max_messages_per_second", whole(limits.max_messages_per_second)),
    ];
    for (key, value) in positive {
        if value <= Decimal::ZERO {
            let why = format!("{value} would let nothing through; use a limit above zero, or halt instead");
            return Err(Fault::at(key, why).below("limits"));
        }
    }
    if limits.price_collar > Decimal::ONE {
        let why = format!("{} is more than the whole price; 0.05 is five percent", limits.price_collar);
        return Err(Fault::at("limits.price_collar", why));
    }
    for (key, age) in [
        ("limits.max_quote_age_ms", limits.max_quote_age_ms),
        ("limits.max_account_age_ms", limits.max_account_age_ms),
    ] {
        ms(key, u64::try_from(age.as_millis()).unwrap_or(u64::MAX))?;
    }
    Ok(())
}

type Instruments = (BTreeMap<InstrumentId, Instrument>, BTreeMap<InstrumentId, Limits>);

fn all_instruments(text: &ProfileText, limits: &Limits) -> Checked<Instruments> {
    if text.instruments.is_empty() {
        return Err(Fault::at("instruments", "name at least one instrument that may trade"));
    }
    let (mut all, mut own_limits) = (BTreeMap::new(), BTreeMap::new());
    for (id, one) in &text.instruments {
        let below = |fault: Fault| fault.below(id.as_str()).below("instruments");
        let made = instruments::instrument(id, one).map_err(below)?;
        if let Some(twin) = all.values().find(|other| instruments::is_same_contract(other, &made)) {
            let why = format!("this is the same contract as {}: its limits would count twice", twin.id());
            return Err(below(Fault::bad(why)));
        }
        let own = self::limits(&one.limits.clone().or(&text.limits)).map_err(below)?;
        if own != *limits {
            own_limits.insert(id.clone(), own);
        }
        all.insert(id.clone(), made);
    }
    Ok((all, own_limits))
}

impl LimitsText {
    /// These, and the profile's where these are silent.
    fn or(self, base: &Self) -> Self {
        Self {
            max_order_qty: self.max_order_qty.or(base.max_order_qty),
            max_order_notional: self.max_order_notional.or(base.max_order_notional),
            max_position: self.max_position.or(base.max_position),
            max_gross_notional: self.max_gross_notional.or(base.max_gross_notional),
            max_net_notional: self.max_net_notional.or(base.max_net_notional),
            max_leverage: self.max_leverage.or(base.max_leverage),
            price_collar: self.price_collar.or(base.price_collar),
            max_open_orders: self.max_open_orders.or(base.max_open_orders),
            max_messages_per_second: self.max_messages_per_second.or(base.max_messages_per_second),
            max_quote_age_ms: self.max_quote_age_ms.or(base.max_quote_age_ms),
            max_account_age_ms: self.max_account_age_ms.or(base.max_account_age_ms),
        }
    }
}
