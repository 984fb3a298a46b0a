//! Rarer terms of an order, through the gateway: all-or-none, minimum quantity, good-after-time, hidden.
//! The sections are those of the notes on the real gateway's behaviour.

use alphec_twsim::venue::{Quote, VenueInput};

use crate::bench::{Bench, MS, SECOND, START, limit, market, sized};
use crate::frames::{AAPL, Body};
use crate::kit::dec;

/// Of an order on the wire.
const ALL_OR_NONE: u32 = 16;
const HIDDEN: u32 = 18;
const MIN_QUANTITY: u32 = 24;
const GOOD_AFTER: u32 = 25;

/// Ten seconds after the start.
const SOON: &str = "20251123 03:44:47 UTC";
/// A day and ten seconds after the start.
const TOMORROW: &str = "20251124 03:44:47 UTC";

impl Bench {
    /// AAPL at 230.00 / 230.01, and so much of it on each side.
    pub(crate) fn displayed(&mut self, size: u32) {
        self.displayed_at("230", size);
    }

    /// AAPL at `bid` and a cent more, and so much of it on each side.
    pub(crate) fn displayed_at(&mut self, bid: &str, size: u32) {
        let quote = Quote::new(dec(bid), dec(bid) + dec("0.01"), size.into());
        self.desk.control(self.now, VenueInput::SetQuote { con_id: AAPL, quote });
    }
}

#[test]
fn the_stamps_of_these_tests_are_ten_seconds_and_a_day_after_the_start() {
    let parsed = alphec_twsim::wire::parse_stamp;
    assert_eq!(parsed(SOON), Some(START + 10 * SECOND));
    assert_eq!(parsed(TOMORROW), Some(START + 86_410 * SECOND));
}

/// Section 6 (attributes) and 2.4: it works, and only its fill waits.
#[test]
fn an_all_or_none_order_takes_everything_at_once_or_nothing_yet() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(230.01, "600").flag(ALL_OR_NONE, true));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/600");
    bench.displayed(599);
    assert!(bench.lines(conn).is_empty());
    bench.displayed(600);
    assert_eq!(bench.lines(conn)[0], "EX 1 600@230.01 .01");
}

#[test]
fn a_minimum_quantity_binds_the_first_fill_and_no_later_one() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.displayed(99);
    bench.place(conn, 1, sized(230.01, "250").int(MIN_QUANTITY, 100));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/250");
    for (size, fill) in [(100, "EX 1 100@230.01 .01"), (60, "EX 1 60@230.01 .01"), (90, "EX 1 90@230.01 .01")]
    {
        bench.displayed(size);
        assert_eq!(bench.lines(conn)[0], fill);
    }
}

/// Section 2.4: held by the broker is `PreSubmitted`, and listed as open.
#[test]
fn a_good_after_time_order_is_presubmitted_until_its_time_and_then_works() {
    for (order, at_last) in [
        (limit(229.0), vec!["OO 1 Submitted", "OS 1 Submitted 0/1"]),
        (market(), vec!["EX 1 1@230.01 .01", "OO 1 Filled", "OS 1 Filled 1/0", "CR 1"]),
    ] {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.place(conn, 1, order.text(GOOD_AFTER, SOON));
        assert_eq!(bench.lines(conn), ["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1"]);
        bench.price("229");
        bench.price("230");
        bench.pass(10 * SECOND - MS);
        assert!(bench.lines(conn).is_empty());
        bench.pass(MS);
        assert_eq!(bench.lines(conn), at_last);
    }
}

#[test]
fn a_time_that_has_come_holds_nothing_and_a_change_of_it_holds_or_frees() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0).text(GOOD_AFTER, "20251123 03:44:37 UTC"));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/1");
    bench.place(conn, 1, limit(229.0).text(GOOD_AFTER, SOON));
    assert_eq!(bench.lines(conn), ["OO 1 PreSubmitted", "OS 1 PreSubmitted 0/1"]);
    bench.price("228");
    bench.price("230");
    assert!(bench.lines(conn).is_empty(), "what is held does not trade");
    bench.place(conn, 1, limit(229.0));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 1 Submitted 0/1");
    bench.pass(20 * SECOND);
    assert!(bench.lines(conn).is_empty(), "the old time means nothing any more");
}

