//! The books of the checkers: the journal's, from records as they become durable; the venue's, from what it
//! really did; the wire's, from frames as they leave.

mod exposure;
mod venue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alphec_model::broker::{OrderNames, Ticket};
use alphec_model::record::Fill;
use alphec_model::{
    Body, BrokerEvent, CancelScope, ClientOrderId, Decimal, Evidence, ForeignOrder, LegRole, Limits, Order,
    OrderSpec, OrderState, Qty, Record, Side, UtcNanos, Verdict as GateVerdict, WhenInDoubt,
};
use alphec_twsim::venue::{Execution, OrderReport};

pub(super) use exposure::Worst;
pub(super) use venue::base_of;

use super::reaches;
use crate::clock::Instant;
use crate::plan::Setup;
use crate::profile;
use crate::sight::Sight;
use crate::tally::Tally;
use crate::wire::Sent;

/// A change of an order, as the journal has it.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) spec: OrderSpec,
    pub(super) verdict: GateVerdict,
    pub(super) is_over: bool,
}

/// An order of ours, as the journal has it.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    pub(super) order: Order,
    /// The record that it began with.
    pub(super) seq: u64,
    pub(super) verdict: GateVerdict,
    pub(super) changes: Vec<Change>,
    /// The terms of each version that was ever asked for.
    terms: BTreeMap<u32, OrderSpec>,
    /// States it has been in.
    pub(super) states: BTreeSet<OrderState>,
    /// What moved it last.
    pub(super) evidence: Option<Evidence>,
    /// It was proven absent, and its watch has not ended.
    pub(super) is_watched: bool,
}

impl Intent {
    /// Every version of its terms that was ever asked for.
    pub(super) fn versions(&self) -> impl Iterator<Item = &OrderSpec> {
        self.terms.values()
    }
}

/// An order at the venue.
#[derive(Debug, Clone)]
pub(super) struct Held {
    is_open: bool,
    /// It was live at some time.
    was_live: bool,
}

fn count_state(to: OrderState, evidence: &Evidence, order: &Order, tally: &mut Tally) {
    if to == OrderState::InDoubt {
        tally.saw("in doubt");
    }
    if to == OrderState::Filled && order.pending.cancel_asked_at.is_some() {
        tally.saw("fill crossed a cancel");
    }
    if matches!(evidence, Evidence::Absent { .. }) {
        tally.saw("proven absent");
    }
}

/// How long ago executions are listed for certain: of two days the first may be short.
const A_DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// What is on record, what is true, and what was sent.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(super) limits: Limits,
    pub(super) messages_per_second: Option<u32>,
    pub(super) has_rule: bool,
    /// How long an order that was proven absent still counts.
    pub(super) absent_watch: Instant,
    /// When the gateway is to restart.
    pub(super) restart: Option<(UtcNanos, UtcNanos)>,
    /// Records that are durable.
    pub(super) seq: u64,
    /// The last one's time, by the clock of its process.
    latest: UtcNanos,
    /// The record that this process began with, and its time.
    born: (u64, UtcNanos),
    pub(super) intents: BTreeMap<ClientOrderId, Intent>,
    pub(super) by_ref: BTreeMap<String, ClientOrderId>,
    pub(super) by_id: BTreeMap<i32, ClientOrderId>,
    pub(super) fills: BTreeMap<String, Fill>,
    pub(super) positions: BTreeMap<String, Decimal>,
    pub(super) broken: BTreeMap<String, Decimal>,
    pub(super) halts: BTreeMap<CancelScope, bool>,
    /// Every order of others that was ever on record, and those that are open by it.
    pub(super) foreign: BTreeSet<String>,
    foreign_open: BTreeMap<String, ForeignOrder>,
    /// By permanent id.
    pub(super) venue: BTreeMap<i64, Held>,
    pub(super) perms_of_ref: BTreeMap<String, BTreeSet<i64>>,
    /// By identity without the revision: the latest revision.
    pub(super) executions: BTreeMap<String, Arc<Execution>>,
    /// Orders of ours that are open there.
    pub(super) open: BTreeMap<i64, OrderReport>,
    /// The reference of every order that the venue has under our client id, by its id.
    pub(super) refs_of_id: BTreeMap<i32, String>,
    /// New-order frames by reference.
    frames: BTreeMap<String, usize>,
    /// What the decisions among the records seen last led to, by their numbers.
    pub(super) decided: BTreeMap<u64, Worst>,
    /// Of the resumes among them, by their numbers: an order that lived in their scope.
    pub(super) resumed_over: BTreeMap<u64, ClientOrderId>,
    /// How often the gateway made a second order of one that was open, by reference.
    split: BTreeMap<String, usize>,
    /// Permanent ids of open orders that the engine was told of, by reference.
    pub(super) told_perms: BTreeMap<String, BTreeSet<i64>>,
    /// Orders that some word of the broker was told about.
    told: BTreeSet<ClientOrderId>,
    live: BTreeSet<ClientOrderId>,
    corrected: BTreeSet<String>,
    /// By group, what the exits of its entry have filled.
    exits_filled: BTreeMap<ClientOrderId, Decimal>,
    /// When complete lists were last told.
    listed_at: Option<Instant>,
    pub(super) is_our_login: bool,
    pub(super) wire_digest: u64,
    pub(super) healed_at: Option<Instant>,
    /// Where the process's records are by its own account; they may be lost yet.
    pub(super) handed: u64,
}

