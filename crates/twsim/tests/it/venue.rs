//! The venue under random input: whatever is asked of it, the books must balance.

use std::collections::BTreeMap;

use alphec_twsim::venue::{
    AccountConfig, ConId, Depth, Extra, Instrument, Oca, OcaKind, OrderKey, OrderKind, OrderSpec, Retention,
    SecType, Side, Status, TimeInForce, TrailBy, Venue, VenueConfig, VenueInput, VenueOutput,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::kit::dec;

const ACCOUNT: &str = "DU1234567";
const START: i64 = 1_763_870_277_000_000_000;

fn config(seed: u64) -> VenueConfig {
    // Half of them with a book behind the touch.
    let depth = (seed % 2 == 1).then_some(Depth::levels(5));
    VenueConfig { seed, start: START, walk_every: Some(1_000_000), depth, ..VenueConfig::default() }
}

#[derive(Debug, Clone)]
enum Step {
    Place {
        instrument: usize,
        buy: bool,
        lots: u32,
        kind: u8,
        ticks: i32,
        tif: u8,
    },
    /// A limit order with rarer terms.
    Rare {
        instrument: usize,
        buy: bool,
        lots: u32,
        ticks: i32,
        which: u8,
    },
    Modify {
        order: usize,
        lots: u32,
        ticks: i32,
    },
    Cancel {
        order: usize,
    },
    CancelAll,
    Wait {
        millis: u16,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..6_usize, any::<bool>(), 1..40_u32, 0..11_u8, -6..7_i32, 0..6_u8).prop_map(
            |(instrument, buy, lots, kind, ticks, tif)| Step::Place { instrument, buy, lots, kind, ticks, tif }
        ),
        4 => (0..6_usize, any::<bool>(), 1..40_u32, -6..7_i32, 0..8_u8).prop_map(
            |(instrument, buy, lots, ticks, which)| Step::Rare { instrument, buy, lots, ticks, which }
        ),
        3 => (0..50_usize, 1..60_u32, -6..7_i32).prop_map(|(order, lots, ticks)| Step::Modify { order, lots, ticks }),
        2 => (0..50_usize).prop_map(|order| Step::Cancel { order }),
        1 => Just(Step::CancelAll),
        4 => (1..50_u16).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// A venue driven by steps, with every output kept.
struct World {
    venue: Venue,
    now: i64,
    instruments: Vec<Instrument>,
    placed: Vec<(OrderKey, OrderSpec)>,
    heard: Vec<VenueOutput>,
}

impl World {
    fn new(config: VenueConfig) -> Self {
        let instruments = config.instruments.clone();
        Self { venue: Venue::new(config), now: START, instruments, placed: Vec::new(), heard: Vec::new() }
    }

    fn run(mut self, steps: &[Step]) -> Self {
        for step in steps {
            self.now += 100_000;
            match step {
                Step::Place { instrument, buy, lots, kind, ticks, tif } => {
                    let spec = self.spec(*instrument, *buy, *lots, (*kind, *ticks, *tif));
                    let key = OrderKey::new(1, self.placed.len() as i32 + 1);
                    self.placed.push((key, spec.clone()));
                    self.tell(VenueInput::Place { key, spec });
                }
                Step::Rare { instrument, buy, lots, ticks, which } => {
                    let spec = self.spec(*instrument, *buy, *lots, (1, *ticks, 1));
                    let key = OrderKey::new(1, self.placed.len() as i32 + 1);
                    let spec = self.rare(spec, *which);
                    self.placed.push((key, spec.clone()));
                    self.tell(VenueInput::Place { key, spec });
                }
                Step::Modify { order, lots, ticks } => {
                    let Some((key, old)) = self.placed.get(*order).cloned() else { continue };
                    let index = self.instruments.iter().position(|it| it.con_id == old.con_id).unwrap();
                    let kind = match old.kind {
                        OrderKind::Market => 0,
                        OrderKind::Limit { .. } => 1,
                        OrderKind::Stop { .. } => 2,
                        OrderKind::StopLimit { .. } => 3,
                        OrderKind::Trail { .. } => 4,
                        OrderKind::TrailLimit { .. } => 5,
                        OrderKind::IfTouched { .. } => 6,
                        OrderKind::LimitIfTouched { .. } => 7,
                        OrderKind::MarketToLimit { .. } => 8,
                        OrderKind::MarketOnClose => 9,
                        OrderKind::LimitOnClose { .. } => 10,
                    };
                    let spec = self.spec(index, old.side == Side::Buy, *lots, (kind, *ticks, 1));
                    let spec = OrderSpec { extra: old.extra, parent_id: old.parent_id, ..spec };
                    self.tell(VenueInput::Place { key, spec });
                }
                Step::Cancel { order } => {
                    self.tell(VenueInput::Cancel { key: OrderKey::new(1, *order as i32) });
                }
                Step::CancelAll => self.tell(VenueInput::CancelAll),
                Step::Wait { millis } => {
                    self.now += i64::from(*millis) * 1_000_000;
                    self.tell(VenueInput::Wake);
                }
            }
        }
        self
    }

    fn rare(&self, spec: OrderSpec, which: u8) -> OrderSpec {
        let group = |kind| Extra { oca: Some(Oca { group: "one".into(), kind }), ..Extra::default() };
        let extra = match which {
            0 => Extra { all_or_none: true, ..Extra::default() },
            1 => Extra { min_quantity: Some(Decimal::from(10)), ..Extra::default() },
            2 => Extra { good_after: Some(self.now + 5_000_000), ..Extra::default() },
            3 => group(OcaKind::Cancel),
            4 => group(OcaKind::Reduce),
            5 => group(OcaKind::ReduceLate),
            // A child of the order before.
            _ => return OrderSpec { parent_id: self.placed.len() as i32, ..spec },
        };
        OrderSpec { extra: Some(extra.into()), ..spec }
    }

    fn tell(&mut self, input: VenueInput) {
        let heard = self.venue.handle(self.now, input);
        self.heard.extend(heard);
    }

    fn spec(&self, index: usize, buy: bool, lots: u32, (kind, ticks, tif): (u8, i32, u8)) -> OrderSpec {
        let instrument = &self.instruments[index];
        let bid = self.venue.quote(instrument.con_id).unwrap().bid.unwrap();
        let tick = instrument.increment_at(bid);
        let price = bid + tick * Decimal::from(ticks);
        let unit = if instrument.sec_type == SecType::Forex { 20_000 } else { 1 };
        OrderSpec {
            con_id: instrument.con_id,
            exchange: instrument.exchange.as_str().into(),
            account: ACCOUNT.into(),
            side: if buy { Side::Buy } else { Side::Sell },
            quantity: Decimal::from(lots * unit),
            kind: match kind {
                0 => OrderKind::Market,
                1 => OrderKind::Limit { limit: price },
                2 => OrderKind::Stop { stop: price },
                3 => OrderKind::StopLimit { stop: price, limit: price },
                4 => OrderKind::Trail { by: TrailBy::Percent(dec("0.05")), stop: None },
                5 => {
                    let by = TrailBy::Amount(tick * Decimal::TWO);
                    OrderKind::TrailLimit { by, stop: (ticks > 0).then_some(price), offset: tick }
                }
                6 => OrderKind::IfTouched { touch: price },
                7 => OrderKind::LimitIfTouched { touch: price, limit: price + tick },
                8 => OrderKind::MarketToLimit { limit: None },
                9 => OrderKind::MarketOnClose,
                _ => OrderKind::LimitOnClose { limit: price },
            },
            tif: match tif {
                0 => TimeInForce::Day,
                1 => TimeInForce::Gtc,
                2 => TimeInForce::Gtd(self.now + 20_000_000),
                3 => TimeInForce::Ioc,
                4 => TimeInForce::Fok,
                _ => TimeInForce::Opg,
            },
            order_ref: "p".into(),
            parent_id: 0,
            transmit: true,
            outside_rth: false,
            extra: None,
            carried: [].into(),
        }
    }
}

fn check_books(world: &World) {
    let account = world.venue.account(ACCOUNT).unwrap();
    let mut position: BTreeMap<ConId, Decimal> = BTreeMap::new();
    let mut cash: BTreeMap<String, Decimal> = BTreeMap::new();
    let mut filled: BTreeMap<OrderKey, Decimal> = BTreeMap::new();
    let mut ids = std::collections::BTreeSet::new();
    for execution in world.venue.executions() {
        let instrument = world.venue.instrument(execution.con_id).unwrap();
        let signed = execution.side.signed(execution.quantity);
        *position.entry(execution.con_id).or_default() += signed;
        *filled.entry(execution.key).or_default() += execution.quantity;
        assert_eq!(execution.cum_quantity, filled[&execution.key]);
        assert!(ids.insert(execution.exec_id.clone()), "an execution id twice");
        let value = signed * execution.price * instrument.multiplier;
        *cash.entry(instrument.currency.clone()).or_default() -= value + execution.commission;
        if instrument.sec_type == SecType::Forex {
            *cash.entry(instrument.symbol.clone()).or_default() += signed;
        }
    }
    for (con_id, quantity) in &position {
        assert_eq!(account.held(*con_id), *quantity, "position is not the sum of fills");
        // A future's cost is owed, not paid.
        let instrument = world.venue.instrument(*con_id).unwrap();
        if instrument.sec_type == SecType::Future {
            *cash.entry("USD".to_owned()).or_default() += account.positions[con_id].cost;
        }
    }
    for (currency, moved) in cash {
        let opening = if currency == "USD" { Decimal::from(1_000_000) } else { Decimal::ZERO };
        assert!((account.cash[&currency] - opening - moved).abs() < dec("0.000001"), "{currency} leaked");
    }
    let finished = world.venue.finished_orders().map(|order| order.report.clone());
    for report in world.venue.open_orders().map(|order| *order).chain(finished) {
        assert!(report.filled <= report.spec.quantity);
        assert_eq!(report.filled, filled.get(&report.key).copied().unwrap_or_default());
        match report.status {
            Status::Filled => assert!(report.remaining.is_zero()),
            Status::Inactive => assert!(report.filled.is_zero()),
            Status::PreSubmitted | Status::Submitted | Status::PendingCancel | Status::Cancelled => {
                assert_eq!(report.filled + report.remaining, report.spec.quantity);
            }
        }
    }
}

fn check_outputs(world: &World) {
    let mut fills = std::collections::BTreeSet::new();
    let mut ended = std::collections::BTreeSet::new();
    for output in &world.heard {
        match output {
            VenueOutput::Execution(execution) => {
                assert!(!ended.contains(&execution.key), "a fill after the end");
                fills.insert(execution.exec_id.clone());
            }
            VenueOutput::Commission(execution) => assert!(fills.contains(&execution.exec_id)),
            VenueOutput::Order(report) | VenueOutput::Terms(report) => {
                assert!(!ended.contains(&report.key), "an order changed after its end");
                if !report.status.is_working() {
                    ended.insert(report.key);
                }
            }
            VenueOutput::Preview(_)
            | VenueOutput::Refused { .. }
            | VenueOutput::Position { .. }
            | VenueOutput::Quote { .. } => {}
        }
    }
}

/// The order report after a fill holds the terms it was filled under.
fn check_limits(world: &World) {
    for pair in world.heard.windows(2) {
        let [VenueOutput::Execution(execution), VenueOutput::Order(report)] = pair else { continue };
        assert_eq!(execution.key, report.key);
        let Some(limit) = report.spec.kind.limit() else { continue };
        match execution.side {
            Side::Buy => assert!(execution.price <= limit),
            Side::Sell => assert!(execution.price >= limit),
        }
    }
}

/// Everything that a venue shows.
fn all_of(venue: &Venue) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        venue.open_orders().collect::<Vec<_>>(),
        venue.finished_orders().cloned().collect::<Vec<_>>(),
        venue.executions().cloned().collect::<Vec<_>>(),
        venue.accounts().cloned().collect::<Vec<_>>(),
        venue.instruments().map(|it| venue.quote(it.con_id)).collect::<Vec<_>>(),
        (venue.next_order_id(1), venue.next_wake(), venue.sizes()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn positions_are_the_sum_of_fills_and_no_cash_is_lost(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..120)) {
        let world = World::new(config(seed)).run(&steps);
        check_books(&world);
        check_outputs(&world);
        check_limits(&world);
    }

    #[test]
    fn the_same_seed_and_input_give_the_same_outputs(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..60)) {
        let first = World::new(config(seed)).run(&steps);
        let second = World::new(config(seed)).run(&steps);
        prop_assert_eq!(first.heard, second.heard);
    }

    #[test]
    fn what_lives_through_a_venues_diary_is_that_venue(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(config(seed));
        world.venue.keep_diary();
        let mut first = world.run(&steps);
        let diary = first.venue.take_diary().unwrap();
        let mut second = Venue::new(config(seed));
        for line in diary.split_inclusive(|byte| *byte == b'\n') {
            second.live_again(line).unwrap();
        }
        prop_assert_eq!(all_of(&first.venue), all_of(&second));
        // And it goes on as that venue does.
        let later = first.now + 60_000_000_000;
        let [went_on, lived_again] = [&mut first.venue, &mut second].map(|venue| {
            let mut heard = venue.handle(later, VenueInput::Wake);
            heard.extend(venue.handle(later, VenueInput::CancelAll));
            heard
        });
        prop_assert_eq!(went_on, lived_again);
    }
}

