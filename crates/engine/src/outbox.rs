//! Requests on their way to the adapter: by what matters most and within the budget, bounded, never blocking the
//! loop.

use std::collections::{BTreeMap, BTreeSet};

use alphec_core::{Lane, Next, Pacing, Waits, cost};
use alphec_model::{BrokerOrderId, BrokerRequest, UtcNanos, planted};
use tokio::sync::mpsc;

use crate::write_ahead::Committed;

/// Requests that may wait here. Beyond it new ones are given up as never written.
pub(crate) const OUTBOX_MAX: usize = 65_536;

/// What a cancel is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    One(BrokerOrderId),
    All,
}

impl Target {
    fn of(request: &BrokerRequest) -> Option<Self> {
        match request {
            BrokerRequest::Cancel { broker_order_id } => Some(Self::One(*broker_order_id)),
            BrokerRequest::GlobalCancel => Some(Self::All),
            _ => None,
        }
    }
}

/// The order that a request would make, if it would.
const fn placed(request: &BrokerRequest) -> Option<BrokerOrderId> {
    match request {
        BrokerRequest::Place(ticket) => Some(ticket.broker_order_id),
        _ => None,
    }
}

/// The only sender of the broker channel; takes nothing but [`Committed`].
pub(crate) struct Outbox {
    sender: mpsc::Sender<BrokerRequest>,
    pacing: Pacing<Committed>,
    /// Cancels that wait, each once: there are never more than there are orders, and one more for all of them.
    cancels: BTreeMap<Target, Lane>,
    /// New orders that wait here, and those of them that are to leave no more.
    orders: BTreeSet<BrokerOrderId>,
    ended: BTreeSet<BrokerOrderId>,
    /// When the budget lets the next one through.
    paced_until: Option<UtcNanos>,
}

impl Outbox {
    /// With a budget of messages in any one second, or none.
    pub(crate) fn new(sender: mpsc::Sender<BrokerRequest>, per_second: Option<u32>) -> Self {
        Self {
            sender,
            pacing: Pacing::new(per_second),
            cancels: BTreeMap::new(),
            orders: BTreeSet::new(),
            ended: BTreeSet::new(),
            paced_until: None,
        }
    }

    /// Queues a request; gives it back when the outbox is full. A cancel is never given back: one that
    /// waits already is the same cancel, and moves up if it matters more by now. A cancel of an order that waits here
    /// itself ends that one, and is no message: the budget is for what the broker has.
    pub(crate) fn push(
        &mut self,
        committed: Committed,
        lane: Lane,
        now: UtcNanos,
    ) -> Result<(), Box<BrokerRequest>> {
        match Target::of(committed.request()) {
            Some(Target::One(id)) if self.orders.contains(&id) => {
                self.ended.insert(id);
                return Ok(());
            }
            Some(_)
                if self.paced_until.is_some()
                    && planted::is("a-cancel-is-dropped-when-the-budget-is-spent") =>
            {
                return Ok(());
            }
            Some(target) => match self.cancels.insert(target, lane) {
                Some(waits) if waits <= lane => {
                    self.cancels.insert(target, waits);
                    return Ok(());
                }
                Some(waits) => {
                    drop(self.pacing.take_out(waits, |it| Target::of(it.request()) == Some(target)))
                }
                None => {}
            },
            None if cost(committed.request()) == 0 => {
                // It costs no message and saves some: it waits for nothing.
                self.pacing.push_first(lane, committed, now);
                return Ok(());
            }
            None if self.others() >= OUTBOX_MAX => return Err(Box::new(committed.into_request())),
            None => self.orders.extend(placed(committed.request())),
        }
        self.pacing.push(lane, committed, now);
        Ok(())
    }

    fn others(&self) -> usize {
        [Lane::Reducing, Lane::New, Lane::Query].map(|lane| self.pacing.waiting(lane)).into_iter().sum()
    }

