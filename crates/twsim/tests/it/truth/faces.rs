//! The two faces of crate `ibapi` behind one, so that one script drives both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures::{FutureExt as _, Stream, StreamExt as _};
use ibapi::Error;
use ibapi::accounts::PositionUpdate;
use ibapi::client::blocking;
use ibapi::contracts::Contract;
use ibapi::orders::{
    CommissionReport, ExecutionData, ExecutionFilter, Executions, Order, OrderData, OrderState, OrderStatus,
    OrderUpdate, Orders,
};
use ibapi::subscriptions::{Subscription, SubscriptionItem, sync};

const CLIENT: i32 = 4;
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that a client knows in the end.
#[derive(Default)]
pub(super) struct Heard {
    /// By order id: the latest open order or completed order.
    pub(super) orders: BTreeMap<i32, OrderData>,
    /// The latest status by order id.
    pub(super) statuses: BTreeMap<i32, OrderStatus>,
    /// As they are listed.
    pub(super) executions: Vec<ExecutionData>,
    /// By execution id.
    pub(super) commissions: BTreeMap<String, CommissionReport>,
    /// Quantity and average cost by contract id.
    pub(super) positions: BTreeMap<i32, (f64, f64)>,
}

impl Heard {
    fn update(&mut self, update: OrderUpdate) {
        match update {
            OrderUpdate::OpenOrder(data) => {
                self.orders.insert(data.order_id, data);
            }
            OrderUpdate::OrderStatus(status) => {
                self.statuses.insert(status.order_id, status);
            }
            OrderUpdate::CommissionReport(report) => {
                self.commissions.insert(report.execution_id.clone(), report);
            }
            OrderUpdate::ExecutionData(_) | OrderUpdate::OrderBound(_) => {}
        }
    }

    fn listed(&mut self, row: Orders) {
        match row {
            Orders::OrderData(data) => self.update(OrderUpdate::OpenOrder(data)),
            Orders::OrderStatus(status) => self.update(OrderUpdate::OrderStatus(status)),
        }
    }

    fn execution(&mut self, row: Executions) {
        match row {
            Executions::ExecutionData(data) => self.executions.push(data),
            Executions::CommissionReport(report) => self.update(OrderUpdate::CommissionReport(report)),
        }
    }

    /// False at the end of the list.
    fn position(&mut self, row: PositionUpdate) -> bool {
        let PositionUpdate::Position(held) = row else { return false };
        self.positions.insert(held.contract.contract_id, (held.position, held.average_cost));
        true
    }
}

pub(super) trait Face {
    fn next_id(&self) -> i32;
    async fn submit(&self, id: i32, contract: &Contract, order: &Order);
    async fn submit_group(&self, orders: Vec<(Contract, Order)>) -> Vec<i32>;
    async fn cancel(&self, id: i32);
    /// A purchase of so much at a limit, asked and not placed.
    async fn preview(&self, contract: &Contract, terms: (f64, f64)) -> OrderState;
    async fn listen(&self) -> Heard;
}

pub(super) struct Async {
    client: ibapi::Client,
    updates: RefCell<Subscription<OrderUpdate>>,
}

impl Async {
    pub(super) async fn connect(addr: &str) -> Self {
        let client = ibapi::Client::connect(addr, CLIENT).await.unwrap();
        let updates = RefCell::new(client.order_update_stream().await.unwrap());
        Self { client, updates }
    }
}

/// The rest of a list.
async fn rest<T>(
    mut rows: impl Stream<Item = Result<SubscriptionItem<T>, Error>> + Unpin,
    mut take: impl FnMut(T) -> bool,
) {
    loop {
        match tokio::time::timeout(PATIENCE, rows.next()).await.expect("a row in time") {
            Some(Ok(SubscriptionItem::Data(row))) => {
                if !take(row) {
                    return;
                }
            }
            Some(Ok(SubscriptionItem::Notice(notice))) => panic!("{notice:?}"),
            Some(Err(error)) => panic!("{error}"),
            None => return,
        }
    }
}

impl Face for Async {
    fn next_id(&self) -> i32 {
        self.client.next_order_id()
    }

    async fn submit(&self, id: i32, contract: &Contract, order: &Order) {
        self.client.submit_order(id, contract, order).await.unwrap();
    }

    async fn submit_group(&self, orders: Vec<(Contract, Order)>) -> Vec<i32> {
        let ids = self.client.submit_oca_orders(orders).await.unwrap();
        ids.into_iter().map(|id| id.value()).collect()
    }

    async fn cancel(&self, id: i32) {
        drop(self.client.cancel_order(id, "").await.unwrap());
    }

    async fn preview(&self, contract: &Contract, (quantity, price): (f64, f64)) -> OrderState {
        self.client.order(contract).buy(quantity).limit(price).analyze().await.unwrap()
    }

    /// Answers come in order: once the time is there, so are all updates.
    async fn listen(&self) -> Heard {
        let mut heard = Heard::default();
        self.client.server_time().await.unwrap();
        // Unconstrained: what is there is taken, however much it is.
        let next = || tokio::task::unconstrained(self.updates.borrow_mut().next()).now_or_never().flatten();
        while let Some(item) = next() {
            if let SubscriptionItem::Data(update) = item.unwrap() {
                heard.update(update);
            }
        }
        let mut list = |row| {
            heard.listed(row);
            true
        };
        rest(self.client.open_orders().await.unwrap(), &mut list).await;
        let found = self.client.executions(ExecutionFilter::default()).await.unwrap();
        rest(found, |row| {
            heard.execution(row);
            true
        })
        .await;
        rest(self.client.positions().await.unwrap(), |row| heard.position(row)).await;
        heard
    }
}

pub(super) struct Blocking {
    client: blocking::Client,
    updates: sync::Subscription<OrderUpdate>,
}

impl Blocking {
    pub(super) fn connect(addr: &str) -> Self {
        let client = blocking::Client::connect(addr, CLIENT).unwrap();
        let updates = client.order_update_stream().unwrap();
        Self { client, updates }
    }
}

impl Face for Blocking {
    fn next_id(&self) -> i32 {
        self.client.next_order_id()
    }

    async fn submit(&self, id: i32, contract: &Contract, order: &Order) {
        self.client.submit_order(id, contract, order).unwrap();
    }

    async fn submit_group(&self, orders: Vec<(Contract, Order)>) -> Vec<i32> {
        let ids = self.client.submit_oca_orders(orders).unwrap();
        ids.into_iter().map(|id| id.value()).collect()
    }

    async fn cancel(&self, id: i32) {
        drop(self.client.cancel_order(id, "").unwrap());
    }

    async fn preview(&self, contract: &Contract, (quantity, price): (f64, f64)) -> OrderState {
        self.client.order(contract).buy(quantity).limit(price).analyze().unwrap()
    }

    async fn listen(&self) -> Heard {
        let mut heard = Heard::default();
        self.client.server_time().unwrap();
        for item in self.updates.try_iter() {
            if let SubscriptionItem::Data(update) = item.unwrap() {
                heard.update(update);
            }
        }
        for row in self.client.open_orders().unwrap().collect_to_end_within(PATIENCE).unwrap() {
            heard.listed(row);
        }
        let filter = ExecutionFilter::default();
        for row in self.client.executions(filter).unwrap().collect_to_end_within(PATIENCE).unwrap() {
            heard.execution(row);
        }
        let positions = self.client.positions().unwrap();
        while heard.position(positions.next_data().unwrap().unwrap()) {}
        heard
    }
}