#[test]
fn prices_stay_on_the_grid_and_above_zero_however_long_they_walk() {
    let cheap = Instrument { start_price: dec("0.03"), ..Instrument::stock(1, "PENNY", dec("0.03")) };
    let edge = Instrument {
        start_price: dec("3"),
        ..Instrument::option(2, "EDGE", "20270115", dec("5"), alphec_twsim::venue::Right::Put)
    };
    let mut all = Instrument::defaults();
    all.extend([cheap, edge]);
    let mut venue = Venue::new(VenueConfig { instruments: all.clone(), ..config(3) });
    for millis in 1..5_000 {
        for output in venue.handle(START + millis * 1_000_000, VenueInput::Wake) {
            let VenueOutput::Quote { con_id, quote } = output else { continue };
            let instrument = all.iter().find(|it| it.con_id == con_id).unwrap();
            let (bid, ask) = (quote.bid.unwrap(), quote.ask.unwrap());
            assert!(bid < ask && bid > Decimal::ZERO, "{}: {bid} {ask}", instrument.symbol);
            assert!(instrument.on_grid(bid) && instrument.on_grid(ask), "{}: {bid} {ask}", instrument.symbol);
        }
    }
}

#[test]
fn what_is_finished_is_forgotten_beyond_the_retention_and_its_id_stays_used() {
    let retention = Retention { finished_orders: 10, executions: 5, ..Retention::default() };
    let mut world = World::new(VenueConfig { retention, walk_every: None, ..config(1) });
    for _ in 0..50 {
        world = world.run(&[Step::Place { instrument: 0, buy: true, lots: 1, kind: 0, ticks: 0, tif: 0 }]);
    }
    assert_eq!(world.venue.finished_orders().count(), 10);
    assert_eq!(world.venue.executions().count(), 5);
    assert_eq!(world.venue.account(ACCOUNT).unwrap().held(265_598), Decimal::from(50));
    let (key, spec) = world.placed[3].clone();
    let answer = world.venue.handle(world.now, VenueInput::Place { key, spec });
    assert!(matches!(&answer[..], [VenueOutput::Refused { refusal, .. }] if refusal.code() == 103));
}

