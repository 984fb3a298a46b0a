//! Replies in text: session, contracts, market data. Orders and accounts have files of their own.

use bytes::BytesMut;
use rust_decimal::Decimal;

use super::writer::{Writer, unset};
use super::{account_replies, bars, contract, order_replies, since};
use crate::venue::{Instrument, TickStep};
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{DepthRow, NO_ID, OptionChain, Reply, echo};

/// Appends one reply as a frame.
pub(in crate::wire) fn encode(version: i32, reply: &Reply<'_>, out: &mut BytesMut) {
    if matches!(reply, Reply::HistoricalDataEnd { .. }) && version < since::HISTORICAL_DATA_END {
        // Older clients find it inside the data.
        return;
    }
    let writer = &mut Writer::new(out, version, reply.message_id());
    match reply {
        Reply::OpenOrder { .. }
        | Reply::Preview { .. }
        | Reply::OrderStatus { .. }
        | Reply::OpenOrderEnd
        | Reply::OrderBound { .. }
        | Reply::CompletedOrder { .. }
        | Reply::CompletedOrdersEnd
        | Reply::Execution { .. }
        | Reply::ExecutionsEnd { .. }
        | Reply::Commission(_) => order_replies::write(writer, reply),
        Reply::Position { .. }
        | Reply::PositionEnd
        | Reply::AccountValue { .. }
        | Reply::PortfolioValue(_)
        | Reply::AccountUpdateTime(_)
        | Reply::AccountDownloadEnd(_)
        | Reply::AccountSummary { .. }
        | Reply::AccountSummaryEnd { .. }
        | Reply::PositionMulti { .. }
        | Reply::PositionMultiEnd { .. }
        | Reply::AccountUpdateMulti { .. }
        | Reply::AccountUpdateMultiEnd { .. }
        | Reply::PnL { .. }
        | Reply::PnLSingle(_)
        | Reply::FamilyCodes(_) => account_replies::write(writer, reply),
        Reply::NextValidId(_)
        | Reply::ManagedAccounts(_)
        | Reply::Error { .. }
        | Reply::CurrentTime { .. }
        | Reply::CurrentTimeMillis { .. }
        | Reply::SoftDollarTiers { .. }
        | Reply::NewsProviders
        | Reply::UserInfo { .. } => write_session(writer, reply),
        Reply::ContractDetails { .. }
        | Reply::ContractDetailsEnd { .. }
        | Reply::MarketRule { .. }
        | Reply::SymbolSamples { .. }
        | Reply::OptionChain(_)
        | Reply::OptionChainEnd { .. } => write_contracts(writer, reply),
        Reply::HistoricalData(_)
        | Reply::HistoricalDataEnd { .. }
        | Reply::HistoricalUpdate { .. }
        | Reply::RealTimeBar { .. } => bars::write(writer, reply),
        Reply::MarketDataType { .. }
        | Reply::TickReqParams { .. }
        | Reply::TickPrice { .. }
        | Reply::TickSize { .. }
        | Reply::TickSnapshotEnd { .. }
        | Reply::MarketDepth(_)
        | Reply::DepthExchanges(_) => write_market(writer, reply),
    }
}

fn write_session(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::NextValidId(order_id) => writer.show(1).show(order_id),
        Reply::ManagedAccounts(accounts) => writer.show(1).text(accounts),
        Reply::Error { id, code, text, at_ms } => {
            if writer.version < since::ERROR_TIME {
                writer.show(2);
            }
            // A text field cannot be absent: no id is -1 here.
            writer.show(if *id == NO_ID { &-1 } else { id }).show(code).escaped(text);
            if writer.version >= since::ADVANCED_REJECT {
                writer.text("");
            }
            if writer.version >= since::ERROR_TIME {
                writer.show(at_ms);
            }
            writer
        }
        Reply::CurrentTime { seconds } => writer.show(1).show(seconds),
        Reply::CurrentTimeMillis { millis } => writer.show(millis),
        // An ordinary login has no tiers and no white brand.
        Reply::SoftDollarTiers { req_id } => writer.show(req_id).show(0),
        Reply::NewsProviders => writer.show(0),
        Reply::UserInfo { req_id } => writer.show(req_id).text(""),
        _ => {
            debug_assert!(false, "not a session reply");
            writer
        }
    };
}

