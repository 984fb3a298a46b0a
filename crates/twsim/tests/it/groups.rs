//! One-cancels-all groups, through the gateway and at the venue under random input. The sections are those of the
//! notes on the real gateway's behaviour; what a cancel does to the others is the broker's own glossary.

use std::collections::BTreeMap;
use std::sync::Arc;

use alphec_twsim::desk::ConnId;
use alphec_twsim::venue::{
    Extra, Instrument, Oca, OcaKind, OrderKey, OrderKind, OrderReport, OrderSpec, Quote, Side, Status,
    TimeInForce, Venue, VenueConfig, VenueInput, VenueOutput,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::bench::{Bench, SECOND, START, count, sized};
use crate::frames::Body;

/// Of an order on the wire.
const GROUP: u32 = 27;
const TYPE: u32 = 30;

fn member(price: f64, quantity: &str, kind: i32) -> Body {
    sized(price, quantity).text(GROUP, "one").int(TYPE, kind)
}

/// Two members that rest: order 1 at 229, order 2 at 228, 600 shares each.
fn pair(kind: i32) -> (Bench, ConnId) {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, member(229.0, "600", kind));
    bench.place(conn, 2, member(228.0, "600", kind));
    bench.lines(conn);
    (bench, conn)
}

/// Section 2.11: unasked, with a status and 202.
#[test]
fn the_first_fill_in_a_group_of_type_1_cancels_the_others() {
    let (mut bench, conn) = pair(1);
    bench.price("228.99");
    assert_eq!(
        bench.lines(conn),
        [
            "EX 1 500@229 .01",
            "OO 1 Submitted",
            "OS 1 Submitted 500/100",
            "CR 2.5",
            "OO 2 Cancelled",
            "OS 2 Cancelled 0/600",
            "ER 2 202"
        ]
    );
}

/// Section 2.11: in proportion, and the last part cancels.
#[test]
fn in_groups_of_types_2_and_3_the_others_shrink_and_the_last_part_cancels_them() {
    for kind in [2, 3] {
        let (mut bench, conn) = pair(kind);
        bench.price("228.99");
        assert_eq!(bench.lines(conn)[4..], ["OO 2 Submitted", "OS 2 Submitted 0/100"]);
        bench.price("228.98");
        let said = bench.lines(conn);
        assert!(said.contains(&"OS 1 Filled 600/0".to_owned()), "{said:?}");
        assert_eq!(said[said.len() - 3..], ["OO 2 Cancelled", "OS 2 Cancelled 0/100", "ER 2 202"]);
    }
}

/// Section 2.11: "with 3 two members can fill".
#[test]
fn one_price_fills_one_member_with_block_and_several_without() {
    for (kind, fills) in [(1, 1), (2, 1), (3, 2)] {
        let mut bench = Bench::new(&[]);
        let conn = bench.client(1);
        bench.place(conn, 1, member(229.0, "10", kind));
        bench.place(conn, 2, member(228.0, "10", kind));
        bench.lines(conn);
        bench.price("227");
        let said = bench.lines(conn);
        assert_eq!(count(&said, "EX"), fills, "type {kind}: {said:?}");
        assert_eq!(bench.desk.truth().position("DU1234567", 265_598), Decimal::from(10 * fills));
    }
}

#[test]
fn sizes_that_differ_shrink_by_the_same_part_rounded_down() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.displayed(30);
    bench.place(conn, 1, member(229.0, "100", 2));
    bench.place(conn, 2, member(228.0, "55", 2));
    bench.place(conn, 3, member(227.0, "1", 2));
    bench.place(conn, 4, member(230.01, "100", 2));
    let said = bench.lines(conn);
    // 55 × 70 ⁄ 100 is 38.5; of one share nothing is left.
    for line in ["OS 1 Submitted 0/70", "OS 2 Submitted 0/38", "OS 3 Cancelled 0/0", "ER 3 202"] {
        assert!(said.contains(&line.to_owned()), "{line} in {said:?}");
    }
}