#[test]
fn closing_a_position_realises_its_profit_after_both_commissions() {
    let accounts = vec![AccountConfig::usd(ACCOUNT, Decimal::from(1_000_000))];
    let mut world = World::new(VenueConfig { accounts, walk_every: None, ..config(1) });
    let trade = |buy| Step::Place { instrument: 0, buy, lots: 10, kind: 0, ticks: 0, tif: 0 };
    world = world.run(&[trade(true), trade(false)]);
    let realized: Vec<_> = world.venue.executions().map(|execution| execution.realized_pnl).collect();
    // Bought at 230.01, sold at 230.00, one dollar each way.
    assert_eq!(realized, [None, Some(dec("-2.10"))]);
    assert_eq!(world.venue.account(ACCOUNT).unwrap().cash["USD"], dec("999997.90"));
}

#[test]
fn an_account_is_written_as_its_id_with_an_optional_amount() {
    let account: AccountConfig = "DU42=250000.50".parse().unwrap();
    assert_eq!(account, AccountConfig::usd("DU42", dec("250000.50")));
    assert_eq!("DU1".parse(), Ok(AccountConfig::usd("DU1", dec("1000000"))));
    let mixed: AccountConfig = "DU1=EUR:50000+USD:1000".parse().unwrap();
    assert_eq!(mixed.cash, [("EUR".to_owned(), dec("50000")), ("USD".to_owned(), dec("1000"))]);
    for text in ["", "=5", "DU1=lots", "DU1=-5", "DU 1", "DU1=EURO:5", "DU1=EUR:", "DU1=5+"] {
        assert!(text.parse::<AccountConfig>().is_err(), "{text}");
    }
}

