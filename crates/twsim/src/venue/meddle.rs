//! What a fault does to an order at the venue: things that happen there without anybody's request, or in
//! another way than the request says. The venue stays consistent; only its manners change.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::Trade;
use super::io::VenueOutput;
use super::order::Hold;
use super::refusal::Refusal;
use super::types::{ConId, OrderKey, OrderSpec, Side, Status, UtcNs};
use super::{Scheduled, Venue};

/// An unusual event at the venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meddle {
    /// A second live order under the key of one that lives on (tws-behaviour 2.2).
    Twin {
        /// The name of both.
        key: OrderKey,
        /// Terms of the second.
        spec: OrderSpec,
    },
    /// The order fills, whatever the market says: at its limit, or in the middle of the market. A child whose
    /// parent has not filled is at no exchange and does not.
    Fill {
        /// The order.
        key: OrderKey,
        /// How much; everything that is left when `None`.
        quantity: Option<Decimal>,
    },
    /// A new order that is held as `Inactive` until [`Free`](Self::Free) (tws-behaviour 2.4).
    PlaceHeld {
        /// The order's name.
        key: OrderKey,
        /// Its terms.
        spec: OrderSpec,
    },
    /// Shares are located: a held order goes to work.
    Free {
        /// The order.
        key: OrderKey,
    },
    /// A cancel that takes its time; fills go on meanwhile (tws-behaviour 2.8).
    CancelSlowly {
        /// The order.
        key: OrderKey,
        /// Nanoseconds.
        delay: i64,
        /// Whether `PendingCancel` is reported.
        shown: bool,
    },
    /// The client's order ids begin at 1 again and finished orders no longer stand in their way.
    ForgetIds {
        /// Whose.
        client_id: i32,
    },
    /// Parked orders are gone, as after a restart (tws-behaviour 2.3).
    DropParked,
    /// A working order is rejected after all: `Inactive` and 201 (tws-behaviour 2.4).
    Reject {
        /// The order.
        key: OrderKey,
        /// Why.
        reason: String,
    },
    /// A working order ends as if its time had come.
    Expire {
        /// The order.
        key: OrderKey,
    },
    /// Somebody trades in another place, at the middle of the market: the position changes, and there is no
    /// execution of it.
    TradeElsewhere {
        /// Whose.
        account: String,
        /// The instrument.
        con_id: ConId,
        /// Bought, or below zero sold.
        quantity: Decimal,
    },
}

impl Venue {
    pub(super) fn meddle(&mut self, now: UtcNs, meddle: Meddle, out: &mut Vec<VenueOutput>) {
        match meddle {
            Meddle::Twin { key, spec } => match self.check_terms(&spec) {
                Ok(()) => self.accept(now, key, spec, out),
                Err(refusal) => out.push(VenueOutput::Refused { key, refusal }),
            },
            Meddle::Fill { key, quantity } => self.force_fill(now, key, quantity, out),
            Meddle::PlaceHeld { key, spec } => self.place_held(now, key, spec, out),
            Meddle::Free { key } => self.free(now, key, out),
            Meddle::CancelSlowly { key, delay, shown } => self.cancel_slowly(now, key, (delay, shown), out),
            Meddle::ForgetIds { client_id } => {
                self.highest_id.remove(&client_id);
                self.archive.forget_names(client_id);
            }
            Meddle::DropParked => self.parked.clear(),
            Meddle::Reject { key, reason } => {
                if let Some(&seq) = self.by_key.get(&key) {
                    self.end(now, seq, Status::Inactive, out);
                    out.push(VenueOutput::Refused { key, refusal: Refusal::Rejected(reason) });
                }
            }
            Meddle::Expire { key } => {
                if let Some(&seq) = self.by_key.get(&key) {
                    self.end(now, seq, Status::Cancelled, out);
                }
            }
            Meddle::TradeElsewhere { account, con_id, quantity } => {
                self.trade_elsewhere(&account, (con_id, quantity), out);
            }
        }
    }

