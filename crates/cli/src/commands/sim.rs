//! `alphec-exec sim`: the simulated gateway as a process of its own.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use alphec_execution::model::Decimal;
use alphec_twsim::faults::TABLE;
use alphec_twsim::prices::parse_csv;
use alphec_twsim::venue::{
    AccountConfig, Calendar, CalendarError, Depth, Instrument, MarginRule, MarginTextError, PricePath,
};
use alphec_twsim::wire::parse_instant;
use alphec_twsim::{Clock, Fault, Gateway, GatewayBuilder, GatewayHandle, Latency, Scenario};
use serde_json::json;

use super::Common;
use crate::exit::{Exit, Failure};
use crate::render::{self, Paint, Sheet};
use crate::signals::Signals;

/// Options of `sim`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address to listen on; port 0 takes a free one, which the first line of output names.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4002")]
    listen: String,
    /// Starts as this TOML file says, and plays its script: at this time or after this event, do that. Other options
    /// take the place of what it says.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Seed of the prices: the same seed walks the same way. 1 by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Accounts, each with a million US dollars or what is written behind it: DU1=250000, DU2=EUR:50000+USD:1000, of
    /// which the first is the base currency. Paper ones begin with D. DU1234567 by default.
    #[arg(long, value_delimiter = ',', value_name = "A[=MONEY],…")]
    accounts: Vec<AccountConfig>,
    /// `manual` makes time stand still until the control port advances it: at 2026-01-05T15:00:00Z, or at an instant
    /// of yours: `manual@2026-11-25T14:30:00Z`.
    #[arg(long, value_name = "wall|manual[@UTC]", value_parser = clock)]
    clock: Option<Clock>,
    /// Lists only these, instead of AAPL, MSFT, SPY, ES, EUR.USD and an AAPL call. Others are stocks or pairs, with
    /// currency, primary exchange, size increment and first price if wanted: SAP/EUR=180, VOD/GBP@LSE=70.5,
    /// BRK~0.0001=600, USD.JPY=150.
    #[arg(
        help_heading = "The market",
        long,
        value_delimiter = ',',
        value_name = "SYM[/CUR][@EXCH][~SIZE][=PX],…"
    )]
    instruments: Vec<String>,
    /// Pins the bid of these symbols, which then do not walk.
    #[arg(help_heading = "The market", long, value_delimiter = ',', value_name = "SYM=PX,…")]
    prices: Vec<Pinned>,
    /// Quotes from a CSV, for the symbols in it instead of a walk: time,symbol,bid,ask and, if wanted,
    /// bid_size,ask_size,last; time in seconds after the start or as UTC instants.
    #[arg(help_heading = "The market", long, value_name = "FILE")]
    price_file: Option<PathBuf>,
    /// Time between two price steps in milliseconds, 250 by default; 0 stands still.
    #[arg(help_heading = "The market", long, value_name = "MS")]
    walk_ms: Option<u64>,
    /// A book behind the touch of every instrument: levels of a side, and if wanted price steps between them and mean
    /// size, as in 10 or 10:2:300. Large orders go through it.
    #[arg(help_heading = "The market", long, value_name = "LEVELS[:STEPS[:SIZE]]")]
    depth: Option<Depth>,
    /// Opens and closes markets, which otherwise never close: `usual` for the hours of the US exchanges, or a
    /// symbol's own, with longer ones after a slash if it has some: `SAP=09:00-17:30/08:00-20:00@Europe/Berlin`.
    #[arg(help_heading = "The market", long, value_delimiter = ',', value_name = "usual|SYM=HOURS,…")]
    sessions: Vec<Sessions>,
    /// What positions of these symbols tie up, initial and maintenance: ES=19140/17400 for each contract, AAPL=50%/25% of
    /// the value.
    #[arg(help_heading = "The market", long, value_delimiter = ',', value_name = "SYM=MARGIN,…")]
    margins: Vec<Margined>,
    /// Something that goes wrong, such as `drop-after-accept@3`, `mute@10s`, `delay=50ms`; repeat for more.
    #[arg(help_heading = "What goes wrong", long = "fault", value_name = "TEXT")]
    faults: Vec<Fault>,
    /// Prints every fault that `--fault` knows, and ends.
    #[arg(help_heading = "What goes wrong", long)]
    list_faults: bool,
    /// How long messages travel, each way: fixed:5ms, uniform:1ms..5ms or lognormal:median=3ms,p99=40ms; for one way with
    /// requests= or answers= before it. Repeat for both.
    #[arg(help_heading = "What goes wrong", long = "latency", value_name = "TEXT")]
    latencies: Vec<Latency>,
    /// Refuses everything that needs write access, as a gateway in read-only mode.
    #[arg(help_heading = "What goes wrong", long)]
    read_only: bool,
    /// Newest server version offered.
    #[arg(help_heading = "What goes wrong", long, value_name = "N", value_parser = clap::value_parser!(i32).range(157..=226))]
    server_version: Option<i32>,
    /// Opens a control port at this loopback address, where a test in any language sets prices, injects faults, moves
    /// the clock and reads the truth, in JSON Lines; port 0 takes a free one.
    #[arg(help_heading = "Steering and watching", long, value_name = "ADDR")]
    control: Option<String>,
    /// Writes every frame both ways and every decision to this file, in words, as JSON Lines.
    #[arg(help_heading = "Steering and watching", long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Keeps the broker's books in this file, each change before its answer leaves. Started with it again and otherwise as
    /// before, it goes on from there, whatever ended it: a gateway restarts, and the broker has kept its books.
    #[arg(help_heading = "Steering and watching", long, value_name = "FILE")]
    books: Option<PathBuf>,
}

