//! The tables at the end of a campaign, and the floors under which it is no proof.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::campaign::Ran;
use crate::plan::Group;
use crate::tally::{EVENTS, Tally};

/// Runs from which on the floors count: fewer may miss something by chance.
pub(crate) const FLOORS_FROM: u64 = 300;

/// In at least so many of a thousand runs something must have happened.
const HEALTH: &[(&str, u64)] = &[
    ("fill", 800),
    ("partial fill", 200),
    ("change", 200),
    ("in doubt", 100),
    ("kill", 50),
    ("resume", 10),
    ("foreign order", 100),
    ("correction", 10),
    ("halt", 50),
    ("proven absent", 80),
    ("revision booked", 10),
    ("group", 200),
    ("trade elsewhere", 50),
    ("position break", 50),
    ("position accepted", 20),
    ("break cleared", 10),
    ("rot refused", 20),
    ("split order", 2),
    ("fill crossed a cancel", 10),
];

/// State and event that must have met, in any campaign of that many runs: as often as it has so many runs.
const EDGES: &[(&str, &[&str])] = &[
    (
        "pending_new",
        &[
            "asked: again",
            "asked: cancel",
            "asked: change",
            "Cancelled",
            "Filled",
            "PreSubmitted",
            "Submitted",
            "code: canceled",
            "code: dead",
            "code: informs",
            "code: unlisted",
            "execution",
            "open order",
        ],
    ),
    (
        "working",
        &[
            "asked: again",
            "asked: cancel",
            "asked: change",
            "Cancelled",
            "Filled",
            "PendingCancel",
            "PreSubmitted",
            "Submitted",
            "code: cancel refused",
            "code: canceled",
            "execution",
            "open order",
        ],
    ),
    (
        "in_doubt",
        &[
            "Cancelled",
            "Submitted",
            "asked: cancel",
            "asked: change",
            "code: canceled",
            "code: cancel refused",
            "code: not found",
            "execution",
            "open order",
        ],
    ),
    (
        "filled",
        &["Filled", "Submitted", "asked: again", "asked: cancel", "asked: change", "execution", "open order"],
    ),
    ("canceled", &["Cancelled", "Submitted", "asked: again", "asked: cancel", "asked: change", "open order"]),
    ("rejected", &["code: not found"]),
    ("denied", &["asked: again", "asked: cancel", "asked: change"]),
];

/// Why an edge that no floor asks for may be missing.
const fn why_unmet(state: &str, event: &str, has_met: bool) -> &'static str {
    match (state.as_bytes(), event.as_bytes()) {
        (
            _,
            b"ApiCancelled" | b"ApiPending" | b"PendingSubmit" | b"code: link" | b"code: pacing"
            | b"code: request",
        ) => "the simulated gateway never says it of an order",
        _ if !has_met => "no state at all met it in this campaign",
        (b"denied", _) => "a denied order has never left: nothing names it",
        (b"rejected", _) => "the gateway says nothing of an order after the code that refused it",
        (b"expired", _) => "few dates pass within a day, and only repeats come after",
        (_, b"code: change refused") => {
            "of the codes that can only mean a change, one in a thousand days is drawn"
        }
        (_, b"code: ids") => "ids collide only when the gateway splits or recycles them",
        _ => "two messages have to cross: met now and then",
    }
}

pub(crate) fn text(result: &Ran) -> String {
    let tally = &result.tally;
    let took = result.took.as_secs_f64();
    let ratio = if took > 0.0 { seconds(tally.simulated_seconds) / took } else { 0.0 };
    let mut out = String::new();
    let mut row = |name: &str, value: String| {
        let _infallible = writeln!(out, "{name:<28}{value:>14}");
    };
    row("runs", tally.runs.to_string());
    row("of them run twice", result.twice.to_string());
    row("violations", result.failed.len().to_string());
    row("orders", tally.orders.to_string());
    row("records", tally.records.to_string());
    row("frames to the gateway", tally.frames.to_string());
    row("steps", tally.steps.to_string());
    for group in Group::ALL {
        let count = tally.faults.get(&group).copied().unwrap_or(0);
        row(&format!("faults {} {group:?}", group.letter()), count.to_string());
    }
    row("real seconds", format!("{took:.1}"));
    row("simulated days", format!("{:.1}", seconds(tally.simulated_seconds) / 86_400.0));
    row("simulated / real time", format!("{ratio:.0}"));
    row("runs a second", format!("{:.1}", seconds(tally.runs) / took.max(0.001)));
    if result.failed.is_empty() {
        row("bound on failure, 3/N", format!("{:.1e}", 3.0 / seconds(tally.runs.max(1))));
    }
    let _infallible = writeln!(out, "\nof 1000 runs, so many saw");
    for (what, count) in &tally.health {
        let share = count.saturating_mul(1_000) / tally.runs.max(1);
        let _infallible = writeln!(out, "  {what:<26}{share:>14}");
    }
    let _infallible = writeln!(out, "\n{}", edges(tally));
    out
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "for people to read")]
const fn seconds(count: u64) -> f64 {
    count as f64
}

