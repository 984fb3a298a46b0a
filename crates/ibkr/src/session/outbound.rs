//! Requests to the wire: last look, conversion, one write at a time, and what its outcome proves.

use std::pin::Pin;
use std::time::Duration;

use alphec_model::broker::Ticket;
use alphec_model::{AccountId, BrokerOrderId, Generation, UtcNanos};
use futures::FutureExt;
use ibapi::Error;
use ibapi::contracts::Contract;
use ibapi::orders::Order;
use tokio::time::Instant;
use tracing::debug;

use super::{End, Session};
use crate::convert::{contract, order};
use crate::directory::Directory;
use crate::lanes::{Waiting, What};
use crate::notices::REQUEST_ID_FLOOR;
use crate::pace::Urgency;

/// Writes started in one go before the session looks around again.
const WRITES_PER_TURN: usize = 64;

/// How long the last cancels of a session may take.
const LAST_CANCELS: Duration = Duration::from_secs(1);

type WriteFuture = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A write under way.
pub(super) struct Writing {
    what: What,
    future: WriteFuture,
}

/// A request that passed the last look.
enum Job {
    Order { id: BrokerOrderId, contract: Box<Contract>, order: Box<Order> },
    Cancel(BrokerOrderId),
    GlobalCancel,
}

/// Resolves when the write under way is done; never when there is none.
pub(super) async fn done(writing: &mut Option<Writing>) -> Result<(), Error> {
    match writing {
        Some(writing) => writing.future.as_mut().await,
        None => core::future::pending().await,
    }
}

impl Session<'_> {
    /// Starts what the budget allows. A write normally ends on its first poll; one that does not
    /// (a full socket) is left under way and nothing else starts meanwhile.
    pub(super) async fn write_waiting(&mut self) -> Result<(), End> {
        for _ in 0..WRITES_PER_TURN {
            if self.writing.is_some() || self.lanes.is_empty() {
                return Ok(());
            }
            if !self.lanes.has_cancel() && self.waits_for_a_sign() {
                return Ok(());
            }
            let urgency = if self.lanes.has_cancel() { Urgency::Urgent } else { Urgency::Normal };
            if let Err(at) = self.pacer.take(urgency, Instant::now()) {
                self.paced_until = Some(at);
                return Ok(());
            }
            let Some(waiting) = self.lanes.pop() else { return Ok(()) };
            self.start(&waiting);
            if let Some(result) = futures::future::poll_immediate(done(&mut self.writing)).await {
                self.written(result)?;
            }
        }
        // More may wait: come back at once, after a look at the other side.
        self.paced_until = Some(Instant::now());
        Ok(())
    }

    /// Cancels that are here already do not wait for the next session.
    pub(super) async fn write_last_cancels(&mut self) {
        if self.take_requests().is_err() {
            return;
        }
        let until = Instant::now() + LAST_CANCELS;
        while self.lanes.has_cancel()
            && self.writing.is_none()
            && self.pacer.take(Urgency::Urgent, Instant::now()).is_ok()
        {
            let Some(waiting) = self.lanes.pop() else { return };
            self.start(&waiting);
            let result = tokio::time::timeout_at(until, done(&mut self.writing)).await;
            if !result.is_ok_and(|result| self.written(result).is_ok()) {
                return;
            }
        }
    }

    fn start(&mut self, waiting: &Waiting) {
        let what = waiting.what();
        match self.last_look(waiting) {
            Ok(job) => {
                debug!(?what, "writing");
                let future = self.write(job);
                self.writing = Some(Writing { what, future });
            }
            Err(why) => self.port.push(what.not_written(why)),
        }
    }

    /// The last check before the first byte: an `Err` proves that nothing was sent.
    fn last_look(&self, waiting: &Waiting) -> Result<Job, String> {
        if !self.client.is_connected() {
            return Err("the connection is closing".to_owned());
        }
        match waiting {
            Waiting::Cancel(id) if id.get() == 0 || id.get() >= REQUEST_ID_FLOOR => {
                Err(format!("order id {id} cannot be canceled through the API"))
            }
            Waiting::Cancel(id) => Ok(Job::Cancel(*id)),
            Waiting::GlobalCancel => Ok(Job::GlobalCancel),
            Waiting::Order { wire: _, ticket } => {
                let moment = Moment {
                    generation: self.generation,
                    accounts: &self.accounts,
                    is_server_lost: self.is_server_lost,
                    now: self.config.clock.now(),
                };
                let (contract, order) = last_look_at_order(ticket, &moment, self.directory)?;
                let id = ticket.broker_order_id;
                Ok(Job::Order { id, contract: Box::new(contract), order: Box::new(order) })
            }
        }
    }

    fn write(&self, job: Job) -> WriteFuture {
        let client = self.client.clone();
        match job {
            Job::Order { id, contract, order } => {
                async move { client.submit_order(id.get(), &contract, &order).await }.boxed()
            }
            // Its subscription is dropped at once. That sends nothing, and the answers (status, 202, 10147,
            // 10148, 161) also go to the order stream, where each is read exactly once. Kept alive, its
            // route would swallow executions that answer a snapshot. A time text would make the gateway
            // ignore the cancel if it were badly formed, so it stays empty.
            Job::Cancel(id) => async move { client.cancel_order(id.get(), "").await.map(drop) }.boxed(),
            Job::GlobalCancel => async move { client.global_cancel().await }.boxed(),
        }
    }

    /// The outcome of a write. An error is a proof only where ibapi cannot have sent a byte.
    pub(super) fn written(&mut self, result: Result<(), Error>) -> Result<(), End> {
        let Some(Writing { what, future: _ }) = self.writing.take() else { return Ok(()) };
        match result {
            Ok(()) => {
                let at = self.config.clock.now();
                self.port.push(what.written(at));
                Ok(())
            }
            Err(error) if proves_unwritten(&error) => {
                self.port.push(what.not_written(error.to_string()));
                Ok(())
            }
            Err(error) => Err(End::Lost(format!("writing {what} failed and it may have been sent: {error}"))),
        }
    }
}

