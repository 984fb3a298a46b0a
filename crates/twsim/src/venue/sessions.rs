//! Bells: what opening and closing mean for the orders of a market, and the auctions held then.
//!
//! A market without a calendar is always open; its day ends with the venue's, and the auctions are held then.

use rust_decimal::Decimal;

use super::calendar::{CLOSE_CUT_OFF_NS, Calendar, OPEN_CUT_OFF_NS, Phase};
use super::io::VenueOutput;
use super::kind::OrderKind;
use super::market::Market;
use super::order::{Hold, LiveOrder};
use super::refusal::Refusal;
use super::types::{ConId, OrderKey, OrderSpec, Side, Status, TimeInForce, UtcNs};
use super::{Scheduled, Venue};

/// The auction that an order waits for, outside the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auction {
    Open,
    Close,
}

impl OrderSpec {
    pub(super) fn auction(&self) -> Option<Auction> {
        match (self.kind, self.tif) {
            (OrderKind::MarketOnClose | OrderKind::LimitOnClose { .. }, _) => Some(Auction::Close),
            (_, TimeInForce::Opg) => Some(Auction::Open),
            (_, _) => None,
        }
    }

    /// Times in force that an order type does not have.
    pub(super) fn check_tif(&self) -> Result<(), Refusal> {
        let plain = matches!(self.kind, OrderKind::Market | OrderKind::Limit { .. });
        match (self.auction(), self.tif) {
            (Some(Auction::Close), TimeInForce::Day) | (None, _) => Ok(()),
            (Some(Auction::Close), _) => Err(Refusal::CloseNeedsDay),
            (Some(Auction::Open), _) if plain => Ok(()),
            (Some(Auction::Open), _) => Err(Refusal::TifMismatch),
        }
    }
}

impl Market {
    fn calendar(&self) -> Option<&Calendar> {
        self.instrument.calendar.as_deref()
    }

    /// One price for both sides: the last trade, or the middle of the market.
    fn auction_price(&self) -> Option<Decimal> {
        self.quote.last.or_else(|| self.quote.mid())
    }

    /// True when the auction that an order is for is too near for it.
    fn is_too_late_for(&self, auction: Auction, now: UtcNs) -> bool {
        let Some(calendar) = self.calendar() else { return false };
        match auction {
            Auction::Close => calendar.close_of(now).is_some_and(|at| now >= at - CLOSE_CUT_OFF_NS),
            Auction::Open => calendar.next_open(now, false).is_some_and(|at| now >= at - OPEN_CUT_OFF_NS),
        }
    }
}

impl Venue {
    /// Rings the first bells.
    pub(super) fn begin_sessions(&mut self) {
        for index in 0..self.markets.len() {
            self.begin_session(self.config.start, index);
        }
    }

    /// Rings the first bell of one market.
    pub(super) fn begin_session(&mut self, now: UtcNs, index: usize) {
        let market = &mut self.markets[index];
        let Some(phase) = market.calendar().map(|calendar| calendar.phase_at(now)) else { return };
        market.phase = phase;
        self.schedule_bell(now, index);
    }

    /// A market opens or closes.
    pub(super) fn ring(&mut self, at: UtcNs, index: usize, out: &mut Vec<VenueOutput>) {
        let market = &mut self.markets[index];
        let Some(now) = market.calendar().map(|calendar| calendar.phase_at(at)) else { return };
        let before = std::mem::replace(&mut market.phase, now);
        let con_id = market.instrument.con_id;
        self.schedule_bell(at, index);
        if before == Phase::Regular && now != Phase::Regular {
            self.hold_auction(at, index, Auction::Close, out);
        }
        self.end_session(at, con_id, (before, now), out);
        if now == Phase::Regular && before != Phase::Regular {
            self.hold_auction(at, index, Auction::Open, out);
        }
        for seq in self.orders_of(con_id, |order| order.hold == Some(Hold::Session)) {
            if self.live.get(&seq).is_some_and(|order| now.serves(order.spec.outside_rth)) {
                self.release(at, seq);
                self.settle(at, seq, out);
            }
        }
    }

    /// The venue's day ends, which is the only bell of markets that are always open.
    pub(super) fn end_day(&mut self, now: UtcNs, out: &mut Vec<VenueOutput>) {
        for index in 0..self.markets.len() {
            if self.markets[index].calendar().is_some() {
                continue;
            }
            self.hold_auction(now, index, Auction::Close, out);
            self.end_session(
                now,
                self.markets[index].instrument.con_id,
                (Phase::Regular, Phase::Closed),
                out,
            );
            self.hold_auction(now, index, Auction::Open, out);
        }
    }

    /// Day orders end with the session that served them; the others wait for the next one.
    fn end_session(
        &mut self,
        now: UtcNs,
        con_id: ConId,
        (before, after): (Phase, Phase),
        out: &mut Vec<VenueOutput>,
    ) {
        let is_over = |order: &LiveOrder| {
            let outside = order.spec.outside_rth;
            // A day that is to begin later is another day.
            before.serves(outside) && !after.serves(outside) && order.hold != Some(Hold::Time)
        };
        for seq in self.orders_of(con_id, is_over) {
            let Some(order) = self.live.get(&seq) else { continue };
            if order.spec.tif == TimeInForce::Day {
                self.end(now, seq, Status::Cancelled, out);
            } else if order.hold.is_none() {
                self.suspend(seq, out);
            }
        }
    }

