//! `alphec-exec config`: the configuration as it is in force, whether it can be used, and one that can.

mod show;

use serde_json::json;

use super::Common;
use crate::exit::Exit;
use crate::render;

/// A configuration that works, with every line explained.
const SAMPLE: &str = include_str!("sample.toml");

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show every setting in force. Secrets are references and are never looked up.
    Show(show::Args),
    /// Check that the configuration can be used; the exit code is 2 if not.
    Check,
    /// Print a configuration to begin with: `alphec-exec config sample > alphec-exec.toml`.
    Sample,
}

/// Does it.
pub(crate) fn run(common: &Common, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Show(args) => show::run(common, args),
        Command::Check => check(common),
        Command::Sample => sample(common),
    }
}

fn check(common: &Common) -> anyhow::Result<Exit> {
    let profile = common.load()?.profile;
    let mode = profile.mode.as_str();
    if common.json {
        render::json(&json!({ "ok": true, "profile": profile.name, "mode": mode }))?;
    } else {
        let (instruments, accounts) = (profile.instruments.len(), profile.accounts.len());
        render::text(&format!(
            "profile {}: ok, {mode}, {accounts} account(s), {instruments} instrument(s)",
            profile.name
        ))?;
    }
    Ok(Exit::Done)
}

fn sample(common: &Common) -> anyhow::Result<Exit> {
    if common.json {
        render::json(&json!({ "toml": SAMPLE }))?;
    } else {
        render::text(SAMPLE.trim_end())?;
    }
    Ok(Exit::Done)
}
