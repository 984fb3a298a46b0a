//! What crate `ibapi` sends and is told, async and blocking, beside what the venue has: every order type that it can
//! place and the venue trades, field by field.

mod cases;
mod faces;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use alphec_twsim::desk::Truth;
use alphec_twsim::venue::{Execution, OrderKind, OrderReport, OrderSpec, Side, Status};
use alphec_twsim::{Clock, GatewayBuilder};
use ibapi::contracts::SecurityType;
use ibapi::orders::{
    Action, CommissionReport, ExecutionData, ExecutionSide, Liquidity, OcaType, Order, OrderStatus,
};
use rust_decimal::Decimal;

use crate::kit::{aapl, dec, limit, still};

use cases::{AAPL, Case, MSFT};
use faces::{Blocking, Face, Heard};

/// Everything that one client does, and what it must find.
async fn trade(face: &impl Face) -> BTreeMap<i32, Case> {
    let mut sent = BTreeMap::new();
    for (index, mut case) in cases::singles().enumerate() {
        let id = face.next_id();
        case.order.order_ref = format!("case {index}");
        face.submit(id, &case.contract, &case.order).await;
        sent.insert(id, case);
    }
    for group in cases::groups() {
        let ids =
            face.submit_group(group.iter().map(|it| (it.contract.clone(), it.order.clone())).collect()).await;
        sent.extend(ids.into_iter().zip(group));
    }
    let parent = face.next_id();
    for (index, case) in (0..).zip(cases::bracket(parent)) {
        let id = if index == 0 { parent } else { face.next_id() };
        assert_eq!(id, parent + index, "the crate numbers a bracket in a row");
        face.submit(id, &case.contract, &case.order).await;
        sent.insert(id, case);
    }
    change_and_cancel(face, &mut sent).await;
    sent
}

/// One order is changed, one is changed and cancelled, one is too large for the account, one is off the grid.
async fn change_and_cancel(face: &impl Face, sent: &mut BTreeMap<i32, Case>) {
    let changed = |quantity, price: f64| Order {
        order_ref: "changed".to_owned(),
        ..limit(Action::Buy, quantity, price)
    };
    let kind = OrderKind::Limit { limit: dec("219.75") };
    for stands in [(Status::Submitted, 0), (Status::Cancelled, 0)] {
        let id = face.next_id();
        face.submit(id, &aapl(), &limit(Action::Buy, 10.0, 219.5)).await;
        let case = Case { stands, ..Case::resting(changed(11.0, 219.75), kind) };
        face.submit(id, &case.contract, &case.order).await;
        if stands.0 == Status::Cancelled {
            face.cancel(id).await;
        }
        sent.insert(id, case);
    }
    let large = Case::resting(limit(Action::Buy, 1_000_000.0, 220.0), OrderKind::Limit { limit: dec("220") });
    let id = face.next_id();
    face.submit(id, &large.contract, &large.order).await;
    sent.insert(id, Case { stands: (Status::Inactive, 0), ..large });
    face.submit(face.next_id(), &aapl(), &limit(Action::Buy, 7.0, 219.755)).await;
}

fn double(number: Decimal) -> f64 {
    number.to_string().parse().unwrap()
}

/// A price that is zero while there is none.
fn or_zero(price: Option<f64>) -> f64 {
    price.unwrap_or(0.0)
}

fn check_order(sent: &Case, report: &OrderReport, heard: &Heard) {
    let OrderReport {
        key,
        perm_id,
        parent_perm_id: _,
        spec,
        status,
        filled,
        remaining,
        avg_price,
        last_price,
        commission: _,
        why_held,
        bound,
        reject_reason,
    } = report;
    let id = key.order_id;
    check_terms(id, sent, spec);
    assert_eq!((*status, *filled), (sent.stands.0, Decimal::from(sent.stands.1)), "order {id}");
    assert_eq!((key.client_id, *bound), (4, true), "order {id}");
    assert_eq!(reject_reason.is_empty(), *status != Status::Inactive, "order {id}: {reject_reason}");
    assert_eq!(*remaining, spec.quantity - *filled, "order {id}");

    let OrderStatus {
        order_id,
        status: word,
        filled: told_filled,
        remaining: told_remaining,
        average_fill_price,
        perm_id: told_perm_id,
        parent_id,
        last_fill_price,
        client_id,
        why_held: told_why,
        market_cap_price,
    } = heard.statuses.get(&id).unwrap_or_else(|| panic!("order {id} has a status"));
    assert_eq!(
        (*order_id, *client_id, *told_perm_id, *parent_id),
        (id, key.client_id, *perm_id, spec.parent_id)
    );
    assert_eq!(word.to_string(), status.as_str(), "order {id}");
    assert_eq!((*told_filled, *told_remaining), (double(*filled), double(*remaining)), "order {id}");
    assert_eq!(
        (or_zero(*average_fill_price), or_zero(*last_fill_price)),
        (double(*avg_price), double(*last_price)),
        "order {id}"
    );
    assert_eq!((told_why.as_str(), *market_cap_price), (*why_held, Some(0.0)), "order {id}");
    check_told(sent, report, heard);
}

