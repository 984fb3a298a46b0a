//! What a client can ask for, whatever the dialect.

/// A contract as a client describes it; empty fields match anything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContractQuery {
    /// Contract id, 0 for none.
    pub con_id: i32,
    /// Symbol.
    pub symbol: String,
    /// `STK`, `FUT`, `OPT`, `CASH`, …
    pub sec_type: String,
    /// Last trade date or contract month.
    pub expiry: String,
    /// Strike, 0 for none.
    pub strike: f64,
    /// `C`, `CALL`, `P`, `PUT`.
    pub right: String,
    /// Exchange.
    pub exchange: String,
    /// Currency.
    pub currency: String,
    /// Local symbol.
    pub local_symbol: String,
}

/// A new order or a modification, unchecked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaceOrder {
    /// Order id.
    pub order_id: i32,
    /// Instrument.
    pub contract: ContractQuery,
    /// `BUY` or `SELL`.
    pub action: String,
    /// Total quantity, a decimal text.
    pub quantity: Option<String>,
    /// `MKT`, `LMT`, `STP`, `STP LMT`.
    pub order_type: String,
    /// Limit price.
    pub limit_price: Option<f64>,
    /// Stop price.
    pub aux_price: Option<f64>,
    /// Time in force; empty means `DAY`.
    pub tif: String,
    /// Account; empty means the only one.
    pub account: String,
    /// For `GTD`.
    pub good_till_date: String,
    /// The client's mark.
    pub order_ref: String,
    /// Parent's order id, 0 for none.
    pub parent_id: i32,
    /// False (which is also what an absent field means) parks the order.
    pub transmit: bool,
    /// Allow trading outside regular hours.
    pub outside_rth: bool,
    /// Only asks what the order would do.
    pub what_if: bool,
}

/// Which executions a client wants; empty fields match anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// `BUY`/`BOT` or `SELL`/`SLD`.
    pub side: String,
    /// Days back, today included; 0 for today only.
    pub last_n_days: i32,
    /// `YYYYMMDD` numbers.
    pub specific_dates: Vec<i32>,
}

/// A market data subscription, or a single look.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MarketDataRequest {
    /// Request id.
    pub req_id: i32,
    /// Instrument.
    pub query: ContractQuery,
    /// Only the present state, then an end marker.
    pub snapshot: bool,
}

/// A subscription to account summary rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SummaryRequest {
    /// Request id.
    pub req_id: i32,
    /// `All` or an account.
    pub group: String,
    /// Comma-separated.
    pub tags: String,
}

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
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
        query: Box<ContractQuery>,
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
    MarketDataType {
        kind: i32,
    },
    PlaceOrder(Box<PlaceOrder>),
    CancelOrder {
        order_id: i32,
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