    /// Sends what fits now and what the budget allows. Each request that can trade is looked at a last time before
    /// it leaves; those that may not any more come back, never to be sent. Nothing grows old behind this point: the
    /// adapter gets no more than it may write.
    pub(crate) fn flush(
        &mut self,
        now: UtcNanos,
        last_look: impl Fn(&BrokerRequest) -> Result<(), String>,
    ) -> Vec<(BrokerRequest, String)> {
        let mut refused = Vec::new();
        self.paced_until = None;
        while let Ok(permit) = self.sender.try_reserve() {
            let ended = &self.ended;
            let is_ended = |request: &_| placed(request).is_some_and(|id| ended.contains(&id));
            let cost_of = |request: &_| if is_ended(request) { 0 } else { cost(request) };
            let committed = match self.pacing.pop(now, |committed| cost_of(committed.request())) {
                Next::Now(_, committed) => committed,
                Next::At(at) => {
                    self.paced_until = Some(at);
                    break;
                }
                Next::Nothing => break,
            };
            if let Some(target) = Target::of(committed.request()) {
                self.cancels.remove(&target);
            }
            let placed = placed(committed.request());
            placed.map(|id| self.orders.remove(&id));
            if placed.is_some_and(|id| self.ended.remove(&id)) {
                refused.push((committed.into_request(), "a cancel was asked for first".to_owned()));
                continue;
            }
            match last_look(committed.request()) {
                Ok(()) => {
                    self.pacing.sent(cost(committed.request()), now);
                    permit.send(committed.into_request());
                }
                Err(why) => refused.push((committed.into_request(), why)),
            }
        }
        refused
    }

    /// Gives up everything but the cancels.
    pub(crate) fn give_up(&mut self) -> Vec<BrokerRequest> {
        self.orders.clear();
        self.ended.clear();
        let all = [Lane::Reducing, Lane::New, Lane::Query].map(|lane| self.pacing.take_out(lane, |_| true));
        all.into_iter().flatten().map(Committed::into_request).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pacing.is_empty()
    }

    /// When the budget lets the next one through, if one waits for that.
    pub(crate) const fn paced_until(&self) -> Option<UtcNanos> {
        self.paced_until
    }

    /// What waits and what waited.
    pub(crate) fn waits(&self) -> Waits {
        self.pacing.waits()
    }

    /// Whether the adapter has taken everything, or is gone.
    pub(crate) fn is_drained(&self) -> bool {
        self.sender.is_closed() || (self.is_empty() && self.sender.capacity() == self.sender.max_capacity())
    }

