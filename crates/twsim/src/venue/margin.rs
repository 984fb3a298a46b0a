//! What positions tie up, by kind of product: plain rules in the broker's published style, not its risk model.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::instrument::{Instrument, Right, SecType};

/// An initial and a maintenance requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Margin {
    /// What opening a position needs.
    pub initial: Decimal,
    /// What keeping it needs.
    pub maintenance: Decimal,
}

impl Margin {
    /// The same for both.
    pub const fn flat(amount: Decimal) -> Self {
        Self { initial: amount, maintenance: amount }
    }

    fn times(self, factor: Decimal) -> Option<Self> {
        Some(Self {
            initial: self.initial.checked_mul(factor)?,
            maintenance: self.maintenance.checked_mul(factor)?,
        })
    }
}

/// How much an instrument's positions tie up, in its own currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarginRule {
    /// Shares of the value, one for long and one for short positions.
    Share {
        /// Of what is held.
        long: Margin,
        /// Of what is owed.
        short: Margin,
    },
    /// Amounts for each contract, long or short alike.
    PerContract(Margin),
    /// Options: long ones are paid for in full; short ones tie up their value and 20 % of the underlying less what they
    /// are out of the money, at least 10 % of the underlying for calls and of the strike for puts.
    Option,
}

impl MarginRule {
    /// The same share for long and short, initial and maintenance.
    pub const fn share(rate: Decimal) -> Self {
        Self::Share { long: Margin::flat(rate), short: Margin::flat(rate) }
    }

    /// The rule of a kind when nothing else is said: stocks 25 % long and 30 % short, futures 6.6 % initial and 6 %
    /// maintenance of the notional, currency pairs 3 %.
    pub fn usual(sec_type: SecType) -> Self {
        let percent = |thousandths: i64| Decimal::new(thousandths, 3);
        match sec_type {
            SecType::Stock => {
                Self::Share { long: Margin::flat(percent(250)), short: Margin::flat(percent(300)) }
            }
            SecType::Future => {
                let both = Margin { initial: percent(66), maintenance: percent(60) };
                Self::Share { long: both, short: both }
            }
            SecType::Forex => Self::share(percent(30)),
            SecType::Option => Self::Option,
            // Its legs tie up what they do.
            SecType::Bag => Self::share(Decimal::ZERO),
        }
    }

    /// What `quantity` (signed) at `price` ties up; `None` for what no decimal can hold. `underlying` is the price of
    /// what an option is on.
    pub(super) fn of(
        &self,
        instrument: &Instrument,
        quantity: Decimal,
        (price, underlying): (Decimal, Option<Decimal>),
    ) -> Option<Margin> {
        let value = quantity.abs().checked_mul(price.abs())?.checked_mul(instrument.point_value())?;
        let is_short = quantity.is_sign_negative();
        match self {
            Self::Share { long, short } => if is_short { short } else { long }.times(value),
            Self::PerContract(each) => each.times(quantity.abs()),
            Self::Option if is_short => {
                let beyond = short_option(instrument, underlying);
                let units = quantity.abs().checked_mul(instrument.point_value())?;
                Some(Margin::flat(value.checked_add(beyond.checked_mul(units)?)?))
            }
            Self::Option => Some(Margin::default()),
        }
    }
}

/// `19140/17400` for each contract, `50%/25%` of the value: initial and maintenance, or one amount for both.
impl FromStr for MarginRule {
    type Err = MarginTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || MarginTextError { text: text.to_owned() };
        let (initial, maintenance) = text.trim().split_once('/').unwrap_or((text.trim(), text.trim()));
        let amount = |text: &str| Decimal::from_str_exact(text).ok().filter(|it| *it >= Decimal::ZERO);
        match (initial.strip_suffix('%'), maintenance.strip_suffix('%')) {
            (Some(initial), Some(maintenance)) => {
                let share =
                    |text: &str| amount(text).map(|percent| percent / Decimal::ONE_HUNDRED).ok_or_else(bad);
                let both = Margin { initial: share(initial)?, maintenance: share(maintenance)? };
                Ok(Self::Share { long: both, short: both })
            }
            (None, None) => Ok(Self::PerContract(Margin {
                initial: amount(initial).ok_or_else(bad)?,
                maintenance: amount(maintenance).ok_or_else(bad)?,
            })),
            _ => Err(bad()),
        }
    }
}

