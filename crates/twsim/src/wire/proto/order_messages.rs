//! Layouts of the order messages. Field numbers are the broker's; only fields this gateway reads or writes
//! are declared.

use prost::Message;

use super::contracts::Contract;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Order {
    #[prost(int32, optional, tag = "1")]
    pub(super) client_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(super) order_id: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    pub(super) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    pub(super) parent_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub(super) action: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(super) quantity: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub(super) order_type: Option<String>,
    #[prost(double, optional, tag = "9")]
    pub(super) limit_price: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub(super) aux_price: Option<f64>,
    #[prost(string, optional, tag = "11")]
    pub(super) tif: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub(super) account: Option<String>,
    #[prost(bool, optional, tag = "19")]
    pub(super) outside_rth: Option<bool>,
    #[prost(string, optional, tag = "26")]
    pub(super) good_till_date: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub(super) order_ref: Option<String>,
    #[prost(bool, optional, tag = "65")]
    pub(super) what_if: Option<bool>,
    #[prost(bool, optional, tag = "66")]
    pub(super) transmit: Option<bool>,
    #[prost(string, optional, tag = "115")]
    pub(super) filled_quantity: Option<String>,
    #[prost(int64, optional, tag = "121")]
    pub(super) parent_perm_id: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OrderState {
    #[prost(string, optional, tag = "1")]
    pub(super) status: Option<String>,
    #[prost(double, optional, tag = "11")]
    pub(super) commission: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub(super) commission_currency: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub(super) reject_reason: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub(super) completed_time: Option<String>,
    #[prost(string, optional, tag = "30")]
    pub(super) completed_status: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PlaceOrderRequest {
    #[prost(int32, optional, tag = "1")]
    pub(super) order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub(super) order: Option<Order>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OpenOrder {
    #[prost(int32, optional, tag = "1")]
    pub(super) order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub(super) order: Option<Order>,
    #[prost(message, optional, tag = "4")]
    pub(super) state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CompletedOrder {
    #[prost(message, optional, tag = "1")]
    pub(super) contract: Option<Contract>,
    #[prost(message, optional, tag = "2")]
    pub(super) order: Option<Order>,
    #[prost(message, optional, tag = "3")]
    pub(super) state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OrderStatus {
    #[prost(int32, optional, tag = "1")]
    pub(super) order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(super) status: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) filled: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(super) remaining: Option<String>,
    #[prost(double, optional, tag = "5")]
    pub(super) avg_fill_price: Option<f64>,
    #[prost(int64, optional, tag = "6")]
    pub(super) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "7")]
    pub(super) parent_id: Option<i32>,
    #[prost(double, optional, tag = "8")]
    pub(super) last_fill_price: Option<f64>,
    #[prost(int32, optional, tag = "9")]
    pub(super) client_id: Option<i32>,
    #[prost(string, optional, tag = "10")]
    pub(super) why_held: Option<String>,
    #[prost(double, optional, tag = "11")]
    pub(super) market_cap_price: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct OrderBound {
    #[prost(int64, optional, tag = "1")]
    pub(super) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    pub(super) client_id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub(super) order_id: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct CancelOrder {
    #[prost(int32, optional, tag = "1")]
    pub(super) order_id: Option<i32>,
}

/// A message that is only a yes or no.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Flag {
    #[prost(bool, optional, tag = "1")]
    pub(super) value: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Filter {
    #[prost(int32, optional, tag = "1")]
    pub(super) client_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(super) account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(super) symbol: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(super) sec_type: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(super) side: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub(super) last_n_days: Option<i32>,
    #[prost(int32, repeated, tag = "9")]
    pub(super) specific_dates: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecutionRequest {
    #[prost(int32, optional, tag = "1")]
    pub(super) req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) filter: Option<Filter>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecutionBody {
    #[prost(int32, optional, tag = "1")]
    pub(super) order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub(super) exec_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(super) time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(super) account: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(super) exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(super) side: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub(super) shares: Option<String>,
    #[prost(double, optional, tag = "8")]
    pub(super) price: Option<f64>,
    #[prost(int64, optional, tag = "9")]
    pub(super) perm_id: Option<i64>,
    #[prost(int32, optional, tag = "10")]
    pub(super) client_id: Option<i32>,
    #[prost(string, optional, tag = "12")]
    pub(super) cum_quantity: Option<String>,
    #[prost(double, optional, tag = "13")]
    pub(super) avg_price: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub(super) order_ref: Option<String>,
    #[prost(int32, optional, tag = "18")]
    pub(super) last_liquidity: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ExecutionDetails {
    #[prost(int32, optional, tag = "1")]
    pub(super) req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(super) contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub(super) execution: Option<ExecutionBody>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CommissionReport {
    #[prost(string, optional, tag = "1")]
    pub(super) exec_id: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub(super) commission: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub(super) currency: Option<String>,
    #[prost(double, optional, tag = "4")]
    pub(super) realized_pnl: Option<f64>,
}
