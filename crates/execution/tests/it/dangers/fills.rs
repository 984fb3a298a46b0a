//! Executions, statuses and commissions: missing, repeated, early, stale, corrected, of combinations.

use alphec_execution::model::{AlertKind, OrderState};
use ibapi::contracts::{
    ComboLeg, ComboLegOpenClose, Contract, Currency, Exchange, LegAction, SecurityType, Symbol, TagValue,
};
use ibapi::orders::{Action, Order as WireOrder};

use super::world::{QUIET, World, buy, market, reach, until};

/// Danger 5: executions are the only truth about fills; the status follows from them.
#[tokio::test]
async fn a_fill_without_any_status_fills_the_order() {
    let world = World::ready(&["no-status"]).await;
    let order = world.submit(market("10")).await;
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 6: what is said again changes nothing.
#[tokio::test]
async fn repeated_callbacks_count_once() {
    let world = World::ready(&["duplicate(copies=3, again=200ms)"]).await;
    let order = world.submit(market("10")).await;
    reach(&order, OrderState::Filled).await;
    tokio::time::sleep(QUIET).await;
    let after = world.order(&order).await;
    assert_eq!((after.state, after.cum_qty.to_string().as_str()), (OrderState::Filled, "10"));
    assert_eq!(world.client.fills(order.client_order_id()).await.unwrap().len(), 1);
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 7: an execution counts once by its id, across reconnects and restarts.
#[tokio::test]
async fn an_execution_that_is_delivered_again_counts_once() {
    let world = World::ready(&["execution-again=200ms"]).await;
    let order = world.submit(market("10")).await;
    reach(&order, OrderState::Filled).await;
    tokio::time::sleep(QUIET).await;
    let id = order.client_order_id().clone();
    let world = world.restarted().await;
    world.is_ready().await;
    assert_eq!(world.client.fills(&id).await.unwrap().len(), 1);
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 8: the order is known before it is written, so its execution finds it.
#[tokio::test]
async fn an_execution_before_any_acknowledgement_is_booked() {
    let world = World::ready(&["execution-first(by=500ms)"]).await;
    let order = world.submit(market("10")).await;
    reach(&order, OrderState::Filled).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(world.order(&order).await.state, OrderState::Filled);
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 9: what was filled never becomes less, and what is over stays over.
#[tokio::test]
async fn a_stale_state_takes_no_fill_back() {
    for fault in ["stale-status=300ms", "status-late=300ms"] {
        let world = World::ready(&[fault]).await;
        let order = world.submit(market("10")).await;
        reach(&order, OrderState::Filled).await;
        tokio::time::sleep(QUIET).await;
        let after = world.order(&order).await;
        assert_eq!((after.state, after.cum_qty.to_string().as_str()), (OrderState::Filled, "10"), "{fault}");
        world.holds("10").await;
        world.ends(1).await;
    }
}

/// Danger 28: a correction replaces its execution, and a bust takes it back; both are told.
#[tokio::test]
async fn a_correction_replaces_and_a_bust_takes_back() {
    for (fault, held) in [("correction(after=200ms, quantity=7)", "7"), ("bust=200ms", "0")] {
        let mut world = World::ready(&[fault]).await;
        let order = world.submit(market("10")).await;
        until("the correction", || async { world.order(&order).await.cum_qty.to_string() == held }).await;
        world.hears(AlertKind::Anomaly).await;
        world.holds(held).await;
        world.ends(1).await;
    }
}

/// Danger 29: a fill is booked at once, its commission when it comes or a list has it, and no sentinel is one.
#[tokio::test]
async fn a_fill_waits_for_no_commission() {
    let table = [
        ("commission-late=500ms", "1"),
        // The next list of executions has it.
        ("commission-missing", "1"),
        ("commission-pending=500ms", "1"),
        ("commission-unset", "1"),
    ];
    for (fault, commission) in table {
        let world = World::ready(&[fault]).await;
        let order = world.submit(market("10")).await;
        reach(&order, OrderState::Filled).await;
        world.holds("10").await;
        tokio::time::sleep(QUIET).await;
        let charged = world.order(&order).await.commission;
        assert_eq!(charged.normalize().to_string(), commission, "{fault}");
        world.ends(1).await;
    }
}

fn leg(con_id: i32, ratio: i32, action: LegAction) -> ComboLeg {
    ComboLeg {
        contract_id: con_id,
        ratio,
        action,
        exchange: "SMART".to_owned(),
        open_close: ComboLegOpenClose::Same,
        ..ComboLeg::default()
    }
}

/// Danger 30: the execution of the whole moves nothing, those of the legs count once each, and none of them counts for
/// an order of ours that has the same number.
#[tokio::test]
async fn a_combination_of_somebody_else_counts_by_its_legs_and_once() {
    let world = World::ready(&["legs-apart(by=300ms)"]).await;
    let ours = world.submit(market("10")).await;
    reach(&ours, OrderState::Filled).await;
    let other = ibapi::Client::connect(&world.gateway.addr().to_string(), 9).await.unwrap();
    let pair = Contract {
        symbol: Symbol::from("AAPL,MSFT"),
        security_type: SecurityType::Spread,
        exchange: Exchange::from("SMART"),
        currency: Currency::from("USD"),
        combo_legs: vec![leg(265_598, 2, LegAction::Buy), leg(272_093, 1, LegAction::Sell)],
        ..Contract::default()
    };
    let order = WireOrder {
        action: Action::Buy,
        total_quantity: 3.0,
        order_type: "MKT".to_owned(),
        transmit: true,
        smart_combo_routing_params: vec![TagValue { tag: "NonGuaranteed".to_owned(), value: "1".to_owned() }],
        ..WireOrder::default()
    };
    other.submit_order(1, &pair, &order).await.unwrap();
    until("both legs and the whole", || async { world.gateway.truth().executions.len() == 4 }).await;
    // Ten of ours and twice three of theirs, found in the lists; the whole has moved nothing.
    world.holds("16").await;
    tokio::time::sleep(QUIET).await;
    world.holds("16").await;
    assert_eq!(world.order(&ours).await.cum_qty.to_string(), "10");
    assert_eq!(world.client.fills(ours.client_order_id()).await.unwrap().len(), 1);
    world.ends(2).await;
}

/// Danger 9: a partial fill is not taken back by the state from before it.
#[tokio::test]
async fn a_partial_fill_stays_when_an_older_state_follows() {
    let world = World::ready(&["stale-status=200ms"]).await;
    let order = world.working(buy("10", "195.00")).await;
    let quote = alphec_twsim::venue::Quote::new(
        "194.98".parse().unwrap(),
        "194.99".parse().unwrap(),
        "4".parse().unwrap(),
    );
    world.gateway.set_quote(super::world::AAPL, quote);
    until("a part", || async { world.order(&order).await.cum_qty.to_string() == "4" }).await;
    tokio::time::sleep(QUIET).await;
    let after = world.order(&order).await;
    assert_eq!((after.state, after.cum_qty.to_string().as_str()), (OrderState::Working, "4"));
    world.holds("4").await;
    world.ends(1).await;
}
