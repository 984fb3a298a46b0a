//! A small world around the machine: a clock that the test turns, a caller, and a broker.
//!
//! Every step is checked by [`checks::Checker`] before the test sees it.

pub(crate) mod broker;
pub(crate) mod checks;
pub(crate) mod model;
pub(crate) mod setup;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alphec_core::{Core, CoreConfig, Input, Misuse, Question, Reply, Step};
use alphec_model::broker::{NoticeClass, Session, Wire};
use alphec_model::record::Header;
use alphec_model::risk::RuleAnswer;
use alphec_model::{
    AccountValue, AlertKind, ApiClientId, Body, BrokerEvent, BrokerOrderId, BrokerRequest, CancelScope,
    ClientOrderId, Command, Currency, DenyReason, Generation, LogId, ModifyRequest, Order, OrderRequest,
    OrderSpec, OrderState, Provenance, Record, Side, UtcNanos,
};

use broker::Books;
use setup::{
    ACCOUNT, CLIENT, INSTRUMENTS, account, con_id, correlation, dec, instrument, key, limit, request,
};

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: UtcNanos,
    pub(crate) generation: Generation,
    /// The snapshot that was asked for and not answered.
    pub(crate) asked: Option<u64>,
    pub(crate) checker: checks::Checker,
    /// The latest question to the rules, by order.
    pub(crate) questions: BTreeMap<ClientOrderId, Question>,
    /// As given, without what the machine learned since.
    config: CoreConfig,
    next_token: u64,
}

/// What one step held, with its requests and alerts easy to ask for.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) Step);

impl Seen {
    pub(crate) fn order(&self) -> Arc<Order> {
        match self.reply() {
            Reply::Order(order) => Arc::clone(order),
            other => panic!("not an order: {other:?}"),
        }
    }

    pub(crate) fn reply(&self) -> &Reply {
        let [(_, reply)] = self.0.replies.as_slice() else {
            panic!("one reply expected: {:?}", self.0.replies);
        };
        reply
    }

    pub(crate) fn misuse(&self) -> &Misuse {
        match self.reply() {
            Reply::Misuse(misuse) => misuse,
            other => panic!("not a misuse: {other:?}"),
        }
    }

    /// Why an order or a change was refused by us.
    pub(crate) fn denied(&self) -> DenyReason {
        match self.reply() {
            Reply::Order(order) => order.deny_reason.clone().expect("the order was denied"),
            Reply::ReplaceDenied { reason, .. } => reason.clone(),
            other => panic!("nothing was denied: {other:?}"),
        }
    }

    pub(crate) fn places(&self) -> usize {
        self.0.requests.iter().filter(|request| matches!(request, BrokerRequest::Place(_))).count()
    }

    pub(crate) fn replaces(&self) -> usize {
        self.0.requests.iter().filter(|request| matches!(request, BrokerRequest::Replace(_))).count()
    }

    pub(crate) fn cancels(&self) -> Vec<i32> {
        let ids = self.0.requests.iter().filter_map(|request| match request {
            BrokerRequest::Cancel { broker_order_id } => Some(broker_order_id.get()),
            _ => None,
        });
        ids.collect()
    }

    pub(crate) fn withdrawn(&self) -> Vec<i32> {
        let ids = self.0.requests.iter().filter_map(|request| match request {
            BrokerRequest::Withdraw { broker_order_ids } => Some(broker_order_ids),
            _ => None,
        });
        ids.flatten().map(|id| id.get()).collect()
    }

    pub(crate) fn global_cancels(&self) -> usize {
        self.0.requests.iter().filter(|request| matches!(request, BrokerRequest::GlobalCancel)).count()
    }

    pub(crate) fn snapshots(&self) -> usize {
        self.0.requests.iter().filter(|request| matches!(request, BrokerRequest::Snapshot { .. })).count()
    }

    pub(crate) fn alerts(&self, kind: AlertKind) -> usize {
        self.0.alerts.iter().filter(|alert| alert.kind == kind).count()
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.0.records.iter().map(|record| record.body.kind()).collect()
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }
}