#[derive(Debug, Clone)]
struct Pinned {
    symbol: String,
    price: Decimal,
}

impl FromStr for Pinned {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (symbol, price) = text.split_once('=').ok_or("write it as SYMBOL=PRICE")?;
        let price =
            Decimal::from_str_exact(price).map_err(|error| format!("`{price}` is no price: {error}"))?;
        Ok(Self { symbol: symbol.to_owned(), price })
    }
}

fn clock(text: &str) -> Result<Clock, String> {
    match text {
        "wall" => Ok(Clock::Wall),
        "manual" => Ok(Clock::STILL),
        _ => text
            .strip_prefix("manual@")
            .and_then(parse_instant)
            .map(|start| Clock::Manual { start })
            .ok_or_else(|| "write wall, manual or manual@2026-11-25T14:30:00Z".to_owned()),
    }
}

#[derive(Debug, Clone)]
struct Margined {
    symbol: String,
    rule: MarginRule,
}

impl FromStr for Margined {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (symbol, rule) = text.split_once('=').ok_or("write it as SYMBOL=MARGIN")?;
        let rule = rule.parse().map_err(|error: MarginTextError| error.to_string())?;
        Ok(Self { symbol: symbol.to_owned(), rule })
    }
}

#[derive(Debug, Clone)]
enum Sessions {
    Usual,
    Of(String, Calendar),
}

impl FromStr for Sessions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "usual" {
            return Ok(Self::Usual);
        }
        let (symbol, hours) = text.split_once('=').ok_or("write it as `usual` or SYMBOL=HOURS")?;
        let calendar = hours.parse().map_err(|error: CalendarError| error.to_string())?;
        Ok(Self::Of(symbol.to_owned(), calendar))
    }
}

/// Serves until told to stop.
pub(crate) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    if args.list_faults {
        return list_faults(common);
    }
    // Before the first line is printed: whoever reads it may stop us at once.
    let mut signals = Signals::listen()?;
    let prices = args.prices.clone();
    let scripted = args.price_file.as_deref().map(scripted).transpose()?.unwrap_or_default();
    let hours = args.sessions.clone();
    let instruments = args.instruments.clone();
    let margins = args.margins.clone();
    let scenario = args.scenario.as_deref().map(Scenario::load).transpose()?;
    let builder = margined(list(builder(args, scenario), &instruments)?, margins)?;
    let builder = keep_hours(builder, hours)?;
    let gateway = builder.with(|config| config.prices.extend(scripted)).start().await?;
    pin(&gateway, &prices)?;
    announce(common, &gateway)?;
    tokio::select! {
        () = signals.wait() => {}
        // Without its books it serves nobody.
        problem = gateway.ended() => return Err(Failure::new(Exit::Failed, "books", problem).into()),
    }
    tracing::info!("stopping");
    match gateway.stop().await {
        None => Ok(Exit::Done),
        Some(problem) => Err(Failure::new(Exit::Failed, "record", problem).into()),
    }
}

fn builder(args: Args, scenario: Option<Scenario>) -> GatewayBuilder {
    let Args {
        listen,
        scenario: _,
        seed,
        accounts,
        instruments: _,
        prices: _,
        price_file: _,
        margins: _,
        sessions: _,
        walk_ms,
        depth,
        latencies,
        faults,
        list_faults: _,
        record,
        books,
        control,
        clock,
        read_only,
        server_version,
    } = args;
    let mut builder = Gateway::builder().listen(&listen);
    if let Some(scenario) = scenario {
        builder = builder.scenario(scenario);
    }
    if let Some(seed) = seed {
        builder = builder.seed(seed);
    }
    if let Some(clock) = clock {
        builder = builder.clock(clock);
    }
    for account in accounts {
        builder = builder.account_config(account);
    }
    for fault in faults {
        builder = builder.fault(fault);
    }
    if let Some(version) = server_version {
        builder = builder.server_version(version);
    }
    builder.with(|config| {
        config.record = record;
        config.books = books;
        config.depth = depth;
        config.latency = latencies.into_iter().fold(Latency::default(), Latency::and);
        config.control = control;
        config.read_only |= read_only;
        if let Some(walk_ms) = walk_ms {
            config.walk_every = (walk_ms > 0).then(|| Duration::from_millis(walk_ms));
        }
    })
}

