//! Small records: frozen dataclasses of the package (`alphec_execution._records`), made whole at once.

use alphec_execution::model::record::Fill;
use alphec_execution::model::{AccountId, AccountValues, Alert, CancelScope, ForeignOrder, Position, Quote};
use alphec_execution::{Halt, Lane, Reconciliation, Status, StopReport, Waits};
use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert::{decimal, instant, maybe_decimal, maybe_instant, member};
use crate::order::Order;

/// One of the dataclasses, by its fields in order.
fn record<'py>(py: Python<'py>, class: &str, fields: impl PyCallArgs<'py>) -> PyResult<Py<PyAny>> {
    Ok(py.import("alphec_execution._records")?.getattr(class)?.call1(fields)?.unbind())
}

pub(crate) fn fill(py: Python<'_>, fill: &Fill) -> PyResult<Py<PyAny>> {
    let side = member(py, "Side", &fill.side.to_string())?;
    let (last_qty, last_px) = (decimal(py, fill.last_qty.get())?, decimal(py, fill.last_px.get())?);
    let (account, instrument) = (fill.account.as_str(), fill.instrument.as_str());
    let exec_id = fill.exec_id.as_str();
    let time = maybe_instant(py, fill.time)?;
    let text = fill.time_text.as_str();
    record(py, "Fill", (exec_id, account, instrument, side, last_qty, last_px, time, text))
}

pub(crate) fn position(py: Python<'_>, position: &Position) -> PyResult<Py<PyAny>> {
    let qty = decimal(py, position.qty.get())?;
    let broken = maybe_decimal(py, position.broken.map(|broken| broken.get()))?;
    record(py, "Position", (position.account.as_str(), position.instrument.as_str(), qty, broken))
}

pub(crate) fn account(py: Python<'_>, id: &AccountId, values: &AccountValues) -> PyResult<Py<PyAny>> {
    let (amount, currency) = match &values.net_liquidation {
        Some((amount, currency)) => (Some(*amount), Some(currency.as_str())),
        None => (None, None),
    };
    let rates = PyDict::new(py);
    for (currency, rate) in &values.exchange_rates {
        rates.set_item(currency.as_str(), decimal(py, *rate)?)?;
    }
    let (amount, at) = (maybe_decimal(py, amount)?, maybe_instant(py, values.updated_at)?);
    record(py, "Account", (id.as_str(), amount, currency, rates, at, values.ready))
}

pub(crate) fn quote(py: Python<'_>, quote: &Quote) -> PyResult<Py<PyAny>> {
    let [bid, ask, last] = [quote.bid, quote.ask, quote.last].map(|px| px.map(|px| px.get()));
    let (bid, ask, last) = (maybe_decimal(py, bid)?, maybe_decimal(py, ask)?, maybe_decimal(py, last)?);
    record(py, "Quote", (bid, ask, last, instant(py, quote.at)?))
}

pub(crate) fn status(py: Python<'_>, status: Status) -> PyResult<Py<PyAny>> {
    let readiness = status.readiness;
    let link = member(py, "LinkState", &readiness.link.to_string())?;
    let seq = status.journal_seq.map(|seq| seq.get());
    let ready = readiness.is_ready();
    let scopes: Vec<_> =
        readiness.halted_scopes.iter().map(|(scope, why)| (scope.to_string(), why.clone())).collect();
    let scopes = PyTuple::new(py, scopes)?;
    let farms = readiness.farms_down.iter().map(|(kind, name)| (kind.to_string(), name.as_str()));
    let farms = PyTuple::new(py, farms.collect::<Vec<_>>())?;
    let (read, waits) = (maybe_instant(py, readiness.books_as_of)?, waits(py, &status.stats.waits)?);
    let whys = (readiness.refused, readiness.halted, readiness.journal_trouble);
    record(
        py,
        "Status",
        (
            ready,
            link,
            whys.0,
            whys.1,
            whys.2,
            readiness.gap,
            scopes,
            seq,
            readiness.stopping,
            read,
            farms,
            waits,
        ),
    )
}

fn waits(py: Python<'_>, waits: &Waits) -> PyResult<Py<PyAny>> {
    let waiting = PyDict::new(py);
    for (lane, count) in Lane::ALL.iter().zip(waits.waiting) {
        waiting.set_item(lane.as_str(), count)?;
    }
    record(py, "Waits", (waiting, waits.delayed, waits.longest.as_secs_f64()))
}

pub(crate) fn halt(py: Python<'_>, scope: &CancelScope, halt: &Halt) -> PyResult<Py<PyAny>> {
    let since = instant(py, halt.since)?;
    record(py, "Halt", (scope.to_string(), halt.why.as_str(), since, halt.is_kill, halt.is_verified))
}

pub(crate) fn stop_report(py: Python<'_>, report: StopReport) -> PyResult<Py<PyAny>> {
    let left = PyTuple::new(py, report.left_working.into_iter().map(Order::from))?;
    record(py, "StopReport", (left, report.canceled, report.all_answered, report.records_lost))
}

pub(crate) fn reconciliation(py: Python<'_>, found: Reconciliation) -> PyResult<Py<PyAny>> {
    let is_clean = found.is_clean();
    let in_doubt = PyTuple::new(py, found.in_doubt.into_iter().map(Order::from))?;
    let broken = found.broken.iter().map(|broken| position(py, broken)).collect::<PyResult<Vec<_>>>()?;
    let foreign = found.foreign.iter().map(|order| foreign_order(py, order)).collect::<PyResult<Vec<_>>>()?;
    let (broken, foreign) = (PyTuple::new(py, broken)?, PyTuple::new(py, foreign)?);
    record(py, "Reconciliation", (is_clean, in_doubt, broken, foreign, found.gap, found.disputed))
}

pub(crate) fn alert(py: Python<'_>, alert: &Alert) -> PyResult<Py<PyAny>> {
    let kind = member(py, "AlertKind", alert.kind.as_str())?;
    let severity = match alert.severity {
        alphec_execution::model::Severity::Info => "info",
        alphec_execution::model::Severity::Warning => "warning",
        alphec_execution::model::Severity::Critical => "critical",
    };
    let severity = member(py, "Severity", severity)?;
    let order = alert.client_order_id.as_ref().map(|id| id.as_str());
    let work = alert.correlation_id.as_ref().map(|id| id.as_str());
    record(py, "Alert", (instant(py, alert.at)?, kind, severity, alert.text.as_str(), order, work))
}

pub(crate) fn foreign_order(py: Python<'_>, order: &ForeignOrder) -> PyResult<Py<PyAny>> {
    let side = member(py, "Side", &order.side.to_string())?;
    let (account, instrument) = (order.account.as_str(), order.instrument.as_str());
    let leaves = decimal(py, order.leaves_qty.get())?;
    let reference = order.order_ref.as_deref();
    record(
        py,
        "ForeignOrder",
        (order.key.as_str(), account, instrument, side, leaves, &order.symbol, reference),
    )
}
