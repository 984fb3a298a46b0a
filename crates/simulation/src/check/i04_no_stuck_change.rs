//! No lost order: and none that cannot be changed any more.

use std::collections::BTreeSet;

use alphec_core::Reply;
use alphec_model::{ClientOrderId, Command};

use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

/// What was lost is asked for once more after everything healed (`World::change_again`).
#[derive(Default)]
pub(super) struct NoStuckChange {
    /// Denied then, as the gate may.
    denied: BTreeSet<ClientOrderId>,
}

impl Invariant for NoStuckChange {
    fn number(&self) -> u8 {
        4
    }

    fn sentence(&self) -> &'static str {
        "In the end no change of an order that works at the venue is in flight: each was taken over, refused, or gave way to the next one."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        if !scene.ledger.can_see() {
            return Ok(());
        }
        match scene.sight {
            Sight::Answered(Command::Modify(request), Ok(Reply::ReplaceDenied { reason, .. })) => {
                let is_stuck = ["another change is in flight", "the change before has not left yet"];
                if is_stuck.iter().any(|what| reason.to_string().contains(what)) {
                    return Err(format!("{} cannot be changed any more", request.client_order_id));
                }
                self.denied.insert(request.client_order_id.clone());
                Ok(())
            }
            Sight::End { .. } => scene.ledger.live().map(|intent| &intent.order).try_for_each(|order| {
                let (key, replace) = (&order.client_order_id, order.pending.replace.as_ref());
                // One that is over there and whose fills were corrected is for a person to settle.
                let order_ref = order.order_ref.as_ref().map_or("", |text| text.as_str());
                let works = scene.ledger.is_open(order_ref) && !self.denied.contains(key);
                match replace.filter(|_| works) {
                    Some(replace) => Err(format!("version {} of {key} is in flight still", replace.version)),
                    None => Ok(()),
                }
            }),
            _ => Ok(()),
        }
    }
}
