//! `alphec-exec audit`: reads the journal, also while an engine writes it. Changes no record.

mod export;
mod salvage;
mod show;
mod trail;
mod verify;

use alphec_execution::model::{ClientOrderId, CorrelationId, UtcNanos};
use alphec_journal::Filter;

use super::Common;
use crate::exit::Exit;

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show records, the last ones unless asked otherwise.
    Show(show::Args),
    /// Tell the story of one order, from the intent to its end.
    Trail(trail::Args),
    /// Check every record, the hash chain and the file; the exit code is 1 if anything is wrong.
    Verify,
    /// Write records as JSON Lines, payloads byte for byte as they are hashed.
    Export(export::Args),
    /// Keep what is intact of a journal that cannot be trusted: shows it, and with --yes does it.
    ///
    /// Every record up to the first bad one goes into a new journal in the same place; the damaged one is kept beside
    /// it. Trading is halted then until `resume`, which needs books that agree.
    Salvage(salvage::Args),
}

/// Does it.
pub(crate) fn run(common: &Common, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Show(args) => show::run(common, args),
        Command::Trail(args) => trail::run(common, &args),
        Command::Verify => verify::run(common),
        Command::Export(args) => export::run(common, args),
        Command::Salvage(args) => salvage::run(common, &args),
    }
}

/// Which records; all conditions must hold.
#[derive(Debug, clap::Args)]
pub(crate) struct Picked {
    /// Only the last N of those that the other conditions let through.
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Recorded at this instant or later, such as 2026-11-23T14:30:00Z.
    #[arg(long, value_name = "INSTANT")]
    since: Option<UtcNanos>,
    /// Recorded before this instant.
    #[arg(long, value_name = "INSTANT")]
    until: Option<UtcNanos>,
    /// Of this kind, such as `filled`; repeat for more.
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Of this order.
    #[arg(long, value_name = "CLIENT_ORDER_ID")]
    order: Option<ClientOrderId>,
    /// Of this piece of work.
    #[arg(long, value_name = "CORRELATION_ID")]
    correlation: Option<CorrelationId>,
}

impl Picked {
    fn filter(self) -> Filter {
        let Self { last, since, until, kinds, order, correlation } = self;
        let filter = kinds.into_iter().fold(Filter::default(), Filter::kind);
        let filter = since.into_iter().fold(filter, Filter::since);
        let filter = until.into_iter().fold(filter, Filter::until);
        let filter = order.into_iter().fold(filter, Filter::client_order_id);
        let filter = correlation.into_iter().fold(filter, Filter::correlation_id);
        last.into_iter().fold(filter, Filter::last)
    }
}
