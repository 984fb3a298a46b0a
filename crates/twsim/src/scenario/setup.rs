//! How the gateway of a scenario starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use super::ScenarioError;
use super::steps::{check_symbol, find};
use super::toml::{Item, Table};
use crate::action::{MarketSpec, SideSpec};
use crate::config::{Clock, GatewayConfig};
use crate::faults::Fault;
use crate::prices::parse_csv;
use crate::venue::{AccountConfig, Calendar, Instrument, PricePath, Right, TickStep};
use crate::wire::{NEWEST_SERVER_VERSION, OLDEST_SERVER_VERSION, parse_instant};

const KEYS: &[&str] = &[
    "seed",
    "clock",
    "start",
    "server_version",
    "read_only",
    "accounts",
    "instruments",
    "instrument",
    "walk",
    "prices",
    "price_file",
    "sessions",
    "faults",
    "step",
];

/// Contract ids of instruments that a scenario gives none.
const FIRST_CON_ID: i32 = 900_000_001;

/// What a scenario says about the start; `None` and empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Setup {
    /// Seed of prices and draws.
    pub seed: Option<u64>,
    /// Where the time comes from.
    pub clock: Option<Clock>,
    /// Newest server version offered.
    pub server_version: Option<i32>,
    /// Refuse everything that needs write access.
    pub read_only: Option<bool>,
    /// Accounts.
    pub accounts: Vec<AccountConfig>,
    /// Instruments, with their hours.
    pub instruments: Vec<Instrument>,
    /// Time between two steps of the price walk; zero stands still.
    pub walk: Option<Duration>,
    /// Prices by a script, or pinned, by symbol.
    pub prices: BTreeMap<String, PricePath>,
    /// Faults armed from the start.
    pub faults: Vec<Fault>,
}

impl Setup {
    pub(super) fn read(root: Table<'_>, folder: &Path) -> Result<Self, ScenarioError> {
        let root = root.only(KEYS)?;
        let mut setup = Self {
            seed: root.get("seed").map(Item::whole).transpose()?,
            clock: clock(root)?,
            server_version: root.get("server_version").map(version).transpose()?,
            read_only: root.get("read_only").map(Item::flag).transpose()?,
            walk: root.get("walk").map(walk).transpose()?,
            accounts: each(root, "accounts", |item| item.parse("write \"DU1\" or \"DU1=250000\""))?,
            faults: each(root, "faults", |item| {
                item.parse("`alphec-exec sim --list-faults` lists them all")
            })?,
            instruments: instruments(root)?,
            ..Self::default()
        };
        if let Some(item) = root.get("sessions") {
            setup.keep_hours(item)?;
        }
        setup.read_prices(root, folder)?;
        Ok(setup)
    }

    /// What trades in it.
    pub(super) fn listed(&self) -> Vec<Instrument> {
        if self.instruments.is_empty() { Instrument::defaults() } else { self.instruments.clone() }
    }

    pub(super) fn apply(self, config: &mut GatewayConfig) {
        let Self { seed, clock, server_version, read_only, accounts, instruments, walk, prices, faults } =
            self;
        config.seed = seed.unwrap_or(config.seed);
        config.clock = clock.unwrap_or(config.clock);
        config.server_version = server_version.unwrap_or(config.server_version);
        config.read_only = read_only.unwrap_or(config.read_only);
        if !accounts.is_empty() {
            config.accounts = accounts;
        }
        if !instruments.is_empty() {
            config.instruments = instruments;
        }
        if let Some(walk) = walk {
            config.walk_every = Some(walk).filter(|walk| !walk.is_zero());
        }
        config.prices.extend(prices);
        config.faults.extend(faults);
    }

    fn keep_hours(&mut self, item: Item<'_>) -> Result<(), ScenarioError> {
        let mut listed = self.listed();
        let hint = "write \"usual\", or { AAPL = \"09:30-16:00/04:00-20:00@US/Eastern\" }";
        if !item.is_table() {
            if item.text()? != "usual" {
                return Err(item.error("\"sessions\" is neither \"usual\" nor a table", hint));
            }
            for instrument in &mut listed {
                let usual = Calendar::usual(instrument.sec_type);
                let usual = usual.map_err(|error| item.error(error.to_string(), hint))?;
                instrument.calendar = Some(Arc::new(usual));
            }
            self.instruments = listed;
            return Ok(());
        }
        for hours in item.table("`sessions`")?.items() {
            check_symbol(hours, hours.key, &listed)?;
            let calendar: Arc<Calendar> = Arc::new(hours.parse(hint)?);
            for instrument in listed.iter_mut().filter(|it| is_named(it, hours.key)) {
                instrument.calendar = Some(Arc::clone(&calendar));
            }
        }
        self.instruments = listed;
        Ok(())
    }

