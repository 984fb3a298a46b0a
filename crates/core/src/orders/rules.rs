//! Custom risk rules: asked after the built-in gate, each with a deadline that denies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alphec_model::risk::{RuleAnswer, RuleName};
use alphec_model::{
    AlertKind, Body, ClientOrderId, DenyReason, Evidence, OrderState, Proposal, Provenance, Rule, Verdict,
    planted,
};

use crate::book::OrderIx;
use crate::machine::{About, Turn};
use crate::session::Waiting;
use crate::step::{Ask, Question, Reply, Token};

impl Turn<'_> {
    /// Asks every custom rule about a staged order or a staged change.
    pub(crate) fn ask_rules(&mut self, ix: OrderIx, token: Option<Token>, verdict: Verdict) {
        let Some(order) = self.order(ix) else { return };
        let replace = order.pending.replace.as_ref();
        let proposal = Arc::new(Proposal {
            client_order_id: order.client_order_id.clone(),
            strategy_id: order.strategy_id.clone(),
            correlation_id: replace.map_or(&order.correlation_id, |replace| &replace.correlation_id).clone(),
            account: order.account.clone(),
            instrument: order.instrument.clone(),
            spec: replace.map_or(&order.spec, |replace| &replace.spec).clone(),
            replaces: replace.map(|_| order.spec.clone()),
            verdict: verdict.clone(),
        });
        let rules: BTreeSet<RuleName> = self.core.config.rules.iter().map(|rule| rule.name.clone()).collect();
        let deadlines: BTreeMap<RuleName, _> = self
            .core
            .config
            .rules
            .iter()
            .map(|rule| (rule.name.clone(), self.now.saturating_add(rule.deadline)))
            .collect();
        self.core.session.questions = self.core.session.questions.saturating_add(1);
        let question = self.core.session.questions;
        for rule in &rules {
            self.step.asks.push(Ask { question, rule: rule.clone(), proposal: Arc::clone(&proposal) });
        }
        self.core.session.waiting.insert(ix, Waiting { question, token, rules, deadlines, verdict });
    }

    pub(crate) fn rule_answered(
        &mut self,
        question: Question,
        (key, rule): (&ClientOrderId, &RuleName),
        answer: RuleAnswer,
    ) {
        let Some(ix) = self.core.book.ix_of(key) else { return };
        let body = Body::RuleAnswered { rule: rule.clone(), answer: answer.clone() };
        self.record(About::order(ix), Provenance::Decided, body);
        // A late answer, to a question that is settled, is for the record only.
        let waiting = self.core.session.waiting.get_mut(&ix).filter(|waiting| waiting.question == question);
        let Some(waiting) = waiting else { return };
        if !waiting.rules.remove(rule) {
            return;
        }
        waiting.deadlines.remove(rule);
        let all_passed = waiting.rules.is_empty();
        match answer {
            RuleAnswer::Deny { .. } if planted::is("the-no-of-a-rule-is-not-heard") => {
                self.release_waiting(ix)
            }
            RuleAnswer::Deny { text, measured, limit } => {
                let rule = Rule::Custom(rule.clone());
                self.refuse_waiting(ix, DenyReason::Custom { rule, text, measured, limit });
            }
            RuleAnswer::Pass if all_passed => self.release_waiting(ix),
            RuleAnswer::Pass => {}
        }
    }

    pub(crate) fn deny_missed_deadlines(&mut self) {
        let now = self.now;
        let missed: Vec<(OrderIx, RuleName)> = self
            .core
            .session
            .waiting
            .iter()
            .filter_map(|(ix, waiting)| {
                let (rule, _) = waiting.deadlines.iter().find(|(_, due)| **due <= now)?;
                Some((*ix, rule.clone()))
            })
            .collect();
        for (ix, name) in missed {
            let deadline =
                self.core.config.rules.iter().find(|rule| rule.name == name).map(|rule| rule.deadline);
            let deadline_ms = u64::try_from(deadline.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
            self.refuse_waiting(ix, DenyReason::Deadline { rule: Rule::Custom(name), deadline_ms });
        }
    }

    fn release_waiting(&mut self, ix: OrderIx) {
        if self.state(ix) == Some(OrderState::Staged) {
            if self.order(ix).is_some_and(|order| order.leg.is_some()) {
                return self.leg_passed(ix);
            }
            self.release_staged(ix);
        } else if let Err(reason) = self.release_replace(ix) {
            self.refuse_waiting(ix, reason);
        }
        self.answer_waiting(ix);
    }

    /// A change that custom rules still judge is no longer wanted.
    pub(crate) fn withdraw_staged_change(&mut self, ix: OrderIx, what: &str) {
        let staged = self.order(ix).and_then(|order| order.pending.replace.as_ref());
        if staged.is_some_and(|replace| replace.staged) {
            self.refuse_waiting(ix, DenyReason::NotChangeable { what: what.to_owned() });
        }
    }

    fn refuse_waiting(&mut self, ix: OrderIx, reason: DenyReason) {
        if self.state(ix) == Some(OrderState::Staged) {
            if self.order(ix).is_some_and(|order| order.leg.is_some()) {
                return self.refuse_leg(ix, reason);
            }
            self.deny_staged(ix, reason);
            self.answer_waiting(ix);
            return;
        }
        let waiting = self.core.session.waiting.remove(&ix);
        if let Some(order) = self.order(ix) {
            let text = format!("change of order {} denied: {reason}", order.client_order_id);
            self.alert(AlertKind::OrderDenied, text, Some(ix));
        }
        let verdict = waiting.as_ref().map(|waiting| waiting.verdict.clone()).unwrap_or_default();
        let body = Body::ReplaceDenied { reason: reason.clone(), verdict };
        self.record(About::order(ix), Provenance::Decided, body);
        self.end_replace(ix, false, Evidence::Decision);
        if let (Some(token), Some(order)) = (waiting.and_then(|waiting| waiting.token), self.order(ix)) {
            let order = Arc::new(order.clone());
            self.reply(token, Reply::ReplaceDenied { order, reason });
        }
    }

    /// Answers the caller who waits for custom rules, with the order as it now stands.
    pub(crate) fn answer_waiting(&mut self, ix: OrderIx) {
        let Some(token) = self.core.session.waiting.remove(&ix).and_then(|waiting| waiting.token) else {
            return;
        };
        self.answer(token, ix);
    }

    /// With the order as it now stands, or with all legs of its group.
    pub(super) fn answer(&mut self, token: Token, ix: OrderIx) {
        match self.order(ix) {
            Some(order) if order.leg.is_some() => self.reply_group(token, ix),
            _ => self.reply_order(token, ix),
        }
    }
}
