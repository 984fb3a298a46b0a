//! Groups through the whole house against a simulated gateway: an entry with its exits lives, or is undone.

use alphec_execution::model::{GroupKind, GroupRequest, OrderSpec, OrderState, OrderType, Side, Trail};
use alphec_execution::{Error, ExecutionClient};

use crate::trading::{PATIENCE, gateway, profile, px, qty, reach, ready, request};

const ACCOUNT: &str = "DU1234567";
const SOON: &str =
    "timeouts = { resnapshot_ms = 200, absent_ms = 0, ack_ms = 1000 }\nreconnect = { first_delay_ms = 50 }";

fn bracket(limit: &str) -> GroupRequest {
    let entry = OrderSpec::limit(Side::Buy, qty("10"), px(limit)).unwrap();
    GroupRequest::bracket(&request(ACCOUNT, entry), Some(px("205.00")), Some(px("195.00"))).unwrap()
}

#[tokio::test]
async fn the_exits_of_a_bracket_work_once_it_has_filled_and_one_of_them_ends_the_other() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, profile) = profile(&gateway, ACCOUNT, "");
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    let mut legs = client.submit_group(bracket("201.00")).await.unwrap();
    let [entry, profit, loss] = legs.as_mut_slice() else { panic!("{legs:?}") };
    reach(entry, OrderState::Filled).await;
    reach(profit, OrderState::Working).await;
    reach(loss, OrderState::Working).await;
    gateway.set_price("AAPL", px("205.00").get());
    reach(profit, OrderState::Filled).await;
    reach(loss, OrderState::Canceled).await;
    assert!(client.positions().await.unwrap().is_empty());
    client.stop().await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn a_trailing_stop_as_an_exit_follows_the_market_up_and_ends_the_position_on_the_way_down() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, profile) = profile(&gateway, ACCOUNT, "");
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    let entry = request(ACCOUNT, OrderSpec::limit(Side::Buy, qty("10"), px("201.00")).unwrap());
    let trail = Trail::Amount { amount: px("2.00") };
    let exit = OrderSpec::new(Side::Sell, qty("10"), OrderType::TrailingStop { trail }).unwrap();
    let orders = vec![entry, request(ACCOUNT, exit)];
    let mut legs = client.submit_group(GroupRequest { kind: GroupKind::Bracket, orders }).await.unwrap();
    let [entry, exit] = legs.as_mut_slice() else { panic!("{legs:?}") };
    reach(entry, OrderState::Filled).await;
    reach(exit, OrderState::Working).await;
    gateway.set_price("AAPL", px("205.00").get());
    gateway.set_price("AAPL", px("203.50").get());
    assert_eq!(exit.last().state, OrderState::Working, "a way down of 1.50 is less than its distance");
    gateway.set_price("AAPL", px("202.90").get());
    reach(exit, OrderState::Filled).await;
    assert!(client.positions().await.unwrap().is_empty());
    client.stop().await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn a_bracket_of_which_the_wire_took_a_part_is_undone_whole() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, profile) = profile(&gateway, ACCOUNT, SOON);
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    gateway.inject("drop-after-accept@2".parse().unwrap());
    let mut legs = client.submit_group(bracket("201.00")).await.unwrap();
    for leg in &mut legs {
        let ended = tokio::time::timeout(PATIENCE, leg.done()).await;
        assert!(matches!(ended, Ok(Ok(_))), "{:?}", leg.last());
        assert!(leg.last().cum_qty.is_zero(), "nothing of it was ever started");
    }
    assert!(
        gateway.truth().orders.iter().all(|order| order.ended_at.is_some()),
        "{:?}",
        gateway.truth().orders
    );
    assert!(gateway.truth().executions.is_empty());
    client.wait_ready(PATIENCE).await.unwrap();
    client.stop().await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn of_one_cancels_all_orders_the_first_that_fills_ends_the_others() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, profile) = profile(&gateway, ACCOUNT, "");
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    let orders = ["199.00", "198.00"]
        .map(|limit| request(ACCOUNT, OrderSpec::limit(Side::Buy, qty("10"), px(limit)).unwrap()));
    let group = GroupRequest { kind: GroupKind::OneCancelsAll, orders: orders.to_vec() };
    let mut legs = client.submit_group(group).await.unwrap();
    let [near, far] = legs.as_mut_slice() else { panic!("{legs:?}") };
    reach(near, OrderState::Working).await;
    reach(far, OrderState::Working).await;
    gateway.set_price("AAPL", px("198.50").get());
    reach(near, OrderState::Filled).await;
    reach(far, OrderState::Canceled).await;
    assert_eq!(client.positions().await.unwrap().len(), 1);
    client.stop().await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn a_bracket_with_one_refused_leg_sends_nothing_and_names_it() {
    let gateway = gateway(ACCOUNT).await;
    let (_folder, profile) = profile(&gateway, ACCOUNT, "");
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    for culprit in [2, 0] {
        let mut group = bracket("201.00");
        group.orders[culprit].spec.order_type = match culprit {
            0 => OrderType::Limit { limit_px: px("201.001") },
            _ => OrderType::Stop { stop_px: px("195.001") },
        };
        for _ in 0..2 {
            let Err(Error::Denied { order, reason }) = client.submit_group(group.clone()).await else {
                panic!("leg {culprit} passed");
            };
            assert!(reason.to_string().contains("off the tick"), "{reason}");
            assert_eq!(order.client_order_id, group.orders[culprit].client_order_id);
        }
    }
    assert!(gateway.truth().orders.is_empty());
    client.stop().await.unwrap();
    gateway.stop().await;
}
