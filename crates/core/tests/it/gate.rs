//! Every numeric rule just under, at and just over its limit, on new orders and on changes.

use alphec_model::{Decimal, DenyReason, Limits, OrderSpec, OrderState, OrderType, Rule, Side};

use crate::support::World;
use crate::support::broker::{Books, position};
use crate::support::setup::{dec, limit, px, spec};

/// A rule, how to set its limit, and terms under, at and over it with what the last one measures.
struct Boundary {
    rule: Rule,
    set: fn(&mut Limits),
    under: OrderSpec,
    at: OrderSpec,
    over: OrderSpec,
    measured: &'static str,
    limit: &'static str,
}

fn buy(qty: &str) -> OrderSpec {
    limit(Side::Buy, qty, "100")
}

fn sized(rule: Rule, set: fn(&mut Limits), measured: &'static str, limit: &'static str) -> Boundary {
    Boundary { rule, set, under: buy("499"), at: buy("500"), over: buy("501"), measured, limit }
}

fn boundaries() -> Vec<Boundary> {
    vec![
        sized(Rule::MaxOrderQty, |limits| limits.max_order_qty = "500".parse().unwrap(), "501", "500"),
        sized(Rule::MaxOrderNotional, |limits| limits.max_order_notional = dec("50000"), "50100", "50000"),
        sized(Rule::MaxPosition, |limits| limits.max_position = "500".parse().unwrap(), "501", "500"),
        sized(Rule::MaxGrossNotional, |limits| limits.max_gross_notional = dec("50000"), "50100", "50000"),
        sized(Rule::MaxNetNotional, |limits| limits.max_net_notional = dec("50000"), "50100", "50000"),
        sized(Rule::MaxLeverage, |limits| limits.max_leverage = dec("0.05"), "50100", "50000"),
        Boundary {
            rule: Rule::PriceCollar,
            set: |limits| limits.price_collar = dec("0.02"),
            under: limit(Side::Buy, "20", "101.99"),
            at: limit(Side::Buy, "20", "102.00"),
            over: limit(Side::Buy, "20", "102.01"),
            measured: "2.01",
            limit: "2",
        },
        Boundary {
            rule: Rule::PriceCollar,
            set: |limits| limits.price_collar = dec("0.02"),
            under: limit(Side::Buy, "20", "98.01"),
            at: limit(Side::Buy, "20", "98.00"),
            over: limit(Side::Buy, "20", "97.99"),
            measured: "2.01",
            limit: "2",
        },
    ]
}

fn assert_limit(reason: DenyReason, rule: &Rule, measured: &str, limit: &str) {
    let DenyReason::Limit { rule: of, measured: found, limit: allowed } = reason else {
        panic!("{rule}: denied for another reason: {reason:?}");
    };
    assert_eq!(&of, rule);
    assert_eq!((found, allowed), (dec(measured), dec(limit)), "{rule}");
}

#[test]
fn each_limit_admits_up_to_itself_and_refuses_beyond_on_a_new_order() {
    for Boundary { rule, set, under, at, over, measured, limit } in boundaries() {
        for (terms, passes) in [(under, true), (at, true), (over, false)] {
            let mut world = World::ready_with(|config| set(&mut config.limits));
            let seen = world.submit_spec("a", "AAPL", terms);
            if passes {
                assert_eq!((seen.order().state, seen.places()), (OrderState::PendingNew, 1), "{rule}");
            } else {
                assert_eq!((seen.order().state, seen.places()), (OrderState::Denied, 0), "{rule}");
                assert_limit(seen.denied(), &rule, measured, limit);
            }
        }
    }
}

#[test]
fn each_limit_admits_up_to_itself_and_refuses_beyond_on_a_change() {
    for Boundary { rule, set, under, at, over, measured, limit } in boundaries() {
        for (terms, passes) in [(under, true), (at, true), (over, false)] {
            let mut world = World::ready_with(|config| set(&mut config.limits));
            world.submit_spec("a", "AAPL", buy("10"));
            world.open_order("a", "Submitted");
            let seen = world.modify("a", terms);
            if passes {
                assert_eq!(seen.replaces(), 1, "{rule}: {:?}", seen.0.replies);
            } else {
                assert_eq!(seen.replaces(), 0, "{rule}");
                assert_limit(seen.denied(), &rule, measured, limit);
                assert_eq!(world.order("a").pending.replace, None);
            }
        }
    }
}

#[test]
fn working_and_in_doubt_orders_count_at_their_worst() {
    let mut world = World::ready_with(|config| config.limits.max_position = "500".parse().unwrap());
    world.submit("a", Side::Buy, "200");
    world.open_order("a", "Submitted");
    world.submit("b", Side::Buy, "200");
    world.wait(crate::support::setup::seconds(6));
    world.feed();
    assert_eq!(world.state("b"), OrderState::InDoubt);
    assert_limit(world.submit("c", Side::Buy, "101").denied(), &Rule::MaxPosition, "501", "500");
    assert_eq!(world.submit("d", Side::Buy, "100").order().state, OrderState::PendingNew);
    // The other side is another worst case.
    assert_eq!(world.submit("e", Side::Sell, "500").order().state, OrderState::PendingNew);
    assert_limit(world.submit("f", Side::Sell, "1").denied(), &Rule::MaxPosition, "501", "500");
}

