//! Lists: empty, incomplete, wrong about sizes, too short a window, with orders of others.

use std::time::Duration;

use alphec_execution::model::{AlertKind, DenyReason, OrderSpec, OrderState, Rule, TimeInForce};
use alphec_twsim::venue::{Meddle, VenueInput};

use super::world::{NARROW, QUIET, World, buy, market, reach, until};

/// Danger 24: an empty list ends nothing; absence needs more than one witness.
#[tokio::test]
async fn a_list_that_is_empty_by_failure_ends_no_order() {
    for fault in ["empty-lists(list=open)", "empty-lists(list=open, how=silence)", "empty-lists(how=refused)"]
    {
        let world = World::started(&[], NARROW, |it| it).await;
        world.is_ready().await;
        let order = world.working(buy("10", "195.00")).await;
        world.inject(fault);
        world.gateway.disconnect_all();
        tokio::time::sleep(2 * QUIET).await;
        let state = world.order(&order).await.state;
        assert!(state.reserves_exposure(), "{fault}: {state}");
        if fault.contains("how=") {
            // No list is not an empty one: nothing is known, and nothing new is sent.
            assert!(!world.client.status().await.unwrap().readiness.is_ready(), "{fault}");
            let denied = world.try_submit(market("1")).await.unwrap_err();
            assert!(denied.denied().is_some_and(DenyReason::is_not_ready), "{fault}: {denied}");
        }
        world.gateway.clear_faults();
        world.is_ready().await;
        reach(&order, OrderState::Working).await;
        world.reserves_exposure().await;
        world.ends(1).await;
    }
}

/// Danger 25: absence from one list is no end; the next one has the order.
#[tokio::test]
async fn an_order_that_one_list_leaves_out_is_found_in_the_next() {
    let world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.inject("omit-orders=2");
    world.gateway.disconnect_all();
    tokio::time::sleep(QUIET).await;
    assert!(world.order(&order).await.state.reserves_exposure());
    world.is_ready().await;
    reach(&order, OrderState::Working).await;
    world.ends(1).await;
}

/// Danger 26: sizes of completed orders are not believed; executions say what filled.
#[tokio::test]
async fn the_total_of_a_completed_order_is_not_its_size() {
    for how in ["left", "zero", "whole"] {
        let world = World::ready(&[&format!("completed-total={how}")]).await;
        let order = world.working(buy("10", "195.00")).await;
        world.inject("outage=400ms@0s");
        until("the loss", || async { !world.client.status().await.unwrap().readiness.is_ready() }).await;
        assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
        reach(&order, OrderState::Filled).await;
        let after = world.order(&order).await;
        assert_eq!(
            (after.spec.order_qty.to_string(), after.cum_qty.to_string()),
            ("10".into(), "10".into()),
            "{how}"
        );
        world.is_ready().await;
        world.holds("10").await;
        world.ends(1).await;
    }
}

/// Danger 27: executions are asked for over the days back to the oldest open question; the holdings must agree.
#[tokio::test]
async fn a_fill_of_yesterday_is_found_after_midnight() {
    let world = World::ready(&[]).await;
    let order = world.working(OrderSpec { time_in_force: TimeInForce::Gtc, ..buy("10", "195.00") }).await;
    world.inject("outage=500ms@0s");
    until("the loss", || async { !world.client.status().await.unwrap().readiness.is_ready() }).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    until("the fill at the venue", || async { world.true_position() == "10" }).await;
    world.gateway.advance_clock(Duration::from_secs(86_400));
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 27: where the gateway cannot look back so far, the position that does not match is a break, and
/// nothing is invented.
#[tokio::test]
async fn a_fill_that_no_list_has_any_more_is_a_break() {
    let mut world = World::ready(&["execution-window=1"]).await;
    let order = world.working(OrderSpec { time_in_force: TimeInForce::Gtc, ..buy("10", "195.00") }).await;
    world.inject("outage=500ms@0s");
    until("the loss", || async { !world.client.status().await.unwrap().readiness.is_ready() }).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    until("the fill at the venue", || async { world.true_position() == "10" }).await;
    world.gateway.advance_clock(Duration::from_secs(86_400));
    // The first reading that differs may be a lag: whoever asks hears of the second.
    let found = world.client.reconcile(Duration::from_secs(20)).await.unwrap();
    assert_eq!((found.is_clean(), found.broken.len(), found.disputed), (false, 1, false));
    world.hears(AlertKind::PositionBreak).await;
    let after = world.order(&order).await;
    assert!(after.state.reserves_exposure(), "{:?}", after.state);
    assert_eq!(after.cum_qty.to_string(), "0");
    let denied = world.try_submit(market("1")).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");
    world.ends(1).await;
}

/// Danger 31: orders of others are shown, counted and never touched, whatever ids they have.
#[tokio::test]
async fn an_order_of_somebody_else_with_our_id_is_not_ours() {
    for fault in ["foreign-order(client=99, id=same)", "foreign-order(id=manual)"] {
        let mut world = World::ready(&[fault]).await;
        let order = world.working(buy("10", "195.00")).await;
        world.hears(AlertKind::ForeignOrder).await;
        assert_eq!(world.client.foreign_orders().await.unwrap().len(), 1, "{fault}");
        world.client.cancel_order(order.client_order_id()).await.unwrap();
        reach(&order, OrderState::Canceled).await;
        tokio::time::sleep(QUIET).await;
        let truth = world.gateway.truth();
        let foreign = truth.orders.iter().find(|it| &*it.report.spec.order_ref == "foreign").unwrap();
        assert!(foreign.ended_at.is_none(), "{fault}: left alone");
        world.ends(2).await;
    }
}

/// Danger 31: what has filled of it is in the position. Whether that fill is booked by the time that a status tells of it
/// is not sure, so it goes on counting at its whole size.
#[tokio::test]
async fn an_order_of_somebody_else_that_fills_in_part_counts_whole_beside_what_it_has_filled() {
    for fault in ["foreign-order(client=99, id=same)", "foreign-order(id=manual)"] {
        let world = World::started(&[fault], "limits.max_position = 25", |it| it).await;
        world.is_ready().await;
        let order = world.working(buy("10", "195.00")).await;
        world.client.cancel_order(order.client_order_id()).await.unwrap();
        reach(&order, OrderState::Canceled).await;
        let truth = world.gateway.truth();
        let foreign = truth.orders.iter().find(|it| &*it.report.spec.order_ref == "foreign").unwrap();
        let (key, quantity) = (foreign.report.key, Some("4".parse().unwrap()));
        world.gateway.control(VenueInput::Meddle(Meddle::Fill { key, quantity }));
        world.holds("4").await;
        let foreign = world.client.foreign_orders().await.unwrap();
        assert!(foreign.iter().map(|it| it.leaves_qty.to_string()).eq(["10"]), "{fault}: {foreign:?}");
        // Four are held and ten counted: eleven more just fit under twenty-five.
        let denied = world.try_submit(buy("12", "194.00")).await.unwrap_err();
        let of_position =
            |reason: &DenyReason| matches!(reason, DenyReason::Limit { rule: Rule::MaxPosition, .. });
        assert!(denied.denied().is_some_and(of_position), "{fault}: {denied}");
        world.gateway.clear_faults();
        world.working(buy("11", "194.00")).await;
        world.ends(3).await;
    }
}
