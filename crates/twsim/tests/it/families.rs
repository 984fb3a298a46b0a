//! Parents and children on fills in parts, through the gateway and at the venue under random input. The sections
//! are those of the notes on the real gateway's behaviour; how children grow exactly is open question 8-2.

use alphec_twsim::desk::ConnId;
use alphec_twsim::venue::{
    OrderKey, OrderKind, OrderSpec, Quote, Side, TimeInForce, Venue, VenueConfig, VenueInput,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::bench::{Bench, START, sized};
use crate::frames::{AAPL, Body};
use crate::kit::dec;

/// Of an order on the wire.
const PARENT: u32 = 4;

fn child(kind: &str, price: f64, quantity: &str) -> Body {
    let place = if kind == "STP" { 10 } else { 9 };
    Body::default()
        .text(5, "SELL")
        .text(6, quantity)
        .text(8, kind)
        .double(place, price)
        .text(11, "GTC")
        .flag(66, true)
        .int(PARENT, 1)
}

/// Order 1 buys 1000 at 230, of which nothing has filled; 2 takes the profit at 240, 3 stops the loss at 220.
fn bracket() -> (Bench, ConnId) {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.0, "1000"));
    bench.place(conn, 2, child("LMT", 240.0, "1000"));
    bench.place(conn, 3, child("STP", 220.0, "1000"));
    let said = bench.lines(conn);
    assert_eq!(said.last().unwrap(), "OS 3 PreSubmitted 0/1000 child");
    (bench, conn)
}

/// A child whose parent has not filled is at no exchange: no fault makes it fill, and its cancel works.
#[test]
fn no_fault_fills_a_child_whose_parent_has_not_filled() {
    for fault in ["fill-during-cancel", "fill-after-cancel"] {
        let (mut bench, conn) = bracket();
        bench.inject(fault);
        bench.cancel(conn, 2);
        bench.pass(1_000_000_000);
        let said = bench.lines(conn);
        assert!(said.iter().any(|line| line.starts_with("OS 2 Cancelled 0/1000")), "{fault}: {said:?}");
        assert!(!said.iter().any(|line| line.starts_with("EX")), "{fault}: {said:?}");
    }
}

/// What is being canceled fills once more and is over, though its entry goes on to fill.
#[test]
fn a_child_that_fills_while_or_after_it_is_cancelled_does_not_grow_any_more() {
    for fault in ["fill-during-cancel", "fill-after-cancel=100ms"] {
        let (mut bench, conn) = bracket();
        bench.price("229.99");
        bench.inject(fault);
        bench.cancel(conn, 2);
        bench.pass(100_000_000);
        let said = bench.lines(conn);
        assert!(said.contains(&"EX 2 500@240 .01".to_owned()), "{fault}: {said:?}");
        assert!(said.contains(&"OS 2 Cancelled 500/0".to_owned()), "{fault}: {said:?}");
        bench.price("229.98");
        let said = bench.lines(conn);
        assert!(said.contains(&"OS 1 Filled 1000/0".to_owned()), "{fault}: {said:?}");
        assert!(!said.iter().any(|line| line.starts_with("OS 2")), "{fault}: {said:?}");
    }
}

/// Section 2.3: "IBKR activates children for the filled quantity and grows them".
#[test]
fn children_work_for_what_has_filled_of_their_parent_and_grow_with_it() {
    let (mut bench, conn) = bracket();
    bench.price("229.99");
    let said = bench.lines(conn);
    assert_eq!(said[..4], ["EX 1 500@230 .01", "OO 1 Submitted", "OS 1 Submitted 500/500", "CR 2.5"]);
    assert_eq!(
        said[4..],
        [
            "OO 2 PreSubmitted",
            "OS 2 PreSubmitted 0/500",
            "OO 3 PreSubmitted",
            "OS 3 PreSubmitted 0/500",
            "OO 2 Submitted",
            "OS 2 Submitted 0/500",
        ]
    );
    bench.price("229.98");
    let said = bench.lines(conn);
    for line in ["OS 1 Filled 1000/0", "OS 2 Submitted 0/1000", "OS 3 PreSubmitted 0/1000"] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:?}");
    }
}

/// Sections 2.3 and 2.11: children of one parent shrink each other, without being asked to.
#[test]
fn a_fill_of_one_child_shrinks_the_other_and_the_last_ends_it() {
    let (mut bench, conn) = bracket();
    bench.price("229.99");
    bench.price("229.98");
    bench.lines(conn);
    bench.price("240");
    let said = bench.lines(conn);
    assert!(said.contains(&"OS 2 Submitted 500/500".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "OS 3 PreSubmitted 0/500");
    bench.price("240.01");
    let said = bench.lines(conn);
    for line in ["OS 2 Filled 1000/0", "OS 3 Cancelled 0/500", "ER 3 202"] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:?}");
    }
}

