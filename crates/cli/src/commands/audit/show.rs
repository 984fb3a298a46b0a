//! `alphec-exec audit show`.

use alphec_journal::{Reader, Stored};

use super::Picked;
use crate::commands::Common;
use crate::exit::Exit;
use crate::render;

/// Records shown as a table when nothing says how many.
const SHOWN: usize = 50;
/// Records that a table is made of at most: it is held in memory to be aligned.
const TABLE_MAX: usize = 100_000;

/// Options of `audit show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    picked: Picked,
    /// All records that the conditions let through, not only the last 50.
    #[arg(long, conflicts_with = "last")]
    all: bool,
}

/// Shows records.
pub(super) fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let Args { mut picked, all } = args;
    if picked.last.is_none() && !all {
        picked.last = Some(SHOWN);
    }
    let reader = Reader::open(common.journal_path()?)?;
    let filter = picked.filter();
    if common.json {
        reader.export(&filter, &mut std::io::stdout().lock())?;
        return Ok(Exit::Done);
    }
    let records: Vec<Stored> = reader.find(&filter)?.take(TABLE_MAX).collect::<Result<_, _>>()?;
    render::text(&render::record_table(common.colour(), &records, false))?;
    if records.len() == TABLE_MAX {
        render::error(&format!(
            "only the first {TABLE_MAX} records are shown; narrow it down, or use audit export"
        ));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}
