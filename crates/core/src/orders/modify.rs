//! A change: a versioned intent, one waited for at a time, the worst of the versions reserved.

use alphec_model::{
    AlertKind, Body, BrokerRequest, Command, DenyReason, Evidence, LegRole, ModifyRequest, Order, OrderSpec,
    OrderState, PendingReplace, Provenance, SpecError, TimeInForce, Verdict, planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::risk::Candidate;
use crate::step::{Misuse, Reply, Token};

/// Changes of one order that may be in force although given up; each keeps its size reserved.
const GIVEN_UP_MAX: usize = 8;

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
        let before = self.change_before(ix, order);
        let verdict = match not_changeable(order, &request.spec, &before) {
            Some(reason) => Verdict { denied: Some(reason), ..Verdict::default() },
            None => self.judge(&Candidate::change(order, &request.spec).covered_by(self.covered(order))),
        };
        match verdict.denied.clone() {
            Some(reason) => self.deny_replace(token, ix, reason, (about, verdict)),
            None => {
                // The one before stays reserved, and is known again should it take effect.
                if let Before::Unseen(evidence) = before {
                    let is_lost = planted::is("a-change-that-gave-way-reserves-nothing");
                    self.end_replace(ix, false, if is_lost { Evidence::Decision } else { evidence });
                }
                self.accept_replace(token, ix, request, verdict);
            }
        }
    }

    fn change_before(&self, ix: OrderIx, order: &Order) -> Before {
        let unseen = self.unseen_change(ix);
        match (order.pending.replace.is_some(), unseen) {
            _ if planted::is("two-changes-in-flight") => Before::Settled,
            (true, None) => Before::InFlight,
            _ if self.core.session.is_word_due(ix) => Before::Leaving,
            (true, Some(evidence)) => Before::Unseen(evidence.clone()),
            (false, _) => Before::Settled,
        }
    }

    fn deny_replace(&mut self, token: Token, ix: OrderIx, reason: DenyReason, found: (About, Verdict)) {
        let (about, verdict) = found;
        self.record(about, Provenance::Decided, Body::ReplaceDenied { reason: reason.clone(), verdict });
        let Some(order) = self.order(ix) else { return };
        let text = format!("change of order {} denied: {reason}", order.client_order_id);
        let order = std::sync::Arc::new(order.clone());
        self.alert(AlertKind::OrderDenied, text, Some(ix));
        self.reply(token, Reply::ReplaceDenied { order, reason });
    }

    fn accept_replace(&mut self, token: Token, ix: OrderIx, request: ModifyRequest, verdict: Verdict) {
        let staged = !self.core.config.rules.is_empty();
        let version = self.order(ix).map_or(1, highest_version).saturating_add(1);
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

    /// Every custom rule passed a change: the order and the gate are looked at once more, for time
    /// has gone by, and then the wire.
    ///
    /// # Errors
    /// Why it must not leave any more.
    pub(crate) fn release_replace(&mut self, ix: OrderIx) -> Result<(), DenyReason> {
        let gone = || DenyReason::NotChangeable { what: "the change was withdrawn".to_owned() };
        let order = self.order(ix).ok_or_else(gone)?;
        let replace = order.pending.replace.as_ref().filter(|replace| replace.staged).ok_or_else(gone)?;
        if let Some(reason) = cannot_take(order, &replace.spec) {
            return Err(reason);
        }
        if let Some(reason) =
            self.judge(&Candidate::change(order, &replace.spec).covered_by(self.covered(order))).denied
        {
            return Err(reason);
        }
        self.record(About::order(ix), Provenance::Decided, Body::ReplaceReleased);
        self.send_replace(ix);
        Ok(())
    }

    fn send_replace(&mut self, ix: OrderIx) {
        let Some((order, replace)) =
            self.order(ix).and_then(|order| Some((order, order.pending.replace.as_ref()?)))
        else {
            return;
        };
        let version = replace.version;
        let Some(ticket) = self.ticket(order, replace.spec.clone()) else { return };
        self.note_sent();
        self.core.session.expect_word(ix, version);
        self.core.session.expect_answer(ix, self.now.saturating_add(self.core.config.ack_timeout));
        self.step.requests.push(BrokerRequest::Replace(ticket));
    }

    pub(crate) fn end_replace(&mut self, ix: OrderIx, accepted: bool, evidence: Evidence) {
        self.core.session.acknowledged(ix);
        self.core.session.unseen_changes.remove(&ix);
        let provenance =
            if evidence == Evidence::Decision { Provenance::Decided } else { Provenance::Inferred };
        self.record(
            About::order(ix),
            provenance,
            Body::ReplaceEnded { accepted, evidence: evidence.clone() },
        );
        // Filled up to the terms that turned out to be in force, while it was open which those were.
        let full = self.order(ix).is_some_and(|order| order.cum_qty >= order.worst_order_qty());
        if full && matches!(self.state(ix), Some(OrderState::Working | OrderState::InDoubt)) {
            self.change_state(ix, OrderState::Filled, evidence);
        }
    }

    /// A change was not made, as far as can be told: whoever relies on it has to know, unless the order is to go.
    pub(crate) fn fail_replace(&mut self, ix: OrderIx, why: &str, evidence: Evidence) {
        let changing = self.order(ix).filter(|order| !order.pending.is_cancel_asked());
        let version = changing.and_then(|order| Some(order.pending.replace.as_ref()?.version));
        self.end_replace(ix, false, evidence);
        let Some(version) = version else { return };
        let Some(order) = self.order(ix).filter(|order| !order.state.is_terminal()) else { return };
        let may_come = order.pending.given_up.iter().any(|replace| replace.version == version);
        let then = if may_come {
            "it may be made yet and counts as reserved"
        } else {
            "on record are the terms before it"
        };
        let key = &order.client_order_id;
        let text = format!("a change of order {key} (version {version}) was not made: {why}; {then}");
        self.alert(AlertKind::ChangeFailed, text, Some(ix));
    }

    /// A change that was given up is in force after all: the gateway held it back and acted on it late.
    pub(crate) fn come_late(&mut self, ix: OrderIx, version: u32, evidence: Evidence) {
        let what = format!("a change that was given up is in force at the broker: version {version}");
        self.alert(AlertKind::LateArrival, what, Some(ix));
        self.record(About::order(ix), Provenance::Observed, Body::ReplaceCameLate { version, evidence });
    }
}

