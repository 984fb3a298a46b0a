//! The broker's side of the talk: messages as an adapter would hand them on.

use alphec_model::broker::{
    BrokerStatus, CommissionReport, CompletedReport, EchoedTerms, ExecutionReport, Notice, NoticeClass,
    OpenOrderReport, OrderNames, PositionReport, Snapshot, StatusReport,
};
use alphec_model::{
    ApiClientId, BrokerEvent, BrokerOrderId, Currency, ExecId, Generation, Order, OrderSpec, PermId, Side,
};
use smol_str::SmolStr;

use super::setup::{CLIENT, account, con_id, dec, instrument, px};

/// The perm id that the broker of these tests gives to an order: its id above this.
pub(crate) const PERM_BASE: i64 = 1_000;

pub(crate) fn names(order: &Order) -> OrderNames {
    let id = order.broker_order_id.unwrap();
    OrderNames {
        broker_order_id: Some(id),
        api_client_id: Some(ApiClientId::new(CLIENT)),
        perm_id: Some(PermId::new(PERM_BASE + i64::from(id.get()))),
        order_ref: order.order_ref.as_ref().map(|text| SmolStr::new(text.as_str())),
    }
}

/// The names a status message carries: no reference.
pub(crate) fn status_names(order: &Order) -> OrderNames {
    OrderNames { order_ref: None, ..names(order) }
}

pub(crate) fn foreign(client: i32, id: i32, perm_id: i64) -> OrderNames {
    OrderNames {
        broker_order_id: Some(BrokerOrderId::new(id)),
        api_client_id: Some(ApiClientId::new(client)),
        perm_id: Some(PermId::new(perm_id)),
        order_ref: None,
    }
}

pub(crate) fn echoed(spec: &OrderSpec) -> EchoedTerms {
    EchoedTerms {
        order_qty: Some(spec.order_qty),
        order_type: "LMT".into(),
        limit_px: spec.order_type.limit_px(),
        stop_px: spec.order_type.stop_px(),
        time_in_force: spec.time_in_force.as_str().to_uppercase().into(),
    }
}

pub(crate) fn open_row(order: &Order, status: &str) -> OpenOrderReport {
    OpenOrderReport {
        names: names(order),
        account: order.account.clone(),
        instrument: Some(order.instrument.clone()),
        con_id: None,
        symbol: order.instrument.as_str().into(),
        side: Some(order.spec.side),
        terms: echoed(&order.spec),
        status: BrokerStatus::from(SmolStr::new(status)),
        warning: None,
    }
}

pub(crate) fn status_of(order: &Order, status: &str, filled: &str) -> StatusReport {
    StatusReport {
        names: status_names(order),
        status: BrokerStatus::from(SmolStr::new(status)),
        cum_qty: Some(filled.parse().unwrap()),
        remaining_qty: None,
        why_held: None,
    }
}

pub(crate) fn completed_row(order: &Order, status: &str, filled: &str, unfilled: &str) -> CompletedReport {
    CompletedReport {
        names: OrderNames { broker_order_id: None, api_client_id: None, ..names(order) },
        account: order.account.clone(),
        status: BrokerStatus::from(SmolStr::new(status)),
        completed_status: format!("{status} by the broker"),
        unfilled_qty: Some(unfilled.parse().unwrap()),
        filled_qty: Some(filled.parse().unwrap()),
    }
}

pub(crate) fn execution(order: &Order, exec_id: &str, qty: &str, price: &str) -> ExecutionReport {
    ExecutionReport {
        exec_id: ExecId::new(exec_id).unwrap(),
        names: names(order),
        account: order.account.clone(),
        instrument: Some(order.instrument.clone()),
        con_id: None,
        symbol: order.instrument.as_str().into(),
        side: order.spec.side,
        last_qty: qty.parse().unwrap(),
        last_px: px(price),
        time: None,
        time_text: "20261123 10:00:00 US/Eastern".into(),
        venue: "ISLAND".into(),
        is_liquidation: false,
        is_combo: false,
    }
}

/// An execution in our account of an order that is not ours.
pub(crate) fn foreign_execution(of: &str, side: Side, exec_id: &str, qty: &str) -> ExecutionReport {
    ExecutionReport {
        exec_id: ExecId::new(exec_id).unwrap(),
        names: foreign(99, 1, 77_777),
        account: account("DU1"),
        instrument: Some(instrument(of)),
        con_id: Some(con_id(of)),
        symbol: of.into(),
        side,
        last_qty: qty.parse().unwrap(),
        last_px: px("100"),
        time: None,
        time_text: "20261123 10:00:00 US/Eastern".into(),
        venue: "ISLAND".into(),
        is_liquidation: false,
        is_combo: false,
    }
}

pub(crate) fn commission(exec_id: &str, amount: Option<&str>) -> CommissionReport {
    CommissionReport {
        exec_id: ExecId::new(exec_id).unwrap(),
        commission: amount.map(dec),
        currency: amount.map(|_| Currency::USD),
        realized_pnl: None,
    }
}

pub(crate) fn position(of: &str, qty: &str) -> PositionReport {
    PositionReport {
        account: account("DU1"),
        instrument: Some(instrument(of)),
        con_id: Some(con_id(of)),
        symbol: of.into(),
        qty: qty.parse().unwrap(),
    }
}

pub(crate) fn notice(order: &Order, code: i32, class: NoticeClass) -> BrokerEvent {
    let broker_order_id = order.broker_order_id;
    BrokerEvent::Notice(Notice { broker_order_id, code, text: format!("text of {code}"), class })
}

/// The broker's books, empty to begin with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    pub(crate) open: Vec<OpenOrderReport>,
    pub(crate) completed: Vec<CompletedReport>,
    pub(crate) executions: Vec<ExecutionReport>,
    pub(crate) commissions: Vec<CommissionReport>,
    pub(crate) positions: Vec<PositionReport>,
}

impl Books {
    pub(crate) fn snapshot(self, id: u64, generation: Generation) -> BrokerEvent {
        let Self { open, completed, executions, commissions, positions } = self;
        BrokerEvent::Snapshot(Snapshot {
            id,
            generation,
            open,
            completed,
            executions,
            commissions,
            positions,
        })
    }
}
