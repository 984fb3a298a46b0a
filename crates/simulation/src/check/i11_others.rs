//! Reservation: orders of others.

use std::collections::{BTreeMap, BTreeSet};

use alphec_core::Core;
use alphec_model::broker::{BrokerStatus, OrderNames, Snapshot};
use alphec_model::{Body, BrokerEvent, Decimal, ForeignOrder, Record, Side};

use super::connection::Recorded;
use super::{Invariant, Scene, Verdict};
use crate::profile::{self, LISTED};
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct Others {
    open: BTreeMap<String, ForeignOrder>,
    is_due: bool,
    /// Those of which the broker has ever said that they are over.
    ended: BTreeSet<String>,
    generation: u64,
    recorded: Recorded,
    /// By connection: what each of its complete lists showed open.
    lists: BTreeMap<u64, Vec<BTreeSet<String>>>,
}

impl Invariant for Others {
    fn number(&self) -> u8 {
        11
    }

    fn sentence(&self) -> &'static str {
        "What orders of others on record can still fill is reserved too, until a word of the broker ends them or two complete lists in a row leave them out."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { records, .. } => {
                self.open.clear();
                records.iter().for_each(|record| self.note(record));
            }
            Sight::Durable(records) => {
                for record in *records {
                    self.recorded.note(record);
                    if let Body::ForeignGone { key } = &record.body {
                        self.is_gone(key)?;
                    }
                    self.note(record);
                }
            }
            Sight::Told(event) => self.told(event),
            // A process that begins anew counts its connections anew.
            Sight::Died => {
                self.lists.clear();
                self.recorded = Recorded::default();
            }
            Sight::Rest { core: Some(core), .. }
                if self.is_due && scene.ledger.seq == scene.ledger.handed =>
            {
                let seq = core.book().seq().map_or(0, alphec_model::Seq::get);
                if seq == scene.ledger.seq {
                    self.is_due = false;
                    return self.check(core);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Others {
    fn told(&mut self, event: &BrokerEvent) {
        match event {
            BrokerEvent::Connected(session) => self.generation = session.generation.get(),
            BrokerEvent::OpenOrder(row) => self.told_status(&row.names, &row.status),
            BrokerEvent::Status(row) => self.told_status(&row.names, &row.status),
            BrokerEvent::Snapshot(snapshot) if snapshot.generation.get() == self.generation => {
                self.told_books(snapshot);
            }
            _ => {}
        }
    }

    fn told_books(&mut self, Snapshot { open, completed, .. }: &Snapshot) {
        completed.iter().for_each(|row| self.told_status(&row.names, &row.status));
        open.iter().for_each(|row| self.told_status(&row.names, &row.status));
        let shown = open.iter().filter_map(|row| key_of(&row.names)).collect();
        self.lists.entry(self.generation).or_default().push(shown);
    }

    fn told_status(&mut self, names: &OrderNames, status: &BrokerStatus) {
        if matches!(status, BrokerStatus::Cancelled | BrokerStatus::ApiCancelled | BrokerStatus::Filled) {
            self.ended.extend(key_of(names));
        }
    }

    fn is_gone(&self, key: &str) -> Verdict {
        let lists = self.lists.get(&self.recorded.generation).map_or(&[][..], Vec::as_slice);
        let is_missed_twice = lists.windows(2).any(|two| two.iter().all(|shown| !shown.contains(key)));
        if is_missed_twice || self.ended.contains(key) {
            return Ok(());
        }
        Err(format!("{key} is called gone, and neither a word of the broker nor two lists in a row say so"))
    }

    fn note(&mut self, record: &Record) {
        match &record.body {
            Body::ForeignSeen { order } => {
                self.open.insert(order.key.clone(), order.clone());
            }
            Body::ForeignGone { key } => {
                self.open.remove(key);
            }
            _ => return,
        }
        self.is_due = true;
    }

    fn check(&self, core: &Core) -> Verdict {
        for listed in &LISTED {
            let exposure = core.book().exposure(&profile::account(), &profile::literal(listed.name));
            let counted =
                [(Side::Buy, exposure.foreign_buy_leaves), (Side::Sell, exposure.foreign_sell_leaves)];
            for (side, counted) in counted {
                let open = self.open.values().filter(|one| one.instrument.as_str() == listed.name);
                let sum: Decimal = open.filter(|one| one.side == side).map(|one| one.leaves_qty.get()).sum();
                if counted != sum {
                    let name = listed.name;
                    return Err(format!("orders of others can fill {sum} of {name}, {counted} are reserved"));
                }
            }
        }
        Ok(())
    }
}

/// As the journal names an order of others.
fn key_of(names: &OrderNames) -> Option<String> {
    match names.perm_id {
        Some(perm_id) => Some(format!("perm:{perm_id}")),
        None => Some(format!("id:{}/{}", names.api_client_id?, names.broker_order_id?)),
    }
}
