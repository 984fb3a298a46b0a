//! Orders that belong together: parked legs, children held until their parent fills, siblings of which one
//! ends the others.
//!
//! Simplified on purpose: children start when the parent is *completely* filled. The real broker starts them
//! on a partial fill and grows them.

use super::Venue;
use super::io::VenueOutput;
use super::refusal::Refusal;
use super::types::{OrderKey, OrderSpec, Status, UtcNs};

impl Venue {
    /// A named parent must be working, parked, or already filled.
    pub(super) fn check_parent(&self, key: OrderKey, spec: &OrderSpec) -> Result<(), Refusal> {
        if spec.parent_id == 0 {
            return Ok(());
        }
        let parent = OrderKey::new(key.client_id, spec.parent_id);
        let filled = self.archive.order(parent).is_some_and(|order| order.status == Status::Filled);
        if filled || self.by_key.contains_key(&parent) || self.parked.contains_key(&parent) {
            Ok(())
        } else {
            Err(Refusal::MissingParent(spec.parent_id))
        }
    }

    /// Sends an order together with its parked relatives: parent first, then children in id order.
    pub(super) fn transmit(
        &mut self,
        now: UtcNs,
        key: OrderKey,
        spec: OrderSpec,
        out: &mut Vec<VenueOutput>,
    ) {
        if spec.parent_id == 0 && self.parked.is_empty() {
            return self.accept(now, key, spec, out);
        }
        let head = if spec.parent_id == 0 { key.order_id } else { spec.parent_id };
        self.parked.insert(key, spec);
        let family: Vec<OrderKey> = self
            .parked
            .iter()
            .filter(|(other, terms)| {
                other.client_id == key.client_id && (other.order_id == head || terms.parent_id == head)
            })
            .map(|(other, _)| *other)
            .collect();
        let (parents, children): (Vec<_>, Vec<_>) =
            family.into_iter().partition(|other| other.order_id == head);
        for member in parents.into_iter().chain(children) {
            let Some(terms) = self.parked.remove(&member) else { continue };
            // The parent may have been rejected a moment ago.
            match self.check_parent(member, &terms) {
                Ok(()) => self.accept(now, member, terms, out),
                Err(refusal) => self.refuse(now, (member, Some(&terms)), refusal, out),
            }
        }
    }

    /// The working parent of a new order: its sequence and permanent id.
    pub(super) fn live_parent(&self, key: OrderKey, spec: &OrderSpec) -> Option<(u64, i64)> {
        if spec.parent_id == 0 {
            return None;
        }
        let seq = *self.by_key.get(&OrderKey::new(key.client_id, spec.parent_id))?;
        self.live.get(&seq).map(|parent| (seq, parent.perm_id))
    }

    /// What the end of one order means for its relatives.
    pub(super) fn after_end(&mut self, now: UtcNs, seq: u64, status: Status, out: &mut Vec<VenueOutput>) {
        let Some(children) = self.children.remove(&seq) else {
            return self.end_siblings(now, seq, status, out);
        };
        if status != Status::Filled {
            for child in children {
                self.end(now, child, Status::Cancelled, out);
            }
            return;
        }
        if children.len() > 1 {
            self.children.insert(seq, children.clone());
        }
        for child in children {
            let Some(order) = self.live.get_mut(&child) else { continue };
            order.held = false;
            if let Some(at) = self.market_index.get(&order.spec.con_id) {
                self.markets[*at].book.insert(order);
            }
            self.settle(now, child, out);
        }
    }

    fn end_siblings(&mut self, now: UtcNs, seq: u64, status: Status, out: &mut Vec<VenueOutput>) {
        let group =
            self.children.iter().find(|(_, members)| members.contains(&seq)).map(|(parent, _)| *parent);
        let Some(parent) = group else { return };
        if self.live.contains_key(&parent) {
            if let Some(members) = self.children.get_mut(&parent) {
                members.retain(|member| *member != seq);
            }
            return;
        }
        let Some(members) = self.children.remove(&parent) else { return };
        if status == Status::Filled {
            for sibling in members.into_iter().filter(|member| *member != seq) {
                self.end(now, sibling, Status::Cancelled, out);
            }
        } else {
            let rest: Vec<u64> = members.into_iter().filter(|member| *member != seq).collect();
            if rest.len() > 1 {
                self.children.insert(parent, rest);
            }
        }
    }
}
