//! `alphec-exec audit export`: JSON Lines for an auditor's own tools.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use alphec_journal::Reader;
use anyhow::Context;
use serde_json::json;

use super::Picked;
use crate::commands::Common;
use crate::exit::{Exit, Failure};
use crate::render;

/// Options of `audit export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to create, or `-` for stdout. An existing file is not replaced.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    picked: Picked,
}

/// Writes it.
pub(super) fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let Args { to, picked } = args;
    let reader = Reader::open(common.journal_path()?)?;
    let filter = picked.filter();
    if to.as_os_str() == "-" {
        reader.export(&filter, &mut BufWriter::new(std::io::stdout().lock()))?;
        return Ok(Exit::Done);
    }
    let file = File::create_new(&to).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} exists already; choose another name, nothing is replaced",
            to.display()
        ))
        .into(),
        _ => anyhow::Error::new(error).context(format!("creating {}", to.display())),
    })?;
    let mut file = BufWriter::new(file);
    let exported = reader.export(&filter, &mut file)?;
    file.flush()
        .and_then(|()| file.get_ref().sync_all())
        .with_context(|| format!("writing {}", to.display()))?;
    if common.json {
        render::json(&json!({ "file": to, "records": exported.records, "head": exported.head }))?;
    } else {
        render::text(&format!(
            "{} records to {}, the last is {}",
            exported.records,
            to.display(),
            exported.head.seq
        ))?;
    }
    Ok(Exit::Done)
}
