//! Codes. The adapter's table says what a code can mean; where the order stands says what it does.

use std::time::Duration;

use alphec_model::broker::{LinkState, Notice, NoticeClass};
use alphec_model::{AlertKind, Body, Evidence, Leg, OrderState, Provenance, RejectReason, planted};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::cancel::CANCELS_MAX;
use crate::orders::change::Carried;
use crate::orders::sent_replace;
use crate::session::{ABSENT_ROUNDS, Suspicion};

/// Codes that answer the requests they come for, whichever those are: a cancel as well as an order.
const OF_ANY_REQUEST: [i32; 3] = [321, 322, 323];

impl Turn<'_> {
    pub(super) fn notice(&mut self, notice: &Notice) {
        let Some(ix) = self.find_by_id(notice.broker_order_id) else {
            self.orderless_notice(notice);
            return;
        };
        let Some(state) = self.state(ix) else { return };
        if self.may_mean_either_life(ix, None) && !planted::is("a-code-ends-whichever-life") {
            return self.said_of_either_life(ix, notice);
        }
        if state.is_terminal() {
            self.late_notice(ix, notice);
            return;
        }
        match notice.class {
            NoticeClass::Dead | NoticeClass::IdTrouble => self.refused(ix, notice),
            NoticeClass::ModifyRefused => self.change_refused(ix, notice),
            NoticeClass::Canceled => self.canceled(ix, notice),
            NoticeClass::CancelRefused => self.cancel_refused(ix, notice),
            NoticeClass::NotFound => self.not_found(ix, notice),
            NoticeClass::Pacing | NoticeClass::Unlisted => self.unclear(ix, notice),
            NoticeClass::Informational | NoticeClass::Link | NoticeClass::Request => {}
        }
    }

    /// A new order is dead. Of an acknowledged one only the change in flight is; the original lives.
    fn refused(&mut self, ix: OrderIx, notice: &Notice) {
        let Some(order) = self.order(ix) else { return };
        let acknowledged = order.perm_id.is_some() || order.state == OrderState::Working;
        // Of an order that nothing was heard of, the code may answer the cancel.
        let may_answer_cancel = order.pending.cancel_asked_at.is_some()
            && (order.state == OrderState::InDoubt || OF_ANY_REQUEST.contains(&notice.code));
        let has_change = sent_replace(order).is_some();
        // The late answer to a change that was given up, most likely: the lists tell.
        let may_answer_change = acknowledged && !order.pending.given_up.is_empty();
        if has_change && planted::is("a-refused-change-ends-the-order") {
            self.reject(ix, evidence(notice), reason(notice));
        } else if has_change {
            self.suspect(ix, notice);
            self.fail_replace(ix, &reason(notice).to_string(), evidence(notice));
        } else if may_answer_change {
            self.suspect(ix, notice);
            self.unclear(ix, notice);
        } else if self.core.session.inactive.contains(&ix) || !(acknowledged || may_answer_cancel) {
            self.reject(ix, evidence(notice), reason(notice));
        } else {
            if acknowledged && notice.class == NoticeClass::Dead {
                self.core.session.accused.insert(ix, reason(notice));
            }
            self.unclear(ix, notice);
        }
        if notice.class == NoticeClass::IdTrouble {
            self.ids_collide(ix, notice);
        }
    }

    /// The code may have been about the order itself: dead, if the lists keep it as inactive. One that was held so before
    /// says nothing by being so after.
    fn suspect(&mut self, ix: OrderIx, notice: &Notice) {
        if notice.class == NoticeClass::Dead && !self.core.session.inactive.contains(&ix) {
            let suspicion = Suspicion { reason: reason(notice), since: self.now, lists: 0 };
            self.core.session.suspected.insert(ix, suspicion);
        }
    }

    pub(super) fn ids_collide(&mut self, ix: OrderIx, notice: &Notice) {
        self.anomaly(format!("order ids collide at the broker: {}", reason(notice)), Some(ix));
    }

    fn change_refused(&mut self, ix: OrderIx, notice: &Notice) {
        match self.order(ix).and_then(sent_replace) {
            Some(_) if planted::is("a-refused-change-counts-as-made") => {
                self.end_replace(ix, true, evidence(notice));
            }
            Some(_) => self.fail_replace(ix, &reason(notice).to_string(), evidence(notice)),
            None => {}
        }
        // Such as 104, "already filled": the executions say how much.
        self.look_later();
    }

    /// The code says nothing of what has filled. What the group of a leg at work needs depends on that: its status says it,
    /// or the lists do.
    fn canceled(&mut self, ix: OrderIx, notice: &Notice) {
        let at_work = self.order(ix).filter(|order| order.state == OrderState::Working);
        if at_work.and_then(|order| order.leg.as_ref()).is_some_and(Leg::opens) {
            return self.look_later();
        }
        let unasked = self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_none());
        let reject_reason = unasked.then(|| reason(notice));
        self.end_canceled(ix, evidence(notice), Carried { reject_reason, ..Carried::default() });
    }

    /// The broker knows the order and cannot cancel it: it is over, if no list has it as open. How
    /// it ended is not said, so the holdings must show that nothing filled unseen.
    fn cancel_refused(&mut self, ix: OrderIx, notice: &Notice) {
        let is_over = planted::is("a-refused-cancel-ends-the-order");
        if is_over || self.is_absent(ix) && self.holdings_of(ix) == Some(true) {
            return self.end_absent(ix, notice);
        }
        if self.order(ix).is_some_and(|order| order.pending.is_cancel_asked()) {
            self.cancel_failed(ix, notice);
        } else {
            self.end_cancel(ix, notice);
        }
        self.look();
    }

    fn end_cancel(&mut self, ix: OrderIx, notice: &Notice) {
        self.core.session.cancels.remove(&ix);
        if self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_some()) {
            let body = Body::CancelEnded { evidence: evidence(notice) };
            self.record(About::order(ix), Provenance::Observed, body);
        }
    }

    /// "Not found" alone proves nothing (live orders were answered so). After complete rounds of
    /// lists without the order, on this connection, it is the last piece of the proof.
    pub(super) fn not_found(&mut self, ix: OrderIx, notice: &Notice) {
        // One that the broker had, or that filled in part, may have filled unseen: there the
        // holdings must agree. Elsewhere they must not speak against it.
        let is_untouched =
            self.order(ix).is_some_and(|order| order.perm_id.is_none() && order.cum_qty.is_zero());
        if planted::is("not-found-ends-an-order") {
            return self.end_absent(ix, notice);
        }
        if self.is_absent(ix) && self.holdings_of(ix).unwrap_or(is_untouched) {
            if self.holdings_of(ix) != Some(true) || !self.resend(ix, evidence(notice)) {
                self.end_absent(ix, notice);
            }
            return;
        }
        self.cancel_failed(ix, notice);
        // A gateway that has just started finds orders late: the cancel leaves again after the lists.
        self.look_later();
    }

    /// A cancel that the broker did not take leaves again after the lists. No code ends the wish behind it: it says
    /// nothing of the order that a list would not, and the order could be placed again without it.
    fn cancel_failed(&mut self, ix: OrderIx, notice: &Notice) {
        if planted::is("a-code-takes-a-wish-back") {
            return self.end_cancel(ix, notice);
        }
        let cancel = self.core.session.cancels.entry(ix).or_default();
        cancel.sent_at = None;
        cancel.failed = cancel.failed.saturating_add(1);
        if cancel.failed < CANCELS_MAX {
            return;
        }
        // Not with each list any more: in doubt, with the rounds that may prove it absent.
        cancel.sent_at = Some(self.now);
        if !self.is_within_executions(ix) {
            let what = "the broker does not find the order, and it is older than the executions that it lists: \
                        find out in TWS or on the statements how it ended, and settle it";
            self.anomaly(what.to_owned(), Some(ix));
        }
    }

    /// In doubt, and in none of the complete lists of at least two rounds of this connection.
    fn is_absent(&self, ix: OrderIx) -> bool {
        let absence = self.core.session.absent_rounds.get(&ix);
        let is_long = absence.is_some_and(|absence| {
            (absence.rounds >= ABSENT_ROUNDS || planted::is("one-list-without-it-proves-absence"))
                && self.now.since(absence.since) >= self.core.config.absent_after
        });
        let is_up = matches!(self.core.session.link.state, LinkState::Recovering | LinkState::Ready);
        self.state(ix) == Some(OrderState::InDoubt) && is_long && is_up && self.is_within_executions(ix)
    }

    /// Whether the executions that the lists reach back to would show every fill of the order. The first of
    /// their days may be short.
    fn is_within_executions(&self, ix: OrderIx) -> bool {
        let whole_days = u64::from(self.core.config.executions_days.saturating_sub(1));
        let reach = Duration::from_secs(whole_days.saturating_mul(86_400));
        // One from the future was made by another clock: nobody knows how old it is.
        self.order(ix)
            .is_some_and(|order| order.created_at <= self.now && self.now.since(order.created_at) < reach)
    }

    /// Whether both counts of the order's instrument agree; `None` where they cannot be compared.
    pub(super) fn holdings_of(&self, ix: OrderIx) -> Option<bool> {
        let order = self.order(ix)?;
        self.holdings_agree(&order.account, &order.instrument)
    }

    fn end_absent(&mut self, ix: OrderIx, notice: &Notice) {
        let generation = self.core.session.link.generation;
        let carried = Carried { reject_reason: Some(reason(notice)), ..Carried::default() };
        let watched = !self.core.config.absent_watch.is_zero()
            && !planted::is("an-order-proven-absent-reserves-nothing");
        let evidence = Evidence::Absent { generation, watched };
        self.change_state_with(ix, OrderState::Canceled, evidence, carried);
    }

    /// A code that is not in the table, or says only "too many": nothing is concluded.
    pub(super) fn unclear(&mut self, ix: OrderIx, notice: &Notice) {
        if notice.class == NoticeClass::Pacing {
            self.alert(
                AlertKind::Anomaly,
                format!("the broker complains of the message rate: {}", notice.text),
                None,
            );
        }
        if self.state(ix) == Some(OrderState::PendingNew) && planted::is("an-unknown-code-is-a-rejection") {
            self.reject(ix, evidence(notice), reason(notice));
        } else if self.state(ix) == Some(OrderState::PendingNew) {
            self.doubt(ix, format!("{}", reason(notice)));
        } else {
            self.anomaly(
                format!("a code that decides nothing about a live order: {}", reason(notice)),
                Some(ix),
            );
        }
        self.look();
    }

    /// The reason may come after the status that ended the order.
    fn late_notice(&mut self, ix: OrderIx, notice: &Notice) {
        let Some(order) = self.order(ix) else { return };
        let unexplained = order.state == OrderState::Canceled && order.reject_reason.is_none();
        if unexplained && order.cum_qty.is_zero() && notice.class == NoticeClass::Dead {
            self.reject(ix, evidence(notice), reason(notice));
        }
    }

    fn orderless_notice(&mut self, notice: &Notice) {
        if notice.class == NoticeClass::Dead && planted::is("an-error-without-an-order-rejects-what-waits") {
            for ix in self.core.book.live() {
                if self.state(ix) == Some(OrderState::PendingNew) {
                    self.reject(ix, evidence(notice), reason(notice));
                }
            }
        }
        match notice.class {
            NoticeClass::Pacing => {
                let text = format!("the broker complains of the message rate: {}", notice.text);
                self.alert(AlertKind::Anomaly, text, None);
            }
            NoticeClass::Dead | NoticeClass::Unlisted | NoticeClass::IdTrouble if self.has_unanswered() => {
                // Such as 321 in read-only mode, which names no order: some order of ours may be meant.
                self.anomaly(format!("an error that names no order: {}", reason(notice)), None);
                self.look();
            }
            NoticeClass::Dead
            | NoticeClass::Unlisted
            | NoticeClass::IdTrouble
            | NoticeClass::Informational
            | NoticeClass::ModifyRefused
            | NoticeClass::Canceled
            | NoticeClass::CancelRefused
            | NoticeClass::NotFound
            | NoticeClass::Link
            | NoticeClass::Request => {}
        }
    }

    fn has_unanswered(&self) -> bool {
        self.core.book.live_orders().any(|order| order.state == OrderState::PendingNew)
    }
}

fn evidence(notice: &Notice) -> Evidence {
    Evidence::Notice { code: notice.code, text: notice.text.clone() }
}

fn reason(notice: &Notice) -> RejectReason {
    RejectReason { code: notice.code, text: notice.text.clone() }
}
