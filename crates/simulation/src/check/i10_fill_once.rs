//! Fill once.

use std::collections::BTreeSet;

use alphec_model::record::Fill;
use alphec_model::{Body, Record, Side};
use alphec_twsim::venue;

use super::ledger::{Ledger, base_of};
use super::{Invariant, Scene, Verdict};
use crate::profile::LISTED;
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct FillOnce {
    booked: BTreeSet<String>,
}

impl Invariant for FillOnce {
    fn number(&self) -> u8 {
        10
    }

    fn sentence(&self) -> &'static str {
        "Each execution is booked once, as the venue made it, for the order that it is of; a higher revision replaces a lower one; none is invented."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Durable(records) => records.iter().try_for_each(|record| self.book(record, scene.ledger)),
            Sight::Born { records, .. } => {
                let known = self.booked.clone();
                self.booked.clear();
                for record in *records {
                    self.book(record, scene.ledger)?;
                }
                match known.difference(&self.booked).next() {
                    Some(lost) => Err(format!("execution {lost} was booked and is not any more")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl FillOnce {
    fn book(&mut self, record: &Record, ledger: &Ledger) -> Verdict {
        match &record.body {
            Body::Filled { fill } => {
                if !self.booked.insert(fill.exec_id.base().to_owned()) {
                    return Err(format!("execution {} is booked twice", fill.exec_id));
                }
                is_true(fill, ledger)?;
                is_of_its_order(record, fill, ledger)
            }
            Body::FillRevised { was, now } => {
                if now.exec_id.revision() <= was.exec_id.revision() {
                    return Err(format!("revision {} replaces {}", now.exec_id, was.exec_id));
                }
                is_true(now, ledger)
            }
            _ => Ok(()),
        }
    }
}

/// The venue has that execution, and where the revision is its latest one, in these words.
fn is_true(fill: &Fill, ledger: &Ledger) -> Verdict {
    let exec_id = fill.exec_id.as_str();
    let Some(real) = ledger.executions.get(base_of(exec_id)) else {
        return Err(format!("execution {exec_id} was never made"));
    };
    if real.exec_id != exec_id {
        return Ok(());
    }
    let side = if real.side == venue::Side::Buy { Side::Buy } else { Side::Sell };
    let is_same = (fill.side, fill.last_qty.get(), fill.last_px.get()) == (side, real.quantity, real.price);
    let listed = LISTED.iter().find(|listed| listed.con_id == real.con_id);
    let is_there = listed.is_none_or(|listed| fill.instrument.as_str() == listed.name);
    if is_same && is_there {
        Ok(())
    } else {
        Err(format!("execution {exec_id} is booked otherwise than it was made"))
    }
}

/// What counts for an order of ours is an execution of that order.
fn is_of_its_order(record: &Record, fill: &Fill, ledger: &Ledger) -> Verdict {
    let Some(key) = &record.header.client_order_id else { return Ok(()) };
    let real = ledger.executions.get(base_of(fill.exec_id.as_str()));
    match real.and_then(|real| ledger.by_ref.get(&*real.order_ref)) {
        Some(of) if of == key => Ok(()),
        _ => Err(format!("execution {} is booked for {key} and is not of it", fill.exec_id)),
    }
}