/// What an order is looked at with just before it is written.
#[derive(Debug, Clone, Copy)]
#[allow(unreachable_pub, reason = "`by_hand` hands it out")]
pub struct Moment<'a> {
    /// Which connection this is.
    pub generation: Generation,
    /// The accounts of its login.
    pub accounts: &'a [AccountId],
    /// The gateway has said that it lost the broker's servers.
    pub is_server_lost: bool,
    /// What time it is.
    pub now: UtcNanos,
}

/// What a ticket becomes on this connection, or why it becomes nothing.
pub(crate) fn last_look_at_order(
    ticket: &Ticket,
    moment: &Moment<'_>,
    directory: &Directory,
) -> Result<(Contract, Order), String> {
    let Moment { generation, accounts, is_server_lost, now } = *moment;
    if is_server_lost {
        return Err("the gateway lost the broker's servers".to_owned());
    }
    if now > ticket.send_by {
        return Err("it waited for its turn too long to be sent".to_owned());
    }
    if ticket.generation != generation {
        return Err(format!("decided for connection {}, this is connection {generation}", ticket.generation));
    }
    if !(1..REQUEST_ID_FLOOR).contains(&ticket.broker_order_id.get()) {
        return Err(format!("order id {} is outside 1 to {REQUEST_ID_FLOOR}", ticket.broker_order_id));
    }
    if !accounts.contains(&ticket.account) {
        return Err(format!("account {} is not one of this login", ticket.account));
    }
    let (instrument, con_id) = directory.tradable(&ticket.instrument)?;
    let contract = contract::contract(instrument, con_id).map_err(|refused| refused.to_string())?;
    let order = order::order(ticket).map_err(|refused| refused.to_string())?;
    Ok((contract, order))
}

/// Errors that ibapi raises before it touches the socket: checks of the order, the version and the id, and
/// the send gate once the session is given up. `ConnectionReset`, `Shutdown` and I/O errors can also come
/// from the middle of a write, so they prove nothing.
fn proves_unwritten(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidArgument(_)
            | Error::ServerVersion(..)
            | Error::OrderIdInRequestRange { .. }
            | Error::NotImplemented
            | Error::ConnectionFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_from_before_the_socket_prove_that_nothing_was_sent() {
        let before = [
            Error::InvalidArgument(String::new()),
            Error::ServerVersion(226, 213, String::new()),
            Error::OrderIdInRequestRange { order_id: REQUEST_ID_FLOOR },
            Error::ConnectionFailed,
        ];
        assert!(before.iter().all(proves_unwritten));
        let in_doubt = [
            Error::Io(std::io::Error::from(std::io::ErrorKind::BrokenPipe)),
            Error::ConnectionReset,
            Error::Shutdown,
            Error::Simple("anything".to_owned()),
        ];
        assert!(!in_doubt.iter().any(proves_unwritten));
    }
}
