//! What the monitoring subsystem must hear about.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ClientOrderId, CorrelationId};
use crate::time::UtcNanos;

/// How soon someone must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Look today.
    Warning,
    /// Look now.
    Critical,
}

/// What happened, as a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertKind {
    /// Our gate refused an order.
    OrderDenied,
    /// The broker refused an order.
    OrderRejected,
    /// A change of an order was refused or never written, or the broker's lists show the order at work at the terms
    /// before it. That they do not show it yet, of an order that is held, is an anomaly.
    ChangeFailed,
    /// An order's outcome is not proven.
    OrderInDoubt,
    /// The link is gone.
    Disconnected,
    /// A data farm is broken: what it serves grows old, and orders are judged by it.
    FarmDown,
    /// A data farm that was broken is back.
    FarmBack,
    /// Connection attempts keep failing.
    ReconnectFailing,
    /// The link is back and reconciled.
    Reconnected,
    /// Our position and the broker's differ.
    PositionBreak,
    /// The journal is not accepting records, or is slow.
    JournalTrouble,
    /// Trading is halted.
    Halted,
    /// Trading is resumed.
    Resumed,
    /// The kill switch has done its work: complete lists show that nothing in its scope works any more.
    KillVerified,
    /// An order of someone else is open in one of our accounts.
    ForeignOrder,
    /// A group of orders is not whole at the broker: what can still open something of it is canceled.
    GroupBroken,
    /// An order was proven absent and, as its author had marked it, placed again.
    OrderResent,
    /// An order that was given up as gone showed up after all.
    LateArrival,
    /// Someone asked to cancel every open order of the login, also those that are not ours.
    GlobalCancel,
    /// The accounts of the login are not those of the profile.
    AccountMismatch,
    /// The broker said or did something that should not be possible.
    Anomaly,
    /// The engine stopped and orders are left working.
    LeftWorking,
}

impl AlertKind {
    /// How soon someone must look.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Reconnected | Self::FarmBack | Self::Resumed | Self::KillVerified => Severity::Info,
            Self::ForeignOrder
            | Self::OrderDenied
            | Self::OrderRejected
            | Self::ChangeFailed
            | Self::OrderResent
            | Self::FarmDown
            | Self::Disconnected => Severity::Warning,
            Self::OrderInDoubt
            | Self::ReconnectFailing
            | Self::PositionBreak
            | Self::JournalTrouble
            | Self::Halted
            | Self::LateArrival
            | Self::GroupBroken
            | Self::GlobalCancel
            | Self::AccountMismatch
            | Self::Anomaly
            | Self::LeftWorking => Severity::Critical,
        }
    }

    /// The kind as one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderDenied => "order_denied",
            Self::OrderRejected => "order_rejected",
            Self::ChangeFailed => "change_failed",
            Self::OrderInDoubt => "order_in_doubt",
            Self::Disconnected => "disconnected",
            Self::FarmDown => "farm_down",
            Self::FarmBack => "farm_back",
            Self::ReconnectFailing => "reconnect_failing",
            Self::Reconnected => "reconnected",
            Self::PositionBreak => "position_break",
            Self::JournalTrouble => "journal_trouble",
            Self::Halted => "halted",
            Self::Resumed => "resumed",
            Self::KillVerified => "kill_verified",
            Self::ForeignOrder => "foreign_order",
            Self::GroupBroken => "group_broken",
            Self::OrderResent => "order_resent",
            Self::LateArrival => "late_arrival",
            Self::GlobalCancel => "global_cancel",
            Self::AccountMismatch => "account_mismatch",
            Self::Anomaly => "anomaly",
            Self::LeftWorking => "left_working",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// When.
    pub at: UtcNanos,
    /// What.
    pub kind: AlertKind,
    /// How soon someone must look.
    pub severity: Severity,
    /// What happened and what to do, for people.
    pub text: String,
    /// Which order, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_order_id: Option<ClientOrderId>,
    /// Of which work, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
}
