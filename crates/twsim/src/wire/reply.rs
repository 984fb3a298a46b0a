//! What the gateway can say, whatever the dialect. Replies borrow: nothing is copied before it is encoded.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::venue::{Execution, FinishedOrder, Instrument, OrderReport, TickStep};

/// A message to a client.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each variant is the API callback of that name; ids are the client's own")]
pub enum Reply<'a> {
    NextValidId(i32),
    ManagedAccounts(&'a str),
    Error { id: i32, code: i32, text: Cow<'a, str>, at_ms: i64 },
    CurrentTime { seconds: i64 },
    CurrentTimeMillis { millis: i64 },
    ContractDetails { req_id: i32, instrument: &'a Instrument },
    ContractDetailsEnd { req_id: i32 },
    MarketRule { rule_id: i32, steps: &'a [TickStep] },
    SymbolSamples { req_id: i32, found: Vec<&'a Instrument> },
    OpenOrder { order: &'a OrderReport, instrument: &'a Instrument },
    OrderStatus { order: &'a OrderReport },
    OpenOrderEnd,
    OrderBound { perm_id: i64, client_id: i32, order_id: i32 },
    CompletedOrder { order: &'a FinishedOrder, instrument: &'a Instrument },
    CompletedOrdersEnd,
    Execution { req_id: i32, execution: &'a Execution, instrument: &'a Instrument },
    ExecutionsEnd { req_id: i32 },
    Commission(&'a Execution),
    Position { account: &'a str, instrument: &'a Instrument, quantity: Decimal, avg_cost: Decimal },
    PositionEnd,
    AccountValue { account: &'a str, key: &'a str, value: Cow<'a, str>, currency: &'a str },
    PortfolioValue(Box<PortfolioLine<'a>>),
    AccountUpdateTime(String),
    AccountDownloadEnd(&'a str),
    AccountSummary { req_id: i32, account: &'a str, tag: &'a str, value: Cow<'a, str>, currency: &'a str },
    AccountSummaryEnd { req_id: i32 },
    PnL { req_id: i32, daily: Decimal, unrealized: Decimal, realized: Decimal },
    MarketDataType { req_id: i32, kind: i32 },
    TickReqParams { req_id: i32, min_tick: Decimal },
    TickPrice { req_id: i32, field: i32, price: Option<Decimal>, size: Decimal },
    TickSize { req_id: i32, field: i32, size: Decimal },
    TickSnapshotEnd { req_id: i32 },
}

/// One holding with its valuation.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct PortfolioLine<'a> {
    pub account: &'a str,
    pub instrument: &'a Instrument,
    pub quantity: Decimal,
    pub market_price: Decimal,
    pub market_value: Decimal,
    pub avg_cost: Decimal,
    pub unrealized: Decimal,
    pub realized: Decimal,
}
