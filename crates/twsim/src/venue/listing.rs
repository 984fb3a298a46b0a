//! Instruments of other currencies, and the texts that list them.
//!
//! Tick ladders, lots and primary exchanges are plain ones of each market, not looked up.

use rust_decimal::Decimal;

use super::commission::CommissionRule;
use super::instrument::{Instrument, SecType, TickStep};
use super::types::ConId;

/// How stocks of one currency are listed.
struct Home {
    currency: &'static str,
    exchange: &'static str,
    price_magnifier: i32,
    lot: u32,
    market_rule_id: i32,
    /// Low edge and increment.
    ticks: &'static [(&'static str, &'static str)],
}

const CENTS: &[(&str, &str)] = &[("0", "0.01")];

const HOMES: [Home; 8] = [
    Home {
        currency: "EUR",
        exchange: "IBIS",
        price_magnifier: 1,
        lot: 1,
        market_rule_id: 2001,
        ticks: &[
            ("0", "0.001"),
            ("10", "0.005"),
            ("20", "0.01"),
            ("50", "0.02"),
            ("100", "0.05"),
            ("200", "0.1"),
        ],
    },
    Home {
        currency: "GBP",
        exchange: "LSE",
        price_magnifier: 100,
        lot: 1,
        market_rule_id: 2002,
        ticks: &[
            ("0", "0.01"),
            ("50", "0.02"),
            ("100", "0.05"),
            ("200", "0.1"),
            ("500", "0.2"),
            ("1000", "0.5"),
            ("2000", "1"),
        ],
    },
    Home {
        currency: "JPY",
        exchange: "TSEJ",
        price_magnifier: 1,
        lot: 100,
        market_rule_id: 2003,
        ticks: &[("0", "1"), ("3000", "5"), ("5000", "10"), ("30000", "50"), ("50000", "100")],
    },
    Home { currency: "CAD", exchange: "TSE", price_magnifier: 1, lot: 1, market_rule_id: 2004, ticks: CENTS },
    Home { currency: "CHF", exchange: "EBS", price_magnifier: 1, lot: 1, market_rule_id: 2005, ticks: CENTS },
    Home { currency: "AUD", exchange: "ASX", price_magnifier: 1, lot: 1, market_rule_id: 2006, ticks: CENTS },
    Home {
        currency: "HKD",
        exchange: "SEHK",
        price_magnifier: 1,
        lot: 100,
        market_rule_id: 2007,
        ticks: CENTS,
    },
    Home {
        currency: "USD",
        exchange: "NASDAQ",
        price_magnifier: 1,
        lot: 1,
        market_rule_id: 26,
        ticks: CENTS,
    },
];

/// First prices of pairs whose listing names none.
const PAIRS: [(&str, &str); 9] = [
    ("EUR.USD", "1.085"),
    ("GBP.USD", "1.27"),
    ("AUD.USD", "0.655"),
    ("USD.JPY", "150"),
    ("USD.CHF", "0.88"),
    ("USD.CAD", "1.37"),
    ("USD.HKD", "7.8"),
    ("EUR.GBP", "0.855"),
    ("EUR.JPY", "163"),
];

/// A text that lists no instrument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// It has another form.
    #[error(
        "{0:?} is not written as SYMBOL[/CURRENCY][@EXCHANGE][~SIZE][=PRICE] or as a pair, EUR.USD[=PRICE]"
    )]
    Form(String),
    /// Stocks of this currency have no ticks here.
    #[error("stocks in {currency} are not known here; known are {known}")]
    Currency {
        /// What was written.
        currency: String,
        /// What is known.
        known: String,
    },
    /// Nothing says what it costs.
    #[error("{0} needs a price, written behind it: {0}=1.5")]
    Price(String),
}

impl Instrument {
    /// A stock in a currency, with the tick ladder, lots, commission and primary exchange of a market of that currency.
    /// Prices of London are in pence. `None` for a currency that is not known here.
    pub fn stock_in(con_id: ConId, symbol: &str, currency: &str, start_price: Decimal) -> Option<Self> {
        let home = HOMES.iter().find(|home| home.currency == currency)?;
        let number = |text: &str| text.parse::<Decimal>().ok();
        let step = |(low, increment): &(&str, &str)| {
            Some(TickStep { low_edge: number(low)?, increment: number(increment)? })
        };
        Some(Self {
            primary_exchange: home.exchange.to_owned(),
            currency: currency.to_owned(),
            trading_class: if currency == "USD" { "NMS" } else { symbol }.to_owned(),
            price_magnifier: home.price_magnifier,
            min_size: home.lot.into(),
            size_increment: home.lot.into(),
            market_rule_id: home.market_rule_id,
            ticks: home.ticks.iter().map(step).collect::<Option<_>>()?,
            commission: CommissionRule::published(SecType::Stock, currency),
            ..Self::stock(con_id, symbol, start_price)
        })
    }

