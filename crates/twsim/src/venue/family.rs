//! Orders that belong together: parked legs, children held until their parent fills, siblings of which one
//! ends the others.

use super::Venue;
use super::io::VenueOutput;
use super::oca::Shrunk;
use super::order::{Hold, LiveOrder};
use super::refusal::Refusal;
use super::types::{OrderKey, OrderSpec, Status, UtcNs};

impl Venue {
    /// A named parent must be working, parked, or already filled; one that fills at once takes such children only.
    pub(super) fn check_parent(&self, key: OrderKey, spec: &OrderSpec) -> Result<(), Refusal> {
        if spec.parent_id == 0 {
            return Ok(());
        }
        let parent = OrderKey::new(key.client_id, spec.parent_id);
        let terms = self.live_order(parent).map(|order| &*order.spec).or_else(|| self.parked.get(&parent));
        match terms {
            Some(terms) if terms.is_all_or_none() && !spec.is_all_or_none() => Err(Refusal::ChildInParts),
            Some(_) => Ok(()),
            None if self.archive.order(parent).is_some_and(|order| order.status == Status::Filled) => Ok(()),
            None => Err(Refusal::MissingParent(spec.parent_id)),
        }
    }

    /// A change leaves the parent out, or names the one that the order came with while that is remembered.
    pub(super) fn check_named_parent(&self, order: &LiveOrder, spec: &OrderSpec) -> Result<(), Refusal> {
        if spec.parent_id == 0 {
            return Ok(());
        }
        let named = OrderKey::new(order.key.client_id, spec.parent_id);
        if order.family != Some(named) {
            return Err(Refusal::ParentChanged);
        }
        if self.by_key.contains_key(&named) || self.archive.order(named).is_some() {
            Ok(())
        } else {
            Err(Refusal::ParentGone(spec.parent_id))
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

    /// An order that still works.
    pub(super) fn live_order(&self, key: OrderKey) -> Option<&LiveOrder> {
        self.by_key.get(&key).and_then(|seq| self.live.get(seq))
    }

    /// What the end of one order means for its relatives.
    pub(super) fn after_end(&mut self, now: UtcNs, ended: &LiveOrder, out: &mut Vec<VenueOutput>) {
        if let Some(parent) = ended.family {
            self.leave_family(now, ended, parent, out);
        }
        if ended.filled.is_zero() {
            for child in self.children.remove(&ended.key).unwrap_or_default() {
                self.end(now, child, Status::Cancelled, out);
            }
            return;
        }
        // They stay listed as siblings: the first to fill ends the others.
        self.settle_children(now, ended.key, ended.filled, out);
    }

    /// Part of a child has filled: as much less is left for its siblings to do.
    pub(super) fn reduce_siblings(
        &mut self,
        now: UtcNs,
        (child, parent): (u64, OrderKey),
        shrunk: Shrunk,
        out: &mut Vec<VenueOutput>,
    ) {
        for sibling in self.children.get(&parent).cloned().unwrap_or_default() {
            let is_at_work = |order: &LiveOrder| order.hold != Some(Hold::Parent);
            if sibling != child && self.live.get(&sibling).is_some_and(is_at_work) {
                self.reduce(now, sibling, shrunk, out);
            }
        }
    }

    fn leave_family(&mut self, now: UtcNs, ended: &LiveOrder, parent: OrderKey, out: &mut Vec<VenueOutput>) {
        let Some(members) = self.children.get_mut(&parent) else { return };
        members.retain(|member| *member != ended.seq);
        if members.is_empty() {
            self.children.remove(&parent);
        } else if ended.status == Status::Filled && !self.by_key.contains_key(&parent) {
            for sibling in self.children.remove(&parent).unwrap_or_default() {
                self.end(now, sibling, Status::Cancelled, out);
            }
        }
    }
}
