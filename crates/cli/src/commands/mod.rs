//! What can be asked for: one file per command, and the options that all of them share.

mod audit;
mod config;
mod conformance;
mod demo;
mod doctor;
mod kill;
mod offline;
mod one_shot;
mod order;
mod positions;
mod reconcile;
mod scope;
mod sim;

use std::io::IsTerminal;
use std::path::PathBuf;

use alphec_execution::config::{Loaded, Overrides, Source};
use anyhow::Context;

use crate::exit::Exit;
use crate::logging::LogFormat;

/// Risk-checked, durable order execution through Interactive Brokers' TWS and IB Gateway.
///
/// Trades paper unless a live profile is armed. Try `alphec-exec demo` first: it needs no account.
#[derive(Debug, clap::Parser)]
#[command(name = "alphec-exec", version, after_help = Exit::HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Shared options")]
pub(crate) struct Common {
    /// Profile of the configuration; not needed when there is only one.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Journal file, instead of the profile's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Host of TWS or IB Gateway, instead of the profile's.
    #[arg(long, global = true)]
    pub(crate) host: Option<String>,
    /// Port of TWS or IB Gateway, instead of the profile's.
    #[arg(long, global = true)]
    pub(crate) port: Option<u16>,
    /// Client id, instead of the profile's; orders belong to the id that placed them.
    #[arg(long, global = true, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) client_id: Option<i32>,
    /// Print JSON on stdout: one document, or one a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log on stderr: off, error, warn, info, debug, trace, or directives such as `alphec_engine=debug`.
    /// Warnings unless given; nothing in a demo, which tells its story itself.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    /// How to log; JSON with --json, for people otherwise.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Arms a live profile that allows it: `ALPHEC-LIVE ACCOUNT UNTIL INSTANT`, at most 24 hours ahead.
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) arm: Option<String>,
}

impl Common {
    /// Whether stdout may be coloured.
    pub(crate) fn colour(&self) -> bool {
        !self.json && std::io::stdout().is_terminal() && crate::render::colour_is_welcome()
    }

    /// Whether the options speak of a gateway, so that none needs to be simulated.
    pub(crate) const fn names_a_gateway(&self) -> bool {
        self.profile.is_some() || self.config.is_some() || self.host.is_some() || self.port.is_some()
    }

    /// The profile asked for, checked.
    pub(crate) fn load(&self) -> anyhow::Result<Loaded> {
        Ok(alphec_execution::config::load(self.source())?)
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            path: self.config.clone(),
            profile: self.profile.clone(),
            overrides: Overrides {
                host: self.host.clone(),
                port: self.port,
                client_id: self.client_id,
                journal: self.journal.clone(),
            },
            ..Source::default()
        }
    }

    /// The journal asked for. Needs no configuration when it is named.
    pub(crate) fn journal_path(&self) -> anyhow::Result<PathBuf> {
        match &self.journal {
            Some(path) => Ok(path.clone()),
            None => Ok(self
                .load()
                .context("finding the journal (it can also be named with --journal)")?
                .profile
                .journal),
        }
    }
}

impl Cli {
    /// What is logged when nothing is asked for.
    pub(crate) const fn usual_log(&self) -> &'static str {
        match self.command {
            Command::Demo(_) => "off",
            Command::Sim(_) => "warn",
            // What alerts say is told as the outcome of the command, and the adapter says in our words what
            // ibapi says in its own.
            _ => "warn,alphec_execution::sinks=off,ibapi=off",
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Play a whole order life cycle, at a simulated gateway unless a profile is named.
    Demo(demo::Args),
    /// Run a simulated gateway that any TWS API client can trade against.
    Sim(sim::Args),
    /// Look where a gateway differs from the simulated one, with small orders on a paper account.
    ///
    /// Orders of one share, cancelled or closed at once. They go around the gate and the journal, so it refuses any
    /// login with a live account. Takes a minute or two; exits 0 when nothing differs.
    Conformance(conformance::Args),
    /// Submit, modify, cancel and look at orders.
    ///
    /// Each command starts an engine on the profile's journal, waits until the broker's books are read, does its
    /// work and stops. Stopping keeps every order: none is canceled that was not named. While another engine holds
    /// the journal these commands fail; `status` and `list` then work with --offline, and `cancel --all --global` with
    /// a --journal and a --client-id of its own.
    #[command(subcommand)]
    Order(order::Command),
    /// The kill switch: halt a scope, across restarts, cancel all of ours in it, and see that nothing works.
    ///
    /// Exits 0 only when the broker's complete lists prove it; otherwise the halt stands all the same and the next
    /// engine on the journal goes on. Orders of others are `order cancel --all --global`'s.
    Kill(kill::Args),
    /// Allow orders again in a scope that was halted or killed, once the broker's books agree.
    Resume(kill::Args),
    /// Look at what differs from the broker, and settle what only a person can.
    #[command(subcommand)]
    Reconcile(reconcile::Command),
    /// Show positions.
    Positions(positions::Args),
    /// Read, check and export the journal.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check everything that trading needs, with a remedy for each fault.
    Doctor(doctor::Args),
    /// Show, check and explain the configuration.
    #[command(subcommand)]
    Config(config::Command),
}

/// Does what was asked.
pub(crate) async fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { common, command } = cli;
    match command {
        Command::Demo(args) => demo::run(&common, args).await,
        Command::Sim(args) => sim::run(&common, args).await,
        Command::Conformance(args) => conformance::run(&common, args).await,
        Command::Order(command) => order::run(&common, command).await,
        Command::Kill(args) => kill::kill(&common, args).await,
        Command::Resume(args) => kill::resume(&common, args).await,
        Command::Reconcile(command) => reconcile::run(&common, command).await,
        Command::Positions(args) => positions::run(&common, args).await,
        Command::Audit(command) => audit::run(&common, command),
        Command::Doctor(args) => doctor::run(&common, args).await,
        Command::Config(command) => config::run(&common, &command),
    }
}
