//! What a client can ask for, whatever the dialect.

use std::sync::Arc;

use prost::Message;
use prost::encoding::message;

use super::layout::{AttachedOrders, Contract, Order, OrderCancel, PlaceOrderRequest};

/// A new order or a modification, unchecked.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct PlaceOrder {
    /// Order id.
    pub order_id: i32,
    /// Instrument.
    pub contract: Contract,
    /// Terms, every field that the client sent.
    pub order: Order,
    /// Preset orders to attach.
    pub attached: Option<AttachedOrders>,
}

impl PlaceOrder {
    pub(super) fn of(message: PlaceOrderRequest) -> Self {
        Self {
            order_id: message.order_id.unwrap_or(0),
            contract: message.contract.unwrap_or_default(),
            order: message.order.unwrap_or_default(),
            attached: message.attached_orders,
        }
    }

    /// What the venue carries with the order and gives back unread, so that echoes have every field.
    pub fn carried(&self) -> Arc<[u8]> {
        // Field by field, since a whole `PlaceOrderRequest` would have to be cloned first.
        let mut bytes = Vec::with_capacity(256);
        message::encode(2, &self.contract, &mut bytes);
        message::encode(3, &self.order, &mut bytes);
        if let Some(attached) = &self.attached {
            message::encode(4, attached, &mut bytes);
        }
        bytes.into()
    }

    /// Reads [`carried`](Self::carried) back. Empty for orders that no client sent.
    pub(super) fn from_carried(bytes: &[u8]) -> Self {
        Self::of(PlaceOrderRequest::decode(bytes).unwrap_or_default())
    }
}

/// Which executions a client wants; empty fields match anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct ExecutionFilter {
    /// API client id, 0 for any.
    pub client_id: i32,
    /// Account.
    pub account: String,
    /// At or after this date-time.
    pub time: String,
    /// Symbol.
    pub symbol: String,
    /// Security type.
    pub sec_type: String,
    /// Exchange.
    pub exchange: String,
    /// `BUY`/`BOT` or `SELL`/`SLD`.
    pub side: String,
    /// Days back, today included; 0 for today only.
    pub last_n_days: i32,
    /// `YYYYMMDD` numbers.
    pub specific_dates: Vec<i32>,
}

/// A market data subscription, or a single look.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct MarketDataRequest {
    /// Request id.
    pub req_id: i32,
    /// Instrument.
    pub query: Contract,
    /// Only the present state, then an end marker.
    pub snapshot: bool,
}

/// A subscription to the rows of a book.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct DepthRequest {
    /// Request id.
    pub req_id: i32,
    /// Instrument.
    pub query: Contract,
    /// Rows of a side.
    pub rows: i32,
    /// From all venues, each level with the name of its own.
    pub smart: bool,
}

/// A subscription to account summary rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct SummaryRequest {
    /// Request id.
    pub req_id: i32,
    /// `All` or an account.
    pub group: String,
    /// Comma-separated.
    pub tags: String,
}

/// A subscription that names an account or a model instead of taking the session's.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct MultiRequest {
    /// Request id.
    pub req_id: i32,
    /// Account or group; empty means all.
    pub account: String,
    /// Model code.
    pub model: String,
}

/// Which option chains a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct OptionChainRequest {
    /// Request id.
    pub req_id: i32,
    /// Symbol of the underlying.
    pub symbol: String,
    /// Exchange, for options on futures.
    pub exchange: String,
    /// Type of the underlying.
    pub sec_type: String,
    /// Contract id of the underlying.
    pub con_id: i32,
}

/// Bars of the past, and on request of the present.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct HistoryRequest {
    /// Request id.
    pub req_id: i32,
    /// Instrument.
    pub query: Contract,
    /// End of the period; empty means now.
    pub end: String,
    /// Bar size in the API's words, such as `1 min`.
    pub bar_size: String,
    /// Length of the period, such as `1 D`.
    pub duration: String,
    /// Only regular trading hours.
    pub regular_hours: bool,
    /// `TRADES`, `MIDPOINT`, `BID`, `ASK`, …
    pub what: String,
    /// 1 for texts, 2 for epoch seconds.
    pub date_format: i32,
    /// Go on with updates after the end.
    pub keep_up_to_date: bool,
}

/// Five-second bars as they happen.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct LiveBarsRequest {
    /// Request id.
    pub req_id: i32,
    /// Instrument.
    pub query: Contract,
    /// Seconds; only 5 exists.
    pub bar_size: i32,
    /// `TRADES`, `MIDPOINT`, `BID` or `ASK`.
    pub what: String,
    /// Only regular trading hours.
    pub regular_hours: bool,
}

/// A message from a client.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[allow(missing_docs, reason = "each variant is the API request of that name; ids are the client's own")]
pub enum Request {
    StartApi {
        client_id: i32,
    },
    Ids,
    ManagedAccounts,
    CurrentTime,
    CurrentTimeMillis,
    SetServerLogLevel,
    ContractDetails {
        req_id: i32,
        query: Box<Contract>,
    },
    CancelContractDetails {
        req_id: i32,
    },
    MarketRule {
        rule_id: i32,
    },
    MatchingSymbols {
        req_id: i32,
        pattern: String,
    },
    MarketData(Box<MarketDataRequest>),
    CancelMarketData {
        req_id: i32,
    },
    MarketDepth(Box<DepthRequest>),
    CancelMarketDepth {
        req_id: i32,
    },
    DepthExchanges,
    MarketDataType {
        kind: i32,
    },
    PlaceOrder(Box<PlaceOrder>),
    CancelOrder {
        order_id: i32,
        particulars: Box<OrderCancel>,
    },
    GlobalCancel,
    OpenOrders,
    AllOpenOrders,
    AutoOpenOrders {
        bind: bool,
    },
    CompletedOrders {
        api_only: bool,
    },
    Executions {
        req_id: i32,
        filter: Box<ExecutionFilter>,
    },
    Positions,
    CancelPositions,
    AccountUpdates {
        subscribe: bool,
        account: String,
    },
    AccountSummary(SummaryRequest),
    CancelAccountSummary {
        req_id: i32,
    },
    PnL {
        req_id: i32,
        account: String,
    },
    CancelPnL {
        req_id: i32,
    },
    PnLSingle {
        req_id: i32,
        account: String,
        con_id: i32,
    },
    CancelPnLSingle {
        req_id: i32,
    },
    PositionsMulti(MultiRequest),
    CancelPositionsMulti {
        req_id: i32,
    },
    AccountUpdatesMulti(MultiRequest),
    CancelAccountUpdatesMulti {
        req_id: i32,
    },
    SecDefOptParams(Box<OptionChainRequest>),
    HistoricalData(Box<HistoryRequest>),
    CancelHistoricalData {
        req_id: i32,
    },
    RealTimeBars(Box<LiveBarsRequest>),
    CancelRealTimeBars {
        req_id: i32,
    },
    SoftDollarTiers {
        req_id: i32,
    },
    FamilyCodes,
    NewsProviders,
    UserInfo {
        req_id: i32,
    },
    /// A request of the API that this gateway does not serve.
    Unsupported {
        name: &'static str,
        req_id: Option<i32>,
    },
    /// A message id that is in no version of the API known here, or a text body.
    Unknown {
        message_id: i32,
    },
}
