//! Waiting for an order, bounded, and ended early by Ctrl-C: the engine then still stops in order.

use std::sync::Arc;
use std::time::Duration;

use alphec_execution::OrderHandle;
use alphec_execution::model::{Order, OrderState};

use crate::exit::Wait;
use crate::signals::Signals;

/// Waits until the order is as wanted, the time is up, or someone interrupts. Gives it as it then stands.
pub(super) async fn watch(
    handle: &OrderHandle,
    patience: Duration,
    wanted: impl Fn(&Order) -> bool + Send,
) -> anyhow::Result<Order> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        reached = tokio::time::timeout(patience, handle.until(wanted)) => {
            if let Ok(reached) = reached {
                return Ok(Arc::unwrap_or_clone(reached?));
            }
        }
        () = signals.wait() => tracing::warn!("interrupted: the order stays as it stands"),
    }
    handle.refresh().await?;
    Ok(Arc::unwrap_or_clone(handle.last()))
}

/// Whether the wait for a new order is over. Doubt is worth waiting out: reconciliation ends it.
pub(super) const fn is_over(wait: Wait, state: OrderState) -> bool {
    match wait {
        Wait::None | Wait::Accepted => {
            !matches!(state, OrderState::Staged | OrderState::PendingNew | OrderState::InDoubt)
        }
        Wait::Done => state.is_terminal(),
    }
}
