//! What was found, by point: lines while it goes on, a table at the end, JSON for scripts.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::point::Point;

/// Kills between two lines of progress that is not a terminal's.
const STEP: u64 = 20;

/// One kill and the restart after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) point: Point,
    /// The point was reached; otherwise the kill came at the latest instant.
    pub(crate) is_reached: bool,
    pub(crate) gateway_kills: u64,
    pub(crate) orders: usize,
    pub(crate) fills: usize,
    pub(crate) doubts: usize,
    pub(crate) recovery: Duration,
}

#[derive(Debug, Default, Clone)]
struct Row {
    kills: u64,
    reached: u64,
    gateways: u64,
    orders: usize,
    fills: usize,
    doubts: usize,
    recoveries: Vec<Duration>,
}

pub(crate) struct Report {
    seed: u64,
    kills: u64,
    begun: Instant,
    rows: BTreeMap<&'static str, Row>,
    done: u64,
}

impl Report {
    pub(crate) fn new(seed: u64, kills: u64) -> Self {
        Self { seed, kills, begun: Instant::now(), rows: BTreeMap::new(), done: 0 }
    }

    #[expect(clippy::print_stderr, reason = "progress is for people, and stdout for the table")]
    pub(crate) fn add(&mut self, outcome: Outcome) {
        let row = self.rows.entry(outcome.point.name()).or_default();
        row.kills += 1;
        row.reached += u64::from(outcome.is_reached);
        row.gateways += outcome.gateway_kills;
        row.orders += outcome.orders;
        row.fills += outcome.fills;
        row.doubts += outcome.doubts;
        row.recoveries.push(outcome.recovery);
        self.done += 1;
        let line =
            format!("{} of {} kills, {:.0} s", self.done, self.kills, self.begun.elapsed().as_secs_f64());
        if std::io::stderr().is_terminal() {
            eprint!("\r{line} ");
        } else if self.done.is_multiple_of(STEP) {
            eprintln!("{line}");
        }
    }

    /// How many points were reached at least once.
    pub(crate) fn points_reached(&self) -> usize {
        self.rows.values().filter(|row| row.reached > 0).count()
    }

    pub(crate) fn table(&self) -> String {
        let mut lines = vec![format!(
            "{:<26} {:>5} {:>7} {:>8} {:>6} {:>6} {:>6} {:>11} {:>11}",
            "killed at", "kills", "reached", "gateways", "orders", "fills", "doubts", "recovery", "longest"
        )];
        let mut sum = Row::default();
        for (name, row) in &self.rows {
            lines.push(line(name, row));
            sum.kills += row.kills;
            sum.reached += row.reached;
            sum.gateways += row.gateways;
            sum.orders += row.orders;
            sum.fills += row.fills;
            sum.doubts += row.doubts;
            sum.recoveries.extend(&row.recoveries);
        }
        lines.push(line("all", &sum));
        lines.push(format!(
            "seed {}, {:.0} s; sent twice: 0, lost: 0, hidden: 0, fills booked otherwise than once: 0, chains broken: 0",
            self.seed,
            self.begun.elapsed().as_secs_f64()
        ));
        lines.join("\n")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|(name, row)| {
            json!({
                "point": name, "kills": row.kills, "reached": row.reached,
                "gateway_kills": row.gateways, "orders": row.orders, "fills": row.fills,
                "doubts_settled": row.doubts, "recovery_ms_median": middle(&row.recoveries).as_millis(),
                "recovery_ms_max": longest(&row.recoveries).as_millis(),
            })
        });
        json!({
            "ok": true, "kills": self.done, "seed": self.seed, "seconds": self.begun.elapsed().as_secs(),
            "violations": 0, "points": rows.collect::<Vec<_>>(),
        })
    }
}

fn line(name: &str, row: &Row) -> String {
    format!(
        "{name:<26} {:>5} {:>7} {:>8} {:>6} {:>6} {:>6} {:>8} ms {:>8} ms",
        row.kills,
        row.reached,
        row.gateways,
        row.orders,
        row.fills,
        row.doubts,
        middle(&row.recoveries).as_millis(),
        longest(&row.recoveries).as_millis()
    )
}

fn middle(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn longest(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}
