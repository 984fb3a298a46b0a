//! Custom risk rules: asked after the gate, each must pass, and silence denies.

use alphec_core::{Reply, RuleConfig};
use alphec_model::risk::RuleAnswer;
use alphec_model::{DenyReason, OrderSpec, OrderState, Rule, Side};

use crate::support::World;
use crate::support::setup::{dec, key, limit, seconds};

fn ruled() -> World {
    World::ready_with(|config| {
        config.rules =
            ["credit", "desk"].map(|name| RuleConfig { name: name.into(), deadline: seconds(2) }).to_vec();
    })
}

fn deny() -> RuleAnswer {
    RuleAnswer::Deny { text: "not today".into(), measured: Some(dec("7")), limit: Some(dec("5")) }
}

fn buy(qty: &str) -> OrderSpec {
    limit(Side::Buy, qty, "100")
}

/// Submitted, passed by both rules, acknowledged.
fn working(world: &mut World, name: &str, qty: &str) {
    world.submit(name, Side::Buy, qty);
    world.answer(name, "credit", RuleAnswer::Pass);
    world.answer(name, "desk", RuleAnswer::Pass);
    world.open_order(name, "Submitted");
    assert_eq!(world.state(name), OrderState::Working);
}

#[test]
fn an_order_waits_for_every_rule_and_then_leaves() {
    let mut world = ruled();
    let seen = world.submit("a", Side::Buy, "10");
    assert_eq!((seen.0.asks.len(), seen.places(), seen.0.replies.len()), (2, 0, 0));
    assert_eq!((world.state("a"), world.order("a").broker_order_id), (OrderState::Staged, None));
    assert_eq!(world.reserved_buys("AAPL"), "10", "its exposure is reserved while it waits");
    assert_eq!(world.answer("a", "credit", RuleAnswer::Pass).places(), 0);
    assert_eq!(world.answer("a", "credit", RuleAnswer::Pass).places(), 0, "one rule does not pass for two");
    let seen = world.answer("a", "desk", RuleAnswer::Pass);
    assert_eq!((seen.places(), seen.order().state), (1, OrderState::PendingNew));
}

#[test]
fn one_objection_denies_and_the_late_answer_changes_nothing() {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    let reason = world.answer("a", "desk", deny()).denied();
    assert_eq!(reason.rule(), Rule::Custom("desk".into()));
    assert!(reason.to_string().contains("not today"));
    assert_eq!(world.answer("a", "credit", RuleAnswer::Pass).places(), 0);
    assert_eq!((world.state("a"), world.reserved_buys("AAPL")), (OrderState::Denied, "0".into()));
}

#[test]
fn silence_denies_at_the_deadline() {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    world.answer("a", "desk", RuleAnswer::Pass);
    assert_eq!(world.wait(seconds(1)).0.replies.len(), 0);
    let reason = world.wait(seconds(1)).denied();
    assert!(matches!(reason, DenyReason::Deadline { deadline_ms: 2_000, .. }), "{reason:?}");
    assert_eq!(world.answer("a", "credit", RuleAnswer::Pass).places(), 0);
}

#[test]
fn broker_ids_rise_on_the_wire_whatever_order_the_rules_answer_in() {
    let mut world = ruled();
    world.submit("slow", Side::Buy, "1");
    world.submit("fast", Side::Buy, "1");
    for name in ["fast", "slow"] {
        world.answer(name, "credit", RuleAnswer::Pass);
        assert_eq!(world.answer(name, "desk", RuleAnswer::Pass).places(), 1);
    }
    let id = |name| world.order(name).broker_order_id.unwrap().get();
    assert_eq!((id("fast"), id("slow")), (1, 2));
}

#[test]
fn the_gate_looks_again_when_a_staged_order_leaves() {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    world.submit("b", Side::Buy, "10");
    world.answer("a", "credit", RuleAnswer::Pass);
    world.quote("AAPL", "149", "151");
    let reason = world.answer("a", "desk", RuleAnswer::Pass).denied();
    assert_eq!(reason.rule(), Rule::PriceCollar);
    world.disconnect();
    world.answer("b", "credit", RuleAnswer::Pass);
    assert!(world.answer("b", "desk", RuleAnswer::Pass).denied().is_not_ready());
}

#[test]
fn a_staged_order_is_canceled_here_and_never_leaves() {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    let seen = world.cancel("a");
    assert_eq!((seen.0.requests.len(), seen.0.replies.len()), (0, 2), "both callers are answered");
    let are_orders = seen.0.replies.iter().all(|(_, reply)| matches!(reply, Reply::Order(_)));
    assert!(are_orders, "each with the order: {:?}", seen.0.replies);
    assert_eq!(world.state("a"), OrderState::Canceled);
    world.answer("a", "credit", RuleAnswer::Pass);
    assert_eq!(world.answer("a", "desk", RuleAnswer::Pass).places(), 0);
}

