//! Positions, account values, summaries, profit and loss in text.

use rust_decimal::Decimal;

use super::contract::{Blanks, write_head, write_tail};
use super::writer::{Writer, unset};
use crate::venue::Instrument;
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{PortfolioLine, Reply, SinglePnL, echo};

pub(super) fn write(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::Position { account, instrument, quantity, avg_cost } => {
            writer.show(3).text(account);
            write_holding(writer, instrument, *quantity, *avg_cost);
        }
        Reply::PositionEnd => {
            writer.show(1);
        }
        Reply::AccountValue { account, key, value, currency } => {
            writer.show(2).text(key).text(value).text(currency).text(account);
        }
        Reply::PortfolioValue(line) => write_portfolio(writer, line),
        Reply::AccountUpdateTime(time) => {
            writer.show(1).text(time);
        }
        Reply::AccountDownloadEnd(account) => {
            writer.show(1).text(account);
        }
        Reply::AccountSummary { req_id, account, tag, value, currency } => {
            writer.show(1).show(req_id).text(account).text(tag).text(value).text(currency);
        }
        Reply::AccountSummaryEnd { req_id }
        | Reply::PositionMultiEnd { req_id }
        | Reply::AccountUpdateMultiEnd { req_id } => {
            writer.show(1).show(req_id);
        }
        Reply::PositionMulti { req_id, account, instrument, quantity, avg_cost } => {
            writer.show(1).show(req_id).text(account);
            write_holding(writer, instrument, *quantity, *avg_cost);
            writer.text("");
        }
        Reply::AccountUpdateMulti { req_id, account, key, value, currency } => {
            writer.show(1).show(req_id).text(account).text("").text(key).text(value).text(currency);
        }
        Reply::PnL { req_id, daily, unrealized, realized } => {
            writer.show(req_id);
            write_amounts(writer, [*daily, *unrealized, *realized]);
        }
        Reply::PnLSingle(pnl) => write_single(writer, pnl),
        Reply::FamilyCodes(accounts) => {
            writer.show(accounts.len());
            for account in accounts {
                // No family, no code.
                writer.text(account).text("");
            }
        }
        _ => debug_assert!(false, "not an account reply"),
    }
}

/// A contract without exchange, as the broker writes it here, with quantity and cost.
fn write_holding(writer: &mut Writer<'_>, instrument: &Instrument, quantity: Decimal, avg_cost: Decimal) {
    let contract = echo::contract(instrument, "");
    write_head(writer, &contract, Blanks::Other);
    write_tail(writer, &contract);
    writer.size(Some(&quantity_text(quantity)), unset::ZERO);
    write_amounts(writer, [avg_cost]);
}

fn write_portfolio(writer: &mut Writer<'_>, line: &PortfolioLine<'_>) {
    let contract = echo::contract(line.instrument, &line.instrument.primary_exchange);
    writer.show(8);
    write_head(writer, &contract, Blanks::Other);
    writer
        .opt(contract.primary_exch.as_deref())
        .opt(contract.currency.as_deref())
        .opt(contract.local_symbol.as_deref())
        .opt(contract.trading_class.as_deref())
        .size(Some(&quantity_text(line.quantity)), unset::ZERO);
    let amounts = [line.market_price, line.market_value, line.avg_cost, line.unrealized, line.realized];
    write_amounts(writer, amounts);
    writer.text(line.account);
}

fn write_single(writer: &mut Writer<'_>, pnl: &SinglePnL) {
    writer.show(pnl.req_id).size(Some(&quantity_text(pnl.position)), unset::ZERO);
    write_amounts(writer, [pnl.daily, pnl.unrealized, pnl.realized, pnl.value]);
}

fn write_amounts<const N: usize>(writer: &mut Writer<'_>, amounts: [Decimal; N]) {
    for amount in amounts {
        writer.double(Some(to_double(amount)), unset::ZERO);
    }
}
