//! Orders: placing, cancelling, order lists, executions, commissions.

use bytes::{Bytes, BytesMut};

use super::contracts::Contract;
use super::order_messages::{
    CancelOrder, CommissionReport, CompletedOrder, ExecutionBody, ExecutionDetails, ExecutionRequest, Filter,
    Flag, OpenOrder, Order, OrderBound, OrderState, OrderStatus, PlaceOrderRequest,
};
use super::{Decoded, Empty, put_message, put_req_id, read, text};
use crate::venue::{Execution, FinishedOrder, OrderKind, OrderReport, Side, Status, TimeInForce};
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{ExecutionFilter, PlaceOrder, Reply, Request, format_stamp};

impl Order {
    fn of(report: &OrderReport) -> Self {
        let spec = &report.spec;
        Self {
            client_id: Some(report.key.client_id),
            order_id: Some(api_order_id(report)),
            perm_id: Some(report.perm_id),
            parent_id: Some(spec.parent_id).filter(|id| *id != 0),
            action: text(action(spec.side)),
            quantity: Some(quantity_text(spec.quantity)),
            order_type: text(order_type(spec.kind)),
            limit_price: spec.kind.limit().map(to_double),
            aux_price: spec.kind.stop().map(to_double),
            tif: text(tif(spec.tif)),
            account: text(&spec.account),
            outside_rth: spec.outside_rth.then_some(true),
            good_till_date: match spec.tif {
                TimeInForce::Gtd(at) => Some(format_stamp(at)),
                TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
            },
            order_ref: text(&spec.order_ref),
            what_if: None,
            transmit: Some(true),
            // Not a fill counter: the broker leaves it unset for open orders.
            filled_quantity: None,
            parent_perm_id: Some(report.parent_perm_id).filter(|id| *id != 0),
        }
    }
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        3 => read(id, body, |m: PlaceOrderRequest| Request::PlaceOrder(Box::new(place_order(m)))),
        4 => read(id, body, |m: CancelOrder| Request::CancelOrder { order_id: m.order_id.unwrap_or(0) }),
        5 => read(id, body, |_: Empty| Request::OpenOrders),
        7 => read(id, body, |m: ExecutionRequest| Request::Executions {
            req_id: m.req_id.unwrap_or(-1),
            filter: Box::new(filter(m.filter.unwrap_or_default())),
        }),
        15 => read(id, body, |m: Flag| Request::AutoOpenOrders { bind: m.value.unwrap_or(false) }),
        16 => read(id, body, |_: Empty| Request::AllOpenOrders),
        58 => read(id, body, |_: Empty| Request::GlobalCancel),
        99 => read(id, body, |m: Flag| Request::CompletedOrders { api_only: m.value.unwrap_or(false) }),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::OpenOrder { order, instrument } => {
            let message = OpenOrder {
                order_id: Some(api_order_id(order)),
                contract: Some(Contract::of(instrument, &order.spec.exchange)),
                order: Some(Order::of(order)),
                state: Some(order_state(order, &instrument.currency)),
            };
            put_message(out, 5, &message);
        }
        Reply::OrderStatus { order } => put_message(out, 3, &order_status(order)),
        Reply::OpenOrderEnd => put_message(out, 53, &Empty {}),
        Reply::OrderBound { perm_id, client_id, order_id } => {
            let message = OrderBound {
                perm_id: Some(*perm_id),
                client_id: Some(*client_id),
                order_id: Some(*order_id),
            };
            put_message(out, 100, &message);
        }
        Reply::CompletedOrder { order, instrument } => {
            let message = CompletedOrder {
                contract: Some(Contract::of(instrument, &order.report.spec.exchange)),
                order: Some(completed(order)),
                state: Some(completed_state(order, &instrument.currency)),
            };
            put_message(out, 101, &message);
        }
        Reply::CompletedOrdersEnd => put_message(out, 102, &Empty {}),
        Reply::Execution { req_id, execution, instrument } => {
            let venue = execution_venue(&instrument.exchange, &instrument.primary_exchange);
            let message = ExecutionDetails {
                req_id: Some(*req_id),
                contract: Some(Contract::of(instrument, venue)),
                execution: Some(execution_body(execution, venue)),
            };
            put_message(out, 11, &message);
        }
        Reply::ExecutionsEnd { req_id } => put_req_id(out, 55, *req_id),
        Reply::Commission(execution) => {
            let message = CommissionReport {
                exec_id: Some(execution.exec_id.clone()),
                commission: Some(to_double(execution.commission)),
                currency: text(&execution.currency),
                // Opening trades carry the "unset" double, not an absent field.
                realized_pnl: Some(execution.realized_pnl.map_or(f64::MAX, to_double)),
            };
            put_message(out, 59, &message);
        }
        _ => debug_assert!(false, "not an order reply"),
    }
}

