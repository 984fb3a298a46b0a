//! One thing asked of the engine: awaited by an event loop ([`crate::bridge`]) or waited for here.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use alphec_execution::Error;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;

use crate::{error, runtime};

/// What was answered, put into Python's words by the thread that asked.
pub(crate) type Answer = Result<Made, Error>;
/// A value on its way into Python.
pub(crate) type Made = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
/// The asking.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// How often a waiting thread looks whether Python has a signal for it.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// One thing asked, not begun: give it to a `Bridge`, or `wait` for it. Once.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Call(Mutex<Option<Asking>>);

impl Call {
    /// A call whose answer `show` puts into Python's words.
    pub(crate) fn new<T, F, S, P>(asking: F, show: S) -> Self
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        S: FnOnce(Python<'_>, T) -> PyResult<P> + Send + 'static,
        P: for<'py> IntoPyObject<'py>,
    {
        let asking = async move {
            let answer = asking.await?;
            let made: Made = Box::new(move |py| show(py, answer)?.into_py_any(py));
            Ok(made)
        };
        Self(Mutex::new(Some(Box::pin(asking))))
    }

    /// A call that answers nothing.
    pub(crate) fn nothing<F>(asking: F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self::new(asking, |py, ()| Ok(py.None()))
    }

    pub(crate) fn take(&self) -> PyResult<Asking> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| PyRuntimeError::new_err("this call was already given away; make another"))
    }
}

/// What an answer is in Python.
pub(crate) fn show(py: Python<'_>, answer: Answer) -> PyResult<Py<PyAny>> {
    match answer {
        Ok(made) => made(py),
        Err(error) => Err(error::raise(py, error)),
    }
}

#[pymethods]
impl Call {
    /// Waits, without the interpreter's lock; Ctrl-C gets through. What was asked goes on when this ends early.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let until = match timeout {
            None => None,
            Some(seconds) => Some(Instant::now() + duration(seconds)?),
        };
        let runtime = runtime::get(py)?;
        let mut asking = self.take()?;
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let polled = py.detach(|| {
                let _timers = runtime.enter();
                let polled = asking.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_pending() && left != Some(Duration::ZERO) {
                    std::thread::park_timeout(left.unwrap_or(SIGNALS_EVERY).min(SIGNALS_EVERY));
                }
                polled
            });
            match polled {
                Poll::Ready(answer) => return show(py, answer),
                Poll::Pending if left == Some(Duration::ZERO) => {
                    return Err(PyTimeoutError::new_err("no answer in time; what was asked goes on"));
                }
                Poll::Pending => py.check_signals()?,
            }
        }
    }
}

/// Seconds as Python gives them.
pub(crate) fn duration(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| {
        pyo3::exceptions::PyValueError::new_err(format!("{seconds} is no time to wait: {error}"))
    })
}

impl Call {
    /// Waits to the end whatever signals come: the process is about to go.
    pub(crate) fn wait_for_exit(&self, py: Python<'_>) -> PyResult<()> {
        let (runtime, asking) = (runtime::get(py)?, self.take()?);
        let answer = py.detach(|| runtime.block_on(asking));
        show(py, answer).map(drop)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
