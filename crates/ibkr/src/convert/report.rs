//! Orders and positions as the broker lists them.

use alphec_model::broker::{
    BrokerStatus, CompletedReport, EchoedTerms, OpenOrderReport, OrderNames, PositionReport,
};
use alphec_model::{Price, Qty, Side};
use ibapi::accounts::Position;
use ibapi::orders::{Action, Order, OrderData};
use smol_str::SmolStr;

use super::names::{RawNames, account, con_id, names};
use super::{Refused, money, status};
use crate::directory::Directory;

/// The names of a listed order.
pub(crate) fn open_names(data: &OrderData) -> OrderNames {
    names(RawNames {
        order_id: Some(data.order_id),
        client_id: data.order.client_id,
        perm_id: data.order.perm_id,
        order_ref: &data.order.order_ref,
    })
}

/// The names of a completed order. ibapi puts -1 for its order id; the order itself may still carry one,
/// and reads an absent one as zero.
pub(crate) fn completed_names(data: &OrderData) -> OrderNames {
    names(RawNames {
        order_id: Some(data.order.order_id).filter(|id| *id != 0),
        client_id: data.order.client_id,
        perm_id: data.order.perm_id,
        order_ref: &data.order.order_ref,
    })
}

/// An open order.
pub(crate) fn open(data: &OrderData, directory: &Directory) -> Result<OpenOrderReport, Refused> {
    let OrderData { order_id: _, contract, order, order_state } = data;
    let con_id = con_id(contract.contract_id);
    Ok(OpenOrderReport {
        names: open_names(data),
        account: account(&order.account)?,
        instrument: con_id.and_then(|id| directory.by_con_id(id)).cloned(),
        con_id,
        symbol: SmolStr::new(contract.symbol.as_str()),
        side: Some(side(order.action)),
        terms: terms(order)?,
        status: status::word(&order_state.status),
        warning: (!order_state.warning_text.is_empty()).then(|| order_state.warning_text.clone()),
    })
}

/// A completed order. The broker sends the *unfilled* rest in the total.
pub(crate) fn completed(data: &OrderData) -> Result<CompletedReport, Refused> {
    let OrderData { order_id: _, contract: _, order, order_state } = data;
    let status = status::word(&order_state.status);
    let filled = optional_qty("filled quantity", order.filled_quantity)?;
    // ibapi reads an absent fill count as zero; beside `Filled` that cannot be meant.
    let filled_qty = filled.filter(|qty| !(qty.is_zero() && status == BrokerStatus::Filled));
    Ok(CompletedReport {
        names: completed_names(data),
        account: account(&order.account)?,
        status,
        completed_status: order_state.completed_status.clone(),
        unfilled_qty: optional_qty("unfilled quantity", order.total_quantity)?,
        filled_qty,
    })
}

/// A holding.
pub(crate) fn position(position: &Position, directory: &Directory) -> Result<PositionReport, Refused> {
    let Position { account: holder, contract, position: qty, average_cost: _ } = position;
    let con_id = con_id(contract.contract_id);
    Ok(PositionReport {
        account: account(holder)?,
        instrument: con_id.and_then(|id| directory.by_con_id(id)).cloned(),
        con_id,
        symbol: SmolStr::new(contract.symbol.as_str()),
        qty: money::signed_qty("position", *qty)?,
    })
}

const fn side(action: Action) -> Side {
    match action {
        Action::Buy => Side::Buy,
        Action::Sell | Action::SellShort | Action::SellLong => Side::Sell,
    }
}

/// Terms as echoed: compared with ours, never adopted. A zero price on a type without that price is the
/// gateway's way of leaving it out.
fn terms(order: &Order) -> Result<EchoedTerms, Refused> {
    let word = order.order_type.as_str();
    let (has_limit, has_trigger) = (word.contains("LMT"), word.starts_with("STP"));
    // Of a trailing stop the same field is its distance.
    let trails = word.starts_with("TRAIL");
    let meant = |price: Option<Price>, carried: bool| price.filter(|price| carried || !price.is_zero());
    // ibapi reads an absent total as zero (cash-quantity orders have none); an unset one is an error.
    let order_qty = Some(money::qty("total quantity", order.total_quantity)?).filter(|qty| !qty.is_zero());
    Ok(EchoedTerms {
        order_qty,
        order_type: SmolStr::new(word),
        limit_px: meant(money::optional_price("limit price", order.limit_price)?, has_limit),
        stop_px: meant(money::optional_price("trigger price", order.aux_price)?, has_trigger)
            .filter(|_| !trails),
        time_in_force: SmolStr::new(order.tif.as_str()),
    })
}

