//! Who follows which order: news of an order wakes those who follow it, and nobody else.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use alphec_model::{ClientOrderId, Event, Order, Seq};
use tokio::sync::Notify;

/// Events that may wait in one follower. Beyond it the oldest are dropped, and counted.
const EVENTS_MAX: usize = 1_024;

/// What a follower hears next.
#[derive(Debug)]
pub enum News {
    /// An event of the order, once its record is durable.
    Event(Event),
    /// So many events were dropped because nobody took them.
    Missed(u64),
    /// The engine has ended.
    Ended,
}

/// Follows one order from its making on, until dropped.
#[derive(Debug)]
pub struct Follower {
    key: ClientOrderId,
    ear: Arc<Ear>,
    followers: Arc<Followers>,
}

/// Every follower by the order that it follows.
#[derive(Debug, Default)]
pub(crate) struct Followers(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    ears: HashMap<ClientOrderId, Vec<Weak<Ear>>>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Ear {
    heard: Mutex<Heard>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    latest: Option<(Seq, Arc<Order>)>,
    events: VecDeque<Event>,
    missed: u64,
    ended: bool,
}

/// A poisoned lock guards plain values that are whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Followers {
    pub(crate) fn follow(self: &Arc<Self>, key: ClientOrderId) -> Follower {
        let ear = Arc::new(Ear::default());
        let mut registry = lock(&self.0);
        if registry.ended {
            lock(&ear.heard).ended = true;
        } else {
            registry.ears.entry(key.clone()).or_default().push(Arc::downgrade(&ear));
        }
        drop(registry);
        Follower { key, ear, followers: Arc::clone(self) }
    }

    /// The broker's word on an order, before it is durable.
    pub(crate) fn hear(&self, event: &Event) {
        let Some(order) = &event.order else { return };
        self.each(&order.client_order_id, |heard| heard.take(event.record.header.seq, order));
    }

    /// An event, once durable.
    pub(crate) fn tell(&self, event: &Event) {
        let Some(order) = &event.order else { return };
        self.each(&order.client_order_id, |heard| {
            heard.take(event.record.header.seq, order);
            if heard.events.len() == EVENTS_MAX {
                heard.events.pop_front();
                heard.missed += 1;
            }
            heard.events.push_back(event.clone());
        });
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self) {
        let mut registry = lock(&self.0);
        registry.ended = true;
        for ear in registry.ears.drain().flat_map(|(_, ears)| ears).filter_map(|ear| ear.upgrade()) {
            lock(&ear.heard).ended = true;
            ear.news.notify_waiters();
        }
    }

    /// Nobody is woken under the lock: a thread that wakes may run at once, and its first wish is often the lock.
    fn each(&self, key: &ClientOrderId, mut tell: impl FnMut(&mut Heard)) {
        let ears: Vec<_> =
            lock(&self.0).ears.get(key).into_iter().flatten().filter_map(Weak::upgrade).collect();
        for ear in ears {
            tell(&mut lock(&ear.heard));
            ear.news.notify_waiters();
        }
    }

    fn leave(&self, key: &ClientOrderId, gone: &Arc<Ear>) {
        let mut registry = lock(&self.0);
        if let Some(ears) = registry.ears.get_mut(key) {
            ears.retain(|ear| !std::ptr::eq(ear.as_ptr(), Arc::as_ptr(gone)));
            if ears.is_empty() {
                registry.ears.remove(key);
            }
        }
    }
}

impl Heard {
    /// A word that comes at once overtakes the events before it: what is older than known is no news.
    fn take(&mut self, seq: Seq, order: &Arc<Order>) {
        let is_news =
            |(known, latest): &(Seq, Arc<Order>)| *known <= seq && latest.updated_at <= order.updated_at;
        if self.latest.as_ref().is_none_or(is_news) {
            self.latest = Some((seq, Arc::clone(order)));
        }
    }

    /// How the order stands by an answer of the engine, which names no record.
    fn learn(&mut self, order: &Arc<Order>) {
        match &mut self.latest {
            Some((_, latest)) if latest.updated_at < order.updated_at => *latest = Arc::clone(order),
            Some(_) => {}
            none => *none = Some((Seq::new(0), Arc::clone(order))),
        }
    }
}

impl Follower {
    /// Which order.
    #[must_use]
    pub const fn key(&self) -> &ClientOrderId {
        &self.key
    }

