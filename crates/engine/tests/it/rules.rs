//! The firm's own rules and alert sinks: asked, bounded, never in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alphec_engine::core::Reply;
use alphec_engine::{AlertSink, Answering, Delivery, DeliveryError, RiskRule, sync_rule};
use alphec_model::risk::RuleAnswer;
use alphec_model::{Alert, DenyReason, OrderState, Proposal, Rule};

use crate::support::{PATIENCE, World, submit};

async fn submit_under(rule: Arc<dyn RiskRule>) -> (Reply, crate::support::Broker) {
    let mut world = World::new();
    world.rules.push(rule);
    let (handle, broker) = world.ready().await;
    let reply = tokio::time::timeout(PATIENCE, handle.command(submit("a"))).await.unwrap().unwrap();
    (reply, broker)
}

fn denied_by(reply: &Reply) -> Option<DenyReason> {
    match reply {
        Reply::Order(order) => order.deny_reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rule_that_passes_lets_the_order_go() {
    let (reply, mut broker) = submit_under(sync_rule("lenient", |_| RuleAnswer::Pass)).await;
    assert_eq!(denied_by(&reply), None);
    broker.next_place().await;
}

#[tokio::test]
async fn a_rule_that_denies_is_named_with_what_it_measured() {
    let rule = sync_rule("strict", |proposal| RuleAnswer::Deny {
        text: format!("no {}", proposal.instrument),
        measured: Some(proposal.spec.order_qty.get()),
        limit: None,
    });
    let (reply, mut broker) = submit_under(rule).await;
    let Some(DenyReason::Custom { rule, text, measured, .. }) = denied_by(&reply) else {
        panic!("{reply:?}")
    };
    assert_eq!((rule, text.as_str()), (Rule::Custom("strict".into()), "no AAPL"));
    assert_eq!(measured.unwrap().to_string(), "10");
    broker.no_trade().await;
}

struct Never;

impl RiskRule for Never {
    fn name(&self) -> &'static str {
        "never"
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(30)
    }

    fn check(&self, _: Arc<Proposal>) -> Answering {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_rule_that_misses_its_deadline_denies() {
    let (reply, mut broker) = submit_under(Arc::new(Never)).await;
    assert!(matches!(denied_by(&reply), Some(DenyReason::Deadline { deadline_ms: 30, .. })), "{reply:?}");
    broker.no_trade().await;
}

struct Broken;

impl RiskRule for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    /// Long: printing a backtrace takes its time, and this is not about lateness.
    fn deadline(&self) -> Duration {
        PATIENCE
    }

    fn check(&self, _: Arc<Proposal>) -> Answering {
        panic!("a bug in the rule")
    }
}

#[tokio::test]
async fn a_rule_that_panics_denies() {
    let (reply, mut broker) = submit_under(Arc::new(Broken)).await;
    assert!(matches!(denied_by(&reply), Some(DenyReason::Custom { .. })), "{reply:?}");
    broker.no_trade().await;
}

struct Failing(Arc<AtomicU64>);

impl AlertSink for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn deliver<'a>(&'a self, _: &'a Alert) -> Delivery<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err(DeliveryError { sink: "failing".to_owned(), why: "made to fail".to_owned() }) })
    }
}

#[tokio::test]
async fn a_sink_that_fails_is_asked_again_and_nothing_else_suffers() {
    let told = Arc::new(AtomicU64::new(0));
    let mut world = World::new();
    world.alert_sinks.push(Arc::new(Failing(Arc::clone(&told))));
    let (handle, _broker) = world.start();
    for id in ["a", "b"] {
        let Reply::Order(order) = handle.command(submit(id)).await.unwrap() else { panic!("an order") };
        assert_eq!(order.state, OrderState::Denied);
    }
    let wait = async {
        while told.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("both alerts delivered");
}
