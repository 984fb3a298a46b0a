//! Combinations, sections 3.5 and 3.2 of the notes on the real gateway's behaviour: a net price made of the legs,
//! one execution of the whole and one of each leg, positions and money by legs only.

use alphec_twsim::venue::{Quote, VenueInput};
use rust_decimal::Decimal;

use crate::bench::{Bench, count, id};
use crate::frames::{AAPL, Body};
use crate::kit::{dec, still};
use crate::text::{MARKET_ORDER, Text};

pub(crate) const MSFT: i32 = 272_093;
const EUR_USD: i32 = 12_087_792;
const CALL: i32 = 713_000_001;
const ACCOUNT: &str = "DU1234567";

pub(crate) fn leg(con_id: i32, ratio: i32, action: &str) -> Body {
    Body::default().int(1, con_id).int(2, ratio).text(3, action).text(4, "SMART")
}

pub(crate) fn bag(legs: &[Body]) -> Body {
    let head = Body::default().text(2, "AAPL,MSFT").text(3, "BAG").text(8, "SMART").text(10, "USD");
    legs.iter().fold(head, |bag, leg| bag.nested(20, leg))
}

/// One MSFT against two AAPL: 420.00 / 420.01 and 230.00 / 230.01 make −40.02 / −39.99.
pub(crate) fn pair() -> Body {
    bag(&[leg(MSFT, 1, "BUY"), leg(AAPL, 2, "SELL")])
}

pub(crate) fn order(action: &str, quantity: &str, kind: &str) -> Body {
    Body::default().text(5, action).text(6, quantity).text(8, kind).text(11, "DAY").flag(66, true)
}

fn limit(action: &str, quantity: &str, price: f64) -> Body {
    order(action, quantity, "LMT").double(9, price)
}

fn quote(bench: &mut Bench, con_id: i32, (bid, ask): (&str, &str), size: u32) {
    let quote = Quote::new(dec(bid), dec(ask), Decimal::from(size));
    bench.desk.control(bench.now, VenueInput::SetQuote { con_id, quote });
}

#[test]
fn a_fill_is_one_execution_of_the_whole_and_one_of_each_leg_under_one_order_id() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "3", "MKT"));
    assert_eq!(
        bench.lines(conn),
        [
            "OO 1 PreSubmitted",
            "OS 1 PreSubmitted 0/3",
            "EX 1 3@-39.99 .01",
            "EX 1 3@420.01 .01",
            "EX 1 6@230 .01",
            "OO 1 Filled",
            "OS 1 Filled 3/0",
            "CR 1",
            "CR 1",
        ]
    );
    let truth = bench.desk.truth();
    let ids: Vec<&str> = truth.executions.iter().map(|it| it.exec_id.as_str()).collect();
    let (base, _) = ids[0].rsplit_once('.').unwrap();
    assert_eq!(ids[0].split('.').count(), 4);
    assert_eq!(ids[1..], [format!("{base}.01.01"), format!("{base}.02.01")], "legs have five groups");
    let held = [MSFT, AAPL, truth.executions[0].con_id].map(|con_id| truth.position(ACCOUNT, con_id));
    assert_eq!(held, [dec("3"), dec("-6"), dec("0")], "positions are those of the legs");
    // 3 × 420.01 paid, 6 × 230.00 taken, a dollar of commission for each leg.
    assert_eq!(truth.accounts[0].cash["USD"], dec("1000000") - dec("1260.03") + dec("1380") - dec("2"));
    assert_eq!(truth.orders[0].report.commission, dec("2"));
    assert_eq!(truth.orders[0].report.avg_price, dec("-39.99"));
}

#[test]
fn selling_takes_the_other_side_of_every_leg() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("SELL", "1", "MKT"));
    let lines = bench.lines(conn);
    assert_eq!(lines[2..5], ["EX 1 1@-40.02 .01", "EX 1 1@420 .01", "EX 1 2@230.01 .01"]);
    let sides: Vec<String> =
        bench.desk.truth().executions.iter().map(|it| format!("{:?}", it.side)).collect();
    assert_eq!(sides, ["Sell", "Sell", "Buy"]);
}

