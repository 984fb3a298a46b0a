//! The book behind the touch: orders that go through it, and clients that watch it (tws-behaviour 1.8, 5).

use alphec_twsim::GatewayConfig;
use alphec_twsim::venue::{Depth, Instrument, Level, Side, Status};
use futures::StreamExt;
use ibapi::market_data::SmartDepth;
use ibapi::market_data::realtime::MarketDepths;
use ibapi::subscriptions::SubscriptionItem;
use rust_decimal::Decimal;

use crate::bench::{Bench, count};
use crate::frames::{AAPL, Body, contract, order};
use crate::kit::{aapl, connect, dec, still};
use crate::text::Text;

const DEPTH: i32 = 10;
const CANCEL_DEPTH: i32 = 11;

fn ten_levels(config: &mut GatewayConfig) {
    config.depth = Some(Depth::levels(10));
}

fn book(bench: &Bench) -> [Vec<Level>; 2] {
    bench.desk.levels(AAPL, 100).unwrap()
}

/// One execution per level at that level's price, and the average over them.
#[test]
fn a_large_order_goes_through_the_levels_each_at_its_own_price() {
    let mut bench = Bench::with(&[], ten_levels);
    let conn = bench.client(1);
    let [_, asks] = book(&bench);
    assert_eq!((asks.len(), asks[0]), (10, Level { price: dec("230.01"), size: dec("500") }));
    let wanted = asks[0].size + asks[1].size + asks[2].size + dec("1");
    bench.place(conn, 1, order("BUY", &wanted.to_string(), "MKT"));
    let truth = bench.desk.truth();
    let fills: Vec<(Decimal, Decimal)> = truth.executions.iter().map(|it| (it.quantity, it.price)).collect();
    let mut expected: Vec<(Decimal, Decimal)> = asks[..3].iter().map(|it| (it.size, it.price)).collect();
    expected.push((dec("1"), asks[3].price));
    assert_eq!(fills, expected);
    let value: Decimal = fills.iter().map(|(quantity, price)| quantity * price).sum();
    let report = &truth.orders[0].report;
    assert_eq!((report.filled, report.avg_price), (wanted, value / wanted));
    assert_eq!(truth.executions[3].avg_price, value / wanted);
    assert_eq!(count(&bench.lines(conn), "EX 1"), 4);
}

#[test]
fn a_limit_keeps_to_its_price_and_takes_the_rest_of_the_book_once_per_price_change() {
    let mut bench = Bench::with(&[], ten_levels);
    let conn = bench.client(1);
    let [_, asks] = book(&bench);
    bench.place(conn, 1, order("BUY", "5000", "LMT").double(9, 230.02));
    let filled = |bench: &Bench| bench.desk.truth().orders[0].report.filled;
    assert_eq!(filled(&bench), asks[0].size + asks[1].size);
    bench.place(conn, 2, order("SELL", "5000", "LMT").double(9, 250.0));
    assert_eq!(filled(&bench), asks[0].size + asks[1].size, "once");
    bench.price("230.00");
    assert_eq!(filled(&bench), (asks[0].size + asks[1].size) * dec("2"));
}

/// All or nothing looks at the whole book, not at the touch.
#[test]
fn fill_or_kill_counts_what_the_whole_book_has_at_its_limit() {
    for (more, filled) in [("0", true), ("1", false)] {
        let mut bench = Bench::with(&[], ten_levels);
        let conn = bench.client(1);
        let up_to_its_limit: Decimal = book(&bench)[1][..5].iter().map(|level| level.size).sum();
        let size = up_to_its_limit + dec(more);
        bench.place(conn, 1, order("BUY", &size.to_string(), "LMT").double(9, 230.05).text(11, "FOK"));
        let report = &bench.desk.truth().orders[0].report;
        let expected = if filled { (size, Status::Filled) } else { (Decimal::ZERO, Status::Cancelled) };
        assert_eq!((report.filled, report.status), expected, "{size}");
    }
}

#[test]
fn without_a_depth_the_touch_is_all_there_is() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, order("BUY", "700", "MKT"));
    assert_eq!(bench.desk.truth().executions.len(), 1);
    assert_eq!(bench.desk.truth().orders[0].report.filled, dec("500"));
    assert_eq!(book(&bench).map(|side| side.len()), [1, 1]);
}

#[test]
fn an_instrument_can_have_a_book_of_its_own() {
    let mut bench = Bench::with(&[], |config| {
        let depth = "3:5:40".parse().ok();
        config.instruments = vec![Instrument { depth, ..Instrument::stock(AAPL, "AAPL", dec("230")) }];
        ten_levels(config);
    });
    let conn = bench.client(1);
    let [bids, asks] = book(&bench);
    let prices = |side: &[Level]| side.iter().map(|it| it.price.to_string()).collect::<Vec<_>>();
    assert_eq!(prices(&asks), ["230.01", "230.06", "230.11"]);
    assert_eq!(prices(&bids), ["230.00", "229.95", "229.90"]);
    bench.place(conn, 1, order("SELL", "501", "MKT"));
    assert_eq!(bench.desk.truth().executions[1].side, Side::Sell);
    assert_eq!(bench.desk.truth().executions[1].price, dec("229.95"));
}

fn watch(bench: &mut Bench, conn: u64, (req_id, con_id): (i32, i32)) -> Vec<String> {
    bench.send(conn, DEPTH, &Body::default().int(1, req_id).nested(2, &contract(con_id)).int(3, 5));
    bench.lines(conn)
}

