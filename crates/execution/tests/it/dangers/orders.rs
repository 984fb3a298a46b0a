//! New orders and changes: rejected, informed about, held, swallowed, misnamed.

use alphec_execution::model::{AlertKind, OrderState};

use super::world::{NARROW, QUIET, World, buy, market, reach, until};

/// Danger 14: a code that is known to kill ends an order that was never acknowledged.
#[tokio::test]
async fn a_rejection_without_a_status_ends_the_order() {
    for code in [110, 103, 200, 387, 321] {
        let world = World::ready(&[&format!("reject={code}")]).await;
        let order = world.submit(buy("10", "195.00")).await;
        reach(&order, OrderState::Rejected).await;
        let reason = world.order(&order).await.reject_reason;
        assert_eq!(reason.map(|reason| reason.code), Some(code));
        world.ends(0).await;
    }
}

/// Danger 14: a code that nobody knows proves nothing: in doubt, exposure reserved, never sent again.
#[tokio::test]
async fn a_code_that_nobody_knows_leaves_the_order_in_doubt() {
    let mut world = World::started(&["reject=10318"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    world.hears(AlertKind::OrderInDoubt).await;
    reach(&order, OrderState::InDoubt).await;
    world.reserves_exposure().await;
    world.ends(0).await;
}

/// Danger 15: only the change fails; the order lives on at its old terms, and its fills count.
#[tokio::test]
async fn a_rejected_modification_leaves_the_order_at_its_old_terms() {
    for code in [110, 321, 105, 329] {
        let world = World::ready(&[&format!("reject-modify={code}")]).await;
        let order = world.working(buy("10", "195.00")).await;
        world.client.modify_order(order.client_order_id(), buy("10", "196.00")).await.unwrap();
        until("the end of the change", || async { world.order(&order).await.pending.replace.is_none() })
            .await;
        let after = world.order(&order).await;
        assert_eq!((after.state, after.spec), (OrderState::Working, buy("10", "195.00")), "{code}");
        assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
        reach(&order, OrderState::Filled).await;
        world.holds("10").await;
        world.ends(1).await;
    }
}

/// Danger 15: a change that meets a filled order fails, and the fill counts.
#[tokio::test]
async fn a_modification_that_comes_too_late_finds_the_order_filled() {
    let world = World::ready(&["fill-during-modify"]).await;
    let order = world.working(buy("10", "195.00")).await;
    world.client.modify_order(order.client_order_id(), buy("10", "194.00")).await.unwrap();
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 16: a code that only informs ends nothing, and nothing is sent again.
#[tokio::test]
async fn an_informational_code_ends_nothing() {
    for code in ["10349", "2109", "2161", "404", "(code=399, text=\"Warning: later\")"] {
        let fault = if code.starts_with('(') { format!("inform{code}") } else { format!("inform={code}") };
        let world = World::ready(&[&fault]).await;
        let order = world.working(buy("10", "195.00")).await;
        let filled = world.submit(market("1")).await;
        reach(&filled, OrderState::Filled).await;
        assert_eq!(world.order(&order).await.state, OrderState::Working, "{code}");
        world.ends(2).await;
    }
}

/// Danger 16: a 399 without "Warning:" can be a rejection: in doubt, with its exposure, until the broker shows the order.
#[tokio::test]
async fn a_399_that_may_be_a_rejection_leaves_the_order_in_doubt_until_it_shows() {
    let fault = "inform(code=399, text=\"Order Message: not accepted\")";
    let mut world = World::started(&[fault], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    let alert = world.hears(AlertKind::OrderInDoubt).await;
    assert!(alert.text.contains("not accepted"), "{}", alert.text);
    world.reserves_exposure().await;
    reach(&order, OrderState::Working).await;
    assert!(world.gateway.set_price("AAPL", "194.00".parse().unwrap()));
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 16: a 202 is the end of an order and not a rejection of it; one that it was told of and that works on is
/// canceled, and nothing is sent in its place.
#[tokio::test]
async fn an_order_that_a_202_was_told_of_and_that_works_on_is_canceled() {
    let world = World::ready(&["inform=202"]).await;
    let order = world.submit(buy("10", "195.00")).await;
    let told = order.until(|order| order.state != OrderState::PendingNew).await.unwrap();
    assert_eq!(told.state, OrderState::Canceled);
    until("the cancel", || async {
        world.gateway.truth().orders.iter().all(|order| order.ended_at.is_some())
    })
    .await;
    assert_eq!(world.order(&order).await.state, OrderState::Canceled);
    world.holds("0").await;
    world.ends(1).await;
}

/// Danger 17: `Inactive` alone ends nothing; a rejection beside it does.
#[tokio::test]
async fn a_held_order_is_live_and_fills_when_shares_are_found() {
    let world = World::ready(&["locate-hold=1500ms"]).await;
    let order = world.submit(market("10")).await;
    tokio::time::sleep(QUIET).await;
    assert!(world.order(&order).await.state.reserves_exposure());
    reach(&order, OrderState::Filled).await;
    world.holds("10").await;
    world.ends(1).await;
}

/// Danger 17: `Inactive` alone ends nothing; a rejection beside it does.
#[tokio::test]
async fn inactive_beside_a_rejection_is_the_end() {
    let world = World::ready(&["reject(code=201, status=inactive)"]).await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::Rejected).await;
    world.ends(1).await;
}

/// Danger 18: silence is doubt, with its alert and its exposure; what shows up later is the same order.
#[tokio::test]
async fn an_order_that_is_never_answered_is_in_doubt_and_found_when_it_appears() {
    let mut world = World::started(&["swallow(late=2s)"], NARROW, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    let alert = world.hears(AlertKind::OrderInDoubt).await;
    assert_eq!(alert.client_order_id.as_ref(), Some(order.client_order_id()));
    world.reserves_exposure().await;
    reach(&order, OrderState::Working).await;
    world.ends(1).await;
}

/// Danger 18: an order that was given up as gone and shows up after all counts again and is canceled.
#[tokio::test]
async fn an_order_that_was_given_up_and_appears_is_canceled() {
    let more = "timeouts.absent_ms = 200\nwhen_in_doubt = \"cancel-probe\"";
    let mut world = World::started(&["swallow(late=6s)"], more, |it| it).await;
    world.is_ready().await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::Canceled).await;
    world.hears(AlertKind::LateArrival).await;
    until("the cancel", || async {
        world.gateway.truth().orders.iter().all(|order| order.ended_at.is_some())
    })
    .await;
    world.holds("0").await;
    world.ends(1).await;
}

/// Danger 32: an error that names no order is attributed to none; the order it was about is in doubt.
#[tokio::test]
async fn a_rejection_under_another_id_leaves_no_order_pending_for_ever() {
    for fault in ["error-id", "error-id(absent=yes)", "error-id=77"] {
        let mut world = World::ready(&[fault, "reject(code=110, status=none)"]).await;
        let order = world.submit(buy("10", "195.00")).await;
        world.hears(AlertKind::OrderInDoubt).await;
        reach(&order, OrderState::InDoubt).await;
        world.ends(0).await;
    }
}

/// Danger 32: the code decides, whatever the language of the text.
#[tokio::test]
async fn a_rejection_in_another_language_is_one() {
    let world = World::ready(&["error-text=\"Auftrag abgelehnt\"", "reject=201"]).await;
    let order = world.submit(buy("10", "195.00")).await;
    reach(&order, OrderState::Rejected).await;
    world.ends(1).await;
}
