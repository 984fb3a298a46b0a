//! Orders, end to end through the real client crate.

use std::time::Duration;

use alphec_twsim::venue::{Quote, Status};
use ibapi::contracts::Contract;
use ibapi::orders::{Action, Order, TimeInForce};
use rust_decimal::Decimal;

use crate::kit::{Event, Tape, aapl, connect, dec, limit, order, still};

const AAPL: i32 = 265_598;

#[tokio::test]
async fn a_market_order_fills_with_the_callbacks_of_the_real_gateway() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(client.next_order_id(), &aapl(), &order(Action::Buy, 100.0, "MKT")).await.unwrap();
    assert_eq!(
        tape.words(6).await,
        ["OO PreSubmitted", "OS PreSubmitted 0/100", "EX 100", "OO Filled", "OS Filled 100/0", "CR"]
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_limit_order_rests_until_the_market_comes_to_it() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let id = client.next_order_id();
    let marked = Order { order_ref: "mine-1".to_owned(), ..limit(Action::Buy, 10.0, 229.5) };
    client.submit_order(id, &aapl(), &marked).await.unwrap();
    assert_eq!(
        tape.words(4).await,
        ["OO PreSubmitted", "OS PreSubmitted 0/10", "OO Submitted", "OS Submitted 0/10"]
    );
    assert!(gateway.set_price("AAPL", dec("229.49")));
    let Event::Execution(fill) = tape.next().await else { panic!("an execution comes first") };
    assert_eq!(fill.request_id, -1);
    assert_eq!(fill.execution.price, 229.5);
    assert_eq!(fill.execution.order_reference, "mine-1");
    assert_eq!(fill.execution.execution_id.split('.').count(), 4);
    assert!(fill.execution.perm_id > 0);
    let Event::Open(open) = tape.next().await else { panic!("then the open order") };
    assert_eq!((open.order_id, open.order.order_ref.as_str()), (id, "mine-1"));
    assert_eq!(open.order.perm_id, fill.execution.perm_id);
    assert_eq!(tape.until_status("Filled").await.average_fill_price, Some(229.5));
    let Event::Commission(report) = tape.next().await else { panic!("and the commission last") };
    assert_eq!((report.execution_id, report.commission), (fill.execution.execution_id, 1.0));
    assert_eq!(report.realized_pnl, None);
}

#[tokio::test]
async fn a_stop_waits_as_presubmitted_and_fills_when_touched() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let stop = Order { aux_price: Some(231.0), ..order(Action::Buy, 5.0, "STP") };
    client.submit_order(client.next_order_id(), &aapl(), &stop).await.unwrap();
    assert_eq!(tape.words(2).await, ["OO PreSubmitted", "OS PreSubmitted 0/5"]);
    gateway.set_price("AAPL", dec("230.99"));
    assert_eq!(tape.words(4).await, ["EX 5", "OO Filled", "OS Filled 5/0", "CR"]);
}

#[tokio::test]
async fn a_stop_limit_becomes_visible_on_its_trigger_and_rests_at_its_limit() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let spec =
        Order { aux_price: Some(229.0), limit_price: Some(228.9), ..order(Action::Sell, 5.0, "STP LMT") };
    client.submit_order(client.next_order_id(), &aapl(), &spec).await.unwrap();
    assert_eq!(tape.words(2).await, ["OO PreSubmitted", "OS PreSubmitted 0/5"]);
    gateway.set_price("AAPL", dec("228.5"));
    assert_eq!(tape.words(2).await, ["OO Submitted", "OS Submitted 0/5"]);
    gateway.set_price("AAPL", dec("228.95"));
    assert_eq!(tape.words(2).await, ["EX 5", "OO Filled"]);
}

#[tokio::test]
async fn a_large_order_fills_in_parts_as_the_market_moves() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let quote =
        |price: &str, size: i64| Quote::new(dec(price), dec(price) + dec("0.01"), Decimal::from(size));
    gateway.set_quote(AAPL, quote("230", 40));
    client.submit_order(client.next_order_id(), &aapl(), &limit(Action::Buy, 100.0, 231.0)).await.unwrap();
    assert_eq!(
        tape.words(6).await,
        ["OO PreSubmitted", "OS PreSubmitted 0/100", "EX 40", "OO Submitted", "OS Submitted 40/60", "CR"]
    );
    gateway.set_quote(AAPL, quote("230.5", 200));
    let status = tape.until_status("Filled").await;
    assert_eq!((status.filled, status.remaining), (100.0, 0.0));
    assert!((status.average_fill_price.unwrap() - 230.31).abs() < 1e-9);
}

