//! `alphec-exec doctor`: everything that trading needs, one line each, with a remedy for each fault.

mod gateway;
mod house;

use alphec_execution::Profile;
use serde::Serialize;
use serde_json::json;

use super::Common;
use crate::exit::Exit;
use crate::render::{self, Paint, Sheet};

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Pass,
    /// Trading works; someone should look all the same.
    Warn,
    Fail,
    /// It could not be looked at, because of something above it.
    Skipped,
}

/// One line.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    outcome: Outcome,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Check {
    fn pass(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, outcome: Outcome::Pass, found: found.into(), remedy: None, exit: Exit::Done }
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warn, remedy: Some(remedy.into()), ..Self::pass(check, found) }
    }

    fn fail(check: &'static str, exit: Exit, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, remedy: Some(remedy.into()), exit, ..Self::pass(check, found) }
    }

    fn skipped(check: &'static str, because: &str) -> Self {
        Self { outcome: Outcome::Skipped, ..Self::pass(check, because) }
    }
}

/// Looks at everything. The first failure gives the exit code.
pub(crate) async fn run(common: &Common, _: Args) -> anyhow::Result<Exit> {
    let (mut checks, profile) = house::configuration(common);
    let journal = common.journal.clone().or_else(|| profile.as_ref().map(|profile| profile.journal.clone()));
    // Before the gateway: whether an engine is at work decides under which client id it is asked.
    let (health, is_held) = house::journal(journal.as_deref());
    checks.extend(gateway(profile.as_ref(), is_held).await);
    checks.push(health);
    checks.push(house::sync_latency(journal.as_deref()));
    show(common, &checks)?;
    let failed = checks.iter().find(|check| check.outcome == Outcome::Fail);
    Ok(failed.map_or(Exit::Done, |check| check.exit))
}

async fn gateway(profile: Option<&Profile>, is_held: bool) -> Vec<Check> {
    match profile {
        Some(profile) => gateway::look(profile, is_held).await,
        None => gateway::CHECKS.map(|check| Check::skipped(check, "needs a configuration")).into(),
    }
}

fn show(common: &Common, checks: &[Check]) -> anyhow::Result<()> {
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (failed, skipped, warned) = (count(Outcome::Fail), count(Outcome::Skipped), count(Outcome::Warn));
    if common.json {
        return render::json(&json!({ "ok": failed == 0 && skipped == 0, "checks": checks }));
    }
    let mut sheet = Sheet::new(common.colour(), &["", "check", "found"]);
    for check in checks {
        let (word, paint) = match check.outcome {
            Outcome::Pass => ("pass", Paint::Good),
            Outcome::Warn => ("warn", Paint::Warn),
            Outcome::Fail => ("FAIL", Paint::Bad),
            Outcome::Skipped => ("skipped", Paint::Faint),
        };
        let found_paint = if check.outcome == Outcome::Skipped { Paint::Faint } else { Paint::Plain };
        let remedy = check.remedy.as_ref().map(|remedy| format!("\n→ {remedy}")).unwrap_or_default();
        sheet.row(vec![
            (word.to_owned(), paint),
            (check.check.to_owned(), Paint::Plain),
            (format!("{}{remedy}", check.found), found_paint),
        ]);
    }
    render::text(&sheet.finish())?;
    let verdict = match (failed, warned) {
        (0, 0) => "everything that trading needs is there".to_owned(),
        (0, warned) => format!("ready to trade, {warned} to look at"),
        (failed, _) => format!("{failed} to repair, {skipped} skipped until then"),
    };
    render::text(&format!("\n{verdict}"))
}
