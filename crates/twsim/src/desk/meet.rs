//! Where requests about orders meet the faults: lost, swallowed, refused, put off, or acted on in another way.

use std::sync::Arc;

use bytes::Bytes;

use super::later::Later;
use super::plight::{remember, text_of};
use super::route::PLAIN;
use super::{ConnId, Desk};
use crate::faults::{Fault, Knob, OPENING, On};
use crate::venue::{
    Meddle, OrderKey, OrderKind, OrderSpec, Refusal, Side, Status, TimeInForce, UtcNs, VenueInput,
    VenueOutput,
};
use crate::wire::NO_ID;

/// Faults of which one order meets one at most; the first that is due decides.
const FATES_OF_NEW: [Knob; 5] =
    [Knob::DropBeforeAccept, Knob::Swallow, Knob::DropAfterAccept, Knob::Reject, Knob::LocateHold];
const FATES_OF_MODIFY: [Knob; 6] = [
    Knob::DropBeforeModify,
    Knob::SwallowModify,
    Knob::DropAfterModify,
    Knob::RejectModify,
    Knob::FillDuringModify,
    Knob::ModifyTwins,
];
const FATES_OF_CANCEL: [Knob; 3] = [Knob::DropBeforeCancel, Knob::SwallowCancel, Knob::DropAfterCancel];
const FATES_OF_LIVE_CANCEL: [Knob; 7] = [
    Knob::DropBeforeCancel,
    Knob::SwallowCancel,
    Knob::DropAfterCancel,
    Knob::CancelNotFound,
    Knob::CancelLate,
    Knob::FillDuringCancel,
    Knob::FillAfterCancel,
];

/// An order on its way in: who sent it, its name, and its terms as far as they were understood.
pub(super) struct Arriving {
    pub(super) conn: ConnId,
    pub(super) key: OrderKey,
    pub(super) spec: Result<OrderSpec, Refusal>,
}

impl Arriving {
    fn con_id(&self) -> i32 {
        self.spec.as_ref().map_or(0, |spec| spec.con_id)
    }

    pub(super) fn input(self) -> VenueInput {
        match self.spec {
            Ok(spec) => VenueInput::Place { key: self.key, spec },
            Err(refusal) => VenueInput::Refuse { key: self.key, refusal, spec: None },
        }
    }
}

impl Desk {
    /// A new order, while faults are armed or states last.
    pub(super) fn meet_new(&mut self, now: UtcNs, mut order: Arriving, payload: &Bytes) {
        if self.begin_at_order(now, &order, payload) {
            return;
        }
        let (conn, key, con_id) = (order.conn, order.key, order.con_id());
        let fate = self.first_of(now, &FATES_OF_NEW, key, con_id);
        if let Some(fault) = &fate {
            match fault.knob {
                Knob::DropBeforeAccept => return self.lines.cut(conn, fault.is("how", "rst")),
                // Closing first keeps the answers from leaving; the venue acts all the same.
                Knob::DropAfterAccept => self.lines.cut(conn, fault.is("how", "rst")),
                Knob::Swallow => return self.act_later(now, fault, order.input()),
                Knob::Reject => return self.refuse(now, order, fault),
                _ => {}
            }
        }
        if let Some((code, text)) = self.refused_by_rule(now, &order) {
            let input = VenueInput::Refuse {
                key,
                refusal: Refusal::Injected(code, text),
                spec: order.spec.ok().map(Box::new),
            };
            return self.apply(now, input);
        }
        self.rewrite(now, &mut order);
        self.part_legs(now, &mut order);
        if self.plight.offline.is_some() {
            self.store_offline(&order.input());
            return;
        }
        let beside = order.spec.clone().ok();
        match (fate.filter(|fault| fault.knob == Knob::LocateHold), order.spec) {
            (Some(fault), Ok(spec)) => self.hold(now, (conn, key), spec, &fault),
            (_, spec) => self.apply(now, Arriving { conn, key, spec }.input()),
        }
        if let Some(spec) = beside {
            self.after_new(now, key, spec);
        }
    }

    /// What begins at this order; true when the order is not read because of it.
    fn begin_at_order(&mut self, now: UtcNs, order: &Arriving, payload: &Bytes) -> bool {
        let begun = self.faults.on_new_order(now, order.key);
        for fault in &begun {
            self.begin(now, fault);
        }
        self.read_fault_levels(now);
        if begun.iter().any(|fault| fault.knob == Knob::HalfOpen)
            && let Some(session) = self.lines.sessions.get_mut(&order.conn)
        {
            session.unread(payload);
        }
        begun.iter().any(|fault| Self::takes_request(fault.knob))
    }

    fn first_of(&mut self, now: UtcNs, knobs: &[Knob], key: OrderKey, con_id: i32) -> Option<Arc<Fault>> {
        let symbol = self.venue.instrument(con_id).map_or("", |instrument| instrument.symbol.as_str());
        self.faults.fires_first(now, knobs, On::order(key, symbol))
    }

