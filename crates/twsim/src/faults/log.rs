//! What the faults decided, so that a run can be read afterwards and played again.

use std::collections::VecDeque;

use crate::venue::UtcNs;

/// Most decisions kept in memory; older ones are forgotten, and counted.
const KEPT_MAX: usize = 4_096;

/// One decision of one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: UtcNs,
    /// The fault, as text.
    pub fault: String,
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
    pub(super) fn add(&mut self, decision: Decision) {
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
