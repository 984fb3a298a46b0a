//! The one door: [`Core::handle`]. Each turn takes one input and gives one step.

use std::sync::Arc;
use std::time::Duration;

use alphec_model::broker::LinkState;
use alphec_model::record::Header;
use alphec_model::{
    Alert, AlertKind, Body, BrokerOrderId, BrokerRequest, CancelScope, ClientOrderId, CorrelationId, Event,
    ExecId, Order, OrderState, Provenance, Record, Seq, UtcNanos, planted,
};

use crate::book::{Book, OrderIx, ReplayError};
use crate::config::CoreConfig;
use crate::session::{Readiness, Session};
use crate::step::{Input, Reply, Step, Token};

/// A clock that was set back by less than this between two processes is nobody's business.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// The machine: a book restored from the journal, and a session that is forgotten.
#[derive(Debug)]
pub struct Core {
    pub(crate) config: CoreConfig,
    pub(crate) book: Book,
    pub(crate) session: Session,
}

impl Core {
    /// An empty machine. Replay the journal into it before the first [`Self::handle`].
    #[must_use]
    pub fn new(config: CoreConfig) -> Self {
        let mut session = Session::default();
        for (id, instrument) in &config.instruments {
            session.con_ids.extend(instrument.con_id().map(|con_id| (con_id, id.clone())));
        }
        Self { config, book: Book::default(), session }
    }

    /// Folds one journaled record in, at start.
    ///
    /// # Errors
    /// [`ReplayError`] when it does not follow from the ones before it.
    pub fn replay(&mut self, record: &Record) -> Result<(), ReplayError> {
        self.book.apply(record)
    }

    /// Takes one input and decides. Consume the step completely before the next call.
    pub fn handle(&mut self, now: UtcNanos, input: Input) -> Step {
        let mut turn = Turn { now, core: self, step: Step::default() };
        turn.take(input);
        turn.step
    }

    /// When [`Input::Wake`] is due, if at all.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcNanos> {
        self.session.next_deadline()
    }

    /// The durable state.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// What it was told once.
    #[must_use]
    pub const fn config(&self) -> &CoreConfig {
        &self.config
    }

    /// Whether orders may be sent, and if not, why.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness {
            link: self.session.link.state,
            refused: self.session.link.refused.clone(),
            halted: self.book.halted().map(str::to_owned),
            journal_trouble: self
                .session
                .journal_trouble
                .as_ref()
                .or(self.session.inconsistent.as_ref())
                .cloned(),
            stopping: self.session.stopping,
            farms_down: self.session.farms_down.iter().cloned().collect(),
            gap: self.book.gap().map(|gap| gap.epoch),
            books_as_of: self.session.books_as_of,
            disputed: self.session.is_disputed(),
            halted_scopes: self
                .book
                .halts()
                .filter(|(scope, _)| !scope.is_all())
                .map(|(scope, halt)| (scope.clone(), halt.why.clone()))
                .collect(),
        }
    }

    /// Which connection of this process life is current.
    #[must_use]
    pub const fn generation(&self) -> alphec_model::Generation {
        self.session.link.generation
    }

    /// The latest figures of one account, if any arrived on this connection.
    #[must_use]
    pub fn account(&self, account: &alphec_model::AccountId) -> Option<&alphec_model::AccountValues> {
        self.session.accounts.get(account)
    }

    /// The latest quote of one instrument, if any arrived on this connection.
    #[must_use]
    pub fn quote(&self, instrument: &alphec_model::InstrumentId) -> Option<&alphec_model::Quote> {
        self.session.quotes.get(instrument).map(|priced| &priced.quote)
    }
}

/// The first few names, for people; the record has them all.
fn some_of(keys: &[ClientOrderId]) -> String {
    const SHOWN: usize = 10;
    let names = keys.iter().take(SHOWN).map(ClientOrderId::as_str).collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Whom a record is about, beyond what the order itself says.
#[derive(Debug, Default, Clone)]
pub(crate) struct About {
    pub(crate) ix: Option<OrderIx>,
    pub(crate) key: Option<ClientOrderId>,
    pub(crate) correlation_id: Option<CorrelationId>,
    /// The id that the record gives to the order, where it has none yet.
    pub(crate) broker_order_id: Option<BrokerOrderId>,
    pub(crate) exec_id: Option<ExecId>,
}

impl About {
    pub(crate) fn order(ix: OrderIx) -> Self {
        Self { ix: Some(ix), ..Self::default() }
    }

    pub(crate) fn correlation(id: &CorrelationId) -> Self {
        Self { correlation_id: Some(id.clone()), ..Self::default() }
    }

    pub(crate) fn with_correlation(mut self, id: &CorrelationId) -> Self {
        self.correlation_id = Some(id.clone());
        self
    }

    pub(crate) fn with_exec(mut self, id: &ExecId) -> Self {
        self.exec_id = Some(id.clone());
        self
    }
}

/// One turn: the machine's state, the clock's reading, and the step being built.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) now: UtcNanos,
    pub(crate) core: &'a mut Core,
    pub(crate) step: Step,
}

