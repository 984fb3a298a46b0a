//! The durable state: orders, fills, positions, halts. It changes only by applying records.

mod apply;
pub(crate) use apply::{denied_order, new_order};
mod exposure;
mod group;
mod halt;

use std::collections::{BTreeMap, BTreeSet};

use alphec_model::record::Fill;
use alphec_model::{
    AccountId, ApiClientId, BrokerOrderId, CancelScope, ClientOrderId, Decimal, ForeignOrder, InstrumentId,
    IntentName, LogId, Order, OrderSpec, PermId, Position, Qty, Seq, SignedQty, UtcNanos,
};

pub use exposure::Exposure;
pub use halt::{Gap, Halt};

/// Where an order sits in the book.
pub(crate) type OrderIx = u32;

/// A record that cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} cannot be applied: {what}; verify the journal before trading on it")]
pub struct ReplayError {
    /// Which record.
    pub seq: Seq,
    /// What is wrong.
    pub what: String,
}

/// An order with what only the machine needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) order: Order,
    /// The terms first asked for: what a repeated key is compared with.
    pub(crate) asked: OrderSpec,
}

/// Running sums by account and instrument.
pub(crate) type Exposures = BTreeMap<AccountId, BTreeMap<InstrumentId, Exposure>>;

/// A booked execution: the latest revision of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) fill: Fill,
    pub(crate) order: Option<OrderIx>,
    pub(crate) commission: Option<Decimal>,
}

/// Everything that a replayed journal restores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    seq: Option<Seq>,
    /// When the latest record since the last start was written, by the clock of its process.
    written_at: Option<UtcNanos>,
    log_id: Option<LogId>,
    api_client_id: Option<ApiClientId>,
    entries: Vec<Entry>,
    by_key: BTreeMap<ClientOrderId, OrderIx>,
    by_broker_id: BTreeMap<BrokerOrderId, OrderIx>,
    by_perm_id: BTreeMap<PermId, OrderIx>,
    /// By number, with the print of the terms.
    by_intent: BTreeMap<u64, (Option<u64>, OrderIx)>,
    live: BTreeSet<OrderIx>,
    /// Orders that belong together, by the key of the first, in the order they were asked for.
    groups: BTreeMap<ClientOrderId, Vec<OrderIx>>,
    next_broker_id: i32,
    intents: u64,
    /// Orders up to this number that no record shows were lost in a salvage, and a person knows of it.
    salvaged: u64,
    fills: BTreeMap<String, Booked>,
    exposures: Exposures,
    baselined: BTreeSet<AccountId>,
    halts: BTreeMap<CancelScope, Halt>,
    gaps: u64,
    gap: Option<Gap>,
    foreign: BTreeMap<String, ForeignOrder>,
    /// Orders that ended without a word of the broker about them: should one show up, it is late.
    written_off: BTreeSet<OrderIx>,
    /// Those of them that were proven absent and still count, with the largest size that the broker may hold each at: a
    /// gateway may act on one, or on a change of it, minutes later.
    watched: BTreeMap<OrderIx, Qty>,
    /// Orders that are not placed again, whatever proves them absent: the broker was heard to know them, or a position
    /// was accepted that they may have made.
    barred: BTreeSet<OrderIx>,
    /// Orders that the broker made two of, by the perm ids of the others; whether a person has looked since.
    second_lives: BTreeMap<(OrderIx, PermId), bool>,
}

impl Book {
    /// The last record applied.
    #[must_use]
    pub const fn seq(&self) -> Option<Seq> {
        self.seq
    }

    /// When the latest record since the last start was written, by the clock of the process that wrote it.
    #[must_use]
    pub const fn written_at(&self) -> Option<UtcNanos> {
        self.written_at
    }

    /// The journal's name; `None` until its first record.
    #[must_use]
    pub const fn log_id(&self) -> Option<&LogId> {
        self.log_id.as_ref()
    }

    /// One order by its key.
    #[must_use]
    pub fn order(&self, key: &ClientOrderId) -> Option<&Order> {
        self.by_key.get(key).and_then(|ix| self.entry(*ix)).map(|entry| &entry.order)
    }

