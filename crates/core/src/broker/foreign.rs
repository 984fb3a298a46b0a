//! Orders of others in our accounts: counted in exposure, shown, never touched.

use std::collections::BTreeSet;

use alphec_model::broker::{BrokerStatus, OpenOrderReport, OrderNames, Snapshot, StatusReport};
use alphec_model::{
    AlertKind, Body, CancelScope, ForeignOrder, InstrumentId, Provenance, Qty, UtcNanos, planted,
};

use crate::machine::{About, Turn};
use crate::session::Absence;

/// Orders of others that are counted. Beyond it people are told that the count is not whole.
const FOREIGN_MAX: usize = 10_000;

impl Turn<'_> {
    /// An open order that is not ours, or a second life of one that is: no order of ours counts it.
    pub(super) fn foreign_open(&mut self, report: &OpenOrderReport) {
        if planted::is("orders-of-others-are-not-seen") {
            return;
        }
        let Some(key) = foreign_key(&report.names) else { return };
        if !self.core.config.accounts.contains(&report.account) || !self.is_account_here(&report.account) {
            return;
        }
        if is_over(&report.status) {
            return self.foreign_gone(key);
        }
        self.core.session.missed_foreign.remove(&key);
        if let Some(broker_order_id) = report.names.broker_order_id
            && planted::is("an-order-of-others-is-canceled")
        {
            self.step.requests.push(alphec_model::BrokerRequest::Cancel { broker_order_id });
        }
        let instrument = self.name_of(report.instrument.as_ref(), report.con_id);
        let (Some(instrument), Some(side), Some(order_qty)) =
            (instrument.clone(), report.side, report.terms.order_qty)
        else {
            return self
                .uncounted(instrument, &format!("an order of someone else ({key}) cannot be counted"));
        };
        // Statuses say what has filled; a row says the whole size, which may have grown or shrunk since.
        let filled_qty = self.core.book.foreign(&key).map_or(Qty::ZERO, |known| known.filled_qty);
        let order = ForeignOrder {
            key,
            account: report.account.clone(),
            instrument,
            side,
            leaves_qty: order_qty.saturating_sub(filled_qty),
            filled_qty,
            symbol: report.symbol.to_string(),
            order_ref: report.names.order_ref.as_ref().map(ToString::to_string),
        };
        self.note_foreign(order);
    }

    /// Limits that do not count everything judge nothing: what the order trades is halted, all where that is
    /// not known.
    fn uncounted(&mut self, instrument: Option<InstrumentId>, what: &str) {
        self.anomaly(what.to_owned(), None);
        let scope = instrument.map_or(CancelScope::All, |instrument| CancelScope::Instrument { instrument });
        self.halt_scope_by_ourselves(scope, format!("{what}: end it or wait for it, then resume"));
    }

    fn note_foreign(&mut self, order: ForeignOrder) {
        match self.core.book.foreign(&order.key) {
            Some(known) if *known == order => return,
            Some(_) => {}
            None if self.core.book.foreign_orders().count() >= FOREIGN_MAX => {
                let what =
                    format!("more than {FOREIGN_MAX} orders of others are open; the rest is not counted");
                return self.uncounted(Some(order.instrument), &what);
            }
            None => {
                let ForeignOrder { account, instrument, side, leaves_qty, .. } = &order;
                let text = format!(
                    "someone else's order is open: {side} {leaves_qty} {instrument} in {account}; it counts in \
                     every limit and is left alone"
                );
                self.alert(AlertKind::ForeignOrder, text, None);
            }
        }
        self.record(About::default(), Provenance::Observed, Body::ForeignSeen { order });
    }

    /// A status of an order that is not ours.
    pub(super) fn foreign_status(&mut self, report: &StatusReport) {
        let Some(key) = foreign_key(&report.names) else { return };
        let Some(known) = self.core.book.foreign(&key).cloned() else { return };
        if is_over(&report.status) {
            return self.foreign_gone(key);
        }
        self.core.session.missed_foreign.remove(&key);
        let Some(order_qty) = known.leaves_qty.checked_add(known.filled_qty) else { return };
        let by_rest = report.remaining_qty.map(|left| order_qty.saturating_sub(left));
        // What has filled never grows less: a status that says so is an old one.
        let filled_qty = report.cum_qty.or(by_rest).unwrap_or(known.filled_qty).max(known.filled_qty);
        let leaves_qty = order_qty.saturating_sub(filled_qty);
        self.note_foreign(ForeignOrder { leaves_qty, filled_qty, ..known });
    }

    /// Complete lists: what they have among the completed is open no more, nor what several in a row do not have among
    /// the open. One may leave out an order that works (`tws-behaviour.md` §7, row 25), so may those of a gateway that has
    /// just started, and with a second life of ours a kill would be verified that is not done.
    pub(super) fn compare_foreign(
        &mut self,
        Snapshot { open, completed, .. }: &Snapshot,
        asked_at: UtcNanos,
    ) {
        let missed_before = std::mem::take(&mut self.core.session.missed_foreign);
        if self.core.book.foreign_orders().next().is_none() {
            return;
        }
        let listed: BTreeSet<String> = open.iter().filter_map(|row| foreign_key(&row.names)).collect();
        // One without its perm id may be any order of that reference.
        let vague: BTreeSet<&str> = open
            .iter()
            .filter(|row| row.names.perm_id.is_none())
            .filter_map(|row| row.names.order_ref.as_deref())
            .collect();
        let may_be_listed = |order: &ForeignOrder| {
            listed.contains(&order.key) || order.order_ref.as_deref().is_some_and(|text| vague.contains(text))
        };
        let ends = completed.iter().filter(|row| row.names.perm_id.is_some() && is_over(&row.status));
        let ended: BTreeSet<String> = ends.filter_map(|row| foreign_key(&row.names)).collect();
        let missed: Vec<ForeignOrder> = self
            .core
            .book
            .foreign_orders()
            .filter(|order| self.is_account_here(&order.account) && !may_be_listed(order))
            .cloned()
            .collect();
        for order in missed {
            let absence = Absence::once_more(missed_before.get(&order.key).copied(), asked_at);
            if ended.contains(&order.key) || self.is_gone(absence, asked_at) {
                self.foreign_gone(order.key);
                continue;
            }
            self.core.session.missed_foreign.insert(order.key, absence);
            // A kill and a resume wait for those of ours. Of the others, clients that trade end some all the time.
            if order.order_ref.is_some_and(|text| self.intent_of(&text).is_some()) {
                self.look_later();
            }
        }
    }

    /// As long as one of ours must be missing before it may be asked for.
    fn is_gone(&self, absence: Absence, asked_at: UtcNanos) -> bool {
        absence.has_lasted(self.core.config.absent_after, asked_at)
            || planted::is("one-list-ends-an-order-of-others")
    }

    fn foreign_gone(&mut self, key: String) {
        self.core.session.missed_foreign.remove(&key);
        if self.core.book.foreign(&key).is_some() {
            self.record(About::default(), Provenance::Observed, Body::ForeignGone { key });
        }
    }
}

/// What an order of someone else is known by. One entered by hand has no id before it is bound.
fn foreign_key(names: &OrderNames) -> Option<String> {
    if let Some(perm_id) = names.perm_id {
        return Some(format!("perm:{perm_id}"));
    }
    Some(format!("id:{}/{}", names.api_client_id?, names.broker_order_id?))
}

const fn is_over(status: &BrokerStatus) -> bool {
    matches!(status, BrokerStatus::Cancelled | BrokerStatus::ApiCancelled | BrokerStatus::Filled)
}
