//! This library as a driver for `cargo xtask compare`: commands as words on stdin, what it shows as JSON on stdout.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a harness that is not shipped")]

mod driver;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use alphec_execution::ExecutionClient;
use alphec_execution::config::{self, Source};
use alphec_execution::model::{
    AccountId, ClientOrderId, InstrumentId, OrderRequest, OrderSpec, OrderType, Side, StrategyId,
};
use driver::{answer, say};
use serde_json::json;

#[tokio::main]
async fn main() {
    let path = PathBuf::from(std::env::args().nth(1).unwrap());
    let profile = config::load(Source { path: Some(path), ..Source::default() }).unwrap().profile;
    let account = profile.accounts.first().unwrap().clone();
    let client = ExecutionClient::start(profile).unwrap();
    tokio::spawn(watch(client.clone()));
    let mut commands = driver::commands();
    while let Some(line) = commands.recv().await {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let (client, account) = (client.clone(), account.clone());
        tokio::spawn(async move { obey(&client, account, &words).await });
    }
}

/// Says when orders may be sent and when not.
async fn watch(client: ExecutionClient) {
    let mut was = false;
    loop {
        let readiness = client.status().await.unwrap().readiness;
        let quoted = client.wait_quote(&InstrumentId::new("AAPL").unwrap(), Duration::from_millis(50)).await;
        let is = readiness.is_ready() && (was || quoted.is_ok());
        if is != was {
            say(&json!({ "say": if is { "ready" } else { "down" } }));
            was = is;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn obey(client: &ExecutionClient, account: AccountId, words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["place", key, side, qty, px] => {
            let request = OrderRequest {
                client_order_id: ClientOrderId::new(*key).unwrap(),
                strategy_id: StrategyId::new("compare").unwrap(),
                correlation_id: alphec_execution::new_correlation_id(),
                account,
                instrument: InstrumentId::new("AAPL").unwrap(),
                spec: spec(side, qty, px),
                when_in_doubt: None,
            };
            answer(key, client.submit_order(request).await.map(drop));
        }
        ["modify", key, side, qty, px] => {
            let id = ClientOrderId::new(*key).unwrap();
            answer(key, client.modify_order(&id, spec(side, qty, px)).await.map(drop));
        }
        ["cancel", key] => {
            let id = ClientOrderId::new(*key).unwrap();
            answer(key, client.cancel_order(&id).await.map(drop));
        }
        ["show"] => show(client).await,
        _ => {}
    }
}

async fn show(client: &ExecutionClient) {
    let mut orders = BTreeMap::new();
    for order in client.all_orders().await.unwrap() {
        let why = order.reject_reason.as_ref().map(ToString::to_string);
        let shown = json!({
            "state": order.state, "filled": order.cum_qty, "why": why, "qty": order.spec.order_qty,
        });
        orders.insert(order.client_order_id.to_string(), shown);
    }
    let positions = client.positions().await.unwrap();
    let position = positions.first().map(|position| position.qty.to_string());
    say(&json!({ "say": "orders", "orders": orders, "position": position }));
}

fn spec(side: &str, qty: &str, px: &str) -> OrderSpec {
    let side = if side == "BUY" { Side::Buy } else { Side::Sell };
    match px {
        "MKT" => OrderSpec::new(side, qty.parse().unwrap(), OrderType::Market).unwrap(),
        px => OrderSpec::limit(side, qty.parse().unwrap(), px.parse().unwrap()).unwrap(),
    }
}
