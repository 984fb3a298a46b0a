//! Chance, from one seed: the same seed draws the same numbers on every machine, for ever.

/// A stream of numbers (SplitMix64: every seed gives a full period, and it is ten lines).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A stream of its own for one purpose of a run.
    pub(crate) const fn new(seed: u64, purpose: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        // The first draws of neighbouring seeds would resemble each other.
        dice.next();
        dice
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub(crate) fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add(i64::try_from(self.next() % span).unwrap_or(0))
    }

    /// True in so many cases of a thousand.
    pub(crate) fn chance(&mut self, per_mille: i64) -> bool {
        self.range(0, 999) < per_mille
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let last = i64::try_from(of.len()).ok()?.checked_sub(1)?;
        let at = usize::try_from(self.range(0, last.max(0))).ok()?;
        of.get(at).copied()
    }

    /// Between `low` and `high`, small values far more often than large ones.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let mut top = high;
        for _ in 0..self.range(0, 4) {
            top = low.saturating_add((top.saturating_sub(low)) / 3);
        }
        self.range(low, top.max(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_numbers_and_another_purpose_others() {
        let draw = |seed, purpose| {
            let mut dice = Dice::new(seed, purpose);
            [dice.next(), dice.next(), dice.next()]
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn a_range_has_both_ends_and_nothing_beyond() {
        let mut dice = Dice::new(1, 1);
        let drawn: std::collections::BTreeSet<i64> = (0..1_000).map(|_| dice.range(-2, 3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
    }
}
