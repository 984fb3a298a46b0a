//! What the gateway can say, whatever the dialect. Replies borrow: nothing is copied before it is encoded.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::venue::{Execution, FinishedOrder, Instrument, Level, OrderReport, Preview, TickStep, UtcNs};

/// In place of the id of an error that names none. Only protobuf can leave an id out.
pub const NO_ID: i32 = i32::MIN;

/// A message to a client.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each variant is the API callback of that name; ids are the client's own")]
pub enum Reply<'a> {
    NextValidId(i32),
    ManagedAccounts(&'a str),
    Error {
        id: i32,
        code: i32,
        text: Cow<'a, str>,
        at_ms: i64,
    },
    CurrentTime {
        seconds: i64,
    },
    CurrentTimeMillis {
        millis: i64,
    },
    ContractDetails {
        req_id: i32,
        instrument: &'a Instrument,
        now: UtcNs,
    },
    ContractDetailsEnd {
        req_id: i32,
    },
    MarketRule {
        rule_id: i32,
        steps: &'a [TickStep],
    },
    SymbolSamples {
        req_id: i32,
        found: Vec<&'a Instrument>,
    },
    OpenOrder {
        order: &'a OrderReport,
        instrument: &'a Instrument,
    },
    Preview {
        preview: &'a Preview,
        instrument: &'a Instrument,
    },
    OrderStatus {
        order: &'a OrderReport,
    },
    OpenOrderEnd,
    OrderBound {
        perm_id: i64,
        client_id: i32,
        order_id: i32,
    },
    CompletedOrder {
        order: &'a FinishedOrder,
        instrument: &'a Instrument,
    },
    CompletedOrdersEnd,
    /// With its time, where that is not written as usual.
    Execution {
        req_id: i32,
        execution: &'a Execution,
        instrument: &'a Instrument,
        time: Option<String>,
    },
    ExecutionsEnd {
        req_id: i32,
    },
    Commission(&'a Execution),
    Position {
        account: &'a str,
        instrument: &'a Instrument,
        quantity: Decimal,
        avg_cost: Decimal,
    },
    PositionEnd,
    AccountValue {
        account: &'a str,
        key: &'a str,
        value: Cow<'a, str>,
        currency: &'a str,
    },
    PortfolioValue(Box<PortfolioLine<'a>>),
    AccountUpdateTime(String),
    AccountDownloadEnd(&'a str),
    AccountSummary {
        req_id: i32,
        account: &'a str,
        tag: &'a str,
        value: Cow<'a, str>,
        currency: &'a str,
    },
    AccountSummaryEnd {
        req_id: i32,
    },
    PositionMulti {
        req_id: i32,
        account: &'a str,
        instrument: &'a Instrument,
        quantity: Decimal,
        avg_cost: Decimal,
    },
    PositionMultiEnd {
        req_id: i32,
    },
    AccountUpdateMulti {
        req_id: i32,
        account: &'a str,
        key: &'a str,
        value: Cow<'a, str>,
        currency: &'a str,
    },
    AccountUpdateMultiEnd {
        req_id: i32,
    },
    PnL {
        req_id: i32,
        daily: Decimal,
        unrealized: Decimal,
        realized: Decimal,
    },
    PnLSingle(Box<SinglePnL>),
    OptionChain(Box<OptionChain<'a>>),
    HistoricalData(Box<History>),
    HistoricalDataEnd {
        req_id: i32,
        start: String,
        end: String,
    },
    HistoricalUpdate {
        req_id: i32,
        bar: Box<Bar>,
    },
    RealTimeBar {
        req_id: i32,
        seconds: i64,
        bar: Box<Bar>,
    },
    OptionChainEnd {
        req_id: i32,
    },
    SoftDollarTiers {
        req_id: i32,
    },
    FamilyCodes(Vec<&'a str>),
    NewsProviders,
    UserInfo {
        req_id: i32,
    },
    MarketDataType {
        req_id: i32,
        kind: i32,
    },
    TickReqParams {
        req_id: i32,
        min_tick: Decimal,
    },
    TickPrice {
        req_id: i32,
        field: i32,
        price: Option<Decimal>,
        size: Decimal,
    },
    TickSize {
        req_id: i32,
        field: i32,
        size: Decimal,
    },
    TickSnapshotEnd {
        req_id: i32,
    },
    MarketDepth(DepthRow<'a>),
    /// Exchange and security type.
    DepthExchanges(Vec<(&'a str, &'a str)>),
}

/// One change to a client's book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthRow<'a> {
    /// Request id.
    pub req_id: i32,
    /// Row of its side, from the touch on.
    pub position: i32,
    /// 0 inserts, 1 updates, 2 deletes.
    pub operation: i32,
    /// 0 for asks, 1 for bids.
    pub side: i32,
    /// Price and size.
    pub level: Level,
    /// Where it stands, in the form that has all venues.
    pub maker: Option<&'a str>,
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

/// Profit and loss of one holding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct SinglePnL {
    pub req_id: i32,
    pub position: Decimal,
    pub daily: Decimal,
    pub unrealized: Decimal,
    pub realized: Decimal,
    pub value: Decimal,
}

/// The options of one class on one exchange.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct OptionChain<'a> {
    pub req_id: i32,
    pub exchange: &'a str,
    pub underlying_con_id: i32,
    pub trading_class: &'a str,
    pub multiplier: Decimal,
    pub expirations: Vec<&'a str>,
    pub strikes: Vec<Decimal>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct Bar {
    /// As the request's date format has it; unused in real-time bars.
    pub date: String,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    pub volume: Decimal,
    pub average: Decimal,
    pub count: i32,
}

/// Bars of a period. Its bounds are part of it only up to version 195; newer clients get them in
/// `HistoricalDataEnd`, which therefore is sent always, and not written for older ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct History {
    pub req_id: i32,
    pub start: String,
    pub end: String,
    pub bars: Vec<Bar>,
}

impl Reply<'_> {
    /// The message id, the same in both dialects.
    pub fn message_id(&self) -> i32 {
        match self {
            Self::TickPrice { .. } => 1,
            Self::TickSize { .. } => 2,
            Self::OrderStatus { .. } => 3,
            Self::Error { .. } => 4,
            Self::OpenOrder { .. } | Self::Preview { .. } => 5,
            Self::AccountValue { .. } => 6,
            Self::PortfolioValue(_) => 7,
            Self::AccountUpdateTime(_) => 8,
            Self::NextValidId(_) => 9,
            Self::ContractDetails { .. } => 10,
            Self::Execution { .. } => 11,
            Self::MarketDepth(row) => {
                if row.maker.is_none() {
                    12
                } else {
                    13
                }
            }
            Self::ManagedAccounts(_) => 15,
            Self::HistoricalData(_) => 17,
            Self::CurrentTime { .. } => 49,
            Self::RealTimeBar { .. } => 50,
            Self::ContractDetailsEnd { .. } => 52,
            Self::OpenOrderEnd => 53,
            Self::AccountDownloadEnd(_) => 54,
            Self::ExecutionsEnd { .. } => 55,
            Self::TickSnapshotEnd { .. } => 57,
            Self::MarketDataType { .. } => 58,
            Self::Commission(_) => 59,
            Self::Position { .. } => 61,
            Self::PositionEnd => 62,
            Self::AccountSummary { .. } => 63,
            Self::AccountSummaryEnd { .. } => 64,
            Self::PositionMulti { .. } => 71,
            Self::PositionMultiEnd { .. } => 72,
            Self::AccountUpdateMulti { .. } => 73,
            Self::AccountUpdateMultiEnd { .. } => 74,
            Self::OptionChain(_) => 75,
            Self::OptionChainEnd { .. } => 76,
            Self::SoftDollarTiers { .. } => 77,
            Self::FamilyCodes(_) => 78,
            Self::SymbolSamples { .. } => 79,
            Self::DepthExchanges(_) => 80,
            Self::TickReqParams { .. } => 81,
            Self::NewsProviders => 85,
            Self::HistoricalUpdate { .. } => 90,
            Self::MarketRule { .. } => 93,
            Self::PnL { .. } => 94,
            Self::PnLSingle(_) => 95,
            Self::OrderBound { .. } => 100,
            Self::CompletedOrder { .. } => 101,
            Self::CompletedOrdersEnd => 102,
            Self::UserInfo { .. } => 107,
            Self::HistoricalDataEnd { .. } => 108,
            Self::CurrentTimeMillis { .. } => 109,
        }
    }
}
