//! Reservation.

use alphec_core::Core;
use alphec_twsim::venue::{Side, VenueOutput};

use super::ledger::Ledger;
use super::{Invariant, Scene, Verdict};
use crate::profile::{self, LISTED};
use crate::sight::Sight;

#[derive(Default)]
pub(super) struct Reservation {
    is_due: bool,
}

impl Invariant for Reservation {
    fn number(&self) -> u8 {
        11
    }

    fn sentence(&self) -> &'static str {
        "What is reserved covers what any open or unknown order at the venue can still fill; it is released only by an end on record, after absence by the end of its watch."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Venue(VenueOutput::Order(_)) => {
                self.is_due = true;
                Ok(())
            }
            Sight::Rest { core: Some(core), .. } if core::mem::take(&mut self.is_due) => check(core, scene),
            _ => Ok(()),
        }
    }
}

fn check(core: &Core, scene: &Scene<'_>) -> Verdict {
    for listed in &LISTED {
        for side in [Side::Buy, Side::Sell] {
            let (mut open, mut reserved) = (Vec::new(), Vec::new());
            for held in scene
                .ledger
                .open
                .values()
                .filter(|report| report.spec.con_id == listed.con_id && report.spec.side == side)
            {
                let Some(key) = scene.ledger.by_ref.get(&*held.spec.order_ref) else { continue };
                let Some(order) = core.book().order(key) else {
                    return Err(format!("{key} is open at the venue and not in the book"));
                };
                // An end on record: whether that one is true is for other invariants. Absence is one only once the
                // watch is over; the book may be ahead of what is durable.
                let is_current = core.book().seq().is_some_and(|seq| seq.get() == scene.ledger.seq);
                let intent = scene.ledger.intents.get(key);
                let is_watched = is_current && intent.is_some_and(|intent| intent.is_watched);
                // The other life of one that was split counts with the orders of others.
                let is_other_life = scene.ledger.splits(&held.spec.order_ref) > 0
                    && order.perm_id.is_none_or(|perm_id| perm_id.get() != held.perm_id);
                // A fill that was taken back leaves more at the venue than anybody asked for.
                let was_corrected = scene.ledger.was_group_corrected(order);
                if (order.state.is_terminal() && !is_watched) || is_other_life || was_corrected {
                    continue;
                }
                let may_fill = if is_watched {
                    order.leaves_at(order.worst_order_qty())
                } else {
                    order.worst_leaves_qty()
                };
                open.push((order, held.remaining));
                reserved.push((order, may_fill.get()));
            }
            let (open, reserved) = (Ledger::worst(open.into_iter()), Ledger::worst(reserved.into_iter()));
            let exposure = core.book().exposure(&profile::account(), &profile::literal(listed.name));
            let sum = if side == Side::Buy { exposure.buy_leaves } else { exposure.sell_leaves };
            if open > reserved {
                return Err(format!("{open} of {} can fill, {reserved} are reserved", listed.name));
            }
            if reserved > sum {
                return Err(format!("orders of {} reserve {reserved}, the sum says {sum}", listed.name));
            }
        }
    }
    Ok(())
}
