//! Any interleaving of callers, broker, losses and restarts: what must hold at every step, and where
//! it must end once the faults stop.

use std::collections::VecDeque;

use alphec_model::{BrokerEvent, BrokerRequest, CancelScope, Decimal, OrderState, Side, WhenInDoubt};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::support::model::{At, Model};
use crate::support::setup::{limit, request, seconds};
use crate::support::{Seen, World};

#[derive(Debug, Clone)]
enum Action {
    Submit { name: u8, buys: bool, qty: u8 },
    Modify { name: u8, qty: u8 },
    Cancel { name: u8 },
    CancelAll,
    GlobalCancel,
    Halt,
    Kill,
    Resume,
    BrokerReads { refuses: bool },
    BrokerFills { pick: usize, lots: u32 },
    BrokerEnds { pick: usize },
    BrokerForgetsTheDay,
    Hear { pick: usize },
    HearTwice { pick: usize },
    Lose { pick: usize },
    TakeLists,
    HearLists,
    ListsFail,
    Wait { seconds: u64 },
    ServersLost,
    ServersBack,
    Gap,
    Break { arrives: bool },
    Connect,
    Restart { arrives: bool },
}

fn action() -> impl Strategy<Value = Action> {
    let name = 0..6_u8;
    let pick = 0..4_usize;
    prop_oneof![
        8 => (name.clone(), any::<bool>(), 1..20_u8).prop_map(|(name, buys, qty)| Action::Submit { name, buys, qty }),
        4 => (name.clone(), 1..30_u8).prop_map(|(name, qty)| Action::Modify { name, qty }),
        4 => name.prop_map(|name| Action::Cancel { name }),
        1 => Just(Action::CancelAll),
        1 => Just(Action::GlobalCancel),
        1 => Just(Action::Halt),
        1 => Just(Action::Kill),
        3 => Just(Action::Resume),
        12 => prop::bool::weighted(0.15).prop_map(|refuses| Action::BrokerReads { refuses }),
        6 => (pick.clone(), 1..15_u32).prop_map(|(pick, lots)| Action::BrokerFills { pick, lots }),
        2 => pick.clone().prop_map(|pick| Action::BrokerEnds { pick }),
        1 => Just(Action::BrokerForgetsTheDay),
        14 => pick.clone().prop_map(|pick| Action::Hear { pick }),
        3 => pick.clone().prop_map(|pick| Action::HearTwice { pick }),
        2 => pick.prop_map(|pick| Action::Lose { pick }),
        5 => Just(Action::TakeLists),
        5 => Just(Action::HearLists),
        1 => Just(Action::ListsFail),
        4 => (0..10_u64).prop_map(|seconds| Action::Wait { seconds }),
        1 => Just(Action::ServersLost),
        2 => Just(Action::ServersBack),
        1 => Just(Action::Gap),
        2 => any::<bool>().prop_map(|arrives| Action::Break { arrives }),
        4 => Just(Action::Connect),
        1 => any::<bool>().prop_map(|arrives| Action::Restart { arrives }),
    ]
}

struct Play {
    world: World,
    model: Model,
    on_wire: VecDeque<BrokerRequest>,
    lists: Option<BrokerEvent>,
}

impl Play {
    fn new() -> Self {
        let world = World::ready_with(|config| {
            config.limits.max_messages_per_second = 10_000;
            config.limits.max_open_orders = 1_000;
        });
        let mut model = Model::default();
        model.is_connected = true;
        Self { world, model, on_wire: VecDeque::new(), lists: None }
    }

