//! Accounts: positions, values, summaries, profit and loss.

use bytes::{Bytes, BytesMut};
use prost::Message;

use super::{Decoded, Empty, ReqId, Told, put_message, put_req_id, read, tell};
use crate::wire::layout::Contract;
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{MultiRequest, Reply, Request, SummaryRequest, echo};

#[derive(Clone, PartialEq, Message)]
struct AccountDataRequest {
    #[prost(bool, optional, tag = "1")]
    subscribe: Option<bool>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryAsked {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    group: Option<String>,
    #[prost(string, optional, tag = "3")]
    tags: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct PnLRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct PnLSingleRequest {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(int32, optional, tag = "4")]
    con_id: Option<i32>,
}

/// Both requests that name an account and a model.
#[derive(Clone, PartialEq, Message)]
struct Multi {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(string, optional, tag = "3")]
    model: Option<String>,
}

impl From<Multi> for MultiRequest {
    fn from(message: Multi) -> Self {
        Self {
            req_id: message.req_id.unwrap_or(-1),
            account: message.account.unwrap_or_default(),
            model: message.model.unwrap_or_default(),
        }
    }
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct Position {
    #[prost(string, optional, tag = "1")]
    account: Option<String>,
    #[prost(message, optional, tag = "2")]
    contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    quantity: Option<String>,
    #[prost(double, optional, tag = "4")]
    avg_cost: Option<f64>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct AccountValue {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
    #[prost(string, optional, tag = "3")]
    currency: Option<String>,
    #[prost(string, optional, tag = "4")]
    account: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct PortfolioValue {
    #[prost(message, optional, tag = "1")]
    contract: Option<Contract>,
    #[prost(string, optional, tag = "2")]
    quantity: Option<String>,
    #[prost(double, optional, tag = "3")]
    market_price: Option<f64>,
    #[prost(double, optional, tag = "4")]
    market_value: Option<f64>,
    #[prost(double, optional, tag = "5")]
    avg_cost: Option<f64>,
    #[prost(double, optional, tag = "6")]
    unrealized: Option<f64>,
    #[prost(double, optional, tag = "7")]
    realized: Option<f64>,
    #[prost(string, optional, tag = "8")]
    account: Option<String>,
}

/// A message that is one text: the time of an account update, or the account whose download ended.
#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct OneText {
    #[prost(string, optional, tag = "1")]
    value: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct AccountSummary {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(string, optional, tag = "3")]
    tag: Option<String>,
    #[prost(string, optional, tag = "4")]
    value: Option<String>,
    #[prost(string, optional, tag = "5")]
    currency: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Message, serde::Serialize)]
struct PnL {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(double, optional, tag = "2")]
    daily: Option<f64>,
    #[prost(double, optional, tag = "3")]
    unrealized: Option<f64>,
    #[prost(double, optional, tag = "4")]
    realized: Option<f64>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct PnLSingle {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    position: Option<String>,
    #[prost(double, optional, tag = "3")]
    daily: Option<f64>,
    #[prost(double, optional, tag = "4")]
    unrealized: Option<f64>,
    #[prost(double, optional, tag = "5")]
    realized: Option<f64>,
    #[prost(double, optional, tag = "6")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct PositionMulti {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(message, optional, tag = "3")]
    contract: Option<Contract>,
    #[prost(string, optional, tag = "4")]
    quantity: Option<String>,
    #[prost(double, optional, tag = "5")]
    avg_cost: Option<f64>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct AccountUpdateMulti {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    account: Option<String>,
    #[prost(string, optional, tag = "4")]
    key: Option<String>,
    #[prost(string, optional, tag = "5")]
    value: Option<String>,
    #[prost(string, optional, tag = "6")]
    currency: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct FamilyCode {
    #[prost(string, optional, tag = "1")]
    account: Option<String>,
    #[prost(string, optional, tag = "2")]
    code: Option<String>,
}

#[derive(Clone, PartialEq, Message, serde::Serialize)]
struct FamilyCodes {
    #[prost(message, repeated, tag = "1")]
    codes: Vec<FamilyCode>,
}

pub(super) fn decode(id: i32, body: &Bytes) -> Decoded {
    match id {
        61 => read(id, body, |_: Empty| Request::Positions),
        64 => read(id, body, |_: Empty| Request::CancelPositions),
        6 => read(id, body, |m: AccountDataRequest| Request::AccountUpdates {
            subscribe: m.subscribe.unwrap_or(false),
            account: m.account.unwrap_or_default(),
        }),
        62 => read(id, body, |m: SummaryAsked| {
            Request::AccountSummary(SummaryRequest {
                req_id: m.req_id.unwrap_or(-1),
                group: m.group.unwrap_or_default(),
                tags: m.tags.unwrap_or_default(),
            })
        }),
        63 => read(id, body, |m: ReqId| Request::CancelAccountSummary { req_id: m.req_id.unwrap_or(-1) }),
        92 => read(id, body, |m: PnLRequest| Request::PnL {
            req_id: m.req_id.unwrap_or(-1),
            account: m.account.unwrap_or_default(),
        }),
        93 => read(id, body, |m: ReqId| Request::CancelPnL { req_id: m.req_id.unwrap_or(-1) }),
        94 => read(id, body, |m: PnLSingleRequest| Request::PnLSingle {
            req_id: m.req_id.unwrap_or(-1),
            account: m.account.unwrap_or_default(),
            con_id: m.con_id.unwrap_or(0),
        }),
        95 => read(id, body, |m: ReqId| Request::CancelPnLSingle { req_id: m.req_id.unwrap_or(-1) }),
        74 => read(id, body, |m: Multi| Request::PositionsMulti(m.into())),
        75 => read(id, body, |m: ReqId| Request::CancelPositionsMulti { req_id: m.req_id.unwrap_or(-1) }),
        76 => read(id, body, |m: Multi| Request::AccountUpdatesMulti(m.into())),
        77 => {
            read(id, body, |m: ReqId| Request::CancelAccountUpdatesMulti { req_id: m.req_id.unwrap_or(-1) })
        }
        80 => read(id, body, |_: Empty| Request::FamilyCodes),
        _ => None,
    }
}

pub(super) fn describe(id: i32, body: &Bytes) -> Option<Told> {
    match id {
        61 => tell::<Position>(body),
        62 => tell::<Empty>(body),
        6 => tell::<AccountValue>(body),
        7 => tell::<PortfolioValue>(body),
        8 | 54 => tell::<OneText>(body),
        63 => tell::<AccountSummary>(body),
        64 | 72 | 74 => tell::<ReqId>(body),
        71 => tell::<PositionMulti>(body),
        73 => tell::<AccountUpdateMulti>(body),
        78 => tell::<FamilyCodes>(body),
        94 => tell::<PnL>(body),
        95 => tell::<PnLSingle>(body),
        _ => None,
    }
}

pub(super) fn encode(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::Position { account, instrument, quantity, avg_cost } => {
            // Futures come without an exchange here, as from the broker.
            let message = Position {
                account: Some((*account).to_owned()),
                contract: Some(echo::contract(instrument, "")),
                quantity: Some(quantity_text(*quantity)),
                avg_cost: Some(to_double(*avg_cost)),
            };
            put_message(out, 61, &message);
        }
        Reply::PositionEnd => put_message(out, 62, &Empty {}),
        Reply::AccountValue { account, key, value, currency } => {
            let message = AccountValue {
                key: Some((*key).to_owned()),
                value: Some(value.to_string()),
                currency: Some((*currency).to_owned()),
                account: Some((*account).to_owned()),
            };
            put_message(out, 6, &message);
        }
        Reply::PortfolioValue(line) => {
            let message = PortfolioValue {
                contract: Some(echo::contract(line.instrument, &line.instrument.primary_exchange)),
                quantity: Some(quantity_text(line.quantity)),
                market_price: Some(to_double(line.market_price)),
                market_value: Some(to_double(line.market_value)),
                avg_cost: Some(to_double(line.avg_cost)),
                unrealized: Some(to_double(line.unrealized)),
                realized: Some(to_double(line.realized)),
                account: Some(line.account.to_owned()),
            };
            put_message(out, 7, &message);
        }
        Reply::AccountUpdateTime(time) => put_message(out, 8, &OneText { value: Some(time.clone()) }),
        Reply::AccountDownloadEnd(account) => {
            put_message(out, 54, &OneText { value: Some((*account).to_owned()) });
        }
        Reply::AccountSummary { req_id, account, tag, value, currency } => {
            let message = AccountSummary {
                req_id: Some(*req_id),
                account: Some((*account).to_owned()),
                tag: Some((*tag).to_owned()),
                value: Some(value.to_string()),
                currency: Some((*currency).to_owned()),
            };
            put_message(out, 63, &message);
        }
        Reply::AccountSummaryEnd { req_id } => put_req_id(out, 64, *req_id),
        Reply::PnL { req_id, daily, unrealized, realized } => {
            let message = PnL {
                req_id: Some(*req_id),
                daily: Some(to_double(*daily)),
                unrealized: Some(to_double(*unrealized)),
                realized: Some(to_double(*realized)),
            };
            put_message(out, 94, &message);
        }
        _ => encode_more(reply, out),
    }
}

/// The forms that name a request.
fn encode_more(reply: &Reply<'_>, out: &mut BytesMut) {
    match reply {
        Reply::PositionMulti { req_id, account, instrument, quantity, avg_cost } => {
            let message = PositionMulti {
                req_id: Some(*req_id),
                account: Some((*account).to_owned()),
                contract: Some(echo::contract(instrument, "")),
                quantity: Some(quantity_text(*quantity)),
                avg_cost: Some(to_double(*avg_cost)),
            };
            put_message(out, 71, &message);
        }
        Reply::PositionMultiEnd { req_id } => put_req_id(out, 72, *req_id),
        Reply::AccountUpdateMulti { req_id, account, key, value, currency } => {
            let message = AccountUpdateMulti {
                req_id: Some(*req_id),
                account: Some((*account).to_owned()),
                key: Some((*key).to_owned()),
                value: Some(value.to_string()),
                currency: Some((*currency).to_owned()),
            };
            put_message(out, 73, &message);
        }
        Reply::AccountUpdateMultiEnd { req_id } => put_req_id(out, 74, *req_id),
        Reply::PnLSingle(pnl) => {
            let message = PnLSingle {
                req_id: Some(pnl.req_id),
                position: Some(quantity_text(pnl.position)),
                daily: Some(to_double(pnl.daily)),
                unrealized: Some(to_double(pnl.unrealized)),
                realized: Some(to_double(pnl.realized)),
                value: Some(to_double(pnl.value)),
            };
            put_message(out, 95, &message);
        }
        Reply::FamilyCodes(accounts) => {
            // No family, no code.
            let codes = accounts
                .iter()
                .map(|account| FamilyCode { account: Some((*account).to_owned()), code: None })
                .collect();
            put_message(out, 78, &FamilyCodes { codes });
        }
        _ => debug_assert!(false, "not an account reply"),
    }
}
