//! A tiny broker: it tells the truth in its lists, and everything else late, twice or never.

use std::collections::{BTreeMap, VecDeque};

use alphec_model::broker::{
    BrokerStatus, CompletedReport, ExecutionReport, Notice, NoticeClass, OpenOrderReport, OrderNames,
    StatusReport, Ticket,
};
use alphec_model::{
    ApiClientId, BrokerEvent, BrokerOrderId, BrokerRequest, Decimal, ExecId, PermId, Qty, Side,
};

use super::broker::{Books, PERM_BASE, echoed, position};
use super::setup::CLIENT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Open,
    Canceled,
    Filled,
}

/// An order as the broker has it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) ticket: Ticket,
    pub(crate) filled: Decimal,
    pub(crate) at: At,
    is_listed_when_done: bool,
}

impl Held {
    pub(crate) fn leaves(&self) -> Decimal {
        match self.at {
            At::Open => (self.ticket.spec.order_qty.get() - self.filled).max(Decimal::ZERO),
            At::Canceled | At::Filled => Decimal::ZERO,
        }
    }

    fn names(&self) -> OrderNames {
        let id = self.ticket.broker_order_id;
        OrderNames {
            broker_order_id: Some(id),
            api_client_id: Some(ApiClientId::new(CLIENT)),
            perm_id: Some(PermId::new(PERM_BASE + i64::from(id.get()))),
            order_ref: Some(self.ticket.order_ref.as_str().into()),
        }
    }

    fn word(&self) -> BrokerStatus {
        match self.at {
            At::Open => BrokerStatus::Submitted,
            At::Canceled => BrokerStatus::Cancelled,
            At::Filled => BrokerStatus::Filled,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) orders: BTreeMap<BrokerOrderId, Held>,
    executions: Vec<ExecutionReport>,
    /// Told and not yet heard.
    pub(crate) out: VecDeque<BrokerEvent>,
    pub(crate) is_connected: bool,
}

fn qty(value: Decimal) -> Qty {
    Qty::new(value).unwrap()
}

impl Model {
    fn tell(&mut self, event: BrokerEvent) {
        if self.is_connected {
            self.out.push_back(event);
        }
    }

    /// Reads one request. `refuses` makes it refuse what it could take.
    pub(crate) fn read(&mut self, request: BrokerRequest, refuses: bool) {
        match request {
            BrokerRequest::Place(ticket) => {
                let id = ticket.broker_order_id;
                let highest = self.orders.keys().next_back().copied();
                assert!(highest.is_none_or(|highest| id > highest), "the broker would answer 103 to {id}");
                if refuses {
                    return self.code(id, 201, NoticeClass::Dead);
                }
                let held = Held { ticket, filled: Decimal::ZERO, at: At::Open, is_listed_when_done: true };
                self.orders.insert(id, held);
                self.show(id);
                self.status(id);
            }
            BrokerRequest::Replace(ticket) => self.replace(ticket, refuses),
            BrokerRequest::Cancel { broker_order_id } => self.cancel(broker_order_id, refuses),
            BrokerRequest::GlobalCancel => {
                for id in self.open() {
                    self.cancel(id, refuses);
                }
            }
            // What this broker reads was written: nothing waits any more.
            BrokerRequest::Withdraw { .. } | BrokerRequest::Snapshot { .. } => {}
            other => panic!("unknown request {other:?}"),
        }
    }

    fn replace(&mut self, ticket: Ticket, refuses: bool) {
        let id = ticket.broker_order_id;
        let Some(held) = self.orders.get_mut(&id) else {
            panic!("a change of an order that never came: {id}")
        };
        if held.at != At::Open {
            return self.code(id, 104, NoticeClass::ModifyRefused);
        }
        if refuses {
            return self.code(id, 110, NoticeClass::Dead);
        }
        held.ticket.spec = ticket.spec;
        if held.ticket.spec.order_qty.get() <= held.filled {
            held.at = At::Filled;
        }
        self.show(id);
    }

    /// `lies` makes it say "not found" of a live order.
    fn cancel(&mut self, id: BrokerOrderId, lies: bool) {
        match self.orders.get_mut(&id) {
            None => self.code(id, 10_147, NoticeClass::NotFound),
            Some(_) if lies => self.code(id, 10_147, NoticeClass::NotFound),
            Some(held) if held.at == At::Open => {
                held.at = At::Canceled;
                self.status(id);
                self.code(id, 202, NoticeClass::Canceled);
            }
            Some(_) => self.code(id, 10_148, NoticeClass::CancelRefused),
        }
    }