/// State by event, with how often.
fn edges(tally: &Tally) -> String {
    const STATES: [&str; 8] =
        ["pending_new", "working", "in_doubt", "filled", "canceled", "rejected", "expired", "denied"];
    // What met no state at all has to be seen too, and so has an event that the list does not know.
    let met: BTreeSet<&str> = tally.edges.keys().map(|(_, event)| *event).collect();
    let events: BTreeSet<&str> = EVENTS.into_iter().chain(met.iter().copied()).collect();
    let mut out = format!("{:<22}", "state met by");
    for state in STATES {
        let _infallible = write!(out, "{state:>13}");
    }
    out.push('\n');
    for event in &events {
        let _infallible = write!(out, "{event:<22}");
        for state in STATES {
            let count = tally.edges.get(&(state, *event)).copied().unwrap_or(0);
            let _infallible = write!(out, "{count:>13}");
        }
        out.push('\n');
    }
    let mut unmet: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for state in STATES {
        for event in &events {
            if !tally.edges.contains_key(&(state, *event)) {
                let why = why_unmet(state, event, met.contains(event));
                unmet.entry(why).or_default().push(format!("{state} by {event}"));
            }
        }
    }
    for (why, edges) in unmet {
        let _infallible = writeln!(out, "\nnot met, {why}:\n  {}", edges.join(", "));
    }
    out
}

/// Says what is too rare; whether nothing is.
pub(crate) fn floors(tally: &Tally, say: &mut dyn FnMut(&str)) -> bool {
    let mut is_whole = true;
    for (what, floor) in HEALTH {
        let count = tally.health.get(what).copied().unwrap_or(0);
        if count.saturating_mul(1_000) < floor.saturating_mul(tally.runs) {
            say(&format!("too rare: {what} in {count} of {} runs, the floor is {floor} in 1000", tally.runs));
            is_whole = false;
        }
    }
    for (state, events) in EDGES {
        for event in *events {
            let count = tally.edges.get(&(*state, *event)).copied().unwrap_or(0);
            if count < (tally.runs / FLOORS_FROM).max(1) {
                say(&format!("too rarely met: {state} by {event}, {count} times in {} runs", tally.runs));
                is_whole = false;
            }
        }
    }
    is_whole
}

pub(crate) fn json(result: &Ran) -> String {
    let tally = &result.tally;
    let faults: serde_json::Map<String, serde_json::Value> =
        tally.faults.iter().map(|(group, count)| (group.letter().to_string(), (*count).into())).collect();
    let edges: Vec<serde_json::Value> = tally
        .edges
        .iter()
        .map(|((state, event), count)| serde_json::json!({"state": state, "event": event, "count": count}))
        .collect();
    let failed: Vec<serde_json::Value> = result
        .failed
        .iter()
        .map(|(seed, violation)| {
            serde_json::json!({"seed": seed, "invariant": violation.number, "what": violation.what})
        })
        .collect();
    serde_json::json!({
        "runs": tally.runs,
        "twice": result.twice,
        "orders": tally.orders,
        "records": tally.records,
        "frames": tally.frames,
        "steps": tally.steps,
        "faults": faults,
        "health": tally.health,
        "edges": edges,
        "real_ms": u64::try_from(result.took.as_millis()).unwrap_or(u64::MAX),
        "simulated_seconds": tally.simulated_seconds,
        "failed": failed,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_met_no_state_is_in_the_table_and_named_below_it() {
        let mut tally = Tally::default();
        tally.edges.insert(("working", "execution"), 3);
        tally.edges.insert(("working", "an event of tomorrow"), 1);
        let table = edges(&tally);
        let (rows, unmet) = table.split_once("\nnot met, ").expect("a part of what was not met");
        for event in EVENTS.into_iter().chain(["an event of tomorrow"]) {
            assert!(rows.lines().any(|row| row.starts_with(event)), "{event}: {table}");
        }
        assert!(unmet.contains("never says it of an order:\n  pending_new by ApiCancelled, "), "{table}");
        assert!(
            unmet.contains("no state at all met it in this campaign:\n  pending_new by Cancelled"),
            "{table}"
        );
        assert!(unmet.contains("filled by execution"), "{table}");
        assert!(!unmet.contains("working by execution"), "{table}");
    }

    #[test]
    fn what_a_floor_asks_for_is_an_event_of_the_table() {
        for (_, events) in EDGES {
            assert!(events.iter().all(|event| EVENTS.contains(event)), "{events:?}");
        }
    }
}
