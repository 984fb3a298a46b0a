//! Executions and commissions: the only way an order fills.

use alphec_model::broker::{CommissionReport, ExecutionReport};
use alphec_model::record::Fill;
use alphec_model::{AlertKind, Body, Evidence, InstrumentId, OrderState, Provenance, Qty};

use crate::book::OrderIx;
use crate::machine::{About, Turn};

impl Turn<'_> {
    pub(super) fn execution(&mut self, report: &ExecutionReport) {
        self.book_execution(report, false);
    }

    /// Books an execution once. A combination's own execution is left out: its legs come beside it.
    pub(super) fn book_execution(&mut self, report: &ExecutionReport, in_baseline: bool) {
        self.see_ids(&report.names);
        if report.is_combo || !self.core.config.accounts.contains(&report.account) {
            return;
        }
        let ix = self.find(&report.names);
        if ix.is_none() {
            self.note_lost_reference(&report.names);
        }
        let Some(instrument) = self.instrument_of(report) else {
            self.anomaly(format!("execution {} names no instrument", report.exec_id), ix);
            return;
        };
        let fill = Fill {
            exec_id: report.exec_id.clone(),
            account: report.account.clone(),
            instrument,
            side: report.side,
            last_qty: report.last_qty,
            last_px: report.last_px,
            time_text: report.time_text.to_string(),
            in_baseline,
        };
        let was = self.core.book.booked(report.exec_id.base()).map(|booked| booked.fill.clone());
        match was {
            None => self.book_new(ix, report, fill),
            Some(was) if report.exec_id.revision() > was.exec_id.revision() => {
                self.book_revision(ix, was, fill)
            }
            Some(_) => {}
        }
    }

    fn book_new(&mut self, ix: Option<OrderIx>, report: &ExecutionReport, fill: Fill) {
        self.check_against_order(ix, &fill);
        if report.is_liquidation {
            self.alert(
                AlertKind::Anomaly,
                format!("the broker closed a position by itself: {}", fill.exec_id),
                ix,
            );
        }
        let key = (fill.account.clone(), fill.instrument.clone());
        self.core.session.last_fill_at.insert(key, self.now);
        let about = About { ix, ..About::default() }.with_exec(&fill.exec_id);
        let exec_id = fill.exec_id.clone();
        self.record(about, Provenance::Observed, Body::Filled { fill });
        if let Some(ix) = ix {
            self.after_fill(ix, &exec_id);
        }
        if let Some(report) = self.core.session.take_commission(&exec_id) {
            self.charge(&report);
        }
    }

    fn book_revision(&mut self, ix: Option<OrderIx>, was: Fill, mut now: Fill) {
        // A revision stays on the side of the baseline that its original was booked on.
        now.in_baseline = was.in_baseline;
        self.alert(
            AlertKind::Anomaly,
            format!("execution {} was corrected to {}", was.exec_id, now.exec_id),
            ix,
        );
        let about = About { ix, ..About::default() }.with_exec(&now.exec_id);
        let exec_id = now.exec_id.clone();
        self.record(about, Provenance::Observed, Body::FillRevised { was, now });
        if let Some(ix) = ix {
            self.after_fill(ix, &exec_id);
        }
    }

    /// What the fill says of the order. Whatever it says, it is booked: money moved.
    fn check_against_order(&mut self, ix: Option<OrderIx>, fill: &Fill) {
        let Some(order) = ix.and_then(|ix| self.order(ix)) else { return };
        let wrong = if order.side_or_instrument_differs(fill) {
            Some(format!("execution {} is of another side or instrument than its order", fill.exec_id))
        } else if matches!(order.state, OrderState::Rejected | OrderState::Denied | OrderState::Staged) {
            Some(format!("execution {} for an order that is {}", fill.exec_id, order.state))
        } else if order.cum_qty.checked_add(fill.last_qty).is_none_or(|cum| cum > order.worst_order_qty()) {
            Some(format!("execution {} fills more than was ordered", fill.exec_id))
        } else {
            None
        };
        if let Some(what) = wrong {
            self.anomaly(what, ix);
        }
    }

    fn after_fill(&mut self, ix: OrderIx, exec_id: &alphec_model::ExecId) {
        let Some(order) = self.order(ix) else { return };
        // With a change in flight the order is full only when the larger version is.
        let full = order.cum_qty >= order.worst_order_qty();
        let evidence = Evidence::Execution { exec_id: exec_id.clone() };
        match order.state {
            OrderState::Filled if !full => self.change_state(ix, OrderState::Working, evidence),
            OrderState::Filled => {}
            OrderState::Staged
            | OrderState::PendingNew
            | OrderState::Working
            | OrderState::InDoubt
            | OrderState::Canceled
            | OrderState::Rejected
            | OrderState::Expired
            | OrderState::Denied
                if full =>
            {
                self.change_state(ix, OrderState::Filled, evidence);
            }
            OrderState::PendingNew | OrderState::InDoubt => {
                self.change_state(ix, OrderState::Working, evidence)
            }
            OrderState::Staged
            | OrderState::Working
            | OrderState::Canceled
            | OrderState::Rejected
            | OrderState::Expired
            | OrderState::Denied => {}
        }
    }

    pub(super) fn commission(&mut self, report: CommissionReport) {
        if self.core.book.booked(report.exec_id.base()).is_some() {
            self.charge(&report);
        } else {
            self.core.session.remember_commission(report);
        }
    }

    pub(super) fn charge(&mut self, report: &CommissionReport) {
        let Some(commission) = report.commission else { return };
        let Some(booked) = self.core.book.booked(report.exec_id.base()) else { return };
        if booked.commission == Some(commission) {
            return;
        }
        let about = About { ix: booked.order, ..About::default() }.with_exec(&report.exec_id);
        let body = Body::Charged { exec_id: report.exec_id.clone(), commission, currency: report.currency };
        self.record(about, Provenance::Observed, body);
    }

    fn instrument_of(&self, report: &ExecutionReport) -> Option<InstrumentId> {
        self.name_of(report.instrument.as_ref(), report.con_id)
    }

    /// Our name for a contract: that of the profile, or `con:<id>` for one outside it.
    pub(super) fn name_of(
        &self,
        instrument: Option<&InstrumentId>,
        con_id: Option<alphec_model::ConId>,
    ) -> Option<InstrumentId> {
        let by_con_id = || con_id.and_then(|con_id| self.core.session.con_ids.get(&con_id)).cloned();
        instrument.cloned().or_else(by_con_id).or_else(|| InstrumentId::new(format!("con:{}", con_id?)).ok())
    }
}

/// Questions a fill asks of its order.
trait FillChecks {
    fn side_or_instrument_differs(&self, fill: &Fill) -> bool;
    fn worst_order_qty(&self) -> Qty;
}

impl FillChecks for alphec_model::Order {
    fn side_or_instrument_differs(&self, fill: &Fill) -> bool {
        self.spec.side != fill.side || self.instrument != fill.instrument
    }

    fn worst_order_qty(&self) -> Qty {
        let wanted = self.pending.replace.as_ref().map_or(Qty::ZERO, |replace| replace.spec.order_qty);
        self.spec.order_qty.max(wanted)
    }
}