/// The order as the client hears of it.
fn check_told(sent: &Case, report: &OrderReport, heard: &Heard) {
    let (id, spec) = (report.key.order_id, &report.spec);
    let data = &heard.orders[&id];
    let told = &data.order;
    assert_eq!((told.order_id, told.client_id, told.perm_id), (id, report.key.client_id, report.perm_id));
    assert_eq!(data.order_state.status.to_string(), report.status.as_str(), "order {id}");
    assert_eq!(data.order_state.commission.unwrap_or(0.0), double(report.commission), "order {id}");
    assert_eq!(report.parent_perm_id != 0, spec.parent_id != 0, "order {id}");
    assert_eq!(told.limit_price, spec.kind.limit().map(double), "order {id}");
    let trails = matches!(spec.kind, OrderKind::Trail { .. } | OrderKind::TrailLimit { .. });
    let stop = if trails { told.trail_stop_price } else { told.aux_price };
    assert_eq!(stop, spec.kind.stop().map(double), "order {id}");
    assert_eq!(told, &as_told(&sent.order, told, spec), "order {id}");
    assert_eq!(data.contract.contract_id, spec.con_id, "order {id}");
    assert_eq!(data.contract.combo_legs, sent.contract.combo_legs, "order {id}");
}

/// The venue's own terms.
fn check_terms(id: i32, sent: &Case, spec: &OrderSpec) {
    let OrderSpec {
        con_id,
        exchange,
        account,
        side,
        quantity,
        kind,
        tif,
        order_ref,
        parent_id,
        transmit,
        outside_rth,
        extra,
        carried,
    } = spec;
    let Case { contract, order, kind: wanted_kind, tif: wanted_tif, extra: wanted_extra, stands: _ } = sent;
    if contract.combo_legs.is_empty() {
        assert_eq!(*con_id, contract.contract_id, "order {id}");
    }
    assert_eq!((&**exchange, &**account), ("SMART", "DU1234567"), "order {id}");
    assert_eq!(*side == Side::Buy, order.action == Action::Buy, "order {id}");
    assert_eq!(double(*quantity), order.total_quantity, "order {id}");
    assert_eq!((kind, tif), (wanted_kind, wanted_tif), "order {id}");
    assert_eq!((&**order_ref, *parent_id), (order.order_ref.as_str(), order.parent_id), "order {id}");
    assert_eq!(*transmit, order.transmit, "order {id}");
    assert_eq!(*outside_rth, order.outside_rth, "order {id}");
    assert_eq!(extra.as_deref(), wanted_extra.as_ref(), "order {id}");
    assert!(!carried.is_empty(), "order {id}");
}

/// What was sent, with what the gateway writes into it.
fn as_told(sent: &Order, told: &Order, spec: &OrderSpec) -> Order {
    let none = sent.oca_type == OcaType::None;
    Order {
        order_id: told.order_id,
        client_id: told.client_id,
        perm_id: told.perm_id,
        parent_perm_id: told.parent_perm_id,
        account: spec.account.to_string(),
        oca_type: if none { OcaType::ReduceWithoutBlock } else { sent.oca_type },
        clearing_intent: "IB".to_owned(),
        exempt_code: -1,
        dont_use_auto_price_for_hedge: true,
        limit_price: told.limit_price,
        trail_stop_price: told.trail_stop_price,
        transmit: true,
        // The crate sends them and does not read them back.
        order_combo_legs: Vec::new(),
        ..sent.clone()
    }
}

