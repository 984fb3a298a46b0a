//! Cancels: raced by fills, late, not found, repeated.

use alphec_execution::model::{AlertKind, OrderState};

use super::world::{NARROW, QUIET, World, buy, reach, until};

/// Danger 10: a cancel is a request; a fill that comes with it or after it counts.
#[tokio::test]
async fn a_fill_after_cancelled_is_booked() {
    // A reading meanwhile would show it open, and it would be canceled for good.
    let rarely = "timeouts.resnapshot_ms = 5000\ntimeouts.reconcile_ms = 60000";
    let world = World::started(&["fill-after-cancel=300ms"], rarely, |it| it).await;
    world.is_ready().await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    until("the fill", || async { world.order(&order).await.cum_qty.to_string() == "10" }).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 10: a cancel is a request; a fill that comes with it or after it counts.
#[tokio::test]
async fn a_fill_while_the_cancel_is_pending_is_booked() {
    let world = World::ready(&["fill-during-cancel"]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 11: an unanswered cancel leaves the order live, with its exposure.
#[tokio::test]
async fn a_cancel_that_is_not_confirmed_leaves_the_order_live() {
    for fault in ["cancel-late(by=never)", "swallow-cancel@1.."] {
        let world = World::started(&[fault], NARROW, |it| it).await;
        world.is_ready().await;
        let order = world.working(buy("10", "195.00")).await;
        world.client.cancel_order(order.client_order_id()).await.unwrap();
        tokio::time::sleep(QUIET).await;
        let after = world.order(&order).await;
        assert!(after.state.reserves_exposure(), "{fault}: {:?}", after.state);
        world.reserves_exposure().await;
        assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
        reach(&order, OrderState::Filled).await;
        world.holds("10").await;
        world.ends(1).await;
    }
}

/// Danger 11: a cancel that got lost is sent again once complete lists contradict it, which are read when its deadline
/// has passed and not with the next minute.
#[tokio::test]
async fn a_cancel_that_got_lost_is_sent_again() {
    let rarely = format!("{NARROW}\ntimeouts.reconcile_ms = 60000");
    let world = World::started(&["swallow-cancel"], &rarely, |it| it).await;
    world.is_ready().await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Canceled).await;
    world.ends(1).await;
}

/// Danger 12: "not found" alone proves nothing while a list shows the order.
#[tokio::test]
async fn not_found_does_not_end_an_order_that_is_live() {
    let world = World::started(&["cancel-not-found"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    tokio::time::sleep(QUIET).await;
    let state = world.order(&order).await.state;
    assert!(state.reserves_exposure() || world.gateway.truth().orders[0].ended_at.is_some(), "{state}");
    // Asked again by us or by its owner, it ends for real.
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Canceled).await;
    assert!(world.gateway.truth().orders[0].ended_at.is_some());
    assert!(world.gateway.counters().cancels >= 2, "the one that was not found, and the one that was");
    world.ends(1).await;
}

/// Danger 13: "already filled" stops the canceling; the executions say how much.
#[tokio::test]
async fn a_cancel_of_a_filled_order_is_not_repeated_for_ever() {
    let world = World::ready(&["lose(what=execution)", "no-status", "cancel-finished"]).await;
    let order = world.submit(buy("10", "201.00")).await;
    until("the fill at the venue", || async { world.true_position() == "10" }).await;
    // Unheard of: the lists have it.
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    tokio::time::sleep(QUIET).await;
    assert!(world.gateway.counters().cancels <= 2, "{} cancels", world.gateway.counters().cancels);
    world.ends(1).await;
}

/// Danger 12: "not found" for an order that an earlier process sent ends nothing either.
#[tokio::test]
async fn not_found_after_a_restart_of_ours_ends_nothing() {
    let mut world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    let id = order.client_order_id().clone();
    world = world.restarted().await;
    world.is_ready().await;
    world.inject("cancel-not-found@1..2");
    world.client.cancel_order(&id).await.unwrap();
    tokio::time::sleep(QUIET).await;
    let state = world.client.get_order_status(&id).await.unwrap().state;
    assert!(state.reserves_exposure() || world.gateway.truth().orders[0].ended_at.is_some(), "{state}");
    if state.reserves_exposure() {
        world.hears(AlertKind::Anomaly).await;
    }
    world.ends(1).await;
}