/// Section 5: "depth 3 by default"; 309 is the public list's, for different instruments.
#[test]
fn the_login_watches_three_books_and_the_fourth_gets_309() {
    let mut bench = Bench::with(&[], |config| {
        ten_levels(config);
        for at in 0..4 {
            config.instruments.push(Instrument::stock(900_000 + at, &format!("S{at}"), dec("10")));
        }
    });
    let (one, two) = (bench.client(1), bench.client(2));
    for req_id in 1..=3 {
        assert_eq!(watch(&mut bench, one, (req_id, 900_000 + req_id)).len(), 10, "five rows of each side");
    }
    assert_eq!(watch(&mut bench, two, (1, 900_000)), ["ER 1 309"]);
    assert_eq!(watch(&mut bench, two, (1, 900_001)).len(), 10, "the same one again is no book more");
    bench.send(one, CANCEL_DEPTH, &Body::default().int(1, 2));
    assert_eq!(bench.lines(one), [""; 0]);
    assert_eq!(watch(&mut bench, two, (2, 900_000)).len(), 10);
    bench.send(one, CANCEL_DEPTH, &Body::default().int(1, 2));
    assert_eq!(bench.lines(one), ["ER 2 310"]);
    assert_eq!(watch(&mut bench, one, (9, 1)), ["ER 9 200"]);
}

#[test]
fn one_instrument_is_watched_by_a_hundred_requests_of_a_session_at_most() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    for req_id in 1..=100 {
        assert_eq!(watch(&mut bench, conn, (req_id, AAPL)), ["END 12", "END 12"]);
    }
    assert_eq!(watch(&mut bench, conn, (101, AAPL)), ["ER 101 322"]);
}

/// The client's own book after every row is the venue's, and 317 empties it.
#[tokio::test]
async fn a_client_that_follows_the_rows_has_the_venues_book() {
    let gateway = still().depth(Depth::levels(8)).start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let contract = aapl();
    let mut rows = client.market_depth(&contract, 5).smart_depth(SmartDepth::Yes).subscribe().await.unwrap();
    let mut sides: [Vec<(f64, f64)>; 2] = [Vec::new(), Vec::new()];
    let mut resets = 0;
    for bid in ["230.00", "230.01", "230.00", "229.98"] {
        gateway.set_price("AAPL", dec(bid));
        if bid == "229.98" {
            gateway.inject("depth-reset".parse().unwrap());
        }
        let venue = gateway.levels(265_598, 5).unwrap();
        let to_pair = |level: &Level| {
            (level.price.to_string().parse().unwrap(), level.size.to_string().parse().unwrap())
        };
        let wanted = [1, 0].map(|side: usize| venue[side].iter().map(to_pair).collect::<Vec<(f64, f64)>>());
        while sides != wanted || (bid == "229.98" && resets == 0) {
            match rows.next().await.unwrap().unwrap() {
                SubscriptionItem::Data(MarketDepths::MarketDepthL2(row)) => {
                    assert!(row.smart_depth && !row.market_maker.is_empty());
                    let (side, at) = (&mut sides[row.side as usize], row.position as usize);
                    match row.operation {
                        0 => side.insert(at, (row.price, row.size)),
                        1 => side[at] = (row.price, row.size),
                        _ => drop(side.remove(at)),
                    }
                }
                SubscriptionItem::Data(MarketDepths::Reset) => {
                    resets += 1;
                    sides = [Vec::new(), Vec::new()];
                }
                SubscriptionItem::Data(MarketDepths::MarketDepth(row)) => panic!("{row:?}"),
                SubscriptionItem::Notice(notice) => assert!(notice.code > 2000, "{notice:?}"),
            }
        }
    }
    assert_eq!(resets, 1);
    let venues = client.market_depth_exchanges().await.unwrap();
    assert!(
        venues
            .iter()
            .any(|it| (it.exchange_name.as_str(), it.security_type.as_str()) == ("IDEALPRO", "CASH"))
    );
}

#[tokio::test]
async fn in_text_a_row_has_its_venue_only_where_all_venues_were_asked_for() {
    let gateway = still().depth(Depth::levels(3)).start().await.unwrap();
    let mut session = Text::session(&gateway, 178).await;
    session.send(10, "5|1|265598||||||||||||2|0||").await;
    assert_eq!(session.until("12").await, ["12", "1", "1", "0", "0", "1", "230.0", "500"]);
    session.send(11, "1|1|0|").await;
    session.send(10, "5|2|265598||||||||||||2|1||").await;
    let row = session.until("13").await;
    assert_eq!((row.len(), row[..4].join("|"), row[9].as_str()), (10, "13|1|2|0".to_owned(), "1"));
    assert_eq!(row[5..9], ["0", "1", "230.0", "500"]);
    assert!(!row[4].is_empty());
    session.send(82, "").await;
    let venues = session.until("80").await;
    assert_eq!(venues[1..7], ["4", "ARCA", "STK", "", "Deep", "2147483647"]);
}

/// Section 1.8: after 1101 market data, depth, account and profit and loss have to be asked for again; after 1102 not.
#[test]
fn after_1101_what_was_subscribed_to_is_gone_and_after_1102_it_is_not() {
    for (code, heard) in [(1101, 0), (1102, 2)] {
        let mut bench = Bench::new(&[&format!("lost-servers(for=1s, then={code})@1s")]);
        let conn = bench.client(1);
        assert_eq!(watch(&mut bench, conn, (1, AAPL)).len(), 2);
        bench.pass(5 * crate::bench::SECOND);
        assert_eq!(bench.lines(conn), ["ER -1 1100".to_owned(), format!("ER -1 {code}")]);
        bench.price("231.00");
        let rows = bench.lines(conn);
        assert_eq!(rows.len(), heard, "an update of each side: {rows:?}");
    }
}
