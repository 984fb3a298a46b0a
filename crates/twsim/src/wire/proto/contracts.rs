//! Contracts: the description used in every other family, details, market rules, symbol search.

use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Decoded, ReqId, put_message, put_req_id, read, text};
use crate::venue::{Instrument, SecType};
use crate::wire::number::to_double;
use crate::wire::{ContractQuery, Reply, Request};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Contract {
    #[prost(int32, optional, tag = "1")]
    con_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    symbol: Option<String>,
    #[prost(string, optional, tag = "3")]
    sec_type: Option<String>,
    #[prost(string, optional, tag = "4")]
    expiry: Option<String>,
    #[prost(double, optional, tag = "5")]
    strike: Option<f64>,
    #[prost(string, optional, tag = "6")]
    right: Option<String>,
    #[prost(double, optional, tag = "7")]
    multiplier: Option<f64>,
    #[prost(string, optional, tag = "8")]
    exchange: Option<String>,
    #[prost(string, optional, tag = "9")]
    primary_exchange: Option<String>,
    #[prost(string, optional, tag = "10")]
    currency: Option<String>,
    #[prost(string, optional, tag = "11")]
    local_symbol: Option<String>,
    #[prost(string, optional, tag = "12")]
    trading_class: Option<String>,
    #[prost(string, optional, tag = "21")]
    last_trade_date: Option<String>,
}

impl Contract {
    /// The contract as the broker writes it, at `exchange`.
    pub(super) fn of(instrument: &Instrument, exchange: &str) -> Self {
        let derivative = matches!(instrument.sec_type, SecType::Future | SecType::Option);
        Self {
            con_id: Some(instrument.con_id),
            symbol: text(&instrument.symbol),
            sec_type: text(instrument.sec_type.as_str()),
            expiry: text(&instrument.expiry),
            strike: instrument.strike.map(to_double),
            right: instrument.right.map(|right| right.as_str().to_owned()),
            multiplier: derivative.then(|| to_double(instrument.multiplier)),
            exchange: text(exchange),
            primary_exchange: text(&instrument.primary_exchange),
            currency: text(&instrument.currency),
            local_symbol: text(&instrument.local_symbol),
            trading_class: text(&instrument.trading_class),
            last_trade_date: text(&instrument.expiry),
        }
    }

