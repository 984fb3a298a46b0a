//! When the journal is slow or refuses: cancels leave, nothing new does, callers hear of it.

use std::collections::BTreeSet;
use std::time::Duration;

use alphec_core::{Input, Reply, Token};
use alphec_model::broker::Wire;
use alphec_model::{BrokerEvent, BrokerOrderId, BrokerRequest, OrderState, UtcNanos, planted};

use super::{InFlight, Loop, RETRY_AFTER, SLOW_CANCEL, SLOW_JOURNAL};
use crate::handle::CallError;
use crate::write_ahead::{Batch, Committed, Held};

/// The journal does not take records: what it refused is tried again.
pub(super) struct Trouble {
    /// What it refused; taken while it is tried again.
    batch: Option<Batch>,
    retry_at: UtcNanos,
}

impl Loop {
    /// When something about a slow or broken journal is due.
    pub(super) fn trouble_deadline(&self, now: UtcNanos) -> Option<UtcNanos> {
        let retry =
            self.trouble.as_ref().filter(|trouble| trouble.batch.is_some()).map(|trouble| trouble.retry_at);
        let cancels = self.cancels_since.map(|since| since.saturating_add(SLOW_CANCEL));
        let slow = self
            .in_flight
            .as_ref()
            .filter(|_| !self.is_slow && self.trouble.is_none())
            .map(|in_flight| now.saturating_add(SLOW_JOURNAL.saturating_sub(self.taken(in_flight))));
        [retry, cancels, slow].into_iter().flatten().min()
    }

    /// How long a batch has been at the journal.
    fn taken(&self, in_flight: &InFlight) -> Duration {
        self.parts.clock.elapsed().saturating_sub(in_flight.since)
    }

    pub(super) fn mind_the_journal(&mut self, now: UtcNanos) {
        if self.cancels_since.is_some_and(|since| now.since(since) >= SLOW_CANCEL) {
            self.let_cancels_ahead();
        }
        let is_slow = self.in_flight.as_ref().is_some_and(|in_flight| self.taken(in_flight) >= SLOW_JOURNAL);
        if is_slow && !self.is_slow && self.trouble.is_none() {
            self.is_slow = true;
            self.withdraw_all("a sync of the journal takes longer than it may");
        }
        let due =
            self.trouble.as_ref().is_some_and(|trouble| trouble.batch.is_some() && trouble.retry_at <= now);
        if due && self.in_flight.is_none() {
            self.retry(now);
        }
    }

    /// Cancels, and what asks whether they were taken, do not wait for the journal, wherever they are held.
    pub(super) fn let_cancels_ahead(&mut self) {
        self.cancels_since = None;
        self.parts.emergency.keep();
        let cancels: Vec<_> = self.helds().flat_map(Held::take_cancels).collect();
        let is_cancel = |committed: &&Committed| committed.request().is_cancel();
        self.stats.cancels_ahead += count(cancels.iter().filter(is_cancel).count());
        for cancel in cancels {
            self.send(cancel);
        }
    }

    /// What waits for a record, oldest first: of the batch that was refused, of those on their way, of the next.
    fn helds(&mut self) -> impl Iterator<Item = &mut Held> {
        let refused = self.trouble.as_mut().and_then(|trouble| trouble.batch.as_mut());
        let in_flight = self.in_flight.as_mut().map(|in_flight| &mut in_flight.batch);
        let batches = refused.into_iter().chain(in_flight).chain(&mut self.queue);
        batches.chain([&mut self.filling]).map(|batch| &mut batch.held)
    }

    /// The journal refused a batch: it is kept and tried again.
    pub(super) fn begin_trouble(&mut self, batch: Batch, why: &str) {
        let retry_at = self.parts.clock.now().saturating_add(RETRY_AFTER);
        let is_new = self.trouble.replace(Trouble { batch: Some(batch), retry_at }).is_none();
        if is_new {
            // Once: it is tried again twice a second, for hours if need be.
            tracing::error!(why, "the journal took no records; trying again until it does");
            self.withdraw_all(why);
        }
    }

