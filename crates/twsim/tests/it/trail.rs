//! Trailing stops, through the real client crate and against an oracle of their own.

use alphec_twsim::venue::{
    OrderKey, OrderKind, OrderSpec, Quote, Side, Status, TimeInForce, TrailBy, Venue, VenueConfig,
    VenueInput, VenueOutput,
};
use ibapi::orders::{Action, Order};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::kit::{Event, Tape, aapl, connect, dec, order, still};

const AAPL: i32 = 265_598;

/// AAPL stands at 230.00 / 230.01.
fn trail(action: Action, kind: &str) -> Order {
    order(action, 5.0, kind)
}

async fn open(tape: &mut Tape) -> Order {
    match tape.next().await {
        Event::Open(data) => data.order,
        other => panic!("an open order, not {}", other.word()),
    }
}

/// tws-behaviour 2.5, template 14: the open order again each time the stop moves, and no status.
#[tokio::test]
async fn a_trailing_stop_is_told_by_an_open_order_each_time_it_moves() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let sent = Order { aux_price: Some(1.5), ..trail(Action::Sell, "TRAIL") };
    client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
    let first = open(&mut tape).await;
    assert_eq!((first.order_type.as_str(), first.aux_price), ("TRAIL", Some(1.5)));
    assert_eq!(first.trail_stop_price, Some(228.5));
    assert_eq!(tape.next().await.word(), "OS PreSubmitted 0/5");
    for (price, stop) in [("230.25", 228.75), ("231", 229.5)] {
        gateway.set_price("AAPL", dec(price));
        assert_eq!(open(&mut tape).await.trail_stop_price, Some(stop));
    }
    // Back again: the stop stays, nothing is said.
    gateway.set_price("AAPL", dec("229.51"));
    gateway.set_price("AAPL", dec("229.5"));
    assert_eq!(tape.words(4).await, ["EX 5", "OO Filled", "OS Filled 5/0", "CR"]);
    assert_eq!(gateway.truth().executions[0].price, dec("229.5"));
}

#[tokio::test]
async fn a_percentage_trails_on_the_grid_and_a_given_stop_holds_until_the_market_earns_a_better_one() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let sent = Order { trailing_percent: Some(1.0), ..trail(Action::Buy, "TRAIL") };
    client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
    // 230.01 and one per cent of it are 232.3101.
    let first = open(&mut tape).await;
    assert_eq!((first.trailing_percent, first.trail_stop_price), (Some(1.0), Some(232.32)));
    let near = Order { aux_price: Some(2.0), trail_stop_price: Some(230.5), ..trail(Action::Buy, "TRAIL") };
    client.submit_order(client.next_order_id(), &aapl(), &near).await.unwrap();
    tape.next().await;
    assert_eq!(open(&mut tape).await.trail_stop_price, Some(230.5));
    tape.next().await;
    gateway.set_price("AAPL", dec("229"));
    assert_eq!(open(&mut tape).await.trail_stop_price, Some(231.31), "only the first one moves");
    gateway.set_price("AAPL", dec("228.25"));
    assert_eq!(open(&mut tape).await.trail_stop_price, Some(230.55));
    assert_eq!(open(&mut tape).await.trail_stop_price, Some(230.26));
}

/// tws-behaviour 2.5, template 6: a stop with a limit shows its trigger.
#[tokio::test]
async fn a_trailing_stop_limit_takes_its_limit_along_and_rests_there_once_triggered() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let by_offset =
        Order { aux_price: Some(1.0), limit_price_offset: Some(0.25), ..trail(Action::Sell, "TRAIL LIMIT") };
    let by_price = Order {
        aux_price: Some(1.0),
        trail_stop_price: Some(229.0),
        limit_price: Some(228.75),
        ..trail(Action::Sell, "TRAIL LIMIT")
    };
    for sent in [by_offset, by_price] {
        client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
        let first = open(&mut tape).await;
        assert_eq!((first.trail_stop_price, first.limit_price), (Some(229.0), Some(228.75)));
        tape.next().await;
    }
    gateway.set_price("AAPL", dec("232"));
    for _ in 0..2 {
        let moved = open(&mut tape).await;
        assert_eq!((moved.trail_stop_price, moved.limit_price), (Some(231.0), Some(230.75)));
    }
    gateway.set_price("AAPL", dec("230.7"));
    assert_eq!(tape.words(4).await, ["OO Submitted", "OS Submitted 0/5", "OO Submitted", "OS Submitted 0/5"]);
    gateway.set_price("AAPL", dec("230.75"));
    assert_eq!(tape.words(4).await, ["EX 5", "OO Filled", "OS Filled 5/0", "CR"]);
}

