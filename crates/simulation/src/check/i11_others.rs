//! Reservation: orders of others.

use std::collections::BTreeMap;

use alphec_core::Core;
use alphec_model::{Body, Decimal, ForeignOrder, Record, Side};

use super::{Invariant, Scene, Verdict};
use crate::profile::{self, LISTED};
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct Others {
    open: BTreeMap<String, ForeignOrder>,
    is_due: bool,
}

impl Invariant for Others {
    fn number(&self) -> u8 {
        11
    }

    fn sentence(&self) -> &'static str {
        "What orders of others on record can still fill is reserved too."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { records, .. } => {
                self.open.clear();
                records.iter().for_each(|record| self.note(record));
            }
            Sight::Durable(records) => records.iter().for_each(|record| self.note(record)),
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
