//! Kill latch: how it opens.

use std::collections::BTreeMap;

use alphec_model::{Body, BrokerEvent, CancelScope, Record};

use super::{Invariant, Scene, Verdict};
use crate::clock::Instant;
use crate::sight::Sight;

/// Halts, and since when; whether by a kill.
#[derive(Default)]
pub(super) struct Resume {
    halts: BTreeMap<CancelScope, (Instant, bool)>,
    listed_at: Instant,
}

impl Invariant for Resume {
    fn number(&self) -> u8 {
        12
    }

    fn sentence(&self) -> &'static str {
        "Trading resumes only after complete lists were read since the halt; after a kill, when nothing lives in its scope."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { .. } => {
                // What a resume found in an earlier life was judged there; what a crash left, not at all.
                self.halts.retain(|scope, _| scene.ledger.halts.contains_key(scope));
                for (scope, is_kill) in &scene.ledger.halts {
                    self.halts.entry(scope.clone()).or_insert((Instant::MIN, *is_kill));
                }
                Ok(())
            }
            Sight::Told(BrokerEvent::Snapshot(_)) => {
                self.listed_at = scene.now;
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| self.judge(record, scene)),
            _ => Ok(()),
        }
    }
}

impl Resume {
    fn judge(&mut self, record: &Record, scene: &Scene<'_>) -> Verdict {
        let scope = match &record.body {
            Body::Halted { scope, kill, .. } => {
                let known = self.halts.entry(scope.clone()).or_insert((scene.now, *kill));
                known.1 |= *kill;
                return Ok(());
            }
            Body::Resumed { scope, .. } => scope,
            _ => return Ok(()),
        };
        let Some((since, is_kill)) = self.halts.remove(scope) else { return Ok(()) };
        if self.listed_at < since {
            return Err(format!("trading of {scope} resumes and no lists were read since its halt"));
        }
        let before = scene.ledger.live().filter(|intent| intent.seq < record.header.seq.get());
        let mut alive = before
            .map(|intent| &intent.order)
            .filter(|order| scope.reaches(&order.account, &order.strategy_id, &order.instrument));
        match alive.next().filter(|_| is_kill) {
            Some(order) => {
                Err(format!("{scope} was killed and resumes, and {} lives", order.client_order_id))
            }
            None => Ok(()),
        }
    }
}
