//! What the gateway says about orders beside their terms: states, statuses, executions, commissions.

use prost::Message;

use super::{Contract, Order};

/// State of an order, with its preview when it is a what-if.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct OrderState {
    #[prost(string, optional, tag = "1")]
    pub status: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub init_margin_before: Option<f64>,
    #[prost(double, optional, tag = "3")]
    pub maint_margin_before: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub equity_with_loan_before: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub init_margin_change: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub maint_margin_change: Option<f64>,
    #[prost(double, optional, tag = "7")]
    pub equity_with_loan_change: Option<f64>,
    #[prost(double, optional, tag = "8")]
    pub init_margin_after: Option<f64>,
    #[prost(double, optional, tag = "9")]
    pub maint_margin_after: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub equity_with_loan_after: Option<f64>,
    #[prost(double, optional, tag = "11")]
    pub commission_and_fees: Option<f64>,
    #[prost(double, optional, tag = "12")]
    pub min_commission_and_fees: Option<f64>,
    #[prost(double, optional, tag = "13")]
    pub max_commission_and_fees: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub commission_and_fees_currency: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub margin_currency: Option<String>,
    #[prost(double, optional, tag = "16")]
    pub init_margin_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "17")]
    pub maint_margin_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "18")]
    pub equity_with_loan_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "19")]
    pub init_margin_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "20")]
    pub maint_margin_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "21")]
    pub equity_with_loan_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "22")]
    pub init_margin_after_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "23")]
    pub maint_margin_after_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "24")]
    pub equity_with_loan_after_outside_rth: Option<f64>,
    #[prost(string, optional, tag = "25")]
    pub suggested_size: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub reject_reason: Option<String>,
    #[prost(message, repeated, tag = "27")]
    pub order_allocations: Vec<OrderAllocation>,
    #[prost(string, optional, tag = "28")]
    pub warning_text: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub completed_time: Option<String>,
    #[prost(string, optional, tag = "30")]
    pub completed_status: Option<String>,
}

/// Share of one account in an allocated order.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct OrderAllocation {
    #[prost(string, optional, tag = "1")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub position: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub position_desired: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub position_after: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub desired_alloc_qty: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub allowed_alloc_qty: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub is_monetary: Option<bool>,
}

/// Progress of an order.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct OrderStatus {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub status: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub filled: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub remaining: Option<String>,
    #[prost(double, optional, tag = "5")]
    pub avg_fill_price: Option<f64>,
    #[prost(int64, optional, tag = "6")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "7")]
    pub parent_id: Option<i32>,
    #[prost(double, optional, tag = "8")]
    pub last_fill_price: Option<f64>,
    #[prost(int32, optional, tag = "9")]
    pub client_id: Option<i32>,
    #[prost(string, optional, tag = "10")]
    pub why_held: Option<String>,
    #[prost(double, optional, tag = "11")]
    pub mkt_cap_price: Option<f64>,
}

/// An order with its state.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct OpenOrder {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub order: Option<Order>,
    #[prost(message, optional, tag = "4")]
    pub order_state: Option<OrderState>,
}

/// An order that is over.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct CompletedOrder {
    #[prost(message, optional, tag = "1")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "2")]
    pub order: Option<Order>,
    #[prost(message, optional, tag = "3")]
    pub order_state: Option<OrderState>,
}

/// A fill.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct Execution {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub exec_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub acct_number: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub side: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub shares: Option<String>,
    #[prost(double, optional, tag = "8")]
    pub price: Option<f64>,
    #[prost(int64, optional, tag = "9")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "10")]
    pub client_id: Option<i32>,
    #[prost(bool, optional, tag = "11")]
    pub is_liquidation: Option<bool>,
    #[prost(string, optional, tag = "12")]
    pub cum_qty: Option<String>,
    #[prost(double, optional, tag = "13")]
    pub avg_price: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub order_ref: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub ev_rule: Option<String>,
    #[prost(double, optional, tag = "16")]
    pub ev_multiplier: Option<f64>,
    #[prost(string, optional, tag = "17")]
    pub model_code: Option<String>,
    #[prost(int32, optional, tag = "18")]
    pub last_liquidity: Option<i32>,
    #[prost(bool, optional, tag = "19")]
    pub is_price_revision_pending: Option<bool>,
    #[prost(string, optional, tag = "20")]
    pub submitter: Option<String>,
    #[prost(int32, optional, tag = "21")]
    pub opt_exercise_or_lapse_type: Option<i32>,
}

/// A fill of a contract.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct ExecutionDetails {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub execution: Option<Execution>,
}

/// What a fill cost.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
pub struct CommissionAndFeesReport {
    #[prost(string, optional, tag = "1")]
    pub exec_id: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub commission_and_fees: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub currency: Option<String>,
    #[prost(double, optional, tag = "4")]
    pub realized_pnl: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub bond_yield: Option<f64>,
    #[prost(string, optional, tag = "6")]
    pub yield_redemption_date: Option<String>,
}
