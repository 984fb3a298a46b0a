//! Sessions with open and close, and the auctions at both, on the venue's own clock.

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::Desk;
use alphec_twsim::venue::{
    Calendar, Execution, Instrument, OrderKey, OrderKind, OrderSpec, Quote, SecType, Side, Status,
    TimeInForce, TrailBy, Venue, VenueConfig, VenueInput, VenueOutput,
};
use alphec_twsim::wire::parse_stamp;
use rust_decimal::Decimal;

use crate::frames::{Body, contract, hello};
use crate::kit::dec;

const AAPL: i32 = 265_598;
const OPENS: &str = "20261127-14:30:00";
const CLOSES: &str = "20261127-21:00:00";

fn at(text: &str) -> i64 {
    parse_stamp(text).unwrap()
}

/// AAPL with the hours of US stocks: 14:30 to 21:00 UTC in winter, 09:00 to 01:00 with the longer ones.
struct Floor {
    venue: Venue,
    now: i64,
}

impl Floor {
    fn at(start: &str) -> Self {
        let calendar = Calendar::usual(SecType::Stock).unwrap();
        let instrument =
            Instrument { calendar: Some(calendar.into()), ..Instrument::stock(AAPL, "AAPL", dec("230")) };
        let start = at(start);
        let config = VenueConfig { start, instruments: vec![instrument], ..VenueConfig::default() };
        Self { venue: Venue::new(config), now: start }
    }

    fn always_open(start: &str) -> Self {
        let start = at(start);
        Self { venue: Venue::new(VenueConfig { start, ..VenueConfig::default() }), now: start }
    }

    fn tell(&mut self, input: VenueInput) -> Vec<VenueOutput> {
        self.venue.handle(self.now, input)
    }

    fn place(&mut self, order_id: i32, spec: OrderSpec) -> Vec<String> {
        words(&self.tell(VenueInput::Place { key: key(order_id), spec }))
    }

    fn until(&mut self, text: &str) -> Vec<String> {
        self.now = at(text);
        words(&self.tell(VenueInput::Wake))
    }

    fn quote(&mut self, bid: &str) -> Vec<String> {
        let quote = Quote::new(dec(bid), dec(bid) + dec("0.01"), Decimal::from(500));
        words(&self.tell(VenueInput::SetQuote { con_id: AAPL, quote }))
    }

    fn status(&self, order_id: i32) -> Option<Status> {
        self.venue.order(key(order_id)).map(|report| report.status)
    }

    fn fills(&self) -> Vec<(i32, Decimal)> {
        let of = |it: &std::sync::Arc<Execution>| (it.key.order_id, it.price);
        self.venue.executions().map(of).collect()
    }
}

fn key(order_id: i32) -> OrderKey {
    OrderKey::new(1, order_id)
}

fn spec(kind: OrderKind, tif: TimeInForce) -> OrderSpec {
    OrderSpec {
        con_id: AAPL,
        exchange: "SMART".into(),
        account: "DU1234567".into(),
        side: Side::Buy,
        quantity: Decimal::TEN,
        kind,
        tif,
        order_ref: "".into(),
        parent_id: 0,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: [].into(),
    }
}

fn limit(price: &str, tif: TimeInForce) -> OrderSpec {
    spec(OrderKind::Limit { limit: dec(price) }, tif)
}

fn outside(spec: OrderSpec) -> OrderSpec {
    OrderSpec { outside_rth: true, ..spec }
}

fn words(outputs: &[VenueOutput]) -> Vec<String> {
    let word = |output: &VenueOutput| match output {
        VenueOutput::Order(report) => Some(format!("{} {}", report.key.order_id, report.status)),
        VenueOutput::Terms(report) => Some(format!("{} moved", report.key.order_id)),
        VenueOutput::Execution(execution) => {
            Some(format!("{} filled at {}", execution.key.order_id, execution.price))
        }
        VenueOutput::Refused { key, refusal } => Some(format!("{} {}", key.order_id, refusal.code())),
        VenueOutput::Preview(_)
        | VenueOutput::Commission(_)
        | VenueOutput::Position { .. }
        | VenueOutput::Quote { .. } => None,
    };
    outputs.iter().filter_map(word).collect()
}

/// tws-behaviour 2.5, template 4, and 2.10: the warning first, then PreSubmitted.
#[test]
fn an_order_outside_the_session_is_held_with_a_warning_and_goes_to_work_at_the_open() {
    let mut floor = Floor::at("20261126-22:00:00");
    let market = spec(OrderKind::Market, TimeInForce::Day);
    let heard = floor.tell(VenueInput::Place { key: key(1), spec: market });
    assert_eq!(words(&heard), ["1 399", "1 PreSubmitted"]);
    let VenueOutput::Refused { refusal, .. } = &heard[0] else { panic!("the warning") };
    assert_eq!(
        refusal.text(),
        "Order Message:\nBUY 10 AAPL NASDAQ.NMS\n\
         Warning: Your order will not be placed at the exchange until 2026-11-27 09:30:00 US/Eastern"
    );
    assert_eq!(floor.quote("229"), Vec::<String>::new(), "prices that nobody trades at");
    assert_eq!(floor.until("20261127-14:29:59"), Vec::<String>::new());
    assert_eq!(floor.until(OPENS), ["1 filled at 229.01", "1 Filled"]);
}

