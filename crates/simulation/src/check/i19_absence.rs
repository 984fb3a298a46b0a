//! Absence needs proof.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::{Body, BrokerEvent, BrokerRequest, Evidence, Provenance, Record, UtcNanos};

use super::connection::Recorded;
use super::{Invariant, Scene, Verdict};
use crate::clock::Instant;
use crate::profile;
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct Absence {
    written: BTreeMap<i32, Instant>,
    generation: u64,
    recorded: Recorded,
    /// Ids of the orders that this process has called absent, and when.
    ended: BTreeMap<i32, UtcNanos>,
    /// By the records: when books were last asked for, and those that came last.
    requested: Option<UtcNanos>,
    books_asked: Option<UtcNanos>,
    /// When the lists were asked for that are being read.
    asked: Instant,
    /// By connection: when complete lists were asked for, and which of our ids they showed open.
    lists: BTreeMap<u64, Vec<(Instant, BTreeSet<i32>)>>,
}

impl Invariant for Absence {
    fn number(&self) -> u8 {
        19
    }

    fn sentence(&self) -> &'static str {
        "Absence is concluded, and an order placed again, only after two complete lists of the same connection without it, asked for after the last frame of the order left."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => {
                self.written.insert(ticket.broker_order_id.get(), scene.now);
                Ok(())
            }
            Sight::Wire(Sent::Books) => {
                self.asked = scene.now;
                Ok(())
            }
            Sight::Told(BrokerEvent::Connected(session)) => {
                self.generation = session.generation.get();
                Ok(())
            }
            Sight::Told(BrokerEvent::Snapshot(snapshot)) if snapshot.generation.get() == self.generation => {
                // Under another client id the same number is another order.
                let ours =
                    snapshot.open.iter().map(|row| &row.names).filter(|names| {
                        names.api_client_id.is_none_or(|client| client.get() == profile::CLIENT)
                    });
                let shown = ours.filter_map(|names| Some(names.broker_order_id?.get())).collect();
                self.lists.entry(self.generation).or_default().push((self.asked, shown));
                Ok(())
            }
            // A process that begins anew counts its connections anew.
            Sight::Died => {
                self.lists.clear();
                self.recorded = Recorded::default();
                self.ended.clear();
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| self.judge(record, scene)),
            _ => Ok(()),
        }
    }
}

impl Absence {
    fn judge(&mut self, record: &Record, scene: &Scene<'_>) -> Verdict {
        self.recorded.note(record);
        match &record.body {
            Body::OrderChanged { to, evidence: Evidence::Absent { generation, .. }, .. }
                if to.is_terminal() =>
            {
                let id = record.header.broker_order_id.map(|id| id.get());
                self.ended.extend(id.map(|id| (id, record.header.at)));
                id.map_or(Ok(()), |id| self.is_proven(id, generation.get()))
            }
            Body::Requested { request: BrokerRequest::Snapshot { .. } } => {
                self.requested = Some(record.header.at);
                Ok(())
            }
            Body::Observed { event } if matches!(**event, BrokerEvent::Snapshot(_)) => {
                self.books_asked = self.requested;
                Ok(())
            }
            Body::WatchEnded if record.header.provenance != Provenance::Operator => {
                let id = record.header.broker_order_id.map(|id| id.get());
                id.map_or(Ok(()), |id| self.stayed_absent(id, scene))
            }
            // The proof is about the attempts before.
            Body::Resent { broker_order_id, .. } => {
                let key = record.header.client_order_id.as_ref();
                let attempts = scene.ledger.by_id.iter().filter(|(_, of)| Some(*of) == key);
                let mut before = attempts.map(|(id, _)| *id).filter(|id| *id != broker_order_id.get());
                before.try_for_each(|id| self.is_proven(id, self.recorded.generation))
            }
            _ => Ok(()),
        }
    }

    /// By the records, which have one clock as long as the process lives; of an earlier one's order nothing is known here.
    fn stayed_absent(&self, id: i32, scene: &Scene<'_>) -> Verdict {
        let asked = self.books_asked.map_or(i64::MIN, UtcNanos::as_nanos);
        let is_early = self
            .ended
            .get(&id)
            .is_some_and(|ended| asked.saturating_sub(ended.as_nanos()) < scene.ledger.absent_watch);
        let mut lists = self.lists.get(&self.recorded.generation).into_iter().flatten();
        if is_early || lists.all(|(_, open)| open.contains(&id)) {
            return Err(format!(
                "the watch for order {id} ended too early, or without lists that do not show it"
            ));
        }
        Ok(())
    }

    fn is_proven(&self, id: i32, generation: u64) -> Verdict {
        let written = self.written.get(&id).copied().unwrap_or(Instant::MIN);
        let lists = self.lists.get(&generation).into_iter().flatten();
        let without = lists.filter(|(at, open)| *at > written && !open.contains(&id)).count();
        if without < 2 {
            return Err(format!("order {id} is called absent after {without} complete lists without it"));
        }
        Ok(())
    }
}
