//! What was found, by point: lines while it goes on, a table at the end, JSON for scripts.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::compare::{Compared, Excuse, Kind, Violation};
use crate::point::Point;

/// Kills between two lines of progress that is not a terminal's.
const STEP: u64 = 20;

/// One victim and the restart after it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) point: Point,
    /// Otherwise the victim ended by itself before the kill.
    pub(crate) is_kill: bool,
    /// The point was reached; otherwise the kill came at the latest instant.
    pub(crate) is_reached: bool,
    pub(crate) gateway_kills: u64,
    pub(crate) orders: usize,
    pub(crate) fills: usize,
    pub(crate) doubts: usize,
    pub(crate) compared: Compared,
    /// What a first look found and a second one did not.
    pub(crate) second_look: Vec<Violation>,
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
    ended: u64,
    compared: [usize; 2],
    excuses: BTreeMap<Excuse, usize>,
    second_looks: u64,
    forgiven: BTreeMap<Kind, usize>,
    violations: BTreeMap<Kind, usize>,
}

impl Report {
    pub(crate) fn new(seed: u64, kills: u64) -> Self {
        Self {
            seed,
            kills,
            begun: Instant::now(),
            rows: BTreeMap::new(),
            done: 0,
            ended: 0,
            compared: [0; 2],
            excuses: BTreeMap::new(),
            second_looks: 0,
            forgiven: BTreeMap::new(),
            violations: BTreeMap::new(),
        }
    }

    #[expect(clippy::print_stderr, reason = "progress is for people, and stdout for the table")]
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        for (sum, orders) in self.compared.iter_mut().zip(outcome.compared.orders) {
            *sum += orders;
        }
        for (excuse, times) in &outcome.compared.excuses {
            *self.excuses.entry(*excuse).or_default() += times;
        }
        self.second_looks += u64::from(!outcome.second_look.is_empty());
        count(&mut self.forgiven, &outcome.second_look);
        if !outcome.is_kill {
            self.ended += 1;
            return;
        }
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

    pub(crate) fn violated(&mut self, violations: &[Violation]) {
        count(&mut self.violations, violations);
    }

    fn allowed(&self) -> Vec<(&'static str, usize)> {
        let times = |excuse: &Excuse| self.excuses.get(excuse).copied().unwrap_or_default();
        Excuse::ALL.iter().map(|excuse| (excuse.name(), times(excuse))).collect()
    }

    /// How many points were reached so many times at least.
    pub(crate) fn points_reached(&self, times: u64) -> usize {
        self.rows.values().filter(|row| row.reached >= times).count()
    }

    /// Whether as many orders came to the broker and as many of them filled as there were kills, at the least.
    pub(crate) fn has_traded(&self) -> bool {
        let count = |of: fn(&Row) -> usize| self.rows.values().map(of).sum::<usize>();
        let kills: u64 = self.rows.values().map(|row| row.kills).sum();
        let kills = usize::try_from(kills).unwrap();
        count(|row| row.orders) >= kills && count(|row| row.fills) >= kills / 2
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
        lines.push(format!("ended by itself before the kill, and so no kill: {}", self.ended));
        let [orders, kept] = self.compared;
        lines.push(format!(
            "seed {}, {:.0} s; compared: {orders} orders of the broker's, {kept} of the journal's",
            self.seed,
            self.begun.elapsed().as_secs_f64()
        ));
        lines.push(format!("allowed: {}", listed(&self.allowed())));
        lines.push(format!("second looks: {}, for {}", self.second_looks, listed(&by_kind(&self.forgiven))));
        lines.push(format!("wrong: {}", listed(&by_kind(&self.violations))));
        lines.join("\n")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let [orders, kept] = self.compared;
        let rows = self.rows.iter().map(|(name, row)| {
            json!({
                "point": name, "kills": row.kills, "reached": row.reached,
                "gateway_kills": row.gateways, "orders": row.orders, "fills": row.fills,
                "doubts_settled": row.doubts, "recovery_ms_median": middle(&row.recoveries).as_millis(),
                "recovery_ms_max": longest(&row.recoveries).as_millis(),
            })
        });
        json!({
            "ok": self.violations.is_empty(), "kills": self.done, "ended_by_itself": self.ended, "seed": self.seed, "seconds": self.begun.elapsed().as_secs(),
            "orders_compared": orders, "journal_orders_compared": kept,
            "allowed": named(&self.allowed()), "second_looks": self.second_looks,
            "second_looks_for": named(&by_kind(&self.forgiven)), "wrong": named(&by_kind(&self.violations)),
            "violations": self.violations.values().sum::<usize>(), "points": rows.collect::<Vec<_>>(),
        })
    }
}

fn count(into: &mut BTreeMap<Kind, usize>, violations: &[Violation]) {
    for violation in violations {
        *into.entry(violation.kind).or_default() += 1;
    }
}

/// Every kind, those that never were too.
fn by_kind(counts: &BTreeMap<Kind, usize>) -> Vec<(&'static str, usize)> {
    Kind::ALL.iter().map(|kind| (kind.name(), counts.get(kind).copied().unwrap_or_default())).collect()
}

fn listed(counts: &[(&str, usize)]) -> String {
    let each: Vec<String> = counts.iter().map(|(name, times)| format!("{name}: {times}")).collect();
    each.join(", ")
}

fn named(counts: &[(&str, usize)]) -> serde_json::Value {
    counts
        .iter()
        .map(|(name, times)| ((*name).to_owned(), json!(times)))
        .collect::<serde_json::Map<_, _>>()
        .into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_forgiven_or_allowed_is_in_the_report() {
        let mut report = Report::new(1, 2);
        let violation = |kind| Violation::new(kind, "planted");
        let outcome = |is_kill, second_look| Outcome {
            point: Point::Random,
            is_kill,
            is_reached: true,
            gateway_kills: 0,
            orders: 3,
            fills: 0,
            doubts: 0,
            compared: Compared {
                orders: [3, 4],
                excuses: BTreeMap::from([(Excuse::Moved, 2)]),
                violations: Vec::new(),
            },
            second_look,
            recovery: Duration::ZERO,
        };
        report.add(&outcome(true, vec![violation(Kind::State), violation(Kind::Fills)]));
        report.add(&outcome(false, Vec::new()));
        report.violated(&[violation(Kind::Hidden), violation(Kind::Hidden)]);
        let (table, json) = (report.table(), report.json());
        for line in [
            "all                            1       1        0      3 ",
            "ended by itself before the kill, and so no kill: 1",
            "compared: 6 orders of the broker's, 8 of the journal's",
            "allowed: changed while the engine started: 4,",
            "second looks: 1, for chains broken: 0,",
            "states: 1, filled",
            "fills booked otherwise than once: 1",
            "hidden: 2",
        ] {
            assert!(table.contains(line), "{line}: {table}");
        }
        assert_eq!(
            (&json["ok"], &json["violations"], &json["second_looks"]),
            (&json!(false), &json!(2), &json!(1))
        );
        assert_eq!((&json["kills"], &json["ended_by_itself"]), (&json!(1), &json!(1)));
    }
}
