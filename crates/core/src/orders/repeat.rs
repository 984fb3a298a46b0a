//! Commands that would change nothing. While the journal takes no records, they are answered without one.

use std::sync::Arc;
use std::time::Duration;

use alphec_model::{CancelScope, ClientOrderId, Command, Order, UtcNanos};

use super::cancel::is_in;
use crate::book::OrderIx;
use crate::machine::Core;
use crate::step::{Misuse, Reply};

/// A global cancel this soon after another, on the same connection, is the same act.
const SAME_ACT: Duration = Duration::from_secs(1);

impl Core {
    /// What a cancel or halt is answered that would change nothing: it was asked for, and is on its way
    /// or cannot leave. `None` when it must be taken.
    #[must_use]
    pub fn repeats(&self, now: UtcNanos, command: &Command) -> Option<Reply> {
        match command {
            Command::Cancel { client_order_id, .. } => self.repeats_cancel(client_order_id),
            Command::CancelAll { scope, .. } => self.repeats_cancel_all(scope),
            Command::GlobalCancel { .. } => {
                let last = self.session.global_cancel_at?;
                let is_same = now.since(last) < SAME_ACT;
                let orders = self.book.live_orders().map(|order| order.client_order_id.clone()).collect();
                is_same.then_some(Reply::GloballyCanceling { orders, not_sent: None })
            }
            Command::Kill { scope, .. } => {
                self.book.halt_of(scope).filter(|halt| halt.is_kill)?;
                self.repeats_cancel_all(scope)
            }
            Command::Halt { .. } => self.book.halted().map(|_| Reply::Done),
            _ => None,
        }
    }

    fn repeats_cancel(&self, key: &ClientOrderId) -> Option<Reply> {
        let Some(ix) = self.book.ix_of(key) else {
            return Some(Reply::Misuse(Misuse::UnknownOrder(key.clone())));
        };
        let order = &self.book.entry(ix)?.order;
        let changes_nothing = order.state.is_terminal() || self.is_canceling(ix, order);
        changes_nothing.then(|| Reply::Order(Arc::new(order.clone())))
    }

    fn repeats_cancel_all(&self, scope: &CancelScope) -> Option<Reply> {
        let mut canceling = Vec::new();
        for ix in self.book.live() {
            let Some(order) = self.book.entry(ix).map(|entry| &entry.order) else { continue };
            if !is_in(order, scope) {
                continue;
            }
            if !self.is_canceling(ix, order) {
                return None;
            }
            canceling.push(order.client_order_id.clone());
        }
        Some(Reply::Canceling(canceling))
    }

    /// Whether a cancel was asked for and went as far as it can.
    fn is_canceling(&self, ix: OrderIx, order: &Order) -> bool {
        let is_down = matches!(self.session.link.state, alphec_model::broker::LinkState::Down);
        let is_sent = self.session.cancels.get(&ix).is_some_and(|cancel| cancel.sent_at.is_some());
        order.pending.is_cancel_asked() && (is_sent || is_down)
    }
}
