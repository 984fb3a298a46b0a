//! Instruments: what can be traded, on which tick grid, at which cost. No prices in motion here.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::calendar::Calendar;
use super::combination::Leg;
use super::commission::CommissionRule;
use super::depth::Depth;
use super::margin::{Margin, MarginRule};
use super::refusal::Refusal;
use super::types::ConId;

/// Security type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecType {
    /// Stock.
    Stock,
    /// Future.
    Future,
    /// Option.
    Option,
    /// Currency pair.
    Forex,
    /// Combination of others.
    Bag,
}

impl SecType {
    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "STK",
            Self::Future => "FUT",
            Self::Option => "OPT",
            Self::Forex => "CASH",
            Self::Bag => "BAG",
        }
    }
}

/// Call or put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Call.
    Call,
    /// Put.
    Put,
}

impl Right {
    /// The text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "C",
            Self::Put => "P",
        }
    }
}

/// From `low_edge` upwards prices move by `increment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickStep {
    /// Lowest price the step applies to.
    pub low_edge: Decimal,
    /// Distance between two valid prices.
    pub increment: Decimal,
}

/// One tradable contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// Contract id.
    pub con_id: ConId,
    /// Symbol, or the base currency of a pair.
    pub symbol: String,
    /// Security type.
    pub sec_type: SecType,
    /// Routing exchange.
    pub exchange: String,
    /// Listing exchange.
    pub primary_exchange: String,
    /// Quote currency.
    pub currency: String,
    /// Exchange's own symbol.
    pub local_symbol: String,
    /// Trading class.
    pub trading_class: String,
    /// Long name.
    pub long_name: String,
    /// Last trade date, `YYYYMMDD`; empty when it has none.
    pub expiry: String,
    /// Strike, for options.
    pub strike: Option<Decimal>,
    /// Call or put, for options.
    pub right: Option<Right>,
    /// Units in one contract.
    pub multiplier: Decimal,
    /// Prices are in one of so many parts of the currency: 100 for London stocks, which are quoted in pence.
    pub price_magnifier: i32,
    /// Smallest order.
    pub min_size: Decimal,
    /// Sizes are multiples of it. Below one, parts of a share trade.
    pub size_increment: Decimal,
    /// Id under which the tick grid can be asked for.
    pub market_rule_id: i32,
    /// Tick grid, ascending by `low_edge`; must not be empty.
    pub ticks: Vec<TickStep>,
    /// First mid price.
    pub start_price: Decimal,
    /// Displayed size at the touch.
    pub display_size: Decimal,
    /// Commission.
    pub commission: CommissionRule,
    /// What its positions tie up.
    pub margin: MarginRule,
    /// When set, every new order is rejected (201) with this reason.
    pub reject_reason: Option<String>,
    /// The book behind its touch; that of the venue, when it has none of its own.
    pub depth: Option<Depth>,
    /// When it trades; always, when there is none.
    pub calendar: Option<Arc<Calendar>>,
    /// The legs of a combination; empty for everything else.
    pub legs: Vec<Leg>,
}

impl Instrument {
    /// Distance between valid prices at `price`.
    pub fn increment_at(&self, price: Decimal) -> Decimal {
        self.ticks
            .iter()
            .rev()
            .find(|step| price.abs() >= step.low_edge)
            .or_else(|| self.ticks.first())
            .map_or(Decimal::ONE, |step| step.increment)
    }

    /// What one point of the price of one unit is worth in the currency.
    pub fn point_value(&self) -> Decimal {
        match self.price_magnifier {
            1 => self.multiplier,
            parts => self.multiplier.checked_div(parts.into()).unwrap_or(self.multiplier),
        }
    }

    /// Whole units that sizes at the market come in.
    pub(super) fn lot(&self) -> Decimal {
        self.size_increment.max(Decimal::ONE)
    }

    /// Parts of a share trade, down to this one.
    #[must_use]
    pub fn fractional(self, increment: Decimal) -> Self {
        Self { min_size: increment, size_increment: increment, ..self }
    }

    /// What is wrong with an order's size, if anything.
    pub(super) fn check_size(&self, quantity: Decimal) -> Result<(), Refusal> {
        let fits = |increment: Decimal| increment <= Decimal::ZERO || (quantity % increment).is_zero();
        if fits(self.size_increment) && quantity >= self.min_size {
            Ok(())
        } else if !fits(Decimal::ONE) && self.size_increment >= Decimal::ONE {
            Err(Refusal::Fraction)
        } else if quantity < self.min_size {
            Err(Refusal::BelowMinimum { size: quantity, least: self.min_size })
        } else {
            Err(Refusal::Invalid("Order size does not conform to market rule.".to_owned()))
        }
    }

    /// Whether all-or-none is among its order types: in stocks and options it is, in futures and currencies not.
    pub fn takes_all_or_none(&self) -> bool {
        match self.sec_type {
            SecType::Stock | SecType::Option => true,
            SecType::Future | SecType::Forex | SecType::Bag => false,
        }
    }

    /// True when `price` is a multiple of the increment that applies to it.
    pub fn on_grid(&self, price: Decimal) -> bool {
        (price % self.increment_at(price)).is_zero()
    }

    /// The valid price at or below `price`. The grid can change its step between a price and its neighbour.
    pub(super) fn align_down(&self, price: Decimal) -> Decimal {
        let tick = self.increment_at(price);
        (price / tick).floor() * tick
    }

    /// The valid price at or above `price`.
    pub(super) fn align_up(&self, price: Decimal) -> Decimal {
        let tick = self.increment_at(price);
        (price / tick).ceil() * tick
    }

