//! Orders that belong together: cut in half, refused in part, parted from their parent.

use alphec_execution::OrderHandle;
use alphec_execution::model::{GroupRequest, OrderSpec, OrderState, OrderType, Price};

use super::world::{QUIET, World, buy, reach, until};

/// What is in no list may count as gone at once.
const SOON: &str = "timeouts.absent_ms = 0";

fn px(text: &str) -> Option<Price> {
    Some(text.parse().unwrap())
}

/// An entry with a profit and a loss to end it.
async fn bracket(world: &World, price: &str) -> Vec<OrderHandle> {
    let group = GroupRequest::bracket(&world.request(buy("10", price)), px("205.00"), px("190.00")).unwrap();
    world.client.submit_group(group).await.unwrap()
}

async fn all_end(world: &World, legs: &[OrderHandle]) {
    for leg in legs {
        until("the end of the group", || async { world.order(leg).await.state.is_terminal() }).await;
    }
    let truth = world.gateway.truth();
    assert!(truth.orders.iter().all(|order| order.ended_at.is_some()), "{:?}", truth.orders);
    assert!(truth.executions.is_empty());
}

/// Danger 37: a bracket of which only a part arrived is undone whole: no entry without its exits.
#[tokio::test]
async fn a_bracket_that_is_cut_in_half_is_undone() {
    for (fault, arrived) in [
        // Parked orders are none of the venue's.
        ("drop-before-accept@2", 0),
        ("drop-after-accept@2", 0),
        ("drop-after-accept@3", 3),
        ("restart(down=300ms)@2", 0),
    ] {
        let world = World::started(&[fault], SOON, |it| it).await;
        world.is_ready().await;
        let legs = bracket(&world, "201.00").await;
        if fault.ends_with("drop-after-accept@3") {
            // Whole after all: it was transmitted with its last leg.
            reach(&legs[0], OrderState::Filled).await;
            reach(&legs[1], OrderState::Working).await;
            reach(&legs[2], OrderState::Working).await;
            world.holds("10").await;
        } else {
            all_end(&world, &legs).await;
            world.holds("0").await;
        }
        world.ends(arrived).await;
    }
}

/// Danger 38: an exit that is refused takes its entry with it, before it can fill alone.
#[tokio::test]
async fn a_bracket_whose_exits_are_refused_is_undone() {
    let world = World::started(&["child-race=10s"], SOON, |it| it).await;
    world.is_ready().await;
    let legs = bracket(&world, "201.00").await;
    all_end(&world, &legs).await;
    world.holds("0").await;
    world.ends(0).await;
}

/// Danger 38: an exit whose entry has filled is changed, although its parent is gone: a change names none.
#[tokio::test]
async fn an_exit_is_changed_after_its_entry_has_filled() {
    let world = World::started(&["parent-gone@1.."], SOON, |it| it).await;
    world.is_ready().await;
    let legs = bracket(&world, "201.00").await;
    reach(&legs[0], OrderState::Filled).await;
    reach(&legs[1], OrderState::Working).await;
    let nearer = OrderSpec {
        order_type: OrderType::Limit { limit_px: px("204.00").unwrap() },
        ..world.order(&legs[1]).await.spec
    };
    world.client.modify_order(legs[1].client_order_id(), nearer.clone()).await.unwrap();
    until("the change", || async { world.order(&legs[1]).await.spec == nearer }).await;
    world.avoids("parent-gone");
    world.holds("10").await;
    world.ends(3).await;
}

/// Danger 38: a change of an exit that the broker refuses leaves the exit as it was, and live.
#[tokio::test]
async fn an_exit_whose_change_is_refused_is_still_there() {
    let world = World::started(&["reject-modify=135@1.."], SOON, |it| it).await;
    world.is_ready().await;
    let legs = bracket(&world, "195.00").await;
    for leg in &legs {
        reach(leg, OrderState::Working).await;
    }
    let nearer = OrderSpec {
        order_type: OrderType::Limit { limit_px: px("204.00").unwrap() },
        ..world.order(&legs[1]).await.spec
    };
    let before = world.order(&legs[1]).await.spec;
    world.client.modify_order(legs[1].client_order_id(), nearer).await.unwrap();
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.gateway.counters().modifies, 1, "asked for once");
    assert_eq!(world.order(&legs[1]).await.spec, before);
    for leg in &legs {
        assert_eq!(world.order(leg).await.state, OrderState::Working);
    }
    assert!(world.gateway.truth().orders.iter().all(|order| order.ended_at.is_none()));
    // 135 can mean anything; once the exit works the lists prove that it is as it was.
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    until("the end of the change", || async { world.order(&legs[1]).await.pending.replace.is_none() }).await;
    assert_eq!(world.order(&legs[1]).await.spec, before);
    world.holds("10").await;
    world.ends(3).await;
}
