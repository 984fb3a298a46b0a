//! Orders that belong together: an entry with its exits, or several of which one is to fill.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::command::OrderRequest;
use crate::decimal::Price;
use crate::doubt::WhenInDoubt;
use crate::ids::{ClientOrderId, IdError};
use crate::order::{OrderSpec, OrderType, Side, SpecError, TimeInForce};

/// Orders of one group. A group is whole at the broker or not there at all.
pub const LEGS_MAX: usize = 8;

/// Exits of one entry. Should both fill at once by a race, the position is no larger than the entry's, on the other
/// side; with more it could be.
pub const EXITS_MAX: usize = 2;

/// How the orders of a group depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// The first is an entry; the others are exits of the same size, which work for what has filled of it and of
    /// which each makes the others smaller. The broker starts none before the last has arrived.
    Bracket,
    /// One cancels all: the first that fills ends the others. The broker routes one at a time.
    OneCancelsAll,
}

/// Orders to be submitted as one act: all recorded in one step, and judged, sent, refused or undone together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// How they depend on each other.
    pub kind: GroupKind,
    /// The orders; of a bracket the entry first. The first one's key is the group's.
    pub orders: Vec<OrderRequest>,
}

/// Why orders make no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// Too few or too many.
    #[error("a group has 2 to {LEGS_MAX} orders, this one has {0}")]
    Size(usize),
    /// Too many exits.
    #[error("an entry has at most {EXITS_MAX} exits, this one has {0}")]
    Exits(usize),
    /// Two with one key.
    #[error("client order id {0} stands twice in the group")]
    SameKey(ClientOrderId),
    /// One that another account or strategy would own.
    #[error("order {0} is of another account or strategy than the first; a group has one of each")]
    OtherOwner(ClientOrderId),
    /// An exit that does not close what its entry opens.
    #[error("order {0} is no exit of the first: same instrument, other side, same size")]
    NoExit(ClientOrderId),
    /// A choice that groups do not have.
    #[error("order {0} cannot be resend_if_absent: a group that is not whole is undone")]
    NotResendable(ClientOrderId),
}

/// Why an entry and two prices make no bracket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BracketError {
    /// The entry's key leaves no room for those of its exits.
    #[error(transparent)]
    Key(#[from] IdError),
    /// The exits would be no orders.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

impl GroupRequest {
    /// A bracket with the usual exits, good until canceled: a limit order that takes the profit, a stop order that
    /// ends the loss, or one of the two. Their keys are the entry's with `-profit` and `-loss`.
    ///
    /// # Errors
    /// The entry's key is too long for that, or its size is zero.
    pub fn bracket(
        entry: &OrderRequest,
        take_profit: Option<Price>,
        stop_loss: Option<Price>,
    ) -> Result<Self, BracketError> {
        let side = match entry.spec.side {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        };
        let exits = [
            take_profit.map(|limit_px| ("profit", OrderType::Limit { limit_px })),
            stop_loss.map(|stop_px| ("loss", OrderType::Stop { stop_px })),
        ];
        let exit = |(word, order_type)| {
            let client_order_id = ClientOrderId::new(format!("{}-{word}", entry.client_order_id))?;
            let spec = OrderSpec::new(side, entry.spec.order_qty, order_type)?;
            let spec = spec.with_time_in_force(TimeInForce::Gtc);
            Ok(OrderRequest { client_order_id, spec, ..entry.clone() })
        };
        let exits: Result<Vec<_>, BracketError> = exits.into_iter().flatten().map(exit).collect();
        let orders = std::iter::once(entry.clone()).chain(exits?).collect();
        Ok(Self { kind: GroupKind::Bracket, orders })
    }

    /// Whether the orders make a group.
    ///
    /// # Errors
    /// The first [`GroupError`] found.
    pub fn check(&self) -> Result<(), GroupError> {
        if !(2..=LEGS_MAX).contains(&self.orders.len()) {
            return Err(GroupError::Size(self.orders.len()));
        }
        let Some((first, others)) = self.orders.split_first() else { return Err(GroupError::Size(0)) };
        let mut keys = BTreeSet::new();
        for order in &self.orders {
            let key = &order.client_order_id;
            if !keys.insert(key) {
                return Err(GroupError::SameKey(key.clone()));
            }
            if (&order.account, &order.strategy_id) != (&first.account, &first.strategy_id) {
                return Err(GroupError::OtherOwner(key.clone()));
            }
            if order.when_in_doubt == Some(WhenInDoubt::ResendIfAbsent) {
                return Err(GroupError::NotResendable(key.clone()));
            }
        }
        let is_exit = |order: &&OrderRequest| {
            order.instrument == first.instrument
                && order.spec.side != first.spec.side
                && order.spec.order_qty == first.spec.order_qty
        };
        match self.kind {
            GroupKind::OneCancelsAll => Ok(()),
            GroupKind::Bracket if others.len() > EXITS_MAX => Err(GroupError::Exits(others.len())),
            GroupKind::Bracket => match others.iter().find(|order| !is_exit(order)) {
                Some(order) => Err(GroupError::NoExit(order.client_order_id.clone())),
                None => Ok(()),
            },
        }
    }

    /// The part of its `index`-th order.
    #[must_use]
    pub fn leg(&self, index: usize) -> Option<Leg> {
        let group = self.orders.first()?.client_order_id.clone();
        let role = match (self.kind, index) {
            (GroupKind::OneCancelsAll, _) => LegRole::Peer,
            (GroupKind::Bracket, 0) => LegRole::Parent,
            (GroupKind::Bracket, _) => LegRole::Child,
        };
        Some(Leg { group, role })
    }
}

/// An order's part in its group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// The group: the key of its first order.
    pub group: ClientOrderId,
    /// As what.
    pub role: LegRole,
}

impl Leg {
    /// Whether it opens a position: an entry, or one of several of which one is to fill.
    #[must_use]
    pub const fn opens(&self) -> bool {
        !matches!(self.role, LegRole::Child)
    }
}

/// As what an order is in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegRole {
    /// The entry of a bracket.
    Parent,
    /// An exit of a bracket.
    Child,
    /// One of several, of which one is to fill.
    Peer,
}