/// The text of the limit's refusal is the broker's (ib_insync issue 88); code and consequence as in
/// tws-behaviour 2.6 for 321, 110 and 403.
#[tokio::test]
async fn a_trailing_stop_says_one_distance_and_one_limit() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    let mut tape = Tape::of(&client).await;
    let by = |amount: Option<f64>, percent: Option<f64>| Order {
        aux_price: amount,
        trailing_percent: percent,
        ..trail(Action::Sell, "TRAIL")
    };
    let limited = |limit_price: Option<f64>, limit_price_offset: Option<f64>| Order {
        limit_price,
        limit_price_offset,
        aux_price: Some(1.0),
        trail_stop_price: Some(229.0),
        ..trail(Action::Sell, "TRAIL LIMIT")
    };
    let cases = [
        (by(None, None), 321),
        (by(Some(1.0), Some(1.0)), 321),
        (by(Some(-1.0), None), 321),
        (by(None, Some(-1.0)), 321),
        (by(None, Some(100.0)), 321),
        (by(Some(1.005), None), 110),
        (by(Some(230.0), None), 403),
        (Order { trail_stop_price: Some(-1.0), ..by(Some(1.0), None) }, 403),
        (Order { trail_stop_price: Some(229.005), ..by(Some(1.0), None) }, 110),
        (limited(Some(228.0), Some(1.0)), 321),
        (limited(None, None), 321),
        (limited(None, Some(0.001)), 110),
        (Order { trail_stop_price: None, ..limited(Some(228.0), None) }, 321),
    ];
    for (sent, code) in cases {
        client.submit_order(client.next_order_id(), &aapl(), &sent).await.unwrap();
        let (said, text) = tape.until_error().await;
        assert_eq!(said, code, "{text}: {sent:?}");
    }
    client.submit_order(client.next_order_id(), &aapl(), &limited(Some(228.0), Some(1.0))).await.unwrap();
    let (_, text) = tape.until_error().await;
    assert!(text.contains("You must specify one value: limit price or limit price offset value."), "{text}");
    assert_eq!(gateway.truth().orders.len(), 0);
}

const START: i64 = 1_763_870_277_000_000_000;

fn spec(side: Side, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        con_id: AAPL,
        exchange: "SMART".into(),
        account: "DU1234567".into(),
        side,
        quantity: Decimal::TEN,
        kind,
        tif: TimeInForce::Gtc,
        order_ref: "".into(),
        parent_id: 0,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: [].into(),
    }
}

fn quote(cents: i64, spread: i64) -> Quote {
    let bid = Decimal::new(cents, 2);
    Quote::new(bid, bid + Decimal::new(spread, 2), Decimal::from(500))
}

#[test]
fn a_change_without_a_stop_keeps_the_one_that_trailed_and_another_distance_begins_anew() {
    let mut venue = Venue::new(VenueConfig { start: START, ..VenueConfig::default() });
    let key = OrderKey::new(1, 1);
    let by = |amount| OrderKind::Trail { by: TrailBy::Amount(dec(amount)), stop: None };
    let stop = |venue: &Venue| venue.order(key).unwrap().spec.kind.stop();
    venue.handle(START, VenueInput::Place { key, spec: spec(Side::Sell, by("1")) });
    venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote: quote(23_500, 1) });
    venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote: quote(23_450, 1) });
    let smaller = OrderSpec { quantity: Decimal::ONE, ..spec(Side::Sell, by("1")) };
    venue.handle(START, VenueInput::Place { key, spec: smaller });
    assert_eq!(stop(&venue), Some(dec("234")));
    venue.handle(START, VenueInput::Place { key, spec: spec(Side::Sell, by("2")) });
    assert_eq!(stop(&venue), Some(dec("232.5")));
}

