//! The side threads: risk rules on one, alert sinks on another, so that nothing they do stalls the
//! loop, and a rule that blocks silences no alert.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use alphec_core::Ask;
use alphec_model::Alert;
use futures::FutureExt;
use tokio::sync::mpsc;

use crate::alerts::{ALERTS_MAX, AlertSink};
use crate::rules::{Answered, Rules};
use crate::write_ahead::join_within;

/// Questions that may wait. One more is denied at once.
const ASKS_MAX: usize = 16_384;
/// How long the end waits for rules and sinks to finish what they have.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// The engine's end of the side threads.
pub(crate) struct Side {
    asks: mpsc::Sender<Ask>,
    alerts: Vec<(String, mpsc::Sender<Alert>)>,
    threads: Vec<JoinHandle<()>>,
}

impl Side {
    pub(crate) fn spawn(
        rules: Rules,
        sinks: Vec<Arc<dyn AlertSink>>,
        answers: mpsc::Sender<Answered>,
    ) -> std::io::Result<Self> {
        let (asks, mut questions) = mpsc::channel::<Ask>(ASKS_MAX);
        let asking = on_thread("alphec-rules", async move {
            while let Some(ask) = questions.recv().await {
                rules.ask(ask, answers.clone());
            }
        })?;
        let (alerts, queues): (Vec<_>, Vec<_>) = sinks
            .into_iter()
            .map(|sink| {
                let (sender, queue) = mpsc::channel::<Alert>(ALERTS_MAX);
                ((sink.name().to_owned(), sender), deliver(sink, queue))
            })
            .unzip();
        let alerting = on_thread("alphec-alerts", async move {
            futures::future::join_all(queues.into_iter().map(tokio::spawn)).await;
        })?;
        Ok(Self { asks, alerts, threads: vec![asking, alerting] })
    }

    /// Without threads and sinks: whoever has the other end answers the questions.
    #[cfg(feature = "simulation")]
    pub(crate) fn by_hand() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, questions) = mpsc::channel(ASKS_MAX);
        (Self { asks, alerts: Vec::new(), threads: Vec::new() }, questions)
    }

    /// Asks a rule; gives its answer at once when it cannot be asked.
    pub(crate) fn ask(&self, ask: Ask) -> Option<Answered> {
        match self.asks.try_send(ask) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(ask) | mpsc::error::TrySendError::Closed(ask)) => {
                Some(Answered::denying(&ask, "the rules cannot take more questions, which denies"))
            }
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
        let Self { asks, alerts, threads } = self;
        drop((asks, alerts));
        for thread in &threads {
            if !join_within(thread, LAST_WAIT) {
                let name = thread.thread().name().unwrap_or("a side thread").to_owned();
                tracing::warn!(name, "a risk rule or alert sink is still busy; leaving it behind");
            }
        }
    }
}

fn on_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work))
}

async fn deliver(sink: Arc<dyn AlertSink>, mut queue: mpsc::Receiver<Alert>) {
    while let Some(alert) = queue.recv().await {
        // One failure, or one panic, costs one alert, not the sink.
        let delivered =
            std::panic::AssertUnwindSafe(async { sink.deliver(&alert).await }).catch_unwind().await;
        let why = match delivered {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("alert sink {} panicked", sink.name()),
        };
        tracing::error!(why, kind = %alert.kind, text = %alert.text, "alert not delivered");
    }
}
