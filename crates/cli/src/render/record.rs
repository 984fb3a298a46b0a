//! Records of the journal, a row each.

use alphec_execution::model::{Body, Provenance, Record, UtcNanos};
use alphec_journal::Stored;

use super::story::what_happened;
use super::table::{Paint, Sheet};

/// Records as a table; the order is left out where all are of one.
pub(crate) fn record_table(colour: bool, records: &[Stored], of_one_order: bool) -> String {
    if records.is_empty() {
        return "no records".to_owned();
    }
    let columns: &[&str] = if of_one_order {
        &[">seq", "time (utc)", "?from", "kind", "what"]
    } else {
        &[">seq", "time (utc)", "?from", "kind", "order", "what"]
    };
    let mut sheet = Sheet::new(colour, columns);
    let mut day = String::new();
    for stored in records {
        let record = &stored.record;
        let mut row = vec![
            (record.header.seq.to_string(), Paint::Faint),
            (short_time_after(&mut day, record.header.at), Paint::Faint),
            (whence(record).to_owned(), Paint::Faint),
            (record.body.kind().to_owned(), paint(&record.body)),
        ];
        if !of_one_order {
            let order = record.header.client_order_id.as_ref();
            row.push((order.map_or_else(String::new, ToString::to_string), Paint::Plain));
        }
        row.push((what_happened(record), Paint::Plain));
        sheet.row(row);
    }
    sheet.finish()
}

/// To the millisecond, for people; JSON has every nanosecond.
pub(crate) fn short_time(at: UtcNanos) -> String {
    let text = at.to_string();
    text.get(..23).unwrap_or(&text).replace('T', " ")
}

/// To the second, as the broker dates its fills.
pub(crate) fn short_second(at: UtcNanos) -> String {
    let text = short_time(at);
    text.get(..19).unwrap_or(&text).to_owned()
}

/// To the microsecond, the day only where it changes: what happens within a millisecond matters here.
fn short_time_after(day: &mut String, at: UtcNanos) -> String {
    let text = at.to_string();
    let (Some(date), Some(time)) = (text.get(..10), text.get(11..26)) else { return text };
    if date == day.as_str() {
        return time.to_owned();
    }
    date.clone_into(day);
    format!("{date} {time}")
}

const fn whence(record: &Record) -> &'static str {
    match record.header.provenance {
        Provenance::Observed => "broker",
        Provenance::Decided => "us",
        Provenance::Inferred => "inferred",
        Provenance::Operator => "operator",
    }
}

fn paint(body: &Body) -> Paint {
    match body {
        Body::Accepted { .. } | Body::Commanded { .. } => Paint::Active,
        Body::Filled { .. } => Paint::Good,
        Body::Denied { .. } | Body::ReplaceDenied { .. } => Paint::Bad,
        Body::PositionBroken { .. }
        | Body::Halted { .. }
        | Body::GapOpened { .. }
        | Body::ForeignSeen { .. }
        | Body::Anomaly { .. } => Paint::Warn,
        Body::OrderChanged { to, .. } => super::order::paint(*to),
        _ => Paint::Plain,
    }
}
