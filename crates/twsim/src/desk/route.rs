//! From what the venue says to the sessions that should hear it.

use std::sync::Arc;

use super::{ConnId, Desk};
use crate::faults::Knob;
use crate::venue::{Execution, OrderReport, Quote, UtcNs, VenueOutput};
use crate::wire::{NO_ID, Reply};

/// Under which id an error about an order goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorId {
    Order,
    Other(i32),
    Absent,
}

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) open_order: bool,
    pub(super) status: bool,
    pub(super) copies: u32,
    pub(super) error_id: ErrorId,
}

/// As it is.
pub(super) const PLAIN: Manner =
    Manner { open_order: true, status: true, copies: 1, error_id: ErrorId::Order };

/// The open order alone.
pub(super) const NO_STATUS: Manner = Manner { status: false, ..PLAIN };

impl Desk {
    pub(super) fn route(&mut self, now: UtcNs) {
        self.note_outputs(now);
        let mut outputs = std::mem::take(&mut self.outputs);
        if let Some(watched) = &mut self.watched {
            watched.extend(outputs.iter().cloned());
        }
        if self.faults.is_idle() && self.plight.offline.is_none() {
            for output in outputs.drain(..) {
                self.deliver(now, output, &PLAIN);
            }
            // The allocation is kept for the next batch.
            self.outputs = outputs;
            return;
        }
        for (output, manner) in self.bend(now, outputs) {
            self.deliver(now, output, &manner);
        }
    }

    /// Says one thing to whoever should hear it.
    pub(super) fn deliver(&mut self, now: UtcNs, output: VenueOutput, manner: &Manner) {
        match output {
            VenueOutput::Order(report) => self.route_order(now, *report, manner),
            VenueOutput::Terms(report) => {
                self.route_order(now, *report, &Manner { status: false, ..*manner });
            }
            VenueOutput::Execution(execution) => self.route_execution(now, &execution, manner.copies),
            VenueOutput::Commission(execution) => {
                for conn in self.hearers(execution.key.client_id).into_iter().flatten() {
                    self.lines.send_times(now, conn, &Reply::Commission(&execution), manner.copies);
                }
            }
            VenueOutput::Refused { key, refusal } => {
                let owner = self.lines.by_client.get(&key.client_id).copied();
                let id = match manner.error_id {
                    ErrorId::Order => key.order_id,
                    ErrorId::Other(id) => id,
                    ErrorId::Absent => NO_ID,
                };
                if let Some(conn) = owner {
                    self.lines.error(now, conn, id, (refusal.code(), &refusal.text()));
                }
            }
            VenueOutput::Preview(preview) => {
                let owner = self.lines.by_client.get(&preview.order.key.client_id).copied();
                let instrument = self.venue.instrument(preview.order.spec.con_id).map(Arc::clone);
                if let (Some(conn), Some(instrument)) = (owner, instrument) {
                    let reply = Reply::Preview { preview: &preview, instrument: &instrument };
                    self.lines.send(now, conn, &reply);
                }
            }
            VenueOutput::Position { account, con_id } => {
                self.moved.insert((account, con_id));
            }
            VenueOutput::Quote { con_id, quote } => {
                self.route_quote(now, con_id, &quote);
                self.route_depth(now, con_id);
            }
        }
    }

    /// Sends what is coalesced: positions and account values once per batch, however many fills it held.
    pub(super) fn flush(&mut self, now: UtcNs) {
        if self.moved.is_empty() {
            return;
        }
        let moved = std::mem::take(&mut self.moved);
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get(&conn) else { continue };
            let account = session.subscriptions.account.clone();
            if session.subscriptions.positions {
                for (account, con_id) in &moved {
                    self.send_position(now, conn, account, *con_id);
                }
            }
            if let Some(account) = account.filter(|id| moved.iter().any(|(account, _)| account == id)) {
                self.send_account_values(now, conn, &account);
            }
            for (account, con_id) in &moved {
                self.send_multi_moves(now, conn, (account, *con_id));
            }
            self.send_pnl(now, conn);
        }
    }

    /// The owner, and the master client if there is another one.
    fn hearers(&self, client_id: i32) -> [Option<ConnId>; 2] {
        let owner = self.lines.by_client.get(&client_id).copied();
        let named = self.faults.quiet_level(self.now, Knob::MasterClient).map(|fault| fault.code("id"));
        let master = named.or(self.config.master_client_id);
        let master = master.and_then(|id| self.lines.by_client.get(&id).copied());
        [owner, master.filter(|conn| Some(*conn) != owner)]
    }

    fn route_order(&mut self, now: UtcNs, mut report: OrderReport, manner: &Manner) {
        let Some(instrument) = self.venue.instrument(report.spec.con_id).map(Arc::clone) else { return };
        let [owner, master] = self.hearers(report.key.client_id);
        if !report.bound
            && let Some(conn) = owner
        {
            let binds = self.lines.sessions.get(&conn).is_some_and(|it| it.subscriptions.bind_manual);
            if !binds {
                return;
            }
            self.venue.bind_manual();
            report.bound = true;
            self.send_bound(now, conn, &report);
        }
        for conn in [owner, master].into_iter().flatten() {
            let order = Reply::OpenOrder { order: &report, instrument: &instrument };
            if manner.open_order {
                self.lines.send_times(now, conn, &order, manner.copies);
            }
            if manner.status {
                self.lines.send_times(now, conn, &Reply::OrderStatus { order: &report }, manner.copies);
            }
        }
    }

    pub(super) fn send_bound(&mut self, now: UtcNs, conn: ConnId, report: &OrderReport) {
        let bound = Reply::OrderBound {
            perm_id: report.perm_id,
            client_id: report.key.client_id,
            order_id: report.key.order_id,
        };
        self.lines.send(now, conn, &bound);
    }

    fn route_execution(&mut self, now: UtcNs, execution: &Execution, copies: u32) {
        let Some(instrument) = self.venue.instrument(execution.con_id) else { return };
        let hearers = self.hearers(execution.key.client_id);
        for conn in hearers.into_iter().flatten() {
            let time = self.execution_time(now, conn, (execution, instrument));
            let reply = Reply::Execution { req_id: -1, execution, instrument, time };
            self.lines.send_times(now, conn, &reply, copies);
        }
    }

    fn route_quote(&mut self, now: UtcNs, con_id: i32, quote: &Quote) {
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get(&conn) else { continue };
            let subscribed: Vec<i32> = session
                .subscriptions
                .market_data
                .iter()
                .filter(|(_, wanted)| **wanted == con_id)
                .map(|(req_id, _)| *req_id)
                .collect();
            for req_id in subscribed {
                self.send_ticks(now, conn, req_id, quote);
            }
        }
    }
}
