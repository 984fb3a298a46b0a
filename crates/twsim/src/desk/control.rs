//! A test's hands and eyes: prices, faults, and what is really so.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Counters, Desk};
use crate::client::Session;
use crate::faults::{DecisionLog, Fault, Knob};
use crate::venue::{
    Account, ConId, Execution, Instrument, Level, OrderReport, Quote, UtcNs, Venue, VenueInput, VenueOutput,
};

/// An order as the venue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTruth {
    /// Its state.
    pub report: OrderReport,
    /// When it ended; `None` while it works.
    pub ended_at: Option<UtcNs>,
}

/// What the venue knows at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// Working orders first to last, then finished ones first to last.
    pub orders: Vec<OrderTruth>,
    /// Executions first to last.
    pub executions: Vec<Arc<Execution>>,
    /// Accounts with cash and positions.
    pub accounts: Vec<Account>,
}

impl Truth {
    pub(crate) fn of(venue: &Venue) -> Self {
        let working = venue.open_orders().map(|report| OrderTruth { report: *report, ended_at: None });
        let finished = venue
            .finished_orders()
            .map(|order| OrderTruth { report: order.report.clone(), ended_at: Some(order.at) });
        Self {
            orders: working.chain(finished).collect(),
            executions: venue.executions().cloned().collect(),
            accounts: venue.accounts().cloned().collect(),
        }
    }

    /// Signed position of an account.
    pub fn position(&self, account: &str, con_id: ConId) -> Decimal {
        self.accounts.iter().find(|it| *it.id == *account).map_or(Decimal::ZERO, |it| it.held(con_id))
    }

    /// The order with this mark, if exactly one has it.
    pub fn by_ref(&self, order_ref: &str) -> Option<&OrderTruth> {
        let mut found = self.orders.iter().filter(|order| *order.report.spec.order_ref == *order_ref);
        found.next().filter(|_| found.next().is_none())
    }
}

impl Desk {
    /// Arms a fault.
    pub fn inject(&mut self, now: UtcNs, fault: Fault) {
        if fault.knob == Knob::OmitOrders {
            self.plight.lists_served = 0;
        }
        self.faults.arm(now, fault);
        self.run_due(now);
        self.flush(now);
    }

    /// Disarms all faults and ends every state they brought about.
    pub fn clear_faults(&mut self, now: UtcNs) {
        self.faults.clear();
        self.read_fault_levels(now);
        self.end_plight(now);
        self.flush(now);
    }

    /// Disarms one kind of fault; states that it brought about go on. False when it was not armed.
    pub fn clear_fault(&mut self, now: UtcNs, knob: Knob) -> bool {
        let was = self.faults.clear_knob(knob);
        self.read_fault_levels(now);
        was
    }

    /// The faults that are armed and can still happen.
    pub fn armed(&self) -> Vec<Fault> {
        self.faults.armed().cloned().collect()
    }

    /// What the faults decided, the latest last.
    pub fn decisions(&self) -> &DecisionLog {
        self.faults.log()
    }

    /// Hands an input to the venue, as if the world had done it.
    pub fn control(&mut self, now: UtcNs, input: VenueInput) {
        self.apply(now, input);
        self.flush(now);
    }

    /// Cuts every connection.
    pub fn disconnect_all(&mut self) {
        self.cut_all(false);
    }

    /// Begins to keep everything that the venue says, as it says it and before any fault meets it.
    pub fn watch(&mut self) {
        self.watched.get_or_insert_default();
    }

    /// What the venue said since the last call, while it is [watched](Self::watch).
    pub fn take_watched(&mut self) -> Vec<VenueOutput> {
        self.watched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Begins to keep a diary of what changes the venue.
    pub fn keep_diary(&mut self) {
        self.venue.keep_diary();
    }

    /// What changed the venue since the last call, as lines to [live through again](Venue::live_again).
    ///
    /// # Errors
    ///
    /// As [`Venue::take_diary`].
    pub fn take_diary(&mut self) -> Result<Vec<u8>, serde_json::Error> {
        self.venue.take_diary()
    }

    /// The venue, to be looked at.
    pub fn venue(&self) -> &Venue {
        &self.venue
    }

    /// What the venue knows.
    pub fn truth(&self) -> Truth {
        Truth::of(&self.venue)
    }

    /// Entries of every collection that grows with use, by name; bytes for what is queued.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        let mut sizes = self.venue.sizes();
        sizes.extend([
            ("connections", self.lines.sessions.len()),
            ("sessions in business", self.lines.by_client.len()),
            ("subscriptions", self.lines.sessions.values().map(|it| it.subscriptions.count()).sum()),
            ("bytes to write", self.lines.sessions.values().map(|it| it.outbox.len()).sum()),
            ("bytes to read", self.lines.sessions.values().map(Session::waiting_bytes).sum()),
            ("names of unsupported requests", self.lines.counters.unsupported.len()),
        ]);
        sizes
    }

    /// One instrument.
    pub fn instrument(&self, con_id: ConId) -> Option<Arc<Instrument>> {
        self.venue.instrument(con_id).map(Arc::clone)
    }

    /// The market of one instrument.
    pub fn quote(&self, con_id: ConId) -> Option<Quote> {
        self.venue.quote(con_id)
    }

    /// The best levels of an instrument's book, so many at most: bids, then asks.
    pub fn levels(&self, con_id: ConId, rows: usize) -> Option<[Vec<Level>; 2]> {
        self.venue.levels(con_id, rows)
    }

    /// The contract id of a symbol, when it is listed once, or of its stock when there is one.
    pub fn con_id_of(&self, symbol: &str) -> Option<ConId> {
        self.venue
            .instruments()
            .find(|it| it.symbol == symbol || it.local_symbol == symbol)
            .map(|it| it.con_id)
    }

    /// Sessions in business.
    pub fn session_count(&self) -> usize {
        self.lines.by_client.len()
    }

    /// What was seen since the start.
    pub fn counters(&self) -> Counters {
        self.lines.counters.clone()
    }
}

impl Desk {
    /// Who is connected, in order of arrival, as JSON.
    pub(crate) fn connections(&self) -> serde_json::Value {
        let rows = self.lines.sessions.iter().map(|(conn, session)| {
            serde_json::json!({
                "conn": conn,
                "client": session.is_ready().then_some(session.client_id),
                "server_version": session.server_version,
                "bytes_to_write": session.outbox.len(),
                "silent": session.muted,
            })
        });
        rows.collect()
    }
}
