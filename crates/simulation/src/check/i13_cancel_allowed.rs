//! Cancels are always allowed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use alphec_core::{Core, Misuse, Reply};
use alphec_engine::CallError;
use alphec_model::broker::Wire;
use alphec_model::{BrokerEvent, ClientOrderId, Command, OrderState};

use super::{Invariant, Scene, Verdict, reaches};
use crate::clock::{Instant, MILLI, SECOND};
use crate::sight::Sight;
use crate::wire::Sent;

#[derive(Default)]
pub(super) struct CancelAllowed {
    /// By order id: when it was asked.
    waiting: BTreeMap<i32, Instant>,
    /// Frames that left, with how many messages each is, and whether it may use what is kept for cancels.
    left: VecDeque<(Instant, usize, bool)>,
    is_up: bool,
    /// Orders that this life of the process was asked to submit.
    submitted: BTreeSet<ClientOrderId>,
    /// Orders that it was asked to cancel before anybody had submitted them, how often, and was not answered yet.
    too_early: BTreeMap<ClientOrderId, usize>,
}

impl Invariant for CancelAllowed {
    fn number(&self) -> u8 {
        13
    }

    fn sentence(&self) -> &'static str {
        "A cancel of a live order is never refused, and its frame, asked for alone or with all of a scope, is out within 250 ms while the link is up to our own login and cancels and liveness probes have not used up the fifth of the budget that is theirs."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        if let Sight::Wire(sent) = scene.sight {
            self.note(sent, scene);
        }
        match scene.sight {
            Sight::Answered(Command::Cancel { client_order_id, .. }, reply) => {
                let is_unknown = matches!(reply, Ok(Reply::Misuse(Misuse::UnknownOrder(_))));
                // It may have come to be while the answer waited for a record.
                if self.was_too_early(client_order_id) && is_unknown {
                    return Ok(());
                }
                refused(client_order_id, reply, scene)
            }
            Sight::Asked(Command::Cancel { client_order_id, .. }) => {
                let is_known = scene.ledger.intents.contains_key(client_order_id)
                    || self.submitted.contains(client_order_id);
                if !is_known {
                    *self.too_early.entry(client_order_id.clone()).or_default() += 1;
                }
                self.ask(client_order_id, scene);
                Ok(())
            }
            Sight::Asked(Command::CancelAll { scope, .. } | Command::Kill { scope, .. }) => {
                let in_scope = scene.ledger.live().map(|intent| &intent.order);
                in_scope
                    .filter(|order| reaches(scope, order))
                    .for_each(|order| self.ask(&order.client_order_id, scene));
                Ok(())
            }
            Sight::Asked(Command::Submit(request)) => {
                self.submitted.insert(request.client_order_id.clone());
                Ok(())
            }
            Sight::Asked(Command::SubmitGroup(request)) => {
                self.submitted.extend(request.orders.iter().map(|order| order.client_order_id.clone()));
                Ok(())
            }
            Sight::Wire(Sent::Cancel(id)) => {
                self.waiting.remove(&id.get());
                Ok(())
            }
            Sight::Died => {
                self.waiting.clear();
                self.submitted.clear();
                self.too_early.clear();
                Ok(())
            }
            Sight::Wire(Sent::GlobalCancel) => {
                self.waiting.clear();
                Ok(())
            }
            Sight::Told(BrokerEvent::Disconnected { .. }) => {
                self.waiting.clear();
                Ok(())
            }
            Sight::Told(BrokerEvent::NotWritten { broker_order_id, wire, .. }) => {
                self.waiting.remove(&broker_order_id.get());
                // The engine has taken a place in the budget for what the adapter did not need to write.
                self.left.push_back((scene.now, 1, *wire == Wire::Cancel));
                Ok(())
            }
            Sight::Rest { core, is_up, is_paused } => {
                // On another login the id may be an order of somebody else: the cancel is kept until ours is back.
                self.is_up = *is_up && scene.ledger.is_our_login;
                // A process that stands still is not late by that.
                if !self.is_up || *is_paused {
                    self.waiting.clear();
                }
                self.late(*core, scene)
            }
            _ => Ok(()),
        }
    }
}

/// How long a cancel may take to the wire.
const WITHIN: Instant = 250 * MILLI;

/// One message in so many of the budget is kept for cancels.
const KEPT: usize = 5;

/// Messages of one reading of the books.
const BOOKS: usize = 6;

fn is_reducing(sent: &Sent, scene: &Scene<'_>) -> bool {
    match sent {
        Sent::Cancel(_) | Sent::GlobalCancel | Sent::Probe => true,
        Sent::Replace(ticket) => {
            let key = scene.ledger.by_id.get(&ticket.broker_order_id.get());
            let known = key.and_then(|key| scene.ledger.intents.get(key));
            known.is_some_and(|intent| ticket.spec.order_qty <= intent.order.spec.order_qty)
        }
        Sent::Place(_) | Sent::Books | Sent::Other => false,
    }
}

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
    fn was_too_early(&mut self, key: &ClientOrderId) -> bool {
        let Some(count) = self.too_early.get_mut(key) else { return false };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.too_early.remove(key);
        }
        true
    }

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
        let late = self.waiting.iter().find(|(_, asked)| scene.now.saturating_sub(**asked) > WITHIN);
        match late.map(|(id, _)| *id) {
            Some(id) if !self.is_spent(scene) => {
                Err(format!("the cancel of order {id} is not out after 250 ms"))
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, sent: &Sent, scene: &Scene<'_>) {
        let since = scene.now.saturating_sub(SECOND + WITHIN);
        while self.left.front().is_some_and(|(at, ..)| *at < since) {
            self.left.pop_front();
        }
        let messages = if matches!(sent, Sent::Books) { BOOKS } else { 1 };
        self.left.push_back((scene.now, messages, is_reducing(sent, scene)));
    }

    /// Whether the last second's budget is used up, and what orders may not use of it by cancels and by changes that
    /// make an order no larger; or was, as long ago as a cancel may take from there.
    fn is_spent(&self, scene: &Scene<'_>) -> bool {
        let Some(budget) = scene.ledger.messages_per_second else { return false };
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let since = scene.now.saturating_sub(SECOND + WITHIN);
        let of_late = || self.left.iter().filter(|(at, ..)| *at >= since);
        let all: usize = of_late().map(|(_, messages, _)| messages).sum();
        let reducing = of_late().filter(|(.., is_reducing)| *is_reducing).count();
        all >= budget && reducing >= budget / KEPT
    }
}
