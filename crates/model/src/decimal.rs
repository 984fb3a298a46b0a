//! Exact decimals: prices, sizes, money. Arithmetic that would lose a digit is refused.
//!
//! No floats: the one conversion to the broker's doubles lives in the adapter, and
//! [`Price::new`] and [`Qty::new`] admit only what such a double carries exactly.

use core::fmt;
use core::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Significant digits that every IEEE 754 double carries there and back (`DBL_DIG`).
pub const DOUBLE_DIGITS_MAX: u32 = 15;

/// Why a number is not a price, a size or a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// More significant digits than the broker's double can carry.
    #[error(
        "{value} has more than 15 significant digits; the broker cannot carry it exactly, round it first"
    )]
    TooManyDigits {
        /// The number as given.
        value: Decimal,
    },
    /// A size below zero.
    #[error("{value} is negative; a size is zero or more, direction is the order's side")]
    Negative {
        /// The number as given.
        value: Decimal,
    },
    /// Text that is not a plain decimal number.
    #[error("`{text}` is not a decimal number; write it like 101.25, without exponent, separators or NaN")]
    NotDecimal {
        /// The text as given.
        text: String,
    },
    /// Text that is not three capital letters.
    #[error("`{text}` is not a currency; write three capital letters such as USD")]
    NotCurrency {
        /// The text as given.
        text: String,
    },
}

/// Multiplies without losing a digit; `None` when the product does not fit 28 digits.
///
/// `rust_decimal` rounds silently where the exact product is too long, so money never
/// uses its operators directly.
///
/// ```
/// use alphec_model::{Decimal, exact_mul};
/// assert_eq!(exact_mul(Decimal::new(15, 1), Decimal::new(4, 0)), Some(Decimal::new(60, 1)));
/// assert_eq!(exact_mul(Decimal::new(1, 28), Decimal::new(1, 1)), None);
/// ```
#[must_use]
pub fn exact_mul(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = if a.scale().checked_add(b.scale())? > Decimal::MAX_SCALE {
        (a.normalize(), b.normalize())
    } else {
        (a, b)
    };
    let mantissa = a.mantissa().checked_mul(b.mantissa())?;
    Decimal::try_from_i128_with_scale(mantissa, a.scale().checked_add(b.scale())?).ok()
}

/// Number of significant digits, trailing zeros not counted.
#[must_use]
pub fn significant_digits(value: Decimal) -> u32 {
    match value.normalize().mantissa().unsigned_abs() {
        0 => 0,
        mantissa => {
            let mut digits = mantissa;
            while digits.is_multiple_of(10) {
                digits /= 10;
            }
            digits.ilog10().saturating_add(1)
        }
    }
}

fn carried_exactly(value: Decimal) -> Result<Decimal, ValueError> {
    if significant_digits(value) > DOUBLE_DIGITS_MAX {
        Err(ValueError::TooManyDigits { value })
    } else {
        Ok(value)
    }
}

fn parse(text: &str) -> Result<Decimal, ValueError> {
    Decimal::from_str_exact(text).map_err(|_| ValueError::NotDecimal { text: text.to_owned() })
}

/// A decimal as JSON and TOML spell it: a string or a whole number, never a float
/// (a float has already lost what was written).
#[derive(Clone, Copy, Serialize, Deserialize)]
struct DecimalText(#[serde(with = "text")] Decimal);

/// Serde for a bare `Decimal` field: a string out; a string or a whole number in; a float is an error.
pub mod text {
    use core::fmt;

    use rust_decimal::Decimal;
    use serde::{Deserializer, Serializer, de};

    /// Writes the decimal as a string.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads a string or a whole number.
    ///
    /// # Errors
    /// A float, or text that is no decimal.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }

    struct TextVisitor;

    impl de::Visitor<'_> for TextVisitor {
        type Value = Decimal;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a decimal in quotes, like \"101.25\", or a whole number")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
            super::parse(text).map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
            Ok(Decimal::from(value))
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
            Ok(Decimal::from(value))
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
            Err(E::custom(format_args!("the float {value} has no exact value; write the decimal in quotes")))
        }
    }

    /// The same for a field that may be absent.
    pub mod option {
        use rust_decimal::Decimal;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use crate::decimal::DecimalText;

        /// Writes the decimal as a string, or null.
        ///
        /// # Errors
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
            value.map(DecimalText).serialize(serializer)
        }

        /// Reads a string, a whole number, or null.
        ///
        /// # Errors
        /// A float, or text that is no decimal.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
            Ok(Option::<DecimalText>::deserialize(deserializer)?.map(|value| value.0))
        }
    }
}

