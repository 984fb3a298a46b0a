//! Making a connection and starting a session, with everything that can go wrong there (tws-behaviour 1.2).

use super::plight::text_of;
use super::{ConnId, Desk};
use crate::client::Phase;
use crate::faults::{Knob, On};
use crate::scenario::EventKind;
use crate::venue::{Meddle, UtcNs, VenueInput};
use crate::wire::Reply;

/// Sent at every start.
const FARMS: [i32; 3] = [2104, 2106, 2158];

impl Desk {
    /// A connection was made.
    pub(super) fn meet_socket(&mut self, conn: ConnId) {
        let now = self.now;
        if self.plight.closed_until.is_some_and(|until| now < until) {
            return self.lines.cut(conn, true);
        }
        if self.faults.is_idle() {
            return;
        }
        if self.faults.fires(now, Knob::ResetAtConnect, On::default()).is_some() {
            self.lines.cut(conn, true);
        }
        let stalls = self.faults.fires(now, Knob::HandshakeStall, On::default()).is_some();
        let zone = self.faults.fires(now, Knob::TimeZone, On::default()).map(|fault| fault.words("zone"));
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.muted = stalls;
            session.zone = zone;
        }
    }

    pub(super) fn start_api(&mut self, now: UtcNs, conn: ConnId, client_id: i32) {
        let taken = self.lines.by_client.contains_key(&client_id) || self.is_held(client_id);
        if taken || self.lines.by_client.len() >= self.config.max_clients {
            self.lines.counters.client_ids_refused += 1;
            let text = "Unable to connect as the client id is already in use. Retry with a unique client id.";
            self.lines.error(now, conn, -1, (326, text));
            return self.lines.close(conn);
        }
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        session.phase = Phase::Ready;
        session.client_id = client_id;
        self.lines.by_client.insert(client_id, conn);
        self.note_session(now, EventKind::Connect, client_id);
        if self.meets_session(now, Knob::ResetIds, client_id) {
            self.apply(now, VenueInput::Meddle(Meddle::ForgetIds { client_id }));
        }
        if self.meets_session(now, Knob::EarlyNotices, client_id) {
            self.send_farms(now, conn);
            self.send_own_orders(now, conn, client_id);
        }
        let roll_back = self.faults.fires(now, Knob::RollBackIds, On::client(client_id));
        let by = roll_back.map_or(0, |fault| fault.code("by"));
        let next = self.venue.next_order_id(client_id).saturating_sub(by).max(1);
        if self.meets_session(now, Knob::AccountsFirst, client_id) {
            self.send_managed_accounts(now, conn);
            self.lines.send(now, conn, &Reply::NextValidId(next));
        } else {
            self.lines.send(now, conn, &Reply::NextValidId(next));
            self.send_managed_accounts(now, conn);
        }
        if !self.meets_session(now, Knob::NoFarms, client_id) {
            self.send_farms(now, conn);
        }
        if self.plight.offline.is_some() {
            self.lines.error(now, conn, -1, (2110, &text_of(2110, "")));
        }
        if self.meets_session(now, Knob::DownloadOpenOrders, client_id) {
            self.send_own_orders(now, conn, client_id);
        }
        if self.meets_session(now, Knob::ResetAtStart, client_id) {
            self.lines.cut(conn, true);
        }
    }

    /// After its session ended, a client id may stay taken: the gateway cannot tell a clean end from a dead
    /// client.
    pub(super) fn keep_client_id(&mut self, client_id: i32) {
        if let Some(fault) = self.faults.fires(self.now, Knob::HoldClientId, On::client(client_id)) {
            self.plight.held_ids.insert(client_id, fault.int("attempts"));
        }
    }

    /// True when this attempt meets the ghost of the client's last session.
    fn is_held(&mut self, client_id: i32) -> bool {
        match self.plight.held_ids.get_mut(&client_id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    fn meets_session(&mut self, now: UtcNs, knob: Knob, client_id: i32) -> bool {
        self.faults.fires(now, knob, On::client(client_id)).is_some()
    }

    fn send_farms(&mut self, now: UtcNs, conn: ConnId) {
        for code in FARMS {
            self.lines.error(now, conn, -1, (code, &text_of(code, "")));
        }
    }

    pub(super) fn send_managed_accounts(&mut self, now: UtcNs, conn: ConnId) {
        let ids: Vec<&str> = self.venue.accounts().map(|account| &*account.id).collect();
        let mut list = ids.join(",");
        if self.faults.level(now, Knob::LiveAccounts, On::default()).is_some() {
            list = list.split(',').map(|id| id.strip_prefix('D').unwrap_or(id)).collect::<Vec<_>>().join(",");
        }
        self.lines.send(now, conn, &Reply::ManagedAccounts(&list));
    }
}
