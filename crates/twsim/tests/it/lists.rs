//! Lists and several clients at once.

use alphec_twsim::venue::{OrderKind, OrderSpec, Side, TimeInForce};
use futures::StreamExt;
use ibapi::orders::{Action, ExecutionFilter, ExecutionFilterSide, Executions, Order, OrderData, Orders};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use ibapi::{Client, contracts::Contract};

use crate::kit::{Tape, aapl, connect, dec, limit, order, still};

pub(crate) async fn collect(mut rows: Subscription<Orders>) -> Vec<OrderData> {
    let mut found = Vec::new();
    while let Some(row) = rows.next().await {
        if let SubscriptionItem::Data(Orders::OrderData(data)) = row.unwrap() {
            found.push(data);
        }
    }
    found
}

async fn executions(client: &Client, filter: ExecutionFilter) -> (Vec<String>, usize) {
    let mut rows = client.executions(filter).await.unwrap();
    let (mut found, mut commissions) = (Vec::new(), 0);
    while let Some(row) = rows.next().await {
        match row.unwrap() {
            SubscriptionItem::Data(Executions::ExecutionData(data)) => {
                found.push(data.execution.order_reference);
            }
            SubscriptionItem::Data(Executions::CommissionReport(_)) => commissions += 1,
            SubscriptionItem::Notice(_) => {}
        }
    }
    (found, commissions)
}

fn marked(mark: &str, order: Order) -> Order {
    Order { order_ref: mark.to_owned(), ..order }
}

#[tokio::test]
async fn open_orders_are_the_clients_own_and_all_open_orders_are_everyones() {
    let gateway = still().start().await.unwrap();
    let (one, two) = (connect(&gateway, 1).await, connect(&gateway, 2).await);
    let (mut tape_one, mut tape_two) = (Tape::of(&one).await, Tape::of(&two).await);
    one.submit_order(1, &aapl(), &marked("one", limit(Action::Buy, 1.0, 229.0))).await.unwrap();
    two.submit_order(1, &aapl(), &marked("two", limit(Action::Buy, 2.0, 229.0))).await.unwrap();
    tape_one.until_status("Submitted").await;
    tape_two.until_status("Submitted").await;

    let own = collect(one.open_orders().await.unwrap()).await;
    assert_eq!(own.len(), 1);
    assert_eq!((own[0].order.order_ref.as_str(), own[0].order.client_id), ("one", 1));
    let all = collect(two.all_open_orders().await.unwrap()).await;
    let mut marks: Vec<&str> = all.iter().map(|row| row.order.order_ref.as_str()).collect();
    marks.sort_unstable();
    assert_eq!(marks, ["one", "two"]);
    assert_ne!(all[0].order.perm_id, all[1].order.perm_id);

    let _updates = two.cancel_order(1, "").await.unwrap();
    tape_two.until_status("Cancelled").await;
    assert_eq!(collect(one.all_open_orders().await.unwrap()).await.len(), 1);
    assert_eq!(collect(two.open_orders().await.unwrap()).await.len(), 0);
}

#[tokio::test]
async fn completed_orders_report_what_was_left_as_their_total() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &marked("done", order(Action::Buy, 10.0, "MKT"))).await.unwrap();
    tape.until_status("Filled").await;
    client.submit_order(2, &aapl(), &marked("gone", limit(Action::Buy, 4.0, 229.0))).await.unwrap();
    tape.until_status("Submitted").await;
    let _updates = client.cancel_order(2, "").await.unwrap();
    tape.until_status("Cancelled").await;
    let rows = collect(client.completed_orders(false).await.unwrap()).await;
    let shape: Vec<_> = rows
        .iter()
        .map(|row| {
            let order = &row.order;
            (order.order_ref.as_str(), order.total_quantity, order.filled_quantity, order.client_id)
        })
        .collect();
    assert_eq!(shape, [("done", 0.0, 10.0, 1), ("gone", 4.0, 0.0, 1)]);
    assert_eq!(rows[0].order_state.completed_status, "Filled Size: 10");
    assert!(rows.iter().all(|row| row.order.perm_id > 0 && !row.order_state.completed_time.is_empty()));
}

#[tokio::test]
async fn executions_are_replayed_with_their_commissions_and_filtered() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let msft = Contract { contract_id: 272_093, exchange: "SMART".into(), ..Contract::default() };
    client.submit_order(1, &aapl(), &marked("a", order(Action::Buy, 1.0, "MKT"))).await.unwrap();
    client.submit_order(2, &msft, &marked("b", order(Action::Sell, 1.0, "MKT"))).await.unwrap();
    tape.until_status("Filled").await;
    tape.until_status("Filled").await;

    assert_eq!(executions(&client, ExecutionFilter::default()).await, (vec!["a".into(), "b".into()], 2));
    let by_symbol = ExecutionFilter { symbol: "MSFT".into(), ..ExecutionFilter::default() };
    assert_eq!(executions(&client, by_symbol).await.0, ["b"]);
    let by_side = ExecutionFilter { side: Some(ExecutionFilterSide::Buy), ..ExecutionFilter::default() };
    assert_eq!(executions(&client, by_side).await.0, ["a"]);
    let by_client = ExecutionFilter { client_id: Some(99), ..ExecutionFilter::default() };
    assert_eq!(executions(&client, by_client).await.0.len(), 0);
    let later = ExecutionFilter { time: "20991231 00:00:00 UTC".into(), ..ExecutionFilter::default() };
    assert_eq!(executions(&client, later).await.0.len(), 0);

    gateway.advance_clock(std::time::Duration::from_secs(86_400));
    assert_eq!(executions(&client, ExecutionFilter::default()).await.0.len(), 0);
    let two_days = ExecutionFilter { last_n_days: 2, ..ExecutionFilter::default() };
    assert_eq!(executions(&client, two_days).await.0, ["a", "b"]);
}

#[tokio::test]
async fn hand_typed_orders_belong_to_client_zero_once_it_asks() {
    let gateway = still().start().await.unwrap();
    gateway.place_manual(OrderSpec {
        con_id: 265_598,
        exchange: "SMART".into(),
        account: "DU1234567".into(),
        side: Side::Buy,
        quantity: dec("3"),
        kind: OrderKind::Limit { limit: dec("229") },
        tif: TimeInForce::Day,
        order_ref: "".into(),
        parent_id: 0,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: [].into(),
    });
    let (zero, other) = (connect(&gateway, 0).await, connect(&gateway, 4).await);
    assert_eq!(collect(other.open_orders().await.unwrap()).await.len(), 0);
    let all = collect(other.all_open_orders().await.unwrap()).await;
    assert_eq!((all.len(), all[0].order_id), (1, 0));
    let bound = collect(zero.open_orders().await.unwrap()).await;
    assert_eq!((bound.len(), bound[0].order_id), (1, -1));
}

#[tokio::test]
async fn only_client_zero_may_bind_orders_automatically() {
    let gateway = still().start().await.unwrap();
    let mut raw = crate::raw::Raw::session(&gateway, 4).await;
    raw.send(15, &crate::raw::OneNumber { value: Some(1) }).await;
    assert_eq!(raw.error().await.code, Some(327));
}
