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
            BrokerRequest::Cancel { .. } => self.cancels.push_back(committed),
            _ if self.rest.len() >= OUTBOX_MAX => return Err(Box::new(committed.into_request())),
            _ => self.rest.push_back(committed),
        }
        Ok(())
    }

    /// Sends what fits now.
    pub(crate) fn flush(&mut self) {
        while !self.is_empty() {
            match self.sender.try_reserve() {
                Ok(permit) => {
                    if let Some(committed) = self.cancels.pop_front().or_else(|| self.rest.pop_front()) {
                        permit.send(committed.into_request());
                    }
                }
                Err(_) => return,
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cancels.is_empty() && self.rest.is_empty()
    }

    /// Resolves when there is room again; `false` when the adapter is gone.
    pub(crate) async fn room(&self) -> bool {
        self.sender.reserve().await.is_ok()
    }
}
