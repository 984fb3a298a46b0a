//! The command line `alphec-exec`: parse, call, render. It takes no trading decision.
//!
//! Stdout carries what was asked for (tables, or JSON with `--json`), stderr carries logs and
//! errors, and the exit code says how it went: see [`exit::Exit`].
#![forbid(unsafe_code)]

mod commands;
mod exit;
mod logging;
mod render;
mod signals;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::commands::Cli;
use crate::exit::{Exit, Failure};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        render::error(&format!("a defect, please report it: {panic}; orders at the broker stay as they are"));
    }));
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &args).into(),
    };
    let json = cli.common.json;
    run(cli).unwrap_or_else(|error| report(&error, json)).into()
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    logging::install(&cli)?;
    // An error means that another provider is there already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    // The engine has a thread of its own; what is left here is waiting.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        signals::outlive_file_limit()?;
        commands::dispatch(cli).await
    })
}

/// A command line that cannot be understood, or a question for help.
fn usage(error: &clap::Error, args: &[OsString]) -> Exit {
    // Nothing sensible is left to do when even this cannot be written.
    drop(error.print());
    if !error.use_stderr() {
        return Exit::Done;
    }
    if args.iter().any(|arg| arg == "--json") {
        let text = error.to_string();
        // Up to the blank line before the usage.
        let said = text.trim_start_matches("error: ").lines().take_while(|line| !line.is_empty());
        let message = said.map(str::trim).collect::<Vec<_>>().join(" ");
        render::failure(&Failure { exit: Exit::Usage, kind: "usage", message, order: None });
    }
    Exit::Usage
}

fn report(error: &anyhow::Error, json: bool) -> Exit {
    // The reader of our output has left, as `head` does: that is no failure of ours.
    if error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(is_broken_pipe) {
        return Exit::Done;
    }
    let failure = Failure::of(error);
    render::error(&failure.message);
    if json {
        render::failure(&failure);
    }
    failure.exit
}

fn is_broken_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}
