//! `alphec-exec audit trail`: the story of one order.

use alphec_execution::model::ClientOrderId;
use alphec_journal::{Filter, Reader, Stored};

use crate::commands::Common;
use crate::exit::{Exit, Failure};
use crate::render;

/// Options of `audit trail`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which order.
    client_order_id: ClientOrderId,
}

/// Tells it.
pub(super) fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let path = common.journal_path()?;
    let reader = Reader::open(&path)?;
    let records: Vec<Stored> = reader.trail(&args.client_order_id)?.collect::<Result<_, _>>()?;
    if records.is_empty() {
        let message = format!(
            "no record of order {} in {}; check the id (see `order list --all --offline`), or the journal",
            args.client_order_id,
            path.display()
        );
        return Err(Failure::usage(message).into());
    }
    if common.json {
        let filter = Filter::default().client_order_id(args.client_order_id.clone());
        reader.export(&filter, &mut std::io::stdout().lock())?;
        return Ok(Exit::Done);
    }
    render::text(&render::record_table(common.colour(), &records, true))?;
    Ok(Exit::Done)
}