/// All children are at work before the first of them fills: what it closes is not left for the others.
#[test]
fn a_child_that_fills_as_soon_as_it_works_shrinks_the_others_too() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.0, "1000"));
    bench.place(conn, 2, child("LMT", 200.0, "1000"));
    bench.place(conn, 3, child("STP", 190.0, "1000"));
    bench.lines(conn);
    bench.price("229.99");
    let said = bench.lines(conn);
    assert!(said.contains(&"OS 2 Submitted 500/0".to_owned()), "{said:?}");
    let last = said.iter().rfind(|line| line.starts_with("OS 3"));
    assert_eq!(last.map(String::as_str), Some("OS 3 PreSubmitted 0/0"), "{said:?}");
    assert_eq!(bench.desk.truth().position("DU1234567", AAPL), Decimal::ZERO);
}

/// Section 2.3: a partial entry and a stop leave children with no quantity; more of the entry brings it back.
#[test]
fn a_child_with_nothing_left_to_do_waits_for_more_of_its_parent() {
    let (mut bench, conn) = bracket();
    bench.price("229.99");
    bench.lines(conn);
    bench.displayed_at("220", 500);
    let said = bench.lines(conn);
    // The stop has sold what the parent had bought; in the same price change the parent bought the rest.
    assert_eq!(bench.desk.truth().position("DU1234567", AAPL), Decimal::from(500), "{said:?}");

    let (mut bench, conn) = bracket();
    bench.displayed_at("229.99", 100);
    bench.lines(conn);
    bench.displayed_at("240", 100);
    let said = bench.lines(conn);
    assert_eq!(said[1..3], ["OO 2 Submitted", "OS 2 Submitted 100/0"]);
    assert_eq!(said[said.len() - 2..], ["OO 3 PreSubmitted", "OS 3 PreSubmitted 0/0"]);
    bench.displayed_at("229.99", 400);
    let said = bench.lines(conn);
    for line in ["OS 1 Submitted 500/500", "OS 2 Submitted 100/400", "OS 3 PreSubmitted 0/400"] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:?}");
    }
    bench.cancel(conn, 1);
    let said = bench.lines(conn);
    assert_eq!(
        said,
        ["OO 1 Cancelled", "OS 1 Cancelled 500/500", "ER 1 202"],
        "what has filled stays protected"
    );
}

/// Sections 2.3 and 2.11: siblings that the client has also put into a group shrink once, by the group's rules.
#[test]
fn children_in_a_group_of_their_own_are_not_made_smaller_twice() {
    for (kind, stop) in
        [(1, "OS 3 Cancelled 0/1000"), (2, "OS 3 PreSubmitted 0/500"), (3, "OS 3 PreSubmitted 0/500")]
    {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        let grouped = |order: Body| order.text(27, "exits").int(30, kind);
        bench.place(conn, 1, sized(230.0, "1000"));
        bench.place(conn, 2, grouped(child("LMT", 240.0, "1000")));
        bench.place(conn, 3, grouped(child("STP", 220.0, "1000")));
        bench.price("229.99");
        bench.price("229.98");
        bench.lines(conn);
        bench.price("240");
        let said = bench.lines(conn);
        assert!(said.contains(&"OS 2 Submitted 500/500".to_owned()), "{said:?}");
        assert!(said.contains(&stop.to_owned()), "type {kind}: {said:?}");
    }
}

/// Section 2.3: a target that has sold all that was bought so far does not take the stop away for good.
#[test]
fn a_grouped_child_that_may_grow_again_ends_nobody() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    let grouped = |order: Body| order.text(27, "exits").int(30, 2);
    bench.place(conn, 1, sized(230.0, "1000"));
    bench.place(conn, 2, grouped(child("LMT", 240.0, "1000")));
    bench.place(conn, 3, grouped(child("STP", 220.0, "1000")));
    bench.displayed_at("229.99", 100);
    bench.displayed_at("240", 100);
    let said = bench.lines(conn);
    assert_eq!(said.last().unwrap(), "OS 3 PreSubmitted 0/0", "{said:?}");
    bench.displayed_at("229.99", 400);
    let said = bench.lines(conn);
    for line in ["OS 2 Submitted 100/400", "OS 3 PreSubmitted 0/400"] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:?}");
    }
}

/// Section 2.3: an unfilled parent takes its children with it.
#[test]
fn a_parent_that_ends_unfilled_ends_its_children() {
    let (mut bench, conn) = bracket();
    bench.cancel(conn, 1);
    let said = bench.lines(conn);
    for id in 1..=3 {
        assert!(said.contains(&format!("OS {id} Cancelled 0/1000")), "{said:?}");
    }
}

#[test]
fn a_child_that_comes_after_a_partial_fill_works_for_it_at_once() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.0, "1000"));
    bench.price("229.99");
    bench.lines(conn);
    bench.place(conn, 2, child("LMT", 240.0, "1000"));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 2 Submitted 0/500");
}