    /// The order as last heard of, if anything was.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Order>> {
        lock(&self.ear.heard).latest.as_ref().map(|(_, order)| Arc::clone(order))
    }

    /// Takes over how the order stands by an answer of the engine, unless more is known already.
    pub fn learn(&self, order: &Arc<Order>) {
        lock(&self.ear.heard).learn(order);
        self.ear.news.notify_waiters();
    }

    /// Waits until the order, as heard of, is as wanted; `None` when the engine ends first.
    ///
    /// The broker's word is heard a sync before its event: what a caller does about it is recorded after it
    /// all the same, because records keep their order; a crash in between loses only the note, and the
    /// broker's books restore it.
    pub async fn until(&self, wanted: impl Fn(&Order) -> bool + Send) -> Option<Arc<Order>> {
        self.next(|heard| match heard.latest.as_ref().filter(|(_, order)| wanted(order)) {
            Some((_, order)) => Some(Some(Arc::clone(order))),
            None => heard.ended.then_some(None),
        })
        .await
    }

    /// The next event of this order, in record order.
    pub async fn next_news(&self) -> News {
        self.next(|heard| {
            if heard.missed > 0 {
                return Some(News::Missed(std::mem::take(&mut heard.missed)));
            }
            let event = heard.events.pop_front().map(News::Event);
            event.or_else(|| heard.ended.then_some(News::Ended))
        })
        .await
    }

    async fn next<T>(&self, mut look: impl FnMut(&mut Heard) -> Option<T>) -> T {
        loop {
            // Listening begins before looking, so that nothing falls in between.
            let mut news = std::pin::pin!(self.ear.news.notified());
            news.as_mut().enable();
            let seen = look(&mut lock(&self.ear.heard));
            match seen {
                Some(seen) => return seen,
                None => news.await,
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.followers.leave(&self.key, &self.ear);
    }
}

#[cfg(test)]
mod tests {
    use alphec_model::record::{Body, Header, Record};
    use alphec_model::{Provenance, UtcNanos};
    use futures::FutureExt;

    use super::*;

    fn key(text: &str) -> ClientOrderId {
        ClientOrderId::new(text).unwrap()
    }

    /// An event with record number `seq` of an order that changed last at `at`, then with version `version`.
    fn event(of: &str, seq: u64, at: i64, version: u32) -> Event {
        let order = serde_json::json!({
            "client_order_id": of, "strategy_id": "s", "correlation_id": "c", "account": "DU1",
            "instrument": "AAPL", "version": version, "state": "working", "cum_qty": "0", "cum_value": "0",
            "commission": "0",
            "spec": { "side": "buy", "order_qty": "1", "order_type": { "type": "market" },
                      "time_in_force": { "tif": "day" } },
            "created_at": UtcNanos::from_nanos(0), "updated_at": UtcNanos::from_nanos(at),
        });
        let header = Header {
            seq: Seq::new(seq),
            at: UtcNanos::from_nanos(at),
            provenance: Provenance::Observed,
            correlation_id: None,
            client_order_id: Some(key(of)),
            broker_order_id: None,
            perm_id: None,
            exec_id: None,
        };
        let record = Arc::new(Record { header, body: Body::CancelAsked });
        Event { record, order: Some(Arc::new(serde_json::from_value(order).unwrap())) }
    }

    fn version_of(follower: &Follower) -> Option<u32> {
        follower.latest().map(|order| order.version)
    }

    fn next_seq(follower: &Follower) -> Option<u64> {
        match follower.next_news().now_or_never()? {
            News::Event(event) => Some(event.record.header.seq.get()),
            News::Missed(_) | News::Ended => None,
        }
    }

    #[test]
    fn news_of_an_order_reaches_all_who_follow_it_and_nobody_else() {
        let followers = Arc::new(Followers::default());
        let [one, two, other] = ["a", "a", "b"].map(|of| followers.follow(key(of)));
        followers.tell(&event("a", 1, 1, 1));
        assert_eq!([next_seq(&one), next_seq(&two), next_seq(&other)], [Some(1), Some(1), None]);
        assert_eq!([version_of(&one), version_of(&other)], [Some(1), None]);
    }

    #[test]
    fn an_older_word_never_replaces_a_newer_one_even_within_one_instant() {
        let followers = Arc::new(Followers::default());
        let follower = followers.follow(key("a"));
        followers.hear(&event("a", 8, 5, 8));
        followers.tell(&event("a", 7, 5, 7));
        assert_eq!(version_of(&follower), Some(8), "the event of record 7 comes after the word of record 8");
        follower.learn(event("a", 0, 4, 4).order.as_ref().unwrap());
        assert_eq!(version_of(&follower), Some(8), "an answer that was on its way is older");
        follower.learn(event("a", 0, 6, 9).order.as_ref().unwrap());
        assert_eq!(version_of(&follower), Some(9));
    }

    #[test]
    fn events_that_nobody_takes_are_bounded_and_counted() {
        let followers = Arc::new(Followers::default());
        let follower = followers.follow(key("a"));
        for seq in 1..=1_030 {
            followers.tell(&event("a", seq, 1, 1));
        }
        assert!(matches!(follower.next_news().now_or_never(), Some(News::Missed(6))));
        assert_eq!(next_seq(&follower), Some(7), "the newest are kept");
    }

    #[tokio::test]
    async fn every_waiter_wakes_and_the_end_of_the_engine_ends_all_waits() {
        let followers = Arc::new(Followers::default());
        let follower = followers.follow(key("a"));
        let waiting = async {
            tokio::join!(
                follower.until(|order| order.version == 2),
                follower.until(|order| order.version == 3)
            )
        };
        let telling = async {
            followers.hear(&event("a", 1, 1, 2));
            tokio::task::yield_now().await;
            followers.end();
        };
        let ((second, third), ()) = tokio::join!(waiting, telling);
        assert_eq!((second.map(|order| order.version), third), (Some(2), None));
        assert!(matches!(followers.follow(key("a")).next_news().await, News::Ended));
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let followers = Arc::new(Followers::default());
        let (first, second) = (followers.follow(key("a")), followers.follow(key("a")));
        drop(first);
        assert_eq!(lock(&followers.0).ears.values().map(Vec::len).sum::<usize>(), 1);
        drop(second);
        assert!(lock(&followers.0).ears.is_empty());
    }
}
