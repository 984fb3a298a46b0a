//! `alphec-exec order`: submit, modify, cancel, and look at orders.

mod cancel;
mod doubt;
mod list;
mod modify;
mod status;
mod submit;
mod watch;

use alphec_execution::model::Order;
use serde_json::json;

use super::Common;
use crate::exit::{Exit, Failure};
use crate::render::{self, OrderDocument};

/// What to do with orders.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Submit an order.
    Submit(submit::Args),
    /// Change a working order.
    Modify(modify::Args),
    /// Cancel one order, or many.
    Cancel(cancel::Args),
    /// Show one order with its fills. One in doubt is waited for until that is settled, or the time is up.
    Status(status::Args),
    /// List orders. Those in doubt are waited for until that is settled, or the time is up.
    List(list::Args),
}

/// Does it.
pub(crate) async fn run(common: &Common, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Submit(args) => submit::run(common, args).await,
        Command::Modify(args) => modify::run(common, args).await,
        Command::Cancel(args) => cancel::run(common, args).await,
        Command::Status(args) => status::run(common, args).await,
        Command::List(args) => list::run(common, args).await,
    }
}

/// Shows how an order stands, and ends as `verdict` says. A failure's JSON holds the order already.
fn conclude(common: &Common, order: &Order, verdict: Result<(), Failure>) -> anyhow::Result<Exit> {
    if !common.json {
        render::text(&render::order_details(common.colour(), order, &[]))?;
    } else if verdict.is_ok() {
        render::json(&json!({ "order": OrderDocument::new(order) }))?;
    }
    verdict?;
    Ok(Exit::Done)
}
