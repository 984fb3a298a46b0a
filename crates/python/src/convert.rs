//! Across the border: exact numbers, instants and words. A float never is one of them.

use std::str::FromStr;

use alphec_execution::model::{Decimal, UtcNanos};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyInt, PyString};

/// An attribute of a Python module, looked up once.
fn once<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    module: &str,
    name: &str,
) -> PyResult<&'py Bound<'py, PyAny>> {
    let found = cell.get_or_try_init(py, || Ok::<_, PyErr>(py.import(module)?.getattr(name)?.unbind()))?;
    Ok(found.bind(py))
}

fn decimal_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    once(py, &CLASS, "decimal", "Decimal")
}

/// `decimal.Decimal`, digit for digit.
pub(crate) fn decimal(py: Python<'_>, value: Decimal) -> PyResult<Py<PyAny>> {
    Ok(decimal_class(py)?.call1((value.to_string(),))?.unbind())
}

/// The same, of something that may be absent.
pub(crate) fn maybe_decimal(py: Python<'_>, value: Option<Decimal>) -> PyResult<Py<PyAny>> {
    value.map_or_else(|| Ok(py.None()), |value| decimal(py, value))
}

/// `pandas.Timestamp` in UTC where pandas is, `datetime` else; see `alphec_execution._time`.
pub(crate) fn instant(py: Python<'_>, at: UtcNanos) -> PyResult<Py<PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(once(py, &MAKE, "alphec_execution._time", "instant")?.call1((at.as_nanos(),))?.unbind())
}

/// The same, of something that may be absent.
pub(crate) fn maybe_instant(py: Python<'_>, at: Option<UtcNanos>) -> PyResult<Py<PyAny>> {
    at.map_or_else(|| Ok(py.None()), |at| instant(py, at))
}

/// A member of one of the package's enums, by its value.
pub(crate) fn member(py: Python<'_>, class: &str, value: &str) -> PyResult<Py<PyAny>> {
    static ENUMS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let members = once(py, &ENUMS, "alphec_execution._enums", "MEMBERS")?;
    Ok(members.get_item((class, value))?.unbind())
}

/// A value of the model as plain Python data, by its JSON; decimals and times are strings in it.
pub(crate) fn plain(py: Python<'_>, json: &str) -> PyResult<Py<PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(once(py, &LOADS, "json", "loads")?.call1((json,))?.unbind())
}

/// An exact number out of Python: a finite `Decimal` or an `int`, never a float or a text.
pub(crate) struct Exact<T>(pub(crate) T);

impl<'py, T> FromPyObject<'_, 'py> for Exact<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = given.py();
        let text = if given.is_instance_of::<PyBool>() {
            return Err(PyTypeError::new_err("a bool is no number; write a decimal.Decimal or an int"));
        } else if given.is_instance_of::<PyInt>() {
            given.str()?
        } else if given.is_instance(decimal_class(py)?)? {
            // Fixed notation: 1E+2 is 100.
            given.call_method1("__format__", ("f",))?.cast_into::<PyString>().map_err(PyErr::from)?
        } else {
            let class = given.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "{class} is not exact: write Decimal(\"{}\") with quotes, from the decimal module, instead of {}",
                given.str()?,
                given.repr()?,
            )));
        };
        let text = text.to_str()?;
        text.parse()
            .map(Self)
            .map_err(|error| PyValueError::new_err(format!("{text} cannot be used: {error}")))
    }
}
