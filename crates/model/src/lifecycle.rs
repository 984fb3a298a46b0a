//! The states of an order and the evidence that moves it.

use core::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::ids::{ExecId, Generation, PermId};

/// Where an order stands. "Partially filled" is derived from quantities, never a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Passed our gate; a custom risk rule has yet to answer. Nothing was sent.
    Staged,
    /// Recorded and handed to the wire; the broker has not answered.
    PendingNew,
    /// The broker has it and it can fill.
    Working,
    /// Its outcome is not proven. Exposure stays reserved until evidence ends it.
    InDoubt,
    /// Fully filled.
    Filled,
    /// Ended by a cancel, ours or the broker's; may be partly filled.
    Canceled,
    /// The broker refused it.
    Rejected,
    /// Its time in force ran out.
    Expired,
    /// We refused it; it was never sent.
    Denied,
}

impl OrderState {
    /// Every state, for tables.
    pub const ALL: [Self; 9] = [
        Self::Staged,
        Self::PendingNew,
        Self::Working,
        Self::InDoubt,
        Self::Filled,
        Self::Canceled,
        Self::Rejected,
        Self::Expired,
        Self::Denied,
    ];

    /// Nothing more is expected (a late fill is still booked).
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Filled | Self::Canceled | Self::Rejected | Self::Expired | Self::Denied => true,
            Self::Staged | Self::PendingNew | Self::Working | Self::InDoubt => false,
        }
    }

    /// It can still cost money: its worst case is reserved.
    #[must_use]
    pub const fn reserves_exposure(self) -> bool {
        !self.is_terminal()
    }

    /// The state as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::PendingNew => "pending_new",
            Self::Working => "working",
            Self::InDoubt => "in_doubt",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What proves a change. A terminal state always cites one that came from the broker,
/// except `Denied`, which is our own decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Evidence {
    /// Our own decision, before anything was sent.
    #[serde(deserialize_with = "crate::bare::read")]
    Decision,
    /// An execution report.
    Execution {
        /// Which.
        exec_id: ExecId,
    },
    /// A status message.
    Status {
        /// The broker's word.
        status: SmolStr,
        /// The broker's durable id, if it was in the message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        perm_id: Option<PermId>,
    },
    /// A row of a complete open-orders list or an unsolicited open-order message.
    OpenOrder {
        /// The broker's word.
        status: SmolStr,
    },
    /// A row of a complete completed-orders list.
    Completed {
        /// The broker's words.
        status: SmolStr,
    },
    /// An error code that the notice table classifies.
    Notice {
        /// The code.
        code: i32,
        /// The broker's text.
        text: String,
    },
    /// The adapter proved that no byte of it was written.
    NotWritten {
        /// Why not.
        why: String,
    },
    /// Absent from two complete rounds of lists and unknown to a cancel.
    Absent {
        /// The connection that proved it.
        generation: Generation,
        /// Whether what it could fill stays reserved until its watch ends ([`Body::WatchEnded`](crate::Body::WatchEnded)).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        watched: bool,
    },
    /// An operator vouched for it, by proof that we cannot see.
    Operator {
        /// Who.
        who: String,
        /// By what.
        reason: String,
    },
    /// Silence past the deadline, or a lost connection: evidence of nothing, hence `InDoubt`.
    Silence {
        /// What went quiet.
        why: String,
    },
}
