//! What the faults decided, so that a run can be read afterwards and played again.

use std::collections::VecDeque;

use crate::venue::UtcNs;

/// Most decisions kept in memory; older ones are forgotten, and counted.
const KEPT_MAX: usize = 4_096;

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A fault, as text.
    Fault(String),
    /// A step of the scenario, with what it does.
    Step(String),
    /// Somebody at the control port, with what was asked for.
    Control(String),
}

/// One decision: of a fault, of a step of the scenario, or of somebody at the control port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: UtcNs,
    /// Who decided.
    pub cause: Cause,
    /// What it was asked about: `order 1/7` is order 7 of client 1.
    pub on: String,
    /// The seed of the gateway.
    pub seed: u64,
    /// The fault's own stream and the position in it, when it drew.
    pub drawn_from: Option<(u64, u64)>,
    /// The draw in millionths; the fault fires below its probability.
    pub draw: Option<u32>,
    /// Whether it fired.
    pub fired: bool,
}

/// The latest decisions.
#[derive(Debug, Default)]
pub struct DecisionLog {
    kept: VecDeque<Decision>,
    /// Decisions since the start, forgotten ones included.
    total: u64,
}

impl DecisionLog {
    pub(crate) fn add(&mut self, decision: Decision) {
        self.total += 1;
        self.kept.push_back(decision);
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
    }

    /// Decisions still remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.kept.iter()
    }

    /// Decisions since the start.
    pub fn total(&self) -> u64 {
        self.total
    }
}
