//! `alphec-exec order list`.

use alphec_execution::model::Order;
use serde_json::json;

use super::doubt::settle;
use crate::commands::Common;
use crate::commands::offline;
use crate::commands::one_shot::{OneShot, Patience};
use crate::exit::Exit;
use crate::render::{self, OrderDocument};

/// Options of `order list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Orders that can still change; this is the default.
    #[arg(long, conflicts_with = "all")]
    open: bool,
    /// Every order of the journal, ended ones too.
    #[arg(long)]
    all: bool,
    /// Read the journal only: no connection, and beside a running engine.
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Lists them, oldest first.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let Args { open: _, all, offline, patience } = args;
    let orders = if offline { offline::orders(common)? } else { ask(common, &patience).await? };
    let orders: Vec<Order> = orders.into_iter().filter(|order| all || !order.state.is_terminal()).collect();
    if common.json {
        let documents: Vec<OrderDocument<'_>> = orders.iter().map(OrderDocument::new).collect();
        render::json(&json!({ "orders": documents }))?;
    } else {
        render::text(&render::order_table(common.colour(), &orders))?;
    }
    Ok(Exit::Done)
}

async fn ask(common: &Common, patience: &Patience) -> anyhow::Result<Vec<Order>> {
    let one_shot = OneShot::start(common, patience).await?;
    let orders = settled(&one_shot, patience).await;
    one_shot.stop().await;
    orders
}

async fn settled(one_shot: &OneShot, patience: &Patience) -> anyhow::Result<Vec<Order>> {
    settle(one_shot, &one_shot.client.all_orders().await?, patience.timeout()).await?;
    Ok(one_shot.client.all_orders().await?)
}
