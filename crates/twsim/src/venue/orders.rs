//! Placing, modifying and cancelling: which request is allowed, and what it answers when it is not.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::growth::Growth;
use super::io::{OrderReport, VenueOutput};
use super::order::{Hold, LiveOrder};
use super::refusal::Refusal;
use super::types::{OrderKey, OrderSpec, Status, TimeInForce, UtcNs};
use super::{Scheduled, Venue};

impl Venue {
    pub(super) fn place(&mut self, now: UtcNs, key: OrderKey, spec: OrderSpec, out: &mut Vec<VenueOutput>) {
        if let Some(&seq) = self.by_key.get(&key) {
            return self.modify(now, seq, spec, out);
        }
        if !self.parked.contains_key(&key) {
            if let Err(refusal) = self.check_new_id(key) {
                out.push(VenueOutput::Refused { key, refusal });
                return;
            }
            self.use_id(key);
        }
        if let Err(refusal) = self.check_terms(&spec).and_then(|()| self.check_parent(key, &spec)) {
            self.parked.remove(&key);
            return self.refuse(now, (key, Some(&spec)), refusal, out);
        }
        if spec.transmit {
            self.transmit(now, key, spec, out);
        } else if self.parked.len() >= self.config.parked_max && !self.parked.contains_key(&key) {
            let most = self.config.parked_max;
            let refusal = Refusal::Rejected(format!("The number of untransmitted orders has reached {most}"));
            self.refuse(now, (key, Some(&spec)), refusal, out);
        } else {
            self.parked.insert(key, spec);
        }
    }

    pub(super) fn place_manual(&mut self, now: UtcNs, spec: OrderSpec, out: &mut Vec<VenueOutput>) {
        let key = if self.positive_manual {
            let key = OrderKey::new(0, self.next_order_id(0));
            self.use_id(key);
            key
        } else {
            self.next_manual -= 1;
            OrderKey::new(0, self.next_manual + 1)
        };
        self.by_hand = true;
        match self.check_terms(&spec) {
            Ok(()) => self.accept(now, key, spec, out),
            Err(refusal) => self.refuse(now, (key, Some(&spec)), refusal, out),
        }
        self.by_hand = false;
    }

    /// Puts a checked order to work.
    pub(super) fn accept(
        &mut self,
        now: UtcNs,
        key: OrderKey,
        mut spec: OrderSpec,
        out: &mut Vec<VenueOutput>,
    ) {
        if let Err(refusal) = self.check_venue(now, &spec) {
            return self.refuse(now, (key, Some(&spec)), refusal, out);
        }
        self.heed_hours(key, &mut spec, out);
        spec.kind = spec.kind.begun();
        let seq = self.next_seq;
        self.next_seq += 1;
        let family = (spec.parent_id != 0).then(|| OrderKey::new(key.client_id, spec.parent_id));
        let parent = family.and_then(|parent| self.live_order(parent));
        let parent_filled = parent.map(|parent| parent.filled);
        let parent_perm_id = parent.map_or(0, |parent| parent.perm_id);
        let growth = parent.map(|parent| Box::new(Growth::new(spec.quantity, parent.spec.quantity)));
        let expiry = self.schedule_expiry(seq, spec.tif);
        let start = self.schedule_start(now, seq, &spec);
        let mut order = LiveOrder {
            seq,
            key,
            perm_id: self.take_perm_id(),
            parent_perm_id,
            family,
            spec: Arc::new(spec),
            status: Status::PreSubmitted,
            filled: Decimal::ZERO,
            traded: Decimal::ZERO,
            last_price: Decimal::ZERO,
            commission: Decimal::ZERO,
            triggered: false,
            hold: None,
            growth,
            rested: false,
            bound: !self.by_hand,
            expiry,
            start,
            filled_at_quote: 0,
            legs: Vec::new(),
            legging: None,
        };
        order.hold = self.first_hold(now, &order);
        if let Some(market) = self.market_mut(order.spec.con_id).filter(|_| order.hold.is_none()) {
            order.follow(market);
            market.book.insert(&order);
        }
        self.warn_of_session(now, &order, out);
        out.push(VenueOutput::Order(order.report()));
        if let Some(parent) = family {
            self.children.entry(parent).or_default().push(seq);
        }
        self.join_group(&order);
        self.by_key.insert(key, seq);
        self.live.insert(seq, order);
        self.settle(now, seq, out);
        if let Some(filled) = parent_filled {
            self.grow(now, seq, filled, out);
        }
    }

    fn first_hold(&self, now: UtcNs, order: &LiveOrder) -> Option<Hold> {
        if order.growth.is_some() {
            Some(Hold::Parent)
        } else if self.held_next == Some(order.key) {
            Some(Hold::Locate)
        } else {
            self.market(order.spec.con_id).and_then(|market| order.hold_at(now, market.phase))
        }
    }