fn place_order(message: PlaceOrderRequest) -> PlaceOrder {
    let order = message.order.unwrap_or_default();
    PlaceOrder {
        order_id: message.order_id.unwrap_or(0),
        contract: message.contract.unwrap_or_default().into_query(),
        action: order.action.unwrap_or_default(),
        quantity: order.quantity,
        order_type: order.order_type.unwrap_or_default(),
        limit_price: order.limit_price,
        aux_price: order.aux_price,
        tif: order.tif.unwrap_or_default(),
        account: order.account.unwrap_or_default(),
        good_till_date: order.good_till_date.unwrap_or_default(),
        order_ref: order.order_ref.unwrap_or_default(),
        parent_id: order.parent_id.unwrap_or(0),
        transmit: order.transmit.unwrap_or(false),
        outside_rth: order.outside_rth.unwrap_or(false),
        what_if: order.what_if.unwrap_or(false),
    }
}

fn filter(message: Filter) -> ExecutionFilter {
    ExecutionFilter {
        client_id: message.client_id.unwrap_or(0),
        account: message.account.unwrap_or_default(),
        time: message.time.unwrap_or_default(),
        symbol: message.symbol.unwrap_or_default(),
        sec_type: message.sec_type.unwrap_or_default(),
        side: message.side.unwrap_or_default(),
        last_n_days: message.last_n_days.unwrap_or(0),
        specific_dates: message.specific_dates,
    }
}

fn order_status(order: &OrderReport) -> OrderStatus {
    OrderStatus {
        order_id: Some(api_order_id(order)),
        status: text(order.status.as_str()),
        filled: Some(quantity_text(order.filled)),
        remaining: Some(quantity_text(order.remaining)),
        avg_fill_price: Some(to_double(order.avg_price)),
        perm_id: Some(order.perm_id),
        parent_id: Some(order.spec.parent_id),
        last_fill_price: Some(to_double(order.last_price)),
        client_id: Some(order.key.client_id),
        why_held: text(order.why_held),
        market_cap_price: Some(0.0),
    }
}

fn order_state(order: &OrderReport, currency: &str) -> OrderState {
    OrderState {
        status: text(order.status.as_str()),
        commission: (!order.commission.is_zero()).then(|| to_double(order.commission)),
        commission_currency: text(currency),
        reject_reason: text(&order.reject_reason),
        completed_time: None,
        completed_status: None,
    }
}

/// The broker reports the quantity *left* as the total of a completed order, and the fills beside it.
fn completed(order: &FinishedOrder) -> Order {
    Order {
        quantity: Some(quantity_text(order.report.remaining)),
        filled_quantity: Some(quantity_text(order.report.filled)),
        ..Order::of(&order.report)
    }
}

fn completed_state(order: &FinishedOrder, currency: &str) -> OrderState {
    let completed_status = match order.report.status {
        Status::Filled => format!("Filled Size: {}", quantity_text(order.report.filled)),
        Status::Inactive => order.report.reject_reason.to_string(),
        Status::PreSubmitted | Status::Submitted | Status::PendingCancel | Status::Cancelled => {
            "Cancelled by Trader".to_owned()
        }
    };
    OrderState {
        completed_time: Some(format_stamp(order.at)),
        completed_status: Some(completed_status),
        ..order_state(&order.report, currency)
    }
}

fn execution_body(execution: &Execution, venue: &str) -> ExecutionBody {
    ExecutionBody {
        order_id: Some(execution.key.order_id),
        exec_id: Some(execution.exec_id.clone()),
        time: Some(format_stamp(execution.at)),
        account: text(&execution.account),
        exchange: text(venue),
        side: text(match execution.side {
            Side::Buy => "BOT",
            Side::Sell => "SLD",
        }),
        shares: Some(quantity_text(execution.quantity)),
        price: Some(to_double(execution.price)),
        perm_id: Some(execution.perm_id),
        client_id: Some(execution.key.client_id),
        cum_quantity: Some(quantity_text(execution.cum_quantity)),
        avg_price: Some(to_double(execution.avg_price)),
        order_ref: text(&execution.order_ref),
        last_liquidity: Some(if execution.added_liquidity { 1 } else { 2 }),
    }
}

/// Executions name the venue, not the router.
fn execution_venue<'a>(exchange: &'a str, primary: &'a str) -> &'a str {
    if exchange == "SMART" && !primary.is_empty() { primary } else { exchange }
}

/// A hand-typed order has id 0 until client 0 binds it.
fn api_order_id(order: &OrderReport) -> i32 {
    if order.bound { order.key.order_id } else { 0 }
}

fn action(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

fn order_type(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "MKT",
        OrderKind::Limit { .. } => "LMT",
        OrderKind::Stop { .. } => "STP",
        OrderKind::StopLimit { .. } => "STP LMT",
    }
}

fn tif(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Day => "DAY",
        TimeInForce::Gtc => "GTC",
        TimeInForce::Gtd(_) => "GTD",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}
