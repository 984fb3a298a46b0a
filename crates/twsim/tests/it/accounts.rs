//! Positions, account values, summaries.

use std::collections::HashMap;

use futures::StreamExt;
use ibapi::accounts::types::{AccountGroup, AccountId};
use ibapi::accounts::{AccountSummaryResult, AccountUpdate, PositionUpdate};
use ibapi::contracts::Contract;
use ibapi::orders::Action;
use ibapi::subscriptions::SubscriptionItem;

use crate::kit::{Tape, aapl, connect, dec, order, still};

#[tokio::test]
async fn positions_come_as_a_snapshot_and_then_as_changes() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &aapl(), &order(Action::Buy, 100.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    let mut positions = client.positions().await.unwrap();
    let mut rows = Vec::new();
    while rows.len() < 2 {
        match positions.next().await.unwrap().unwrap() {
            SubscriptionItem::Data(PositionUpdate::Position(row)) => {
                // 100 at 230.01 with one dollar of commission.
                assert!((row.average_cost - 230.02).abs() < 1e-9);
                rows.push(row.position);
            }
            SubscriptionItem::Data(PositionUpdate::PositionEnd) => {
                client.submit_order(2, &aapl(), &order(Action::Sell, 40.0, "MKT")).await.unwrap();
            }
            SubscriptionItem::Notice(_) => {}
        }
    }
    assert_eq!(rows, [100.0, 60.0]);
    assert_eq!(gateway.truth().position("DU1234567", 265_598), dec("60"));
}

#[tokio::test]
async fn account_updates_carry_totals_currencies_and_holdings_to_the_end_marker() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let euro = Contract { contract_id: 12_087_792, exchange: "IDEALPRO".into(), ..Contract::default() };
    client.submit_order(1, &aapl(), &order(Action::Buy, 100.0, "MKT")).await.unwrap();
    client.submit_order(2, &euro, &order(Action::Buy, 20_000.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    tape.until_status("Filled").await;

    let mut updates = client.account_updates(&AccountId::from("DU1234567")).await.unwrap();
    let mut values = HashMap::new();
    let mut holdings = Vec::new();
    loop {
        match updates.next().await.unwrap().unwrap() {
            SubscriptionItem::Data(AccountUpdate::AccountValue(row)) => {
                values.insert(format!("{}/{}", row.key, row.currency), row.value);
            }
            SubscriptionItem::Data(AccountUpdate::PortfolioValue(row)) => holdings.push(row.position),
            SubscriptionItem::Data(AccountUpdate::End) => break,
            _ => {}
        }
    }
    assert_eq!(holdings, [100.0, 20_000.0]);
    assert_eq!(values["CashBalance/EUR"], "20000.00");
    // 1,000,000 - 100 * 230.01 - 1 - 20,000 * 1.08505 - 2
    assert_eq!(values["CashBalance/USD"], "955295.00");
    assert_eq!(values["ExchangeRate/EUR"], "1.085025");
    assert_eq!(values["GrossPositionValue/USD"], "23000.50");
    assert!(values["NetLiquidation/USD"].starts_with("99999"), "{}", values["NetLiquidation/USD"]);
    assert!(values.contains_key("BuyingPower/USD") && values.contains_key("TotalCashValue/USD"));
    client.submit_order(3, &aapl(), &order(Action::Sell, 100.0, "MKT")).await.unwrap();
    loop {
        let row = updates.next().await.unwrap().unwrap();
        if let SubscriptionItem::Data(AccountUpdate::AccountValue(row)) = row
            && row.key == "GrossPositionValue"
        {
            assert_eq!(row.value, "0.00");
            break;
        }
    }
}

#[tokio::test]
async fn an_account_summary_holds_the_tags_asked_for_and_ends() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut rows = client
        .account_summary(&AccountGroup("All".into()), &["NetLiquidation", "BuyingPower"])
        .await
        .unwrap();
    let mut found = Vec::new();
    loop {
        match rows.next().await.unwrap().unwrap() {
            SubscriptionItem::Data(AccountSummaryResult::Summary(row)) => {
                found.push((row.tag, row.value, row.currency));
            }
            SubscriptionItem::Data(AccountSummaryResult::End) => break,
            SubscriptionItem::Notice(_) => {}
        }
    }
    let row = |tag: &str, value: &str| (tag.to_owned(), value.to_owned(), "USD".to_owned());
    assert_eq!(found, [row("NetLiquidation", "1000000.00"), row("BuyingPower", "4000000.00")]);
}
