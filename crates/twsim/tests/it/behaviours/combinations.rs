//! Combinations whose whole and legs carry one order id, and legs that fill at different times.

use alphec_twsim::venue::{Quote, VenueInput};
use rust_decimal::Decimal;

use crate::bench::{Bench, MS, SECOND, count};
use crate::combinations::{MSFT, order, pair};
use crate::frames::{AAPL, Body};
use crate::kit::dec;

const ACCOUNT: &str = "DU1234567";

fn non_guaranteed(order: Body) -> Body {
    order.nested(64, &Body::default().text(1, "NonGuaranteed").text(2, "1"))
}

fn held(bench: &Bench) -> [Decimal; 2] {
    [MSFT, AAPL].map(|con_id| bench.desk.truth().position(ACCOUNT, con_id))
}

/// Behaviour 30 (§3.5)
#[test]
fn a_combination_and_its_legs_fill_under_the_same_order_id() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT"));
    let lines = bench.lines(conn);
    assert_eq!(count(&lines, "EX 1 "), 3, "one of the whole and one of each leg: {lines:?}");
    assert_eq!(held(&bench), [dec("1"), dec("-2")]);
}

/// Behaviour 30 (§3.5)
#[test]
fn the_legs_of_a_non_guaranteed_combination_fill_one_after_the_other_at_the_prices_of_then() {
    let mut bench = Bench::new(&["legs-apart=500ms"]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), non_guaranteed(order("BUY", "1", "MKT")));
    let lines = bench.lines(conn);
    assert_eq!(lines[2..4], ["EX 1 1@420.01 .01", "CR 1"]);
    assert_eq!(held(&bench), [dec("1"), dec("0")], "one leg is at risk");
    let quote = Quote::new(dec("229.00"), dec("229.01"), dec("500"));
    bench.desk.control(bench.now, VenueInput::SetQuote { con_id: AAPL, quote });
    assert_eq!(bench.lines(conn), [""; 0], "the order itself waits for its legs");
    bench.pass(500 * MS);
    assert_eq!(
        bench.lines(conn),
        ["EX 1 2@229 .01", "CR 1", "EX 1 1@-37.99 .01", "OO 1 Filled", "OS 1 Filled 1/0"]
    );
    assert_eq!(held(&bench), [dec("1"), dec("-2")]);
}

/// Behaviour 30 (§3.5)
#[test]
fn only_one_leg_of_a_non_guaranteed_combination_fills_and_a_cancel_leaves_it_so() {
    let mut bench = Bench::new(&["legs-apart(by=1s, legs=1)"]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), non_guaranteed(order("BUY", "1", "MKT")));
    bench.pass(60 * SECOND);
    assert_eq!(count(&bench.lines(conn), "EX"), 1);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/1", "ER 1 202"]);
    assert_eq!(held(&bench), [dec("1"), dec("0")]);
}

/// Behaviour 30 (§3.5)
#[test]
fn a_guaranteed_combination_fills_whole_or_not_at_all() {
    let mut bench = Bench::new(&["legs-apart"]);
    let conn = bench.client(1);
    bench.place_in(conn, 1, pair(), order("BUY", "1", "MKT"));
    assert_eq!(count(&bench.lines(conn), "EX"), 3);
}