/// Section 2.11: the broker takes type 3 when the client names none.
#[test]
fn a_group_without_a_type_is_of_type_3() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    bench.place(conn, 1, sized(229.0, "10").text(GROUP, "one"));
    bench.place(conn, 2, sized(229.0, "10").text(GROUP, "one").int(TYPE, 0));
    bench.lines(conn);
    bench.price("228");
    assert_eq!(count(&bench.lines(conn), "EX"), 2);
}

/// The broker's glossary: cancelled by the client before an execution, all end; by the system, the others stay.
#[test]
fn a_cancel_by_the_client_ends_an_untouched_group_and_an_expiry_does_not() {
    let (mut bench, conn) = pair(1);
    bench.cancel(conn, 1);
    let said = bench.lines(conn);
    assert_eq!(said[..3], ["OO 1 Cancelled", "OS 1 Cancelled 0/600", "ER 1 202"]);
    assert_eq!(said[3..], ["OO 2 Cancelled", "OS 2 Cancelled 0/600", "ER 2 202"]);

    let (mut bench, conn) = pair(2);
    let soon = member(227.0, "5", 2).text(11, "GTD").text(26, "20251123 03:44:47 UTC");
    bench.place(conn, 3, soon);
    bench.lines(conn);
    bench.pass(10 * SECOND);
    assert_eq!(bench.lines(conn), ["OO 3 Cancelled", "OS 3 Cancelled 0/5", "ER 3 202"]);

    bench.price("228.99");
    bench.lines(conn);
    bench.cancel(conn, 1);
    let said = bench.lines(conn);
    assert!(!said.iter().any(|line| line.contains(" 2 ")), "a group that has traded: {said:?}");
}

/// Section 2.11: names are per account. Each owner hears of its own orders.
#[test]
fn a_group_spans_clients_and_not_accounts() {
    let accounts = ["DU1", "DU2"].map(|id| id.parse().unwrap());
    let mut bench = Bench::with(&[], |config| config.accounts = accounts.to_vec());
    let (one, two) = (bench.client(1), bench.client(2));
    bench.place(one, 1, member(229.0, "10", 1).text(12, "DU1"));
    bench.place(two, 1, member(228.0, "10", 1).text(12, "DU1"));
    bench.place(two, 2, member(228.0, "10", 1).text(12, "DU2"));
    bench.lines(one);
    bench.lines(two);
    bench.price("228.5");
    assert_eq!(bench.lines(one)[2], "OS 1 Filled 10/0");
    assert_eq!(bench.lines(two), ["OO 1 Cancelled", "OS 1 Cancelled 0/10", "ER 1 202"]);
}

/// Category M of section 2.6: only the change fails. The codes are the broker's 10326 and 10327.
#[test]
fn a_change_cannot_move_an_order_to_another_group() {
    let (mut bench, conn) = pair(2);
    for (change, code) in [
        (sized(229.5, "600"), 10_326),
        (sized(229.5, "600").text(GROUP, "two").int(TYPE, 2), 10_326),
        (member(229.5, "600", 1), 10_327),
    ] {
        bench.place(conn, 1, change);
        assert_eq!(bench.lines(conn), [format!("ER 1 {code}")]);
        assert_eq!(bench.echoed(conn, 1).0, Some(229.0));
    }
    bench.place(conn, 1, member(229.5, "600", 2));
    assert_eq!(bench.lines(conn), ["OO 1 Submitted", "OS 1 Submitted 0/600"]);
    bench.place(conn, 3, sized(220.0, "1"));
    bench.lines(conn);
    bench.place(conn, 3, member(220.0, "1", 2));
    assert_eq!(bench.lines(conn), ["ER 3 10326"]);
}

