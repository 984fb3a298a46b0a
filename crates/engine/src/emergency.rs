//! What would be lost with the process while the journal takes no records, though it was meant to stop something:
//! cancels that were asked for, and halts. The store gets them when cancels leave ahead of their records, each act once
//! however often it is asked for, and lets go of them once the journal has them. It has a thread of its own: its disk
//! may be the one that is stuck.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use alphec_journal::EmergencyStore;
use alphec_model::{Body, CancelScope, ClientOrderId, Record, Seq};

use crate::write_ahead::join_within;

/// What may wait for a store that is slow; the rest waits with us.
const WORK_MAX: usize = 16;
/// Before a store that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

enum Work {
    Keep(Vec<Arc<Record>>),
    Clear,
}

/// What must not be forgotten though it is not on record.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Cancel(ClientOrderId),
    Halt { scope: CancelScope, is_kill: bool },
}

impl Act {
    fn of(record: &Record) -> Option<Self> {
        match &record.body {
            Body::CancelAsked => record.header.client_order_id.clone().map(Self::Cancel),
            Body::Halted { scope, kill, .. } => Some(Self::Halt { scope: scope.clone(), is_kill: *kill }),
            _ => None,
        }
    }
}

/// The engine's end.
#[derive(Default)]
pub(crate) struct Emergency {
    thread: Option<(SyncSender<Work>, JoinHandle<()>)>,
    /// Acts that are not durable and that the store was not given, oldest first.
    open: Vec<Arc<Record>>,
    /// Acts that the store was given.
    kept: BTreeSet<Act>,
    /// Once this record is durable, the journal has everything that is in the store.
    kept_upto: Option<Seq>,
}

impl Emergency {
    pub(crate) fn spawn(store: Box<dyn EmergencyStore>) -> std::io::Result<Self> {
        let (work, incoming) = sync_channel(WORK_MAX);
        let thread = std::thread::Builder::new()
            .name("alphec-emergency".to_owned())
            .spawn(move || Keeper { store, owed: Vec::new(), owes_clear: false }.serve(&incoming))?;
        Ok(Self { thread: Some((work, thread)), ..Self::default() })
    }

    /// Takes note of what a step recorded.
    pub(crate) fn watch(&mut self, records: &[Arc<Record>]) {
        if self.thread.is_some() {
            let acts =
                records.iter().filter(|record| Act::of(record).is_some_and(|act| !self.kept.contains(&act)));
            self.open.extend(acts.cloned());
        }
    }

    /// The journal is slow or broken.
    pub(crate) fn keep(&mut self) {
        let Some(last) = self.open.last().map(|record| record.header.seq) else { return };
        let mut acts = BTreeSet::new();
        let is_first = |record: &&Arc<Record>| Act::of(record).is_some_and(|act| acts.insert(act));
        let records: Vec<_> = self.open.iter().filter(is_first).cloned().collect();
        if self.tell(Work::Keep(records)) {
            self.open.clear();
            self.kept.append(&mut acts);
            self.kept_upto = Some(last);
        }
    }

    /// What the store held when the process began is on record once this record is durable.
    pub(crate) const fn taken_up(&mut self, last: Option<Seq>) {
        self.kept_upto = last;
    }

    /// The journal has everything up to this record.
    pub(crate) fn durable(&mut self, upto: Seq) {
        self.open.retain(|record| record.header.seq > upto);
        if self.kept_upto.is_some_and(|kept| kept <= upto) && self.tell(Work::Clear) {
            self.kept.clear();
            self.kept_upto = None;
        }
    }

    /// Whether the store will do it; it is asked again if not.
    fn tell(&self, work: Work) -> bool {
        let queue = self.thread.as_ref().map(|(queue, _)| queue);
        queue.is_some_and(|queue| match queue.try_send(work) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => {
                tracing::error!("the thread of the emergency store has ended; restart the process");
                true
            }
        })
    }

    /// Lets the store finish, for a bounded time.
    pub(crate) fn close(mut self, patience: Duration) {
        // Nothing of what is left became durable.
        self.keep();
        if !self.open.is_empty() {
            tracing::error!(
                lost = self.open.len(),
                "cancels and halts are neither on record nor in the emergency store"
            );
        }
        let Some((queue, thread)) = self.thread else { return };
        drop(queue);
        if !join_within(&thread, patience) {
            tracing::error!("the emergency store does not answer; leaving it behind");
        }
    }
}

/// The thread.
struct Keeper {
    store: Box<dyn EmergencyStore>,
    /// What the store did not take yet.
    owed: Vec<Arc<Record>>,
    owes_clear: bool,
}

impl Keeper {
    fn serve(mut self, work: &Receiver<Work>) {
        loop {
            let next = if self.owed.is_empty() && !self.owes_clear {
                work.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                work.recv_timeout(RETRY_AFTER)
            };
            match next {
                Ok(Work::Keep(mut records)) => {
                    // What could not be cleared is cleared with these.
                    self.owes_clear = false;
                    self.owed.append(&mut records);
                }
                Ok(Work::Clear) => {
                    self.owed.clear();
                    self.owes_clear = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.work();
        }
        if !self.owed.is_empty() {
            let lost = self.owed.len();
            tracing::error!(lost, "cancels and halts are neither on record nor in the emergency store");
        }
    }

    fn work(&mut self) {
        if !self.owed.is_empty() {
            match self.store.keep(&self.owed) {
                Ok(()) => self.owed.clear(),
                Err(error) => {
                    let waiting = self.owed.len();
                    tracing::error!(%error, waiting, "the emergency store takes no cancels and halts; trying again");
                }
            }
        }
        if self.owes_clear {
            match self.store.clear() {
                Ok(()) => self.owes_clear = false,
                Err(error) => {
                    tracing::warn!(%error, "the emergency store keeps what is on record by now; trying again")
                }
            }
        }
    }
}
