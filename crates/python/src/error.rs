//! The only place that makes exceptions of the package's own tree (`alphec_execution.errors`).

use alphec_execution::model::{CancelScope, DenyReason, Order as ModelOrder};
use alphec_execution::{CallError, Error, Misuse};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::convert::{maybe_decimal, plain};
use crate::order::Order;

/// An exception of a class of the tree; whatever fails on the way is raised instead.
fn make(py: Python<'_>, class: &str, text: &str, facts: Option<&Bound<'_, PyDict>>) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let class = py.import("alphec_execution.errors")?.getattr(class)?;
        Ok(PyErr::from_value(class.call((text,), facts)?))
    };
    make().unwrap_or_else(|error| error)
}

/// The root of the tree itself.
pub(crate) fn execution(py: Python<'_>, text: &str) -> PyErr {
    make(py, "ExecutionError", text, None)
}

/// The configuration cannot be used.
pub(crate) fn config(py: Python<'_>, text: &str) -> PyErr {
    make(py, "ConfigError", text, None)
}

/// The journal cannot be read or written.
pub(crate) fn journal(py: Python<'_>, text: &str) -> PyErr {
    make(py, "JournalError", text, None)
}

/// An error of the library as the exception that says it.
pub(crate) fn raise(py: Python<'_>, error: Error) -> PyErr {
    let text = error.to_string();
    let class = match error {
        Error::Denied { order, reason } => {
            return denied(py, &text, *order, &reason).unwrap_or_else(|error| error);
        }
        Error::Config(_) => "ConfigError",
        Error::Journal(_) | Error::Recover { .. } | Error::Call(CallError::Journal { .. }) => "JournalError",
        Error::Call(CallError::NotOnRecord { .. }) => "NotOnRecord",
        Error::NotReady { .. } | Error::NoQuote { .. } => "NotConnected",
        Error::Call(CallError::Stopped) => "ClientStopped",
        Error::Call(CallError::Misuse(Misuse::UnknownOrder(_))) => "UnknownOrder",
        Error::Lagged { missed } => {
            let facts = PyDict::new(py);
            return match facts.set_item("missed", missed) {
                Ok(()) => make(py, "EventsMissed", &text, Some(&facts)),
                Err(error) => error,
            };
        }
        Error::Call(_) | Error::Start(_) | Error::Unexpected(_) => "ExecutionError",
        // The enum grows without breaking its users: what is new is at least an error.
        _ => "ExecutionError",
    };
    make(py, class, &text, None)
}

/// A kill that is not proven in time, with what it canceled and the orders of its scope that may still work.
pub(crate) fn not_verified(
    py: Python<'_>,
    scope: &CancelScope,
    canceled: Vec<String>,
    left: Vec<ModelOrder>,
) -> PyErr {
    let names: Vec<_> =
        left.iter().map(|order| format!("{} ({})", order.client_order_id, order.state)).collect();
    let names = if names.is_empty() { "no order that we know of".to_owned() } else { names.join(", ") };
    let text = format!(
        "{scope} is halted, but it is not proven that nothing works there any more; the kill goes on. Left: {names}. \
         Call kill again to wait on, or look at the broker's own screen"
    );
    let left: Vec<_> = left.into_iter().map(Order::from).collect();
    let facts = || -> PyResult<Bound<'_, PyDict>> {
        let facts = PyDict::new(py);
        facts.set_item("canceled", PyTuple::new(py, canceled)?)?;
        facts.set_item("left", PyTuple::new(py, left)?)?;
        Ok(facts)
    };
    match facts() {
        Ok(facts) => make(py, "KillNotVerified", &text, Some(&facts)),
        Err(error) => error,
    }
}

fn denied(py: Python<'_>, text: &str, order: ModelOrder, reason: &DenyReason) -> PyResult<PyErr> {
    let (measured, limit) = match reason {
        DenyReason::Limit { measured, limit, .. } => (Some(*measured), Some(*limit)),
        DenyReason::Custom { measured, limit, .. } => (*measured, *limit),
        _ => (None, None),
    };
    let facts = PyDict::new(py);
    facts.set_item("rule", reason.rule().to_string())?;
    facts.set_item("value", maybe_decimal(py, measured)?)?;
    facts.set_item("limit", maybe_decimal(py, limit)?)?;
    let json = serde_json::to_string(reason).map_err(|error| execution(py, &error.to_string()))?;
    facts.set_item("reason", plain(py, &json)?)?;
    facts.set_item("order", Order::from(order))?;
    Ok(make(py, "OrderDenied", text, Some(&facts)))
}
