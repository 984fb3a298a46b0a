//! Orders that belong together: accepted, refused, sent and undone as one.
//!
//! Invariants: all records of a group are of one step; no leg leaves unless every leg passed the gate; an exit never
//! lives on without its entry; a leg that never stood takes with it whatever can still open something; and at rest
//! a group is whole, or gone, or people were told.

use std::sync::Arc;

use alphec_model::{
    AlertKind, Body, BrokerRequest, Command, Decimal, DenyReason, Evidence, GroupRequest, LegRole, Order,
    OrderRequest, OrderState, Provenance, Verdict, planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::risk::Candidate;
use crate::step::{Misuse, Reply, Token};

impl Turn<'_> {
    pub(crate) fn submit_group(&mut self, token: Token, request: GroupRequest) {
        let misuse = match request.check() {
            Err(error) => Some(Misuse::BadGroup(error)),
            Ok(()) => {
                let is_known = |order: &OrderRequest| self.core.book.ix_of(&order.client_order_id).is_some();
                let is_new = !request.orders.iter().any(is_known);
                let no_room = is_new && self.has_no_room(request.orders.len());
                self.reused_key(&request)
                    .map(Misuse::KeyReused)
                    .or_else(|| no_room.then_some(Misuse::BookFull))
            }
        };
        let head = request.orders.first().map(|order| order.client_order_id.clone());
        let known = head.as_ref().and_then(|head| self.core.book.ix_of(head));
        let legs = request.orders.iter().filter_map(|order| self.core.book.ix_of(&order.client_order_id));
        let known_legs: Vec<OrderIx> = legs.collect();
        if misuse.is_some() || known.is_some() {
            let about = head.map_or_else(About::default, |key| About {
                ix: known,
                key: Some(key),
                ..About::default()
            });
            let command = Command::SubmitGroup(request);
            self.record(about, Provenance::Operator, Body::Commanded { command });
        } else {
            return self.submit_new_group(token, &request);
        }
        match (misuse, known) {
            (Some(misuse), _) => self.reply(token, Reply::Misuse(misuse)),
            (None, Some(_)) => self.reply_legs(token, &known_legs),
            (None, None) => {}
        }
    }

    /// A key of the group that names another order, or the same one in another group: all or none is known.
    fn reused_key(&self, request: &GroupRequest) -> Option<alphec_model::ClientOrderId> {
        let is_known = |order: &&OrderRequest| self.core.book.ix_of(&order.client_order_id).is_some();
        if !request.orders.iter().any(|order| is_known(&order)) {
            return None;
        }
        let differs = |(index, order): &(usize, &OrderRequest)| {
            let ix = self.core.book.ix_of(&order.client_order_id);
            !ix.is_some_and(|ix| {
                self.is_same_body(ix, order) && self.is_leg(ix, request.leg(*index).as_ref())
            })
        };
        request.orders.iter().enumerate().find(differs).map(|(_, order)| order.client_order_id.clone())
    }

    /// Whether an order has this part in its group. One that the gate denied never had any.
    fn is_leg(&self, ix: OrderIx, leg: Option<&alphec_model::Leg>) -> bool {
        self.order(ix).is_some_and(|order| {
            order.leg.as_ref() == leg || (order.leg.is_none() && order.state == OrderState::Denied)
        })
    }

    /// Judges leg by leg, each with those before it counted; one that is denied denies all.
    fn submit_new_group(&mut self, token: Token, request: &GroupRequest) {
        let mut legs: Vec<OrderIx> = Vec::new();
        let mut verdicts: Vec<Verdict> = Vec::new();
        let mut fault: Option<(alphec_model::ClientOrderId, String)> = None;
        for (index, order) in request.orders.iter().enumerate() {
            let verdict = match &fault {
                Some((leg, why)) => denied_by(leg, why),
                None => self.judge(&Candidate::leg(
                    order,
                    self.core.book.largest_exit(request.leg(index).as_ref(), None),
                )),
            };
            if let (None, Some(reason)) = (&fault, &verdict.denied) {
                fault = Some((order.client_order_id.clone(), reason.to_string()));
            }
            verdicts.push(verdict.clone());
            legs.extend(self.stage_leg(order, request.leg(index), verdict));
        }
        if let Some((leg, why)) = fault {
            self.refuse_staged(&legs, &leg, &why);
            return self.reply_legs(token, &legs);
        }
        if self.core.config.rules.is_empty() {
            self.release_group(&legs);
            return self.reply_legs(token, &legs);
        }
        let mut token = Some(token);
        for (ix, verdict) in legs.into_iter().zip(verdicts) {
            self.ask_rules(ix, token.take(), verdict);
        }
    }

    /// Records a leg as it begins, or as denied.
    fn stage_leg(
        &mut self,
        request: &OrderRequest,
        leg: Option<alphec_model::Leg>,
        verdict: Verdict,
    ) -> Option<OrderIx> {
        match verdict.denied.clone() {
            Some(reason) => self.record_denied(request.clone(), reason, verdict),
            None => self.record_accepted(request, leg, verdict),
        }
    }

    fn refuse_staged(&mut self, legs: &[OrderIx], leg: &alphec_model::ClientOrderId, why: &str) {
        for ix in legs {
            if self.state(*ix) == Some(OrderState::Staged) {
                let reason = DenyReason::Group { leg: leg.clone(), why_not: why.to_owned() };
                self.deny_staged(*ix, reason);
            }
        }
    }

    /// Every leg gets its id in the order of the wire, and then they leave.
    fn release_group(&mut self, legs: &[OrderIx]) {
        for ix in legs {
            self.leave_stage(*ix);
        }
        let due = self.now.saturating_add(self.core.config.ack_timeout);
        for ix in legs {
            let ticket = self.order(*ix).and_then(|order| self.ticket(order, order.spec.clone()));
            let Some(ticket) = ticket else {
                return self.anomaly("an accepted order has no broker id or reference".to_owned(), Some(*ix));
            };
            self.note_sent();
            self.core.session.expect_answer(*ix, due);
            self.step.requests.push(BrokerRequest::Place(ticket));
        }
    }

    /// Custom rules passed a leg: once they passed all of them, the gate looks once more, and then the wire.
    pub(super) fn leg_passed(&mut self, ix: OrderIx) {
        let legs = self.core.book.legs_of(ix);
        let waiting = &self.core.session.waiting;
        if legs.iter().any(|leg| waiting.get(leg).is_some_and(|waiting| !waiting.rules.is_empty())) {
            return;
        }
        let fault = legs.iter().find_map(|leg| {
            let order = self.order(*leg)?;
            let candidate = Candidate::release(order).covered_by(self.covered(order));
            Some((*leg, self.judge(&candidate).denied?))
        });
        match fault {
            Some((leg, reason)) => self.refuse_leg(leg, reason),
            None => {
                self.release_group(&legs);
                for leg in legs.iter().rev() {
                    self.answer_waiting(*leg);
                }
            }
        }
    }

    /// A staged leg is refused, and with it the group.
    pub(super) fn refuse_leg(&mut self, ix: OrderIx, reason: DenyReason) {
        let why = reason.to_string();
        self.end_staged(ix, &why, |turn| turn.deny_staged(ix, reason));
    }

    /// A staged leg ends by `end`, and the others are refused for it; then the caller hears of all of them.
    pub(super) fn end_staged(&mut self, ix: OrderIx, why: &str, end: impl FnOnce(&mut Self)) {
        let Some(key) = self.order(ix).map(|order| order.client_order_id.clone()) else { return };
        let legs = self.core.book.legs_of(ix);
        let head = legs.first().copied().unwrap_or(ix);
        let token = self.core.session.waiting.get_mut(&head).and_then(|waiting| waiting.token.take());
        end(self);
        self.refuse_staged(&legs, &key, why);
        if let Some(token) = token {
            self.answer(token, head);
        }
    }

    pub(super) fn reply_group(&mut self, token: Token, head: OrderIx) {
        let legs = self.core.book.legs_of(head);
        self.reply_legs(token, &legs);
    }

    fn reply_legs(&mut self, token: Token, legs: &[OrderIx]) {
        let orders = legs.iter().filter_map(|ix| self.order(*ix)).cloned().map(Arc::new).collect();
        self.reply(token, Reply::Group(orders));
    }

    /// What the end of a leg means for the others.
    pub(super) fn leg_ended(&mut self, ix: OrderIx, end: LegEnd) {
        let Some(order) = self.order(ix) else { return };
        let Some(leg) = order.leg.clone() else { return };
        let (key, has_filled) = (order.client_order_id.clone(), !order.cum_qty.is_zero());
        if self.tell_of_split_group(ix) {
            return;
        }
        let legs = self.core.book.legs_of(ix);
        match leg.role {
            // What filled of it stays protected by its exits.
            LegRole::Parent if has_filled && !planted::is("exits-go-with-a-filled-entry") => {}
            LegRole::Parent if planted::is("exits-outlive-their-entry") => {}
            LegRole::Parent => drop(self.cancel_legs(&legs, ix)),
            LegRole::Child | LegRole::Peer if planted::is("a-leg-that-never-stood-changes-nothing") => {}
            LegRole::Child | LegRole::Peer if end == LegEnd::NeverStood => {
                let opened = legs.iter().any(|leg| self.has_opened(*leg));
                let undone = match leg.role {
                    // The entry has filled: its other exits are what protects it.
                    LegRole::Child if opened => {
                        let head = self.core.book.ix_of(&leg.group);
                        head.map_or(0, |head| self.cancel_legs(&[head], ix))
                    }
                    _ => self.cancel_legs(&legs, ix),
                };
                if undone > 0 || opened {
                    let hint = if opened { "; what has filled may be unprotected: look now" } else { "" };
                    let text = format!(
                        "group {} is not whole: order {key} never stood; the rest is undone{hint}",
                        leg.group
                    );
                    self.tell_of_broken_group(ix, text);
                }
            }
            LegRole::Child if end == LegEnd::Vanished && self.is_unprotected(&legs) => {
                let text = format!(
                    "group {}: exit {key} is gone and nobody said why; what has filled may be unprotected: look now",
                    leg.group
                );
                self.tell_of_broken_group(ix, text);
            }
            LegRole::Child | LegRole::Peer => {}
        }
    }

    fn tell_of_broken_group(&mut self, ix: OrderIx, text: String) {
        if planted::is("a-broken-group-is-not-told") {
            return;
        }
        self.alert(AlertKind::GroupBroken, text, Some(ix));
    }

    /// Whether more of the entry has filled than of its exits.
    fn is_unprotected(&self, legs: &[OrderIx]) -> bool {
        let filled = |is_exit: bool| {
            let orders = legs.iter().filter_map(|leg| self.order(*leg));
            let of_kind = orders.filter(|order| {
                order.leg.as_ref().is_some_and(|leg| (leg.role == LegRole::Child) == is_exit)
            });
            of_kind.map(|order| order.cum_qty.get()).sum::<Decimal>()
        };
        filled(false) > filled(true)
    }

    /// Whether the leg has opened something: an entry, or one of several, that filled.
    fn has_opened(&self, ix: OrderIx) -> bool {
        self.order(ix).is_some_and(|order| {
            let opens = order.leg.as_ref().is_some_and(alphec_model::Leg::opens);
            opens && !order.cum_qty.is_zero()
        })
    }

    /// Cancels what lives of these but for one; gives how many that were.
    fn cancel_legs(&mut self, legs: &[OrderIx], but: OrderIx) -> usize {
        let live = |ix: &&OrderIx| **ix != but && self.state(**ix).is_some_and(|state| !state.is_terminal());
        let live: Vec<OrderIx> = legs.iter().filter(live).copied().collect();
        for ix in &live {
            self.cancel_one(*ix, None);
        }
        live.len()
    }

    /// A leg that no list shows, of a group that has opened nothing: parked at the broker or never there. Either
    /// way the group is not whole, and all of it is undone. Says whether that was so.
    pub(super) fn undo_incomplete_group(&mut self, ix: OrderIx) -> bool {
        if self.order(ix).is_none_or(|order| order.leg.is_none()) || planted::is("a-half-bracket-is-left") {
            return false;
        }
        let legs = self.core.book.legs_of(ix);
        if legs.iter().any(|leg| self.has_opened(*leg)) || self.tell_of_split_group(ix) {
            return false;
        }
        if let Some(order) = self.order(ix) {
            let text = format!(
                "order {} is in none of the broker's lists: its group is not whole and all of it is canceled",
                order.client_order_id
            );
            if self.core.session.is_news(&text) {
                self.tell_of_broken_group(ix, text);
            }
        }
        self.cancel_one(ix, None);
        self.cancel_legs(&legs, ix);
        true
    }
}

