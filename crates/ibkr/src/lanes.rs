//! Requests that wait for their turn: cancels before orders, each in the order they came. And what a request means
//! for those that wait already.

use core::fmt;
use std::collections::{BTreeSet, VecDeque};

use alphec_model::broker::{BrokerEvent, BrokerRequest, Ticket, Wire};
use alphec_model::{BrokerOrderId, Generation, UtcNanos};

/// Most cancels that may wait; a further one is `NotWritten`.
pub(crate) const CANCELS_MAX: usize = 10_000;

/// Most orders and changes that may wait; a further one is `NotWritten`.
pub(crate) const ORDERS_MAX: usize = 20_000;

/// One request to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    Order { wire: Wire, ticket: Box<Ticket> },
    Cancel(BrokerOrderId),
    GlobalCancel,
}

impl Waiting {
    /// What it is, for the answer.
    pub(crate) fn what(&self) -> What {
        match self {
            Self::Order { wire, ticket } => What::Order(ticket.broker_order_id, *wire),
            Self::Cancel(broker_order_id) => What::Order(*broker_order_id, Wire::Cancel),
            Self::GlobalCancel => What::GlobalCancel,
        }
    }
}

/// What a request was, without its content: enough to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Order(BrokerOrderId, Wire),
    GlobalCancel,
}

impl What {
    /// It went to the wire whole.
    pub(crate) fn written(self, at: UtcNanos) -> BrokerEvent {
        match self {
            Self::Order(broker_order_id, wire) => BrokerEvent::Written { broker_order_id, wire, at },
            Self::GlobalCancel => BrokerEvent::GlobalCancelWritten { at },
        }
    }

    /// The proof that it never was.
    pub(crate) fn not_written(self, why: impl Into<String>) -> BrokerEvent {
        let why = why.into();
        match self {
            Self::Order(broker_order_id, wire) => BrokerEvent::NotWritten { broker_order_id, wire, why },
            Self::GlobalCancel => BrokerEvent::GlobalCancelNotWritten { why },
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id, Wire::Place) => write!(f, "order {id}"),
            Self::Order(id, Wire::Replace) => write!(f, "the change of order {id}"),
            Self::Order(id, Wire::Cancel) => write!(f, "the cancel of order {id}"),
            Self::GlobalCancel => f.write_str("the global cancel"),
        }
    }
}

/// The queues. One global cancel waits or none: a second would say the same.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    global_cancel: bool,
    cancels: VecDeque<BrokerOrderId>,
    orders: VecDeque<(Wire, Box<Ticket>)>,
    /// Orders that were withdrawn: the broker never hears of them, and has nothing to cancel.
    withdrawn: BTreeSet<BrokerOrderId>,
}

impl Lanes {
    /// Takes a request in that is written as one message at most; gives what can be said of requests at once.
    pub(crate) fn take(&mut self, request: BrokerRequest) -> Vec<BrokerEvent> {
        let place = |wire, ticket| Waiting::Order { wire, ticket: Box::new(ticket) };
        match request {
            BrokerRequest::Place(ticket) => self.wait(place(Wire::Place, ticket)).into_iter().collect(),
            BrokerRequest::Replace(ticket) => self.wait(place(Wire::Replace, ticket)).into_iter().collect(),
            BrokerRequest::Cancel { broker_order_id } => self.cancel(broker_order_id),
            BrokerRequest::GlobalCancel => self.cancel_all(),
            BrokerRequest::Withdraw { broker_order_ids } => self.withdraw(broker_order_ids),
            other => refused(&other, "unknown request").into_iter().collect(),
        }
    }

    /// A cancel also gives up what still waits for its order. If that includes the order itself, the broker never
    /// heard of it and there is nothing to cancel.
    fn cancel(&mut self, broker_order_id: BrokerOrderId) -> Vec<BrokerEvent> {
        let given_up = self.give_up(|id| id == broker_order_id);
        let mut events: Vec<_> =
            given_up.iter().map(|what| what.not_written("canceled before it was written")).collect();
        let is_unknown = given_up.contains(&What::Order(broker_order_id, Wire::Place));
        if is_unknown || self.withdrawn.remove(&broker_order_id) {
            let cancel = What::Order(broker_order_id, Wire::Cancel);
            events.push(cancel.not_written("its order was never written"));
        } else {
            events.extend(self.wait(Waiting::Cancel(broker_order_id)));
        }
        events
    }

    /// A global cancel gives up whatever waits: written after it, it would live on.
    fn cancel_all(&mut self) -> Vec<BrokerEvent> {
        let mut events = self.give_up_all("a global cancel came before it was written");
        events.extend(self.wait(Waiting::GlobalCancel));
        events
    }

