//! One-cancels-all groups: what a fill or a cancel of one member does to the others (tws-behaviour 2.11).
//!
//! Types 1 and 2 block: the others hear of a fill before any of them can trade. Type 3 does not: they hear of it
//! when everything that the same event touched has traded, so two members can fill.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Venue;
use super::growth::part;
use super::io::VenueOutput;
use super::order::LiveOrder;
use super::refusal::Refusal;
use super::types::{OrderSpec, Status, UtcNs};

/// What a fill of one member does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OcaKind {
    /// 1: the first fill cancels them.
    Cancel,
    /// 2: they shrink by the part that filled; the last part cancels them.
    Reduce,
    /// 3: as 2, but too late to keep another member from filling.
    ReduceLate,
}

impl OcaKind {
    /// The number on the wire.
    pub const fn number(self) -> i32 {
        match self {
            Self::Cancel => 1,
            Self::Reduce => 2,
            Self::ReduceLate => 3,
        }
    }

    /// The kind of a number; zero is how some clients say nothing, and the broker then takes 3.
    pub const fn of_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Cancel),
            2 => Some(Self::Reduce),
            0 | 3 => Some(Self::ReduceLate),
            _ => None,
        }
    }
}

/// Membership in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oca {
    /// The group's name, which is its account's own.
    pub group: Arc<str>,
    /// What a fill of this member does to the others.
    pub kind: OcaKind,
}

/// Account and name.
pub(crate) type GroupName = (Arc<str>, Arc<str>);

/// The members that work.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) members: Vec<u64>,
    has_traded: bool,
}

/// What was left of an order before a fill and after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shrunk {
    pub(crate) before: Decimal,
    pub(crate) after: Decimal,
    /// Nothing more can come: the order is filled. A child may have nothing left and grow again.
    pub(crate) is_over: bool,
}

impl Shrunk {
    /// `quantity` made smaller by the same part.
    fn apply(self, quantity: Decimal) -> Decimal {
        part(quantity, self.after, self.before)
    }
}

/// A fill of which the other members have not heard.
#[derive(Debug)]
pub(crate) struct Unheard {
    name: GroupName,
    member: u64,
    kind: OcaKind,
    shrunk: Shrunk,
}

impl OrderSpec {
    /// The group the order belongs to.
    pub fn oca(&self) -> Option<&Oca> {
        self.extra.as_ref().and_then(|extra| extra.oca.as_ref())
    }

    fn group_name(&self) -> Option<GroupName> {
        self.oca().map(|oca| (Arc::clone(&self.account), Arc::clone(&oca.group)))
    }
}

impl Venue {
    /// A group takes no new member once it has traded.
    pub(super) fn check_group(&self, spec: &OrderSpec) -> Result<(), Refusal> {
        let Some(name) = spec.group_name() else { return Ok(()) };
        match self.groups.get(&name) {
            Some(group) if group.has_traded => {
                Err(Refusal::Rejected(format!("OCA group '{}' has already traded", name.1)))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn join_group(&mut self, order: &LiveOrder) {
        if let Some(name) = order.spec.group_name() {
            self.groups.entry(name).or_default().members.push(order.seq);
        }
    }

    pub(super) fn leave_group(&mut self, order: &LiveOrder) {
        let Some(name) = order.spec.group_name() else { return };
        if let Some(group) = self.groups.get_mut(&name) {
            group.members.retain(|member| *member != order.seq);
            if group.members.is_empty() {
                self.groups.remove(&name);
            }
        }
    }

    /// A member has filled, wholly or in part. Its terms are passed since it may be gone.
    pub(super) fn group_filled(
        &mut self,
        now: UtcNs,
        (member, spec): (u64, &OrderSpec),
        shrunk: Shrunk,
        out: &mut Vec<VenueOutput>,
    ) {
        let (Some(name), Some(oca)) = (spec.group_name(), spec.oca()) else { return };
        let fill = Unheard { name, member, kind: oca.kind, shrunk };
        match oca.kind {
            OcaKind::Cancel | OcaKind::Reduce => self.tell_group(now, &fill, out),
            OcaKind::ReduceLate => self.unheard.push(fill),
        }
    }

    /// Fills without block take effect on the other members.
    pub(super) fn tell_groups(&mut self, now: UtcNs, out: &mut Vec<VenueOutput>) {
        for fill in std::mem::take(&mut self.unheard) {
            self.tell_group(now, &fill, out);
        }
    }

    fn tell_group(&mut self, now: UtcNs, fill: &Unheard, out: &mut Vec<VenueOutput>) {
        let Some(group) = self.groups.get_mut(&fill.name) else { return };
        group.has_traded = true;
        let members = group.members.clone();
        for other in members.into_iter().filter(|member| *member != fill.member) {
            if fill.kind == OcaKind::Cancel || fill.shrunk.is_over {
                self.end(now, other, Status::Cancelled, out);
            } else {
                self.reduce(now, other, fill.shrunk, out);
            }
        }
    }

    /// Makes what is left of an order smaller; nothing left ends it.
    pub(super) fn reduce(&mut self, now: UtcNs, seq: u64, shrunk: Shrunk, out: &mut Vec<VenueOutput>) {
        let Some(order) = self.live.get_mut(&seq) else { return };
        let left = order.remaining();
        let reduced = shrunk.apply(left);
        if reduced == left {
            return;
        }
        let quantity = order.filled + reduced;
        Arc::make_mut(&mut order.spec).quantity = quantity;
        if order.is_exhausted() {
            self.end(now, seq, Status::Cancelled, out);
        } else {
            out.push(VenueOutput::Order(order.report()));
        }
    }

    /// Ends an order because its client wants it so. If its group has not traded, the group ends with it; an order
    /// that the system ends leaves the others at work.
    pub(super) fn end_for_client(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let name = self.live.get(&seq).and_then(|order| order.spec.group_name());
        self.end(now, seq, Status::Cancelled, out);
        let Some(group) = name.and_then(|name| self.groups.get(&name)) else { return };
        if !group.has_traded {
            for other in group.members.clone() {
                self.end(now, other, Status::Cancelled, out);
            }
        }
    }
}
