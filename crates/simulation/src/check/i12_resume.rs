//! Kill latch: how it opens.

use std::collections::BTreeMap;

use alphec_model::{Body, BrokerEvent, BrokerRequest, CancelScope, Record, UtcNanos};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// Of which life, counted from 1, and when: between two lives the clock can have been set back.
type When = (u64, UtcNanos);

/// By the journal alone. Its instants, not its numbers: what one instant decides leaves after all of it, so lists
/// that it asks for ahead of a halt are asked of the broker after the halt.
#[derive(Default)]
pub(super) struct Resume {
    /// Halts: since when, and whether by a kill.
    halts: BTreeMap<CancelScope, (When, bool)>,
    /// When this life asked for which lists.
    asked: BTreeMap<u64, When>,
    /// When the lists were asked for that were read last.
    listed: Option<When>,
    life: u64,
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
    fn note(&mut self, record: &Record) -> Option<(CancelScope, When, bool)> {
        self.seq = record.header.seq.get();
        if matches!(record.body, Body::Started { .. }) {
            self.life += 1;
            // Lists are numbered by each life anew.
            self.asked.clear();
        }
        let at = (self.life, record.header.at);
        match &record.body {
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
        (scope, since, is_kill): (&CancelScope, When, bool),
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
