//! Both dialects at every version, under random and spoiled input.

use std::sync::Arc;

use alphec_twsim::venue::{
    Execution, FinishedOrder, Instrument, OrderKey, OrderKind, OrderReport, OrderSpec, Side, Status,
    TickStep, TimeInForce,
};
use alphec_twsim::wire::{
    Bar, History, NEWEST_SERVER_VERSION, OLDEST_SERVER_VERSION, OptionChain, PortfolioLine, Reply, Request,
    SinglePnL, decode, encode,
};
use bytes::{Buf, Bytes, BytesMut};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::kit::dec;

/// A placeOrder as IBKR's client writes it at version 202, with every optional part in it: legs, scale, hedge,
/// algorithm, conditions, delta-neutral terms and contract, offsets. `|` stands for NUL.
const FULL_ORDER: &str = "7|265598|AAPL|BAG|||||IBKRATS|||||||BUY|3|PEG BEST|10.5|0.5|GTC|one||O|1|ref 1|1|0|1|1|4|2|1|1|1\
    |265598|1|BUY|SMART|0|0||-1|1|2.5|1|NonGuaranteed|1||0.25|||group|NetLiq|10|model|1|there|2|2|I|\
    firm|0|2|0.5|0|0||0|1.5|2.5|0.5|200.5|260.5|1|0.35|2|LMT|10.5|265598|dn firm|dn account|PTA|O|1|\
    2|dn place|1|2|220.0|1.5|5|3|0.05|0.01|60|0.1|1|7|1|1|table|20270101 10:00:00 UTC|20280101 10:00\
    :00 UTC|P|ratio=2|1|cleared|Away|1|1|265598|0.5|230.0|Twap|3|strategyType|Marketable|allowPastEn\
    dTime|1|a||id-1|0|one=1;two=2;|1|1|1|6|1|a|1|240.25|265598|SMART|2|3|o|1|20281231 23:59:59 UTC|4\
    |a|0|30|5|a|STK|SMART|MSFT|6|o|1|1000000|265598|SMART|7|a|0|1.25|265598|SMART|1|1|STP LMT|221.5|\
    0.75|220.5|219.5|1.5|1|operator|tier|5|1000.5|maker|decider|trader|executor|1|1|1|1|3600|5|1|822\
    9=IBDBUYTX|20270101 10:00:00 UTC|2|4|Infinity|0.1|0.2|customer|1|1|1|1|";

fn full_order() -> Vec<String> {
    let mut fields: Vec<String> = FULL_ORDER.split('|').map(str::to_owned).collect();
    fields.pop();
    fields
}

fn text_payload(version: i32, id: i32, fields: &[String]) -> Bytes {
    let mut payload = BytesMut::new();
    if version >= 201 {
        payload.extend_from_slice(&id.to_be_bytes());
    } else {
        payload.extend_from_slice(format!("{id}\0").as_bytes());
    }
    for field in fields {
        payload.extend_from_slice(field.as_bytes());
        payload.extend_from_slice(b"\0");
    }
    payload.freeze()
}

#[test]
fn an_order_with_everything_in_it_is_read_to_its_last_field() {
    let fields = full_order();
    let Ok(Request::PlaceOrder(placed)) = decode(202, &text_payload(202, 3, &fields)) else {
        panic!("an order")
    };
    let order = &placed.order;
    assert_eq!(placed.order_id, 7);
    assert_eq!(placed.contract.combo_legs[0].per_leg_price, Some(2.5));
    assert_eq!(placed.contract.delta_neutral_contract.as_ref().unwrap().price, Some(230.0));
    assert_eq!(order.smart_combo_routing_params[0].tag.as_deref(), Some("NonGuaranteed"));
    assert_eq!(order.order_misc_options[1].value.as_deref(), Some("2"));
    assert_eq!(order.conditions.len(), 6);
    assert_eq!(order.delta_neutral_designated_location.as_deref(), Some("dn place"));
    assert_eq!(order.compete_against_best_offset, Some(f64::INFINITY));
    assert_eq!((order.mid_offset_at_half, order.imbalance_only), (Some(0.2), Some(true)));
}

