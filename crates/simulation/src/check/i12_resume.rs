//! Kill latch: how it opens.

use std::collections::BTreeMap;

use alphec_model::{Body, BrokerEvent, BrokerRequest, CancelScope, Record, UtcNanos};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// By the journal alone. Its instants, not its numbers: what one instant decides leaves after all of it, so lists
/// that it asks for ahead of a halt are asked of the broker after the halt.
#[derive(Default)]
pub(super) struct Resume {
    /// Halts: since when, and whether by a kill.
    halts: BTreeMap<CancelScope, (UtcNanos, bool)>,
    /// When this life asked for which lists.
    asked: BTreeMap<u64, UtcNanos>,
    /// When the lists were asked for that were read last.
    listed: Option<UtcNanos>,
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
    fn note(&mut self, record: &Record) -> Option<(CancelScope, UtcNanos, bool)> {
        self.seq = record.header.seq.get();
        let at = record.header.at;
        match &record.body {
            // Lists are numbered by each life anew.
            Body::Started { .. } => self.asked.clear(),
            Body::Requested { request: BrokerRequest::Snapshot { id, .. } } => {
                self.asked.insert(*id, at);
            }
            Body::Observed { event } => {
                if let BrokerEvent::Snapshot(snapshot) = event.as_ref() {
                    self.listed = self.asked.get(&snapshot.id).copied();
                }
            }
            Body::Halted { scope, kill, .. } => {
                let known = self.halts.entry(scope.clone()).or_insert((at, *kill));
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
        (scope, since, is_kill): (&CancelScope, UtcNanos, bool),
    ) -> Verdict {
        if self.listed.is_none_or(|asked| asked < since) {
            return Err(format!("trading of {scope} resumes and no lists were read since its halt"));
        }
        match scene.ledger.resumed_over.get(&record.header.seq.get()).filter(|_| is_kill) {
            Some(order) => Err(format!("{scope} was killed and resumes, and {order} lives")),
            None => Ok(()),
        }
    }
}
