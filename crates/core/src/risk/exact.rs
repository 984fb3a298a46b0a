//! Sums of many products, without rounding and without the cost of a decimal at each step.
//!
//! `rust_decimal` drops digits where a sum grows too long, and checks its range each time. Here a
//! number is its digits and its scale; what leaves the range of the digits is `None`, never rounded.

use alphec_model::Decimal;

/// Digits and how many of them are decimals.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exact {
    digits: i128,
    scale: u32,
}

impl Exact {
    pub(super) const fn of(value: Decimal) -> Self {
        Self { digits: value.mantissa(), scale: value.scale() }
    }

    pub(super) const fn abs(self) -> Self {
        Self { digits: self.digits.saturating_abs(), scale: self.scale }
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let (one, two, scale) = self.aligned(other)?;
        Some(Self { digits: one.checked_add(two)?, scale })
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let (one, two, scale) = self.aligned(other)?;
        Some(Self { digits: one.checked_sub(two)?, scale })
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        if other.digits == 1 && other.scale == 0 {
            return Some(self);
        }
        let scale = self.scale.checked_add(other.scale)?;
        Some(Self { digits: self.digits.checked_mul(other.digits)?, scale })
    }

    pub(super) fn larger(self, other: Self) -> Option<Self> {
        let (one, two, scale) = self.aligned(other)?;
        Some(Self { digits: one.max(two), scale })
    }

    /// The decimal, if one holds it.
    pub(super) fn get(self) -> Option<Decimal> {
        let (mut digits, mut scale) = (self.digits, self.scale);
        while scale > Decimal::MAX_SCALE && digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale.saturating_sub(1));
        }
        Decimal::try_from_i128_with_scale(digits, scale).ok()
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        if self.scale == other.scale {
            return Some((self.digits, other.digits, self.scale));
        }
        let tens = 10_i128.checked_pow(self.scale.abs_diff(other.scale))?;
        if self.scale < other.scale {
            Some((self.digits.checked_mul(tens)?, other.digits, other.scale))
        } else {
            Some((self.digits, other.digits.checked_mul(tens)?, self.scale))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::of(text.parse().unwrap())
    }

    #[test]
    fn it_agrees_with_decimals_where_those_are_exact() {
        for one in ["0", "1", "-1", "0.25", "-12345.678901", "1000000", "0.0000001"] {
            for two in ["0", "1", "-1", "50", "0.005", "-99.99", "123456789"] {
                let (left, right): (Decimal, Decimal) = (one.parse().unwrap(), two.parse().unwrap());
                let (a, b) = (exact(one), exact(two));
                assert_eq!(a.plus(b).and_then(Exact::get), left.checked_add(right), "{one} + {two}");
                assert_eq!(a.minus(b).and_then(Exact::get), left.checked_sub(right), "{one} - {two}");
                assert_eq!(a.times(b).and_then(Exact::get), left.checked_mul(right), "{one} * {two}");
                assert_eq!(a.larger(b).and_then(Exact::get), Some(left.max(right)), "{one} or {two}");
                assert_eq!(a.abs().get(), Some(left.abs()));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_none_and_never_rounded() {
        let long = exact("0.1234567890123456789012345678");
        assert!(long.plus(exact("1000000")).and_then(Exact::get).is_none(), "a decimal would drop digits");
        let wide = Exact::of(Decimal::MAX);
        assert!(wide.times(wide).is_none());
        assert!(wide.plus(wide).and_then(Exact::get).is_none());
    }
}
