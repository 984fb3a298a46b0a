//! What callers ask of orders, and how orders change.

mod cancel;
pub(crate) mod change;
mod modify;
mod repeat;
mod rules;
mod submit;
pub(crate) mod transition;

use alphec_model::{AlertKind, Body, Command, Order, PendingReplace, Provenance};

use crate::machine::{About, Turn};
use crate::step::{Reply, Token};

/// The change that the broker may have, if any. One that custom rules still judge was never sent.
pub(crate) fn sent_replace(order: &Order) -> Option<&PendingReplace> {
    order.pending.replace.as_ref().filter(|replace| !replace.staged)
}

impl Turn<'_> {
    pub(crate) fn command(&mut self, token: Token, command: Command) {
        match command {
            Command::Submit(request) => self.submit(token, request),
            Command::Modify(request) => self.modify(token, request),
            Command::Cancel { client_order_id, correlation_id } => {
                self.cancel(token, &client_order_id, &correlation_id);
            }
            Command::CancelAll { scope, correlation_id } => self.cancel_all(token, &scope, &correlation_id),
            Command::GlobalCancel { by, reason, correlation_id } => {
                self.global_cancel(token, (by, reason), &correlation_id);
            }
            Command::Halt { by, reason } => {
                self.alert(AlertKind::Halted, format!("trading halted by {by}: {reason}"), None);
                self.record(About::default(), Provenance::Operator, Body::Halted { by, reason });
                self.reply(token, Reply::Done);
            }
            Command::Resume { by, reason } => {
                self.alert(AlertKind::Resumed, format!("trading resumed by {by}: {reason}"), None);
                self.record(About::default(), Provenance::Operator, Body::Resumed { by, reason });
                self.reply(token, Reply::Done);
            }
            unknown => self.anomaly(format!("a command that this version does not know: {unknown:?}"), None),
        }
    }
}
