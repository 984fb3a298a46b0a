//! The firm's own risk rules. They run beside the engine; one that is late, or panics, denies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Ask, Question, RuleConfig};
use alphec_model::risk::{RuleAnswer, RuleName};
use alphec_model::{ClientOrderId, Proposal};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// A rule's answer, to be awaited.
pub type Answering = BoxFuture<'static, RuleAnswer>;

/// A risk rule of the firm's own: asked about every new order and every change that passed the
/// built-in gate, before anything is sent. All rules must pass.
///
/// Rules share one thread beside the engine's: one that blocks it makes the others late, and late
/// denies.
pub trait RiskRule: Send + Sync {
    /// Its name in verdicts and records.
    fn name(&self) -> &str;

    /// No answer within this denies.
    fn deadline(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// Judges one proposal.
    fn check(&self, proposal: Arc<Proposal>) -> Answering;
}

/// A rule from a plain function.
///
/// ```
/// use alphec_engine::sync_rule;
/// use alphec_model::risk::RuleAnswer;
///
/// let no_market_orders = sync_rule("no_market_orders", |proposal| match proposal.spec.order_type {
///     alphec_model::OrderType::Market => {
///         RuleAnswer::Deny { text: "limit orders only".into(), measured: None, limit: None }
///     }
///     _ => RuleAnswer::Pass,
/// });
/// assert_eq!(no_market_orders.name(), "no_market_orders");
/// ```
pub fn sync_rule<F>(name: &str, check: F) -> Arc<dyn RiskRule>
where
    F: Fn(&Proposal) -> RuleAnswer + Send + Sync + 'static,
{
    Arc::new(SyncRule { name: name.to_owned(), check: Arc::new(check) })
}

struct SyncRule<F> {
    name: String,
    check: Arc<F>,
}

impl<F> RiskRule for SyncRule<F>
where
    F: Fn(&Proposal) -> RuleAnswer + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self, proposal: Arc<Proposal>) -> Answering {
        let check = Arc::clone(&self.check);
        Box::pin(async move { check(&proposal) })
    }
}

/// What the machine is told of these rules.
#[must_use]
pub fn rule_configs(rules: &[Arc<dyn RiskRule>]) -> Vec<RuleConfig> {
    rules
        .iter()
        .map(|rule| RuleConfig { name: RuleName::new(rule.name()), deadline: rule.deadline() })
        .collect()
}

/// An answer on its way back to the machine.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) question: Question,
    pub(crate) client_order_id: ClientOrderId,
    pub(crate) rule: RuleName,
    pub(crate) answer: RuleAnswer,
}

/// Every rule by name.
#[derive(Clone, Default)]
pub(crate) struct Rules(BTreeMap<RuleName, Arc<dyn RiskRule>>);

impl Rules {
    pub(crate) fn new(rules: &[Arc<dyn RiskRule>]) -> Self {
        Self(rules.iter().map(|rule| (RuleName::new(rule.name()), Arc::clone(rule))).collect())
    }

    /// Answers one question on the current runtime, in any case: late, failing and unknown deny.
    pub(crate) fn ask(&self, ask: Ask, answers: mpsc::Sender<Answered>) {
        let rule = self.0.get(&ask.rule).cloned();
        tokio::spawn(async move {
            let answered = Answered::denying(&ask, "no such rule");
            let answer = match rule {
                None => answered.answer,
                Some(rule) => answer(&*rule, ask.proposal).await,
            };
            if answers.send(Answered { answer, ..answered }).await.is_err() {
                tracing::debug!("a risk rule answered after the engine stopped");
            }
        });
    }
}

async fn answer(rule: &dyn RiskRule, proposal: Arc<Proposal>) -> RuleAnswer {
    use futures::FutureExt;
    // The machine denies at the deadline itself; this only keeps a rule that never answers from
    // being waited for without end.
    let deadline = rule.deadline().saturating_mul(2);
    // The rule's own code runs inside: a panic is caught, whether in `check` or in what it returned.
    let asked = std::panic::AssertUnwindSafe(async { rule.check(proposal).await }).catch_unwind();
    match tokio::time::timeout(deadline, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => deny("the rule failed, which denies"),
        Err(_) => deny("the rule was late, which denies"),
    }
}

impl Answered {
    /// The answer to a question that could not be asked.
    pub(crate) fn denying(ask: &Ask, text: &str) -> Self {
        Self {
            question: ask.question,
            client_order_id: ask.proposal.client_order_id.clone(),
            rule: ask.rule.clone(),
            answer: deny(text),
        }
    }
}

fn deny(text: &str) -> RuleAnswer {
    RuleAnswer::Deny { text: text.to_owned(), measured: None, limit: None }
}
