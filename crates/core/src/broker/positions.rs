//! Positions by the broker's count against ours. A difference is seen twice before it is a break,
//! and is never repaired.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use alphec_model::broker::Snapshot;
use alphec_model::{
    AccountId, AlertKind, Body, CancelScope, ConId, Instrument, InstrumentId, InstrumentKind, Provenance,
    SignedQty, UtcNanos, planted,
};

use crate::machine::{About, Turn};

/// Positions remembered of one holding. The broker's count is compared with these too; beyond them it
/// may be called a difference though it only lags, until the next round.
const MOVES_MAX: usize = 256;

/// How one position stands against the broker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    Agrees,
    Broken,
    /// It differs from all that we held of late: the next round decides.
    Suspect,
    /// It is what we held a moment ago: the broker's count may only lag.
    Moved,
}

/// What one holding was before each of its last fills, and until when.
#[derive(Debug, Default)]
pub(crate) struct Moves(VecDeque<(UtcNanos, SignedQty)>);

impl Moves {
    fn note(&mut self, until: UtcNanos, held: SignedQty) {
        if self.0.len() >= MOVES_MAX {
            self.0.pop_front();
        }
        self.0.push_back((until, held));
    }

    /// Whether it was `qty` at any time since `from`, or less than `lag` before.
    fn was(&self, qty: SignedQty, from: UtcNanos, lag: Duration) -> bool {
        self.0.iter().any(|(until, held)| *held == qty && until.saturating_add(lag) > from)
    }
}