fn optional_qty(what: &'static str, value: f64) -> Result<Option<Qty>, Refused> {
    if money::is_unset(value) { Ok(None) } else { money::qty(what, value).map(Some) }
}

#[cfg(test)]
mod tests {
    use alphec_model::{BrokerOrderId, ConId, InstrumentId};
    use ibapi::contracts::{Contract, Symbol};
    use ibapi::orders::{OrderState, OrderStatusKind};

    use super::*;
    use crate::directory::tests::stock;

    const UNSET: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_727.0;

    fn directory() -> Directory {
        Directory::new(&[stock("AAPL").with_con_id(ConId::new(265_598))])
    }

    fn data(order_type: &str) -> OrderData {
        OrderData {
            order_id: 7,
            contract: Contract { contract_id: 265_598, symbol: Symbol::new("AAPL"), ..Contract::default() },
            order: Order {
                client_id: 3,
                perm_id: 99,
                account: "DU1".to_owned(),
                total_quantity: 100.0,
                order_type: order_type.to_owned(),
                limit_price: Some(0.0),
                aux_price: Some(0.0),
                order_ref: "ours".to_owned(),
                ..Order::default()
            },
            order_state: OrderState { status: OrderStatusKind::Submitted, ..OrderState::default() },
        }
    }

    #[test]
    fn an_open_order_is_named_and_tied_to_its_instrument_by_contract_id() {
        let report = open(&data("MKT"), &directory()).unwrap();
        assert_eq!(report.instrument, Some(InstrumentId::new("AAPL").unwrap()));
        assert_eq!(report.names.order_ref.as_deref(), Some("ours"));
        assert_eq!((report.side, report.warning), (Some(Side::Buy), None));
        let mut foreign = data("MKT");
        foreign.contract.contract_id = 1;
        assert_eq!(open(&foreign, &directory()).unwrap().instrument, None);
    }

    #[test]
    fn a_zero_price_counts_only_where_the_type_has_one() {
        let has = |word| {
            let terms = open(&data(word), &directory()).unwrap().terms;
            (terms.limit_px.is_some(), terms.stop_px.is_some())
        };
        assert_eq!(has("MKT"), (false, false));
        assert_eq!(has("LMT"), (true, false));
        assert_eq!(has("STP"), (false, true));
        assert_eq!(has("STP LMT"), (true, true));
    }

    #[test]
    fn unset_prices_are_absent_and_an_unset_total_is_an_error() {
        let mut unset = data("LMT");
        unset.order.limit_price = Some(f64::MAX);
        assert_eq!(open(&unset, &directory()).unwrap().terms.limit_px, None);
        unset.order.total_quantity = UNSET;
        assert!(open(&unset, &directory()).is_err());
        unset.order.total_quantity = 0.0;
        assert_eq!(open(&unset, &directory()).unwrap().terms.order_qty, None);
    }

    #[test]
    fn a_completed_order_reports_the_rest_in_its_total() {
        let mut done = data("LMT");
        done.order_id = -1;
        done.order.total_quantity = 400.0;
        done.order.filled_quantity = 600.0;
        done.order_state.status = OrderStatusKind::Cancelled;
        done.order_state.completed_status = "Cancelled by Trader".to_owned();
        let report = completed(&done).unwrap();
        assert_eq!(report.unfilled_qty.unwrap().to_string(), "400");
        assert_eq!(report.filled_qty.unwrap().to_string(), "600");
        assert_eq!(report.names.broker_order_id, None);
        done.order.order_id = 12;
        assert_eq!(completed(&done).unwrap().names.broker_order_id, Some(BrokerOrderId::new(12)));
        done.order_state.status = OrderStatusKind::Filled;
        done.order.filled_quantity = 0.0;
        assert_eq!(completed(&done).unwrap().filled_qty, None, "filled with nothing filled was left out");
        done.order.filled_quantity = UNSET;
        assert_eq!(completed(&done).unwrap().filled_qty, None);
    }

    #[test]
    fn a_position_keeps_its_sign_and_an_unset_one_is_refused() {
        let mut holding = Position {
            account: "DU1".to_owned(),
            contract: data("MKT").contract,
            position: -12.5,
            average_cost: 1.0,
        };
        assert_eq!(position(&holding, &directory()).unwrap().qty.to_string(), "-12.5");
        holding.position = UNSET;
        assert!(position(&holding, &directory()).is_err());
        holding = Position { account: String::new(), position: 1.0, ..holding };
        assert!(position(&holding, &directory()).is_err());
    }
}
