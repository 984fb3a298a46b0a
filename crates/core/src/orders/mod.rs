//! What callers ask of orders, and how orders change.

pub(crate) mod cancel;
pub(crate) mod change;
mod doubt;
mod group;
pub(crate) mod kill;
mod modify;
mod operator;
mod repeat;
mod rules;
mod submit;
pub(crate) mod transition;

use alphec_model::{AlertKind, CancelScope, Command, Order, PendingReplace, Provenance};

use crate::machine::{About, Turn};
use crate::step::{Reply, Token};
use kill::Halted;

/// The change that the broker may have, if any. One that custom rules still judge was never sent.
pub(crate) fn sent_replace(order: &Order) -> Option<&PendingReplace> {
    order.pending.replace.as_ref().filter(|replace| !replace.staged)
}

impl Turn<'_> {
    pub(crate) fn command(&mut self, token: Token, command: Command) {
        match command {
            Command::Submit(request) => self.submit(token, request),
            Command::SubmitGroup(request) => self.submit_group(token, request),
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
                let halted = Halted { scope: CancelScope::All, kill: false };
                self.halt(About::default(), Provenance::Operator, halted, (by, reason));
                // A resume needs lists that were asked for after the halt.
                self.look_for_operator();
                self.reply(token, Reply::Done);
            }
            Command::Kill { scope, by, reason, correlation_id } => {
                self.kill(token, &scope, (by, reason), &correlation_id);
            }
            Command::Resume { scope, by, reason } => self.resume(token, scope, (by, reason)),
            Command::Reconcile { correlation_id } => self.reconcile(token, correlation_id),
            Command::AcceptPosition { account, instrument, by, reason } => {
                self.accept_position(token, (account, instrument), (by, reason));
            }
            Command::Settle { client_order_id, by, reason } => {
                self.settle(token, &client_order_id, (by, reason))
            }
            unknown => self.anomaly(format!("a command that this version does not know: {unknown:?}"), None),
        }
    }
}
