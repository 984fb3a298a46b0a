//! Bars: of the past as far as the venue remembers, and as they happen (tws-behaviour 2.6, 5).

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::{ConnId, Desk};
use alphec_twsim::venue::{Quote, VenueInput};
use bytes::{Buf, Bytes};
use ibapi::market_data::historical::{BarSize, ToDuration as _, WhatToShow};
use prost::Message;

use crate::frames::{AAPL, Body, ask, contract, hello, limit, place};
use crate::kit::{aapl, connect, dec, still};

const SECOND: i64 = 1_000_000_000;
/// 2025-11-23 03:57:55 UTC: a multiple of five seconds.
const START: i64 = 1_763_870_275 * SECOND;
const EUR_USD: i32 = 12_087_792;

#[derive(Clone, PartialEq, Message)]
struct Bar {
    #[prost(string, tag = "1")]
    date: String,
    #[prost(double, tag = "2")]
    open: f64,
    #[prost(double, tag = "3")]
    high: f64,
    #[prost(double, tag = "4")]
    low: f64,
    #[prost(double, tag = "5")]
    close: f64,
    #[prost(string, tag = "6")]
    volume: String,
    #[prost(string, tag = "7")]
    average: String,
    #[prost(int32, tag = "8")]
    count: i32,
}

impl Bar {
    fn prices(&self) -> [f64; 4] {
        [self.open, self.high, self.low, self.close]
    }
}

#[derive(Clone, PartialEq, Message)]
struct Bars {
    #[prost(int32, tag = "1")]
    req_id: i32,
    #[prost(message, repeated, tag = "2")]
    bars: Vec<Bar>,
}

#[derive(Clone, PartialEq, Message)]
struct LiveBar {
    #[prost(int32, tag = "1")]
    req_id: i32,
    #[prost(int64, tag = "2")]
    seconds: i64,
    #[prost(double, tag = "3")]
    open: f64,
    #[prost(double, tag = "6")]
    close: f64,
    #[prost(string, tag = "7")]
    volume: String,
    #[prost(int32, tag = "9")]
    count: i32,
}

/// A gateway in virtual time with one session.
struct World {
    desk: Desk,
    conn: ConnId,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self::with(GatewayConfig { walk_every: None, ..GatewayConfig::default() })
    }

    fn with(config: GatewayConfig) -> Self {
        let mut desk = Desk::new(config, START);
        let conn = desk.open();
        desk.receive(START, conn, &hello(1));
        desk.take_output(conn);
        Self { desk, conn, now: START }
    }

    /// Goes so many seconds on, waking the gateway when it wants to be woken.
    fn pass(&mut self, seconds: i64) {
        let end = self.now + seconds * SECOND;
        while let Some(due) = self.desk.next_wake().filter(|due| *due <= end) {
            self.desk.wake(due);
        }
        self.now = end;
    }

    fn quote(&mut self, bid: &str, ask: &str) {
        let quote = Quote::new(dec(bid), dec(ask), dec("500"));
        self.desk.control(self.now, VenueInput::SetQuote { con_id: AAPL, quote });
    }

    fn send(&mut self, frame: &[u8]) {
        self.desk.receive(self.now, self.conn, frame);
    }

    /// Message ids and bodies since the last look.
    fn heard(&mut self) -> Vec<(i32, Bytes)> {
        let mut bytes = self.desk.take_output(self.conn).bytes.freeze();
        let mut heard = Vec::new();
        while bytes.has_remaining() {
            let length = bytes.get_u32() as usize;
            let mut payload = bytes.split_to(length);
            heard.push((payload.get_i32() - 200, payload));
        }
        heard
    }

    /// Bars of a history, or the code of the refusal.
    fn history(&mut self, request: &Body) -> Result<Vec<Bar>, i32> {
        self.send(&request.frame(20));
        let heard = self.heard();
        if let Some((_, body)) = heard.iter().find(|(id, _)| *id == 4) {
            return Err(code(body));
        }
        assert_eq!(heard.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [17, 108]);
        Ok(Bars::decode(heard[0].1.clone()).unwrap().bars)
    }

    fn of<M: Message + Default>(&mut self, id: i32) -> Vec<M> {
        let heard = self.heard();
        heard.into_iter().filter(|(seen, _)| *seen == id).map(|(_, body)| M::decode(body).unwrap()).collect()
    }
}

fn code(body: &Bytes) -> i32 {
    crate::raw::ErrorFrame::decode(body.clone()).unwrap().code.unwrap()
}

fn wanted(what: &str, size: &str, duration: &str) -> Body {
    wanted_of(AAPL, what, size, duration)
}

fn wanted_of(con_id: i32, what: &str, size: &str, duration: &str) -> Body {
    let body = Body::default().int(1, 7).nested(2, &contract(con_id));
    body.text(4, size).text(5, duration).text(7, what).int(8, 1)
}

