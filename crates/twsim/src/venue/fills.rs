//! Triggering, filling and ending orders.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::account::Trade;
use super::combination::legs_allow;
use super::io::{Execution, VenueOutput};
use super::kind::OrderKind;
use super::market::Market;
use super::oca::Shrunk;
use super::order::LiveOrder;
use super::refusal::Refusal;
use super::types::{Status, TimeInForce, UtcNs};
use super::{Scheduled, Venue};

impl Venue {
    /// Triggers and fills one order against the market as it is now.
    pub(super) fn match_order(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let ready = |order: &&mut LiveOrder| order.hold.is_none() && !order.is_legging();
        let Some(order) = self.live.get_mut(&seq).filter(ready) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        let legs_allow =
            order.spec.extra.is_none() || legs_allow((&self.markets, &self.market_index), &order.spec);
        let market = &mut self.markets[at];
        if order.follow(market) {
            out.push(VenueOutput::Terms(order.report()));
        }
        if !order.triggered && order.is_triggered_by(&market.quote) {
            market.book.remove(order);
            order.triggered = true;
            market.book.insert(order);
            if order.spec.kind.limit().is_some() && order.status != Status::PendingCancel {
                order.status = Status::Submitted;
                out.push(VenueOutput::Order(order.report()));
            }
        }
        let waits_for_trigger = order.waits_for_trigger();
        let (_, displayed) = market.quote.touch(order.spec.side);
        let available = if order.filled_at_quote == market.quote_seq {
            Decimal::ZERO
        } else {
            market.ladder().map_or(displayed, |ladder| ladder.available(order))
        };
        let price = order.executable_price(&market.quote).filter(|_| legs_allow);
        let remaining = order.remaining();
        let least = match order.spec.tif {
            TimeInForce::Fok => remaining,
            TimeInForce::Day
            | TimeInForce::Gtc
            | TimeInForce::Gtd(_)
            | TimeInForce::Ioc
            | TimeInForce::Opg => order.spec.least_fill(order.filled, remaining),
        };
        let quantity =
            if available < least { Decimal::ZERO } else { remaining.min(available).min(displayed) };
        let immediate = matches!(order.spec.tif, TimeInForce::Ioc | TimeInForce::Fok) && !waits_for_trigger;
        if let Some(price) = price.filter(|_| quantity > Decimal::ZERO) {
            order.filled_at_quote = market.quote_seq;
            if order.spec.kind == (OrderKind::MarketToLimit { limit: None }) {
                market.book.remove(order);
                Arc::make_mut(&mut order.spec).kind = OrderKind::MarketToLimit { limit: Some(price) };
                market.book.insert(order);
            }
            self.fill_apart(now, seq, (quantity, price), out);
            self.sweep(now, seq, out);
        }
        if immediate && self.live.contains_key(&seq) {
            self.end(now, seq, Status::Cancelled, out);
        }
    }

    /// Whole units and a part of one are two executions (tws-behaviour 3.4).
    fn fill_apart(
        &mut self,
        now: UtcNs,
        seq: u64,
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) {
        let whole = if quantity.scale() == 0 { quantity } else { quantity.trunc() };
        let part = quantity - whole;
        for quantity in [whole, part].into_iter().filter(|it| !it.is_zero()) {
            self.fill(now, seq, (quantity, price), out);
        }
    }

    /// What the touch could not fill goes through the levels behind it, as far as the order's limit allows.
    fn sweep(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        for nth in 1.. {
            let Some(order) = self.live.get(&seq) else { return };
            let ladder = self.market(order.spec.con_id).and_then(Market::ladder);
            let level = ladder.and_then(|ladder| ladder.against(order.spec.side).nth(nth));
            let left = order.remaining();
            let Some(level) = level.filter(|it| !left.is_zero() && order.takes(it.price)) else { return };
            self.fill_apart(now, seq, (left.min(level.size), level.price), out);
        }
    }

    /// Takes an order off the books for good and tells its owner.
    pub(super) fn end(&mut self, now: UtcNs, seq: u64, status: Status, out: &mut Vec<VenueOutput>) {
        self.finish(now, seq, (status, ""), out);
    }

    /// The same for an order that its market ends, with the reason.
    pub(super) fn end_because(
        &mut self,
        now: UtcNs,
        seq: u64,
        reason: &'static str,
        out: &mut Vec<VenueOutput>,
    ) {
        self.finish(now, seq, (Status::Cancelled, reason), out);
    }