fn write_contracts(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::ContractDetails { req_id, instrument, now } => {
            let contract = echo::contract(instrument, &instrument.exchange);
            contract::write_details(writer, *req_id, &contract, &echo::contract_details(instrument, *now));
        }
        Reply::ContractDetailsEnd { req_id } => {
            writer.show(1).show(req_id);
        }
        Reply::MarketRule { rule_id, steps } => write_market_rule(writer, *rule_id, steps),
        Reply::SymbolSamples { req_id, found } => write_samples(writer, *req_id, found),
        Reply::OptionChain(chain) => write_chain(writer, chain),
        Reply::OptionChainEnd { req_id } => {
            writer.show(req_id);
        }
        _ => debug_assert!(false, "not a contract reply"),
    }
}

fn write_market_rule(writer: &mut Writer<'_>, rule_id: i32, steps: &[TickStep]) {
    writer.show(rule_id).show(steps.len());
    for step in steps {
        writer
            .double(Some(to_double(step.low_edge)), unset::ZERO)
            .double(Some(to_double(step.increment)), unset::ZERO);
    }
}

fn write_samples(writer: &mut Writer<'_>, req_id: i32, found: &[&Instrument]) {
    writer.show(req_id).show(found.len());
    for instrument in found {
        writer
            .show(instrument.con_id)
            .text(&instrument.symbol)
            .text(instrument.sec_type.as_str())
            .text(&instrument.primary_exchange)
            .text(&instrument.currency)
            .show(0);
        if writer.version >= since::ISSUER_ID {
            writer.text(&instrument.long_name).text("");
        }
    }
}

fn write_chain(writer: &mut Writer<'_>, chain: &OptionChain<'_>) {
    writer
        .show(chain.req_id)
        .text(chain.exchange)
        .show(chain.underlying_con_id)
        .text(chain.trading_class)
        .show(chain.multiplier.normalize())
        .show(chain.expirations.len());
    for expiration in &chain.expirations {
        writer.text(expiration);
    }
    writer.show(chain.strikes.len());
    for strike in &chain.strikes {
        writer.double(Some(to_double(*strike)), unset::ZERO);
    }
}

fn write_market(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::MarketDataType { req_id, kind } => writer.show(1).show(req_id).show(kind),
        Reply::TickReqParams { req_id, min_tick } => {
            writer.show(req_id).show(min_tick.normalize()).text("9c0001").show(3)
        }
        Reply::TickPrice { req_id, field, price, size } => writer
            .show(6)
            .show(req_id)
            .show(field)
            // No price is written as -1, as the broker does.
            .double(Some(to_double(price.unwrap_or(Decimal::NEGATIVE_ONE))), unset::ZERO)
            .size(Some(&quantity_text(*size)), unset::ZERO)
            .show(0),
        Reply::TickSize { req_id, field, size } => {
            writer.show(6).show(req_id).show(field).size(Some(&quantity_text(*size)), unset::ZERO)
        }
        Reply::TickSnapshotEnd { req_id } => writer.show(1).show(req_id),
        Reply::MarketDepth(row) => write_depth(writer, row),
        Reply::DepthExchanges(venues) => {
            writer.show(venues.len());
            for (exchange, sec_type) in venues {
                // A group is a number, set or not.
                writer.text(exchange).text(sec_type).text("").text("Deep").text(unset::INT);
            }
            writer
        }
        _ => {
            debug_assert!(false, "not a market data reply");
            writer
        }
    };
}

fn write_depth<'a, 'b>(writer: &'a mut Writer<'b>, row: &DepthRow<'_>) -> &'a mut Writer<'b> {
    writer.show(1).show(row.req_id).show(row.position);
    if let Some(maker) = row.maker {
        writer.text(maker);
    }
    writer
        .show(row.operation)
        .show(row.side)
        .double(Some(to_double(row.level.price)), unset::ZERO)
        .size(Some(&quantity_text(row.level.size)), unset::ZERO);
    if row.maker.is_some() { writer.show(1) } else { writer }
}
