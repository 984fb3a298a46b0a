//! One instrument's market: the quote, its seeded walk on the tick grid, and the index of orders that can
//! trade there. Finished orders are never in the index, so their number does not slow a price change.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::VenueConfig;
use super::bars::BarTape;
use super::calendar::Phase;
use super::depth::{Depth, Ladder};
use super::instrument::Instrument;
use super::io::Quote;
use super::kind::TrailBy;
use super::order::LiveOrder;
use super::types::{OrderSpec, Side};

/// Working orders of one instrument by the price that wakes them.
#[derive(Debug, Default)]
pub(crate) struct Book {
    buy_limits: BTreeSet<(Decimal, u64)>,
    sell_limits: BTreeSet<(Decimal, u64)>,
    buy_stops: BTreeSet<(Decimal, u64)>,
    sell_stops: BTreeSet<(Decimal, u64)>,
    at_market: BTreeSet<u64>,
    /// Woken by every quote: their stops follow it.
    trailing: BTreeSet<u64>,
}

impl Book {
    pub(crate) fn insert(&mut self, order: &LiveOrder) {
        match Slot::of(order) {
            Slot::AtMarket => self.at_market.insert(order.seq),
            Slot::Trailing => self.trailing.insert(order.seq),
            Slot::Limit(price) => self.limits(order.spec.side).insert((price, order.seq)),
            Slot::Stop(price) => self.stops(order.spec.side).insert((price, order.seq)),
        };
    }

    pub(crate) fn remove(&mut self, order: &LiveOrder) {
        match Slot::of(order) {
            Slot::AtMarket => self.at_market.remove(&order.seq),
            Slot::Trailing => self.trailing.remove(&order.seq),
            Slot::Limit(price) => self.limits(order.spec.side).remove(&(price, order.seq)),
            Slot::Stop(price) => self.stops(order.spec.side).remove(&(price, order.seq)),
        };
    }

    pub(crate) fn len(&self) -> usize {
        let limits = self.buy_limits.len() + self.sell_limits.len();
        let stops = self.buy_stops.len() + self.sell_stops.len();
        limits + stops + self.at_market.len() + self.trailing.len()
    }

    /// Orders that `quote` could fill or trigger, in price-time priority: market orders, then limits from the
    /// most aggressive, then stops, then trailing stops.
    pub(crate) fn touched(&self, quote: &Quote) -> Vec<u64> {
        let mut found: Vec<u64> = self.at_market.iter().copied().collect();
        if let Some(ask) = quote.ask {
            let mut limits: Vec<_> = self.buy_limits.range((ask, 0)..).copied().collect();
            limits.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            found.extend(limits.into_iter().map(|(_, seq)| seq));
            found.extend(self.buy_stops.range(..=(ask, u64::MAX)).map(|(_, seq)| *seq));
        }
        if let Some(bid) = quote.bid {
            found.extend(self.sell_limits.range(..=(bid, u64::MAX)).map(|(_, seq)| *seq));
            let mut stops: Vec<_> = self.sell_stops.range((bid, 0)..).copied().collect();
            stops.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            found.extend(stops.into_iter().map(|(_, seq)| seq));
        }
        found.extend(&self.trailing);
        found
    }

    fn limits(&mut self, side: Side) -> &mut BTreeSet<(Decimal, u64)> {
        match side {
            Side::Buy => &mut self.buy_limits,
            Side::Sell => &mut self.sell_limits,
        }
    }

    fn stops(&mut self, side: Side) -> &mut BTreeSet<(Decimal, u64)> {
        match side {
            Side::Buy => &mut self.buy_stops,
            Side::Sell => &mut self.sell_stops,
        }
    }
}

/// Where an order is found when the market moves.
#[derive(Clone, Copy)]
enum Slot {
    AtMarket,
    Limit(Decimal),
    Stop(Decimal),
    Trailing,
}

impl Slot {
    fn of(order: &LiveOrder) -> Self {
        let kind = order.spec.kind;
        if order.waits_for_trigger() && !kind.is_if_touched() {
            // Only a trailing stop can be unknown, and it trails.
            return kind.stop().filter(|_| kind.trail().is_none()).map_or(Self::Trailing, Self::Stop);
        }
        // A price to be touched wakes its order as a limit would.
        let touch = kind.stop().filter(|_| order.waits_for_trigger());
        touch.or(kind.limit()).map_or(Self::AtMarket, Self::Limit)
    }
}

/// One instrument in motion.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) instrument: Arc<Instrument>,
    pub(crate) currency: Arc<str>,
    pub(crate) quote: Quote,
    /// Counts quote changes; an order takes the displayed size at most once per change.
    pub(crate) quote_seq: u64,
    /// Set by hand: the walk leaves it alone.
    pub(crate) pinned: bool,
    /// Always regular without a calendar.
    pub(crate) phase: Phase,
    pub(crate) book: Book,
    pub(crate) tape: BarTape,
    /// The markets of the combinations it is a leg of.
    pub(crate) combinations: Vec<usize>,
    /// The book behind the touch, if there is one, and what its sizes come from.
    depth: Option<Depth>,
    seed: u64,
    rng: ChaCha8Rng,
}

