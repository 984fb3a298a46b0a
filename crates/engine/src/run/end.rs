//! The end: orders by policy, the broker's answers, the last record, the report.

use std::time::Duration;

use alphec_core::Input;
use alphec_model::{ClientOrderId, Command, CorrelationId, UtcNanos};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::trouble::count;
use super::{Channels, LAST_WAIT, Loop};
use crate::stop::{StopPolicy, StopReport, Stopping};

/// How long the adapter has to take the last cancels.
const LAST_CANCELS: Duration = Duration::from_millis(250);

/// How long the end goes on trying to record what the journal refuses: two tries more.
const LAST_TRIES: Duration = Duration::from_secs(1);

/// A stop under way, and who waits for its report.
pub(super) struct UnderWay {
    pub(super) stopping: Stopping,
    pub(super) give_up_at: UtcNanos,
    done: Vec<oneshot::Sender<StopReport>>,
}

impl Loop {
    /// Begins to stop, or makes a stop under way stricter: more orders to cancel, an earlier end.
    pub(super) fn begin_stop(
        &mut self,
        policy: StopPolicy,
        deadline: Duration,
        done: Option<oneshot::Sender<StopReport>>,
    ) {
        let give_up_at = self.parts.clock.now().saturating_add(deadline);
        if self.stopping.is_none() {
            self.step(Input::Stopping);
            let stopping = Stopping { targets: Vec::new() };
            self.stopping = Some(UnderWay { stopping, give_up_at, done: Vec::new() });
        }
        let to_cancel: Vec<ClientOrderId> = self
            .parts
            .core
            .book()
            .live_orders()
            .filter(|order| policy.cancels(order) && !order.pending.is_cancel_asked())
            .map(|order| order.client_order_id.clone())
            .collect();
        if let Ok(correlation_id) = CorrelationId::new("stop") {
            for client_order_id in &to_cancel {
                let command = Command::Cancel {
                    client_order_id: client_order_id.clone(),
                    correlation_id: correlation_id.clone(),
                };
                // Nobody waits for this token.
                let token = self.fresh_token();
                self.step(Input::Command { token, command });
            }
        }
        // Whoever asked for a cancel before the stop waits for it too.
        let book = self.parts.core.book();
        let targets = book
            .live_orders()
            .filter(|order| order.pending.cancel_asked_at.is_some())
            .map(|order| order.client_order_id.clone())
            .collect();
        if let Some(under_way) = self.stopping.as_mut() {
            under_way.stopping.targets = targets;
            under_way.give_up_at = under_way.give_up_at.min(give_up_at);
            under_way.done.extend(done);
        }
    }

    /// Whether the stop is over: every answer is in, or the deadline is past.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopping.as_ref().is_some_and(|under_way| {
            let late = self.parts.clock.now() >= under_way.give_up_at;
            late || under_way.stopping.is_answered(self.parts.core.book())
        })
    }

    /// Sends the last cancels, lets go of the broker, records the end, closes the journal, and
    /// only then reports.
    pub(super) async fn finish(mut self, mut channels: Channels, adapter: JoinHandle<()>) {
        self.tell();
        self.send_last_cancels(&mut channels).await;
        self.parts.stop.cancel();
        let goodbye = async {
            while let Some(event) = channels.broker.recv().await {
                self.step(Input::Broker(event));
            }
        };
        if tokio::time::timeout(LAST_WAIT, goodbye).await.is_err() {
            tracing::warn!("the broker adapter did not end in time; leaving it behind");
            adapter.abort();
        }
        for request in self.parts.outbox.give_up() {
            self.never_sent(&request, "the engine stopped before it was sent");
        }
        self.settle(&mut channels).await;
        self.step(Input::Stop);
        self.settle(&mut channels).await;
        let unsettled = self.unsettled();
        let Self { parts, stopping, .. } = self;
        if unsettled > 0 {
            tracing::error!(records = unsettled, "stopped with records that did not become durable");
        }
        drop(channels);
        // Each closes on a thread of its own; the runtime has nothing left to do meanwhile. The journal after the
        // store, which its lock is for, too.
        parts.emergency.close(LAST_WAIT);
        parts.ahead.close(LAST_WAIT);
        parts.side.close();
        if let Some(under_way) = stopping {
            let report = under_way.stopping.report(parts.core.book(), unsettled);
            for done in under_way.done {
                drop(done.send(report.clone()));
            }
        }
    }

    async fn send_last_cancels(&mut self, channels: &mut Channels) {
        self.let_cancels_ahead();
        let until = self.parts.clock.now().saturating_add(LAST_CANCELS);
        loop {
            self.flush();
            if self.parts.outbox.is_drained() || self.parts.clock.now() >= until {
                return;
            }
            tokio::select! {
                Some(event) = channels.broker.recv(), if !self.adapter_gone => self.step(Input::Broker(event)),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        }
    }

    /// Makes durable what there is, for a bounded time.
    async fn settle(&mut self, channels: &mut Channels) {
        let since = self.parts.clock.now();
        loop {
            self.dispatch();
            self.tell();
            let patience = if self.trouble.is_some() { LAST_TRIES } else { LAST_WAIT };
            if self.unsettled() == 0 || self.parts.clock.now().since(since) >= patience {
                return;
            }
            tokio::select! {
                outcome = channels.outcomes.recv(), if !self.journal_gone => self.outcome(outcome),
                () = tokio::time::sleep(Duration::from_millis(20)) => self.wake(),
            }
        }
    }

    /// Records that are not durable.
    fn unsettled(&self) -> u64 {
        let in_flight = self.in_flight.as_ref().map_or(0, |in_flight| in_flight.batch.records.len());
        let queued: usize = self.queue.iter().map(|batch| batch.records.len()).sum();
        let refused = u64::from(self.trouble.is_some());
        count(in_flight) + count(queued) + count(self.filling.records.len()) + refused
    }
}
