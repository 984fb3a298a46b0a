//! The audit record, read beside whoever writes it.

use std::path::PathBuf;

use alphec_execution::model::{ClientOrderId, CorrelationId, UtcNanos};
use alphec_journal::{Filter, Reader, Stored};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::instant;
use crate::{error, terms};

/// Records of a journal, each as `(seq, at, kind, provenance, correlation_id, client_order_id, hash, payload)`.
#[pyfunction]
#[pyo3(signature = (journal, order=None, correlation=None, kind=None, since_ns=None, last=None))]
pub(crate) fn audit(
    py: Python<'_>,
    journal: PathBuf,
    order: Option<&str>,
    correlation: Option<&str>,
    kind: Option<String>,
    since_ns: Option<i64>,
    last: Option<usize>,
) -> PyResult<Vec<Py<PyAny>>> {
    let mut filter = Filter::default();
    if let Some(order) = order {
        filter = filter.client_order_id(terms::id::<ClientOrderId>("order", order)?);
    }
    if let Some(work) = correlation {
        filter = filter.correlation_id(terms::id::<CorrelationId>("correlation", work)?);
    }
    if let Some(kind) = kind {
        filter = filter.kind(kind);
    }
    if let Some(since) = since_ns {
        filter = filter.since(UtcNanos::from_nanos(since));
    }
    if let Some(last) = last {
        filter = filter.last(last);
    }
    let read =
        || -> Result<Vec<Stored>, alphec_journal::Error> { Reader::open(&journal)?.find(&filter)?.collect() };
    let records = py.detach(read).map_err(|error| error::journal(py, &error.to_string()))?;
    records.iter().map(|stored| row(py, stored)).collect()
}

fn row(py: Python<'_>, stored: &Stored) -> PyResult<Py<PyAny>> {
    let header = &stored.record.header;
    let work = header.correlation_id.as_ref().map(|id| id.as_str());
    let order = header.client_order_id.as_ref().map(|id| id.as_str());
    let payload = serde_json::to_string(&stored.record.body);
    let payload = payload.map_err(|error| error::journal(py, &error.to_string()))?;
    let kind = stored.record.body.kind();
    let fields = (
        header.seq.get(),
        instant(py, header.at)?,
        kind,
        header.provenance.as_str(),
        work,
        order,
        stored.hash.to_string(),
        payload,
    );
    Ok(fields.into_pyobject(py)?.cast_into::<PyTuple>().map_err(PyErr::from)?.into_any().unbind())
}
