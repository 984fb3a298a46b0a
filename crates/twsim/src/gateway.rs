//! Starting a gateway, and holding it while it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::net::TcpListener;

use crate::action::{Action, ActionError};
use crate::books::BooksError;
use crate::config::{Clock, GatewayConfig, nanoseconds};
use crate::control;
use crate::desk::{Counters, Subject, Truth};
use crate::faults::{Cause, Decision, Fault};
use crate::latency::Latency;
use crate::record::Recorder;
use crate::scenario::Scenario;
use crate::server::Server;
use crate::venue::{
    AccountConfig, Calendar, ConId, Depth, Instrument, Level, MarginRule, OrderSpec, PricePath, Quote, UtcNs,
    VenueInput, missing_rate,
};
use crate::wire::{NEWEST_SERVER_VERSION, OLDEST_SERVER_VERSION};

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: stop whoever has the port, or name another; port 0 takes a free one"
    )]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The record cannot be written.
    #[error("cannot write the record {}", path.display())]
    Record {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The books cannot be opened.
    #[error("cannot keep the books in {}: {what}", path.display())]
    Books {
        /// The file asked for.
        path: PathBuf,
        /// What is wrong with it, and what would help.
        what: String,
    },
    /// The configuration makes no sense.
    #[error("invalid configuration: {what}")]
    Config {
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// The simulated gateway. `Gateway::builder()` for tests, [`Gateway::start`] with a plain config otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Gateway;

impl Gateway {
    /// A builder with the defaults: one paper account, six instruments, a walking price, a free local port.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder { config: GatewayConfig::default(), default_account: true }
    }

    /// Listens, and serves until the handle is stopped or dropped. Needs a tokio runtime.
    pub async fn start(config: GatewayConfig) -> Result<GatewayHandle, GatewayError> {
        check(&config)?;
        let address = config.listen.clone();
        let failed = |source| GatewayError::Listen { address: address.clone(), source };
        let listener = TcpListener::bind(&config.listen).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let books = config.books.clone().unwrap_or_default();
        let recorder = config.record.as_deref().map(record_to).transpose()?;
        let control = match &config.control {
            Some(address) => Some(control::bind(address).await?),
            None => None,
        };
        let server = Server::start(config, listener, recorder).map_err(|error| no_books(books, &error))?;
        let control_addr = control.map(|(listener, addr)| {
            server.open_control(listener);
            addr
        });
        Ok(GatewayHandle { server, addr, control_addr })
    }
}

/// Builds a [`GatewayConfig`] step by step.
#[derive(Debug, Clone)]
pub struct GatewayBuilder {
    config: GatewayConfig,
    default_account: bool,
}

impl GatewayBuilder {
    /// Adds an account with one million US dollars. The first account added replaces the default one.
    #[must_use]
    pub fn account(self, id: &str) -> Self {
        self.account_config(AccountConfig::usd(id, Decimal::from(1_000_000)))
    }

    /// Adds an account with balances of its own.
    #[must_use]
    pub fn account_config(mut self, account: AccountConfig) -> Self {
        if std::mem::take(&mut self.default_account) {
            self.config.accounts.clear();
        }
        self.config.accounts.push(account);
        self
    }

    /// Adds an instrument, in place of the one with the same contract id if there is one.
    #[must_use]
    pub fn instrument(mut self, instrument: Instrument) -> Self {
        self.config.instruments.retain(|other| other.con_id != instrument.con_id);
        self.config.instruments.push(instrument);
        self
    }

    /// Seed of the price walk.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Prices move only when set through the handle.
    #[must_use]
    pub fn fixed_prices(mut self) -> Self {
        self.config.walk_every = None;
        self
    }

    /// Prices take a step this often.
    #[must_use]
    pub fn walk_every(mut self, every: Duration) -> Self {
        self.config.walk_every = Some(every);
        self
    }

    /// Prices of a symbol by a script instead of a walk.
    #[must_use]
    pub fn prices(mut self, symbol: &str, path: PricePath) -> Self {
        self.config.prices.insert(symbol.to_owned(), path);
        self
    }

    /// A book behind the touch of every instrument that has none of its own. Large orders go through its levels.
    #[must_use]
    pub fn depth(mut self, depth: Depth) -> Self {
        self.config.depth = Some(depth);
        self
    }

    /// Messages take their time, each way as its distribution has it, and stay in order.
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.config.latency = latency;
        self
    }

    /// Arms a fault from the start.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.config.faults.push(fault);
        self
    }

    /// Writes every frame and every decision to this file, in words, as JSON Lines. An older file is overwritten.
    #[must_use]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.record = Some(path.into());
        self
    }

    /// Keeps the broker's books in this file. A gateway that is started with it again, and otherwise as before, goes on
    /// from there, whatever ended the first; only connections, parked orders and faults are lost.
    #[must_use]
    pub fn books(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.books = Some(path.into());
        self
    }

    /// What positions of a listed symbol tie up, in place of the usual of its kind.
    #[must_use]
    pub fn margin(mut self, symbol: &str, rule: MarginRule) -> Self {
        let is_it = |it: &&mut Instrument| it.symbol == symbol || it.local_symbol == symbol;
        for instrument in self.config.instruments.iter_mut().filter(is_it) {
            instrument.margin = rule;
        }
        self
    }

    /// Trading hours of a listed symbol, which is open all the time without them.
    #[must_use]
    pub fn calendar(mut self, symbol: &str, calendar: Calendar) -> Self {
        let calendar = Arc::new(calendar);
        let is_it = |it: &&mut Instrument| it.symbol == symbol || it.local_symbol == symbol;
        for instrument in self.config.instruments.iter_mut().filter(is_it) {
            instrument.calendar = Some(Arc::clone(&calendar));
        }
        self
    }

    /// Starts as a scenario says, and plays its script. What is said after this takes its place, accounts included.
    #[must_use]
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        scenario.apply(&mut self.config);
        self
    }

    /// Opens a control port at this loopback address, such as `127.0.0.1:0` for any free port.
    #[must_use]
    pub fn control(mut self, address: &str) -> Self {
        self.config.control = Some(address.to_owned());
        self
    }

    /// Where the time comes from: the machine by default; [`Clock::STILL`] stands still until it is advanced.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.config.clock = clock;
        self
    }

    /// Address to listen on.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.config.listen);
        self
    }

    /// Newest server version offered.
    #[must_use]
    pub fn server_version(mut self, version: i32) -> Self {
        self.config.server_version = version;
        self
    }

    /// Anything the other methods do not cover.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// The configuration built so far.
    pub fn config(&self) -> &GatewayConfig {
        &self.config
    }

    /// Starts the gateway.
    pub async fn start(self) -> Result<GatewayHandle, GatewayError> {
        Gateway::start(self.config).await
    }
}

