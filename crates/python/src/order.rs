//! An order as it stood at one moment.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use alphec_execution::model::{LegRole, Order as Model, TimeInForce};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{decimal, instant, maybe_decimal, maybe_instant, member, plain};
use crate::terms;

/// An order as it stood at one moment: immutable, comparable, to be pickled and matched.
#[pyclass(frozen, module = "alphec_execution._native")]
#[derive(Clone)]
pub(crate) struct Order(Arc<Model>);

impl From<Model> for Order {
    fn from(order: Model) -> Self {
        Self(Arc::new(order))
    }
}

impl From<Arc<Model>> for Order {
    fn from(order: Arc<Model>) -> Self {
        Self(order)
    }
}

impl Order {
    fn json(&self) -> PyResult<String> {
        serde_json::to_string(&*self.0).map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

#[pymethods]
impl Order {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    const MATCH_ARGS: (&'static str, &'static str) = ("state", "order_type");

    #[getter]
    fn client_order_id(&self) -> &str {
        self.0.client_order_id.as_str()
    }

    #[getter]
    fn strategy_id(&self) -> &str {
        self.0.strategy_id.as_str()
    }

    #[getter]
    fn correlation_id(&self) -> &str {
        self.0.correlation_id.as_str()
    }

    #[getter]
    fn account(&self) -> &str {
        self.0.account.as_str()
    }

    #[getter]
    fn instrument(&self) -> &str {
        self.0.instrument.as_str()
    }

    #[getter]
    fn side(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "Side", &self.0.spec.side.to_string())
    }

    #[getter]
    fn order_qty(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        decimal(py, self.0.spec.order_qty.get())
    }

    #[getter]
    fn order_type(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        terms::order_type(py, &self.0.spec.order_type)
    }

    #[getter]
    fn limit_px(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        maybe_decimal(py, terms::number(self.0.spec.order_type.limit_px()))
    }

    #[getter]
    fn stop_px(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        maybe_decimal(py, terms::number(self.0.spec.order_type.stop_px()))
    }

    #[getter]
    fn time_in_force(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "TimeInForce", self.0.spec.time_in_force.as_str())
    }

    #[getter]
    fn expire_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let at = match self.0.spec.time_in_force {
            TimeInForce::Gtd { expire_at } => Some(expire_at),
            _ => None,
        };
        maybe_instant(py, at)
    }

    #[getter]
    fn group_id(&self) -> Option<&str> {
        self.0.leg.as_ref().map(|leg| leg.group.as_str())
    }

    #[getter]
    fn leg_role(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let word = |role| match role {
            LegRole::Parent => "parent",
            LegRole::Child => "child",
            LegRole::Peer => "peer",
        };
        self.0.leg.as_ref().map(|leg| member(py, "LegRole", word(leg.role))).transpose()
    }

    #[getter]
    fn version(&self) -> u32 {
        self.0.version
    }

    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "OrderState", self.0.state.as_str())
    }

    #[getter]
    fn is_open(&self) -> bool {
        !self.0.state.is_terminal()
    }

    #[getter]
    fn is_cancel_pending(&self) -> bool {
        self.0.pending.cancel_asked_at.is_some()
    }

    #[getter]
    fn is_replace_pending(&self) -> bool {
        self.0.pending.replace.is_some()
    }

    #[getter]
    fn cum_qty(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        decimal(py, self.0.cum_qty.get())
    }

    #[getter]
    fn leaves_qty(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        decimal(py, self.0.leaves_qty().get())
    }

    #[getter]
    fn avg_px(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        maybe_decimal(py, self.0.avg_px())
    }

    #[getter]
    fn commission(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        decimal(py, self.0.commission)
    }

    #[getter]
    fn order_ref(&self) -> Option<&str> {
        self.0.order_ref.as_ref().map(|reference| reference.as_str())
    }

    #[getter]
    fn broker_order_id(&self) -> Option<i64> {
        self.0.broker_order_id.map(|id| i64::from(id.get()))
    }

    #[getter]
    fn perm_id(&self) -> Option<i64> {
        self.0.perm_id.map(|id| id.get())
    }

    #[getter]
    fn deny_reason(&self) -> Option<String> {
        self.0.deny_reason.as_ref().map(ToString::to_string)
    }

    #[getter]
    fn reject_code(&self) -> Option<i32> {
        self.0.reject_reason.as_ref().map(|reason| reason.code)
    }

    #[getter]
    fn reject_text(&self) -> Option<&str> {
        self.0.reject_reason.as_ref().map(|reason| reason.text.as_str())
    }

    #[getter]
    fn when_in_doubt(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "WhenInDoubt", self.0.when_in_doubt.as_str())
    }

    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        instant(py, self.0.created_at)
    }

    #[getter]
    fn created_at_ns(&self) -> i64 {
        self.0.created_at.as_nanos()
    }

    #[getter]
    fn updated_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        instant(py, self.0.updated_at)
    }

    #[getter]
    fn updated_at_ns(&self) -> i64 {
        self.0.updated_at.as_nanos()
    }

    /// As plain data; decimals and times are strings.
    fn to_dict(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(py, &self.json()?)
    }

    #[staticmethod]
    fn _from_json(json: &str) -> PyResult<Self> {
        let order: Model =
            serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(order.into())
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (String,))> {
        let make = py.get_type::<Self>().getattr("_from_json")?.unbind();
        Ok((make, (self.json()?,)))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0.client_order_id.as_str(), self.0.updated_at.as_nanos()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let order = &*self.0;
        let spec = &order.spec;
        let px = |px| terms::number(px).map_or_else(String::new, |px| format!(" {px}"));
        format!(
            "<Order {} {} {} {} {}{}{} {}: {}, filled {} of {}>",
            order.client_order_id,
            spec.side,
            spec.order_qty,
            order.instrument,
            spec.order_type,
            px(spec.order_type.stop_px()),
            px(spec.order_type.limit_px()),
            spec.time_in_force,
            order.state,
            order.cum_qty,
            spec.order_qty,
        )
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let frames = slf.py().import("alphec_execution._frames")?;
        Ok(frames.getattr("order_html")?.call1((slf,))?.unbind())
    }
}
