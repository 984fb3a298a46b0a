//! Gate completeness: the worst case.

use alphec_model::{Body, Decimal, Record, Rule, Verdict as GateVerdict};

use super::ledger::Worst;
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct WorstCase;

impl Invariant for WorstCase {
    fn number(&self) -> u8 {
        8
    }

    fn sentence(&self) -> &'static str {
        "Each pass counted at least every open and unknown order on record at its worst, those of others too, and what it makes larger is within the limits in force."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        records.iter().try_for_each(|record| {
            let (Body::Accepted { verdict, .. }
            | Body::Resent { verdict, .. }
            | Body::ReplaceAsked { verdict, .. }) = &record.body
            else {
                return Ok(());
            };
            let worst = scene.ledger.decided.get(&record.header.seq.get()).copied().unwrap_or_default();
            judge(record, verdict, worst, scene).map_err(|why| format!("record {}: {why}", record.header.seq))
        })
    }
}

fn judge(record: &Record, verdict: &GateVerdict, worst: Worst, scene: &Scene<'_>) -> Verdict {
    let limits = &scene.ledger.limits;
    let open = Decimal::from(u64::try_from(worst.open).unwrap_or(u64::MAX));
    counted(verdict, &Rule::MaxPosition, worst.position)?;
    counted(verdict, &Rule::MaxOpenOrders, open)?;
    // A change that makes nothing larger passes beyond the limits too, and so does an exit beside a larger one.
    if matches!(record.body, Body::ReplaceAsked { .. }) {
        return Ok(());
    }
    let limit = limits.max_position.get();
    if worst.position > limit && worst.position > worst.position_without {
        return Err(format!("it can lead to {}, the limit is {limit}", worst.position));
    }
    let limit = Decimal::from(limits.max_open_orders);
    if open > limit {
        return Err(format!("it is open order {open} of its side, the limit is {limit}"));
    }
    let beyond =
        verdict.checks.iter().find(|check| check.measured > check.limit && !may_be_beyond(&check.rule));
    beyond.map_or(Ok(()), |check| {
        Err(format!("{} is {}, the limit is {}", check.rule, check.measured, check.limit))
    })
}

/// Rules of sums, which an order that makes them no larger passes.
const fn may_be_beyond(rule: &Rule) -> bool {
    matches!(rule, Rule::MaxPosition | Rule::MaxGrossNotional | Rule::MaxNetNotional | Rule::MaxLeverage)
}

fn counted(verdict: &GateVerdict, rule: &Rule, at_least: Decimal) -> Verdict {
    let measured = verdict.checks.iter().find(|check| check.rule == *rule).map(|check| check.measured);
    match measured {
        Some(measured) if measured >= at_least => Ok(()),
        Some(measured) => Err(format!("{rule} was measured as {measured}, and is {at_least} by the journal")),
        None => Err(format!("a pass without {rule}")),
    }
}
