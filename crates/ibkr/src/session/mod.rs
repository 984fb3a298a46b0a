//! One connection from handshake to teardown: a single loop that owns every decision of the session.
//!
//! Background tasks (liveness, contracts and quotes, account values) only report to it; writing, reading
//! order events and answering the caller happen here, so what is told leaves in one order.

mod accounts;
mod heartbeat;
mod inbound;
pub(crate) mod outbound;
mod pulse;
pub(crate) mod reference;
mod snapshot;
mod teardown;

use std::collections::BTreeSet;
use std::sync::Arc;

use alphec_model::broker::{BrokerEvent, BrokerRequest, Session as Handshake};
use alphec_model::{AccountId, Generation, Instrument, InstrumentId, Quote};
use futures::StreamExt;
use ibapi::orders::OrderUpdate;
use ibapi::subscriptions::{NoticeStream, Subscription, SubscriptionItem};
use ibapi::{Client, Error, Notice};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Config;
use crate::connect::{Link, Startup};
use crate::convert::contract::Details;
use crate::convert::stamp::GatewayClock;
use crate::directory::Directory;
use crate::lanes::Lanes;
use crate::pace::Pacer;
use crate::port::{Port, Turn};
use crate::run::panic_text;
pub(crate) use heartbeat::SPACING as PROBE_SPACING;
use outbound::Writing;
use pulse::{Probing, Pulse};
use snapshot::{Books, Failure, Snapshots};

/// Reports of background tasks that may wait; the tasks wait beyond it, and quotes lag in ibapi.
const REPORTS_MAX: usize = 1_024;

/// Kinds of unknown messages that are remembered; beyond them each one counts.
const UNKNOWN_FRAMES_MAX: usize = 64;

/// Requests taken in one go, so that a cancel overtakes the orders it came with.
const REQUESTS_PER_TURN: usize = 4_096;

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection is of no use any more.
    Lost(String),
    /// The caller said so.
    Stopped,
    /// The caller is gone.
    PortClosed,
}

/// What a background task found out.
#[derive(Debug)]
enum Report {
    Resolved {
        instrument: InstrumentId,
        details: Details,
    },
    Unknown {
        instrument: InstrumentId,
        why: String,
    },
    Quote {
        instrument: InstrumentId,
        quote: Quote,
    },
    Event(Box<BrokerEvent>),
    /// About the connection, though it came with an answer.
    Notice(Box<Notice>),
    Dead(String),
}

/// What the order stream yields.
type UpdateItem = Option<Result<SubscriptionItem<OrderUpdate>, Error>>;

/// What happened next.
enum Step {
    Stop,
    Caller(Turn),
    Written(Result<(), Error>),
    /// Boxed: an order of ibapi is three kilobytes.
    Update(Box<UpdateItem>),
    Notice(Option<Notice>),
    Report(Option<Report>),
    Snapshot(Result<Books, Failure>),
    PaceElapsed,
    Probed(bool),
    TaskEnded(Result<(), JoinError>),
}

impl Step {
    /// Whether the gateway said it.
    fn was_heard(&self) -> bool {
        match self {
            Self::Update(item) => matches!(**item, Some(Ok(_))),
            Self::Notice(notice) => notice.is_some(),
            Self::Report(report) => matches!(report, Some(Report::Quote { .. } | Report::Resolved { .. })),
            Self::Snapshot(result) => result.is_ok(),
            Self::Stop
            | Self::Caller(_)
            | Self::Written(_)
            | Self::PaceElapsed
            | Self::Probed(_)
            | Self::TaskEnded(_) => false,
        }
    }
}

/// One connection.
pub(crate) struct Session<'a> {
    config: &'a Config,
    port: &'a mut Port,
    directory: &'a mut Directory,
    generation: Generation,
    client: Arc<Client>,
    accounts: Vec<AccountId>,
    clock: GatewayClock,
    updates: Option<Subscription<OrderUpdate>>,
    reopened: u32,
    /// Texts of messages that ibapi does not know, each of which was a gap once.
    unknown_frames: BTreeSet<String>,
    /// The gateway said that it has no link to the broker's servers: what it takes now it may send much later.
    is_server_lost: bool,
    /// What the gateway said about its new port.
    moved: Option<String>,
    notices: NoticeStream,
    lanes: Lanes,
    pacer: Arc<Pacer>,
    /// The one write under way; the next starts when it is done.
    writing: Option<Writing>,
    /// When the gateway was last heard.
    pulse: Pulse,
    /// The round trip that orders wait for.
    probing: Option<Probing>,
    /// When the budget lets the next message through.
    paced_until: Option<Instant>,
    snapshots: Snapshots,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    liveness: JoinSet<()>,
    reference: JoinSet<()>,
    /// How often the broker's servers have forgotten what was subscribed to; each time it is all asked for anew.
    data_losses: watch::Sender<u32>,
}

