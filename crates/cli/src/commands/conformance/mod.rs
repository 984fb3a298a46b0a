//! `alphec-exec conformance`: where a gateway differs from the simulator.
//!
//! A list of small checks is done against the gateway that the profile names: each order is for one share, and is
//! cancelled or closed at once. The orders go around the gate and the journal, so this command knows one kind of
//! account only: every account of the login must be a paper account, and the profile must be one for paper.

mod checks;
mod fields;
mod link;
mod lists;
mod orders;
mod session;
mod start;
mod trades;

use std::path::PathBuf;
use std::time::Duration;

use alphec_execution::{Mode, Profile};
use serde::Serialize;
use serde_json::json;

use super::Common;
use super::one_shot::reach;
use crate::exit::{Exit, Failure};
use crate::render::{self, Paint, Sheet};
use checks::{CHECKS, Check, QUESTIONS, State};
use link::Recorder;
use session::{Session, Target};

/// How long a socket may take.
const REACH_PATIENCE: Duration = Duration::from_secs(5);
/// Added to the profile's client id, whose orders are an engine's.
const BESIDE: i32 = 910_000;

/// Options of `conformance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A stock that trades in US dollars.
    #[arg(long, value_name = "SYM", default_value = "AAPL")]
    symbol: String,
    /// A price it trades near, where the login has no market data.
    #[arg(long, value_name = "PX")]
    price: Option<f64>,
    /// Writes every frame, both ways, to this file: JSON Lines.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Silence after which the gateway has nothing more to say, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1500, value_parser = clap::value_parser!(u64).range(20..=60_000))]
    quiet_ms: u64,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Same,
    Differs,
    /// It could not be looked at.
    Failed,
}

#[derive(Debug, Serialize)]
struct Row {
    check: &'static str,
    section: &'static str,
    outcome: Outcome,
    simulator: &'static str,
    gateway: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    question: u32,
    about: &'static str,
    found: String,
}

/// Does all checks. Exit 0 when the gateway differs nowhere.
pub(crate) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let profile = common.load()?.profile;
    if profile.mode != Mode::Paper {
        let message =
            format!("profile {} is not for paper; conformance trades on paper accounts only", profile.name);
        return Err(Failure::usage(message).into());
    }
    reach(&profile, REACH_PATIENCE).await?;
    let recorder = Recorder::start(args.record.as_deref())?;
    let target = Target {
        host: profile.host.trim_matches(['[', ']']).to_owned(),
        port: profile.port,
        client_id: profile.client_id.get().saturating_add(BESIDE),
        symbol: args.symbol,
        quiet: Duration::from_millis(args.quiet_ms),
    };
    let started = Session::start(target, &recorder).await;
    let mut session =
        started.map_err(|error| Failure::new(Exit::NotConnected, "not_connected", format!("{error:#}")))?;
    only_paper(&profile, &session)?;
    session.far = args.price.map(|price| (price * 0.9).floor());
    let rows = look(&mut session, &recorder).await?;
    recorder.finish()?;
    show(common, &session, &rows)?;
    let all_same = rows.iter().all(|row| row.outcome == Outcome::Same);
    Ok(if all_same { Exit::Done } else { Exit::Failed })
}

/// The account list decides, not the profile, not the port.
fn only_paper(profile: &Profile, session: &Session) -> Result<(), Failure> {
    let live: Vec<&str> = session
        .greeting
        .accounts
        .iter()
        .map(String::as_str)
        .filter(|account| !account.starts_with('D'))
        .collect();
    if live.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the login of profile {} has live accounts ({}); conformance trades on paper accounts only, and no order was sent",
        profile.name,
        live.join(", ")
    );
    Err(Failure::usage(message))
}

async fn look(session: &mut Session, recorder: &Recorder) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for check in CHECKS {
        recorder.mark(check.name)?;
        let observed = check.observe(session).await;
        if observed.is_err() && !session.is_alive().await {
            // The later checks, and the end, which leaves nothing behind, need a connection.
            drop(session.come_back().await);
        }
        rows.push(row(check, observed));
    }
    Ok(rows)
}

fn row(check: &Check, observed: anyhow::Result<String>) -> Row {
    let (outcome, gateway) = match observed {
        Ok(said) if said == check.expected => (Outcome::Same, said),
        Ok(said) => (Outcome::Differs, said),
        Err(error) => (Outcome::Failed, format!("{error:#}")),
    };
    Row { check: check.name, section: check.section, outcome, simulator: check.expected, gateway }
}

fn answers(session: &Session, rows: &[Row]) -> Vec<Answer> {
    let found = |state: State| match state {
        State::Check(name) => {
            let row = rows.iter().find(|row| row.check == name);
            row.map_or_else(|| "not reached".to_owned(), |row| format!("{name}: {}", row.gateway))
        }
        State::Statuses if session.odd_statuses.is_empty() => "not seen".to_owned(),
        State::Statuses => format!("seen: {:?}", session.odd_statuses),
        State::NotTried(because) => format!("not tried: {because}"),
    };
    let answer = |question: &checks::Question| Answer {
        question: question.number,
        about: question.about,
        found: found(question.state),
    };
    QUESTIONS.iter().map(answer).collect()
}

fn show(common: &Common, session: &Session, rows: &[Row]) -> anyhow::Result<()> {
    let questions = answers(session, rows);
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let (same, differ, failed) = (count(Outcome::Same), count(Outcome::Differs), count(Outcome::Failed));
    let (version, time) = (session.link.version, &session.link.time);
    if common.json {
        return render::json(&json!({
            "ok": differ + failed == 0,
            "gateway": { "server_version": version, "time": time, "accounts": session.greeting.accounts },
            "checks": rows,
            "questions": questions,
        }));
    }
    let mut sheet = Sheet::new(common.colour(), &["", "check", "§", "gateway"]);
    for row in rows {
        let (word, paint) = match row.outcome {
            Outcome::Same => ("same", Paint::Good),
            Outcome::Differs => ("DIFFERS", Paint::Warn),
            Outcome::Failed => ("failed", Paint::Bad),
        };
        let beside = if row.outcome == Outcome::Same {
            String::new()
        } else {
            format!("\nsimulator: {}", row.simulator)
        };
        sheet.row(vec![
            (word.to_owned(), paint),
            (row.check.to_owned(), Paint::Plain),
            (row.section.to_owned(), Paint::Faint),
            (format!("{}{beside}", row.gateway), Paint::Plain),
        ]);
    }
    render::text(&sheet.finish())?;
    let mut sheet = Sheet::new(common.colour(), &[">§ 8", "open question", "found"]);
    for answer in &questions {
        sheet.row(vec![
            (answer.question.to_string(), Paint::Faint),
            (answer.about.to_owned(), Paint::Plain),
            (answer.found.clone(), Paint::Plain),
        ]);
    }
    render::text(&format!("\n{}", sheet.finish()))?;
    render::text(&format!(
        "\nserver version {version}: {same} the same, {differ} differ, {failed} could not be looked at"
    ))
}
