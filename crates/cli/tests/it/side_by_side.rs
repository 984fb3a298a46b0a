//! The engine and a bare client of crate `ibapi` trade against one `sim`, each under its own client id.

use std::time::Duration;

use futures::StreamExt;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, Order, OrderStatusKind, OrderUpdate};
use ibapi::subscriptions::SubscriptionItem;

use crate::house::{House, Sim};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_client_and_the_engine_trade_side_by_side() {
    let sim = Sim::start(&[]);
    let bare = ibapi::Client::connect(&sim.addr.to_string(), 77).await.unwrap();
    let mut updates = bare.order_update_stream().await.unwrap();
    let contract = Contract { contract_id: 265_598, exchange: "SMART".into(), ..Contract::default() };
    let buy = Order {
        action: Action::Buy,
        total_quantity: 3.0,
        order_type: "MKT".to_owned(),
        transmit: true,
        ..Order::default()
    };
    let id = bare.next_order_id();
    bare.submit_order(id, &contract, &buy).await.unwrap();

    let house = House::of(&sim);
    let ours = tokio::task::spawn_blocking(move || {
        let said = house.submit("ours", &["--type", "market", "--wait", "done"]).exits(0);
        (said, house)
    });
    let filled = async {
        loop {
            match updates.next().await {
                Some(Ok(SubscriptionItem::Data(OrderUpdate::OrderStatus(status))))
                    if status.order_id == id && status.status == OrderStatusKind::Filled =>
                {
                    return;
                }
                Some(Ok(_)) => {}
                ended => panic!("the bare client's stream ended: {ended:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), filled).await.unwrap();
    let (_, house) = ours.await.unwrap();

    // The engine's journal holds its own order and not the other client's.
    let trail = house.run(&["order", "list", "--all", "--offline", "--json"]).exits(0);
    let orders = trail.json();
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(1), "{orders}");
    // The bare client is still served after the engine came and went.
    bare.server_time().await.unwrap();
}
