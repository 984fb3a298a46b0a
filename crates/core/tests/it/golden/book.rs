//! A book as text: one fact a line, by what anyone outside can ask of it.

use std::collections::BTreeSet;

use alphec_core::{Book, Gap, Halt};
use alphec_model::Order;
use serde_json::{Value, json};

/// Everything that the book shows.
pub(super) fn facts(book: &Book) -> String {
    let head = json!({
        "seq": book.seq(),
        "log_id": book.log_id(),
        "api_client_id": book.api_client_id(),
        "orders": book.len(),
        "live": book.live_orders().map(|order| &order.client_order_id).collect::<Vec<_>>(),
        "next_broker_order_id": book.next_broker_id(),
        "next_intent": book.next_intent(),
        "next_gap": book.next_gap(),
        "gap": book.gap().map(|Gap { epoch, since, why }| json!({"epoch": epoch, "since": since, "why": why})),
    });
    let orders = book.orders().map(|order| json!({"order": order, "fills": fills(book, order)}));
    let halts = book.halts().map(|(scope, Halt { why, since, is_kill, is_verified })| {
        json!({"halt": scope, "why": why, "since": since, "is_kill": is_kill, "is_verified": is_verified})
    });
    let foreign = book.foreign_orders().map(|order| json!({"foreign": order}));
    let positions = book.positions().map(|position| json!({"position": position}));
    let all = std::iter::once(head).chain(orders).chain(positions).chain(exposures(book)).chain(halts);
    all.chain(foreign).map(|fact| format!("{fact}\n")).collect()
}

fn fills(book: &Book, order: &Order) -> Value {
    json!(book.fills_of(&order.client_order_id).collect::<Vec<_>>())
}

/// Of every holding that something else in the book names.
fn exposures(book: &Book) -> impl Iterator<Item = Value> {
    let orders = book.orders().map(|order| (order.account.clone(), order.instrument.clone()));
    let positions = book.positions().map(|position| (position.account, position.instrument));
    let foreign = book.foreign_orders().map(|order| (order.account.clone(), order.instrument.clone()));
    let holdings: BTreeSet<_> = orders.chain(positions).chain(foreign).collect();
    holdings.into_iter().map(|(account, instrument)| {
        let exposure = book.exposure(&account, &instrument);
        json!({
            "exposure": {"account": account, "instrument": instrument},
            "position": exposure.position,
            "broken": exposure.broken,
            "leaves": [exposure.buy_leaves.to_string(), exposure.sell_leaves.to_string()],
            "orders": [exposure.buys, exposure.sells],
            "foreign_leaves":
                [exposure.foreign_buy_leaves.to_string(), exposure.foreign_sell_leaves.to_string()],
            "foreign_orders": [exposure.foreign_buys, exposure.foreign_sells],
        })
    })
}

/// The facts of a text.
pub(super) fn read(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether the later text says all that the earlier one did, fact by fact.
pub(super) fn only_adds(before: &str, after: &str) -> bool {
    let (before, after) = (read(before), read(after));
    before.len() == after.len() && before.iter().zip(&after).all(|(was, is)| is_within(was, is))
}

/// Objects may gain names; nothing else may differ.
fn is_within(was: &Value, is: &Value) -> bool {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            was.iter().all(|(name, value)| is.get(name).is_some_and(|is| is_within(value, is)))
        }
        (Value::Array(was), Value::Array(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| is_within(was, is))
        }
        _ => was == is,
    }
}
