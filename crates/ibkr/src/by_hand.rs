//! The adapter's pure parts without a socket: the same last look, queues, budget and conversions, with rows of
//! plain fields in place of ibapi's types. For `crates/simulation`, never shipped.

use std::time::Duration;

use alphec_model::broker::{
    BrokerEvent, BrokerRequest, CommissionReport, CompletedReport, ExecutionReport, Notice, OpenOrderReport,
    OrderNames, PositionReport, ServerLink, Ticket, Wire,
};
use alphec_model::{AccountId, AccountValue, BrokerOrderId, ConId, Instrument, InstrumentId, Price};
use ibapi::accounts::Position;
use ibapi::contracts::Contract;
use ibapi::orders::{Execution, ExecutionData, Order, OrderData, OrderState, OrderStatus};
use tokio::time::Instant;

use crate::convert::stamp::GatewayClock;
use crate::convert::{Refused, account, execution, names, report, status, undecodable};
use crate::directory::Directory;
use crate::lanes::{Lanes, Waiting};
use crate::notices;
use crate::pace::{Pacer, Urgency};
pub use crate::session::outbound::Moment;
use crate::session::outbound::last_look_at_order;
use crate::session::reference::market_price;

/// An order as a list or a message shows it; absent numbers as ibapi reads them.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct OrderRow {
    pub order_id: i32,
    pub client_id: i32,
    pub perm_id: i64,
    pub order_ref: String,
    pub account: String,
    pub con_id: i32,
    pub symbol: String,
    pub action: String,
    pub total_quantity: f64,
    pub filled_quantity: f64,
    pub order_type: String,
    pub limit_price: Option<f64>,
    pub aux_price: Option<f64>,
    pub tif: String,
    pub status: String,
    pub warning: String,
    pub completed_status: String,
}

/// A status message.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct StatusRow {
    pub order_id: i32,
    pub client_id: i32,
    pub perm_id: i64,
    pub status: String,
    pub filled: f64,
    pub remaining: f64,
    pub why_held: String,
}

/// An execution.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct ExecutionRow {
    pub order_id: i32,
    pub client_id: i32,
    pub perm_id: i64,
    pub order_ref: String,
    pub exec_id: String,
    pub time: String,
    pub account: String,
    pub exchange: String,
    pub con_id: i32,
    pub symbol: String,
    pub is_buy: bool,
    pub shares: f64,
    pub price: f64,
}

/// The terms that a ticket is written with.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the API's own field names")]
pub struct Placed {
    pub order_id: i32,
    pub con_id: i32,
    pub exchange: String,
    pub action: String,
    pub total_quantity: f64,
    pub order_type: String,
    pub limit_price: Option<f64>,
    pub aux_price: Option<f64>,
    pub tif: String,
    pub good_till_date: String,
    pub order_ref: String,
    pub account: String,
    pub transmit: bool,
    pub parent_id: i32,
    pub oca_group: String,
    pub oca_type: i32,
}

/// What may be traded, and what broker messages about it mean.
#[derive(Debug)]
pub struct Converter {
    directory: Directory,
}

impl Converter {
    /// For the instruments of a profile.
    #[must_use]
    pub fn new(instruments: &[Instrument]) -> Self {
        Self { directory: Directory::new(instruments) }
    }

    /// The broker knows an instrument under this id.
    ///
    /// # Errors
    /// Another instrument has that id.
    pub fn resolve(&mut self, id: &InstrumentId, con_id: ConId) -> Result<(), String> {
        self.directory.resolve(id, con_id)
    }

    /// The last look at a ticket before its first byte.
    ///
    /// # Errors
    /// Why it is not written.
    pub fn place(&self, ticket: &Ticket, moment: &Moment<'_>) -> Result<Placed, String> {
        let (contract, order) = last_look_at_order(ticket, moment, &self.directory)?;
        Ok(Placed {
            order_id: order.order_id,
            con_id: contract.contract_id,
            exchange: contract.exchange.as_str().to_owned(),
            action: order.action.as_str().to_owned(),
            total_quantity: order.total_quantity,
            order_type: order.order_type,
            limit_price: order.limit_price,
            aux_price: order.aux_price,
            tif: order.tif.as_str().to_owned(),
            good_till_date: order.good_till_date,
            order_ref: order.order_ref,
            account: order.account,
            transmit: order.transmit,
            parent_id: order.parent_id,
            oca_group: order.oca_group,
            oca_type: order.oca_type.into(),
        })
    }

