//! Contracts and market data.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::convert::find;
use super::{ConnId, Desk};
use crate::venue::{Quote, Refusal, SecType, UtcNs};
use crate::wire::{Contract, MarketDataRequest, OptionChain, OptionChainRequest, Reply};

/// Tick types on the wire.
mod field {
    pub(super) const BID_SIZE: i32 = 0;
    pub(super) const BID: i32 = 1;
    pub(super) const ASK: i32 = 2;
    pub(super) const ASK_SIZE: i32 = 3;
    pub(super) const LAST: i32 = 4;
    pub(super) const LAST_SIZE: i32 = 5;
}

/// Rows of a symbol search, as many as the broker sends.
const SYMBOL_SAMPLES_MAX: usize = 16;

impl Desk {
    pub(super) fn contract_details(&mut self, now: UtcNs, conn: ConnId, req_id: i32, query: &Contract) {
        let found = match find(&self.venue, query) {
            Ok(found) if !found.is_empty() => found,
            Ok(_) => return self.refuse_request(now, conn, req_id, &Refusal::UnknownContract),
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        for instrument in found {
            self.lines.send(now, conn, &Reply::ContractDetails { req_id, instrument, now });
        }
        self.lines.send(now, conn, &Reply::ContractDetailsEnd { req_id });
    }

    pub(super) fn market_rule(&mut self, now: UtcNs, conn: ConnId, rule_id: i32) {
        let known = self.venue.instruments().find(|instrument| instrument.market_rule_id == rule_id);
        if let Some(instrument) = known {
            self.lines.send(now, conn, &Reply::MarketRule { rule_id, steps: &instrument.ticks });
        } else {
            let text = format!("Error validating request.-'sim' : cause - market rule {rule_id} is unknown");
            self.lines.error(now, conn, -1, (321, &text));
        }
    }

    pub(super) fn matching_symbols(&mut self, now: UtcNs, conn: ConnId, req_id: i32, pattern: &str) {
        let pattern = pattern.to_uppercase();
        let found = self
            .venue
            .instruments()
            .filter(|it| it.symbol.starts_with(&pattern) || it.long_name.to_uppercase().contains(&pattern))
            .take(SYMBOL_SAMPLES_MAX)
            .map(|instrument| &**instrument)
            .collect();
        self.lines.send(now, conn, &Reply::SymbolSamples { req_id, found });
    }

    /// Chains by exchange and class; an underlying without options has an end and nothing before it.
    pub(super) fn option_chain(&mut self, now: UtcNs, conn: ConnId, wanted: &OptionChainRequest) {
        let mut chains: BTreeMap<(&str, &str), OptionChain<'_>> = BTreeMap::new();
        for option in self.venue.instruments() {
            let fits = option.sec_type == SecType::Option
                && option.symbol == wanted.symbol
                && (wanted.exchange.is_empty() || option.exchange == wanted.exchange);
            let Some(strike) = option.strike.filter(|_| fits) else { continue };
            let chain =
                chains.entry((&option.exchange, &option.trading_class)).or_insert_with(|| OptionChain {
                    req_id: wanted.req_id,
                    exchange: &option.exchange,
                    underlying_con_id: wanted.con_id,
                    trading_class: &option.trading_class,
                    multiplier: option.multiplier,
                    expirations: Vec::new(),
                    strikes: Vec::new(),
                });
            chain.expirations.push(&option.expiry);
            chain.strikes.push(strike);
        }
        for mut chain in chains.into_values() {
            chain.expirations.sort_unstable();
            chain.expirations.dedup();
            chain.strikes.sort_unstable();
            chain.strikes.dedup();
            self.lines.send(now, conn, &Reply::OptionChain(Box::new(chain)));
        }
        self.lines.send(now, conn, &Reply::OptionChainEnd { req_id: wanted.req_id });
    }

    pub(super) fn market_data(&mut self, now: UtcNs, conn: ConnId, wanted: &MarketDataRequest) {
        let req_id = wanted.req_id;
        let instrument = match self.resolve(now, &wanted.query) {
            Ok(instrument) => instrument,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let Some(quote) = self.venue.quote(instrument.con_id) else { return };
        if !wanted.snapshot && !self.takes_line(now, conn, (req_id, instrument.con_id)) {
            return;
        }
        self.lines.send(now, conn, &Reply::MarketDataType { req_id, kind: 1 });
        self.lines.send(now, conn, &Reply::TickReqParams { req_id, min_tick: instrument.min_tick() });
        self.send_ticks(now, conn, req_id, &quote);
        if wanted.snapshot {
            self.lines.send(now, conn, &Reply::TickSnapshotEnd { req_id });
        } else if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.market_data.insert(req_id, instrument.con_id);
        }
    }

    pub(super) fn cancel_market_data(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.market_data.remove(&req_id);
        }
    }

    /// Accepted and remembered; the data is live whatever was asked for, as with a full subscription.
    pub(super) fn market_data_type(&mut self, conn: ConnId, kind: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.market_data_type = Some(kind);
        }
    }

    pub(super) fn send_ticks(&mut self, now: UtcNs, conn: ConnId, req_id: i32, quote: &Quote) {
        let sides = [
            (field::BID, field::BID_SIZE, quote.bid, quote.bid_size),
            (field::ASK, field::ASK_SIZE, quote.ask, quote.ask_size),
            (field::LAST, field::LAST_SIZE, quote.last, quote.last_size),
        ];
        for (price_field, size_field, price, size) in sides {
            let size = if price.is_some() { size } else { Decimal::ZERO };
            self.lines.send(now, conn, &Reply::TickPrice { req_id, field: price_field, price, size });
            self.lines.send(now, conn, &Reply::TickSize { req_id, field: size_field, size });
        }
    }

    pub(super) fn refuse_request(&mut self, now: UtcNs, conn: ConnId, req_id: i32, refusal: &Refusal) {
        self.lines.error(now, conn, req_id, (refusal.code(), &refusal.text()));
    }
}