fn check_execution(truth: &Execution, told: &ExecutionData, commission: Option<&CommissionReport>) {
    let Execution {
        exec_id,
        key,
        perm_id,
        con_id,
        leg,
        account,
        order_ref,
        side,
        quantity,
        price,
        cum_quantity,
        avg_price,
        at,
        added_liquidity,
        commission: cost,
        currency,
        realized_pnl,
    } = truth;
    let it = &told.execution;
    assert_eq!((it.order_id, it.client_id, it.perm_id), (key.order_id, key.client_id, *perm_id), "{exec_id}");
    assert_eq!((told.contract.contract_id, it.account_number.as_str()), (*con_id, &**account), "{exec_id}");
    assert_eq!(it.order_reference, **order_ref, "{exec_id}");
    assert_eq!(it.side == ExecutionSide::Bought, *side == Side::Buy, "{exec_id}");
    assert_eq!((it.shares, it.price), (double(*quantity), double(*price)), "{exec_id}");
    assert_eq!(
        (it.cumulative_quantity, it.average_price),
        (double(*cum_quantity), double(*avg_price)),
        "{exec_id}"
    );
    assert_eq!((*at, it.time.as_str()), (STILL, "20260105 15:00:00 UTC"), "{exec_id}");
    let liquidity = if *added_liquidity { Liquidity::AddedLiquidity } else { Liquidity::RemovedLiquidity };
    assert_eq!((&it.last_liquidity, it.pending_price_revision), (&liquidity, false), "{exec_id}");
    let is_whole = *leg == 0 && told.contract.security_type == SecurityType::Spread;
    match commission {
        // Only the legs of a combination have one.
        None => assert!(is_whole && cost.is_zero(), "{exec_id}"),
        Some(report) => {
            assert_eq!(
                (report.commission, report.currency.as_str()),
                (double(*cost), &**currency),
                "{exec_id}"
            );
            assert_eq!(report.realized_pnl, realized_pnl.map(double), "{exec_id}");
        }
    }
}

/// 2026-01-05T15:00:00Z, where the clock stands.
const STILL: i64 = 1_767_625_200_000_000_000;

fn check(sent: &BTreeMap<i32, Case>, heard: &Heard, truth: &Truth) {
    let at_the_venue: BTreeMap<i32, &OrderReport> =
        truth.orders.iter().map(|it| (it.report.key.order_id, &it.report)).collect();
    assert!(at_the_venue.keys().eq(sent.keys()), "the order off the grid and the preview are no orders");
    for (id, report) in at_the_venue {
        check_order(&sent[&id], report, heard);
    }
    let ids: Vec<&str> = truth.executions.iter().map(|it| it.exec_id.as_str()).collect();
    let told: Vec<&str> = heard.executions.iter().map(|it| it.execution.execution_id.as_str()).collect();
    assert_eq!(told, ids);
    assert!(ids.len() >= 7, "{ids:?}");
    for (execution, told) in truth.executions.iter().map(Arc::as_ref).zip(&heard.executions) {
        check_execution(execution, told, heard.commissions.get(&execution.exec_id));
    }
    let [account] = truth.accounts.as_slice() else { panic!("one account") };
    let held: BTreeMap<i32, (f64, f64)> = account
        .positions
        .iter()
        .map(|(id, it)| (*id, (double(it.quantity), double(it.avg_cost()))))
        .collect();
    assert_eq!(heard.positions, held);
    assert_eq!(held.keys().copied().collect::<Vec<_>>(), [AAPL, MSFT]);
}

/// A preview of 100 at 220: a quarter is margin, and nothing is placed.
async fn preview(face: &impl Face) {
    let state = face.preview(&aapl(), (100.0, 220.0)).await;
    assert_eq!((state.initial_margin_change, state.commission), (Some(5500.0), Some(1.0)));
    assert_eq!(state.equity_with_loan_before, Some(1_000_000.0));
}

fn gateway() -> GatewayBuilder {
    still().clock(Clock::STILL)
}

#[tokio::test]
async fn the_async_client_is_told_what_the_venue_has_for_every_order_type() {
    let gateway = gateway().start().await.unwrap();
    let client = faces::Async::connect(&gateway.addr().to_string()).await;
    preview(&client).await;
    let sent = trade(&client).await;
    let heard = client.listen().await;
    check(&sent, &heard, &gateway.truth());
    gateway.stop().await;
}

#[test]
fn the_blocking_client_is_told_what_the_venue_has_for_every_order_type() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let gateway = runtime.block_on(gateway().start()).unwrap();
    let addr = gateway.addr().to_string();
    let client = thread::spawn(move || {
        futures::executor::block_on(async {
            let client = Blocking::connect(&addr);
            preview(&client).await;
            let sent = trade(&client).await;
            (sent, client.listen().await)
        })
    });
    let (sent, heard) = client.join().expect("the client's thread");
    check(&sent, &heard, &gateway.truth());
    runtime.block_on(gateway.stop());
}
