//! Contracts and market data.

use std::time::Duration;

use alphec_twsim::Gateway;
use futures::StreamExt;
use ibapi::contracts::Contract;
use ibapi::market_data::realtime::{Quote, TickTypes};
use ibapi::subscriptions::SubscriptionItem;

use crate::kit::{aapl, connect, dec, still};

#[tokio::test]
async fn contract_details_describe_every_default_instrument() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    for (symbol, tick) in [("AAPL", 0.01), ("MSFT", 0.01), ("SPY", 0.01)] {
        let rows = client.contract_details(&Contract::stock(symbol).build()).await.unwrap();
        assert_eq!((rows.len(), rows[0].min_tick), (1, tick));
        let rule: i32 = rows[0].market_rule_ids[0].parse().unwrap();
        assert_eq!(client.market_rule(rule).await.unwrap().price_increments[0].increment, tick);
    }
    for (con_id, multiplier, tick) in
        [(649_180_695, "50", 0.25), (12_087_792, "", 0.00005), (713_000_001, "100", 0.05)]
    {
        let query = Contract { contract_id: con_id, ..Contract::default() };
        let rows = client.contract_details(&query).await.unwrap();
        assert_eq!((rows[0].contract.multiplier.as_str(), rows[0].min_tick), (multiplier, tick));
    }
    let unknown = client.contract_details(&Contract::stock("NOSUCH").build()).await.unwrap_err();
    assert!(unknown.to_string().contains("200"), "{unknown}");
    assert!(!client.matching_symbols("AAP").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_snapshot_holds_bid_ask_and_last_and_ends() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    client.switch_market_data_type(ibapi::market_data::MarketDataType::Delayed).await.unwrap();
    let mut ticks = client.market_data(&aapl()).snapshot().subscribe().await.unwrap();
    let mut quote = Quote::default();
    while let Some(tick) = ticks.next().await {
        match tick.unwrap() {
            SubscriptionItem::Data(TickTypes::SnapshotEnd) => break,
            SubscriptionItem::Data(tick) => quote.apply(&tick),
            SubscriptionItem::Notice(_) => {}
        }
    }
    assert_eq!((quote.bid, quote.ask, quote.last), (Some(230.0), Some(230.01), Some(230.0)));
    assert_eq!((quote.bid_size, quote.ask_size), (Some(500.0), Some(500.0)));
}

#[tokio::test]
async fn a_stream_follows_the_price_until_it_is_cancelled() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut ticks = client.market_data(&aapl()).subscribe().await.unwrap();
    let mut quote = Quote::default();
    gateway.set_price("AAPL", dec("231.5"));
    while quote.ask != Some(231.51) {
        if let SubscriptionItem::Data(tick) = ticks.next().await.unwrap().unwrap() {
            quote.apply(&tick);
        }
    }
    assert_eq!(quote.bid, Some(231.5));
    let nosuch = Contract::stock("NOSUCH").build();
    let mut none = client.market_data(&nosuch).subscribe().await.unwrap();
    assert!(none.next().await.unwrap().is_err());
}

#[tokio::test]
async fn prices_walk_by_themselves_unless_told_not_to() {
    let gateway = Gateway::builder().walk_every(Duration::from_millis(5)).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut ticks = client.market_data(&aapl()).subscribe().await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 4 {
        if let SubscriptionItem::Data(TickTypes::PriceSize(tick)) = ticks.next().await.unwrap().unwrap() {
            seen.insert((tick.price * 100.0).round() as i64);
        }
    }
}
