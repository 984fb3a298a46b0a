//! One record of the journal: a header of names, and a body that says what happened.
//!
//! State changes only by applying a body, live and on replay alike; bodies that change
//! nothing ([`Body::Observed`], [`Body::Requested`], [`Body::Written`]) are there for the auditor.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::broker::{BrokerEvent, BrokerRequest, LinkState, Wire};
use crate::command::{CancelScope, Command, OrderRequest};
use crate::decimal::{Currency, Price, Qty, SignedQty};
use crate::ids::{
    AccountId, ApiClientId, BrokerOrderId, ClientOrderId, CorrelationId, ExecId, InstrumentId, LogId,
    OrderRef, PermId, Seq,
};
use crate::lifecycle::{Evidence, OrderState};
use crate::order::{Order, PendingReplace, Side};
use crate::reason::{DenyReason, RejectReason};
use crate::risk::{RuleAnswer, RuleName, Verdict};
use crate::time::UtcNanos;

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The broker said so.
    Observed,
    /// We decided so.
    Decided,
    /// We concluded so from what the broker said.
    Inferred,
    /// A person or a strategy asked for it.
    Operator,
}

impl Provenance {
    /// The word as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Decided => "decided",
            Self::Inferred => "inferred",
            Self::Operator => "operator",
        }
    }
}

/// The names a record is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// 1, 2, 3, … without a gap.
    pub seq: Seq,
    /// When the engine learned or decided it.
    pub at: UtcNanos,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Of which work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// Of which order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_order_id: Option<ClientOrderId>,
    /// The order's API handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_order_id: Option<BrokerOrderId>,
    /// The order's durable id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perm_id: Option<PermId>,
    /// Of which execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec_id: Option<ExecId>,
}

impl Header {
    /// One that names nothing.
    #[must_use]
    pub const fn nameless(seq: Seq, at: UtcNanos, provenance: Provenance) -> Self {
        Self {
            seq,
            at,
            provenance,
            correlation_id: None,
            client_order_id: None,
            broker_order_id: None,
            perm_id: None,
            exec_id: None,
        }
    }
}

/// An execution as booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fill {
    /// Its identity.
    pub exec_id: ExecId,
    /// Whose.
    pub account: AccountId,
    /// Of what: our name, or `con:<id>` for an instrument outside the profile.
    pub instrument: InstrumentId,
    /// Bought or sold.
    pub side: Side,
    /// How much.
    pub last_qty: Qty,
    /// At what price.
    pub last_px: Price,
    /// When, to the second, where what the broker wrote names one instant. Absent in old journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<UtcNanos>,
    /// When, as the broker wrote it.
    pub time_text: String,
    /// Part of the baseline that was adopted with the broker's position, so not added to it again.
    #[serde(default)]
    pub in_baseline: bool,
}

/// An open order of someone else in one of our accounts: another API client's, or one entered by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignOrder {
    /// What it is known by: its perm id, or client id and order id where it has none.
    pub key: String,
    /// Whose.
    pub account: AccountId,
    /// Of what: our name, or `con:<id>` for an instrument outside the profile.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The most that it can still fill.
    pub leaves_qty: Qty,
    /// What has filled of it by the statuses seen: a list says its whole size again and again.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub filled_qty: Qty,
    /// The broker's symbol, for people.
    pub symbol: String,
    /// Whose reference it carries, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
}