    /// Lets a new, changed or released order trade, and acknowledges it when it stays.
    pub(super) fn settle(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        self.match_order(now, seq, out);
        let Some(order) = self.live.get_mut(&seq) else { return };
        order.rested = true;
        if order.status == Status::PreSubmitted && order.resting_status() == Status::Submitted {
            order.status = Status::Submitted;
            out.push(VenueOutput::Order(order.report()));
        }
    }

    pub(super) fn cancel(&mut self, now: UtcNs, key: OrderKey, out: &mut Vec<VenueOutput>) {
        if let Some(&seq) = self.by_key.get(&key) {
            return self.cancel_live(now, seq, out);
        }
        let refusal = if self.parked.remove(&key).is_some() {
            Refusal::Cancelled("".into())
        } else if let Some(finished) = self.archive.answer_cancel(key) {
            Refusal::Finished(key.order_id, finished.status)
        } else {
            Refusal::NotFound(key.order_id)
        };
        out.push(VenueOutput::Refused { key, refusal });
    }

    pub(super) fn cancel_all(&mut self, now: UtcNs, out: &mut Vec<VenueOutput>) {
        let working: Vec<u64> = self.live.keys().copied().collect();
        for seq in working {
            let pending = self.live.get(&seq).is_none_or(|order| order.status == Status::PendingCancel);
            if !pending {
                self.cancel_live(now, seq, out);
            }
        }
    }

    pub(super) fn finish_cancel(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        if self.live.contains_key(&seq) {
            self.end_for_client(now, seq, out);
        }
    }

    pub(super) fn expire(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let due = self
            .live
            .get(&seq)
            .is_some_and(|order| matches!(order.spec.tif, TimeInForce::Gtd(at) if at <= now));
        if due {
            self.end(now, seq, Status::Cancelled, out);
        }
    }

    /// Answers an order with an error. Rejections proper also leave a finished order behind, as at the broker;
    /// the other codes leave nothing but silence.
    pub(super) fn refuse(
        &mut self,
        now: UtcNs,
        (key, spec): (OrderKey, Option<&OrderSpec>),
        refusal: Refusal,
        out: &mut Vec<VenueOutput>,
    ) {
        self.use_id(key);
        let ended = spec.filter(|_| refusal.has_status()).map(|spec| OrderReport {
            key,
            perm_id: self.take_perm_id(),
            parent_perm_id: 0,
            spec: Arc::new(spec.clone()),
            status: Status::Inactive,
            filled: Decimal::ZERO,
            remaining: spec.quantity,
            avg_price: Decimal::ZERO,
            last_price: Decimal::ZERO,
            commission: Decimal::ZERO,
            why_held: "",
            bound: true,
            reject_reason: refusal.text().into(),
        });
        out.push(VenueOutput::Refused { key, refusal });
        if let Some(report) = ended {
            out.push(VenueOutput::Order(Box::new(report.clone())));
            self.archive.add_order(report, now);
        }
    }

    fn schedule_expiry(&mut self, seq: u64, tif: TimeInForce) -> Option<(UtcNs, u64)> {
        match tif {
            TimeInForce::Gtd(at) => Some(self.schedule_at(at, Scheduled::Expire(seq))),
            TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Opg => {
                None
            }
        }
    }

    fn schedule_start(&mut self, now: UtcNs, seq: u64, spec: &OrderSpec) -> Option<(UtcNs, u64)> {
        let at = spec.good_after().filter(|at| *at > now)?;
        Some(self.schedule_at(at, Scheduled::Start(seq)))
    }

    /// The time that an order names has come.
    pub(super) fn start(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        if self.live.get(&seq).is_some_and(|order| order.hold == Some(Hold::Time)) {
            self.release(now, seq);
            self.settle(now, seq, out);
        }
    }

    /// What held an order is over: it goes into its book, or the next thing holds it.
    pub(super) fn release(&mut self, now: UtcNs, seq: u64) {
        let Some(order) = self.live.get_mut(&seq) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        let market = &mut self.markets[at];
        order.hold = order.hold_at(now, market.phase);
        if order.hold.is_none() {
            market.book.insert(order);
        }
    }

    fn cancel_live(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let delay = self.config.cancel_delay;
        let Some(order) = self.live.get_mut(&seq) else { return };
        if order.status == Status::PendingCancel {
            let refusal = Refusal::NotCancellable { perm_id: order.perm_id };
            out.push(VenueOutput::Refused { key: order.key, refusal });
        } else if delay > 0 {
            order.status = Status::PendingCancel;
            out.push(VenueOutput::Order(order.report()));
            self.schedule_at(now + delay, Scheduled::FinishCancel(seq));
        } else {
            self.end_for_client(now, seq, out);
        }
    }

