//! The broker port: two bounded channels and a task that serves them. Any adapter fits.

use alphec_model::{BrokerEvent, BrokerRequest};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Requests that may wait for the adapter. Beyond it they wait in the engine's outbox.
pub const REQUESTS_MAX: usize = 4_096;
/// Events that may wait for the engine. Beyond it the adapter waits, and with it the socket.
pub const EVENTS_MAX: usize = 16_384;

/// An adapter: it serves both channels until the token is cancelled, then lets go of the broker.
///
/// It runs on the engine's own single-threaded runtime, so it must not block. Every request is answered: `Written` or
/// `NotWritten` for what is one message on the wire, also for each order and change that a
/// [`BrokerRequest::Withdraw`] or a cancel makes it give up; a snapshot or `SnapshotFailed` for the books.
pub type BrokerTask = Box<
    dyn FnOnce(
            mpsc::Receiver<BrokerRequest>,
            mpsc::Sender<BrokerEvent>,
            CancellationToken,
        ) -> BoxFuture<'static, ()>
        + Send,
>;
