//! Where what the venue says meets the faults: left out, repeated, put off, put first, or changed.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::Desk;
use super::later::Later;
use super::route::{ErrorId, Manner, NO_STATUS, PLAIN};
use crate::faults::{Fault, Knob, On};
use crate::venue::{Execution, OrderKey, OrderReport, Refusal, Status, UtcNs, VenueInput, VenueOutput};

/// What one input made the venue say, on its way to the clients.
type Said = Vec<(VenueOutput, Manner)>;

/// Most outputs kept for a client while the servers are lost.
const UNHEARD_MAX: usize = 10_000;

impl Desk {
    /// Passes everything the venue said through the armed faults.
    pub(super) fn bend(&mut self, now: UtcNs, outputs: Vec<VenueOutput>) -> Said {
        let filled: Vec<OrderKey> = outputs
            .iter()
            .filter_map(|output| match output {
                VenueOutput::Execution(execution) => Some(execution.key),
                _ => None,
            })
            .collect();
        let reports: HashMap<OrderKey, OrderReport> = outputs
            .iter()
            .filter_map(|output| match output {
                VenueOutput::Order(report) => Some((report.key, (**report).clone())),
                _ => None,
            })
            .collect();
        let mut said = Said::new();
        for output in outputs {
            if self.is_unheard(&output) {
                continue;
            }
            match output {
                VenueOutput::Order(report) => self.bend_order(now, (report, PLAIN), &filled, &mut said),
                VenueOutput::Terms(report) => {
                    self.bend_order(now, (report, NO_STATUS), &filled, &mut said);
                }
                VenueOutput::Execution(execution) => {
                    let report = reports.get(&execution.key);
                    self.bend_execution(now, execution, report, &mut said);
                }
                VenueOutput::Commission(execution) => self.bend_commission(now, execution, &mut said),
                VenueOutput::Refused { key, refusal } => self.bend_error(now, key, refusal, &mut said),
                VenueOutput::Preview(_) | VenueOutput::Position { .. } | VenueOutput::Quote { .. } => {
                    said.push((output, PLAIN));
                }
            }
        }
        said
    }

    /// Order events while the servers are lost, when they are not delivered.
    fn is_unheard(&mut self, output: &VenueOutput) -> bool {
        let Some(offline) = &mut self.plight.offline else { return false };
        if matches!(output, VenueOutput::Position { .. } | VenueOutput::Quote { .. })
            || offline.fault.is("fills", "deliver")
        {
            return false;
        }
        if offline.fault.is("fills", "hold") && offline.unheard.len() < UNHEARD_MAX {
            offline.unheard.push(output.clone());
        }
        true
    }

    fn bend_order(
        &mut self,
        now: UtcNs,
        (mut report, plain): (Box<OrderReport>, Manner),
        filled: &[OrderKey],
        said: &mut Said,
    ) {
        let key = report.key;
        self.show_old_terms(now, &mut report);
        if self.marks(now, Knob::NoStatus, key, &report).is_some() {
            return;
        }
        let mut manner = plain;
        if let Some(fault) = self.marks(now, Knob::Lose, key, &report)
            && loses(&fault, &report, &mut manner)
        {
            return;
        }
        if let Some(fault) = self.marks(now, Knob::Duplicate, key, &report) {
            manner.copies = u32::try_from(fault.int("copies")).unwrap_or(2);
            if fault.span("again") > 0 {
                let again = VenueOutput::Order(report.clone());
                self.later(now, fault.span("again"), Later::Say(Box::new(again), plain));
            }
        }
        let late = self.marks(now, Knob::StatusLate, key, &report);
        let mut wait = late.map_or(0, |fault| self.wait(now, &fault, ("by", report.spec.con_id)));
        if filled.contains(&key)
            && let Some(fault) = self.marks(now, Knob::ExecutionFirst, key, &report)
        {
            wait = wait.max(fault.span("by"));
        }
        let output = VenueOutput::Order(report);
        if wait > 0 {
            return self.later(now, wait, Later::Say(Box::new(output), manner));
        }
        said.push((output, manner));
    }

    fn bend_execution(
        &mut self,
        now: UtcNs,
        execution: Arc<Execution>,
        report: Option<&OrderReport>,
        said: &mut Said,
    ) {
        let (key, con_id) = (execution.key, execution.con_id);
        if self.marks_con(now, Knob::Lose, key, con_id).is_some_and(|fault| fault.is("what", "execution")) {
            return;
        }
        self.correct_later(now, &execution);
        if let Some(fault) = self.marks_con(now, Knob::StaleStatus, key, con_id)
            && let Some(report) = report.filter(|_| execution.leg == 0)
        {
            let stale = VenueOutput::Order(Box::new(before(report, &execution)));
            self.later(now, fault.span("after"), Later::Say(Box::new(stale), PLAIN));
        }
        if let Some(fault) = self.marks_con(now, Knob::ExecutionAgain, key, con_id) {
            let again = VenueOutput::Execution(Arc::clone(&execution));
            self.later(now, fault.span("after"), Later::Say(Box::new(again), PLAIN));
        }
        let mut manner = PLAIN;
        if let Some(fault) = self.marks_con(now, Knob::Duplicate, key, con_id) {
            manner.copies = u32::try_from(fault.int("copies")).unwrap_or(2);
        }
        let first = self.marks_con(now, Knob::ExecutionFirst, key, con_id).is_some();
        let late = self.marks_con(now, Knob::ExecutionLate, key, con_id).map_or(0, |fault| fault.span("by"));
        let output = VenueOutput::Execution(execution);
        if late > 0 {
            return self.later(now, late, Later::Say(Box::new(output), manner));
        }
        let is_own =
            |(other, _): &(VenueOutput, Manner)| matches!(other, VenueOutput::Order(it) if it.key == key);
        let place = if first { said.iter().position(is_own) } else { None };
        said.insert(place.unwrap_or(said.len()), (output, manner));
    }

