//! The link: restarts, lost servers, silence, refused ids, notices, logins.

use std::collections::BTreeSet;
use std::time::Duration;

use alphec_execution::Error;
use alphec_execution::model::{AlertKind, OrderState, Side};
use alphec_twsim::venue::OrderKind;

use super::world::{NARROW, QUIET, World, buy, reach, readiness, until};

/// Danger 1: in doubt until the lists are read, with its exposure reserved; never sent again.
#[tokio::test]
async fn an_order_that_was_live_before_the_restart_is_found_and_not_repeated() {
    let mut world = World::started(&["drop-after-accept(how=rst)"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    world.hears(AlertKind::Disconnected).await;
    let doubt = world.hears(AlertKind::OrderInDoubt).await;
    assert_eq!(doubt.client_order_id.as_ref(), Some(order.client_order_id()));
    reach(&order, OrderState::Working).await;
    world.is_ready().await;
    world.reserves_exposure().await;
    world.ends(1).await;
}

/// Danger 1: in doubt until the lists are read, with its exposure reserved; never sent again.
#[tokio::test]
async fn an_order_that_never_arrived_stays_in_doubt_and_is_not_repeated() {
    let mut world = World::started(&["drop-before-accept(how=rst)"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    world.hears(AlertKind::OrderInDoubt).await;
    world.is_ready().await;
    world.reserves_exposure().await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.order(&order).await.state, OrderState::InDoubt);
    world.ends(0).await;
}

/// Danger 2: ids are never lower than the highest ever used, across restarts of both sides.
#[tokio::test]
async fn an_id_that_is_offered_again_is_not_used_again() {
    let world = World::ready(&[]).await;
    // An order that is over is in no list that would show its id.
    let over = async |world: &World, price: &str| {
        let order = world.working(buy("1", price)).await;
        world.client.cancel_order(order.client_order_id()).await.unwrap();
        reach(&order, OrderState::Canceled).await;
        order
    };
    let first = over(&world, "195.00").await;
    world.inject("roll-back-ids=5@1..");
    world.inject("restart(down=300ms)@0s");
    until("the loss", || async { !readiness(&world).await.is_ready() }).await;
    world.is_ready().await;
    let second = over(&world, "194.00").await;
    let world = world.restarted().await;
    world.is_ready().await;
    let third = over(&world, "193.00").await;
    let orders = [first, second, third].map(|it| it.last());
    assert!(orders.is_sorted_by(|one, next| one.broker_order_id < next.broker_order_id), "{orders:?}");
    for (order, price) in orders.iter().zip(["195.00", "194.00", "193.00"]) {
        let now = world.client.get_order_status(&order.client_order_id).await.unwrap();
        assert_eq!((&now.spec, now.perm_id), (&buy("1", price), order.perm_id));
    }
    assert_eq!(orders.map(|it| it.perm_id).into_iter().collect::<BTreeSet<_>>().len(), 3);
    world.ends(3).await;
}

/// Danger 3: nothing new leaves while the servers are lost; what was on its way is in doubt until it shows up.
#[tokio::test]
async fn an_order_that_is_sent_on_when_the_servers_are_back_is_still_ours() {
    let mut world = World::started(&["lost-servers(for=1500ms)@1"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::InDoubt).await;
    world.hears(AlertKind::OrderInDoubt).await;
    let denied = world.try_submit(buy("1", "194.00")).await.unwrap_err();
    assert!(denied.to_string().contains("not ready"), "{denied}");
    reach(&order, OrderState::Working).await;
    world.is_ready().await;
    world.reserves_exposure().await;
    world.ends(1).await;
}

/// Danger 3: one that never shows up stays in doubt, with its exposure reserved, and is never sent again.
#[tokio::test]
async fn an_order_that_was_dropped_while_the_servers_were_lost_stays_in_doubt_and_is_not_repeated() {
    let mut world = World::started(&["lost-servers(for=1500ms, orders=drop)@1"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    world.hears(AlertKind::OrderInDoubt).await;
    until("1100", || async { !readiness(&world).await.is_ready() }).await;
    world.is_ready().await;
    world.reserves_exposure().await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.order(&order).await.state, OrderState::InDoubt);
    assert_eq!(world.gateway.counters().orders, 1);
    world.ends(0).await;
}

/// Danger 4: no change leaves while the servers are lost.
#[tokio::test]
async fn a_modification_while_the_servers_are_lost_is_denied_and_makes_no_twin() {
    let world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.inject("lost-servers=1s@0s");
    until("1100", || async { !readiness(&world).await.is_ready() }).await;
    let refused = world.client.modify_order(order.client_order_id(), buy("10", "196.00")).await;
    assert!(refused.as_ref().is_err_and(|error| error.denied().is_some()), "{refused:?}");
    world.is_ready().await;
    assert_eq!(world.order(&order).await.spec, buy("10", "195.00"));
    assert_eq!(world.gateway.counters().modifies, 0);
    world.ends(1).await;
}

/// Danger 4: one that left before anybody knew makes two of one: trading halts, no code ends the one that lives, and
/// each is asked to be canceled.
#[tokio::test]
async fn an_order_that_a_change_made_two_of_halts_and_is_canceled_until_none_of_them_lives() {
    let mut world = World::ready(&["modify-twins@1"]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.modify_order(order.client_order_id(), buy("8", "196.00")).await.unwrap();
    let halted = world.hears(AlertKind::Halted).await;
    assert!(halted.text.contains("lives twice"), "{}", halted.text);
    // The first cancel ends the newer one, and is answered by the number of both.
    let live = || world.gateway.truth().orders.iter().filter(|it| it.report.status.is_working()).count();
    until("one of them ends", || async { live() == 1 }).await;
    until("another cancel", || async { world.gateway.counters().cancels > 1 }).await;
    assert_eq!(world.order(&order).await.state, OrderState::Working);
    let all = world.client.global_cancel("operator", "as the alert says").await.unwrap();
    assert_eq!(all.not_sent, None);
    reach(&order, OrderState::Canceled).await;
    world.ends(2).await;
}

/// Danger 4: while both live, the second is listed with the orders of others at its own size, beside the first; what
/// both fill is held.
#[tokio::test]
async fn both_lives_of_an_order_are_listed_and_what_both_fill_is_held() {
    let mut world = World::ready(&["modify-twins@1", "swallow-cancel@1.."]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.modify_order(order.client_order_id(), buy("8", "196.00")).await.unwrap();
    world.hears(AlertKind::Halted).await;
    until("the second life", || async { world.client.foreign_orders().await.unwrap().len() == 1 }).await;
    let second = &world.client.foreign_orders().await.unwrap()[0];
    assert_eq!((second.side, second.leaves_qty), (Side::Buy, "8".parse().unwrap()));
    let first = world.order(&order).await;
    assert_eq!((first.state, first.leaves_qty()), (OrderState::Working, "10".parse().unwrap()));
    until("the cancels", || async { world.gateway.counters().cancels > 0 }).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    reach(&order, OrderState::Filled).await;
    world.holds("18").await;
    world.ends(2).await;
}

/// Danger 19: found by the heartbeat, and the socket dropped; what was sent into it is in doubt, never sent again.
#[tokio::test]
async fn a_half_open_socket_is_found_and_the_order_in_it_stays_in_doubt() {
    let mut world = World::started(&["half-open(resume=4s)@1"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::InDoubt).await;
    world.hears(AlertKind::Disconnected).await;
    world.is_ready().await;
    world.reserves_exposure().await;
    assert_eq!(world.order(&order).await.state, OrderState::InDoubt);
    world.ends(0).await;
}

/// Danger 19: found by the heartbeat, and the socket dropped; what was sent into it is in doubt, never sent again.
#[tokio::test]
async fn an_order_in_the_backlog_of_a_gateway_that_wakes_up_is_the_same_one() {
    let world = World::ready(&["half-open(resume=800ms)@1"]).await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::InDoubt).await;
    reach(&order, OrderState::Working).await;
    world.ends(1).await;
}

/// Danger 20: it is never asked for twice in a second, so that an answer that does not come is a sign.
#[tokio::test]
async fn a_clock_that_answers_once_a_second_is_no_lost_link() {
    let world = World::started(&["clock-once-per-second"], "heartbeat.interval_ms = 300", |it| it).await;
    world.is_ready().await;
    let connections = world.gateway.counters().connections;
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(readiness(&world).await.is_ready());
    }
    assert_eq!(world.gateway.counters().connections, connections);
    world.avoids("clock-once-per-second");
    world.ends(0).await;
}

/// Danger 21: the same client id is asked for again until it is free.
#[tokio::test]
async fn a_client_id_that_is_still_taken_is_waited_for() {
    let world = World::ready(&["hold-client-id=3"]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.gateway.disconnect_all();
    until("the loss", || async { !readiness(&world).await.is_ready() }).await;
    world.is_ready().await;
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Canceled).await;
    world.ends(1).await;
}

/// Danger 22: every new session reads the broker's books whole before anything is sent.
#[tokio::test]
async fn what_filled_while_the_client_was_away_is_booked_when_it_is_back() {
    let world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.inject("outage=500ms@0s");
    until("the loss", || async { !readiness(&world).await.is_ready() }).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    reach(&order, OrderState::Filled).await;
    world.is_ready().await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 23: order events count in every state of the link.
#[tokio::test]
async fn a_fill_that_comes_after_1100_is_booked_before_1102() {
    let world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.inject("lost-servers(for=20s)@0s");
    until("1100", || async { !readiness(&world).await.is_ready() }).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    reach(&order, OrderState::Filled).await;
    assert!(!readiness(&world).await.is_ready(), "the servers are still lost");
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 34: the order that is too many is rejected, the others live on.
#[tokio::test]
async fn an_order_beyond_the_brokers_limit_per_side_is_rejected_alone() {
    let mut world = World::ready(&["per-side-limit=2"]).await;
    let orders = [world.working(buy("1", "195.00")).await, world.working(buy("1", "194.00")).await];
    let third = world.submit(buy("1", "193.00")).await;
    reach(&third, OrderState::Rejected).await;
    world.hears(AlertKind::OrderRejected).await;
    for order in &orders {
        assert_eq!(world.order(order).await.state, OrderState::Working);
    }
    world.ends(3).await;
}

/// Danger 34: our own limit of open orders is the broker's lower one.
#[tokio::test]
async fn our_own_limit_of_open_orders_denies_first() {
    let world = World::ready(&["per-side-limit=15"]).await;
    for _ in 0..15 {
        world.working(buy("1", "195.00")).await;
    }
    let denied = world.try_submit(buy("1", "195.00")).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");
    world.ends(15).await;
}

/// Danger 35: a session whose order lists are refused is not ready, and nothing is sent.
#[tokio::test]
async fn a_read_only_gateway_trades_nothing() {
    let world = World::started(&["read-only"], "", |it| it).await;
    let error = world.client.wait_ready(Duration::from_secs(3)).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    let denied = world.try_submit(buy("1", "195.00")).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");
    assert_eq!(world.gateway.counters().orders, 0);
    world.ends(0).await;
}

/// Danger 36: the accounts of the login decide, not the port; they must be those of the profile.
#[tokio::test]
async fn live_accounts_on_the_paper_port_trade_nothing() {
    let mut world = World::started(&["live-accounts"], "", |it| it).await;
    world.hears(AlertKind::AccountMismatch).await;
    let denied = world.try_submit(buy("1", "195.00")).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");
    assert_eq!(world.gateway.counters().orders, 0);
    world.ends(0).await;
}

/// Danger 37: an order of its own is never parked, and outlives a restart.
#[tokio::test]
async fn orders_outlive_a_restart_of_the_gateway_because_none_is_parked() {
    let world = World::ready(&[]).await;
    let orders = [world.working(buy("10", "195.00")).await, world.working(buy("10", "194.00")).await];
    world.inject("restart(down=500ms)@0s");
    until("the loss", || async { !readiness(&world).await.is_ready() }).await;
    world.is_ready().await;
    for order in &orders {
        assert_eq!(world.order(order).await.state, OrderState::Working);
    }
    let truth = world.gateway.truth();
    assert!(truth.orders.iter().all(|order| order.ended_at.is_none() && order.report.spec.transmit));
    world.ends(2).await;
}

/// Danger 38: an order of its own names no parent, so it cannot be too early for it or lose it.
#[tokio::test]
async fn an_order_of_its_own_names_no_parent() {
    let world = World::ready(&["child-race=10s", "parent-gone@1.."]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.modify_order(order.client_order_id(), buy("10", "196.00")).await.unwrap();
    until("the change", || async { world.order(&order).await.spec == buy("10", "196.00") }).await;
    let report = world.gateway.truth().orders[0].report.clone();
    assert_eq!(report.spec.parent_id, 0);
    assert!(matches!(report.spec.kind, OrderKind::Limit { .. }));
    world.avoids("child-race");
    world.avoids("parent-gone");
    world.ends(1).await;
}

/// Not one of the forty (tws-behaviour 1.8): the profile says which gateway this is.
#[tokio::test]
async fn a_port_that_moved_is_told_and_not_followed() {
    let mut world = World::ready(&[]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.inject("port-changed=4711@0s");
    let alert = world.hears(AlertKind::Disconnected).await;
    assert!(alert.text.contains("1300") && alert.text.contains("4711"), "{}", alert.text);
    // The old port still serves here, and is where it comes back to.
    world.is_ready().await;
    assert_eq!(world.order(&order).await.state, OrderState::Working);
    world.ends(1).await;
}
