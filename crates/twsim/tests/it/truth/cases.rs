//! Every order type that crate `ibapi` can place and the venue trades, with what the venue must make of it.

use alphec_twsim::venue::{Extra, LegTerms, Oca, OcaKind, OrderKind, Status, TimeInForce, TrailBy};
use ibapi::contracts::{ComboLeg, Contract, LegAction, SecurityType, TagValue};
use ibapi::orders::builder::BracketPrices;
use ibapi::orders::{Action, OcaType, Order, OrderComboLeg, TimeInForce as Tif, order_builder};
use rust_decimal::Decimal;

use crate::kit::{aapl, dec, limit, order};

pub(super) const AAPL: i32 = 265_598;
pub(super) const MSFT: i32 = 272_093;
/// 2028-01-01T10:00:00Z.
const NEW_YEAR: i64 = 1_830_333_600_000_000_000;

/// An order, and what the venue must have made of it.
pub(super) struct Case {
    pub(super) contract: Contract,
    pub(super) order: Order,
    pub(super) kind: OrderKind,
    pub(super) tif: TimeInForce,
    pub(super) extra: Option<Extra>,
    /// How it stands once everything is answered: status and filled.
    pub(super) stands: (Status, u32),
}

impl Case {
    pub(super) fn resting(order: Order, kind: OrderKind) -> Self {
        let stands = (Status::Submitted, 0);
        Self { contract: aapl(), order, kind, tif: TimeInForce::Day, extra: None, stands }
    }

    /// Waits for a price or for its time, and is shown as such.
    pub(super) fn held(order: Order, kind: OrderKind) -> Self {
        Self { stands: (Status::PreSubmitted, 0), ..Self::resting(order, kind) }
    }

    pub(super) fn filled(order: Order, kind: OrderKind) -> Self {
        let filled = order.total_quantity.to_string().parse().unwrap();
        Self { stands: (Status::Filled, filled), ..Self::resting(order, kind) }
    }

    fn of_a_pair(self, limits: Vec<(i32, Decimal)>, non_guaranteed: bool) -> Self {
        let legs = Some(LegTerms { limits, non_guaranteed, apart: None });
        let is_plain = legs.as_ref().is_some_and(|it| it.limits.is_empty() && !it.non_guaranteed);
        let extra = (!is_plain).then(|| Extra { legs, ..Extra::default() });
        Self { contract: pair(), extra, ..self }
    }
}

/// One MSFT for two AAPL: 420.00 / 420.01 less twice 230.00 / 230.01 is -40.02 / -39.99.
fn pair() -> Contract {
    let leg = |contract_id, ratio, action| ComboLeg {
        contract_id,
        ratio,
        action,
        exchange: "SMART".to_owned(),
        ..ComboLeg::default()
    };
    Contract {
        symbol: "AAPL,MSFT".into(),
        security_type: SecurityType::Spread,
        exchange: "SMART".into(),
        currency: "USD".into(),
        combo_legs: vec![leg(MSFT, 1, LegAction::Buy), leg(AAPL, 2, LegAction::Sell)],
        ..Contract::default()
    }
}

fn buy(kind: &str) -> Order {
    order(Action::Buy, 7.0, kind)
}

