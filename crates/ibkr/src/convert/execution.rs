//! Executions and their costs: the only thing that counts as a fill.

use alphec_model::broker::{CommissionReport, ExecutionReport, OrderNames};
use alphec_model::{Currency, ExecId, Side};
use ibapi::orders::{CommissionReport as WireCommission, Execution, ExecutionData, ExecutionSide};
use smol_str::SmolStr;

use super::names::{RawNames, account, con_id, names};
use super::stamp::GatewayClock;
use super::{Refused, money};
use crate::directory::Directory;

/// The names of the order that was executed.
pub(crate) fn execution_names(data: &ExecutionData) -> OrderNames {
    names(RawNames {
        order_id: Some(data.execution.order_id),
        client_id: data.execution.client_id,
        perm_id: data.execution.perm_id,
        order_ref: &data.execution.order_reference,
    })
}

/// One execution. Cumulative figures are left out: fills are counted by us, one execution at a time.
pub(crate) fn execution(
    data: &ExecutionData,
    directory: &Directory,
    clock: &GatewayClock,
) -> Result<ExecutionReport, Refused> {
    let ExecutionData { request_id: _, contract, execution } = data;
    let Execution { execution_id, time, account_number, exchange, side, shares, price, liquidation, .. } =
        execution;
    let exec_id = ExecId::new(execution_id).map_err(|error| Refused::new("execution id", error))?;
    let last_qty = money::qty("shares", *shares)?;
    // ibapi reads absent shares as zero; only a correction may take an execution back to nothing.
    if last_qty.is_zero() && exec_id.revision() <= 1 {
        return Err(Refused::new("shares", "zero or left out"));
    }
    let con_id = con_id(contract.contract_id);
    Ok(ExecutionReport {
        names: execution_names(data),
        account: account(account_number)?,
        instrument: con_id.and_then(|id| directory.by_con_id(id)).cloned(),
        con_id,
        symbol: SmolStr::new(contract.symbol.as_str()),
        side: match side {
            ExecutionSide::Bought => Side::Buy,
            ExecutionSide::Sold => Side::Sell,
        },
        last_qty,
        last_px: money::price("price", *price)?,
        time: clock.read(time),
        time_text: SmolStr::new(time),
        venue: SmolStr::new(exchange),
        is_liquidation: *liquidation != 0,
        // A combination reports itself and each leg; counting both doubles the position.
        is_combo: contract.is_bag(),
        exec_id,
    })
}

/// The costs of one execution. -1 is the broker's "pending"; profit is unset where nothing is closed.
pub(crate) fn commission(report: &WireCommission) -> Result<CommissionReport, Refused> {
    let WireCommission {
        execution_id,
        commission,
        currency,
        realized_pnl,
        yields: _,
        yield_redemption_date: _,
    } = report;
    let pending = *commission == -1.0 || money::is_unset(*commission);
    let amount = |value: f64| money::price("amount", value).map(alphec_model::Price::get);
    Ok(CommissionReport {
        exec_id: ExecId::new(execution_id).map_err(|error| Refused::new("execution id", error))?,
        commission: if pending { None } else { Some(amount(*commission)?) },
        currency: match currency.as_str() {
            "" => None,
            text => Some(text.parse::<Currency>().map_err(|error| Refused::new("currency", error))?),
        },
        realized_pnl: realized_pnl.filter(|value| !money::is_unset(*value)).map(amount).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use alphec_model::{ConId, Decimal, PermId};
    use ibapi::contracts::{Contract, SecurityType};

    use super::*;
    use crate::directory::tests::stock;

    fn directory() -> Directory {
        Directory::new(&[stock("AAPL").with_con_id(ConId::new(265_598))])
    }

    fn data(exec_id: &str, shares: f64) -> ExecutionData {
        ExecutionData {
            request_id: -1,
            contract: Contract { contract_id: 265_598, ..Contract::default() },
            execution: Execution {
                order_id: 7,
                client_id: 3,
                execution_id: exec_id.to_owned(),
                time: "20230306-12:28:30".to_owned(),
                account_number: "DU1".to_owned(),
                exchange: "ISLAND".to_owned(),
                side: ExecutionSide::Sold,
                shares,
                price: 101.25,
                perm_id: 99,
                order_reference: "ours".to_owned(),
                ..Execution::default()
            },
        }
    }

    #[test]
    fn an_execution_is_converted_with_venue_and_time_as_written() {
        let report = execution(&data("a.b.01.01", 10.0), &directory(), &GatewayClock::default()).unwrap();
        assert_eq!((report.side, report.last_qty.to_string().as_str()), (Side::Sell, "10"));
        assert_eq!((report.venue.as_str(), report.time_text.as_str()), ("ISLAND", "20230306-12:28:30"));
        assert_eq!(report.time.unwrap().to_string(), "2023-03-06T12:28:30.000000000Z");
        assert_eq!(report.names.perm_id, Some(PermId::new(99)));
        assert!(report.instrument.is_some() && !report.is_combo && !report.is_liquidation);
    }

    #[test]
    fn a_zero_size_is_taken_only_from_a_correction() {
        assert!(execution(&data("a.b.01.01", 0.0), &directory(), &GatewayClock::default()).is_err());
        assert!(
            execution(&data("a.b.01.02", 0.0), &directory(), &GatewayClock::default())
                .unwrap()
                .last_qty
                .is_zero()
        );
    }

    #[test]
    fn unset_sizes_and_empty_ids_are_refused() {
        let unset = 170_141_183_460_469_231_731_687_303_715_884_105_727.0;
        assert!(execution(&data("a.b.01.01", unset), &directory(), &GatewayClock::default()).is_err());
        assert!(execution(&data("", 1.0), &directory(), &GatewayClock::default()).is_err());
    }

    #[test]
    fn a_combination_is_flagged_and_so_is_a_liquidation() {
        let mut bag = data("a.b.01.01", 1.0);
        bag.contract.security_type = SecurityType::Spread;
        bag.execution.liquidation = 1;
        let report = execution(&bag, &directory(), &GatewayClock::default()).unwrap();
        assert!(report.is_combo && report.is_liquidation);
    }

    #[test]
    fn a_foreign_order_id_is_left_out() {
        let mut foreign = data("a.b.01.01", 1.0);
        foreign.execution.order_id = i32::MAX;
        foreign.execution.perm_id = 0;
        let names = execution(&foreign, &directory(), &GatewayClock::default()).unwrap().names;
        assert_eq!((names.broker_order_id, names.perm_id), (None, None));
    }

    #[test]
    fn a_pending_commission_and_an_unset_profit_are_absent() {
        let wire = |commission, realized_pnl| WireCommission {
            execution_id: "a.b.01.01".to_owned(),
            commission,
            currency: "USD".to_owned(),
            realized_pnl,
            ..WireCommission::default()
        };
        let pending = commission(&wire(-1.0, Some(f64::MAX))).unwrap();
        assert_eq!((pending.commission, pending.realized_pnl), (None, None));
        let rebate = commission(&wire(-0.25, Some(12.5))).unwrap();
        assert_eq!(rebate.commission, Some(Decimal::new(-25, 2)));
        assert_eq!(rebate.realized_pnl, Some(Decimal::new(125, 1)));
        assert!(commission(&wire(f64::NAN, None)).is_err());
    }
}
