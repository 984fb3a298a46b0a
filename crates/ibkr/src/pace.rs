//! Our own message budget: at most so many messages in any one second, a share kept for cancels.
//!
//! A sliding window rather than a bucket: a bucket that is full lets twice its rate through in one
//! second, and the gateway may close the session after three such excesses (error 100).
//! ibapi's limiter stays off, so that two limiters never add up.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// One message in this many is kept for urgent ones, and as many again are kept from the background.
const RESERVE_SHARE: usize = 5;

/// How long a message may wait behind others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Cancels and liveness probes: may use the whole budget.
    Urgent,
    /// Orders and the broker's books: leaves the reserve untouched.
    Normal,
    /// Contracts, quotes and account values: however many are asked for anew, they leave room for both.
    Background,
}

/// The budget, shared by everything that writes on one connection.
#[derive(Debug)]
pub(crate) struct Pacer {
    limit: Option<usize>,
    sent: Mutex<VecDeque<Instant>>,
}

impl Pacer {
    /// A budget of `per_second` messages, or none.
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        let limit = per_second.map(|limit| usize::try_from(limit.max(1)).unwrap_or(usize::MAX));
        Self { limit, sent: Mutex::new(VecDeque::new()) }
    }

    /// Takes one message out of the budget, or names the instant to ask again.
    pub(crate) fn take(&self, urgency: Urgency, now: Instant) -> Result<(), Instant> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut sent = self.sent_within_a_second_of(now);
        let reserve = limit / RESERVE_SHARE;
        let share = match urgency {
            Urgency::Urgent => limit,
            Urgency::Normal => limit.saturating_sub(reserve).max(1),
            Urgency::Background => limit.saturating_sub(2 * reserve).max(1),
        };
        // With `share` messages in the window, the one that must leave it first decides.
        match sent.len().checked_sub(share).and_then(|first| sent.get(first)) {
            Some(at) => Err(*at + SECOND),
            None => {
                sent.push_back(now);
                Ok(())
            }
        }
    }

    /// Counts a message that leaves whatever the budget says: those after it wait for it.
    ///
    /// For what is not ours to hold back (ibapi ends a dropped subscription by itself) and for what orders wait for.
    pub(crate) fn charge(&self, now: Instant) {
        if self.limit.is_some() {
            self.sent_within_a_second_of(now).push_back(now);
        }
    }

    fn sent_within_a_second_of(&self, now: Instant) -> MutexGuard<'_, VecDeque<Instant>> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        while sent.front().is_some_and(|at| now.duration_since(*at) >= SECOND) {
            sent.pop_front();
        }
        sent
    }

    /// Waits for its turn.
    pub(crate) async fn acquire(&self, urgency: Urgency) {
        while let Err(at) = self.take(urgency, Instant::now()) {
            tokio::time::sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn no_second_holds_more_than_the_limit() {
        let (pacer, start) = (Pacer::new(Some(10)), Instant::now());
        let mut sent = Vec::new();
        for millis in (0..5_000).step_by(7) {
            if pacer.take(Urgency::Urgent, after(start, millis)).is_ok() {
                sent.push(millis);
            }
        }
        for first in &sent {
            let within = sent.iter().filter(|at| (*first..first + 1_000).contains(*at)).count();
            assert!(within <= 10, "{within} messages in the second from {first}");
        }
        assert!(sent.len() >= 45, "the budget is used: {}", sent.len());
    }

    #[test]
    fn a_cancel_finds_room_where_an_order_waits() {
        let (pacer, start) = (Pacer::new(Some(10)), Instant::now());
        for _ in 0..8 {
            assert_eq!(pacer.take(Urgency::Normal, start), Ok(()));
        }
        assert_eq!(pacer.take(Urgency::Normal, start), Err(after(start, 1_000)));
        assert_eq!(pacer.take(Urgency::Urgent, start), Ok(()));
        assert_eq!(pacer.take(Urgency::Urgent, start), Ok(()));
        assert!(pacer.take(Urgency::Urgent, start).is_err());
        assert_eq!(pacer.take(Urgency::Normal, after(start, 1_000)), Ok(()));
    }

    #[test]
    fn an_order_finds_room_where_the_background_waits() {
        let (pacer, start) = (Pacer::new(Some(10)), Instant::now());
        for _ in 0..6 {
            assert_eq!(pacer.take(Urgency::Background, start), Ok(()));
        }
        assert_eq!(pacer.take(Urgency::Background, start), Err(after(start, 1_000)));
        assert_eq!(pacer.take(Urgency::Normal, start), Ok(()));
        assert_eq!(pacer.take(Urgency::Normal, start), Ok(()));
        assert!(pacer.take(Urgency::Normal, start).is_err());
    }

    #[test]
    fn what_leaves_unasked_is_counted_also_in_a_full_second_and_what_follows_waits_for_it() {
        let (pacer, start) = (Pacer::new(Some(5)), Instant::now());
        for millis in 0..5 {
            assert_eq!(pacer.take(Urgency::Urgent, after(start, millis)), Ok(()));
        }
        for millis in [500, 600] {
            pacer.charge(after(start, millis));
        }
        // Seven were sent: of a second that holds five, the third of them has to be over.
        assert_eq!(pacer.take(Urgency::Urgent, after(start, 700)), Err(after(start, 1_002)));
        for millis in 1_002..1_005 {
            assert_eq!(pacer.take(Urgency::Urgent, after(start, millis)), Ok(()));
        }
        assert_eq!(pacer.take(Urgency::Urgent, after(start, 1_005)), Err(after(start, 1_500)));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let (pacer, start) = (Pacer::new(None), Instant::now());
        pacer.charge(start);
        assert!((0..100_000).all(|_| pacer.take(Urgency::Normal, start).is_ok()));
    }

    #[test]
    fn a_limit_of_one_still_lets_one_through() {
        let (pacer, start) = (Pacer::new(Some(0)), Instant::now());
        assert_eq!(pacer.take(Urgency::Normal, start), Ok(()));
        assert!(pacer.take(Urgency::Urgent, after(start, 999)).is_err());
        assert_eq!(pacer.take(Urgency::Background, after(start, 1_000)), Ok(()));
    }
}
