//! One order, to be watched.

use std::sync::Arc;

use alphec_execution::OrderHandle;
use pyo3::prelude::*;

use crate::call::Call;
use crate::event::Event;
use crate::order::Order;

/// Watches one order from before it was asked for. Dropping it does nothing to the order.
#[pyclass(frozen, module = "alphec_execution._native")]
pub(crate) struct Handle(Arc<OrderHandle>);

impl From<OrderHandle> for Handle {
    fn from(handle: OrderHandle) -> Self {
        Self(Arc::new(handle))
    }
}

#[pymethods]
impl Handle {
    #[getter]
    fn client_order_id(&self) -> &str {
        self.0.client_order_id().as_str()
    }

    /// The order as last heard of.
    #[getter]
    fn last(&self) -> Order {
        self.0.last().into()
    }

    /// Whether it was over already when this handle was made: then nothing more need come.
    #[getter]
    fn was_over(&self) -> bool {
        self.0.was_over()
    }

    /// Until the broker has answered: working, or ended, or in doubt.
    fn accepted(&self) -> Call {
        let handle = Arc::clone(&self.0);
        Call::new(async move { handle.accepted().await }, |_, order| Ok(Order::from(order)))
    }

    /// Until it has ended.
    fn done(&self) -> Call {
        let handle = Arc::clone(&self.0);
        Call::new(async move { handle.done().await }, |_, order| Ok(Order::from(order)))
    }

    /// Until the change asked for last has been answered.
    fn replaced(&self) -> Call {
        let handle = Arc::clone(&self.0);
        Call::new(async move { handle.replaced().await }, |_, order| Ok(Order::from(order)))
    }

    /// Its next event, in record order.
    fn next_event(&self) -> Call {
        let handle = Arc::clone(&self.0);
        Call::new(async move { handle.next_event().await }, |_, event| Ok(Event::from(event)))
    }
}
