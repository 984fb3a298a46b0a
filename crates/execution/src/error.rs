//! What can go wrong, and what to do about it.

use std::path::PathBuf;

use alphec_engine::core::{Readiness, Reply};
use alphec_engine::{CallError, RecoverError, StartError};
use alphec_model::{DenyReason, InstrumentId, Order};

use crate::config::ConfigError;

/// An error of this library. Denials are ours; rejections by the broker are states of the order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] alphec_engine::journal::Error),
    /// The journal cannot be trusted as it is.
    #[error("journal {}: {why}", path.display())]
    Recover {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: Box<RecoverError>,
    },
    /// A salvage that keeps no record begins a journal, and a journal belongs to a client id.
    #[error(
        "no record of {} can be kept, so the new journal needs the client id of the engine that will use it: name its \
         profile with --profile, or the id with --client-id",
        path.display()
    )]
    NoClientId {
        /// Which journal.
        path: PathBuf,
    },
    /// The engine could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Our gate refused the order or the change; nothing was sent.
    #[error("denied: {reason}")]
    Denied {
        /// The order as it stands.
        order: Box<Order>,
        /// Why.
        reason: Box<DenyReason>,
    },
    /// The engine did not become ready in time.
    #[error("not ready: the link is {}{}", readiness.link, why_not(readiness))]
    NotReady {
        /// What was missing.
        readiness: Box<Readiness>,
    },
    /// No quote arrived in time.
    #[error("no quote of {instrument} arrived; check the market-data subscription, or allow delayed data")]
    NoQuote {
        /// Of what.
        instrument: InstrumentId,
    },
    /// A call was not done.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Events were lost to a slow subscriber.
    #[error("{missed} events were missed because this subscriber was too slow; read the current state again")]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// A bug of ours: the engine answered something else than was asked.
    #[error("the engine gave an answer of another kind: {0}; please report this")]
    Unexpected(String),
}

impl Error {
    pub(crate) fn unexpected(reply: &Reply) -> Self {
        Self::Unexpected(format!("{reply:?}"))
    }

    /// Why our gate refused, if it did.
    #[must_use]
    pub fn denied(&self) -> Option<&DenyReason> {
        match self {
            Self::Denied { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

fn why_not(readiness: &Readiness) -> String {
    let reasons = [&readiness.refused, &readiness.halted, &readiness.journal_trouble];
    reasons.into_iter().flatten().map(|reason| format!("; {reason}")).collect()
}