    /// Every order, oldest first.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.entries.iter().map(|entry| &entry.order)
    }

    /// Every order that can still change, oldest first.
    pub fn live_orders(&self) -> impl Iterator<Item = &Order> {
        self.live.iter().filter_map(|ix| self.entry(*ix)).map(|entry| &entry.order)
    }

    /// How many orders there are, finished ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no order yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every position that is not flat or that differs from the broker's.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        self.exposures.iter().flat_map(|(account, instruments)| {
            instruments.iter().filter(|(_, exposure)| exposure.is_shown()).map(
                move |(instrument, exposure)| Position {
                    account: account.clone(),
                    instrument: instrument.clone(),
                    qty: exposure.position,
                    broken: exposure.broken,
                },
            )
        })
    }

    /// The booked executions of one order, in execution-id order.
    pub fn fills_of(&self, key: &ClientOrderId) -> impl Iterator<Item = &Fill> {
        let ix = self.by_key.get(key).copied();
        self.fills
            .values()
            .filter(move |booked| ix.is_some() && booked.order == ix)
            .map(|booked| &booked.fill)
    }

    /// What one account has in one instrument: position, working sizes, counts.
    #[must_use]
    pub fn exposure(&self, account: &AccountId, instrument: &InstrumentId) -> Exposure {
        self.exposure_ref(account, instrument).cloned().unwrap_or_default()
    }

    pub(crate) fn exposure_ref(&self, account: &AccountId, instrument: &InstrumentId) -> Option<&Exposure> {
        self.exposures.get(account).and_then(|instruments| instruments.get(instrument))
    }

    /// The client id whose order ids the journal counts.
    #[must_use]
    pub const fn api_client_id(&self) -> Option<ApiClientId> {
        self.api_client_id
    }

    pub(crate) fn exposures_of(
        &self,
        account: &AccountId,
    ) -> impl Iterator<Item = (&InstrumentId, &Exposure)> {
        self.exposures.get(account).into_iter().flatten()
    }

    pub(crate) fn entry(&self, ix: OrderIx) -> Option<&Entry> {
        self.entries.get(usize::try_from(ix).ok()?)
    }

    pub(crate) fn ix_of(&self, key: &ClientOrderId) -> Option<OrderIx> {
        self.by_key.get(key).copied()
    }

    /// The order that was recorded last.
    pub(crate) fn newest(&self) -> Option<&Order> {
        self.entries.last().map(|entry| &entry.order)
    }

    pub(crate) fn ix_by_broker_id(&self, id: BrokerOrderId) -> Option<OrderIx> {
        self.by_broker_id.get(&id).copied()
    }

    pub(crate) fn ix_by_perm_id(&self, id: PermId) -> Option<OrderIx> {
        self.by_perm_id.get(&id).copied()
    }

    /// The order that was given this reference. The same number with another print is one that another copy of
    /// this journal gave to another order.
    pub(crate) fn ix_by_intent(&self, intent: &IntentName) -> Option<OrderIx> {
        let (print, ix) = self.by_intent.get(&intent.number)?;
        (*print == intent.print).then_some(*ix)
    }

    pub(crate) fn live(&self) -> Vec<OrderIx> {
        self.live.iter().copied().collect()
    }

    /// The lowest broker order id that was never used.
    #[must_use]
    pub fn next_broker_id(&self) -> BrokerOrderId {
        BrokerOrderId::new(self.next_broker_id.max(1))
    }

    /// Whether an order of this number that no record shows is one that a salvage has lost: everything was halted
    /// for it, and if that is over, by a deliberate act.
    pub(crate) fn is_lost_in_salvage(&self, number: u64) -> bool {
        number <= self.salvaged && !self.by_intent.contains_key(&number)
    }

    /// The number of the next intent: what its order reference will say.
    #[must_use]
    pub const fn next_intent(&self) -> u64 {
        self.intents.saturating_add(1)
    }

    /// Whether the order ended without a word of the broker about it.
    pub(crate) fn is_written_off(&self, ix: OrderIx) -> bool {
        self.written_off.contains(&ix)
    }

    /// Orders that were proven absent not long ago, each with the size that it counts at: what it could fill stays
    /// reserved, should it show up after all.
    pub fn watched_orders(&self) -> impl Iterator<Item = (&Order, Qty)> {
        self.watched.iter().filter_map(|(ix, size)| Some((&self.entry(*ix)?.order, *size)))
    }

    pub(crate) fn watched(&self) -> Vec<OrderIx> {
        self.watched.keys().copied().collect()
    }

    pub(crate) fn is_watched(&self, ix: OrderIx) -> bool {
        self.watched.contains_key(&ix)
    }

    /// Whether something on record forbids to place the order again.
    pub(crate) fn is_barred(&self, ix: OrderIx) -> bool {
        self.barred.contains(&ix)
    }

    /// Whether it is on record that the broker made another order of this one, under this perm id; and if so, whether a
    /// person has looked since.
    pub(crate) fn second_life(&self, ix: OrderIx, perm_id: PermId) -> Option<bool> {
        self.second_lives.get(&(ix, perm_id)).copied()
    }

    /// Whether the broker made another order of this one, and nobody has looked since.
    pub(crate) fn lives_twice(&self, ix: OrderIx) -> bool {
        self.second_lives_of(ix).any(|is_settled| !is_settled)
    }

    /// Whether the broker ever made another order of this one.
    pub(crate) fn has_lived_twice(&self, ix: OrderIx) -> bool {
        self.second_lives_of(ix).next().is_some()
    }

    fn second_lives_of(&self, ix: OrderIx) -> impl Iterator<Item = bool> {
        let all = (ix, PermId::new(i64::MIN))..=(ix, PermId::new(i64::MAX));
        self.second_lives.range(all).map(|(_, is_settled)| *is_settled)
    }

    pub(crate) fn booked(&self, base: &str) -> Option<&Booked> {
        self.fills.get(base)
    }

    pub(crate) fn is_baselined(&self, account: &AccountId) -> bool {
        self.baselined.contains(account)
    }

    pub(crate) fn position(&self, account: &AccountId, instrument: &InstrumentId) -> SignedQty {
        self.exposure_ref(account, instrument).map_or(SignedQty::ZERO, |exposure| exposure.position)
    }
}
