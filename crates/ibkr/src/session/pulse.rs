//! Before an order leaves a session that was silent: one round trip. A stopped gateway keeps its socket open and
//! acknowledged, swallows what is written to it, and may act on it when it resumes (`tws-behaviour.md` §1.12).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use ibapi::{Client, Error};
use tokio::time::Instant;

use super::{End, Session};

/// An order that waited longer for the answer was judged by a market that is gone.
const WAITED_MAX: Duration = Duration::from_secs(2);

/// When the gateway was last heard.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// It was heard just now.
    pub(super) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn silence(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// A round trip under way; orders wait for it, cancels do not.
pub(super) struct Probing {
    answer: BoxFuture<'static, bool>,
    since: Instant,
}

/// Resolves when the round trip is over: whether the gateway answered. Never when there is none.
pub(super) async fn answered(probing: &mut Option<Probing>) -> bool {
    match probing {
        Some(probing) => probing.answer.as_mut().await,
        None => core::future::pending().await,
    }
}

impl Session<'_> {
    /// Whether orders have to wait for a round trip; begins one if the gateway was silent for too long.
    pub(super) fn waits_for_a_sign(&mut self) -> bool {
        if self.probing.is_some() {
            return true;
        }
        let Some(idle) = self.config.probe_after_idle else { return false };
        if self.pulse.silence() < idle {
            return false;
        }
        let (client, heartbeat) = (Arc::clone(&self.client), self.config.heartbeat.clone());
        let pacer = Arc::clone(&self.pacer);
        let ask = async move {
            for _ in 0..heartbeat.misses.max(1) {
                // Counted, but never held back: it is what orders wait for.
                pacer.charge(Instant::now());
                if is_there(&client, heartbeat.deadline).await {
                    return true;
                }
            }
            false
        };
        self.probing = Some(Probing { answer: ask.boxed(), since: Instant::now() });
        true
    }

    /// The round trip is over.
    pub(super) fn probed(&mut self, is_there: bool) -> Result<(), End> {
        let waited = self.probing.take().map(|probing| probing.since.elapsed()).unwrap_or_default();
        if !is_there {
            return Err(End::Lost(format!(
                "the gateway is silent: no answer within {waited:?} to a round trip before an order, though the \
                 socket stands"
            )));
        }
        self.pulse.beat();
        if waited >= WAITED_MAX {
            let why = format!("the gateway took {} ms to answer a round trip before it", waited.as_millis());
            self.lanes.give_up_all(&why).into_iter().for_each(|event| self.port.push(event));
        }
        Ok(())
    }
}

/// Unlike the time, the accounts are answered however often they are asked for.
async fn is_there(client: &Client, deadline: Duration) -> bool {
    matches!(
        tokio::time::timeout(deadline, client.managed_accounts()).await,
        Ok(Ok(_) | Err(Error::Notice(_)))
    )
}