#[test]
fn a_day_order_for_tomorrow_outlives_today() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0).text(GOOD_AFTER, TOMORROW));
    bench.place(conn, 2, limit(229.0));
    bench.lines(conn);
    bench.pass(86_410 * SECOND);
    let said = bench.lines(conn);
    assert!(said.contains(&"OS 2 Cancelled 0/1".to_owned()), "{said:?}");
    assert_eq!(said.last().unwrap(), "OS 1 Submitted 0/1");
    bench.pass(86_400 * SECOND);
    assert_eq!(bench.lines(conn), ["OO 1 Cancelled", "OS 1 Cancelled 0/1", "ER 1 202"]);
}

/// Section 2.3: a child waits for its parent; here for its time as well.
#[test]
fn a_child_whose_time_is_to_come_waits_for_both() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(229.0));
    bench.place(conn, 2, limit(228.0).int(4, 1).text(GOOD_AFTER, SOON));
    let said = bench.lines(conn);
    assert_eq!(said.last().unwrap(), "OS 2 PreSubmitted 0/1 child");
    bench.price("228.99");
    let said = bench.lines(conn);
    assert!(said.contains(&"OS 1 Filled 1/0".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("OS 2")), "{said:?}");
    bench.pass(10 * SECOND);
    assert_eq!(bench.lines(conn), ["OO 2 Submitted", "OS 2 Submitted 0/1"]);
}

#[test]
fn a_cancelled_order_leaves_no_timer_behind() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    let timers =
        |bench: &Bench| bench.desk.sizes().into_iter().find(|(name, _)| *name == "timers").unwrap().1;
    let before = timers(&bench);
    bench.place(conn, 1, limit(229.0).text(GOOD_AFTER, TOMORROW));
    assert_eq!(timers(&bench), before + 1);
    bench.cancel(conn, 1);
    assert_eq!(bench.lines(conn).last().unwrap(), "ER 1 202");
    assert_eq!(timers(&bench), before);
}

/// No client's order is shown in the market, so there is nothing to hide: it trades as any other.
#[test]
fn a_hidden_order_trades_as_any_other() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, limit(230.01).flag(HIDDEN, true));
    assert!(bench.lines(conn).contains(&"OS 1 Filled 1/0".to_owned()));
    assert!(bench.desk.truth().orders[0].report.spec.extra.as_ref().unwrap().hidden);
}

/// Section 2.6 for the codes 321 and 391. 10257 is what the gateway answers where its order types lack AON.
#[test]
fn terms_that_make_no_sense_are_refused_by_name() {
    let future = Body::default().int(1, 649_180_695);
    let stock = Body::default().int(1, AAPL);
    let future_order = || {
        Body::default()
            .text(5, "BUY")
            .text(6, "1")
            .text(8, "LMT")
            .double(9, 5000.0)
            .text(11, "DAY")
            .flag(66, true)
    };
    for (contract, order, code) in [
        (&future, future_order().flag(ALL_OR_NONE, true), 10_257),
        (&stock, sized(229.0, "5").int(MIN_QUANTITY, 6), 321),
        (&stock, sized(229.0, "5").int(MIN_QUANTITY, -1), 321),
        (&stock, limit(229.0).text(GOOD_AFTER, "soon"), 391),
    ] {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.place_in(conn, 1, contract.clone(), order);
        assert_eq!(bench.lines(conn), [format!("ER 1 {code}")]);
        bench.place_in(conn, 2, future.clone(), future_order());
        assert_eq!(bench.lines(conn).len(), 4, "nothing else is harmed");
    }
}
