//! Orders that are where they should not be any more: given up, and back again.

use std::collections::BTreeSet;

use alphec_model::broker::{BrokerStatus, OrderNames};
use alphec_model::{
    AlertKind, Body, BrokerRequest, Evidence, Leg, OrderState, PermId, Provenance, UtcNanos, planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::change::Carried;
use crate::session::Absence;

impl Turn<'_> {
    /// Whether a word of the broker shows an order alive that we had given up without one.
    pub(super) fn is_late_arrival(&self, ix: OrderIx, status: &BrokerStatus) -> bool {
        self.core.book.is_written_off(ix) && is_alive(status)
    }

    /// It counts again at once, and is canceled: nobody has judged it for the market of now.
    pub(super) fn late_arrival(&mut self, ix: OrderIx, evidence: Evidence, perm_id: Option<PermId>) {
        self.tell_late_arrival(ix, "is alive at the broker: it counts again and is canceled");
        let carried = Carried { perm_id, ..Carried::default() };
        self.change_state_with(ix, OrderState::Working, evidence, carried);
        self.cancel_one(ix, None);
        self.look_later();
    }

    /// Complete lists: nothing is reserved any more for an order that was proven absent and has stayed so long enough. What
    /// a gateway held back while it was cut off it sends when it is back, so its lists are believed only once they leave the
    /// order out for as long again as its absence had to last.
    pub(super) fn end_watches(&mut self, seen: &BTreeSet<OrderIx>, asked_at: UtcNanos) {
        for ix in self.core.book.watched() {
            let Some(order) = self.order(ix).filter(|order| self.is_account_here(&order.account)) else {
                continue;
            };
            if seen.contains(&ix) {
                self.core.session.watch_rounds.remove(&ix);
                continue;
            }
            let is_over = asked_at.since(order.updated_at) >= self.core.config.absent_watch;
            let before = self.core.session.watch_rounds.get(&ix).copied();
            let absence = Absence::once_more(before, asked_at);
            self.core.session.watch_rounds.insert(ix, absence);
            let is_missing = absence.has_lasted(self.core.config.absent_after, asked_at);
            let is_proven = is_over && is_missing && self.holdings_of(ix) != Some(false);
            if is_proven || planted::is("a-watch-ends-with-the-next-lists") {
                self.core.session.watch_rounds.remove(&ix);
                self.record(About::order(ix), Provenance::Inferred, Body::WatchEnded);
            }
        }
    }

    pub(super) fn tell_late_arrival(&mut self, ix: OrderIx, how: &str) {
        let Some(order) = self.order(ix) else { return };
        let text = format!("order {} was given up as {} and {how}", order.client_order_id, order.state);
        self.alert(AlertKind::LateArrival, text.clone(), Some(ix));
        self.anomaly(text, Some(ix));
    }

    /// The first attempt at an order shows up after the order was placed again: the proof of its absence was
    /// wrong. It counts as an order of its own, is canceled under its own id, and trading stops until a person
    /// has looked.
    pub(super) fn late_attempt(&mut self, names: &OrderNames, status: &BrokerStatus) {
        let Some(ix) = self.old_attempt(names) else { return };
        let name = self.order(ix).map(|order| order.client_order_id.to_string()).unwrap_or_default();
        let what = format!(
            "the first attempt at order {name} was proven absent, is at the broker after all, and the order was \
             placed again: look at both in TWS, then resume"
        );
        if self.core.session.is_news(&format!("{what} {}", status.as_str())) {
            self.alert(AlertKind::LateArrival, what.clone(), Some(ix));
        }
        self.anomaly(what.clone(), Some(ix));
        self.halt_by_ourselves(what);
        if !is_alive(status) {
            return;
        }
        if let Some(broker_order_id) = names.broker_order_id.filter(|id| id.get() > 0) {
            self.note_sent();
            self.step.requests.push(BrokerRequest::Cancel { broker_order_id });
        }
        self.look_later();
    }

    /// The first attempt has filled: what was placed again in its place is one too many.
    pub(super) fn cancel_second_attempt(&mut self, names: &OrderNames) {
        if let Some(ix) = self.old_attempt(names) {
            self.cancel_one(ix, None);
        }
    }

    /// A leg that ended has filled after all, and what its group was given up for was decided without it.
    pub(super) fn tell_of_late_fill(&mut self, ix: OrderIx) {
        let Some(order) = self.order(ix).filter(|order| order.leg.as_ref().is_some_and(Leg::opens)) else {
            return;
        };
        let text = format!(
            "order {} of a group filled after it had ended as {}, and its group was settled without that: what it \
             opened may be unprotected: look now",
            order.client_order_id, order.state
        );
        if self.core.session.is_news(&text) {
            self.alert(AlertKind::GroupBroken, text, Some(ix));
        }
    }
}

/// Whether the word says that the order can fill.
pub(super) const fn is_alive(status: &BrokerStatus) -> bool {
    matches!(
        status,
        BrokerStatus::ApiPending
            | BrokerStatus::PendingSubmit
            | BrokerStatus::PreSubmitted
            | BrokerStatus::Submitted
    )
}
