//! Checks that trade one share and sell it again, and the look back at the end.

use std::collections::BTreeSet;

use anyhow::Context;

use super::fields::{Body, Fields};
use super::link::Frame;
use super::session::{Session, ask, tell};

pub(super) async fn bought(session: &mut Session) -> anyhow::Result<String> {
    let order = session.order("BUY", "MKT");
    let id = session.order_id();
    session.bought = Some(id);
    let said = session.place(id, &order).await?;
    // The market may be closed; then nothing may be left for its opening.
    if !said.contains("Filled") && !said.contains("EX") {
        let ended = session.cancel(id).await?;
        return Ok(format!("{said}; not filled, {ended}"));
    }
    Ok(said)
}

pub(super) async fn execution_again(session: &mut Session) -> anyhow::Result<String> {
    let id = session.bought.context("nothing was bought")?;
    let request = session.request_id();
    let filter = Body::default().int(1, session.target.client_id);
    let body = Body::default().int(1, request).nested(2, &filter);
    let listed = session.list(ask::EXECUTIONS, &body, tell::EXECUTIONS_END).await?;
    let of_order = |frame: &&Frame| {
        let execution = frame.fields.nested(3).unwrap_or_default();
        frame.id == tell::EXECUTION && execution.int(1) == Some(i64::from(id))
    };
    let rows: Vec<&Frame> = listed.rows.iter().filter(of_order).collect();
    let requests: BTreeSet<Option<i64>> = rows.iter().map(|frame| frame.fields.int(1)).collect();
    Ok(match (rows.len(), requests.contains(&Some(i64::from(request)))) {
        (1, true) => "the same execution, under the request's id".to_owned(),
        (count, _) => format!("{count} executions, under ids {requests:?}"),
    })
}

pub(super) async fn sold(session: &mut Session) -> anyhow::Result<String> {
    if session.net <= alphec_execution::model::Decimal::ZERO {
        anyhow::bail!("nothing was bought");
    }
    let order = session.order("SELL", "MKT");
    let id = session.order_id();
    let body = session.placement(id, &order)?;
    let heard = session.ask(ask::PLACE, &body).await?;
    let said = session.words(&heard, id);
    let realized = heard.iter().filter(|frame| frame.id == tell::COMMISSION);
    let is_set = |fields: &Fields| fields.double(4).is_some_and(|value| value.abs() < 1e300);
    let has_profit = realized.map(|frame| &frame.fields).any(is_set);
    Ok(if has_profit { format!("{said} with a profit or loss") } else { said })
}

/// Totals of the filled order and of the one that was cancelled first.
pub(super) async fn completed(session: &mut Session) -> anyhow::Result<String> {
    let ids = (session.bought.context("nothing was bought")?, session.subject.context("no order rested")?);
    let listed = session.list(ask::COMPLETED, &Body::default().flag(1, false), tell::COMPLETED_END).await?;
    if !listed.ended {
        return Ok(listed.describe(tell::COMPLETED));
    }
    let totals = |id: i32| {
        let orders = listed.rows.iter().filter(|frame| frame.id == tell::COMPLETED);
        let mut orders = orders.filter_map(|frame| frame.fields.nested(2));
        let is_it = |order: &Fields| {
            order.int(2) == Some(i64::from(id)) && order.int(1) == Some(i64::from(session.target.client_id))
        };
        orders.find(is_it).map_or_else(
            || "not listed".to_owned(),
            |order| {
                let quantity = |tag| order.text(tag).unwrap_or("absent").to_owned();
                format!("total {}, filled {}", quantity(6), quantity(115))
            },
        )
    };
    Ok(format!("filled: {}; cancelled: {}", totals(ids.0), totals(ids.1)))
}

/// Ends what works and evens out what was traded.
pub(super) async fn clean(session: &mut Session) -> anyhow::Result<String> {
    let left = session.clean_up().await?;
    let order = match left {
        0 => "no order".to_owned(),
        left => format!("{left} orders"),
    };
    let position =
        if session.net.is_zero() { "no position".to_owned() } else { format!("{} bought", session.net) };
    Ok(format!("{order}, {position}"))
}
