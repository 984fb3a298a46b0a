//! The names of an order, from the fields that carry them.

use alphec_model::broker::OrderNames;
use alphec_model::{AccountId, ApiClientId, BrokerOrderId, ConId, PermId};
use smol_str::SmolStr;

use super::Refused;

/// Fields as ibapi hands them on, absent ones as zero or empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawNames<'a> {
    pub(crate) order_id: Option<i32>,
    pub(crate) client_id: i32,
    pub(crate) perm_id: i64,
    pub(crate) order_ref: &'a str,
}

/// The names, absent ones left out. Order ids of zero (manual orders) and below (bound ones) are real.
pub(crate) fn names(raw: RawNames<'_>) -> OrderNames {
    let RawNames { order_id, client_id, perm_id, order_ref } = raw;
    // Executions of foreign orders carry i32::MAX as their order id.
    let order_id = order_id.filter(|id| *id != i32::MAX);
    OrderNames {
        broker_order_id: order_id.map(BrokerOrderId::new),
        api_client_id: order_id.map(|_| ApiClientId::new(client_id)),
        // Zero until the first acknowledgement, and on trades from outside.
        perm_id: Some(perm_id).filter(|id| *id != 0 && *id != i64::MAX).map(PermId::new),
        order_ref: text(order_ref),
    }
}

/// A text field, empty left out.
pub(crate) fn text(text: &str) -> Option<SmolStr> {
    (!text.is_empty()).then(|| SmolStr::new(text))
}

/// An account.
pub(crate) fn account(text: &str) -> Result<AccountId, Refused> {
    AccountId::new(text).map_err(|error| Refused::new("account", error))
}

/// A contract id; zero is none.
pub(crate) fn con_id(id: i32) -> Option<ConId> {
    (id != 0).then(|| ConId::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_negative_order_ids_are_kept_and_placeholders_are_not() {
        let raw = RawNames { order_id: Some(0), client_id: 3, perm_id: 0, order_ref: "" };
        let manual = names(raw);
        assert_eq!(manual.broker_order_id, Some(BrokerOrderId::new(0)));
        assert_eq!((manual.perm_id, manual.order_ref), (None, None));
        let bound = names(RawNames { order_id: Some(-4), perm_id: 99, order_ref: "mine", ..raw });
        assert_eq!(bound.broker_order_id, Some(BrokerOrderId::new(-4)));
        assert_eq!(bound.perm_id, Some(PermId::new(99)));
        assert_eq!(bound.order_ref.as_deref(), Some("mine"));
        let foreign = names(RawNames { order_id: Some(i32::MAX), ..raw });
        assert_eq!((foreign.broker_order_id, foreign.api_client_id), (None, None));
    }
}
