//! Requests in text. Many begin with a version of their own message, which has not changed for years and is
//! skipped.

use super::fields::{FieldProblem, Fields};
use super::{bars, contract, place, since};
use crate::wire::catalog::{self, ReqIdAt};
use crate::wire::frame::FrameError;
use crate::wire::layout::OrderCancel;
use crate::wire::{
    DepthRequest, ExecutionFilter, MarketDataRequest, MultiRequest, OptionChainRequest, PlaceOrder, Request,
    SummaryRequest,
};

type Read<T = Request> = Result<T, FrameError>;

/// Reads one request from the fields behind its message id.
pub(in crate::wire) fn decode(version: i32, message_id: i32, body: &[u8]) -> Read {
    let fields = &mut Fields::of(message_id, body)?;
    let family = match message_id {
        3 | 4 | 5 | 7 | 15 | 16 | 58 | 99 => orders(message_id, fields, version),
        6 | 61..=64 | 74..=77 | 92..=95 => accounts(message_id, fields),
        1 | 2 | 9..=11 | 20 | 25 | 50 | 51 | 59 | 78 | 81 | 82 | 91 | 106 => {
            contracts_and_market(message_id, fields, version)
        }
        _ => session(message_id, fields),
    };
    match family? {
        Some(request) => Ok(request),
        None => unsupported(message_id, body),
    }
}

fn session(message_id: i32, fields: &mut Fields<'_>) -> Read<Option<Request>> {
    let request = match message_id {
        71 => {
            fields.skip(1)?;
            Request::StartApi { client_id: fields.id()? }
        }
        8 => Request::Ids,
        14 => Request::SetServerLogLevel,
        17 => Request::ManagedAccounts,
        49 => Request::CurrentTime,
        105 => Request::CurrentTimeMillis,
        79 => Request::SoftDollarTiers { req_id: fields.id()? },
        80 => Request::FamilyCodes,
        85 => Request::NewsProviders,
        104 => Request::UserInfo { req_id: fields.id()? },
        _ => return Ok(None),
    };
    Ok(Some(request))
}

fn orders(message_id: i32, fields: &mut Fields<'_>, version: i32) -> Read<Option<Request>> {
    let request = match message_id {
        3 => Request::PlaceOrder(Box::new(PlaceOrder::of(place::read(fields, version)?))),
        4 => cancel_order(fields, version)?,
        5 => Request::OpenOrders,
        7 => executions(fields, version)?,
        15 => {
            fields.skip(1)?;
            Request::AutoOpenOrders { bind: fields.flag()?.unwrap_or(false) }
        }
        16 => Request::AllOpenOrders,
        58 => Request::GlobalCancel,
        99 => Request::CompletedOrders { api_only: fields.flag()?.unwrap_or(false) },
        _ => return Ok(None),
    };
    Ok(Some(request))
}

fn accounts(message_id: i32, fields: &mut Fields<'_>) -> Read<Option<Request>> {
    // The older half of them has a message version first.
    if message_id < 90 {
        fields.skip(1)?;
    }
    let request = match message_id {
        6 => Request::AccountUpdates {
            subscribe: fields.flag()?.unwrap_or(false),
            account: fields.str()?.to_owned(),
        },
        61 => Request::Positions,
        62 => Request::AccountSummary(SummaryRequest {
            req_id: fields.id()?,
            group: fields.str()?.to_owned(),
            tags: fields.str()?.to_owned(),
        }),
        63 => Request::CancelAccountSummary { req_id: fields.id()? },
        64 => Request::CancelPositions,
        74 => Request::PositionsMulti(multi(fields)?),
        75 => Request::CancelPositionsMulti { req_id: fields.id()? },
        76 => Request::AccountUpdatesMulti(multi(fields)?),
        77 => Request::CancelAccountUpdatesMulti { req_id: fields.id()? },
        92 => Request::PnL { req_id: fields.id()?, account: fields.str()?.to_owned() },
        93 => Request::CancelPnL { req_id: fields.id()? },
        94 => {
            let (req_id, account) = (fields.id()?, fields.str()?.to_owned());
            fields.skip(1)?;
            Request::PnLSingle { req_id, account, con_id: fields.int()?.unwrap_or(0) }
        }
        95 => Request::CancelPnLSingle { req_id: fields.id()? },
        _ => return Ok(None),
    };
    Ok(Some(request))
}

fn multi(fields: &mut Fields<'_>) -> Read<MultiRequest> {
    Ok(MultiRequest {
        req_id: fields.id()?,
        account: fields.str()?.to_owned(),
        model: fields.str()?.to_owned(),
    })
}

