//! Requests on their way to the adapter: cancels first, bounded, never blocking the loop.

use std::collections::VecDeque;

use alphec_model::BrokerRequest;
use tokio::sync::mpsc;

use crate::write_ahead::Committed;

/// Requests that may wait here. Beyond it new ones are given up as never written.
pub(crate) const OUTBOX_MAX: usize = 65_536;

/// The only sender of the broker channel; takes nothing but [`Committed`].
pub(crate) struct Outbox {
    sender: mpsc::Sender<BrokerRequest>,
    cancels: VecDeque<Committed>,
    rest: VecDeque<Committed>,
}

impl Outbox {
    pub(crate) const fn new(sender: mpsc::Sender<BrokerRequest>) -> Self {
        Self { sender, cancels: VecDeque::new(), rest: VecDeque::new() }
    }

    /// Queues a request; gives it back when the outbox is full. A cancel is never given back.
    pub(crate) fn push(&mut self, committed: Committed) -> Result<(), Box<BrokerRequest>> {
        match committed.request() {
            request if request.is_cancel() => self.cancels.push_back(committed),
            _ if self.rest.len() >= OUTBOX_MAX => return Err(Box::new(committed.into_request())),
            _ => self.rest.push_back(committed),
        }
        Ok(())
    }

    /// Sends what fits now. Each request that can trade is looked at a last time before it leaves;
    /// those that may not any more come back, never to be sent.
    pub(crate) fn flush(
        &mut self,
        last_look: impl Fn(&BrokerRequest) -> Result<(), String>,
    ) -> Vec<(BrokerRequest, String)> {
        let mut refused = Vec::new();
        while !self.is_empty() {
            let Ok(permit) = self.sender.try_reserve() else { break };
            let Some(committed) = self.cancels.pop_front().or_else(|| self.rest.pop_front()) else { break };
            match last_look(committed.request()) {
                Ok(()) => permit.send(committed.into_request()),
                Err(why) => refused.push((committed.into_request(), why)),
            }
        }
        refused
    }

    /// Gives up everything but the cancels.
    pub(crate) fn give_up(&mut self) -> Vec<BrokerRequest> {
        self.rest.drain(..).map(Committed::into_request).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cancels.is_empty() && self.rest.is_empty()
    }

    /// Whether the adapter has taken everything, or is gone.
    pub(crate) fn is_drained(&self) -> bool {
        self.sender.is_closed() || (self.is_empty() && self.sender.capacity() == self.sender.max_capacity())
    }

    /// Resolves when there is room again; never when the adapter is gone.
    pub(crate) async fn room(&self) {
        if self.sender.reserve().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
