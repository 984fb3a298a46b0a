//! The client crate's blocking face, from a thread without a runtime.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use alphec_twsim::GatewayHandle;
use ibapi::accounts::PositionUpdate;
use ibapi::client::blocking::Client;
use ibapi::orders::{Action, ExecutionFilter, Executions, OrderOutcome, Orders};

use crate::kit::{aapl, limit, order, still};

const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `act` with a blocking client on a thread of its own, which tokio knows nothing about.
fn with_client(act: impl FnOnce(&Client) + Send + 'static) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway: GatewayHandle = runtime.block_on(still().start()).unwrap();
    let addr = gateway.addr().to_string();
    let client = thread::spawn(move || {
        let client = Client::connect(&addr, 4).expect("connect");
        act(&client);
        client.disconnect();
    });
    client.join().expect("the client's thread");
    runtime.block_on(gateway.stop());
}

#[test]
fn the_blocking_client_trades_and_reads_the_lists() {
    with_client(|client| {
        assert_eq!(client.server_version(), 226);
        let filled = client.next_order_id();
        client.submit_order(filled, &aapl(), &order(Action::Buy, 100.0, "MKT")).unwrap();
        let outcome = client.wait_for_fill(filled, PATIENCE).unwrap();
        assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");

        let resting = client.next_order_id();
        client.submit_order(resting, &aapl(), &limit(Action::Buy, 5.0, 220.5)).unwrap();
        let open = client.open_orders().unwrap().collect_to_end_within(PATIENCE).unwrap();
        // The crate mixes updates that were on their way into the list.
        let ids: BTreeSet<i32> = open
            .iter()
            .filter_map(|item| if let Orders::OrderData(data) = item { Some(data.order_id) } else { None })
            .collect();
        assert_eq!(ids, BTreeSet::from([resting]));

        let found =
            client.executions(ExecutionFilter::default()).unwrap().collect_to_end_within(PATIENCE).unwrap();
        let fills: Vec<f64> = found
            .iter()
            .filter_map(|item| {
                if let Executions::ExecutionData(data) = item { Some(data.execution.shares) } else { None }
            })
            .collect();
        assert_eq!(fills, [100.0]);

        let positions = client.positions().unwrap();
        let Some(Ok(PositionUpdate::Position(held))) = positions.next_data() else { panic!("a position") };
        assert_eq!((held.contract.contract_id, held.position), (265_598, 100.0));
    });
}

#[test]
fn the_blocking_client_asks_for_contracts_accounts_and_time() {
    with_client(|client| {
        let details = client.contract_details(&aapl()).unwrap();
        assert_eq!((details.len(), details[0].contract.symbol.as_str()), (1, "AAPL"));
        assert_eq!(client.managed_accounts().unwrap(), ["DU1234567"]);
        assert_eq!(client.family_codes().unwrap().len(), 1);
        assert!(client.soft_dollar_tiers().unwrap().is_empty());
        assert_eq!(client.market_rule(26).unwrap().price_increments.len(), 1);
        assert!(client.matching_symbols("AAP").unwrap().iter().any(|it| it.contract.contract_id == 265_598));
        assert!(client.server_time().is_ok() && client.server_time_millis().is_ok());
    });
}