fn is_nothing(qty: &Qty) -> bool {
    qty.is_zero()
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Body {
    /// The first record of a journal.
    Opened {
        /// Its name for life.
        log_id: LogId,
        /// The client id whose order ids it counts.
        api_client_id: ApiClientId,
    },
    /// A process took the journal.
    Started {
        /// Of this library.
        version: String,
        /// Which profile.
        profile: String,
        /// `paper` or `live`.
        mode: String,
        /// The limits in force from here, as configured.
        limits: serde_json::Value,
    },
    /// A process let go of the journal.
    Stopped {
        /// Orders left working, by our ids.
        left_working: Vec<ClientOrderId>,
    },
    /// A caller asked for something other than a new order (that is in `Accepted` or `Denied`).
    Commanded {
        /// What.
        command: Command,
    },
    /// A new order passed the built-in gate: the intent, durable before the wire.
    Accepted {
        /// As it begins: staged or pending new.
        order: Box<Order>,
        /// What the gate found.
        verdict: Verdict,
    },
    /// A new order was refused by us and never sent.
    Denied {
        /// As asked.
        request: Box<OrderRequest>,
        /// Why.
        reason: DenyReason,
        /// What the gate found.
        verdict: Verdict,
    },
    /// A custom risk rule answered.
    RuleAnswered {
        /// Which.
        rule: RuleName,
        /// What.
        answer: RuleAnswer,
    },
    /// An order changed state.
    OrderChanged {
        /// From.
        from: OrderState,
        /// To.
        to: OrderState,
        /// What proves it.
        evidence: Evidence,
        /// The durable id, when first learned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        perm_id: Option<PermId>,
        /// Why we refused it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deny_reason: Option<DenyReason>,
        /// Why the broker refused or ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reject_reason: Option<RejectReason>,
    },
    /// The durable id of an order became known without a change of state.
    PermIdLearned {
        /// The id.
        perm_id: PermId,
    },
    /// The broker made a second order of this one, under the same number and reference.
    SecondLifeSeen {
        /// The durable id of the second.
        perm_id: PermId,
    },
    /// A change passed the built-in gate; the worse of both versions is reserved.
    ReplaceAsked {
        /// What is wanted.
        replace: PendingReplace,
        /// What the gate found.
        verdict: Verdict,
    },
    /// Every custom rule passed a staged change; it goes to the wire.
    #[serde(deserialize_with = "crate::bare::read")]
    ReplaceReleased,
    /// A change was refused by us; the terms in force stay.
    ReplaceDenied {
        /// Why.
        reason: DenyReason,
        /// What the gate found.
        verdict: Verdict,
    },
    /// A change ended: taken over, or not. One that ends by the old terms in the broker's lists may still take
    /// effect: its size stays reserved.
    ReplaceEnded {
        /// Whether the wanted terms are now in force.
        accepted: bool,
        /// What proves it.
        evidence: Evidence,
    },
    /// A change that was given up is in force after all; the terms it displaces may come back the same way.
    ReplaceCameLate {
        /// Its version.
        version: u32,
        /// What proves it.
        evidence: Evidence,
    },
    /// An order that was proven absent has stayed so through its watch: nothing is reserved for it any more.
    #[serde(deserialize_with = "crate::bare::read")]
    WatchEnded,
    /// A cancel goes to the wire.
    #[serde(deserialize_with = "crate::bare::read")]
    CancelAsked,
    /// A cancel goes to the wire as a question: nobody asked for the order to end, but whether it exists is
    /// not known.
    #[serde(deserialize_with = "crate::bare::read")]
    CancelProbed,
    /// Proven absent, the order goes to the wire once more: the same order of ours, a new attempt at the broker.
    Resent {
        /// Its new API handle; the old one is never used again.
        broker_order_id: BrokerOrderId,
        /// Its new identity at the broker, so that the two attempts can be told apart.
        order_ref: OrderRef,
        /// What proved the first attempt absent.
        evidence: Evidence,
        /// What the gate found, with both attempts counted.
        verdict: Verdict,
    },
    /// A cancel was refused; the order stands as it did.
    CancelEnded {
        /// What proves it.
        evidence: Evidence,
    },
    /// A fill was booked.
    Filled {
        /// As booked.
        fill: Fill,
    },
    /// A booked fill was corrected by a later revision.
    FillRevised {
        /// As booked before.
        was: Fill,
        /// As it is now.
        now: Fill,
    },
    /// Costs of a fill became known or changed.
    Charged {
        /// Of which execution.
        exec_id: ExecId,
        /// How much.
        #[serde(with = "crate::decimal::text")]
        commission: Decimal,
        /// In which currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// The broker's position was taken as the starting point (first sight of it).
    PositionAdopted {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// How much.
        qty: SignedQty,
    },
    /// Our position and the broker's differ: the instrument is frozen, nothing is "repaired".
    PositionBroken {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// By our count.
        ours: SignedQty,
        /// By the broker's.
        theirs: SignedQty,
    },
    /// Both counts agree again.
    BreakCleared {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// What both say.
        qty: SignedQty,
    },
    /// The link changed.
    LinkChanged {
        /// From.
        from: LinkState,
        /// To.
        to: LinkState,
        /// Why.
        why: String,
    },
    /// The broker offered, or a message showed, a higher order id: the floor rises, never falls.
    IdFloorRaised {
        /// The lowest id that may be used next.
        next: BrokerOrderId,
        /// Numbers of intents up to this one may be used already, though no record shows it: only after a salvage.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intents: Option<u64>,
    },
    /// An operator took the broker's position for the right one: the break is over, no fill was invented.
    PositionAccepted {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// By our count.
        ours: SignedQty,
        /// By the broker's; ours from here.
        theirs: SignedQty,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Messages may be missing from here on; what was known of orders may be old.
    GapOpened {
        /// Which: 1, 2, 3, … for the life of the journal.
        epoch: u64,
        /// Why.
        why: String,
    },
    /// Complete lists, asked for after the gap opened, were read and taken over.
    GapClosed {
        /// Which.
        epoch: u64,
    },
    /// Someone else's order is open in one of our accounts: counted in exposure, never touched.
    ForeignSeen {
        /// As last seen.
        order: ForeignOrder,
    },
    /// It is open no more.
    ForeignGone {
        /// Which.
        key: String,
    },
    /// Trading is halted.
    Halted {
        /// What.
        #[serde(default, skip_serializing_if = "CancelScope::is_all")]
        scope: CancelScope,
        /// By the kill switch: everything of it is canceled, and that is to be verified.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        kill: bool,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Complete lists show that nothing of ours works in the scope of a kill any more.
    KillVerified {
        /// Which scope.
        scope: CancelScope,
    },
    /// Trading is resumed.
    Resumed {
        /// Of what.
        #[serde(default, skip_serializing_if = "CancelScope::is_all")]
        scope: CancelScope,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The broker said or did something that should not be possible.
    Anomaly {
        /// What, for people.
        what: String,
    },
    /// A request was handed to the adapter.
    Requested {
        /// As handed over.
        request: BrokerRequest,
    },
    /// A request went to the wire.
    Written {
        /// What.
        wire: Wire,
        /// When, by the adapter's clock.
        at: UtcNanos,
    },
    /// A broker message, as received.
    Observed {
        /// As received.
        event: Box<BrokerEvent>,
    },
}

impl Body {
    /// The kind as stored and shown.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Started { .. } => "started",
            Self::Stopped { .. } => "stopped",
            Self::Commanded { .. } => "commanded",
            Self::Accepted { .. } => "accepted",
            Self::Denied { .. } => "denied",
            Self::RuleAnswered { .. } => "rule_answered",
            Self::OrderChanged { .. } => "order_changed",
            Self::PermIdLearned { .. } => "perm_id_learned",
            Self::SecondLifeSeen { .. } => "second_life_seen",
            Self::ReplaceAsked { .. } => "replace_asked",
            Self::ReplaceReleased => "replace_released",
            Self::ReplaceDenied { .. } => "replace_denied",
            Self::ReplaceEnded { .. } => "replace_ended",
            Self::ReplaceCameLate { .. } => "replace_came_late",
            Self::WatchEnded => "watch_ended",
            Self::CancelAsked => "cancel_asked",
            Self::CancelProbed => "cancel_probed",
            Self::Resent { .. } => "resent",
            Self::CancelEnded { .. } => "cancel_ended",
            Self::Filled { .. } => "filled",
            Self::FillRevised { .. } => "fill_revised",
            Self::Charged { .. } => "charged",
            Self::PositionAdopted { .. } => "position_adopted",
            Self::PositionBroken { .. } => "position_broken",
            Self::BreakCleared { .. } => "break_cleared",
            Self::LinkChanged { .. } => "link_changed",
            Self::IdFloorRaised { .. } => "id_floor_raised",
            Self::PositionAccepted { .. } => "position_accepted",
            Self::GapOpened { .. } => "gap_opened",
            Self::GapClosed { .. } => "gap_closed",
            Self::ForeignSeen { .. } => "foreign_seen",
            Self::ForeignGone { .. } => "foreign_gone",
            Self::KillVerified { .. } => "kill_verified",
            Self::Halted { .. } => "halted",
            Self::Resumed { .. } => "resumed",
            Self::Anomaly { .. } => "anomaly",
            Self::Requested { .. } => "requested",
            Self::Written { .. } => "written",
            Self::Observed { .. } => "observed",
        }
    }

    /// Whether subscribers hear of it; the rest is for the auditor.
    #[must_use]
    pub const fn is_event(&self) -> bool {
        !matches!(
            self,
            Self::Observed { .. }
                | Self::Requested { .. }
                | Self::Written { .. }
                | Self::Commanded { .. }
                | Self::IdFloorRaised { .. }
                | Self::Opened { .. }
        )
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The names it is found by.
    pub header: Header,
    /// What happened.
    pub body: Body,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{BrokerStatus, OrderNames, StatusReport};

    #[test]
    fn a_fill_of_an_old_journal_has_no_instant_and_one_without_an_instant_looks_like_an_old_one() {
        let old = r#"{"exec_id":"0001.01.01","account":"DU1","instrument":"AAPL","side":"buy","last_qty":"10",
            "last_px":"199.50","time_text":"20261123  10:00:00","in_baseline":false}"#;
        let fill: Fill = serde_json::from_str(old).unwrap();
        assert_eq!(fill.time, None);
        let spaces = |text: &str| text.replace([' ', '\n'], "");
        assert_eq!(spaces(&serde_json::to_string(&fill).unwrap()), spaces(old));
        let timed = Fill { time: Some("2026-11-23T15:00:00Z".parse().unwrap()), ..fill };
        let text = serde_json::to_string(&timed).unwrap();
        assert!(text.contains(r#""time":"2026-11-23T15:00:00.000000000Z""#), "{text}");
        assert_eq!(serde_json::from_str::<Fill>(&text).unwrap(), timed);
    }

    #[test]
    fn a_record_is_the_same_after_json_and_refuses_unknown_fields() {
        let status = StatusReport {
            names: OrderNames { broker_order_id: Some(BrokerOrderId::new(7)), ..OrderNames::default() },
            status: BrokerStatus::Unknown("Dreaming".into()),
            cum_qty: None,
            remaining_qty: Some("12.50".parse().unwrap()),
            why_held: None,
        };
        let record = Record {
            header: Header {
                seq: Seq::new(1),
                at: UtcNanos::from_nanos(1),
                provenance: Provenance::Observed,
                correlation_id: None,
                client_order_id: None,
                broker_order_id: Some(BrokerOrderId::new(7)),
                perm_id: None,
                exec_id: None,
            },
            body: Body::Observed { event: Box::new(BrokerEvent::Status(status)) },
        };
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.contains(r#""remaining_qty":"12.50""#) && text.contains("Dreaming"), "{text}");
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        let with_more = text.replacen("{\"seq\"", "{\"more\":1,\"seq\"", 1);
        assert!(serde_json::from_str::<Record>(&with_more).is_err());
    }
}
