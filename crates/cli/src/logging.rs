//! Logs go to stderr, for people or as JSON. No secret ever enters them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::commands::Cli;
use crate::exit::Failure;

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people.
    Human,
    /// One JSON document a line.
    Json,
}

/// Sends the logs of this process, and those of libraries that use `log`, to stderr.
pub(crate) fn install(cli: &Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    let wanted = common.log.as_deref().unwrap_or_else(|| cli.usual_log());
    let refuse = |error| {
        Failure::usage(format!("--log {wanted}: {error}; use off, error, warn, info, debug or trace"))
    };
    let filter = EnvFilter::builder().parse(wanted).map_err(refuse)?;
    let format = common.log_format.unwrap_or(if common.json { LogFormat::Json } else { LogFormat::Human });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(std::io::stderr().is_terminal() && crate::render::colour_is_welcome())
        .with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("installing the log: {error}"))
}
