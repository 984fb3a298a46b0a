//! Contracts, quotes and account values.

use std::collections::BTreeSet;
use std::time::Duration;

use alphec_model::account::AccountValue;
use alphec_model::broker::BrokerEvent;
use alphec_model::{InstrumentId, InstrumentKind};
use alphec_twsim::GatewayHandle;
use alphec_twsim::venue::Instrument as Listed;

use crate::harness::{ACCOUNT, Adapter, config, gateway, instrument, px, stock};
use crate::tap::{self, CANCEL_MARKET_DATA, Tap};

#[tokio::test]
async fn instruments_are_resolved_with_contract_id_and_ticks_and_unknown_ones_named() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.instruments =
        vec![stock("AAPL"), stock("NOSUCH"), instrument("EURUSD", "EUR", InstrumentKind::Forex, "IDEALPRO")];
    let mut adapter = Adapter::start(config);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    while known.len() + unknown.len() < 3 {
        match adapter.next().await {
            BrokerEvent::InstrumentResolved { instrument, con_id, tick, .. } => {
                assert!(con_id.get() > 0 && tick.is_some());
                known.push(instrument.to_string());
            }
            BrokerEvent::InstrumentUnknown { instrument, why } => {
                assert!(why.contains("200"), "{why}");
                unknown.push(instrument.to_string());
            }
            _ => {}
        }
    }
    known.sort();
    assert_eq!(known, ["AAPL", "EURUSD"]);
    assert_eq!(unknown, ["NOSUCH"]);
    adapter.finish().await;
}

#[tokio::test]
async fn quotes_follow_the_market() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.market_data.enabled = true;
    let mut adapter = Adapter::start(config);
    adapter.resolved().await;
    gateway.set_price("AAPL", "123.45".parse().unwrap());
    adapter
        .until(|event| match event {
            BrokerEvent::Quote { instrument, quote } => {
                assert_eq!(instrument, &InstrumentId::new("AAPL").unwrap());
                (quote.bid == Some(px("123.45")) && quote.ask == Some(px("123.46"))).then_some(())
            }
            _ => None,
        })
        .await;
    adapter.finish().await;
}

#[tokio::test]
async fn account_values_come_for_one_account_and_for_several() {
    for several in [false, true] {
        let mut builder = gateway();
        if several {
            builder = builder.account("DU7654321");
        }
        let gateway = builder.start().await.unwrap();
        let mut config = config(gateway.addr().port());
        config.account_updates = true;
        let mut adapter = Adapter::start(config);
        let (mut net, mut rate, mut ready) = (0, 0, 0);
        let wanted = if several { 2 } else { 1 };
        while net < wanted || rate < 1 || ready < wanted {
            if let BrokerEvent::Account { account, value } = adapter.next().await {
                assert!(several || account.as_str() == ACCOUNT);
                match value {
                    AccountValue::NetLiquidation { amount, currency } => {
                        assert!(amount > alphec_model::Decimal::ZERO && currency.as_str() == "USD");
                        net += 1;
                    }
                    AccountValue::ExchangeRate { .. } => rate += 1,
                    AccountValue::Ready { ready: now } => ready += i32::from(now),
                    other => panic!("{other:?}"),
                }
            }
        }
        adapter.finish().await;
    }
}

/// Enough that their subscriptions ended all at once would be most of a second's budget.
const FOLLOWED: i32 = 14;
const BUDGET: usize = 20;

/// A gateway with that many stocks, and an adapter that follows them all within the budget.
async fn following_many() -> (GatewayHandle, Tap, Adapter) {
    let symbols: Vec<String> = (0..FOLLOWED).map(|number| format!("ST{number}")).collect();
    let mut builder = gateway();
    for (con_id, symbol) in (9_000..).zip(&symbols) {
        builder = builder.instrument(Listed::stock(con_id, symbol, "50".parse().unwrap()));
    }
    let gateway = builder.start().await.unwrap();
    let tap = Tap::before(gateway.addr(), Vec::new()).await;
    let mut config = config(tap.port);
    config.instruments = symbols.iter().map(|symbol| stock(symbol)).collect();
    config.market_data.enabled = true;
    config.messages_per_second = Some(u32::try_from(BUDGET).unwrap());
    let mut adapter = Adapter::start(config);
    all_quoted(&mut adapter).await;
    (gateway, tap, adapter)
}

/// Waits until each of them has a price.
async fn all_quoted(adapter: &mut Adapter) {
    let mut quoted = BTreeSet::new();
    while quoted.len() < usize::try_from(FOLLOWED).unwrap() {
        if let BrokerEvent::Quote { instrument, quote } = adapter.next().await
            && quote.bid.is_some()
        {
            quoted.insert(instrument);
        }
    }
}

#[tokio::test]
async fn after_a_loss_of_the_subscriptions_no_second_holds_more_than_the_budget() {
    let (_gateway, tap, mut adapter) = following_many().await;
    let before = tap.arrivals().len();
    tap.speak(tap::error(-1, 1101, "connectivity restored, data lost"));
    all_quoted(&mut adapter).await;
    assert_eq!(tap.bodies(CANCEL_MARKET_DATA).len(), usize::try_from(FOLLOWED).unwrap(), "each is ended");
    let arrivals = tap.arrivals();
    // The end of the subscription, contract, tick rule and new subscription of each.
    assert!(arrivals.len() - before >= 4 * usize::try_from(FOLLOWED).unwrap());
    for first in &arrivals[before..] {
        let second = *first..*first + Duration::from_secs(1);
        let within = arrivals.iter().filter(|at| second.contains(at)).count();
        assert!(within <= BUDGET, "{within} messages within a second");
    }
    adapter.finish().await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_no_subscription_by_a_message_of_its_own() {
    let (gateway, tap, adapter) = following_many().await;
    adapter.finish().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((tap.bodies(CANCEL_MARKET_DATA).len(), gateway.connections()), (0, 0), "the socket ends them");
}
