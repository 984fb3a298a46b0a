//! Reconciliation: when the broker's complete books are read, and in which order they are judged.
//!
//! An absent row proves nothing by itself: the list must be complete, from this connection, and
//! asked for after the order was last heard of.

use std::collections::BTreeSet;
use std::time::Duration;

use alphec_model::broker::{
    CommissionReport, CompletedReport, ExecutionReport, LinkState, OrderNames, Snapshot,
};
use alphec_model::{
    AccountId, AlertKind, Body, BrokerEvent, BrokerRequest, Generation, OrderState, Provenance, UtcNanos,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::session::Outstanding;

/// How long an answer may take before the books are asked for anew.
const BOOKS_PATIENCE: Duration = Duration::from_secs(120);
/// Attempts in a row at the books that may come to nothing before they are made ever more rarely.
pub(super) const ATTEMPTS_AT_FIRST: u32 = 5;
/// The longest time between two attempts, and while a cancel or a kill waits for them.
const ATTEMPT_SPACING_MAX: Duration = Duration::from_secs(60);
const AWAITED_SPACING_MAX: Duration = Duration::from_secs(15);
/// Rounds of reconciliation that may fail in a row before nothing new is sent.
const ROUNDS_MISSED_MAX: u32 = 3;
/// How many days of executions are asked for once the lists that closed a gap showed all: more than one, for
/// midnight lies between two readings.
const LATER_DAYS: u8 = 2;

impl Turn<'_> {
    /// Asks for the books, unless they are on their way or the gateway itself is cut off.
    pub(crate) fn ask_snapshot(&mut self) {
        self.core.session.snapshot_due = None;
        if matches!(self.core.session.link.state, LinkState::Down | LinkState::Degraded) {
            return;
        }
        if self.core.session.outstanding.is_some() {
            // The answer on its way may be older than what made us ask: look again after it.
            self.look_later();
            return;
        }
        self.core.session.snapshots = self.core.session.snapshots.saturating_add(1);
        let id = self.core.session.snapshots;
        self.core.session.outstanding = Some(Outstanding { id, asked_at: self.now });
        self.core.session.asked_at = Some(self.now);
        self.core.session.asked_in_vain = self.core.session.asked_in_vain.saturating_add(1);
        self.core.session.want_snapshot(self.now.saturating_add(BOOKS_PATIENCE));
        let all_days = self.core.config.executions_days;
        let is_recovering = self.core.session.link.rounds == 0 || self.core.book.gap().is_some();
        let executions_days = if is_recovering { all_days } else { all_days.min(LATER_DAYS) };
        self.request(About::default(), BrokerRequest::Snapshot { id, executions_days });
    }

    /// Asks for the books now, or as soon as they were not asked for just before: what makes us
    /// look can come many times a second.
    pub(crate) fn look(&mut self) {
        self.look_spaced(self.core.config.resnapshot_after);
    }

    /// The same for a person, who did not cause what kept the books from being read until now.
    pub(crate) fn look_for_operator(&mut self) {
        self.core.session.asked_in_vain = 0;
        self.look();
    }

    /// The same after an attempt that may have come to nothing: what kept the books from being read may be in them
    /// the next time too, and each attempt costs the budget and the journal.
    pub(super) fn look_again(&mut self) {
        self.look_spaced(self.spacing_of_attempts());
    }

    /// Twice as long after each further attempt in vain.
    fn spacing_of_attempts(&self) -> Duration {
        let config = &self.core.config;
        let most = if self.are_books_awaited() { AWAITED_SPACING_MAX } else { ATTEMPT_SPACING_MAX };
        let most = most.min(config.reconcile_every).max(config.resnapshot_after);
        let doublings = self.core.session.asked_in_vain.saturating_sub(ATTEMPTS_AT_FIRST);
        config.resnapshot_after.saturating_mul(2_u32.saturating_pow(doublings)).min(most)
    }

    /// Whether a cancel may have to leave again, or a kill is not verified: the books decide both.
    fn are_books_awaited(&self) -> bool {
        let book = &self.core.book;
        let is_canceling = |ix| self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_some());
        book.halts().any(|(_, halt)| halt.is_kill && !halt.is_verified)
            || book.live().into_iter().any(is_canceling)
    }

    fn look_spaced(&mut self, spacing: Duration) {
        // The answer on its way may be older than what made us ask.
        let is_outstanding = self.core.session.outstanding.is_some();
        let since = if is_outstanding { Some(self.now) } else { self.core.session.asked_at };
        let earliest = since.map_or(self.now, |at| at.saturating_add(spacing));
        if earliest > self.now {
            self.core.session.want_snapshot(earliest);
        } else {
            self.ask_snapshot();
        }
    }

    /// Asks for the books a little later: what is missing may still be on its way.
    pub(crate) fn look_later(&mut self) {
        if self.core.session.link.state != LinkState::Down {
            self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
        }
    }

    /// An answer that is long overdue never comes.
    pub(crate) fn give_up_waiting_for_books(&mut self) {
        let outstanding = self.core.session.outstanding;
        if outstanding.is_some_and(|outstanding| self.now.since(outstanding.asked_at) >= BOOKS_PATIENCE) {
            self.core.session.outstanding = None;
            self.books_failed("no answer");
        }
    }

    pub(super) fn snapshot_failed(&mut self, id: u64, generation: Generation, why: &str) {
        if !self.is_awaited(id, generation) {
            return;
        }
        self.core.session.outstanding = None;
        self.books_failed(why);
        if self.core.session.outstanding.is_none() {
            self.core.session.want_snapshot(self.now.saturating_add(self.spacing_of_attempts()));
        }
    }

    fn books_failed(&mut self, why: &str) {
        let text = format!("the broker's books could not be read ({why}); trying again");
        if self.core.session.is_news(&text) {
            self.alert(AlertKind::Anomaly, text.clone(), None);
        }
        let allowed = self.core.config.reconcile_every.saturating_mul(ROUNDS_MISSED_MAX);
        let is_old = self.core.session.books_as_of.is_none_or(|at| self.now.since(at) >= allowed);
        if is_old && self.core.session.link.state == LinkState::Ready {
            self.gap(self.core.session.link.generation, &text);
        }
    }

    fn is_awaited(&self, id: u64, generation: Generation) -> bool {
        generation == self.core.session.link.generation
            && self.core.session.outstanding.is_some_and(|outstanding| outstanding.id == id)
    }

    pub(super) fn snapshot(&mut self, snapshot: &Snapshot) {
        if !self.is_awaited(snapshot.id, snapshot.generation) {
            return;
        }
        let Some(Outstanding { asked_at, .. }) = self.core.session.outstanding.take() else { return };
        self.core.session.asked_in_vain = 0;
        // What asked for another look meanwhile gets it.
        let never = asked_at.saturating_add(BOOKS_PATIENCE);
        self.core.session.snapshot_due = self.core.session.snapshot_due.filter(|due| *due < never);
        self.core.session.want_snapshot(self.now.saturating_add(self.core.config.reconcile_every));
        // Judged before the executions of this very snapshot change what was last heard.
        let heard = self.heard_since(snapshot, asked_at);
        self.take_executions(snapshot);
        let mut seen = heard.clone();
        for row in &snapshot.open {
            seen.extend(self.take_open(row, &heard, asked_at));
        }
        for row in &snapshot.completed {
            seen.extend(self.take_completed(row, &heard));
        }
        self.compare_foreign(snapshot, asked_at);
        let in_dispute = self.compare_positions(snapshot, asked_at);
        self.note_absent(&seen, asked_at);
        self.end_watches(&seen, asked_at);
        let is_first = self.core.session.link.rounds == 0;
        self.core.session.link.rounds = self.core.session.link.rounds.saturating_add(1);
        if !in_dispute {
            self.core.session.clean_since = Some(asked_at);
        }
        // What the first lists leave open may be a lag: a difference in holdings, or an order that they should show
        // and do not. The next round agrees, or has it on record as a break, as a doubt or as gone.
        let misses_any =
            self.misses_an_order(&seen, asked_at) || !self.core.session.missed_foreign.is_empty();
        if is_first && (in_dispute || misses_any) {
            self.look_later();
        } else {
            self.recovered();
        }
        self.core.session.books_as_of = Some(asked_at);
        self.pursue_kills(&seen, asked_at);
        self.send_waiting_cancels();
    }

    /// Whether the lists leave open what became of an order that was sent, or of a change of it.
    fn misses_an_order(&self, seen: &BTreeSet<OrderIx>, asked_at: UtcNanos) -> bool {
        let live = self.core.book.live().into_iter().filter_map(|ix| Some((ix, self.order(ix)?)));
        let mut here = live.filter(|(_, order)| self.is_account_here(&order.account));
        here.any(|(ix, order)| match order.state {
            OrderState::InDoubt => true,
            OrderState::PendingNew => order.updated_at <= asked_at && !seen.contains(&ix),
            _ => {
                let session = &self.core.session;
                session.absent_rounds.contains_key(&ix) || session.unseen_changes.contains_key(&ix)
            }
        })
    }

    /// The lists as they go on record: what they repeat of what is there already would make a record that
    /// grows with every fill, once a minute. Executions and commissions that are new get records of their own.
    pub(super) fn news_of(&self, snapshot: &Snapshot) -> Snapshot {
        let completed = snapshot.completed.iter().filter(|row| self.is_new_end(row)).cloned().collect();
        let (executions, commissions) = (Vec::new(), Vec::new());
        let Snapshot { id, generation, open, positions, .. } = snapshot;
        let (open, positions) = (open.clone(), positions.clone());
        Snapshot { id: *id, generation: *generation, open, completed, executions, commissions, positions }
    }

    fn observe(&mut self, event: BrokerEvent) {
        let about = self.about(&event);
        self.record(about, Provenance::Observed, Body::Observed { event: Box::new(event) });
    }

    fn is_new_execution(&self, report: &ExecutionReport) -> bool {
        let is_ours = self.is_account_ours(&report.account) || self.find(&report.names).is_some();
        let is_known = self.core.book.booked(report.exec_id.base()).is_some_and(|booked| {
            let fill = &booked.fill;
            let says_the_same = (fill.last_qty, fill.last_px) == (report.last_qty, report.last_px);
            report.exec_id.revision() < fill.exec_id.revision()
                || (fill.exec_id == report.exec_id && says_the_same)
        });
        is_ours && !report.is_combo && !is_known
    }

    fn is_new_commission(&self, report: &CommissionReport) -> bool {
        let booked = self.core.book.booked(report.exec_id.base());
        booked.is_some_and(|booked| report.commission.is_some() && booked.commission != report.commission)
    }

    /// Whether a completed row can change anything: of an order that has not ended here, or that filled more.
    fn is_new_end(&self, row: &CompletedReport) -> bool {
        let Some(order) = self.find(&row.names).and_then(|ix| self.order(ix)) else {
            return row.names.order_ref.as_ref().is_some_and(|text| self.intent_of(text).is_some());
        };
        !order.state.is_terminal() || row.filled_qty.is_some_and(|filled| filled > order.cum_qty)
    }

    /// Orders in the lists that were heard of after the lists were asked for: the rows may be older.
    fn heard_since(&mut self, snapshot: &Snapshot, asked_at: UtcNanos) -> BTreeSet<OrderIx> {
        let names = |names: &OrderNames| self.find(names);
        let open = snapshot.open.iter().filter_map(|row| names(&row.names));
        let completed = snapshot.completed.iter().filter_map(|row| names(&row.names));
        let heard: BTreeSet<OrderIx> = open
            .chain(completed)
            .filter(|ix| self.order(*ix).is_some_and(|order| order.updated_at > asked_at))
            .collect();
        if !heard.is_empty() {
            self.look_later();
        }
        heard
    }

    /// Executions first: they are what everything else is judged by. Those of an account seen for
    /// the first time belong to the position that is adopted with them.
    fn take_executions(&mut self, snapshot: &Snapshot) {
        for report in &snapshot.executions {
            if self.is_new_execution(report) {
                self.observe(BrokerEvent::Execution(report.clone()));
            }
            let in_baseline = !self.core.book.is_baselined(&report.account);
            self.book_execution(report, in_baseline);
        }
        for report in &snapshot.commissions {
            if self.is_new_commission(report) {
                self.observe(BrokerEvent::Commission(report.clone()));
            }
            self.commission(report.clone());
        }
        let accounts: Vec<AccountId> = self.core.config.accounts.iter().cloned().collect();
        for account in accounts {
            if self.can_adopt(&account) {
                self.adopt_positions(&account, snapshot);
            }
        }
    }
}
