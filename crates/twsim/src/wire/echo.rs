//! From the venue's words to the broker's messages, for both dialects: what the client sent, with what the
//! venue knows and what the broker fills in by itself laid over it.

use rust_decimal::prelude::ToPrimitive;

use super::layout::{
    ComboLeg, CommissionAndFeesReport, CompletedOrder, Contract, ContractDetails, Execution,
    ExecutionDetails, OpenOrder, Order, OrderState, OrderStatus,
};
use super::number::{quantity_text, to_double};
use super::request::PlaceOrder;
use super::stamp::format_stamp;
use crate::venue::{
    Calendar, Execution as Fill, FinishedOrder, Instrument, OrderKind, OrderReport, OrderSpec, Preview,
    SecType, Side, Status, TimeInForce, TrailBy, UtcNs,
};

/// The OCA type that the broker writes when the client names none (tws-behaviour 2.11).
const DEFAULT_OCA_TYPE: i32 = 3;

/// Who clears when the client does not say.
const DEFAULT_CLEARING_INTENT: &str = "IB";

/// A contract as the broker writes it, at `exchange`.
pub(super) fn contract(instrument: &Instrument, exchange: &str) -> Contract {
    let derivative = matches!(instrument.sec_type, SecType::Future | SecType::Option);
    Contract {
        con_id: Some(instrument.con_id),
        symbol: text(&instrument.symbol),
        sec_type: text(instrument.sec_type.as_str()),
        last_trade_date_or_contract_month: text(&instrument.expiry),
        strike: instrument.strike.map(to_double),
        right: instrument.right.map(|right| right.as_str().to_owned()),
        multiplier: derivative.then(|| to_double(instrument.multiplier)),
        exchange: text(exchange),
        primary_exch: text(&instrument.primary_exchange),
        currency: text(&instrument.currency),
        local_symbol: text(&instrument.local_symbol),
        trading_class: text(&instrument.trading_class),
        last_trade_date: text(&instrument.expiry),
        ..Contract::default()
    }
}

pub(super) fn contract_details(instrument: &Instrument, now: UtcNs) -> ContractDetails {
    let exchanges = exchanges(instrument);
    let calendar = instrument.calendar.as_deref();
    let rule = instrument.market_rule_id.to_string();
    ContractDetails {
        market_name: text(&instrument.trading_class),
        min_tick: Some(instrument.min_tick().normalize().to_string()),
        order_types: text(&order_types(instrument)),
        market_rule_ids: Some(vec![rule.as_str(); exchanges.len()].join(",")),
        valid_exchanges: Some(exchanges.join(",")),
        price_magnifier: Some(instrument.price_magnifier),
        long_name: text(&instrument.long_name),
        contract_month: instrument.expiry.get(..6).and_then(text),
        time_zone_id: text(calendar.map_or("UTC", Calendar::zone)),
        trading_hours: calendar.map(|it| it.trading_hours(now)),
        liquid_hours: calendar.map(|it| it.liquid_hours(now)),
        real_expiration_date: text(&instrument.expiry),
        stock_type: matches!(instrument.sec_type, SecType::Stock).then(|| "COMMON".to_owned()),
        min_size: Some(quantity_text(instrument.min_size)),
        size_increment: Some(quantity_text(instrument.size_increment)),
        suggested_size_increment: Some(quantity_text(instrument.size_increment)),
        ..ContractDetails::default()
    }
}

/// What an instrument can be traded with, in the broker's abbreviations.
fn order_types(instrument: &Instrument) -> String {
    let mut types = vec![
        "DAY", "FOK", "GAT", "GTC", "GTD", "HID", "IOC", "LIT", "LMT", "LOC", "MIT", "MKT", "MOC", "MTL",
        "OCA", "OPG", "STP", "STPLMT", "TRAIL", "TRAILLMT", "WHATIF",
    ];
    if instrument.takes_all_or_none() {
        types.insert(0, "AON");
    }
    types.join(",")
}

