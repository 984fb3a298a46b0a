//! Contracts: the description used in every other family, details, market rules, symbol search.

use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Decoded, ReqId, Told, put_message, put_req_id, read, tell};
use crate::wire::echo::text;
use crate::wire::layout::{Contract, ContractDetails};
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{OptionChainRequest, Reply, Request, echo};

#[derive(Clone, PartialEq, Message)]
struct ContractRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct ContractData {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    details: Option<ContractDetails>,
}

#[derive(Clone, PartialEq, Message)]
struct MarketRuleRequest {
    #[prost(int32, optional, tag = "1")]
    rule_id: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct PriceIncrement {
    #[prost(double, optional, tag = "1")]
    low_edge: Option<f64>,
    #[prost(double, optional, tag = "2")]
    increment: Option<f64>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
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

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct SymbolSample {
    #[prost(message, optional, tag = "1")]
    contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct SymbolSamples {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SymbolSample>,
}

#[derive(Clone, PartialEq, Message)]
struct ChainRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    symbol: Option<String>,
    #[prost(string, optional, tag = "3")]
    exchange: Option<String>,
    #[prost(string, optional, tag = "4")]
    sec_type: Option<String>,
    #[prost(int32, optional, tag = "5")]
    con_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct Chain {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    exchange: Option<String>,
    #[prost(int32, optional, tag = "3")]
    underlying_con_id: Option<i32>,
    #[prost(string, optional, tag = "4")]
    trading_class: Option<String>,
    #[prost(string, optional, tag = "5")]
    multiplier: Option<String>,
    #[prost(string, repeated, tag = "6")]
    expirations: Vec<String>,
    #[prost(double, repeated, tag = "7")]
    strikes: Vec<f64>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        9 => read(id, body, |m: ContractRequest| Request::ContractDetails {
            req_id: m.req_id.unwrap_or(-1),
            query: Box::new(m.contract.unwrap_or_default()),
        }),
        106 => read(id, body, |m: ReqId| Request::CancelContractDetails { req_id: m.req_id.unwrap_or(-1) }),
        91 => read(id, body, |m: MarketRuleRequest| Request::MarketRule { rule_id: m.rule_id.unwrap_or(0) }),
        81 => read(id, body, |m: MatchingSymbols| Request::MatchingSymbols {
            req_id: m.req_id.unwrap_or(-1),
            pattern: m.pattern.unwrap_or_default(),
        }),
        78 => read(id, body, |m: ChainRequest| {
            Request::SecDefOptParams(Box::new(OptionChainRequest {
                req_id: m.req_id.unwrap_or(-1),
                symbol: m.symbol.unwrap_or_default(),
                exchange: m.exchange.unwrap_or_default(),
                sec_type: m.sec_type.unwrap_or_default(),
                con_id: m.con_id.unwrap_or(0),
            }))
        }),
        _ => None,
    }
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        10 => tell::<ContractData>(body),
        52 | 76 => tell::<ReqId>(body),
        75 => tell::<Chain>(body),
        79 => tell::<SymbolSamples>(body),
        93 => tell::<MarketRule>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::ContractDetails { req_id, instrument, now } => {
            let message = ContractData {
                req_id: Some(*req_id),
                contract: Some(echo::contract(instrument, &instrument.exchange)),
                details: Some(echo::contract_details(instrument, *now)),
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
                    contract: Some(echo::contract(instrument, &instrument.exchange)),
                })
                .collect();
            put_message(out, 79, &SymbolSamples { req_id: Some(*req_id), samples });
        }
        Reply::OptionChain(chain) => {
            let message = Chain {
                req_id: Some(chain.req_id),
                exchange: text(chain.exchange),
                underlying_con_id: Some(chain.underlying_con_id),
                trading_class: text(chain.trading_class),
                multiplier: Some(quantity_text(chain.multiplier)),
                expirations: chain.expirations.iter().map(|date| (*date).to_owned()).collect(),
                strikes: chain.strikes.iter().map(|strike| to_double(*strike)).collect(),
            };
            put_message(out, 75, &message);
        }
        Reply::OptionChainEnd { req_id } => put_req_id(out, 76, *req_id),
        _ => debug_assert!(false, "not a contract reply"),
    }
}
