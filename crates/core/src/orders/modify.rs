//! A change: a versioned intent, one in flight, the worse of both versions reserved.

use alphec_model::{
    Body, BrokerRequest, Command, DenyReason, Evidence, ModifyRequest, Order, OrderSpec, OrderState,
    PendingReplace, Provenance, SpecError, Verdict,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::risk::Candidate;
use crate::step::{Misuse, Reply, Token};

impl Turn<'_> {
    pub(crate) fn modify(&mut self, token: Token, request: ModifyRequest) {
        let Some(ix) = self.core.book.ix_of(&request.client_order_id) else {
            let misuse = Misuse::UnknownOrder(request.client_order_id.clone());
            let about = About {
                key: Some(request.client_order_id.clone()),
                ..About::correlation(&request.correlation_id)
            };
            self.record(about, Provenance::Operator, Body::Commanded { command: Command::Modify(request) });
            self.reply(token, Reply::Misuse(misuse));
            return;
        };
        let about = About::order(ix).with_correlation(&request.correlation_id);
        let command = Command::Modify(request.clone());
        self.record(about.clone(), Provenance::Operator, Body::Commanded { command });
        let Some(order) = self.order(ix) else { return };
        let verdict = match not_changeable(order, &request.spec) {
            Some(reason) => Verdict { denied: Some(reason), ..Verdict::default() },
            None => self.judge(&Candidate::change(order, &request.spec)),
        };
        match verdict.denied.clone() {
            Some(reason) => self.deny_replace(token, ix, reason, (about, verdict)),
            None => self.accept_replace(token, ix, request, verdict),
        }
    }

    fn deny_replace(&mut self, token: Token, ix: OrderIx, reason: DenyReason, found: (About, Verdict)) {
        let (about, verdict) = found;
        self.record(about, Provenance::Decided, Body::ReplaceDenied { reason: reason.clone(), verdict });
        let Some(order) = self.order(ix) else { return };
        let text = format!("change of order {} denied: {reason}", order.client_order_id);
        let order = std::sync::Arc::new(order.clone());
        self.alert(alphec_model::AlertKind::OrderDenied, text, Some(ix));
        self.reply(token, Reply::ReplaceDenied { order, reason });
    }

    fn accept_replace(&mut self, token: Token, ix: OrderIx, request: ModifyRequest, verdict: Verdict) {
        let staged = !self.core.config.rules.is_empty();
        let version = self.order(ix).map_or(1, |order| order.version).saturating_add(1);
        let about = About::order(ix).with_correlation(&request.correlation_id);
        let replace = PendingReplace {
            spec: request.spec,
            version,
            correlation_id: request.correlation_id,
            asked_at: self.now,
            staged,
        };
        let body = Body::ReplaceAsked { replace, verdict: verdict.clone() };
        self.record(about, Provenance::Decided, body);
        if staged {
            self.ask_rules(ix, Some(token), verdict);
        } else {
            self.send_replace(ix);
            self.reply_order(token, ix);
        }
    }

    /// Every custom rule passed a change: one last look, then the wire.
    pub(crate) fn release_replace(&mut self, ix: OrderIx) {
        match self.not_ready() {
            Some(_) => self.end_replace(ix, false, Evidence::Decision),
            None => {
                self.record(About::order(ix), Provenance::Decided, Body::ReplaceReleased);
                self.send_replace(ix);
            }
        }
    }

    fn send_replace(&mut self, ix: OrderIx) {
        let ticket = self
            .order(ix)
            .and_then(|order| Some((order, order.pending.replace.as_ref()?.spec.clone())))
            .and_then(|(order, spec)| self.ticket(order, spec));
        let Some(ticket) = ticket else { return };
        self.note_sent();
        self.core.session.expect_answer(ix, self.now.saturating_add(self.core.config.ack_timeout));
        self.step.requests.push(BrokerRequest::Replace(ticket));
    }

    pub(crate) fn end_replace(&mut self, ix: OrderIx, accepted: bool, evidence: Evidence) {
        self.core.session.acknowledged(ix);
        self.core.session.old_terms_rounds.remove(&ix);
        let provenance =
            if evidence == Evidence::Decision { Provenance::Decided } else { Provenance::Inferred };
        self.record(
            About::order(ix),
            provenance,
            Body::ReplaceEnded { accepted, evidence: evidence.clone() },
        );
        // Filled up to the terms that turned out to be in force, while it was open which those were.
        let full = self.order(ix).is_some_and(|order| order.cum_qty >= order.spec.order_qty);
        if full && self.state(ix) == Some(OrderState::Working) {
            self.change_state(ix, OrderState::Filled, evidence);
        }
    }
}

/// Why the order cannot be changed where it stands, if it cannot.
fn not_changeable(order: &Order, spec: &OrderSpec) -> Option<DenyReason> {
    let what = match order.state {
        OrderState::Working => None,
        OrderState::Staged | OrderState::PendingNew => {
            Some("the broker has not acknowledged it yet; try again once it is working".to_owned())
        }
        OrderState::InDoubt => {
            Some("its outcome is in doubt; cancel it, or wait until that is settled".to_owned())
        }
        OrderState::Filled
        | OrderState::Canceled
        | OrderState::Rejected
        | OrderState::Expired
        | OrderState::Denied => Some(format!("it is {} already", order.state)),
    };
    let what = what.or_else(|| {
        if order.pending.replace.is_some() {
            Some("another change is in flight; wait for its answer".to_owned())
        } else if order.pending.cancel_asked_at.is_some() {
            Some("a cancel is in flight".to_owned())
        } else if spec.side != order.spec.side {
            Some("the side never changes; cancel it and place a new order".to_owned())
        } else if spec.order_type.as_str() != order.spec.order_type.as_str() {
            // Error 329 at the broker.
            Some("the order type never changes; cancel it and place a new order".to_owned())
        } else if *spec == order.spec {
            Some("the new terms are the terms in force".to_owned())
        } else {
            None
        }
    });
    if let Some(what) = what {
        return Some(DenyReason::NotChangeable { what });
    }
    // The total includes fills: at or below them the change would end the order by surprise.
    (spec.order_qty <= order.cum_qty).then_some(DenyReason::Terms {
        error: SpecError::BelowFilled { qty: spec.order_qty, filled: order.cum_qty },
    })
}
