//! `alphec-exec order modify`: what is not named stays as it is.

use alphec_execution::Error;
use alphec_execution::model::{ClientOrderId, Order, OrderSpec, OrderState, OrderType, Price, Qty};

use super::submit::Life;
use super::watch::watch;
use crate::commands::Common;
use crate::commands::one_shot::{OneShot, Patience};
use crate::exit::{Exit, Failure, of_denial};

/// Options of `order modify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which order.
    client_order_id: ClientOrderId,
    /// New total size, fills included.
    #[arg(long)]
    qty: Option<Qty>,
    /// New limit price.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    limit: Option<Price>,
    /// New trigger price.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    stop: Option<Price>,
    #[command(flatten)]
    life: Life,
    #[command(flatten)]
    patience: Patience,
}

/// Changes it, and waits for the broker's answer.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let life = args.life.read()?;
    if args.qty.is_none() && args.limit.is_none() && args.stop.is_none() && life.is_none() {
        return Err(Failure::usage("nothing to change: give --qty, --limit, --stop or --tif").into());
    }
    let one_shot = OneShot::start_to_trade(common, &args.patience).await?;
    let done = modify(common, &one_shot, &args).await;
    one_shot.stop().await;
    done
}

async fn modify(common: &Common, one_shot: &OneShot, args: &Args) -> anyhow::Result<Exit> {
    let handle = one_shot.client.order(&args.client_order_id).await?;
    let order = handle.last();
    one_shot.inputs(&order.account, &order.instrument).await?;
    let wanted = changed(&order.spec, args)?;
    match one_shot.client.modify_order(&args.client_order_id, wanted.clone()).await {
        Ok(_) => {}
        Err(Error::Denied { order, reason }) => {
            let (exit, kind) = of_denial(&reason);
            let message = format!(
                "the change of order {} was denied: {reason}; it stands as it did",
                args.client_order_id
            );
            return super::conclude(common, &order, Err(Failure::new(exit, kind, message).about(&order)));
        }
        Err(error) => return Err(error.into()),
    }
    let answered = |order: &Order| order.pending.replace.is_none();
    let order = watch(&handle, args.patience.timeout(), answered).await?;
    super::conclude(common, &order, verdict(&order, &wanted))
}

fn verdict(order: &Order, wanted: &OrderSpec) -> Result<(), Failure> {
    let id = &order.client_order_id;
    let fail = |exit, kind, message: String| Err(Failure::new(exit, kind, message).about(order));
    let is_open = order.pending.replace.is_some() || order.state == OrderState::InDoubt;
    if order.spec == *wanted && !is_open {
        return Ok(());
    }
    let may_come_late = order.pending.given_up.iter().any(|replace| replace.spec == *wanted);
    if is_open || may_come_late {
        let message = format!(
            "the broker has not answered the change of order {id}; either terms may fill: see `order status {id}`"
        );
        return fail(Exit::InDoubt, "in_doubt", message);
    }
    if order.state.is_terminal() {
        return fail(Exit::Failed, "too_late", format!("order {id} ended {} before the change", order.state));
    }
    let message = format!(
        "the broker did not take over the change of order {id}, the old terms stand: see `audit trail {id}`"
    );
    fail(Exit::Rejected, "rejected", message)
}

/// The terms in force with what was named changed.
fn changed(spec: &OrderSpec, args: &Args) -> anyhow::Result<OrderSpec> {
    let no_price =
        |what: &str| Failure::usage(format!("a {} order has no {what} price to change", spec.order_type));
    let mut order_type = spec.order_type;
    if let Some(new) = args.limit {
        match &mut order_type {
            OrderType::Limit { limit_px } | OrderType::StopLimit { limit_px, .. } => *limit_px = new,
            _ => return Err(no_price("limit").into()),
        }
    }
    if let Some(new) = args.stop {
        match &mut order_type {
            OrderType::Stop { stop_px } | OrderType::StopLimit { stop_px, .. } => *stop_px = new,
            _ => return Err(no_price("stop").into()),
        }
    }
    let order_qty = args.qty.unwrap_or(spec.order_qty);
    let time_in_force = args.life.read()?.unwrap_or(spec.time_in_force);
    Ok(OrderSpec { side: spec.side, order_qty, order_type, time_in_force })
}
