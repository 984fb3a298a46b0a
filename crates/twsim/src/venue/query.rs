//! Reading the venue's books.

use std::sync::Arc;

use super::Venue;
use super::account::Account;
use super::archive::FinishedOrder;
use super::depth::Level;
use super::instrument::Instrument;
use super::io::{Execution, OrderReport, Quote};
use super::types::{ConId, OrderKey, Side};

impl Venue {
    /// Working orders, oldest first. Parked ones are not among them.
    pub fn open_orders(&self) -> impl Iterator<Item = Box<OrderReport>> {
        self.live.values().map(super::order::LiveOrder::report)
    }

    /// Orders that wait untransmitted for the rest of their group.
    pub fn parked_orders(&self) -> impl Iterator<Item = &super::OrderSpec> {
        self.parked.values()
    }

    /// One working order.
    pub fn order(&self, key: OrderKey) -> Option<Box<OrderReport>> {
        self.by_key.get(&key).and_then(|seq| self.live.get(seq)).map(super::order::LiveOrder::report)
    }

    /// The permanent id of the order that has this number now, finished or not.
    pub(crate) fn perm_id(&self, key: OrderKey) -> Option<i64> {
        let live = self.by_key.get(&key).and_then(|seq| self.live.get(seq)).map(|order| order.perm_id);
        live.or_else(|| self.archive.order(key).map(|finished| finished.perm_id))
    }

    /// Number of working orders.
    pub fn open_order_count(&self) -> usize {
        self.live.len()
    }

    /// Orders that ended and are still remembered, oldest first.
    pub fn finished_orders(&self) -> impl DoubleEndedIterator<Item = &FinishedOrder> {
        self.archive.orders()
    }

    /// Executions still remembered, oldest first.
    pub fn executions(&self) -> impl DoubleEndedIterator<Item = &Arc<Execution>> {
        self.archive.executions()
    }

    /// All accounts by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// One account.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// All instruments in the order they were listed; combinations are not among them.
    pub fn instruments(&self) -> impl Iterator<Item = &Arc<Instrument>> {
        self.markets.iter().map(|market| &market.instrument).filter(|instrument| !instrument.is_combination())
    }

    /// One instrument.
    pub fn instrument(&self, con_id: ConId) -> Option<&Arc<Instrument>> {
        self.market(con_id).map(|market| &market.instrument)
    }

    /// The market of one instrument.
    pub fn quote(&self, con_id: ConId) -> Option<Quote> {
        self.market(con_id).map(|market| market.quote)
    }

    /// The best levels of an instrument's book, so many at most: bids, then asks. Without a book only the touch.
    pub fn levels(&self, con_id: ConId, rows: usize) -> Option<[Vec<Level>; 2]> {
        let ladder = self.market(con_id)?.shown();
        Some([Side::Sell, Side::Buy].map(|side| ladder.against(side).take(rows).collect()))
    }

    /// The lowest order id a client may use next. Per client id, and never lower than before.
    pub fn next_order_id(&self, client_id: i32) -> i32 {
        self.highest_id.get(&client_id).map_or(1, |highest| highest.saturating_add(1))
    }

    /// True when a placement under this key would be a modification.
    pub fn is_working(&self, key: OrderKey) -> bool {
        self.by_key.contains_key(&key)
    }
}
