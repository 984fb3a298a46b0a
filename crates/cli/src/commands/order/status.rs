//! `alphec-exec order status`.

use alphec_execution::model::record::Fill;
use alphec_execution::model::{ClientOrderId, Order};
use serde_json::json;

use super::doubt::settle;
use crate::commands::Common;
use crate::commands::offline;
use crate::commands::one_shot::{OneShot, Patience};
use crate::exit::Exit;
use crate::render::{self, OrderDocument};

/// Options of `order status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which order.
    client_order_id: ClientOrderId,
    /// Read the journal only: no connection, and beside a running engine.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Shows it. The exit code says whether it could be shown, not how it stands.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let (order, fills) = if args.offline {
        offline::order(common, &args.client_order_id)?
    } else {
        let one_shot = OneShot::start(common, &args.patience).await?;
        let found = ask(&one_shot, &args.client_order_id, &args.patience).await;
        one_shot.stop().await;
        found?
    };
    if common.json {
        render::json(&json!({ "order": OrderDocument::new(&order), "fills": fills }))?;
    } else {
        render::text(&render::order_details(common.colour(), &order, &fills))?;
    }
    Ok(Exit::Done)
}

async fn ask(
    one_shot: &OneShot,
    id: &ClientOrderId,
    patience: &Patience,
) -> anyhow::Result<(Order, Vec<Fill>)> {
    settle(one_shot, &[one_shot.client.get_order_status(id).await?], patience.timeout()).await?;
    let order = one_shot.client.get_order_status(id).await?;
    Ok((order, one_shot.client.fills(id).await?))
}
