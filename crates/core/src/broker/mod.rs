//! What the broker says: record it, find the order it is about, decide what follows.
//!
//! Messages come in any order, duplicated, or not at all; every handler is idempotent and takes
//! messages in any state of the link.

mod executions;
mod foreign;
mod late;
mod link;
mod lists;
mod names;
mod notices;
mod positions;
mod reports;
mod snapshot;
mod twice;

pub(crate) use positions::{Compared, Moves};

use alphec_model::broker::{OrderNames, Wire};
use alphec_model::{
    AccountValue, AlertKind, Body, BrokerEvent, BrokerOrderId, DenyReason, Evidence, Provenance,
};

use crate::machine::{About, Turn};
use crate::orders::sent_replace;
use crate::session::Priced;

impl Turn<'_> {
    pub(crate) fn broker(&mut self, event: BrokerEvent) {
        match event {
            BrokerEvent::Quote { instrument, quote } => self.quote(instrument, quote),
            BrokerEvent::Written { broker_order_id, wire, at } => self.written(broker_order_id, wire, at),
            event => {
                let about = self.about(&event);
                let news = match &event {
                    BrokerEvent::Snapshot(snapshot) => BrokerEvent::Snapshot(self.news_of(snapshot)),
                    event => event.clone(),
                };
                let body = Body::Observed { event: Box::new(news) };
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
            BrokerEvent::Farm { generation, kind, name, state } => self.farm(generation, (kind, name), state),
            BrokerEvent::OpenOrder(report) => self.open_order(&report),
            BrokerEvent::Status(report) => self.status(&report),
            BrokerEvent::Execution(report) => self.execution(&report),
            BrokerEvent::Commission(report) => self.commission(report),
            BrokerEvent::Notice(notice) => self.notice(&notice),
            BrokerEvent::Snapshot(snapshot) => self.snapshot(&snapshot),
            BrokerEvent::SnapshotFailed { id, generation, why } => self.snapshot_failed(id, generation, &why),
            BrokerEvent::Account { account, value } => self.account_value(account, value),
            BrokerEvent::InstrumentResolved { instrument, con_id, tick, multiplier } => {
                self.compare_tick(&instrument, tick.as_ref());
                self.instrument_resolved(&instrument, con_id, multiplier);
            }
            BrokerEvent::InstrumentUnknown { instrument, why } if self.is_ours(&instrument) => {
                self.core.session.unknown_instruments.insert(instrument, why);
                self.instruments_settled();
            }
            BrokerEvent::InstrumentUnknown { .. } => {}
            BrokerEvent::NotWritten { broker_order_id, wire, why } => {
                self.not_written(broker_order_id, wire, why)
            }
            BrokerEvent::GlobalCancelNotWritten { why } => self.global_cancel_not_written(&why),
            // For the record; its answers come order by order.
            BrokerEvent::GlobalCancelWritten { .. } => {}
            BrokerEvent::Undecodable { names, why, .. } => {
                let ix = self.find(&names);
                let what = format!("a message of the broker could not be understood: {why}");
                self.anomaly(what.clone(), ix);
                if names == OrderNames::default() {
                    self.look_again();
                } else {
                    // What it said of that order is missing until the lists say it.
                    self.gap(self.core.session.link.generation, &what);
                }
            }
            // Both are taken in `broker`, before they would be journaled here.
            BrokerEvent::Quote { .. } | BrokerEvent::Written { .. } => {}
            unknown => self.anomaly(format!("an event that this version does not know: {unknown:?}"), None),
        }
    }

    fn written(&mut self, id: BrokerOrderId, wire: Wire, at: alphec_model::UtcNanos) {
        let ix = self.core.book.ix_by_broker_id(id);
        if let (Some(ix), Wire::Replace) = (ix, wire) {
            self.core.session.take_word(ix);
        }
        self.record(About { ix, ..About::default() }, Provenance::Observed, Body::Written { wire, at });
    }

    /// The adapter proved that the broker never saw it.
    fn not_written(&mut self, id: BrokerOrderId, wire: Wire, why: String) {
        let Some(ix) = self.core.book.ix_by_broker_id(id) else { return };
        let version = if wire == Wire::Replace { self.core.session.take_word(ix) } else { None };
        if self.order(ix).is_some_and(|order| order.broker_order_id != Some(id)) {
            // Of an attempt that is long over.
            return;
        }
        let state = self.state(ix);
        match wire {
            Wire::Place
                if matches!(
                    state,
                    Some(alphec_model::OrderState::PendingNew | alphec_model::OrderState::InDoubt)
                ) =>
            {
                if self.order(ix).is_some_and(|order| order.pending.cancel_asked_at.is_some()) {
                    // As asked: it ended before it began.
                    self.change_state(ix, alphec_model::OrderState::Canceled, Evidence::NotWritten { why });
                    return;
                }
                self.alert(AlertKind::OrderDenied, format!("an order was never written: {why}"), Some(ix));
                let reason = DenyReason::NotWritten { why_not: why.clone() };
                self.end_denied(ix, Evidence::NotWritten { why }, reason);
            }
            Wire::Replace => {
                let sent = self.order(ix).and_then(sent_replace).map(|replace| replace.version);
                // Of a change given up while it waited to be written, it says nothing of the one in flight.
                if sent.is_some() && sent == version {
                    self.fail_replace(
                        ix,
                        &format!("it was never written: {why}"),
                        Evidence::NotWritten { why },
                    );
                }
            }
            // A cancel stays asked and leaves with the next reading of the books.
            Wire::Cancel => {
                self.core.session.cancels.remove(&ix);
                self.look_later();
            }
            Wire::Place => {}
        }
    }

    fn is_ours(&self, instrument: &alphec_model::InstrumentId) -> bool {
        self.core.config.instruments.contains_key(instrument)
    }

    fn quote(&mut self, id: alphec_model::InstrumentId, mut quote: alphec_model::Quote) {
        let Some(instrument) = self.core.config.instruments.get(&id) else { return };
        // One from the future would be fresh for ever.
        quote.at = quote.at.min(self.now);
        let priced = Priced::new(quote, instrument);
        self.core.session.quotes.insert(id, priced);
    }

    fn account_value(&mut self, account: alphec_model::AccountId, value: AccountValue) {
        if !self.core.config.accounts.contains(&account) {
            return;
        }
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

    /// Prices on increments of ours that are none of the broker's would be refused there, one by one.
    fn compare_tick(&mut self, id: &alphec_model::InstrumentId, theirs: Option<&alphec_model::TickRule>) {
        let Some((instrument, theirs)) = self.core.config.instruments.get(id).zip(theirs) else { return };
        if !instrument.tick().is_within(theirs) {
            let what =
                format!("instrument {id}: prices on the tick of the profile are off the broker's; mend it");
            self.anomaly(what, None);
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
            self.instruments_settled();
            return;
        }
        if let Some(other) = self.core.session.con_ids.get(&con_id).filter(|other| *other != id) {
            // Its position would be split over two names, and each would have the whole limit.
            let why = format!("it is the same contract as {other}; keep one of the two in the profile");
            self.anomaly(format!("instrument {id}: {why}"), None);
            self.core.session.unknown_instruments.insert(id.clone(), why);
            self.instruments_settled();
            return;
        }
        let resolved = instrument.clone().with_con_id(con_id);
        self.core.session.unknown_instruments.remove(id);
        self.core.session.con_ids.insert(con_id, id.clone());
        self.core.config.instruments.insert(id.clone(), resolved);
        self.carry_position_over(id, con_id);
        self.instruments_settled();
    }
}
