//! Cancels are always allowed.

use std::collections::BTreeMap;

use alphec_core::{Core, Reply};
use alphec_engine::CallError;
use alphec_model::{BrokerEvent, ClientOrderId, Command, OrderState};

use super::{Invariant, Scene, Verdict};
use crate::clock::{Instant, MILLI};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct CancelAllowed {
    /// By order id: when it was asked.
    waiting: BTreeMap<i32, Instant>,
    is_up: bool,
}

impl Invariant for CancelAllowed {
    fn number(&self) -> u8 {
        13
    }

    fn sentence(&self) -> &'static str {
        "A cancel of a live order is never refused, and its frame is out within 250 ms while the link is up."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Answered(Command::Cancel { client_order_id, .. }, reply) => {
                refused(client_order_id, reply, scene)
            }
            Sight::Asked(Command::Cancel { client_order_id, .. }) => {
                self.ask(client_order_id, scene);
                Ok(())
            }
            Sight::Wire(Sent::Cancel(id)) => {
                self.waiting.remove(&id.get());
                Ok(())
            }
            Sight::Wire(Sent::GlobalCancel) | Sight::Died => {
                self.waiting.clear();
                Ok(())
            }
            Sight::Told(BrokerEvent::Disconnected { .. } | BrokerEvent::NotWritten { .. }) => {
                self.waiting.clear();
                Ok(())
            }
            Sight::Rest { core, is_up, is_paused } => {
                // A process that stands still is not late by that.
                if !is_up || *is_paused {
                    self.waiting.clear();
                }
                self.is_up = *is_up;
                self.late(*core, scene)
            }
            _ => Ok(()),
        }
    }
}

/// How long a cancel may take to the wire.
const WITHIN: Instant = 250 * MILLI;

fn refused(key: &ClientOrderId, reply: &Result<Reply, CallError>, scene: &Scene<'_>) -> Verdict {
    let Some(intent) = scene.ledger.intents.get(key) else { return Ok(()) };
    if intent.order.state.is_terminal() {
        return Ok(());
    }
    match reply {
        Ok(Reply::Order(_)) | Err(CallError::Stopped) => Ok(()),
        other => Err(format!("the cancel of {key} was answered with {other:?}")),
    }
}

impl CancelAllowed {
    /// Only orders that the broker has and that nothing else ends.
    fn ask(&mut self, key: &ClientOrderId, scene: &Scene<'_>) {
        let Some(intent) = scene.ledger.intents.get(key).filter(|_| self.is_up) else { return };
        let is_asked = intent.order.pending.cancel_asked_at.is_some();
        if let Some(id) = intent.order.broker_order_id
            && intent.order.state == OrderState::Working
            && !is_asked
        {
            self.waiting.entry(id.get()).or_insert(scene.now);
        }
    }

    fn late(&mut self, core: Option<&Core>, scene: &Scene<'_>) -> Verdict {
        let Some(core) = core else { return Ok(()) };
        self.waiting.retain(|id, _| {
            let key = scene.ledger.by_id.get(id);
            let order = key.and_then(|key| core.book().order(key));
            order.is_some_and(|order| !order.state.is_terminal())
        });
        match self.waiting.iter().find(|(_, asked)| scene.now.saturating_sub(**asked) > WITHIN) {
            Some((id, _)) => Err(format!("the cancel of order {id} is not out after 250 ms")),
            None => Ok(()),
        }
    }
}
