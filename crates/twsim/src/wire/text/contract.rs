//! Contracts in text: read in requests, written in replies.

use super::fields::Fields;
use super::since;
use super::writer::{Writer, unset};
use crate::wire::frame::FrameError;
use crate::wire::layout::{ComboLeg, Contract, ContractDetails, DeltaNeutralContract};
use crate::wire::number::decimal_from_double;

/// The twelve fields with which most requests describe a contract.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Contract, FrameError> {
    Ok(Contract {
        con_id: fields.int()?,
        symbol: fields.text()?,
        sec_type: fields.text()?,
        last_trade_date_or_contract_month: fields.text()?,
        strike: fields.double()?,
        right: fields.text()?,
        multiplier: fields.double()?,
        exchange: fields.text()?,
        primary_exch: fields.text()?,
        currency: fields.text()?,
        local_symbol: fields.text()?,
        trading_class: fields.text()?,
        ..Contract::default()
    })
}

/// The legs of a data request, which are shorter than those of an order.
pub(super) fn read_legs_of_bag(fields: &mut Fields<'_>, contract: &mut Contract) -> Result<(), FrameError> {
    if contract.sec_type.as_deref() == Some("BAG") {
        for _ in 0..fields.count()? {
            contract.combo_legs.push(ComboLeg {
                con_id: fields.int()?,
                ratio: fields.int()?,
                action: fields.text()?,
                exchange: fields.text()?,
                ..ComboLeg::default()
            });
        }
    }
    Ok(())
}

pub(super) fn read_leg(fields: &mut Fields<'_>) -> Result<ComboLeg, FrameError> {
    Ok(ComboLeg {
        con_id: fields.int()?,
        ratio: fields.int()?,
        action: fields.text()?,
        exchange: fields.text()?,
        open_close: fields.int()?,
        short_sales_slot: fields.int()?,
        designated_location: fields.text()?,
        exempt_code: fields.int()?,
        per_leg_price: None,
    })
}

pub(super) fn read_delta_neutral(
    fields: &mut Fields<'_>,
) -> Result<Option<DeltaNeutralContract>, FrameError> {
    if fields.flag()?.is_none() {
        return Ok(None);
    }
    let hedge =
        DeltaNeutralContract { con_id: fields.int()?, delta: fields.double()?, price: fields.double()? };
    Ok(Some(hedge))
}

/// Where a contract is written decides how its blanks look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanks {
    /// Orders: right `?`, strike `0`.
    Order,
    /// Everything else: right empty, strike `0.0`.
    Other,
}

/// Contract id, symbol, type, date, strike, right and multiplier: how every written contract begins.
pub(super) fn write_head(writer: &mut Writer<'_>, contract: &Contract, blanks: Blanks) {
    let (strike, right) = match blanks {
        Blanks::Order => (unset::ZERO, "?"),
        Blanks::Other => (unset::ZERO_DOUBLE, unset::EMPTY),
    };
    writer
        .int(contract.con_id, unset::ZERO)
        .opt(contract.symbol.as_deref())
        .opt(contract.sec_type.as_deref())
        .opt(contract.last_trade_date_or_contract_month.as_deref())
        .double(contract.strike, strike)
        .text(contract.right.as_deref().unwrap_or(right));
    write_multiplier(writer, contract);
}

/// What follows the head in orders, executions and positions.
pub(super) fn write_tail(writer: &mut Writer<'_>, contract: &Contract) {
    writer
        .opt(contract.exchange.as_deref())
        .opt(contract.currency.as_deref())
        .opt(contract.local_symbol.as_deref())
        .opt(contract.trading_class.as_deref());
}

/// A text in this dialect: `50`, not `50.0`, and empty for stocks.
fn write_multiplier(writer: &mut Writer<'_>, contract: &Contract) {
    match contract.multiplier.and_then(decimal_from_double) {
        Some(multiplier) => writer.show(multiplier),
        None => writer.text(unset::EMPTY),
    };
}

pub(super) fn write_details(
    writer: &mut Writer<'_>,
    req_id: i32,
    contract: &Contract,
    details: &ContractDetails,
) {
    let version = writer.version;
    if version < since::SIZE_RULES {
        writer.show(8);
    }
    writer
        .show(req_id)
        .opt(contract.symbol.as_deref())
        .opt(contract.sec_type.as_deref())
        .opt(contract.last_trade_date_or_contract_month.as_deref());
    if version >= since::LAST_TRADE_DATE {
        writer.opt(contract.last_trade_date.as_deref());
    }
    writer
        .double(contract.strike, unset::ZERO)
        .opt(contract.right.as_deref())
        .opt(contract.exchange.as_deref())
        .opt(contract.currency.as_deref())
        .opt(contract.local_symbol.as_deref())
        .opt(details.market_name.as_deref())
        .opt(contract.trading_class.as_deref())
        .int(contract.con_id, unset::ZERO)
        .opt(details.min_tick.as_deref());
    if version < since::SIZE_RULES {
        // A size multiplier that nobody uses any more.
        writer.show(1);
    }
    write_multiplier(writer, contract);
    write_more_details(writer, contract, details);
}

fn write_more_details(writer: &mut Writer<'_>, contract: &Contract, details: &ContractDetails) {
    let version = writer.version;
    writer
        .opt(details.order_types.as_deref())
        .opt(details.valid_exchanges.as_deref())
        .int(details.price_magnifier, "1")
        .int(details.under_con_id, unset::ZERO)
        .escaped(details.long_name.as_deref().unwrap_or_default())
        .opt(contract.primary_exch.as_deref())
        .opt(details.contract_month.as_deref())
        .opt(details.industry.as_deref())
        .opt(details.category.as_deref())
        .opt(details.subcategory.as_deref())
        .opt(details.time_zone_id.as_deref())
        .opt(details.trading_hours.as_deref())
        .opt(details.liquid_hours.as_deref())
        .opt(details.ev_rule.as_deref())
        .double(details.ev_multiplier, unset::EMPTY)
        .show(details.sec_id_list.len());
    for id in &details.sec_id_list {
        writer.opt(id.tag.as_deref()).opt(id.value.as_deref());
    }
    writer
        .int(details.agg_group, "1")
        .opt(details.under_symbol.as_deref())
        .opt(details.under_sec_type.as_deref())
        .opt(details.market_rule_ids.as_deref())
        .opt(details.real_expiration_date.as_deref())
        .opt(details.stock_type.as_deref());
    if version == since::FRACTIONAL_SIZES {
        writer.opt(details.size_increment.as_deref());
    }
    if version >= since::SIZE_RULES {
        writer
            .opt(details.min_size.as_deref())
            .opt(details.size_increment.as_deref())
            .opt(details.suggested_size_increment.as_deref());
    }
    if version >= since::INELIGIBILITY_REASONS {
        writer.show(0);
    }
}
