//! The last things that were seen before a run broke, for people.

use std::collections::VecDeque;

use crate::clock::{Instant, SECOND};
use crate::sight::Sight;

/// Lines kept.
const LINES_MAX: usize = 40;
/// Letters of one line.
const WIDTH: usize = 700;

/// What was seen, the latest last. Nothing is kept unless someone will read it.
#[derive(Debug, Default)]
pub(crate) struct Story {
    start: Option<Instant>,
    lines: VecDeque<String>,
}

impl Story {
    /// To be told from here on, in seconds since `start`.
    pub(crate) const fn from(start: Instant) -> Self {
        Self { start: Some(start), lines: VecDeque::new() }
    }

    pub(crate) fn see(&mut self, now: Instant, sight: &Sight<'_>) {
        let Some(start) = self.start else { return };
        let what = match sight {
            Sight::Rest { .. } | Sight::End { .. } => return,
            Sight::Born { records, .. } => format!("born on {} records", records.len()),
            Sight::Durable(records) => format!("durable: {}", kinds(records)),
            Sight::Handed(records) => format!("to the journal: {}", kinds(records)),
            other => format!("{other:?}"),
        };
        let at = now.saturating_sub(start);
        let line = format!("{:>8}.{:06} s  {what}", at / SECOND, at % SECOND / 1_000);
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.chars().take(WIDTH).collect());
    }

    pub(crate) fn told(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn kinds(records: &[std::sync::Arc<alphec_model::Record>]) -> String {
    let of = |record: &std::sync::Arc<alphec_model::Record>| {
        let key = record.header.client_order_id.as_ref().map_or("", |key| key.as_str());
        format!("{}{}{key}", record.body.kind(), if key.is_empty() { "" } else { " of " })
    };
    records.iter().map(of).collect::<Vec<_>>().join(", ")
}
