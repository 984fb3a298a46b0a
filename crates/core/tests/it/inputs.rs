//! The gate fails closed: whatever it needs and does not have, or has too old, denies.

use alphec_core::Input;
use alphec_model::broker::ServerLink;
use alphec_model::{
    AccountValue, BrokerEvent, Currency, DenyReason, OrderState, OrderType, Quote, Rule, Side, Trail,
};

use crate::support::World;
use crate::support::broker::{Books, foreign_execution, position};
use crate::support::setup::{account, con_id, dec, euro, instrument, limit, px, request, seconds, spec};

/// Resolved, connected and reconciled, but without quotes and account values.
fn unfed() -> World {
    let mut world = World::started();
    world.resolve();
    world.connect();
    world.books(Books::default());
    world
}

fn missing(reason: DenyReason) -> (Rule, String) {
    match reason {
        DenyReason::Missing { rule, what } => (rule, what),
        other => panic!("nothing is missing: {other:?}"),
    }
}

fn buy(world: &mut World, name: &str) -> DenyReason {
    let seen = world.submit(name, Side::Buy, "1");
    assert_eq!((seen.order().state, seen.0.requests.len()), (OrderState::Denied, 0));
    seen.denied()
}

#[test]
fn a_missing_quote_denies() {
    let mut world = unfed();
    world.account_values();
    assert_eq!(missing(buy(&mut world, "a")), (Rule::PriceCollar, "a quote of AAPL".into()));
}

#[test]
fn a_quote_without_prices_or_crossed_without_a_last_price_denies() {
    let mut world = World::ready();
    let at = world.now;
    let empty = Quote { bid: None, ask: None, last: None, at };
    let quotes = [
        empty,
        Quote { bid: Some(px("100")), ..empty },
        Quote { bid: Some(px("101")), ask: Some(px("100")), ..empty },
        // What feeds send for "no quote": a share is never worth that.
        Quote { bid: Some(px("0")), ask: Some(px("0")), ..empty },
        Quote { bid: Some(px("-1")), ask: Some(px("200")), ..empty },
        Quote { last: Some(px("0")), ..empty },
    ];
    for (number, quote) in quotes.into_iter().enumerate() {
        world.event(BrokerEvent::Quote { instrument: instrument("AAPL"), quote });
        let (rule, what) = missing(buy(&mut world, &format!("a{number}")));
        assert_eq!((rule, what.as_str()), (Rule::PriceCollar, "a reference price of AAPL"), "{quote:?}");
    }
}

#[test]
fn a_stale_quote_denies_and_one_from_the_future_is_as_old_as_its_arrival() {
    let mut world = World::ready();
    let tomorrow = world.now.saturating_add(seconds(86_400));
    let quote = crate::support::setup::quote("99.99", "100.01", tomorrow);
    world.event(BrokerEvent::Quote { instrument: instrument("AAPL"), quote });
    world.now = world.now.saturating_add(seconds(10));
    assert_eq!(
        world.submit("a", Side::Buy, "1").order().state,
        OrderState::PendingNew,
        "ten seconds are allowed"
    );
    world.now = world.now.saturating_add(std::time::Duration::from_millis(1));
    let DenyReason::Stale { rule, age_ms, limit_ms, .. } = buy(&mut world, "b") else { panic!("not stale") };
    assert_eq!((rule, age_ms, limit_ms), (Rule::PriceCollar, 10_001, 10_000));
}

#[test]
fn missing_stale_or_unready_account_values_deny() {
    let mut world = unfed();
    world.quote("AAPL", "99.99", "100.01");
    assert_eq!(missing(buy(&mut world, "a")).1, "the values of DU1");
    world.figure(AccountValue::Ready { ready: true });
    assert_eq!(missing(buy(&mut world, "b")).1, "net liquidation of DU1");
    world.figure(AccountValue::NetLiquidation { amount: dec("1000000"), currency: Currency::USD });
    assert_eq!(world.submit("c", Side::Buy, "1").order().state, OrderState::PendingNew);
    world.figure(AccountValue::Ready { ready: false });
    assert!(missing(buy(&mut world, "d")).1.contains("not ready"));
    world.figure(AccountValue::Ready { ready: true });
    world.now = world.now.saturating_add(seconds(301));
    world.quote("AAPL", "99.99", "100.01");
    assert!(matches!(buy(&mut world, "e"), DenyReason::Stale { rule: Rule::MaxLeverage, .. }));
}

