//! `alphec-exec reconcile`: what differs from the broker, and what an operator says about it.

use alphec_execution::Halt;
use alphec_execution::model::{
    AccountId, CancelScope, ClientOrderId, ForeignOrder, InstrumentId, Order, OrderState, Position,
};
use serde_json::json;

use super::Common;
use super::one_shot::{OneShot, Patience};
use super::scope::Act;
use crate::exit::Exit;
use crate::render::{self, OrderDocument};

/// What to do about differences.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show halts, breaks, orders in doubt and open orders of others.
    Show {
        #[command(flatten)]
        patience: Patience,
    },
    /// Accept the broker's position in a break: ours was wrong, no fill is invented, the instrument thaws.
    Accept {
        /// Of which instrument.
        instrument: InstrumentId,
        /// Of which account.
        #[arg(long)]
        account: AccountId,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        patience: Patience,
    },
    /// Declare an order in doubt to be over, by proof that the engine cannot see, such as a statement.
    Settle {
        /// Which order.
        client_order_id: ClientOrderId,
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        patience: Patience,
    },
}

/// Does it.
pub(super) async fn run(common: &Common, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Show { patience } => show(common, &patience).await,
        Command::Accept { instrument, account, act, patience } => {
            let one_shot = OneShot::start(common, &patience).await?;
            let done = one_shot.client.accept_position(&account, &instrument, &act.by, &act.reason).await;
            one_shot.stop().await;
            done?;
            told(
                common,
                "accepted",
                &format!("the broker's position of {account} in {instrument} is ours now"),
            )
        }
        Command::Settle { client_order_id, act, patience } => {
            let one_shot = OneShot::start(common, &patience).await?;
            let done = one_shot.client.settle_order(&client_order_id, &act.by, &act.reason).await;
            one_shot.stop().await;
            done?;
            told(
                common,
                "settled",
                &format!("order {client_order_id} counts as over; should it show up, it is canceled"),
            )
        }
    }
}

fn told(common: &Common, key: &str, text: &str) -> anyhow::Result<Exit> {
    if common.json {
        render::json(&json!({ key: true }))?;
    } else {
        render::text(text)?;
    }
    Ok(Exit::Done)
}

async fn show(common: &Common, patience: &Patience) -> anyhow::Result<Exit> {
    let one_shot = OneShot::start(common, patience).await?;
    let found = look(&one_shot).await;
    one_shot.stop().await;
    let Found { breaks, in_doubt, foreign, halts } = found?;
    if common.json {
        let in_doubt: Vec<OrderDocument<'_>> = in_doubt.iter().map(OrderDocument::new).collect();
        let halts: Vec<_> = halts.iter().map(halt_document).collect();
        render::json(&json!({ "breaks": breaks, "in_doubt": in_doubt, "foreign": foreign, "halts": halts }))?;
        return Ok(Exit::Done);
    }
    render::text(&format!("halts in force: {}", halts.len()))?;
    for (scope, halt) in &halts {
        let kill = match (halt.is_kill, halt.is_verified) {
            (false, _) => "",
            (true, false) => ", a kill that is not verified yet",
            (true, true) => ", a verified kill",
        };
        render::text(&format!("  {scope} since {}: {}{kill}", halt.since, halt.why))?;
    }
    render::text(&format!("breaks: {}", breaks.len()))?;
    if !breaks.is_empty() {
        render::text(&render::position_table(common.colour(), &breaks))?;
    }
    render::text(&format!("orders in doubt: {}", in_doubt.len()))?;
    if !in_doubt.is_empty() {
        render::text(&render::order_table(common.colour(), &in_doubt))?;
    }
    render::text(&format!("open orders of others: {}", foreign.len()))?;
    for ForeignOrder { key, account, instrument, side, leaves_qty, order_ref, .. } in &foreign {
        let order_ref = order_ref.as_deref().unwrap_or("-");
        render::text(&format!(
            "  {key}: {side} {leaves_qty} {instrument} in {account}, reference {order_ref}"
        ))?;
    }
    Ok(Exit::Done)
}

/// What keeps trading from being in order.
struct Found {
    breaks: Vec<Position>,
    in_doubt: Vec<Order>,
    foreign: Vec<ForeignOrder>,
    halts: Vec<(CancelScope, Halt)>,
}

fn halt_document((scope, halt): &(CancelScope, Halt)) -> serde_json::Value {
    let Halt { why, since, is_kill, is_verified } = halt;
    json!({ "scope": scope, "why": why, "since": since, "kill": is_kill, "verified": is_verified })
}

async fn look(one_shot: &OneShot) -> anyhow::Result<Found> {
    let mut breaks = one_shot.client.positions().await?;
    breaks.retain(|position| position.broken.is_some());
    let mut in_doubt = one_shot.client.open_orders().await?;
    in_doubt.retain(|order| order.state == OrderState::InDoubt);
    let (foreign, halts) = (one_shot.client.foreign_orders().await?, one_shot.client.halts().await?);
    Ok(Found { breaks, in_doubt, foreign, halts })
}
