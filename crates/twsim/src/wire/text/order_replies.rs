//! Order lists, statuses, executions and commissions in text.

use super::contract::{Blanks, write_head, write_tail};
use super::order_fields::{write_completed_order, write_open_order};
use super::since;
use super::writer::{Writer, unset};
use crate::wire::layout::{CommissionAndFeesReport, ExecutionDetails, OrderStatus};
use crate::wire::{Reply, echo};

pub(super) fn write(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::OpenOrder { order, instrument } => {
            write_open_order(writer, &echo::open_order(order, instrument));
        }
        Reply::Preview { preview, instrument } => {
            write_open_order(writer, &echo::preview(preview, instrument));
        }
        Reply::OrderStatus { order } => write_status(writer, &echo::order_status(order)),
        Reply::OpenOrderEnd => {
            writer.show(1);
        }
        Reply::OrderBound { perm_id, client_id, order_id } => {
            writer.perm_id(Some(*perm_id)).show(client_id).show(order_id);
        }
        Reply::CompletedOrder { order, instrument } => {
            write_completed_order(writer, &echo::completed_order(order, instrument));
        }
        // The message id says it all.
        Reply::CompletedOrdersEnd => {}
        Reply::Execution { req_id, execution, instrument, time } => {
            write_execution(writer, &echo::execution(*req_id, execution, (instrument, time.as_deref())));
        }
        Reply::ExecutionsEnd { req_id } => {
            writer.show(1).show(req_id);
        }
        Reply::Commission(execution) => write_commission(writer, &echo::commission(execution)),
        _ => debug_assert!(false, "not an order reply"),
    }
}

fn write_status(writer: &mut Writer<'_>, status: &OrderStatus) {
    writer
        .int(status.order_id, unset::ZERO)
        .opt(status.status.as_deref())
        .size(status.filled.as_deref(), unset::ZERO)
        .size(status.remaining.as_deref(), unset::ZERO)
        .double(status.avg_fill_price, unset::ZERO)
        .perm_id(status.perm_id)
        .int(status.parent_id, unset::ZERO)
        .double(status.last_fill_price, unset::ZERO)
        .int(status.client_id, unset::ZERO)
        .opt(status.why_held.as_deref())
        .double(status.mkt_cap_price, unset::ZERO);
}

fn write_execution(writer: &mut Writer<'_>, details: &ExecutionDetails) {
    let (Some(contract), Some(execution)) = (&details.contract, &details.execution) else { return };
    writer.int(details.req_id, "-1").int(execution.order_id, unset::ZERO);
    write_head(writer, contract, Blanks::Other);
    write_tail(writer, contract);
    writer
        .opt(execution.exec_id.as_deref())
        .opt(execution.time.as_deref())
        .opt(execution.acct_number.as_deref())
        .opt(execution.exchange.as_deref())
        .opt(execution.side.as_deref())
        .size(execution.shares.as_deref(), unset::ZERO)
        .double(execution.price, unset::ZERO)
        .perm_id(execution.perm_id)
        .int(execution.client_id, unset::ZERO)
        .flag(execution.is_liquidation)
        .size(execution.cum_qty.as_deref(), unset::ZERO)
        .double(execution.avg_price, unset::ZERO)
        .opt(execution.order_ref.as_deref())
        .opt(execution.ev_rule.as_deref())
        .double(execution.ev_multiplier, unset::EMPTY)
        .opt(execution.model_code.as_deref())
        .int(execution.last_liquidity, unset::ZERO);
    if writer.version >= since::PENDING_PRICE_REVISION {
        writer.flag(execution.is_price_revision_pending);
    }
    if writer.version >= since::SUBMITTER {
        writer.opt(execution.submitter.as_deref());
    }
}

fn write_commission(writer: &mut Writer<'_>, report: &CommissionAndFeesReport) {
    writer
        .show(1)
        .opt(report.exec_id.as_deref())
        .double(report.commission_and_fees, unset::ZERO)
        .opt(report.currency.as_deref())
        .double(report.realized_pnl, unset::DOUBLE)
        .double(report.bond_yield, unset::DOUBLE)
        .opt(report.yield_redemption_date.as_deref());
}