impl<'a> Session<'a> {
    /// Announces the connection, then what the gateway had sent unasked before it.
    pub(crate) fn new(
        config: &'a Config,
        port: &'a mut Port,
        directory: &'a mut Directory,
        generation: Generation,
        link: Link,
    ) -> Self {
        let Link { client, clock, updates, notices, startup, next_order_id, accounts } = link;
        info!(%generation, accounts = accounts.len(), %next_order_id, "connected");
        port.push(BrokerEvent::Connected(Handshake {
            generation,
            server_version: client.server_version(),
            api_client_id: config.api_client_id,
            next_order_id,
            accounts: accounts.clone(),
        }));
        let mut session = Self {
            config,
            port,
            directory,
            generation,
            client,
            accounts,
            clock,
            updates: Some(updates),
            reopened: 0,
            unknown_frames: BTreeSet::new(),
            is_server_lost: false,
            moved: None,
            notices,
            lanes: Lanes::default(),
            pacer: Arc::new(Pacer::new(config.messages_per_second)),
            writing: None,
            pulse: Pulse::new(),
            probing: None,
            paced_until: None,
            snapshots: Snapshots::default(),
            reports: mpsc::channel(REPORTS_MAX),
            liveness: JoinSet::new(),
            reference: JoinSet::new(),
            data_losses: watch::Sender::new(0),
        };
        session.startup(startup);
        session
    }

    fn startup(&mut self, startup: Startup) {
        let Startup { messages, dropped } = startup;
        for message in messages {
            self.startup_message(message);
        }
        if dropped > 0 {
            self.gap(format!("{dropped} messages of the handshake were not kept"));
        }
    }

    /// Serves until the connection or the caller ends it.
    pub(crate) async fn serve(&mut self, stop: &CancellationToken) -> End {
        self.start_background().await;
        loop {
            let step = self.next_step(stop).await;
            if let Err(end) = self.handle(step).await {
                if matches!(end, End::Stopped) {
                    self.write_last_cancels().await;
                }
                return end;
            }
            // A cancel or a withdrawal that is here already is for what would be written now. (While more events wait than
            // the port takes, nothing is taken at all.)
            if let Err(end) = self.take_requests() {
                return end;
            }
            if let Err(end) = self.write_waiting().await {
                return end;
            }
        }
    }

    async fn start_background(&mut self) {
        let heartbeat = heartbeat::watch(
            self.client.clone(),
            self.pacer.clone(),
            self.config.heartbeat.clone(),
            (self.pulse.clone(), self.reporter()),
        );
        self.liveness.spawn(heartbeat);
        reference::choose_market_data(&self.client, &self.pacer, self.config.market_data).await;
        self.start_reference();
    }

    /// Contracts, quotes and account values: everything that 1101 takes away.
    fn start_reference(&mut self) {
        let source = reference::Source {
            client: self.client.clone(),
            pacer: self.pacer.clone(),
            reports: self.reporter(),
            market_data: self.config.market_data.enabled,
            clock: self.config.clock.clone(),
        };
        let losses = self.data_losses.subscribe();
        let instruments: Vec<Instrument> = self.directory.instruments().cloned().collect();
        for instrument in instruments {
            let follow = move |source| reference::follow(source, instrument.clone());
            self.reference.spawn(reference::through_losses(source.clone(), losses.clone(), follow));
        }
        if self.config.account_updates {
            let accounts = self.accounts.clone();
            let follow = move |source| accounts::follow(source, accounts.clone());
            self.reference.spawn(reference::through_losses(source, losses, follow));
        }
    }

    fn reporter(&self) -> mpsc::Sender<Report> {
        self.reports.0.clone()
    }

