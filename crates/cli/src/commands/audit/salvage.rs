//! `alphec-exec audit salvage`: the way out of a journal that cannot be trusted.

use alphec_execution::model::ApiClientId;
use alphec_execution::{Clock, SystemClock, salvage_journal};
use alphec_journal::{Salvaged, Survey, survey, unfinished};
use serde_json::json;

use crate::commands::Common;
use crate::exit::{Exit, Failure};
use crate::render::{self, Paint, Sheet};

/// Options of `audit salvage`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Does it: the damaged journal is kept beside the new one, and trading is halted until `resume`. Without it,
    /// only what would be kept is shown.
    #[arg(long, requires = "reason")]
    yes: bool,
    /// Why; it is on record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who; it is on record.
    #[arg(long, value_name = "NAME", default_value = "operator")]
    by: String,
}

/// Shows what can be kept, or keeps it.
pub(super) fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let path = common.journal_path()?;
    let reason = args.reason.as_deref().filter(|_| args.yes);
    let now = SystemClock::new().now();
    let salvage = |reason| salvage_journal(&path, client_id(common), now, &args.by, reason);
    if let Some(ready) = unfinished(&path)? {
        return match reason {
            Some(reason) => tell(common, &salvage(reason)?, None),
            None => show_unfinished(common, &ready),
        };
    }
    let found = survey(&path)?;
    let Some(flaw) = &found.flaw else {
        let text = format!("{} is as it was written; there is nothing to salvage", path.display());
        return Err(Failure::usage(text).into());
    };
    match reason {
        Some(reason) => tell(common, &salvage(reason)?, Some(&found)),
        None => show(common, &found, &flaw.to_string()),
    }
}

/// Whose the journal is where no record of it says so: it may be asked for by its name, without a profile.
fn client_id(common: &Common) -> Option<ApiClientId> {
    let named = common.client_id.map(ApiClientId::new);
    named.or_else(|| common.load().ok().map(|loaded| loaded.profile.client_id))
}

/// What was done, and what is to be done now. What an interrupted salvage had found is on record only.
fn tell(common: &Common, done: &Salvaged, found: Option<&Survey>) -> anyhow::Result<Exit> {
    let found = found.filter(|_| !done.was_interrupted);
    if common.json {
        let mut said = json!({
            "salvaged": true, "interrupted": done.was_interrupted, "damaged": done.damaged, "head": done.head,
        });
        if let Some(found) = found {
            said["kept"] = json!(found.kept.seq);
            said["first_bad"] = json!(found.first_bad());
            said["known"] = json!(found.known);
        }
        render::json(&said)?;
        return Ok(Exit::Done);
    }
    let what = match found {
        Some(found) => format!("records 1 to {} are kept", found.kept.seq),
        None => format!(
            "a salvage that had been interrupted is finished: the journal ends at record {}, and says what is lost \
             (alphec-exec audit show)",
            done.head.seq
        ),
    };
    render::text(&format!(
        "{what}; the damaged journal is at {}\n\n\
         Trading is halted. Now compare with the broker's books, and go on when they agree:\n  \
         alphec-exec reconcile show     (a lost order of ours appears as one of others, and only TWS or a global \
         cancel can cancel it)\n  \
         alphec-exec resume --all --reason TEXT",
        done.damaged.display()
    ))?;
    Ok(Exit::Done)
}

fn show_unfinished(common: &Common, ready: &Salvaged) -> anyhow::Result<Exit> {
    if common.json {
        render::json(&json!({
            "salvaged": false, "interrupted": true, "damaged": ready.damaged, "head": ready.head,
        }))?;
        return Ok(Exit::Done);
    }
    render::text(&format!(
        "a salvage was interrupted: the journal that it made ends at record {} and is not in its place yet, the \
         damaged one is kept at {}\n\naudit salvage --yes --reason TEXT finishes it.",
        ready.head.seq,
        ready.damaged.display()
    ))?;
    Ok(Exit::Done)
}

fn show(common: &Common, found: &Survey, flaw: &str) -> anyhow::Result<Exit> {
    if common.json {
        render::json(&json!({
            "salvaged": false, "interrupted": false, "kept": found.kept.seq, "first_bad": found.first_bad(),
            "known": found.known, "flaw": flaw,
        }))?;
        return Ok(Exit::Done);
    }
    let mut sheet = Sheet::pairs(common.colour());
    sheet.pair("first bad record", found.first_bad().to_string(), Paint::Bad);
    sheet.pair("what is wrong", flaw.to_owned(), Paint::Plain);
    sheet.pair("would be kept", format!("records 1 to {}", found.kept.seq), Paint::Good);
    let lost = match found.known > found.kept.seq {
        true => format!("records {} to {} at least", found.first_bad(), found.known),
        false => "no record that is known of".to_owned(),
    };
    sheet.pair("would be lost", lost, Paint::Warn);
    render::text(&format!(
        "{}\n\nA good copy with these records is better. Without one: audit salvage --yes --reason TEXT keeps the damaged \
         journal and halts trading until it is compared with the broker's books.",
        sheet.finish()
    ))?;
    Ok(Exit::Done)
}