#[test]
fn account_values_that_were_never_called_ready_deny() {
    let mut world = unfed();
    world.quote("AAPL", "99.99", "100.01");
    world.figure(AccountValue::NetLiquidation { amount: dec("1000000"), currency: Currency::USD });
    assert!(missing(buy(&mut world, "a")).1.contains("not ready"));
}

#[test]
fn a_missing_or_senseless_exchange_rate_denies() {
    let mut world = unfed();
    world.quote("SAP", "199.99", "200.01");
    world.figure(AccountValue::NetLiquidation { amount: dec("1000000"), currency: Currency::USD });
    world.figure(AccountValue::Ready { ready: true });
    let deny = |world: &mut World, name: &str| {
        missing(world.submit_spec(name, "SAP", limit(Side::Buy, "1", "200")).denied()).1
    };
    assert_eq!(deny(&mut world, "a"), "the exchange rate of EUR to USD");
    for (name, rate) in [("b", "0"), ("c", "-1")] {
        world.figure(AccountValue::ExchangeRate { currency: euro(), rate: dec(rate) });
        assert_eq!(deny(&mut world, name), "the exchange rate of EUR to USD");
    }
}

#[test]
fn an_instrument_that_is_unknown_unresolved_or_not_ours_denies() {
    let mut world = World::started();
    world.connect();
    for id in ["ES", "EUR.USD", "SAP"] {
        resolve(&mut world, id, con_id(id).get(), None);
    }
    world.event(BrokerEvent::InstrumentUnknown { instrument: instrument("SAP"), why: "error 200".into() });
    world.event(BrokerEvent::InstrumentUnknown { instrument: instrument("AAPL"), why: "error 200".into() });
    world.feed();
    world.books(Books::default());
    for (name, of, why) in
        [("a", "TSLA", "not in this profile"), ("b", "AAPL", "does not know"), ("c", "SAP", "does not know")]
    {
        let reason = world.submit_spec(name, of, limit(Side::Buy, "1", "100")).denied();
        let DenyReason::InstrumentNotAllowed { why_not, .. } = &reason else { panic!("{reason:?}") };
        assert!(why_not.contains(why), "{why_not}");
        assert_eq!(reason.rule(), Rule::AllowedInstrument);
    }
    resolve(&mut world, "AAPL", 265_598, None);
    assert_eq!(world.submit("d", Side::Buy, "1").order().state, OrderState::PendingNew);
}

fn resolve(world: &mut World, id: &str, con_id: i32, multiplier: Option<&str>) {
    world.event(BrokerEvent::InstrumentResolved {
        instrument: instrument(id),
        con_id: alphec_model::ConId::new(con_id),
        tick: None,
        multiplier: multiplier.map(dec),
    });
}

#[test]
fn a_multiplier_that_differs_or_a_contract_under_two_names_denies() {
    let mut world = World::ready();
    resolve(&mut world, "ES", 495_512_563, Some("5"));
    let terms = || limit(Side::Buy, "1", "5000");
    assert!(matches!(
        world.submit_spec("a", "ES", terms()).denied(),
        DenyReason::InstrumentNotAllowed { .. }
    ));
    resolve(&mut world, "ES", 495_512_563, Some("50"));
    assert_eq!(world.submit_spec("b", "ES", terms()).order().state, OrderState::PendingNew);
    // The position limit of one contract must not count twice under two names.
    resolve(&mut world, "SAP", 265_598, None);
    let denied = world.submit_spec("c", "SAP", limit(Side::Buy, "1", "200")).denied();
    assert!(matches!(denied, DenyReason::InstrumentNotAllowed { .. }), "{denied:?}");
    assert_eq!(world.submit("d", Side::Buy, "1").order().state, OrderState::PendingNew);
}