/// A running gateway. Dropping it ends it without waiting; [`stop`](Self::stop) waits.
#[derive(Debug)]
pub struct GatewayHandle {
    server: Arc<Server>,
    addr: SocketAddr,
    control_addr: Option<SocketAddr>,
}

impl GatewayHandle {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of the control port, if there is one.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control_addr
    }

    /// Does what a request of the control port or a step of a scenario can say.
    ///
    /// # Errors
    /// What the action names is not there, or cannot be done to it. Nothing has happened then.
    pub fn act(&self, action: &Action) -> Result<(), ActionError> {
        let cause = Cause::Control(format!("{action:?}"));
        self.server.with(|desk, now| desk.act(now, action, (cause, &Subject::default())))
    }

    /// The venue's time, in nanoseconds since the Unix epoch.
    pub fn now(&self) -> UtcNs {
        self.server.clock().0
    }

    /// Sets a one-tick market around `price` (the bid) with the instrument's usual size. The price stays until
    /// it is set again or released. `symbol` is a symbol or local symbol; false when there is none.
    pub fn set_price(&self, symbol: &str, price: Decimal) -> bool {
        self.server.with(|desk, now| {
            let Some(con_id) = desk.con_id_of(symbol) else { return false };
            let Some(instrument) = desk.instrument(con_id) else { return false };
            let quote = Quote::new(price, price + instrument.increment_at(price), instrument.display_size);
            desk.control(now, VenueInput::SetQuote { con_id, quote });
            true
        })
    }

    /// Sets the whole market of an instrument.
    pub fn set_quote(&self, con_id: ConId, quote: Quote) {
        self.control(VenueInput::SetQuote { con_id, quote });
    }

    /// The market of an instrument.
    pub fn quote(&self, con_id: ConId) -> Option<Quote> {
        self.server.with(|desk, _| desk.quote(con_id))
    }

    /// The best levels of an instrument's book, so many at most: bids, then asks.
    pub fn levels(&self, con_id: ConId, rows: usize) -> Option<[Vec<Level>; 2]> {
        self.server.with(|desk, _| desk.levels(con_id, rows))
    }

    /// Rejects new orders of an instrument (201) with a reason, or accepts them again.
    pub fn set_reject(&self, con_id: ConId, reason: Option<&str>) {
        self.control(VenueInput::SetReject { con_id, reason: reason.map(str::to_owned) });
    }

    /// Places an order by hand, as a person at the screen would.
    pub fn place_manual(&self, spec: OrderSpec) {
        self.control(VenueInput::PlaceManual { spec });
    }

    /// Hands any input to the venue.
    pub fn control(&self, input: VenueInput) {
        self.server.with(|desk, now| desk.control(now, input));
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        self.server.with(|desk, now| desk.inject(now, fault));
    }

    /// Disarms every fault and ends a silence; what a mute gateway received is acted on now.
    pub fn clear_faults(&self) {
        self.server.with(|desk, now| desk.clear_faults(now));
    }

    /// Cuts every connection.
    pub fn disconnect_all(&self) {
        self.server.with(|desk, _| desk.disconnect_all());
    }

    /// Puts the gateway's clock forward, so that day ends and expiries can be met without waiting. With
    /// [`Clock::Manual`] everything that falls due on the way happens at its own instant; with the machine's clock
    /// the time between is jumped over.
    pub fn advance_clock(&self, by: Duration) {
        self.server.advance(nanoseconds(by));
    }

    /// Sessions in business.
    pub fn connections(&self) -> usize {
        self.server.with(|desk, _| desk.session_count())
    }

    /// What the gateway has seen since it started.
    pub fn counters(&self) -> Counters {
        self.server.with(|desk, _| desk.counters())
    }

    /// What faults, the script and the control port decided, oldest first; of the oldest only a count is kept.
    pub fn decisions(&self) -> Vec<Decision> {
        self.server.with(|desk, _| desk.decisions().iter().cloned().collect())
    }

    /// What the venue knows, whatever any client was told.
    pub fn truth(&self) -> Truth {
        self.server.with(|desk, _| desk.truth())
    }

    /// Why the record is not complete, if it is not: the disk is full, for example.
    pub fn record_problem(&self) -> Option<String> {
        self.server.record_problem()
    }

    /// Waits until the gateway ends by itself, as it does when its books cannot be written. Why.
    pub async fn ended(&self) -> String {
        self.server.ended().await
    }

    /// Closes every connection and the listener, and waits until all is ended. Says why the record or the books are not
    /// complete, if they are not.
    pub async fn stop(self) -> Option<String> {
        self.server.stop().await;
        self.server.books_problem().or_else(|| self.record_problem())
    }
}