#[test]
fn a_limit_on_the_net_price_waits_for_the_legs_and_may_be_negative_or_zero() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), limit("BUY", "1", -41.0));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/1");
    quote(&mut bench, MSFT, ("419.00", "419.01"), 500);
    assert_eq!(count(&bench.lines(conn), "EX"), 0, "-40.99 is not good enough");
    quote(&mut bench, AAPL, ("230.01", "230.02"), 500);
    assert_eq!(bench.lines(conn)[..3], ["EX 1 1@-41.01 .01", "EX 1 1@419.01 .01", "EX 1 2@230.01 .01"]);
    // Equal legs: the net price is about zero, and zero is a price.
    let even = bag(&[leg(MSFT, 1, "BUY"), leg(AAPL, 1, "SELL")]);
    quote(&mut bench, MSFT, ("230.02", "230.03"), 500);
    bench.place_in(conn, 2, even, limit("BUY", "1", 0.0));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 2 Submitted 0/1");
    quote(&mut bench, MSFT, ("230.00", "230.01"), 500);
    assert!(bench.lines(conn).contains(&"EX 2 1@0 .01".to_owned()));
}

#[test]
fn fills_come_in_whole_units_of_what_the_thinnest_leg_shows() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    quote(&mut bench, AAPL, ("230.00", "230.01"), 7);
    bench.place_in(conn, 1, pair(), order("BUY", "5", "MKT"));
    let lines = bench.lines(conn);
    assert!(lines.contains(&"OS 1 Submitted 3/2".to_owned()), "seven shares are three times two: {lines:?}");
    assert!(lines.contains(&"EX 1 6@230 .01".to_owned()));
    quote(&mut bench, AAPL, ("230.00", "230.01"), 7);
    let lines = bench.lines(conn);
    assert!(lines.contains(&"EX 1 4@230 .01".to_owned()) && lines.contains(&"OS 1 Filled 5/0".to_owned()));
    let executions = bench.desk.truth().executions;
    let legs: Vec<(usize, Decimal)> = executions.iter().map(|it| (it.leg, it.cum_quantity)).collect();
    let expected = [(0, "3"), (1, "3"), (2, "6"), (0, "5"), (1, "5"), (2, "10")];
    assert_eq!(legs, expected.map(|(leg, cum)| (leg, dec(cum))), "cumulative per leg");
}

#[test]
fn an_order_for_a_combination_is_changed_and_cancelled_like_any_other() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), limit("BUY", "1", -45.0));
    bench.place_in(conn, 1, pair(), limit("BUY", "2", -44.0));
    let lines = bench.lines(conn);
    assert_eq!(lines.last().unwrap(), "OS 1 Submitted 0/2");
    let report = bench.desk.truth().orders[0].report.clone();
    assert_eq!(report.spec.kind.limit(), Some(dec("-44")));
    // The contract as it was returned names the combination by its id; legs in another order are the same one.
    let by_id = Body::default().int(1, report.spec.con_id).text(3, "BAG").text(8, "SMART");
    bench.place_in(conn, 1, by_id, limit("BUY", "2", -43.0));
    let turned = bag(&[leg(AAPL, 2, "SELL"), leg(MSFT, 1, "BUY")]);
    bench.place_in(conn, 1, turned, limit("BUY", "2", -42.0));
    assert_eq!(bench.desk.truth().orders[0].report.spec.kind.limit(), Some(dec("-42")));
    let other = bag(&[leg(AAPL, 1, "SELL"), leg(MSFT, 1, "BUY")]);
    bench.lines(conn);
    bench.place_in(conn, 1, other, limit("BUY", "2", -42.0));
    assert_eq!(bench.lines(conn), ["ER 1 105"]);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/2", "ER 1 202"]);
}