/// No version of it that may be in force has a higher number.
fn highest_version(order: &Order) -> u32 {
    order.pending.given_up.iter().map(|replace| replace.version).fold(order.version, u32::max)
}

/// Where the change before the next one stands.
#[derive(Debug)]
enum Before {
    /// There is none, or it is settled.
    Settled,
    /// Its answer is waited for.
    InFlight,
    /// The lists do not show it, but this: it gives way.
    Unseen(Evidence),
    /// It is settled and the adapter has not said whether it left: its word names the order only.
    Leaving,
}

/// Why the order cannot be changed where it stands, if it cannot.
fn not_changeable(order: &Order, spec: &OrderSpec, before: &Before) -> Option<DenyReason> {
    let gives_way = matches!(before, Before::Unseen(_));
    let given_up = order.pending.given_up.len().saturating_add(usize::from(gives_way));
    let what = if matches!(before, Before::InFlight) {
        "another change is in flight; wait for its answer"
    } else if matches!(before, Before::Leaving) {
        "the change before has not left yet; try again"
    } else if given_up >= GIVEN_UP_MAX {
        "too many changes of it were never answered; cancel it and place a new order"
    } else if spec.side != order.spec.side {
        "the side never changes; cancel it and place a new order"
    } else if spec.order_type.as_str() != order.spec.order_type.as_str() {
        // Error 329 at the broker.
        "the order type never changes; cancel it and place a new order"
    } else if spec.order_qty != order.spec.order_qty && is_in_bracket(order) {
        "the size of a bracket is that of its entry and never changes; cancel it and place a new one"
    } else if spec.order_type.trail() != order.spec.order_type.trail() {
        // The broker's echo does not tell old distances from new ones surely enough to call one in force.
        "the distance of a trailing stop never changes; cancel it and place a new order"
    } else if *spec == order.spec {
        "the new terms are the terms in force"
    } else if versions(order).any(|known| is_another_date(known, spec)) {
        "the broker does not repeat the date of an order, so nothing could prove the change; cancel it and place a \
         new order"
    } else {
        return cannot_take(order, spec);
    };
    not_in_state(order).or_else(|| Some(DenyReason::NotChangeable { what: what.to_owned() }))
}

fn is_in_bracket(order: &Order) -> bool {
    order.leg.as_ref().is_some_and(|leg| leg.role != LegRole::Peer)
}

/// Every version of its terms that may be in force.
fn versions(order: &Order) -> impl Iterator<Item = &OrderSpec> {
    let asked = order.pending.replace.iter().chain(&order.pending.given_up);
    core::iter::once(&order.spec).chain(asked.map(|replace| &replace.spec))
}

/// Whether nothing differs from known terms but until when the order is good.
fn is_another_date(known: &OrderSpec, spec: &OrderSpec) -> bool {
    let (TimeInForce::Gtd { expire_at: old }, TimeInForce::Gtd { expire_at: new }) =
        (known.time_in_force, spec.time_in_force)
    else {
        return false;
    };
    let rest = OrderSpec { time_in_force: known.time_in_force, ..spec.clone() };
    old != new && rest == *known
}

/// Why no change can reach the order now, whatever it says.
fn cannot_take(order: &Order, spec: &OrderSpec) -> Option<DenyReason> {
    // The total includes fills: at or below them the change would end the order by surprise.
    let below_filled = (spec.order_qty <= order.cum_qty).then_some(DenyReason::Terms {
        error: SpecError::BelowFilled { qty: spec.order_qty, filled: order.cum_qty },
    });
    not_in_state(order).or(below_filled)
}

fn not_in_state(order: &Order) -> Option<DenyReason> {
    let what = match order.state {
        OrderState::Working if order.pending.cancel_asked_at.is_some() => "a cancel is in flight".to_owned(),
        OrderState::Working => return None,
        OrderState::Staged | OrderState::PendingNew => {
            "the broker has not acknowledged it yet; try again once it is working".to_owned()
        }
        OrderState::InDoubt => "its outcome is in doubt; cancel it, or wait until that is settled".to_owned(),
        OrderState::Filled
        | OrderState::Canceled
        | OrderState::Rejected
        | OrderState::Expired
        | OrderState::Denied => format!("it is {} already", order.state),
    };
    Some(DenyReason::NotChangeable { what })
}