    /// Plans corrections of a first revision; a correction is not corrected again.
    fn correct_later(&mut self, now: UtcNs, execution: &Execution) {
        if !execution.exec_id.ends_with(".01") {
            return;
        }
        let (key, con_id) = (execution.key, execution.con_id);
        for knob in [Knob::Correction, Knob::Bust] {
            let Some(fault) = self.fires(now, knob, key, con_id) else { continue };
            let (price, quantity) = match knob {
                Knob::Bust => (execution.price, Decimal::ZERO),
                _ => {
                    let moved = fault.number("by").map_or(execution.price, |by| execution.price + by);
                    let quantity = fault.number("quantity").unwrap_or(execution.quantity);
                    (fault.number("price").unwrap_or(moved), quantity)
                }
            };
            let exec_id = execution.exec_id.clone();
            let correct = VenueInput::Correct { exec_id, price, quantity };
            self.later(now, fault.span("after"), Later::Do(Box::new(correct)));
        }
    }

    fn bend_commission(&mut self, now: UtcNs, execution: Arc<Execution>, said: &mut Said) {
        let (key, con_id) = (execution.key, execution.con_id);
        if self.marks_con(now, Knob::CommissionMissing, key, con_id).is_some() {
            return;
        }
        let mut execution = execution;
        if self.marks_con(now, Knob::CommissionUnset, key, con_id).is_some() {
            Arc::make_mut(&mut execution).realized_pnl = None;
        }
        let mut manner = PLAIN;
        if let Some(fault) = self.marks_con(now, Knob::Duplicate, key, con_id) {
            manner.copies = u32::try_from(fault.int("copies")).unwrap_or(2);
        }
        let mut wait =
            self.marks_con(now, Knob::CommissionLate, key, con_id).map_or(0, |fault| fault.span("by"));
        if let Some(fault) = self.marks_con(now, Knob::CommissionPending, key, con_id) {
            let pending =
                Execution { commission: Decimal::NEGATIVE_ONE, realized_pnl: None, ..(*execution).clone() };
            said.push((VenueOutput::Commission(Arc::new(pending)), PLAIN));
            wait = wait.max(fault.span("then"));
        }
        let output = VenueOutput::Commission(execution);
        if wait > 0 {
            return self.later(now, wait, Later::Say(Box::new(output), manner));
        }
        said.push((output, manner));
    }

    fn bend_error(&mut self, now: UtcNs, key: OrderKey, refusal: Refusal, said: &mut Said) {
        let mut manner = PLAIN;
        if let Some(fault) = self.faults.marks(now, Knob::ErrorId, key, "") {
            let absent = fault.is("absent", "yes");
            manner.error_id = if absent { ErrorId::Absent } else { ErrorId::Other(fault.code("id")) };
        }
        let refusal = match self.faults.marks(now, Knob::ErrorText, key, "") {
            Some(fault) => Refusal::Injected(refusal.code(), fault.words("text")),
            None => refusal,
        };
        said.push((VenueOutput::Refused { key, refusal }, manner));
    }

    /// A modified order that goes on being shown as it was (tws-behaviour 2.7).
    pub(super) fn show_old_terms(&self, now: UtcNs, report: &mut OrderReport) {
        if let Some((kind, until)) = self.plight.old_terms.get(&report.key)
            && now < *until
        {
            Arc::make_mut(&mut report.spec).kind = *kind;
        }
    }

    fn marks(&mut self, now: UtcNs, knob: Knob, key: OrderKey, report: &OrderReport) -> Option<Arc<Fault>> {
        self.marks_con(now, knob, key, report.spec.con_id)
    }

    pub(super) fn marks_con(
        &mut self,
        now: UtcNs,
        knob: Knob,
        key: OrderKey,
        con_id: i32,
    ) -> Option<Arc<Fault>> {
        if !self.faults.has(knob) {
            return None;
        }
        let symbol = self.venue.instrument(con_id).map_or("", |instrument| instrument.symbol.as_str());
        self.faults.marks(now, knob, key, symbol)
    }

    /// Asks about one event of an order.
    pub(super) fn fires(&mut self, now: UtcNs, knob: Knob, key: OrderKey, con_id: i32) -> Option<Arc<Fault>> {
        if !self.faults.has(knob) {
            return None;
        }
        let symbol = self.venue.instrument(con_id).map_or("", |instrument| instrument.symbol.as_str());
        self.faults.fires(now, knob, On::order(key, symbol))
    }
}

/// Applies `lose`; true when nothing is left to say.
fn loses(fault: &Fault, report: &OrderReport, manner: &mut Manner) -> bool {
    let working = report.status.is_working();
    match fault.words("what").as_str() {
        "open-order" => manner.open_order = false,
        "status" => manner.status = false,
        "acknowledgement" => return working && report.filled.is_zero(),
        "terminal" => return !working,
        _ => {}
    }
    false
}

/// The state that an order was in before a fill.
fn before(report: &OrderReport, execution: &Execution) -> OrderReport {
    let filled = execution.cum_quantity - execution.quantity;
    OrderReport {
        status: Status::Submitted,
        filled,
        remaining: report.spec.quantity - filled,
        avg_price: if filled.is_zero() { Decimal::ZERO } else { report.avg_price },
        last_price: Decimal::ZERO,
        ..report.clone()
    }
}
