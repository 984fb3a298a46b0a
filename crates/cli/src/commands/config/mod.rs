//! `alphec-exec config`: the configuration as it is in force, whether it can be used, and one that can.

mod show;

use alphec_execution::Profile;
use alphec_execution::config::check_all;
use serde_json::json;

use super::Common;
use crate::exit::{Exit, Failure};
use crate::render;

/// A configuration that works, with every line explained.
const SAMPLE: &str = include_str!("sample.toml");

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show every setting in force. Secrets are references and are never looked up.
    Show(show::Args),
    /// Check that the configuration can be used: every profile of the file, or the one that --profile names. The
    /// exit code is 2 if one cannot.
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
    let profiles = match common.profile {
        Some(_) => vec![common.load()?.profile],
        None => all_profiles(common)?,
    };
    if common.json {
        let profiles =
            profiles.iter().map(|profile| json!({ "profile": profile.name, "mode": profile.mode.as_str() }));
        render::json(&json!({ "ok": true, "profiles": profiles.collect::<Vec<_>>() }))?;
        return Ok(Exit::Done);
    }
    for profile in &profiles {
        let (mode, instruments, accounts) =
            (profile.mode.as_str(), profile.instruments.len(), profile.accounts.len());
        render::text(&format!(
            "profile {}: ok, {mode}, {accounts} account(s), {instruments} instrument(s)",
            profile.name
        ))?;
    }
    Ok(Exit::Done)
}

/// Every profile, or what is wrong with each that cannot be used.
fn all_profiles(common: &Common) -> anyhow::Result<Vec<Profile>> {
    let (mut profiles, mut wrong) = (Vec::new(), Vec::new());
    for (name, checked) in check_all(common.source())? {
        match checked {
            Ok(profile) => profiles.push(profile),
            Err(error) => wrong.push(format!("profile {name}: {error}")),
        }
    }
    if wrong.is_empty() {
        return Ok(profiles);
    }
    Err(Failure::new(Exit::Usage, "configuration", wrong.join("\n       ")).into())
}

fn sample(common: &Common) -> anyhow::Result<Exit> {
    if common.json {
        render::json(&json!({ "toml": SAMPLE }))?;
    } else {
        render::text(SAMPLE.trim_end())?;
    }
    Ok(Exit::Done)
}