#[test]
fn a_history_has_the_prices_of_each_slot_and_goes_on_flat_where_nothing_happened() {
    let mut world = World::new();
    world.pass(1);
    world.quote("231.00", "231.02");
    world.pass(1);
    world.quote("229.50", "229.54");
    world.pass(9);
    let bars = world.history(&wanted("MIDPOINT", "5 secs", "15 S")).unwrap();
    let flat = [229.52; 4];
    assert_eq!(
        bars.iter().map(Bar::prices).collect::<Vec<_>>(),
        [[230.005, 231.01, 229.52, 229.52], flat, flat]
    );
    assert_eq!(bars[1].date, "20251123 03:58:00 UTC");
    assert_eq!((bars[0].volume.as_str(), bars[0].average.as_str(), bars[0].count), ("-1", "-1", -1));
    let bid = world.history(&wanted("BID", "1 min", "60 S")).unwrap();
    assert_eq!(
        bid.iter().map(Bar::prices).collect::<Vec<_>>(),
        [[230.0, 231.0, 229.5, 229.5], [229.5; 4]][1..]
    );
    assert_eq!(
        world.history(&wanted("ASK", "1 day", "1 D")).unwrap()[0].prices(),
        [230.01, 231.02, 229.54, 229.54]
    );
}

#[test]
fn the_volume_of_trades_is_what_traded() {
    let mut world = World::new();
    world.pass(5);
    world.send(&place(1, limit("BUY", "300", 230.01)));
    world.heard();
    world.pass(1);
    let bars = world.history(&wanted("TRADES", "5 secs", "10 S")).unwrap();
    // The opening print, then the fill.
    let volumes: Vec<(&str, i32)> = bars.iter().map(|bar| (bar.volume.as_str(), bar.count)).collect();
    assert_eq!(volumes, [("100", 1), ("300", 1)]);
    assert_eq!((bars[1].prices(), bars[1].average.as_str()), ([230.01; 4], "230.01"));
}

#[test]
fn dates_follow_the_format_and_whole_days_are_dates() {
    let mut world = World::new();
    world.pass(1);
    let date = |world: &mut World, size, format| {
        let request = wanted("BID", size, "1 D").int(8, format);
        world.history(&request).map(|bars| bars[0].date.clone())
    };
    assert_eq!(date(&mut world, "1 min", 1).unwrap(), "20251123 03:57:00 UTC");
    assert_eq!(date(&mut world, "1 min", 2).unwrap(), "1763870220");
    assert_eq!(date(&mut world, "1 day", 1).unwrap(), "20251123");
    assert_eq!(date(&mut world, "1 day", 2).unwrap(), "20251123");
    assert_eq!(date(&mut world, "1 hour", 3), Err(321));
}

#[test]
fn a_history_that_cannot_be_given_is_refused_with_its_code() {
    let mut world = World::new();
    let before = wanted("BID", "1 min", "60 S").text(3, "20251122 00:00:00 UTC");
    let table = [
        (wanted("BID", "1 min", "60 S").text(3, "tomorrow"), 10_314),
        (before, 162),
        (wanted_of(EUR_USD, "TRADES", "1 min", "60 S"), 162),
        (wanted_of(1, "BID", "1 min", "60 S"), 200),
        (wanted("YIELD", "1 min", "60 S"), 321),
        (wanted("BID", "1 sec", "60 S"), 321),
        (wanted("BID", "1 secs", "60 S"), 321),
        (wanted("BID", "1 month", "60 S"), 321),
        (wanted("BID", "1 min", "60"), 321),
        (wanted("BID", "1 min", "86401 S"), 321),
        (wanted("BID", "1 min", "0 D"), 321),
        (wanted("BID", "1 min", "1 H"), 321),
        (wanted("BID", "1 min", "60 S").text(3, "20251123 03:57:55 UTC").flag(9, true), 321),
    ];
    for (request, code) in table {
        assert_eq!(world.history(&request), Err(code), "{request:?}");
    }
}

#[test]
fn small_bars_are_paced_and_large_ones_are_not() {
    // tws-behaviour 5: no identical request within 15 s, fewer than 6 alike in 2 s, at most 60 in 10 minutes.
    let mut world = World::new();
    world.pass(1);
    let small = |seconds: i64| wanted("BID", "5 secs", &format!("{seconds} S"));
    assert!(world.history(&small(5)).is_ok());
    world.pass(14);
    assert_eq!(world.history(&small(5)), Err(162));
    world.pass(1);
    assert!(world.history(&small(5)).is_ok());
    for seconds in 10..14 {
        assert!(world.history(&small(seconds)).is_ok());
    }
    assert_eq!(world.history(&small(14)), Err(162), "the sixth in two seconds");
    for _ in 0..10 {
        assert!(world.history(&wanted("BID", "1 min", "60 S")).is_ok());
    }
    for seconds in 100..154 {
        world.pass(2);
        assert!(world.history(&small(seconds)).is_ok(), "{seconds}");
    }
    world.pass(2);
    assert_eq!(world.history(&small(200)), Err(162), "the sixty-first in ten minutes");
    world.pass(600);
    assert!(world.history(&small(200)).is_ok());
    let mut free =
        World::with(GatewayConfig { history_pacing: false, walk_every: None, ..GatewayConfig::default() });
    free.pass(1);
    for _ in 0..100 {
        assert!(free.history(&small(5)).is_ok());
    }
}

