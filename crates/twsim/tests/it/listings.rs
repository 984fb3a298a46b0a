//! Parts of shares, and instruments of other currencies (tws-behaviour 2.6, 2.7, 3.4, 6).

use alphec_twsim::Gateway;
use alphec_twsim::venue::{Depth, Instrument};
use ibapi::contracts::Contract;
use ibapi::orders::Action;

use crate::bench::{Bench, count, limit};
use crate::frames::{AAPL, Body, order};
use crate::kit::{Event, Tape, connect, dec, limit as limit_order, order as client_order};

/// Section 2.6: 10243 and its neighbours. The order never was.
#[test]
fn a_part_of_a_share_is_refused_where_only_whole_ones_trade() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, order("BUY", "1.5", "MKT"));
    assert_eq!(bench.lines(conn), ["ER 1 10243"]);
    bench.place(conn, 2, limit(200.0));
    bench.lines(conn);
    bench.place(conn, 2, order("BUY", "1.5", "LMT").double(9, 200.0));
    assert_eq!(bench.lines(conn), ["ER 2 10243"], "the change fails and the order stays");
    assert_eq!(bench.desk.truth().orders[0].report.spec.quantity, dec("1"));
}

fn with_parts() -> Bench {
    Bench::with(&[], |config| {
        config.instruments = vec![Instrument::stock(AAPL, "AAPL", dec("230")).fractional(dec("0.0001"))];
    })
}

/// Section 3.4: "fractional orders can split into an integer and a fractional execution (1.0 + 0.1404)".
#[test]
fn whole_shares_and_a_part_of_one_are_two_executions() {
    let mut bench = with_parts();
    let conn = bench.client(1);
    bench.place(conn, 1, order("BUY", "1.1404", "MKT"));
    let heard = bench.lines(conn);
    assert_eq!((count(&heard, "EX 1 1@230.01"), count(&heard, "EX 1 0.1404@230.01")), (1, 1), "{heard:?}");
    assert_eq!(count(&heard, "OS 1 Filled 1.1404/0"), 1);
    bench.place(conn, 2, order("SELL", "0.1404", "MKT"));
    assert_eq!(count(&bench.lines(conn), "EX 2 0.1404@230"), 1);
    assert_eq!(bench.desk.truth().position("DU1234567", AAPL), dec("1"));
}

/// Section 2.7: fractional orders cannot be modified through the API (10242); they can be cancelled.
#[test]
fn an_order_with_a_part_of_a_share_cannot_be_changed() {
    let mut bench = with_parts();
    let conn = bench.client(1);
    let half = |price: f64| order("BUY", "0.5", "LMT").double(9, price);
    bench.place(conn, 1, half(200.0));
    assert_eq!(count(&bench.lines(conn), "OS 1 Submitted 0/0.5"), 1);
    bench.place(conn, 1, half(201.0));
    assert_eq!(bench.lines(conn), ["ER 1 10242"]);
    bench.place(conn, 2, order("BUY", "0.00005", "MKT"));
    assert_eq!(bench.lines(conn), ["ER 2 388"]);
    bench.place(conn, 3, order("BUY", "1.00005", "MKT"));
    assert_eq!(bench.lines(conn), ["ER 3 321"]);
    bench.cancel(conn, 1);
    assert_eq!(count(&bench.lines(conn), "OS 1 Cancelled"), 1);
}

/// SAP in euros at 180, Vodafone in pence at 70.5, Toyota in yen at 2800 by the hundred, and the pairs that tell what they
/// are worth.
fn abroad() -> alphec_twsim::GatewayBuilder {
    let texts = ["SAP/EUR=180", "VOD/GBP=70.5", "7203/JPY=2800", "EUR.USD", "GBP.USD=1.27", "USD.JPY=150"];
    let listed = (1..).zip(texts).map(|(con_id, text)| Instrument::listed(con_id, text).unwrap()).collect();
    Gateway::builder().fixed_prices().with(|config| config.instruments = listed)
}

