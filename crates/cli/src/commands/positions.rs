//! `alphec-exec positions`.

use alphec_execution::model::Position;
use serde_json::json;

use super::Common;
use super::offline;
use super::one_shot::{OneShot, Patience};
use crate::exit::Exit;
use crate::render;

/// Options of `positions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Read the journal only: no connection, and beside a running engine.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Shows every position that is not flat, and every one that differs from the broker's.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let positions =
        if args.offline { offline::positions(common)? } else { ask(common, &args.patience).await? };
    if common.json {
        render::json(&json!({ "positions": positions }))?;
    } else {
        render::text(&render::position_table(common.colour(), &positions))?;
    }
    Ok(Exit::Done)
}

async fn ask(common: &Common, patience: &Patience) -> anyhow::Result<Vec<Position>> {
    let one_shot = OneShot::start(common, patience).await?;
    let positions = one_shot.client.positions().await;
    one_shot.stop().await;
    Ok(positions?)
}
