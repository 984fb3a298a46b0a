//! `alphec-exec config show`.

use alphec_execution::config::Setting;
use serde_json::{Map, json};

use crate::commands::Common;
use crate::exit::Exit;
use crate::render::{self, Paint, Sheet};

/// Options of `config show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also where each setting came from: default, file and line, variable, option.
    #[arg(long)]
    origin: bool,
}

/// Shows the settings in force, as TOML would spell them.
pub(super) fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let loaded = common.load()?;
    if common.json {
        let settings: Map<String, serde_json::Value> = loaded
            .origins
            .iter()
            .map(|(key, Setting { value, origin })| {
                (key.clone(), json!({ "value": value, "origin": origin.to_string() }))
            })
            .collect();
        let (name, file) = (&loaded.profile.name, &loaded.path);
        render::json(&json!({ "profile": name, "file": file, "settings": settings }))?;
        return Ok(Exit::Done);
    }
    render::text(&format!("profile {} of {}\n", loaded.profile.name, loaded.path.display()))?;
    let mut sheet = Sheet::pairs(common.colour());
    for (key, Setting { value, origin }) in &loaded.origins {
        let mut row = vec![(key.clone(), Paint::Plain), (value.clone(), Paint::Active)];
        if args.origin {
            row.push((origin.to_string(), Paint::Faint));
        }
        sheet.row(row);
    }
    render::text(&sheet.finish())?;
    Ok(Exit::Done)
}