/// A parent at `price` with two children: one to take profit, one to stop the loss.
fn bracket(world: &mut World, first: i32, price: &str) {
    let base = OrderSpec { tif: TimeInForce::Gtc, ..world.spec(0, true, 10, (1, 0, 1)) };
    let child = OrderSpec { side: Side::Sell, parent_id: first, ..base.clone() };
    let legs = [
        OrderSpec { kind: OrderKind::Limit { limit: dec(price) }, transmit: false, ..base },
        OrderSpec { kind: OrderKind::Limit { limit: dec("240") }, transmit: false, ..child.clone() },
        OrderSpec { kind: OrderKind::Stop { stop: dec("220") }, transmit: true, ..child },
    ];
    for (at, spec) in legs.into_iter().enumerate() {
        world.tell(VenueInput::Place { key: OrderKey::new(1, first + at as i32), spec });
    }
}

fn state(world: &World, order_id: i32) -> (Status, Decimal) {
    let finished = world.venue.finished_orders().map(|order| order.report.clone());
    let found = world.venue.open_orders().map(|order| *order).chain(finished);
    let report = found.into_iter().find(|report| report.key.order_id == order_id).unwrap();
    (report.status, report.filled)
}

#[test]
fn children_wait_for_their_parent_end_with_it_and_end_each_other() {
    let mut world = World::new(VenueConfig { walk_every: None, ..config(1) });
    bracket(&mut world, 1, "229");
    let (ten, none) = (Decimal::TEN, Decimal::ZERO);
    assert_eq!(state(&world, 1), (Status::Submitted, none));
    assert_eq!(state(&world, 2), (Status::PreSubmitted, none));
    world.tell(VenueInput::Cancel { key: OrderKey::new(1, 1) });
    for id in 1..=3 {
        assert_eq!(state(&world, id), (Status::Cancelled, none));
    }
    bracket(&mut world, 4, "230.01");
    assert_eq!(state(&world, 4), (Status::Filled, ten));
    assert_eq!(state(&world, 5), (Status::Submitted, none));
    let quote = alphec_twsim::venue::Quote::new(dec("219"), dec("219.01"), Decimal::ONE_HUNDRED);
    world.tell(VenueInput::SetQuote { con_id: 265_598, quote });
    assert_eq!(state(&world, 6), (Status::Filled, ten));
    assert_eq!(state(&world, 5), (Status::Cancelled, none));
    assert_eq!(world.venue.open_order_count(), 0);
    check_books(&world);
}