    pub(super) fn into_query(self) -> ContractQuery {
        ContractQuery {
            con_id: self.con_id.unwrap_or_default(),
            symbol: self.symbol.unwrap_or_default(),
            sec_type: self.sec_type.unwrap_or_default(),
            expiry: self.expiry.unwrap_or_default(),
            strike: self.strike.unwrap_or_default(),
            right: self.right.unwrap_or_default(),
            exchange: self.exchange.unwrap_or_default(),
            currency: self.currency.unwrap_or_default(),
            local_symbol: self.local_symbol.unwrap_or_default(),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct ContractRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(string, optional, tag = "1")]
    market_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    min_tick: Option<String>,
    #[prost(string, optional, tag = "3")]
    order_types: Option<String>,
    #[prost(string, optional, tag = "4")]
    valid_exchanges: Option<String>,
    #[prost(int32, optional, tag = "5")]
    price_magnifier: Option<i32>,
    #[prost(string, optional, tag = "7")]
    long_name: Option<String>,
    #[prost(string, optional, tag = "8")]
    contract_month: Option<String>,
    #[prost(string, optional, tag = "12")]
    time_zone: Option<String>,
    #[prost(string, optional, tag = "21")]
    market_rule_ids: Option<String>,
    #[prost(string, optional, tag = "22")]
    real_expiration: Option<String>,
    #[prost(string, optional, tag = "23")]
    stock_type: Option<String>,
    #[prost(string, optional, tag = "24")]
    min_size: Option<String>,
    #[prost(string, optional, tag = "25")]
    size_increment: Option<String>,
    #[prost(string, optional, tag = "26")]
    suggested_size_increment: Option<String>,
}

impl Details {
    fn of(instrument: &Instrument) -> Self {
        let exchanges = exchanges(instrument);
        let rule = instrument.market_rule_id.to_string();
        Self {
            market_name: text(&instrument.trading_class),
            min_tick: Some(instrument.min_tick().normalize().to_string()),
            order_types: text("LMT,MKT,STP,STPLMT,DAY,GTC,GTD,IOC,FOK"),
            market_rule_ids: Some(vec![rule.as_str(); exchanges.len()].join(",")),
            valid_exchanges: Some(exchanges.join(",")),
            price_magnifier: Some(1),
            long_name: text(&instrument.long_name),
            contract_month: instrument.expiry.get(..6).and_then(text),
            time_zone: text("UTC"),
            real_expiration: text(&instrument.expiry),
            stock_type: matches!(instrument.sec_type, SecType::Stock).then(|| "COMMON".to_owned()),
            min_size: text("1"),
            size_increment: text("1"),
            suggested_size_increment: text("1"),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct ContractData {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    details: Option<Details>,
}

#[derive(Clone, PartialEq, Message)]
struct MarketRuleRequest {
    #[prost(int32, optional, tag = "1")]
    rule_id: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct PriceIncrement {
    #[prost(double, optional, tag = "1")]
    low_edge: Option<f64>,
    #[prost(double, optional, tag = "2")]
    increment: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct MarketRule {
    #[prost(int32, optional, tag = "1")]
    rule_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    steps: Vec<PriceIncrement>,
}

#[derive(Clone, PartialEq, Message)]
struct MatchingSymbols {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pattern: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SymbolSample {
    #[prost(message, optional, tag = "1")]
    contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message)]
struct SymbolSamples {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SymbolSample>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        9 => read(id, body, |m: ContractRequest| Request::ContractDetails {
            req_id: m.req_id.unwrap_or(-1),
            query: Box::new(m.contract.unwrap_or_default().into_query()),
        }),
        106 => read(id, body, |m: ReqId| Request::CancelContractDetails { req_id: m.req_id.unwrap_or(-1) }),
        91 => read(id, body, |m: MarketRuleRequest| Request::MarketRule { rule_id: m.rule_id.unwrap_or(0) }),
        81 => read(id, body, |m: MatchingSymbols| Request::MatchingSymbols {
            req_id: m.req_id.unwrap_or(-1),
            pattern: m.pattern.unwrap_or_default(),
        }),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::ContractDetails { req_id, instrument } => {
            let message = ContractData {
                req_id: Some(*req_id),
                contract: Some(Contract::of(instrument, &instrument.exchange)),
                details: Some(Details::of(instrument)),
            };
            put_message(out, 10, &message);
        }
        Reply::ContractDetailsEnd { req_id } => put_req_id(out, 52, *req_id),
        Reply::MarketRule { rule_id, steps } => {
            let steps = steps
                .iter()
                .map(|step| PriceIncrement {
                    low_edge: Some(to_double(step.low_edge)),
                    increment: Some(to_double(step.increment)),
                })
                .collect();
            put_message(out, 93, &MarketRule { rule_id: Some(*rule_id), steps });
        }
        Reply::SymbolSamples { req_id, found } => {
            let samples = found
                .iter()
                .map(|instrument| SymbolSample {
                    contract: Some(Contract::of(instrument, &instrument.exchange)),
                })
                .collect();
            put_message(out, 79, &SymbolSamples { req_id: Some(*req_id), samples });
        }
        _ => debug_assert!(false, "not a contract reply"),
    }
}

fn exchanges(instrument: &Instrument) -> Vec<&str> {
    let mut all = vec![instrument.exchange.as_str()];
    if !instrument.primary_exchange.is_empty() {
        all.push(&instrument.primary_exchange);
    }
    all
}
