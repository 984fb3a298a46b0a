//! The budget of messages, through the whole house on the real wire.

use alphec_execution::ExecutionClient;
use alphec_execution::model::{OrderSpec, OrderState, Side};

use crate::trading::{PATIENCE, gateway, profile, px, qty, reach, ready, request};

const ACCOUNT: &str = "DU1234567";

#[tokio::test]
async fn a_cancel_is_done_while_the_orders_that_came_before_it_still_wait_and_the_wait_is_shown() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, mut profile) = profile(&gateway, ACCOUNT, "");
    // Tighter than the limit of messages, which a profile by file is refused for: the crowd is to wait here.
    profile.pacing_per_second = Some(10);
    profile.limits.max_open_orders = 1_000;
    profile.limits.max_messages_per_second = 1_000;
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    let order = || request(ACCOUNT, OrderSpec::limit(Side::Buy, qty("1"), px("195.00")).unwrap());
    let mut first = client.submit_order(order()).await.unwrap();
    reach(&mut first, OrderState::Working).await;
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(client.submit_order(order()).await.unwrap());
    }
    client.cancel_order(first.client_order_id()).await.unwrap();
    tokio::time::timeout(PATIENCE, first.done()).await.unwrap().unwrap();
    let waits = client.status().await.unwrap().stats.waits;
    assert!(waits.waiting.iter().sum::<usize>() > 0, "the crowd still waits: {waits:?}");
    // What waits for too long was judged by a market that is gone: it is given up, proven unsent.
    for waiting in &mut crowd {
        tokio::time::timeout(PATIENCE, waiting.accepted()).await.unwrap().unwrap();
    }
    let sent = gateway.truth().orders.len();
    assert!(sent > 1 && sent < 41, "{sent}");
    assert!(client.status().await.unwrap().stats.waits.delayed > 0);
    client.stop().await.unwrap();
    gateway.stop().await;
}
