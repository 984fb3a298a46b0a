//! Placing, modifying, cancelling: where requests meet the faults.

use bytes::Bytes;

use super::{ConnId, Desk};
use crate::faults::{Fate, Request};
use crate::venue::{OrderKey, Refusal, UtcNs, VenueInput};
use crate::wire::PlaceOrder;

impl Desk {
    pub(super) fn place_order(&mut self, now: UtcNs, conn: ConnId, order: &PlaceOrder, payload: &Bytes) {
        let Some(client_id) = self.client_of(conn) else { return };
        let key = OrderKey::new(client_id, order.order_id);
        let kind = if self.venue.is_working(key) { Request::Modify } else { Request::Place };
        match kind {
            Request::Place | Request::Cancel => self.lines.counters.orders += 1,
            Request::Modify => self.lines.counters.modifies += 1,
        }
        let Some(fate) = self.meet_faults(now, conn, kind, payload) else { return };
        let input = match (fate, self.order_spec(order)) {
            (Some(code), spec) => {
                let text = Refusal::Rejected("injected by the simulator".to_owned()).text();
                let spec = spec.ok().map(Box::new);
                VenueInput::Refuse { key, refusal: Refusal::Injected(code, text), spec }
            }
            (None, Ok(spec)) => VenueInput::Place { key, spec },
            (None, Err(refusal)) => VenueInput::Refuse { key, refusal, spec: None },
        };
        self.apply(now, input);
    }

    pub(super) fn cancel_order(&mut self, now: UtcNs, conn: ConnId, order_id: i32, payload: &Bytes) {
        let Some(client_id) = self.client_of(conn) else { return };
        self.lines.counters.cancels += 1;
        if self.meet_faults(now, conn, Request::Cancel, payload).is_some() {
            self.apply(now, VenueInput::Cancel { key: OrderKey::new(client_id, order_id) });
        }
    }

    pub(super) fn global_cancel(&mut self, now: UtcNs) {
        self.apply(now, VenueInput::CancelAll);
    }

    /// Hands an input to the venue and what it says to the sessions.
    pub(super) fn apply(&mut self, now: UtcNs, input: VenueInput) {
        self.venue.handle_into(now, input, &mut self.outputs);
        self.route(now);
    }

    /// `None` when a fault took the request away; otherwise the code it is to be rejected with, if any.
    fn meet_faults(
        &mut self,
        now: UtcNs,
        conn: ConnId,
        request: Request,
        payload: &Bytes,
    ) -> Option<Option<i32>> {
        let fate = self.faults.on_request(now, request);
        self.lines.delay = self.faults.delay();
        self.lines.copies = self.faults.copies();
        match fate {
            Fate::Act => Some(None),
            Fate::Reject(code) => Some(Some(code)),
            Fate::Swallow => None,
            Fate::DropBefore => {
                self.lines.close(conn);
                None
            }
            Fate::Disconnect => {
                self.close_all();
                None
            }
            Fate::DropAfter => {
                // Closing first keeps the answers from leaving; the venue acts all the same.
                self.lines.close(conn);
                Some(None)
            }
            Fate::Mute => {
                self.mute_all();
                if let Some(session) = self.lines.sessions.get_mut(&conn) {
                    session.unread(payload);
                }
                None
            }
        }
    }
}
