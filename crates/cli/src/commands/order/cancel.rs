//! `alphec-exec order cancel`: one order, all of ours that a scope reaches, or everything of the login.

use std::time::Duration;

use alphec_execution::GlobalCancel;
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
    /// With --all: every open order of the broker's login, ALSO THOSE OF OTHER API CLIENTS AND THOSE
    /// ENTERED BY HAND. Needs --yes. Beside a running engine, or when its disk is full, give it a --journal and
    /// a --client-id of its own: both are made as needed.
    #[arg(long, requires = "all")]
    global: bool,
    /// Confirms --global.
    #[arg(long, requires = "global")]
    yes: bool,
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
    if args.global && !args.yes {
        return Err(Failure::usage(
            "--global cancels every open order of the broker's login, also those of other API clients and those \
             entered by hand; if that is meant, say it again with --yes",
        )
        .into());
    }
    let one_shot = OneShot::start_to_cancel(common, &args.patience).await?;
    let done = match &args.client_order_id {
        Some(id) => cancel(common, &one_shot, id, &args.patience).await,
        None if args.global => cancel_globally(common, &one_shot, &args.patience).await,
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
    one_shot.client.cancel_order(id).await?;
    let handle = one_shot.client.order(id).await?;
    one_shot.connected(patience.timeout()).await?;
    let order = watch(&handle, patience.timeout(), |order| order.state.is_terminal()).await?;
    super::conclude(common, &order, of_canceled(&order))
}

async fn cancel_all(common: &Common, one_shot: &OneShot, args: &Args) -> anyhow::Result<Exit> {
    let ids = one_shot.client.cancel_all(args.scope()).await?;
    one_shot.connected(args.patience.timeout()).await?;
    let orders = ends(one_shot, &ids, args.patience.timeout()).await?;
    if common.json {
        let documents: Vec<OrderDocument<'_>> = orders.iter().map(OrderDocument::new).collect();
        render::json(&json!({ "canceling": ids.len(), "orders": documents }))?;
    } else {
        render::text(&render::order_table(common.colour(), &orders))?;
    }
    conclude(&orders)
}

/// Orders of others are not ours to follow: what can be said of them is that the request was written.
async fn cancel_globally(common: &Common, one_shot: &OneShot, patience: &Patience) -> anyhow::Result<Exit> {
    one_shot.connected(patience.timeout()).await?;
    let before = one_shot.client.status().await?.journal_seq;
    let GlobalCancel { orders: ids, not_sent } =
        one_shot.client.global_cancel("alphec-exec", "order cancel --all --global").await?;
    let outcome = match not_sent {
        None => one_shot.global_cancel_outcome(before, patience.timeout()).await,
        Some(why) => Some(Err(why)),
    };
    let orders = ends(one_shot, &ids, patience.timeout()).await?;
    match outcome {
        Some(Ok(())) => {}
        Some(Err(why)) => {
            let message = format!(
                "the global cancel did not leave: {why}; orders of others stand as they did, and it is not sent later"
            );
            return Err(Failure::new(Exit::NotConnected, "not_connected", message).into());
        }
        None => {
            let message = "it was not heard of whether the global cancel left: orders of others may have ended; look at \
                           them in TWS, and run it again if they stand";
            return Err(Failure::new(Exit::InDoubt, "global_cancel_in_doubt", message.to_owned()).into());
        }
    }
    if common.json {
        let documents: Vec<OrderDocument<'_>> = orders.iter().map(OrderDocument::new).collect();
        render::json(&json!({ "global": true, "canceling": ids.len(), "orders": documents }))?;
    } else {
        render::text("global cancel written: every open order of the login is asked to end; ours are")?;
        render::text(&render::order_table(common.colour(), &orders))?;
    }
    conclude(&orders)
}

/// How these orders stand once all have ended, or the time is up.
async fn ends(one_shot: &OneShot, ids: &[ClientOrderId], patience: Duration) -> anyhow::Result<Vec<Order>> {
    let deadline = Instant::now() + patience;
    let mut orders = Vec::with_capacity(ids.len());
    for id in ids {
        let handle = one_shot.client.order(id).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        orders.push(watch(&handle, left, |order| order.state.is_terminal()).await?);
    }
    Ok(orders)
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
