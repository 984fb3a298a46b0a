//! Counts of a run, for the table at the end and for the floors.

use std::collections::BTreeMap;

use crate::plan::Group;

/// What happened in one run, or in many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) orders: u64,
    pub(crate) records: u64,
    pub(crate) frames: u64,
    pub(crate) simulated_seconds: u64,
    pub(crate) faults: BTreeMap<Group, u64>,
    /// Of state and event, how often.
    pub(crate) edges: BTreeMap<(&'static str, &'static str), u64>,
    /// In how many runs something happened at all.
    pub(crate) health: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.orders += other.orders;
        self.records += other.records;
        self.frames += other.frames;
        self.simulated_seconds += other.simulated_seconds;
        for (group, count) in &other.faults {
            *self.faults.entry(*group).or_default() += count;
        }
        for (edge, count) in &other.edges {
            *self.edges.entry(*edge).or_default() += count;
        }
        for (what, count) in &other.health {
            *self.health.entry(*what).or_default() += u64::from(*count > 0);
        }
    }

    /// This run has seen it.
    pub(crate) fn saw(&mut self, what: &'static str) {
        *self.health.entry(what).or_default() += 1;
    }
}

/// Every event that can meet a state, by its name as an edge; the names given below are among them.
pub(crate) const EVENTS: [&str; 27] = [
    "ApiCancelled",
    "ApiPending",
    "Cancelled",
    "Filled",
    "Inactive",
    "PendingCancel",
    "PendingSubmit",
    "PreSubmitted",
    "Submitted",
    "asked: again",
    "asked: cancel",
    "asked: change",
    "asked: settle",
    "code: cancel refused",
    "code: canceled",
    "code: change refused",
    "code: dead",
    "code: ids",
    "code: informs",
    "code: link",
    "code: not found",
    "code: pacing",
    "code: request",
    "code: unlisted",
    "execution",
    "open order",
    "unknown status",
];

/// A status as an edge's name.
pub(crate) const fn status_name(status: &alphec_model::broker::BrokerStatus) -> &'static str {
    use alphec_model::broker::BrokerStatus as S;
    match status {
        S::ApiPending => "ApiPending",
        S::PendingSubmit => "PendingSubmit",
        S::PendingCancel => "PendingCancel",
        S::PreSubmitted => "PreSubmitted",
        S::Submitted => "Submitted",
        S::ApiCancelled => "ApiCancelled",
        S::Cancelled => "Cancelled",
        S::Filled => "Filled",
        S::Inactive => "Inactive",
        S::Unknown(_) => "unknown status",
    }
}

/// A class of codes as an edge's name.
pub(crate) const fn class_name(class: alphec_model::broker::NoticeClass) -> &'static str {
    use alphec_model::broker::NoticeClass as C;
    match class {
        C::Dead => "code: dead",
        C::Informational => "code: informs",
        C::ModifyRefused => "code: change refused",
        C::Canceled => "code: canceled",
        C::CancelRefused => "code: cancel refused",
        C::NotFound => "code: not found",
        C::Link => "code: link",
        C::Pacing => "code: pacing",
        C::IdTrouble => "code: ids",
        C::Request => "code: request",
        C::Unlisted => "code: unlisted",
    }
}