    /// New orders stop; what was to be sent never is, and is recorded as such; callers hear of it.
    fn withdraw_all(&mut self, why: &str) {
        self.step(Input::Journal { trouble: Some(why.to_owned()) });
        let (mut stale, mut replies, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for held in self.helds() {
            stale.extend(held.take_stale());
            replies.append(&mut held.replies);
            answers.append(&mut held.answers);
        }
        self.let_cancels_ahead();
        let of =
            |is_change: bool| stale.iter().filter_map(move |request| order_of(request, is_change)).collect();
        let (orders, changes): (BTreeSet<_>, BTreeSet<_>) = (of(false), of(true));
        for (token, reply) in replies {
            let is_change = self.waiters.get(&token).is_some_and(|waiter| waiter.is_change);
            let is_gone = is_withdrawn(&reply, if is_change { &changes } else { &orders });
            if is_gone && !planted::is("what-was-withdrawn-is-answered-as-sent") {
                self.reply(token, Err(CallError::Journal { why: why.to_owned() }));
            } else {
                self.reply_unrecorded(token, reply);
            }
        }
        for answer in answers {
            answer();
        }
        for request in &stale {
            self.never_sent(request, "the journal could not record it in time");
        }
    }

    /// While in trouble nothing new can trade (the gate denies), so nobody has to wait.
    pub(super) fn let_out(&mut self) {
        self.let_cancels_ahead();
        for (token, reply) in std::mem::take(&mut self.filling.held.replies) {
            self.reply_unrecorded(token, reply);
        }
        for answer in std::mem::take(&mut self.filling.held.answers) {
            answer();
        }
    }

    /// Answers without waiting for the journal; whoever needs the record behind the answer is told that there
    /// is none.
    fn reply_unrecorded(&mut self, token: Token, reply: Reply) {
        let needs_record = self.waiters.get(&token).is_some_and(|waiter| waiter.needs_record);
        let is_unproven = needs_record
            && claims_something(&reply)
            && !planted::is("what-was-withdrawn-is-answered-as-sent");
        self.reply(token, if is_unproven { Err(self.not_on_record()) } else { Ok(reply) });
    }

    pub(super) fn not_on_record(&self) -> CallError {
        let why = self.parts.core.readiness().journal_trouble;
        CallError::NotOnRecord { why: why.unwrap_or_else(|| "the journal is behind".to_owned()) }
    }

    fn retry(&mut self, now: UtcNanos) {
        let Some(trouble) = self.trouble.as_mut() else { return };
        trouble.retry_at = now.saturating_add(RETRY_AFTER);
        if let Some(batch) = trouble.batch.take() {
            self.begin(batch);
        }
    }

    /// A batch became durable after trouble or slowness: the gate may open once the books are read.
    pub(super) fn end_trouble(&mut self) {
        if self.trouble.take().is_none() && !self.is_slow {
            return;
        }
        self.is_slow = false;
        tracing::info!("the journal takes records again");
        self.step(Input::Journal { trouble: None });
        let generation = self.parts.core.generation();
        let why = "the journal was out of order".to_owned();
        self.step(Input::Broker(BrokerEvent::Gap { generation, why }));
    }

    /// Proof for the machine that the broker never sees this request.
    pub(super) fn never_sent(&mut self, request: &BrokerRequest, why: &str) {
        let (ticket, wire) = match request {
            BrokerRequest::Place(ticket) => (ticket, Wire::Place),
            BrokerRequest::Replace(ticket) => (ticket, Wire::Replace),
            _ => return,
        };
        let broker_order_id = ticket.broker_order_id;
        self.step(Input::Broker(BrokerEvent::NotWritten { broker_order_id, wire, why: why.to_owned() }));
    }
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The order that would have been placed, or changed.
fn order_of(request: &BrokerRequest, is_change: bool) -> Option<BrokerOrderId> {
    match request {
        BrokerRequest::Place(ticket) if !is_change => Some(ticket.broker_order_id),
        BrokerRequest::Replace(ticket) if is_change => Some(ticket.broker_order_id),
        _ => None,
    }
}

/// Whether it says that something is in force or that an order lives. A refusal is true without a record.
fn claims_something(reply: &Reply) -> bool {
    let is_denied = |order: &alphec_model::Order| order.state == OrderState::Denied;
    match reply {
        Reply::Misuse(_) | Reply::ReplaceDenied { .. } => false,
        Reply::Order(order) => !is_denied(order),
        Reply::Group(orders) => !orders.iter().all(|order| is_denied(order)),
        Reply::Reconciling(_) | Reply::Canceling(_) | Reply::GloballyCanceling { .. } | Reply::Done => true,
    }
}

fn is_withdrawn(reply: &Reply, withdrawn: &BTreeSet<BrokerOrderId>) -> bool {
    match reply {
        Reply::Group(orders) => {
            orders.iter().any(|order| order.broker_order_id.is_some_and(|id| withdrawn.contains(&id)))
        }
        // A cancel of it is answered as asked: the order will not be sent.
        Reply::Order(order) if order.pending.cancel_asked_at.is_none() => {
            order.broker_order_id.is_some_and(|id| withdrawn.contains(&id))
        }
        _ => false,
    }
}
