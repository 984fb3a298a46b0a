//! The callers' end: cheap to clone, usable from any thread and any runtime.

use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Halt, Misuse, Readiness, Reply, Waits};
use alphec_model::record::Fill;
use alphec_model::{
    AccountId, AccountValues, Alert, CancelScope, ClientOrderId, Command, Event, ForeignOrder, InstrumentId,
    Order, Position, Quote, Seq,
};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::follow::{Follower, Followers};
use crate::stop::{StopPolicy, StopReport};

/// Calls that may wait for the engine. Beyond it callers wait.
pub(crate) const CALLS_MAX: usize = 16_384;

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The engine has stopped.
    #[error("the engine has stopped; start a new one")]
    Stopped,
    /// The call makes no sense.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The record could not be made durable, so nothing was sent.
    #[error(
        "the record could not be made durable ({why}); nothing was sent, and new orders stop until it can"
    )]
    Journal {
        /// What happened.
        why: String,
    },
    /// It is in force and cancels have left, but the journal takes no records. Cancels and halts are in the emergency
    /// store, for a next process; of anything else a restart does not know. Of an order: it stands as it did, and what
    /// was last heard of it is not on record.
    #[error(
        "in force, and not on record ({why}): should this process end first, the next one carries out cancels and halts \
         and knows of nothing else; do it again once the journal takes records"
    )]
    NotOnRecord {
        /// What happened.
        why: String,
    },
}

/// Whether orders can be sent, and what is going on.
#[derive(Debug, Clone)]
pub struct Status {
    /// Whether orders may be sent, and if not, why.
    pub readiness: Readiness,
    /// The last durable record.
    pub journal_seq: Option<Seq>,
    /// Counters since the start.
    pub stats: Stats,
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches made durable.
    pub commits: u64,
    /// Records made durable.
    pub records: u64,
    /// The largest batch.
    pub batch_max: u64,
    /// Cancels, and withdrawals by halts, that left before their record was durable, because the journal was slow or broken.
    pub cancels_ahead: u64,
    /// Alerts dropped because a sink was too slow.
    pub alerts_dropped: u64,
    /// What waits for the budget of messages, by lane, and what waited.
    pub waits: Waits,
}

/// A question; answered from the state as of its moment, once that state is durable.
pub(crate) enum Query {
    Order(ClientOrderId, oneshot::Sender<Option<Order>>),
    OpenOrders(oneshot::Sender<Vec<Order>>),
    AllOrders(oneshot::Sender<Vec<Order>>),
    Fills(ClientOrderId, oneshot::Sender<Vec<Fill>>),
    Positions(oneshot::Sender<Vec<Position>>),
    Account(AccountId, oneshot::Sender<Option<AccountValues>>),
    Quote(InstrumentId, oneshot::Sender<Option<Quote>>),
    Status(oneshot::Sender<Status>),
    Halts(oneshot::Sender<Vec<(CancelScope, Halt)>>),
    ForeignOrders(oneshot::Sender<Vec<ForeignOrder>>),
}

/// What callers send.
pub(crate) enum Call {
    Command(Box<Command>, oneshot::Sender<Result<Reply, CallError>>),
    Query(Query),
    Stop { policy: StopPolicy, deadline: Duration, done: oneshot::Sender<StopReport> },
}

/// Whether a command goes before those that can trade.
pub(crate) const fn is_urgent(command: &Command) -> bool {
    matches!(
        command,
        Command::Cancel { .. }
            | Command::CancelAll { .. }
            | Command::GlobalCancel { .. }
            | Command::Kill { .. }
            | Command::Halt { .. }
    )
}

/// Whether a command is meant to outlast the process.
pub(crate) const fn is_lasting(command: &Command) -> bool {
    matches!(
        command,
        Command::Halt { .. }
            | Command::Kill { .. }
            | Command::Resume { .. }
            | Command::AcceptPosition { .. }
            | Command::Settle { .. }
    )
}

/// Whether its answer says what only a record proves: an act that outlasts the process, an order that lives.
pub(crate) const fn needs_record(command: &Command) -> bool {
    is_lasting(command)
        || matches!(command, Command::Submit(_) | Command::SubmitGroup(_) | Command::Modify(_))
}

/// The callers' end of a running engine.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) urgent: mpsc::Sender<Call>,
    /// Weak, so that subscribers hear of the end although callers live on.
    pub(crate) events: broadcast::WeakSender<Event>,
    pub(crate) followers: Arc<Followers>,
    pub(crate) alerts: broadcast::WeakSender<Alert>,
}

/// A line to a running engine that does not keep it running: when every [`Handle`] is gone, so is the engine.
#[derive(Debug, Clone)]
pub struct OperatorLine {
    urgent: mpsc::WeakSender<Call>,
}

/// An answer that a thread waits for.
#[derive(Debug)]
pub struct PendingReply(oneshot::Receiver<Result<Reply, CallError>>);