/// The market is at 230.00 / 230.01 with 500 on each side, and stands still.
fn plain_cases() -> Vec<Case> {
    let low = || limit(Action::Buy, 7.0, 220.5);
    let at_220 = OrderKind::Limit { limit: dec("220.5") };
    let stop = |price| Order { aux_price: Some(price), ..buy("STP") };
    vec![
        Case::filled(buy("MKT"), OrderKind::Market),
        Case::filled(order(Action::Sell, 5.0, "MKT"), OrderKind::Market),
        Case::resting(low(), at_220),
        Case::filled(limit(Action::Buy, 7.0, 231.0), OrderKind::Limit { limit: dec("231") }),
        Case::held(stop(235.25), OrderKind::Stop { stop: dec("235.25") }),
        Case::held(
            Order { aux_price: Some(235.25), limit_price: Some(236.0), ..buy("STP LMT") },
            OrderKind::StopLimit { stop: dec("235.25"), limit: dec("236") },
        ),
        Case::held(
            Order { aux_price: Some(225.0), ..buy("MIT") },
            OrderKind::IfTouched { touch: dec("225") },
        ),
        Case::held(
            Order { aux_price: Some(225.0), limit_price: Some(225.5), ..buy("LIT") },
            OrderKind::LimitIfTouched { touch: dec("225"), limit: dec("225.5") },
        ),
        Case::filled(buy("MTL"), OrderKind::MarketToLimit { limit: Some(dec("230.01")) }),
    ]
}

/// Other lives than a day's.
fn timed_cases() -> Vec<Case> {
    let low = || limit(Action::Buy, 7.0, 220.5);
    let at_220 = OrderKind::Limit { limit: dec("220.5") };
    let opg = |order: Order| Order { tif: Tif::OnOpen, ..order };
    vec![
        Case::held(order_builder::market_on_close(Action::Buy, 7.0), OrderKind::MarketOnClose),
        Case::held(
            order_builder::limit_on_close(Action::Buy, 7.0, 230.5),
            OrderKind::LimitOnClose { limit: dec("230.5") },
        ),
        Case { tif: TimeInForce::Opg, ..Case::held(opg(buy("MKT")), OrderKind::Market) },
        Case { tif: TimeInForce::Opg, ..Case::held(opg(low()), at_220) },
        Case {
            tif: TimeInForce::Gtc,
            ..Case::resting(Order { tif: Tif::GoodTillCanceled, outside_rth: true, ..low() }, at_220)
        },
        Case {
            tif: TimeInForce::Gtd(NEW_YEAR),
            ..Case::resting(
                Order { tif: Tif::GoodTillDate, good_till_date: "20280101 10:00:00 UTC".to_owned(), ..low() },
                at_220,
            )
        },
        Case {
            tif: TimeInForce::Ioc,
            stands: (Status::Cancelled, 0),
            ..Case::resting(Order { tif: Tif::ImmediateOrCancel, ..low() }, at_220)
        },
        Case {
            tif: TimeInForce::Fok,
            stands: (Status::Cancelled, 0),
            ..Case::resting(Order { tif: Tif::FillOrKill, ..low() }, at_220)
        },
    ]
}

fn trailing_cases() -> Vec<Case> {
    let (two, percent) = (TrailBy::Amount(dec("2.5")), TrailBy::Percent(dec("2")));
    vec![
        Case::held(
            Order { aux_price: Some(2.5), ..buy("TRAIL") },
            OrderKind::Trail { by: two, stop: Some(dec("232.51")) },
        ),
        Case::held(
            Order { trailing_percent: Some(2.0), ..buy("TRAIL") },
            OrderKind::Trail { by: percent, stop: Some(dec("234.62")) },
        ),
        Case::held(
            Order { aux_price: Some(2.5), trail_stop_price: Some(231.5), ..buy("TRAIL") },
            OrderKind::Trail { by: two, stop: Some(dec("231.5")) },
        ),
        Case::held(
            Order { aux_price: Some(2.5), limit_price_offset: Some(0.25), ..buy("TRAIL LIMIT") },
            OrderKind::TrailLimit { by: two, stop: Some(dec("232.51")), offset: dec("0.25") },
        ),
    ]
}

