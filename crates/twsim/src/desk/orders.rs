//! Placing, modifying, cancelling: where requests meet the faults.

use bytes::Bytes;

use super::meet::Arriving;
use super::{ConnId, Desk};
use crate::scenario::EventKind;
use crate::venue::{OrderKey, UtcNs, VenueInput};
use crate::wire::{PlaceOrder, lacks_zone};

/// What a request hears whose times name no zone.
pub(super) const IMPLIED_ZONE: &str = "Warning: You submitted request with date-time attributes without explicit time \
    zone. Please switch to use yyyymmdd-hh:mm:ss in UTC or use instrument timezone, like US/Eastern.";

enum Kind {
    New,
    Modify,
}

impl Desk {
    pub(super) fn place_order(&mut self, now: UtcNs, conn: ConnId, order: &PlaceOrder, payload: &Bytes) {
        let Some(client_id) = self.client_of(conn) else { return };
        let key = OrderKey::new(client_id, order.order_id);
        if order.order.what_if == Some(true) {
            return self.preview(now, key, order);
        }
        let kind = if self.venue.is_working(key) { Kind::Modify } else { Kind::New };
        match kind {
            Kind::New => self.lines.counters.orders += 1,
            Kind::Modify => self.lines.counters.modifies += 1,
        }
        self.warn_of_zone(now, conn, order);
        let arriving = Arriving { conn, key, spec: self.order_spec(now, order) };
        self.note_arrival(now, &kind, &arriving);
        match kind {
            _ if self.is_calm() => self.apply(now, arriving.input()),
            Kind::New => self.meet_new(now, arriving, payload),
            Kind::Modify => self.meet_modify(now, arriving),
        }
    }

    /// For a scenario that waits for requests.
    fn note_arrival(&mut self, now: UtcNs, kind: &Kind, order: &Arriving) {
        let kind = match kind {
            Kind::New => EventKind::Order,
            Kind::Modify => EventKind::Modify,
        };
        let about = order.spec.as_ref().map_or(("", 0), |spec| (&*spec.order_ref, spec.con_id));
        self.note_request(now, kind, order.key, about);
    }

    /// A time without a zone is taken to be the gateway's, and said so (tws-behaviour 2.6, 3.7).
    fn warn_of_zone(&mut self, now: UtcNs, conn: ConnId, order: &PlaceOrder) {
        let terms = &order.order;
        let times = [&terms.good_till_date, &terms.good_after_time];
        if times.into_iter().flatten().any(|text| lacks_zone(text)) {
            self.lines.error(now, conn, order.order_id, (2174, IMPLIED_ZONE));
        }
    }

    /// A question, not an order: faults of orders do not meet it, and a gateway that has lost its servers has nobody
    /// to ask.
    fn preview(&mut self, now: UtcNs, key: OrderKey, order: &PlaceOrder) {
        if self.plight.offline.is_some() {
            return;
        }
        let input = match self.order_spec(now, order) {
            Ok(spec) => VenueInput::Preview { key, spec: Box::new(spec) },
            Err(refusal) => VenueInput::Refuse { key, refusal, spec: None },
        };
        self.apply(now, input);
    }

    pub(super) fn cancel_order(&mut self, now: UtcNs, conn: ConnId, order_id: i32) {
        let Some(client_id) = self.client_of(conn) else { return };
        self.lines.counters.cancels += 1;
        let key = OrderKey::new(client_id, order_id);
        if self.has_script()
            && let Some(order) = self.venue.order(key)
        {
            let about = (&*order.spec.order_ref, order.spec.con_id);
            self.note_request(now, EventKind::Cancel, key, about);
        }
        if self.is_calm() {
            self.apply(now, VenueInput::Cancel { key });
        } else {
            self.meet_cancel(now, conn, key);
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

    /// True when no fault has a say: the way of a request then costs nothing more.
    fn is_calm(&self) -> bool {
        self.faults.is_idle() && self.plight.offline.is_none()
    }
}