#[test]
fn an_account_outside_the_profile_denies() {
    let mut world = World::ready();
    let mut other = request("a", "AAPL", limit(Side::Buy, "1", "100"));
    other.account = account("DU2");
    let reason = world.submit_request(other).denied();
    assert_eq!(reason.rule(), Rule::AllowedAccount);
}

#[test]
fn a_position_that_cannot_be_valued_denies_everything_in_the_account() {
    let mut world = World::ready();
    let mut outside = foreign_execution("AAPL", Side::Buy, "e1.01", "5");
    (outside.instrument, outside.con_id) = (None, Some(alphec_model::ConId::new(42)));
    world.event(BrokerEvent::Execution(outside));
    let (rule, what) = missing(buy(&mut world, "a"));
    assert_eq!((rule, what.contains("con:42")), (Rule::MaxGrossNotional, true));
}

#[test]
fn a_held_instrument_without_a_fresh_quote_denies() {
    let mut world = World::started();
    world.resolve();
    world.connect();
    world.books(Books { positions: vec![position("ES", "1")], ..Books::default() });
    world.account_values();
    world.quote("AAPL", "99.99", "100.01");
    assert_eq!(missing(buy(&mut world, "a")), (Rule::MaxGrossNotional, "a quote of ES".into()));
}

#[test]
fn terms_that_make_no_order_deny_by_name() {
    let mut world = World::ready();
    let stop_ioc = spec(Side::Buy, "1", OrderType::Stop { stop_px: px("105") })
        .with_time_in_force(alphec_model::TimeInForce::Ioc);
    let past = limit(Side::Buy, "1", "100")
        .with_time_in_force(alphec_model::TimeInForce::Gtd { expire_at: world.now });
    let table = [
        ("a", limit(Side::Buy, "1", "100.001"), "off the tick"),
        ("b", limit(Side::Buy, "0.5", "100"), "not a multiple of the lot"),
        ("c", limit(Side::Buy, "1", "-1"), "not possible"),
        ("d", stop_ioc, "cannot be ioc"),
        ("e", past, "is not after now"),
    ];
    for (name, terms, text) in table {
        let reason = world.submit_spec(name, "AAPL", terms).denied();
        assert_eq!(reason.rule(), Rule::Terms);
        assert!(reason.to_string().contains(text), "{reason}");
    }
}

#[test]
fn a_trailing_distance_that_cannot_be_is_denied() {
    let mut world = World::ready();
    for (name, trail) in [
        ("zero", Trail::Amount { amount: px("0") }),
        ("negative", Trail::Amount { amount: px("-1") }),
        ("nothing", Trail::Percent { percent: dec("0") }),
        ("all", Trail::Percent { percent: dec("100") }),
    ] {
        let denied = world
            .submit_spec(name, "AAPL", spec(Side::Sell, "10", OrderType::TrailingStop { trail }))
            .denied();
        assert!(denied.to_string().contains("trailing distance"), "{name}: {denied}");
    }
    let fine = Trail::Percent { percent: dec("2.5") };
    assert_eq!(
        world
            .submit_spec("fine", "AAPL", spec(Side::Sell, "10", OrderType::TrailingStop { trail: fine }))
            .places(),
        1
    );
    let at_once = spec(Side::Sell, "10", OrderType::TrailingStop { trail: fine });
    let at_once = at_once.with_time_in_force(alphec_model::TimeInForce::Ioc);
    assert_eq!(world.submit_spec("ioc", "AAPL", at_once).places(), 0);
}