#[test]
fn a_change_counts_the_larger_of_both_versions_until_it_is_answered() {
    let mut world = World::ready_with(|config| config.limits.max_position = "500".parse().unwrap());
    world.submit("a", Side::Buy, "400");
    world.open_order("a", "Submitted");
    world.modify("a", buy("100"));
    assert_eq!(world.reserved_buys("AAPL"), "400");
    assert_limit(world.submit("b", Side::Buy, "101").denied(), &Rule::MaxPosition, "501", "500");
    world.open_order_with("a", "Submitted", &buy("100"));
    assert_eq!(world.reserved_buys("AAPL"), "100");
    assert_eq!(world.submit("c", Side::Buy, "400").order().state, OrderState::PendingNew);
}

#[test]
fn open_orders_are_counted_per_instrument_and_side() {
    let mut world = World::ready_with(|config| config.limits.max_open_orders = 2);
    world.submit("a", Side::Buy, "1");
    world.submit("b", Side::Buy, "1");
    assert_limit(world.submit("c", Side::Buy, "1").denied(), &Rule::MaxOpenOrders, "3", "2");
    assert_eq!(world.submit("d", Side::Sell, "1").order().state, OrderState::PendingNew);
    let other = limit(Side::Buy, "1", "5000");
    assert_eq!(world.submit_spec("e", "ES", other).order().state, OrderState::PendingNew);
    world.open_order("a", "Submitted");
    assert_eq!(world.modify("a", buy("2")).replaces(), 1, "a change is not one more order");
}

#[test]
fn messages_are_counted_in_any_one_second_and_cancels_are_counted_but_pass() {
    let mut world = World::ready_with(|config| config.limits.max_messages_per_second = 3);
    world.submit("a", Side::Buy, "1");
    world.submit("b", Side::Buy, "1");
    assert_eq!(world.cancel("a").cancels(), [1]);
    assert_limit(world.submit("c", Side::Buy, "1").denied(), &Rule::MaxMessageRate, "4", "3");
    assert_eq!(world.cancel("b").cancels(), [2]);
    world.now = world.now.saturating_add(std::time::Duration::from_millis(999));
    assert_limit(world.submit("d", Side::Buy, "1").denied(), &Rule::MaxMessageRate, "5", "3");
    world.now = world.now.saturating_add(std::time::Duration::from_millis(1));
    assert_eq!(world.submit("e", Side::Buy, "1").order().state, OrderState::PendingNew);
    world.open_order("e", "Submitted");
    world.submit("f", Side::Buy, "1");
    world.submit("g", Side::Buy, "1");
    assert_limit(world.modify("e", buy("2")).denied(), &Rule::MaxMessageRate, "4", "3");
}

#[test]
fn the_limits_of_an_instrument_go_before_the_defaults() {
    let mut world = World::ready_with(|config| {
        let limits = Limits { max_order_qty: "5".parse().unwrap(), ..config.limits.clone() };
        config.instrument_limits.insert(crate::support::setup::instrument("ES"), limits);
    });
    let terms = |qty| limit(Side::Buy, qty, "5000");
    assert_limit(world.submit_spec("a", "ES", terms("6")).denied(), &Rule::MaxOrderQty, "6", "5");
    assert_eq!(world.submit("b", Side::Buy, "6").order().state, OrderState::PendingNew);
}

#[test]
fn notional_counts_multiplier_and_exchange_rate_and_the_worse_price() {
    let notional = |of: &str, terms: OrderSpec| {
        let mut world = World::ready_with(|config| config.limits.max_order_notional = Decimal::ONE);
        let DenyReason::Limit { rule, measured, .. } = world.submit_spec("a", of, terms).denied() else {
            panic!("not a limit");
        };
        assert_eq!(rule, Rule::MaxOrderNotional);
        measured.normalize().to_string()
    };
    assert_eq!(notional("ES", limit(Side::Buy, "2", "5000")), "500000", "2 x 5000 x 50");
    assert_eq!(notional("SAP", limit(Side::Buy, "10", "200")), "2200", "10 x 200 x 1.1");
    assert_eq!(notional("AAPL", limit(Side::Buy, "10", "105")), "1050", "its own price is worse");
    assert_eq!(notional("AAPL", limit(Side::Sell, "10", "95")), "1000", "the reference is worse");
    let stop = spec(Side::Sell, "10", OrderType::Stop { stop_px: px("108") });
    assert_eq!(notional("AAPL", stop), "1080");
}

