//! A handle on one order: wait for what the broker says of it. Dropping it does nothing to the order.

use std::sync::Arc;

use alphec_engine::{CallError, Handle};
use alphec_model::{ClientOrderId, Event, Order, OrderState};
use tokio::sync::broadcast;

use crate::Error;

/// One order, to be watched.
#[derive(Debug)]
pub struct OrderHandle {
    handle: Handle,
    order: Order,
    ears: Ears,
}

/// What a handle listens to: the broker's word at once, and every event once it is durable.
/// Made before the order is asked for, so that nothing of it is missed.
#[derive(Debug)]
pub(crate) struct Ears {
    heard: broadcast::Receiver<Arc<Order>>,
    events: broadcast::Receiver<Event>,
}

impl Ears {
    pub(crate) fn of(handle: &Handle) -> Self {
        Self { heard: handle.heard(), events: handle.events() }
    }
}

impl OrderHandle {
    pub(crate) const fn new(handle: Handle, order: Order, ears: Ears) -> Self {
        Self { handle, order, ears }
    }

    /// Its key.
    #[must_use]
    pub const fn client_order_id(&self) -> &ClientOrderId {
        &self.order.client_order_id
    }

    /// The order as this handle last saw it.
    #[must_use]
    pub const fn last(&self) -> &Order {
        &self.order
    }

    /// Waits until the broker has answered: working, or ended, or in doubt.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn accepted(&mut self) -> Result<&Order, Error> {
        self.hear(|order| !matches!(order.state, OrderState::Staged | OrderState::PendingNew)).await
    }

    /// Waits until it has ended. An order in doubt has not: bound the wait with a timeout.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn done(&mut self) -> Result<&Order, Error> {
        self.hear(|order| order.state.is_terminal()).await
    }

    /// Waits until the change asked for last has been answered.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn replaced(&mut self) -> Result<&Order, Error> {
        self.until(|order| order.pending.replace.is_none()).await
    }

    /// Waits until the order is as wanted.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn until(&mut self, wanted: impl Fn(&Order) -> bool + Send) -> Result<&Order, Error> {
        // Something may have been asked for that this handle has not heard of yet, such as a change.
        self.refresh().await?;
        self.hear(wanted).await
    }

    /// Listens until the order is as wanted. The handle has listened since before the order was
    /// asked for, so it misses nothing and need not ask.
    async fn hear(&mut self, wanted: impl Fn(&Order) -> bool + Send) -> Result<&Order, Error> {
        while !wanted(&self.order) {
            let news = tokio::select! {
                order = self.ears.heard.recv() => order.map(Some),
                event = self.ears.events.recv() => event.map(|event| event.order),
            };
            match news {
                Ok(order) => self.take(order.as_deref()),
                // Missed some: the engine knows.
                Err(broadcast::error::RecvError::Lagged(_)) => self.refresh().await?,
                Err(broadcast::error::RecvError::Closed) => return Err(CallError::Stopped.into()),
            }
        }
        Ok(&self.order)
    }

    /// The next event of this order.
    ///
    /// # Errors
    /// [`Error::Lagged`] when this handle fell behind and events were lost to it; the order itself
    /// is current again, and the next call goes on. [`Error::Call`] when the engine has stopped.
    pub async fn next_event(&mut self) -> Result<Event, Error> {
        loop {
            match self.ears.events.recv().await {
                Ok(event) => {
                    let ours = event
                        .order
                        .as_ref()
                        .is_some_and(|order| order.client_order_id == self.order.client_order_id);
                    if ours {
                        self.take(event.order.as_deref());
                        return Ok(event);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    self.refresh().await?;
                    return Err(Error::Lagged { missed });
                }
                Err(broadcast::error::RecvError::Closed) => return Err(CallError::Stopped.into()),
            }
        }
    }

    /// Takes over news of this order, unless it is older than what is known.
    fn take(&mut self, news: Option<&Order>) {
        let news = news.filter(|order| {
            order.client_order_id == self.order.client_order_id && order.updated_at >= self.order.updated_at
        });
        if let Some(order) = news {
            self.order = order.clone();
        }
    }

    /// Asks the engine how the order stands now.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine has stopped.
    pub async fn refresh(&mut self) -> Result<(), Error> {
        if let Some(order) = self.handle.order(&self.order.client_order_id).await? {
            self.order = order;
        }
        Ok(())
    }
}