/// tws-behaviour 2.10, for the time named; 2.5, template 7, for the cancel.
#[test]
fn outside_regular_hours_only_orders_that_ask_for_it_trade() {
    let mut floor = Floor::at("20261127-08:00:00");
    assert_eq!(floor.place(1, outside(limit("229", TimeInForce::Day))), ["1 399", "1 PreSubmitted"]);
    assert_eq!(floor.place(2, limit("229", TimeInForce::Day)), ["2 399", "2 PreSubmitted"]);
    assert_eq!(floor.place(3, limit("229", TimeInForce::Gtc)), ["3 399", "3 PreSubmitted"]);
    let heard = floor.tell(VenueInput::Cancel { key: key(3) });
    assert_eq!(words(&heard), ["3 Cancelled", "3 202"]);
    assert_eq!(floor.until("20261127-09:00:00"), ["1 Submitted"], "04:00 in New York");
    assert_eq!(floor.quote("228.5"), ["1 filled at 228.51", "1 Filled"]);
    assert_eq!(floor.until(OPENS), ["2 filled at 228.51", "2 Filled"]);
}

/// tws-behaviour 2.10: 2109, and the order proceeds; 2.5: outsideRth comes back false.
#[test]
fn outside_hours_are_ignored_aloud_where_they_mean_nothing() {
    let mut floor = Floor::at("20261127-22:00:00");
    let market = outside(spec(OrderKind::Market, TimeInForce::Day));
    assert_eq!(floor.place(1, market), ["1 2109", "1 399", "1 PreSubmitted"]);
    assert!(!floor.venue.order(key(1)).unwrap().spec.outside_rth);
    assert_eq!(floor.place(2, outside(limit("229", TimeInForce::Day))), ["2 PreSubmitted", "2 Submitted"]);
}

#[test]
fn a_day_order_ends_with_the_session_that_served_it_and_a_standing_one_waits_for_the_next() {
    let mut floor = Floor::at("20261127-15:00:00");
    floor.place(1, limit("200", TimeInForce::Day));
    floor.place(2, outside(limit("200", TimeInForce::Day)));
    floor.place(3, limit("229", TimeInForce::Gtc));
    let stop = TrailBy::Amount(dec("1"));
    floor.place(4, spec(OrderKind::Trail { by: stop, stop: None }, TimeInForce::Gtc));
    assert_eq!(floor.until(CLOSES), ["1 Cancelled", "1 202", "3 PreSubmitted", "4 PreSubmitted"]);
    assert_eq!(floor.place(5, limit("200", TimeInForce::Day)), ["5 399", "5 PreSubmitted"]);
    assert_eq!(floor.quote("228"), Vec::<String>::new(), "neither fills nor trails");
    assert_eq!(floor.until("20261128-01:00:00"), ["2 Cancelled", "2 202"]);
    // Over the weekend and past two midnights: the day of the fifth is Monday.
    assert_eq!(
        floor.until("20261130-14:30:00"),
        ["3 filled at 228.01", "3 Filled", "4 moved", "5 Submitted"]
    );
    assert_eq!(floor.until("20261130-21:00:00"), ["4 PreSubmitted", "5 Cancelled", "5 202"]);
}

#[test]
fn orders_for_the_close_fill_at_one_price_or_end() {
    let mut floor = Floor::at("20261127-15:00:00");
    let limited = |price: &str| OrderKind::LimitOnClose { limit: dec(price) };
    let large =
        OrderSpec { quantity: Decimal::from(2_000), ..spec(OrderKind::MarketOnClose, TimeInForce::Day) };
    assert_eq!(floor.place(1, large), ["1 PreSubmitted"]);
    floor.place(2, spec(limited("231"), TimeInForce::Day));
    floor.place(3, spec(limited("229.99"), TimeInForce::Day));
    assert_eq!(floor.quote("228"), Vec::<String>::new(), "no quote reaches them");
    floor.quote("230");
    assert_eq!(
        floor.until(CLOSES),
        ["1 filled at 230", "1 Filled", "2 filled at 230", "2 Filled", "3 Cancelled", "3 202"]
    );
}

/// tws-behaviour 2.5, template 8, for the reason.
#[test]
fn orders_for_the_open_fill_at_its_price_or_end_with_a_reason() {
    let mut floor = Floor::at("20261127-15:00:00");
    assert_eq!(floor.place(1, spec(OrderKind::Market, TimeInForce::Opg)), ["1 PreSubmitted"]);
    floor.place(2, limit("229", TimeInForce::Opg));
    assert_eq!(floor.until(CLOSES), Vec::<String>::new(), "they are not of this day");
    floor.quote("229.5");
    floor.now = at("20261130-14:30:00");
    let heard = floor.tell(VenueInput::Wake);
    assert_eq!(words(&heard), ["1 filled at 229.5", "1 Filled", "2 Cancelled", "2 202"]);
    let reason = heard.iter().find_map(|it| match it {
        VenueOutput::Refused { refusal, .. } => Some(refusal.text()),
        _ => None,
    });
    assert!(reason.unwrap().contains("at the open order can not be executed"));
}

