//! What would be lost with the process while the journal takes no records, though it was meant to stop something:
//! cancels that were asked for, and halts. The store gets them when cancels leave ahead of their records, and lets go
//! of them once the journal has them. It has a thread of its own: its disk may be the one that is stuck.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use alphec_journal::EmergencyStore;
use alphec_model::{Body, Record, Seq};

use crate::write_ahead::join_within;

/// What may wait for a store that is slow; the rest waits with us.
const WORK_MAX: usize = 16;

enum Work {
    Keep(Vec<Arc<Record>>),
    Clear,
}

/// The engine's end.
#[derive(Default)]
pub(crate) struct Emergency {
    thread: Option<(SyncSender<Work>, JoinHandle<()>)>,
    /// Acts that are not durable and that the store was not given, oldest first.
    open: Vec<Arc<Record>>,
    /// The last record that stands for anything in the store.
    kept: Option<Seq>,
}

impl Emergency {
    pub(crate) fn spawn(store: Box<dyn EmergencyStore>) -> std::io::Result<Self> {
        let (work, incoming) = sync_channel(WORK_MAX);
        let thread = std::thread::Builder::new()
            .name("alphec-emergency".to_owned())
            .spawn(move || serve(store, &incoming))?;
        Ok(Self { thread: Some((work, thread)), ..Self::default() })
    }

    /// Takes note of what a step recorded.
    pub(crate) fn watch(&mut self, records: &[Arc<Record>]) {
        if self.thread.is_some() {
            let acts = records.iter().filter(|record| stops_something(&record.body));
            self.open.extend(acts.cloned());
        }
    }

    /// The journal is slow or broken.
    pub(crate) fn keep(&mut self) {
        let Some(last) = self.open.last().map(|record| record.header.seq) else { return };
        if self.tell(Work::Keep(self.open.clone())) {
            self.open.clear();
            self.kept = Some(last);
        }
    }

    /// What the store held when the process began is on record once this record is durable.
    pub(crate) fn taken_up(&mut self, last: Option<Seq>) {
        self.kept = last;
    }

    /// The journal has everything up to this record.
    pub(crate) fn durable(&mut self, upto: Seq) {
        self.open.retain(|record| record.header.seq > upto);
        if self.kept.is_some_and(|kept| kept <= upto) && self.tell(Work::Clear) {
            self.kept = None;
        }
    }

    /// Whether the store will do it; it is asked again if not.
    fn tell(&self, work: Work) -> bool {
        let queue = self.thread.as_ref().map(|(queue, _)| queue);
        queue.is_some_and(|queue| !matches!(queue.try_send(work), Err(TrySendError::Full(_))))
    }

    /// Lets the store finish, for a bounded time.
    pub(crate) fn close(self, patience: Duration) {
        let Some((queue, thread)) = self.thread else { return };
        drop(queue);
        if !join_within(&thread, patience) {
            tracing::error!("the emergency store does not answer; leaving it behind");
        }
    }
}

/// Whether it must not be forgotten though it is not on record.
const fn stops_something(body: &Body) -> bool {
    matches!(body, Body::CancelAsked | Body::Halted { .. })
}

fn serve(mut store: Box<dyn EmergencyStore>, work: &Receiver<Work>) {
    while let Ok(next) = work.recv() {
        let done = match &next {
            Work::Keep(records) => store.keep(records),
            Work::Clear => store.clear(),
        };
        match (done, next) {
            (Ok(()), _) => {}
            (Err(error), Work::Keep(records)) => {
                let lost = records.len();
                tracing::error!(%error, lost, "cancels and halts are neither on record nor in the emergency store");
            }
            (Err(error), Work::Clear) => {
                tracing::warn!(%error, "the emergency store keeps what is on record by now");
            }
        }
    }
}