pub(super) fn open_order(report: &OrderReport, instrument: &Instrument) -> OpenOrder {
    let (contract, order) = terms(report, instrument);
    OpenOrder {
        order_id: order.order_id,
        contract: Some(contract),
        order: Some(order),
        order_state: Some(order_state(report, &instrument.currency)),
    }
}

/// An open order that is marked as a what-if, with the account's margins in its state. Margins outside regular hours,
/// and the least and most that a commission can be, stay unset (tws-behaviour 2.9).
pub(super) fn preview(preview: &Preview, instrument: &Instrument) -> OpenOrder {
    let mut message = open_order(&preview.order, instrument);
    if let Some(order) = &mut message.order {
        order.what_if = Some(true);
    }
    let [initial, maintenance, equity] = [preview.initial_margin, preview.maintenance_margin, preview.equity];
    message.order_state = Some(OrderState {
        status: text(preview.order.status.as_str()),
        init_margin_before: Some(to_double(initial.before)),
        init_margin_change: Some(to_double(initial.change)),
        init_margin_after: Some(to_double(initial.after())),
        maint_margin_before: Some(to_double(maintenance.before)),
        maint_margin_change: Some(to_double(maintenance.change)),
        maint_margin_after: Some(to_double(maintenance.after())),
        equity_with_loan_before: Some(to_double(equity.before)),
        equity_with_loan_change: Some(to_double(equity.change)),
        equity_with_loan_after: Some(to_double(equity.after())),
        margin_currency: text(&preview.margin_currency),
        commission_and_fees: Some(to_double(preview.commission)),
        commission_and_fees_currency: text(&instrument.currency),
        ..OrderState::default()
    });
    message
}

/// The broker reports the quantity *left* as the total of a completed order, and the fills beside it
/// (tws-behaviour 4.1).
pub(super) fn completed_order(finished: &FinishedOrder, instrument: &Instrument) -> CompletedOrder {
    let report = &finished.report;
    let (contract, order) = terms(report, instrument);
    let order = Order {
        total_quantity: Some(quantity_text(report.remaining)),
        filled_quantity: Some(quantity_text(report.filled)),
        ..order
    };
    let completed_status = match report.status {
        Status::Filled => format!("Filled Size: {}", quantity_text(report.filled)),
        Status::Inactive => report.reject_reason.to_string(),
        Status::PreSubmitted | Status::Submitted | Status::PendingCancel | Status::Cancelled => {
            "Cancelled by Trader".to_owned()
        }
    };
    let state = OrderState {
        completed_time: Some(format_stamp(finished.at)),
        completed_status: Some(completed_status),
        ..order_state(report, &instrument.currency)
    };
    CompletedOrder { contract: Some(contract), order: Some(order), order_state: Some(state) }
}

pub(super) fn order_status(report: &OrderReport) -> OrderStatus {
    OrderStatus {
        order_id: Some(api_order_id(report)),
        status: text(report.status.as_str()),
        filled: Some(quantity_text(report.filled)),
        remaining: Some(quantity_text(report.remaining)),
        avg_fill_price: Some(to_double(report.avg_price)),
        perm_id: Some(report.perm_id),
        parent_id: Some(report.spec.parent_id),
        last_fill_price: Some(to_double(report.last_price)),
        client_id: Some(report.key.client_id),
        why_held: text(report.why_held),
        mkt_cap_price: Some(0.0),
    }
}

pub(super) fn execution(
    req_id: i32,
    fill: &Fill,
    (instrument, time): (&Instrument, Option<&str>),
) -> ExecutionDetails {
    let venue = execution_venue(&instrument.exchange, &instrument.primary_exchange);
    let body = Execution {
        order_id: Some(fill.key.order_id),
        exec_id: Some(fill.exec_id.clone()),
        time: Some(time.map_or_else(|| format_stamp(fill.at), str::to_owned)),
        acct_number: text(&fill.account),
        exchange: text(venue),
        side: text(match fill.side {
            Side::Buy => "BOT",
            Side::Sell => "SLD",
        }),
        shares: Some(quantity_text(fill.quantity)),
        price: Some(to_double(fill.price)),
        perm_id: Some(fill.perm_id),
        client_id: Some(fill.key.client_id),
        cum_qty: Some(quantity_text(fill.cum_quantity)),
        avg_price: Some(to_double(fill.avg_price)),
        order_ref: text(&fill.order_ref),
        last_liquidity: Some(if fill.added_liquidity { 1 } else { 2 }),
        ..Execution::default()
    };
    ExecutionDetails {
        req_id: Some(req_id),
        contract: Some(contract(instrument, venue)),
        execution: Some(body),
    }
}