#[test]
fn a_stop_that_the_market_is_beyond_already_is_judged_like_a_market_order() {
    let stop = |side, stop_px: &str| spec(side, "10", OrderType::Stop { stop_px: px(stop_px) });
    // The middle is 100, and the market is torn.
    for (terms, passes) in [
        (stop(Side::Buy, "101"), true),
        (stop(Side::Buy, "99"), false),
        (stop(Side::Sell, "99"), true),
        (stop(Side::Sell, "101"), false),
    ] {
        let mut world = World::ready();
        world.quote("AAPL", "80", "120");
        let seen = world.submit_spec("a", "AAPL", terms.clone());
        if passes {
            assert_eq!(seen.places(), 1, "{terms:?}: {:?}", seen.reply());
        } else {
            assert_eq!(seen.denied().rule(), Rule::PriceCollar, "{terms:?}");
        }
    }
}

#[test]
fn a_stop_limit_is_judged_by_its_own_trigger() {
    let mut world = World::ready();
    let terms = |stop_px, limit_px| {
        spec(Side::Buy, "1", OrderType::StopLimit { stop_px: px(stop_px), limit_px: px(limit_px) })
    };
    assert_eq!(world.submit_spec("a", "AAPL", terms("150", "151")).order().state, OrderState::PendingNew);
    assert_limit(
        world.submit_spec("b", "AAPL", terms("150", "166")).denied(),
        &Rule::PriceCollar,
        "16",
        "15",
    );
}

#[test]
fn a_market_order_needs_a_market_that_makes_sense() {
    let market = |side| spec(side, "1", OrderType::Market);
    let mut world = World::ready();
    assert_eq!(world.submit_spec("a", "AAPL", market(Side::Buy)).order().state, OrderState::PendingNew);
    world.quote("AAPL", "80", "120");
    assert_limit(world.submit_spec("b", "AAPL", market(Side::Buy)).denied(), &Rule::PriceCollar, "20", "10");
    assert_limit(world.submit_spec("c", "AAPL", market(Side::Sell)).denied(), &Rule::PriceCollar, "20", "10");
}

/// An account that holds 600 AAPL, under limits that allow less.
fn over_limits(set: fn(&mut Limits)) -> World {
    let mut world = World::started_with(|config| set(&mut config.limits));
    world.resolve();
    world.connect();
    world.feed();
    world.books(Books { positions: vec![position("AAPL", "600")], ..Books::default() });
    assert!(world.core.readiness().is_ready());
    world
}

const SMALL: [fn(&mut Limits); 4] = [
    |limits| limits.max_position = "500".parse().unwrap(),
    |limits| limits.max_gross_notional = dec("50000"),
    |limits| limits.max_net_notional = dec("50000"),
    |limits| limits.max_leverage = dec("0.05"),
];

#[test]
fn a_reducing_order_passes_where_an_enlarging_one_is_refused() {
    for set in SMALL {
        let mut world = over_limits(set);
        assert!(matches!(world.submit("a", Side::Buy, "1").denied(), DenyReason::Limit { .. }));
        assert_eq!(world.submit("b", Side::Sell, "600").order().state, OrderState::PendingNew);
    }
}

#[test]
fn a_change_that_enlarges_nothing_passes_over_the_limits() {
    for set in SMALL {
        let mut world = World::ready();
        world.submit("a", Side::Buy, "600");
        world.open_order("a", "Submitted");
        let mut config = crate::support::setup::config();
        set(&mut config.limits);
        world.restart_with(config);
        world.resolve();
        world.connect();
        world.feed();
        let books = world.rows(&["a"]);
        world.books(books);
        assert!(matches!(world.modify("a", buy("601")).denied(), DenyReason::Limit { .. }));
        assert_eq!(world.modify("a", buy("300")).replaces(), 1, "a smaller order is no new risk");
    }
}

#[test]
fn a_full_book_refuses_new_orders_and_no_changes() {
    let mut world = World::ready_with(|config| config.orders_max = 2);
    world.submit("a", Side::Buy, "1");
    world.open_order("a", "Submitted");
    world.submit("b", Side::Buy, "1");
    for name in ["c", "c", "d"] {
        assert!(matches!(world.submit(name, Side::Buy, "1").denied(), DenyReason::Journal { .. }));
        assert_eq!(world.core.book().len(), 2, "nor does it hold what it refuses");
    }
    assert_eq!(world.modify("a", buy("2")).replaces(), 1);
}

#[test]
fn the_verdict_keeps_what_it_was_judged_by() {
    let mut world = World::ready();
    world.submit("a", Side::Buy, "10");
    let accepted = world.bodies("a", "accepted");
    let [alphec_model::Body::Accepted { verdict, .. }] = accepted.as_slice() else { panic!("{accepted:?}") };
    assert!(verdict.quote.is_some() && verdict.position.is_some() && verdict.net_liquidation.is_some());
    let rules: Vec<String> = verdict.checks.iter().map(|check| check.rule.to_string()).collect();
    insta::assert_snapshot!(rules.join(" "));
}
