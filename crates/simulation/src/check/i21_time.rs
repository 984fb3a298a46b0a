//! Time safety.

use alphec_model::{Body, OrderState, Record, TimeInForce, UtcNanos};

use super::{Invariant, Scene, Verdict, is_word};
use crate::clock::MINUTE;
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct TimeSafety {
    last: Option<UtcNanos>,
}

impl Invariant for TimeSafety {
    fn number(&self) -> u8 {
        21
    }

    fn sentence(&self) -> &'static str {
        "Within one life of a process its records never go back in time, whatever the machine's clock did; a good-till-date order expires on record only by a word of the broker, when its date is past, at the venue or by the clock of the process that says so."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { .. } => {
                self.last = None;
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| {
                let at = record.header.at;
                if self.last.is_some_and(|last| at < last) {
                    return Err(format!("record {} is older than the one before it", record.header.seq));
                }
                self.last = Some(at);
                expiry(record, scene)
            }),
            _ => Ok(()),
        }
    }
}

/// How far a deadline of the venue may lie ahead.
const SKEW: i64 = 15 * MINUTE;

fn expiry(record: &Record, scene: &Scene<'_>) -> Verdict {
    let Body::OrderChanged { to: OrderState::Expired, evidence, .. } = &record.body else { return Ok(()) };
    let intent = record.header.client_order_id.as_ref().and_then(|key| scene.ledger.intents.get(key));
    let Some(intent) = intent else { return Ok(()) };
    match intent.order.spec.time_in_force {
        // A word that ended it after its date, by either clock: that of a process may be wrong by a day.
        TimeInForce::Gtd { expire_at }
            if is_word(evidence)
                && (expire_at <= record.header.at
                    || expire_at.as_nanos() <= scene.now.saturating_add(SKEW)) =>
        {
            Ok(())
        }
        _ => Err(format!("{} expired before its time", intent.order.client_order_id)),
    }
}
