//! The native half of the Python package `alphec_execution`; the half that people see is in `/python`.
//!
//! Nothing here holds the interpreter's lock while it waits, and the engine never takes it: an answer goes into a
//! queue and wakes the event loop through a pipe (`bridge.rs`), so that a busy interpreter cannot stall it.
#![deny(unsafe_code)]
#![expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "arguments are taken as Python gives them"
)]

mod alert;
mod audit;
mod bridge;
mod call;
mod client;
mod convert;
mod error;
mod event;
mod gateway;
mod handle;
mod log;
mod order;
mod records;
mod request;
mod rule;
mod runtime;
mod terms;

use pyo3::prelude::*;

/// The module `alphec_execution._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    log::collect();
    module.add("VERSION", alphec_execution::VERSION)?;
    module.add_class::<alert::AlertStream>()?;
    module.add_class::<bridge::Bridge>()?;
    module.add_class::<call::Call>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<event::Event>()?;
    module.add_class::<event::EventStream>()?;
    module.add_class::<gateway::Gateway>()?;
    module.add_class::<handle::Handle>()?;
    module.add_class::<order::Order>()?;
    module.add_class::<rule::Question>()?;
    module.add_function(wrap_pyfunction!(audit::audit, module)?)?;
    module.add_function(wrap_pyfunction!(client::new_id, module)?)?;
    module.add_function(wrap_pyfunction!(client::stop_all, module)?)?;
    module.add_function(wrap_pyfunction!(log::log_lines, module)?)?;
    module.add_function(wrap_pyfunction!(request::exits, module)?)?;
    Ok(())
}
