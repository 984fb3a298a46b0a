//! The engine under load: a strategy with eight hands that trades until it is killed.

use std::path::Path;
use std::time::{Duration, Instant};

use alphec_execution::config::{self, Source};
use alphec_execution::model::{
    InstrumentId, OrderRequest, OrderSpec, OrderType, Side, StrategyId, WhenInDoubt,
};
use alphec_execution::{Error, ExecutionClient, new_client_order_id, new_correlation_id};

use crate::dice::Dice;

const HANDS: u64 = 8;
/// Nobody has killed it by then.
const LONGEST: Duration = Duration::from_secs(20);

pub(crate) async fn trade_until_killed(config: &Path, seed: u64) {
    // A hand that panics would be missed among the others; the process must be.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let source =
        Source { path: Some(config.to_owned()), profile: Some("paper".to_owned()), ..Source::default() };
    let profile = config::load(source).unwrap().profile;
    let account = profile.accounts.first().unwrap().clone();
    let client = ExecutionClient::start(profile).unwrap();
    client.wait_ready(LONGEST).await.unwrap();
    for name in ["AAPL", "MSFT"] {
        client.wait_quote(&InstrumentId::new(name).unwrap(), LONGEST).await.unwrap();
    }
    let hands = (0..HANDS).map(|hand| {
        let (client, account) = (client.clone(), account.clone());
        tokio::spawn(async move {
            let mut dice = Dice::new(seed.wrapping_mul(HANDS).wrapping_add(hand));
            let begun = Instant::now();
            while begun.elapsed() < LONGEST {
                let (instrument, px) = if dice.below(2) == 0 { ("AAPL", 230) } else { ("MSFT", 420) };
                let request = OrderRequest {
                    client_order_id: new_client_order_id(),
                    strategy_id: StrategyId::new("load").unwrap(),
                    correlation_id: new_correlation_id(),
                    account: account.clone(),
                    instrument: InstrumentId::new(instrument).unwrap(),
                    spec: draw(&mut dice, px),
                    // Some are marked as safe to be placed again, where that is allowed.
                    when_in_doubt: (dice.below(3) == 0).then_some(WhenInDoubt::ResendIfAbsent),
                };
                act(&client, request, &mut dice).await;
            }
        })
    });
    for hand in hands.collect::<Vec<_>>() {
        hand.await.unwrap();
    }
}

/// A market order, a limit that fills, or one that rests and is changed or canceled.
fn draw(dice: &mut Dice, px: u64) -> OrderSpec {
    let side = if dice.below(2) == 0 { Side::Buy } else { Side::Sell };
    let qty = (1 + dice.below(5)).to_string().parse().unwrap();
    let away = dice.below(20);
    let limit = match (dice.below(4), side) {
        (0, _) => return OrderSpec::new(side, qty, OrderType::Market).unwrap(),
        (1, Side::Buy) | (2 | 3, Side::Sell) => px + 1 + away,
        (_, _) => px - 1 - away,
    };
    OrderSpec::limit(side, qty, limit.to_string().parse().unwrap()).unwrap()
}

/// Whatever the engine answers is an answer; only a defect ends the process.
async fn act(client: &ExecutionClient, request: OrderRequest, dice: &mut Dice) {
    let spec = request.spec.clone();
    match client.submit_order(request).await {
        Ok(order) => {
            let patience = Duration::from_millis(5 + dice.below(60));
            let _accepted = tokio::time::timeout(patience, order.accepted()).await;
            let id = order.client_order_id();
            match dice.below(4) {
                0 => drop(client.cancel_order(id).await),
                1 if spec.order_type != OrderType::Market => {
                    let order_qty = "7".parse().unwrap();
                    drop(client.modify_order(id, OrderSpec { order_qty, ..spec }).await);
                }
                _ => {}
            }
        }
        Err(Error::Denied { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
        Err(other) => panic!("{other}"),
    }
}