impl Market {
    /// Each instrument draws from its own stream, so that adding one does not move the others.
    pub(crate) fn new(instrument: Instrument, config: &VenueConfig) -> Self {
        let stream = u64::from(instrument.con_id.unsigned_abs());
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(stream);
        let tick = instrument.increment_at(instrument.start_price);
        let bid = (instrument.start_price / tick).floor() * tick;
        let quote = Quote::new(bid, bid + tick, instrument.display_size);
        let mut tape = BarTape::new(config.retention.bar_slots.max(1));
        tape.note_quote(config.start, &quote);
        // A combination trades at what its legs trade, and has nothing behind that.
        let depth = instrument.depth.or(config.depth).filter(|_| !instrument.is_combination());
        Self {
            tape,
            currency: instrument.currency.as_str().into(),
            instrument: Arc::new(instrument),
            quote,
            quote_seq: 1,
            pinned: false,
            phase: Phase::Regular,
            book: Book::default(),
            combinations: Vec::new(),
            depth,
            seed: config.seed,
            rng,
        }
    }

    pub(crate) fn set(&mut self, quote: Quote) {
        self.quote = quote;
        self.quote_seq += 1;
    }

    /// Nobody can tell what a currency is worth at a price of zero.
    pub(crate) fn rate(&self) -> Option<Decimal> {
        Some(self.mark()).filter(|mark| *mark > Decimal::ZERO)
    }

    /// The levels behind the touch, where the market has any.
    pub(crate) fn ladder(&self) -> Option<Ladder<'_>> {
        self.depth.map(|depth| self.ladder_of(depth))
    }

    /// The levels that are shown: the touch at least.
    pub(crate) fn shown(&self) -> Ladder<'_> {
        self.ladder_of(self.depth.unwrap_or(Depth::levels(1)))
    }

    fn ladder_of(&self, depth: Depth) -> Ladder<'_> {
        Ladder { instrument: &self.instrument, quote: &self.quote, depth, seed: self.seed }
    }

    /// What a unit that is held is worth.
    pub(crate) fn mark(&self) -> Decimal {
        self.quote.mid().unwrap_or(self.instrument.start_price)
    }

    /// The most that an order can come to pay, or to be worth when it sells.
    pub(crate) fn worst_price(&self, spec: &OrderSpec) -> Decimal {
        let (touch, _) = self.quote.touch(spec.side);
        let touch = touch.unwrap_or_else(|| self.mark());
        match (spec.kind.limit().or(spec.kind.stop()), spec.side) {
            (Some(price), Side::Buy) => price,
            (Some(price), Side::Sell) => price.max(touch),
            (None, _) => touch,
        }
    }

    /// True when the price takes its steps: not while it is pinned, nor while nobody trades.
    pub(crate) fn walks(&self) -> bool {
        !self.pinned && self.phase != Phase::Closed
    }

    /// One step of the walk: the bid moves by −2 to +2 ticks, the spread is one or two ticks, and the
    /// displayed size is refreshed. Draws the same number of values whatever happens.
    pub(crate) fn step(&mut self) {
        let moved: i64 = self.rng.random_range(-2..=2);
        let spread: i64 = self.rng.random_range(1..=2);
        let lots: u32 = self.rng.random_range(1..=10);
        let Some(bid) = self.quote.bid.or(self.quote.last) else { return };
        let tick = self.instrument.increment_at(bid);
        let floor = self.instrument.needs_positive_price();
        let candidate = self.instrument.align_down(bid + tick * Decimal::from(moved));
        let bid = if floor && candidate < tick { tick } else { candidate };
        let ask = self.instrument.align_up(bid + self.instrument.increment_at(bid) * Decimal::from(spread));
        let last = if moved >= 0 { ask } else { bid };
        let lot = self.instrument.lot();
        let size = self.instrument.display_size * Decimal::from(lots) / Decimal::TEN;
        let size = ((size / lot).round() * lot).max(lot);
        self.set(Quote {
            bid: Some(bid),
            ask: Some(ask),
            last: Some(last),
            bid_size: size,
            ask_size: size,
            last_size: size.min(Decimal::ONE_HUNDRED),
        });
    }

    /// Where a trailing stop would be if it began now: behind the touch that triggers it, on the grid, rounded
    /// away from the market.
    pub(crate) fn trail_stop(&self, side: Side, by: TrailBy) -> Option<Decimal> {
        let (touch, _) = self.quote.touch(side);
        touch.map(|touch| match side {
            Side::Buy => self.instrument.align_up(touch + by.distance(touch)),
            Side::Sell => self.instrument.align_down(touch - by.distance(touch)),
        })
    }
}