#[test]
fn a_changed_price_keeps_the_size_and_a_changed_size_is_the_one_at_the_end() {
    for (asked, now, at_last) in [("1000", 500, 1000), ("500", 500, 1000), ("600", 300, 600)] {
        let (mut bench, conn) = bracket();
        bench.price("229.99");
        bench.lines(conn);
        bench.place(conn, 2, child("LMT", 241.0, asked));
        assert_eq!(bench.lines(conn).last().unwrap(), &format!("OS 2 Submitted 0/{now}"), "{asked}");
        bench.price("229.98");
        let said = bench.lines(conn);
        assert!(said.contains(&format!("OS 2 Submitted 0/{at_last}")), "{asked}: {said:?}");
    }
}

/// Section 2.3: 135 names the parent, and the child is alive; leaving the parent out works. 10341 is the broker's.
#[test]
fn a_change_that_names_a_forgotten_parent_fails_and_leaves_the_child_alone() {
    let mut bench = Bench::with(&[], |config| config.retention.finished_orders = 1);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.01, "10"));
    bench.place(conn, 2, child("LMT", 240.0, "10"));
    bench.place(conn, 2, child("LMT", 241.0, "10"));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 2 Submitted 0/10", "the parent is remembered");
    bench.place(conn, 3, sized(230.01, "1"));
    bench.lines(conn);
    bench.place(conn, 2, child("LMT", 242.0, "10"));
    assert_eq!(bench.lines(conn), ["ER 2 135"]);
    bench.place(conn, 2, child("LMT", 242.0, "10").int(PARENT, 3));
    assert_eq!(bench.lines(conn), ["ER 2 10341"]);
    assert_eq!(bench.echoed(conn, 2).0, Some(241.0));
    bench.place(conn, 2, child("LMT", 242.0, "10").int(PARENT, 0));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 2 Submitted 0/10");
}

/// The broker's 10236: what fills at once is not protected in parts.
#[test]
fn a_child_of_an_all_or_none_parent_is_all_or_none() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.0, "10").flag(16, true));
    bench.lines(conn);
    bench.place(conn, 2, child("LMT", 240.0, "10"));
    assert_eq!(bench.lines(conn), ["ER 2 10236"]);
    bench.place(conn, 3, child("LMT", 240.0, "10").flag(16, true));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 3 PreSubmitted 0/10 child");
}

#[derive(Debug, Clone)]
enum Step {
    Quote { ticks: i32, size: u32 },
    Cancel { order: i32 },
    Resize { order: i32, lots: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (-12..13_i32, 1..40_u32).prop_map(|(ticks, size)| Step::Quote { ticks, size }),
        1 => (1..5_i32).prop_map(|order| Step::Cancel { order }),
        1 => (1..2_i32, 1..90_u32).prop_map(|(order, lots)| Step::Resize { order, lots }),
    ]
}

fn spec(parent_id: i32, lots: u32, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        con_id: AAPL,
        exchange: "SMART".into(),
        account: "DU1234567".into(),
        side: if parent_id == 0 { Side::Buy } else { Side::Sell },
        quantity: Decimal::from(lots),
        kind,
        tif: TimeInForce::Gtc,
        order_ref: "".into(),
        parent_id,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: [].into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Children of the parent's own size never sell what it has not bought, and what it has bought stays protected.
    #[test]
    fn children_never_do_more_than_their_parent_did(
        lots in 1..80_u32,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut venue = Venue::new(VenueConfig { start: START, walk_every: None, ..VenueConfig::default() });
        let key = |order_id| OrderKey::new(1, order_id);
        let cents = |ticks: i32| dec("230") + Decimal::new(i64::from(ticks), 2);
        let limit = |ticks| OrderKind::Limit { limit: cents(ticks) };
        let legs = [spec(0, lots, limit(0)), spec(1, lots, limit(6)), spec(1, lots, OrderKind::Stop { stop: cents(-6) })];
        let low = Quote::new(cents(3), cents(4), Decimal::TEN);
        venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote: low });
        for (at, spec) in (1..).zip(legs) {
            venue.handle(START, VenueInput::Place { key: key(at), spec });
        }
        let mut loose = false;
        for step in steps {
            let input = match step {
                Step::Quote { ticks, size } => {
                    let quote = Quote::new(cents(ticks), cents(ticks + 1), size.into());
                    VenueInput::SetQuote { con_id: AAPL, quote }
                }
                Step::Cancel { order } => {
                    loose |= order > 1;
                    VenueInput::Cancel { key: key(order) }
                }
                Step::Resize { order, lots: new } => {
                    // A parent that is made larger outgrows its children, which keep their size.
                    loose |= new > lots;
                    if !venue.is_working(key(order)) { continue; }
                    VenueInput::Place { key: key(order), spec: spec(0, new, limit(0)) }
                }
            };
            venue.handle(START, input);
            let position = venue.account("DU1234567").unwrap().held(AAPL);
            prop_assert!(position >= Decimal::ZERO, "sold {position} too many");
            for report in venue.open_orders().filter(|report| report.spec.parent_id == 1) {
                if report.why_held.is_empty() {
                    prop_assert!(report.remaining <= position, "{} at work for {position}", report.remaining);
                    prop_assert!(loose || report.remaining == position, "{} of {position}", report.remaining);
                }
            }
        }
    }
}
