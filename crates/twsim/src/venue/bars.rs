//! What each market did, in slots of five seconds: the source of real-time and historical bars.
//!
//! A slot exists where something happened, and only the latest are kept. What has no slot of its own goes on at
//! the last price before it.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use super::Venue;
use super::io::Quote;
use super::types::{ConId, UtcNs};

/// The smallest bar.
pub const SLOT_NS: i64 = 5 * 1_000_000_000;

/// Which price a bar is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BarPrice {
    /// Last trades of the market, and fills here.
    Trades,
    /// Middle of the market.
    Midpoint,
    /// Best bid.
    Bid,
    /// Best ask.
    Ask,
}

/// One bar of one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceBar {
    /// When it begins.
    pub start: UtcNs,
    /// First price, or the last before it.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// What traded.
    pub volume: Decimal,
    /// Average price of what traded; the last price when nothing did.
    pub average: Decimal,
    /// Number of trades.
    pub count: u32,
}

#[derive(Debug, Clone, Copy)]
struct Candle {
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
}

impl Candle {
    fn of(price: Decimal) -> Self {
        Self { open: price, high: price, low: price, close: price }
    }

    fn add(into: &mut Option<Self>, price: Option<Decimal>) {
        let Some(price) = price else { return };
        let candle = into.get_or_insert_with(|| Self::of(price));
        candle.high = candle.high.max(price);
        candle.low = candle.low.min(price);
        candle.close = price;
    }

    fn join(into: &mut Option<Self>, later: Self) {
        let candle = into.get_or_insert(later);
        candle.high = candle.high.max(later.high);
        candle.low = candle.low.min(later.low);
        candle.close = later.close;
    }
}

#[derive(Debug, Default)]
struct Slot {
    start: UtcNs,
    /// By the order of `BarPrice`.
    prices: [Option<Candle>; 4],
    volume: Decimal,
    /// Sum of quantity × price of what traded.
    value: Decimal,
    count: u32,
}

/// The slots of one market, oldest first.
#[derive(Debug)]
pub(crate) struct BarTape {
    slots: VecDeque<Slot>,
    kept: usize,
}

impl BarTape {
    pub(crate) fn new(kept: usize) -> Self {
        Self { slots: VecDeque::new(), kept }
    }

    /// A market moved. A last price counts as one trade of its size.
    pub(crate) fn note_quote(&mut self, at: UtcNs, quote: &Quote) {
        let mid = quote.bid.and(quote.ask).and_then(|_| quote.mid());
        let Some(slot) = self.slot(at) else { return };
        for (price, value) in
            [(BarPrice::Midpoint, mid), (BarPrice::Bid, quote.bid), (BarPrice::Ask, quote.ask)]
        {
            Candle::add(&mut slot.prices[price as usize], value);
        }
        if let Some(last) = quote.last {
            slot.trade(last, quote.last_size);
        }
    }

    /// An order was filled here.
    pub(crate) fn note_trade(&mut self, at: UtcNs, price: Decimal, quantity: Decimal) {
        if let Some(slot) = self.slot(at) {
            slot.trade(price, quantity);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    fn slot(&mut self, at: UtcNs) -> Option<&mut Slot> {
        let start = at - at.rem_euclid(SLOT_NS);
        // Time does not run backwards; should it, the past stays as it was told.
        if self.slots.back().is_none_or(|latest| latest.start < start) {
            self.slots.push_back(Slot { start, ..Slot::default() });
            while self.slots.len() > self.kept {
                self.slots.pop_front();
            }
        }
        self.slots.back_mut()
    }

    fn bars(&self, price: BarPrice, (from, to): (UtcNs, UtcNs), size: i64, most: usize) -> Vec<PriceBar> {
        let size = size.max(SLOT_NS);
        let before = self.slots.partition_point(|slot| slot.start < from);
        let earlier = self.slots.range(..before).rev().find_map(|slot| slot.prices[price as usize]);
        let mut carried = earlier.map(|candle| candle.close);
        let mut slots = self.slots.range(before..).take_while(|slot| slot.start < to).peekable();
        let mut bars = Vec::new();
        let mut start = match (carried, slots.peek()) {
            (Some(_), _) => from,
            (None, Some(first)) => first.start - (first.start - from).rem_euclid(size),
            (None, None) => return bars,
        };
        while start < to && bars.len() < most {
            let mut sum = Sum::default();
            while let Some(slot) = slots.next_if(|slot| slot.start < start.saturating_add(size)) {
                sum.add(slot, price);
            }
            if let Some(bar) = sum.bar(start, carried) {
                carried = Some(bar.close);
                bars.push(bar);
            }
            start = start.saturating_add(size);
        }
        bars
    }
}

impl Slot {
    fn trade(&mut self, price: Decimal, quantity: Decimal) {
        Candle::add(&mut self.prices[BarPrice::Trades as usize], Some(price));
        self.volume = self.volume.saturating_add(quantity);
        self.value = self.value.saturating_add(quantity.saturating_mul(price));
        self.count = self.count.saturating_add(1);
    }
}

/// Slots on their way to a bar.
#[derive(Default)]
struct Sum {
    candle: Option<Candle>,
    volume: Decimal,
    value: Decimal,
    count: u32,
}

impl Sum {
    fn add(&mut self, slot: &Slot, price: BarPrice) {
        if let Some(candle) = slot.prices[price as usize] {
            Candle::join(&mut self.candle, candle);
        }
        self.volume = self.volume.saturating_add(slot.volume);
        self.value = self.value.saturating_add(slot.value);
        self.count = self.count.saturating_add(slot.count);
    }

    fn bar(self, start: UtcNs, carried: Option<Decimal>) -> Option<PriceBar> {
        let Candle { open, high, low, close } = self.candle.or_else(|| carried.map(Candle::of))?;
        let average = if self.volume.is_zero() { close } else { self.value / self.volume };
        Some(PriceBar { start, open, high, low, close, volume: self.volume, average, count: self.count })
    }
}

impl Venue {
    /// Bars of `size` nanoseconds between two instants, at most so many, none before the first known price. The
    /// first begins at `from`; instants are best multiples of the size.
    pub fn bars(
        &self,
        con_id: ConId,
        price: BarPrice,
        span: (UtcNs, UtcNs),
        (size, most): (i64, usize),
    ) -> Vec<PriceBar> {
        self.market(con_id).map(|market| market.tape.bars(price, span, size, most)).unwrap_or_default()
    }
}
