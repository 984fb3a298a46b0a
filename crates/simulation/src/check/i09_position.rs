//! Position conservation.

use std::collections::BTreeMap;

use alphec_core::Core;
use alphec_model::broker::Ticket;
use alphec_model::{AlertKind, Body};
use alphec_twsim::Truth;

use super::{Invariant, ON_ITS_WAY, Scene, Verdict};
use crate::clock::Instant;
use crate::profile::{self, LISTED};
use crate::sight::Sight;
use crate::wire::Sent;

/// Since when a break is on record, by instrument.
#[derive(Default)]
pub(super) struct PositionConservation {
    frozen: BTreeMap<String, Instant>,
    /// Breaks on record in this life of which people were not alerted yet; below zero when an alert came first.
    untold: i64,
}

impl Invariant for PositionConservation {
    fn number(&self) -> u8 {
        9
    }

    fn sentence(&self) -> &'static str {
        "Start plus signed fills, each in its latest revision, is the position; and in the end it is the broker's too, or a break is on record, people were alerted, and no order leaves for the instrument."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Born { .. } => {
                self.untold = 0;
                self.note(scene);
                Ok(())
            }
            Sight::Durable(records) => {
                let breaks =
                    records.iter().filter(|it| matches!(it.body, Body::PositionBroken { .. })).count();
                self.untold += i64::try_from(breaks).unwrap_or(i64::MAX);
                self.note(scene);
                Ok(())
            }
            Sight::Alerted(alert) => {
                self.untold -= i64::from(alert.kind == AlertKind::PositionBreak);
                Ok(())
            }
            Sight::Rest { .. } if self.untold > 0 => {
                Err("a position broke and nobody was alerted".to_owned())
            }
            Sight::Wire(Sent::Place(ticket) | Sent::Replace(ticket)) => self.judge(ticket, scene.now),
            Sight::Rest { core: Some(core), .. } if is_caught_up(core, scene) => own(core, scene),
            Sight::End { core, truth, .. } => {
                own(core, scene)?;
                if scene.ledger.can_see() { theirs(truth, scene) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

impl PositionConservation {
    fn note(&mut self, scene: &Scene<'_>) {
        self.frozen.retain(|instrument, _| scene.ledger.broken.contains_key(instrument));
        for instrument in scene.ledger.broken.keys() {
            self.frozen.entry(instrument.clone()).or_insert(scene.now);
        }
    }

    fn judge(&self, ticket: &Ticket, now: Instant) -> Verdict {
        let since = self.frozen.get(ticket.instrument.as_str());
        if since.is_some_and(|at| now.saturating_sub(*at) > ON_ITS_WAY) {
            let (id, instrument) = (ticket.broker_order_id, &ticket.instrument);
            return Err(format!("order {id} leaves, and a break of {instrument} is on record"));
        }
        Ok(())
    }
}

fn is_caught_up(core: &Core, scene: &Scene<'_>) -> bool {
    core.book().seq().map_or(0, alphec_model::Seq::get) == scene.ledger.seq
}

fn own(core: &Core, scene: &Scene<'_>) -> Verdict {
    if !is_caught_up(core, scene) {
        return Ok(());
    }
    for listed in &LISTED {
        let ours = core.book().exposure(&profile::account(), &profile::literal(listed.name)).position.get();
        let sum = scene.ledger.positions.get(listed.name).copied().unwrap_or_default();
        if ours != sum {
            return Err(format!("{} is {ours} by the engine and {sum} by its fills", listed.name));
        }
    }
    Ok(())
}

fn theirs(truth: &Truth, scene: &Scene<'_>) -> Verdict {
    for listed in LISTED.iter().filter(|listed| !listed.is_forex) {
        let theirs = truth.position(profile::ACCOUNT, listed.con_id);
        let ours = scene.ledger.positions.get(listed.name).copied().unwrap_or_default();
        let broken = scene.ledger.broken.get(listed.name).copied().unwrap_or_default();
        if theirs - ours != broken {
            return Err(format!(
                "{} is {theirs} at the broker and {ours} on record, and the break on record is {broken}",
                listed.name
            ));
        }
    }
    Ok(())
}
