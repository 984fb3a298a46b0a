//! The timers of this module, on one thread; made at first use, and never used across a fork.

use std::sync::OnceLock;

use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::error;

static RUNTIME: OnceLock<(u32, Result<Runtime, String>)> = OnceLock::new();

/// The runtime.
///
/// # Errors
/// When the process was forked since it was made, or the system gives no thread.
pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Runtime> {
    let make = || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("alphec-python").enable_all();
        (std::process::id(), builder.build().map_err(|error| error.to_string()))
    };
    let (owner, runtime) = RUNTIME.get_or_init(make);
    check_owner(py, *owner)?;
    runtime.as_ref().map_err(|why| error::execution(py, &format!("no thread for timers: {why}")))
}

/// The runtime of this process, if it has been made.
pub(crate) fn made() -> Option<&'static Runtime> {
    let (_, runtime) = RUNTIME.get().filter(|(owner, _)| *owner == std::process::id())?;
    runtime.as_ref().ok()
}

/// What was started belongs to the process that started it: a forked child has its memory but none of its threads,
/// and must touch neither its socket nor its journal.
pub(crate) fn check_owner(py: Python<'_>, owner: u32) -> PyResult<()> {
    let here = std::process::id();
    if owner == here {
        return Ok(());
    }
    Err(error::execution(
        py,
        &format!(
            "this was started in process {owner} and cannot be used in its forked child {here}; start a client \
             of its own in the child, with a client id and a journal of its own, or use the \"spawn\" start method"
        ),
    ))
}
