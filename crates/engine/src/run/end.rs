//! The end: orders by policy, the broker's answers, the last record, the report.

use std::time::Duration;

use alphec_core::Input;
use alphec_model::{ClientOrderId, Command, CorrelationId, UtcNanos};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Channels, LAST_WAIT, Loop};
use crate::stop::{StopPolicy, StopReport, Stopping};

/// A stop under way, and who waits for its report.
pub(super) struct UnderWay {
    pub(super) stopping: Stopping,
    pub(super) began: UtcNanos,
    done: Vec<oneshot::Sender<StopReport>>,
}

impl Loop {
    pub(super) fn begin_stop(
        &mut self,
        policy: StopPolicy,
        deadline: Duration,
        done: Option<oneshot::Sender<StopReport>>,
    ) {
        if let Some(under_way) = self.stopping.as_mut() {
            under_way.done.extend(done);
            return;
        }
        self.step(Input::Stopping);
        let targets: Vec<ClientOrderId> = self
            .parts
            .core
            .book()
            .live_orders()
            .filter(|order| policy.cancels(order))
            .map(|order| order.client_order_id.clone())
            .collect();
        if let Ok(correlation_id) = CorrelationId::new("stop") {
            for client_order_id in &targets {
                let command = Command::Cancel {
                    client_order_id: client_order_id.clone(),
                    correlation_id: correlation_id.clone(),
                };
                // Nobody waits for this token.
                self.next_token += 1;
                self.step(Input::Command { token: self.next_token, command });
            }
        }
        let stopping = Stopping { targets, give_up_after: deadline };
        self.stopping =
            Some(UnderWay { stopping, began: self.parts.clock.now(), done: done.into_iter().collect() });
    }

    /// Whether the stop is over: every answer is in, or the deadline is past.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopping.as_ref().is_some_and(|under_way| {
            let late = self.parts.clock.now().since(under_way.began) >= under_way.stopping.give_up_after;
            late || under_way.stopping.is_answered(self.parts.core.book())
        })
    }

    /// Lets go of the broker, records the end, closes the journal, and only then reports.
    pub(super) async fn finish(mut self, mut channels: Channels, adapter: JoinHandle<()>) {
        self.parts.outbox.flush();
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
        self.step(Input::Stop);
        let began = self.parts.clock.now();
        loop {
            self.dispatch();
            let is_done = self.in_flight.is_none() && self.records.is_empty() && self.trouble.is_none();
            if is_done || self.parts.clock.now().since(began) >= LAST_WAIT {
                break;
            }
            tokio::select! {
                Some(outcome) = channels.outcomes.recv() => self.outcome(outcome),
                () = tokio::time::sleep(Duration::from_millis(50)) => self.wake(),
            }
        }
        let Self { parts, stopping, records, .. } = self;
        if !records.is_empty() {
            tracing::error!(records = records.len(), "stopping with records that did not become durable");
        }
        let book = parts.core.book();
        let (report, done) = match &stopping {
            Some(under_way) => (Some(under_way.stopping.report(book)), stopping),
            None => (None, None),
        };
        drop(channels);
        // Both close on threads of their own; the runtime has nothing left to do meanwhile.
        parts.ahead.close();
        parts.side.close();
        if let (Some(report), Some(under_way)) = (report, done) {
            for done in under_way.done {
                drop(done.send(report.clone()));
            }
        }
    }
}
