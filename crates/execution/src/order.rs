//! A handle on one order: wait for what the broker says of it. Dropping it does nothing to the order.

use std::sync::Arc;

use alphec_engine::{CallError, Follower, Handle, News};
use alphec_model::{ClientOrderId, Event, Order, OrderState};

use crate::Error;

/// One order, to be watched. Any number of tasks may wait on it at once; its events go to one of them.
#[derive(Debug)]
pub struct OrderHandle {
    handle: Handle,
    follower: Follower,
    /// As it was when the handle was made.
    first: Arc<Order>,
}

impl OrderHandle {
    /// The follower is older than the question that `order` answers, so that nothing of it is missed.
    pub(crate) fn new(handle: Handle, follower: Follower, order: Arc<Order>) -> Self {
        follower.learn(&order);
        Self { handle, follower, first: order }
    }

    /// Its key.
    #[must_use]
    pub fn client_order_id(&self) -> &ClientOrderId {
        self.follower.key()
    }

    /// The order as this handle last heard of it.
    #[must_use]
    pub fn last(&self) -> Arc<Order> {
        self.follower.latest().unwrap_or_else(|| Arc::clone(&self.first))
    }

    /// Whether it was over already when this handle was made. What happens after an end (commissions, a late fill) may
    /// still come as an event, and need not.
    #[must_use]
    pub fn was_over(&self) -> bool {
        self.first.state.is_terminal()
    }

    /// Waits until the broker has answered: working, or ended, or in doubt.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn accepted(&self) -> Result<Arc<Order>, Error> {
        self.hear(|order| !matches!(order.state, OrderState::Staged | OrderState::PendingNew)).await
    }

    /// Waits until it has ended. An order in doubt has not: bound the wait with a timeout.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn done(&self) -> Result<Arc<Order>, Error> {
        self.hear(|order| order.state.is_terminal()).await
    }

    /// Waits until the change asked for last has been answered, and gives the order as it is then: with a higher
    /// `version` where the change was made, with the terms before it where it was not. That one was refused, never
    /// written or not seen is an alert too ([`AlertKind::ChangeFailed`](alphec_model::AlertKind::ChangeFailed)). That of a held order, such as
    /// a stop, may never be answered: bound the wait, and ask again.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn replaced(&self) -> Result<Arc<Order>, Error> {
        self.until(|order| order.pending.replace.is_none()).await
    }

    /// Waits until the order is as wanted.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine stops first.
    pub async fn until(&self, wanted: impl Fn(&Order) -> bool + Send) -> Result<Arc<Order>, Error> {
        // Something may have been asked for that this handle has not heard of yet, such as a change.
        self.refresh().await?;
        self.hear(wanted).await
    }

    /// The handle has listened since before the order was asked for, so it misses nothing and need not ask.
    async fn hear(&self, wanted: impl Fn(&Order) -> bool + Send) -> Result<Arc<Order>, Error> {
        self.follower.until(wanted).await.ok_or_else(|| CallError::Stopped.into())
    }

    /// The next event of this order, in record order, each once its record is durable.
    ///
    /// # Errors
    /// [`Error::Lagged`] when this handle fell behind and events were lost to it; the order itself
    /// is current again, and the next call goes on. [`Error::Call`] when the engine has stopped.
    pub async fn next_event(&self) -> Result<Event, Error> {
        match self.follower.next_news().await {
            News::Event(event) => Ok(event),
            News::Missed(missed) => Err(Error::Lagged { missed }),
            News::Ended => Err(CallError::Stopped.into()),
        }
    }

    /// Asks the engine how the order stands now.
    ///
    /// # Errors
    /// [`Error::Call`] when the engine has stopped.
    pub async fn refresh(&self) -> Result<(), Error> {
        if let Some(order) = self.handle.order(self.client_order_id()).await? {
            self.follower.learn(&Arc::new(order));
        }
        Ok(())
    }
}
