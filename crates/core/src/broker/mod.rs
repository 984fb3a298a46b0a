//! What the broker says: record it, find the order it is about, decide what follows.
//!
//! Messages come in any order, duplicated, or not at all; every handler is idempotent and takes
//! messages in any state of the link.

mod executions;
mod link;
mod names;
mod notices;
mod reports;
mod snapshot;

use alphec_model::broker::Wire;
use alphec_model::{
    AccountValue, AlertKind, Body, BrokerEvent, BrokerOrderId, DenyReason, Evidence, Provenance,
};

use crate::machine::{About, Turn};

impl Turn<'_> {
    pub(crate) fn broker(&mut self, event: BrokerEvent) {
        match event {
            BrokerEvent::Quote { instrument, quote } => {
                self.core.session.quotes.insert(instrument, quote);
            }
            BrokerEvent::Written { broker_order_id, wire, at } => self.written(broker_order_id, wire, at),
            event => {
                let about = self.about(&event);
                let body = Body::Observed { event: Box::new(event.clone()) };
                self.record(about, Provenance::Observed, body);
                self.observed(event);
            }
        }
    }

    fn observed(&mut self, event: BrokerEvent) {
        match event {
            BrokerEvent::ConnectFailed { attempt, error, retry_in_ms } => {
                self.connect_failed(attempt, &error, retry_in_ms);
            }
            BrokerEvent::Connected(session) => self.connected(&session),
            BrokerEvent::Disconnected { generation, why } => self.disconnected(generation, &why),
            BrokerEvent::Gap { generation, why } => self.gap(generation, &why),
            BrokerEvent::ServerLink { generation, link } => self.server_link(generation, link),
            BrokerEvent::OpenOrder(report) => self.open_order(&report),
            BrokerEvent::Status(report) => self.status(&report),
            BrokerEvent::Execution(report) => self.execution(&report),
            BrokerEvent::Commission(report) => self.commission(report),
            BrokerEvent::Notice(notice) => self.notice(&notice),
            BrokerEvent::Snapshot(snapshot) => self.snapshot(&snapshot),
            BrokerEvent::SnapshotFailed { id, generation, why } => self.snapshot_failed(id, generation, &why),
            BrokerEvent::Account { account, value } => self.account_value(account, value),
            BrokerEvent::InstrumentResolved { instrument, con_id, tick: _, multiplier } => {
                self.instrument_resolved(&instrument, con_id, multiplier);
            }
            BrokerEvent::InstrumentUnknown { instrument, why } => {
                self.core.session.unknown_instruments.insert(instrument, why);
            }
            BrokerEvent::NotWritten { broker_order_id, wire, why } => {
                self.not_written(broker_order_id, wire, why)
            }
            BrokerEvent::Undecodable { names, why, .. } => {
                let ix = self.find(&names);
                self.anomaly(format!("a message of the broker could not be understood: {why}"), ix);
                self.core.session.want_snapshot(self.now);
            }
            // Both are taken in `broker`, before they would be journaled here.
            BrokerEvent::Quote { .. } | BrokerEvent::Written { .. } => {}
            unknown => self.anomaly(format!("an event that this version does not know: {unknown:?}"), None),
        }
    }

    fn written(&mut self, id: BrokerOrderId, wire: Wire, at: alphec_model::UtcNanos) {
        let about = About { ix: self.core.book.ix_by_broker_id(id), ..About::default() };
        self.record(about, Provenance::Observed, Body::Written { wire, at });
    }

    /// The adapter proved that the broker never saw it.
    fn not_written(&mut self, id: BrokerOrderId, wire: Wire, why: String) {
        let Some(ix) = self.core.book.ix_by_broker_id(id) else { return };
        let state = self.state(ix);
        match wire {
            Wire::Place
                if matches!(
                    state,
                    Some(alphec_model::OrderState::PendingNew | alphec_model::OrderState::InDoubt)
                ) =>
            {
                self.alert(AlertKind::OrderDenied, format!("an order was never written: {why}"), Some(ix));
                let reason = DenyReason::NotWritten { why_not: why.clone() };
                self.end_denied(ix, Evidence::NotWritten { why }, reason);
            }
            Wire::Replace if self.order(ix).is_some_and(|order| order.pending.replace.is_some()) => {
                self.end_replace(ix, false, Evidence::NotWritten { why });
            }
            // A cancel stays asked and leaves with the next connection.
            Wire::Place | Wire::Replace | Wire::Cancel => {}
        }
    }

    fn account_value(&mut self, account: alphec_model::AccountId, value: AccountValue) {
        let values = self.core.session.accounts.entry(account).or_default();
        values.updated_at = Some(self.now);
        match value {
            AccountValue::NetLiquidation { amount, currency } => {
                values.net_liquidation = Some((amount, currency))
            }
            AccountValue::ExchangeRate { currency, rate } => {
                values.exchange_rates.insert(currency, rate);
            }
            AccountValue::Ready { ready } => values.ready = ready,
            unknown => {
                self.anomaly(format!("an account figure that this version does not know: {unknown:?}"), None)
            }
        }
    }

    fn instrument_resolved(
        &mut self,
        id: &alphec_model::InstrumentId,
        con_id: alphec_model::ConId,
        multiplier: Option<alphec_model::Decimal>,
    ) {
        let Some(instrument) = self.core.config.instruments.get(id) else { return };
        let ours = instrument.multiplier();
        if let Some(theirs) = multiplier.filter(|theirs| *theirs != ours) {
            // Notional would be wrong by that factor: the instrument does not trade.
            let why = format!(
                "its multiplier is {theirs} at the broker and {ours} in the profile; mend the profile"
            );
            self.anomaly(format!("instrument {id}: {why}"), None);
            self.core.session.unknown_instruments.insert(id.clone(), why);
            return;
        }
        let resolved = instrument.clone().with_con_id(con_id);
        self.core.session.unknown_instruments.remove(id);
        self.core.session.con_ids.insert(con_id, id.clone());
        self.core.config.instruments.insert(id.clone(), resolved);
    }
}
