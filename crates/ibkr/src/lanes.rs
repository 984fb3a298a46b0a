//! Requests that wait for their turn: cancels before orders, each in the order they came.

use core::fmt;
use std::collections::VecDeque;

use alphec_model::broker::{BrokerEvent, Ticket, Wire};
use alphec_model::{BrokerOrderId, UtcNanos};

/// Most cancels that may wait; a further one is `NotWritten`.
pub(crate) const CANCELS_MAX: usize = 10_000;

/// Most orders and changes that may wait; a further one is `NotWritten`.
pub(crate) const ORDERS_MAX: usize = 20_000;

/// Why an order that was withdrawn is not written.
pub(crate) const WITHDRAWN: &str = "withdrawn before it was written";

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
}

impl Lanes {
    /// Queues a request, or hands it back with the reason when its lane is full.
    pub(crate) fn push(&mut self, waiting: Waiting) -> Result<(), (Waiting, String)> {
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
    pub(crate) fn give_up(&mut self, is_given_up: impl Fn(BrokerOrderId) -> bool) -> Vec<What> {
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

    /// Takes out every order and change that waits: a global cancel is about to be written.
    pub(crate) fn give_up_all(&mut self) -> Vec<What> {
        self.orders.drain(..).map(|(wire, ticket)| What::Order(ticket.broker_order_id, wire)).collect()
    }
}

#[cfg(test)]
mod tests {
    use alphec_model::{AccountId, Generation, InstrumentId, LogId, OrderRef, OrderSpec, OrderType, Side};

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

    #[test]
    fn a_global_cancel_overtakes_everything_and_waits_once() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), cancel(8), Waiting::GlobalCancel, Waiting::GlobalCancel] {
            lanes.push(waiting).unwrap();
        }
        assert!(lanes.has_cancel());
        assert_eq!(lanes.give_up_all(), [What::Order(BrokerOrderId::new(1), Wire::Place)]);
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
    fn what_waits_for_a_canceled_order_is_given_up() {
        let mut lanes = Lanes::default();
        for waiting in [order(1, Wire::Place), order(2, Wire::Place), order(1, Wire::Replace)] {
            lanes.push(waiting).unwrap();
        }
        let first = BrokerOrderId::new(1);
        let given_up = [Wire::Place, Wire::Replace].map(|wire| What::Order(first, wire));
        assert_eq!(lanes.give_up(|id| id == first), given_up);
        assert_eq!(drain(&mut lanes), [(2, Wire::Place)]);
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