    /// What is under way cannot be taken back; what waits is given up.
    fn withdraw(&mut self, broker_order_ids: Vec<BrokerOrderId>) -> Vec<BrokerEvent> {
        let named: BTreeSet<_> = broker_order_ids.into_iter().collect();
        let given_up = self.give_up(|id| named.contains(&id));
        for what in &given_up {
            if let What::Order(id, Wire::Place) = what {
                self.withdrawn.insert(*id);
            }
        }
        while self.withdrawn.len() > ORDERS_MAX {
            self.withdrawn.pop_first();
        }
        given_up.into_iter().map(|what| what.not_written("withdrawn before it was written")).collect()
    }

    /// Queues it, or says that it is not written: its lane is full.
    fn wait(&mut self, waiting: Waiting) -> Option<BrokerEvent> {
        self.push(waiting).err().map(|(waiting, why)| waiting.what().not_written(why))
    }

    /// Queues a request, or hands it back with the reason when its lane is full.
    fn push(&mut self, waiting: Waiting) -> Result<(), (Waiting, String)> {
        match waiting {
            Waiting::Cancel(_) if self.cancels.len() >= CANCELS_MAX => {
                Err((waiting, format!("{CANCELS_MAX} cancels already wait to be written")))
            }
            Waiting::Order { .. } if self.orders.len() >= ORDERS_MAX => {
                Err((waiting, format!("{ORDERS_MAX} orders already wait to be written; submit more slowly")))
            }
            Waiting::Cancel(broker_order_id) => {
                self.cancels.push_back(broker_order_id);
                Ok(())
            }
            Waiting::GlobalCancel => {
                self.global_cancel = true;
                Ok(())
            }
            Waiting::Order { wire, ticket } => {
                self.orders.push_back((wire, ticket));
                Ok(())
            }
        }
    }

    pub(crate) fn has_cancel(&self) -> bool {
        self.global_cancel || !self.cancels.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.has_cancel() && self.orders.is_empty()
    }

    /// The next to write: a cancel before any order, and the widest first.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        if core::mem::take(&mut self.global_cancel) {
            return Some(Waiting::GlobalCancel);
        }
        if let Some(broker_order_id) = self.cancels.pop_front() {
            return Some(Waiting::Cancel(broker_order_id));
        }
        self.orders.pop_front().map(|(wire, ticket)| Waiting::Order { wire, ticket })
    }

    /// Takes out what still waits for orders that are not to be sent any more. Written after a cancel it would bring
    /// an order back to life; never written, it is proven dead.
    fn give_up(&mut self, is_given_up: impl Fn(BrokerOrderId) -> bool) -> Vec<What> {
        let mut given_up = Vec::new();
        self.orders.retain(|(wire, ticket)| {
            let keep = !is_given_up(ticket.broker_order_id);
            if !keep {
                given_up.push(What::Order(ticket.broker_order_id, *wire));
            }
            keep
        });
        given_up
    }

    /// Takes out every order and change that waits.
    pub(crate) fn give_up_all(&mut self, why: &str) -> Vec<BrokerEvent> {
        let all = self.orders.drain(..).map(|(wire, ticket)| What::Order(ticket.broker_order_id, wire));
        all.map(|what| what.not_written(why)).collect()
    }

    /// The session has ended: nothing that waits is ever written.
    pub(crate) fn end(&mut self, why: &str) -> Vec<BrokerEvent> {
        self.withdrawn.clear();
        let waiting = core::iter::from_fn(|| self.pop());
        waiting.map(|one| one.what().not_written(format!("the session ended before: {why}"))).collect()
    }
}

/// The answer to a request that comes while there is no session, if there is anything to answer.
pub(crate) fn refused(request: &BrokerRequest, why: &str) -> Option<BrokerEvent> {
    let what = match request {
        BrokerRequest::Place(ticket) => What::Order(ticket.broker_order_id, Wire::Place),
        BrokerRequest::Replace(ticket) => What::Order(ticket.broker_order_id, Wire::Replace),
        BrokerRequest::Cancel { broker_order_id } => What::Order(*broker_order_id, Wire::Cancel),
        BrokerRequest::GlobalCancel => What::GlobalCancel,
        BrokerRequest::Snapshot { id, executions_days: _ } => {
            let (id, generation, why) = (*id, Generation::new(0), why.to_owned());
            return Some(BrokerEvent::SnapshotFailed { id, generation, why });
        }
        // Nothing waits where there is no session.
        BrokerRequest::Withdraw { .. } => return None,
        other => {
            tracing::warn!(?other, "request unknown to this adapter");
            return None;
        }
    };
    Some(what.not_written(why))
}

#[cfg(test)]
mod tests {
    use alphec_model::{AccountId, InstrumentId, LogId, OrderRef, OrderSpec, OrderType, Side};

    use super::*;