fn rarer_cases() -> Vec<Case> {
    let at = |price: f64| limit(Action::Buy, 600.0, price);
    let case = |order: Order, extra: Extra| {
        let kind = OrderKind::Limit { limit: Decimal::try_from(order.limit_price.unwrap()).unwrap() };
        Case { extra: Some(extra), ..Case::resting(order, kind) }
    };
    vec![
        case(Order { all_or_none: true, ..at(230.01) }, Extra { all_or_none: true, ..Extra::default() }),
        case(
            Order { min_qty: Some(600), ..at(230.01) },
            Extra { min_quantity: Some(dec("600")), ..Extra::default() },
        ),
        case(Order { hidden: true, ..at(220.0) }, Extra { hidden: true, ..Extra::default() }),
        Case {
            stands: (Status::PreSubmitted, 0),
            ..case(
                Order {
                    good_after_time: "20280101 10:00:00 UTC".to_owned(),
                    tif: Tif::GoodTillCanceled,
                    ..at(220.0)
                },
                Extra { good_after: Some(NEW_YEAR), ..Extra::default() },
            )
        },
    ]
    .into_iter()
    .map(|it| if it.order.tif == Tif::GoodTillCanceled { Case { tif: TimeInForce::Gtc, ..it } } else { it })
    .collect()
}

fn combinations() -> Vec<Case> {
    let net = |price: f64| limit(Action::Buy, 3.0, price);
    let at_45 = OrderKind::Limit { limit: dec("-45") };
    let tag = TagValue { tag: "NonGuaranteed".to_owned(), value: "1".to_owned() };
    let prices = [425.0, 221.0].map(|price| OrderComboLeg { price: Some(price) }).to_vec();
    let leg_limits = vec![(MSFT, dec("425")), (AAPL, dec("221"))];
    vec![
        Case::resting(net(-45.0), at_45).of_a_pair(Vec::new(), false),
        Case::resting(Order { smart_combo_routing_params: vec![tag], ..net(-45.0) }, at_45)
            .of_a_pair(Vec::new(), true),
        Case::resting(Order { order_combo_legs: prices, ..net(-45.0) }, at_45).of_a_pair(leg_limits, false),
        Case::filled(order(Action::Buy, 3.0, "MKT"), OrderKind::Market).of_a_pair(Vec::new(), false),
    ]
}

/// Two members in a group of each type, submitted by the crate's own function.
pub(super) fn groups() -> Vec<Vec<Case>> {
    let types = [
        (OcaType::CancelWithBlock, OcaKind::Cancel),
        (OcaType::ReduceWithBlock, OcaKind::Reduce),
        (OcaType::ReduceWithoutBlock, OcaKind::ReduceLate),
    ];
    let member = |price: &str, group: &str, oca_type: &OcaType, kind: OcaKind| {
        let order = Order {
            oca_group: group.to_owned(),
            oca_type: *oca_type,
            ..limit(Action::Buy, 7.0, price.parse().unwrap())
        };
        let oca = Some(Oca { group: group.into(), kind });
        let extra = Some(Extra { oca, ..Extra::default() });
        Case { extra, ..Case::resting(order, OrderKind::Limit { limit: dec(price) }) }
    };
    types
        .iter()
        .zip(["one", "two", "three"])
        .map(|((oca_type, kind), group)| {
            ["220", "221"].map(|price| member(price, group, oca_type, *kind)).into()
        })
        .collect()
}

/// A bracket as the crate builds it; the children wait for the parent.
pub(super) fn bracket(parent: i32) -> Vec<Case> {
    let prices = BracketPrices { entry: 220.0, take_profit: 240.0, stop_loss: 210.0 };
    let orders = order_builder::bracket_order(parent, Action::Buy, 7.0, prices).unwrap();
    let kinds = [
        OrderKind::Limit { limit: dec("220") },
        OrderKind::Limit { limit: dec("240") },
        OrderKind::Stop { stop: dec("210") },
    ];
    let cases = orders.into_iter().zip(kinds).map(|(order, kind)| Case::held(order, kind));
    let mut cases: Vec<Case> = cases.collect();
    cases[0].stands = (Status::Submitted, 0);
    cases
}

/// Every order that stands alone.
pub(super) fn singles() -> impl Iterator<Item = Case> {
    [plain_cases(), timed_cases(), trailing_cases(), rarer_cases(), combinations()].into_iter().flatten()
}
