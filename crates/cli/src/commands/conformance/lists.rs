//! Checks of what can be asked for: contracts, prices, lists, accounts.

use anyhow::Context;

use super::fields::Body;
use super::session::{Session, ask, errors, tell};

pub(super) async fn contract(session: &mut Session) -> anyhow::Result<String> {
    let wanted =
        Body::default().text(2, &session.target.symbol).text(3, "STK").text(8, "SMART").text(10, "USD");
    let body = Body::default().int(1, session.request_id()).nested(2, &wanted);
    let listed = session.list(ask::CONTRACT, &body, tell::CONTRACT_END).await?;
    if let Some(row) = listed.rows.iter().find(|frame| frame.id == tell::CONTRACT) {
        let contract = row.fields.nested(2).unwrap_or_default();
        session.con_id = contract.int(1).and_then(|id| i32::try_from(id).ok());
        let details = row.fields.nested(3).unwrap_or_default();
        let rules = details.text(21).unwrap_or_default().split(',');
        session.rule_id = rules.into_iter().find_map(|rule| rule.parse().ok());
    }
    Ok(listed.describe(tell::CONTRACT))
}

pub(super) async fn unknown_contract(session: &mut Session) -> anyhow::Result<String> {
    let wanted = Body::default().text(2, "ZZZZZZ").text(3, "STK").text(8, "SMART").text(10, "USD");
    let body = Body::default().int(1, session.request_id()).nested(2, &wanted);
    Ok(session.list(ask::CONTRACT, &body, tell::CONTRACT_END).await?.describe(tell::CONTRACT))
}

pub(super) async fn market_rule(session: &mut Session) -> anyhow::Result<String> {
    let rule_id = session.rule_id.context("contract details named no market rule")?;
    let heard = session.ask(ask::MARKET_RULE, &Body::default().int(1, rule_id)).await?;
    let ladder = heard.iter().find(|frame| frame.id == tell::MARKET_RULE);
    Ok(match ladder.map(|frame| frame.fields.count(2)) {
        Some(0) => "an empty ladder".to_owned(),
        Some(_) => "a ladder".to_owned(),
        None => errors(&heard),
    })
}

/// Live or delayed, from ask, last, close or bid, in this order.
pub(super) async fn price(session: &mut Session) -> anyhow::Result<String> {
    const DELAYED: i32 = 3;
    const KINDS: [i64; 8] = [2, 67, 4, 68, 9, 75, 1, 66];
    let con_id = session.con_id.context("the instrument is not known")?;
    let request = session.request_id();
    session.link.send(ask::DATA_TYPE, &Body::default().int(1, DELAYED)).await?;
    let wanted = Body::default().int(1, con_id).text(8, "SMART");
    let heard = session.ask(ask::MARKET_DATA, &Body::default().int(1, request).nested(2, &wanted)).await?;
    session.ask(ask::CANCEL_MARKET_DATA, &Body::default().int(1, request)).await?;
    let of_kind = |kind| {
        let mut ticks = heard.iter().filter(|frame| frame.id == tell::TICK_PRICE);
        ticks.find_map(|frame| (frame.fields.int(2) == Some(kind)).then(|| frame.fields.double(3))?)
    };
    let price = KINDS.into_iter().find_map(|kind| of_kind(kind).filter(|price| *price > 0.0));
    if session.far.is_none() {
        session.far = price.map(|price| (price * 0.9).floor());
    }
    Ok(if price.is_some() { "known".to_owned() } else { errors(&heard) })
}

/// An hour of middle prices in minutes, under this request id.
fn bars(session: &Session, request: i32, size: &str) -> anyhow::Result<Body> {
    let con_id = session.con_id.context("the instrument is not known")?;
    let wanted = Body::default().int(1, con_id).text(8, "SMART");
    let body = Body::default().int(1, request).nested(2, &wanted).text(4, size).text(5, "3600 S");
    Ok(body.text(7, "MIDPOINT").int(8, 1))
}

pub(super) async fn history(session: &mut Session) -> anyhow::Result<String> {
    let request = session.request_id();
    let body = bars(session, request, "1 min")?;
    Ok(session.list(ask::HISTORY, &body, tell::HISTORY_END).await?.describe(tell::HISTORY))
}

pub(super) async fn bar_size(session: &mut Session) -> anyhow::Result<String> {
    let request = session.request_id();
    let body = bars(session, request, "7 mins")?;
    Ok(session.list(ask::HISTORY, &body, tell::HISTORY_END).await?.describe(tell::HISTORY))
}

pub(super) async fn history_over(session: &mut Session) -> anyhow::Result<String> {
    let request = session.request_id();
    let body = bars(session, request, "5 mins")?;
    session.list(ask::HISTORY, &body, tell::HISTORY_END).await?;
    Ok(errors(&session.ask(ask::CANCEL_HISTORY, &Body::default().int(1, request)).await?))
}

pub(super) async fn open_orders(session: &mut Session) -> anyhow::Result<String> {
    let listed = session.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
    Ok(listed.describe(tell::OPEN_ORDER))
}

pub(super) async fn auto_bind(session: &mut Session) -> anyhow::Result<String> {
    Ok(errors(&session.ask(ask::AUTO_OPEN_ORDERS, &Body::default().flag(1, true)).await?))
}

pub(super) async fn positions(session: &mut Session) -> anyhow::Result<String> {
    let listed = session.list(ask::POSITIONS, &Body::default(), tell::POSITIONS_END).await?;
    session.link.send(ask::CANCEL_POSITIONS, &Body::default()).await?;
    // An account may hold something or not.
    Ok(if listed.ended { "an end".to_owned() } else { listed.describe(tell::POSITION) })
}

pub(super) async fn summary(session: &mut Session) -> anyhow::Result<String> {
    let request = session.request_id();
    let listed = session.list(ask::SUMMARY, &wanted(request), tell::SUMMARY_END).await?;
    session.link.send(ask::CANCEL_SUMMARY, &Body::default().int(1, request)).await?;
    Ok(listed.describe(tell::SUMMARY))
}

pub(super) async fn third_summary(session: &mut Session) -> anyhow::Result<String> {
    let requests = [session.request_id(), session.request_id(), session.request_id()];
    let mut last = String::new();
    for request in requests {
        let listed = session.list(ask::SUMMARY, &wanted(request), tell::SUMMARY_END).await?;
        last = listed.describe(tell::SUMMARY);
    }
    for request in requests {
        session.link.send(ask::CANCEL_SUMMARY, &Body::default().int(1, request)).await?;
    }
    session.listen().await?;
    Ok(last)
}

fn wanted(request: i32) -> Body {
    Body::default().int(1, request).text(2, "All").text(3, "NetLiquidation,TotalCashValue")
}

pub(super) async fn account_updates(session: &mut Session) -> anyhow::Result<String> {
    let account = session.greeting.accounts.first().cloned().unwrap_or_default();
    let body = |subscribe| Body::default().flag(1, subscribe).text(2, &account);
    let listed = session.list(ask::ACCOUNT_UPDATES, &body(true), tell::ACCOUNT_END).await?;
    session.link.send(ask::ACCOUNT_UPDATES, &body(false)).await?;
    session.listen().await?;
    Ok(listed.describe(tell::ACCOUNT_VALUE))
}
