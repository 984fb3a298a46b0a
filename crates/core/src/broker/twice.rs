//! Orders that live twice: of a change on a bad link the broker made a second order under the same number and the same
//! reference, and the first one lives on (`tws-behaviour.md` §2.2).
//!
//! Invariants: the second life counts with the orders of others; nothing new is sent until a person has looked; what
//! names only the order ends neither life; nothing of its group is undone; and each life that a complete list shows is
//! canceled, so often and no more. All of it holds over reconnects and restarts, until a person has looked and resumed;
//! about the group for good.

use alphec_model::broker::{BrokerStatus, Notice, NoticeClass};
use alphec_model::{AlertKind, Body, BrokerRequest, Leg, OrderState, PermId, Provenance, planted};

use super::late::is_alive;
use crate::book::OrderIx;
use crate::machine::{About, Turn};

/// Cancels that leave for such an order on one connection before one of its lives has ended.
const CANCELS_MAX: u32 = 3;

impl Turn<'_> {
    /// Whether a message is about a second life of the order, which `shows_it_alive` or not. What ends one life does not
    /// end the other, one cancel does not reach both, and no limit has counted the second: trading stops until a person
    /// has looked.
    pub(super) fn is_second_life(
        &mut self,
        ix: OrderIx,
        perm_id: Option<PermId>,
        shows_it_alive: bool,
    ) -> bool {
        let known = self.order(ix).and_then(|order| order.perm_id);
        let (Some(known), Some(other)) = (known, perm_id) else { return false };
        if known == other {
            return false;
        }
        let is_news = match self.core.book.second_life(ix, other) {
            None => true,
            // Somebody has looked, and it is there again.
            Some(is_settled) => is_settled && shows_it_alive,
        };
        if is_news {
            self.record(About::order(ix), Provenance::Observed, Body::SecondLifeSeen { perm_id: other });
            self.stop_for_second_life(ix, (known, other));
        }
        true
    }

    fn stop_for_second_life(&mut self, ix: OrderIx, (known, other): (PermId, PermId)) {
        let name = self.order(ix).map(|order| order.client_order_id.to_string()).unwrap_or_default();
        let what = format!(
            "order {name} lives twice at the broker, under perm ids {known} and {other}; \
             cancel both in TWS, then resume"
        );
        self.anomaly(what.clone(), Some(ix));
        if !planted::is("a-second-life-halts-nothing") {
            self.halt_by_ourselves(what);
        }
        // The lists say which of them live, and those are canceled; a resume waits for them.
        self.core.session.clean_since = None;
        self.look();
    }

    /// Whether a word without a perm id may be about either life of an order: then the lists decide.
    pub(super) fn may_mean_either_life(&mut self, ix: OrderIx, perm_id: Option<PermId>) -> bool {
        let is_vague = perm_id.is_none() && self.core.book.lives_twice(ix);
        if is_vague {
            self.look_later();
        }
        is_vague
    }

    /// A code names the order, and so both lives. It ends neither; a cancel that it may answer leaves again for what the
    /// lists show.
    pub(super) fn said_of_either_life(&mut self, ix: OrderIx, notice: &Notice) {
        let is_over = self.state(ix).is_none_or(OrderState::is_terminal);
        match notice.class {
            NoticeClass::Canceled => {
                self.core.session.cancels.entry(ix).or_default().sent_at = None;
                self.core.session.life_ended(ix);
            }
            NoticeClass::CancelRefused | NoticeClass::NotFound if !is_over => self.not_found(ix, notice),
            NoticeClass::Pacing | NoticeClass::Unlisted if !is_over => self.unclear(ix, notice),
            NoticeClass::IdTrouble => self.ids_collide(ix, notice),
            NoticeClass::CancelRefused
            | NoticeClass::NotFound
            | NoticeClass::Pacing
            | NoticeClass::Unlisted
            | NoticeClass::Dead
            | NoticeClass::ModifyRefused
            | NoticeClass::Informational
            | NoticeClass::Link
            | NoticeClass::Request => {}
        }
    }

    /// The life that we knew first goes with the second, also where that one is over by now.
    pub(super) fn cancel_first_life(&mut self, ix: OrderIx, status: &BrokerStatus) {
        let is_twice = self.core.book.lives_twice(ix);
        if is_twice && self.order(ix).is_some_and(|order| !order.pending.is_cancel_asked()) {
            self.cancel_lives(ix, status);
        }
    }

    /// One id stands for both lives and a cancel reaches one of them, so it leaves again with the next list that still
    /// shows one. The broker can hold one as inactive and fill it later.
    pub(super) fn cancel_lives(&mut self, ix: OrderIx, status: &BrokerStatus) {
        // The same list showed the other one.
        let has_left = self.core.session.cancels.get(&ix).is_some_and(|it| it.sent_at == Some(self.now));
        if !is_open(status) || has_left || planted::is("a-second-life-is-left-alone") {
            return;
        }
        let cancels = self.core.session.cancels_of_both.entry(ix).or_default();
        if *cancels >= CANCELS_MAX {
            let what = "it lives twice at the broker, and cancels do not end it: cancel both in TWS";
            return self.anomaly(what.to_owned(), Some(ix));
        }
        *cancels = cancels.saturating_add(1);
        self.cancel_one(ix, None);
        let is_over = self.state(ix).is_none_or(OrderState::is_terminal);
        let id = self.order(ix).and_then(|order| order.broker_order_id);
        if let Some(broker_order_id) = id.filter(|_| is_over) {
            self.note_sent();
            self.step.requests.push(BrokerRequest::Cancel { broker_order_id });
        }
        self.look_later();
    }

    /// A leg has ended or is missing, in a group in which the broker made two orders of this leg or of one that opens:
    /// what that one opened or closed may be with its other life, also one that is over, so that only a person can say
    /// what the group needs.
    pub(crate) fn tell_of_split_group(&mut self, ix: OrderIx) -> bool {
        let opens = |leg: &OrderIx| {
            let leg = self.order(*leg).and_then(|order| order.leg.as_ref());
            leg.is_some_and(Leg::opens)
        };
        let legs = self.core.book.legs_of(ix);
        let is_split =
            legs.iter().any(|leg| self.core.book.has_lived_twice(*leg) && (*leg == ix || opens(leg)));
        if let Some(order) = self.order(ix).filter(|_| is_split) {
            let text = format!(
                "the broker made two orders of a leg of the group of order {}: nothing of the group is undone, and what \
                 has filled may be unprotected: look now",
                order.client_order_id
            );
            if self.core.session.is_news(&text) {
                self.alert(AlertKind::GroupBroken, text, Some(ix));
            }
        }
        is_split
    }
}

/// Whether the broker shows it as one that can fill, now or once it is held no more.
pub(super) fn is_open(status: &BrokerStatus) -> bool {
    is_alive(status) || *status == BrokerStatus::Inactive
}