/// As the page of documentation has it.
#[tokio::test]
async fn a_market_abroad_is_a_few_lines() {
    let gateway = Gateway::builder()
        .account_config("DU1=EUR:50000+USD:1000".parse().unwrap())
        .instrument(Instrument::listed(900_001, "SAP/EUR=180").unwrap())
        .instrument(Instrument::listed(900_002, "BRK~0.0001=600").unwrap())
        .depth(Depth::levels(10))
        .latency("lognormal:median=3ms,p99=40ms".parse().unwrap())
        .start()
        .await
        .unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &contract(900_001), &client_order(Action::Buy, 800.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    assert!(gateway.truth().executions.len() > 1, "through several levels");
    assert_eq!(gateway.truth().position("DU1", 900_001), dec("800"));
}

fn contract(con_id: i32) -> Contract {
    Contract { contract_id: con_id, exchange: "SMART".into(), ..Contract::default() }
}

#[tokio::test]
async fn stocks_of_other_currencies_have_their_own_ticks_lots_commissions_and_cash() {
    let gateway = abroad().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    // Size, commission and its currency, what is paid in all.
    for (con_id, size, commission, currency, paid) in [
        (1, 100.0, 9.0025, "EUR", "18014.0025"),
        // 500 at 70.52 pence.
        (2, 500.0, 3.0, "GBP", "355.6"),
        (3, 200.0, 448.16, "JPY", "560648.16"),
    ] {
        client
            .submit_order(con_id, &contract(con_id), &client_order(Action::Buy, size, "MKT"))
            .await
            .unwrap();
        let report = loop {
            if let Event::Commission(report) = tape.next().await {
                break report;
            }
        };
        assert_eq!((report.commission, report.currency.as_str()), (commission, currency));
        assert_eq!(gateway.truth().accounts[0].cash[currency], -dec(paid), "{currency}");
    }
    let vodafone = client.contract_details(&contract(2)).await.unwrap().remove(0);
    assert_eq!((vodafone.price_magnifier, vodafone.min_tick), (100, 0.01));
    let toyota = client.contract_details(&contract(3)).await.unwrap().remove(0);
    assert_eq!(
        (toyota.min_size, toyota.size_increment, toyota.contract.currency.to_string()),
        (Some(100.0), Some(100.0), "JPY".into())
    );
    let rule = client.market_rule(toyota.market_rule_ids[0].parse().unwrap()).await.unwrap();
    let steps: Vec<(f64, f64)> =
        rule.price_increments.iter().map(|step| (step.low_edge, step.increment)).collect();
    assert_eq!(steps[..3], [(0.0, 1.0), (3000.0, 5.0), (5000.0, 10.0)]);
}

/// Section 6: `minTick` is the smallest tick anywhere; off the ladder of the price itself is 110.
#[tokio::test]
async fn prices_keep_to_the_ladder_at_their_height_and_sizes_to_the_lot() {
    let gateway = abroad().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    for (order_id, con_id, size, price, code) in [
        (1, 1, 1.0, 179.95, 0),
        (2, 1, 1.0, 179.96, 110),
        (3, 1, 1.0, 9.123, 0),
        (4, 3, 100.0, 2799.0, 0),
        (5, 3, 100.0, 3001.0, 110),
        (6, 3, 150.0, 2799.0, 321),
        (7, 3, 50.0, 2799.0, 388),
    ] {
        client
            .submit_order(order_id, &contract(con_id), &limit_order(Action::Buy, size, price))
            .await
            .unwrap();
        let found = loop {
            match tape.next().await {
                Event::Notice(code, _) => break code,
                Event::Status(status) if status.order_id == order_id => break 0,
                _ => {}
            }
        };
        assert_eq!(found, code, "{size} of {con_id} at {price}");
    }
}

/// Values in the base currency count pence as pence.
#[tokio::test]
async fn holdings_in_pence_are_valued_in_pounds() {
    let gateway = abroad().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    client.submit_order(1, &contract(2), &client_order(Action::Buy, 500.0, "MKT")).await.unwrap();
    tape.until_status("Filled").await;
    let truth = gateway.truth();
    let position = truth.accounts[0].positions[&2];
    assert_eq!((position.cost, position.fees), (dec("352.6"), dec("3")));
    assert_eq!(position.avg_cost(), dec("0.7112"));
}

#[test]
fn the_size_increment_is_in_both_dialects() {
    let mut bench = with_parts();
    let conn = bench.client(1);
    bench.send(conn, 9, &Body::default().int(1, 5).nested(2, &Body::default().int(1, AAPL)));
    let (bytes, _) = bench.raw(conn);
    let found = bytes.windows(6).filter(|bytes| *bytes == b"0.0001").count();
    assert_eq!(found, 3, "least, increment and suggested increment");
}
