//! The client: the verbs of the library.

use std::sync::Arc;
use std::time::Duration;

use alphec_engine::core::{Halt, Readiness, Reply};
use alphec_engine::{CallError, Handle, Status, StopReport};
use alphec_model::record::Fill;
use alphec_model::{
    AccountId, AccountValues, Alert, CancelScope, ClientOrderId, Command, DenyReason, Event, ForeignOrder,
    GroupRequest, InstrumentId, ModifyRequest, Order, OrderRequest, OrderSpec, OrderState, Position, Quote,
};
use tokio::sync::broadcast;

use crate::config::Stop;
use crate::order::OrderHandle;
use crate::{Error, new_correlation_id};

/// What a global cancel set in motion.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it may not have left"]
pub struct GlobalCancel {
    /// The orders of ours that it reaches. They are canceled one by one where it did not leave.
    pub orders: Vec<ClientOrderId>,
    /// Why it did not leave, if so: orders of others then stand as they did, and it is not kept for later.
    pub not_sent: Option<String>,
}

/// What the broker's books leave open once they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Orders of ours whose outcome is still not proven.
    pub in_doubt: Vec<Order>,
    /// Positions that differ from the broker's.
    pub broken: Vec<Position>,
    /// Open orders of others.
    pub foreign: Vec<ForeignOrder>,
    /// The gap that is still open: messages may be missing.
    pub gap: Option<u64>,
    /// A holding differed, and the time was up before the books were read once more.
    pub disputed: bool,
}

impl Reconciliation {
    /// Whether nothing of ours is open to question.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.in_doubt.is_empty() && self.broken.is_empty() && self.gap.is_none() && !self.disputed
    }
}

/// A running engine, as strategies see it. Cheap to clone; works from any runtime.
///
/// Dropping the last clone tells the engine to stop by the profile's stop policy, on a thread of its own that
/// nobody waits for: at the end of `main` the process is gone before it has canceled anything. So end with
/// [`Self::stop`], which waits and reports what is left working.
#[derive(Debug, Clone)]
pub struct ExecutionClient {
    pub(crate) handle: Handle,
    pub(crate) stop: Stop,
    pub(crate) profile: String,
}

