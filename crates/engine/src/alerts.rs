//! Alerts for the monitoring subsystem.

use alphec_model::Alert;
use futures::future::BoxFuture;

/// A delivery, to be awaited.
pub type Delivery<'a> = BoxFuture<'a, Result<(), DeliveryError>>;

/// An alert could not be delivered; it is logged and counted, and the next one is tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alert not delivered by {sink}: {why}")]
pub struct DeliveryError {
    /// By which sink.
    pub sink: String,
    /// What happened.
    pub why: String,
}

/// Where alerts go. Sinks run beside the engine, each with its own bounded queue.
pub trait AlertSink: Send + Sync {
    /// Its name in logs.
    fn name(&self) -> &str;

    /// Delivers one alert.
    fn deliver<'a>(&'a self, alert: &'a Alert) -> Delivery<'a>;
}

/// Alerts that may wait for one sink. Beyond it they are dropped, counted and logged.
pub(crate) const ALERTS_MAX: usize = 1_024;
