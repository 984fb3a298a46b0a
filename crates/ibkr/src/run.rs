//! The adapter's life: connect, serve a session, come back. Our backoff, always the same client id.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use alphec_model::Generation;
use alphec_model::broker::{BrokerEvent, BrokerRequest};
use core::time::Duration;
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::config::Config;
use crate::connect::{self, Link};
use crate::directory::Directory;
use crate::lanes::refused;
use crate::port::{Port, Turn};
use crate::session::{End, Session};

/// How long the last events may take to be read after a stop.
const FLUSH_DEADLINE: Duration = Duration::from_secs(5);

/// Why [`run`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// The allowed connection attempts are spent.
    GaveUp,
    /// The caller dropped its end of a channel.
    PortClosed,
}

/// Serves the broker port until stopped: `requests` in, `events` out.
///
/// Runs on the caller's task, on any tokio runtime, and spawns only tasks that it joins. Keep both
/// channels moving: while events are not read, order events wait in memory, then reading from the broker
/// stops, and last the requests wait.
pub async fn run(
    config: Config,
    requests: mpsc::Receiver<BrokerRequest>,
    events: mpsc::Sender<BrokerEvent>,
    stop: CancellationToken,
) -> Ended {
    let mut port = Port::new(requests, events);
    let ended = serve(&config, &mut port, &stop).await;
    for request in port.close_requests() {
        if let Some(event) = refused(&request, "the adapter has stopped") {
            port.push(event);
        }
    }
    if ended != Ended::PortClosed && tokio::time::timeout(FLUSH_DEADLINE, port.flush()).await.is_err() {
        warn!("the last broker events were not read within {FLUSH_DEADLINE:?}");
    }
    ended
}

async fn serve(config: &Config, port: &mut Port, stop: &CancellationToken) -> Ended {
    let mut backoff = Backoff::new(config.reconnect.clone());
    let mut directory = Directory::new(&config.instruments);
    let mut generation = Generation::new(0);
    loop {
        let attempt = AssertUnwindSafe(connect::connect(config)).catch_unwind();
        let link = match while_offline(port, stop, attempt).await {
            Ok(attempt) => attempt.unwrap_or_else(|panic| Err(panic_text(panic.as_ref()))),
            Err(ended) => return ended,
        };
        let delay = match link {
            Ok(link) => {
                generation = Generation::new(generation.get().saturating_add(1));
                let started = Instant::now();
                match session(config, port, &mut directory, (generation, link), stop).await {
                    End::Lost(why) => info!(%generation, why, "session lost"),
                    End::Stopped => return Ended::Stopped,
                    End::PortClosed => return Ended::PortClosed,
                }
                backoff.lost(started.elapsed())
            }
            Err(error) => match failed(port, &mut backoff, error) {
                Some(delay) => delay,
                None => return Ended::GaveUp,
            },
        };
        if let Err(ended) = while_offline(port, stop, tokio::time::sleep(delay)).await {
            return ended;
        }
    }
}

/// Reports a failed attempt; the delay before the next, if there is one.
fn failed(port: &mut Port, backoff: &mut Backoff, error: String) -> Option<Duration> {
    let (attempt, retry_in) = backoff.failed();
    warn!(attempt, ?retry_in, error, "connection attempt failed");
    let retry_in_ms = retry_in.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
    port.push(BrokerEvent::ConnectFailed { attempt, retry_in_ms, error });
    retry_in
}

/// One session from handshake to teardown. A panic in it costs the connection and nothing more.
async fn session(
    config: &Config,
    port: &mut Port,
    directory: &mut Directory,
    (generation, link): (Generation, Link),
    stop: &CancellationToken,
) -> End {
    let mut session = Session::new(config, port, directory, generation, link);
    let end = match AssertUnwindSafe(session.serve(stop)).catch_unwind().await {
        Ok(end) => end,
        Err(panic) => End::Lost(format!("a bug ended the session: {}", panic_text(panic.as_ref()))),
    };
    session.close(&end).await;
    end
}

/// Waits for `work` while every request is answered: without a session nothing can be written.
async fn while_offline<F: Future>(
    port: &mut Port,
    stop: &CancellationToken,
    work: F,
) -> Result<F::Output, Ended> {
    let mut work = core::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Err(Ended::Stopped),
            output = &mut work => return Ok(output),
            turn = port.turn() => match turn {
                Turn::Request(request) => {
                    if let Some(event) = refused(&request, "not connected to the broker") {
                        port.push(event);
                    }
                }
                Turn::Flushed => {}
                Turn::Closed => return Err(Ended::PortClosed),
            },
        }
    }
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("no message"))
}