impl Ledger {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            limits: setup.limits.clone(),
            messages_per_second: setup.messages_per_second,
            has_rule: setup.has_rule,
            absent_watch: profile::absent_watch(setup),
            restart: profile::restart_window(setup),
            seq: 0,
            latest: UtcNanos::EPOCH,
            born: (0, UtcNanos::EPOCH),
            intents: BTreeMap::new(),
            by_ref: BTreeMap::new(),
            by_id: BTreeMap::new(),
            fills: BTreeMap::new(),
            positions: BTreeMap::new(),
            broken: BTreeMap::new(),
            halts: BTreeMap::new(),
            foreign: BTreeSet::new(),
            foreign_open: BTreeMap::new(),
            venue: BTreeMap::new(),
            perms_of_ref: BTreeMap::new(),
            executions: BTreeMap::new(),
            open: BTreeMap::new(),
            refs_of_id: BTreeMap::new(),
            frames: BTreeMap::new(),
            decided: BTreeMap::new(),
            resumed_over: BTreeMap::new(),
            split: BTreeMap::new(),
            told_perms: BTreeMap::new(),
            told: BTreeSet::new(),
            live: BTreeSet::new(),
            corrected: BTreeSet::new(),
            exits_filled: BTreeMap::new(),
            listed_at: None,
            is_our_login: false,
            wire_digest: 0xcbf2_9ce4_8422_2325,
            healed_at: None,
            handed: 0,
        }
    }

    pub(super) fn see(&mut self, now: Instant, sight: &Sight<'_>, tally: &mut Tally) -> Result<(), String> {
        match sight {
            Sight::Born { records, .. } => {
                let known = usize::try_from(self.seq).unwrap_or(usize::MAX);
                for record in records.iter().skip(known) {
                    self.note(record, tally)?;
                }
                self.handed = self.seq;
            }
            Sight::Durable(records) => {
                self.decided.clear();
                self.resumed_over.clear();
                for record in *records {
                    self.note(record, tally)?;
                }
            }
            Sight::Handed(records) => {
                self.handed = records.last().map_or(self.handed, |record| record.header.seq.get());
            }
            Sight::Wire(sent) => self.note_frame(now, sent),
            Sight::Told(event) => self.note_told(now, event),
            Sight::Venue(output) => self.note_venue(output, tally),
            _ => {}
        }
        Ok(())
    }

    fn note_frame(&mut self, now: Instant, sent: &Sent) {
        if let Sent::Place(ticket) = sent {
            *self.frames.entry(ticket.order_ref.as_str().to_owned()).or_default() += 1;
        }
        let text = format!("{now} {sent:?}");
        for byte in text.bytes() {
            self.wire_digest = (self.wire_digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn note_told(&mut self, now: Instant, event: &BrokerEvent) {
        match event {
            BrokerEvent::OpenOrder(report) => {
                self.heard(&report.names);
                self.heard_life(&report.names);
            }
            BrokerEvent::Status(report) => self.heard(&report.names),
            BrokerEvent::Execution(report) => self.heard(&report.names),
            BrokerEvent::Notice(notice) => {
                let names = OrderNames { broker_order_id: notice.broker_order_id, ..OrderNames::default() };
                self.heard(&names);
            }
            BrokerEvent::Snapshot(snapshot) => {
                self.listed_at = Some(now);
                snapshot.open.iter().for_each(|row| self.heard_life(&row.names));
                let open = snapshot.open.iter().map(|row| &row.names);
                let completed = snapshot.completed.iter().map(|row| &row.names);
                let executions = snapshot.executions.iter().map(|row| &row.names);
                for names in open.chain(completed).chain(executions) {
                    self.heard(names);
                }
            }
            BrokerEvent::Connected(session) => {
                let mut names = session.accounts.iter().map(alphec_model::AccountId::as_str);
                self.is_our_login = names.any(|name| name == profile::ACCOUNT);
                self.listed_at = None;
            }
            BrokerEvent::Disconnected { .. } => self.listed_at = None,
            _ => {}
        }
    }

    fn heard_life(&mut self, names: &OrderNames) {
        if let (Some(order_ref), Some(perm_id)) = (&names.order_ref, names.perm_id) {
            self.told_perms.entry(order_ref.to_string()).or_default().insert(perm_id.get());
        }
    }

    fn heard(&mut self, names: &OrderNames) {
        if let Some(key) = self.key_of(names).filter(|key| !self.told.contains(*key)).cloned() {
            self.told.insert(key);
        }
    }

    /// One more record is durable.
    fn note(&mut self, record: &Record, tally: &mut Tally) -> Result<(), String> {
        let seq = record.header.seq.get();
        if seq != self.seq + 1 {
            return Err(format!("record {seq} became durable after record {}", self.seq));
        }
        self.seq = seq;
        self.latest = record.header.at;
        match &record.body {
            Body::Started { .. } => self.born = (seq, record.header.at),
            Body::Accepted { order, verdict } => self.note_intent(order, verdict, seq),
            Body::Filled { fill } => {
                self.fills.insert(fill.exec_id.base().to_owned(), fill.clone());
                if !fill.in_baseline {
                    self.move_position(fill, Decimal::ONE);
                }
                self.count_fill(record, fill, None);
            }
            Body::FillRevised { was, now } => {
                self.fills.insert(now.exec_id.base().to_owned(), now.clone());
                self.move_position(was, Decimal::NEGATIVE_ONE);
                self.move_position(now, Decimal::ONE);
                self.count_fill(record, now, Some(was));
                tally.saw("revision booked");
            }
            Body::PositionAdopted { instrument, qty, .. } => {
                self.positions.insert(instrument.to_string(), qty.get());
            }
            Body::PositionAccepted { instrument, theirs, .. } => {
                self.positions.insert(instrument.to_string(), theirs.get());
                self.broken.remove(instrument.as_str());
                tally.saw("position accepted");
            }
            Body::PositionBroken { instrument, ours, theirs, .. } => {
                self.broken.insert(instrument.to_string(), theirs.get() - ours.get());
                tally.saw("position break");
            }
            Body::BreakCleared { instrument, .. } => {
                tally.saw("break cleared");
                self.broken.remove(instrument.as_str());
            }
            Body::Halted { scope, kill, .. } => {
                let is_kill = *kill || self.halts.get(scope).copied().unwrap_or(false);
                self.halts.insert(scope.clone(), is_kill);
                tally.saw(if *kill { "kill" } else { "halt" });
            }
            Body::Resumed { scope, .. } => {
                self.halts.remove(scope);
                let lives = self.live().map(|intent| &intent.order).find(|order| reaches(scope, order));
                self.resumed_over.extend(lives.map(|order| (seq, order.client_order_id.clone())));
                tally.saw("resume");
            }
            Body::ForeignSeen { order } => {
                self.foreign.insert(order.key.clone());
                self.foreign_open.insert(order.key.clone(), order.clone());
                tally.saw("foreign order");
            }
            Body::ForeignGone { key } => {
                self.foreign_open.remove(key);
            }
            _ => self.note_change(record, tally),
        }
        self.decided.extend(self.weigh(record).map(|worst| (seq, worst)));
        Ok(())
    }

    fn note_intent(&mut self, order: &Order, verdict: &GateVerdict, seq: u64) {
        let key = order.client_order_id.clone();
        if let Some(order_ref) = &order.order_ref {
            self.by_ref.insert(order_ref.as_str().to_owned(), key.clone());
        }
        if let Some(id) = order.broker_order_id {
            self.by_id.insert(id.get(), key.clone());
        }
        let intent = Intent {
            order: order.clone(),
            seq,
            verdict: verdict.clone(),
            changes: Vec::new(),
            terms: BTreeMap::from([(order.version, order.spec.clone())]),
            states: BTreeSet::from([order.state]),
            evidence: None,
            is_watched: false,
        };
        self.live.insert(key.clone());
        self.intents.insert(key, intent);
    }

    fn note_change(&mut self, record: &Record, tally: &mut Tally) {
        let Some(intent) = record.header.client_order_id.as_ref().and_then(|key| self.intents.get_mut(key))
        else {
            return;
        };
        match &record.body {
            Body::OrderChanged { to, evidence, perm_id, .. } => {
                if intent.order.broker_order_id.is_none()
                    && let Some(id) = record.header.broker_order_id
                {
                    intent.order.broker_order_id = Some(id);
                    self.by_id.insert(id.get(), intent.order.client_order_id.clone());
                }
                intent.order.state = *to;
                intent.is_watched = to.is_terminal() && matches!(evidence, Evidence::Absent { .. });
                let key = intent.order.client_order_id.clone();
                if to.is_terminal() {
                    intent.order.pending.replace = None;
                    self.live.remove(&key);
                } else {
                    self.live.insert(key);
                }
                intent.order.perm_id = perm_id.or(intent.order.perm_id);
                intent.states.insert(*to);
                intent.evidence = Some(evidence.clone());
                count_state(*to, evidence, &intent.order, tally);
            }
            Body::Resent { broker_order_id, order_ref, verdict, .. } => {
                let key = intent.order.client_order_id.clone();
                intent.order.broker_order_id = Some(*broker_order_id);
                intent.order.order_ref = Some(order_ref.clone());
                intent.order.perm_id = None;
                intent.order.state = OrderState::PendingNew;
                intent.states.insert(OrderState::PendingNew);
                intent.verdict = verdict.clone();
                intent.order.attempts = intent.order.attempts.saturating_add(1);
                self.by_ref.insert(order_ref.as_str().to_owned(), key.clone());
                self.by_id.insert(broker_order_id.get(), key);
                tally.saw("resent");
            }
            Body::PermIdLearned { perm_id } => intent.order.perm_id = Some(*perm_id),
            Body::ReplaceAsked { replace, verdict } => {
                let (spec, verdict) = (replace.spec.clone(), verdict.clone());
                intent.terms.insert(replace.version, spec.clone());
                intent.order.pending.replace = Some(replace.clone());
                intent.changes.push(Change { spec, verdict, is_over: false });
                tally.saw("change");
            }
            Body::ReplaceEnded { accepted, .. } => {
                if let Some(change) = intent.changes.last_mut() {
                    change.is_over = true;
                }
                if let Some(replace) = intent.order.pending.replace.take().filter(|_| *accepted) {
                    intent.order.spec = replace.spec;
                    intent.order.version = replace.version;
                }
            }
            Body::ReplaceCameLate { version, .. } => {
                tally.saw("change came late");
                if let Some(terms) = intent.terms.get(version) {
                    (intent.order.spec, intent.order.version) = (terms.clone(), *version);
                }
            }
            Body::WatchEnded => intent.is_watched = false,
            Body::CancelAsked => intent.order.pending.cancel_asked_at = Some(record.header.at),
            Body::CancelEnded { .. } => intent.order.pending.cancel_asked_at = None,
            _ => {}
        }
    }

    fn move_position(&mut self, fill: &Fill, times: Decimal) {
        let signed = match fill.side {
            Side::Buy => fill.last_qty.get(),
            Side::Sell => -fill.last_qty.get(),
        };
        *self.positions.entry(fill.instrument.to_string()).or_default() += signed * times;
    }

    fn count_fill(&mut self, record: &Record, fill: &Fill, was: Option<&Fill>) {
        if let Some(intent) = record.header.client_order_id.as_ref().and_then(|key| self.intents.get_mut(key))
        {
            let less = was.map_or(Qty::ZERO, |was| was.last_qty);
            let sum = intent.order.cum_qty.saturating_sub(less).checked_add(fill.last_qty);
            intent.order.cum_qty = sum.unwrap_or(intent.order.cum_qty);
            if let Some(leg) = intent.order.leg.as_ref().filter(|leg| leg.role == LegRole::Child) {
                *self.exits_filled.entry(leg.group.clone()).or_default() += fill.last_qty.get() - less.get();
            }
        }
    }

    /// Whether, since everything healed, complete lists were told on a connection that still stands.
    pub(super) fn can_see(&self) -> bool {
        let is_read = self.healed_at.zip(self.listed_at).is_some_and(|(healed, listed)| listed > healed);
        is_read && self.is_our_login
    }

    /// Orders that can still fill, by the journal.
    pub(super) fn live(&self) -> impl Iterator<Item = &Intent> {
        self.live.iter().filter_map(|key| self.intents.get(key))
    }

    /// Whether a kill on record reaches the order.
    pub(super) fn is_killed(&self, key: &ClientOrderId) -> bool {
        let order = self.intents.get(key).map(|intent| &intent.order);
        order.is_some_and(|order| self.halts.iter().any(|(scope, is_kill)| *is_kill && reaches(scope, order)))
    }

    pub(super) fn was_told(&self, key: &ClientOrderId) -> bool {
        self.told.contains(key)
    }

    pub(super) fn was_corrected(&self, order_ref: &str) -> bool {
        self.corrected.contains(order_ref)
    }

    /// Whether a fill of it was corrected, or of another leg of its group.
    pub(super) fn was_group_corrected(&self, order: &Order) -> bool {
        let group = |of: &Order| of.leg.as_ref().map(|leg| leg.group.clone());
        let ours = group(order);
        let others = self.corrected.iter().filter_map(|text| self.intents.get(self.by_ref.get(text)?));
        others.into_iter().any(|other| {
            other.order.client_order_id == order.client_order_id
                || (ours.is_some() && group(&other.order) == ours)
        })
    }

    /// Whether the proof that would end its doubt cannot be had, so that only a person can end it: the holdings
    /// speak against it, or fills that it ended by were taken back.
    pub(super) fn is_beyond_proof(&self, intent: &Intent) -> bool {
        let order_ref = intent.order.order_ref.as_ref().map_or("", |text| text.as_str());
        // Its author wants nothing done about it.
        intent.order.when_in_doubt == WhenInDoubt::Hold
            // By a clock that is a day off, it is older than the executions that are asked for; or one was set back, so
            // that nobody can say how old it is.
            || self.latest.since(intent.order.created_at) >= A_DAY
            || (intent.seq < self.born.0 && intent.order.created_at > self.born.1)
            || self.broken.contains_key(intent.order.instrument.as_str())
            || self.was_corrected(order_ref)
    }

    /// The order that a frame is about, as the journal has it.
    pub(super) fn intent_of(&self, ticket: &Ticket) -> Option<&Intent> {
        self.by_ref.get(ticket.order_ref.as_str()).and_then(|key| self.intents.get(key))
    }

    /// The key of the order that these names mean.
    pub(super) fn key_of(&self, names: &OrderNames) -> Option<&ClientOrderId> {
        let by_ref = names.order_ref.as_ref().and_then(|text| self.by_ref.get(text.as_str()));
        // Under another client id the same number is another order.
        let is_ours = names.api_client_id.is_none_or(|client| client.get() == profile::CLIENT);
        by_ref.or_else(|| self.by_id.get(&names.broker_order_id.filter(|_| is_ours)?.get()))
    }
}
