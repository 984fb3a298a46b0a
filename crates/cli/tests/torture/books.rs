//! Three books: the gateway's truth, the journal, and what a restarted engine shows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alphec_execution::model::record::{Fill, Header};
use alphec_execution::model::{
    Body, ClientOrderId, Decimal, ExecId, Order, OrderRef, OrderSpec, OrderState, OrderType, Record, Seq,
    Side,
};
use alphec_journal::Reader;
use serde_json::Value;

use crate::compare::{Kind, Violation};

const AAPL: i64 = 265_598;
const MSFT: i64 = 272_093;

/// What is really so at the broker, as the gateway's control port tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) orders: Vec<There>,
    pub(crate) executions: Vec<String>,
    /// Quantities by contract.
    positions: BTreeMap<i64, Decimal>,
}

/// An order at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct There {
    pub(crate) order_ref: String,
    pub(crate) status: String,
    pub(crate) is_over: bool,
    pub(crate) terms: Terms,
    pub(crate) filled: Decimal,
    pub(crate) remaining: Decimal,
    /// Sum of price times quantity of its executions.
    pub(crate) value: Decimal,
    pub(crate) commission: Decimal,
    pub(crate) perm_id: i64,
}

/// What was ordered, in words of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) side: String,
    pub(crate) quantity: Decimal,
    pub(crate) kind: String,
    pub(crate) limit: Option<Decimal>,
    pub(crate) stop: Option<Decimal>,
    pub(crate) life: String,
}

/// An order as a restarted engine shows it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) order: Order,
    pub(crate) leaves: Decimal,
}

/// An order as the journal's records make it: folded here, and not by the code under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) order_ref: Option<OrderRef>,
    pub(crate) state: OrderState,
    pub(crate) spec: OrderSpec,
    pub(crate) version: u32,
    pub(crate) filled: Decimal,
    pub(crate) value: Decimal,
}

/// What the journal says, read record by record.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) orders: BTreeMap<ClientOrderId, History>,
    intents: BTreeSet<OrderRef>,
    executions: BTreeSet<ExecId>,
    positions: BTreeMap<i64, Decimal>,
}

/// What became of an order.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) now: Kept,
    /// How else it stood since the engine that was last started has the journal.
    pub(crate) before: Vec<Kept>,
    /// Every version of its terms, those only asked for too.
    versions: BTreeMap<u32, OrderSpec>,
    /// The last one asked for.
    asked: u32,
}

impl Truth {
    pub(crate) fn read(said: &Value) -> Self {
        let rows = |name: &str| said[name].as_array().expect("a list").iter();
        let mut values = BTreeMap::<String, Decimal>::new();
        for row in rows("executions") {
            *values.entry(text(row, "order_ref")).or_default() +=
                number(row, "price") * number(row, "quantity");
        }
        Self {
            orders: rows("orders").map(|row| There::read(row, &values)).collect(),
            executions: rows("executions").map(|row| text(row, "exec_id")).collect(),
            positions: rows("positions")
                .map(|row| (row["con_id"].as_i64().expect("a contract"), number(row, "quantity")))
                .collect(),
        }
    }
}

impl There {
    fn read(row: &Value, values: &BTreeMap<String, Decimal>) -> Self {
        let order_ref = text(row, "order_ref");
        let price = |key: &str| (!row[key].is_null()).then(|| number(row, key));
        Self {
            status: text(row, "status"),
            is_over: !row["ended_at"].is_null(),
            terms: Terms {
                side: text(row, "side"),
                quantity: number(row, "quantity"),
                kind: text(row, "type"),
                limit: price("limit"),
                stop: price("stop"),
                life: text(row, "tif"),
            },
            filled: number(row, "filled"),
            remaining: number(row, "remaining"),
            commission: number(row, "commission"),
            value: values.get(&order_ref).copied().unwrap_or_default(),
            perm_id: row["perm_id"].as_i64().expect("a permanent id"),
            order_ref,
        }
    }
}

impl Terms {
    pub(crate) fn of(spec: &OrderSpec) -> Self {
        let kind = match spec.order_type {
            OrderType::Market => "MKT",
            OrderType::Limit { .. } => "LMT",
            OrderType::Stop { .. } => "STP",
            OrderType::StopLimit { .. } => "STP LMT",
            _ => "a type that nobody here orders",
        };
        Self {
            side: if spec.side == Side::Buy { "BUY" } else { "SELL" }.to_owned(),
            quantity: spec.order_qty.get(),
            kind: kind.to_owned(),
            limit: spec.order_type.limit_px().map(|price| price.get()),
            stop: spec.order_type.stop_px().map(|price| price.get()),
            life: spec.time_in_force.as_str().to_ascii_uppercase(),
        }
    }
}

