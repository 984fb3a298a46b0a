//! The truth in JSON: decimals as strings, instants in UTC to the nanosecond.

use bytes::{Buf, BytesMut};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::desk::{Counters, Desk};
use crate::venue::{Account, ConId, Execution, Instrument, OrderReport, Quote, TimeInForce, UtcNs, Venue};
use crate::wire::{
    NEWEST_SERVER_VERSION, Reply, describe_reply, encode, format_instant, order_type, side_word, tif_word,
};

/// Which rows are wanted.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    pub(super) client: Option<i32>,
    pub(super) order_ref: Option<&'a str>,
    pub(super) symbol: Option<&'a str>,
    pub(super) account: Option<&'a str>,
    /// Working orders only, or ended ones only.
    pub(super) open: Option<bool>,
    /// Each order also as a client would hear of it.
    pub(super) echo: bool,
    pub(super) limit: usize,
}

/// Rows without a `limit`; the newest are shown.
pub(super) const ROWS: usize = 10_000;

impl Filter<'_> {
    fn takes_symbol(&self, instrument: &Instrument) -> bool {
        self.symbol.is_none_or(|name| instrument.symbol == name || instrument.local_symbol == name)
    }

    fn takes(&self, venue: &Venue, con_id: ConId, client: i32, order_ref: &str) -> bool {
        self.client.is_none_or(|wanted| wanted == client)
            && self.order_ref.is_none_or(|wanted| wanted == order_ref)
            && venue.instrument(con_id).is_some_and(|it| self.takes_symbol(it))
    }
}

pub(super) fn orders(desk: &Desk, filter: &Filter<'_>) -> Value {
    let venue = desk.venue();
    let takes = |it: &OrderReport| filter.takes(venue, it.spec.con_id, it.key.client_id, &it.spec.order_ref);
    let working = venue.open_orders().filter(|_| filter.open != Some(false)).filter(|it| takes(it));
    let mut rows: Vec<Value> =
        working.take(filter.limit).map(|report| order(venue, &report, None, filter.echo)).collect();
    let room = filter.limit - rows.len();
    let ended = venue.finished_orders().filter(|_| filter.open != Some(true));
    let ended: Vec<_> = ended.rev().filter(|it| takes(&it.report)).take(room).collect();
    rows.extend(ended.iter().rev().map(|it| order(venue, &it.report, Some(it.at), filter.echo)));
    Value::Array(rows)
}

pub(super) fn executions(desk: &Desk, filter: &Filter<'_>) -> Value {
    let venue = desk.venue();
    let takes =
        |it: &&std::sync::Arc<Execution>| filter.takes(venue, it.con_id, it.key.client_id, &it.order_ref);
    let mut rows: Vec<Value> =
        venue.executions().rev().filter(takes).take(filter.limit).map(|it| execution(venue, it)).collect();
    rows.reverse();
    Value::Array(rows)
}

pub(super) fn positions(desk: &Desk, filter: &Filter<'_>) -> Value {
    let venue = desk.venue();
    let rows = accounts_of(venue, filter).flat_map(|account| {
        account.positions.iter().map(|(con_id, held)| {
            json!({
                "account": *account.id,
                "con_id": con_id,
                "symbol": symbol(venue, *con_id),
                "quantity": number(held.quantity),
                "avg_cost": number(held.avg_cost()),
                "realized_pnl": number(held.realized),
            })
        })
    });
    Value::Array(rows.collect())
}

pub(super) fn accounts(desk: &Desk, filter: &Filter<'_>) -> Value {
    let venue = desk.venue();
    let rows = accounts_of(venue, filter).map(|account| {
        let cash: Map<String, Value> =
            account.cash.iter().map(|(currency, amount)| (currency.clone(), number(*amount))).collect();
        let totals = venue.totals(&account.id).unwrap_or_default();
        json!({
            "account": *account.id,
            "base_currency": *account.base_currency,
            "cash": cash,
            "net_liquidation": number(totals.net_liquidation),
            "available_funds": number(totals.available_funds),
            "buying_power": number(totals.buying_power),
            "unrealized_pnl": number(totals.unrealized_pnl),
            "realized_pnl": number(totals.realized_pnl),
        })
    });
    Value::Array(rows.collect())
}

pub(super) fn prices(desk: &Desk, filter: &Filter<'_>) -> Value {
    let listed = desk.venue().instruments().filter(|it| filter.takes_symbol(it));
    let rows = listed.map(|instrument| {
        let quote = desk.quote(instrument.con_id).unwrap_or_default();
        price(instrument, &quote)
    });
    Value::Array(rows.collect())
}

