//! Changing an order's state: one place that records it and does what follows.

use alphec_model::lifecycle::OrderState;
use alphec_model::{AlertKind, Body, DenyReason, Evidence, PermId, Provenance, RejectReason, planted};

use super::group::LegEnd;
use crate::book::OrderIx;
use crate::machine::{About, Turn};

/// What a change carries besides the new state.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) perm_id: Option<PermId>,
    pub(crate) deny_reason: Option<DenyReason>,
    pub(crate) reject_reason: Option<RejectReason>,
}

impl Turn<'_> {
    pub(crate) fn change_state(&mut self, ix: OrderIx, to: OrderState, evidence: Evidence) {
        self.change_state_with(ix, to, evidence, Carried::default());
    }

    pub(crate) fn end_denied(&mut self, ix: OrderIx, evidence: Evidence, reason: DenyReason) {
        let carried = Carried { deny_reason: Some(reason), ..Carried::default() };
        self.change_state_with(ix, OrderState::Denied, evidence, carried);
    }

    pub(crate) fn reject(&mut self, ix: OrderIx, evidence: Evidence, reason: RejectReason) {
        self.reject_with(ix, evidence, reason, None);
    }

    pub(crate) fn reject_with(
        &mut self,
        ix: OrderIx,
        evidence: Evidence,
        reason: RejectReason,
        perm_id: Option<PermId>,
    ) {
        let Some(order) = self.order(ix) else { return };
        let text = format!("order {} rejected by the broker: {reason}", order.client_order_id);
        self.alert(AlertKind::OrderRejected, text, Some(ix));
        let carried = Carried { reject_reason: Some(reason), perm_id, ..Carried::default() };
        self.change_state_with(ix, OrderState::Rejected, evidence, carried);
    }

    /// Outcome not proven: exposure stays reserved, the broker's books are read, people are told.
    pub(crate) fn doubt(&mut self, ix: OrderIx, why: String) {
        let Some(order) = self.order(ix) else { return };
        let text = format!(
            "order {} is in doubt ({why}): its exposure stays reserved, and nothing is sent again meanwhile",
            order.client_order_id
        );
        self.alert(AlertKind::OrderInDoubt, text, Some(ix));
        let is_dead = planted::is("silence-is-a-rejection");
        let to = if is_dead { OrderState::Rejected } else { OrderState::InDoubt };
        self.change_state(ix, to, Evidence::Silence { why: why.clone() });
        if planted::is("placed-again-at-the-first-doubt") {
            self.resend(ix, Evidence::Silence { why });
        }
    }

    pub(crate) fn change_state_with(
        &mut self,
        ix: OrderIx,
        to: OrderState,
        evidence: Evidence,
        carried: Carried,
    ) {
        let Some(from) = self.state(ix) else { return };
        let provenance = match evidence {
            Evidence::Decision => Provenance::Decided,
            Evidence::Operator { .. } => Provenance::Operator,
            Evidence::Silence { .. } | Evidence::Absent { .. }
                if !planted::is("a-conclusion-passes-for-an-observation") =>
            {
                Provenance::Inferred
            }
            _ => Provenance::Observed,
        };
        let end = self.order(ix).map(|order| LegEnd::of(order, to, &evidence));
        let Carried { perm_id, deny_reason, reject_reason } = carried;
        let body = Body::OrderChanged { from, to, evidence, perm_id, deny_reason, reject_reason };
        self.record(About::order(ix), provenance, body);
        if to.is_terminal() {
            self.answer_waiting(ix);
            self.core.session.forget_order(ix);
            if from != OrderState::Staged && !from.is_terminal() {
                end.into_iter().for_each(|end| self.leg_ended(ix, end));
            }
        } else if to != OrderState::PendingNew {
            self.core.session.acknowledged(ix);
        }
    }

    /// A staged order goes to the wire, under the id that is next.
    pub(crate) fn leave_stage(&mut self, ix: OrderIx) {
        let broker_order_id = Some(self.core.book.next_broker_id());
        let body = Body::OrderChanged {
            from: OrderState::Staged,
            to: OrderState::PendingNew,
            evidence: Evidence::Decision,
            perm_id: None,
            deny_reason: None,
            reject_reason: None,
        };
        self.record(About { broker_order_id, ..About::order(ix) }, Provenance::Decided, body);
    }

    /// A process ended with this order live: what was never sent ends, the rest is in doubt.
    pub(crate) fn leave_behind(&mut self, ix: OrderIx) {
        let Some(order) = self.order(ix) else { return };
        if order.pending.replace.as_ref().is_some_and(|replace| replace.staged) {
            self.end_replace(ix, false, Evidence::Decision);
        }
        match self.state(ix).unwrap_or(OrderState::Denied) {
            OrderState::PendingNew if planted::is("what-a-crash-left-unanswered-was-never-sent") => {
                let why_not = "the process ended".to_owned();
                self.end_denied(ix, Evidence::Decision, DenyReason::NotWritten { why_not });
            }
            OrderState::Staged => {
                let why_not = "the process ended while custom risk rules were asked".to_owned();
                self.end_denied(ix, Evidence::Decision, DenyReason::NotWritten { why_not });
            }
            OrderState::PendingNew => {
                self.doubt(ix, "the process ended before the broker answered".to_owned())
            }
            OrderState::Working
            | OrderState::InDoubt
            | OrderState::Filled
            | OrderState::Canceled
            | OrderState::Rejected
            | OrderState::Expired
            | OrderState::Denied => {}
        }
    }

    /// Silence past the deadline: in doubt, and a look into the broker's books.
    pub(crate) fn silence(&mut self, ix: OrderIx) {
        if self.state(ix) == Some(OrderState::PendingNew) {
            let seconds = self.core.config.ack_timeout.as_secs();
            self.doubt(ix, format!("no answer within {seconds} s"));
        }
        self.look();
    }
}
