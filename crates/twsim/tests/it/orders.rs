//! Orders, end to end through the real client crate.

use ibapi::orders::Action;

use crate::kit::{Tape, aapl, connect, order, still};

#[tokio::test]
async fn a_market_order_fills_with_the_callbacks_of_the_real_gateway() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 7).await;
    let mut tape = Tape::of(&client).await;
    let id = client.next_order_id();
    client.submit_order(id, &aapl(), &order(Action::Buy, 100.0, "MKT")).await.unwrap();
    assert_eq!(
        tape.words(6).await,
        [
            "OO PreSubmitted",
            "OS PreSubmitted 0/100",
            "EX 100",
            "OO Filled",
            "OS Filled 100/0",
            "CR",
        ]
    );
    gateway.stop().await;
}
