//! Position conservation.

use alphec_core::Core;
use alphec_twsim::Truth;

use super::{Invariant, Scene, Verdict};
use crate::profile::{self, LISTED};
use crate::sight::Sight;

pub(super) struct PositionConservation;

impl Invariant for PositionConservation {
    fn number(&self) -> u8 {
        9
    }

    fn sentence(&self) -> &'static str {
        "Start plus signed fills, each in its latest revision, is the position; and in the end it is the broker's too, or a break is on record and the instrument frozen."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        match scene.sight {
            Sight::Rest { core: Some(core), .. } if is_caught_up(core, scene) => own(core, scene),
            Sight::End { core, truth, .. } => {
                own(core, scene)?;
                if scene.ledger.can_see() { theirs(truth, scene) } else { Ok(()) }
            }
            _ => Ok(()),
        }
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
