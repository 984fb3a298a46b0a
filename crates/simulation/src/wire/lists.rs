//! Reading the broker's books: a barrier, then four lists, each to its end marker, one after the other.

use alphec_model::Generation;
use alphec_model::broker::{
    CommissionReport, CompletedReport, ExecutionReport, OpenOrderReport, PositionReport, Snapshot,
};

use crate::clock::Instant;

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Barrier,
    Open,
    Completed,
    Executions,
    Positions,
}

impl Stage {
    pub(crate) const fn next(self) -> Option<Self> {
        match self {
            Self::Barrier => Some(Self::Open),
            Self::Open => Some(Self::Completed),
            Self::Completed => Some(Self::Executions),
            Self::Executions => Some(Self::Positions),
            Self::Positions => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Barrier => "accounts",
            Self::Open => "open orders",
            Self::Completed => "completed orders",
            Self::Executions => "executions",
            Self::Positions => "positions",
        }
    }

    /// Whether an end marker that is still to come could end a later list of the same kind.
    pub(crate) const fn is_owing(self) -> bool {
        matches!(self, Self::Open | Self::Completed | Self::Positions)
    }
}

/// A snapshot under way.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) id: u64,
    pub(crate) days: u8,
    pub(crate) stage: Stage,
    /// When the request of this stage left; `None` while the budget holds it back.
    pub(crate) asked_at: Option<Instant>,
    pub(crate) req_id: i32,
    /// Why the lists prove nothing, though they may end.
    pub(crate) spoiled: Option<String>,
    pub(crate) open: Vec<OpenOrderReport>,
    pub(crate) completed: Vec<CompletedReport>,
    pub(crate) executions: Vec<ExecutionReport>,
    pub(crate) commissions: Vec<CommissionReport>,
    pub(crate) positions: Vec<PositionReport>,
}

impl Reading {
    pub(crate) const fn new(id: u64, days: u8, req_id: i32) -> Self {
        Self {
            id,
            days,
            stage: Stage::Barrier,
            asked_at: None,
            req_id,
            spoiled: None,
            open: Vec::new(),
            completed: Vec::new(),
            executions: Vec::new(),
            commissions: Vec::new(),
            positions: Vec::new(),
        }
    }

    pub(crate) fn finish(self, generation: Generation) -> Snapshot {
        let Self { id, open, completed, executions, commissions, positions, .. } = self;
        Snapshot { id, generation, open, completed, executions, commissions, positions }
    }
}
