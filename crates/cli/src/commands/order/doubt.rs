//! Staying for orders in doubt: the engine that looks into the broker's books must live for a few rounds of them.

use std::time::Duration;

use alphec_execution::model::{ClientOrderId, Order, OrderState};
use tokio::time::Instant;

use super::watch::watch;
use crate::commands::one_shot::OneShot;
use crate::render;

/// Waits until the doubt about each of these orders is settled, or the time is up, and says which: also of those that the
/// first reading of the books has settled. One that was absent and is placed again is in no doubt any more, and settled
/// by its answer.
pub(super) async fn settle(one_shot: &OneShot, orders: &[Order], patience: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + patience;
    let is_settled = |order: &Order| !matches!(order.state, OrderState::InDoubt | OrderState::PendingNew);
    for order in orders {
        let id: &ClientOrderId = &order.client_order_id;
        if is_settled(order) && !one_shot.doubts.contains(id) {
            continue;
        }
        let handle = one_shot.client.order(id).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let order = watch(&handle, left, is_settled).await?;
        render::warning(&match order.state {
            OrderState::InDoubt => format!(
                "order {id} is still in doubt after {patience:?}: it may be live at the broker, and stays reserved; \
                 look again later, with a longer --timeout, or look for it in TWS"
            ),
            OrderState::PendingNew => format!(
                "order {id} was placed again and has no answer after {patience:?}: look again later, with a longer \
                 --timeout, or look for it in TWS"
            ),
            state => format!("order {id} was in doubt; the broker's books settled it: {state}"),
        });
    }
    Ok(())
}
