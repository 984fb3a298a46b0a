//! Our end of the broker port: requests in, events out, without ever blocking one on the other.
//!
//! Order events wait here when the caller is slow and are never dropped. Quotes are coalesced: one per
//! instrument, the latest, and only when no order event waits.

use std::collections::{BTreeMap, VecDeque};

use alphec_model::broker::{BrokerEvent, BrokerRequest};
use alphec_model::{InstrumentId, Quote};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};

/// With this many events waiting, nothing more is read from the broker; ibapi buffers 8,192 frames
/// behind us and then reports a lag, which becomes a `Gap`.
const READ_UNTIL: usize = 4_096;

/// With this many events waiting, no request is taken either: each is answered by an event.
const ACCEPT_UNTIL: usize = 16_384;

/// What the caller's side did.
#[derive(Debug)]
pub(crate) enum Turn {
    /// A request came.
    Request(BrokerRequest),
    /// A waiting event left.
    Flushed,
    /// The caller is gone: an end of the port was dropped.
    Closed,
}

/// The two channels and what waits for the second.
#[derive(Debug)]
pub(crate) struct Port {
    requests: Receiver<BrokerRequest>,
    events: Sender<BrokerEvent>,
    waiting: VecDeque<BrokerEvent>,
    quotes: BTreeMap<InstrumentId, Quote>,
}

impl Port {
    pub(crate) fn new(requests: Receiver<BrokerRequest>, events: Sender<BrokerEvent>) -> Self {
        Self { requests, events, waiting: VecDeque::new(), quotes: BTreeMap::new() }
    }

    /// Whether more may be read from the broker.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < READ_UNTIL
    }

    /// Hands an event out, or keeps it until there is room. Events leave in the order of the pushes.
    pub(crate) fn push(&mut self, event: BrokerEvent) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
            return;
        }
        // A closed channel is noticed by `turn`; until then the event is kept.
        if let Err(TrySendError::Full(event) | TrySendError::Closed(event)) = self.events.try_send(event) {
            self.waiting.push_back(event);
        }
    }

    /// The latest quote of an instrument; an older one that still waits is replaced.
    pub(crate) fn quote(&mut self, instrument: InstrumentId, quote: Quote) {
        let event = BrokerEvent::Quote { instrument: instrument.clone(), quote };
        let blocked = !self.waiting.is_empty() || self.quotes.contains_key(&instrument);
        if blocked || self.events.try_send(event).is_err() {
            self.quotes.insert(instrument, quote);
        }
    }

    /// Quotes of a dead session are not the market any more.
    pub(crate) fn forget_quotes(&mut self) {
        self.quotes.clear();
    }

    /// The next thing on the caller's side. Cancel-safe: nothing is lost when another branch wins.
    pub(crate) async fn turn(&mut self) -> Turn {
        let has_waiting = !self.waiting.is_empty() || !self.quotes.is_empty();
        let accepts = self.waiting.len() < ACCEPT_UNTIL;
        tokio::select! {
            room = self.events.reserve(), if has_waiting => match room {
                Ok(room) => {
                    if let Some(event) = self.waiting.pop_front() {
                        room.send(event);
                    } else if let Some((instrument, quote)) = self.quotes.pop_first() {
                        room.send(BrokerEvent::Quote { instrument, quote });
                    }
                    Turn::Flushed
                }
                Err(_) => Turn::Closed,
            },
            request = self.requests.recv(), if accepts => request.map_or(Turn::Closed, Turn::Request),
            () = self.events.closed() => Turn::Closed,
        }
    }

    /// The next request that is already here, without waiting.
    pub(crate) fn try_request(&mut self) -> Option<BrokerRequest> {
        if self.waiting.len() < ACCEPT_UNTIL { self.requests.try_recv().ok() } else { None }
    }

    /// Takes no further request and hands back those that wait; at most the channel's capacity.
    pub(crate) fn close_requests(&mut self) -> Vec<BrokerRequest> {
        self.requests.close();
        core::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    /// Hands out all that waits; for the end, when nothing else is done any more.
    pub(crate) async fn flush(&mut self) {
        self.quotes.clear();
        while let Some(event) = self.waiting.pop_front() {
            if self.events.send(event).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alphec_model::broker::ServerLink;
    use alphec_model::{Generation, UtcNanos};
    use tokio::sync::mpsc;

    use super::*;

    fn link(generation: u64) -> BrokerEvent {
        BrokerEvent::ServerLink { generation: Generation::new(generation), link: ServerLink::Lost }
    }

    fn quote(at: i64) -> Quote {
        Quote { bid: None, ask: None, last: None, at: UtcNanos::from_nanos(at) }
    }

    fn port(room: usize) -> (Sender<BrokerRequest>, Receiver<BrokerEvent>, Port) {
        let (requests, incoming) = mpsc::channel(4);
        let (outgoing, events) = mpsc::channel(room);
        (requests, events, Port::new(incoming, outgoing))
    }

    #[tokio::test]
    async fn order_events_wait_in_order_and_none_is_lost() {
        let (_requests, mut events, mut port) = port(1);
        for number in 0..10 {
            port.push(link(number));
        }
        for number in 0..10 {
            assert_eq!(events.recv().await, Some(link(number)));
            if number < 9 {
                assert!(matches!(port.turn().await, Turn::Flushed));
            }
        }
    }

    #[tokio::test]
    async fn only_the_latest_quote_waits_and_it_waits_behind_order_events() {
        let (_requests, mut events, mut port) = port(1);
        let instrument = InstrumentId::new("AAPL").unwrap();
        port.push(link(1));
        for at in 0..100 {
            port.quote(instrument.clone(), quote(at));
        }
        port.push(link(2));
        assert_eq!(events.recv().await, Some(link(1)));
        port.turn().await;
        assert_eq!(events.recv().await, Some(link(2)));
        port.turn().await;
        assert_eq!(events.recv().await, Some(BrokerEvent::Quote { instrument, quote: quote(99) }));
        assert!(port.quotes.is_empty());
    }

    #[tokio::test]
    async fn a_newer_quote_never_overtakes_an_older_one_that_waits() {
        let (_requests, mut events, mut port) = port(1);
        let instrument = InstrumentId::new("AAPL").unwrap();
        port.push(link(1));
        port.quote(instrument.clone(), quote(1));
        assert_eq!(events.recv().await, Some(link(1)));
        port.quote(instrument.clone(), quote(2));
        port.turn().await;
        assert_eq!(events.recv().await, Some(BrokerEvent::Quote { instrument, quote: quote(2) }));
        assert!(port.quotes.is_empty(), "the older one is gone");
    }

    #[tokio::test]
    async fn requests_are_taken_while_events_wait() {
        let (requests, _events, mut port) = port(1);
        port.push(link(1));
        port.push(link(2));
        requests.send(BrokerRequest::Snapshot { id: 5, executions_days: 1 }).await.unwrap();
        assert!(matches!(port.turn().await, Turn::Request(BrokerRequest::Snapshot { id: 5, .. })));
    }

    #[tokio::test]
    async fn a_dropped_end_closes_the_port() {
        let (requests, events, mut port) = port(1);
        drop(events);
        assert!(matches!(port.turn().await, Turn::Closed));
        drop(requests);
        assert!(matches!(port.turn().await, Turn::Closed));
    }
}
