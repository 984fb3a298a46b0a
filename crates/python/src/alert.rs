//! What the monitoring subsystem must hear about.

use alphec_execution::model::Alert;
use pyo3::prelude::*;
use tokio::sync::broadcast;

use crate::call::Call;
use crate::event::Stream;
use crate::records;

/// Alerts from now on.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct AlertStream(Stream<Alert>);

impl AlertStream {
    pub(crate) fn new(alerts: broadcast::Receiver<Alert>) -> Self {
        Self(Stream::new(alerts))
    }
}

#[pymethods]
impl AlertStream {
    /// The next alerts, one at least.
    fn next(&self) -> Call {
        Call::new(self.0.next(), |py, alerts| {
            alerts.iter().map(|alert| records::alert(py, alert)).collect::<PyResult<Vec<_>>>()
        })
    }
}
