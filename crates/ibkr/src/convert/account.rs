//! Account values: text columns that hold numbers, currencies and booleans alike.

use alphec_model::{AccountValue, Currency, Decimal};

use super::{Refused, money};

/// The figure behind a key, or `None` for a key (or currency) that nobody here asks about.
pub(crate) fn value(key: &str, value: &str, currency: &str) -> Result<Option<AccountValue>, Refused> {
    Ok(match key {
        "NetLiquidation" => Some(AccountValue::NetLiquidation {
            amount: money::parse("net liquidation", value)?,
            currency: currency.parse().map_err(|error| Refused::new("base currency", error))?,
        }),
        // One row per currency, and one for the pseudo-currency BASE.
        "ExchangeRate" => match currency.parse::<Currency>() {
            Ok(currency) => Some(AccountValue::ExchangeRate { currency, rate: rate(value)? }),
            Err(_) => None,
        },
        "AccountReady" => Some(AccountValue::Ready { ready: ready(value)? }),
        _ => None,
    })
}

fn rate(text: &str) -> Result<Decimal, Refused> {
    let rate = money::parse("exchange rate", text)?;
    if rate > Decimal::ZERO {
        Ok(rate)
    } else {
        Err(Refused::new("exchange rate", format!("{rate} is not above zero")))
    }
}

fn ready(text: &str) -> Result<bool, Refused> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(Refused::new("account ready", format!("`{other}` is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_figures_are_read_and_other_keys_passed_over() {
        let amount = Decimal::new(100_000_050, 2);
        assert_eq!(
            value("NetLiquidation", "1000000.50", "USD").unwrap(),
            Some(AccountValue::NetLiquidation { amount, currency: Currency::USD })
        );
        assert_eq!(
            value("ExchangeRate", "1.0845", "EUR").unwrap(),
            Some(AccountValue::ExchangeRate {
                currency: "EUR".parse().unwrap(),
                rate: Decimal::new(10845, 4)
            })
        );
        assert_eq!(value("ExchangeRate", "1.00", "BASE").unwrap(), None);
        assert_eq!(value("AccountReady", "false", "").unwrap(), Some(AccountValue::Ready { ready: false }));
        assert_eq!(value("NetLiquidation-S", "5", "USD").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (key, text, currency) in [
            ("NetLiquidation", "", "USD"),
            ("NetLiquidation", "1e6", "USD"),
            ("NetLiquidation", "5", ""),
            ("ExchangeRate", "0", "EUR"),
            ("ExchangeRate", "-1", "EUR"),
            ("AccountReady", "maybe", ""),
        ] {
            assert!(value(key, text, currency).is_err(), "{key} {text}");
        }
    }
}