    /// An open order.
    ///
    /// # Errors
    /// The event that says it could not be understood.
    pub fn open(&self, row: &OrderRow) -> Result<OpenOrderReport, Box<BrokerEvent>> {
        let data = order_data(row)?;
        report::open(&data, &self.directory).map_err(|why| unread(report::open_names(&data), &why, row))
    }

    /// A row of the completed orders.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn completed(&self, row: &OrderRow) -> Result<CompletedReport, Box<BrokerEvent>> {
        let data = OrderData { order_id: -1, ..order_data(row)? };
        report::completed(&data).map_err(|why| unread(report::completed_names(&data), &why, row))
    }

    /// An execution.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn execution(&self, row: &ExecutionRow) -> Result<ExecutionReport, Box<BrokerEvent>> {
        let data = execution_data(row)?;
        let read = execution::execution(&data, &self.directory, &GatewayClock::default());
        read.map_err(|why| unread(execution::execution_names(&data), &why, row))
    }

    /// A holding.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn position(
        &self,
        holder: &str,
        (con_id, symbol): (i32, &str),
        quantity: f64,
    ) -> Result<PositionReport, Box<BrokerEvent>> {
        let position = Position {
            account: holder.to_owned(),
            contract: contract(con_id, symbol),
            position: quantity,
            average_cost: 0.0,
        };
        report::position(&position, &self.directory)
            .map_err(|why| unread(OrderNames::default(), &why, &position))
    }
}

/// A status message.
#[must_use]
pub fn status(row: &StatusRow) -> BrokerEvent {
    let names = status::raw_names(row.order_id, row.client_id, row.perm_id);
    let read = row.status.parse().map_err(|error| Refused::new("status", error)).and_then(|kind| {
        status::report(&OrderStatus {
            order_id: row.order_id,
            status: kind,
            filled: row.filled,
            remaining: row.remaining,
            perm_id: row.perm_id,
            client_id: row.client_id,
            why_held: row.why_held.clone(),
            ..OrderStatus::default()
        })
    });
    match read {
        Ok(report) => BrokerEvent::Status(report),
        Err(why) => *unread(names::names(names), &why, row),
    }
}

/// The costs of one execution.
///
/// # Errors
/// As [`Converter::open`].
pub fn commission(
    exec_id: &str,
    commission: f64,
    currency: &str,
    realized_pnl: Option<f64>,
) -> Result<CommissionReport, Box<BrokerEvent>> {
    let raw = ibapi::orders::CommissionReport {
        execution_id: exec_id.to_owned(),
        commission,
        currency: currency.to_owned(),
        realized_pnl,
        ..ibapi::orders::CommissionReport::default()
    };
    execution::commission(&raw).map_err(|why| unread(OrderNames::default(), &why, &raw))
}

/// An account's figure, if it is one that anybody asks about.
#[must_use]
pub fn account_value(holder: &str, key: &str, value: &str, currency: &str) -> Option<BrokerEvent> {
    let read = names::account(holder)
        .and_then(|holder| Ok(account::value(key, value, currency)?.map(|value| (holder, value))));
    match read {
        Ok(None) => None,
        Ok(Some((account, value))) => Some(BrokerEvent::Account { account, value }),
        Err(why) => Some(*unread(OrderNames::default(), &why, &(key, value, currency))),
    }
}

/// The account summary's end marker stands for the readiness flag of account updates.
#[must_use]
pub fn account_ready(account: AccountId) -> BrokerEvent {
    BrokerEvent::Account { account, value: AccountValue::Ready { ready: true } }
}

/// A price of the market, if it is one.
#[must_use]
pub fn price(value: f64, instrument: &Instrument) -> Option<Price> {
    market_price(value, instrument)
}

/// A code with a text.
#[must_use]
pub fn notice(id: Option<i32>, code: i32, text: &str) -> Notice {
    notices::convert(ibapi::Notice {
        request_id: id,
        code,
        message: text.to_owned(),
        error_time: None,
        advanced_order_reject_json: String::new(),
    })
}

/// What a code says about the gateway's link to the broker's servers.
#[must_use]
pub const fn server_link(code: i32) -> Option<ServerLink> {
    notices::server_link(code)
}

/// Whether a notice without an id may be the refusal of a list.
#[must_use]
pub fn spoils_lists(notice: &Notice) -> bool {
    notice.broker_order_id.is_none() && notices::spoils_lists(notice.code, &notice.text)
}

