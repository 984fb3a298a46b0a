//! `torture`: the real program and its gateway killed with SIGKILL, at named points and at random, and three books
//! compared after it (docs/torture.md).
//!
//! The harness is a test of the command line (`crates/cli/tests/torture`), where it runs for a quarter of a minute with every
//! change. Here it runs for as long as wanted.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::command::cargo;
use crate::step::{Context, Outcome, Step};

pub(crate) const STEP: Step = Step {
    name: "torture",
    about: "kill -9 of the real program and its gateway: --kills N, --seed S, --json",
    run: torture,
};

/// Kills of a change's CI run: about two and a half minutes of two cores, at 0.75 s for a kill with its restart and the
/// three books.
const KILLS: u64 = 200;
const SEED: u64 = 1;

fn torture(context: &Context) -> Result<Outcome> {
    let flags = &context.flags;
    let (kills, seed) = (flags.kills.unwrap_or(KILLS), flags.seed.unwrap_or(SEED));
    let report = std::env::temp_dir().join(format!("alphec-torture-{}.json", std::process::id()));
    let mut command = cargo(&context.root);
    command.args(["test", "--locked", "--quiet", "--package", "alphec-cli", "--test", "torture", "--"]);
    command.args(["--exact", "no_kill_loses_a_fill_doubles_an_order_or_hides_one", "--nocapture"]);
    command.env("ALPHEC_KILLS", kills.to_string()).env("ALPHEC_KILL_SEED", seed.to_string());
    command.env("ALPHEC_KILL_REPORT", &report);
    let document = run(command, flags.json, &report);
    drop(std::fs::remove_file(&report));
    let document =
        document.with_context(|| format!("again: cargo xtask torture --kills {kills} --seed {seed}"))?;
    if flags.json {
        println!("{document}");
    }
    Ok(Outcome::Passed(format!("{kills} kills, seed {seed}, no violation")))
}

fn run(mut command: Command, quiet: bool, report: &PathBuf) -> Result<Value> {
    if quiet {
        // Its table is for people; what it says on stderr is progress.
        command.stdout(Stdio::null());
    }
    let status = command.status().context("cargo did not start")?;
    ensure!(status.success(), "the torture found something, or did not run: {status}");
    let text = std::fs::read_to_string(report).context("it left no report")?;
    serde_json::from_str(&text).context("its report is no JSON")
}
