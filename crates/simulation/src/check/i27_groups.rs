//! Groups.

use alphec_model::{Evidence, LegRole, OrderState};

use super::ledger::{Intent, Ledger};
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;

pub(super) struct Groups;

impl Invariant for Groups {
    fn number(&self) -> u8 {
        27
    }

    fn sentence(&self) -> &'static str {
        "In the end no exit lives whose entry ended unfilled, nothing that opens lives in a group of which a leg never stood, and no leg waits untransmitted at the broker."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { parked, .. } = scene.sight else { return Ok(()) };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        if let Some(order_ref) = parked.iter().find(|text| scene.ledger.by_ref.contains_key(*text)) {
            return Err(format!("{order_ref} waits untransmitted at the broker"));
        }
        scene.ledger.intents.values().try_for_each(|intent| judge(intent, scene.ledger))
    }
}

fn judge(intent: &Intent, ledger: &Ledger) -> Verdict {
    let Some(leg) = &intent.order.leg else { return Ok(()) };
    let key = &intent.order.client_order_id;
    let lives = |other: &Intent| other.order.state == OrderState::Working;
    let mut others = ledger.intents.values().filter(|other| {
        other.order.leg.as_ref().is_some_and(|theirs| theirs.group == leg.group)
            && other.order.client_order_id != *key
    });
    let ended_unfilled = intent.order.state.is_terminal() && intent.order.cum_qty.is_zero();
    let stranded = match leg.role {
        LegRole::Parent if ended_unfilled => others.find(|other| lives(other)),
        _ if never_stood(intent) => others.find(|other| {
            lives(other) && other.order.leg.as_ref().is_some_and(|theirs| theirs.role != LegRole::Child)
        }),
        _ => None,
    };
    match stranded {
        Some(other) => Err(format!(
            "{} lives, and {key} of its group is {}",
            other.order.client_order_id, intent.order.state
        )),
        None => Ok(()),
    }
}

/// Whether the broker never had it, and nobody wanted it gone.
fn never_stood(intent: &Intent) -> bool {
    let is_asked = intent.order.pending.cancel_asked_at.is_some();
    let is_unheard = matches!(intent.evidence, Some(Evidence::NotWritten { .. } | Evidence::Absent { .. }));
    matches!(intent.order.state, OrderState::Rejected | OrderState::Denied) || (is_unheard && !is_asked)
}