fn order_data(row: &OrderRow) -> Result<OrderData, Box<BrokerEvent>> {
    let refuse = |what: &'static str, error: String| {
        let names = names::names(names::RawNames {
            order_id: Some(row.order_id),
            client_id: row.client_id,
            perm_id: row.perm_id,
            order_ref: &row.order_ref,
        });
        unread(names, &Refused::new(what, error), row)
    };
    Ok(OrderData {
        order_id: row.order_id,
        contract: contract(row.con_id, &row.symbol),
        order: Order {
            order_id: row.order_id,
            client_id: row.client_id,
            perm_id: row.perm_id,
            order_ref: row.order_ref.clone(),
            account: row.account.clone(),
            action: row.action.parse().map_err(|error| refuse("action", format!("{error}")))?,
            total_quantity: row.total_quantity,
            filled_quantity: row.filled_quantity,
            order_type: row.order_type.clone(),
            limit_price: row.limit_price,
            aux_price: row.aux_price,
            tif: row.tif.as_str().into(),
            ..Order::default()
        },
        order_state: OrderState {
            status: row.status.parse().map_err(|error| refuse("status", format!("{error}")))?,
            warning_text: row.warning.clone(),
            completed_status: row.completed_status.clone(),
            ..OrderState::default()
        },
    })
}

fn execution_data(row: &ExecutionRow) -> Result<ExecutionData, Box<BrokerEvent>> {
    use ibapi::orders::ExecutionSide;
    Ok(ExecutionData {
        request_id: -1,
        contract: contract(row.con_id, &row.symbol),
        execution: Execution {
            order_id: row.order_id,
            client_id: row.client_id,
            execution_id: row.exec_id.clone(),
            time: row.time.clone(),
            account_number: row.account.clone(),
            exchange: row.exchange.clone(),
            side: if row.is_buy { ExecutionSide::Bought } else { ExecutionSide::Sold },
            shares: row.shares,
            price: row.price,
            perm_id: row.perm_id,
            order_reference: row.order_ref.clone(),
            ..Execution::default()
        },
    })
}

fn contract(con_id: i32, symbol: &str) -> Contract {
    Contract { contract_id: con_id, symbol: ibapi::contracts::Symbol::new(symbol), ..Contract::default() }
}

fn unread(names: OrderNames, why: &Refused, raw: &impl core::fmt::Debug) -> Box<BrokerEvent> {
    Box::new(undecodable(names, why, raw))
}

/// What is written next.
#[derive(Debug, Clone)]
pub enum Next {
    /// A new order or a change.
    Order(Wire, Box<Ticket>),
    /// A cancel.
    Cancel(BrokerOrderId),
    /// The cancel of everything.
    GlobalCancel,
}

/// The adapter's queues and its budget of messages.
#[derive(Debug)]
pub struct Queue {
    lanes: Lanes,
    pacer: Pacer,
    zero: Instant,
}

impl Queue {
    /// With a budget of messages a second, or none.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        Self { lanes: Lanes::default(), pacer: Pacer::new(per_second), zero: Instant::now() }
    }

    /// Takes in a request that is written as one message at most; gives the answers that follow at once.
    pub fn push(&mut self, request: BrokerRequest) -> Vec<BrokerEvent> {
        self.lanes.take(request)
    }

    /// The next to write at this time since the start, or when to ask again if the budget is spent.
    ///
    /// # Errors
    /// That time.
    pub fn pop(&mut self, now: Duration) -> Result<Option<Next>, Duration> {
        if self.lanes.is_empty() {
            return Ok(None);
        }
        self.take(self.lanes.has_cancel(), now)?;
        Ok(self.lanes.pop().map(|waiting| match waiting {
            Waiting::Order { wire, ticket } => Next::Order(wire, ticket),
            Waiting::Cancel(id) => Next::Cancel(id),
            Waiting::GlobalCancel => Next::GlobalCancel,
        }))
    }

    /// Whether what is next is an order or a change.
    #[must_use]
    pub fn is_order_next(&self) -> bool {
        !self.lanes.is_empty() && !self.lanes.has_cancel()
    }

    /// Every order and change that waits is given up.
    pub fn give_up_all(&mut self, why: &str) -> Vec<BrokerEvent> {
        self.lanes.give_up_all(why)
    }

    /// Takes one message out of the budget.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take(&self, is_urgent: bool, now: Duration) -> Result<(), Duration> {
        let urgency = if is_urgent { Urgency::Urgent } else { Urgency::Normal };
        self.pacer.take(urgency, self.zero + now).map_err(|at| at.duration_since(self.zero))
    }

    /// The session has ended: what was not written never is.
    pub fn end(&mut self, why: &str) -> Vec<BrokerEvent> {
        self.lanes.end(why)
    }
}

/// The answer to a request that comes while there is no session, if there is anything to answer.
#[must_use]
pub fn refused(request: &BrokerRequest, why: &str) -> Option<BrokerEvent> {
    crate::lanes::refused(request, why)
}
