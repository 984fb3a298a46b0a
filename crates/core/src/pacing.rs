//! Which message leaves next, and when: one budget for all of them, and lanes by how much each one matters.
//!
//! Invariants: no second holds more messages than the budget; a lane is never served while a higher one waits (but
//! questions go before all but cancels once they have waited for a second); and the higher lanes have a share of the
//! budget that the lower ones cannot use, so that a cancel leaves at once however many orders wait. Pure data: the driver says what time it is.

use std::collections::VecDeque;
use std::time::Duration;

use alphec_model::{BrokerRequest, Order, UtcNanos, planted};

use crate::machine::Core;

const SECOND: Duration = Duration::from_secs(1);

/// One message in this many is kept for what can only make exposure smaller.
const RESERVE_SHARE: u32 = 5;

/// How many of so many messages a second new orders may be; the rest is kept for what makes exposure smaller. A gate
/// that lets no more pass keeps them from waiting for each other.
#[must_use]
pub const fn share_of_new_orders(per_second: u32) -> u32 {
    per_second - per_second / RESERVE_SHARE
}

/// Messages that one reading of the books costs: five questions and the end of a subscription.
const BOOKS_COST: usize = 6;

/// How much a message matters; the first leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Cancels of the kill switch.
    Kill,
    /// Other cancels.
    Cancel,
    /// Changes that make an order no larger.
    Reducing,
    /// New orders, and changes that make one larger. New orders leave in the order of their ids, all of them, also
    /// those that close a position: an id below one that was used is refused (103, `tws-behaviour.md` §2.1).
    New,
    /// Questions.
    Query,
}

impl Lane {
    /// Every lane, first to last.
    pub const ALL: [Self; 5] = [Self::Kill, Self::Cancel, Self::Reducing, Self::New, Self::Query];

    /// As people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Cancel => "cancel",
            Self::Reducing => "reducing",
            Self::New => "new",
            Self::Query => "query",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Kill => 0,
            Self::Cancel => 1,
            Self::Reducing => 2,
            Self::New => 3,
            Self::Query => 4,
        }
    }

    /// How much of the budget it may use.
    fn share(self, limit: u32) -> usize {
        let new = share_of_new_orders(limit);
        let reserve = limit.saturating_sub(new);
        let share = match self {
            Self::Cancel if planted::is("cancels-have-their-own-share-only") => reserve,
            Self::Kill | Self::Cancel => limit,
            Self::Reducing => limit.saturating_sub(reserve / 2),
            Self::New | Self::Query => new,
        };
        usize::try_from(share.max(1)).unwrap_or(usize::MAX)
    }
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// This one, now.
    Now(Lane, T),
    /// Something waits for the budget until then.
    At(UtcNanos),
    /// Nothing waits.
    Nothing,
}

/// What waited, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// Messages that wait now, by lane.
    pub waiting: [usize; 5],
    /// Messages that had to wait for the budget.
    pub delayed: u64,
    /// The longest that one of them waited.
    pub longest: Duration,
}

/// Messages that wait for their turn.
#[derive(Debug)]
pub struct Pacing<T> {
    limit: Option<u32>,
    lanes: [VecDeque<(UtcNanos, T)>; 5],
    sent: VecDeque<UtcNanos>,
    delayed: u64,
    longest: Duration,
}