    fn trade_elsewhere(
        &mut self,
        account: &str,
        (con_id, quantity): (ConId, Decimal),
        out: &mut Vec<VenueOutput>,
    ) {
        let Some(market) = self.market_index.get(&con_id).map(|at| &self.markets[*at]) else { return };
        let Some(holder) = self.accounts.get_mut(account).filter(|_| !quantity.is_zero()) else { return };
        let side = if quantity > Decimal::ZERO { Side::Buy } else { Side::Sell };
        let price = market.quote.mid().unwrap_or_default();
        let trade = Trade { side, quantity: quantity.abs(), price, commission: Decimal::ZERO };
        let _realized = holder.book(&market.instrument, trade);
        out.push(VenueOutput::Position { account: std::sync::Arc::clone(&holder.id), con_id });
    }

    /// Whether it waits for its parent and is at no exchange yet.
    pub(crate) fn waits_for_its_parent(&self, key: OrderKey) -> bool {
        self.live_order(key).is_some_and(|order| order.hold == Some(Hold::Parent))
    }

    fn force_fill(&mut self, now: UtcNs, key: OrderKey, wanted: Option<Decimal>, out: &mut Vec<VenueOutput>) {
        let Some(&seq) = self.by_key.get(&key) else { return };
        let Some(order) = self.live.get(&seq).filter(|order| order.hold != Some(Hold::Parent)) else {
            return;
        };
        let market = self.market(order.spec.con_id).and_then(|market| market.quote.mid());
        let Some(price) = order.spec.kind.limit().or(market) else { return };
        let quantity = wanted.unwrap_or_else(|| order.remaining()).min(order.remaining());
        if quantity > Decimal::ZERO {
            self.fill(now, seq, (quantity, price), out);
        }
    }

    fn place_held(&mut self, now: UtcNs, key: OrderKey, spec: OrderSpec, out: &mut Vec<VenueOutput>) {
        self.held_next = Some(key);
        let mut said = Vec::new();
        self.place(now, key, spec, &mut said);
        self.held_next = None;
        let held = self.by_key.get(&key).copied().and_then(|seq| self.live.get_mut(&seq));
        match held.filter(|order| order.hold == Some(Hold::Locate)) {
            Some(order) => {
                order.status = Status::Inactive;
                let report = order.report();
                // It may have set the rest of its family to work, which says what it has to say.
                said.retain(|output| !matches!(output, VenueOutput::Order(told) if told.key == key));
                out.append(&mut said);
                out.push(VenueOutput::Order(report));
            }
            None => out.append(&mut said),
        }
    }

    fn free(&mut self, now: UtcNs, key: OrderKey, out: &mut Vec<VenueOutput>) {
        let Some(&seq) = self.by_key.get(&key) else { return };
        let Some(order) = self.live.get_mut(&seq).filter(|order| order.status == Status::Inactive) else {
            return;
        };
        order.status = Status::PreSubmitted;
        self.release(now, seq);
        if let Some(order) = self.live.get(&seq) {
            out.push(VenueOutput::Order(order.report()));
        }
        self.settle(now, seq, out);
    }

    fn cancel_slowly(
        &mut self,
        now: UtcNs,
        key: OrderKey,
        (delay, shown): (i64, bool),
        out: &mut Vec<VenueOutput>,
    ) {
        let Some(&seq) = self.by_key.get(&key) else { return self.cancel(now, key, out) };
        let Some(order) = self.live.get_mut(&seq) else { return };
        if order.status == Status::PendingCancel {
            let refusal = Refusal::NotCancellable { perm_id: order.perm_id };
            out.push(VenueOutput::Refused { key, refusal });
            return;
        }
        if shown {
            order.status = Status::PendingCancel;
            out.push(VenueOutput::Order(order.report()));
        }
        self.schedule_at(now.saturating_add(delay), Scheduled::FinishCancel(seq));
    }
}