#[tokio::test]
async fn immediate_or_cancel_takes_what_is_there_and_fill_or_kill_takes_all_or_nothing() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    gateway.set_quote(AAPL, Quote::new(dec("230"), dec("230.01"), Decimal::from(30)));
    let ioc = Order { tif: TimeInForce::ImmediateOrCancel, ..limit(Action::Buy, 100.0, 231.0) };
    client.submit_order(client.next_order_id(), &aapl(), &ioc).await.unwrap();
    let status = tape.until_status("Cancelled").await;
    assert_eq!((status.filled, status.remaining), (30.0, 70.0));
    assert_eq!(tape.until_error().await.0, 202);
    let fok = Order { tif: TimeInForce::FillOrKill, ..limit(Action::Buy, 100.0, 231.0) };
    client.submit_order(client.next_order_id(), &aapl(), &fok).await.unwrap();
    let status = tape.until_status("Cancelled").await;
    assert_eq!((status.filled, status.remaining), (0.0, 100.0));
}

#[tokio::test]
async fn a_modification_moves_price_and_size_and_a_bad_one_leaves_the_order_working() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let id = client.next_order_id();
    client.submit_order(id, &aapl(), &limit(Action::Buy, 10.0, 229.0)).await.unwrap();
    tape.until_status("Submitted").await;
    client.submit_order(id, &aapl(), &limit(Action::Buy, 20.0, 229.25)).await.unwrap();
    let Event::Open(open) = tape.next().await else { panic!("the new terms") };
    assert_eq!((open.order.total_quantity, open.order.limit_price), (20.0, Some(229.25)));
    client.submit_order(id, &aapl(), &limit(Action::Buy, 20.0, 229.255)).await.unwrap();
    assert_eq!(tape.until_error().await.0, 110);
    let order = gateway.truth().orders[0].report.clone();
    assert_eq!((order.status, order.spec.kind.limit()), (Status::Submitted, Some(dec("229.25"))));
    gateway.set_price("AAPL", dec("229.2"));
    tape.until_status("Filled").await;
    client.submit_order(id, &aapl(), &limit(Action::Buy, 30.0, 229.0)).await.unwrap();
    assert_eq!(tape.until_error().await.0, 104);
}

#[tokio::test]
async fn a_cancel_is_confirmed_by_status_then_202_and_every_later_one_finds_less() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let id = client.next_order_id();
    client.submit_order(id, &aapl(), &limit(Action::Buy, 10.0, 229.0)).await.unwrap();
    tape.until_status("Submitted").await;
    let _updates = client.cancel_order(id, "").await.unwrap();
    assert_eq!(tape.words(3).await, ["OO Cancelled", "OS Cancelled 0/10", "ER 202"]);
    let _updates = client.cancel_order(id, "").await.unwrap();
    let (code, text) = tape.until_error().await;
    assert_eq!(code, 10_148);
    assert!(text.contains("state: Cancelled"), "{text}");
    let _updates = client.cancel_order(id, "").await.unwrap();
    assert_eq!(tape.until_error().await.0, 10_147);
    let _updates = client.cancel_order(99_999, "").await.unwrap();
    assert_eq!(tape.until_error().await.0, 10_147);
}

#[tokio::test]
async fn fills_go_on_while_a_cancel_is_pending() {
    let gateway = still().with(|it| it.cancel_delay = Duration::from_secs(60)).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let id = client.next_order_id();
    client.submit_order(id, &aapl(), &limit(Action::Buy, 10.0, 229.0)).await.unwrap();
    tape.until_status("Submitted").await;
    let _updates = client.cancel_order(id, "").await.unwrap();
    tape.until_status("PendingCancel").await;
    let _updates = client.cancel_order(id, "").await.unwrap();
    assert_eq!(tape.until_error().await.0, 161);
    gateway.set_price("AAPL", dec("228.9"));
    assert_eq!(tape.words(3).await, ["EX 10", "OO Filled", "OS Filled 10/0"]);
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let nosuch = Contract::stock("NOSUCH").build();
    let far = Order { total_quantity: 1e7, ..limit(Action::Buy, 1.0, 229.0) };
    let late = Order {
        tif: TimeInForce::GoodTillDate,
        good_till_date: "20200101 00:00:00 UTC".to_owned(),
        ..limit(Action::Buy, 1.0, 229.0)
    };
    let vague = Order { good_till_date: "soon".to_owned(), ..late.clone() };
    let elsewhere = Order { account: "DU7".to_owned(), ..limit(Action::Buy, 1.0, 229.0) };
    let cases = [
        (nosuch, limit(Action::Buy, 1.0, 1.0), 200),
        (aapl(), limit(Action::Buy, 1.0, 229.001), 110),
        (aapl(), far, 201),
        (aapl(), late, 201),
        (aapl(), vague, 391),
        (aapl(), elsewhere, 321),
        (aapl(), limit(Action::Buy, 0.0, 229.0), 434),
        (aapl(), order(Action::Buy, 1.0, "LMT"), 321),
        (aapl(), order(Action::Buy, 1.0, "REL"), 387),
        (aapl(), Order { aux_price: Some(-1.0), ..order(Action::Buy, 1.0, "STP") }, 403),
        (aapl(), Order { parent_id: 4_000, ..limit(Action::Buy, 1.0, 229.0) }, 10_006),
    ];
    for (contract, order, code) in cases {
        client.submit_order(client.next_order_id(), &contract, &order).await.unwrap();
        assert_eq!(tape.until_error().await.0, code, "{order:?}");
    }
    client.submit_order(1, &aapl(), &limit(Action::Buy, 1.0, 229.0)).await.unwrap();
    assert_eq!(tape.until_error().await.0, 103);
    assert_eq!(gateway.truth().executions.len(), 0);
}