fn contracts_and_market(message_id: i32, fields: &mut Fields<'_>, version: i32) -> Read<Option<Request>> {
    let request = match message_id {
        1 => market_data(fields)?,
        2 => {
            fields.skip(1)?;
            Request::CancelMarketData { req_id: fields.id()? }
        }
        9 => contract_details(fields, version)?,
        10 => market_depth(fields)?,
        11 => {
            fields.skip(1)?;
            Request::CancelMarketDepth { req_id: fields.id()? }
        }
        82 => Request::DepthExchanges,
        20 => bars::read_history(fields)?,
        25 => {
            fields.skip(1)?;
            Request::CancelHistoricalData { req_id: fields.id()? }
        }
        50 => bars::read_live(fields)?,
        51 => {
            fields.skip(1)?;
            Request::CancelRealTimeBars { req_id: fields.id()? }
        }
        59 => {
            fields.skip(1)?;
            Request::MarketDataType { kind: fields.int()?.unwrap_or(1) }
        }
        78 => Request::SecDefOptParams(Box::new(OptionChainRequest {
            req_id: fields.id()?,
            symbol: fields.str()?.to_owned(),
            exchange: fields.str()?.to_owned(),
            sec_type: fields.str()?.to_owned(),
            con_id: fields.int()?.unwrap_or(0),
        })),
        81 => Request::MatchingSymbols { req_id: fields.id()?, pattern: fields.str()?.to_owned() },
        91 => Request::MarketRule { rule_id: fields.int()?.unwrap_or(0) },
        106 => Request::CancelContractDetails { req_id: fields.id()? },
        _ => return Ok(None),
    };
    Ok(Some(request))
}

fn market_data(fields: &mut Fields<'_>) -> Read {
    fields.skip(1)?;
    let req_id = fields.id()?;
    let mut query = contract::read(fields)?;
    contract::read_legs_of_bag(fields, &mut query)?;
    query.delta_neutral_contract = contract::read_delta_neutral(fields)?;
    // Generic ticks: the venue has none.
    fields.skip(1)?;
    let (snapshot, regulatory) = (fields.flag()?, fields.flag()?);
    let snapshot = snapshot.or(regulatory).unwrap_or(false);
    Ok(Request::MarketData(Box::new(MarketDataRequest { req_id, query, snapshot })))
}

fn market_depth(fields: &mut Fields<'_>) -> Read {
    fields.skip(1)?;
    Ok(Request::MarketDepth(Box::new(DepthRequest {
        req_id: fields.id()?,
        query: contract::read(fields)?,
        rows: fields.int()?.unwrap_or(0),
        smart: fields.flag()?.unwrap_or(false),
    })))
}

fn contract_details(fields: &mut Fields<'_>, version: i32) -> Read {
    fields.skip(1)?;
    let req_id = fields.id()?;
    let mut query = contract::read(fields)?;
    query.include_expired = fields.flag()?;
    query.sec_id_type = fields.text()?;
    query.sec_id = fields.text()?;
    if version >= since::ISSUER_ID {
        query.issuer_id = fields.text()?;
    }
    Ok(Request::ContractDetails { req_id, query: Box::new(query) })
}

fn cancel_order(fields: &mut Fields<'_>, version: i32) -> Read {
    let mut particulars = OrderCancel::default();
    if version < since::CME_TAGGING {
        fields.skip(1)?;
    }
    let order_id = fields.id()?;
    if version >= since::MANUAL_ORDER_TIME {
        particulars.manual_order_cancel_time = fields.text()?;
    }
    if (since::RFQ_FIELDS..since::UNDO_RFQ_FIELDS).contains(&version) {
        fields.skip(3)?;
    }
    if version >= since::CME_TAGGING {
        particulars.ext_operator = fields.text()?;
        particulars.manual_order_indicator = fields.int()?;
    }
    Ok(Request::CancelOrder { order_id, particulars: Box::new(particulars) })
}

fn executions(fields: &mut Fields<'_>, version: i32) -> Read {
    fields.skip(1)?;
    let req_id = fields.id()?;
    let mut filter = ExecutionFilter {
        client_id: fields.int()?.unwrap_or(0),
        account: fields.str()?.to_owned(),
        time: fields.str()?.to_owned(),
        symbol: fields.str()?.to_owned(),
        sec_type: fields.str()?.to_owned(),
        exchange: fields.str()?.to_owned(),
        side: fields.str()?.to_owned(),
        ..ExecutionFilter::default()
    };
    if version >= since::DAYS_OF_EXECUTIONS {
        filter.last_n_days = fields.int()?.unwrap_or(0);
        for _ in 0..fields.count()? {
            filter.specific_dates.push(fields.id()?);
        }
    }
    Ok(Request::Executions { req_id, filter: Box::new(filter) })
}

/// A request nobody serves is named, and refused under its own request id if it carries one.
fn unsupported(message_id: i32, body: &[u8]) -> Read {
    let Some(known) = catalog::request(message_id) else { return Ok(Request::Unknown { message_id }) };
    let req_id = match known.req_id {
        ReqIdAt::Nowhere => None,
        ReqIdAt::Field(at) => {
            let mut fields = Fields::of(message_id, body)?;
            fields.skip(at)?;
            Some(fields.int()?.ok_or_else(|| fields.last_problem(FieldProblem::Missing))?)
        }
    };
    Ok(Request::Unsupported { name: known.name, req_id })
}
