//! Fills come from executions and nothing else: once each, corrected by revision, costs apart.

use alphec_model::{AlertKind, BrokerEvent, Decimal, OrderState, Side};

use crate::support::World;
use crate::support::broker::{Books, execution, foreign, foreign_execution, position};
use crate::support::setup::{account, con_id, dec, key};

#[test]
fn a_correction_replaces_what_it_corrects() {
    for (revised, position, state) in
        [("12", "12", OrderState::Filled), ("6", "6", OrderState::Working), ("0", "0", OrderState::Working)]
    {
        let mut world = World::working("a", Side::Buy, "10");
        world.fill("a", "00025b46.63f8f39c.01.01", "10");
        assert_eq!(world.state("a"), OrderState::Filled);
        let seen = world.fill("a", "00025b46.63f8f39c.01.02", revised);
        assert!(seen.has("fill_revised"));
        assert_eq!(seen.alerts(AlertKind::Anomaly), 1);
        assert_eq!((world.position("AAPL"), world.state("a")), (position.into(), state));
        assert_eq!(world.order("a").cum_value, dec(position) * Decimal::ONE_HUNDRED);
        world.fill("a", "00025b46.63f8f39c.01.01", "10");
        assert_eq!(world.position("AAPL"), position, "the superseded one is not booked again");
    }
}

#[test]
fn a_correction_that_comes_first_stands() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.02", "8");
    world.fill("a", "e1.01", "10");
    assert_eq!((world.position("AAPL"), world.state("a")), ("8".into(), OrderState::Working));
}

#[test]
fn one_execution_that_says_two_things_is_raised_and_counted_once() {
    let mut world = World::working("a", Side::Buy, "10");
    world.fill("a", "e1.01", "4");
    assert_eq!(world.fill("a", "e1.01", "5").alerts(AlertKind::Anomaly), 1);
    assert_eq!(world.position("AAPL"), "4");
    world.fill("a", "opaque.x", "1");
    assert_eq!(
        world.fill("a", "opaque.y", "1").alerts(AlertKind::Anomaly),
        1,
        "it cannot be told from a revision"
    );
}

#[test]
fn costs_are_counted_whenever_they_come_and_as_last_told() {
    let mut world = World::working("a", Side::Buy, "10");
    world.commission("e1.01", Some("1.50"));
    world.commission("e1.01", None);
    world.fill("a", "e1.01", "4");
    assert_eq!(world.order("a").commission, dec("1.50"), "told before the fill");
    world.fill("a", "e2.01", "6");
    world.commission("e2.01", None);
    assert_eq!(world.order("a").commission, dec("1.50"), "pending is no amount");
    world.commission("e2.01", Some("2"));
    world.commission("e2.01", Some("2"));
    assert_eq!(world.order("a").commission, dec("3.50"));
    world.commission("e2.01", Some("-0.25"));
    assert_eq!(world.order("a").commission, dec("1.25"), "a rebate replaces what it corrects");
    world.restart();
    assert_eq!(world.order("a").commission, dec("1.25"));
}

#[test]
fn an_execution_of_another_side_or_instrument_moves_the_position_and_not_the_order() {
    let mut world = World::working("a", Side::Buy, "10");
    let order = world.order("a");
    let mut sold = execution(&order, "e1.01", "10", "100");
    sold.side = Side::Sell;
    let mut other = execution(&order, "e2.01", "10", "100");
    (other.instrument, other.con_id) = (Some(crate::support::setup::instrument("ES")), Some(con_id("ES")));
    for report in [sold, other] {
        assert_eq!(world.event(BrokerEvent::Execution(report)).alerts(AlertKind::Anomaly), 1);
    }
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Working, "10".into()));
    assert_eq!((world.position("AAPL"), world.position("ES")), ("-10".into(), "10".into()));
}

#[test]
fn a_fill_of_ours_is_booked_though_its_account_left_the_profile() {
    let mut world = World::started_with(|config| {
        config.accounts.insert(account("DU2"));
    });
    world.resolve();
    world.session(&["DU1", "DU2"], 1);
    world.feed();
    let value = |value| BrokerEvent::Account { account: account("DU2"), value };
    world.event(value(alphec_model::AccountValue::NetLiquidation {
        amount: dec("1000000"),
        currency: alphec_model::Currency::USD,
    }));
    world.event(value(alphec_model::AccountValue::Ready { ready: true }));
    world.books(Books::default());
    let mut request =
        crate::support::setup::request("a", "AAPL", crate::support::setup::limit(Side::Buy, "10", "100"));
    request.account = account("DU2");
    assert_eq!(world.submit_request(request).places(), 1);
    world.open_order("a", "Submitted");
    world.restart_with(crate::support::setup::config());
    world.resolve();
    world.session(&["DU1", "DU2"], 1);
    world.fill("a", "e1.01", "10");
    assert_eq!(world.state("a"), OrderState::Filled);
}

#[test]
fn executions_of_others_in_our_account_move_the_position_and_no_order() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut report = foreign_execution("AAPL", Side::Sell, "e1.01", "3");
    // Another client's order under our very number.
    report.names = foreign(99, world.order("a").broker_order_id.unwrap().get(), 4_242);
    world.event(BrokerEvent::Execution(report.clone()));
    assert_eq!((world.position("AAPL"), world.order("a").cum_qty.is_zero()), ("-3".into(), true));
    report.exec_id = alphec_model::ExecId::new("e2.01").unwrap();
    report.account = account("U777");
    world.event(BrokerEvent::Execution(report));
    assert_eq!(world.position("AAPL"), "-3", "other accounts are not ours to count");
}

#[test]
fn a_combination_is_counted_by_its_legs() {
    let mut world = World::working("a", Side::Buy, "10");
    let mut whole = execution(&world.order("a"), "e1.01", "10", "100");
    whole.is_combo = true;
    world.event(BrokerEvent::Execution(whole));
    assert_eq!((world.position("AAPL"), world.state("a")), ("0".into(), OrderState::Working));
}

#[test]
fn a_liquidation_by_the_broker_is_raised() {
    let mut world = World::ready();
    let mut report = foreign_execution("AAPL", Side::Sell, "e1.01", "3");
    report.is_liquidation = true;
    assert_eq!(world.event(BrokerEvent::Execution(report)).alerts(AlertKind::Anomaly), 1);
    assert_eq!(world.position("AAPL"), "-3");
}

#[test]
fn a_fill_whose_value_no_decimal_holds_is_booked_all_the_same() {
    let mut world = World::working("a", Side::Buy, "10");
    let report = execution(&world.order("a"), "e1.01", "1.23456789012345", "1.23456789012347");
    world.event(BrokerEvent::Execution(report));
    assert_eq!(world.position("AAPL"), "1.23456789012345");
    assert!(world.core.readiness().is_ready());
}

#[test]
fn executions_found_with_the_first_position_belong_to_it() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    let executions = vec![foreign_execution("AAPL", Side::Buy, "e1.01", "10")];
    world.books(Books { executions, positions: vec![position("AAPL", "10")], ..Books::default() });
    assert_eq!(world.position("AAPL"), "10");
    // What is corrected later was not in it.
    world.event(BrokerEvent::Execution(foreign_execution("AAPL", Side::Buy, "e1.02", "8")));
    assert_eq!(world.position("AAPL"), "8");
    assert_eq!(world.core.book().fills_of(&key("a")).count(), 0);
}