impl Drop for GatewayHandle {
    fn drop(&mut self) {
        self.server.cancel();
    }
}

fn no_books(path: PathBuf, error: &BooksError) -> GatewayError {
    GatewayError::Books { path, what: error.to_string() }
}

fn record_to(path: &Path) -> Result<Recorder, GatewayError> {
    Recorder::create(path).map_err(|source| GatewayError::Record { path: path.to_owned(), source })
}

fn check(config: &GatewayConfig) -> Result<(), GatewayError> {
    let problem = |what: String| Err(GatewayError::Config { what });
    if config.accounts.is_empty() {
        return problem("no account; a gateway serves at least one".to_owned());
    }
    if !(OLDEST_SERVER_VERSION..=NEWEST_SERVER_VERSION).contains(&config.server_version) {
        return problem(format!(
            "server version {} is not between {OLDEST_SERVER_VERSION} and {NEWEST_SERVER_VERSION}",
            config.server_version
        ));
    }
    let bad_grid =
        |it: &&Instrument| it.ticks.is_empty() || it.ticks.iter().any(|s| s.increment <= Decimal::ZERO);
    if let Some(instrument) = config.instruments.iter().find(bad_grid) {
        return problem(format!("instrument {} has no tick grid", instrument.symbol));
    }
    if let Some(missing) = missing_rate(&config.accounts, &config.instruments) {
        return problem(missing.to_string());
    }
    if let Some(symbol) = config.prices.keys().find(|symbol| config.scripted(symbol).is_none()) {
        let known: Vec<&str> = config.instruments.iter().map(|it| it.local_symbol.as_str()).collect();
        return problem(format!("prices for {symbol}, which is not listed; listed are {}", known.join(", ")));
    }
    if config.walk_every.is_some_and(|every| every < Duration::from_millis(1)) {
        return problem("prices cannot walk faster than once a millisecond".to_owned());
    }
    Ok(())
}
