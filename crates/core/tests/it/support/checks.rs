//! What must hold after every step, whatever the input was. Computed apart from the machine:
//! from the records alone, by the simplest means.

use std::collections::{BTreeMap, BTreeSet};

use alphec_core::{Book, Core, Step};
use alphec_model::broker::LinkState;
use alphec_model::record::Fill;
use alphec_model::{
    AccountId, Body, BrokerEvent, BrokerRequest, ClientOrderId, Decimal, Evidence, ExecId, InstrumentId,
    LegRole, Order, OrderState, Record, Side,
};

/// Everything the checks remember between steps.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    mirror: Book,
    placed: BTreeMap<ClientOrderId, u8>,
    highest_placed: i32,
    replaces_sent: BTreeMap<ClientOrderId, usize>,
    replaces_asked: BTreeMap<ClientOrderId, usize>,
    positions: BTreeMap<(AccountId, InstrumentId), Decimal>,
    baselined: BTreeSet<AccountId>,
    fills: BTreeMap<String, (Option<ClientOrderId>, Fill)>,
    states: BTreeMap<ClientOrderId, OrderState>,
    pub(crate) records: Vec<Record>,
}

impl Checker {
    pub(crate) fn check(&mut self, core: &Core, step: &Step) {
        for record in &step.records {
            self.record(record);
        }
        assert_eq!(&self.mirror, core.book(), "the records alone give the same book");
        for request in &step.requests {
            self.request(request);
        }
        self.gaps(core, step);
        self.exposures(core.book());
        self.positions(core.book());
        self.fills_of_orders(core.book());
    }

