//! `alphec-exec kill` and `resume`: stop everything in a scope and see it stopped; and the way back.

use std::path::Path;
use std::time::Duration;

use alphec_execution::model::{Body, CancelScope, Seq};
use alphec_execution::{StopAct, ask_beside, operator_file};
use alphec_journal::{Filter, Reader};
use anyhow::Context as _;
use serde_json::json;
use tokio::time::Instant;

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

/// Between two looks at what became of a request to another process.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Halts, cancels, and waits for the proof. The halt is on record even where no gateway is reached, and the
/// next engine on the journal goes on canceling. Where another process has the journal, that one does it.
pub(super) async fn kill(common: &Common, args: Args) -> anyhow::Result<Exit> {
    let one_shot = match OneShot::start_at_once(common) {
        Ok(one_shot) => one_shot,
        Err(error) if is_held(&error) => match beside(common, &args).await? {
            Some(one_shot) => one_shot,
            None => return Ok(Exit::Done),
        },
        Err(error) => return Err(error),
    };
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

fn is_held(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == "journal_held")
}

/// Asks the engine that holds the journal, and waits for its proof on the record. Gives an engine of our own when
/// that one lets go of the journal first.
async fn beside(common: &Common, args: &Args) -> anyhow::Result<Option<OneShot>> {
    let (journal, scope) = (common.load()?.profile.journal, args.scope.scope());
    let from = Reader::open(&journal)?.head()?.seq.next();
    let (by, reason) = (args.act.by.clone(), args.act.reason.clone());
    let request = ask_beside(&journal, &StopAct::Kill { scope: scope.clone(), by, reason })
        .with_context(|| format!("cannot leave a request at {}", operator_file(&journal).display()))?;
    let until = Instant::now() + args.patience.timeout();
    while Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        if is_verified(&journal, from, &scope)? {
            if common.json {
                render::json(&json!({ "scope": scope, "beside": true, "verified": true }))?;
            } else {
                render::text(&format!(
                    "the engine on this journal has halted {scope}, and the broker's complete lists show that \
                     nothing of ours works there any more"
                ))?;
            }
            return Ok(None);
        }
        match OneShot::start_at_once(common) {
            Ok(one_shot) => return Ok(Some(one_shot)),
            Err(error) if is_held(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let (exit, kind, message) = if request.exists() {
        let message = format!(
            "the process that holds the journal has not taken the request: it is no engine, or does not answer; end \
             it, and run this again. {} stays, and the next engine on the journal does it first",
            request.display()
        );
        (Exit::Failed, "kill_not_taken", message)
    } else {
        let message = format!(
            "the engine on this journal has halted {scope} and goes on canceling, but it is not proven yet that \
             nothing works there; look with `audit show`, or run this again"
        );
        (Exit::InDoubt, "kill_not_verified", message)
    };
    Err(Failure::new(exit, kind, message).into())
}

/// Whether the record says so since.
fn is_verified(journal: &Path, from: Seq, scope: &CancelScope) -> anyhow::Result<bool> {
    let reader = Reader::open(journal)?;
    for stored in reader.find(&Filter::default().from(from).kind("kill_verified"))? {
        if matches!(stored?.record.body, Body::KillVerified { scope: of } if of == *scope) {
            return Ok(true);
        }
    }
    Ok(false)
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
