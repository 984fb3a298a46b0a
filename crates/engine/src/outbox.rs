//! Requests on their way to the adapter: cancels first, bounded, never blocking the loop.

use std::collections::{BTreeSet, VecDeque};

use alphec_model::{BrokerOrderId, BrokerRequest};
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

/// Cancels that wait. Each order waits once, so there are never more than there are orders, and one more
/// for all of them.
struct Cancels {
    queue: VecDeque<(Target, Committed)>,
    targets: BTreeSet<Target>,
}

impl Cancels {
    const fn new() -> Self {
        Self { queue: VecDeque::new(), targets: BTreeSet::new() }
    }

    fn push(&mut self, target: Target, cancel: Committed) {
        if !self.targets.insert(target) {
            return;
        }
        match target {
            Target::All => self.queue.push_front((target, cancel)),
            Target::One(_) => self.queue.push_back((target, cancel)),
        }
    }

    fn pop(&mut self) -> Option<Committed> {
        let (target, cancel) = self.queue.pop_front()?;
        self.targets.remove(&target);
        Some(cancel)
    }
}

/// The only sender of the broker channel; takes nothing but [`Committed`].
pub(crate) struct Outbox {
    sender: mpsc::Sender<BrokerRequest>,
    cancels: Cancels,
    rest: VecDeque<Committed>,
}

impl Outbox {
    pub(crate) const fn new(sender: mpsc::Sender<BrokerRequest>) -> Self {
        Self { sender, cancels: Cancels::new(), rest: VecDeque::new() }
    }

    /// Queues a request; gives it back when the outbox is full. A cancel is never given back: one that
    /// waits already is the same cancel.
    pub(crate) fn push(&mut self, committed: Committed) -> Result<(), Box<BrokerRequest>> {
        match Target::of(committed.request()) {
            Some(target) => self.cancels.push(target, committed),
            None if self.rest.len() >= OUTBOX_MAX => return Err(Box::new(committed.into_request())),
            None => self.rest.push_back(committed),
        }
        Ok(())
    }

    /// Sends what fits now. Each request that can trade is looked at a last time before it leaves;
    /// those that may not any more come back, never to be sent.
    pub(crate) fn flush(
        &mut self,
        last_look: impl Fn(&BrokerRequest) -> Result<(), String>,
    ) -> Vec<(BrokerRequest, String)> {
        let mut refused = Vec::new();
        while !self.is_empty() {
            let Ok(permit) = self.sender.try_reserve() else { break };
            let Some(committed) = self.cancels.pop().or_else(|| self.rest.pop_front()) else { break };
            match last_look(committed.request()) {
                Ok(()) => permit.send(committed.into_request()),
                Err(why) => refused.push((committed.into_request(), why)),
            }
        }
        refused
    }

    /// Gives up everything but the cancels.
    pub(crate) fn give_up(&mut self) -> Vec<BrokerRequest> {
        self.rest.drain(..).map(Committed::into_request).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cancels.queue.is_empty() && self.rest.is_empty()
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

    use super::*;
    use crate::write_ahead::Held;

    fn cancel(id: i32) -> BrokerRequest {
        BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) }
    }

    #[test]
    fn a_cancel_waits_once_however_often_it_is_repeated() {
        let (sender, mut adapter) = mpsc::channel(1);
        let mut outbox = Outbox::new(sender);
        let push = |outbox: &mut Outbox, requests: Vec<BrokerRequest>| {
            let mut held = Held::default();
            let _records = held.take(Step { requests, ..Step::default() }, None);
            for committed in held.take_cancels() {
                outbox.push(committed).unwrap();
            }
        };
        for _ in 0..1_000 {
            push(&mut outbox, vec![cancel(1), cancel(2), BrokerRequest::GlobalCancel]);
        }
        assert_eq!(outbox.cancels.queue.len(), 3);
        let mut next = |outbox: &mut Outbox| {
            assert!(outbox.flush(|_| Ok(())).is_empty());
            adapter.try_recv().ok()
        };
        assert_eq!(next(&mut outbox), Some(BrokerRequest::GlobalCancel), "the widest first");
        assert_eq!(next(&mut outbox), Some(cancel(1)));
        // The second left with that look; asked again, it waits again.
        push(&mut outbox, vec![cancel(1), cancel(1)]);
        assert_eq!((next(&mut outbox), next(&mut outbox)), (Some(cancel(2)), Some(cancel(1))));
        assert_eq!(next(&mut outbox), None);
        assert!(outbox.is_empty() && outbox.cancels.targets.is_empty());
    }
}
