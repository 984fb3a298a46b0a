//! From messages to the rows that the adapter's conversions take; absent numbers as the client library reads them.

use alphec_ibkr::by_hand::{ExecutionRow, OrderRow, StatusRow};

use super::frames::{CompletedOrder, Contract, ExecutionDetails, OpenOrder, Order, OrderState, OrderStatus};

/// A decimal written as text; what cannot be read is no number, and the conversion refuses it.
pub(crate) fn number(text: Option<&str>) -> f64 {
    text.map_or(0.0, |text| text.parse().unwrap_or(f64::NAN))
}

/// The largest double stands for "none".
pub(crate) fn optional(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value != f64::MAX)
}

fn text(field: &Option<String>) -> String {
    field.clone().unwrap_or_default()
}

pub(crate) fn open(message: OpenOrder) -> OrderRow {
    let order_id = message.order_id.unwrap_or_default();
    OrderRow { order_id, ..order(message.contract, message.order, message.state) }
}

pub(crate) fn completed(message: CompletedOrder) -> OrderRow {
    order(message.contract, message.order, message.state)
}

fn order(contract: Option<Contract>, order: Option<Order>, state: Option<OrderState>) -> OrderRow {
    let (contract, order) = (contract.unwrap_or_default(), order.unwrap_or_default());
    let state = state.unwrap_or_default();
    OrderRow {
        order_id: order.order_id.unwrap_or_default(),
        client_id: order.client_id.unwrap_or_default(),
        perm_id: order.perm_id.unwrap_or_default(),
        order_ref: text(&order.order_ref),
        account: text(&order.account),
        con_id: contract.con_id.unwrap_or_default(),
        symbol: text(&contract.symbol),
        action: text(&order.action),
        total_quantity: number(order.total_quantity.as_deref()),
        filled_quantity: number(order.filled_quantity.as_deref()),
        order_type: text(&order.order_type),
        limit_price: optional(order.limit_price),
        aux_price: optional(order.aux_price),
        tif: text(&order.tif),
        status: text(&state.status),
        warning: text(&state.warning),
        completed_status: text(&state.completed_status),
    }
}

/// `None` where the library refuses the message: a count is missing.
pub(crate) fn status(message: &OrderStatus) -> Option<StatusRow> {
    Some(StatusRow {
        order_id: message.order_id.unwrap_or_default(),
        client_id: message.client_id.unwrap_or_default(),
        perm_id: message.perm_id.unwrap_or_default(),
        status: text(&message.status),
        filled: number(Some(message.filled.as_deref()?)),
        remaining: number(Some(message.remaining.as_deref()?)),
        why_held: text(&message.why_held),
    })
}

/// With the request it answers; -1 for none.
pub(crate) fn execution(message: ExecutionDetails) -> (i32, ExecutionRow) {
    let contract = message.contract.unwrap_or_default();
    let execution = message.execution.unwrap_or_default();
    let row = ExecutionRow {
        order_id: execution.order_id.unwrap_or_default(),
        client_id: execution.client_id.unwrap_or_default(),
        perm_id: execution.perm_id.unwrap_or_default(),
        order_ref: text(&execution.order_ref),
        exec_id: text(&execution.exec_id),
        time: text(&execution.time),
        account: text(&execution.account),
        exchange: text(&execution.exchange),
        con_id: contract.con_id.unwrap_or_default(),
        symbol: text(&contract.symbol),
        is_buy: execution.side.as_deref() == Some("BOT"),
        shares: number(execution.shares.as_deref()),
        price: execution.price.unwrap_or_default(),
    };
    (message.req_id.unwrap_or(-1), row)
}