#[test]
fn what_is_wrong_with_a_combination_is_said_with_its_own_code() {
    let without_symbol = Body::default().text(3, "BAG").nested(20, &leg(MSFT, 1, "BUY"));
    let two = |second: Body| bag(&[leg(MSFT, 1, "BUY"), second]);
    let table = [
        (two(leg(1, 1, "SELL")), order("BUY", "1", "MKT"), 200),
        (two(leg(AAPL, 0, "SELL")), order("BUY", "1", "MKT"), 313),
        (two(leg(AAPL, -1, "SELL")), order("BUY", "1", "MKT"), 313),
        (two(leg(AAPL, 1, "HOLD")), order("BUY", "1", "MKT"), 313),
        (two(leg(MSFT, 1, "SELL")), order("BUY", "1", "MKT"), 312),
        (bag(&[leg(MSFT, 1, "BUY")]), order("BUY", "1", "MKT"), 312),
        (bag(&[]), order("BUY", "1", "MKT"), 314),
        (without_symbol, order("BUY", "1", "MKT"), 321),
        (pair(), order("BUY", "1.5", "MKT"), 10_243),
        (pair(), order("BUY", "1", "MOC"), 387),
        (pair(), order("BUY", "1", "MKT").text(27, "group"), 356),
        (pair(), limit("BUY", "1", -40.005), 110),
        // Paying for what the market gives a credit for, and giving away what it pays for (§3.5).
        (pair(), limit("BUY", "1", 40.0), 201),
        (bag(&[leg(MSFT, 1, "BUY"), leg(AAPL, 1, "SELL")]), limit("SELL", "1", -1.0), 201),
    ];
    for (order_id, (contract, order, code)) in (1..).zip(table) {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.place_in(conn, order_id, contract, order);
        let lines = bench.lines(conn);
        assert_eq!(lines.first(), Some(&format!("ER {order_id} {code}")), "row {order_id}: {lines:?}");
        assert!(bench.desk.truth().executions.is_empty());
    }
}

#[test]
fn legs_in_several_currencies_make_no_combination() {
    let mut bench = Bench::with(&[], |config| {
        let mut listed = alphec_twsim::venue::Instrument::defaults();
        listed[1].currency = "EUR".to_owned();
        config.instruments = listed;
    });
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT"));
    assert_eq!(bench.lines(conn), ["ER 1 10000"]);
    // Nor is it one of another currency than its legs.
    let dollars = bag(&[leg(AAPL, 1, "BUY"), leg(EUR_USD, 1, "SELL")]);
    bench.place_in(conn, 2, dollars.text(10, "EUR"), order("BUY", "1", "MKT"));
    assert_eq!(bench.lines(conn), ["ER 2 10000"]);
}

#[test]
fn prices_of_legs_are_limits_of_their_own() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    let priced = |msft: f64, aapl: f64| {
        bag(&[leg(MSFT, 1, "BUY").double(9, msft), leg(AAPL, 2, "SELL").double(9, aapl)])
    };
    // Without a price of its own the order has the one that its legs come to: 420.00 − 2 × 229.00 = −38.
    bench.place_in(conn, 1, priced(420.0, 229.0), order("BUY", "1", "LMT"));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/1", "MSFT is a cent too dear");
    assert_eq!(bench.desk.truth().orders[0].report.spec.kind.limit(), Some(dec("-38")));
    quote(&mut bench, MSFT, ("419.99", "420.00"), 500);
    assert_eq!(count(&bench.lines(conn), "EX"), 3);
    // The same for one that has a price: AAPL must bring 231.
    bench.place_in(conn, 2, priced(425.0, 231.0), order("BUY", "1", "LMT").double(9, -30.0));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 2 Submitted 0/1");
    quote(&mut bench, AAPL, ("231.00", "231.01"), 500);
    assert!(bench.lines(conn).contains(&"EX 2 2@231 .01".to_owned()));
    // Each on its own grid.
    bench.place_in(conn, 3, priced(425.005, 231.0), order("BUY", "1", "LMT"));
    assert_eq!(bench.lines(conn), ["ER 3 110"]);
}

#[test]
fn the_price_of_a_covered_call_is_per_share() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    quote(&mut bench, CALL, ("7.50", "7.60"), 20);
    let covered = bag(&[leg(AAPL, 100, "BUY"), leg(CALL, 1, "SELL")]);
    bench.place_in(conn, 1, covered, order("BUY", "2", "MKT"));
    let lines = bench.lines(conn);
    assert_eq!(lines[2..5], ["EX 1 2@222.51 .01", "EX 1 200@230.01 .01", "EX 1 2@7.5 .01"]);
    // The calls cost 0.65 each and at least a dollar, the shares a cent for two and at least a dollar.
    assert_eq!(count(&lines, "CR"), 2);
    let truth = bench.desk.truth();
    assert_eq!(truth.orders[0].report.commission, dec("1") + dec("1.30"));
    assert_eq!(truth.accounts[0].cash["USD"], dec("1000000") - dec("46002") + dec("1500") - dec("2.30"));
}

