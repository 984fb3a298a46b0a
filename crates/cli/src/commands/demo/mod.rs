//! `alphec-exec demo`: a real order life cycle, from connect to verified audit trail.
//!
//! Without options it trades against a simulated gateway inside this process. With `--profile`,
//! `--config`, `--host` or `--port` it does the same at the gateway that the profile names, with
//! the smallest size, and sells what it bought. It refuses to run on a live profile.

mod relay;
mod report;
mod story;

use std::path::{Path, PathBuf};
use std::time::Duration;

use alphec_execution::model::{Decimal, Instrument, Price, Qty, TickRule};
use alphec_execution::{ExecutionClient, Mode, Profile, config};
use alphec_twsim::{Gateway, GatewayHandle};
use anyhow::{Context, ensure};

use self::relay::Relay;
use self::report::{JournalLine, Report};
use self::story::Cast;
use super::Common;
use crate::exit::Exit;

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seed of the simulated gateway's prices.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Plays the demo.
pub(crate) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let stage = Stage::set(common, args.seed).await?;
    let Stage { gateway, name, mut profile, journal } = stage;
    ensure!(
        profile.mode == Mode::Paper,
        "the demo trades, so it runs on paper profiles only; name one with --profile"
    );
    let mut report = Report::new(name, !common.json, common.colour());
    let relay = Relay::start(format!("{}:{}", profile.host, profile.port))
        .await
        .context("starting the demo's relay")?;
    profile.host = relay.addr().ip().to_string();
    profile.port = relay.addr().port();
    profile.journal.clone_from(&journal);
    // A reconnect worth watching, not worth waiting for.
    profile.reconnect.first_delay = Duration::from_millis(100);
    profile.reconnect.ceiling = Duration::from_millis(500);
    let cast = cast(&mut profile)?;
    let too_much = profile.instrument_limits.get(cast.0.id()).unwrap_or(&profile.limits).max_order_qty;
    let client = ExecutionClient::start(profile.clone())?;
    let cast = Cast {
        client,
        account: profile.accounts.first().cloned().context("an account in the profile")?,
        collar: profile.instrument_limits.get(cast.0.id()).unwrap_or(&profile.limits).price_collar,
        too_much: Qty::new(too_much.get() + cast.0.lot().get())?,
        lead: cast.0,
        refused: cast.1,
        run: run_name(),
    };
    if let Err(error) = cast.play(&relay, &mut report).await {
        report.step(false, "failed", format!("{error:#}"));
    }
    // Whatever happened, nothing is left behind silently.
    relay.mend();
    if let Err(error) = cast.leave(&mut report).await {
        report.step(false, "stop failed", format!("{error:#}"));
    }
    report.journal = verify(&journal, &mut report);
    if let Some(gateway) = gateway {
        gateway.stop().await;
    }
    finish(common, &report)
}

/// Where the demo plays.
struct Stage {
    gateway: Option<GatewayHandle>,
    name: String,
    profile: Profile,
    journal: PathBuf,
}

impl Stage {
    async fn set(common: &Common, seed: u64) -> anyhow::Result<Self> {
        if common.names_a_gateway() {
            let profile = common.load()?.profile;
            let name = format!("{}:{} (profile {})", profile.host, profile.port, profile.name);
            let journal = profile.journal.clone();
            return Ok(Self { gateway: None, name, profile, journal });
        }
        let gateway =
            Gateway::builder().seed(seed).start().await.context("starting the simulated gateway")?;
        let journal = common
            .journal
            .clone()
            .unwrap_or_else(|| std::env::temp_dir().join(format!("alphec-demo-{}.db", run_name())));
        let profile = simulated(&gateway, &journal)?;
        let name = format!("simulated, on {}, seed {seed}", gateway.addr());
        Ok(Self { gateway: Some(gateway), name, profile, journal })
    }
}

/// The profile of the simulated gateway: the same text a user would write.
fn simulated(gateway: &GatewayHandle, journal: &Path) -> anyhow::Result<Profile> {
    let text = format!(
        r#"
[profiles.demo]
mode = "paper"
host = "{host}"
port = {port}
client_id = 1
accounts = ["DU1234567"]
instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
instruments.MSFT = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
limits = {{ max_order_qty = 100, max_order_notional = 100000, max_position = 500, max_gross_notional = 500000, max_net_notional = 500000, max_leverage = 2, price_collar = "0.10" }}
"#,
        host = gateway.addr().ip(),
        port = gateway.addr().port(),
    );
    let mut profile = config::parse(&text, Some("demo"))?;
    profile.journal = journal.to_owned();
    Ok(profile)
}

/// The instruments of the story: the first of the profile, and a second whose tick is made finer
/// than the broker's, so that the broker has something to refuse.
fn cast(profile: &mut Profile) -> anyhow::Result<(Instrument, Option<Instrument>)> {
    let ids: Vec<_> = profile.instruments.keys().cloned().collect();
    let lead = ids
        .first()
        .and_then(|id| profile.instruments.get(id))
        .cloned()
        .context("an instrument in the profile")?;
    let Some(second) = ids.get(1).and_then(|id| profile.instruments.get(id)) else { return Ok((lead, None)) };
    let tick = second.tick().increment_at(Price::ZERO).context("a tick")?;
    let finer = TickRule::fixed(Price::new(tick.get() / Decimal::TEN)?);
    let refused = second.clone().with_tick(finer)?;
    profile.instruments.insert(refused.id().clone(), refused.clone());
    Ok((lead, Some(refused)))
}

fn run_name() -> String {
    let id = alphec_execution::new_correlation_id().to_string();
    // The first group of a version 7 UUID is the time: runs sort as they ran.
    id.replace('-', "").chars().take(13).collect()
}

fn verify(journal: &Path, report: &mut Report) -> JournalLine {
    let path = journal.display().to_string();
    match alphec_journal::verify(journal, &mut |_| {}) {
        Ok(found) => {
            let head = found.head.hash.to_string();
            report.step(
                true,
                "audit trail verified",
                format!("{} records, head {}…", found.records, head.get(..12).unwrap_or(&head)),
            );
            JournalLine { path, records: found.records, verified: true, head }
        }
        Err(error) => {
            report.step(false, "audit trail", error.to_string());
            JournalLine { path, ..JournalLine::default() }
        }
    }
}

fn finish(common: &Common, report: &Report) -> anyhow::Result<Exit> {
    if common.json {
        crate::render::json(report)?;
    } else {
        crate::render::line(&format!("\njournal: {}", report.journal.path));
        crate::render::line(&format!("   read: alphec-exec audit show --journal {}", report.journal.path));
    }
    Ok(if report.ok { Exit::Done } else { Exit::Failed })
}
