//! Checks of orders that do not trade: each is cancelled before the next begins, or by a later check.

use anyhow::Context;

use super::fields::Body;
use super::session::{Session, ask, opened, order_ids, tell};
use super::start::{second_link, to_the_end};

pub(super) async fn preview(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?.flag(65, true);
    let id = session.order_id();
    let said = session.place(id, &order).await?;
    let listed = session.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
    if order_ids(&listed.rows).contains(&id) {
        session.cancel(id).await?;
        return Ok(format!("{said}; an order works"));
    }
    Ok(format!("{said}; no order"))
}

pub(super) async fn resting(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?;
    let id = session.order_id();
    session.subject = Some(id);
    session.place(id, &order).await
}

/// The order that several checks are about.
fn subject(session: &Session) -> anyhow::Result<i32> {
    session.subject.context("no order rests")
}

pub(super) async fn echoed_price(session: &mut Session) -> anyhow::Result<String> {
    let far = session.far()?;
    listed_price(session, far, "as sent").await
}

/// Compares the price of the subject in the list of open orders.
async fn listed_price(session: &mut Session, price: f64, good: &str) -> anyhow::Result<String> {
    let id = subject(session)?;
    let listed = session.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
    let Some(order) = opened(&listed.rows, id) else { return Ok("not listed".to_owned()) };
    let echoed = order.double(9);
    // Both are whole dollars.
    let is_same = echoed.is_some_and(|echoed| (echoed - price).abs() < 1e-9);
    Ok(if is_same { good.to_owned() } else { format!("listed at {echoed:?}, sent {price}") })
}

pub(super) async fn changed(session: &mut Session) -> anyhow::Result<String> {
    let order = session.order("BUY", "LMT").double(9, session.far()? - 1.0);
    let id = subject(session)?;
    session.place(id, &order).await
}

pub(super) async fn changed_off_grid(session: &mut Session) -> anyhow::Result<String> {
    let order = session.order("BUY", "LMT").double(9, session.far()? - 0.999);
    let id = subject(session)?;
    session.place(id, &order).await
}

pub(super) async fn still_working(session: &mut Session) -> anyhow::Result<String> {
    let price = session.far()? - 1.0;
    listed_price(session, price, "works at the price before").await
}

pub(super) async fn other_client(session: &mut Session) -> anyhow::Result<String> {
    let id = subject(session)?;
    let mut other = second_link(session, "other").await?;
    other.send(ask::START, &Body::default().int(1, session.target.client_id + 1)).await?;
    to_the_end(&mut other, session.target.quiet).await?;
    let mut seen = Vec::new();
    for list in [ask::OPEN_ORDERS, ask::ALL_OPEN_ORDERS] {
        other.send(list, &Body::default()).await?;
        let (heard, _) = to_the_end(&mut other, session.target.quiet).await?;
        seen.push(if order_ids(&heard).contains(&id) { "with it" } else { "without it" });
    }
    Ok(format!("own: {}; all: {}", seen[0], seen[1]))
}

pub(super) async fn other_cancel(session: &mut Session) -> anyhow::Result<String> {
    let id = subject(session)?;
    let mut other = second_link(session, "other").await?;
    other.send(ask::START, &Body::default().int(1, session.target.client_id + 1)).await?;
    to_the_end(&mut other, session.target.quiet).await?;
    other.send(ask::CANCEL, &Body::default().int(1, id)).await?;
    let (heard, _) = to_the_end(&mut other, session.target.quiet).await?;
    Ok(session.words(&heard, id))
}

pub(super) async fn come_back(session: &mut Session) -> anyhow::Result<String> {
    let id = subject(session)?;
    let unasked = session.come_back().await?;
    let replayed = session.words(&unasked, id);
    let listed = session.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
    let found = if order_ids(&listed.rows).contains(&id) { "listed when asked for" } else { "not listed" };
    Ok(format!("{replayed} replayed; {found}"))
}

pub(super) async fn cancelled(session: &mut Session) -> anyhow::Result<String> {
    let id = subject(session)?;
    session.cancel(id).await
}

pub(super) async fn cancelled_again(session: &mut Session) -> anyhow::Result<String> {
    let id = subject(session)?;
    let first = session.cancel(id).await?;
    Ok(format!("{first}; {}", session.cancel(id).await?))
}