pub(super) fn commission(fill: &Fill) -> CommissionAndFeesReport {
    CommissionAndFeesReport {
        exec_id: Some(fill.exec_id.clone()),
        commission_and_fees: Some(to_double(fill.commission)),
        currency: text(&fill.currency),
        // Opening trades carry the "unset" double, not an absent field (tws-behaviour 3.1).
        realized_pnl: Some(fill.realized_pnl.map_or(f64::MAX, to_double)),
        ..CommissionAndFeesReport::default()
    }
}

/// Contract and order as the client sent them, with the venue's knowledge laid over them.
fn terms(report: &OrderReport, instrument: &Instrument) -> (Contract, Order) {
    let spec = &report.spec;
    let sent = PlaceOrder::from_carried(&spec.carried);
    let legs = sent.contract.combo_legs;
    let contract = Contract {
        combo_legs: if legs.is_empty() { combo_legs(instrument, &spec.exchange) } else { legs },
        combo_legs_descrip: sent.contract.combo_legs_descrip.or_else(|| describe_legs(instrument)),
        delta_neutral_contract: sent.contract.delta_neutral_contract,
        ..contract(instrument, &spec.exchange)
    };
    let mut order = sent.order;
    if spec.carried.is_empty() {
        write_extra(&mut order, spec);
    }
    decide(&mut order, report);
    (contract, order)
}

/// The legs of a combination that was named by its contract id.
fn combo_legs(instrument: &Instrument, exchange: &str) -> Vec<ComboLeg> {
    let legs = instrument.legs.iter().map(|leg| ComboLeg {
        con_id: Some(leg.spec.con_id),
        ratio: i32::try_from(leg.spec.ratio).ok(),
        action: text(action(leg.spec.side)),
        exchange: text(exchange),
        ..ComboLeg::default()
    });
    legs.collect()
}

/// `265598|1,272093|-1`: contract id and signed ratio of each leg.
fn describe_legs(instrument: &Instrument) -> Option<String> {
    let legs = instrument
        .legs
        .iter()
        .map(|leg| format!("{}|{}", leg.spec.con_id, leg.spec.side.signed(leg.spec.ratio.into())));
    text(&legs.collect::<Vec<_>>().join(","))
}

/// The rarer terms of an order that no client sent; those of the others are echoed as they were sent.
fn write_extra(order: &mut Order, spec: &OrderSpec) {
    let Some(extra) = &spec.extra else { return };
    order.oca_group = extra.oca.as_ref().map(|oca| oca.group.to_string());
    order.oca_type = extra.oca.as_ref().map(|oca| oca.kind.number());
    order.good_after_time = extra.good_after.map(format_stamp);
    order.all_or_none = extra.all_or_none.then_some(true);
    order.min_qty = extra.min_quantity.and_then(|least| least.to_i32());
    order.hidden = extra.hidden.then_some(true);
}

/// Lays what the gateway knows over what the client sent. A field that is new here also belongs into the lists of
/// `proto::open_order`.
pub(super) fn decide(order: &mut Order, report: &OrderReport) {
    lay_over(order, report);
    fill_in(order);
}