    /// Forgets a request, or acts on it after the fault's `late`.
    fn act_later(&mut self, now: UtcNs, fault: &Fault, input: VenueInput) {
        let con_id = match &input {
            VenueInput::Place { spec, .. } => spec.con_id,
            VenueInput::Cancel { key } => self.venue.order(*key).map_or(0, |report| report.spec.con_id),
            _ => 0,
        };
        let late = self.wait(now, fault, ("late", con_id));
        if late <= 0 {
            return;
        }
        let held = match input {
            VenueInput::Place { key, spec } => match self.venue.perm_id(key) {
                Some(perm_id) => Later::Change { key, perm_id, spec: Box::new(spec) },
                None => Later::Do(Box::new(VenueInput::Place { key, spec })),
            },
            input => Later::Do(Box::new(input)),
        };
        self.later(now, late, held);
    }

    /// A change that was held back. What it was for may be over, and its number free again.
    pub(super) fn change_held(&mut self, now: UtcNs, key: OrderKey, perm_id: i64, spec: OrderSpec) {
        if self.venue.perm_id(key) == Some(perm_id) {
            return self.apply(now, VenueInput::Place { key, spec });
        }
        self.deliver(now, VenueOutput::Refused { key, refusal: Refusal::ModifyFilled }, &PLAIN);
    }

    /// How long a fault waits; `open` is until the market of an instrument opens.
    pub(super) fn wait(&self, now: UtcNs, fault: &Fault, (name, con_id): (&str, i32)) -> i64 {
        match fault.span(name) {
            OPENING => self.venue.opens_at(con_id, now).map_or(0, |at| at - now),
            span => span,
        }
    }

    /// Refuses an order with any code, status and id.
    fn refuse(&mut self, now: UtcNs, order: Arriving, fault: &Fault) {
        let Arriving { conn, key, spec } = order;
        let code = fault.code("code");
        let text = match fault.words("text") {
            text if text.is_empty() => Refusal::Rejected("injected by the simulator".to_owned()).text(),
            text => text,
        };
        let status = match fault.words("status").as_str() {
            "inactive" => Some(Status::Inactive),
            "cancelled" => Some(Status::Cancelled),
            "none" => None,
            _ => matches!(code, 201 | 203).then_some(Status::Inactive),
        };
        // The venue remembers what it rejects under 201; which code the client hears is another matter.
        let spec = spec.ok().filter(|_| status.is_some()).map(Box::new);
        let refusal = Refusal::Injected(201, text.clone());
        self.venue.handle_into(now, VenueInput::Refuse { key, refusal, spec }, &mut self.outputs);
        for output in &mut self.outputs {
            match output {
                VenueOutput::Refused { refusal, .. } => *refusal = Refusal::Injected(code, text.clone()),
                VenueOutput::Order(report) => report.status = status.unwrap_or(report.status),
                _ => {}
            }
        }
        if !fault.is("id", "order") {
            self.outputs.retain(|output| !matches!(output, VenueOutput::Refused { .. }));
            self.lines.error(now, conn, error_id(fault, key), (code, &text));
        }
        self.route(now);
    }

    /// Faults that refuse only orders of a certain shape: code and text.
    fn refused_by_rule(&mut self, now: UtcNs, order: &Arriving) -> Option<(i32, String)> {
        let spec = order.spec.as_ref().ok()?;
        let (key, con_id) = (order.key, spec.con_id);
        if self.faults.has(Knob::ChildRace) {
            remember(&mut self.plight.placed_at, key, now);
            let parent = OrderKey::new(key.client_id, spec.parent_id);
            let within =
                self.faults.quiet_level(now, Knob::ChildRace).map_or(0, |fault| fault.span("within"));
            let age = self.plight.placed_at.get(&parent).map(|at| now - at);
            if age.is_some_and(|age| spec.parent_id != 0 && age < within)
                && self.faults.level(now, Knob::ChildRace, On::order(key, "")).is_some()
            {
                return Some((10_006, Refusal::MissingParent(spec.parent_id).text()));
            }
        }
        if self.faults.has(Knob::PerSideLimit) {
            let working = self
                .venue
                .open_orders()
                .filter(|it| {
                    it.spec.con_id == con_id && it.spec.side == spec.side && it.spec.account == spec.account
                })
                .count();
            if let Some(fault) = self.faults.level(now, Knob::PerSideLimit, On::order(key, ""))
                && i64::try_from(working).is_ok_and(|working| working >= fault.int("limit"))
            {
                let text = "You have reached the limit of working orders on this side of the contract";
                return Some((fault.code("code"), Refusal::Rejected(text.to_owned()).text()));
            }
        }
        None
    }