impl World {
    /// A machine with an opened journal, started, not connected.
    pub(crate) fn started_with(change: impl FnOnce(&mut CoreConfig)) -> Self {
        let mut config = setup::config();
        change(&mut config);
        let mut world = Self {
            core: Core::new(config.clone()),
            config,
            now: UtcNanos::from_nanos(1_800_000_000_000_000_000),
            generation: Generation::new(0),
            asked: None,
            checker: checks::Checker::default(),
            questions: BTreeMap::new(),
            next_token: 0,
        };
        world.input(Input::Open { log_id: LogId::new("k3f9q2aa").unwrap() });
        world.start();
        world
    }

    pub(crate) fn started() -> Self {
        Self::started_with(|_| {})
    }

    /// Connected, reconciled with empty books, with quotes and account values: an order would pass.
    pub(crate) fn ready_with(change: impl FnOnce(&mut CoreConfig)) -> Self {
        let mut world = Self::started_with(change);
        world.resolve();
        world.connect();
        world.feed();
        world.books(Books::default());
        assert!(world.core.readiness().is_ready(), "{:?}", world.core.readiness());
        world
    }

    pub(crate) fn ready() -> Self {
        Self::ready_with(|_| {})
    }

    /// Ready, with one order of this key at 100 that the broker has acknowledged.
    pub(crate) fn working(name: &str, side: Side, qty: &str) -> Self {
        let mut world = Self::ready();
        world.submit(name, side, qty);
        world.open_order(name, "Submitted");
        assert_eq!(world.state(name), OrderState::Working);
        world
    }

    pub(crate) fn start(&mut self) -> Seen {
        let limits = serde_json::Value::Null;
        self.input(Input::Start { version: "0.1.0".into(), profile: "paper".into(), limits })
    }

    /// The one way in: takes the input, checks the step.
    pub(crate) fn input(&mut self, input: Input) -> Seen {
        let is_wake = matches!(input, Input::Wake);
        let step = self.core.handle(self.now, input);
        self.checker.check(&self.core, &step);
        if is_wake {
            let due = self.core.next_deadline();
            assert!(due.is_none_or(|due| due > self.now), "waking again at once would never end: {due:?}");
        }
        for ask in &step.asks {
            self.questions.insert(ask.proposal.client_order_id.clone(), ask.question);
        }
        for request in &step.requests {
            if let BrokerRequest::Snapshot { id, .. } = request {
                self.asked = Some(*id);
            }
        }
        Seen(step)
    }

    pub(crate) fn event(&mut self, event: BrokerEvent) -> Seen {
        self.input(Input::Broker(event))
    }

    pub(crate) fn command(&mut self, command: Command) -> Seen {
        self.next_token += 1;
        self.input(Input::Command { token: self.next_token, command })
    }

