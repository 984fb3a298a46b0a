//! Cancels: never refused for an order that can still be live, never behind the gate.

use alphec_model::broker::BrokerStatus;
use alphec_model::{
    AlertKind, Body, BrokerRequest, CancelScope, ClientOrderId, Command, CorrelationId, Evidence, Order,
    OrderState, Provenance, UtcNanos, planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::step::{Misuse, Reply, Token};

/// Cancels of one order that the broker refused on one connection, or for which it did not find it, before a list that
/// shows the order ends the attempt and people are told.
pub(crate) const CANCELS_MAX: u32 = 3;

impl Turn<'_> {
    pub(crate) fn cancel(&mut self, token: Token, key: &ClientOrderId, correlation_id: &CorrelationId) {
        let ix = self.core.book.ix_of(key);
        let about = About { ix, key: Some(key.clone()), ..About::correlation(correlation_id) };
        let command =
            Command::Cancel { client_order_id: key.clone(), correlation_id: correlation_id.clone() };
        self.record(about, Provenance::Operator, Body::Commanded { command });
        match ix {
            None => self.reply(token, Reply::Misuse(Misuse::UnknownOrder(key.clone()))),
            Some(ix) => {
                self.cancel_one(ix, Some(correlation_id));
                self.reply_order(token, ix);
            }
        }
    }

    pub(crate) fn cancel_all(&mut self, token: Token, scope: &CancelScope, correlation_id: &CorrelationId) {
        let command = Command::CancelAll { scope: scope.clone(), correlation_id: correlation_id.clone() };
        self.record(About::correlation(correlation_id), Provenance::Operator, Body::Commanded { command });
        let canceling = self.cancel_scope(scope, Some(correlation_id));
        self.reply(token, Reply::Canceling(canceling));
    }

    /// Cancels every live order of a scope, and names them.
    pub(super) fn cancel_scope(
        &mut self,
        scope: &CancelScope,
        correlation_id: Option<&CorrelationId>,
    ) -> Vec<ClientOrderId> {
        let mut canceling = Vec::new();
        for ix in self.core.book.live() {
            if self.state(ix) != Some(OrderState::Working) && planted::is("a-kill-is-not-verified") {
                continue;
            }
            let Some(key) =
                self.order(ix).filter(|order| is_in(order, scope)).map(|order| order.client_order_id.clone())
            else {
                continue;
            };
            self.cancel_one(ix, correlation_id);
            canceling.push(key);
        }
        canceling
    }

    /// One request that ends every open order of the login, also those that are not ours. It stands
    /// for a cancel of each of ours on this connection; if it is lost with it, they leave one by one.
    pub(crate) fn global_cancel(
        &mut self,
        token: Token,
        (by, reason): (String, String),
        correlation_id: &CorrelationId,
    ) {
        let about = About::correlation(correlation_id);
        self.alert(AlertKind::GlobalCancel, format!("global cancel by {by}: {reason}"), None);
        let command = Command::GlobalCancel { by, reason, correlation_id: correlation_id.clone() };
        self.record(about.clone(), Provenance::Operator, Body::Commanded { command });
        let not_sent = self.no_global_cancel();
        let mut orders = Vec::new();
        for ix in self.core.book.live() {
            let Some(key) = self.order(ix).map(|order| order.client_order_id.clone()) else { continue };
            orders.push(key);
            if !self.ask_cancel(ix, Some(correlation_id)) {
                continue;
            }
            if not_sent.is_some() {
                self.send_cancel(ix);
            } else if self.is_of_this_login(ix) {
                self.await_cancel(ix);
            }
        }
        if not_sent.is_none() {
            self.note_sent();
            self.core.session.global_cancel_at = Some(self.now);
            self.request(about, BrokerRequest::GlobalCancel);
        }
        self.reply(token, Reply::GloballyCanceling { orders, not_sent });
    }

    /// Why a global cancel cannot leave. At a login that is not the profile's it would end the
    /// orders of people who have nothing to do with it.
    fn no_global_cancel(&self) -> Option<String> {
        if self.is_connected() {
            self.core.session.link.refused.clone()
        } else {
            Some("there is no connection to the broker".to_owned())
        }
    }

    /// The adapter proved that the broker never saw it: ours leave one by one.
    pub(crate) fn global_cancel_not_written(&mut self, why: &str) {
        let text = format!(
            "the global cancel was never written ({why}): orders of others stand, ours are canceled one by one"
        );
        self.alert(AlertKind::GlobalCancel, text, None);
        self.core.session.global_cancel_at = None;
        self.forget_sent_cancels();
        self.look_later();
    }

    /// Whatever was sent may never have arrived: it leaves again after the next lists, for what they show.
    pub(crate) fn forget_sent_cancels(&mut self) {
        for cancel in self.core.session.cancels.values_mut() {
            (cancel.sent_at, cancel.is_taken) = (None, false);
        }
    }

    /// A complete list shows how an order stands that a cancel was sent for. One that the broker is at work
    /// on has arrived; one that left long before the list, and that the list says nothing of, has not.
    pub(crate) fn check_cancel(&mut self, ix: OrderIx, status: &BrokerStatus, asked_at: UtcNanos) {
        if self.order(ix).is_none_or(|order| order.pending.cancel_asked_at.is_none()) {
            return;
        }
        if planted::is("a-lost-cancel-is-not-sent-again") {
            return;
        }
        let is_probe = self.order(ix).is_some_and(|order| order.pending.is_probe);
        let cancel = self.core.session.cancels.entry(ix).or_default();
        cancel.is_taken = *status == BrokerStatus::PendingCancel;
        if cancel.is_taken {
            cancel.sent_at = cancel.sent_at.or(Some(asked_at));
            return;
        }
        let is_lost = cancel.sent_at.is_none_or(|at| asked_at.since(at) >= self.core.config.ack_timeout);
        if is_probe && is_lost {
            // The question is answered: it exists. Nobody wants it gone.
            return self.end_question(ix, status);
        }
        let Some(sent_at) = cancel.sent_at else { return };
        if cancel.failed >= CANCELS_MAX && asked_at >= sent_at {
            return self.give_up_cancel(ix, status);
        }
        if asked_at.since(sent_at) >= self.core.config.ack_timeout {
            cancel.sent_at = None;
            let what =
                "a cancel was sent and the broker's lists show the order as if it was not: it is sent again";
            self.anomaly(what.to_owned(), Some(ix));
        }
        self.core.session.want_snapshot(self.now.saturating_add(self.core.config.ack_timeout));
    }

    /// The broker shows the order and has refused every cancel of it on this connection.
    fn give_up_cancel(&mut self, ix: OrderIx, status: &BrokerStatus) {
        let what = "the broker shows the order and takes no cancel of it: cancel it in TWS";
        self.anomaly(what.to_owned(), Some(ix));
        self.end_question(ix, status);
    }

    fn end_question(&mut self, ix: OrderIx, status: &BrokerStatus) {
        self.core.session.cancels.remove(&ix);
        let evidence = Evidence::OpenOrder { status: status.as_str().into() };
        self.record(About::order(ix), Provenance::Observed, Body::CancelEnded { evidence });
    }

    /// Cancels one order wherever it stands. Terminal orders are left alone; what was never sent
    /// ends here; anything else is asked of the broker, again if it was asked before.
    pub(crate) fn cancel_one(&mut self, ix: OrderIx, correlation_id: Option<&CorrelationId>) {
        if self.ask_cancel(ix, correlation_id) {
            self.send_cancel(ix);
        }
    }

    /// Records what a cancel means for one order; whether it is for the broker to end it.
    fn ask_cancel(&mut self, ix: OrderIx, correlation_id: Option<&CorrelationId>) -> bool {
        match self.state(ix) {
            None
            | Some(
                OrderState::Filled
                | OrderState::Canceled
                | OrderState::Rejected
                | OrderState::Expired
                | OrderState::Denied,
            ) => false,
            Some(OrderState::Staged) => {
                let end = |turn: &mut Self| turn.change_state(ix, OrderState::Canceled, Evidence::Decision);
                self.end_staged(ix, "a cancel was asked for", end);
                self.answer_waiting(ix);
                false
            }
            Some(OrderState::PendingNew | OrderState::Working | OrderState::InDoubt) => {
                // A change that left after the cancel could bring the order back.
                self.withdraw_staged_change(ix, "a cancel was asked for");
                let mut about = About::order(ix);
                about.correlation_id = correlation_id.cloned();
                self.record(about, Provenance::Decided, Body::CancelAsked);
                true
            }
        }
    }

    /// Without a connection the cancel stays asked; it leaves as soon as there is one. It leaves to
    /// no other login: there the same id is someone else's order.
    pub(crate) fn send_cancel(&mut self, ix: OrderIx) {
        let Some(broker_order_id) = self.order(ix).and_then(|order| order.broker_order_id) else { return };
        if planted::is("cancels-pass-the-gate") && self.not_ready().is_some() {
            return;
        }
        if self.is_connected() && self.is_of_this_login(ix) {
            self.note_sent();
            self.await_cancel(ix);
            self.step.requests.push(BrokerRequest::Cancel { broker_order_id });
        }
    }

    /// Silence is no end of the order; past the deadline the lists say whether the cancel arrived.
    fn await_cancel(&mut self, ix: OrderIx) {
        let due = self.now.saturating_add(self.core.config.ack_timeout);
        self.core.session.cancel_sent(ix, self.now, due);
    }

    /// Cancels asked for while there was no connection, lost with one, or not found, leave again.
    pub(crate) fn send_waiting_cancels(&mut self) {
        if planted::is("a-cancel-asked-while-down-is-forgotten") {
            return;
        }
        for ix in self.core.book.live() {
            // A question is put anew by the rounds that have it open, if they do.
            let is_asked = self.order(ix).is_some_and(|order| order.pending.is_cancel_asked());
            let is_sent = self.core.session.cancels.get(&ix).is_some_and(|cancel| cancel.sent_at.is_some());
            if is_asked && !is_sent {
                self.send_cancel(ix);
            }
        }
    }
}

pub(super) fn is_in(order: &Order, scope: &CancelScope) -> bool {
    scope.reaches(&order.account, &order.strategy_id, &order.instrument)
}
