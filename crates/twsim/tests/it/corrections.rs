//! Executions that are said again: corrections and busts (tws-behaviour 3.2).

use std::sync::Arc;

use alphec_twsim::venue::{
    Execution, Meddle, OrderKey, OrderKind, OrderSpec, Side, TimeInForce, Venue, VenueConfig, VenueInput,
    VenueOutput,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::kit::dec;

const ACCOUNT: &str = "DU1234567";
const AAPL: i32 = 265_598;

fn venue() -> Venue {
    Venue::new(VenueConfig { walk_every: None, ..VenueConfig::default() })
}

fn trade(venue: &mut Venue, order_id: i32, side: Side, quantity: u32) -> Arc<Execution> {
    let spec = OrderSpec {
        con_id: AAPL,
        exchange: "SMART".into(),
        account: ACCOUNT.into(),
        side,
        quantity: quantity.into(),
        kind: OrderKind::Market,
        tif: TimeInForce::Day,
        order_ref: "".into(),
        parent_id: 0,
        transmit: true,
        outside_rth: false,
        extra: None,
        carried: [].into(),
    };
    let outputs =
        venue.handle(i64::from(order_id), VenueInput::Place { key: OrderKey::new(1, order_id), spec });
    said(&outputs).expect("a market order within the displayed size fills")
}

fn said(outputs: &[VenueOutput]) -> Option<Arc<Execution>> {
    outputs.iter().find_map(|output| match output {
        VenueOutput::Execution(execution) => Some(Arc::clone(execution)),
        _ => None,
    })
}

/// Somebody trades where we are not shown it: the position and the money move, and no list has an execution of it.
#[test]
fn a_trade_in_another_place_moves_the_position_and_is_no_execution() {
    let mut venue = venue();
    trade(&mut venue, 1, Side::Buy, 100);
    let cash = |venue: &Venue| venue.account(ACCOUNT).unwrap().cash["USD"];
    let before = cash(&venue);
    let (account, quantity) = (ACCOUNT.to_owned(), Decimal::from(-30));
    let elsewhere = Meddle::TradeElsewhere { account, con_id: AAPL, quantity };
    let outputs = venue.handle(2, VenueInput::Meddle(elsewhere));
    assert!(matches!(outputs[..], [VenueOutput::Position { con_id: AAPL, .. }]), "{outputs:?}");
    assert_eq!(venue.account(ACCOUNT).unwrap().held(AAPL), Decimal::from(70));
    assert_eq!(cash(&venue) - before, venue.quote(AAPL).unwrap().mid().unwrap() * Decimal::from(30));
    assert_eq!(venue.executions().count(), 1);
}

fn correct(venue: &mut Venue, exec_id: &str, price: &str, quantity: &str) -> Option<Arc<Execution>> {
    let (price, quantity) = (dec(price), dec(quantity));
    said(&venue.handle(1_000_000, VenueInput::Correct { exec_id: exec_id.to_owned(), price, quantity }))
}

// Section 3.2: "another execDetails identical except for changed values and the last group".
#[test]
fn a_correction_is_the_same_execution_with_its_last_group_counted_up() {
    let mut venue = venue();
    let first = trade(&mut venue, 1, Side::Buy, 100);
    assert!(first.exec_id.ends_with(".01"));
    let second = correct(&mut venue, &first.exec_id, "229", "100").unwrap();
    let base = first.exec_id.strip_suffix("01").unwrap();
    assert_eq!(second.exec_id, format!("{base}02"));
    let expected = Execution {
        exec_id: second.exec_id.clone(),
        price: dec("229"),
        avg_price: dec("229"),
        ..(*first).clone()
    };
    assert_eq!(*second, expected, "nothing else changes");
    // The old name still finds it, and only the latest revision is remembered.
    let third = correct(&mut venue, &first.exec_id, "228", "100").unwrap();
    assert_eq!(third.exec_id, format!("{base}03"));
    assert_eq!(
        venue.executions().map(|it| it.exec_id.as_str()).collect::<Vec<_>>(),
        [third.exec_id.as_str()]
    );
}

#[test]
fn a_corrected_price_moves_cash_and_average_cost_and_no_quantity() {
    let mut venue = venue();
    let fill = trade(&mut venue, 1, Side::Buy, 100);
    let before = venue.account(ACCOUNT).unwrap().clone();
    correct(&mut venue, &fill.exec_id, "229.01", "100").unwrap();
    let after = venue.account(ACCOUNT).unwrap();
    assert_eq!(after.held(AAPL), before.held(AAPL));
    assert_eq!(after.cash["USD"] - before.cash["USD"], dec("100"), "bought a dollar a share cheaper");
    let cost = |account: &alphec_twsim::venue::Account| account.positions[&AAPL].avg_cost();
    assert_eq!(cost(&before) - cost(after), Decimal::ONE);
}

#[test]
fn a_bust_takes_the_fill_out_of_the_books_and_leaves_the_order_alone() {
    let mut venue = venue();
    let opening = venue.account(ACCOUNT).unwrap().cash["USD"];
    let fill = trade(&mut venue, 1, Side::Buy, 100);
    let bust = correct(&mut venue, &fill.exec_id, "230.01", "0").unwrap();
    assert_eq!((bust.quantity, bust.cum_quantity, bust.commission), Default::default());
    let account = venue.account(ACCOUNT).unwrap();
    assert_eq!((account.held(AAPL), account.cash["USD"]), (Decimal::ZERO, opening));
    assert_eq!(venue.open_order_count(), 0, "it does not go back to work");
    assert_eq!(venue.finished_orders().next().unwrap().report.filled, dec("100"));
}

#[test]
fn a_correction_of_an_opening_fill_changes_what_the_closing_fill_realised() {
    let mut venue = venue();
    let opened = trade(&mut venue, 1, Side::Buy, 100);
    trade(&mut venue, 2, Side::Sell, 100);
    correct(&mut venue, &opened.exec_id, "228.01", "100").unwrap();
    // Bought at 228.01, sold at 230.00, a dollar of commission each way.
    let position = venue.account(ACCOUNT).unwrap().positions[&AAPL];
    assert_eq!((position.quantity, position.realized), (Decimal::ZERO, dec("197")));
}

#[test]
fn what_is_not_an_execution_or_not_a_quantity_corrects_nothing() {
    let mut venue = venue();
    let fill = trade(&mut venue, 1, Side::Buy, 100);
    assert_eq!(correct(&mut venue, "no.such.one.01", "1", "1"), None);
    assert_eq!(correct(&mut venue, &fill.exec_id, "1", "-1"), None);
    assert_eq!(venue.executions().next().unwrap().exec_id, fill.exec_id);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However trades and corrections are mixed, the books are those of the corrected executions.
    #[test]
    fn after_any_correction_cash_and_position_are_those_of_the_executions(
        trades in prop::collection::vec((any::<bool>(), 1..400_u32), 1..12),
        corrections in prop::collection::vec((0..12_usize, 100..300_u32, 0..500_u32), 1..8),
    ) {
        let mut venue = venue();
        let opening = venue.account(ACCOUNT).unwrap().cash["USD"];
        for (order_id, (buy, quantity)) in (1..).zip(&trades) {
            trade(&mut venue, order_id, if *buy { Side::Buy } else { Side::Sell }, *quantity);
        }
        for (at, price, quantity) in corrections {
            let ids: Vec<String> = venue.executions().map(|it| it.exec_id.clone()).collect();
            let exec_id = ids[at % ids.len()].clone();
            let (price, quantity) = (price.into(), quantity.into());
            venue.handle(1_000_000, VenueInput::Correct { exec_id, price, quantity });
        }
        let (mut held, mut cash) = (Decimal::ZERO, opening);
        for execution in venue.executions() {
            let signed = execution.side.signed(execution.quantity);
            held += signed;
            cash -= signed * execution.price + execution.commission;
        }
        let account = venue.account(ACCOUNT).unwrap();
        prop_assert_eq!(account.held(AAPL), held);
        prop_assert!((account.cash["USD"] - cash).abs() < dec("0.000001"), "{} {}", account.cash["USD"], cash);
        let profit = account.cash["USD"] - opening + account.positions[&AAPL].cost + account.positions[&AAPL].fees;
        prop_assert!((profit - account.positions[&AAPL].realized).abs() < dec("0.000001"), "what is not held was realised");
    }
}
