//! Three books: the gateway's truth, the journal, and what a restarted engine shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alphec_execution::model::{Body, Decimal, ExecId, OrderRef, OrderState, Record, Seq, Side};
use alphec_journal::Reader;
use serde_json::Value;

const AAPL: i64 = 265_598;
const MSFT: i64 = 272_093;

/// What is really so at the broker, as the gateway's control port tells it.
#[derive(Debug)]
pub(crate) struct Truth {
    /// Each order's reference, and whether it is over.
    pub(crate) orders: Vec<(String, bool)>,
    pub(crate) executions: Vec<String>,
    /// Quantities by contract.
    positions: BTreeMap<i64, Decimal>,
}

impl Truth {
    pub(crate) fn read(said: &Value) -> Self {
        let rows = |name: &str| said[name].as_array().expect("a list").iter();
        let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
        Self {
            orders: rows("orders").map(|row| (text(row, "order_ref"), !row["ended_at"].is_null())).collect(),
            executions: rows("executions").map(|row| text(row, "exec_id")).collect(),
            positions: rows("positions")
                .map(|row| (row["con_id"].as_i64().unwrap(), text(row, "quantity").parse().unwrap()))
                .collect(),
        }
    }
}

/// What the journal says, read record by record.
#[derive(Debug, Default)]
pub(crate) struct Books {
    intents: BTreeSet<OrderRef>,
    executions: BTreeSet<ExecId>,
    states: BTreeMap<OrderRef, OrderState>,
    positions: BTreeMap<i64, Decimal>,
}

impl Books {
    /// Reads it, and verifies every record, the chain and the file.
    pub(crate) fn read(journal: &Path) -> Result<Self, String> {
        alphec_journal::verify(journal, &mut |_| {}).map_err(|error| error.to_string())?;
        let mut books = Self::default();
        let mut refs = BTreeMap::new();
        let reader = Reader::open(journal).map_err(|error| error.to_string())?;
        for stored in reader.records(Seq::new(1)).map_err(|error| error.to_string())? {
            let Record { header, body } = stored.map_err(|error| error.to_string())?.record;
            match body {
                Body::Accepted { order, .. } => {
                    let order_ref = order.order_ref.ok_or("an intent without a reference")?;
                    refs.insert(order.client_order_id, order_ref.clone());
                    books.states.insert(order_ref.clone(), order.state);
                    if !books.intents.insert(order_ref.clone()) {
                        return Err(format!("the intent {order_ref} is recorded twice"));
                    }
                }
                Body::Resent { order_ref, .. } => {
                    let key = header.client_order_id.ok_or("a second attempt at no order")?;
                    if let Some(first) = refs.insert(key, order_ref.clone()) {
                        books.states.remove(&first);
                    }
                    books.states.insert(order_ref.clone(), OrderState::PendingNew);
                    if !books.intents.insert(order_ref.clone()) {
                        return Err(format!("the intent {order_ref} is recorded twice"));
                    }
                }
                Body::OrderChanged { to, .. } => {
                    let order_ref = header.client_order_id.and_then(|key| refs.get(&key));
                    if let Some(order_ref) = order_ref {
                        books.states.insert(order_ref.clone(), to);
                    }
                }
                Body::Filled { fill } => {
                    if !books.executions.insert(fill.exec_id.clone()) {
                        return Err(format!("{} is booked twice", fill.exec_id));
                    }
                    let con_id = if fill.instrument.as_str() == "AAPL" { AAPL } else { MSFT };
                    let qty = fill.last_qty.get();
                    if !fill.in_baseline {
                        let signed = if fill.side == Side::Buy { qty } else { -qty };
                        *books.positions.entry(con_id).or_default() += signed;
                    }
                }
                Body::PositionBroken { .. } => return Err(format!("a position break: {body:?}")),
                _ => {}
            }
        }
        Ok(books)
    }

    /// Orders of which the journal does not say what became of them.
    pub(crate) fn doubts(&self) -> usize {
        let open = |state: &&OrderState| matches!(state, OrderState::PendingNew | OrderState::InDoubt);
        self.states.values().filter(open).count()
    }

    /// Right after a kill: nothing at the broker twice, and nothing there that is not on record.
    pub(crate) fn check_intents(&self, truth: &Truth) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for (order_ref, _) in &truth.orders {
            let order_ref = reference(order_ref)?;
            if !self.intents.contains(&order_ref) {
                return Err(format!("{order_ref} is at the broker and not in the journal"));
            }
            if !seen.insert(order_ref.clone()) {
                return Err(format!("{order_ref} was sent twice"));
            }
        }
        Ok(())
    }

    /// After a restart that has read the broker's books: every fill booked once, positions agree.
    pub(crate) fn check_fills(&self, truth: &Truth) -> Result<(), String> {
        let at_broker: Result<BTreeSet<ExecId>, _> = truth.executions.iter().map(ExecId::new).collect();
        let at_broker = at_broker.map_err(|error| error.to_string())?;
        if at_broker != self.executions {
            let lost: Vec<_> = at_broker.difference(&self.executions).collect();
            let invented: Vec<_> = self.executions.difference(&at_broker).collect();
            return Err(format!("fills not booked: {lost:?}; booked and not at the broker: {invented:?}"));
        }
        for con_id in self.positions.keys().chain(truth.positions.keys()) {
            let [ours, theirs] =
                [&self.positions, &truth.positions].map(|held| held.get(con_id).copied().unwrap_or_default());
            if ours != theirs {
                return Err(format!("position in contract {con_id}: {ours}, not {theirs}"));
            }
        }
        Ok(())
    }
}

/// The orders that a restarted engine shows, against the truth: each known, none hidden, none in doubt.
pub(crate) fn check_view(view: &Value, truth: &Truth) -> Result<(), String> {
    let orders = view["orders"].as_array().ok_or("no list of orders")?;
    let text = |order: &Value, field: &str| order[field].as_str().unwrap_or_default().to_owned();
    let shown: BTreeMap<String, String> =
        orders.iter().map(|order| (text(order, "order_ref"), text(order, "state"))).collect();
    for (order_ref, is_over_there) in &truth.orders {
        let state = shown.get(order_ref).ok_or_else(|| format!("{order_ref} is not shown"))?;
        let is_over = matches!(state.as_str(), "filled" | "canceled" | "rejected" | "expired");
        if is_over != *is_over_there || (!is_over && state != "working") {
            let truly = if *is_over_there { "over" } else { "working" };
            return Err(format!("{order_ref} is {truly} at the broker and shown as {state}"));
        }
    }
    let open = |state: &&String| matches!(state.as_str(), "in_doubt" | "pending_new" | "staged" | "working");
    let working = truth.orders.iter().filter(|(_, is_over)| !is_over).count();
    let shown = shown.values().filter(open).count();
    if shown == working { Ok(()) } else { Err(format!("{shown} orders are shown as open, {working} are")) }
}

fn reference(text: &str) -> Result<OrderRef, String> {
    OrderRef::new(text).map_err(|error| format!("an order at the broker without our reference: {error}"))
}