#[test]
fn an_order_cut_off_anywhere_is_an_error() {
    let fields = full_order();
    for length in 0..fields.len() {
        assert!(decode(202, &text_payload(202, 3, &fields[..length])).is_err(), "{length} fields");
    }
    let payload = text_payload(202, 3, &fields);
    for length in 0..payload.len() {
        assert!(decode(202, &payload.slice(..length)).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the bytes, version and message: an answer, never a panic.
    #[test]
    fn random_bytes_never_break_a_decoder(version in versions(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _any = decode(version, &Bytes::from(bytes));
    }

    #[test]
    fn random_fields_never_break_a_decoder(
        version in 157..213_i32,
        id in 1..110_i32,
        fields in prop::collection::vec(field(), 0..220),
    ) {
        let _any = decode(version, &text_payload(version, id, &fields));
    }

    /// One field of a good order replaced by anything: still an order, or a named problem.
    #[test]
    fn a_spoiled_order_never_breaks_a_decoder(at in any::<prop::sample::Index>(), spoiled in field(), version in versions()) {
        let mut fields = full_order();
        let at = at.index(fields.len());
        fields[at] = spoiled;
        let _any = decode(version, &text_payload(version, 3, &fields));
    }

    #[test]
    fn random_protobuf_bodies_never_break_a_decoder(
        version in 201..=NEWEST_SERVER_VERSION,
        id in 1..110_i32,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let payload = [&(200 + id).to_be_bytes()[..], &body].concat();
        let _any = decode(version, &Bytes::from(payload));
    }
}

fn versions() -> impl Strategy<Value = i32> {
    OLDEST_SERVER_VERSION..=NEWEST_SERVER_VERSION
}

/// What fields look like, and what they should not look like.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        (-3..9_i32).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        prop::sample::select(vec![
            "1.7976931348623157E308",
            "2147483647",
            "Infinity",
            "BAG",
            "a",
            "PEG MID",
            "1"
        ])
        .prop_map(str::to_owned),
        "[^\0]{0,12}",
    ]
}

/// Every reply there is, at every version: one frame of the right length under the right id.
#[test]
fn every_reply_is_one_frame_at_every_version() {
    let instruments = Instrument::defaults();
    let fixture = Fixture::new();
    for version in OLDEST_SERVER_VERSION..=NEWEST_SERVER_VERSION {
        for instrument in &instruments {
            for reply in fixture.replies(instrument) {
                check_frame(version, &reply);
            }
        }
    }
}

fn check_frame(version: i32, reply: &Reply<'_>) {
    let mut out = BytesMut::new();
    encode(version, reply, &mut out);
    if matches!(reply, Reply::HistoricalDataEnd { .. }) && version < 196 {
        assert!(out.is_empty());
        return;
    }
    assert_eq!(out.get_u32() as usize, out.len(), "{version} {reply:?}");
    if version < 201 {
        let expected = format!("{}\0", reply.message_id());
        assert!(out.starts_with(expected.as_bytes()), "{version} {reply:?}");
        assert_eq!(out.last(), Some(&0), "{version} {reply:?}");
    } else {
        let raw_id = out.get_i32();
        let expected = if version >= 213 || raw_id > 200 { 200 } else { 0 } + reply.message_id();
        assert_eq!(raw_id, expected, "{version} {reply:?}");
    }
}

/// One of everything that replies borrow.
struct Fixture {
    report: OrderReport,
    finished: FinishedOrder,
    execution: Execution,
    steps: Vec<TickStep>,
}

impl Fixture {
    fn new() -> Self {
        let Ok(Request::PlaceOrder(placed)) = decode(202, &text_payload(202, 3, &full_order())) else {
            panic!("an order")
        };
        let spec = OrderSpec {
            con_id: 265_598,
            exchange: "SMART".into(),
            account: "DU1234567".into(),
            side: Side::Buy,
            quantity: dec("2.5"),
            kind: OrderKind::Limit { limit: dec("230.15") },
            tif: TimeInForce::Gtd(1_763_870_277_000_000_000),
            order_ref: "ref".into(),
            parent_id: 0,
            transmit: true,
            outside_rth: false,
            extra: None,
            carried: placed.carried(),
        };
        let report = OrderReport {
            key: OrderKey::new(1, 7),
            perm_id: 1 << 40,
            parent_perm_id: 0,
            spec: Arc::new(spec),
            status: Status::Submitted,
            filled: dec("1"),
            remaining: dec("1.5"),
            avg_price: dec("230.1"),
            last_price: dec("230.1"),
            commission: Decimal::ONE,
            why_held: "",
            bound: true,
            reject_reason: "".into(),
        };
        let finished = FinishedOrder { report: report.clone(), at: 1_763_870_277_000_000_000 };
        let execution = Execution {
            exec_id: "0001.0002.01.01".to_owned(),
            key: report.key,
            perm_id: report.perm_id,
            con_id: 265_598,
            leg: 0,
            account: "DU1234567".into(),
            side: Side::Buy,
            quantity: dec("1"),
            price: dec("230.1"),
            cum_quantity: dec("1"),
            avg_price: dec("230.1"),
            at: 1_763_870_277_000_000_000,
            order_ref: "ref".into(),
            added_liquidity: false,
            commission: Decimal::ONE,
            currency: "USD".into(),
            realized_pnl: None,
        };
        let steps = vec![TickStep { low_edge: Decimal::ZERO, increment: dec("0.01") }];
        Self { report, finished, execution, steps }
    }