    /// Turns the clock, waking the machine at each deadline on the way.
    pub(crate) fn wait(&mut self, duration: Duration) -> Seen {
        let until = self.now.saturating_add(duration);
        let mut all = Step::default();
        while let Some(due) = self.core.next_deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            all.extend(self.input(Input::Wake).0);
        }
        self.now = until;
        Seen(all)
    }

    pub(crate) fn session(&mut self, accounts: &[&str], next_order_id: i32) -> Seen {
        self.generation = Generation::new(self.generation.get() + 1);
        self.asked = None;
        self.event(BrokerEvent::Connected(Session {
            generation: self.generation,
            server_version: 213,
            api_client_id: ApiClientId::new(CLIENT),
            next_order_id: BrokerOrderId::new(next_order_id),
            accounts: accounts.iter().map(|text| account(text)).collect(),
        }))
    }

    pub(crate) fn connect(&mut self) -> Seen {
        self.session(&[ACCOUNT], 1)
    }

    pub(crate) fn disconnect(&mut self) -> Seen {
        let generation = self.generation;
        self.event(BrokerEvent::Disconnected { generation, why: "the socket was closed".into() })
    }

    /// Down and up again, not yet reconciled.
    pub(crate) fn reconnect(&mut self) -> Seen {
        self.disconnect();
        let seen = self.connect();
        self.feed();
        seen
    }

    pub(crate) fn resolve(&mut self) {
        for id in INSTRUMENTS {
            self.event(BrokerEvent::InstrumentResolved {
                instrument: instrument(id),
                con_id: con_id(id),
                tick: None,
                multiplier: None,
            });
        }
    }

    pub(crate) fn feed(&mut self) {
        self.account_values();
        self.quote("AAPL", "99.99", "100.01");
        self.quote("ES", "4999.75", "5000.25");
        self.quote("EUR.USD", "1.09995", "1.10005");
        self.quote("SAP", "199.99", "200.01");
    }

    pub(crate) fn figure(&mut self, value: AccountValue) -> Seen {
        self.event(BrokerEvent::Account { account: account(ACCOUNT), value })
    }

    pub(crate) fn account_values(&mut self) {
        self.figure(AccountValue::NetLiquidation { amount: dec("1000000"), currency: Currency::USD });
        self.figure(AccountValue::ExchangeRate { currency: setup::euro(), rate: dec("1.1") });
        self.figure(AccountValue::Ready { ready: true });
    }

    pub(crate) fn quote(&mut self, of: &str, bid: &str, ask: &str) {
        let quote = setup::quote(bid, ask, self.now);
        self.event(BrokerEvent::Quote { instrument: instrument(of), quote });
    }

    /// Answers the snapshot that was asked for.
    pub(crate) fn books(&mut self, books: Books) -> Seen {
        let id = self.asked.take().expect("a snapshot was asked for");
        self.event(books.snapshot(id, self.generation))
    }

    /// Waits until the books are asked for, and answers.
    pub(crate) fn next_books(&mut self, books: Books) -> Seen {
        for _ in 0..100 {
            if self.asked.is_some() {
                return self.books(books);
            }
            let due = self.core.next_deadline().expect("the books will be asked for");
            self.now = self.now.max(due);
            self.input(Input::Wake);
        }
        panic!("the books were never asked for");
    }

    pub(crate) fn submit_request(&mut self, request: OrderRequest) -> Seen {
        self.command(Command::Submit(request))
    }

    pub(crate) fn submit_spec(&mut self, name: &str, of: &str, spec: OrderSpec) -> Seen {
        self.submit_request(request(name, of, spec))
    }

    /// A limit order in AAPL at 100.
    pub(crate) fn submit(&mut self, name: &str, side: Side, qty: &str) -> Seen {
        self.submit_spec(name, "AAPL", limit(side, qty, "100"))
    }

    /// Asks for a change; the adapter says at once that it is written.
    pub(crate) fn modify(&mut self, name: &str, spec: OrderSpec) -> Seen {
        let seen = self.modify_unwritten(name, spec);
        if seen.replaces() > 0 {
            let broker_order_id = self.order(name).broker_order_id.unwrap();
            self.event(BrokerEvent::Written { broker_order_id, wire: Wire::Replace, at: self.now });
        }
        seen
    }

    /// Asks for a change, of which the adapter has still to say whether it wrote it.
    pub(crate) fn modify_unwritten(&mut self, name: &str, spec: OrderSpec) -> Seen {
        let client_order_id = key(name);
        self.command(Command::Modify(ModifyRequest {
            client_order_id,
            correlation_id: correlation("work-2"),
            spec,
        }))
    }

    pub(crate) fn cancel(&mut self, name: &str) -> Seen {
        self.command(Command::Cancel { client_order_id: key(name), correlation_id: correlation("work-3") })
    }

    pub(crate) fn cancel_all(&mut self, scope: CancelScope) -> Seen {
        self.command(Command::CancelAll { scope, correlation_id: correlation("work-4") })
    }

    pub(crate) fn global_cancel(&mut self) -> Seen {
        let (by, reason) = ("operator".into(), "drill".into());
        self.command(Command::GlobalCancel { by, reason, correlation_id: correlation("work-5") })
    }

    pub(crate) fn halt(&mut self) -> Seen {
        self.command(Command::Halt { by: "operator".into(), reason: "drill".into() })
    }

    pub(crate) fn resume(&mut self) -> Seen {
        self.resume_in(CancelScope::All)
    }

    pub(crate) fn resume_in(&mut self, scope: CancelScope) -> Seen {
        self.command(Command::Resume { scope, by: "operator".into(), reason: "drill over".into() })
    }

    pub(crate) fn kill(&mut self, scope: CancelScope) -> Seen {
        let (by, reason) = ("operator".into(), "drill".into());
        self.command(Command::Kill { scope, by, reason, correlation_id: correlation("work-6") })
    }

    pub(crate) fn order(&self, name: &str) -> Order {
        self.core.book().order(&key(name)).unwrap_or_else(|| panic!("no order {name}")).clone()
    }

    pub(crate) fn state(&self, name: &str) -> OrderState {
        self.order(name).state
    }

    pub(crate) fn open_order(&mut self, name: &str, status: &str) -> Seen {
        let order = self.order(name);
        self.event(BrokerEvent::OpenOrder(broker::open_row(&order, status)))
    }

    /// An open order with other terms than ours.
    pub(crate) fn open_order_with(&mut self, name: &str, status: &str, spec: &OrderSpec) -> Seen {
        let mut row = broker::open_row(&self.order(name), status);
        row.terms = broker::echoed(spec);
        self.event(BrokerEvent::OpenOrder(row))
    }

    pub(crate) fn status(&mut self, name: &str, status: &str, filled: &str) -> Seen {
        let order = self.order(name);
        self.event(BrokerEvent::Status(broker::status_of(&order, status, filled)))
    }

    pub(crate) fn fill(&mut self, name: &str, exec_id: &str, qty: &str) -> Seen {
        let order = self.order(name);
        self.event(BrokerEvent::Execution(broker::execution(&order, exec_id, qty, "100")))
    }

    pub(crate) fn commission(&mut self, exec_id: &str, amount: Option<&str>) -> Seen {
        self.event(BrokerEvent::Commission(broker::commission(exec_id, amount)))
    }

    pub(crate) fn notice(&mut self, name: &str, code: i32, class: NoticeClass) -> Seen {
        let order = self.order(name);
        self.event(broker::notice(&order, code, class))
    }

    /// Answers the latest question about the order.
    pub(crate) fn answer(&mut self, name: &str, rule: &str, answer: RuleAnswer) -> Seen {
        let question = self.questions.get(&key(name)).copied().expect("the rules were asked");
        self.answer_to(question, (name, rule), answer)
    }

    pub(crate) fn answer_to(
        &mut self,
        question: Question,
        (name, rule): (&str, &str),
        answer: RuleAnswer,
    ) -> Seen {
        self.input(Input::RuleAnswer { question, client_order_id: key(name), rule: rule.into(), answer })
    }

    pub(crate) fn rows(&self, names: &[&str]) -> Books {
        let open = names.iter().map(|name| broker::open_row(&self.order(name), "Submitted")).collect();
        Books { open, ..Books::default() }
    }

    /// The process dies and a new one takes the journal, up to `Start`.
    /// What the program writes after a salvage.
    pub(crate) fn salvaged(&mut self) {
        let seq = self.core.book().seq().unwrap().next();
        let header = Header::nameless(seq, self.now, Provenance::Operator);
        let body = Body::IdFloorRaised { next: BrokerOrderId::new(500), intents: Some(50) };
        let record = Record { header, body };
        self.core.replay(&record).unwrap();
        self.checker.records.push(record);
    }

    pub(crate) fn restart(&mut self) -> Seen {
        let config = self.config.clone();
        self.restart_with(config)
    }

    pub(crate) fn restart_with(&mut self, config: CoreConfig) -> Seen {
        self.config = config.clone();
        let mut core = Core::new(config);
        for record in &self.checker.records {
            core.replay(record).unwrap();
        }
        assert_eq!(core.book(), self.core.book());
        self.core = core;
        self.asked = None;
        self.generation = Generation::new(0);
        self.start()
    }

    pub(crate) fn reserved_buys(&self, of: &str) -> String {
        self.core.book().exposure(&account(ACCOUNT), &instrument(of)).buy_leaves.normalize().to_string()
    }

    pub(crate) fn position(&self, of: &str) -> String {
        self.core.book().exposure(&account(ACCOUNT), &instrument(of)).position.get().normalize().to_string()
    }

    /// The bodies of every record about an order so far, of one kind.
    pub(crate) fn bodies(&self, name: &str, kind: &str) -> Vec<Body> {
        let key = key(name);
        let of =
            self.checker.records.iter().filter(|record| record.header.client_order_id.as_ref() == Some(&key));
        of.filter(|record| record.body.kind() == kind).map(|record| record.body.clone()).collect()
    }
}