impl Turn<'_> {
    fn take(&mut self, input: Input) {
        match input {
            Input::Open { log_id } => {
                let api_client_id = self.core.config.api_client_id;
                self.record(About::default(), Provenance::Decided, Body::Opened { log_id, api_client_id });
            }
            Input::Start { version, profile, limits } => self.start(version, profile, limits),
            Input::Command { token, command } => self.command(token, command),
            Input::RuleAnswer { question, client_order_id, rule, answer } => {
                self.rule_answered(question, (&client_order_id, &rule), answer);
            }
            Input::Broker(event) => self.broker(event),
            Input::Wake => self.wake(),
            Input::Journal { trouble } => self.journal(trouble),
            Input::Stopping => self.core.session.stopping = true,
            Input::Stop => self.stop(),
        }
    }

    fn start(&mut self, version: String, profile: String, mut limits: serde_json::Value) {
        if planted::is("a-start-leaves-its-limits-out") {
            limits = serde_json::Value::Null;
        }
        let ahead = self.core.book.written_at().map(|last| last.since(self.now)).unwrap_or_default();
        let mode = self.core.config.mode.as_str().to_owned();
        self.record(About::default(), Provenance::Decided, Body::Started { version, profile, mode, limits });
        self.tell_of_clock(ahead);
        self.open_gap("no process was listening");
        for ix in self.core.book.live() {
            self.leave_behind(ix);
        }
        let halts: Vec<String> =
            self.core.book.halts().map(|(scope, halt)| format!("{scope} ({})", halt.why)).collect();
        if !halts.is_empty() {
            let halts = halts.join("; ");
            let text =
                format!("trading is still halted from before: {halts}; resume deliberately when it is safe");
            self.alert(AlertKind::Halted, text, None);
        }
    }

    /// The journal is ahead of the machine's clock: one of the two times is wrong.
    fn tell_of_clock(&mut self, ahead: Duration) {
        if ahead >= CLOCK_TOLERANCE {
            let text = format!(
                "the clock of this machine is {} s behind the last record: it was set back, or was wrong before; good-till \
                 dates, restart windows and the days of executions go by it",
                ahead.as_secs()
            );
            self.anomaly(text, None);
        }
    }

    fn stop(&mut self) {
        let left_working: Vec<ClientOrderId> =
            self.core.book.live_orders().map(|order| order.client_order_id.clone()).collect();
        // What is kept on purpose is in the record and the report; people are told of the rest.
        let unanswered: Vec<ClientOrderId> = self
            .core
            .book
            .live_orders()
            .filter(|order| order.state != OrderState::Working || order.pending.cancel_asked_at.is_some())
            .map(|order| order.client_order_id.clone())
            .collect();
        if !unanswered.is_empty() {
            let text = format!("stopping with orders unsettled at the broker: {}", some_of(&unanswered));
            self.alert(AlertKind::LeftWorking, text, None);
        }
        self.record(About::default(), Provenance::Decided, Body::Stopped { left_working });
    }

    fn journal(&mut self, trouble: Option<String>) {
        if let Some(why) = &trouble {
            let text = format!("the journal takes no records ({why}): new orders stop, cancels still pass");
            self.alert(AlertKind::JournalTrouble, text, None);
            self.withdraw_what_waits(&CancelScope::All);
        }
        self.core.session.journal_trouble = trouble;
    }

    fn wake(&mut self) {
        while let Some(ix) = self.core.session.overdue(self.now) {
            self.core.session.acknowledged(ix);
            self.silence(ix);
        }
        self.deny_missed_deadlines();
        let session = &mut self.core.session;
        let mut is_silent = false;
        while session.take_missing_fills(self.now).or_else(|| session.take_silent_cancel(self.now)).is_some()
        {
            is_silent = true;
        }
        if is_silent {
            self.look();
        }
        if self.core.session.snapshot_due.is_some_and(|due| due <= self.now) {
            self.give_up_waiting_for_books();
            self.ask_snapshot();
        }
    }

    /// Records and applies. The only way anything in the book changes while live.
    pub(crate) fn record(&mut self, about: About, provenance: Provenance, body: Body) {
        let order = about.ix.and_then(|ix| self.core.book.entry(ix)).map(|entry| &entry.order);
        let header = Header {
            seq: self.core.book.seq().map_or(Seq::new(1), Seq::next),
            at: self.now,
            provenance,
            correlation_id: about.correlation_id.or_else(|| order.map(|order| order.correlation_id.clone())),
            client_order_id: about.key.or_else(|| order.map(|order| order.client_order_id.clone())),
            broker_order_id: order.and_then(|order| order.broker_order_id).or(about.broker_order_id),
            perm_id: order.and_then(|order| order.perm_id),
            exec_id: about.exec_id,
        };
        let record = Record { header, body };
        if let Err(error) = self.core.book.apply(&record) {
            // A bug of ours: the record would not replay. Trading on stops here, loudly; cancels pass.
            self.core.session.inconsistent = Some(error.to_string());
            self.alert(AlertKind::Anomaly, format!("refused to record what would not replay: {error}"), None);
            return;
        }
        let record = Arc::new(record);
        if record.body.is_event() {
            let order = match (about.ix, record.header.client_order_id.as_ref()) {
                (Some(ix), _) => self.order(ix),
                (None, Some(key)) => {
                    let newest = self.core.book.newest().filter(|order| order.client_order_id == *key);
                    newest.or_else(|| self.core.book.order(key))
                }
                (None, None) => None,
            };
            let event = Event { record: Arc::clone(&record), order: order.cloned().map(Arc::new) };
            self.step.events.push(event);
        }
        self.step.records.push(record);
    }

    /// Hands a request to the adapter once this step is durable, and records that it was.
    pub(crate) fn request(&mut self, about: About, request: BrokerRequest) {
        self.record(about, Provenance::Decided, Body::Requested { request: request.clone() });
        self.step.requests.push(request);
    }

    pub(crate) fn reply(&mut self, token: Token, reply: Reply) {
        self.step.replies.push((token, reply));
    }

    pub(crate) fn reply_order(&mut self, token: Token, ix: OrderIx) {
        let Some(order) = self.order(ix) else { return };
        // The latest event often shows the order as it still stands.
        let shown = self.step.events.last().and_then(|event| event.order.clone());
        let order = shown.filter(|shown| **shown == *order).unwrap_or_else(|| Arc::new(order.clone()));
        self.reply(token, Reply::Order(order));
    }

    pub(crate) fn alert(&mut self, kind: AlertKind, text: String, ix: Option<OrderIx>) {
        let order = ix.and_then(|ix| self.core.book.entry(ix)).map(|entry| &entry.order);
        self.step.alerts.push(Alert {
            at: self.now,
            kind,
            severity: kind.severity(),
            text,
            client_order_id: order.map(|order| order.client_order_id.clone()),
            correlation_id: order.map(|order| order.correlation_id.clone()),
        });
    }

    /// Something that should not be possible: recorded, alerted, never only logged. Told once a
    /// connection: lists repeat what they show.
    pub(crate) fn anomaly(&mut self, what: String, ix: Option<OrderIx>) {
        let order = ix.and_then(|ix| self.order(ix)).map_or("", |order| order.client_order_id.as_str());
        if !self.core.session.is_news(&format!("{order} {what}")) {
            return;
        }
        self.alert(AlertKind::Anomaly, what.clone(), ix);
        let about = About { ix, ..About::default() };
        self.record(about, Provenance::Inferred, Body::Anomaly { what });
    }

    pub(crate) fn order(&self, ix: OrderIx) -> Option<&Order> {
        self.core.book.entry(ix).map(|entry| &entry.order)
    }

    pub(crate) fn state(&self, ix: OrderIx) -> Option<OrderState> {
        self.order(ix).map(|order| order.state)
    }

    pub(crate) const fn is_connected(&self) -> bool {
        !matches!(self.core.session.link.state, LinkState::Down)
    }
}