#[test]
fn a_child_begins_to_trail_when_its_parent_is_filled() {
    let mut venue = Venue::new(VenueConfig { start: START, ..VenueConfig::default() });
    let parent = OrderSpec { transmit: false, ..spec(Side::Buy, OrderKind::Limit { limit: dec("229") }) };
    let kind = OrderKind::Trail { by: TrailBy::Amount(dec("1")), stop: None };
    let child = OrderSpec { parent_id: 1, ..spec(Side::Sell, kind) };
    venue.handle(START, VenueInput::Place { key: OrderKey::new(1, 1), spec: parent });
    venue.handle(START, VenueInput::Place { key: OrderKey::new(1, 2), spec: child });
    venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote: quote(24_000, 1) });
    let stop = |venue: &Venue| venue.order(OrderKey::new(1, 2)).unwrap().spec.kind.stop();
    assert_eq!(stop(&venue), None);
    venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote: quote(22_890, 1) });
    assert_eq!(stop(&venue), Some(dec("227.9")));
}

/// What a trailing stop must do, written down without the venue: integers, in cents.
struct Oracle {
    side: Side,
    distance: Distance,
    stop: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Distance {
    Cents(i64),
    /// Hundredths of a per cent.
    Basis(i64),
}

impl Oracle {
    /// Takes a quote; true when it triggers.
    fn take(&mut self, bid: i64, ask: i64) -> bool {
        let touch = if self.side == Side::Buy { ask } else { bid };
        // Sells count downwards, so that both sides are the rule for buys.
        let sign = if self.side == Side::Buy { 1 } else { -1 };
        let away = match self.distance {
            Distance::Cents(cents) => cents,
            Distance::Basis(basis) => (touch * basis + 9_999) / 10_000,
        };
        let candidate = sign * touch + away;
        let stop = self.stop.map_or(candidate, |stop| candidate.min(sign * stop));
        self.stop = Some(sign * stop);
        sign * touch >= stop
    }
}

proptest! {
    #[test]
    fn a_trailing_stop_never_moves_away_and_triggers_when_the_oracle_says(
        buy in any::<bool>(),
        distance in prop_oneof![
            (1..300_i64).prop_map(Distance::Cents),
            (1..200_i64).prop_map(Distance::Basis),
        ],
        given in prop::option::of(-200..200_i64),
        steps in prop::collection::vec((-120..121_i64, 1..4_i64), 1..80),
    ) {
        let side = if buy { Side::Buy } else { Side::Sell };
        let given = given.map(|offset| 23_000 + offset);
        let by = match distance {
            Distance::Cents(cents) => TrailBy::Amount(Decimal::new(cents, 2)),
            Distance::Basis(basis) => TrailBy::Percent(Decimal::new(basis, 2)),
        };
        let kind = OrderKind::Trail { by, stop: given.map(|cents| Decimal::new(cents, 2)) };
        let mut venue = Venue::new(VenueConfig { start: START, ..VenueConfig::default() });
        let mut oracle = Oracle { side, distance, stop: given };
        let key = OrderKey::new(1, 1);
        let mut outputs = venue.handle(START, VenueInput::Place { key, spec: spec(side, kind) });
        let (mut bid, mut ask) = (23_000, 23_001);
        let mut shown: Option<Decimal> = None;
        for (moved, spread) in steps {
            let triggers = oracle.take(bid, ask);
            let filled = outputs.iter().any(|it| matches!(it, VenueOutput::Execution(_)));
            prop_assert_eq!(filled, triggers, "at {} {} with {:?}", bid, ask, oracle.stop);
            if triggers {
                prop_assert!(venue.order(key).is_none());
                return Ok(());
            }
            let report = venue.order(key).unwrap();
            let stop = report.spec.kind.stop().unwrap();
            prop_assert_eq!(Some(stop), oracle.stop.map(|cents| Decimal::new(cents, 2)));
            prop_assert_eq!(report.status, Status::PreSubmitted);
            let told = outputs.iter().filter(|it| matches!(it, VenueOutput::Terms(_))).count();
            if let Some(before) = shown {
                prop_assert!(if buy { stop <= before } else { stop >= before }, "{} after {}", stop, before);
                prop_assert_eq!(told, usize::from(stop != before));
            }
            shown = Some(stop);
            bid = (bid + moved).max(1_000);
            ask = bid + spread;
            let quote = quote(bid, spread);
            outputs = venue.handle(START, VenueInput::SetQuote { con_id: AAPL, quote });
        }
    }
}
