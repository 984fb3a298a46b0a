//! Numbers and units: unset, missing, of another grid, in pence.

use std::time::Duration;

use alphec_execution::model::{
    AlertKind, DenyReason, InstrumentId, OrderRequest, OrderSpec, OrderState, Rule,
};
use alphec_twsim::GatewayBuilder;
use alphec_twsim::venue::{Instrument, OrderKind};

use super::world::{ACCOUNT, QUIET, World, buy, market, reach};

/// A London stock: in pence, on a step of 0.01 below fifty of them and of 0.02 from there.
const VOD: i32 = 900_002;

/// With cash in pounds, so that the account tells what they are worth.
fn london(gateway: GatewayBuilder) -> GatewayBuilder {
    gateway
        .instrument(Instrument::listed(VOD, "VOD/GBP=52").unwrap())
        .instrument(Instrument::listed(900_003, "GBP.USD=1.27").unwrap())
        .with(|config| config.accounts = vec![format!("{ACCOUNT}=USD:1000000+GBP:1000").parse().unwrap()])
}

/// With a profile that has it on this tick.
async fn in_london(tick: &str, more: &str) -> World {
    let vod = format!("{{ kind = \"stock\", exchange = \"SMART\", currency = \"GBP\", tick = {tick} }}");
    let world = World::started(&[], &format!("instruments.VOD = {vod}\n{more}"), london).await;
    assert!(world.gateway.set_price("VOD", "52.00".parse().unwrap()));
    world.is_ready().await;
    world.client.wait_quote(&vodafone(), Duration::from_secs(20)).await.unwrap();
    world
}

fn vodafone() -> InstrumentId {
    InstrumentId::new("VOD").unwrap()
}

fn of_vodafone(world: &World, spec: OrderSpec) -> OrderRequest {
    OrderRequest { instrument: vodafone(), ..world.request(spec) }
}

/// Danger 40: what cannot be read is not taken for a number, and executions say what filled.
#[tokio::test]
async fn unset_numbers_and_missing_fields_fill_nothing() {
    for fault in ["sentinels", "missing-remaining"] {
        let world = World::ready(&[]).await;
        world.inject(fault);
        let resting = world.submit(buy("10", "195.00")).await;
        tokio::time::sleep(QUIET).await;
        let meanwhile = world.order(&resting).await;
        assert!(meanwhile.state.reserves_exposure(), "{fault}: {:?}", meanwhile.state);
        assert_eq!((meanwhile.cum_qty.to_string().as_str(), meanwhile.spec), ("0", buy("10", "195.00")));
        world.gateway.clear_faults();
        world.is_ready().await;
        reach(&resting, OrderState::Working).await;
        world.inject(fault);
        let filled = world.submit(market("3")).await;
        tokio::time::sleep(QUIET).await;
        assert!(["0", "3"].contains(&world.position().await.as_str()), "{fault}: {}", world.position().await);
        // What was missed beside a message that could not be read is in the lists.
        world.gateway.clear_faults();
        reach(&filled, OrderState::Filled).await;
        world.holds("3").await;
        world.ends(2).await;
    }
}

/// Danger 40: a word that nobody knows ends no order.
#[tokio::test]
async fn an_order_with_an_unknown_status_is_live_and_can_be_cancelled() {
    let world = World::ready(&["unknown-status=WarnState"]).await;
    let order = world.submit(buy("10", "195.00")).await;
    tokio::time::sleep(QUIET).await;
    assert!(world.order(&order).await.state.reserves_exposure(), "{:?}", order.last().state);
    world.client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&order, OrderState::Canceled).await;
    world.ends(1).await;
}

/// Danger 40: a price that the grid does not have is denied before it is sent.
#[tokio::test]
async fn a_price_off_the_grid_is_never_sent() {
    let world = World::ready(&[]).await;
    let denied = world.try_submit(buy("10", "195.005")).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");
    assert_eq!(world.gateway.counters().orders, 0);
    world.ends(0).await;
}

/// Danger 40: the step is that of the height of the price.
#[tokio::test]
async fn a_price_off_the_step_at_its_height_is_never_sent() {
    let world = in_london("[[\"0\", \"0.01\"], [\"50\", \"0.02\"]]", "").await;
    for (price, fits) in [("49.99", true), ("50.01", false), ("50.02", true)] {
        let answer = world.client.submit_order(of_vodafone(&world, buy("10", price))).await;
        match answer {
            Ok(order) if fits => reach(&order, OrderState::Working).await,
            Err(error) if !fits => {
                assert!(matches!(error.denied(), Some(DenyReason::Terms { .. })), "{price}: {error}")
            }
            other => panic!("{price}: {other:?}"),
        }
    }
    assert_eq!(world.gateway.counters().orders, 2);
    world.ends(2).await;
}

/// Danger 40: a tick of the profile that is none of the broker's is told at the start, and what it lets through is
/// rejected alone.
#[tokio::test]
async fn a_tick_of_the_profile_that_the_broker_does_not_have_is_told() {
    let mut world = in_london("\"0.01\"", "").await;
    let told = world.hears(AlertKind::Anomaly).await;
    assert!(told.text.contains("VOD") && told.text.contains("tick"), "{}", told.text);
    let order = world.client.submit_order(of_vodafone(&world, buy("10", "50.01"))).await.unwrap();
    reach(&order, OrderState::Rejected).await;
    assert_eq!(world.order(&order).await.reject_reason.map(|reason| reason.code), Some(110));
    world.ends(0).await;
}

/// Danger 40: a price in pence is sent as it is, and counts in the limits like one in pounds: a hundred times too much.
#[tokio::test]
async fn an_order_in_pence_counts_like_one_in_pounds_and_is_denied_early() {
    let world = in_london("\"0.02\"", "limits.max_order_notional = 5000").await;
    let order = world.client.submit_order(of_vodafone(&world, buy("70", "52.02"))).await.unwrap();
    reach(&order, OrderState::Filled).await;
    let truth = world.gateway.truth();
    assert_eq!(truth.orders[0].report.spec.kind, OrderKind::Limit { limit: "52.02".parse().unwrap() });
    assert_eq!(truth.accounts[0].positions[&VOD].cost.normalize().to_string(), "36.414");
    // Of 52 pounds, or 66 dollars.
    let denied = world.client.submit_order(of_vodafone(&world, buy("100", "52.00"))).await.unwrap_err();
    let Some(DenyReason::Limit { rule: Rule::MaxOrderNotional, measured, .. }) = denied.denied() else {
        panic!("{denied}")
    };
    assert_eq!(measured.trunc().to_string(), "6605");
    world.ends(1).await;
}