    fn sent(&mut self, seen: Seen) {
        self.on_wire.extend(seen.0.requests);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Submit { name, buys, qty } => {
                self.world.feed();
                let side = if buys { Side::Buy } else { Side::Sell };
                let mut order = request(&format!("o{name}"), "AAPL", limit(side, &qty.to_string(), "100"));
                // Some are marked to be placed again, once, when proven absent.
                order.when_in_doubt = (name % 3 == 0).then_some(WhenInDoubt::ResendIfAbsent);
                let seen = self.world.submit_request(order);
                self.sent(seen);
            }
            Action::Modify { name, qty } => {
                self.world.feed();
                let name = format!("o{name}");
                let key = crate::support::setup::key(&name);
                let side = self.world.core.book().order(&key).map_or(Side::Buy, |order| order.spec.side);
                let seen = self.world.modify(&name, limit(side, &qty.to_string(), "100"));
                self.sent(seen);
            }
            Action::Cancel { name } => {
                let seen = self.world.cancel(&format!("o{name}"));
                self.sent(seen);
            }
            Action::CancelAll => {
                let seen = self.world.cancel_all(CancelScope::All);
                self.sent(seen);
            }
            Action::GlobalCancel => {
                let seen = self.world.global_cancel();
                self.sent(seen);
            }
            Action::Halt => {
                let seen = self.world.halt();
                self.sent(seen);
            }
            Action::Kill => {
                let seen = self.world.kill(CancelScope::All);
                self.sent(seen);
            }
            Action::Resume => {
                let seen = self.world.resume();
                self.sent(seen);
            }
            Action::Wait { seconds: count } => {
                let seen = self.world.wait(seconds(count));
                self.sent(seen);
            }
            other => self.broker_acts(other),
        }
    }

    fn broker_acts(&mut self, action: Action) {
        match action {
            Action::BrokerReads { refuses } => {
                if let Some(request) = self.on_wire.pop_front().filter(|_| self.model.is_connected) {
                    self.model.read(request, refuses);
                }
            }
            Action::BrokerFills { pick, lots } => self.model.fill(pick, lots),
            Action::BrokerEnds { pick } => self.model.end_unasked(pick),
            Action::BrokerForgetsTheDay => self.model.forget_completed(),
            Action::Hear { pick } => self.hear(pick, 1),
            Action::HearTwice { pick } => self.hear(pick, 2),
            Action::Lose { pick } => drop(self.model.out.remove(pick)),
            Action::TakeLists => self.take_lists(),
            Action::HearLists => {
                if let Some(lists) = self.lists.take() {
                    self.event(lists);
                }
            }
            Action::ListsFail => {
                if let Some(id) = self.world.asked.take() {
                    let (generation, why) = (self.world.generation, "timed out".to_owned());
                    self.event(BrokerEvent::SnapshotFailed { id, generation, why });
                }
            }
            Action::ServersLost => self.servers(alphec_model::broker::ServerLink::Lost),
            Action::ServersBack => self.servers(alphec_model::broker::ServerLink::Restored),
            Action::Gap => {
                let (generation, why) = (self.world.generation, "lagged".to_owned());
                self.event(BrokerEvent::Gap { generation, why });
            }
            Action::Break { arrives } => self.cut(arrives, false),
            Action::Connect => self.connect(),
            Action::Restart { arrives } => {
                self.cut(arrives, true);
                self.world.restart();
                self.world.resolve();
            }
            other => panic!("not the broker's: {other:?}"),
        }
    }

    fn event(&mut self, event: BrokerEvent) {
        let seen = self.world.event(event);
        self.sent(seen);
    }

    fn servers(&mut self, link: alphec_model::broker::ServerLink) {
        if self.model.is_connected {
            let generation = self.world.generation;
            self.event(BrokerEvent::ServerLink { generation, link });
        }
    }

    fn hear(&mut self, pick: usize, times: usize) {
        let Some(event) = self.model.out.remove(pick.min(self.model.out.len().saturating_sub(1))) else {
            return;
        };
        for _ in 0..times {
            self.event(event.clone());
        }
    }

    fn take_lists(&mut self) {
        // The lists are read by the connection's own order: what was written before is read before.
        while let Some(request) = self.on_wire.pop_front() {
            self.model.read(request, false);
        }
        if let Some(id) = self.world.asked.take().filter(|_| self.model.is_connected) {
            self.lists = Some(self.model.books().snapshot(id, self.world.generation));
        }
    }

    /// The connection ends: what is on the wire arrives or is lost, what was told is lost.
    fn cut(&mut self, arrives: bool, is_silent: bool) {
        let was_up = self.model.is_connected;
        self.model.is_connected = false;
        for request in std::mem::take(&mut self.on_wire) {
            if arrives && was_up {
                self.model.read(request, false);
            }
        }
        self.model.out.clear();
        self.lists = None;
        if was_up && !is_silent {
            let seen = self.world.disconnect();
            self.sent(seen);
        }
    }

    fn connect(&mut self) {
        if !self.model.is_connected {
            self.model.is_connected = true;
            let seen = self.world.connect();
            self.sent(seen);
            self.world.feed();
        }
    }

    /// What the broker has or may yet get is reserved, in full.
    fn check(&self) {
        let book = self.world.core.book();
        let orders = || book.orders().filter(|order| order.broker_order_id.is_some());
        for order in orders() {
            let id = order.broker_order_id.unwrap();
            let reserved = order.worst_leaves_qty().get();
            if let Some(held) = self.model.orders.get(&id) {
                let name = &order.client_order_id;
                assert!(held.leaves() <= reserved, "{name}: {} live, {reserved} reserved", held.leaves());
                assert!(order.cum_qty.get() <= held.filled, "{name}: more booked than was filled");
            }
        }
        for request in &self.on_wire {
            if let BrokerRequest::Place(ticket) = request {
                let order =
                    orders().find(|order| order.broker_order_id == Some(ticket.broker_order_id)).unwrap();
                assert!(!order.state.is_terminal(), "{} ended while on the wire", order.client_order_id);
            }
        }
    }

    /// The faults stop: everything is read and heard, and the lists are answered.
    fn heal(&mut self) {
        self.connect();
        self.servers(alphec_model::broker::ServerLink::Restored);
        for _ in 0..24 {
            while let Some(request) = self.on_wire.pop_front() {
                self.model.read(request, false);
            }
            while !self.model.out.is_empty() {
                self.hear(0, 1);
            }
            self.lists = None;
            self.take_lists();
            self.broker_acts(Action::HearLists);
            self.check();
            let seen = self.world.wait(seconds(20));
            self.sent(seen);
        }
    }

    fn assert_settled(&mut self) {
        if let Some(halt) = self.world.core.book().halt_of(&CancelScope::All).cloned() {
            let open = self.model.orders.values().filter(|held| held.at == At::Open).count();
            assert!(!halt.is_kill || (halt.is_verified && open == 0), "a kill reaches all: {open} open");
            self.world.resume();
        }
        let readiness = self.world.core.readiness();
        assert!(readiness.is_ready(), "{readiness:?}");
        assert_eq!(Decimal::from_str_exact(&self.world.position("AAPL")).unwrap(), self.model.position());
        for order in self.world.core.book().orders() {
            let held = order.broker_order_id.and_then(|id| self.model.orders.get(&id));
            let (name, state) = (&order.client_order_id, order.state);
            match held {
                Some(held) if held.at == At::Open => {
                    assert_eq!(state, OrderState::Working, "{name} is open at the broker");
                    assert!(order.pending.replace.is_some() || order.spec == held.ticket.spec, "{name}");
                }
                Some(_) | None => assert!(state.is_terminal(), "{name} is {state} and over at the broker"),
            }
            assert_eq!(order.cum_qty.get(), held.map_or(Decimal::ZERO, |held| held.filled), "{name}");
        }
    }
}

fn config() -> ProptestConfig {
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/properties.regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_interleaving_is_safe_at_every_step_and_settles_when_the_faults_stop(
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let mut play = Play::new();
        for action in actions {
            play.act(action);
            play.check();
        }
        play.heal();
        play.assert_settled();
    }
}

#[test]
fn an_untroubled_day_settles() {
    let mut play = Play::new();
    for name in 0..6 {
        play.act(Action::Submit { name, buys: name % 2 == 0, qty: 10 });
    }
    play.heal();
    play.act(Action::BrokerFills { pick: 0, lots: 10 });
    play.act(Action::Cancel { name: 1 });
    play.heal();
    play.assert_settled();
    let states: Vec<String> = play.world.core.book().orders().map(|order| order.state.to_string()).collect();
    assert_eq!(states, ["filled", "canceled", "working", "working", "working", "working"]);
}