pub(super) async fn cancel_unknown(session: &mut Session) -> anyhow::Result<String> {
    let id = session.order_id() + 100_000;
    session.cancel(id).await
}

pub(super) async fn old_id(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?;
    let id = subject(session)?;
    session.place(id, &order).await
}

pub(super) async fn off_grid(session: &mut Session) -> anyhow::Result<String> {
    let order = session.order("BUY", "LMT").double(9, session.far()? + 0.001);
    place_and_cancel(session, &order).await
}

pub(super) async fn no_quantity(session: &mut Session) -> anyhow::Result<String> {
    // The later field counts.
    let order = session.resting()?.text(6, "0");
    place_and_cancel(session, &order).await
}

pub(super) async fn stop(session: &mut Session) -> anyhow::Result<String> {
    let order = session.order("SELL", "STP").double(10, session.far()?);
    place_and_cancel(session, &order).await
}

pub(super) async fn immediate(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?.text(11, "IOC");
    place_and_cancel(session, &order).await
}

pub(super) async fn bad_date(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?.text(11, "GTD").text(26, "20991331 99:00:00");
    place_and_cancel(session, &order).await
}

/// What is said about an order; if it works all the same, it is cancelled.
async fn place_and_cancel(session: &mut Session, order: &Body) -> anyhow::Result<String> {
    let id = session.order_id();
    let said = session.place(id, order).await?;
    if said.contains("OO") && !said.contains("Cancelled") {
        session.cancel(id).await?;
    }
    Ok(said)
}

pub(super) async fn parked(session: &mut Session) -> anyhow::Result<String> {
    let id = session.order_id();
    let order = session.resting()?.flag(66, false);
    let said = session.place(id, &order).await?;
    let listed = session.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
    let found = if order_ids(&listed.rows).contains(&id) { "listed" } else { "not listed" };
    Ok(format!("{said}; {found}; cancelled by {}", session.cancel(id).await?))
}

pub(super) async fn orphan(session: &mut Session) -> anyhow::Result<String> {
    let parent = session.order_id() + 50_000;
    let order = session.resting()?.int(4, parent);
    place_and_cancel(session, &order).await
}

pub(super) async fn bracket(session: &mut Session) -> anyhow::Result<String> {
    let (parent, child) = (session.order_id(), session.order_id());
    let opening = session.resting()?.flag(66, false);
    session.place(parent, &opening).await?;
    let profit = session.order("SELL", "LMT").double(9, session.far()? * 2.0).int(4, parent);
    let said = session.place(child, &profit).await?;
    if !said.contains("OO PreSubmitted") {
        session.cancel(parent).await?;
        return Ok(format!("the child: {said}"));
    }
    let heard = session.ask(ask::CANCEL, &Body::default().int(1, parent)).await?;
    let ended = session.words(&heard, child);
    Ok(if ended.contains("Cancelled") {
        "its child ends too".to_owned()
    } else {
        format!("the child: {ended}")
    })
}

pub(super) async fn all_or_none(session: &mut Session) -> anyhow::Result<String> {
    let order = session.resting()?.flag(16, true);
    place_and_cancel(session, &order).await
}

/// An order that rests in a one-cancels-all group of type 1, under a name that no other order has.
fn member(session: &Session, name: i32) -> anyhow::Result<Body> {
    Ok(session.resting()?.text(27, &format!("conformance {name}")).int(30, 1))
}

pub(super) async fn group(session: &mut Session) -> anyhow::Result<String> {
    let (first, second) = (session.order_id(), session.order_id());
    let order = member(session, first)?;
    session.place(first, &order).await?;
    session.place(second, &order).await?;
    let heard = session.ask(ask::CANCEL, &Body::default().int(1, first)).await?;
    let ended = session.words(&heard, second);
    if ended.contains("Cancelled") {
        return Ok("the other ends too".to_owned());
    }
    session.cancel(second).await?;
    Ok(format!("the other: {ended}"))
}

pub(super) async fn regrouped(session: &mut Session) -> anyhow::Result<String> {
    let id = session.order_id();
    let (order, changed) = (member(session, id)?, member(session, id + 1)?);
    session.place(id, &order).await?;
    let said = session.place(id, &changed).await?;
    session.cancel(id).await?;
    Ok(said)
}
