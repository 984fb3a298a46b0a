//! The side thread: risk rules and alert sinks, so that nothing they do stalls the loop.

use std::sync::Arc;
use std::thread::JoinHandle;

use alphec_core::Ask;
use alphec_model::Alert;
use tokio::sync::mpsc;

use crate::alerts::{ALERTS_MAX, AlertSink};
use crate::rules::{Answered, Rules};

/// Questions that may wait. One more than can be: beyond it the deadline denies.
const ASKS_MAX: usize = 16_384;

/// The engine's end of the side thread.
pub(crate) struct Side {
    asks: mpsc::Sender<Ask>,
    alerts: Vec<(String, mpsc::Sender<Alert>)>,
    thread: JoinHandle<()>,
}

impl Side {
    pub(crate) fn spawn(
        rules: Rules,
        sinks: Vec<Arc<dyn AlertSink>>,
        answers: mpsc::Sender<Answered>,
    ) -> std::io::Result<Self> {
        let (asks, mut questions) = mpsc::channel::<Ask>(ASKS_MAX);
        let (alerts, queues): (Vec<_>, Vec<_>) = sinks
            .into_iter()
            .map(|sink| {
                let (sender, queue) = mpsc::channel::<Alert>(ALERTS_MAX);
                ((sink.name().to_owned(), sender), (sink, queue))
            })
            .unzip();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("alphec-side".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let sinks: Vec<_> =
                    queues.into_iter().map(|(sink, queue)| tokio::spawn(deliver(sink, queue))).collect();
                while let Some(ask) = questions.recv().await {
                    rules.ask(ask, answers.clone());
                }
                for sink in sinks {
                    if let Err(error) = sink.await {
                        tracing::error!(%error, "an alert sink failed");
                    }
                }
            });
        })?;
        Ok(Self { asks, alerts, thread })
    }

    pub(crate) fn ask(&self, ask: Ask) {
        if self.asks.try_send(ask).is_err() {
            tracing::error!("too many questions to risk rules at once; their deadline will deny");
        }
    }

    /// Queues an alert for every sink; gives how many had no room.
    pub(crate) fn alert(&self, alert: &Alert) -> u64 {
        let mut dropped = 0;
        for (name, queue) in &self.alerts {
            if queue.try_send(alert.clone()).is_err() {
                dropped += 1;
                tracing::error!(sink = %name, kind = %alert.kind, text = %alert.text, "alert sink too slow; dropped");
            }
        }
        dropped
    }

    /// Lets rules and sinks finish what is queued, for a bounded time.
    pub(crate) fn close(self) {
        let Self { asks, alerts, thread } = self;
        drop((asks, alerts));
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while !thread.is_finished() && std::time::Instant::now() < patience {
            std::thread::yield_now();
            std::thread::park_timeout(std::time::Duration::from_millis(2));
        }
        if !thread.is_finished() {
            tracing::warn!("a risk rule or alert sink is still busy; leaving it behind");
        }
    }
}

async fn deliver(sink: Arc<dyn AlertSink>, mut queue: mpsc::Receiver<Alert>) {
    while let Some(alert) = queue.recv().await {
        if let Err(error) = sink.deliver(&alert).await {
            tracing::error!(%error, kind = %alert.kind, text = %alert.text, "alert not delivered");
        }
    }
}
