//! Rows of the broker's complete lists, and what it means to be in none of them.

use std::collections::BTreeSet;

use alphec_model::broker::{BrokerStatus, CompletedReport, EchoedTerms, OpenOrderReport};
use alphec_model::{Evidence, Order, OrderState, Price, Qty, UtcNanos, planted};

use super::reports::{grows_to, says};
use super::twice::is_open;
use crate::book::OrderIx;
use crate::machine::Turn;
use crate::orders::change::Carried;
use crate::orders::sent_replace;
use crate::session::{ABSENT_ROUNDS, Absence};

/// Complete rounds without a change in flight before old terms at work count as "it never arrived", and before
/// another change may take its place.
const UNSEEN_ROUNDS_MIN: u32 = 2;
/// Complete rounds that must have an order as inactive before a code counts that may have been about a change of it.
const INACTIVE_ROUNDS_MIN: u32 = 2;

impl Turn<'_> {
    pub(super) fn take_open(
        &mut self,
        row: &OpenOrderReport,
        heard: &BTreeSet<OrderIx>,
        asked_at: UtcNanos,
    ) -> Option<OrderIx> {
        self.see_ids(&row.names);
        let Some(ix) = self.find(&row.names) else {
            self.note_lost_reference(&row.names);
            self.foreign_open(row);
            self.late_attempt(&row.names, &row.status);
            return None;
        };
        if heard.contains(&ix) {
            return Some(ix);
        }
        if self.may_mean_either_life(ix, row.names.perm_id) {
            return Some(ix);
        }
        if self.is_second_life(ix, row.names.perm_id, is_open(&row.status)) {
            self.foreign_open(row);
            self.cancel_lives(ix, &row.status);
            return Some(ix);
        }
        let state = self.state(ix)?;
        let evidence = Evidence::OpenOrder { status: row.status.as_str().into() };
        if self.is_late_arrival(ix, &row.status) {
            self.late_arrival(ix, evidence, row.names.perm_id);
            return Some(ix);
        }
        if state.is_terminal() && is_open_again(state, &row.status) {
            let what = format!(
                "an order that we hold {state} is open at the broker; it counts again and is canceled"
            );
            self.anomaly(what, Some(ix));
            let carried = Carried { perm_id: row.names.perm_id, ..Carried::default() };
            self.change_state_with(ix, OrderState::Working, evidence, carried);
            self.cancel_first_life(ix, &row.status);
            // Told dead, it may have another in its place by now.
            self.cancel_one(ix, None);
            self.look_later();
            return Some(ix);
        }
        self.apply_status(ix, &row.status, row.names.perm_id, evidence.clone());
        self.note_suspected(ix, &row.status, asked_at);
        self.check_cancel(ix, &row.status, asked_at);
        self.cancel_first_life(ix, &row.status);
        self.compare_terms(ix, &row.terms, evidence.clone());
        if let Some(version) = self.late_version(ix, &row.terms) {
            self.come_late(ix, version, evidence.clone());
        }
        self.stop_if_larger(ix, &row.terms);
        self.note_other_terms(ix, &row.terms);
        self.note_unseen_change(ix, row, evidence, asked_at);
        Some(ix)
    }

    /// What the broker holds otherwise than asked for, with no change in flight, is told and never taken over.
    fn note_other_terms(&mut self, ix: OrderIx, echoed: &EchoedTerms) {
        let Some(order) = self.order(ix).filter(|order| !order.state.is_terminal()) else { return };
        if sent_replace(order).is_some() {
            return;
        }
        for what in differences(echoed, order) {
            self.anomaly(what, Some(ix));
        }
    }

    /// An order that was made larger at the broker can fill more than any limit has counted.
    fn stop_if_larger(&mut self, ix: OrderIx, echoed: &EchoedTerms) {
        let Some((theirs, most)) = self.excess(ix, echoed) else { return };
        let name = self.order(ix).map(|order| order.client_order_id.to_string()).unwrap_or_default();
        self.halt_by_ourselves(format!(
            "order {name} is held at {theirs} by the broker and was asked for at {most}: \
             make it smaller in TWS or cancel it, then resume"
        ));
    }

    /// Called dead by a code that may have been about a change of it: dead if the lists keep it as inactive, and no
    /// change sent since can have put it back to work.
    fn note_suspected(&mut self, ix: OrderIx, status: &BrokerStatus, asked_at: UtcNanos) {
        let is_changing = self.order(ix).is_some_and(|order| sent_replace(order).is_some());
        if *status != BrokerStatus::Inactive || is_changing {
            self.core.session.suspected.remove(&ix);
            return;
        }
        let suspicion = self.core.session.suspected.get_mut(&ix);
        let Some(suspicion) = suspicion.filter(|it| it.since < asked_at) else { return };
        suspicion.lists = suspicion.lists.saturating_add(1);
        if suspicion.lists < INACTIVE_ROUNDS_MIN {
            return self.look_later();
        }
        let reason = suspicion.reason.clone();
        let evidence = Evidence::Notice { code: reason.code, text: reason.text.clone() };
        self.reject(ix, evidence, reason);
    }

    /// Old terms in two complete rounds, confirmed by the venue: the change did not arrive. A row that is only held
    /// repeats the old terms until the venue opens, a stop until it triggers (`tws-behaviour.md` §2.7): it proves
    /// nothing, and from the second round on another change may take this one's place.
    fn note_unseen_change(
        &mut self,
        ix: OrderIx,
        row: &OpenOrderReport,
        evidence: Evidence,
        asked_at: UtcNanos,
    ) {
        let Some(order) = self.order(ix) else { return };
        let Some(replace) = sent_replace(order) else { return };
        if !matches!(
            row.status,
            BrokerStatus::PreSubmitted | BrokerStatus::Submitted | BrokerStatus::Inactive
        ) {
            // On its way to another word.
            return;
        }
        let is_at_work = row.status == BrokerStatus::Submitted && says(&row.terms, order, &order.spec);
        let (version, is_wanted) = (replace.version, order.pending.cancel_asked_at.is_none());
        // As for an absent order: the gateway may have lost its servers without saying so yet, and hold the change.
        let quiet_until = replace.asked_at.saturating_add(self.core.config.absent_after);
        let is_planted = planted::is("an-unseen-change-is-waited-for");
        let unseen = self.core.session.unseen_changes.entry(ix).or_default();
        unseen.lists = unseen.lists.saturating_add(1);
        unseen.at_work = unseen.at_work.saturating_add(u32::from(is_at_work));
        if unseen.at_work >= UNSEEN_ROUNDS_MIN {
            return self.fail_replace(ix, "the broker's lists show the terms before it", evidence);
        }
        if unseen.lists < UNSEEN_ROUNDS_MIN || is_at_work {
            return self.look_later();
        }
        if asked_at < quiet_until {
            return self.core.session.want_snapshot(quiet_until);
        }
        unseen.gives_way = Some(evidence).filter(|_| !is_planted);
        if is_wanted {
            let what = format!(
                "the broker's lists do not show the change to version {version}, which may take effect yet, as it does \
                 once a closed venue opens; wait, ask for another change, or cancel the order"
            );
            self.anomaly(what, Some(ix));
        }
    }

    /// What the lists showed of an order in place of its change in flight, once they did so often enough, and long
    /// enough after it was asked for, for another change to take its place.
    pub(crate) fn unseen_change(&self, ix: OrderIx) -> Option<&Evidence> {
        self.core.session.unseen_changes.get(&ix)?.gives_way.as_ref()
    }

    pub(super) fn take_completed(
        &mut self,
        row: &CompletedReport,
        heard: &BTreeSet<OrderIx>,
    ) -> Option<OrderIx> {
        let Some(ix) = self.find(&row.names) else {
            self.note_lost_reference(&row.names);
            return None;
        };
        // It says nothing of the life that we know, which may be missing.
        if self.may_mean_either_life(ix, row.names.perm_id)
            || self.is_second_life(ix, row.names.perm_id, false)
        {
            return None;
        }
        let order = self.order(ix)?;
        let state = order.state;
        // An end is never taken back, whatever was heard since the list was asked for: a cancel that was refused
        // because the order is over, for one. But fills may be on their way, and what is inactive may be active since.
        let is_for_good = row.status != BrokerStatus::Inactive && row.filled_qty == Some(order.cum_qty);
        if heard.contains(&ix) && !is_for_good {
            return Some(ix);
        }
        if row.filled_qty.is_some_and(|filled| filled > order.cum_qty) {
            let why = "the broker counts fills whose executions it no longer lists".to_owned();
            if state.is_terminal() {
                self.anomaly(why, Some(ix));
            } else if state != OrderState::InDoubt {
                self.doubt(ix, why);
            }
            return Some(ix);
        }
        if !state.is_terminal() {
            self.end_completed(ix, row);
        }
        Some(ix)
    }

    /// A row without missing fills ends the order, if its word is one that ends orders.
    fn end_completed(&mut self, ix: OrderIx, row: &CompletedReport) {
        let Some(order) = self.order(ix) else { return };
        let evidence = Evidence::Completed { status: row.completed_status.as_str().into() };
        let perm_id = row.names.perm_id.filter(|_| order.perm_id.is_none());
        match row.status {
            BrokerStatus::Cancelled | BrokerStatus::ApiCancelled | BrokerStatus::Inactive => {
                self.end_canceled(ix, evidence, Carried { perm_id, ..Carried::default() });
            }
            // Every fill is counted and it is over, though we hold it larger: either the change in
            // flight made it smaller, or it never arrived, or the broker cut the order.
            BrokerStatus::Filled if row.filled_qty == Some(order.cum_qty) => {
                let accepted =
                    sent_replace(order).map(|replace| is_size_of_change(order, replace.spec.order_qty));
                if accepted != Some(true) {
                    self.come_at_size_filled(ix, &evidence);
                }
                if let Some(accepted) = accepted {
                    self.end_replace(ix, accepted, evidence.clone());
                }
                self.end_full(ix, &evidence);
                if self.state(ix).is_some_and(|state| !state.is_terminal()) {
                    self.anomaly("the broker ended it short of its size as filled".to_owned(), Some(ix));
                    self.end_canceled(ix, evidence, Carried { perm_id, ..Carried::default() });
                }
            }
            // How much was filled is not said: the executions will.
            BrokerStatus::Filled => {}
            BrokerStatus::ApiPending
            | BrokerStatus::PendingSubmit
            | BrokerStatus::PendingCancel
            | BrokerStatus::PreSubmitted
            | BrokerStatus::Submitted
            | BrokerStatus::Unknown(_) => {
                let status = row.status.as_str();
                self.anomaly(format!("a completed order with the status {status}"), Some(ix));
            }
        }
    }

    /// Filled at the terms in force.
    fn end_full(&mut self, ix: OrderIx, evidence: &Evidence) {
        let live = self.order(ix).filter(|order| !order.state.is_terminal());
        if live.is_some_and(|order| order.cum_qty >= order.spec.order_qty) {
            self.change_state(ix, OrderState::Filled, evidence.clone());
        }
    }

    /// What is filled, of an order that is over, is the size of a change that was given up: it took effect.
    fn come_at_size_filled(&mut self, ix: OrderIx, evidence: &Evidence) {
        let Some(order) = self.order(ix).filter(|order| !order.state.is_terminal()) else { return };
        let filled = order.cum_qty;
        let mut given_up = order.pending.given_up.iter().rev();
        let version = given_up.find(|replace| replace.spec.order_qty == filled).map(|late| late.version);
        if let Some(version) = version.filter(|_| order.spec.order_qty != filled) {
            self.come_late(ix, version, evidence.clone());
        }
    }

    /// Live orders of ours in none of the complete lists.
    pub(super) fn note_absent(&mut self, seen: &BTreeSet<OrderIx>, asked_at: UtcNanos) {
        for ix in self.core.book.live() {
            let Some(order) = self.order(ix).filter(|order| self.is_account_here(&order.account)) else {
                continue;
            };
            let settled = order.updated_at <= asked_at;
            let sent = matches!(order.state, OrderState::Working | OrderState::InDoubt);
            if seen.contains(&ix) || !settled || !sent {
                self.core.session.absent_rounds.remove(&ix);
                continue;
            }
            let state = order.state;
            let absence = Absence { rounds: 0, since: asked_at };
            let absence = self.core.session.absent_rounds.entry(ix).or_insert(absence);
            absence.rounds = absence.rounds.saturating_add(1);
            let Absence { rounds, since } = *absence;
            if rounds < ABSENT_ROUNDS {
                self.look_later();
            } else if state == OrderState::Working {
                self.doubt(ix, "it is in none of the broker's complete lists".to_owned());
                self.core.session.absent_rounds.insert(ix, Absence { rounds: 0, since });
                self.look_later();
            } else if self.now.since(since) < self.core.config.absent_after {
                // A gateway that lost its servers may have stored the order, and send it once they are back.
                absence_restarts(self.core.session.absent_rounds.get_mut(&ix));
                self.look_later();
            } else if rounds.is_power_of_two() {
                // A cancel never enlarges anything, and its answer tells whether the order exists.
                // It may be lost too: asked again, ever more rarely.
                self.ask_for(ix);
            }
        }
    }
}

