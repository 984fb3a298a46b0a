//! Our own house: configuration, journal, disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alphec_execution::{Clock, ConfigError, Profile, SystemClock};
use alphec_journal::{Error as JournalError, Health, Journal, OpenOptions, Reader, measure_sync, verify};

use super::Check;
use crate::commands::Common;
use crate::exit::{Exit, Failure};

const CONFIGURATION: &str = "configuration";
const LIMITS: &str = "limits";
const RESTARTS: &str = "restart windows";
const JOURNAL: &str = "journal";
const SYNC: &str = "sync latency";

/// A journal up to this size is verified whole; longer ones by `audit verify`.
const VERIFIED_MAX: u64 = 200_000;
/// Less space than this left is worth a look: the journal stops new orders when there is none.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// A commit waits for its sync, and an order for its commit.
const SYNC_MEDIAN_MAX: Duration = Duration::from_millis(20);
/// No disk makes a write durable faster than this; memory does.
const SYNC_MEDIAN_MIN: Duration = Duration::from_micros(10);

/// The configuration and the limits in it, and the profile if there is one.
pub(super) fn configuration(common: &Common) -> (Vec<Check>, Option<Profile>) {
    match common.load() {
        Ok(loaded) => {
            let profile = loaded.profile;
            let found = format!(
                "profile {}, {}, journal {}",
                profile.name,
                profile.mode.as_str(),
                profile.journal.display()
            );
            (vec![Check::pass(CONFIGURATION, found), limits(&profile), restarts(&profile)], Some(profile))
        }
        Err(error) => {
            let message = Failure::of(&error).message;
            let remedy = "repair it, then `alphec-exec config check`; `config sample` prints one that works";
            if let Some(ConfigError::MissingLimits { .. }) = error.downcast_ref::<ConfigError>() {
                let (found, remedy) = message.split_once("; ").unwrap_or((&message, remedy));
                let limits = Check::fail(LIMITS, Exit::Usage, found, remedy);
                let readable = Check::pass(CONFIGURATION, "readable, but see the next line");
                return (vec![readable, limits, Check::skipped(RESTARTS, "needs limits")], None);
            }
            let skipped = [LIMITS, RESTARTS].map(|check| Check::skipped(check, "needs a configuration"));
            let failed = Check::fail(CONFIGURATION, Exit::Usage, message, remedy);
            ([failed].into_iter().chain(skipped).collect(), None)
        }
    }
}

/// A profile without limits does not load, so here they are there.
fn limits(profile: &Profile) -> Check {
    let limits = &profile.limits;
    let own = profile.instrument_limits.len();
    Check::pass(
        LIMITS,
        format!(
            "{} instruments, {own} with limits of their own; an order at most {} or {}, gross at most {}",
            profile.instruments.len(),
            limits.max_order_qty,
            limits.max_order_notional,
            limits.max_gross_notional
        ),
    )
}

/// What is written as the gateway restarts vanishes without an error.
fn restarts(profile: &Profile) -> Check {
    if profile.lacks_restart_windows() {
        let remedy =
            "set `restart_windows` to when TWS or IB Gateway restarts; nothing new is sent from 90 s before";
        return Check::warn(RESTARTS, "none, and orders may leave as the gateway restarts", remedy);
    }
    let windows: Vec<String> = profile.restart_windows.iter().map(ToString::to_string).collect();
    let found = if windows.is_empty() { "none; on paper".to_owned() } else { windows.join(", ") };
    Check::pass(RESTARTS, found)
}

/// The journal, and whether an engine is at work on it.
pub(super) fn journal(path: Option<&Path>) -> (Check, bool) {
    let Some(path) = path else {
        return (Check::skipped(JOURNAL, "needs a configuration, or --journal"), false);
    };
    // Opened as an engine would, for a moment: it is free, whole at its end, and not lost.
    let options = OpenOptions::new("alphec-exec doctor", SystemClock::new().now());
    match Journal::open(path, options).map(drop) {
        Ok(()) => (judge(path, "free"), false),
        Err(JournalError::Held { holder, .. }) => {
            let who = holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
            (judge(path, &format!("in use by {who}")), true)
        }
        Err(JournalError::Missing { .. }) => (
            Check::pass(JOURNAL, format!("{} does not exist yet; the first engine makes it", path.display())),
            false,
        ),
        Err(error) => (broken(&error), false),
    }
}

fn judge(path: &Path, whose: &str) -> Check {
    let health = match Reader::open(path).and_then(|reader| reader.health()) {
        Ok(health) => health,
        Err(error) => return broken(&error),
    };
    let found = format!("{}, {whose}, {}", path.display(), sizes(&health));
    if health.records > VERIFIED_MAX {
        let remedy = "it is too long to be verified in passing: run `alphec-exec audit verify`";
        return Check::warn(JOURNAL, format!("{found}, its end checked"), remedy);
    }
    match verify(path, &mut |_| {}) {
        Err(error) => broken(&error),
        Ok(_) if health.free_bytes.is_some_and(|free| free < FREE_BYTES_MIN) => Check::warn(
            JOURNAL,
            format!("{found}, verified"),
            "free space on its disk: a full one stops new orders",
        ),
        Ok(_) => Check::pass(JOURNAL, format!("{found}, verified")),
    }
}

fn sizes(health: &Health) -> String {
    let free =
        health.free_bytes.map(|free| format!(", {} free on its disk", bytes(free))).unwrap_or_default();
    format!("{} records in {}{free}", health.records, bytes(health.bytes.saturating_add(health.wal_bytes)))
}

fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// An error of the journal says what is wrong, a semicolon, and what to do.
fn broken(error: &JournalError) -> Check {
    let text = error.to_string();
    let (found, remedy) = text.split_once("; ").unwrap_or((&text, "run `alphec-exec audit verify`"));
    Check::fail(JOURNAL, Exit::Failed, found, remedy)
}

/// How long the journal's disk takes to make a write durable.
pub(super) fn sync_latency(path: Option<&Path>) -> Check {
    let Some(path) = path else { return Check::skipped(SYNC, "needs a configuration, or --journal") };
    let Some(directory) = existing_directory(path) else {
        return Check::skipped(SYNC, "the journal has no directory yet");
    };
    let latency = match measure_sync(&directory) {
        Ok(latency) => latency,
        Err(error) => {
            return Check::fail(
                SYNC,
                Exit::Failed,
                error.to_string(),
                "make the journal's directory writable",
            );
        }
    };
    let found = format!("median {:.1?}, 99 of 100 within {:.1?}", latency.median, latency.p99);
    if latency.median > SYNC_MEDIAN_MAX {
        return Check::warn(
            SYNC,
            found,
            "every order waits for this: move the journal to a faster disk, with power-loss protection",
        );
    }
    if latency.median < SYNC_MEDIAN_MIN {
        return Check::warn(
            SYNC,
            found,
            "too fast to be true: is this memory (tmpfs)? A journal belongs on a disk",
        );
    }
    Check::pass(SYNC, found)
}

/// Where the journal is or will be, when that is there already.
fn existing_directory(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.parent().filter(|directory| directory.is_dir()).map(Path::to_owned)
}