#[test]
fn a_preview_sums_what_the_legs_tie_up_and_cost() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "3", "MKT").flag(65, true));
    assert_eq!(bench.lines(conn), ["OO 1 PreSubmitted"]);
    assert!(bench.desk.truth().orders.is_empty());
    // A quarter of 3 × 420.01 and three tenths of 6 × 230.00, which are sold short, must be there, and are not when the
    // account is small.
    let margin = dec("1260.03") * dec("0.25") + dec("1380") * dec("0.3");
    for (cash, fits) in [(margin, true), (margin - dec("0.01"), false)] {
        let mut bench = Bench::with(&[], |config| {
            config.accounts = vec![alphec_twsim::venue::AccountConfig::usd(ACCOUNT, cash)];
        });
        let conn = bench.client(1);
        bench.place_in(conn, 1, pair(), order("BUY", "3", "MKT"));
        assert_eq!(count(&bench.lines(conn), "ER 1 201") == 0, fits, "{cash}");
    }
}

#[test]
fn stops_and_brackets_watch_the_net_price() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT").flag(66, false));
    bench.place_in(conn, 2, pair(), order("SELL", "1", "STP").double(10, -45.0).int(4, 1));
    assert!(bench.lines(conn).contains(&"OS 2 PreSubmitted 0/1".to_owned()));
    quote(&mut bench, MSFT, ("414.00", "414.01"), 500);
    let lines = bench.lines(conn);
    assert!(lines.contains(&"EX 2 1@-46.02 .01".to_owned()), "{lines:?}");
    let truth = bench.desk.truth();
    assert_eq!([MSFT, AAPL].map(|con_id| truth.position(ACCOUNT, con_id)), [Decimal::ZERO; 2]);
}

#[test]
fn a_correction_of_the_whole_moves_nothing_and_one_of_a_leg_does() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT"));
    let executions = bench.desk.truth().executions;
    let before = bench.desk.truth().accounts;
    let correct = |execution: usize, price: &str| VenueInput::Correct {
        exec_id: executions[execution].exec_id.clone(),
        price: dec(price),
        quantity: executions[execution].quantity,
    };
    bench.lines(conn);
    bench.desk.control(bench.now, correct(0, "-39.00"));
    assert_eq!(bench.lines(conn), ["EX 1 1@-39 .02"]);
    assert_eq!(bench.desk.truth().accounts, before);
    bench.desk.control(bench.now, correct(1, "421.01"));
    assert_eq!(bench.lines(conn), ["EX 1 1@421.01 .02", "CR 1"]);
    assert_eq!(bench.desk.truth().accounts[0].cash["USD"], before[0].cash["USD"] - dec("1"));
}

#[test]
fn market_data_of_a_combination_is_its_net_price() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.send(conn, 1, &Body::default().int(1, 9).nested(2, &pair()));
    assert!(count(&bench.lines(conn), "END 1") >= 2, "ticks");
    let listed = bench.desk.truth().orders.len();
    assert_eq!(listed, 0);
    bench.place_in(conn, 1, pair(), limit("BUY", "1", -45.0));
    let con_id = bench.desk.truth().orders[0].report.spec.con_id;
    let quote = bench.desk.quote(con_id).unwrap();
    assert_eq!((quote.bid, quote.ask), (Some(dec("-40.02")), Some(dec("-39.99"))));
    assert_eq!((quote.bid_size, quote.ask_size), (dec("250"), dec("250")));
    // Nobody sets it by hand.
    let by_hand = Quote::new(dec("1"), dec("2"), dec("3"));
    bench.desk.control(bench.now, VenueInput::SetQuote { con_id, quote: by_hand });
    assert_eq!(bench.desk.quote(con_id), Some(quote));
}

#[test]
fn executions_of_a_combination_are_listed_and_finished_orders_too() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT"));
    bench.lines(conn);
    assert_eq!(count(&bench.executions(conn, 0), "EX 1"), 3);
    assert_eq!(bench.ask(conn, id::COMPLETED_ORDERS)[0], "DONE 0 Filled");
}

