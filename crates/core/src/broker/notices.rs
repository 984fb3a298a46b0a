//! Codes. The adapter's table says what a code can mean; where the order stands says what it does.

use alphec_model::broker::{BrokerStatus, Notice, NoticeClass};
use alphec_model::{AlertKind, Body, Evidence, OrderState, Provenance, RejectReason};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::change::Carried;

/// Rounds of complete lists without the order that must precede a "not found" before it counts.
const ABSENT_ROUNDS_MIN: u32 = 2;

impl Turn<'_> {
    pub(super) fn notice(&mut self, notice: &Notice) {
        let Some(ix) = notice.broker_order_id.and_then(|id| self.core.book.ix_by_broker_id(id)) else {
            self.orderless_notice(notice);
            return;
        };
        let Some(state) = self.state(ix) else { return };
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
        if order.pending.replace.is_some() {
            self.end_replace(ix, false, evidence(notice));
        } else if !acknowledged || self.core.session.last_status.get(&ix) == Some(&BrokerStatus::Inactive) {
            self.reject(ix, evidence(notice), reason(notice));
        } else {
            self.unclear(ix, notice);
        }
        if notice.class == NoticeClass::IdTrouble {
            self.anomaly(format!("order ids collide at the broker: {}", reason(notice)), Some(ix));
        }
    }

    fn change_refused(&mut self, ix: OrderIx, notice: &Notice) {
        if self.order(ix).is_some_and(|order| order.pending.replace.is_some()) {
            self.end_replace(ix, false, evidence(notice));
        }
        // Such as 104, "already filled": the executions say how much.
        self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
    }

    fn canceled(&mut self, ix: OrderIx, notice: &Notice) {
        let unasked = self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_none());
        let reject_reason = unasked.then(|| reason(notice));
        self.end_canceled(ix, evidence(notice), Carried { reject_reason, ..Carried::default() });
    }

    fn cancel_refused(&mut self, ix: OrderIx, notice: &Notice) {
        self.end_cancel(ix, notice);
        self.core.session.want_snapshot(self.now);
        self.ask_snapshot();
    }

    fn end_cancel(&mut self, ix: OrderIx, notice: &Notice) {
        if self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_some()) {
            let body = Body::CancelEnded { evidence: evidence(notice) };
            self.record(About::order(ix), Provenance::Observed, body);
        }
    }

    /// "Not found" alone proves nothing (live orders were answered so). After two complete rounds
    /// of lists without the order, on this connection, it is the last piece of the proof.
    fn not_found(&mut self, ix: OrderIx, notice: &Notice) {
        let rounds = self.core.session.absent_rounds.get(&ix).copied().unwrap_or(0);
        let untouched =
            self.order(ix).is_some_and(|order| order.perm_id.is_none() && order.cum_qty.is_zero());
        if self.state(ix) == Some(OrderState::InDoubt) && rounds >= ABSENT_ROUNDS_MIN && untouched {
            let generation = self.core.session.link.generation;
            let carried = Carried { reject_reason: Some(reason(notice)), ..Carried::default() };
            self.change_state_with(ix, OrderState::Canceled, Evidence::Absent { generation }, carried);
            return;
        }
        self.end_cancel(ix, notice);
        self.core.session.want_snapshot(self.now);
        self.ask_snapshot();
    }

    /// A code that is not in the table, or says only "too many": nothing is concluded.
    fn unclear(&mut self, ix: OrderIx, notice: &Notice) {
        if notice.class == NoticeClass::Pacing {
            self.alert(
                AlertKind::Anomaly,
                format!("the broker complains of the message rate: {}", notice.text),
                None,
            );
        }
        if self.state(ix) == Some(OrderState::PendingNew) {
            self.doubt(ix, format!("{}", reason(notice)));
        } else {
            self.anomaly(
                format!("a code that decides nothing about a live order: {}", reason(notice)),
                Some(ix),
            );
        }
        self.core.session.want_snapshot(self.now);
        self.ask_snapshot();
    }

    /// The reason may come after the status that ended the order.
    fn late_notice(&mut self, ix: OrderIx, notice: &Notice) {
        let Some(order) = self.order(ix) else { return };
        let unasked = order.pending.cancel_asked_at.is_none() && order.cum_qty.is_zero();
        let unexplained = order.state == OrderState::Canceled && order.reject_reason.is_none();
        if unasked && unexplained && notice.class == NoticeClass::Dead {
            self.reject(ix, evidence(notice), reason(notice));
        }
    }

    fn orderless_notice(&mut self, notice: &Notice) {
        match notice.class {
            NoticeClass::Pacing => {
                let text = format!("the broker complains of the message rate: {}", notice.text);
                self.alert(AlertKind::Anomaly, text, None);
            }
            NoticeClass::Dead | NoticeClass::Unlisted | NoticeClass::IdTrouble if self.has_unanswered() => {
                // Such as 321 in read-only mode, which names no order: some order of ours may be meant.
                self.anomaly(format!("an error that names no order: {}", reason(notice)), None);
                self.core.session.want_snapshot(self.now);
                self.ask_snapshot();
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
