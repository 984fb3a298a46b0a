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
    /// When the lists were asked for that are being read.
    asked: Instant,
    /// When complete lists of this connection were asked for, and which of our ids they showed open.
    lists: Vec<(Instant, BTreeSet<i32>)>,
}

impl Invariant for Absence {
    fn number(&self) -> u8 {
        19
    }

    fn sentence(&self) -> &'static str {
        "Absence is concluded only from complete lists of the same connection, asked for after the last frame of the order left."
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
                self.lists.clear();
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
                self.lists.push((self.asked, shown));
                Ok(())
            }
            Sight::Durable(records) => records.iter().try_for_each(|record| self.judge(record)),
            _ => Ok(()),
        }
    }
}

impl Absence {
    fn judge(&self, record: &Record) -> Verdict {
        let Body::OrderChanged { to, evidence: Evidence::Absent { generation }, .. } = &record.body else {
            return Ok(());
        };
        let Some(id) = record.header.broker_order_id.filter(|_| to.is_terminal()) else { return Ok(()) };
        if generation.get() != self.generation {
            // The connection ended between the conclusion and its record.
            return Ok(());
        }
        let written = self.written.get(&id.get()).copied().unwrap_or(Instant::MIN);
        let without =
            self.lists.iter().filter(|(at, open)| *at > written && !open.contains(&id.get())).count();
        if without < 2 {
            return Err(format!("order {id} is called absent after {without} complete lists without it"));
        }
        Ok(())
    }
}