fn denied_by(leg: &alphec_model::ClientOrderId, why: &str) -> Verdict {
    let reason = DenyReason::Group { leg: leg.clone(), why_not: why.to_owned() };
    Verdict { denied: Some(reason), ..Verdict::default() }
}

/// What the end of a leg says about its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LegEnd {
    /// It never stood at the broker, or our own question whether it exists took it away.
    NeverStood,
    /// It stood, and is gone without a word why: one that the other legs ended, or that is missing.
    Vanished,
    /// As the group is meant to work, or as somebody wanted.
    Meant,
}

impl LegEnd {
    pub(super) fn of(order: &Order, to: OrderState, evidence: &Evidence) -> Self {
        let is_told = !matches!(
            evidence,
            Evidence::NotWritten { .. } | Evidence::Absent { .. } | Evidence::Operator { .. }
        );
        let has_stood = order.perm_id.is_some() || !order.cum_qty.is_zero();
        match to {
            OrderState::Rejected | OrderState::Denied => Self::NeverStood,
            OrderState::Canceled if is_told && order.pending.is_probe => Self::NeverStood,
            _ if is_told || order.pending.is_cancel_asked() => Self::Meant,
            _ if has_stood => Self::Vanished,
            _ => Self::NeverStood,
        }
    }
}