/// A text that is no margin rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("margin {text:?} is not of the form 19140/17400 (for each contract) or 50%/25% (of the value)")]
pub struct MarginTextError {
    /// What was written.
    pub text: String,
}

/// What a short option ties up beyond its value, for each unit. Without a market of its underlying the strike stands in.
fn short_option(instrument: &Instrument, underlying: Option<Decimal>) -> Decimal {
    let strike = instrument.strike.unwrap_or_default();
    let underlying = underlying.unwrap_or(strike);
    let (out_of_the_money, floor) = match instrument.right {
        Some(Right::Put) => (underlying - strike, strike),
        Some(Right::Call) | None => (strike - underlying, underlying),
    };
    let tenth = Decimal::new(1, 1);
    let full = underlying * Decimal::new(2, 1) - out_of_the_money.max(Decimal::ZERO);
    full.max(floor * tenth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_is_written_as_amounts_or_as_shares() {
        let both = |initial, maintenance| Margin { initial: dec(initial), maintenance: dec(maintenance) };
        let share = |margin| MarginRule::Share { long: margin, short: margin };
        assert_eq!("19140/17400".parse(), Ok(MarginRule::PerContract(both("19140", "17400"))));
        assert_eq!("500".parse(), Ok(MarginRule::PerContract(both("500", "500"))));
        assert_eq!("50%/25%".parse(), Ok(share(both("0.5", "0.25"))));
        assert_eq!("3%".parse(), Ok(share(both("0.03", "0.03"))));
        for text in ["", "x", "-1", "50%/25", "1/2/3", "%"] {
            assert!(text.parse::<MarginRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_kind_ties_up_what_its_rule_says() {
        let stock = Instrument::stock(1, "AAPL", dec("230"));
        let future = Instrument::future(2, "ES", dec("50"), dec("0.25"));
        let pair = Instrument::forex(3, "EUR", "USD", dec("1.085"));
        let call = Instrument::option(4, "AAPL", "20270115", dec("250"), Right::Call);
        let put = Instrument::option(5, "AAPL", "20270115", dec("200"), Right::Put);
        let per_contract = Instrument {
            margin: MarginRule::PerContract(Margin { initial: dec("19000"), maintenance: dec("17000") }),
            ..future.clone()
        };
        let none = "";
        let table = [
            (&stock, "100", "230", none, "5750", "5750"),
            (&stock, "-100", "230", none, "6900", "6900"),
            (&future, "2", "5800", none, "38280", "34800"),
            (&future, "-2", "5800", none, "38280", "34800"),
            (&per_contract, "-3", "5800", none, "57000", "51000"),
            (&pair, "20000", "1.1", none, "660", "660"),
            (&call, "3", "7.5", "230", "0", "0"),
            // 750 and a fifth of 230 less the 20 out of the money.
            (&call, "-1", "7.5", "230", "3350", "3350"),
            // Far out of the money: a tenth of the underlying, of the strike for a put.
            (&call, "-1", "1", "150", "1600", "1600"),
            (&put, "-1", "1", "300", "2100", "2100"),
            (&put, "-2", "10", none, "10000", "10000"),
        ];
        for (instrument, quantity, price, underlying, initial, maintenance) in table {
            let found = instrument
                .margin
                .of(instrument, dec(quantity), (dec(price), underlying.parse().ok()))
                .unwrap();
            let expected = Margin { initial: dec(initial), maintenance: dec(maintenance) };
            assert_eq!(found, expected, "{quantity} {} at {price}", instrument.local_symbol);
        }
        assert_eq!(stock.margin.of(&stock, Decimal::MAX, (dec("230"), None)), None);
    }
}
