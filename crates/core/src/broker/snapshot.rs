//! Reconciliation: the broker's complete books against ours.
//!
//! An absent row proves nothing by itself: the list must be complete, from this connection, and
//! asked for after the order was last heard of. A difference in positions is seen twice before it
//! is a break, and is never repaired.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::broker::{BrokerStatus, CompletedReport, OpenOrderReport, Snapshot};
use alphec_model::{
    AccountId, AlertKind, Body, BrokerRequest, Evidence, Generation, InstrumentId, InstrumentKind,
    OrderState, Provenance, SignedQty, UtcNanos,
};

use super::reports::says;
use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::orders::change::Carried;
use crate::session::Outstanding;

/// Complete rounds that must agree before old terms count as "the change never arrived".
const OLD_TERMS_ROUNDS_MIN: u32 = 2;
/// Complete rounds without an order before it is asked for by a cancel.
const ABSENT_ROUNDS_PROBE: u32 = 2;

impl Turn<'_> {
    /// Asks for the books, unless they are on their way.
    pub(crate) fn ask_snapshot(&mut self) {
        self.core.session.snapshot_due = None;
        if !self.is_connected() || self.core.session.outstanding.is_some() {
            // The answer on its way may be older than what made us ask: look again after it.
            if self.core.session.outstanding.is_some() {
                self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
            }
            return;
        }
        self.core.session.snapshots = self.core.session.snapshots.saturating_add(1);
        let id = self.core.session.snapshots;
        self.core.session.outstanding = Some(Outstanding { id, asked_at: self.now });
        let executions_days = self.core.config.executions_days;
        self.request(About::default(), BrokerRequest::Snapshot { id, executions_days });
    }

    pub(super) fn snapshot_failed(&mut self, id: u64, generation: Generation, why: &str) {
        if !self.is_awaited(id, generation) {
            return;
        }
        self.core.session.outstanding = None;
        self.alert(
            AlertKind::Anomaly,
            format!("the broker's books could not be read ({why}); trying again"),
            None,
        );
        self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
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
        self.core.session.want_snapshot(self.now.saturating_add(self.core.config.reconcile_every));
        self.take_executions(snapshot);
        let mut seen = BTreeSet::new();
        for row in &snapshot.open {
            seen.extend(self.take_open(row, asked_at));
        }
        for row in &snapshot.completed {
            seen.extend(self.take_completed(row, asked_at));
        }
        self.note_absent(&seen, asked_at);
        self.compare_positions(snapshot, asked_at);
        self.recovered();
        self.resend_cancels(asked_at);
    }

    /// Executions first: they are what everything else is judged by. Those of an account seen for
    /// the first time belong to the position that is adopted with them.
    fn take_executions(&mut self, snapshot: &Snapshot) {
        for report in &snapshot.executions {
            let in_baseline = !self.core.book.is_baselined(&report.account);
            self.book_execution(report, in_baseline);
        }
        for report in &snapshot.commissions {
            self.commission(report.clone());
        }
        let accounts: Vec<AccountId> = self.core.config.accounts.iter().cloned().collect();
        for account in
            accounts.into_iter().filter(|account| !self.core.book.is_baselined(account)).collect::<Vec<_>>()
        {
            self.adopt_positions(&account, snapshot);
        }
    }

    fn adopt_positions(&mut self, account: &AccountId, snapshot: &Snapshot) {
        let mut adopted: BTreeMap<InstrumentId, SignedQty> =
            self.core.config.instruments.keys().map(|id| (id.clone(), SignedQty::ZERO)).collect();
        adopted.extend(
            self.reported(snapshot)
                .into_iter()
                .filter(|((of, _), _)| of == account)
                .map(|((_, instrument), qty)| (instrument, qty)),
        );
        for (instrument, qty) in adopted {
            let body = Body::PositionAdopted { account: account.clone(), instrument, qty };
            self.record(About::default(), Provenance::Observed, body);
        }
    }

    fn reported(&self, snapshot: &Snapshot) -> BTreeMap<(AccountId, InstrumentId), SignedQty> {
        snapshot
            .positions
            .iter()
            .filter(|row| self.core.config.accounts.contains(&row.account))
            .filter_map(|row| {
                let instrument = self.name_of(row.instrument.as_ref(), row.con_id)?;
                Some(((row.account.clone(), instrument), row.qty))
            })
            .collect()
    }

    fn take_open(&mut self, row: &OpenOrderReport, asked_at: UtcNanos) -> Option<OrderIx> {
        self.see_ids(&row.names);
        let Some(ix) = self.find(&row.names) else {
            self.note_lost_reference(&row.names);
            return None;
        };
        let order = self.order(ix)?;
        if order.updated_at > asked_at {
            // Heard of since: the row may be older than that.
            return Some(ix);
        }
        let evidence = Evidence::OpenOrder { status: row.status.as_str().into() };
        let is_open = !matches!(
            row.status,
            BrokerStatus::Cancelled
                | BrokerStatus::ApiCancelled
                | BrokerStatus::Filled
                | BrokerStatus::Unknown(_)
        );
        if order.state.is_terminal() && order.state != OrderState::Filled && is_open {
            let what =
                format!("an order that we hold {} is open at the broker; it is tracked again", order.state);
            self.anomaly(what, Some(ix));
            let carried = Carried { perm_id: row.names.perm_id, ..Carried::default() };
            self.change_state_with(ix, OrderState::Working, evidence, carried);
            return Some(ix);
        }
        self.apply_status(ix, &row.status, row.names.perm_id, evidence.clone());
        self.compare_terms(ix, &row.terms, evidence.clone());
        self.note_old_terms(ix, row, evidence);
        Some(ix)
    }

    /// Old terms in two complete rounds after a change was written on an earlier connection, or
    /// never answered: the change did not arrive.
    fn note_old_terms(&mut self, ix: OrderIx, row: &OpenOrderReport, evidence: Evidence) {
        let Some(order) = self.order(ix) else { return };
        let unanswered = order.pending.replace.as_ref().is_some_and(|replace| !replace.staged);
        if !unanswered || !says(&row.terms, &order.spec) {
            return;
        }
        let rounds = self.core.session.old_terms_rounds.entry(ix).or_insert(0);
        *rounds = rounds.saturating_add(1);
        if *rounds >= OLD_TERMS_ROUNDS_MIN {
            self.end_replace(ix, false, evidence);
        } else {
            self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
        }
    }

    fn take_completed(&mut self, row: &CompletedReport, asked_at: UtcNanos) -> Option<OrderIx> {
        let Some(ix) = self.find(&row.names) else {
            self.note_lost_reference(&row.names);
            return None;
        };
        let order = self.order(ix)?;
        if order.state.is_terminal() || order.updated_at > asked_at {
            return Some(ix);
        }
        let evidence = Evidence::Completed { status: row.completed_status.as_str().into() };
        let perm_id = row.names.perm_id.filter(|_| order.perm_id.is_none());
        let missing_fills = row.filled_qty.is_some_and(|filled| filled > order.cum_qty);
        if missing_fills {
            let why = "the broker counts fills whose executions it no longer lists".to_owned();
            if order.state != OrderState::InDoubt {
                self.doubt(ix, why);
            }
            return Some(ix);
        }
        if row.status != BrokerStatus::Filled {
            self.end_canceled(ix, evidence, Carried { perm_id, ..Carried::default() });
        }
        Some(ix)
    }

    /// Live orders of ours in none of the complete lists.
    fn note_absent(&mut self, seen: &BTreeSet<OrderIx>, asked_at: UtcNanos) {
        for ix in self.core.book.live() {
            let Some(order) = self.order(ix) else { continue };
            let settled = order.updated_at <= asked_at;
            let sent = matches!(order.state, OrderState::Working | OrderState::InDoubt);
            if seen.contains(&ix) || !settled || !sent {
                self.core.session.absent_rounds.remove(&ix);
                continue;
            }
            let state = order.state;
            let rounds = self.core.session.absent_rounds.entry(ix).or_insert(0);
            *rounds = rounds.saturating_add(1);
            let rounds = *rounds;
            if state == OrderState::Working && rounds >= ABSENT_ROUNDS_PROBE {
                self.doubt(ix, "it is in none of the broker's complete lists".to_owned());
                self.core.session.absent_rounds.insert(ix, 0);
            } else if state == OrderState::InDoubt && rounds == ABSENT_ROUNDS_PROBE {
                // A cancel never enlarges anything, and its answer tells whether the order exists.
                self.cancel_one(ix, None);
            }
            if rounds <= ABSENT_ROUNDS_PROBE {
                self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
            }
        }
    }

    fn compare_positions(&mut self, snapshot: &Snapshot, asked_at: UtcNanos) {
        let theirs = self.reported(snapshot);
        let ours = self.core.config.accounts.iter().flat_map(|account| {
            self.core.book.exposures_of(account).map(|(instrument, _)| (account.clone(), instrument.clone()))
        });
        let keys: BTreeSet<_> = ours.chain(theirs.keys().cloned()).collect();
        for key in
            keys.into_iter().filter(|(_, instrument)| self.is_comparable(instrument)).collect::<Vec<_>>()
        {
            let qty = theirs.get(&key).copied().unwrap_or(SignedQty::ZERO);
            self.compare_position(key, qty, asked_at);
        }
    }

    /// Currency pairs are left out: the broker reports them as cash, and as positions only by option.
    fn is_comparable(&self, instrument: &InstrumentId) -> bool {
        self.core
            .config
            .instruments
            .get(instrument)
            .is_none_or(|instrument| !matches!(instrument.kind(), InstrumentKind::Forex))
    }

    fn compare_position(&mut self, key: (AccountId, InstrumentId), theirs: SignedQty, asked_at: UtcNanos) {
        let (account, instrument) = key.clone();
        let ours = self.core.book.position(&account, &instrument);
        let broken = self.core.book.exposure(&account, &instrument).broken;
        if ours == theirs {
            self.core.session.suspects.remove(&key);
            if broken.is_some() {
                let body = Body::BreakCleared { account, instrument, qty: ours };
                self.record(About::default(), Provenance::Observed, body);
            }
            return;
        }
        let difference = theirs.checked_add(ours.negated());
        if broken.is_some() && broken == difference {
            return;
        }
        let moved_since = self.core.session.last_fill_at.get(&key).is_some_and(|at| *at >= asked_at);
        let seen_before = self.core.session.suspects.insert(key, theirs) == Some(theirs);
        if seen_before && !moved_since {
            let text = format!(
                "position break: {account} {instrument} is {ours} by our executions and {theirs} at the broker; \
                 the instrument is frozen until they agree"
            );
            self.alert(AlertKind::PositionBreak, text, None);
            let body = Body::PositionBroken { account, instrument, ours, theirs };
            self.record(About::default(), Provenance::Observed, body);
        } else {
            // The broker's position may only lag its executions.
            self.core.session.want_snapshot(self.now.saturating_add(self.core.config.resnapshot_after));
        }
    }

    /// Cancels asked for while there was no connection, or lost with one, leave again.
    fn resend_cancels(&mut self, asked_at: UtcNanos) {
        let connection_began = asked_at;
        for ix in self.core.book.live() {
            let asked = self.order(ix).and_then(|order| order.pending.cancel_asked_at);
            if asked.is_some_and(|at| at < connection_began) && self.core.session.cancels_resent.insert(ix) {
                self.send_cancel(ix);
            }
        }
    }
}