/// tws-behaviour 2.10: 201, exchange is closed. 2.6: 111 and 113.
#[test]
fn what_is_too_late_for_its_auction_or_not_for_it_is_refused() {
    let mut floor = Floor::at("20261127-14:28:00");
    assert_eq!(floor.place(1, spec(OrderKind::Market, TimeInForce::Opg)), ["1 201", "1 Inactive"]);
    assert_eq!(floor.place(2, spec(OrderKind::MarketOnClose, TimeInForce::Gtc)), ["2 113"]);
    let stop = OrderKind::Stop { stop: dec("231") };
    assert_eq!(floor.place(3, spec(stop, TimeInForce::Opg)), ["3 111"]);
    floor.until("20261127-20:49:59");
    assert_eq!(floor.place(4, spec(OrderKind::MarketOnClose, TimeInForce::Day)), ["4 PreSubmitted"]);
    floor.until("20261127-20:50:00");
    assert_eq!(floor.place(5, spec(OrderKind::MarketOnClose, TimeInForce::Day)), ["5 201", "5 Inactive"]);
    assert_eq!(floor.place(6, spec(OrderKind::Market, TimeInForce::Opg)), ["6 PreSubmitted"]);
}

#[test]
fn without_hours_the_end_of_the_venues_day_is_close_and_open() {
    let mut floor = Floor::always_open("20261128-12:00:00");
    floor.place(1, spec(OrderKind::MarketOnClose, TimeInForce::Day));
    floor.place(2, spec(OrderKind::Market, TimeInForce::Opg));
    floor.place(3, outside(limit("200", TimeInForce::Gtc)));
    assert_eq!(floor.status(3), Some(Status::Submitted), "open on a Saturday");
    floor.until("20261129-00:00:00");
    assert_eq!(floor.fills(), [(1, dec("230")), (2, dec("230"))]);
    assert_eq!(floor.status(3), Some(Status::Submitted));
}

#[test]
fn an_order_changed_while_the_market_is_closed_stays_held_and_opens_with_its_new_terms() {
    let mut floor = Floor::at("20261127-03:00:00");
    floor.place(1, limit("200", TimeInForce::Day));
    assert_eq!(floor.place(1, limit("231", TimeInForce::Day)), ["1 PreSubmitted"]);
    assert_eq!(floor.until(OPENS), ["1 filled at 230.01", "1 Filled"]);
}

#[test]
fn prices_do_not_walk_while_nobody_trades() {
    let calendar = Calendar::usual(SecType::Stock).unwrap();
    let instrument =
        Instrument { calendar: Some(calendar.into()), ..Instrument::stock(AAPL, "AAPL", dec("230")) };
    let start = at("20261127-03:00:00");
    let config = VenueConfig {
        start,
        instruments: vec![instrument],
        walk_every: Some(60_000_000_000),
        ..VenueConfig::default()
    };
    let mut venue = Venue::new(config);
    let mut moved = |text: &str| venue.handle(at(text), VenueInput::Wake).len();
    assert_eq!(moved("20261127-08:30:00"), 0);
    assert!(moved("20261127-09:10:00") > 0);
}

/// The second Sunday of March: the same wall clock is an hour earlier in UTC.
#[test]
fn the_open_follows_the_exchanges_clock_through_the_change_of_the_hour() {
    let mut floor = Floor::at("20260306-22:00:00");
    floor.place(1, spec(OrderKind::Market, TimeInForce::Day));
    assert_eq!(floor.until("20260309-13:29:59"), Vec::<String>::new());
    assert_eq!(floor.until("20260309-13:30:00"), ["1 filled at 230.01", "1 Filled"]);
}

#[test]
fn contract_details_name_the_hours_and_their_zone() {
    let calendar = Calendar::usual(SecType::Stock).unwrap();
    let builder = alphec_twsim::Gateway::builder().calendar("AAPL", calendar);
    let mut desk = Desk::new(GatewayConfig::clone(builder.config()), at("20261127-12:00:00"));
    let conn = desk.open();
    desk.receive(at("20261127-12:00:00"), conn, &hello(1));
    drop(desk.take_output(conn));
    let query = Body::default().int(1, 7).nested(2, &contract(AAPL));
    desk.receive(at("20261127-12:00:00"), conn, &query.frame(9));
    let said = String::from_utf8_lossy(&desk.take_output(conn).bytes).into_owned();
    for part in [
        "US/Eastern",
        "20261127:0400-20261127:2000;20261128:CLOSED;20261129:CLOSED;20261130:0400-20261130:2000",
        "20261127:0930-20261127:1600;20261128:CLOSED",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