impl Shown {
    /// The orders of `order list --all --json`.
    pub(crate) fn read(view: &Value) -> Result<Vec<Self>, String> {
        let rows = view["orders"].as_array().ok_or("no list of orders")?;
        let read = |row: &Value| {
            let mut order = row.clone();
            let fields = order.as_object_mut().ok_or("an order that is no object")?;
            fields.remove("avg_px");
            let leaves = fields.remove("leaves_qty").ok_or("an order without leaves_qty")?;
            let leaves = leaves.as_str().and_then(|text| text.parse().ok()).ok_or("leaves_qty")?;
            let order = serde_json::from_value(order).map_err(|error| format!("{row}: {error}"))?;
            Ok(Self { order, leaves })
        };
        rows.iter().map(read).collect()
    }

    /// The same order as the journal would have it.
    pub(crate) fn kept(&self) -> Kept {
        let Order { order_ref, state, spec, version, cum_qty, cum_value, .. } = self.order.clone();
        Kept { order_ref, state, spec, version, filled: cum_qty.get(), value: cum_value }
    }
}

impl Books {
    /// Reads it, and verifies every record, the chain and the file.
    pub(crate) fn read(journal: &Path) -> Result<Self, Violation> {
        let chain = |error: &dyn std::fmt::Display| Violation::new(Kind::Chain, error.to_string());
        alphec_journal::verify(journal, &mut |_| {}).map_err(|error| chain(&error))?;
        let mut books = Self::default();
        let reader = Reader::open(journal).map_err(|error| chain(&error))?;
        for stored in reader.records(Seq::new(1)).map_err(|error| chain(&error))? {
            books.fold(stored.map_err(|error| chain(&error))?.record)?;
        }
        Ok(books)
    }