/// Section 2.11: no new member once the group has traded; an old name is free when the group is over.
#[test]
fn a_group_that_has_traded_takes_no_member_until_it_is_over() {
    let (mut bench, conn) = pair(2);
    bench.price("228.99");
    bench.lines(conn);
    bench.place(conn, 3, member(220.0, "1", 2));
    assert_eq!(bench.lines(conn)[0], "ER 3 201");
    bench.cancel(conn, 1);
    bench.cancel(conn, 2);
    bench.lines(conn);
    bench.place(conn, 4, member(220.0, "1", 2));
    assert_eq!(bench.lines(conn).last().unwrap(), "OS 4 Submitted 0/1");
}

#[test]
fn a_type_that_does_not_exist_is_refused_when_there_is_a_group() {
    let mut bench = Bench::new(&[]);
    let conn = bench.client(1);
    for (at, kind) in [4, -1].into_iter().enumerate() {
        bench.place(conn, 1 + at as i32, member(229.0, "1", kind));
        assert_eq!(bench.lines(conn), [format!("ER {} 321", 1 + at)]);
    }
    bench.place(conn, 3, sized(229.0, "1").int(TYPE, 1));
    assert_eq!(bench.lines(conn).len(), 4, "a type alone means nothing");
}

const KINDS: [OcaKind; 3] = [OcaKind::Cancel, OcaKind::Reduce, OcaKind::ReduceLate];

#[derive(Debug, Clone)]
enum Step {
    Place { group: usize, instrument: usize, buy: bool, lots: u32, ticks: i32, market: bool },
    Quote { instrument: usize, ticks: i32, size: u32 },
    Cancel { order: i32 },
    Pass { millis: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_usize, 0..2_usize, any::<bool>(), 1..80_u32, -8..9_i32, prop::bool::weighted(0.1)).prop_map(
            |(group, instrument, buy, lots, ticks, market)| Step::Place { group, instrument, buy, lots, ticks, market }
        ),
        6 => (0..2_usize, -9..10_i32, 1..60_u32).prop_map(|(instrument, ticks, size)| Step::Quote { instrument, ticks, size }),
        1 => (1..40_i32).prop_map(|order| Step::Cancel { order }),
        1 => (1..3_000_u16).prop_map(|millis| Step::Pass { millis }),
    ]
}

/// A venue in which every order belongs to one of six groups, two of each type.
struct World {
    venue: Venue,
    now: i64,
    instruments: Vec<Instrument>,
    /// Size as asked for, and the group.
    asked: BTreeMap<OrderKey, (Decimal, usize)>,
    outputs: Vec<VenueOutput>,
}