    async fn next_step(&mut self, stop: &CancellationToken) -> Step {
        // A finished write is told before any answer to it is read.
        if let Some(result) = futures::future::poll_immediate(outbound::done(&mut self.writing)).await {
            return Step::Written(result);
        }
        let reads = self.port.has_room();
        let paced_until = self.paced_until;
        tokio::select! {
            () = stop.cancelled() => Step::Stop,
            turn = self.port.turn() => Step::Caller(turn),
            result = outbound::done(&mut self.writing) => Step::Written(result),
            item = next_update(&mut self.updates), if reads => Step::Update(Box::new(item)),
            notice = self.notices.next(), if reads => Step::Notice(notice),
            report = self.reports.1.recv(), if reads => Step::Report(report),
            result = self.snapshots.done(), if reads => Step::Snapshot(result),
            () = until(paced_until), if paced_until.is_some() => Step::PaceElapsed,
            is_there = pulse::answered(&mut self.probing) => Step::Probed(is_there),
            Some(ended) = self.liveness.join_next() => Step::TaskEnded(ended),
            Some(ended) = self.reference.join_next() => Step::TaskEnded(ended),
        }
    }

    async fn handle(&mut self, step: Step) -> Result<(), End> {
        if step.was_heard() {
            self.pulse.beat();
        }
        match step {
            Step::Stop => Err(End::Stopped),
            Step::Caller(Turn::Closed) => Err(End::PortClosed),
            Step::Caller(Turn::Flushed) => Ok(()),
            Step::Caller(Turn::Request(request)) => self.request(request),
            Step::Written(result) => self.written(result),
            Step::Update(item) => self.update_item(*item).await,
            Step::Notice(Some(notice)) => self.notice(notice),
            Step::Notice(None) => Err(End::Lost("the gateway closed the connection".to_owned())),
            Step::Report(report) => self.report(report),
            Step::Snapshot(result) => {
                self.finish_snapshot(result);
                Ok(())
            }
            Step::PaceElapsed => {
                self.paced_until = None;
                Ok(())
            }
            Step::Probed(is_there) => self.probed(is_there),
            Step::TaskEnded(ended) => task_ended(ended),
        }
    }

    fn take_requests(&mut self) -> Result<(), End> {
        for _ in 0..REQUESTS_PER_TURN {
            match self.port.try_request() {
                Some(request) => self.request(request)?,
                None => break,
            }
        }
        Ok(())
    }

    fn request(&mut self, request: BrokerRequest) -> Result<(), End> {
        if let BrokerRequest::Snapshot { id, executions_days } = request {
            return self.queue_snapshot(id, executions_days);
        }
        self.lanes.take(request).into_iter().for_each(|event| self.port.push(event));
        Ok(())
    }

    fn report(&mut self, report: Option<Report>) -> Result<(), End> {
        match report {
            Some(Report::Resolved { instrument, details }) => self.resolved(instrument, details),
            Some(Report::Unknown { instrument, why }) => self.unknown(instrument, why),
            Some(Report::Quote { instrument, quote }) => self.port.quote(instrument, quote),
            Some(Report::Event(event)) => self.port.push(*event),
            Some(Report::Notice(notice)) => return self.notice(*notice),
            Some(Report::Dead(why)) => return Err(End::Lost(why)),
            // Unreachable while we hold a sender.
            None => {}
        }
        Ok(())
    }

    fn resolved(&mut self, instrument: InstrumentId, details: Details) {
        let Details { con_id, tick, multiplier, market_rule: _ } = details;
        match self.directory.resolve(&instrument, con_id) {
            Ok(()) => {
                self.port.push(BrokerEvent::InstrumentResolved { instrument, con_id, tick, multiplier });
            }
            Err(why) => self.unknown(instrument, why),
        }
    }

    fn unknown(&mut self, instrument: InstrumentId, why: String) {
        self.directory.reject(&instrument, &why);
        self.port.push(BrokerEvent::InstrumentUnknown { instrument, why });
    }

    /// Messages may be missing: what waits was decided without them.
    fn gap(&mut self, why: impl Into<String>) {
        let why = why.into();
        let given_up = self.lanes.give_up_all(&format!("messages may be missing: {why}"));
        self.port.push(BrokerEvent::Gap { generation: self.generation, why });
        given_up.into_iter().for_each(|event| self.port.push(event));
    }
}

async fn next_update(updates: &mut Option<Subscription<OrderUpdate>>) -> UpdateItem {
    match updates {
        Some(updates) => updates.next().await,
        None => None,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        // The timer rounds up to a millisecond, which an instant already past need not wait.
        Some(at) if at <= Instant::now() => {}
        Some(at) => tokio::time::sleep_until(at).await,
        None => core::future::pending().await,
    }
}

/// A background task may end; a panic in it is a bug that costs the connection.
fn task_ended(ended: Result<(), JoinError>) -> Result<(), End> {
    match ended {
        Err(error) if error.is_panic() => {
            Err(End::Lost(format!("a bug ended the session: {}", panic_text(error.into_panic().as_ref()))))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