    /// True when a price of zero or less cannot be meant.
    pub fn needs_positive_price(&self) -> bool {
        !matches!(self.sec_type, SecType::Future | SecType::Bag)
    }

    /// The smallest increment anywhere on the grid, which is what contract details report.
    pub fn min_tick(&self) -> Decimal {
        self.ticks.iter().map(|step| step.increment).min().unwrap_or(Decimal::ONE)
    }

    /// A US stock on a cent grid.
    pub fn stock(con_id: ConId, symbol: &str, start_price: Decimal) -> Self {
        Self {
            con_id,
            symbol: symbol.to_owned(),
            sec_type: SecType::Stock,
            exchange: "SMART".to_owned(),
            primary_exchange: "NASDAQ".to_owned(),
            currency: "USD".to_owned(),
            local_symbol: symbol.to_owned(),
            trading_class: "NMS".to_owned(),
            long_name: symbol.to_owned(),
            expiry: String::new(),
            strike: None,
            right: None,
            multiplier: Decimal::ONE,
            price_magnifier: 1,
            min_size: Decimal::ONE,
            size_increment: Decimal::ONE,
            market_rule_id: 26,
            ticks: vec![step("0.01")],
            start_price,
            display_size: Decimal::from(500),
            commission: CommissionRule::published(SecType::Stock, "USD"),
            margin: MarginRule::usual(SecType::Stock),
            reject_reason: None,
            depth: None,
            calendar: None,
            legs: Vec::new(),
        }
    }

    /// A future with its multiplier and a single tick.
    pub fn future(con_id: ConId, symbol: &str, multiplier: Decimal, tick: Decimal) -> Self {
        Self {
            sec_type: SecType::Future,
            exchange: "CME".to_owned(),
            primary_exchange: String::new(),
            local_symbol: symbol.to_owned(),
            trading_class: symbol.to_owned(),
            multiplier,
            market_rule_id: 67,
            ticks: vec![TickStep { low_edge: Decimal::ZERO, increment: tick }],
            display_size: Decimal::from(50),
            commission: CommissionRule::published(SecType::Future, "USD"),
            margin: MarginRule::usual(SecType::Future),
            ..Self::stock(con_id, symbol, Decimal::from(1000))
        }
    }

    /// A currency pair on IDEALPRO, half-pip grid.
    pub fn forex(con_id: ConId, base: &str, quote: &str, start_price: Decimal) -> Self {
        Self {
            sec_type: SecType::Forex,
            exchange: "IDEALPRO".to_owned(),
            primary_exchange: String::new(),
            currency: quote.to_owned(),
            local_symbol: format!("{base}.{quote}"),
            trading_class: format!("{base}.{quote}"),
            long_name: format!("{base}/{quote}"),
            market_rule_id: if quote == "JPY" { 240 } else { 239 },
            ticks: vec![step(if quote == "JPY" { "0.005" } else { "0.00005" })],
            display_size: Decimal::from(1_000_000),
            commission: CommissionRule::published(SecType::Forex, quote),
            margin: MarginRule::usual(SecType::Forex),
            ..Self::stock(con_id, base, start_price)
        }
    }

    /// An option on a stock, multiplier 100, five cents below three dollars and ten above.
    pub fn option(con_id: ConId, symbol: &str, expiry: &str, strike: Decimal, right: Right) -> Self {
        let code = format!(
            "{}{}{:08}",
            expiry.get(2..).unwrap_or_default(),
            right.as_str(),
            strike * Decimal::from(1000)
        );
        Self {
            sec_type: SecType::Option,
            primary_exchange: String::new(),
            local_symbol: format!("{symbol:<6}{code}"),
            trading_class: symbol.to_owned(),
            expiry: expiry.to_owned(),
            strike: Some(strike),
            right: Some(right),
            multiplier: Decimal::ONE_HUNDRED,
            market_rule_id: 109,
            ticks: vec![step("0.05"), TickStep { low_edge: Decimal::from(3), increment: dec("0.1") }],
            display_size: Decimal::from(20),
            commission: CommissionRule::published(SecType::Option, "USD"),
            margin: MarginRule::usual(SecType::Option),
            ..Self::stock(con_id, symbol, dec("7.5"))
        }
    }

    /// The set a fresh gateway lists: AAPL, MSFT, SPY, the ES future, EUR.USD, one AAPL call.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self { long_name: "APPLE INC".to_owned(), ..Self::stock(265_598, "AAPL", dec("230")) },
            Self { long_name: "MICROSOFT CORP".to_owned(), ..Self::stock(272_093, "MSFT", dec("420")) },
            Self {
                primary_exchange: "ARCA".to_owned(),
                trading_class: "SPY".to_owned(),
                long_name: "SS SPDR S&P 500 ETF TRUST-US".to_owned(),
                ..Self::stock(756_733, "SPY", dec("580"))
            },
            Self {
                expiry: "20270319".to_owned(),
                local_symbol: "ESH7".to_owned(),
                long_name: "E-mini S&P 500".to_owned(),
                start_price: dec("5800"),
                margin: MarginRule::PerContract(Margin { initial: dec("19140"), maintenance: dec("17400") }),
                ..Self::future(649_180_695, "ES", Decimal::from(50), dec("0.25"))
            },
            Self::forex(12_087_792, "EUR", "USD", dec("1.085")),
            Self::option(713_000_001, "AAPL", "20270115", dec("250"), Right::Call),
        ]
    }
}

fn step(increment: &str) -> TickStep {
    TickStep { low_edge: Decimal::ZERO, increment: dec(increment) }
}

/// Literals only: an unreadable one becomes 1 and fails the tests of the defaults.
fn dec(text: &str) -> Decimal {
    text.parse().unwrap_or(Decimal::ONE)
}