    /// What presets of the gateway make of an order, and what is said about it.
    fn rewrite(&mut self, now: UtcNs, order: &mut Arriving) {
        let (conn, key, con_id) = (order.conn, order.key, order.con_id());
        if let Some(fault) = self.fires(now, Knob::Inform, key, con_id) {
            let code = fault.code("code");
            let text = text_of(code, &fault.words("text"));
            self.lines.error(now, conn, error_id(&fault, key), (code, &text));
        }
        let Ok(spec) = &mut order.spec else { return };
        if let Some(fault) = self.fires(now, Knob::PresetTif, key, con_id) {
            spec.tif = match fault.words("tif").as_str() {
                "GTC" => TimeInForce::Gtc,
                "IOC" => TimeInForce::Ioc,
                _ => TimeInForce::Day,
            };
            let text = format!("Order TIF was set to {} based on order preset.", fault.words("tif"));
            self.lines.error(now, conn, key.order_id, (fault.code("code"), &text));
        }
        if let Some(fault) = self.fires(now, Knob::IgnoreOutsideRth, key, con_id) {
            spec.outside_rth = false;
            let code = fault.code("code");
            self.lines.error(now, conn, key.order_id, (code, &text_of(2109, "")));
        }
    }

    fn hold(&mut self, now: UtcNs, (conn, key): (ConnId, OrderKey), spec: OrderSpec, fault: &Fault) {
        let code = fault.code("code");
        self.apply(now, VenueInput::Meddle(Meddle::PlaceHeld { key, spec }));
        if code != 0 {
            self.lines.error(now, conn, key.order_id, (code, &text_of(404, "")));
        }
        self.later(now, fault.span("for"), Later::Do(Box::new(VenueInput::Meddle(Meddle::Free { key }))));
    }

    /// What happens beside a new order.
    fn after_new(&mut self, now: UtcNs, key: OrderKey, spec: OrderSpec) {
        if let Some(fault) = self.fires(now, Knob::CancelUnasked, key, spec.con_id) {
            self.later(now, fault.span("after"), Later::Do(Box::new(VenueInput::Cancel { key })));
        }
        if let Some(fault) = self.fires(now, Knob::ForeignOrder, key, spec.con_id)
            && let Some(instrument) = self.venue.instrument(spec.con_id)
        {
            // So far below the market that it rests for good.
            let limit = instrument.min_tick();
            let kind = OrderKind::Limit { limit };
            let spec = OrderSpec {
                side: Side::Buy,
                kind,
                tif: TimeInForce::Gtc,
                order_ref: "foreign".into(),
                parent_id: 0,
                transmit: true,
                extra: None,
                carried: Arc::from([]),
                ..spec
            };
            let input = match fault.words("id").as_str() {
                "manual" => VenueInput::PlaceManual { spec },
                _ => VenueInput::Place { key: OrderKey::new(fault.code("client"), key.order_id), spec },
            };
            self.apply(now, input);
        }
    }

    /// A modification, while faults are armed or states last.
    pub(super) fn meet_modify(&mut self, now: UtcNs, mut order: Arriving) {
        self.part_legs(now, &mut order);
        let (conn, key, con_id) = (order.conn, order.key, order.con_id());
        let parent = order.spec.as_ref().map_or(0, |spec| spec.parent_id);
        if parent != 0
            && let Some(fault) = self.fires(now, Knob::ParentGone, key, con_id)
        {
            let text = Refusal::ParentGone(parent).text();
            return self.lines.error(now, conn, key.order_id, (fault.code("code"), &text));
        }
        let mut makes_two = self.plight.offline.is_some();
        if let Some(fault) = self.first_of(now, &FATES_OF_MODIFY, key, con_id) {
            match fault.knob {
                Knob::ModifyTwins => makes_two = true,
                Knob::DropBeforeModify => return self.lines.cut(conn, fault.is("how", "rst")),
                Knob::DropAfterModify => self.lines.cut(conn, fault.is("how", "rst")),
                Knob::SwallowModify => return self.act_later(now, &fault, order.input()),
                Knob::RejectModify => {
                    let code = fault.code("code");
                    let text = match (code, fault.words("text")) {
                        (110, text) if text.is_empty() => Refusal::OffGrid.text(),
                        (_, text) => text_of(code, &text),
                    };
                    return self.lines.error(now, conn, error_id(&fault, key), (code, &text));
                }
                _ => {
                    self.apply(now, VenueInput::Meddle(Meddle::Fill { key, quantity: None }));
                    let code = fault.code("code");
                    if code != 0 {
                        self.lines.error(now, conn, key.order_id, (code, &Refusal::ModifyFilled.text()));
                    }
                    return;
                }
            }
        }
        if let Some(fault) = self.fires(now, Knob::ModifyShowsOld, key, con_id)
            && let Some(report) = self.venue.order(key)
        {
            let until = now.saturating_add(self.wait(now, &fault, ("for", con_id)));
            remember(&mut self.plight.old_terms, key, (report.spec.kind, until));
        }
        match (makes_two, order.spec) {
            (true, Ok(spec)) => self.apply(now, VenueInput::Meddle(Meddle::Twin { key, spec })),
            (_, spec) => self.apply(now, Arriving { conn, key, spec }.input()),
        }
    }

