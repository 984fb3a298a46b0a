//! Orders, as tables and as JSON.

use alphec_execution::model::record::Fill;
use alphec_execution::model::{Decimal, Order, OrderSpec, OrderState, TimeInForce, Trail};
use serde::Serialize;

use super::record::{short_second, short_time};
use super::table::{Paint, Sheet};

/// An order in JSON: as the journal spells it, with what is derived from it.
#[derive(Debug, Serialize)]
pub(crate) struct OrderDocument<'a> {
    #[serde(flatten)]
    order: &'a Order,
    leaves_qty: String,
    avg_px: Option<String>,
}

impl<'a> OrderDocument<'a> {
    pub(crate) fn new(order: &'a Order) -> Self {
        Self { order, leaves_qty: order.leaves_qty().to_string(), avg_px: order.avg_px().map(average) }
    }
}

/// Many orders, a row each.
pub(crate) fn order_table(colour: bool, orders: &[Order]) -> String {
    if orders.is_empty() {
        return "no orders".to_owned();
    }
    let columns = [
        "order",
        "state",
        "side",
        ">qty",
        "instrument",
        "terms",
        "?tif",
        ">filled",
        "?>average",
        "?account",
        "?updated (utc)",
    ];
    let mut sheet = Sheet::new(colour, &columns);
    for order in orders {
        let plain = |text: String| (text, Paint::Plain);
        sheet.row(vec![
            plain(order.client_order_id.to_string()),
            (state(order), paint(order.state)),
            plain(order.spec.side.to_string()),
            plain(order.spec.order_qty.to_string()),
            plain(order.instrument.to_string()),
            plain(terms(&order.spec)),
            plain(life(order.spec.time_in_force)),
            plain(order.cum_qty.to_string()),
            plain(order.avg_px().map_or_else(|| "-".to_owned(), average)),
            plain(order.account.to_string()),
            (short_time(order.updated_at), Paint::Faint),
        ]);
    }
    sheet.finish()
}

/// One order in full, with its fills.
pub(crate) fn order_details(colour: bool, order: &Order, fills: &[Fill]) -> String {
    let mut sheet = Sheet::pairs(colour);
    let show = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let spec = &order.spec;
    sheet.pair("order", order.client_order_id.as_str(), Paint::Plain);
    sheet.pair("state", state(order), paint(order.state));
    let denied = order.deny_reason.as_ref().map(ToString::to_string);
    if let Some(reason) = denied.or_else(|| order.reject_reason.as_ref().map(ToString::to_string)) {
        sheet.pair("because", reason, Paint::Plain);
    }
    let life = life(spec.time_in_force);
    let terms = format!("{} {} {} {} {life}", spec.side, spec.order_qty, order.instrument, terms(spec));
    let filled = format!("{} of {}, {} to go", order.cum_qty, spec.order_qty, order.leaves_qty());
    let rows = [
        ("terms", terms),
        ("filled", filled),
        ("average", show(order.avg_px().map(average))),
        ("commission", order.commission.normalize().to_string()),
        ("account", order.account.to_string()),
        ("strategy", order.strategy_id.to_string()),
        ("correlation", order.correlation_id.to_string()),
        ("broker id", show(order.broker_order_id.map(|id| id.to_string()))),
        ("perm id", show(order.perm_id.map(|id| id.to_string()))),
        ("version", order.version.to_string()),
        ("created (utc)", short_time(order.created_at)),
        ("updated (utc)", short_time(order.updated_at)),
    ];
    for (name, text) in rows {
        sheet.pair(name, text, Paint::Plain);
    }
    let mut text = sheet.finish();
    if !fills.is_empty() {
        text.push_str("\n\n");
        text.push_str(&fill_table(colour, fills));
    }
    text
}

fn fill_table(colour: bool, fills: &[Fill]) -> String {
    let mut sheet = Sheet::new(colour, &["fill", "side", ">qty", ">price", "time (utc)", "broker time"]);
    for fill in fills {
        sheet.row(vec![
            (fill.exec_id.to_string(), Paint::Plain),
            (fill.side.to_string(), Paint::Plain),
            (fill.last_qty.to_string(), Paint::Plain),
            (fill.last_px.to_string(), Paint::Plain),
            (fill.time.map_or_else(|| "not known".to_owned(), short_second), Paint::Plain),
            (fill.time_text.clone(), Paint::Faint),
        ]);
    }
    sheet.finish()
}

/// The state, with what rides beside it.
fn state(order: &Order) -> String {
    let mut text = order.state.to_string();
    if order.pending.cancel_asked_at.is_some() && !order.state.is_terminal() {
        text.push_str(" (canceling)");
    }
    if order.pending.replace.is_some() {
        text.push_str(" (changing)");
    }
    text
}

/// How a state is shown.
pub(crate) const fn paint(state: OrderState) -> Paint {
    match state {
        OrderState::Staged | OrderState::PendingNew | OrderState::Working => Paint::Active,
        OrderState::Filled => Paint::Good,
        OrderState::InDoubt => Paint::Warn,
        OrderState::Rejected | OrderState::Denied => Paint::Bad,
        OrderState::Canceled | OrderState::Expired => Paint::Plain,
    }
}

/// The type with its prices.
pub(crate) fn terms(spec: &OrderSpec) -> String {
    let mut text = spec.order_type.as_str().replace('_', "-");
    if let Some(stop_px) = spec.order_type.stop_px() {
        text.push_str(&format!(" stop {stop_px}"));
    }
    match spec.order_type.trail() {
        Some(Trail::Amount { amount }) => text.push_str(&format!(" by {amount}")),
        Some(Trail::Percent { percent }) => text.push_str(&format!(" by {}%", percent.normalize())),
        None => {}
    }
    if let Some(limit_px) = spec.order_type.limit_px() {
        text.push_str(&format!(" at {limit_px}"));
    }
    text
}

pub(crate) fn life(tif: TimeInForce) -> String {
    match tif {
        TimeInForce::Gtd { expire_at } => format!("gtd {}", short_time(expire_at)),
        other => other.to_string(),
    }
}

/// For display only: six digits after the point are enough for people.
fn average(px: Decimal) -> String {
    px.round_dp(6).normalize().to_string()
}
