//! Liveness: a round trip with a deadline. A stopped gateway keeps its socket open and acknowledged.

use std::sync::Arc;
use std::time::Duration;

use ibapi::{Client, Error};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::Report;
use super::pulse::Pulse;
use crate::config::Heartbeat;
use crate::pace::{Pacer, Urgency};

/// The gateway answers `reqCurrentTime` at most once a second; a probe within that second would be a
/// false alarm. Never two at once, for the same reason.
pub(crate) const SPACING: Duration = Duration::from_secs(2);

/// Probes until as many answers in a row are missing as the configuration allows.
pub(super) async fn watch(
    client: Arc<Client>,
    pacer: Arc<Pacer>,
    heartbeat: Heartbeat,
    (pulse, reports): (Pulse, mpsc::Sender<Report>),
) {
    let allowed = heartbeat.misses.max(1);
    let mut misses = 0;
    let mut pause = heartbeat.interval;
    loop {
        tokio::time::sleep(pause).await;
        pacer.acquire(Urgency::Urgent).await;
        let asked = Instant::now();
        if is_alive(&client, heartbeat.deadline).await {
            misses = 0;
            pulse.beat();
            pause = heartbeat.interval.max(SPACING.saturating_sub(asked.elapsed()));
            continue;
        }
        misses += 1;
        warn!(misses, allowed, "the gateway did not answer a probe");
        if misses >= allowed {
            let why = format!(
                "the gateway is silent: {misses} probes without an answer within {:?} though the socket stands",
                heartbeat.deadline
            );
            // The session is gone when nobody listens.
            let _ = reports.send(Report::Dead(why)).await;
            return;
        }
        pause = SPACING.saturating_sub(asked.elapsed());
    }
}

/// Whether the gateway said anything in answer. ibapi fails every pending one-shot with any error that
/// carries no id, so a notice is not the answer but a sign of life all the same.
async fn is_alive(client: &Client, deadline: Duration) -> bool {
    matches!(tokio::time::timeout(deadline, client.server_time()).await, Ok(Ok(_) | Err(Error::Notice(_))))
}
