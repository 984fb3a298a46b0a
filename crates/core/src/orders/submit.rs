//! A new order: same key once, gate, intent, and only then the wire.

use std::sync::Arc;

use alphec_model::broker::{Ticket, TicketLeg};
use alphec_model::{
    AlertKind, Body, BrokerRequest, Command, DenyReason, Evidence, Leg, LegRole, Order, OrderRequest,
    OrderState, OrderType, Provenance, SpecError, Verdict, WhenInDoubt, planted,
};

use crate::book::{OrderIx, denied_order, new_order};
use crate::last_look::SEND_WITHIN;
use crate::machine::{About, Turn};
use crate::risk::Candidate;
use crate::step::{Misuse, Reply, Token};

impl Turn<'_> {
    pub(crate) fn submit(&mut self, token: Token, request: OrderRequest) {
        if let Some(ix) = self.core.book.ix_of(&request.client_order_id) {
            self.submit_again(token, ix, request);
            return;
        }
        let verdict = match not_resendable(&request) {
            Some(reason) => Verdict { denied: Some(reason), ..Verdict::default() },
            None => self.judge(&Candidate::new_order(&request)),
        };
        match verdict.denied.clone() {
            Some(reason) => self.deny(token, request, reason, verdict),
            None => self.accept(token, &request, verdict),
        }
    }

    /// The same key again: the same order if the body is the same, a misuse otherwise.
    fn submit_again(&mut self, token: Token, ix: OrderIx, request: OrderRequest) {
        let is_same = self.is_same_body(ix, &request) || planted::is("a-key-takes-any-body");
        let about = About::order(ix).with_correlation(&request.correlation_id);
        let key = request.client_order_id.clone();
        self.record(about, Provenance::Operator, Body::Commanded { command: Command::Submit(request) });
        if is_same {
            self.reply_order(token, ix);
        } else {
            self.reply(token, Reply::Misuse(Misuse::KeyReused(key)));
        }
    }

    /// Whether the order was asked for with this very body.
    pub(super) fn is_same_body(&self, ix: OrderIx, request: &OrderRequest) -> bool {
        self.core.book.entry(ix).is_some_and(|entry| {
            let order = &entry.order;
            order.strategy_id == request.strategy_id
                && order.account == request.account
                && order.instrument == request.instrument
                && entry.asked == request.spec
                && request.when_in_doubt.is_none_or(|choice| choice == order.when_in_doubt)
        })
    }

    fn deny(&mut self, token: Token, request: OrderRequest, reason: DenyReason, verdict: Verdict) {
        if self.has_no_room(1) {
            return self.deny_unheld(token, request, &reason);
        }
        if let Some(ix) = self.record_denied(request, reason, verdict) {
            self.reply_order(token, ix);
        }
    }

    pub(super) fn has_no_room(&self, orders: usize) -> bool {
        self.core.book.len().saturating_add(orders) > self.core.config.orders_max
    }

    /// A full book holds no further order, not even a denied one: what was asked for is on record and answered.
    fn deny_unheld(&mut self, token: Token, request: OrderRequest, reason: &DenyReason) {
        let order = denied_order(&request, reason.clone(), self.now);
        let about = About::correlation(&request.correlation_id);
        self.record(about, Provenance::Operator, Body::Commanded { command: Command::Submit(request) });
        if self.core.session.is_news("a full book denies") {
            self.alert(
                AlertKind::OrderDenied,
                format!("order {} denied: {reason}", order.client_order_id),
                None,
            );
        }
        self.reply(token, Reply::Order(Arc::new(order)));
    }

    pub(super) fn record_denied(
        &mut self,
        request: OrderRequest,
        reason: DenyReason,
        verdict: Verdict,
    ) -> Option<OrderIx> {
        let key = request.client_order_id.clone();
        let about = About { key: Some(key.clone()), ..About::correlation(&request.correlation_id) };
        let text = format!("order {key} denied: {reason}");
        self.record(about, Provenance::Decided, Body::Denied { request: Box::new(request), reason, verdict });
        let ix = self.core.book.ix_of(&key);
        self.alert(AlertKind::OrderDenied, text, ix);
        ix
    }

    fn accept(&mut self, token: Token, request: &OrderRequest, verdict: Verdict) {
        let staged = !self.core.config.rules.is_empty();
        let for_rules = staged.then(|| verdict.clone());
        let Some(ix) = self.record_accepted(request, None, verdict) else { return };
        match for_rules {
            _ if self.state(ix) == Some(OrderState::Denied) => self.reply_order(token, ix),
            Some(verdict) => self.ask_rules(ix, Some(token), verdict),
            None => {
                self.place(ix);
                self.reply_order(token, ix);
            }
        }
    }

    /// Records the intent. A leg of a group begins staged, until all of them have passed; so does what custom
    /// rules judge. What is staged gets its id when it leaves: ids must rise in the order of the wire.
    pub(super) fn record_accepted(
        &mut self,
        request: &OrderRequest,
        leg: Option<Leg>,
        verdict: Verdict,
    ) -> Option<OrderIx> {
        let Some(log_id) = self.core.book.log_id().cloned() else {
            let reason = DenyReason::Journal { why_not: "the journal has no name yet".to_owned() };
            return self.record_denied(request.clone(), reason, verdict);
        };
        let staged = leg.is_some() || !self.core.config.rules.is_empty();
        let mut order = new_order(request, self.now);
        order.leg = leg;
        order.when_in_doubt = request.when_in_doubt.unwrap_or_else(|| self.by_default());
        order.state = if staged { OrderState::Staged } else { OrderState::PendingNew };
        order.broker_order_id = (!staged).then(|| self.core.book.next_broker_id());
        order.order_ref = Some(order.reference(&log_id, self.core.book.next_intent()));
        let about =
            About { key: Some(order.client_order_id.clone()), ..About::correlation(&request.correlation_id) };
        let body = Body::Accepted { order: Box::new(order), verdict };
        self.record(about, Provenance::Decided, body);
        self.core.book.ix_of(&request.client_order_id).or_else(|| {
            let why_not = "the order could not be recorded".to_owned();
            self.record_denied(request.clone(), DenyReason::Journal { why_not }, Verdict::default())
        })
    }

    /// The profile's choice. It marks no order to be sent twice.
    fn by_default(&self) -> WhenInDoubt {
        match self.core.config.when_in_doubt {
            WhenInDoubt::Hold => WhenInDoubt::Hold,
            WhenInDoubt::CancelProbe | WhenInDoubt::ResendIfAbsent => WhenInDoubt::CancelProbe,
        }
    }

    /// Every custom rule passed: the gate looks once more, for time has gone by, and then the wire.
    pub(crate) fn release_staged(&mut self, ix: OrderIx) {
        let denied = self.order(ix).and_then(|order| self.judge(&Candidate::release(order)).denied);
        match denied {
            Some(reason) => self.deny_staged(ix, reason),
            None => {
                self.leave_stage(ix);
                self.place(ix);
            }
        }
    }

    pub(crate) fn deny_staged(&mut self, ix: OrderIx, reason: DenyReason) {
        let Some(order) = self.order(ix) else { return };
        self.alert(
            AlertKind::OrderDenied,
            format!("order {} denied: {reason}", order.client_order_id),
            Some(ix),
        );
        self.end_denied(ix, Evidence::Decision, reason);
    }

    /// Stages the write. The intent is recorded in this very step.
    pub(super) fn place(&mut self, ix: OrderIx) {
        let Some(ticket) = self.order(ix).and_then(|order| self.ticket(order, order.spec.clone())) else {
            self.anomaly("an accepted order has no broker id or reference".to_owned(), Some(ix));
            return;
        };
        self.note_sent();
        self.core.session.expect_answer(ix, self.now.saturating_add(self.core.config.ack_timeout));
        // The intent record already holds every term: a second record of the request would say nothing new.
        self.step.requests.push(BrokerRequest::Place(ticket));
    }

    pub(crate) fn ticket(&self, order: &Order, spec: alphec_model::OrderSpec) -> Option<Ticket> {
        Some(Ticket {
            generation: self.core.session.link.generation,
            broker_order_id: order.broker_order_id?,
            order_ref: order.order_ref.clone()?,
            account: order.account.clone(),
            instrument: order.instrument.clone(),
            spec,
            send_by: self.now.saturating_add(SEND_WITHIN),
            leg: self.ticket_leg(order),
        })
    }

    /// An order's part in its group, as it is written. The broker remembers it of what it has.
    fn ticket_leg(&self, order: &Order) -> Option<TicketLeg> {
        let leg = order.leg.as_ref()?;
        let head = self.core.book.order(&leg.group)?;
        match leg.role {
            LegRole::Peer => Some(TicketLeg::Peer { group: head.order_ref.as_ref()?.as_str().into() }),
            _ if order.state != OrderState::PendingNew => None,
            LegRole::Parent => Some(TicketLeg::Parent),
            LegRole::Child => {
                let last = self.core.book.legs_of(self.core.book.ix_of(&leg.group)?).last().copied();
                let is_last = last == self.core.book.ix_of(&order.client_order_id);
                Some(TicketLeg::Child { parent: head.broker_order_id?, is_last })
            }
        }
    }
}

/// Only a price of its own keeps an order that is sent minutes later from buying at any price.
fn not_resendable(request: &OrderRequest) -> Option<DenyReason> {
    let is_marked = request.when_in_doubt == Some(WhenInDoubt::ResendIfAbsent);
    let is_limit = matches!(request.spec.order_type, OrderType::Limit { .. });
    (is_marked && !is_limit).then(|| DenyReason::Terms {
        error: SpecError::NotResendable { order_type: request.spec.order_type.as_str().to_owned() },
    })
}