#[test]
fn a_history_kept_up_to_date_goes_on_until_it_is_cancelled() {
    let mut world = World::new();
    assert_eq!(world.history(&wanted("BID", "1 min", "60 S").flag(9, true)).unwrap().len(), 1);
    world.pass(1);
    world.quote("231.00", "231.01");
    world.pass(4);
    let updates = world.of::<Update>(90);
    assert_eq!(updates.len(), 1);
    let bar = updates[0].bar.clone().unwrap();
    assert_eq!((bar.date.as_str(), bar.prices()), ("20251123 03:57:00 UTC", [230.0, 231.0, 230.0, 231.0]));
    world.pass(5);
    let next = world.of::<Update>(90)[0].bar.clone().unwrap();
    assert_eq!((next.date.as_str(), next.prices()), ("20251123 03:58:00 UTC", [231.0; 4]));
    world.send(&ask(25, 7));
    world.pass(60);
    assert!(world.heard().is_empty());
    // tws-behaviour 5: cancelling what has ended is answered with 366, and harmless.
    world.send(&ask(25, 7));
    assert_eq!(world.heard().iter().map(|(_, body)| code(body)).collect::<Vec<_>>(), [366]);
}

#[derive(Clone, PartialEq, Message)]
struct Update {
    #[prost(message, optional, tag = "2")]
    bar: Option<Bar>,
}

#[test]
fn real_time_bars_come_every_five_seconds_until_they_are_cancelled() {
    let mut world = World::new();
    world.pass(2);
    let live = |req_id, con_id, what: &str| {
        let body = Body::default().int(1, req_id).nested(2, &contract(con_id));
        body.int(3, 5).text(4, what).frame(50)
    };
    world.send(&live(1, AAPL, "TRADES"));
    world.send(&live(2, AAPL, "MIDPOINT"));
    assert!(world.heard().is_empty(), "the first bar comes when its slot ends");
    world.pass(1);
    world.quote("231.00", "231.01");
    world.pass(2);
    let first = world.of::<LiveBar>(50);
    let at = START / SECOND;
    let shown = |bar: &LiveBar| (bar.req_id, bar.seconds, bar.open, bar.close, bar.count);
    assert_eq!(
        first.iter().map(shown).collect::<Vec<_>>(),
        [(1, at, 230.0, 231.0, 2), (2, at, 230.005, 231.005, -1)]
    );
    world.pass(10);
    let quiet: Vec<(i64, String)> = world
        .of::<LiveBar>(50)
        .into_iter()
        .filter(|bar| bar.req_id == 1)
        .map(|bar| (bar.seconds, bar.volume))
        .collect();
    assert_eq!(quiet, [(at + 5, "0".to_owned()), (at + 10, "0".to_owned())]);
    world.send(&ask(51, 1));
    world.send(&ask(51, 2));
    world.pass(60);
    assert!(world.heard().is_empty());
    for (frame, expected) in [
        (ask(51, 1), 300),
        (live(3, EUR_USD, "TRADES"), 321),
        (live(3, AAPL, "OPEN"), 321),
        (live(3, 5, "BID"), 200),
    ] {
        world.send(&frame);
        assert_eq!(world.heard().iter().map(|(_, body)| code(body)).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_jump_of_the_clock_makes_up_for_a_bounded_number_of_bars() {
    let mut world = World::new();
    let body = Body::default().int(1, 1).nested(2, &contract(AAPL)).int(3, 5).text(4, "BID");
    world.send(&body.frame(50));
    world.now += 86_400 * SECOND;
    world.desk.wake(world.now);
    let bars = world.of::<LiveBar>(50);
    assert!((60..70).contains(&bars.len()), "{}", bars.len());
    assert_eq!(bars.last().unwrap().seconds, START / SECOND + 86_400 - 5);
}

#[tokio::test]
async fn the_rust_client_reads_histories() {
    let gateway = still().start().await.unwrap();
    let client = connect(&gateway, 1).await;
    gateway.set_price("AAPL", dec("231"));
    for size in [BarSize::Sec5, BarSize::Min, BarSize::Day] {
        let contract = aapl();
        let wanted = client.historical_data(&contract, size).what_to_show(WhatToShow::Bid).duration(1.days());
        let history = wanted.fetch().await.unwrap();
        assert_eq!(history.bars.last().map(|bar| bar.close), Some(231.0), "{size:?}");
        assert!(history.start < history.end);
    }
}
