//! New orders, alone and in groups, out of what the Python half gives.

use alphec_execution::model::{
    AccountId, ClientOrderId, CorrelationId, GroupKind, GroupRequest, InstrumentId, OrderRequest, Price,
    StrategyId, WhenInDoubt,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{Exact, member};
use crate::terms::{self, Terms, id};

/// A new order as the Python half spells it (`alphec_execution._verbs.Asked`): key, strategy, work, account,
/// instrument, terms, and what to do in doubt.
#[derive(FromPyObject)]
pub(crate) struct Asked<'py>(String, String, String, String, String, Terms<'py>, Option<String>);

impl Asked<'_> {
    pub(crate) fn request(self) -> PyResult<OrderRequest> {
        let Self(client_order_id, strategy_id, correlation_id, account, instrument, terms, when_in_doubt) =
            self;
        Ok(OrderRequest {
            client_order_id: id::<ClientOrderId>("client_order_id", &client_order_id)?,
            strategy_id: id::<StrategyId>("strategy_id", &strategy_id)?,
            correlation_id: id::<CorrelationId>("correlation_id", &correlation_id)?,
            account: id::<AccountId>("account", &account)?,
            instrument: id::<InstrumentId>("instrument", &instrument)?,
            spec: terms.spec()?,
            when_in_doubt: when_in_doubt.as_deref().map(policy).transpose()?,
        })
    }
}

fn policy(word: &str) -> PyResult<WhenInDoubt> {
    match word {
        "hold" => Ok(WhenInDoubt::Hold),
        "cancel_probe" => Ok(WhenInDoubt::CancelProbe),
        "resend_if_absent" => Ok(WhenInDoubt::ResendIfAbsent),
        _ => Err(PyValueError::new_err(format!("`{word}` is nothing to do about an order in doubt"))),
    }
}

/// Orders that make a group, or what keeps them from it.
pub(crate) fn group(kind: &str, orders: Vec<Asked<'_>>) -> PyResult<GroupRequest> {
    let kind = match kind {
        "bracket" => GroupKind::Bracket,
        "one_cancels_all" => GroupKind::OneCancelsAll,
        _ => return Err(PyValueError::new_err(format!("`{kind}` is no kind of group"))),
    };
    let orders = orders.into_iter().map(Asked::request).collect::<PyResult<Vec<_>>>()?;
    let group = GroupRequest { kind, orders };
    group.check().map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(group)
}

/// What an exit differs in from its entry: key, side, order type, time in force.
type Exit = (String, Py<PyAny>, Py<PyAny>, Py<PyAny>);

/// The usual exits of an entry, as [`GroupRequest::bracket`] makes them.
#[pyfunction]
pub(crate) fn exits(
    py: Python<'_>,
    client_order_id: &str,
    terms: Terms<'_>,
    take_profit: Option<Exact<Price>>,
    stop_loss: Option<Exact<Price>>,
) -> PyResult<Vec<Exit>> {
    // Whose, where and what are the entry's, which the Python half copies.
    let word = "any";
    let entry = OrderRequest {
        client_order_id: id("client_order_id", client_order_id)?,
        strategy_id: id("strategy_id", word)?,
        correlation_id: id("correlation_id", word)?,
        account: id("account", word)?,
        instrument: id("instrument", word)?,
        spec: terms.spec()?,
        when_in_doubt: None,
    };
    let price = |px: Option<Exact<Price>>| px.map(|Exact(px)| px);
    let wrong = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
    let group = GroupRequest::bracket(&entry, price(take_profit), price(stop_loss)).map_err(|e| wrong(&e))?;
    group.check().map_err(|error| wrong(&error))?;
    let exit = |order: &OrderRequest| {
        let spec = &order.spec;
        let side = member(py, "Side", &spec.side.to_string())?;
        let life = member(py, "TimeInForce", spec.time_in_force.as_str())?;
        Ok((order.client_order_id.to_string(), side, terms::order_type(py, &spec.order_type)?, life))
    };
    group.orders.iter().skip(1).map(exit).collect()
}