#[test]
fn scripted_prices_are_there_when_the_script_says_and_orders_trade_on_them() {
    let aapl = 265_598;
    let text = "time,symbol,bid,ask\n0,AAPL,100,101\n2,AAPL,90,91\n";
    let path = alphec_twsim::prices::parse_csv(text).unwrap().remove("AAPL").unwrap();
    let mut venue = Venue::new(VenueConfig { paths: BTreeMap::from([(aapl, path)]), ..config(3) });
    assert_eq!(venue.quote(aapl).unwrap().ask, Some(dec("101")), "from the opening");
    let spec = World::new(config(3)).spec(0, true, 1, (1, 0, 1));
    let spec = OrderSpec { con_id: aapl, kind: OrderKind::Limit { limit: dec("95") }, ..spec };
    let outputs = venue.handle(START, VenueInput::Place { key: OrderKey::new(1, 1), spec });
    assert!(!outputs.iter().any(|output| matches!(output, VenueOutput::Execution(_))));
    assert!(
        venue
            .handle(START + 1_999_999_999, VenueInput::Wake)
            .iter()
            .all(|output| !matches!(output, VenueOutput::Execution(_)))
    );
    let outputs = venue.handle(START + 2_000_000_000, VenueInput::Wake);
    let fill = outputs.iter().find_map(|output| match output {
        VenueOutput::Execution(execution) => Some(execution.price),
        _ => None,
    });
    assert_eq!(fill, Some(dec("91")));
}
