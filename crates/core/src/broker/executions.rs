//! Executions and commissions: the only way an order fills.

use alphec_model::broker::{BrokerStatus, CommissionReport, ExecutionReport};
use alphec_model::record::Fill;
use alphec_model::{AlertKind, Body, Evidence, InstrumentId, OrderState, Provenance, planted};

use crate::book::OrderIx;
use crate::machine::{About, Turn};

impl Turn<'_> {
    pub(super) fn execution(&mut self, report: &ExecutionReport) {
        self.book_execution(report, false);
    }

    /// Books an execution once. A combination's own execution is left out: its legs come beside it.
    pub(super) fn book_execution(&mut self, report: &ExecutionReport, in_baseline: bool) {
        self.see_ids(&report.names);
        let ix = self.find(&report.names);
        let is_account_ours = self.is_account_ours(&report.account);
        if report.is_combo || !(is_account_ours || ix.is_some()) {
            return;
        }
        if ix.is_none() {
            self.note_lost_reference(&report.names);
        }
        let Some(instrument) = self.instrument_of(report, ix) else {
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
            time: report.time,
            time_text: report.time_text.to_string(),
            in_baseline,
        };
        let booked = self.core.book.booked(report.exec_id.base());
        let booked = booked.filter(|_| !planted::is("an-execution-is-booked-each-time-it-is-told"));
        let Some((was, of)) = booked.map(|booked| (booked.fill.clone(), booked.order)) else {
            if ix.is_none() {
                self.late_attempt(&report.names, &BrokerStatus::Submitted);
                self.cancel_second_attempt(&report.names);
            }
            let ix = self.credited(ix, report, &fill);
            return self.book_new(ix, report, fill);
        };
        if report.exec_id.revision() > was.exec_id.revision() {
            return self.book_revision(of, was, fill);
        }
        let says_otherwise =
            (was.side, was.last_qty, was.last_px) != (fill.side, fill.last_qty, fill.last_px);
        let is_same_one = fill.exec_id.revision() == was.exec_id.revision();
        if is_same_one && (says_otherwise || fill.exec_id != was.exec_id) {
            self.anomaly(format!("execution {} came again and says something else", fill.exec_id), of);
        }
    }

    /// Whether executions of it are ours to book: an account of the profile, on a login that has it. Another login
    /// cannot name our orders, and a fill that was booked without its order would never count for it.
    pub(super) fn is_account_ours(&self, account: &alphec_model::AccountId) -> bool {
        self.core.config.accounts.contains(account) && self.is_account_here(account)
    }

    /// The order that a new fill counts for: the one it names, unless that one cannot have filled
    /// so (ids are recycled), or the fill is of its second life, which ends nothing of the first.
    /// The money moved either way; the order stays as it was.
    fn credited(&mut self, ix: Option<OrderIx>, report: &ExecutionReport, fill: &Fill) -> Option<OrderIx> {
        if self.is_second_life(ix?, report.names.perm_id, true) {
            self.look_later();
            return None;
        }
        let order = self.order(ix?)?;
        let fits = order.spec.side == fill.side
            && order.instrument == fill.instrument
            && order.account == fill.account;
        if !fits {
            let what = format!(
                "execution {} names an order of another side, instrument or account; it is not counted for it",
                fill.exec_id
            );
            self.anomaly(what, ix);
            self.look_later();
        }
        ix.filter(|_| fits)
    }

    fn book_new(&mut self, ix: Option<OrderIx>, report: &ExecutionReport, fill: Fill) {
        if ix.is_none() && planted::is("fills-of-others-are-not-booked")
            || self.has_ended(ix) && planted::is("a-fill-after-the-end-is-dropped")
        {
            return;
        }
        self.check_against_order(ix, &fill);
        if report.is_liquidation {
            self.alert(
                AlertKind::Anomaly,
                format!("the broker closed a position by itself: {}", fill.exec_id),
                ix,
            );
        }
        self.note_move(&fill.account, &fill.instrument);
        let about = About { ix, ..About::default() }.with_exec(&fill.exec_id);
        let exec_id = fill.exec_id.clone();
        self.record(about, Provenance::Observed, Body::Filled { fill });
        if let Some(ix) = ix {
            // Before anything else: another order of the same number would be taken for this one.
            let is_unnamed = self.is_unnamed(ix);
            self.learn(ix, report.names.perm_id.filter(|_| is_unnamed));
            self.after_fill(ix, &exec_id);
        }
        if let Some(report) = self.core.session.take_commission(&exec_id) {
            self.charge(&report);
        }
    }

    fn book_revision(&mut self, ix: Option<OrderIx>, was: Fill, mut now: Fill) {
        // A revision is of the same holding, and stays on the side of the baseline of its original.
        now.in_baseline = was.in_baseline;
        (now.account, now.instrument) = (was.account.clone(), was.instrument.clone());
        self.note_move(&now.account, &now.instrument);
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
        let wrong = if matches!(order.state, OrderState::Rejected | OrderState::Denied | OrderState::Staged) {
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

    fn has_ended(&self, ix: Option<OrderIx>) -> bool {
        ix.and_then(|ix| self.state(ix)).is_some_and(OrderState::is_terminal)
    }

    fn after_fill(&mut self, ix: OrderIx, exec_id: &alphec_model::ExecId) {
        let Some(order) = self.order(ix) else { return };
        let (state, cum_qty) = (order.state, order.cum_qty);
        // With a change in flight, or one that may still be, the order is full only when the larger version is.
        let full = order.cum_qty >= order.worst_order_qty();
        let evidence = Evidence::Execution { exec_id: exec_id.clone() };
        let is_full_at_terms = cum_qty >= order.spec.order_qty;
        self.core.session.counted(ix, cum_qty);
        if is_full_at_terms && !full {
            // Whether it is over or goes on at a larger size, the broker's books say.
            self.look_later();
        }
        if state.is_terminal() && self.core.book.is_written_off(ix) {
            if !full {
                return self.late_arrival(ix, evidence, None);
            }
            self.tell_late_arrival(ix, "filled at the broker");
        }
        if state.is_terminal() && state != OrderState::Filled {
            self.tell_of_late_fill(ix);
        }
        match state {
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

    /// What was traded. A contract that is not resolved yet is known by the order it names.
    fn instrument_of(&self, report: &ExecutionReport, ix: Option<OrderIx>) -> Option<InstrumentId> {
        let is_known = report.con_id.is_some_and(|con_id| self.core.session.con_ids.contains_key(&con_id));
        match ix.and_then(|ix| self.order(ix)) {
            Some(order) if report.instrument.is_none() && !is_known => Some(order.instrument.clone()),
            _ => self.name_of(report.instrument.as_ref(), report.con_id),
        }
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
