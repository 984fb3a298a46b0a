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
/// Tries at the end, within the patience of the one who waits for it.
const LAST_TRIES: usize = 4;

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

    /// Whether a record says that it is not wanted any more.
    fn is_over(&self, record: &Record) -> bool {
        match (self, &record.body) {
            (Self::Cancel(order), Body::CancelEnded { .. }) => {
                record.header.client_order_id.as_ref() == Some(order)
            }
            (Self::Halt { scope, .. }, Body::Resumed { scope: resumed, .. }) => scope == resumed,
            _ => false,
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
        if self.thread.is_none() {
            return;
        }
        for record in records {
            match Act::of(record) {
                Some(act) if !self.kept.contains(&act) => self.open.push(Arc::clone(record)),
                Some(_) => {}
                // Asked for again, it is another act.
                None => self.kept.retain(|act| !act.is_over(record)),
            }
        }
    }

    /// The journal is slow or broken.
    pub(crate) fn keep(&mut self) {
        let Some(last) = self.open.last().map(|record| record.header.seq) else { return };
        let mut acts = BTreeSet::new();
        let is_last = |record: &&Arc<Record>| Act::of(record).is_some_and(|act| acts.insert(act));
        let mut records: Vec<_> = self.open.iter().rev().filter(is_last).cloned().collect();
        records.reverse();
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
                Ok(work) => self.take(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.work();
        }
        for _ in 0..LAST_TRIES {
            if !self.owed.is_empty() {
                std::thread::sleep(RETRY_AFTER);
                self.work();
            }
        }
        if !self.owed.is_empty() {
            let lost = self.owed.len();
            tracing::error!(lost, "cancels and halts are neither on record nor in the emergency store");
        }
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Keep(mut records) => {
                // What could not be cleared is cleared with these.
                self.owes_clear = false;
                self.owed.append(&mut records);
            }
            // The journal has everything that was ever to be kept.
            Work::Clear => {
                self.owed.clear();
                self.owes_clear = true;
            }
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use alphec_model::broker::BrokerStatus;
    use alphec_model::record::Header;
    use alphec_model::{Evidence, Provenance, UtcNanos};

    use super::*;

    /// Numbers of the records that lie there, and how many calls fail first.
    #[derive(Clone, Default)]
    struct Store(Arc<Mutex<(Vec<u64>, usize)>>);

    impl Store {
        fn attempt(&self, act: impl FnOnce(&mut Vec<u64>)) -> io::Result<()> {
            let (held, failures) = &mut *self.0.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(io::Error::other("sick"));
            }
            act(held);
            Ok(())
        }

        fn holds(&self) -> Vec<u64> {
            self.0.lock().unwrap().0.clone()
        }
    }

    impl EmergencyStore for Store {
        fn keep(&mut self, records: &[Arc<Record>]) -> io::Result<()> {
            self.attempt(|held| held.extend(records.iter().map(|record| record.header.seq.get())))
        }

        fn clear(&mut self) -> io::Result<()> {
            self.attempt(Vec::clear)
        }
    }

    fn keeper(failures: usize) -> (Store, Keeper) {
        let store = Store(Arc::new(Mutex::new((Vec::new(), failures))));
        (store.clone(), Keeper { store: Box::new(store), owed: Vec::new(), owes_clear: false })
    }

    fn record(seq: u64, order: &str, body: Body) -> Arc<Record> {
        let header = Header {
            client_order_id: Some(ClientOrderId::new(order).unwrap()),
            ..Header::nameless(Seq::new(seq), UtcNanos::EPOCH, Provenance::Decided)
        };
        Arc::new(Record { header, body })
    }

    fn cancel(seq: u64, order: &str) -> Arc<Record> {
        record(seq, order, Body::CancelAsked)
    }

    #[test]
    fn what_a_sick_store_did_not_take_is_given_to_it_again_in_order() {
        let (store, mut keeper) = keeper(2);
        for seq in [1, 2] {
            keeper.take(Work::Keep(vec![cancel(seq, "a")]));
            keeper.work();
        }
        assert_eq!((store.holds(), keeper.owed.len()), (vec![], 2));
        keeper.work();
        assert_eq!((store.holds(), keeper.owed.len()), (vec![1, 2], 0));
    }

    #[test]
    fn a_clear_overtakes_what_is_owed_and_is_tried_again_unless_more_is_kept() {
        let (store, mut keeper) = keeper(1);
        keeper.take(Work::Keep(vec![cancel(1, "a")]));
        keeper.work();
        keeper.take(Work::Clear);
        keeper.work();
        assert_eq!(
            (store.holds(), keeper.owes_clear),
            (vec![], false),
            "it is on record and need not be kept"
        );
        keeper.take(Work::Keep(vec![cancel(2, "a")]));
        keeper.work();
        store.0.lock().unwrap().1 = 1;
        keeper.take(Work::Clear);
        keeper.work();
        assert!(keeper.owes_clear);
        keeper.take(Work::Keep(vec![cancel(3, "a")]));
        keeper.work();
        assert_eq!((store.holds(), keeper.owes_clear), (vec![2, 3], false), "the next clear is for both");
    }

    /// The engine's end with a queue that nobody empties.
    fn engine_end() -> (Emergency, Receiver<Work>) {
        let (work, incoming) = sync_channel(WORK_MAX);
        let thread = std::thread::spawn(|| {});
        (Emergency { thread: Some((work, thread)), ..Emergency::default() }, incoming)
    }

    fn told(incoming: &Receiver<Work>) -> Vec<Option<Vec<u64>>> {
        let told = incoming.try_iter().map(|work| match work {
            Work::Keep(records) => Some(records.iter().map(|record| record.header.seq.get()).collect()),
            Work::Clear => None,
        });
        told.collect()
    }

    #[test]
    fn an_act_is_kept_once_however_often_it_is_asked_for_until_it_is_over_or_on_record() {
        let (mut end, incoming) = engine_end();
        end.watch(&[cancel(1, "a"), cancel(2, "b"), cancel(3, "a")]);
        end.keep();
        end.watch(&[cancel(4, "a")]);
        end.keep();
        assert_eq!(told(&incoming), [Some(vec![2, 3])]);
        let evidence = Evidence::OpenOrder { status: BrokerStatus::Submitted.as_str().into() };
        end.watch(&[record(5, "a", Body::CancelEnded { evidence }), cancel(6, "a"), cancel(7, "b")]);
        end.keep();
        assert_eq!(told(&incoming), [Some(vec![6])], "a cancel that ended can be asked for again");
        end.durable(Seq::new(5));
        assert_eq!(told(&incoming), []);
        end.durable(Seq::new(6));
        assert_eq!(told(&incoming), [None]);
        end.watch(&[cancel(8, "a")]);
        end.durable(Seq::new(8));
        end.keep();
        assert_eq!(told(&incoming), [], "a journal that is well needs no store");
    }

    #[test]
    fn a_store_that_is_behind_loses_nothing() {
        let (mut end, incoming) = engine_end();
        let most = u64::try_from(WORK_MAX).unwrap();
        for seq in 1..=most + 3 {
            end.watch(&[cancel(seq, &format!("o{seq}"))]);
            end.keep();
        }
        assert_eq!(told(&incoming), (1..=most).map(|seq| Some(vec![seq])).collect::<Vec<_>>());
        end.keep();
        assert_eq!(told(&incoming), [Some((most + 1..=most + 3).collect())]);
    }
}
