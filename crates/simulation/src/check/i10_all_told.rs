//! Fill once: and every one of them.

use std::collections::BTreeSet;

use alphec_model::broker::ExecutionReport;
use alphec_model::{Body, BrokerEvent, OrderState, Record};

use super::ledger::base_of;
use super::{Invariant, Scene, Verdict};
use crate::profile;
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct AllTold {
    told: BTreeSet<String>,
}

impl Invariant for AllTold {
    fn number(&self) -> u8 {
        10
    }

    fn sentence(&self) -> &'static str {
        "Every execution that was told is booked, whoever's order it is of; an order is filled by its executions alone."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Told(BrokerEvent::Execution(report)) => self.note(report),
            Sight::Told(BrokerEvent::Snapshot(snapshot)) => {
                snapshot.executions.iter().for_each(|report| self.note(report));
            }
            // What was told and not recorded is told again, if the lists reach back so far.
            Sight::Died => self.told.retain(|exec_id| scene.ledger.fills.contains_key(base_of(exec_id))),
            Sight::Durable(records) => return records.iter().try_for_each(|record| is_full(record, scene)),
            Sight::End { .. } => {
                let lost =
                    self.told.iter().find(|exec_id| !scene.ledger.fills.contains_key(base_of(exec_id)));
                return lost.map_or(Ok(()), |exec_id| {
                    Err(format!("execution {exec_id} was told and is not booked"))
                });
            }
            _ => {}
        }
        Ok(())
    }
}

impl AllTold {
    fn note(&mut self, report: &ExecutionReport) {
        if report.account.as_str() == profile::ACCOUNT && !report.is_combo {
            self.told.insert(report.exec_id.as_str().to_owned());
        }
    }
}

fn is_full(record: &Record, scene: &Scene<'_>) -> Verdict {
    let Body::OrderChanged { to: OrderState::Filled, .. } = &record.body else { return Ok(()) };
    let intent = record.header.client_order_id.as_ref().and_then(|key| scene.ledger.intents.get(key));
    let Some(order) = intent.map(|intent| &intent.order) else { return Ok(()) };
    let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
    if order.cum_qty >= order.spec.order_qty || scene.ledger.was_corrected(order_ref) {
        return Ok(());
    }
    Err(format!(
        "{} is filled on record with {} of {}",
        order.client_order_id, order.cum_qty, order.spec.order_qty
    ))
}