impl OperatorLine {
    /// Whether the engine runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.urgent.upgrade().is_some_and(|urgent| !urgent.is_closed())
    }

    /// Asks ahead of every other caller, without waiting.
    ///
    /// # Errors
    /// [`CallError::Stopped`], also while more calls wait than may.
    pub fn ask(&self, command: Command) -> Result<PendingReply, CallError> {
        let urgent = self.urgent.upgrade().ok_or(CallError::Stopped)?;
        let (reply, replied) = oneshot::channel();
        urgent.try_send(Call::Command(Box::new(command), reply)).map_err(|_| CallError::Stopped)?;
        Ok(PendingReply(replied))
    }
}

impl PendingReply {
    /// Blocks the thread until the answer is there. Not for async code.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn wait(self) -> Result<Reply, CallError> {
        match self.0.blocking_recv().map_err(|_| CallError::Stopped)?? {
            Reply::Misuse(misuse) => Err(misuse.into()),
            reply => Ok(reply),
        }
    }
}

impl Handle {
    /// A line that does not keep the engine running.
    #[must_use]
    pub fn operator_line(&self) -> OperatorLine {
        OperatorLine { urgent: self.urgent.downgrade() }
    }

    /// Asks for something. Dropping the future neither withdraws nor loses the command once sent.
    ///
    /// # Errors
    /// [`CallError`]; a denial is a reply, not an error.
    pub async fn command(&self, command: Command) -> Result<Reply, CallError> {
        let lane = if is_urgent(&command) { &self.urgent } else { &self.calls };
        let (reply, replied) = oneshot::channel();
        lane.send(Call::Command(Box::new(command), reply)).await.map_err(|_| CallError::Stopped)?;
        match replied.await.map_err(|_| CallError::Stopped)?? {
            Reply::Misuse(misuse) => Err(misuse.into()),
            reply => Ok(reply),
        }
    }

    /// One order, as of its last durable record.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn order(&self, key: &ClientOrderId) -> Result<Option<Order>, CallError> {
        self.query(|answer| Query::Order(key.clone(), answer)).await
    }

    /// Every order that can still change.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn open_orders(&self) -> Result<Vec<Order>, CallError> {
        self.query(Query::OpenOrders).await
    }

    /// Every order of this journal.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn all_orders(&self) -> Result<Vec<Order>, CallError> {
        self.query(Query::AllOrders).await
    }

    /// The fills of one order.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn fills(&self, key: &ClientOrderId) -> Result<Vec<Fill>, CallError> {
        self.query(|answer| Query::Fills(key.clone(), answer)).await
    }

    /// Every position that is not flat.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn positions(&self) -> Result<Vec<Position>, CallError> {
        self.query(Query::Positions).await
    }

    /// The latest figures of one account.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn account(&self, account: &AccountId) -> Result<Option<AccountValues>, CallError> {
        self.query(|answer| Query::Account(account.clone(), answer)).await
    }

    /// The latest quote of one instrument.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn quote(&self, instrument: &InstrumentId) -> Result<Option<Quote>, CallError> {
        self.query(|answer| Query::Quote(instrument.clone(), answer)).await
    }

    /// Whether orders can be sent, and what is going on.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn status(&self) -> Result<Status, CallError> {
        self.query(Query::Status).await
    }

    /// Every halt in force, by its scope.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn halts(&self) -> Result<Vec<(CancelScope, Halt)>, CallError> {
        self.query(Query::Halts).await
    }

    /// Open orders of others in our accounts, those too that the last lists left out for the first time.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn foreign_orders(&self) -> Result<Vec<ForeignOrder>, CallError> {
        self.query(Query::ForeignOrders).await
    }

    /// Every event from now on, in record order, each after its record is durable. A subscriber
    /// that falls behind by more than the buffer is told how many it missed; when the engine has ended, so has this.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        subscribe(&self.events)
    }

    /// Follows one order, which need not exist yet.
    #[must_use]
    pub fn follow(&self, key: &ClientOrderId) -> Follower {
        self.followers.follow(key.clone())
    }

    /// Every alert from now on.
    #[must_use]
    pub fn alerts(&self) -> broadcast::Receiver<Alert> {
        subscribe(&self.alerts)
    }

    /// Stops: no new orders, open ones by policy, the broker's answers up to the deadline.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when it has stopped already.
    pub async fn stop(&self, policy: StopPolicy, deadline: Duration) -> Result<StopReport, CallError> {
        let (done, report) = oneshot::channel();
        self.urgent.send(Call::Stop { policy, deadline, done }).await.map_err(|_| CallError::Stopped)?;
        report.await.map_err(|_| CallError::Stopped)
    }

    async fn query<T>(&self, query: impl FnOnce(oneshot::Sender<T>) -> Query) -> Result<T, CallError> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call::Query(query(answer))).await.map_err(|_| CallError::Stopped)?;
        answered.await.map_err(|_| CallError::Stopped)
    }
}

/// Hears from now on; of an engine that has ended, only that it has.
fn subscribe<T: Clone>(of: &broadcast::WeakSender<T>) -> broadcast::Receiver<T> {
    of.upgrade().map_or_else(|| broadcast::channel(1).1, |sender| sender.subscribe())
}
