//! What is done about an order in doubt by itself: nothing, a question, or a second attempt.
//!
//! Invariants: a question is a cancel, so it enlarges nothing; a second attempt needs every proof that the first
//! is gone, comes within minutes, has its own broker id and reference, and there is never a third; both count until
//! the order ends.

use std::time::Duration;

use alphec_model::{
    AlertKind, Body, Evidence, Order, OrderState, OrderType, Provenance, WhenInDoubt, planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::risk::Candidate;

/// Attempts at one order, ever.
const ATTEMPTS_MAX: u8 = 2;
/// An order older than this is not placed again: it was meant for a market that is gone, and the broker lists ends of
/// today only, so that one of yesterday that ended unfilled looks as if it had never arrived (`tws-behaviour.md` §4.1).
const RESEND_WITHIN: Duration = Duration::from_secs(15 * 60);

impl Turn<'_> {
    /// Asks the broker for an order that no list shows. A cancel that someone asked for is the same question and
    /// leaves whatever the order's choice; otherwise the choice decides.
    pub(crate) fn ask_for(&mut self, ix: OrderIx) {
        if self.undo_incomplete_group(ix) || planted::is("a-doubt-is-never-asked-about") {
            return;
        }
        let Some(order) = self.order(ix) else { return };
        let is_wanted_gone = order.pending.is_cancel_asked();
        match order.when_in_doubt {
            _ if is_wanted_gone => self.cancel_one(ix, None),
            WhenInDoubt::Hold => {
                let text = format!(
                    "order {} is in none of the broker's lists and is held in doubt as its author chose: \
                     cancel it to ask for it, or settle it by other proof",
                    order.client_order_id
                );
                if self.core.session.is_news(&text) {
                    self.alert(AlertKind::OrderInDoubt, text, Some(ix));
                }
            }
            WhenInDoubt::CancelProbe | WhenInDoubt::ResendIfAbsent => {
                self.record(About::order(ix), Provenance::Decided, Body::CancelProbed);
                self.send_cancel(ix);
            }
        }
    }

    /// Places an order again that is proven absent, if its author marked it so and the gate passes it with both
    /// attempts counted. Says whether it did.
    pub(crate) fn resend(&mut self, ix: OrderIx, evidence: Evidence) -> bool {
        let is_young = |order: &&Order| self.now.since(order.created_at) < RESEND_WITHIN;
        let order = self.order(ix).filter(|order| may_be_resent(order)).filter(is_young);
        let Some(order) = order.filter(|_| !self.core.book.is_barred(ix)) else { return false };
        // Custom rules judged a moment that is gone, and a stopping process would not wait for the answer.
        let Some(log_id) = self.core.book.log_id().filter(|_| self.core.config.rules.is_empty()).cloned()
        else {
            return false;
        };
        let verdict = self.judge(&Candidate::second_attempt(order));
        if let Some(reason) = &verdict.denied {
            let text = format!("order {} is gone and is not placed again: {reason}", order.client_order_id);
            self.alert(AlertKind::OrderDenied, text, Some(ix));
            return false;
        }
        let order_ref = order.reference(&log_id, self.core.book.next_intent());
        let text = format!("order {} is proven absent and is placed again, once", order.client_order_id);
        self.alert(AlertKind::OrderResent, text, Some(ix));
        let broker_order_id = self.core.book.next_broker_id();
        let body = Body::Resent { broker_order_id, order_ref, evidence, verdict };
        self.record(About::order(ix), Provenance::Decided, body);
        self.core.session.forget_order(ix);
        self.place(ix);
        true
    }
}

/// Whether the order was marked for it and nothing at all was ever heard of it.
fn may_be_resent(order: &Order) -> bool {
    order.when_in_doubt == WhenInDoubt::ResendIfAbsent
        && order.state == OrderState::InDoubt
        && matches!(order.spec.order_type, OrderType::Limit { .. })
        && order.attempts < ATTEMPTS_MAX
        && order.perm_id.is_none()
        && order.cum_qty.is_zero()
        && order.pending.replace.is_none()
        && !order.pending.is_cancel_asked()
}
