//! Kill latch: how it opens.

use std::collections::BTreeMap;

use alphec_model::{Body, BrokerEvent, BrokerRequest, CancelScope, Record};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// By the journal alone: numbers of records.
#[derive(Default)]
pub(super) struct Resume {
    /// Halts: since when, and whether by a kill.
    halts: BTreeMap<CancelScope, (u64, bool)>,
    /// When this life asked for which lists.
    asked: BTreeMap<u64, u64>,
    /// When the lists were asked for that were read last.
    listed: u64,
    seq: u64,
}

impl Invariant for Resume {
    fn number(&self) -> u8 {
        12
    }

    fn sentence(&self) -> &'static str {
        "Trading resumes only after complete lists were asked for and read since the halt; after a kill, when nothing lives in its scope."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { records, .. } => {
                // What a resume found in an earlier life was judged there; what a crash left, not at all.
                let known = usize::try_from(self.seq).unwrap_or(usize::MAX);
                records.iter().skip(known).for_each(|record| drop(self.note(record)));
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| match self.note(record) {
                Some((scope, since, is_kill)) => self.judge(record, scene, (&scope, since, is_kill)),
                None => Ok(()),
            }),
            _ => Ok(()),
        }
    }
}

impl Resume {
    /// The halt that a record lifts, since when it stood, and whether it was a kill.
    fn note(&mut self, record: &Record) -> Option<(CancelScope, u64, bool)> {
        self.seq = record.header.seq.get();
        match &record.body {
            // Lists are numbered by each life anew.
            Body::Started { .. } => self.asked.clear(),
            Body::Requested { request: BrokerRequest::Snapshot { id, .. } } => {
                self.asked.insert(*id, self.seq);
            }
            Body::Observed { event } => {
                if let BrokerEvent::Snapshot(snapshot) = event.as_ref() {
                    self.listed = self.asked.get(&snapshot.id).copied().unwrap_or(0);
                }
            }
            Body::Halted { scope, kill, .. } => {
                let known = self.halts.entry(scope.clone()).or_insert((self.seq, *kill));
                known.1 |= *kill;
            }
            Body::Resumed { scope, .. } => {
                let (since, is_kill) = self.halts.remove(scope)?;
                return Some((scope.clone(), since, is_kill));
            }
            _ => {}
        }
        None
    }

    fn judge(
        &self,
        record: &Record,
        scene: &Scene<'_>,
        (scope, since, is_kill): (&CancelScope, u64, bool),
    ) -> Verdict {
        if self.listed < since {
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
