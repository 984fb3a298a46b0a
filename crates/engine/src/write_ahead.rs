//! Durable before the wire, as a type.
//!
//! A step's outputs are [`Held`] until the journal thread gives a [`Receipt`] for their records.
//! Only `Held::release`, which takes the receipt, makes a [`Committed`]; only a [`Committed`]
//! passes the outbox. A cancel is the exception by law: it may leave without a receipt.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alphec_core::{Ask, Reply, Step, Token};
use alphec_journal::Sink;
use alphec_model::{BrokerRequest, Event, Record, Seq, planted};
use tokio::sync::mpsc;

/// So long after a batch the journal's thread takes a moment to be quiet, and tidies up once.
const QUIET: Duration = Duration::from_millis(2);
/// And so often after that.
const IDLE: Duration = Duration::from_millis(200);

/// A request whose record is durable, or a cancel.
#[derive(Debug)]
pub(crate) struct Committed(BrokerRequest);

impl Committed {
    pub(crate) const fn request(&self) -> &BrokerRequest {
        &self.0
    }

    pub(crate) fn into_request(self) -> BrokerRequest {
        self.0
    }
}

/// Proof that every record up to one is durable. Made only from the journal thread's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    upto: Seq,
}

impl Receipt {
    /// For the journal's thread, or whoever plays it.
    pub(crate) const fn of(upto: Seq) -> Self {
        Self { upto }
    }

    pub(crate) const fn upto(self) -> Seq {
        self.upto
    }
}

/// An answer to a query: computed with the state of its moment, sent once that state is durable.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// What one or more steps want to let out.
#[derive(Default)]
pub(crate) struct Held {
    upto: Option<Seq>,
    requests: Vec<BrokerRequest>,
    pub(crate) replies: Vec<(Token, Reply)>,
    pub(crate) answers: Vec<Answer>,
    asks: Vec<Ask>,
    events: Vec<Event>,
}

/// Who waits for what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Nobody.
    Nobody,
    /// Only subscribers to events.
    Subscribers,
    /// The broker, a caller or a rule.
    Somebody,
}

/// What may leave now.
pub(crate) struct Released {
    pub(crate) requests: Vec<Committed>,
    pub(crate) replies: Vec<(Token, Reply)>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) events: Vec<Event>,
}

impl Held {
    /// Takes a step's outputs in, but for its alerts, which wait for nothing; gives its records back.
    /// `upto` is the last record they speak of.
    pub(crate) fn take(&mut self, step: Step, upto: Option<Seq>) -> Vec<Arc<Record>> {
        let Step { records, mut requests, mut replies, mut asks, mut events, alerts: _ } = step;
        self.upto = upto.or(self.upto);
        self.requests.append(&mut requests);
        self.replies.append(&mut replies);
        self.asks.append(&mut asks);
        self.events.append(&mut events);
        records
    }

    pub(crate) fn answer(&mut self, answer: Answer, upto: Option<Seq>) {
        self.upto = upto.or(self.upto);
        self.answers.push(answer);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.requests.is_empty()
            && self.replies.is_empty()
            && self.answers.is_empty()
            && self.asks.is_empty()
            && self.events.is_empty()
    }

    /// Who waits for it.
    pub(crate) const fn urgency(&self) -> Urgency {
        let nobody_asked = self.requests.is_empty()
            && self.replies.is_empty()
            && self.answers.is_empty()
            && self.asks.is_empty();
        match (nobody_asked, self.events.is_empty()) {
            (true, true) => Urgency::Nobody,
            (true, false) => Urgency::Subscribers,
            (false, _) => Urgency::Somebody,
        }
    }

    /// Lets everything out, if the receipt covers it; otherwise nothing, which is a bug of ours.
    pub(crate) fn release(self, receipt: Receipt) -> Option<Released> {
        if self.upto.is_some_and(|upto| upto > receipt.upto) {
            return None;
        }
        let Self { upto: _, requests, replies, answers, asks, events } = self;
        let requests = requests.into_iter().map(Committed).collect();
        Some(Released { requests, replies, answers, asks, events })
    }

    pub(crate) fn has_cancel(&self) -> bool {
        self.requests.iter().any(BrokerRequest::is_cancel)
    }