    /// What a text lists: `AAPL`, `SAP/EUR=180`, `VOD/GBP@LSE=70.5`, `BRK/USD~0.0001=600`, `USD.JPY=150`. Parts behind the
    /// symbol are its currency, primary exchange, size increment and first price; dollars, the usual of the currency,
    /// its lot and 100 without them.
    ///
    /// # Errors
    ///
    /// Which part cannot be read.
    pub fn listed(con_id: ConId, text: &str) -> Result<Self, ListingError> {
        let form = || ListingError::Form(text.to_owned());
        let positive = |text: &str| Decimal::from_str_exact(text).ok().filter(|it| *it > Decimal::ZERO);
        let (name, price) = match text.trim().split_once('=') {
            Some((name, price)) => (name, Some(positive(price).ok_or_else(form)?)),
            None => (text.trim(), None),
        };
        if let Some((base, quote)) = pair(name) {
            let usual =
                PAIRS.iter().find(|(known, _)| *known == name).and_then(|(_, price)| price.parse().ok());
            let price = price.or(usual).ok_or_else(|| ListingError::Price(name.to_owned()))?;
            return Ok(Self::forex(con_id, base, quote, price));
        }
        let (name, increment) = match name.split_once('~') {
            Some((name, increment)) => (name, Some(positive(increment).ok_or_else(form)?)),
            None => (name, None),
        };
        let (name, exchange) = match name.split_once('@') {
            Some((name, exchange)) => {
                (name, Some(exchange).filter(|it| is_word(it)).map(Some).ok_or_else(form)?)
            }
            None => (name, None),
        };
        let (symbol, currency) = name.split_once('/').unwrap_or((name, "USD"));
        if !is_word(symbol) {
            return Err(form());
        }
        let stock = Self::stock_in(con_id, symbol, currency, price.unwrap_or(Decimal::ONE_HUNDRED));
        let mut stock = stock.ok_or_else(|| ListingError::Currency {
            currency: currency.to_owned(),
            known: HOMES.map(|home| home.currency).join(", "),
        })?;
        if let Some(exchange) = exchange {
            exchange.clone_into(&mut stock.primary_exchange);
        }
        Ok(increment.map_or(stock.clone(), |increment| stock.fractional(increment)))
    }
}

/// Two currencies with a point between them.
fn pair(name: &str) -> Option<(&str, &str)> {
    let is_currency = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    name.split_once('.').filter(|(base, quote)| is_currency(base) && is_currency(quote))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn listed(text: &str) -> Instrument {
        Instrument::listed(1, text).unwrap()
    }

    #[test]
    fn a_text_lists_stocks_of_several_currencies_and_pairs() {
        let aapl = listed("TSLA");
        assert_eq!(
            (aapl.currency.as_str(), aapl.start_price, aapl.size_increment),
            ("USD", dec("100"), dec("1"))
        );
        let sap = listed("SAP/EUR=180");
        assert_eq!((sap.primary_exchange.as_str(), sap.increment_at(dec("180"))), ("IBIS", dec("0.05")));
        assert_eq!(sap.increment_at(dec("19.99")), dec("0.005"));
        let vodafone = listed("VOD/GBP@LSEETF=70.5");
        assert_eq!((vodafone.primary_exchange.as_str(), vodafone.point_value()), ("LSEETF", dec("0.01")));
        let toyota = listed("7203/JPY=2800");
        assert_eq!(
            (toyota.min_size, toyota.min_tick(), toyota.commission.minimum),
            (dec("100"), dec("1"), dec("80"))
        );
        let part = listed("BRK~0.0001=600");
        assert_eq!((part.min_size, part.size_increment), (dec("0.0001"), dec("0.0001")));
        let yen = listed("USD.JPY");
        assert_eq!(
            (yen.sec_type, yen.min_tick(), yen.start_price),
            (SecType::Forex, dec("0.005"), dec("150"))
        );
        assert_eq!(listed("NOK.SEK=1.02").local_symbol, "NOK.SEK");
        assert_eq!(listed("BRK.B").symbol, "BRK.B");
    }

    #[test]
    fn a_text_that_lists_nothing_says_what_would() {
        for text in ["", "=5", "SAP/EUR=", "SAP/EUR=0", "SAP/EUR=x", "SAP~0=1", "SAP@", "a,b"] {
            assert_eq!(Instrument::listed(1, text), Err(ListingError::Form(text.to_owned())), "{text}");
        }
        assert_eq!(Instrument::listed(1, "NOK.SEK"), Err(ListingError::Price("NOK.SEK".to_owned())));
        let unknown = Instrument::listed(1, "EQNR/NOK=300").unwrap_err().to_string();
        assert!(unknown.contains("EUR, GBP, JPY"), "{unknown}");
    }

    #[test]
    fn sizes_keep_to_increments_and_minimums() {
        let (whole, part, lots) = (listed("TSLA"), listed("TSLA~0.0001"), listed("7203/JPY"));
        for (instrument, size, code) in [
            (&whole, "1", 0),
            (&whole, "1.5", 10_243),
            (&part, "1.5", 0),
            (&part, "0.0001", 0),
            (&part, "0.00005", 388),
            (&part, "1.00005", 321),
            (&lots, "200", 0),
            (&lots, "150", 321),
            (&lots, "50", 388),
            (&lots, "100.5", 10_243),
        ] {
            let found = instrument.check_size(dec(size)).err().map_or(0, |refusal| refusal.code());
            assert_eq!(found, code, "{size} of {}", instrument.symbol);
        }
    }
}