    /// Takes a working order out of its book until its market opens again. One that never closes keeps it.
    fn suspend(&mut self, seq: u64, out: &mut Vec<VenueOutput>) {
        let Some(order) = self.live.get_mut(&seq) else { return };
        let Some(&at) = self.market_index.get(&order.spec.con_id) else { return };
        let market = &mut self.markets[at];
        if market.calendar().is_none() {
            return;
        }
        market.book.remove(order);
        order.hold = Some(Hold::Session);
        if order.status != Status::PendingCancel {
            order.status = Status::PreSubmitted;
            out.push(VenueOutput::Order(order.report()));
        }
    }

    /// Fills what waited for an auction, all of it at one price, and ends what that price is not good enough for.
    fn hold_auction(&mut self, now: UtcNs, index: usize, auction: Auction, out: &mut Vec<VenueOutput>) {
        let market = &self.markets[index];
        let (con_id, price) = (market.instrument.con_id, market.auction_price());
        let waits =
            |order: &LiveOrder| order.hold == Some(Hold::Auction) && order.spec.auction() == Some(auction);
        for seq in self.orders_of(con_id, waits) {
            // Others of its group or family may have ended it a moment ago.
            let Some(order) = self.live.get(&seq) else { continue };
            let remaining = order.remaining();
            match price.filter(|price| order.takes(*price)) {
                Some(price) => self.fill(now, seq, (remaining, price), out),
                None => self.end_because(now, seq, auction.missed(), out),
            }
        }
    }

    fn orders_of(&self, con_id: ConId, wanted: impl Fn(&LiveOrder) -> bool) -> Vec<u64> {
        let of_it = self.live.iter().filter(|(_, order)| order.spec.con_id == con_id && wanted(order));
        of_it.map(|(seq, _)| *seq).collect()
    }

    fn schedule_bell(&mut self, after: UtcNs, index: usize) {
        if let Some(at) = self.markets[index].calendar().and_then(|calendar| calendar.next_change(after)) {
            self.schedule_at(at, Scheduled::Bell(index));
        }
    }

    /// What is left of `outsideRth` where a market has hours: without longer ones, or for an order type that needs
    /// a continuous market, it is reset and said so (tws-behaviour 2.5, 2.10).
    pub(super) fn heed_hours(&self, key: OrderKey, spec: &mut OrderSpec, out: &mut Vec<VenueOutput>) {
        let Some(calendar) = self.market(spec.con_id).and_then(Market::calendar) else { return };
        let needs_limit = spec.kind.limit().is_none() && !spec.kind.has_trigger();
        if spec.outside_rth && (!calendar.has_extended() || needs_limit || spec.auction().is_some()) {
            spec.outside_rth = false;
            out.push(VenueOutput::Refused { key, refusal: Refusal::OutsideIgnored });
        }
    }

    /// The warning about an order that its market is closed for, before its first report (tws-behaviour 2.5,
    /// template 4; 2.10).
    pub(super) fn warn_of_session(&self, now: UtcNs, order: &LiveOrder, out: &mut Vec<VenueOutput>) {
        if order.hold != Some(Hold::Session) {
            return;
        }
        let Some(market) = self.market(order.spec.con_id) else { return };
        let Some(calendar) = market.calendar() else { return };
        let Some(opens) = calendar.next_open(now, order.spec.outside_rth) else { return };
        let side = match order.spec.side {
            Side::Buy => "BUY",
            Side::Sell => "SELL",
        };
        let (quantity, instrument) = (order.spec.quantity.normalize(), &market.instrument);
        let listed = [instrument.primary_exchange.as_str(), &instrument.trading_class].join(".");
        let what = format!("{side} {quantity} {} {}", instrument.local_symbol, listed.trim_matches('.'));
        let refusal = Refusal::NotYet { what, until: calendar.local_text(opens) };
        out.push(VenueOutput::Refused { key: order.key, refusal });
    }

    /// What is too late for its auction is rejected (tws-behaviour 2.10).
    pub(super) fn check_auction(&self, now: UtcNs, spec: &OrderSpec) -> Result<(), Refusal> {
        let Some(market) = self.market(spec.con_id) else { return Err(Refusal::UnknownContract) };
        match spec.auction() {
            Some(auction) if market.is_too_late_for(auction, now) => {
                Err(Refusal::Rejected("Exchange is closed.".to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// When the market of an instrument opens for its regular hours; `None` while it is open.
    pub fn opens_at(&self, con_id: ConId, now: UtcNs) -> Option<UtcNs> {
        let market = self.market(con_id).filter(|market| market.phase != Phase::Regular)?;
        market.calendar()?.next_open(now, false)
    }
}

impl Auction {
    /// The reason beside 202; the one of the open is the broker's (tws-behaviour 2.5, template 8).
    fn missed(self) -> &'static str {
        match self {
            Self::Open => "at the open order can not be executed",
            Self::Close => "at the close order can not be executed",
        }
    }
}
