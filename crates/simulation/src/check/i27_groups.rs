//! Groups.

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::{
    AlertKind, Body, BrokerEvent, ClientOrderId, Command, Evidence, LegRole, OrderState, Record,
};

use super::ledger::{Intent, Ledger};
use super::{Invariant, Scene, Verdict};
use crate::sight::Sight;
use crate::wire::Sent;

/// Orders that an operator settled, and whether the cancel that leaves with it did, or could not.
#[derive(Default)]
pub(super) struct Groups {
    settled: BTreeMap<ClientOrderId, bool>,
    is_up: bool,
    /// Legs of whose groups people were told that they are not whole.
    told: BTreeSet<ClientOrderId>,
    /// Orders that somebody asked to end, and those that the machine has canceled by itself.
    unwanted: BTreeSet<ClientOrderId>,
    undone: BTreeSet<ClientOrderId>,
    /// Orders of which a cancel was ever on record.
    canceled: BTreeSet<ClientOrderId>,
}

impl Invariant for Groups {
    fn number(&self) -> u8 {
        27
    }

    fn sentence(&self) -> &'static str {
        "An entry that ends unfilled takes its exits along: a cancel of each is on record with its end, and in the end none lives. In the end nothing that opens lives in a group of which a leg never stood, and no leg waits untransmitted at the broker, unless an operator settled it and the cancel that leaves with that is out; and what an entry has filled has an exit, or people were told, where the exits were canceled without anybody's wish or one never stood."
    }

    fn see(&mut self, scene: &Scene<'_>) -> Verdict {
        let Sight::End { parked, .. } = scene.sight else {
            self.note(scene);
            let Sight::Durable(records) = scene.sight else { return Ok(()) };
            return records.iter().try_for_each(|record| self.take_along(record, scene.ledger));
        };
        if !scene.ledger.can_see() {
            return Ok(());
        }
        let ours = |text: &&String| scene.ledger.by_ref.contains_key(*text);
        if let Some(order_ref) = parked.iter().filter(ours).find(|text| !self.is_settled(text, scene.ledger))
        {
            return Err(format!("{order_ref} waits untransmitted at the broker"));
        }
        scene.ledger.intents.values().try_for_each(|intent| {
            judge(intent, scene.ledger, &self.told)?;
            self.is_covered(intent, scene.ledger)
        })
    }
}

impl Groups {
    fn note(&mut self, scene: &Scene<'_>) {
        match scene.sight {
            Sight::Asked(Command::Settle { client_order_id, .. }) => {
                self.settled.insert(client_order_id.clone(), !self.is_up);
                self.unwanted.insert(client_order_id.clone());
            }
            Sight::Asked(Command::CancelAll { .. } | Command::Kill { .. } | Command::GlobalCancel { .. }) => {
                self.unwanted.extend(scene.ledger.live().map(|intent| intent.order.client_order_id.clone()));
            }
            Sight::Durable(records) => {
                records.iter().for_each(|record| self.note_cancel(record, scene.ledger))
            }
            Sight::Alerted(alert) if alert.kind == AlertKind::GroupBroken => {
                self.told.extend(alert.client_order_id.clone());
            }
            Sight::Wire(Sent::Cancel(id)) => {
                let key = scene.ledger.by_id.get(&id.get());
                if let Some(is_out) = key.and_then(|key| self.settled.get_mut(key)) {
                    *is_out = true;
                }
            }
            Sight::Told(BrokerEvent::Connected(_)) => self.is_up = scene.ledger.is_our_login,
            // What was on its way is lost with the connection or the process.
            Sight::Told(BrokerEvent::Disconnected { .. }) | Sight::Died => {
                self.is_up = false;
                self.settled.values_mut().for_each(|is_out| *is_out = true);
            }
            _ => {}
        }
    }

    /// A cancel that somebody asked for, a stop too; or that nobody did.
    fn note_cancel(&mut self, record: &Record, ledger: &Ledger) {
        let Some(key) = &record.header.client_order_id else { return };
        if matches!(record.body, Body::CancelAsked) {
            self.canceled.insert(key.clone());
        }
        match &record.body {
            Body::Commanded { command: Command::Cancel { .. } } => {
                self.unwanted.insert(key.clone());
            }
            Body::CancelAsked if !self.unwanted.contains(key) && !ledger.is_killed(key) => {
                self.undone.insert(key.clone());
            }
            _ => {}
        }
    }

