//! Absence needs proof.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::{Body, BrokerEvent, Evidence, Record};

use super::{Invariant, Scene, Verdict};
use crate::clock::Instant;
use crate::profile;
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct Absence {
    written: BTreeMap<i32, Instant>,
    generation: u64,
    /// The connection that the durable records have come to. A record is judged by the one on which it was decided: with a
    /// slow disk the next may be up before it is durable.
    recorded: u64,
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
                self.recorded = 0;
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| self.judge(record, scene)),
            _ => Ok(()),
        }
    }
}

impl Absence {
    fn judge(&mut self, record: &Record, scene: &Scene<'_>) -> Verdict {
        match &record.body {
            Body::Observed { event } => {
                if let BrokerEvent::Connected(session) = &**event {
                    self.recorded = session.generation.get();
                }
                Ok(())
            }
            Body::OrderChanged { to, evidence: Evidence::Absent { generation }, .. } if to.is_terminal() => {
                let id = record.header.broker_order_id.map(|id| id.get());
                id.map_or(Ok(()), |id| self.is_proven(id, generation.get()))
            }
            // The proof is about the attempts before.
            Body::Resent { broker_order_id, .. } => {
                let key = record.header.client_order_id.as_ref();
                let attempts = scene.ledger.by_id.iter().filter(|(_, of)| Some(*of) == key);
                let mut before = attempts.map(|(id, _)| *id).filter(|id| *id != broker_order_id.get());
                before.try_for_each(|id| self.is_proven(id, self.recorded))
            }
            _ => Ok(()),
        }
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
