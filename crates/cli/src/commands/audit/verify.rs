//! `alphec-exec audit verify`: every record, the chain, the file below and the schema above.

use std::io::IsTerminal;

use alphec_journal::Report;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::commands::Common;
use crate::exit::Exit;
use crate::render::{self, Paint, Sheet};

/// Checks it.
pub(super) fn run(common: &Common) -> anyhow::Result<Exit> {
    let path = common.journal_path()?;
    let bar = bar(common)?;
    let verified = alphec_journal::verify(&path, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let report = verified?;
    if common.json {
        let mut document = json!(report);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("ok".to_owned(), json!(true));
        }
        render::json(&document)?;
    } else {
        render::text(&table(common, &report))?;
    }
    Ok(Exit::Done)
}

/// On a terminal only: a log file has no use for a moving bar.
fn bar(common: &Common) -> anyhow::Result<ProgressBar> {
    if common.json || !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style =
        ProgressStyle::with_template("verifying {bar:40} {human_pos} of {human_len} records, {eta} left")?;
    Ok(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style))
}

fn table(common: &Common, report: &Report) -> String {
    let mut sheet = Sheet::pairs(common.colour());
    let show = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    sheet.pair("journal", report.path.display().to_string(), Paint::Plain);
    sheet.pair("verdict", "verified: every record is as it was written", Paint::Good);
    sheet.pair("records", report.records.to_string(), Paint::Plain);
    sheet.pair("name", show(report.log_id.as_ref().map(ToString::to_string)), Paint::Plain);
    sheet.pair("first (utc)", show(report.first_at.map(render::short_time)), Paint::Plain);
    sheet.pair("last (utc)", show(report.last_at.map(render::short_time)), Paint::Plain);
    sheet.pair("head", format!("record {}", report.head.seq), Paint::Plain);
    sheet.pair("head hash", report.head.hash.to_string(), Paint::Plain);
    let (end, paint) = match report.tail_checked {
        true => ("compared with the note of the last write", Paint::Plain),
        false => ("no note of the last write to compare with: a lost end would not be noticed", Paint::Warn),
    };
    sheet.pair("end", end, paint);
    let advice = "\nKeep the head somewhere else: a later journal must contain that record with that hash.";
    format!("{}\n{advice}", sheet.finish())
}