impl World {
    fn new(cancel_delay: i64) -> Self {
        let config = VenueConfig { start: START, walk_every: None, cancel_delay, ..VenueConfig::default() };
        let instruments = config.instruments.iter().take(2).cloned().collect();
        let venue = Venue::new(config);
        Self { venue, now: START, instruments, asked: BTreeMap::new(), outputs: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        self.now += 1_000_000;
        let input = match step {
            Step::Place { group, instrument, buy, lots, ticks, market } => {
                let key = OrderKey::new(1, self.asked.len() as i32 + 1);
                let price = self.price(*instrument, *ticks);
                let kind = if *market { OrderKind::Market } else { OrderKind::Limit { limit: price } };
                self.asked.insert(key, (Decimal::from(*lots), *group));
                VenueInput::Place { key, spec: self.spec(*instrument, *group, *buy, *lots, kind) }
            }
            Step::Quote { instrument, ticks, size } => {
                let bid = self.price(*instrument, *ticks);
                let tick = self.instruments[*instrument].increment_at(bid);
                let quote = Quote::new(bid, bid + tick, Decimal::from(*size));
                VenueInput::SetQuote { con_id: self.instruments[*instrument].con_id, quote }
            }
            Step::Cancel { order } => VenueInput::Cancel { key: OrderKey::new(1, *order) },
            Step::Pass { millis } => {
                self.now += i64::from(*millis) * 1_000_000;
                VenueInput::Wake
            }
        };
        let said = self.venue.handle(self.now, input);
        // Whatever the type: where a member is filled, nobody is left at work.
        for output in &said {
            let VenueOutput::Order(report) = output else { continue };
            if report.status == Status::Filled {
                let group = self.asked[&report.key].1;
                assert!(self.venue.open_orders().all(|other| self.asked[&other.key].1 != group));
            }
        }
        self.outputs.extend(said);
    }

    fn price(&self, instrument: usize, ticks: i32) -> Decimal {
        let instrument = &self.instruments[instrument];
        instrument.start_price + instrument.increment_at(instrument.start_price) * Decimal::from(ticks)
    }

    fn spec(&self, instrument: usize, group: usize, buy: bool, lots: u32, kind: OrderKind) -> OrderSpec {
        let instrument = &self.instruments[instrument];
        let oca = Some(Oca { group: format!("g{group}").into(), kind: KINDS[group % 3] });
        OrderSpec {
            con_id: instrument.con_id,
            exchange: instrument.exchange.as_str().into(),
            account: "DU1234567".into(),
            side: if buy { Side::Buy } else { Side::Sell },
            quantity: Decimal::from(lots),
            kind,
            tif: TimeInForce::Gtc,
            order_ref: "".into(),
            parent_id: 0,
            transmit: true,
            outside_rth: false,
            extra: Some(Arc::new(Extra { oca, ..Extra::default() })),
            carried: [].into(),
        }
    }

    fn reports(&self) -> Vec<OrderReport> {
        let finished = self.venue.finished_orders().map(|order| order.report.clone());
        self.venue.open_orders().map(|order| *order).chain(finished).collect()
    }

    /// Must hold between any two inputs.
    fn check(&self) {
        for report in self.reports() {
            let (asked, _) = self.asked[&report.key];
            assert!(report.spec.quantity <= asked, "a group makes nothing larger");
            assert!(report.filled <= report.spec.quantity);
        }
        let sizes: BTreeMap<_, _> = self.venue.sizes().into_iter().collect();
        assert_eq!(sizes["group members"], sizes["working orders"]);
        assert!(sizes["groups"] <= sizes["group members"]);
    }
}

/// A name is used again when its group is over, so groups are followed from their first member to their last.
#[derive(Default)]
struct Life {
    /// Parts of their sizes that members have filled.
    filled: BTreeMap<OrderKey, Decimal>,
    working: Vec<OrderKey>,
}

/// Follows every group through what the venue said.
fn check_lives(world: &World) {
    let mut lives: BTreeMap<usize, Life> = BTreeMap::new();
    for output in &world.outputs {
        match output {
            VenueOutput::Order(report) if report.status == Status::Inactive => {}
            VenueOutput::Order(report) => {
                let life = lives.entry(world.asked[&report.key].1).or_default();
                life.working.retain(|key| *key != report.key);
                if report.status.is_working() {
                    life.working.push(report.key);
                } else if life.working.is_empty() {
                    *life = Life::default();
                }
            }
            VenueOutput::Execution(execution) => {
                let (asked, group) = world.asked[&execution.key];
                let life = lives.entry(group).or_default();
                *life.filled.entry(execution.key).or_default() += execution.quantity / asked;
                match KINDS[group % 3] {
                    OcaKind::Cancel => {
                        assert_eq!(life.filled.len(), 1, "two members of a type 1 group filled")
                    }
                    OcaKind::Reduce => {
                        let parts: Decimal = life.filled.values().sum();
                        assert!(
                            parts <= Decimal::new(1_000_000_001, 9),
                            "a type 2 group filled {parts} times"
                        );
                    }
                    OcaKind::ReduceLate => {}
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_group_never_fills_more_than_its_type_allows(
        slow in any::<bool>(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut world = World::new(if slow { 500_000_000 } else { 0 });
        for step in &steps {
            world.take(step);
            world.check();
        }
        check_lives(&world);
    }
}
