//! Limits are history.

use alphec_model::{Body, Decimal, Rule};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct LimitsAreHistory;

impl Invariant for LimitsAreHistory {
    fn number(&self) -> u8 {
        25
    }

    fn sentence(&self) -> &'static str {
        "The limits in force follow from the journal: each life records them, and each verdict measures size, position and open orders by them."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::Durable(records) = scene.sight else { return Ok(()) };
        let limits = &scene.ledger.limits;
        records.iter().try_for_each(|record| match &record.body {
            Body::Started { limits: recorded, .. } => {
                let is_same = serde_json::to_value(limits).is_ok_and(|inforce| inforce == *recorded);
                if is_same { Ok(()) } else { Err("a life recorded other limits than its own".to_owned()) }
            }
            Body::Accepted { verdict, .. } | Body::ReplaceAsked { verdict, .. } => {
                let wrong = verdict.checks.iter().find(|check| match check.rule {
                    Rule::MaxOrderQty => check.limit != limits.max_order_qty.get(),
                    Rule::MaxPosition => check.limit != limits.max_position.get(),
                    Rule::MaxOpenOrders => check.limit != Decimal::from(limits.max_open_orders),
                    _ => false,
                });
                wrong.map_or(Ok(()), |check| Err(format!("{} was measured by {}", check.rule, check.limit)))
            }
            _ => Ok(()),
        })
    }
}
