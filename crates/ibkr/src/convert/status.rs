//! Status messages.

use alphec_model::broker::{BrokerStatus, StatusReport};
use ibapi::orders::{OrderStatus, OrderStatusKind};
use smol_str::SmolStr;

use super::names::{RawNames, names, text};
use super::{Refused, money};

/// The broker's word. An unknown one is kept, and the model never takes it for an end.
pub(crate) fn word(kind: &OrderStatusKind) -> BrokerStatus {
    BrokerStatus::from(SmolStr::new(kind.as_str()))
}

/// A status message; the average price and the parent are not evidence of anything and are left out.
pub(crate) fn report(status: &OrderStatus) -> Result<StatusReport, Refused> {
    let OrderStatus {
        order_id,
        status,
        filled,
        remaining,
        average_fill_price: _,
        perm_id,
        parent_id: _,
        last_fill_price: _,
        client_id,
        why_held,
        market_cap_price: _,
    } = status;
    Ok(StatusReport {
        names: names(raw_names(*order_id, *client_id, *perm_id)),
        status: word(status),
        cum_qty: Some(money::qty("filled", *filled)?),
        remaining_qty: Some(money::qty("remaining", *remaining)?),
        why_held: text(why_held),
    })
}

/// The names alone, for a message whose rest is unreadable.
pub(crate) const fn raw_names(order_id: i32, client_id: i32, perm_id: i64) -> RawNames<'static> {
    RawNames { order_id: Some(order_id), client_id, perm_id, order_ref: "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kind: OrderStatusKind, filled: f64, remaining: f64) -> OrderStatus {
        OrderStatus {
            order_id: 7,
            status: kind,
            filled,
            remaining,
            perm_id: 1_234,
            client_id: 3,
            why_held: "locate".to_owned(),
            ..OrderStatus::default()
        }
    }

    #[test]
    fn every_known_word_is_itself_and_an_unknown_one_is_kept() {
        for text in [
            "ApiPending",
            "PendingSubmit",
            "PendingCancel",
            "PreSubmitted",
            "Submitted",
            "ApiCancelled",
            "Cancelled",
            "Filled",
            "Inactive",
            "WarnState",
        ] {
            let kind: OrderStatusKind = text.parse().unwrap();
            assert_eq!(word(&kind).as_str(), text);
            assert_eq!(matches!(word(&kind), BrokerStatus::Unknown(_)), text == "WarnState", "{text}");
        }
    }

    #[test]
    fn a_status_is_converted_whole() {
        let report = report(&status(OrderStatusKind::Submitted, 30.5, 69.5)).unwrap();
        assert_eq!(report.cum_qty.unwrap().to_string(), "30.5");
        assert_eq!(report.remaining_qty.unwrap().to_string(), "69.5");
        assert_eq!(report.why_held.as_deref(), Some("locate"));
        assert_eq!(report.names.broker_order_id.unwrap().get(), 7);
    }

    #[test]
    fn an_unset_quantity_is_an_error_and_never_zero() {
        let unset = "170141183460469231731687303715884105727".parse().unwrap();
        assert!(report(&status(OrderStatusKind::Submitted, 0.0, unset)).is_err());
        assert!(report(&status(OrderStatusKind::Submitted, unset, 0.0)).is_err());
    }
}
