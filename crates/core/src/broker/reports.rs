//! Open orders and statuses, live and unasked.

use alphec_model::broker::{BrokerStatus, EchoedTerms, OpenOrderReport, OrderNames, StatusReport};
use alphec_model::{
    Body, CancelScope, Evidence, LegRole, Order, OrderSpec, OrderState, PermId, Provenance, Qty, planted,
};

use super::twice::is_open;
use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::change::Carried;
use crate::orders::kill::Halted;
use crate::orders::sent_replace;
use crate::orders::transition::{Effect, on_status};

impl Turn<'_> {
    pub(super) fn open_order(&mut self, report: &OpenOrderReport) {
        self.see_ids(&report.names);
        let Some(ix) = self.find(&report.names) else {
            self.note_lost_reference(&report.names);
            self.foreign_open(report);
            self.late_attempt(&report.names, &report.status);
            return;
        };
        if self.may_mean_either_life(ix, report.names.perm_id) {
            return;
        }
        let evidence = Evidence::OpenOrder { status: report.status.as_str().into() };
        if self.is_second_life(ix, report.names.perm_id, is_open(&report.status)) {
            return self.foreign_open(report);
        }
        if self.is_late_arrival(ix, &report.status) {
            return self.late_arrival(ix, evidence, report.names.perm_id);
        }
        self.apply_status(ix, &report.status, report.names.perm_id, evidence.clone());
        self.compare_terms(ix, &report.terms, evidence);
    }

    pub(super) fn status(&mut self, report: &StatusReport) {
        self.see_ids(&report.names);
        let Some(ix) = self.find(&report.names) else {
            self.foreign_status(report);
            self.late_attempt(&report.names, &report.status);
            return;
        };
        if self.may_mean_either_life(ix, report.names.perm_id) {
            return;
        }
        if self.is_second_life(ix, report.names.perm_id, is_open(&report.status)) {
            return self.foreign_status(report);
        }
        let evidence =
            Evidence::Status { status: report.status.as_str().into(), perm_id: report.names.perm_id };
        if let Some(theirs) = self.ends_ahead_of_fills(ix, report) {
            // What its group needs depends on them: the lists end it, fills first.
            self.learn(ix, report.names.perm_id.filter(|_| self.is_unnamed(ix)));
            self.expect_fills(ix, theirs);
            return self.look_later();
        }
        self.apply_status(ix, &report.status, report.names.perm_id, evidence.clone());
        if let Some(theirs) = report.cum_qty {
            self.expect_fills(ix, theirs);
            self.end_filled(ix, (&report.status, theirs), evidence);
        }
    }

    /// How much the broker has filled of an order that it says is canceled, where that is more than executions have come.
    fn ends_ahead_of_fills(&self, ix: OrderIx, report: &StatusReport) -> Option<Qty> {
        let is_end = matches!(report.status, BrokerStatus::Cancelled | BrokerStatus::ApiCancelled);
        let order = self.order(ix).filter(|order| is_end && !order.state.is_terminal())?;
        report.cum_qty.filter(|theirs| *theirs > order.cum_qty)
    }

    pub(super) fn is_unnamed(&self, ix: OrderIx) -> bool {
        self.order(ix).is_some_and(|order| order.perm_id.is_none())
    }

    /// Executions of what the broker counts as filled may only be late, mostly by milliseconds; if they are lost,
    /// the books have them.
    fn expect_fills(&mut self, ix: OrderIx, theirs: Qty) {
        if self.order(ix).is_some_and(|order| theirs > order.cum_qty) {
            let due = self.now.saturating_add(self.core.config.resnapshot_after);
            self.core.session.expect_fills(ix, theirs, due);
        }
    }

    /// An order whose terms in force are filled stays open for a larger size that was given up, until the broker
    /// counts it filled at what we count.
    fn end_filled(&mut self, ix: OrderIx, (status, theirs): (&BrokerStatus, Qty), evidence: Evidence) {
        let Some(order) = self.order(ix).filter(|order| order.pending.replace.is_none()) else { return };
        let is_full = order.cum_qty == theirs && theirs >= order.spec.order_qty;
        if *status == BrokerStatus::Filled && is_full && order.state == OrderState::Working {
            self.change_state(ix, OrderState::Filled, evidence);
        }
    }

    pub(super) fn apply_status(
        &mut self,
        ix: OrderIx,
        status: &BrokerStatus,
        perm_id: Option<PermId>,
        evidence: Evidence,
    ) {
        let Some(state) = self.state(ix) else { return };
        if self.is_second_life(ix, perm_id, false) {
            return;
        }
        let new_perm_id = self.order(ix).and_then(|order| perm_id.filter(|_| order.perm_id.is_none()));
        let carried = Carried { perm_id: new_perm_id, ..Carried::default() };
        if *status == BrokerStatus::PendingCancel {
            self.core.session.cancel_taken(ix);
        }
        if !state.is_terminal() && *status == BrokerStatus::Inactive {
            self.core.session.inactive.insert(ix);
        } else {
            self.core.session.inactive.remove(&ix);
        }
        let is_end = (*status == BrokerStatus::PendingCancel && planted::is("pending-cancel-ends-an-order"))
            || (*status == BrokerStatus::Inactive && planted::is("inactive-ends-an-order"));
        match on_status(state, status) {
            _ if is_end && !state.is_terminal() => self.end_canceled(ix, evidence, carried),
            Effect::Works => self.change_state_with(ix, OrderState::Working, evidence, carried),
            Effect::Cancels => self.end_canceled(ix, evidence, carried),
            Effect::Nothing => {
                self.learn(ix, new_perm_id);
                // A stale frame, most likely. If it lives after all, the lists show it.
                let lives = matches!(status, BrokerStatus::PreSubmitted | BrokerStatus::Submitted);
                if lives && state.is_terminal() && state != OrderState::Filled {
                    self.look_later();
                }
            }
            Effect::MustBeFilled => {
                self.learn(ix, new_perm_id);
                self.must_be_filled(ix, evidence);
            }
            Effect::Anomalous => {
                self.learn(ix, new_perm_id);
                let what = format!("status {} for an order that is {state}", status.as_str());
                self.anomaly(what, Some(ix));
                if state == OrderState::Denied {
                    self.look_later();
                }
                if matches!(state, OrderState::PendingNew | OrderState::InDoubt) {
                    self.change_state(ix, OrderState::Working, evidence);
                }
            }
        }
        self.end_accused(ix, status);
    }

    /// A code called the order dead while nothing else did; "inactive" says it too.
    fn end_accused(&mut self, ix: OrderIx, status: &BrokerStatus) {
        if *status != BrokerStatus::Inactive || self.state(ix).is_none_or(OrderState::is_terminal) {
            return;
        }
        if let Some(reason) = self.core.session.accused.remove(&ix) {
            let evidence = Evidence::Notice { code: reason.code, text: reason.text.clone() };
            self.reject(ix, evidence, reason);
        }
    }

    /// A cancel word ends the order; a good-till-date order past its date has expired.
    pub(super) fn end_canceled(&mut self, ix: OrderIx, evidence: Evidence, mut carried: Carried) {
        let Some(order) = self.order(ix) else { return };
        let (unasked, unfilled) = (order.pending.cancel_asked_at.is_none(), order.cum_qty.is_zero());
        // A code that refused it may have come before the status.
        let suspected = self.core.session.suspected.remove(&ix).map(|it| it.reason);
        match self.core.session.accused.remove(&ix).or(suspected).filter(|_| unasked) {
            Some(reason) if unfilled => return self.reject_with(ix, evidence, reason, carried.perm_id),
            accused => carried.reject_reason = carried.reject_reason.or(accused),
        }
        let expired = self.order(ix).is_some_and(|order| match order.spec.time_in_force {
            alphec_model::TimeInForce::Gtd { expire_at } => {
                let is_past = expire_at <= self.now || planted::is("a-date-is-past-before-its-time");
                is_past && order.pending.cancel_asked_at.is_none()
            }
            _ => false,
        });
        let to = if expired { OrderState::Expired } else { OrderState::Canceled };
        self.change_state_with(ix, to, evidence, carried);
    }

    /// The broker counts it filled. Only executions fill: until they come it works, and the books are read.
    fn must_be_filled(&mut self, ix: OrderIx, evidence: Evidence) {
        if matches!(self.state(ix), Some(OrderState::PendingNew | OrderState::InDoubt)) {
            self.change_state(ix, OrderState::Working, evidence);
        }
        let Some(order) = self.order(ix) else { return };
        let wanted = order.spec.order_qty;
        if order.cum_qty < wanted && planted::is("a-status-fills") {
            let evidence = Evidence::Status { status: "Filled".into(), perm_id: None };
            self.change_state(ix, OrderState::Filled, evidence);
        } else {
            self.expect_fills(ix, wanted);
        }
    }

    pub(super) fn learn(&mut self, ix: OrderIx, perm_id: Option<PermId>) {
        if let Some(perm_id) = perm_id {
            self.record(About::order(ix), Provenance::Observed, Body::PermIdLearned { perm_id });
        }
    }

    /// A change is taken over when the broker repeats the wanted terms; the old ones prove nothing
    /// (outside trading hours they are repeated until the venue opens).
    pub(super) fn compare_terms(&mut self, ix: OrderIx, echoed: &EchoedTerms, evidence: Evidence) {
        self.compare_size(ix, echoed);
        if self.late_version(ix, echoed).is_some() {
            // A single message may be an old one: a list decides. It says nothing of the change in flight.
            return self.look_later();
        }
        let Some(order) = self.order(ix) else { return };
        let Some(replace) = order.pending.replace.as_ref() else { return };
        let is_sent = !replace.staged;
        let life_differs = replace.spec.time_in_force != order.spec.time_in_force;
        let life_is_said = echoed.time_in_force.eq_ignore_ascii_case(replace.spec.time_in_force.as_str());
        let is_any = planted::is("any-echo-ends-a-change");
        if is_sent && (is_any || says(echoed, order, &replace.spec) && (life_is_said || !life_differs)) {
            self.end_replace(ix, true, evidence);
        }
    }

    /// The version of a change that was given up and whose terms the broker shows now.
    pub(super) fn late_version(&self, ix: OrderIx, echoed: &EchoedTerms) -> Option<u32> {
        let order = self.order(ix).filter(|order| !order.state.is_terminal())?;
        let given_up = &order.pending.given_up;
        let lives = |spec: &OrderSpec| echoed.time_in_force.eq_ignore_ascii_case(spec.time_in_force.as_str());
        // Where the versions differ in nothing else, how long it lives tells them apart.
        let is_another_life =
            |spec: &OrderSpec| !lives(spec) && given_up.iter().any(|replace| lives(&replace.spec));
        let is = |spec: &OrderSpec| says(echoed, order, spec) && !is_another_life(spec);
        let mut expected =
            core::iter::once(&order.spec).chain(sent_replace(order).map(|replace| &replace.spec));
        if expected.any(is) {
            return None;
        }
        given_up.iter().rev().find(|replace| is(&replace.spec)).map(|replace| replace.version)
    }

    /// More than we asked for can fill more than was judged. A single message may be an old one: a list decides.
    fn compare_size(&mut self, ix: OrderIx, echoed: &EchoedTerms) {
        if let Some((theirs, most)) = self.excess(ix, echoed) {
            self.anomaly(format!("the broker holds it at {theirs}, we asked for {most}"), Some(ix));
            self.look_later();
        }
    }

    /// The size that the broker has a live order at, and the most that we asked for, where that is less.
    pub(super) fn excess(&self, ix: OrderIx, echoed: &EchoedTerms) -> Option<(Qty, Qty)> {
        let order = self.order(ix).filter(|order| !order.state.is_terminal())?;
        let most = order.worst_order_qty();
        echoed.order_qty.filter(|theirs| *theirs > most).map(|theirs| (theirs, most))
    }

    /// Raises the id floor above every id of ours that the broker shows.
    pub(super) fn see_ids(&mut self, names: &OrderNames) {
        let ours = names.api_client_id == Some(self.core.config.api_client_id);
        // The largest number stands for "no id" on orders typed by hand.
        if let Some(id) = names.broker_order_id.filter(|id| ours && id.get() < i32::MAX) {
            self.raise_id_floor(alphec_model::BrokerOrderId::new(id.get().saturating_add(1)));
        }
    }

    pub(crate) fn raise_id_floor(&mut self, next: alphec_model::BrokerOrderId) {
        if next > self.core.book.next_broker_id() {
            self.record(About::default(), Provenance::Observed, Body::IdFloorRaised { next, intents: None });
        }
    }

    /// An order with a reference of this journal that this journal does not know: the journal is
    /// an older copy of itself, or has lost its end, or another copy of it has traded. Nothing new is sent on such
    /// ground.
    pub(super) fn note_lost_reference(&mut self, names: &OrderNames) {
        let Some(text) = &names.order_ref else { return };
        let intent = self.intent_of(text);
        let book = &self.core.book;
        if intent.is_none_or(|of| book.ix_by_intent(&of).is_some() || book.is_lost_in_salvage(of.number)) {
            return;
        }
        let reason = format!(
            "the broker shows order {text}, which this journal should know and does not; \
             find the newer journal before trading"
        );
        self.anomaly(reason.clone(), None);
        self.halt_by_ourselves(reason);
    }

    pub(super) fn halt_by_ourselves(&mut self, reason: String) {
        self.halt_scope_by_ourselves(CancelScope::All, reason);
    }

    pub(super) fn halt_scope_by_ourselves(&mut self, scope: CancelScope, reason: String) {
        if self.core.book.halted().is_some() || self.core.book.halt_of(&scope).is_some() {
            return;
        }
        self.alert(alphec_model::AlertKind::Halted, reason.clone(), None);
        let by = "alphec-execution".to_owned();
        self.halt(About::default(), Provenance::Inferred, Halted { scope, kill: false }, (by, reason));
    }
}

/// Whether it is an exit that is held for less yet: for what its entry has filled (`tws-behaviour.md` §2.3).
pub(super) fn grows_to(theirs: Qty, order: &Order, spec: &OrderSpec) -> bool {
    let is_exit = order.leg.as_ref().is_some_and(|leg| leg.role == LegRole::Child);
    is_exit && theirs < spec.order_qty
}

/// Whether the echo repeats these terms of an order. Type and life are left out: the gateway rewrites their words.
pub(super) fn says(echoed: &EchoedTerms, order: &Order, spec: &OrderSpec) -> bool {
    echoed.order_qty.is_some_and(|theirs| theirs == spec.order_qty || grows_to(theirs, order, spec))
        && spec.order_type.limit_px().is_none_or(|px| echoed.limit_px == Some(px))
        && spec.order_type.stop_px().is_none_or(|px| echoed.stop_px == Some(px))
}
