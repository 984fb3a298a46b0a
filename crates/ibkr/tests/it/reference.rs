//! Contracts, quotes and account values.

use alphec_model::account::AccountValue;
use alphec_model::broker::BrokerEvent;
use alphec_model::{InstrumentId, InstrumentKind};

use crate::harness::{ACCOUNT, Adapter, config, gateway, instrument, px, stock};

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