fn keep_hours(mut builder: GatewayBuilder, sessions: Vec<Sessions>) -> anyhow::Result<GatewayBuilder> {
    for session in sessions {
        match session {
            Sessions::Usual => {
                let mut instruments = builder.config().instruments.clone();
                for instrument in &mut instruments {
                    instrument.calendar = Some(Calendar::usual(instrument.sec_type)?.into());
                }
                builder = builder.with(|config| config.instruments = instruments);
            }
            Sessions::Of(symbol, calendar) => {
                check_listed(&builder, "--sessions", &symbol)?;
                builder = builder.calendar(&symbol, calendar);
            }
        }
    }
    Ok(builder)
}

fn scripted(file: &Path) -> anyhow::Result<BTreeMap<String, PricePath>> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read --price-file {name}: {error}")))?;
    let paths = parse_csv(&text).map_err(|error| Failure::usage(format!("--price-file {name}, {error}")))?;
    Ok(paths)
}

fn list_faults(common: &Common) -> anyhow::Result<Exit> {
    if common.json {
        let rows = TABLE.iter().map(|row| {
            json!({ "name": row.name, "usage": row.usage(), "what": row.what, "behaviours": row.behaviours })
        });
        render::json(&json!(rows.collect::<Vec<_>>()))?;
        return Ok(Exit::Done);
    }
    let mut sheet = Sheet::new(common.colour(), &["fault", "what it does"]);
    for row in TABLE {
        sheet.row(vec![(row.usage(), Paint::Active), (row.what.to_owned(), Paint::Plain)]);
    }
    render::text(&sheet.finish())?;
    Ok(Exit::Done)
}

fn margined(mut builder: GatewayBuilder, margins: Vec<Margined>) -> anyhow::Result<GatewayBuilder> {
    for Margined { symbol, rule } in margins {
        check_listed(&builder, "--margins", &symbol)?;
        builder = builder.margin(&symbol, rule);
    }
    Ok(builder)
}

fn check_listed(builder: &GatewayBuilder, option: &str, symbol: &str) -> anyhow::Result<()> {
    let lists = |it: &Instrument| it.symbol == symbol || it.local_symbol == symbol;
    if builder.config().instruments.iter().any(lists) {
        return Ok(());
    }
    Err(Failure::usage(format!("{option} names {symbol}, which this gateway does not list")).into())
}

fn list(builder: GatewayBuilder, texts: &[String]) -> anyhow::Result<GatewayBuilder> {
    if texts.is_empty() {
        return Ok(builder);
    }
    let listed = listed(texts)?;
    Ok(builder.with(|config| config.instruments = listed))
}

/// The instruments named: those that the simulator knows, and others as their texts say.
fn listed(texts: &[String]) -> anyhow::Result<Vec<Instrument>> {
    let known = Instrument::defaults();
    let mut listed: Vec<Instrument> = Vec::new();
    for (con_id, text) in (900_000_001..).zip(texts) {
        let is_it = |it: &&Instrument| it.symbol == *text || it.local_symbol == *text;
        let found: Vec<Instrument> = known.iter().filter(is_it).cloned().collect();
        if found.is_empty() {
            let other = Instrument::listed(con_id, text);
            listed.push(other.map_err(|error| Failure::usage(format!("--instruments: {error}")))?);
        } else {
            listed.extend(found);
        }
    }
    Ok(listed)
}

fn pin(gateway: &GatewayHandle, prices: &[Pinned]) -> anyhow::Result<()> {
    for Pinned { symbol, price } in prices {
        if !gateway.set_price(symbol, *price) {
            return Err(
                Failure::usage(format!("--prices names {symbol}, which this gateway does not list")).into()
            );
        }
    }
    Ok(())
}

fn announce(common: &Common, gateway: &GatewayHandle) -> anyhow::Result<()> {
    let addr = gateway.addr().to_string();
    match (gateway.control_addr(), common.json) {
        (None, true) => render::json(&json!({ "listening": addr }))?,
        (None, false) => render::text(&format!("listening on {addr}"))?,
        (Some(control), true) => render::json(&json!({ "listening": addr, "control": control.to_string() }))?,
        (Some(control), false) => render::text(&format!("listening on {addr}, control port {control}"))?,
    }
    Ok(std::io::stdout().flush()?)
}