    fn record(&mut self, record: &Record) {
        let expected = self.records.last().map_or(1, |last| last.header.seq.get() + 1);
        assert_eq!(record.header.seq.get(), expected, "sequences have no gap");
        let text = serde_json::to_string(record).unwrap();
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, record, "a record is the same after a trip through the journal's text");
        self.mirror.apply(&read).unwrap();
        self.follow(&read);
        self.records.push(read);
    }

    fn follow(&mut self, record: &Record) {
        let key = record.header.client_order_id.clone();
        match &record.body {
            Body::PositionAdopted { account, instrument, qty } => {
                self.baselined.insert(account.clone());
                self.positions.insert((account.clone(), instrument.clone()), qty.get());
            }
            Body::PositionAccepted { account, instrument, theirs, .. } => {
                self.positions.insert((account.clone(), instrument.clone()), theirs.get());
            }
            Body::Filled { fill } => {
                if !fill.in_baseline {
                    self.move_position(fill, signed(fill));
                }
                let before = self.fills.insert(base(&fill.exec_id), (key, fill.clone()));
                assert!(before.is_none(), "an execution is booked once: {}", fill.exec_id);
            }
            Body::FillRevised { was, now } => {
                // A baseline holds what was true when it was taken; what changes later moves it.
                if !was.in_baseline || self.baselined.contains(&was.account) {
                    self.move_position(was, -signed(was));
                    self.move_position(now, signed(now));
                }
                let entry = self.fills.get_mut(&base(&now.exec_id)).unwrap();
                assert_eq!(&entry.1, was);
                assert!(now.exec_id.revision() > was.exec_id.revision());
                entry.1 = now.clone();
            }
            Body::Accepted { order, .. } => {
                self.states.insert(order.client_order_id.clone(), order.state);
            }
            Body::OrderChanged { from, to, evidence, .. } => {
                self.moved(&key.unwrap(), (*from, *to), evidence)
            }
            Body::Resent { .. } => {
                let before = self.states.insert(key.unwrap(), OrderState::PendingNew);
                assert_eq!(before, Some(OrderState::InDoubt), "only what is in doubt is placed again");
            }
            Body::ReplaceAsked { .. } => *self.replaces_asked.entry(key.unwrap()).or_default() += 1,
            _ => {}
        }
    }

    fn moved(&mut self, key: &ClientOrderId, (from, to): (OrderState, OrderState), evidence: &Evidence) {
        assert_eq!(self.states.insert(key.clone(), to), Some(from), "{key} was where the record says");
        if from.is_terminal() && !to.is_terminal() {
            assert!(
                matches!(evidence, Evidence::OpenOrder { .. } | Evidence::Execution { .. }),
                "{key} came back to life by {evidence:?}"
            );
        }
        if to.is_terminal() && !matches!(from, OrderState::Staged) {
            assert!(
                !matches!(evidence, Evidence::Silence { .. } | Evidence::Decision),
                "{key} ended as {to} by {evidence:?}"
            );
        }
        if to == OrderState::PendingNew {
            assert_eq!(from, OrderState::Staged, "only what was never sent becomes pending");
        }
    }

    fn move_position(&mut self, fill: &Fill, by: Decimal) {
        *self.positions.entry((fill.account.clone(), fill.instrument.clone())).or_default() += by;
    }

    fn request(&mut self, request: &BrokerRequest) {
        match request {
            BrokerRequest::Place(ticket) => {
                let number = ticket.order_ref.intent().unwrap().number;
                let order =
                    self.mirror.orders().find(|order| order.order_ref.as_ref() == Some(&ticket.order_ref));
                let order =
                    order.unwrap_or_else(|| panic!("intent {number} was recorded before its request"));
                assert_eq!(order.state, OrderState::PendingNew);
                assert_eq!(
                    (Some(ticket.broker_order_id), &ticket.spec),
                    (order.broker_order_id, &order.spec)
                );
                let placed = self.placed.entry(order.client_order_id.clone()).or_default();
                *placed += 1;
                assert!(
                    *placed == order.attempts && *placed <= 2,
                    "an order is placed once for each attempt"
                );
                assert!(
                    ticket.broker_order_id.get() > self.highest_placed,
                    "broker ids only rise on the wire"
                );
                self.highest_placed = ticket.broker_order_id.get();
            }
            BrokerRequest::Replace(ticket) => {
                let order =
                    self.mirror.orders().find(|order| order.order_ref.as_ref() == Some(&ticket.order_ref));
                let order = order.unwrap();
                assert_eq!(order.state, OrderState::Working, "only a working order is changed");
                let replace = order.pending.replace.as_ref().unwrap();
                assert!(
                    !replace.staged && replace.spec == ticket.spec,
                    "the change was recorded and released"
                );
                let key = order.client_order_id.clone();
                let sent = self.replaces_sent.entry(key.clone()).or_default();
                *sent += 1;
                assert!(self.replaces_asked.get(&key).is_some_and(|asked| *sent <= *asked));
            }
            BrokerRequest::Cancel { .. }
            | BrokerRequest::GlobalCancel
            | BrokerRequest::Withdraw { .. }
            | BrokerRequest::Snapshot { .. } => {}
            other => panic!("unknown request {other:?}"),
        }
    }

    fn exposures(&self, book: &Book) {
        let mut sums: BTreeMap<(&AccountId, &InstrumentId), [Decimal; 4]> = BTreeMap::new();
        // Of the exits of one entry the largest counts.
        let mut exits: BTreeMap<&ClientOrderId, Decimal> = BTreeMap::new();
        for order in book.orders() {
            let [buys, sells, buy_count, sell_count] =
                sums.entry((&order.account, &order.instrument)).or_default();
            let mut watched = book.watched_orders();
            let size = watched.find(|(watched, _)| std::ptr::eq(*watched, order)).map(|(_, size)| size);
            if order.state.is_terminal() && size.is_none() {
                continue;
            }
            let could_still_fill = |order: &Order| match size {
                Some(size) => order.leaves_at(size).get(),
                None => could_still_fill(order),
            };
            let (leaves, count) = match order.spec.side {
                Side::Buy => (buys, buy_count),
                Side::Sell => (sells, sell_count),
            };
            *leaves += match order.leg.as_ref().filter(|leg| leg.role == LegRole::Child) {
                None => could_still_fill(order),
                Some(leg) => {
                    let largest = exits.entry(&leg.group).or_default();
                    let more = (could_still_fill(order) - *largest).max(Decimal::ZERO);
                    *largest += more;
                    more
                }
            };
            *count += Decimal::ONE;
        }
        for ((account, instrument), [buys, sells, buy_count, sell_count]) in sums {
            let exposure = book.exposure(account, instrument);
            assert_eq!((exposure.buy_leaves, exposure.sell_leaves), (buys, sells), "{instrument}");
            assert_eq!(
                (Decimal::from(exposure.buys), Decimal::from(exposure.sells)),
                (buy_count, sell_count),
                "{instrument}"
            );
        }
    }

    /// A gap is open whenever something may be missing, and only complete lists close it.
    fn gaps(&self, core: &Core, step: &Step) {
        if core.readiness().link == LinkState::Ready {
            assert_eq!(core.book().gap(), None, "ready means that nothing is missing");
        }
        let closed = step.records.iter().any(|record| matches!(record.body, Body::GapClosed { .. }));
        let by_lists = |record: &std::sync::Arc<Record>| match &record.body {
            Body::Observed { event } => matches!(**event, BrokerEvent::Snapshot(_)),
            _ => false,
        };
        assert!(!closed || step.records.iter().any(by_lists), "a gap was closed by something else");
    }

    fn positions(&self, book: &Book) {
        for ((account, instrument), qty) in &self.positions {
            assert_eq!(book.exposure(account, instrument).position.get(), *qty, "position in {instrument}");
        }
    }

    fn fills_of_orders(&self, book: &Book) {
        let mut sums: BTreeMap<&ClientOrderId, Decimal> = BTreeMap::new();
        for (key, fill) in self.fills.values() {
            if let Some(key) = key {
                *sums.entry(key).or_default() += fill.last_qty.get();
            }
        }
        for order in book.orders() {
            let sum = sums.get(&order.client_order_id).copied().unwrap_or_default();
            assert_eq!(order.cum_qty.get(), sum, "{} fills", order.client_order_id);
            if order.state == OrderState::Filled {
                assert!(order.cum_qty >= order.spec.order_qty, "{} is full", order.client_order_id);
            }
        }
    }
}

/// The most an order can still fill, from first principles: the larger of the sizes that the broker
/// may hold, less what is filled.
fn could_still_fill(order: &Order) -> Decimal {
    let asked = order.pending.replace.iter().chain(&order.pending.given_up);
    let asked = asked.map(|replace| replace.spec.order_qty.get()).max().unwrap_or_default();
    let attempts = Decimal::from(order.attempts);
    (order.spec.order_qty.get().max(asked) * attempts - order.cum_qty.get()).max(Decimal::ZERO)
}

fn signed(fill: &Fill) -> Decimal {
    match fill.side {
        Side::Buy => fill.last_qty.get(),
        Side::Sell => -fill.last_qty.get(),
    }
}

fn base(exec_id: &ExecId) -> String {
    exec_id.base().to_owned()
}