#[test]
fn no_order_passes_unless_the_link_is_ready() {
    let state = |reason: DenyReason| match reason {
        DenyReason::NotReady { state } => state,
        other => panic!("another reason: {other:?}"),
    };
    let mut world = World::started();
    assert_eq!(state(buy(&mut world, "a")), "the link is down");
    world.resolve();
    world.connect();
    world.feed();
    assert_eq!(state(buy(&mut world, "b")), "the link is recovering");
    world.books(Books::default());
    let generation = world.generation;
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Lost });
    assert_eq!(state(buy(&mut world, "c")), "the link is degraded");
    world.event(BrokerEvent::ServerLink { generation, link: ServerLink::Restored });
    assert_eq!(state(buy(&mut world, "d")), "the link is recovering");
    world.books(Books::default());
    assert_eq!(world.submit("e", Side::Buy, "1").order().state, OrderState::PendingNew);
    world.event(BrokerEvent::Gap { generation, why: "a stream ended".into() });
    assert_eq!(state(buy(&mut world, "f")), "the link is recovering");
    world.next_books(Books::default());
    world.input(Input::Stopping);
    assert_eq!(state(buy(&mut world, "g")), "stopping");
}

#[test]
fn halted_or_a_journal_in_trouble_denies_and_cancels_still_pass() {
    let mut world = World::working("live", Side::Buy, "5");
    world.halt();
    assert_eq!(buy(&mut world, "a").rule(), Rule::Halted);
    assert_eq!(world.modify("live", limit(Side::Buy, "4", "100")).denied().rule(), Rule::Halted);
    let books = world.rows(&["live"]);
    world.next_books(books);
    world.resume();
    world.input(Input::Journal { trouble: Some("the disk is full".into()) });
    assert_eq!(buy(&mut world, "b").rule(), Rule::Journal);
    assert_eq!(world.cancel("live").cancels().len(), 1);
    world.input(Input::Journal { trouble: None });
    assert_eq!(world.submit("c", Side::Buy, "1").order().state, OrderState::PendingNew);
}

#[test]
fn inside_the_restart_window_nothing_new_is_sent_and_cancels_leave() {
    let world = World::ready();
    let (from, until) = (world.now.saturating_add(seconds(5)), world.now.saturating_add(seconds(9)));
    let mut world = World::ready_with(|config| {
        config.restart_windows =
            vec![(from, until), (until.saturating_add(seconds(600)), until.saturating_add(seconds(700)))];
    });
    world.submit("a", Side::Buy, "10");
    world.open_order("a", "Submitted");
    world.wait(seconds(5));
    world.feed();
    let denied = world.submit("b", Side::Buy, "10").denied();
    assert!(denied.to_string().contains("restart window"), "{denied}");
    assert!(world.modify("a", limit(Side::Buy, "10", "101")).denied().to_string().contains("restart window"));
    assert_eq!(world.cancel("a").cancels(), [1]);
    world.wait(seconds(4));
    world.feed();
    assert_eq!(world.submit("c", Side::Buy, "10").places(), 1, "the window is over");
}

#[test]
fn an_order_decided_just_before_the_restart_window_does_not_leave_inside_it() {
    let start = World::ready().now;
    let window = (start.saturating_add(seconds(1)), start.saturating_add(seconds(60)));
    let mut world = World::ready_with(|config| config.restart_windows = vec![window]);
    let seen = world.submit("a", Side::Buy, "10");
    let request = seen.0.requests.first().expect("it was decided");
    assert_eq!(world.core.last_look(world.now, request), Ok(()));
    world.wait(seconds(1));
    let why = world.core.last_look(world.now, request).unwrap_err();
    assert!(why.contains("restart window"), "{why}");
}

#[test]
fn an_order_whose_quote_grew_old_on_its_way_does_not_leave() {
    let mut world = World::ready_with(|config| config.limits.max_quote_age_ms = seconds(3));
    world.wait(seconds(2));
    let seen = world.submit("a", Side::Buy, "10");
    let request = seen.0.requests.first().expect("the quote is fresh enough");
    world.wait(seconds(1));
    assert_eq!(world.core.last_look(world.now, request), Ok(()));
    world.wait(std::time::Duration::from_millis(500));
    let why = world.core.last_look(world.now, request).unwrap_err();
    assert!(why.contains("quote"), "{why}");
}

#[test]
fn quotes_and_account_values_do_not_outlive_their_connection() {
    let mut world = World::ready();
    world.disconnect();
    world.connect();
    world.books(Books::default());
    assert_eq!(missing(buy(&mut world, "a")).1, "a quote of AAPL");
}