impl ExecutionClient {
    /// Submits an order. Returns once its intent is durable (and, with custom risk rules, judged).
    ///
    /// The same `client_order_id` with the same body returns the same order and sends nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] when our gate refused it (it was never sent), [`Error::Call`] otherwise.
    pub async fn submit_order(&self, request: OrderRequest) -> Result<OrderHandle, Error> {
        // Subscribed before the order exists, so that no event of it is missed.
        let follower = self.handle.follow(&request.client_order_id);
        match self.handle.command(Command::Submit(request)).await? {
            Reply::Order(order) => match order.deny_reason.clone() {
                Some(reason) => {
                    Err(Error::Denied { order: Box::new((*order).clone()), reason: Box::new(reason) })
                }
                None => Ok(OrderHandle::new(self.handle.clone(), follower, order)),
            },
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Submits orders that belong together: all are recorded in one step, and judged, sent or refused as one. What
    /// a group that does not arrive whole has at the broker is canceled. [`GroupRequest::bracket`] makes an entry
    /// with its exits. Gives the handles in the order asked for.
    ///
    /// The same group again is the same group and sends nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] with the order that our gate refused; none of them was sent. [`Error::Call`] otherwise,
    /// also for orders that make no group.
    pub async fn submit_group(&self, request: GroupRequest) -> Result<Vec<OrderHandle>, Error> {
        let followers: Vec<_> =
            request.orders.iter().map(|order| self.handle.follow(&order.client_order_id)).collect();
        let orders = match self.handle.command(Command::SubmitGroup(request)).await? {
            Reply::Group(orders) => orders,
            other => return Err(Error::unexpected(&other)),
        };
        let denied = |order: &&Arc<Order>| {
            order.deny_reason.as_ref().is_some_and(|reason| !matches!(reason, DenyReason::Group { .. }))
        };
        let culprit =
            orders.iter().find(denied).or_else(|| orders.iter().find(|order| order.deny_reason.is_some()));
        if let Some((order, reason)) = culprit.and_then(|order| Some((order, order.deny_reason.clone()?))) {
            return Err(Error::Denied { order: Box::new((**order).clone()), reason: Box::new(reason) });
        }
        let handle = |(follower, order)| OrderHandle::new(self.handle.clone(), follower, order);
        Ok(followers.into_iter().zip(orders).map(handle).collect())
    }

    /// Changes a live order's terms. Returns once the change is durable and on its way; the order
    /// keeps its old terms until the broker repeats the new ones.
    ///
    /// # Errors
    /// [`Error::Denied`] when our gate refused it; the order stands as it did.
    pub async fn modify_order(
        &self,
        client_order_id: &ClientOrderId,
        spec: OrderSpec,
    ) -> Result<Order, Error> {
        let request = ModifyRequest {
            client_order_id: client_order_id.clone(),
            correlation_id: new_correlation_id(),
            spec,
        };
        match self.handle.command(Command::Modify(request)).await? {
            Reply::Order(order) => Ok((*order).clone()),
            Reply::ReplaceDenied { order, reason } => {
                Err(Error::Denied { order: Box::new((*order).clone()), reason: Box::new(reason) })
            }
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Cancels an order. Never refused while it can still be live; returns once the cancel is on
    /// its way. The order ends when the broker says so: wait with [`OrderHandle::done`].
    ///
    /// # Errors
    /// [`Error::Call`] for an unknown id or a stopped engine.
    pub async fn cancel_order(&self, client_order_id: &ClientOrderId) -> Result<Order, Error> {
        let command = Command::Cancel {
            client_order_id: client_order_id.clone(),
            correlation_id: new_correlation_id(),
        };
        match self.handle.command(command).await? {
            Reply::Order(order) => Ok((*order).clone()),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Cancels many orders of ours; gives their ids.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn cancel_all(&self, scope: CancelScope) -> Result<Vec<ClientOrderId>, Error> {
        let command = Command::CancelAll { scope, correlation_id: new_correlation_id() };
        match self.handle.command(command).await? {
            Reply::Canceling(orders) => Ok(orders),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Cancels every open order of the broker's login: ours, **those of other API clients, and those
    /// entered by hand**. An operator's act; it does not halt trading, so halt first where strategies run.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn global_cancel(&self, by: &str, reason: &str) -> Result<GlobalCancel, Error> {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let command = Command::GlobalCancel { by, reason, correlation_id: new_correlation_id() };
        match self.handle.command(command).await? {
            Reply::GloballyCanceling { orders, not_sent } => Ok(GlobalCancel { orders, not_sent }),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Refuses every new order and change, across restarts, until resumed.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn halt(&self, by: &str, reason: &str) -> Result<(), Error> {
        self.handle.command(Command::Halt { by: by.to_owned(), reason: reason.to_owned() }).await?;
        Ok(())
    }

    /// The kill switch: halts the scope across restarts, cancels everything of ours in it, and goes on, through
    /// reconnects too, until the broker's complete lists show that nothing of it works any more. Gives the
    /// orders that it cancels; [`Self::wait_killed`] waits for the proof. Orders of others are
    /// [`Self::global_cancel`]'s.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn kill(
        &self,
        scope: CancelScope,
        by: &str,
        reason: &str,
    ) -> Result<Vec<ClientOrderId>, Error> {
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let command = Command::Kill { scope, by, reason, correlation_id: new_correlation_id() };
        match self.handle.command(command).await? {
            Reply::Canceling(orders) => Ok(orders),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// Waits until a kill is verified; gives whether it was within the time.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn wait_killed(&self, scope: &CancelScope, timeout: Duration) -> Result<bool, Error> {
        let mut events = self.handle.events();
        let wait = async {
            loop {
                if self.halts().await?.iter().any(|(of, halt)| of == scope && halt.is_verified) {
                    return Ok(());
                }
                drop(tokio::time::timeout(Duration::from_secs(1), events.recv()).await);
            }
        };
        match tokio::time::timeout(timeout, wait).await {
            Ok(done) => done.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Every halt in force.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn halts(&self) -> Result<Vec<(CancelScope, Halt)>, Error> {
        Ok(self.handle.halts().await?)
    }

    /// Open orders of others in our accounts, those too that the last lists left out for the first time.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn foreign_orders(&self) -> Result<Vec<ForeignOrder>, Error> {
        Ok(self.handle.foreign_orders().await?)
    }

    /// Allows orders again in a scope that was halted or killed.
    ///
    /// # Errors
    /// [`Error::Call`], also while the broker's books have not been read without a difference since.
    pub async fn resume(&self, scope: CancelScope, by: &str, reason: &str) -> Result<(), Error> {
        self.handle.command(Command::Resume { scope, by: by.to_owned(), reason: reason.to_owned() }).await?;
        Ok(())
    }

    /// Reads the broker's complete books now, out of turn, and gives what they leave open. Where a holding differs
    /// they are read once more (after `resnapshot_ms`), since it may be a lag. It is done by itself every minute and
    /// after every gap.
    ///
    /// # Errors
    /// [`Error::NotReady`] when they could not be read in time, [`Error::Call`].
    pub async fn reconcile(&self, timeout: Duration) -> Result<Reconciliation, Error> {
        let command = Command::Reconcile { correlation_id: new_correlation_id() };
        let asked = match self.handle.command(command).await? {
            Reply::Reconciling(asked) => asked,
            other => return Err(Error::unexpected(&other)),
        };
        let mut events = self.handle.events();
        let wait = async {
            loop {
                let readiness = self.handle.status().await?.readiness;
                let is_read = readiness.books_as_of.is_some_and(|read| read >= asked);
                if is_read && !readiness.disputed && readiness.gap.is_none() {
                    return Ok::<(), Error>(());
                }
                drop(tokio::time::timeout(Duration::from_millis(100), events.recv()).await);
            }
        };
        if let Ok(settled) = tokio::time::timeout(timeout, wait).await {
            settled?;
        }
        let readiness = self.handle.status().await?.readiness;
        if readiness.books_as_of.is_none_or(|read| read < asked) {
            return Err(Error::NotReady { readiness: Box::new(readiness) });
        }
        let mut in_doubt = self.handle.open_orders().await?;
        in_doubt.retain(|order| order.state == OrderState::InDoubt);
        let mut broken = self.handle.positions().await?;
        broken.retain(|position| position.broken.is_some());
        let foreign = self.handle.foreign_orders().await?;
        let Readiness { gap, disputed, .. } = readiness;
        Ok(Reconciliation { in_doubt, broken, foreign, gap, disputed })
    }

    /// An operator's act: in a break, the broker's position is the right one. Thaws the instrument.
    ///
    /// # Errors
    /// [`Error::Call`], also where there is no break.
    pub async fn accept_position(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
        by: &str,
        reason: &str,
    ) -> Result<(), Error> {
        let command = Command::AcceptPosition {
            account: account.clone(),
            instrument: instrument.clone(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        self.handle.command(command).await?;
        Ok(())
    }

    /// An operator's act: an order in doubt is over at the broker, by proof that we cannot see.
    ///
    /// # Errors
    /// [`Error::Call`], also for an order that is not in doubt.
    pub async fn settle_order(
        &self,
        client_order_id: &ClientOrderId,
        by: &str,
        reason: &str,
    ) -> Result<Order, Error> {
        let command = Command::Settle {
            client_order_id: client_order_id.clone(),
            by: by.to_owned(),
            reason: reason.to_owned(),
        };
        match self.handle.command(command).await? {
            Reply::Order(order) => Ok((*order).clone()),
            other => Err(Error::unexpected(&other)),
        }
    }

    /// One order as it stands.
    ///
    /// # Errors
    /// [`Error::Call`], of an unknown id too.
    pub async fn get_order_status(&self, client_order_id: &ClientOrderId) -> Result<Order, Error> {
        let unknown = || alphec_engine::core::Misuse::UnknownOrder(client_order_id.clone());
        Ok(self.handle.order(client_order_id).await?.ok_or_else(|| CallError::Misuse(unknown()))?)
    }

    /// A handle on an order that exists.
    ///
    /// # Errors
    /// [`Error::Call`], of an unknown id too.
    pub async fn order(&self, client_order_id: &ClientOrderId) -> Result<OrderHandle, Error> {
        let follower = self.handle.follow(client_order_id);
        let order = self.get_order_status(client_order_id).await?;
        Ok(OrderHandle::new(self.handle.clone(), follower, Arc::new(order)))
    }

    /// Every order that can still change, oldest first.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn open_orders(&self) -> Result<Vec<Order>, Error> {
        Ok(self.handle.open_orders().await?)
    }

    /// Every order of this journal, oldest first.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn all_orders(&self) -> Result<Vec<Order>, Error> {
        Ok(self.handle.all_orders().await?)
    }

    /// The fills of one order.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn fills(&self, client_order_id: &ClientOrderId) -> Result<Vec<Fill>, Error> {
        Ok(self.handle.fills(client_order_id).await?)
    }

    /// Every position that is not flat.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn positions(&self) -> Result<Vec<Position>, Error> {
        Ok(self.handle.positions().await?)
    }

    /// The latest figures of an account; `None` before the first arrive.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn account(&self, account: &AccountId) -> Result<Option<AccountValues>, Error> {
        Ok(self.handle.account(account).await?)
    }

    /// The latest quote of an instrument; `None` before the first arrives.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn quote(&self, instrument: &InstrumentId) -> Result<Option<Quote>, Error> {
        Ok(self.handle.quote(instrument).await?)
    }

    /// Whether orders can be sent, and if not, why.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub async fn status(&self) -> Result<Status, Error> {
        Ok(self.handle.status().await?)
    }

    /// Every event from now on, in record order, each once its record is durable.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.handle.events()
    }

    /// Every alert from now on.
    #[must_use]
    pub fn alerts(&self) -> broadcast::Receiver<Alert> {
        self.handle.alerts()
    }

    /// Waits until orders can be sent.
    ///
    /// # Errors
    /// [`Error::NotReady`] says what was still missing when the time was up.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<(), Error> {
        let mut events = self.handle.events();
        let wait = async {
            loop {
                let readiness = self.handle.status().await?.readiness;
                if readiness.is_ready() {
                    return Ok(());
                }
                if readiness.journal_trouble.is_some() {
                    // Waiting helps a link; a journal that takes no records needs a person.
                    return Err(Error::NotReady { readiness: Box::new(readiness) });
                }
                // Any event may be the one; a lag or a quiet second looks again too.
                drop(tokio::time::timeout(Duration::from_secs(1), events.recv()).await);
            }
        };
        match tokio::time::timeout(timeout, wait).await {
            Ok(ready) => ready,
            Err(_) => Err(Error::NotReady { readiness: Box::new(self.handle.status().await?.readiness) }),
        }
    }

    /// Waits until there is a quote of this instrument, by which an order could be judged.
    ///
    /// # Errors
    /// [`Error::NoQuote`] when the time was up.
    pub async fn wait_quote(&self, instrument: &InstrumentId, timeout: Duration) -> Result<Quote, Error> {
        let wait = async {
            loop {
                if let Some(quote) = self.handle.quote(instrument).await? {
                    return Ok(quote);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(timeout, wait)
            .await
            .unwrap_or_else(|_| Err(Error::NoQuote { instrument: instrument.clone() }))
    }

    /// Stops by the profile's policy: no new orders, open ones canceled or kept, the broker's
    /// answers up to the deadline, the journal closed. Reports whatever is left working.
    ///
    /// # Errors
    /// [`Error::Call`] when it has stopped already.
    pub async fn stop(&self) -> Result<StopReport, Error> {
        Ok(self.handle.stop(self.stop.policy, self.stop.deadline).await?)
    }

    /// The same by another policy.
    ///
    /// # Errors
    /// [`Error::Call`] when it has stopped already.
    pub async fn stop_with(&self, stop: Stop) -> Result<StopReport, Error> {
        Ok(self.handle.stop(stop.policy, stop.deadline).await?)
    }

    /// The profile's name.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }
}
