//! What is over: finished orders and executions, newest last, trimmed to a stated number.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::io::{Execution, OrderReport};
use super::types::{OrderKey, UtcNs};

/// How much of the past is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Finished orders; the oldest is forgotten when one more ends.
    pub finished_orders: usize,
    /// Executions.
    pub executions: usize,
    /// Five-second slots of each market in which something happened; bars are made of them.
    pub bar_slots: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { finished_orders: 100_000, executions: 200_000, bar_slots: 17_280 }
    }
}

/// An order that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedOrder {
    /// Its last state.
    pub report: OrderReport,
    /// When it ended.
    pub at: UtcNs,
}

#[derive(Debug)]
struct Entry {
    order: FinishedOrder,
    /// A late cancel was answered with 10148 already; the next one gets 10147.
    cancel_answered: bool,
}

/// Bounded memory of finished orders and executions.
#[derive(Debug)]
pub(crate) struct Archive {
    retention: Retention,
    orders: VecDeque<Entry>,
    executions: VecDeque<Arc<Execution>>,
    /// Position of an order, counted from the first ever archived.
    index: HashMap<OrderKey, u64>,
    forgotten: u64,
}

impl Archive {
    pub(crate) fn new(retention: Retention) -> Self {
        Self {
            retention,
            orders: VecDeque::new(),
            executions: VecDeque::new(),
            index: HashMap::new(),
            forgotten: 0,
        }
    }

    pub(crate) fn add_order(&mut self, report: OrderReport, at: UtcNs) {
        let place = self.forgotten + self.orders.len() as u64;
        self.index.insert(report.key, place);
        self.orders.push_back(Entry { order: FinishedOrder { report, at }, cancel_answered: false });
        while self.orders.len() > self.retention.finished_orders {
            if let Some(oldest) = self.orders.pop_front() {
                // A bound manual order may have been archived again under the same key.
                if self.index.get(&oldest.order.report.key) == Some(&self.forgotten) {
                    self.index.remove(&oldest.order.report.key);
                }
            }
            self.forgotten += 1;
        }
    }

    pub(crate) fn add_execution(&mut self, execution: Arc<Execution>) {
        self.executions.push_back(execution);
        while self.executions.len() > self.retention.executions {
            self.executions.pop_front();
        }
    }

    pub(crate) fn order(&self, key: OrderKey) -> Option<&OrderReport> {
        self.entry(key).map(|entry| &entry.order.report)
    }

    /// The order to name in a 10148, once; afterwards the broker no longer knows it.
    pub(crate) fn answer_cancel(&mut self, key: OrderKey) -> Option<&OrderReport> {
        let place = usize::try_from(self.index.get(&key)?.checked_sub(self.forgotten)?).ok()?;
        let entry = self.orders.get_mut(place)?;
        if entry.cancel_answered {
            return None;
        }
        entry.cancel_answered = true;
        Some(&entry.order.report)
    }

    /// Order ids of this client may be used again; the orders themselves stay listed.
    pub(crate) fn forget_names(&mut self, client_id: i32) {
        self.index.retain(|key, _| key.client_id != client_id);
    }

    pub(crate) fn orders(&self) -> impl DoubleEndedIterator<Item = &FinishedOrder> {
        self.orders.iter().map(|entry| &entry.order)
    }

    pub(crate) fn key_count(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn executions(&self) -> impl DoubleEndedIterator<Item = &Arc<Execution>> {
        self.executions.iter()
    }

    /// Where the latest execution is that `wanted` accepts; the search goes from the newest to the oldest.
    pub(crate) fn find_execution(&self, wanted: impl Fn(&Execution) -> bool) -> Option<usize> {
        self.executions.iter().rposition(|execution| wanted(execution))
    }

    pub(crate) fn replace_execution(&mut self, place: usize, execution: Arc<Execution>) {
        if let Some(kept) = self.executions.get_mut(place) {
            *kept = execution;
        }
    }

    fn entry(&self, key: OrderKey) -> Option<&Entry> {
        let place = usize::try_from(self.index.get(&key)?.checked_sub(self.forgotten)?).ok()?;
        self.orders.get(place)
    }
}
