//! Rates: ours below the broker's, the broker's below ours.

use std::time::Duration;

use alphec_engine::core::Lane;
use alphec_execution::model::{AlertKind, CancelScope, OrderState};

use super::world::{World, buy, reach, readiness, until};

/// Danger 33: our own limit is below the broker's.
#[tokio::test]
async fn a_burst_stays_below_the_rate_that_ends_sessions() {
    let limits = "limits.max_open_orders = 100\nlimits.max_messages_per_second = 36\ntimeouts.ack_ms = 5000";
    let world = World::started(&["pacing(mode=reject)"], limits, |it| it).await;
    world.is_ready().await;
    let mut orders = Vec::new();
    while orders.len() < 36 {
        orders.push(world.submit(buy("1", "195.00")).await);
    }
    for order in &orders {
        reach(order, OrderState::Working).await;
    }
    // With these it is more than the broker takes in a second.
    world.client.cancel_all(CancelScope::All).await.unwrap();
    for order in &orders {
        reach(order, OrderState::Canceled).await;
    }
    let waits = world.client.status().await.unwrap().stats.waits;
    assert!(waits.delayed > 0, "without our own limit they would all have left at once: {waits:?}");
    assert!(readiness(&world).await.is_ready(), "the session lives on");
    assert_eq!(world.gateway.counters().connections, 1);
    world.avoids("pacing");
    world.ends(36).await;
}

/// Danger 33: a cancel leaves ahead of the orders that wait for our budget.
#[tokio::test]
async fn a_cancel_does_not_wait_behind_orders() {
    let limits = "pacing_per_second = 10\nlimits.max_messages_per_second = 8\n\
                  timeouts.reconcile_ms = 60000\ntimeouts.ack_ms = 5000";
    let world = World::started(&["pacing(mode=reject)"], limits, |it| it).await;
    world.is_ready().await;
    let resting = world.working(buy("1", "195.00")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The questions of this reading use up most of what orders may, and nothing of what is kept for cancels.
    world.client.reconcile(Duration::from_secs(5)).await.unwrap();
    let mut orders = Vec::new();
    while orders.len() < 8 {
        orders.push(world.submit(buy("1", "194.00")).await);
    }
    world.client.cancel_order(resting.client_order_id()).await.unwrap();
    until("the cancel", || async { world.gateway.counters().cancels == 1 }).await;
    let waits = world.client.status().await.unwrap().stats.waits;
    assert!(waits.waiting[Lane::New as usize] > 0, "no order waited longer than the cancel: {waits:?}");
    reach(&resting, OrderState::Canceled).await;
    for order in &orders {
        reach(order, OrderState::Working).await;
    }
    world.avoids("pacing");
    world.ends(9).await;
}

/// Danger 33: an order that waits at the broker is in doubt until it is answered, and never sent again.
#[tokio::test]
async fn an_order_that_the_broker_delays_is_in_doubt_until_it_is_answered() {
    let calm = "heartbeat.interval_ms = 60000\ntimeouts.reconcile_ms = 60000\ntimeouts.snapshot_ms = 10000";
    let mut world = World::started(&[], calm, |it| it).await;
    world.is_ready().await;
    world.inject("pacing(mode=queue, rate=4)");
    let mut orders = Vec::new();
    while orders.len() < 12 {
        orders.push(world.submit(buy("1", "195.00")).await);
    }
    // It is told of none of its delays: that answers are missing is all there is to see.
    let doubt = world.hears(AlertKind::OrderInDoubt).await;
    assert!(doubt.text.contains("nothing is sent again"), "{}", doubt.text);
    for order in &orders {
        reach(order, OrderState::Working).await;
    }
    assert_eq!(world.gateway.counters().orders, 12);
    assert_eq!(world.gateway.counters().connections, 1);
    world.ends(12).await;
}