/// What the venue decides about, which is the truth whatever the client wrote.
fn lay_over(order: &mut Order, report: &OrderReport) {
    let spec = &report.spec;
    order.client_id = Some(report.key.client_id);
    order.order_id = Some(api_order_id(report));
    order.perm_id = Some(report.perm_id);
    order.parent_id = Some(spec.parent_id).filter(|id| *id != 0);
    order.action = order.action.take().or_else(|| text(action(spec.side)));
    order.total_quantity = Some(quantity_text(spec.quantity));
    order.order_type = text(order_type(spec.kind));
    order.lmt_price = spec.kind.limit().map(to_double).or(order.lmt_price);
    lay_over_trigger(order, spec.kind);
    order.tif = text(tif(spec.tif));
    order.account = text(&spec.account);
    order.outside_rth = spec.outside_rth.then_some(true);
    if let TimeInForce::Gtd(at) = spec.tif {
        order.good_till_date = Some(format_stamp(at));
    }
    order.order_ref = text(&spec.order_ref);
    order.what_if = None;
    order.transmit = Some(true);
    // Not a fill counter: the broker leaves it unset for open orders.
    order.filled_quantity = None;
    order.parent_perm_id = Some(report.parent_perm_id).filter(|id| *id != 0);
}

/// A trailing stop has its distance where the others have their stop.
fn lay_over_trigger(order: &mut Order, kind: OrderKind) {
    let stop = kind.stop().map(to_double);
    match kind.trail() {
        None => order.aux_price = stop.or(order.aux_price),
        Some(by) => {
            match by {
                TrailBy::Amount(amount) => order.aux_price = Some(to_double(amount)),
                TrailBy::Percent(percent) => order.trailing_percent = Some(to_double(percent)),
            }
            order.trail_stop_price = stop;
        }
    }
}

/// What the broker writes into every order that does not say otherwise, seen in its echoes.
fn fill_in(order: &mut Order) {
    order.oca_type = order.oca_type.filter(|kind| *kind != 0).or(Some(DEFAULT_OCA_TYPE));
    order.clearing_intent.get_or_insert_with(|| DEFAULT_CLEARING_INTENT.to_owned());
    order.exempt_code.get_or_insert(-1);
    // Zero is how some clients say nothing.
    order.display_size = order.display_size.filter(|size| *size != 0);
    if order.hedge_type.is_none() {
        order.dont_use_auto_price_for_hedge = Some(true);
    }
}

pub(super) fn order_state(report: &OrderReport, currency: &str) -> OrderState {
    OrderState {
        status: text(report.status.as_str()),
        commission_and_fees: (!report.commission.is_zero()).then(|| to_double(report.commission)),
        // Named only together with an amount, as in the broker's frames.
        commission_and_fees_currency: text(currency).filter(|_| !report.commission.is_zero()),
        reject_reason: text(&report.reject_reason),
        ..OrderState::default()
    }
}

/// Executions name the venue, not the router.
fn execution_venue<'a>(exchange: &'a str, primary: &'a str) -> &'a str {
    if exchange == "SMART" && !primary.is_empty() { primary } else { exchange }
}

/// A hand-typed order has id 0 until client 0 binds it.
fn api_order_id(report: &OrderReport) -> i32 {
    if report.bound { report.key.order_id } else { 0 }
}

fn exchanges(instrument: &Instrument) -> Vec<&str> {
    let mut all = vec![instrument.exchange.as_str()];
    if !instrument.primary_exchange.is_empty() {
        all.push(&instrument.primary_exchange);
    }
    all
}

pub(crate) fn action(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(crate) fn order_type(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "MKT",
        OrderKind::Limit { .. } => "LMT",
        OrderKind::Stop { .. } => "STP",
        OrderKind::StopLimit { .. } => "STP LMT",
        OrderKind::IfTouched { .. } => "MIT",
        OrderKind::LimitIfTouched { .. } => "LIT",
        OrderKind::MarketToLimit { .. } => "MTL",
        OrderKind::MarketOnClose => "MOC",
        OrderKind::LimitOnClose { .. } => "LOC",
        OrderKind::Trail { .. } => "TRAIL",
        OrderKind::TrailLimit { .. } => "TRAIL LIMIT",
    }
}

pub(crate) fn tif(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Day => "DAY",
        TimeInForce::Gtc => "GTC",
        TimeInForce::Gtd(_) => "GTD",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Opg => "OPG",
    }
}

/// Empty texts are not written.
pub(super) fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}
