//! The kill switch: halt, cancel, verify with complete lists, go on until it is true; and the way back.

use std::collections::BTreeSet;

use alphec_model::{
    AlertKind, Body, BrokerRequest, CancelScope, ClientOrderId, Command, CorrelationId, ForeignOrder, Order,
    OrderState, Provenance, planted,
};

use super::cancel::is_in;
use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::step::{Misuse, Reply, Token};

/// What is halted, and whether by the kill switch.
pub(crate) struct Halted {
    pub(crate) scope: CancelScope,
    pub(crate) kill: bool,
}

impl Turn<'_> {
    /// Every halt begins here. The last look keeps back what has not left us yet; what has, is given up where it waits.
    pub(crate) fn halt(
        &mut self,
        about: About,
        provenance: Provenance,
        Halted { scope, kill }: Halted,
        (by, reason): (String, String),
    ) {
        let is_new = self.core.book.halt_of(&scope).is_none();
        self.record(about, provenance, Body::Halted { scope: scope.clone(), kill, by, reason });
        // Since an earlier one of the same scope nothing of it has left us.
        if is_new {
            self.withdraw_what_waits(&scope);
        }
    }

    /// Orders and changes can wait at the adapter: for room among all its messages, for an answer on a silent link. It
    /// knows best which do, so it is told of everything that lives.
    pub(crate) fn withdraw_what_waits(&mut self, scope: &CancelScope) {
        if planted::is("a-halt-leaves-what-waits-at-the-adapter") || !self.is_connected() {
            return;
        }
        let live = self.core.book.live_in(scope);
        let broker_order_ids: Vec<_> = live.filter_map(|order| order.broker_order_id).collect();
        if !broker_order_ids.is_empty() {
            self.step.requests.push(BrokerRequest::Withdraw { broker_order_ids });
        }
    }

    /// Halts the scope first, so that nothing new follows the cancels, and begins to verify.
    pub(crate) fn kill(
        &mut self,
        token: Token,
        scope: &CancelScope,
        (by, reason): (String, String),
        correlation_id: &CorrelationId,
    ) {
        let about = About::correlation(correlation_id);
        self.alert(AlertKind::Halted, format!("kill switch on {scope} by {by}: {reason}"), None);
        let command = Command::Kill {
            scope: scope.clone(),
            by: by.clone(),
            reason: reason.clone(),
            correlation_id: correlation_id.clone(),
        };
        self.record(about.clone(), Provenance::Operator, Body::Commanded { command });
        let halted = Halted { scope: scope.clone(), kill: true };
        self.halt(about, Provenance::Operator, halted, (by, reason));
        let canceling = self.cancel_scope(scope, Some(correlation_id));
        self.look_for_operator();
        self.reply(token, Reply::Canceling(canceling));
    }

    /// After complete lists: whatever still lives in the scope of a kill is canceled again, however
    /// often that was refused or lost before. Where nothing lives, that is on record.
    pub(crate) fn pursue_kills(&mut self, seen: &BTreeSet<OrderIx>, asked_at: alphec_model::UtcNanos) {
        if planted::is("a-kill-is-not-verified") {
            return;
        }
        let kills: Vec<(CancelScope, bool)> = self
            .core
            .book
            .halts()
            .filter(|(_, halt)| halt.is_kill && halt.since <= asked_at)
            .map(|(scope, halt)| (scope.clone(), halt.is_verified))
            .collect();
        for (scope, is_verified) in kills {
            if self.core.book.live_in(&scope).next().is_some() {
                self.cancel_again(&scope, seen);
                self.look_later();
            } else if self.second_lives_in(&scope).is_empty()
                && !is_verified
                && self.core.book.gap().is_none()
            {
                let others = self.core.book.foreign_orders().count();
                let text = format!(
                    "kill switch on {scope}: the broker's lists show that nothing of ours works there any more; \
                     {others} orders of others are open"
                );
                self.alert(AlertKind::KillVerified, text, None);
                self.record(About::default(), Provenance::Inferred, Body::KillVerified { scope });
            }
        }
    }

    /// What the lists show is canceled again, unless the broker is at work on it: while a venue is closed that lasts
    /// for days, and repeated cancels are held against whoever sends them (`tws-behaviour.md` §2.8). What they do not
    /// show is over or not there yet: the probe asks for that, and a second cancel would only confuse its answers.
    fn cancel_again(&mut self, scope: &CancelScope, seen: &BTreeSet<OrderIx>) {
        for ix in self.core.book.live() {
            let is_taken = self.core.session.cancels.get(&ix).is_some_and(|cancel| cancel.is_taken);
            let order = self.order(ix).filter(|order| seen.contains(&ix) && is_in(order, scope));
            if order.is_some_and(|order| !is_taken && !self.is_canceled_in_this_step(order)) {
                self.cancel_one(ix, None);
            }
        }
    }

    fn is_canceled_in_this_step(&self, order: &Order) -> bool {
        order.broker_order_id.is_some_and(|broker_order_id| {
            self.step.requests.contains(&BrokerRequest::Cancel { broker_order_id })
        })
    }

    /// Orders that carry a reference of ours and are none of ours as we know them: second lives, earlier
    /// attempts. They are in scope unless the order that the reference names is not.
    fn second_lives_in(&self, scope: &CancelScope) -> Vec<String> {
        let is_of_scope = |foreign: &&ForeignOrder| {
            let Some(intent) = foreign.order_ref.as_deref().and_then(|text| self.intent_of(text)) else {
                return false;
            };
            let order = self.core.book.ix_by_intent(&intent).and_then(|ix| self.order(ix));
            order.is_none_or(|order| is_in(order, scope))
        };
        self.core.book.foreign_orders().filter(is_of_scope).map(|foreign| foreign.key.clone()).collect()
    }

    /// Back to trading: a deliberate act, and only on books that were read without a difference
    /// since the halt.
    pub(crate) fn resume(&mut self, token: Token, scope: CancelScope, (by, reason): (String, String)) {
        let command = Command::Resume { scope: scope.clone(), by: by.clone(), reason: reason.clone() };
        self.record(About::default(), Provenance::Operator, Body::Commanded { command });
        if self.core.book.halt_of(&scope).is_none() {
            self.reply(token, Reply::Misuse(Misuse::NotHalted(scope)));
            return;
        }
        if let Some(why) = self.not_clean(&scope) {
            self.look_for_operator();
            self.reply(token, Reply::Misuse(Misuse::NotClean(why)));
            return;
        }
        self.alert(AlertKind::Resumed, format!("trading of {scope} resumed by {by}: {reason}"), None);
        self.record(About::default(), Provenance::Operator, Body::Resumed { scope, by, reason });
        self.reply(token, Reply::Done);
    }

    /// Why the scope is not known to be in order, if it is not.
    fn not_clean(&self, scope: &CancelScope) -> Option<String> {
        if planted::is("a-resume-asks-for-nothing") {
            return None;
        }
        let book = &self.core.book;
        let halt = book.halt_of(scope)?;
        if self.core.session.clean_since.is_none_or(|since| since < halt.since) || book.gap().is_some() {
            return Some(
                "the broker's books have not been read since the halt; try again once they are".to_owned(),
            );
        }
        let named = |orders: Vec<&ClientOrderId>| {
            orders.iter().take(10).map(|key| key.as_str()).collect::<Vec<_>>().join(", ")
        };
        let in_doubt = book.live_in(scope).filter(|order| order.state == OrderState::InDoubt);
        let in_doubt: Vec<&ClientOrderId> = in_doubt.map(|order| &order.client_order_id).collect();
        if !in_doubt.is_empty() {
            return Some(format!("orders are in doubt: {}; wait, or settle them", named(in_doubt)));
        }
        let live: Vec<&ClientOrderId> = book.live_in(scope).map(|order| &order.client_order_id).collect();
        if halt.is_kill && !(halt.is_verified && live.is_empty()) {
            return Some(format!("the kill is not verified yet; still live: {}", named(live)));
        }
        let second_lives = self.second_lives_in(scope);
        if !second_lives.is_empty() {
            let keys = second_lives.join(", ");
            return Some(format!(
                "orders of ours live on at the broker beside what is counted as them: {keys}; end them there, with \
                 `order cancel --all --global --yes` if need be, or wait for lists without them"
            ));
        }
        let broken =
            book.positions().find(|position| position.broken.is_some() && is_about(scope, position))?;
        Some(format!(
            "the position of {} in {} differs from the broker's; find out why, and accept it if it is right",
            broken.account, broken.instrument
        ))
    }
}

/// Whether a position lies in a scope. One strategy does not own a position, so any break concerns it.
fn is_about(scope: &CancelScope, position: &alphec_model::Position) -> bool {
    match scope {
        CancelScope::Account { account } => *account == position.account,
        CancelScope::Instrument { instrument } => *instrument == position.instrument,
        _ => true,
    }
}
