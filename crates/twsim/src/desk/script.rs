//! The script of a scenario at work: which events it waits for, and when its steps are due.
//!
//! A step happens after the request or the instant that brought it about, and after the answers to that are queued.
//! Without a scenario none of this costs more than one look.

use std::collections::{BTreeMap, HashSet};

use super::{Desk, Subject};
use crate::faults::Cause;
use crate::scenario::{Event, EventKind, Moment, Step};
use crate::venue::{ConId, Execution, OrderKey, OrderReport, Status, UtcNs, VenueOutput};

/// Most orders whose acknowledgement is remembered; beyond it all are forgotten and counted anew.
const ACCEPTED_MAX: usize = 100_000;

/// Something that a step may wait for.
#[derive(Debug, Clone)]
struct Seen<'a> {
    kind: EventKind,
    subject: Subject,
    order_ref: &'a str,
    con_id: ConId,
}

#[derive(Debug)]
struct Planned {
    step: Step,
    /// Events that fitted so far.
    seen: u64,
    is_done: bool,
}

/// The steps of a scenario.
#[derive(Debug)]
pub(super) struct Script {
    steps: Vec<Planned>,
    /// By instant and arrival.
    due: BTreeMap<(UtcNs, u64), (usize, Subject)>,
    next: u64,
    /// Orders that were acknowledged, while some step asks for that.
    accepted: HashSet<OrderKey>,
    /// A step is being done: those that it brings about come after it.
    is_running: bool,
}

impl Script {
    /// `None` without steps.
    pub(super) fn of(steps: &[Step], start: UtcNs) -> Option<Box<Self>> {
        if steps.is_empty() {
            return None;
        }
        let mut script = Self {
            steps: Vec::new(),
            due: BTreeMap::new(),
            next: 0,
            accepted: HashSet::new(),
            is_running: false,
        };
        for (index, step) in steps.iter().enumerate() {
            match step.when {
                Moment::At(after) => script.plan(start.saturating_add(after), index, Subject::default()),
                Moment::Instant(at) => script.plan(at.max(start), index, Subject::default()),
                Moment::After { .. } => {}
            }
            script.steps.push(Planned { step: step.clone(), seen: 0, is_done: false });
        }
        Some(Box::new(script))
    }

    pub(super) fn next_due(&self) -> Option<UtcNs> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    fn plan(&mut self, at: UtcNs, index: usize, subject: Subject) {
        self.next += 1;
        self.due.insert((at, self.next), (index, subject));
    }

    /// Counts an event for every step that waits for it.
    fn note(&mut self, now: UtcNs, seen: &Seen<'_>, is_symbol: impl Fn(&str) -> bool) {
        let mut begun = Vec::new();
        for (index, planned) in self.steps.iter_mut().enumerate() {
            let Moment::After { event, nth, wait } = &planned.step.when else { continue };
            if planned.seen >= *nth || !fits(event, seen, &is_symbol) {
                continue;
            }
            planned.seen += 1;
            if planned.seen == *nth {
                begun.push((now.saturating_add(*wait), index));
            }
        }
        for (at, index) in begun {
            self.plan(at, index, seen.subject.clone());
        }
    }

    fn take_due(&mut self, now: UtcNs) -> Option<(usize, Subject)> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}

fn fits(event: &Event, seen: &Seen<'_>, is_symbol: impl Fn(&str) -> bool) -> bool {
    event.kind == seen.kind
        && event.client.is_none_or(|client| seen.subject.client == Some(client))
        && event.order.is_none_or(|id| seen.subject.order.is_some_and(|key| key.order_id == id))
        && event.order_ref.as_deref().is_none_or(|mark| mark == seen.order_ref)
        && event.symbol.as_deref().is_none_or(is_symbol)
}

impl Seen<'_> {
    fn session(kind: EventKind, client: i32) -> Self {
        Self {
            kind,
            subject: Subject { client: Some(client), ..Subject::default() },
            order_ref: "",
            con_id: 0,
        }
    }
}

fn subject(key: OrderKey) -> Subject {
    Subject { order: Some(key), client: Some(key.client_id), exec_id: None }
}

impl Desk {
    pub(super) fn has_script(&self) -> bool {
        self.script.is_some()
    }

    /// A session began or ended.
    pub(super) fn note_session(&mut self, now: UtcNs, kind: EventKind, client: i32) {
        if self.script.is_some() {
            self.note(now, &Seen::session(kind, client));
        }
    }