impl Turn<'_> {
    /// A starting position is taken once, from this login, and only when every instrument has its
    /// final name: else a position would be adopted under one name and moved under another.
    pub(super) fn can_adopt(&self, account: &AccountId) -> bool {
        let named = self.core.config.instruments.keys().all(|id| self.has_its_name(id));
        named && self.is_account_here(account) && !self.core.book.is_baselined(account)
    }

    /// The last instrument got its name: the books can be taken as a start.
    pub(super) fn instruments_settled(&mut self) {
        if self.core.config.accounts.iter().any(|account| self.can_adopt(account)) && self.is_connected() {
            self.look();
        }
    }

    pub(super) fn adopt_positions(&mut self, account: &AccountId, snapshot: &Snapshot) {
        let mut adopted: BTreeMap<InstrumentId, SignedQty> =
            self.core.config.instruments.keys().map(|id| (id.clone(), SignedQty::ZERO)).collect();
        adopted.extend(
            self.reported(snapshot)
                .into_iter()
                .filter(|((of, _), _)| of == account)
                .map(|((_, instrument), qty)| (instrument, qty)),
        );
        for (instrument, qty) in adopted {
            let body = Body::PositionAdopted { account: account.clone(), instrument, qty };
            self.record(About::default(), Provenance::Observed, body);
        }
    }

    /// An instrument that is new in the profile may be held already, under its contract id.
    pub(super) fn carry_position_over(&mut self, id: &InstrumentId, con_id: ConId) {
        let Ok(before) = InstrumentId::new(format!("con:{con_id}")) else { return };
        let accounts: Vec<AccountId> = self.core.config.accounts.iter().cloned().collect();
        for account in accounts {
            if !self.core.book.is_baselined(&account) {
                continue;
            }
            let held = self.core.book.position(&account, &before);
            let broken = self.core.book.exposure(&account, &before).broken;
            let sum = self.core.book.position(&account, id).checked_add(held);
            let Some(sum) = sum.filter(|_| !held.is_zero() || broken.is_some()) else { continue };
            for (instrument, qty) in [(before.clone(), SignedQty::ZERO), (id.clone(), sum)] {
                let body = Body::PositionAdopted { account: account.clone(), instrument, qty };
                self.record(About::default(), Provenance::Inferred, body);
            }
            // A freeze goes with the position that it is about.
            if let Some(theirs) = broken.and_then(|difference| sum.checked_add(difference)) {
                let body = Body::PositionBroken { account, instrument: id.clone(), ours: sum, theirs };
                self.record(About::default(), Provenance::Inferred, body);
            }
        }
    }

    fn reported(&self, snapshot: &Snapshot) -> BTreeMap<(AccountId, InstrumentId), SignedQty> {
        snapshot
            .positions
            .iter()
            .filter(|row| self.core.config.accounts.contains(&row.account))
            .filter_map(|row| {
                let instrument = self.name_of(row.instrument.as_ref(), row.con_id)?;
                Some(((row.account.clone(), instrument), row.qty))
            })
            .collect()
    }

    /// Compares every position of this login. Says whether one differs where nothing moved.
    pub(super) fn compare_positions(&mut self, snapshot: &Snapshot, asked_at: UtcNanos) -> bool {
        let theirs = self.reported(snapshot);
        let ours = self.core.config.accounts.iter().flat_map(|account| {
            self.core.book.exposures_of(account).map(|(instrument, _)| (account.clone(), instrument.clone()))
        });
        let keys: BTreeSet<_> = ours.chain(theirs.keys().cloned()).collect();
        let mut in_dispute = false;
        for key in keys {
            let (account, instrument) = &key;
            let is_judged = self.core.book.is_baselined(account) && self.is_account_here(account);
            if is_judged && self.is_comparable(instrument) && self.has_its_name(instrument) {
                let qty = theirs.get(&key).copied().unwrap_or(SignedQty::ZERO);
                in_dispute |= self.compare_position(&key, qty, asked_at) == Compared::Suspect;
            }
        }
        in_dispute
    }

    /// Whether the broker's rows of a contract go by this name already: until the definitions have come, what we hold under
    /// the name of the profile is listed under the number of its contract.
    fn has_its_name(&self, id: &InstrumentId) -> bool {
        let is_settled = |(id, instrument): (&InstrumentId, &Instrument)| {
            instrument.con_id().is_some() || self.core.session.unknown_instruments.contains_key(id)
        };
        match self.core.config.instruments.get_key_value(id) {
            Some(known) => is_settled(known),
            None => self.core.config.instruments.iter().all(is_settled),
        }
    }

    /// Currency pairs are left out: the broker reports them as cash, and as positions only by option.
    fn is_comparable(&self, instrument: &InstrumentId) -> bool {
        self.core
            .config
            .instruments
            .get(instrument)
            .is_none_or(|instrument| !matches!(instrument.kind(), InstrumentKind::Forex))
    }

    /// Whether both counts of a holding agreed when they were last compared; `None` where they
    /// cannot be compared.
    pub(super) fn holdings_agree(&self, account: &AccountId, instrument: &InstrumentId) -> Option<bool> {
        let is_suspect = self.core.session.suspects.contains_key(&(account.clone(), instrument.clone()));
        let is_broken = self.core.book.exposure(account, instrument).broken.is_some();
        self.is_comparable(instrument).then_some(!is_suspect && !is_broken)
    }

    /// Whether it changed after the positions were counted that it was last compared with: then the difference on record is
    /// not what they differ by now.
    pub(crate) fn has_moved_since_books(&self, account: &AccountId, instrument: &InstrumentId) -> bool {
        let moves = self.core.session.moves.get(&(account.clone(), instrument.clone()));
        let last = moves.and_then(|moves| moves.0.back()).map(|(at, _)| *at);
        last.is_some_and(|at| self.core.session.books_as_of.is_none_or(|books| at >= books))
    }

    /// What is held now is about to change.
    pub(super) fn note_move(&mut self, account: &AccountId, instrument: &InstrumentId) {
        let held = self.core.book.position(account, instrument);
        let key = (account.clone(), instrument.clone());
        self.core.session.moves.entry(key).or_default().note(self.now, held);
    }

    /// A difference counts, whatever its size, when two rounds in a row show one: while an instrument is
    /// traded both counts move, and no two differences are alike.
    fn compare_position(
        &mut self,
        key: &(AccountId, InstrumentId),
        theirs: SignedQty,
        asked_at: UtcNanos,
    ) -> Compared {
        let (account, instrument) = key.clone();
        let ours = self.core.book.position(&account, &instrument);
        let broken = self.core.book.exposure(&account, &instrument).broken;
        if ours == theirs {
            self.core.session.suspects.remove(key);
            if broken.is_some() {
                let body = Body::BreakCleared { account, instrument, qty: ours };
                self.record(About::default(), Provenance::Observed, body);
            }
            return Compared::Agrees;
        }
        let difference = theirs.checked_add(ours.negated());
        if broken.is_some() && broken == difference {
            return Compared::Broken;
        }
        let lag = self.core.config.resnapshot_after;
        let lags = self.core.session.moves.get(key).is_some_and(|moves| moves.was(theirs, asked_at, lag));
        let compared = if lags { Compared::Moved } else { Compared::Suspect };
        let before = self.core.session.suspects.insert(key.clone(), compared);
        if lags || before != Some(Compared::Suspect) {
            self.look_later();
            return compared;
        }
        self.core.session.suspects.remove(key);
        let text = format!(
            "position break: {account} {instrument} is {ours} by our executions and {theirs} at the broker; \
             the instrument is frozen until they agree"
        );
        if !planted::is("a-break-is-not-told") {
            self.alert(AlertKind::PositionBreak, text, None);
        }
        let scope = CancelScope::Instrument { instrument: instrument.clone() };
        let body = Body::PositionBroken { account, instrument, ours, theirs };
        self.record(About::default(), Provenance::Observed, body);
        if !planted::is("a-break-freezes-nothing") {
            self.withdraw_what_waits(&scope);
        }
        Compared::Broken
    }
}
