//! The simulated gateway in this very process, for tests of strategies.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alphec_execution::model::Decimal;
use alphec_twsim::{Fault, Gateway as Sim, GatewayHandle};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::call::duration;
use crate::convert::{Exact, decimal};
use crate::runtime;

/// A running simulated gateway.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Gateway {
    handle: Mutex<Option<GatewayHandle>>,
    port: u16,
}

impl Gateway {
    fn with<T>(&self, does: impl FnOnce(&GatewayHandle) -> T) -> PyResult<T> {
        let handle = self.lock();
        handle
            .as_ref()
            .map(does)
            .ok_or_else(|| PyRuntimeError::new_err("this gateway has stopped; start another"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<GatewayHandle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(text: &str) -> PyResult<Fault> {
    text.parse().map_err(|error| PyValueError::new_err(format!("{error}")))
}

#[pymethods]
impl Gateway {
    #[new]
    #[pyo3(signature = (*, accounts, prices, faults, seed, walk, port))]
    fn new(
        py: Python<'_>,
        accounts: Vec<String>,
        prices: Vec<(String, Exact<Decimal>)>,
        faults: Vec<String>,
        seed: u64,
        walk: bool,
        port: u16,
    ) -> PyResult<Self> {
        let mut builder = Sim::builder().listen(&format!("127.0.0.1:{port}")).seed(seed);
        if !walk {
            builder = builder.fixed_prices();
        }
        for account in &accounts {
            builder = builder.account(account);
        }
        for text in &faults {
            builder = builder.fault(fault(text)?);
        }
        let runtime = runtime::get(py)?;
        let started = py.detach(|| runtime.block_on(builder.start()));
        let handle = started.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let gateway = Self { port: handle.addr().port(), handle: Mutex::new(Some(handle)) };
        for (symbol, price) in prices {
            gateway.set_price(&symbol, price)?;
        }
        Ok(gateway)
    }

    #[getter]
    const fn port(&self) -> u16 {
        self.port
    }

    /// Pins a symbol's bid, with the ask one tick above.
    fn set_price(&self, symbol: &str, price: Exact<Decimal>) -> PyResult<()> {
        let Exact(price) = price;
        if self.with(|gateway| gateway.set_price(symbol, price))? {
            return Ok(());
        }
        Err(PyValueError::new_err(format!("the gateway does not list {symbol}")))
    }

    /// Arms a fault, written as `alphec-exec sim --fault` takes it.
    fn inject(&self, text: &str) -> PyResult<()> {
        let fault = fault(text)?;
        self.with(|gateway| gateway.inject(fault))
    }

    fn clear_faults(&self) -> PyResult<()> {
        self.with(GatewayHandle::clear_faults)
    }

    fn disconnect_all(&self) -> PyResult<()> {
        self.with(GatewayHandle::disconnect_all)
    }

    fn advance_clock(&self, seconds: f64) -> PyResult<()> {
        let by = duration(seconds)?;
        self.with(|gateway| gateway.advance_clock(by))
    }

    #[getter]
    fn connections(&self) -> PyResult<usize> {
        self.with(GatewayHandle::connections)
    }

    /// What the venue knows, whatever any client was told.
    fn truth(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let truth = self.with(GatewayHandle::truth)?;
        let (orders, executions, positions) = (PyList::empty(py), PyList::empty(py), PyList::empty(py));
        for order in &truth.orders {
            let (report, row) = (&order.report, PyDict::new(py));
            row.set_item("order_ref", &*report.spec.order_ref)?;
            row.set_item("account", &*report.spec.account)?;
            row.set_item("status", format!("{:?}", report.status))?;
            row.set_item("filled", decimal(py, report.filled)?)?;
            row.set_item("remaining", decimal(py, report.remaining)?)?;
            row.set_item("perm_id", report.perm_id)?;
            orders.append(row)?;
        }
        for execution in &truth.executions {
            let row = PyDict::new(py);
            row.set_item("exec_id", &*execution.exec_id)?;
            row.set_item("order_ref", &*execution.order_ref)?;
            row.set_item("account", &*execution.account)?;
            row.set_item("quantity", decimal(py, execution.quantity)?)?;
            row.set_item("price", decimal(py, execution.price)?)?;
            executions.append(row)?;
        }
        for account in &truth.accounts {
            for (con_id, held) in &account.positions {
                let row = PyDict::new(py);
                row.set_item("account", &*account.id)?;
                row.set_item("con_id", con_id)?;
                row.set_item("quantity", decimal(py, held.quantity)?)?;
                positions.append(row)?;
            }
        }
        let all = PyDict::new(py);
        all.set_item("orders", orders)?;
        all.set_item("executions", executions)?;
        all.set_item("positions", positions)?;
        Ok(all.unbind())
    }

    /// Closes every connection and the listener.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let Some(handle) = self.lock().take() else { return Ok(()) };
        let runtime = runtime::get(py)?;
        py.detach(|| runtime.block_on(handle.stop()));
        Ok(())
    }
}
