//! Open orders and statuses, live and unasked.

use alphec_model::broker::{BrokerStatus, EchoedTerms, OpenOrderReport, OrderNames, StatusReport};
use alphec_model::{Body, Evidence, OrderSpec, OrderState, PermId, Provenance};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::change::Carried;
use crate::orders::transition::{Effect, on_status};

impl Turn<'_> {
    pub(super) fn open_order(&mut self, report: &OpenOrderReport) {
        self.see_ids(&report.names);
        let Some(ix) = self.find(&report.names) else {
            self.note_lost_reference(&report.names);
            return;
        };
        let evidence = Evidence::OpenOrder { status: report.status.as_str().into() };
        self.apply_status(ix, &report.status, report.names.perm_id, evidence.clone());
        self.compare_terms(ix, &report.terms, evidence);
    }

    pub(super) fn status(&mut self, report: &StatusReport) {
        self.see_ids(&report.names);
        let Some(ix) = self.find(&report.names) else { return };
        let evidence =
            Evidence::Status { status: report.status.as_str().into(), perm_id: report.names.perm_id };
        self.apply_status(ix, &report.status, report.names.perm_id, evidence);
        let ahead = report.cum_qty.zip(self.order(ix)).is_some_and(|(theirs, order)| theirs > order.cum_qty);
        if ahead {
            // Executions may only be late; if they are lost, the books have them.
            self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
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
        let new_perm_id = self.new_perm_id(ix, perm_id);
        let carried = Carried { perm_id: new_perm_id, ..Carried::default() };
        self.core.session.last_status.insert(ix, status.clone());
        match on_status(state, status) {
            Effect::Works => self.change_state_with(ix, OrderState::Working, evidence, carried),
            Effect::Cancels => self.end_canceled(ix, evidence, carried),
            Effect::Nothing => self.learn(ix, new_perm_id),
            Effect::MustBeFilled => {
                self.learn(ix, new_perm_id);
                self.must_be_filled(ix, evidence);
            }
            Effect::Anomalous => {
                self.learn(ix, new_perm_id);
                let what = format!("status {} for an order that is {state}", status.as_str());
                self.anomaly(what, Some(ix));
                if matches!(state, OrderState::PendingNew | OrderState::InDoubt) {
                    self.change_state(ix, OrderState::Working, evidence);
                }
            }
        }
    }

    /// A cancel word ends the order; a good-till-date order past its date has expired.
    pub(super) fn end_canceled(&mut self, ix: OrderIx, evidence: Evidence, carried: Carried) {
        let expired = self.order(ix).is_some_and(|order| match order.spec.time_in_force {
            alphec_model::TimeInForce::Gtd { expire_at } => {
                expire_at <= self.now && order.pending.cancel_asked_at.is_none()
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
        let short = self.order(ix).is_some_and(|order| order.cum_qty < order.spec.order_qty);
        if short {
            self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
        }
    }

    fn learn(&mut self, ix: OrderIx, perm_id: Option<PermId>) {
        if let Some(perm_id) = perm_id {
            self.record(About::order(ix), Provenance::Observed, Body::PermIdLearned { perm_id });
        }
    }

    /// The perm id, if it is news. A second one for the same order means the broker split it in two.
    fn new_perm_id(&mut self, ix: OrderIx, perm_id: Option<PermId>) -> Option<PermId> {
        let known = self.order(ix)?.perm_id;
        match (known, perm_id) {
            (None, Some(_)) => perm_id,
            (Some(known), Some(other)) if known != other => {
                self.anomaly(
                    format!("one order has two perm ids at the broker: {known} and {other}"),
                    Some(ix),
                );
                None
            }
            _ => None,
        }
    }

    /// A change is taken over when the broker repeats the wanted terms; the old ones prove nothing
    /// (outside trading hours they are repeated until the venue opens).
    pub(super) fn compare_terms(&mut self, ix: OrderIx, echoed: &EchoedTerms, evidence: Evidence) {
        let Some(replace) = self.order(ix).and_then(|order| order.pending.replace.as_ref()) else { return };
        if !replace.staged && says(echoed, &replace.spec) {
            self.end_replace(ix, true, evidence);
        }
    }

    /// Raises the id floor above every id of ours that the broker shows.
    pub(super) fn see_ids(&mut self, names: &OrderNames) {
        let ours = names.api_client_id == Some(self.core.config.api_client_id);
        if let Some(id) = names.broker_order_id.filter(|_| ours) {
            self.raise_id_floor(alphec_model::BrokerOrderId::new(id.get().saturating_add(1)));
        }
    }

    pub(crate) fn raise_id_floor(&mut self, next: alphec_model::BrokerOrderId) {
        if next > self.core.book.next_broker_id() {
            self.record(About::default(), Provenance::Observed, Body::IdFloorRaised { next });
        }
    }

    /// An order with a reference of this journal that this journal does not know: the journal is
    /// an older copy of itself, or has lost its end. Nothing new is sent on such ground.
    pub(super) fn note_lost_reference(&mut self, names: &OrderNames) {
        let Some(text) = names.order_ref.as_ref().filter(|text| self.intent_of(text).is_some()) else {
            return;
        };
        if self.core.book.halted().is_some() {
            return;
        }
        let reason = format!(
            "the broker shows order {text}, which this journal should know and does not; \
             find the newer journal before trading"
        );
        self.anomaly(reason.clone(), None);
        self.alert(alphec_model::AlertKind::Halted, reason.clone(), None);
        let body = Body::Halted { by: "alphec-execution".to_owned(), reason };
        self.record(About::default(), Provenance::Inferred, body);
    }
}

/// Whether the echo repeats these terms. Type and life are left out: the gateway rewrites their words.
pub(super) fn says(echoed: &EchoedTerms, spec: &OrderSpec) -> bool {
    echoed.order_qty == Some(spec.order_qty)
        && spec.order_type.limit_px().is_none_or(|px| echoed.limit_px == Some(px))
        && spec.order_type.stop_px().is_none_or(|px| echoed.stop_px == Some(px))
}