/// Whether an order that is over, filled as far as it is, had the size of its change in flight: filled exactly that,
/// or beyond its old size. With other changes given up only the exact size tells.
fn is_size_of_change(order: &Order, wanted: Qty) -> bool {
    let filled = order.cum_qty;
    let is_beyond = wanted <= filled || filled > order.spec.order_qty;
    filled == wanted || (is_beyond && order.pending.given_up.is_empty())
}

/// The quiet period is not over: the next round counts as the first that may probe.
fn absence_restarts(absence: Option<&mut Absence>) {
    if let Some(absence) = absence {
        absence.rounds = ABSENT_ROUNDS - 1;
    }
}

/// Where an echo contradicts the terms. What it leaves out, it does not contradict; more than we asked for is
/// judged elsewhere, and types have other words at the broker.
fn differences(echoed: &EchoedTerms, order: &Order) -> Vec<String> {
    let spec = &order.spec;
    let px = |name: &str, theirs: Option<Price>, ours: Option<Price>| {
        let (theirs, ours) = theirs.zip(ours)?;
        (theirs != ours)
            .then(|| format!("the broker holds it with a {name} of {theirs}, we asked for {ours}"))
    };
    let smaller =
        echoed.order_qty.filter(|theirs| *theirs < spec.order_qty && !grows_to(*theirs, order, spec));
    let (life, ours) = (echoed.time_in_force.as_str(), spec.time_in_force.as_str());
    let other_life = !life.is_empty() && !life.eq_ignore_ascii_case(ours);
    let all = [
        smaller.map(|theirs| format!("the broker holds it at {theirs}, we asked for {}", spec.order_qty)),
        px("limit", echoed.limit_px, spec.order_type.limit_px()),
        px("trigger", echoed.stop_px, spec.order_type.stop_px()),
        other_life.then(|| format!("the broker holds it as {life}, we asked for {ours}")),
    ];
    all.into_iter().flatten().collect()
}

/// Whether a row brings an ended order back. A refused one stays listed as inactive; whatever is
/// listed with a word of ending, or with one we do not know, has not come back.
fn is_open_again(state: OrderState, status: &BrokerStatus) -> bool {
    match status {
        BrokerStatus::Cancelled
        | BrokerStatus::ApiCancelled
        | BrokerStatus::Filled
        | BrokerStatus::Unknown(_) => false,
        BrokerStatus::Inactive => !matches!(state, OrderState::Filled | OrderState::Rejected),
        BrokerStatus::ApiPending
        | BrokerStatus::PendingSubmit
        | BrokerStatus::PendingCancel
        | BrokerStatus::PreSubmitted
        | BrokerStatus::Submitted => state != OrderState::Filled,
    }
}