    fn order(id: i32, wire: Wire) -> Waiting {
        let ticket = Box::new(Ticket {
            generation: Generation::new(1),
            broker_order_id: BrokerOrderId::new(id),
            order_ref: OrderRef::of_intent(&LogId::new("log").unwrap(), 1, "terms"),
            account: AccountId::new("DU1").unwrap(),
            instrument: InstrumentId::new("AAPL").unwrap(),
            spec: OrderSpec::new(Side::Buy, "1".parse().unwrap(), OrderType::Market).unwrap(),
            send_by: UtcNanos::EPOCH,
            leg: None,
        });
        Waiting::Order { wire, ticket }
    }

    fn cancel(id: i32) -> Waiting {
        Waiting::Cancel(BrokerOrderId::new(id))
    }

    fn drain(lanes: &mut Lanes) -> Vec<(i32, Wire)> {
        core::iter::from_fn(|| lanes.pop())
            .map(|next| match next.what() {
                What::Order(id, wire) => (id.get(), wire),
                What::GlobalCancel => panic!("nobody asked for a global cancel"),
            })
            .collect()
    }

    fn unwritten(events: &[BrokerEvent]) -> Vec<(i32, Wire)> {
        let pick = |event: &BrokerEvent| match event {
            BrokerEvent::NotWritten { broker_order_id, wire, why: _ } => (broker_order_id.get(), *wire),
            other => panic!("{other:?}"),
        };
        events.iter().map(pick).collect()
    }

    #[test]
    fn a_global_cancel_overtakes_everything_gives_up_what_waits_and_waits_once() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), cancel(8)] {
            lanes.push(waiting).unwrap();
        }
        assert_eq!(unwritten(&lanes.take(BrokerRequest::GlobalCancel)), [(1, Wire::Place)]);
        assert_eq!(lanes.take(BrokerRequest::GlobalCancel), []);
        assert!(lanes.has_cancel());
        assert_eq!(lanes.pop(), Some(Waiting::GlobalCancel));
        assert_eq!(lanes.pop(), Some(cancel(8)));
        assert_eq!(lanes.pop(), None);
        assert!(lanes.is_empty());
    }

    #[test]
    fn cancels_overtake_orders_and_each_lane_keeps_its_order() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), cancel(8), order(2, Wire::Replace), cancel(9)] {
            lanes.push(waiting).unwrap();
        }
        let expected = [(8, Wire::Cancel), (9, Wire::Cancel), (1, Wire::Place), (2, Wire::Replace)];
        assert_eq!(drain(&mut lanes), expected);
        assert!(lanes.is_empty());
    }

    #[test]
    fn what_waits_for_a_canceled_order_is_given_up_and_an_order_that_was_not_written_needs_no_cancel() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), order(2, Wire::Replace), order(3, Wire::Place)] {
            lanes.push(waiting).unwrap();
        }
        let mut cancel = |id| {
            let request = BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) };
            unwritten(&lanes.take(request))
        };
        assert_eq!(cancel(1), [(1, Wire::Place), (1, Wire::Cancel)]);
        assert_eq!(cancel(2), [(2, Wire::Replace)]);
        assert_eq!(drain(&mut lanes), [(2, Wire::Cancel), (3, Wire::Place)]);
    }

    #[test]
    fn what_is_withdrawn_is_given_up_and_what_was_withdrawn_whole_needs_no_cancel() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), order(2, Wire::Replace), order(3, Wire::Place)] {
            lanes.push(waiting).unwrap();
        }
        let ids = |all: &[i32]| all.iter().map(|id| BrokerOrderId::new(*id)).collect();
        let withdraw = BrokerRequest::Withdraw { broker_order_ids: ids(&[1, 2, 9]) };
        let given_up = unwritten(&lanes.take(withdraw));
        assert_eq!(given_up, [(1, Wire::Place), (2, Wire::Replace)]);
        for (id, said) in [(1, vec![(1, Wire::Cancel)]), (2, vec![]), (9, vec![])] {
            let cancel = BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) };
            assert_eq!(unwritten(&lanes.take(cancel)), said);
        }
        assert_eq!(drain(&mut lanes), [(2, Wire::Cancel), (9, Wire::Cancel), (3, Wire::Place)]);
    }

    #[test]
    fn a_full_lane_hands_the_request_back() {
        let mut lanes = Lanes::default();
        for id in 0..i32::try_from(CANCELS_MAX).unwrap() {
            lanes.push(cancel(id)).unwrap();
        }
        let (back, why) = lanes.push(cancel(-5)).unwrap_err();
        assert_eq!(back, cancel(-5));
        assert!(why.contains("10000"), "{why}");
        lanes.push(order(1, Wire::Place)).expect("the order lane is another one");
    }
}
