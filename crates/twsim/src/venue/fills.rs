//! Triggering, filling and ending orders.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::account::Trade;
use super::io::{Execution, VenueOutput};
use super::kind::OrderKind;
use super::oca::Shrunk;
use super::refusal::Refusal;
use super::types::{Status, TimeInForce, UtcNs};
use super::{Scheduled, Venue};

impl Venue {
    /// Triggers and fills one order against the market as it is now.
    pub(super) fn match_order(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let Some(order) = self.live.get_mut(&seq).filter(|order| order.hold.is_none()) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
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
        let available = if order.filled_at_quote == market.quote_seq { Decimal::ZERO } else { displayed };
        let price = order.executable_price(&market.quote);
        let remaining = order.remaining();
        let least = match order.spec.tif {
            TimeInForce::Fok => remaining,
            TimeInForce::Day
            | TimeInForce::Gtc
            | TimeInForce::Gtd(_)
            | TimeInForce::Ioc
            | TimeInForce::Opg => order.spec.least_fill(order.filled, remaining),
        };
        let quantity = if available < least { Decimal::ZERO } else { remaining.min(available) };
        let immediate = matches!(order.spec.tif, TimeInForce::Ioc | TimeInForce::Fok) && !waits_for_trigger;
        if let Some(price) = price.filter(|_| quantity > Decimal::ZERO) {
            order.filled_at_quote = market.quote_seq;
            if order.spec.kind == (OrderKind::MarketToLimit { limit: None }) {
                market.book.remove(order);
                Arc::make_mut(&mut order.spec).kind = OrderKind::MarketToLimit { limit: Some(price) };
                market.book.insert(order);
            }
            self.fill(now, seq, (quantity, price), out);
        }
        if immediate && self.live.contains_key(&seq) {
            self.end(now, seq, Status::Cancelled, out);
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
            out.push(VenueOutput::Refused { key: order.key, refusal: Refusal::Cancelled(reason) });
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
        let exec_number = self.next_exec;
        let Some(order) = self.live.get_mut(&seq) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        let Some(account) = self.accounts.get_mut(&order.spec.account) else { return };
        let market = &mut self.markets[at];
        market.tape.note_trade(now, price, quantity);
        let instrument = &market.instrument;

        let before = order.remaining();
        order.filled += quantity;
        let is_over = order.is_exhausted();
        let shrunk = Shrunk { before, after: order.remaining(), is_over };
        // Kept only where somebody asks for it after the order is gone.
        let family = order.family;
        let grouped = order.spec.oca().map(|_| Arc::clone(&order.spec));
        order.traded += quantity * price;
        order.last_price = price;
        let value = (order.traded * instrument.multiplier).abs();
        let due = instrument.commission.due(order.filled, value).max(order.commission);
        let commission = due - order.commission;
        order.commission = due;
        let trade = Trade { side: order.spec.side, quantity, price, commission };
        let realized_pnl = account.book(instrument, trade);
        let execution = Arc::new(Execution {
            exec_id: exec_id(self.config.start, exec_number),
            key: order.key,
            perm_id: order.perm_id,
            con_id: instrument.con_id,
            account: Arc::clone(&order.spec.account),
            order_ref: Arc::clone(&order.spec.order_ref),
            side: order.spec.side,
            quantity,
            price,
            cum_quantity: order.filled,
            avg_price: order.avg_price(),
            at: now,
            added_liquidity: order.rested,
            commission,
            currency: Arc::clone(&market.currency),
            realized_pnl,
        });
        self.next_exec += 1;
        self.archive.add_execution(Arc::clone(&execution));
        out.push(VenueOutput::Execution(Arc::clone(&execution)));
        let position =
            VenueOutput::Position { account: Arc::clone(&execution.account), con_id: execution.con_id };
        let (key, filled) = (order.key, order.filled);
        if is_over {
            self.end(now, seq, Status::Filled, out);
        } else {
            if order.status != Status::PendingCancel {
                order.status = Status::Submitted;
            }
            out.push(VenueOutput::Order(order.report()));
        }
        out.push(position);
        if self.config.commission_delay > 0 {
            self.schedule_at(now + self.config.commission_delay, Scheduled::Commission(execution));
        } else {
            out.push(VenueOutput::Commission(execution));
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
}

/// Four groups: which run of the venue (its opening millisecond, in two), which fill, which revision.
fn exec_id(start: UtcNs, number: u64) -> String {
    let run = (start / 1_000_000) & 0xffff_ffff;
    format!("{run:08x}.{:08x}.{:02}.01", number & 0xffff_ffff, 1 + (number >> 32))
}