    /// A request about an order came in.
    pub(super) fn note_request(
        &mut self,
        now: UtcNs,
        kind: EventKind,
        key: OrderKey,
        (order_ref, con_id): (&str, ConId),
    ) {
        if self.script.is_some() {
            self.note(now, &Seen { kind, subject: subject(key), order_ref, con_id });
        }
    }

    /// What the venue said, before any fault meets it.
    pub(super) fn note_outputs(&mut self, now: UtcNs) {
        if self.script.is_none() {
            return;
        }
        let outputs = std::mem::take(&mut self.outputs);
        for output in &outputs {
            match output {
                VenueOutput::Order(report) => self.note_order(now, report),
                VenueOutput::Execution(execution) => self.note_fill(now, execution),
                VenueOutput::Refused { .. }
                | VenueOutput::Terms(_)
                | VenueOutput::Preview(_)
                | VenueOutput::Commission(_)
                | VenueOutput::Position { .. }
                | VenueOutput::Quote { .. } => {}
            }
        }
        self.outputs = outputs;
    }

    fn note_order(&mut self, now: UtcNs, report: &OrderReport) {
        let seen = |kind| Seen {
            kind,
            subject: subject(report.key),
            order_ref: &report.spec.order_ref,
            con_id: report.spec.con_id,
        };
        if report.status.is_working() && self.is_first_report(report.key) {
            self.note(now, &seen(EventKind::Accept));
        }
        match report.status {
            Status::Filled => self.note(now, &seen(EventKind::Filled)),
            Status::Cancelled => self.note(now, &seen(EventKind::Cancelled)),
            Status::Inactive => self.note(now, &seen(EventKind::Rejected)),
            Status::PreSubmitted | Status::Submitted | Status::PendingCancel => {}
        }
    }

    fn is_first_report(&mut self, key: OrderKey) -> bool {
        let Some(script) = &mut self.script else { return false };
        if script.accepted.len() >= ACCEPTED_MAX {
            script.accepted.clear();
        }
        script.accepted.insert(key)
    }

    /// A fill, and not its correction.
    fn note_fill(&mut self, now: UtcNs, execution: &Execution) {
        if !execution.exec_id.ends_with(".01") {
            return;
        }
        let subject = Subject { exec_id: Some(execution.exec_id.clone()), ..subject(execution.key) };
        let (order_ref, con_id) = (&*execution.order_ref, execution.con_id);
        self.note(now, &Seen { kind: EventKind::Fill, subject, order_ref, con_id });
    }

    fn note(&mut self, now: UtcNs, seen: &Seen<'_>) {
        let instrument = self.venue.instrument(seen.con_id);
        let is_symbol =
            |name: &str| instrument.is_some_and(|it| it.symbol == name || it.local_symbol == name);
        if let Some(script) = &mut self.script {
            script.note(now, seen, is_symbol);
        }
    }

    /// Does the steps that are due.
    pub(super) fn run_script(&mut self, now: UtcNs) {
        let Some(script) = self.script.as_mut().filter(|script| !script.is_running) else { return };
        script.is_running = true;
        while let Some((index, subject)) = self.script.as_mut().and_then(|script| script.take_due(now)) {
            self.do_step(now, index, &subject);
        }
        if let Some(script) = &mut self.script {
            script.is_running = false;
        }
    }

    fn do_step(&mut self, now: UtcNs, index: usize, subject: &Subject) {
        let planned = self.script.as_mut().and_then(|script| script.steps.get_mut(index));
        let Some(planned) = planned else { return };
        planned.is_done = true;
        let (line, text, action) =
            (planned.step.line, planned.step.text.clone(), planned.step.action.clone());
        let done = self.carry_out(now, &action, subject);
        if let Err(error) = &done {
            tracing::warn!(line, %error, "a step of the scenario could not be done");
        }
        self.note_act(now, (Cause::Step(format!("line {line}: {text}")), subject), done.is_ok());
    }

    /// The steps of the scenario, as JSON.
    pub(crate) fn steps(&self) -> serde_json::Value {
        let steps = self.script.iter().flat_map(|script| &script.steps);
        let rows = steps.map(|planned| {
            serde_json::json!({
                "line": planned.step.line,
                "step": planned.step.text,
                "seen": planned.seen,
                "done": planned.is_done,
            })
        });
        rows.collect()
    }
}
