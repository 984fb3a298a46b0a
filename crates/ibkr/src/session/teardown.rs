//! The end of a session: what already arrived is told, what was not written is proven so, then the socket
//! is closed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use alphec_model::broker::BrokerEvent;
use futures::{FutureExt, StreamExt};
use ibapi::subscriptions::SubscriptionItem;
use tracing::warn;

use super::inbound::moved;
use super::{End, Session};

/// Frames that ibapi may hold for the order stream.
const BUFFERED_MAX: usize = 8_192;

/// How long ibapi may take to close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Ends the session. Afterwards every request of it is answered, except a write that was under way.
    pub(crate) async fn close(mut self, end: &End) {
        // An unfinished write breaks the connection rather than leaving half a frame; it may have been sent.
        self.writing = None;
        self.liveness.shutdown().await;
        if catch_unwind(AssertUnwindSafe(|| self.drain())).is_err() {
            self.gap("the last order messages could not be read");
        }
        let why = match end {
            // Said in the same breath as the end, which may be read first.
            End::Lost(why) => self.moved.as_deref().map_or_else(|| why.clone(), moved),
            End::Stopped => "stopped".to_owned(),
            End::PortClosed => "the engine is gone".to_owned(),
        };
        self.lanes.end(&why).into_iter().for_each(|event| self.port.push(event));
        for id in self.snapshots.unanswered() {
            self.snapshot_failed(id, format!("the session ended: {why}"));
        }
        self.updates = None;
        if tokio::time::timeout(CLOSE_DEADLINE, self.client.disconnect()).await.is_err() {
            warn!("the connection did not close within {CLOSE_DEADLINE:?}");
        }
        // After the socket: subscriptions end with it, and need no message each.
        self.reference.shutdown().await;
        self.port.forget_quotes();
        self.port.push(BrokerEvent::Disconnected { generation: self.generation, why });
    }

    /// Tells what arrived before the end: a fill just before a lost socket is still a fill.
    fn drain(&mut self) {
        if let Some(mut updates) = self.updates.take() {
            for _ in 0..BUFFERED_MAX {
                match updates.next().now_or_never() {
                    Some(Some(Ok(SubscriptionItem::Data(update)))) => self.update(update),
                    Some(Some(Ok(SubscriptionItem::Notice(notice)))) => self.tell_notice(notice),
                    Some(Some(Err(_)) | None) | None => break,
                }
            }
        }
        for _ in 0..BUFFERED_MAX {
            match self.notices.next().now_or_never() {
                Some(Some(notice)) => self.tell_notice(notice),
                Some(None) | None => break,
            }
        }
    }
}
