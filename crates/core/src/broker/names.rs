//! Finding our order behind the names a message gives: perm id, then our reference, then ids.

use alphec_model::broker::OrderNames;
use alphec_model::{AccountId, BrokerEvent, BrokerOrderId, IntentName, OrderRef};

use crate::book::OrderIx;
use crate::machine::{About, Turn};

impl Turn<'_> {
    /// Our order, if the names are of one.
    ///
    /// Ids alone are believed only when nothing contradicts them: they are recycled across
    /// gateway restarts, and other clients use the same numbers.
    pub(crate) fn find(&self, names: &OrderNames) -> Option<OrderIx> {
        let ix = self.find_anywhere(names).filter(|ix| self.is_of_this_login(*ix))?;
        (!self.is_old_attempt(ix, names)).then_some(ix)
    }

    /// Whether the names are of an attempt at the order that was proven absent and placed again since.
    fn is_old_attempt(&self, ix: OrderIx, names: &OrderNames) -> bool {
        let Some(order) = self.order(ix).filter(|order| order.attempts > 1) else { return false };
        if order.perm_id.is_some() && order.perm_id == names.perm_id {
            return false;
        }
        match &names.order_ref {
            Some(text) => order.order_ref.as_ref().is_some_and(|ours| ours.as_str() != text.as_str()),
            None => names.broker_order_id.is_some() && names.broker_order_id != order.broker_order_id,
        }
    }

    /// The order of which the names are an old attempt, if they are.
    pub(super) fn old_attempt(&self, names: &OrderNames) -> Option<OrderIx> {
        let ix = self.find_anywhere(names).filter(|ix| self.is_of_this_login(*ix))?;
        self.is_old_attempt(ix, names).then_some(ix)
    }

    /// The order that a code names by its id alone.
    pub(super) fn find_by_id(&self, id: Option<BrokerOrderId>) -> Option<OrderIx> {
        let ix = id.and_then(|id| self.core.book.ix_by_broker_id(id));
        ix.filter(|ix| {
            self.is_of_this_login(*ix) && self.order(*ix).is_some_and(|order| order.broker_order_id == id)
        })
    }

    /// Whether the login that the connection is of can speak of the order at all: another login
    /// counts its own orders with the same numbers.
    pub(crate) fn is_of_this_login(&self, ix: OrderIx) -> bool {
        self.order(ix).is_some_and(|order| self.is_account_here(&order.account))
    }

    pub(super) fn is_account_here(&self, account: &AccountId) -> bool {
        self.core.session.link.accounts.as_ref().is_none_or(|accounts| accounts.contains(account))
    }

    fn find_anywhere(&self, names: &OrderNames) -> Option<OrderIx> {
        if let Some(ix) = names.perm_id.and_then(|perm_id| self.core.book.ix_by_perm_id(perm_id)) {
            return Some(ix);
        }
        if let Some(text) = &names.order_ref {
            // Any reference that is not of this journal is someone else's order.
            return self.intent_of(text).and_then(|intent| self.core.book.ix_by_intent(&intent));
        }
        if names.api_client_id != Some(self.core.config.api_client_id) {
            return None;
        }
        let ix = self.core.book.ix_by_broker_id(names.broker_order_id?)?;
        let known = self.order(ix)?.perm_id;
        let contradicts = known.is_some() && names.perm_id.is_some() && known != names.perm_id;
        (!contradicts).then_some(ix)
    }

    /// The intent that the reference names, if it is of this journal or of a copy of it.
    pub(crate) fn intent_of(&self, text: &str) -> Option<IntentName> {
        let intent = OrderRef::new(text).ok()?.intent()?;
        (Some(&intent.log) == self.core.book.log_id()).then_some(intent)
    }

    /// The order a message is about, for its record.
    pub(crate) fn about(&self, event: &BrokerEvent) -> About {
        let (names, exec_id) = match event {
            BrokerEvent::OpenOrder(report) => (Some(&report.names), None),
            BrokerEvent::Status(report) => (Some(&report.names), None),
            BrokerEvent::Execution(report) => (Some(&report.names), Some(&report.exec_id)),
            BrokerEvent::Undecodable { names, .. } => (Some(names), None),
            BrokerEvent::Commission(report) => {
                let ix = self.core.book.booked(report.exec_id.base()).and_then(|booked| booked.order);
                return About { ix, ..About::default() }.with_exec(&report.exec_id);
            }
            BrokerEvent::Notice(notice) => {
                return About { ix: self.find_by_id(notice.broker_order_id), ..About::default() };
            }
            BrokerEvent::NotWritten { broker_order_id, .. } => {
                return About { ix: self.core.book.ix_by_broker_id(*broker_order_id), ..About::default() };
            }
            _ => (None, None),
        };
        let about = About { ix: names.and_then(|names| self.find(names)), ..About::default() };
        match exec_id {
            Some(exec_id) => about.with_exec(exec_id),
            None => about,
        }
    }
}