#[tokio::test]
async fn a_rejection_ends_the_order_as_inactive_and_leaves_it_among_the_completed() {
    let gateway = still().start().await.unwrap();
    gateway.set_reject(AAPL, Some("no trading permission"));
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(client.next_order_id(), &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    let (code, text) = tape.until_error().await;
    assert_eq!(code, 201);
    assert!(text.contains("no trading permission"), "{text}");
    assert_eq!(tape.words(2).await, ["OO Inactive", "OS Inactive 0/1"]);
    gateway.set_reject(AAPL, None);
    client.submit_order(client.next_order_id(), &aapl(), &order(Action::Buy, 1.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
}

#[tokio::test]
async fn an_untransmitted_order_is_parked_until_its_family_is_complete() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let (parent, profit, stop) = (client.next_order_id(), client.next_order_id(), client.next_order_id());
    let park = |order: Order| Order { transmit: false, ..order };
    client.submit_order(parent, &aapl(), &park(limit(Action::Buy, 10.0, 229.0))).await.unwrap();
    let child = |order: Order| Order { parent_id: parent, ..order };
    client.submit_order(profit, &aapl(), &park(child(limit(Action::Sell, 10.0, 235.0)))).await.unwrap();
    client.server_time().await.unwrap();
    assert_eq!(gateway.truth().orders.len(), 0);
    let protect = child(Order { aux_price: Some(225.0), ..order(Action::Sell, 10.0, "STP") });
    client.submit_order(stop, &aapl(), &protect).await.unwrap();
    tape.until_status("Submitted").await;
    gateway.set_price("AAPL", dec("228.9"));
    tape.until_status("Filled").await;
    tape.until_status("Submitted").await;
    gateway.set_price("AAPL", dec("235"));
    let filled = tape.until_status("Filled").await;
    assert_eq!(filled.order_id, profit);
    assert_eq!(tape.until_status("Cancelled").await.order_id, stop);
}

#[tokio::test]
async fn a_day_order_ends_with_the_day_and_a_dated_one_with_its_date() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let gtc = Order { tif: TimeInForce::GoodTillCanceled, ..limit(Action::Buy, 1.0, 200.0) };
    let gtd = Order {
        tif: TimeInForce::GoodTillDate,
        good_till_date: "20991231-23:59:59".to_owned(),
        ..limit(Action::Buy, 1.0, 201.0)
    };
    for order in [&limit(Action::Buy, 1.0, 199.0), &gtc, &gtd] {
        client.submit_order(client.next_order_id(), &aapl(), order).await.unwrap();
        tape.until_status("Submitted").await;
    }
    gateway.advance_clock(Duration::from_secs(86_400));
    assert_eq!(tape.until_status("Cancelled").await.order_id, 1);
    assert_eq!(gateway.truth().orders.iter().filter(|it| it.report.status.is_working()).count(), 2);
    gateway.advance_clock(Duration::from_secs(80 * 366 * 86_400));
    assert_eq!(tape.until_status("Cancelled").await.order_id, 3);
}

#[tokio::test]
async fn a_global_cancel_reaches_every_order_of_every_client() {
    let gateway = still().start().await.unwrap();
    let (one, two) = (connect(&gateway, 1).await, connect(&gateway, 2).await);
    let (mut tape_one, mut tape_two) = (Tape::of(&one).await, Tape::of(&two).await);
    one.submit_order(one.next_order_id(), &aapl(), &limit(Action::Buy, 1.0, 229.0)).await.unwrap();
    two.submit_order(two.next_order_id(), &aapl(), &limit(Action::Buy, 1.0, 229.0)).await.unwrap();
    tape_one.until_status("Submitted").await;
    tape_two.until_status("Submitted").await;
    one.global_cancel().await.unwrap();
    tape_one.until_status("Cancelled").await;
    tape_two.until_status("Cancelled").await;
}
