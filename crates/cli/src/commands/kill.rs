//! `alphec-exec kill` and `resume`: stop everything in a scope and see it stopped; and the way back.

use serde_json::json;

use super::Common;
use super::one_shot::{OneShot, Patience};
use super::scope::{Act, ScopeArgs};
use crate::exit::{Exit, Failure};
use crate::render;

/// Options of `kill` and `resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    act: Act,
    #[command(flatten)]
    patience: Patience,
}

/// Halts, cancels, and waits for the proof. The halt is on record even where no gateway is reached, and the
/// next engine on the journal goes on canceling.
pub(super) async fn kill(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let one_shot = OneShot::start_at_once(common)?;
    let scope = args.scope.scope();
    let orders = one_shot.client.kill(scope.clone(), &args.act.by, &args.act.reason).await;
    let is_verified = one_shot.client.wait_killed(&scope, args.patience.timeout()).await;
    one_shot.stop().await;
    let (orders, is_verified) = (orders?, is_verified?);
    if common.json {
        render::json(&json!({ "scope": scope, "canceling": orders, "verified": is_verified }))?;
    } else if is_verified {
        render::text(&format!(
            "{scope} is halted, and the broker's complete lists show that nothing of ours works there any more"
        ))?;
    }
    if is_verified {
        return Ok(Exit::Done);
    }
    let message = format!(
        "{scope} is halted, but it is not proven that nothing works there: {} orders were to be canceled and the \
         broker's lists have not shown them gone; run it again, or any engine on this journal, and it goes on",
        orders.len()
    );
    Err(Failure::new(Exit::InDoubt, "kill_not_verified", message).into())
}

/// Allows orders again, on clean books only.
pub(super) async fn resume(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let one_shot = OneShot::start(common, &args.patience).await?;
    let scope = args.scope.scope();
    let done = one_shot.client.resume(scope.clone(), &args.act.by, &args.act.reason).await;
    one_shot.stop().await;
    done?;
    if common.json {
        render::json(&json!({ "scope": scope, "resumed": true }))?;
    } else {
        render::text(&format!("trading of {scope} is resumed"))?;
    }
    Ok(Exit::Done)
}
