//! Requests that wait for their turn: cancels before orders, each in the order they came.

use std::collections::VecDeque;

use alphec_model::BrokerOrderId;
use alphec_model::broker::{Ticket, Wire};

/// Most cancels that may wait; a further one is `NotWritten`.
pub(crate) const CANCELS_MAX: usize = 10_000;

/// Most orders and changes that may wait; a further one is `NotWritten`.
pub(crate) const ORDERS_MAX: usize = 20_000;

/// One request to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    Order { wire: Wire, ticket: Box<Ticket> },
    Cancel(BrokerOrderId),
}

impl Waiting {
    /// Whose and what, for the answer.
    pub(crate) fn identity(&self) -> (BrokerOrderId, Wire) {
        match self {
            Self::Order { wire, ticket } => (ticket.broker_order_id, *wire),
            Self::Cancel(broker_order_id) => (*broker_order_id, Wire::Cancel),
        }
    }
}

/// The two queues.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
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
            Waiting::Order { wire, ticket } => {
                self.orders.push_back((wire, ticket));
                Ok(())
            }
        }
    }

    pub(crate) fn has_cancel(&self) -> bool {
        !self.cancels.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cancels.is_empty() && self.orders.is_empty()
    }

    /// The next to write: a cancel before any order.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        if let Some(broker_order_id) = self.cancels.pop_front() {
            return Some(Waiting::Cancel(broker_order_id));
        }
        self.orders.pop_front().map(|(wire, ticket)| Waiting::Order { wire, ticket })
    }

    /// Takes out what still waits for an order that is to be canceled. Written after the cancel it
    /// would bring the order back to life; never written, it is proven dead.
    pub(crate) fn give_up(&mut self, broker_order_id: BrokerOrderId) -> Vec<Wire> {
        let mut given_up = Vec::new();
        self.orders.retain(|(wire, ticket)| {
            let keep = ticket.broker_order_id != broker_order_id;
            if !keep {
                given_up.push(*wire);
            }
            keep
        });
        given_up
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
            order_ref: OrderRef::of_intent(&LogId::new("log").unwrap(), 1),
            account: AccountId::new("DU1").unwrap(),
            instrument: InstrumentId::new("AAPL").unwrap(),
            spec: OrderSpec::new(Side::Buy, "1".parse().unwrap(), OrderType::Market).unwrap(),
        });
        Waiting::Order { wire, ticket }
    }

    fn cancel(id: i32) -> Waiting {
        Waiting::Cancel(BrokerOrderId::new(id))
    }

    fn drain(lanes: &mut Lanes) -> Vec<(i32, Wire)> {
        core::iter::from_fn(|| lanes.pop())
            .map(|next| next.identity())
            .map(|(id, wire)| (id.get(), wire))
            .collect()
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
        assert_eq!(lanes.give_up(BrokerOrderId::new(1)), [Wire::Place, Wire::Replace]);
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