    /// A cancel, while faults are armed or states last.
    pub(super) fn meet_cancel(&mut self, now: UtcNs, conn: ConnId, key: OrderKey) {
        let cancel = VenueInput::Cancel { key };
        let live = self.venue.order(key).map(|report| report.spec.con_id);
        let fates: &[Knob] = if live.is_some() { &FATES_OF_LIVE_CANCEL } else { &FATES_OF_CANCEL };
        let Some(fault) = self.first_of(now, fates, key, live.unwrap_or(0)) else {
            if live.is_none() && self.answer_finished(now, conn, key) {
                return;
            }
            if !self.store_offline(&cancel) {
                self.apply(now, cancel);
            }
            return;
        };
        match fault.knob {
            Knob::DropBeforeCancel => self.lines.cut(conn, fault.is("how", "rst")),
            Knob::DropAfterCancel => {
                self.lines.cut(conn, fault.is("how", "rst"));
                self.apply(now, cancel);
            }
            Knob::SwallowCancel => self.act_later(now, &fault, cancel),
            Knob::CancelNotFound => {
                let text = Refusal::NotFound(key.order_id).text();
                self.lines.error(now, conn, key.order_id, (fault.code("code"), &text));
                if fault.is("acts", "yes") {
                    self.apply(now, cancel);
                }
            }
            Knob::CancelLate => {
                let delay = self.wait(now, &fault, ("by", live.unwrap_or(0)));
                let shown = fault.is("shown", "yes");
                self.apply(now, VenueInput::Meddle(Meddle::CancelSlowly { key, delay, shown }));
            }
            // What is at no exchange cannot fill.
            Knob::FillDuringCancel | Knob::FillAfterCancel if self.venue.waits_for_its_parent(key) => {
                self.apply(now, cancel);
            }
            Knob::FillDuringCancel => {
                let (delay, shown) = (crate::faults::NEVER, fault.is("shown", "yes"));
                self.apply(now, VenueInput::Meddle(Meddle::CancelSlowly { key, delay, shown }));
                self.apply(now, VenueInput::Meddle(Meddle::Fill { key, quantity: None }));
                // A child whose parent goes on to fill is not full yet: what it has left is canceled.
                let is_open = self.venue.order(key).is_some();
                self.apply(now, if is_open { VenueInput::Meddle(Meddle::Expire { key }) } else { cancel });
            }
            _ => self.fill_after_cancel(now, key, &fault),
        }
    }

    /// Says Cancelled about an order that is still at the exchange, and lets it fill afterwards.
    fn fill_after_cancel(&mut self, now: UtcNs, key: OrderKey, fault: &Fault) {
        let Some(mut report) = self.venue.order(key) else { return };
        report.status = Status::Cancelled;
        self.deliver(now, VenueOutput::Order(report), &PLAIN);
        let confirmed = VenueOutput::Refused { key, refusal: Refusal::Cancelled("".into()) };
        self.deliver(now, confirmed, &PLAIN);
        // It is over then, also as a child that would go on to grow with its parent.
        for last in [Meddle::Fill { key, quantity: None }, Meddle::Expire { key }] {
            self.later(now, fault.span("after"), Later::Do(Box::new(VenueInput::Meddle(last))));
        }
    }

    /// The answer to a cancel of an order that is over, when a fault chooses it.
    fn answer_finished(&mut self, now: UtcNs, conn: ConnId, key: OrderKey) -> bool {
        let Some(fault) = self.faults.marks(now, Knob::CancelFinished, key, "") else { return false };
        let finished = self.venue.finished_orders().rev().find(|order| order.report.key == key);
        let Some(status) = finished.map(|order| order.report.status) else { return false };
        let first = !self.plight.cancel_answered.contains_key(&key);
        remember(&mut self.plight.cancel_answered, key, ());
        let code = fault.code(if first { "code" } else { "then" });
        let text = match code {
            10_148 => Refusal::Finished(key.order_id, status).text(),
            _ => Refusal::NotFound(key.order_id).text(),
        };
        if code != 0 {
            self.lines.error(now, conn, key.order_id, (code, &text));
        }
        true
    }
}

/// The id that a fault puts into its error.
fn error_id(fault: &Fault, key: OrderKey) -> i32 {
    match fault.words("id").as_str() {
        "none" => -1,
        "absent" => NO_ID,
        _ => key.order_id,
    }
}