    fn finish(
        &mut self,
        now: UtcNs,
        seq: u64,
        (status, reason): (Status, &'static str),
        out: &mut Vec<VenueOutput>,
    ) {
        let Some(mut order) = self.live.remove(&seq) else { return };
        // A twin may have taken the name over.
        if self.by_key.get(&order.key) == Some(&seq) {
            self.by_key.remove(&order.key);
        }
        for timer in [order.expiry, order.start].into_iter().flatten() {
            self.schedule.remove(&timer);
        }
        if order.hold.is_none()
            && let Some(market) = self.market_mut(order.spec.con_id)
        {
            market.book.remove(&order);
        }
        order.status = status;
        let report = order.report();
        out.push(VenueOutput::Order(report.clone()));
        if status == Status::Cancelled {
            out.push(VenueOutput::Refused { key: order.key, refusal: Refusal::Cancelled(reason.into()) });
        }
        self.archive.add_order(*report, now);
        self.leave_group(&order);
        self.after_end(now, &order, out);
    }

    pub(super) fn fill(
        &mut self,
        now: UtcNs,
        seq: u64,
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) {
        if self.begin_legs(now, seq, quantity, out) {
            return;
        }
        self.fill_whole(now, seq, (quantity, price), out);
    }

    /// The order's own part of a fill. Legs that have not traded yet trade with it.
    pub(super) fn fill_whole(
        &mut self,
        now: UtcNs,
        seq: u64,
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) {
        let Some(order) = self.live.get_mut(&seq) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        if !self.accounts.contains_key(&order.spec.account) {
            return;
        }
        let before = order.remaining();
        order.filled += quantity;
        let is_over = order.is_exhausted();
        let shrunk = Shrunk { before, after: order.remaining(), is_over };
        // Kept only where somebody asks for it after the order is gone.
        let family = order.family;
        let grouped = order.spec.oca().map(|_| Arc::clone(&order.spec));
        order.traded += quantity * price;
        order.last_price = price;
        let (key, filled) = (order.key, order.filled);
        let costs = if self.markets[at].instrument.is_combination() {
            self.trade_combination(now, seq, (quantity, price), out)
        } else {
            self.trade(now, seq, (quantity, price), out).map_or(Costs::Legs(Vec::new()), Costs::One)
        };
        if is_over {
            self.end(now, seq, Status::Filled, out);
        } else if let Some(order) = self.live.get_mut(&seq) {
            if order.status != Status::PendingCancel {
                order.status = Status::Submitted;
            }
            out.push(VenueOutput::Order(order.report()));
        }
        match costs {
            Costs::One(execution) => self.say_cost(now, execution, out),
            Costs::Legs(executions) => {
                for execution in executions {
                    self.say_cost(now, execution, out);
                }
            }
        }
        // Where the client has named a group, the group says what a fill does to the others.
        if let Some(parent) = family.filter(|_| !is_over && grouped.is_none()) {
            self.reduce_siblings(now, (seq, parent), shrunk, out);
        }
        if !is_over && !self.children.is_empty() {
            self.grow_children(now, key, filled, out);
        }
        if let Some(spec) = grouped {
            self.group_filled(now, (seq, &spec), shrunk, out);
        }
    }

    /// One instrument trades: money, position and execution.
    fn trade(
        &mut self,
        now: UtcNs,
        seq: u64,
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) -> Option<Arc<Execution>> {
        let order = self.live.get_mut(&seq)?;
        let market = &mut self.markets[*self.market_index.get(&order.spec.con_id)?];
        let account = self.accounts.get_mut(&order.spec.account)?;
        market.tape.note_trade(now, price, quantity);
        let instrument = &market.instrument;
        let value = (order.traded * instrument.point_value()).abs();
        let due = instrument.commission.due(order.filled, value).max(order.commission);
        let commission = due - order.commission;
        order.commission = due;
        let trade = Trade { side: order.spec.side, quantity, price, commission };
        let realized_pnl = account.book(instrument, trade);
        let exec_id = exec_id(self.config.start, self.next_exec);
        self.next_exec += 1;
        let execution = Arc::new(Execution {
            commission,
            realized_pnl,
            ..order.execution(now, exec_id, (quantity, price), &market.currency)
        });
        self.archive.add_execution(Arc::clone(&execution));
        out.push(VenueOutput::Execution(Arc::clone(&execution)));
        Some(execution)
    }

    /// A combination trades: an execution of the whole, which moves nothing, and one of each leg that has not
    /// traded already.
    fn trade_combination(
        &mut self,
        now: UtcNs,
        seq: u64,
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) -> Costs {
        let number = self.next_exec;
        self.next_exec += 1;
        let Some(order) = self.live.get(&seq) else { return Costs::Legs(Vec::new()) };
        let Some(market) = self.market(order.spec.con_id) else { return Costs::Legs(Vec::new()) };
        let in_parts = order.trades_in_parts();
        let exec_id = exec_id(self.config.start, number);
        let execution = Arc::new(order.execution(now, exec_id, (quantity, price), &market.currency));
        self.archive.add_execution(Arc::clone(&execution));
        out.push(VenueOutput::Execution(execution));
        let legs =
            if in_parts { Vec::new() } else { self.trade_legs(now, (seq, number), (quantity, price), out) };
        Costs::Legs(legs)
    }

    /// A position has moved, and what that cost comes at once or later.
    pub(super) fn say_cost(&mut self, now: UtcNs, execution: Arc<Execution>, out: &mut Vec<VenueOutput>) {
        let account = Arc::clone(&execution.account);
        out.push(VenueOutput::Position { account, con_id: execution.con_id });
        if self.config.commission_delay > 0 {
            self.schedule_at(now + self.config.commission_delay, Scheduled::Commission(execution));
        } else {
            out.push(VenueOutput::Commission(execution));
        }
    }
}

/// The executions of one fill that moved a position.
enum Costs {
    One(Arc<Execution>),
    Legs(Vec<Arc<Execution>>),
}

/// Four groups: which run of the venue (its opening millisecond, in two), which fill, which revision.
pub(super) fn exec_id(start: UtcNs, number: u64) -> String {
    let run = (start / 1_000_000) & 0xffff_ffff;
    format!("{run:08x}.{:08x}.{:02}.01", number & 0xffff_ffff, 1 + (number >> 32))
}

/// Five groups: those of the whole, and the leg before the revision (tws-behaviour 3.2).
pub(super) fn leg_exec_id(whole: &str, leg: usize) -> String {
    let base = whole.rsplit_once('.').map_or(whole, |(base, _)| base);
    format!("{base}.{leg:02}.01")
}