/// The legs stand after the main terms: count and eight fields of each, prices of legs, routing parameters.
#[tokio::test]
async fn in_text_the_legs_their_prices_and_the_routing_parameters_are_read_and_echoed() {
    const LEGS: &str =
        "2|272093|1|BUY|SMART|0|0||-1|265598|2|SELL|SMART|0|0||-1|2|420.0|229.0|1|NonGuaranteed|1|";
    let gateway = still().start().await.unwrap();
    let mut session = Text::session(&gateway, 164).await;
    let mut fields: Vec<&str> = MARKET_ORDER.split('|').collect();
    let order = fields.iter().position(|field| *field == "BUY").unwrap();
    (fields[1], fields[2], fields[3]) = ("", "AAPL,MSFT", "BAG");
    fields[order + 2] = "LMT";
    let main_terms = 19;
    fields.insert(order + main_terms, LEGS.trim_end_matches('|'));
    session.send(3, &fields.join("|")).await;
    let open = session.until("5").await.join("|");
    assert!(open.contains("|AAPL,MSFT|BAG|"), "{open}");
    assert!(open.contains("|272093|1,265598|-2|"), "{open}");
    assert!(open.contains(LEGS), "{open}");
}

/// One random step: a pair traded, a leg moved, a single leg traded, or everything cancelled.
fn step(bench: &mut Bench, conn: alphec_twsim::desk::ConnId, (order_id, what, amount): (i32, u8, u32)) {
    let side = if what.is_multiple_of(2) { "BUY" } else { "SELL" };
    match what {
        0 | 1 => bench.place_in(conn, order_id, pair(), order(side, &amount.to_string(), "MKT")),
        2 | 3 => {
            let price = -40.0 + f64::from(amount) / 4.0 - 5.0;
            bench.place_in(conn, order_id, pair(), limit(side, &amount.to_string(), price));
        }
        4 | 5 => bench.place(conn, order_id, order(side, &amount.to_string(), "MKT")),
        6 => {
            let bid = Decimal::from(amount) + dec("400");
            quote(bench, MSFT, (&bid.to_string(), &(bid + dec("0.02")).to_string()), amount);
        }
        7 => {
            let bid = Decimal::from(amount) / dec("10") + dec("228");
            quote(bench, AAPL, (&bid.to_string(), &(bid + dec("0.02")).to_string()), 2 * amount);
        }
        _ => bench.desk.control(bench.now, VenueInput::CancelAll),
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// Positions and cash are what the executions of legs and single instruments come to; those of the whole say the
    /// same price as their legs together.
    #[test]
    fn the_books_balance_by_legs(steps in proptest::collection::vec((0_u8..9, 1_u32..40), 1..60)) {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        for (order_id, (what, amount)) in (1..).zip(steps) {
            step(&mut bench, conn, (order_id, what, amount));
        }
        let truth = bench.desk.truth();
        let (wholes, booked): (Vec<_>, Vec<_>) = truth
            .executions
            .iter()
            .partition(|it| bench.desk.instrument(it.con_id).unwrap().is_combination());
        let signed = |it: &alphec_twsim::venue::Execution| it.side.signed(it.quantity);
        for con_id in [AAPL, MSFT] {
            let traded: Decimal = booked.iter().filter(|it| it.con_id == con_id).map(|it| signed(it)).sum();
            proptest::prop_assert_eq!(truth.position(ACCOUNT, con_id), traded);
        }
        let paid: Decimal = booked.iter().map(|it| signed(it) * it.price + it.commission).sum();
        proptest::prop_assert_eq!(truth.accounts[0].cash["USD"], dec("1000000") - paid);
        for whole in wholes {
            let (base, _) = whole.exec_id.rsplit_once('.').unwrap();
            let legs: Vec<_> = booked.iter().filter(|it| it.exec_id.starts_with(&format!("{base}."))).collect();
            proptest::prop_assert_eq!(legs.len(), 2);
            let net: Decimal = legs.iter().map(|it| signed(it) * it.price).sum();
            proptest::prop_assert_eq!(net, signed(whole) * whole.price);
            proptest::prop_assert!(whole.commission.is_zero() && whole.quantity.fract().is_zero());
        }
    }
}
