//! Crate `ibapi` by itself as a driver for `cargo xtask compare`: what it hands over is kept as a plain program would.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a harness that is not shipped")]

mod driver;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driver::{answer, say};
use futures::StreamExt;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, Order, OrderUpdate};
use ibapi::subscriptions::SubscriptionItem;
use serde_json::json;

/// What a caller of the crate knows: the last status of each id, and every execution handed over.
#[derive(Default)]
struct Known {
    ids: BTreeMap<String, i32>,
    states: BTreeMap<i32, String>,
    notices: Vec<String>,
    filled: BTreeMap<i32, f64>,
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap();
    let client = Arc::new(ibapi::Client::connect(&address, 1).await.unwrap());
    let known = Arc::new(Mutex::new(Known::default()));
    tokio::spawn(listen(Arc::clone(&client), Arc::clone(&known)));
    tokio::spawn(watch(Arc::clone(&client)));
    let mut commands = driver::commands();
    while let Some(line) = commands.recv().await {
        let words: Vec<&str> = line.split_whitespace().collect();
        obey(&client, &known, &words).await;
    }
}

async fn watch(client: Arc<ibapi::Client>) {
    let mut was = false;
    loop {
        let is = client.is_connected();
        if is != was {
            say(&json!({ "say": if is { "ready" } else { "down" } }));
            was = is;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn listen(client: Arc<ibapi::Client>, known: Arc<Mutex<Known>>) {
    loop {
        let Ok(mut updates) = client.order_update_stream().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while let Some(Ok(item)) = updates.next().await {
            let mut known = known.lock().unwrap();
            match item {
                SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) => {
                    known.states.insert(status.order_id, format!("{:?}", status.status));
                }
                SubscriptionItem::Data(OrderUpdate::ExecutionData(data)) => {
                    *known.filled.entry(data.execution.order_id).or_default() += data.execution.shares;
                }
                SubscriptionItem::Data(_) => {}
                SubscriptionItem::Notice(notice) => known.notices.push(format!("{notice:?}")),
            }
        }
        drop(client.wait_connected().await);
    }
}

async fn obey(client: &ibapi::Client, known: &Mutex<Known>, words: &[&str]) {
    match words {
        ["place", key, side, qty, px] => {
            let id = client.next_order_id();
            known.lock().unwrap().ids.insert((*key).to_owned(), id);
            submit(client, id, key, order(side, qty, px)).await;
        }
        ["modify", key, side, qty, px] => {
            let id = known.lock().unwrap().ids.get(*key).copied().unwrap();
            submit(client, id, key, order(side, qty, px)).await;
        }
        ["cancel", key] => {
            let id = known.lock().unwrap().ids.get(*key).copied().unwrap();
            answer(key, client.cancel_order(id, "").await.map(drop));
        }
        ["show"] => {
            let known = known.lock().unwrap();
            let mut orders = BTreeMap::new();
            for (key, id) in &known.ids {
                let state = known.states.get(id).cloned().unwrap_or_else(|| "no status".to_owned());
                let filled = known.filled.get(id).copied().unwrap_or_default();
                let why = known.notices.last();
                orders.insert(key, json!({ "state": state, "filled": filled.to_string(), "why": why }));
            }
            say(&json!({ "say": "orders", "orders": orders, "position": null }));
        }
        _ => {}
    }
}

async fn submit(client: &ibapi::Client, id: i32, key: &str, order: Order) {
    let contract = Contract { contract_id: 265_598, exchange: "SMART".into(), ..Contract::default() };
    answer(key, client.submit_order(id, &contract, &order).await);
}

fn order(side: &str, qty: &str, px: &str) -> Order {
    let action = if side == "BUY" { Action::Buy } else { Action::Sell };
    let order = Order { action, total_quantity: qty.parse().unwrap(), transmit: true, ..Order::default() };
    match px {
        "MKT" => Order { order_type: "MKT".to_owned(), ..order },
        px => Order { order_type: "LMT".to_owned(), limit_price: px.parse().ok(), ..order },
    }
}
