//! Between the wire's doubles and texts and the venue's exact decimals.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The decimal a double was written as: the shortest one that reads back as the same double. `None` for the
/// "unset" sentinel and for values no price can have.
pub(crate) fn decimal_from_double(value: f64) -> Option<Decimal> {
    if !value.is_finite() || value.abs() > 1e15 {
        return None;
    }
    for (scale, power) in POWERS.iter().enumerate().take(10) {
        let scaled = (value * power).round();
        if scaled.abs() < EXACT && scaled / power == value {
            #[expect(clippy::cast_possible_truncation, reason = "checked against 2^53 above")]
            return Some(Decimal::new(scaled as i64, u32::try_from(scale).unwrap_or(0)).normalize());
        }
    }
    format!("{value}").parse().ok().map(|it: Decimal| it.normalize())
}

/// A decimal text; `None` when absent, empty or one of the "unset" sentinels; `Err` with the text otherwise.
pub(crate) fn decimal_from_text(text: Option<&str>) -> Result<Option<Decimal>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if UNSET.contains(&text) {
        return Ok(None);
    }
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .map(|it: Decimal| Some(it.normalize()))
        .map_err(|_| text.to_owned())
}

/// The nearest double. Dividing two exact doubles rounds once, so the short path is exact too.
pub(crate) fn to_double(value: Decimal) -> f64 {
    let mantissa = value.mantissa();
    if let (Some(power), Some(mantissa)) = (POWERS.get(value.scale() as usize), mantissa.to_f64())
        && mantissa.abs() < EXACT
    {
        return mantissa / power;
    }
    value.to_string().parse().unwrap_or_default()
}

/// The text of a quantity: no trailing zeros, zero as `0`.
pub(crate) fn quantity_text(value: Decimal) -> String {
    // Whole numbers, which most quantities are, without the detour through a formatter.
    if value.scale() == 0
        && let Ok(whole) = i64::try_from(value.mantissa())
    {
        return whole.to_string();
    }
    value.normalize().to_string()
}

const EXACT: f64 = 9_007_199_254_740_992.0;

const POWERS: [f64; 16] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

const UNSET: [&str; 6] = [
    "2147483647",
    "9223372036854775807",
    "-9223372036854775808",
    "1.7976931348623157E308",
    "1.7976931348623157e308",
    "170141183460469231731687303715884105727",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_becomes_the_decimal_it_was_written_as() {
        for text in ["0", "0.1", "230.15", "1.08505", "-3.25", "5800.25", "0.00005", "123456789.12"] {
            let value: f64 = text.parse().unwrap();
            assert_eq!(decimal_from_double(value).unwrap().to_string(), text);
            assert_eq!(to_double(text.parse().unwrap()), value);
        }
        assert_eq!(decimal_from_double(0.1 + 0.2).unwrap().to_string(), "0.30000000000000004");
    }

    #[test]
    fn sentinels_are_no_number() {
        assert_eq!(decimal_from_double(f64::MAX), None);
        assert_eq!(decimal_from_double(f64::NAN), None);
        assert_eq!(decimal_from_text(Some("2147483647")), Ok(None));
        assert_eq!(decimal_from_text(Some("")), Ok(None));
        assert_eq!(decimal_from_text(Some("ten")), Err("ten".to_owned()));
    }
}
