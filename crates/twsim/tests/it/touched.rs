//! If-touched and market-to-limit orders through the real client crate. AAPL stands at 230.00 / 230.01.

use alphec_twsim::venue::{Quote, Status};
use ibapi::orders::{Action, Order};
use rust_decimal::Decimal;

use crate::kit::{Event, Tape, aapl, connect, dec, order, still};

const AAPL: i32 = 265_598;

/// The mirror of a stop (tws-behaviour 2.5, template 6): it waits as PreSubmitted for a better market.
#[tokio::test]
async fn an_order_if_touched_waits_for_a_better_market_and_then_takes_it() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    for (action, price) in [(Action::Buy, 229.01), (Action::Sell, 231.0)] {
        let sent = Order { aux_price: Some(price), ..order(action, 5.0, "MIT") };
        client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
        let Event::Open(open) = tape.next().await else { panic!("an open order first") };
        assert_eq!((open.order.order_type.as_str(), open.order.aux_price), ("MIT", Some(price)));
        assert_eq!(tape.next().await.word(), "OS PreSubmitted 0/5");
    }
    for price in ["229.01", "230.99", "229"] {
        gateway.set_price("AAPL", dec(price));
    }
    assert_eq!(tape.words(4).await, ["EX 5", "OO Filled", "OS Filled 5/0", "CR"]);
    gateway.set_price("AAPL", dec("231.5"));
    assert_eq!(tape.words(4).await, ["EX 5", "OO Filled", "OS Filled 5/0", "CR"]);
    let prices: Vec<Decimal> = gateway.truth().executions.iter().map(|it| it.price).collect();
    assert_eq!(prices, [dec("229.01"), dec("231.5")]);
}

#[tokio::test]
async fn a_limit_if_touched_becomes_visible_on_its_trigger_and_rests_at_its_limit() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let sent = Order { aux_price: Some(229.0), limit_price: Some(228.5), ..order(Action::Buy, 5.0, "LIT") };
    client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
    assert_eq!(tape.words(2).await, ["OO PreSubmitted", "OS PreSubmitted 0/5"]);
    gateway.set_price("AAPL", dec("228.9"));
    assert_eq!(tape.words(2).await, ["OO Submitted", "OS Submitted 0/5"]);
    gateway.set_price("AAPL", dec("228.49"));
    assert_eq!(tape.words(2).await, ["EX 5", "OO Filled"]);
    for lacking in [order(Action::Buy, 1.0, "LIT"), order(Action::Buy, 1.0, "MIT")] {
        client.submit_order(client.next_order_id(), &aapl(), &lacking).await.unwrap();
        assert_eq!(tape.until_error().await.0, 321);
    }
}

/// tws-behaviour 2.5, template 5, for the parts.
#[tokio::test]
async fn what_a_market_to_limit_order_does_not_get_at_once_rests_at_the_price_of_its_first_fill() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let quote =
        |price: &str, size: i64| Quote::new(dec(price), dec(price) + dec("0.01"), Decimal::from(size));
    gateway.set_quote(AAPL, quote("230", 40));
    let id = client.next_order_id();
    let sent = order(Action::Buy, 100.0, "MTL");
    client.submit_order(id, &aapl(), &sent).await.unwrap();
    assert_eq!(tape.words(3).await, ["OO PreSubmitted", "OS PreSubmitted 0/100", "EX 40"]);
    let Event::Open(open) = tape.next().await else { panic!("an open order") };
    assert_eq!((open.order.order_type.as_str(), open.order.limit_price), ("MTL", Some(230.01)));
    assert_eq!(tape.words(2).await, ["OS Submitted 40/60", "CR"]);
    gateway.set_quote(AAPL, quote("230.01", 40));
    client.submit_order(id, &aapl(), &Order { total_quantity: 90.0, ..sent }).await.unwrap();
    let Event::Open(open) = tape.next().await else { panic!("nothing fills above the limit") };
    assert_eq!((open.order.total_quantity, open.order.limit_price), (90.0, Some(230.01)));
    let truth = gateway.truth().orders[0].report.clone();
    assert_eq!((truth.status, truth.filled), (Status::Submitted, Decimal::from(40)));
    gateway.set_quote(AAPL, quote("229.99", 500));
    tape.until_status("Filled").await;
}
