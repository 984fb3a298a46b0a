//! `alphec-exec order cancel`: one order, or all of ours that a scope reaches.

use alphec_execution::model::{AccountId, CancelScope, ClientOrderId, InstrumentId, Order, StrategyId};
use serde_json::json;
use tokio::time::Instant;

use super::watch::watch;
use crate::commands::Common;
use crate::commands::one_shot::{OneShot, Patience};
use crate::exit::{Exit, Failure, of_canceled};
use crate::render::{self, OrderDocument};

/// Options of `order cancel`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["client_order_id", "all", "account", "strategy", "instrument"])))]
pub(crate) struct Args {
    /// Which order.
    client_order_id: Option<ClientOrderId>,
    /// Every order of this journal.
    #[arg(long)]
    all: bool,
    /// Every order of this account.
    #[arg(long)]
    account: Option<AccountId>,
    /// Every order of this strategy.
    #[arg(long, value_name = "ID")]
    strategy: Option<StrategyId>,
    /// Every order in this instrument.
    #[arg(long, value_name = "NAME")]
    instrument: Option<InstrumentId>,
    #[command(flatten)]
    patience: Patience,
}

impl Args {
    fn scope(&self) -> CancelScope {
        // Clap lets exactly one of them through.
        if let Some(account) = &self.account {
            return CancelScope::Account { account: account.clone() };
        }
        if let Some(strategy_id) = &self.strategy {
            return CancelScope::Strategy { strategy_id: strategy_id.clone() };
        }
        match &self.instrument {
            Some(instrument) => CancelScope::Instrument { instrument: instrument.clone() },
            None => CancelScope::All,
        }
    }
}

/// Cancels, and waits for the broker's answers.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let one_shot = OneShot::start(common, &args.patience).await?;
    let done = match &args.client_order_id {
        Some(id) => cancel(common, &one_shot, id, &args.patience).await,
        None => cancel_all(common, &one_shot, &args).await,
    };
    one_shot.stop().await;
    done
}

async fn cancel(
    common: &Common,
    one_shot: &OneShot,
    id: &ClientOrderId,
    patience: &Patience,
) -> anyhow::Result<Exit> {
    let mut handle = one_shot.client.order(id).await?;
    one_shot.client.cancel_order(id).await?;
    let order = watch(&mut handle, patience.timeout(), |order| order.state.is_terminal()).await?;
    super::conclude(common, &order, of_canceled(&order))
}

async fn cancel_all(common: &Common, one_shot: &OneShot, args: &Args) -> anyhow::Result<Exit> {
    let ids = one_shot.client.cancel_all(args.scope()).await?;
    let deadline = Instant::now() + args.patience.timeout();
    let mut orders: Vec<Order> = Vec::with_capacity(ids.len());
    for id in &ids {
        let mut handle = one_shot.client.order(id).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        orders.push(watch(&mut handle, left, |order| order.state.is_terminal()).await?);
    }
    if common.json {
        let documents: Vec<OrderDocument<'_>> = orders.iter().map(OrderDocument::new).collect();
        render::json(&json!({ "canceling": ids.len(), "orders": documents }))?;
    } else {
        render::text(&render::order_table(common.colour(), &orders))?;
    }
    conclude(&orders)
}

/// The worst of them decides: doubt before a fill that came first.
fn conclude(orders: &[Order]) -> anyhow::Result<Exit> {
    let failures: Vec<Failure> = orders.iter().filter_map(|order| of_canceled(order).err()).collect();
    let worst = failures.iter().find(|failure| failure.exit == Exit::InDoubt).or(failures.first());
    match worst {
        None => Ok(Exit::Done),
        Some(worst) => {
            let texts: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
            render::error(&texts.join("\n       "));
            Ok(worst.exit)
        }
    }
}
