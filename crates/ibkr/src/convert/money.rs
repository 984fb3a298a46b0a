//! Numbers: exact decimals on our side, doubles on ibapi's.
//!
//! Outwards a decimal must survive the way to a double and back, else nothing is sent. Inwards the
//! shortest text of the double is read: `Decimal::from_f64` fails to recover one in a thousand.

use alphec_model::{Decimal, Price, Qty, SignedQty};
use rust_decimal::RoundingStrategy;
use rust_decimal::prelude::ToPrimitive;

use super::Refused;

/// Significant digits that a double carries there and back.
const DOUBLE_DIGITS: u32 = 15;

/// The decimal "unset" sentinel, 2^127 - 1, as ibapi hands it on: a finite double.
const UNSET_DECIMAL: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_727.0;

/// The "unset" sentinel of 64-bit fields as a double.
const UNSET_LONG: f64 = 9_223_372_036_854_775_807.0;

/// Whether the double stands for "no value". The broker's sentinels are all beyond any real number here.
pub(crate) fn is_unset(value: f64) -> bool {
    value == f64::MAX || value == UNSET_DECIMAL || value.abs() == UNSET_LONG
}

/// A decimal as the double that gives it back exactly.
pub(crate) fn to_double(what: &'static str, value: Decimal) -> Result<f64, Refused> {
    let inexact = || Refused::new(what, format!("{value} does not survive the way through a double"));
    let double = value.to_f64().ok_or_else(inexact)?;
    if decimal(what, double)? == value { Ok(double) } else { Err(inexact()) }
}

/// The decimal that a double was printed from. NaN, infinities and sentinels are refused.
pub(crate) fn decimal(what: &'static str, value: f64) -> Result<Decimal, Refused> {
    if !value.is_finite() {
        return Err(Refused::new(what, format!("{value} is not a number")));
    }
    if is_unset(value) {
        return Err(Refused::new(what, format!("{value} means unset")));
    }
    if value == 0.0 {
        return Ok(Decimal::ZERO);
    }
    Decimal::from_str_exact(&value.to_string())
        .map_err(|error| Refused::new(what, format!("{value}: {error}")))
}

/// A size. Unset is an error: read as zero, a partial fill becomes a full one.
pub(crate) fn qty(what: &'static str, value: f64) -> Result<Qty, Refused> {
    Qty::new(decimal(what, value)?).map_err(|error| Refused::new(what, error))
}

/// A signed size.
pub(crate) fn signed_qty(what: &'static str, value: f64) -> Result<SignedQty, Refused> {
    SignedQty::new(decimal(what, value)?).map_err(|error| Refused::new(what, error))
}

/// A price. Digits past the fifteenth were never carried by the broker's double: they are the noise of an
/// average or a conversion (27.333333333333332), so they are rounded off rather than costing a fill.
pub(crate) fn price(what: &'static str, value: f64) -> Result<Price, Refused> {
    let exact = decimal(what, value)?;
    if let Ok(price) = Price::new(exact) {
        return Ok(price);
    }
    let carried = exact
        .round_sf_with_strategy(DOUBLE_DIGITS, RoundingStrategy::MidpointNearestEven)
        .ok_or_else(|| Refused::new(what, format!("{value} has too many digits")))?;
    Price::new(carried.normalize()).map_err(|error| Refused::new(what, error))
}

/// A price that may be unset.
pub(crate) fn optional_price(what: &'static str, value: Option<f64>) -> Result<Option<Price>, Refused> {
    value.filter(|value| !is_unset(*value)).map(|value| price(what, value)).transpose()
}

/// A number in a text field, such as an account value or a multiplier.
pub(crate) fn parse(what: &'static str, text: &str) -> Result<Decimal, Refused> {
    Decimal::from_str_exact(text).map_err(|error| Refused::new(what, format!("`{text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_decimal_of_fifteen_digits_survives_the_double(
            mantissa in -999_999_999_999_999_i64..=999_999_999_999_999,
            scale in 0_u32..=15,
        ) {
            let value = Decimal::new(mantissa, scale);
            let double = to_double("value", value).unwrap();
            prop_assert_eq!(decimal("value", double).unwrap(), value);
            prop_assert_eq!(price("value", double).unwrap().get(), value);
        }

        #[test]
        fn any_double_is_converted_or_refused_and_never_panics(bits in any::<u64>()) {
            let double = f64::from_bits(bits);
            let _ = (decimal("x", double), price("x", double), qty("x", double), signed_qty("x", double));
        }
    }

    #[test]
    fn a_decimal_that_a_double_cannot_carry_is_refused() {
        for text in ["0.12345678901234567891", "79228162514264337593543950335", "12345678901234567.8"] {
            assert!(to_double("price", text.parse().unwrap()).is_err(), "{text}");
        }
        assert_eq!(to_double("price", "1.10".parse().unwrap()).unwrap(), 1.1);
    }

    #[test]
    fn what_is_no_number_or_means_unset_is_refused() {
        let unset = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, UNSET_DECIMAL, UNSET_LONG, 1e300];
        for value in unset {
            assert!(qty("filled", value).is_err(), "{value}");
            assert!(price("price", value).is_err(), "{value}");
        }
        // The same sentinels as ibapi parses them from their text.
        for text in ["170141183460469231731687303715884105727", "1.7976931348623157E308"] {
            assert!(is_unset(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn noise_past_the_fifteenth_digit_does_not_cost_a_fill() {
        assert_eq!(price("price", 27.333_333_333_333_332).unwrap().to_string(), "27.3333333333333");
        assert_eq!(price("price", 0.1 + 0.2).unwrap(), "0.3".parse().unwrap());
        assert!(qty("filled", 27.333_333_333_333_332).is_err(), "sizes travel as decimal text: no noise");
    }

    #[test]
    fn a_negative_size_is_refused_and_minus_zero_is_zero() {
        assert!(qty("filled", -1.0).is_err());
        assert_eq!(qty("filled", -0.0).unwrap(), Qty::ZERO);
        assert_eq!(signed_qty("position", -3.5).unwrap().to_string(), "-3.5");
    }
}