    fn read_prices(&mut self, root: Table<'_>, folder: &Path) -> Result<(), ScenarioError> {
        let listed = self.listed();
        if let Some(item) = root.get("price_file") {
            let path = folder.join(item.text()?);
            let name = path.display();
            let text = std::fs::read_to_string(&path).map_err(|error| {
                item.error(format!("cannot read {name}: {error}"), "the name is relative to the scenario")
            })?;
            let paths = parse_csv(&text).map_err(|error| {
                item.error(format!("{name}, {error}"), "write time,symbol,bid,ask in every row")
            })?;
            for symbol in paths.keys() {
                check_symbol(item, symbol, &listed)?;
            }
            self.prices = paths;
        }
        let Some(item) = root.get("prices") else { return Ok(()) };
        for item in item.table("`prices`")?.items() {
            check_symbol(item, item.key, &listed)?;
            if let Some(instrument) = find(&listed, item.key) {
                self.prices.insert(item.key.to_owned(), path(item, instrument)?);
            }
        }
        Ok(())
    }
}

fn is_named(instrument: &Instrument, name: &str) -> bool {
    instrument.symbol == name || instrument.local_symbol == name
}

fn each<T>(
    root: Table<'_>,
    key: &str,
    read: impl Fn(Item<'_>) -> Result<T, ScenarioError>,
) -> Result<Vec<T>, ScenarioError> {
    match root.get(key) {
        Some(item) => item.list()?.into_iter().map(read).collect(),
        None => Ok(Vec::new()),
    }
}

fn clock(root: Table<'_>) -> Result<Option<Clock>, ScenarioError> {
    let manual = match root.get("clock") {
        None => None,
        Some(item) => match item.text()? {
            "manual" => Some(true),
            "wall" => Some(false),
            other => {
                return Err(item.error(format!("\"clock\" is {other:?}"), "write \"wall\" or \"manual\""));
            }
        },
    };
    let Some(start) = root.get("start") else {
        return Ok(manual.map(|manual| if manual { Clock::STILL } else { Clock::Wall }));
    };
    let hint = "write clock = \"manual\" and start = \"2026-11-25T14:30:00Z\"";
    if manual != Some(true) {
        return Err(start.error("\"start\" needs a clock that stands still", hint));
    }
    let at = parse_instant(start.text()?);
    let at = at.ok_or_else(|| start.error("\"start\" is no instant in UTC", hint))?;
    Ok(Some(Clock::Manual { start: at }))
}

fn version(item: Item<'_>) -> Result<i32, ScenarioError> {
    let version = item.whole()?;
    if (OLDEST_SERVER_VERSION..=NEWEST_SERVER_VERSION).contains(&version) {
        return Ok(version);
    }
    let hint = format!("write a number from {OLDEST_SERVER_VERSION} to {NEWEST_SERVER_VERSION}");
    Err(item.error(format!("there is no server version {version} here"), hint))
}

fn walk(item: Item<'_>) -> Result<Duration, ScenarioError> {
    if item.text()? == "off" {
        return Ok(Duration::ZERO);
    }
    let every = Duration::from_nanos(u64::try_from(item.span()?).unwrap_or(0));
    if every < Duration::from_millis(1) {
        return Err(item.error("prices walk at most once a millisecond", "write \"250ms\", or \"off\""));
    }
    Ok(every)
}

/// Those that the simulator knows by name, stocks for other names, and those that are described.
fn instruments(root: Table<'_>) -> Result<Vec<Instrument>, ScenarioError> {
    let known = Instrument::defaults();
    let mut listed: Vec<Instrument> = Vec::new();
    let mut next = FIRST_CON_ID..;
    for item in root.get("instruments").map_or(Ok(Vec::new()), Item::list)? {
        let symbol = item.text()?;
        let found: Vec<Instrument> = known.iter().filter(|it| is_named(it, symbol)).cloned().collect();
        match found.is_empty() {
            true => listed.extend(next.next().map(|id| Instrument::stock(id, symbol, Decimal::ONE_HUNDRED))),
            false => listed.extend(found),
        }
    }
    for item in root.get("instrument").map_or(Ok(Vec::new()), Item::list)? {
        let table = item.table("an instrument")?;
        let made = instrument(table, next.next().unwrap_or(FIRST_CON_ID))?;
        if let Some(other) = listed.iter().find(|it| it.con_id == made.con_id) {
            let what = format!("{} and {} have one contract id, {}", other.symbol, made.symbol, made.con_id);
            return Err(table.error(what, "give one of them another con_id"));
        }
        listed.push(made);
    }
    Ok(listed)
}

fn instrument(table: Table<'_>, free: i32) -> Result<Instrument, ScenarioError> {
    let table = table.only(&[
        "symbol",
        "type",
        "con_id",
        "price",
        "currency",
        "exchange",
        "tick",
        "multiplier",
        "expiry",
        "strike",
        "right",
        "size",
        "local_symbol",
    ])?;
    let symbol = table.need("symbol")?.text()?;
    let positive = |key: &str| match table.get(key) {
        Some(item) => match item.decimal()? {
            number if number > Decimal::ZERO => Ok(Some(number)),
            number => Err(item.error(format!("{key:?} is {number}"), "write a number above zero")),
        },
        None => Ok(None),
    };
    let need = |key: &str| positive(key)?.ok_or_else(|| table.error(format!("it needs {key:?}"), "write it"));
    let con_id = table.get("con_id").map_or(Ok(free), Item::whole)?;
    let currency = table.get("currency").map(Item::text).transpose()?;
    let mut made = match table.get("type").map_or(Ok("stock"), Item::text)? {
        "stock" => Instrument::stock(con_id, symbol, Decimal::ONE_HUNDRED),
        "future" => Instrument::future(con_id, symbol, need("multiplier")?, need("tick")?),
        "forex" => Instrument::forex(con_id, symbol, currency.unwrap_or("USD"), Decimal::ONE),
        "option" => {
            let right = match table.need("right")?.text()? {
                "C" | "call" => Right::Call,
                "P" | "put" => Right::Put,
                other => return Err(table.error(format!("\"right\" is {other:?}"), "write \"C\" or \"P\"")),
            };
            Instrument::option(con_id, symbol, table.need("expiry")?.text()?, need("strike")?, right)
        }
        other => {
            let hint = "write \"stock\", \"future\", \"option\" or \"forex\"";
            return Err(table.error(format!("\"type\" is {other:?}"), hint));
        }
    };
    made.start_price = positive("price")?.unwrap_or(made.start_price);
    made.multiplier = positive("multiplier")?.unwrap_or(made.multiplier);
    made.display_size = positive("size")?.unwrap_or(made.display_size);
    if let Some(increment) = positive("tick")? {
        made.ticks = vec![TickStep { low_edge: Decimal::ZERO, increment }];
    }
    for (key, into) in [
        ("currency", &mut made.currency),
        ("exchange", &mut made.exchange),
        ("expiry", &mut made.expiry),
        ("local_symbol", &mut made.local_symbol),
    ] {
        if let Some(item) = table.get(key) {
            item.text()?.clone_into(into);
        }
    }
    Ok(made)
}

/// A pinned bid, a pinned market, or a script of markets.
fn path(item: Item<'_>, instrument: &Instrument) -> Result<PricePath, ScenarioError> {
    if item.is_list() {
        let points = item.list()?.into_iter().map(|item| {
            let table = item.table("a price")?.only(&["at", "bid", "ask", "bid_size", "ask_size", "last"])?;
            let quote = market(table)?.checked(instrument).map_err(|error| table.refuse(error))?;
            Ok((table.need("at")?.span()?, quote))
        });
        return Ok(PricePath::new(points.collect::<Result<Vec<_>, ScenarioError>>()?));
    }
    let market = if item.is_table() {
        market(item.table("a price")?.only(&["bid", "ask", "bid_size", "ask_size", "last"])?)?
    } else {
        MarketSpec { bid: SideSpec::At(item.decimal()?), ..MarketSpec::default() }
    };
    let quote = market.checked(instrument).map_err(|error| item.error(error.what, error.hint))?;
    Ok(PricePath::new(vec![(0, quote)]))
}

fn market(table: Table<'_>) -> Result<MarketSpec, ScenarioError> {
    let number = |key: &str| table.get(key).map(Item::decimal).transpose();
    let side = |key: &str| Ok(number(key)?.map_or(SideSpec::Unsaid, SideSpec::At));
    let size = |key: &str| match (table.get(key), number(key)?) {
        (Some(item), Some(size)) if size <= Decimal::ZERO => {
            Err(item.error(format!("{key:?} is {size}"), "write a number above zero"))
        }
        (_, size) => Ok(size),
    };
    let market = MarketSpec {
        bid: side("bid")?,
        ask: side("ask")?,
        bid_size: size("bid_size")?,
        ask_size: size("ask_size")?,
        last: number("last")?,
    };
    match (market.bid, market.ask) {
        (SideSpec::Unsaid, SideSpec::Unsaid) => {
            Err(table.error("a price has neither bid nor ask", "write { bid = \"230\" }"))
        }
        (SideSpec::At(bid), SideSpec::At(ask)) if bid >= ask => {
            Err(table.error(format!("the bid {bid} is not below the ask {ask}"), "write a bid below the ask"))
        }
        _ => Ok(market),
    }
}
