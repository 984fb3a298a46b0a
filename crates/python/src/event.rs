//! Everything that happens, once durable.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use alphec_execution::model::{Body, Event as Model, Record};
use alphec_execution::{CallError, Error};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Mutex, broadcast};

use crate::call::Call;
use crate::convert::{instant, member, plain};
use crate::order::Order;
use crate::records;

/// What an event is made of again: its record and its order, as JSON.
type Parts = (String, Option<String>);

/// Events handed over at once, at most.
const BATCH: usize = 256;

/// One event: a record, once durable, and the order as it then stood.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Event(Model);

impl From<Model> for Event {
    fn from(event: Model) -> Self {
        Self(event)
    }
}

#[pymethods]
impl Event {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    const MATCH_ARGS: (&'static str, &'static str) = ("kind", "order");

    #[getter]
    fn seq(&self) -> u64 {
        self.0.record.header.seq.get()
    }

    #[getter]
    fn at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        instant(py, self.0.record.header.at)
    }

    #[getter]
    fn at_ns(&self) -> i64 {
        self.0.record.header.at.as_nanos()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.record.body.kind()
    }

    #[getter]
    fn provenance(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, "Provenance", self.0.record.header.provenance.as_str())
    }

    #[getter]
    fn correlation_id(&self) -> Option<&str> {
        self.0.record.header.correlation_id.as_ref().map(|id| id.as_str())
    }

    #[getter]
    fn client_order_id(&self) -> Option<&str> {
        self.0.record.header.client_order_id.as_ref().map(|id| id.as_str())
    }

    #[getter]
    fn exec_id(&self) -> Option<&str> {
        self.0.record.header.exec_id.as_ref().map(|id| id.as_str())
    }

    #[getter]
    fn order(&self) -> Option<Order> {
        self.0.order.clone().map(Order::from)
    }

    #[getter]
    fn fill(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.0.record.body {
            Body::Filled { fill } | Body::FillRevised { now: fill, .. } => records::fill(py, fill),
            _ => Ok(py.None()),
        }
    }

    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        plain(py, &json(&self.0.record.body)?)
    }

    #[staticmethod]
    fn _from_json(record: &str, order: Option<&str>) -> PyResult<Self> {
        let wrong = |error: serde_json::Error| PyValueError::new_err(error.to_string());
        let record: Record = serde_json::from_str(record).map_err(wrong)?;
        let order = order.map(serde_json::from_str).transpose().map_err(wrong)?;
        Ok(Self(Model { record: Arc::new(record), order: order.map(Arc::new) }))
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, Parts)> {
        let make = py.get_type::<Self>().getattr("_from_json")?.unbind();
        let order = self.0.order.as_ref().map(|order| json(&**order)).transpose()?;
        Ok((make, (json(&*self.0.record)?, order)))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seq(), self.at_ns()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let header = &self.0.record.header;
        let order = header.client_order_id.as_ref().map_or_else(String::new, |id| format!(" of {id}"));
        format!("<Event {} {} at {}{order}>", header.seq, self.kind(), header.at)
    }
}

fn json<T: serde::Serialize>(value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Events from now on. Whoever falls behind by more than the buffer is told how many are lost.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct EventStream(Stream<Model>);

impl EventStream {
    pub(crate) fn new(events: broadcast::Receiver<Model>) -> Self {
        Self(Stream::new(events))
    }
}

#[pymethods]
impl EventStream {
    /// The next events, one at least.
    fn next(&self) -> Call {
        Call::new(self.0.next(), |_, events| Ok(events.into_iter().map(Event::from).collect::<Vec<_>>()))
    }
}

/// What subscribers hear, in batches.
pub(crate) struct Stream<T>(Arc<Mutex<Heard<T>>>);

struct Heard<T> {
    receiver: broadcast::Receiver<T>,
    /// Lost, and not yet said.
    missed: u64,
}

impl<T: Clone + Send + 'static> Stream<T> {
    pub(crate) fn new(receiver: broadcast::Receiver<T>) -> Self {
        Self(Arc::new(Mutex::new(Heard { receiver, missed: 0 })))
    }

    /// What is next, and whatever else is there already.
    pub(crate) fn next(&self) -> impl Future<Output = Result<Vec<T>, Error>> + Send + 'static {
        let heard = Arc::clone(&self.0);
        async move { heard.lock().await.next().await }
    }
}

impl<T: Clone> Heard<T> {
    async fn next(&mut self) -> Result<Vec<T>, Error> {
        match std::mem::take(&mut self.missed) {
            0 => {}
            missed => return Err(Error::Lagged { missed }),
        }
        let first = self.receiver.recv().await.map_err(|error| match error {
            RecvError::Lagged(missed) => Error::Lagged { missed },
            RecvError::Closed => CallError::Stopped.into(),
        })?;
        let mut taken = vec![first];
        while taken.len() < BATCH {
            match self.receiver.try_recv() {
                Ok(more) => taken.push(more),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                Err(TryRecvError::Lagged(missed)) => {
                    self.missed = missed;
                    break;
                }
            }
        }
        Ok(taken)
    }
}
