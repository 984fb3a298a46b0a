//! How to stop: what happens to open orders, and what is reported of those left.

use alphec_core::Book;
use alphec_model::{ClientOrderId, Order, TimeInForce};

/// What happens to open orders when the engine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopPolicy {
    /// Cancel them all.
    Cancel,
    /// Leave them all working.
    Keep,
    /// Leave those that are good till canceled or till a date; cancel the rest.
    KeepGtc,
}

impl StopPolicy {
    /// Whether this order is to be canceled.
    #[must_use]
    pub const fn cancels(self, order: &Order) -> bool {
        match self {
            Self::Cancel => true,
            Self::Keep => false,
            Self::KeepGtc => !matches!(order.spec.time_in_force, TimeInForce::Gtc | TimeInForce::Gtd { .. }),
        }
    }
}

/// What a stop left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopReport {
    /// Orders that can still fill at the broker, in doubt ones included.
    pub left_working: Vec<Order>,
    /// How many orders had a cancel on its way while the stop waited for answers, whoever asked for it.
    pub canceled: usize,
    /// Whether the broker answered every cancel within the deadline.
    pub all_answered: bool,
    /// Records that did not become durable: zero unless the journal failed to the end.
    pub records_lost: u64,
}

/// A stop under way.
#[derive(Debug)]
pub(crate) struct Stopping {
    pub(crate) targets: Vec<ClientOrderId>,
}

impl Stopping {
    /// Whether every order that was to be canceled is done.
    pub(crate) fn is_answered(&self, book: &Book) -> bool {
        self.targets.iter().all(|key| book.order(key).is_none_or(|order| order.state.is_terminal()))
    }

    pub(crate) fn report(&self, book: &Book, records_lost: u64) -> StopReport {
        StopReport {
            left_working: book.live_orders().cloned().collect(),
            canceled: self.targets.len(),
            all_answered: self.is_answered(book),
            records_lost,
        }
    }
}