    pub(crate) fn fill(&mut self, pick: usize, lots: u32) {
        let open: Vec<BrokerOrderId> = self.open();
        let Some(id) = open.get(pick % open.len().max(1)).copied() else { return };
        let number = self.executions.len();
        let held = self.orders.get_mut(&id).unwrap();
        let last = held.leaves().min(Decimal::from(lots));
        held.filled += last;
        if held.leaves().is_zero() {
            held.at = At::Filled;
        }
        let report = ExecutionReport {
            exec_id: ExecId::new(format!("0000.{number:04}.01")).unwrap(),
            names: held.names(),
            account: held.ticket.account.clone(),
            instrument: Some(held.ticket.instrument.clone()),
            con_id: None,
            symbol: "AAPL".into(),
            side: held.ticket.spec.side,
            last_qty: qty(last),
            last_px: "100".parse().unwrap(),
            time: None,
            time_text: "20261123 10:00:00 US/Eastern".into(),
            venue: "ISLAND".into(),
            is_liquidation: false,
            is_combo: false,
        };
        self.executions.push(report.clone());
        self.tell(BrokerEvent::Execution(report));
        self.status(id);
    }

    pub(crate) fn end_unasked(&mut self, pick: usize) {
        let open = self.open();
        let Some(id) = open.get(pick % open.len().max(1)).copied() else { return };
        self.orders.get_mut(&id).unwrap().at = At::Canceled;
        self.status(id);
    }

    /// The day ends: completed orders are no longer listed. Executions still are.
    pub(crate) fn forget_completed(&mut self) {
        for held in self.orders.values_mut().filter(|held| held.at != At::Open) {
            held.is_listed_when_done = false;
        }
    }

    fn open(&self) -> Vec<BrokerOrderId> {
        self.orders.iter().filter(|(_, held)| held.at == At::Open).map(|(id, _)| *id).collect()
    }

    fn code(&mut self, id: BrokerOrderId, code: i32, class: NoticeClass) {
        let text = format!("text of {code}");
        self.tell(BrokerEvent::Notice(Notice { broker_order_id: Some(id), code, text, class }));
    }

    fn row(held: &Held) -> OpenOrderReport {
        OpenOrderReport {
            names: held.names(),
            account: held.ticket.account.clone(),
            instrument: Some(held.ticket.instrument.clone()),
            con_id: None,
            symbol: "AAPL".into(),
            side: Some(held.ticket.spec.side),
            terms: echoed(&held.ticket.spec),
            status: held.word(),
            warning: None,
        }
    }

    fn show(&mut self, id: BrokerOrderId) {
        let row = Self::row(&self.orders[&id]);
        self.tell(BrokerEvent::OpenOrder(row));
    }

    fn status(&mut self, id: BrokerOrderId) {
        let held = &self.orders[&id];
        let report = StatusReport {
            names: OrderNames { order_ref: None, ..held.names() },
            status: held.word(),
            cum_qty: Some(qty(held.filled)),
            remaining_qty: None,
            why_held: None,
        };
        self.tell(BrokerEvent::Status(report));
    }

    /// The complete lists as they are now.
    pub(crate) fn books(&self) -> Books {
        let done = self.orders.values().filter(|held| held.at != At::Open && held.is_listed_when_done);
        Books {
            open: self.orders.values().filter(|held| held.at == At::Open).map(Self::row).collect(),
            completed: done.map(Self::completed).collect(),
            executions: self.executions.clone(),
            commissions: Vec::new(),
            positions: vec![position("AAPL", &self.position().to_string())],
        }
    }

    fn completed(held: &Held) -> CompletedReport {
        let unfilled = (held.ticket.spec.order_qty.get() - held.filled).max(Decimal::ZERO);
        CompletedReport {
            names: OrderNames { broker_order_id: None, api_client_id: None, ..held.names() },
            account: held.ticket.account.clone(),
            status: held.word(),
            completed_status: "ended".into(),
            unfilled_qty: Some(qty(unfilled)),
            filled_qty: Some(qty(held.filled)),
        }
    }

    pub(crate) fn position(&self) -> Decimal {
        self.executions.iter().fold(Decimal::ZERO, |sum, report| match report.side {
            Side::Buy => sum + report.last_qty.get(),
            Side::Sell => sum - report.last_qty.get(),
        })
    }
}
