//! Limits are history.

use alphec_model::{Body, Decimal, Limits, Rule, Verdict as GateVerdict};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct LimitsAreHistory;

impl Invariant for LimitsAreHistory {
    fn number(&self) -> u8 {
        25
    }

    fn sentence(&self) -> &'static str {
        "The limits in force follow from the journal: each life records them, and each pass of the gate measured size, position and open orders by them."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        let limits = &scene.ledger.limits;
        records.iter().try_for_each(|record| match &record.body {
            Body::Started { limits: recorded, .. } => {
                let is_same = serde_json::to_value(limits).is_ok_and(|inforce| inforce == *recorded);
                if is_same { Ok(()) } else { Err("a life recorded other limits than its own".to_owned()) }
            }
            Body::Accepted { verdict, .. }
            | Body::Resent { verdict, .. }
            | Body::ReplaceAsked { verdict, .. } => measured_by(verdict, limits),
            _ => Ok(()),
        })
    }
}

fn measured_by(verdict: &GateVerdict, limits: &Limits) -> Verdict {
    let in_force = [
        (Rule::MaxOrderQty, limits.max_order_qty.get()),
        (Rule::MaxPosition, limits.max_position.get()),
        (Rule::MaxOpenOrders, Decimal::from(limits.max_open_orders)),
    ];
    in_force.into_iter().try_for_each(|(rule, limit)| {
        match verdict.checks.iter().find(|check| check.rule == rule) {
            Some(check) if check.limit == limit => Ok(()),
            Some(check) => Err(format!("{rule} was measured by {}, and {limit} is in force", check.limit)),
            None => Err(format!("{rule} was not measured")),
        }
    })
}