    /// Resolves when there is room again; never when the adapter is gone.
    pub(crate) async fn room(&self) {
        if self.sender.reserve().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use alphec_core::Step;
    use alphec_model::broker::Ticket;
    use alphec_model::{Generation, OrderRef, OrderSpec, OrderType, Seq, Side};

    use super::*;
    use crate::write_ahead::{Held, Receipt};

    fn cancel(id: i32) -> BrokerRequest {
        BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) }
    }

    fn place(id: i32) -> BrokerRequest {
        let spec =
            OrderSpec::new(Side::Buy, "1".parse().expect("a size"), OrderType::Market).expect("a size");
        BrokerRequest::Place(Ticket {
            generation: Generation::new(1),
            broker_order_id: BrokerOrderId::new(id),
            order_ref: OrderRef::new(format!("test.{id}")).expect("a reference"),
            account: "DU1".parse().expect("an account"),
            instrument: "AAPL".parse().expect("an instrument"),
            spec,
            send_by: UtcNanos::EPOCH,
            leg: None,
        })
    }

    /// Queues requests as if their records were durable.
    fn push(outbox: &mut Outbox, requests: Vec<(Lane, BrokerRequest)>) {
        for (lane, request) in requests {
            let mut held = Held::default();
            let _records = held.take(Step { requests: vec![request], ..Step::default() }, None);
            for committed in held.release(Receipt::of(Seq::new(0))).expect("nothing to wait for").requests {
                outbox.push(committed, lane, UtcNanos::EPOCH).unwrap();
            }
        }
    }

    #[test]
    fn a_cancel_waits_once_however_often_it_is_repeated_and_the_widest_leaves_first() {
        let (sender, mut adapter) = mpsc::channel(1);
        let mut outbox = Outbox::new(sender, None);
        let all = || {
            vec![
                (Lane::Cancel, cancel(1)),
                (Lane::Cancel, cancel(2)),
                (Lane::Kill, BrokerRequest::GlobalCancel),
            ]
        };
        for _ in 0..1_000 {
            push(&mut outbox, all());
        }
        assert_eq!(outbox.waits().waiting, [1, 2, 0, 0, 0]);
        let mut next = |outbox: &mut Outbox| {
            assert!(outbox.flush(UtcNanos::EPOCH, |_| Ok(())).is_empty());
            adapter.try_recv().ok()
        };
        assert_eq!(next(&mut outbox), Some(BrokerRequest::GlobalCancel), "the widest first");
        assert_eq!(next(&mut outbox), Some(cancel(1)));
        // The second left with that look; asked again, it waits again.
        push(&mut outbox, vec![(Lane::Cancel, cancel(1)), (Lane::Cancel, cancel(1))]);
        assert_eq!((next(&mut outbox), next(&mut outbox)), (Some(cancel(2)), Some(cancel(1))));
        assert_eq!(next(&mut outbox), None);
        assert!(outbox.is_empty() && outbox.cancels.is_empty());
    }

    #[test]
    fn a_waiting_cancel_moves_up_when_the_kill_switch_asks_for_it() {
        let (sender, mut adapter) = mpsc::channel(8);
        let mut outbox = Outbox::new(sender, None);
        push(
            &mut outbox,
            vec![(Lane::Cancel, cancel(1)), (Lane::Cancel, cancel(2)), (Lane::Kill, cancel(2))],
        );
        push(&mut outbox, vec![(Lane::Cancel, cancel(2))]);
        outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        let left: Vec<_> = std::iter::from_fn(|| adapter.try_recv().ok()).collect();
        assert_eq!(left, [cancel(2), cancel(1)]);
    }

    #[test]
    fn a_withdrawal_costs_nothing_and_leaves_first_though_the_budget_is_spent_and_the_outbox_full() {
        let (sender, mut adapter) = mpsc::channel(100);
        let mut outbox = Outbox::new(sender, Some(1));
        let books = || BrokerRequest::Snapshot { id: 1, executions_days: 1 };
        push(&mut outbox, vec![(Lane::Query, books())]);
        outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        assert_eq!(adapter.try_recv(), Ok(books()), "and the budget is spent");
        push(&mut outbox, (0..OUTBOX_MAX).map(|_| (Lane::Query, books())).collect());
        let withdraw = || BrokerRequest::Withdraw { broker_order_ids: vec![BrokerOrderId::new(1)] };
        push(&mut outbox, vec![(Lane::Kill, cancel(1)), (Lane::Kill, withdraw())]);
        outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        assert_eq!(adapter.try_recv(), Ok(withdraw()));
        assert!(adapter.try_recv().is_err() && outbox.paced_until().is_some());
    }

    #[test]
    fn what_the_budget_does_not_allow_waits_and_is_looked_at_when_it_leaves() {
        let (sender, mut adapter) = mpsc::channel(100);
        let mut outbox = Outbox::new(sender, Some(10));
        let books = |id| BrokerRequest::Snapshot { id, executions_days: 1 };
        // Two readings of the books cost more than the share of questions, and one leaves room for cancels.
        push(&mut outbox, (0..4).map(|id| (Lane::Query, books(id))).collect());
        outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        let at = outbox.paced_until().expect("the rest waits");
        assert_eq!(at, UtcNanos::EPOCH.saturating_add(std::time::Duration::from_secs(1)));
        assert_eq!(std::iter::from_fn(|| adapter.try_recv().ok()).count(), 1);
        push(&mut outbox, vec![(Lane::Cancel, cancel(1))]);
        let refused =
            outbox.flush(at, |request| if request.is_cancel() { Ok(()) } else { Err("late".into()) });
        assert_eq!((refused.len(), adapter.try_recv().ok()), (3, Some(cancel(1))));
        assert!(outbox.is_empty() && outbox.paced_until().is_none());
    }

    #[test]
    fn a_cancel_of_an_order_that_waits_here_ends_that_one_and_costs_no_message() {
        let (sender, mut adapter) = mpsc::channel(100);
        let mut outbox = Outbox::new(sender, Some(5));
        push(&mut outbox, (1..=6).map(|id| (Lane::New, place(id))).collect());
        outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        assert_eq!(std::iter::from_fn(|| adapter.try_recv().ok()).count(), 4, "the share of new orders");
        push(&mut outbox, (4..=6).rev().map(|id| (Lane::Kill, cancel(id))).collect());
        let refused = outbox.flush(UtcNanos::EPOCH, |_| Ok(()));
        let ended: Vec<_> = refused.iter().filter_map(|(request, _)| placed(request)).collect();
        assert_eq!(
            ended,
            [BrokerOrderId::new(5), BrokerOrderId::new(6)],
            "at once, though the budget is spent"
        );
        assert_eq!(adapter.try_recv().ok(), Some(cancel(4)), "the adapter had this one");
        assert!(outbox.is_empty() && outbox.orders.is_empty() && outbox.ended.is_empty());
    }
}