    /// Whether an entry that ends unfilled takes its exits along: what one step leaves becomes durable together.
    fn take_along(&self, record: &Record, ledger: &Ledger) -> Verdict {
        let Body::OrderChanged { to, .. } = record.body else { return Ok(()) };
        let key = record.header.client_order_id.as_ref().filter(|_| to.is_terminal());
        let Some(entry) = key.and_then(|key| ledger.intents.get(key)) else { return Ok(()) };
        let is_entry = entry.order.leg.as_ref().is_some_and(|leg| leg.role == LegRole::Parent);
        if !is_entry || !ended_unfilled(entry) {
            return Ok(());
        }
        let is_spared =
            |leg: &Intent| self.told.contains(&leg.order.client_order_id) || is_split(leg, ledger);
        if legs_of(entry, ledger).any(is_spared) {
            return Ok(());
        }
        let is_left = |leg: &&Intent| {
            !leg.order.state.is_terminal() && !self.canceled.contains(&leg.order.client_order_id)
        };
        let left = legs_of(entry, ledger).find(is_left);
        left.map_or(Ok(()), |exit| {
            let (exit, entry) = (&exit.order.client_order_id, &entry.order.client_order_id);
            Err(format!("{exit} goes on, and its entry {entry} has ended unfilled"))
        })
    }

    /// Whether what an entry has filled and no exit has closed has an exit yet, where it was the machine that took the
    /// others away, or one never stood.
    fn is_covered(&self, entry: &Intent, ledger: &Ledger) -> Verdict {
        let Some(leg) = entry.order.leg.as_ref().filter(|leg| leg.role == LegRole::Parent) else {
            return Ok(());
        };
        let legs = || legs_of(entry, ledger);
        let exits = || legs().filter(|leg| leg.order.client_order_id != entry.order.client_order_id);
        let is_protected = exits().any(|exit| !exit.order.state.is_terminal());
        let is_undone =
            exits().any(|exit| self.undone.contains(&exit.order.client_order_id) || never_stood(exit));
        let is_told = legs().any(|leg| self.told.contains(&leg.order.client_order_id));
        let is_closed = entry.order.cum_qty.get() <= ledger.closed(leg);
        if is_protected || !is_undone || is_told || is_closed || ledger.was_group_corrected(&entry.order) {
            return Ok(());
        }
        Err(format!("what {} has filled has no exit, and nobody was told", entry.order.client_order_id))
    }

    /// Whether an operator's act on record declared it gone, and the cancel that leaves with such an act left
    /// too, or could not: no list shows what waits untransmitted, so that nothing can look for it any more.
    fn is_settled(&self, order_ref: &str, ledger: &Ledger) -> bool {
        let key = ledger.by_ref.get(order_ref);
        let intent = key.and_then(|key| ledger.intents.get(key));
        let is_declared = intent.is_some_and(|it| matches!(it.evidence, Some(Evidence::Operator { .. })));
        is_declared && key.is_some_and(|key| self.settled.get(key) == Some(&true))
    }
}

fn judge(intent: &Intent, ledger: &Ledger, told: &BTreeSet<ClientOrderId>) -> Verdict {
    let Some(leg) = &intent.order.leg else { return Ok(()) };
    let key = &intent.order.client_order_id;
    let lives = |other: &Intent| other.order.state == OrderState::Working;
    let mut others = legs_of(intent, ledger).filter(|other| other.order.client_order_id != *key);
    let is_told = legs_of(intent, ledger).any(|it| told.contains(&it.order.client_order_id));
    if is_told && legs_of(intent, ledger).any(|it| is_split(it, ledger)) {
        // The other life of one may have filled: for a person.
        return Ok(());
    }
    let stranded = match leg.role {
        LegRole::Parent if ended_unfilled(intent) => others.find(|other| lives(other)),
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

/// The orders of a group, itself included.
fn legs_of<'a>(intent: &'a Intent, ledger: &'a Ledger) -> impl Iterator<Item = &'a Intent> {
    let group = intent.order.leg.as_ref().map(|leg| &leg.group);
    let is_of_group =
        move |leg: &&Intent| group.is_some() && leg.order.leg.as_ref().map(|leg| &leg.group) == group;
    ledger.intents.values().filter(is_of_group)
}

fn ended_unfilled(intent: &Intent) -> bool {
    intent.order.state.is_terminal() && intent.order.cum_qty.is_zero()
}

/// Whether the gateway made two orders of it.
fn is_split(intent: &Intent, ledger: &Ledger) -> bool {
    intent.order.order_ref.as_ref().is_some_and(|text| ledger.splits(text.as_str()) > 0)
}

/// Whether the broker never had it, and nobody wanted it gone.
fn never_stood(intent: &Intent) -> bool {
    let is_asked = intent.order.pending.cancel_asked_at.is_some();
    let has_stood = intent.order.perm_id.is_some() || !intent.order.cum_qty.is_zero();
    let is_unheard =
        !has_stood && matches!(intent.evidence, Some(Evidence::NotWritten { .. } | Evidence::Absent { .. }));
    matches!(intent.order.state, OrderState::Rejected | OrderState::Denied) || (is_unheard && !is_asked)
}