    fn modify(&mut self, now: UtcNs, seq: u64, mut spec: OrderSpec, out: &mut Vec<VenueOutput>) {
        let Some(order) = self.live.get(&seq) else { return };
        let key = order.key;
        if let Err(refusal) = self.check_modify(order, &spec) {
            out.push(VenueOutput::Refused { key, refusal });
            return;
        }
        if !spec.transmit {
            // Parked in the gateway: the working version stays as it is.
            out.push(VenueOutput::Order(order.report()));
            return;
        }
        self.heed_hours(key, &mut spec, out);
        self.replace_terms(now, seq, spec);
        let Some(order) = self.live.get_mut(&seq) else { return };
        if order.is_exhausted() {
            // Cut down to what had filled already: nothing is left to work.
            let filled = order.filled;
            Arc::make_mut(&mut order.spec).quantity = filled;
            return self.end(now, seq, Status::Filled, out);
        }
        order.status = order.resting_status();
        out.push(VenueOutput::Order(order.report()));
        self.settle(now, seq, out);
    }

    /// New terms, and what follows from them for timers and books.
    fn replace_terms(&mut self, now: UtcNs, seq: u64, mut spec: OrderSpec) {
        let expiry = self.schedule_expiry(seq, spec.tif);
        let start = self.schedule_start(now, seq, &spec);
        let Some(order) = self.live.get_mut(&seq) else { return };
        let old = [std::mem::replace(&mut order.expiry, expiry), std::mem::replace(&mut order.start, start)];
        for timer in old.into_iter().flatten() {
            self.schedule.remove(&timer);
        }
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        let market = &mut self.markets[at];
        if order.hold.is_none() {
            market.book.remove(order);
        }
        spec.kind = spec.kind.continued(order.spec.kind);
        spec.quantity = order.resize(spec.quantity);
        order.spec = Arc::new(spec);
        match order.hold {
            Some(Hold::Parent | Hold::Locate) => {}
            Some(Hold::Time | Hold::Session | Hold::Auction) | None => {
                order.hold = order.hold_at(now, market.phase);
            }
        }
        if order.hold.is_none() {
            order.follow(market);
            market.book.insert(order);
        }
    }

    fn check_modify(&self, order: &LiveOrder, spec: &OrderSpec) -> Result<(), Refusal> {
        let current = &order.spec;
        if order.status == Status::PendingCancel {
            return Err(Refusal::ModifyTooEarly);
        }
        if current.con_id != spec.con_id || current.side != spec.side || current.account != spec.account {
            return Err(Refusal::ModifyMismatch);
        }
        if !current.quantity.fract().is_zero() || !spec.quantity.fract().is_zero() {
            return Err(self.fraction_problem(spec));
        }
        if !current.kind.same_kind(spec.kind) {
            return Err(Refusal::ModifyKind);
        }
        self.check_named_parent(order, spec)?;
        match (current.oca(), spec.oca()) {
            (Some(old), Some(new)) if old.group == new.group && old.kind != new.kind => {
                return Err(Refusal::OcaKind);
            }
            (old, new) if old != new => return Err(Refusal::OcaGroup),
            (_, _) => {}
        }
        self.check_terms(spec)?;
        if spec.quantity > current.quantity {
            self.check_funds(spec, spec.quantity - order.filled)
        } else {
            Ok(())
        }
    }

    /// Orders with a part of a share cannot be changed (tws-behaviour 2.7); where there are no parts, that is wrong first.
    fn fraction_problem(&self, spec: &OrderSpec) -> Refusal {
        let instrument = self.market(spec.con_id).map(|market| &market.instrument);
        let problem = instrument.and_then(|it| it.check_size(spec.quantity).err());
        problem.unwrap_or(Refusal::FractionChanged)
    }

    pub(super) fn check_new_id(&self, key: OrderKey) -> Result<(), Refusal> {
        if key.order_id <= 0 {
            return Err(Refusal::BadOrderId(key.order_id));
        }
        match self.archive.order(key) {
            Some(finished) if finished.status == Status::Filled => Err(Refusal::ModifyFilled),
            Some(_) => Err(Refusal::DuplicateId),
            None if key.order_id < self.next_order_id(key.client_id) => Err(Refusal::DuplicateId),
            None => Ok(()),
        }
    }

    pub(super) fn use_id(&mut self, key: OrderKey) {
        let highest = self.highest_id.entry(key.client_id).or_insert(0);
        *highest = (*highest).max(key.order_id);
    }

    fn take_perm_id(&mut self) -> i64 {
        self.next_perm_id += 1;
        self.next_perm_id - 1
    }
}