    /// Takes the cancels out, which need no receipt: they leave at once when the journal is slow or broken. So does what
    /// asks for the books, for the lists say whether the cancels were taken; it changes nothing at the broker.
    pub(crate) fn take_cancels(&mut self) -> Vec<Committed> {
        let all = planted::is("orders-go-ahead-with-the-cancels");
        let leaves = |request: &BrokerRequest| all || !request.can_trade();
        self.requests.extract_if(.., |request| leaves(request)).map(Committed).collect()
    }

    /// Takes the requests out that can trade, never to be sent: their moment has passed.
    pub(crate) fn take_stale(&mut self) -> Vec<BrokerRequest> {
        self.requests.extract_if(.., |request| request.can_trade()).collect()
    }
}

/// Records on their way to the journal, and what waits for them.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) held: Held,
}

/// What became of a batch.
pub(crate) enum Outcome {
    /// Durable.
    Durable(Receipt),
    /// Not durable, and why.
    Failed(String),
}

/// The ends of whoever makes batches durable.
pub(crate) struct JournalSide {
    pub(crate) incoming: std::sync::mpsc::Receiver<Vec<Arc<Record>>>,
    pub(crate) outcomes: mpsc::Sender<Outcome>,
}

/// The journal on its own thread: one batch in the air, results over a channel.
pub(crate) struct WriteAhead {
    batches: Option<std::sync::mpsc::SyncSender<Vec<Arc<Record>>>>,
    /// `None` when someone plays its part by hand.
    thread: Option<JoinHandle<()>>,
    durable: Receipt,
}

impl WriteAhead {
    /// Starts the thread. `sink` holds everything up to its head.
    pub(crate) fn spawn(sink: Box<dyn Sink + Send>) -> std::io::Result<(Self, mpsc::Receiver<Outcome>)> {
        let durable = Receipt::of(sink.head().seq);
        let (ahead, results, side) = Self::without_thread(durable);
        let thread = std::thread::Builder::new()
            .name("alphec-journal".to_owned())
            .spawn(move || serve(sink, &side))?;
        Ok((Self { thread: Some(thread), ..ahead }, results))
    }

    /// Our end, our ear, and the other side.
    pub(crate) fn without_thread(durable: Receipt) -> (Self, mpsc::Receiver<Outcome>, JournalSide) {
        // One batch is in the air at a time; the second slot keeps either side from waiting.
        let (batches, incoming) = std::sync::mpsc::sync_channel(1);
        let (outcomes, results) = mpsc::channel(2);
        (Self { batches: Some(batches), thread: None, durable }, results, JournalSide { incoming, outcomes })
    }

    /// Everything up to here is durable.
    pub(crate) const fn durable(&self) -> Receipt {
        self.durable
    }

    pub(crate) fn note(&mut self, receipt: Receipt) {
        self.durable = receipt;
    }

    /// Hands a batch over; `false` when the thread is gone.
    pub(crate) fn begin(&self, records: Vec<Arc<Record>>) -> bool {
        self.batches.as_ref().is_some_and(|batches| batches.send(records).is_ok())
    }

    /// Lets the thread finish, and with it the journal close; leaves it behind when it hangs.
    pub(crate) fn close(mut self, patience: Duration) {
        self.batches = None;
        if self.thread.is_some_and(|thread| !join_within(&thread, patience)) {
            tracing::error!("the journal does not answer; leaving it behind");
        }
    }
}

/// Waits for a thread to end, for a bounded time.
pub(crate) fn join_within(thread: &JoinHandle<()>, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    while !thread.is_finished() && Instant::now() < until {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    thread.is_finished()
}

fn serve(mut sink: Box<dyn Sink + Send>, side: &JournalSide) {
    let JournalSide { incoming, outcomes } = side;
    let mut quiet = QUIET;
    loop {
        let records = match incoming.recv_timeout(quiet) {
            Ok(records) => records,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                quiet = IDLE;
                if let Err(error) = sink.maintain() {
                    tracing::warn!(%error, "journal housekeeping failed; trying again later");
                }
                continue;
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
        };
        quiet = QUIET;
        let outcome = match sink.append(&records) {
            Ok(durable) => Outcome::Durable(Receipt::of(durable.head.seq)),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        if outcomes.blocking_send(outcome).is_err() {
            return;
        }
    }
}