macro_rules! decimal_type {
    ($(#[$meta:meta])* $name:ident, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "DecimalText", into = "DecimalText")]
        pub struct $name(Decimal);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// Takes an exact decimal.
            ///
            /// # Errors
            /// [`ValueError`] when the number is outside what the type and the broker can carry.
            pub fn new(value: Decimal) -> Result<Self, ValueError> {
                let check: fn(Decimal) -> Result<Decimal, ValueError> = $check;
                check(value).map(Self)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> Decimal {
                self.0
            }

            /// Whether it is zero.
            #[must_use]
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ValueError;
            fn from_str(text: &str) -> Result<Self, ValueError> {
                Self::new(parse(text)?)
            }
        }

        impl TryFrom<DecimalText> for $name {
            type Error = ValueError;
            fn try_from(value: DecimalText) -> Result<Self, ValueError> {
                Self::new(value.0)
            }
        }

        impl From<$name> for DecimalText {
            fn from(value: $name) -> Self {
                Self(value.0)
            }
        }

        impl From<$name> for Decimal {
            fn from(value: $name) -> Decimal {
                value.0
            }
        }
    };
}

decimal_type!(
    /// A price in the instrument's quote unit. May be zero or negative (spreads, some futures);
    /// whether *this* instrument allows it is the instrument's rule.
    Price,
    carried_exactly
);

decimal_type!(
    /// A size: zero or more, in the instrument's own units (shares, contracts, base currency).
    Qty,
    |value| if value.is_sign_negative() && !value.is_zero() {
        Err(ValueError::Negative { value })
    } else {
        carried_exactly(value)
    }
);

decimal_type!(
    /// A signed size: a position (long above zero, short below).
    SignedQty,
    carried_exactly
);

impl Qty {
    /// Sum, or `None` when it leaves the exact range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|sum| Self::new(sum).ok())
    }

    /// Difference, floored at zero (a fill beyond the order's size is reported elsewhere).
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        if other.0 >= self.0 { Self::ZERO } else { Self(self.0.saturating_sub(other.0)) }
    }
}

impl SignedQty {
    /// Sum, or `None` when it leaves the exact range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|sum| Self::new(sum).ok())
    }

    /// The opposite direction.
    #[must_use]
    pub fn negated(self) -> Self {
        let mut value = self.0;
        value.set_sign_negative(!value.is_zero() && value.is_sign_positive());
        Self(value)
    }
}

impl From<Qty> for SignedQty {
    fn from(value: Qty) -> Self {
        Self(value.0)
    }
}

/// An ISO 4217 style currency code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl FromStr for Currency {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(ValueError::NotCurrency { text: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(value: Currency) -> Self {
        value.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much, exactly.
    #[serde(with = "text")]
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_keeps_its_scale_and_refuses_a_sixteenth_digit() {
        assert_eq!("1.10".parse::<Price>().unwrap().to_string(), "1.10");
        assert_eq!("0.123456789012345".parse::<Price>().unwrap().to_string(), "0.123456789012345");
        assert!(matches!("1234567890.123456".parse::<Price>(), Err(ValueError::TooManyDigits { .. })));
        assert!("1000000000000000000".parse::<Price>().is_ok(), "trailing zeros are not digits to carry");
    }

    #[test]
    fn text_that_is_not_a_plain_decimal_is_refused() {
        for text in ["", "NaN", "inf", "1e5", "1,000", "0x10", " 1"] {
            assert!(matches!(text.parse::<Qty>(), Err(ValueError::NotDecimal { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_negative_size_is_refused_and_a_negative_price_is_not() {
        assert!(matches!("-1".parse::<Qty>(), Err(ValueError::Negative { .. })));
        assert!("-1".parse::<Price>().is_ok());
    }

    #[test]
    fn exact_mul_never_rounds() {
        let tiny = Decimal::new(1, 14);
        assert_eq!(exact_mul(tiny, Decimal::new(1, 15)), None, "rust_decimal would have answered zero");
        assert_eq!(exact_mul(Decimal::MAX, Decimal::TWO), None);
        assert_eq!(exact_mul(Decimal::new(-25, 1), Decimal::new(40, 1)), Some(Decimal::new(-1000, 2)));
    }

    #[test]
    fn json_spells_decimals_as_strings_and_refuses_floats() {
        assert_eq!(serde_json::to_string(&"1.10".parse::<Price>().unwrap()).unwrap(), r#""1.10""#);
        assert!(serde_json::from_str::<Price>("1.10").is_err(), "a float is not a price");
    }
}