impl<T> Pacing<T> {
    /// With a budget of messages in any one second, or none.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        let limit = per_second.map(|limit| limit.max(1));
        let lanes = std::array::from_fn(|_| VecDeque::new());
        Self { limit, lanes, sent: VecDeque::new(), delayed: 0, longest: Duration::ZERO }
    }

    /// Queues a message behind those of its lane.
    pub fn push(&mut self, lane: Lane, message: T, now: UtcNanos) {
        if let Some(queue) = self.lanes.get_mut(lane.index()) {
            queue.push_back((now, message));
        }
    }

    /// Queues a message ahead of those of its lane.
    pub fn push_first(&mut self, lane: Lane, message: T, now: UtcNanos) {
        if let Some(queue) = self.lanes.get_mut(lane.index()) {
            queue.push_front((now, message));
        }
    }

    /// The first message of the highest lane, if the budget has room for it: `cost` says how many messages on the wire
    /// it is. One that costs more than its whole share leaves when nothing else did for a second.
    pub fn pop(&mut self, now: UtcNanos, cost: impl Fn(&T) -> usize) -> Next<T> {
        let Some(lane) = self.turns(now).into_iter().find(|lane| self.waiting(*lane) > 0) else {
            return Next::Nothing;
        };
        let first = self.lanes.get(lane.index()).and_then(VecDeque::front);
        let cost = first.map_or(1, |(_, message)| cost(message));
        if let Err(at) = self.room(lane, cost, now) {
            return Next::At(at);
        }
        let first = self.lanes.get_mut(lane.index()).and_then(VecDeque::pop_front);
        let Some((since, message)) = first else { return Next::Nothing };
        let waited = now.since(since);
        if waited > Duration::ZERO && self.limit.is_some() {
            self.delayed = self.delayed.saturating_add(1);
            self.longest = self.longest.max(waited);
        }
        Next::Now(lane, message)
    }

    /// Whose turn it is, first to last. A question that waited for a second goes ahead of orders and changes: it may
    /// cost more than they ever leave room for, and without the books nobody knows what is lost.
    fn turns(&self, now: UtcNanos) -> [Lane; 5] {
        use Lane::{Cancel, Kill, New, Query, Reducing};
        if planted::is("cancels-wait-behind-orders") {
            return [Query, New, Reducing, Cancel, Kill];
        }
        let question = self.lanes.get(Query.index()).and_then(VecDeque::front);
        if question.is_some_and(|(since, _)| now.since(*since) >= SECOND) {
            return [Kill, Cancel, Query, Reducing, New];
        }
        Lane::ALL
    }

    /// Counts what left.
    pub fn sent(&mut self, messages: usize, now: UtcNanos) {
        if self.limit.is_some() {
            self.sent.extend(std::iter::repeat_n(now, messages));
        }
    }

    /// Whether so many messages of this lane fit in; else when to ask again.
    fn room(&mut self, lane: Lane, cost: usize, now: UtcNanos) -> Result<(), UtcNanos> {
        let Some(limit) = self.limit.filter(|_| cost > 0) else { return Ok(()) };
        // What lies in the future was counted before the clock stepped back.
        while self.sent.front().is_some_and(|at| now.since(*at) >= SECOND || *at > now) {
            self.sent.pop_front();
        }
        // So many must leave the window first; the last of them decides.
        let over = self.sent.len().saturating_add(cost).saturating_sub(lane.share(limit));
        match over.min(self.sent.len()).checked_sub(1).and_then(|last| self.sent.get(last)) {
            Some(at) => Err(at.saturating_add(SECOND)),
            None => Ok(()),
        }
    }

    /// How many of a lane wait.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        self.lanes.get(lane.index()).map_or(0, VecDeque::len)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    /// What waits and what waited.
    #[must_use]
    pub fn waits(&self) -> Waits {
        Waits {
            waiting: Lane::ALL.map(|lane| self.waiting(lane)),
            delayed: self.delayed,
            longest: self.longest,
        }
    }

    /// Takes out of one lane what is wanted elsewhere.
    pub fn take_out(&mut self, lane: Lane, is_wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let Some(queue) = self.lanes.get_mut(lane.index()) else { return Vec::new() };
        let (wanted, rest): (Vec<_>, Vec<_>) = queue.drain(..).partition(|(_, message)| is_wanted(message));
        queue.extend(rest);
        wanted.into_iter().map(|(_, message)| message).collect()
    }
}

/// How many messages a request is on the wire.
#[must_use]
pub const fn cost(request: &BrokerRequest) -> usize {
    match request {
        BrokerRequest::Snapshot { .. } => BOOKS_COST,
        BrokerRequest::Withdraw { .. } => 0,
        _ => 1,
    }
}

impl Core {
    /// The lane of a request, by what it means for what is live now.
    #[must_use]
    pub fn lane(&self, request: &BrokerRequest) -> Lane {
        let order =
            |id| self.book.ix_by_broker_id(id).and_then(|ix| self.book.entry(ix)).map(|entry| &entry.order);
        match request {
            BrokerRequest::GlobalCancel | BrokerRequest::Withdraw { .. } => Lane::Kill,
            BrokerRequest::Cancel { broker_order_id } => {
                let is_killed = order(*broker_order_id).is_some_and(|order| self.is_killed(order));
                if is_killed { Lane::Kill } else { Lane::Cancel }
            }
            BrokerRequest::Replace(ticket) => {
                let is_larger = order(ticket.broker_order_id)
                    .is_none_or(|order| ticket.spec.order_qty > order.spec.order_qty);
                if is_larger { Lane::New } else { Lane::Reducing }
            }
            BrokerRequest::Place(ticket)
                if ticket.spec.side == alphec_model::Side::Sell && planted::is("sells-overtake-buys") =>
            {
                Lane::Reducing
            }
            BrokerRequest::Place(_) => Lane::New,
            _ => Lane::Query,
        }
    }

    fn is_killed(&self, order: &Order) -> bool {
        let reaches = |scope: &alphec_model::CancelScope| {
            scope.reaches(&order.account, &order.strategy_id, &order.instrument)
        };
        self.book.halts().any(|(scope, halt)| halt.is_kill && reaches(scope))
    }
}