#[test]
fn a_staged_order_cannot_be_changed() {
    let mut world = ruled();
    world.submit("a", Side::Buy, "10");
    assert!(matches!(world.modify("a", buy("5")).denied(), DenyReason::NotChangeable { .. }));
}

#[test]
fn a_change_waits_for_every_rule_with_the_worse_of_both_reserved() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    assert_eq!(world.modify("a", buy("30")).replaces(), 0);
    assert_eq!(world.reserved_buys("AAPL"), "30");
    world.answer("a", "credit", RuleAnswer::Pass);
    assert_eq!(world.answer("a", "desk", RuleAnswer::Pass).replaces(), 1);
    world.open_order_with("a", "Submitted", &buy("30"));
    assert_eq!((world.order("a").version, world.order("a").pending.replace), (2, None));
}

#[test]
fn a_refused_change_leaves_the_terms_in_force() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    let seen = world.answer("a", "desk", deny());
    assert!(matches!(seen.denied(), DenyReason::Custom { .. }));
    assert_eq!(world.order("a").spec, buy("10"));
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

#[test]
fn an_answer_about_an_earlier_change_never_passes_a_later_one() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    let earlier = world.questions[&key("a")];
    world.answer("a", "desk", RuleAnswer::Pass);
    world.wait(seconds(2));
    assert_eq!(world.order("a").pending.replace, None, "the deadline denied it");
    world.feed();
    assert_eq!(world.modify("a", buy("40")).0.asks.len(), 2, "the order is free for another change at once");
    world.answer("a", "desk", RuleAnswer::Pass);
    let seen = world.answer_to(earlier, ("a", "credit"), RuleAnswer::Pass);
    assert_eq!((seen.replaces(), seen.kinds()), (0, vec!["rule_answered"]), "late: for the record only");
    assert_eq!(world.answer_to(earlier, ("a", "credit"), deny()).0.replies.len(), 0);
    assert_eq!(world.answer("a", "credit", RuleAnswer::Pass).replaces(), 1);
}

#[test]
fn a_rule_that_never_answers_denies_each_change_and_blocks_none() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    for qty in ["20", "30", "40"] {
        world.feed();
        assert_eq!(world.modify("a", buy(qty)).0.asks.len(), 2);
        world.answer("a", "desk", RuleAnswer::Pass);
        let reason = world.wait(seconds(2)).denied();
        assert!(matches!(reason, DenyReason::Deadline { .. }), "{reason:?}");
        assert_eq!((world.order("a").pending.replace, world.reserved_buys("AAPL")), (None, "10".into()));
    }
}

#[test]
fn a_cancel_withdraws_a_change_that_has_not_left() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    let seen = world.cancel("a");
    assert_eq!(seen.cancels(), [1]);
    assert_eq!(world.order("a").pending.replace, None);
    world.answer("a", "credit", RuleAnswer::Pass);
    assert_eq!(world.answer("a", "desk", RuleAnswer::Pass).replaces(), 0, "nothing follows the cancel");
}

#[test]
fn a_change_that_has_not_left_dies_with_its_order_and_its_caller_hears() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    let seen = world.status("a", "Cancelled", "0");
    assert_eq!((world.state("a"), seen.0.replies.len()), (OrderState::Canceled, 1));
    world.answer("a", "credit", RuleAnswer::Pass);
    let seen = world.answer("a", "desk", RuleAnswer::Pass);
    assert_eq!((seen.replaces(), seen.has("replace_released")), (0, false));
}

#[test]
fn a_change_does_not_leave_below_what_filled_while_it_waited() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("5"));
    world.fill("a", "e1.01", "5");
    world.answer("a", "credit", RuleAnswer::Pass);
    let seen = world.answer("a", "desk", RuleAnswer::Pass);
    assert_eq!(seen.replaces(), 0);
    assert!(matches!(seen.denied(), DenyReason::Terms { .. }));
}

#[test]
fn a_refusal_by_the_broker_is_not_about_a_change_that_never_left() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    world.notice("a", 110, alphec_model::broker::NoticeClass::Dead);
    assert!(world.order("a").pending.replace.is_some(), "it still waits for the rules");
}

#[test]
fn a_restart_denies_what_was_staged() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    world.submit("b", Side::Buy, "10");
    world.restart();
    assert_eq!((world.state("a"), world.order("a").pending.replace), (OrderState::Working, None));
    assert_eq!(world.state("b"), OrderState::Denied);
    assert_eq!(world.reserved_buys("AAPL"), "10");
}

#[test]
fn the_gate_looks_again_when_a_staged_change_leaves() {
    let mut world = ruled();
    working(&mut world, "a", "10");
    world.modify("a", buy("30"));
    world.answer("a", "credit", RuleAnswer::Pass);
    world.quote("AAPL", "149", "151");
    let seen = world.answer("a", "desk", RuleAnswer::Pass);
    assert_eq!((seen.replaces(), seen.denied().rule()), (0, Rule::PriceCollar));
    assert_eq!(world.reserved_buys("AAPL"), "10");
}
