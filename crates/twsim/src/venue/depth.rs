//! The book behind the touch. Its levels are not kept anywhere: the size at a price follows from the seed and the price,
//! so that the same price has the same size whenever the market comes by.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::instrument::Instrument;
use super::io::Quote;
use super::order::LiveOrder;
use super::types::Side;

/// Most levels of a side.
const LEVELS_MAX: u16 = 100;

/// How much of a book stands behind the touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Levels on each side, the touch among them.
    pub levels: u16,
    /// Price steps from one level to the next.
    pub spacing: u16,
    /// Mean size of a level behind the touch; the instrument's displayed size when not given.
    pub size: Option<Decimal>,
}

impl Depth {
    /// So many levels a price step apart, as large as the touch on average.
    pub const fn levels(levels: u16) -> Self {
        Self { levels, spacing: 1, size: None }
    }
}

/// `10`, `10:2` or `10:2:300`: levels, price steps between them, mean size.
impl FromStr for Depth {
    type Err = DepthTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || DepthTextError { text: text.to_owned() };
        let mut parts = text.trim().split(':');
        let levels: u16 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
        let spacing: u16 = parts.next().unwrap_or("1").parse().map_err(|_| bad())?;
        let size = parts.next().map(Decimal::from_str_exact).transpose().map_err(|_| bad())?;
        let fits = (1..=LEVELS_MAX).contains(&levels)
            && spacing > 0
            && size.is_none_or(|size| size > Decimal::ZERO)
            && parts.next().is_none();
        if fits { Ok(Self { levels, spacing, size }) } else { Err(bad()) }
    }
}

/// A text that describes no book.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "depth {text:?} is not of the form LEVELS[:STEPS[:SIZE]] with 1 to {LEVELS_MAX} levels, such as 10 or 10:2:300"
)]
pub struct DepthTextError {
    /// What was written.
    pub text: String,
}

/// Price and size of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Price.
    pub price: Decimal,
    /// Size.
    pub size: Decimal,
}

/// One instrument's book, as its quote has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ladder<'a> {
    pub(crate) instrument: &'a Instrument,
    pub(crate) quote: &'a Quote,
    pub(crate) depth: Depth,
    pub(crate) seed: u64,
}

impl Ladder<'_> {
    /// The levels that an order of `side` trades against, best first.
    pub(crate) fn against(&self, side: Side) -> impl Iterator<Item = Level> {
        let (price, size) = self.quote.touch(side);
        let touch = price.map(|price| Level { price, size });
        let next = move |last: &Level| {
            let price = self.behind(side, last.price)?;
            Some(Level { price, size: self.size_at(side, price) })
        };
        std::iter::successors(touch, next).take(self.depth.levels.into())
    }

    /// What an order can take at its limit or better, as far as it wants it.
    pub(crate) fn available(&self, order: &LiveOrder) -> Decimal {
        let mut found = Decimal::ZERO;
        for level in self.against(order.spec.side).take_while(|level| order.takes(level.price)) {
            found += level.size;
            if found >= order.remaining() {
                break;
            }
        }
        found
    }

    fn behind(&self, side: Side, price: Decimal) -> Option<Decimal> {
        let step = self.instrument.increment_at(price) * Decimal::from(self.depth.spacing);
        let next = match side {
            Side::Buy => self.instrument.align_up(price + step),
            Side::Sell => self.instrument.align_down(price - step),
        };
        (next > Decimal::ZERO || !self.instrument.needs_positive_price()).then_some(next)
    }

    /// From two to eighteen tenths of the mean, in whole units of size.
    fn size_at(&self, side: Side, price: Decimal) -> Decimal {
        let mean = self.depth.size.unwrap_or(self.instrument.display_size);
        let unit = self.instrument.lot();
        let tenths = 2 + self.draw(side, price) % 17;
        let size = mean * Decimal::from(tenths) / Decimal::TEN;
        ((size / unit).floor() * unit).max(unit)
    }

    fn draw(&self, side: Side, price: Decimal) -> u64 {
        let price = price.normalize();
        let mantissa = price.mantissa().unsigned_abs();
        let low = u64::try_from(mantissa & u128::from(u64::MAX)).unwrap_or_default();
        let con_id = u64::from(self.instrument.con_id.unsigned_abs());
        let side = u64::from(side == Side::Buy);
        let sign = u64::from(price.is_sign_negative());
        let parts = [con_id, low, u64::from(price.scale()) << 2 | side << 1 | sign];
        parts.into_iter().fold(self.seed, |state, part| mix(state ^ part))
    }
}

/// The finaliser of splitmix64: every bit of the input moves every bit of the output.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn levels(seed: u64, depth: &str, (bid, ask): (&str, &str), side: Side) -> Vec<Level> {
        let instrument = Instrument::option(1, "AAPL", "20270115", dec("250"), crate::venue::Right::Call);
        let quote = Quote::new(dec(bid), dec(ask), dec("7"));
        let ladder = Ladder { instrument: &instrument, quote: &quote, depth: depth.parse().unwrap(), seed };
        ladder.against(side).collect()
    }

    fn prices(levels: &[Level]) -> Vec<String> {
        levels.iter().map(|level| level.price.normalize().to_string()).collect()
    }

    #[test]
    fn levels_stand_on_the_grid_which_changes_its_step_at_three_dollars() {
        let quote = ("2.85", "2.90");
        assert_eq!(prices(&levels(1, "5", quote, Side::Buy)), ["2.9", "2.95", "3", "3.1", "3.2"]);
        assert_eq!(prices(&levels(1, "3", quote, Side::Sell)), ["2.85", "2.8", "2.75"]);
        assert_eq!(prices(&levels(1, "3:2", quote, Side::Buy)), ["2.9", "3", "3.2"]);
        assert_eq!(
            prices(&levels(1, "9", ("0.10", "0.15"), Side::Sell)),
            ["0.1", "0.05"],
            "nothing below zero"
        );
    }

    #[test]
    fn the_touch_is_the_quotes_and_the_rest_is_the_seeds() {
        let quote = ("2.85", "2.90");
        let one = levels(1, "8:1:300", quote, Side::Buy);
        assert_eq!(one, levels(1, "8:1:300", quote, Side::Buy));
        assert_ne!(one, levels(2, "8:1:300", quote, Side::Buy));
        assert_eq!(one[0].size, dec("7"));
        assert!(one[1..].iter().all(|level| (dec("60")..=dec("540")).contains(&level.size)), "{one:?}");
        // When the market moves a step, what stands at a price still stands there.
        let moved = levels(1, "8:1:300", ("2.90", "2.95"), Side::Buy);
        assert_eq!(moved[1..6], one[2..7]);
    }

    #[test]
    fn a_book_is_written_as_levels_steps_and_size() {
        assert_eq!("10".parse(), Ok(Depth::levels(10)));
        assert_eq!("5:2:300".parse(), Ok(Depth { levels: 5, spacing: 2, size: Some(dec("300")) }));
        for text in ["", "0", "101", "5:0", "5:1:0", "5:1:x", "5:1:1:1", "-1"] {
            assert!(text.parse::<Depth>().is_err(), "{text}");
        }
    }
}