    fn replies<'a>(&'a self, instrument: &'a Instrument) -> Vec<Reply<'a>> {
        let mut all = self.order_replies(instrument);
        all.extend(self.account_replies(instrument));
        all.extend(self.market_replies(instrument));
        all.extend([
            Reply::NextValidId(7),
            Reply::ManagedAccounts("DU1,DU2"),
            Reply::Error { id: -1, code: 201, text: "Größe \\ zu klein".into(), at_ms: 1 },
            Reply::CurrentTime { seconds: 1 },
            Reply::CurrentTimeMillis { millis: 1 },
            Reply::SoftDollarTiers { req_id: 1 },
            Reply::NewsProviders,
            Reply::UserInfo { req_id: 1 },
        ]);
        all
    }

    fn order_replies<'a>(&'a self, instrument: &'a Instrument) -> Vec<Reply<'a>> {
        vec![
            Reply::OpenOrder { order: &self.report, instrument },
            Reply::OrderStatus { order: &self.report },
            Reply::OpenOrderEnd,
            Reply::OrderBound { perm_id: 1 << 40, client_id: 0, order_id: -1 },
            Reply::CompletedOrder { order: &self.finished, instrument },
            Reply::CompletedOrdersEnd,
            Reply::Execution { req_id: -1, execution: &self.execution, instrument, time: None },
            Reply::ExecutionsEnd { req_id: 1 },
            Reply::Commission(&self.execution),
        ]
    }

    fn account_replies<'a>(&'a self, instrument: &'a Instrument) -> Vec<Reply<'a>> {
        let (quantity, avg_cost) = (dec("1.5"), dec("230.1"));
        let line = PortfolioLine {
            account: "DU1",
            instrument,
            quantity,
            market_price: avg_cost,
            market_value: avg_cost,
            avg_cost,
            unrealized: Decimal::ZERO,
            realized: Decimal::ZERO,
        };
        let pnl = SinglePnL {
            req_id: 1,
            position: quantity,
            daily: avg_cost,
            unrealized: avg_cost,
            realized: avg_cost,
            value: avg_cost,
        };
        vec![
            Reply::Position { account: "DU1", instrument, quantity, avg_cost },
            Reply::PositionEnd,
            Reply::AccountValue { account: "DU1", key: "Cash", value: "1.00".into(), currency: "USD" },
            Reply::PortfolioValue(Box::new(line)),
            Reply::AccountUpdateTime("10:00".to_owned()),
            Reply::AccountDownloadEnd("DU1"),
            Reply::AccountSummary {
                req_id: 1,
                account: "DU1",
                tag: "Cash",
                value: "1".into(),
                currency: "USD",
            },
            Reply::AccountSummaryEnd { req_id: 1 },
            Reply::PositionMulti { req_id: 1, account: "DU1", instrument, quantity, avg_cost },
            Reply::PositionMultiEnd { req_id: 1 },
            Reply::AccountUpdateMulti {
                req_id: 1,
                account: "DU1",
                key: "Cash",
                value: "1".into(),
                currency: "",
            },
            Reply::AccountUpdateMultiEnd { req_id: 1 },
            Reply::PnL { req_id: 1, daily: avg_cost, unrealized: avg_cost, realized: avg_cost },
            Reply::PnLSingle(Box::new(pnl)),
            Reply::FamilyCodes(vec!["DU1"]),
        ]
    }

    fn market_replies<'a>(&'a self, instrument: &'a Instrument) -> Vec<Reply<'a>> {
        let bar = Bar { date: "20261125".to_owned(), open: dec("1.5"), count: 3, ..Bar::default() };
        let (start, end) = ("20261124".to_owned(), "20261125".to_owned());
        let history =
            History { req_id: 1, start: start.clone(), end: end.clone(), bars: vec![bar.clone(); 2] };
        let chain = OptionChain {
            req_id: 1,
            exchange: "SMART",
            underlying_con_id: 265_598,
            trading_class: "AAPL",
            multiplier: Decimal::ONE_HUNDRED,
            expirations: vec!["20270115"],
            strikes: vec![dec("250")],
        };
        vec![
            Reply::ContractDetails { req_id: 1, instrument, now: 0 },
            Reply::ContractDetailsEnd { req_id: 1 },
            Reply::MarketRule { rule_id: 26, steps: &self.steps },
            Reply::SymbolSamples { req_id: 1, found: vec![instrument] },
            Reply::OptionChain(Box::new(chain)),
            Reply::OptionChainEnd { req_id: 1 },
            Reply::HistoricalData(Box::new(history)),
            Reply::HistoricalDataEnd { req_id: 1, start, end },
            Reply::HistoricalUpdate { req_id: 1, bar: Box::new(bar.clone()) },
            Reply::RealTimeBar { req_id: 1, seconds: 1, bar: Box::new(bar) },
            Reply::MarketDataType { req_id: 1, kind: 1 },
            Reply::TickReqParams { req_id: 1, min_tick: dec("0.01") },
            Reply::TickPrice { req_id: 1, field: 1, price: None, size: Decimal::ZERO },
            Reply::TickSize { req_id: 1, field: 0, size: dec("1.5") },
            Reply::TickSnapshotEnd { req_id: 1 },
        ]
    }
}