pub(super) fn counters(counters: &Counters) -> Value {
    let Counters {
        connections,
        messages_in,
        messages_out,
        orders,
        modifies,
        cancels,
        client_ids_refused,
        malformed,
        early,
        slow_clients,
        unsupported,
    } = counters;
    json!({
        "connections": connections,
        "messages_in": messages_in,
        "messages_out": messages_out,
        "orders": orders,
        "modifies": modifies,
        "cancels": cancels,
        "client_ids_refused": client_ids_refused,
        "malformed": malformed,
        "early": early,
        "slow_clients": slow_clients,
        "unsupported": unsupported,
    })
}

fn accounts_of<'a>(venue: &'a Venue, filter: &Filter<'a>) -> impl Iterator<Item = &'a Account> + use<'a> {
    let wanted = filter.account;
    venue.accounts().filter(move |account| wanted.is_none_or(|id| id == &*account.id))
}

fn order(venue: &Venue, report: &OrderReport, ended_at: Option<UtcNs>, echo: bool) -> Value {
    let spec = &*report.spec;
    let mut row = json!({
        "client": report.key.client_id,
        "order": report.key.order_id,
        "perm_id": report.perm_id,
        "order_ref": *spec.order_ref,
        "account": *spec.account,
        "con_id": spec.con_id,
        "symbol": symbol(venue, spec.con_id),
        "exchange": *spec.exchange,
        "side": side_word(spec.side),
        "quantity": number(spec.quantity),
        "type": order_type(spec.kind),
        "limit": spec.kind.limit().map(number),
        "stop": spec.kind.stop().map(number),
        "tif": tif_word(spec.tif),
        "good_till": match spec.tif {
            TimeInForce::Gtd(at) => Some(format_instant(at)),
            _ => None,
        },
        "outside_rth": spec.outside_rth,
        "parent": spec.parent_id,
        "status": report.status.as_str(),
        "filled": number(report.filled),
        "remaining": number(report.remaining),
        "avg_price": number(report.avg_price),
        "last_price": number(report.last_price),
        "commission": number(report.commission),
        "why_held": report.why_held,
        "reject_reason": *report.reject_reason,
        "ended_at": ended_at.map(format_instant),
    });
    if echo && let Some(fields) = row.as_object_mut() {
        fields.insert("echo".to_owned(), echoed(venue, report));
    }
    row
}

/// The open order message about it, in words, as the newest clients get it.
fn echoed(venue: &Venue, report: &OrderReport) -> Value {
    let Some(instrument) = venue.instrument(report.spec.con_id) else { return Value::Null };
    let mut frame = BytesMut::new();
    encode(NEWEST_SERVER_VERSION, &Reply::OpenOrder { order: report, instrument }, &mut frame);
    frame.advance(frame.len().min(4));
    describe_reply(NEWEST_SERVER_VERSION, &frame.freeze()).fields.unwrap_or_default()
}

fn execution(venue: &Venue, it: &Execution) -> Value {
    json!({
        "exec_id": it.exec_id,
        "client": it.key.client_id,
        "order": it.key.order_id,
        "perm_id": it.perm_id,
        "order_ref": *it.order_ref,
        "account": *it.account,
        "con_id": it.con_id,
        "symbol": symbol(venue, it.con_id),
        "side": side_word(it.side),
        "quantity": number(it.quantity),
        "price": number(it.price),
        "cum_quantity": number(it.cum_quantity),
        "avg_price": number(it.avg_price),
        "commission": number(it.commission),
        "currency": *it.currency,
        "realized_pnl": it.realized_pnl.map(number),
        "at": format_instant(it.at),
    })
}

fn price(instrument: &Instrument, quote: &Quote) -> Value {
    json!({
        "con_id": instrument.con_id,
        "symbol": instrument.symbol,
        "local_symbol": instrument.local_symbol,
        "bid": quote.bid.map(number),
        "ask": quote.ask.map(number),
        "last": quote.last.map(number),
        "bid_size": number(quote.bid_size),
        "ask_size": number(quote.ask_size),
    })
}

fn symbol(venue: &Venue, con_id: ConId) -> &str {
    venue.instrument(con_id).map_or("", |instrument| instrument.local_symbol.as_str())
}

fn number(number: Decimal) -> Value {
    Value::from(number.normalize().to_string())
}