    fn fold(&mut self, Record { header, body }: Record) -> Result<(), Violation> {
        match body {
            Body::Started { .. } => self.orders.values_mut().for_each(|order| order.before.clear()),
            Body::Accepted { order, .. } => {
                self.intend(order.order_ref.as_ref())?;
                let kept = Kept {
                    order_ref: order.order_ref,
                    state: order.state,
                    spec: order.spec,
                    version: order.version,
                    filled: Decimal::ZERO,
                    value: Decimal::ZERO,
                };
                self.orders.insert(order.client_order_id, History::of(kept));
            }
            Body::Denied { request, .. } => {
                let kept = Kept {
                    order_ref: None,
                    state: OrderState::Denied,
                    spec: request.spec,
                    version: 1,
                    filled: Decimal::ZERO,
                    value: Decimal::ZERO,
                };
                self.orders.insert(request.client_order_id, History::of(kept));
            }
            Body::Resent { order_ref, .. } => {
                self.intend(Some(&order_ref))?;
                self.change(&header, |order| {
                    order.now.order_ref = Some(order_ref);
                    order.now.state = OrderState::PendingNew;
                })?;
            }
            Body::OrderChanged { to, .. } => self.change(&header, |order| order.now.state = to)?,
            Body::ReplaceAsked { replace, .. } => {
                self.change(&header, |order| order.ask(replace.version, replace.spec))?;
            }
            Body::ReplaceEnded { accepted: true, .. } => {
                self.change(&header, |order| order.is_in_force(order.asked))?;
            }
            Body::ReplaceCameLate { version, .. } => {
                self.change(&header, |order| order.is_in_force(version))?;
            }
            Body::Filled { fill } => self.book(&header, &fill)?,
            Body::FillRevised { .. } | Body::PositionBroken { .. } => {
                return Err(Violation::new(
                    Kind::Fills,
                    format!("nothing here makes the broker do that: {body:?}"),
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn intend(&mut self, order_ref: Option<&OrderRef>) -> Result<(), Violation> {
        let order_ref =
            order_ref.ok_or_else(|| Violation::new(Kind::Chain, "an intent without a reference"))?;
        if self.intents.insert(order_ref.clone()) {
            return Ok(());
        }
        Err(Violation::new(Kind::SentTwice, format!("the intent {order_ref} is recorded twice")))
    }

    fn change(&mut self, header: &Header, change: impl FnOnce(&mut History)) -> Result<(), Violation> {
        let order = header.client_order_id.as_ref().and_then(|key| self.orders.get_mut(key));
        let order =
            order.ok_or_else(|| Violation::new(Kind::Chain, format!("a change of no order: {header:?}")))?;
        let was = order.now.clone();
        change(order);
        if was != order.now {
            order.before.push(was);
        }
        Ok(())
    }

    fn book(&mut self, header: &Header, fill: &Fill) -> Result<(), Violation> {
        if !self.executions.insert(fill.exec_id.clone()) {
            return Err(Violation::new(Kind::Fills, format!("{} is booked twice", fill.exec_id)));
        }
        let (qty, price) = (fill.last_qty.get(), fill.last_px.get());
        if !fill.in_baseline {
            let con_id = if fill.instrument.as_str() == "AAPL" { AAPL } else { MSFT };
            let signed = if fill.side == Side::Buy { qty } else { -qty };
            *self.positions.entry(con_id).or_default() += signed;
        }
        self.change(header, |order| {
            order.now.filled += qty;
            order.now.value += qty * price;
        })
    }

    /// Orders of which the journal does not say what became of them.
    pub(crate) fn doubts(&self) -> usize {
        let open = |order: &&History| matches!(order.now.state, OrderState::PendingNew | OrderState::InDoubt);
        self.orders.values().filter(open).count()
    }

    /// Right after a kill: nothing at the broker twice, and nothing there that is not on record.
    pub(crate) fn check_intents(&self, truth: &Truth) -> Result<(), Violation> {
        let mut seen = BTreeSet::new();
        for There { order_ref, .. } in &truth.orders {
            let order_ref = OrderRef::new(order_ref).map_err(|error| {
                Violation::new(
                    Kind::Unrecorded,
                    format!("an order at the broker without our reference: {error}"),
                )
            })?;
            if !self.intents.contains(&order_ref) {
                let what = format!("{order_ref} is at the broker and not in the journal");
                return Err(Violation::new(Kind::Unrecorded, what));
            }
            if !seen.insert(order_ref.clone()) {
                return Err(Violation::new(Kind::SentTwice, format!("{order_ref} was sent twice")));
            }
        }
        Ok(())
    }

    /// After a restart that has read the broker's books: every fill booked once, positions agree.
    pub(crate) fn check_fills(&self, truth: &Truth) -> Result<(), Violation> {
        let at_broker: Result<BTreeSet<ExecId>, _> = truth.executions.iter().map(ExecId::new).collect();
        let at_broker = at_broker.map_err(|error| Violation::new(Kind::Fills, error.to_string()))?;
        let booked = &self.executions;
        if at_broker != *booked {
            let lost: Vec<_> = at_broker.difference(booked).collect();
            let invented: Vec<_> = booked.difference(&at_broker).collect();
            let what = format!("fills not booked: {lost:?}; booked and not at the broker: {invented:?}");
            return Err(Violation::new(Kind::Fills, what));
        }
        for con_id in self.positions.keys().chain(truth.positions.keys()) {
            let [ours, theirs] =
                [&self.positions, &truth.positions].map(|held| held.get(con_id).copied().unwrap_or_default());
            if ours != theirs {
                let what = format!("position in contract {con_id}: {ours}, not {theirs}");
                return Err(Violation::new(Kind::Positions, what));
            }
        }
        Ok(())
    }
}

/// Books made up, for the tests of the comparison.
impl Books {
    pub(crate) fn holding<'a>(
        orders: impl IntoIterator<Item = (&'a str, History)>,
        executions: &[&str],
    ) -> Self {
        let orders: BTreeMap<_, _> =
            orders.into_iter().map(|(key, history)| (ClientOrderId::new(key).unwrap(), history)).collect();
        let intents = orders.values().filter_map(|order| order.now.order_ref.clone()).collect();
        let executions = executions.iter().map(|id| ExecId::new(id).unwrap()).collect();
        Self { orders, intents, executions, positions: BTreeMap::new() }
    }

    pub(crate) fn hold(&mut self, con_id: i64, quantity: Decimal) {
        self.positions.insert(con_id, quantity);
    }
}

impl History {
    pub(crate) fn of(kept: Kept) -> Self {
        let (version, spec) = (kept.version, kept.spec.clone());
        Self { now: kept, before: Vec::new(), versions: BTreeMap::from([(version, spec)]), asked: version }
    }

    pub(crate) fn ask(&mut self, version: u32, spec: OrderSpec) {
        self.asked = version;
        self.versions.insert(version, spec);
    }

    /// Terms that were asked for later than those in force, and neither taken over nor refused.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &OrderSpec> {
        self.versions.range(self.now.version + 1..).map(|(_, spec)| spec)
    }

    fn is_in_force(&mut self, version: u32) {
        if let Some(spec) = self.versions.get(&version) {
            self.now.spec = spec.clone();
            self.now.version = version;
        }
    }
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_else(|| panic!("{key} of {row}")).to_owned()
}

fn number(row: &Value, key: &str) -> Decimal {
    text(row, key).parse().expect("a decimal")
}
