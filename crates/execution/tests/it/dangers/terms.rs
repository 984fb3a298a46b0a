//! Terms that come back other than they were sent.

use alphec_execution::model::{OrderSpec, OrderState, TimeInForce};

use super::world::{QUIET, World, buy, reach};

/// Danger 39: what was asked for is kept beside what is echoed, and no echo is answered with a change.
#[tokio::test]
async fn a_preset_that_rewrites_the_order_is_not_corrected_in_a_loop() {
    let world = World::ready(&["preset-tif=DAY"]).await;
    let wanted = OrderSpec { time_in_force: TimeInForce::Gtc, ..buy("10", "195.00") };
    let order = world.working(wanted.clone()).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.order(&order).await.spec, wanted, "the echo is not adopted");
    assert_eq!((world.gateway.counters().orders, world.gateway.counters().modifies), (1, 0));
    world.ends(1).await;
}

/// Danger 39: what was asked for is kept beside what is echoed, and no echo is answered with a change.
#[tokio::test]
async fn a_change_that_goes_on_being_shown_as_before_is_asked_for_once() {
    let world = World::ready(&["modify-shows-old"]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.modify_order(order.client_order_id(), buy("10", "196.00")).await.unwrap();
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.gateway.counters().modifies, 1);
    assert_eq!(world.order(&order).await.state, OrderState::Working);
    // Whichever of the two holds, the worse one is reserved and a fill at either counts.
    assert!(world.gateway.set_price("AAPL", "195.50".parse().unwrap()));
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}
