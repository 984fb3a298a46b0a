//! What is true only for now: the link, quotes, account values, deadlines.
//!
//! None of it survives a restart and none of it is needed to: the books of the broker restore it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use alphec_model::broker::{CommissionReport, LinkState};
use alphec_model::risk::RuleName;
use alphec_model::{
    AccountId, AccountValues, CancelScope, ConId, Currency, Decimal, Evidence, ExecId, FarmKind, Generation,
    Instrument, InstrumentId, Price, Qty, Quote, RejectReason, UtcNanos, Verdict, exact_mul,
};

use crate::book::OrderIx;
use crate::broker::{Compared, Moves};
use crate::deadlines::Deadlines;
use crate::step::{Question, Token};

/// Commissions that wait for their execution; beyond this the lowest is dropped and asked for again
/// with the next snapshot (the stream also carries those of other clients' executions).
pub(crate) const ORPHAN_COMMISSIONS_MAX: usize = 10_000;

/// Anomalies remembered so that each is told once a connection; at the limit all may be told again.
const SAID_MAX: usize = 1_000;

/// A staged order or change waiting for custom rules.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) question: Question,
    pub(crate) token: Option<Token>,
    pub(crate) rules: BTreeSet<RuleName>,
    pub(crate) deadlines: BTreeMap<RuleName, UtcNanos>,
    pub(crate) verdict: Verdict,
}

/// A change in flight that complete lists did not show.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    /// How many lists.
    pub(crate) lists: u32,
    /// How many of them have the old terms at work at the venue.
    pub(crate) at_work: u32,
    /// What the last of them showed, once another change may take its place.
    pub(crate) gives_way: Option<Evidence>,
}

/// A code that calls an order dead, or a change of it.
#[derive(Debug)]
pub(crate) struct Suspicion {
    pub(crate) reason: RejectReason,
    pub(crate) since: UtcNanos,
    /// Complete lists asked for since that have the order as inactive, one after the other.
    pub(crate) lists: u32,
}

/// A change that left. The adapter's words name the order only, so that a further change waits for the word on this one.
#[derive(Debug)]
struct WordDue {
    /// The connection on which it left, until the word came.
    due_on: Option<Generation>,
    /// `None` where a word may be about a change of an earlier connection.
    version: Option<u32>,
}

/// A snapshot that was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outstanding {
    pub(crate) id: u64,
    pub(crate) asked_at: UtcNanos,
}

/// What the machine knows of this connection and this process life.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) link: Link,
    pub(crate) stopping: bool,
    pub(crate) journal_trouble: Option<String>,
    /// A record of ours that would not replay: nothing new is sent until a new process has looked.
    pub(crate) inconsistent: Option<String>,
    pub(crate) quotes: BTreeMap<InstrumentId, Priced>,
    pub(crate) accounts: BTreeMap<AccountId, AccountValues>,
    pub(crate) con_ids: BTreeMap<ConId, InstrumentId>,
    pub(crate) unknown_instruments: BTreeMap<InstrumentId, String>,
    pub(crate) sent_at: VecDeque<UtcNanos>,
    answers_due: Deadlines,
    /// Cancels that left. What answers the order or a change of it says nothing of them.
    cancels_due: Deadlines,
    /// Orders of which the broker counts more filled than executions have come, with how much it counts.
    fills_due: Deadlines,
    fills_told: BTreeMap<OrderIx, Qty>,
    pub(crate) waiting: BTreeMap<OrderIx, Waiting>,
    /// Questions asked of custom rules so far.
    pub(crate) questions: Question,
    /// Live orders whose latest status is "inactive": rejected, or held and able to come back.
    pub(crate) inactive: BTreeSet<OrderIx>,
    /// Live orders that a code called dead when nothing else did.
    pub(crate) accused: BTreeMap<OrderIx, RejectReason>,
    /// The same where the code may have been about a change given up.
    pub(crate) suspected: BTreeMap<OrderIx, Suspicion>,
    /// Of orders that live twice, how many cancels left since one of their lives last ended.
    pub(crate) cancels_of_both: BTreeMap<OrderIx, u32>,
    pub(crate) absent_rounds: BTreeMap<OrderIx, Absence>,
    /// Orders that were proven absent and are watched for: how long lists of this connection have left each out.
    pub(crate) watch_rounds: BTreeMap<OrderIx, Absence>,
    /// Changes that left and of which the adapter has not said yet whether it wrote them. Some words come after the
    /// connection has ended, and some never.
    words_due: BTreeMap<OrderIx, WordDue>,
    /// Changes in flight that complete lists of this connection did not show.
    pub(crate) unseen_changes: BTreeMap<OrderIx, Unseen>,
    /// Orders of others that the last complete lists did not show.
    pub(crate) missed_foreign: BTreeMap<String, Absence>,
    /// Holdings that did not agree when they were last compared.
    pub(crate) suspects: BTreeMap<(AccountId, InstrumentId), Compared>,
    /// What we held a moment ago.
    pub(crate) moves: BTreeMap<(AccountId, InstrumentId), Moves>,
    orphan_commissions: BTreeMap<ExecId, CommissionReport>,
    /// Cancels of this connection.
    pub(crate) cancels: BTreeMap<OrderIx, CancelTry>,
    /// When a global cancel last left on this connection.
    pub(crate) global_cancel_at: Option<UtcNanos>,
    /// Data farms that are broken.
    pub(crate) farms_down: BTreeSet<(FarmKind, String)>,
    said: BTreeSet<String>,
    pub(crate) outstanding: Option<Outstanding>,
    pub(crate) asked_at: Option<UtcNanos>,
    pub(crate) snapshot_due: Option<UtcNanos>,
    /// When the books were asked for that were taken over last.
    pub(crate) books_as_of: Option<UtcNanos>,
    pub(crate) snapshots: u64,
    /// How often the books were asked for since they were last taken over, the broker's servers came back, or a person
    /// wanted them.
    pub(crate) asked_in_vain: u32,
    /// When the last complete lists that agreed with every position were asked for.
    pub(crate) clean_since: Option<UtcNanos>,
}

/// A quote, with the price to judge by worked out once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Priced {
    pub(crate) quote: Quote,
    pub(crate) reference_px: Option<Decimal>,
    /// What one unit is worth at that price, in `currency`; `None` when no decimal holds it.
    pub(crate) unit_value: Option<Decimal>,
    pub(crate) currency: Currency,
}

impl Priced {
    /// Of an instrument whose prices are above zero, what is not is no price: feeds say "no quote"
    /// with zero and minus one.
    pub(crate) fn new(quote: Quote, instrument: &Instrument) -> Self {
        let allows_all = instrument.kind().allows_negative_price();
        let is_price = |px: &Price| allows_all || px.get() > Decimal::ZERO;
        let quote = Quote {
            bid: quote.bid.filter(is_price),
            ask: quote.ask.filter(is_price),
            last: quote.last.filter(is_price),
            at: quote.at,
        };
        let reference_px = quote.reference_px();
        let unit_value = reference_px.and_then(|px| exact_mul(px, instrument.multiplier()));
        Self { quote, reference_px, unit_value, currency: instrument.currency() }
    }
}

/// Complete lists in a row that must leave an order out before it may be asked for, or count as gone.
pub(crate) const ABSENT_ROUNDS: u32 = 2;

/// How long an order was in none of the complete lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absence {
    /// In how many rounds.
    pub(crate) rounds: u32,
    /// When the first of them was asked for.
    pub(crate) since: UtcNanos,
}

impl Absence {
    /// One more list leaves it out.
    pub(crate) fn once_more(before: Option<Self>, asked_at: UtcNanos) -> Self {
        let Self { rounds, since } = before.unwrap_or(Self { rounds: 0, since: asked_at });
        Self { rounds: rounds.saturating_add(1), since }
    }

    /// Whether the lists until the one asked for then are enough, and lie as far apart as they must.
    pub(crate) fn has_lasted(self, span: Duration, asked_at: UtcNanos) -> bool {
        self.rounds >= ABSENT_ROUNDS && asked_at.since(self.since) >= span
    }
}

/// How a cancel fares on this connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CancelTry {
    /// When it was sent, if it was and was not refused since.
    pub(crate) sent_at: Option<UtcNanos>,
    /// How often the broker did not take it.
    pub(crate) failed: u32,
    /// Whether the broker says that it is at work on it.
    pub(crate) is_taken: bool,
}

/// How the link stands.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) state: LinkState,
    pub(crate) generation: Generation,
    /// The accounts of this login that may be believed; `None` before the first connection.
    pub(crate) accounts: Option<BTreeSet<AccountId>>,
    /// Complete lists read since something may last have been missed.
    pub(crate) rounds: u32,
    /// Why it cannot become ready although connected, such as the wrong accounts.
    pub(crate) refused: Option<String>,
    pub(crate) was_ready: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            state: LinkState::Down,
            generation: Generation::new(0),
            accounts: None,
            rounds: 0,
            refused: None,
            was_ready: false,
        }
    }
}

/// Whether orders may be sent, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// How the link stands.
    pub link: LinkState,
    /// Why it is not ready although connected.
    pub refused: Option<String>,
    /// Why trading is halted, if it is.
    pub halted: Option<String>,
    /// Why the journal takes no records, if it does not.
    pub journal_trouble: Option<String>,
    /// The process is about to end.
    pub stopping: bool,
    /// Data farms that are broken, by what they serve and name. Orders still pass while their prices are fresh.
    pub farms_down: Vec<(FarmKind, String)>,
    /// The gap that is open: messages may be missing, what is known of orders may be old.
    pub gap: Option<u64>,
    /// When the broker's complete books were asked for that were taken over last, on this connection.
    pub books_as_of: Option<UtcNanos>,
    /// A holding differed when they were read last: they are read once more before that counts.
    pub disputed: bool,
    /// Halts of single accounts, strategies or instruments. They stop no others.
    pub halted_scopes: Vec<(CancelScope, String)>,
}

impl Readiness {
    /// Whether new orders can be sent. Inside a restart window, after a live arming has ended and in a scope that is
    /// halted by itself they are denied all the same.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.link, LinkState::Ready)
            && self.refused.is_none()
            && self.halted.is_none()
            && self.journal_trouble.is_none()
            && !self.stopping
    }
}

impl Session {
    /// Forgets everything that belonged to the connection before.
    pub(crate) fn forget_connection(&mut self) {
        self.quotes.clear();
        self.accounts.clear();
        self.answers_due.clear();
        self.cancels_due.clear();
        self.fills_due.clear();
        self.fills_told.clear();
        self.forget_lists();
        self.asked_at = None;
        self.asked_in_vain = 0;
        self.books_as_of = None;
        self.inactive.clear();
        self.accused.clear();
        self.suspected.clear();
        self.cancels_of_both.clear();
        self.cancels.clear();
        self.global_cancel_at = None;
        self.farms_down.clear();
        self.said.clear();
    }

    /// Whether a holding differed when the books were read last, and the next round decides what that means.
    pub(crate) fn is_disputed(&self) -> bool {
        self.books_as_of.is_some() && self.clean_since != self.books_as_of
    }

    /// Forgets what lists had begun to prove: between them, something may have been lost.
    pub(crate) fn forget_lists(&mut self) {
        self.outstanding = None;
        self.snapshot_due = None;
        self.clean_since = None;
        self.link.rounds = 0;
        self.absent_rounds.clear();
        self.watch_rounds.clear();
        self.unseen_changes.clear();
        self.missed_foreign.clear();
        self.suspects.clear();
    }

    /// Whether this is said for the first time on this connection.
    pub(crate) fn is_news(&mut self, text: &str) -> bool {
        if self.said.contains(text) {
            return false;
        }
        if self.said.len() >= SAID_MAX {
            self.said.clear();
        }
        self.said.insert(text.to_owned())
    }

    /// Forgets what was only needed while an order lived.
    pub(crate) fn forget_order(&mut self, ix: OrderIx) {
        self.inactive.remove(&ix);
        self.accused.remove(&ix);
        self.suspected.remove(&ix);
        self.cancels.remove(&ix);
        self.cancels_due.remove(ix);
        self.absent_rounds.remove(&ix);
        self.unseen_changes.remove(&ix);
        self.acknowledged(ix);
        self.life_ended(ix);
    }

    /// The next cancel of an order that lives twice may reach the other life.
    pub(crate) fn life_ended(&mut self, ix: OrderIx) {
        self.cancels_of_both.remove(&ix);
    }

    /// A change left: the adapter says whether it was written.
    pub(crate) fn expect_word(&mut self, ix: OrderIx, version: u32) {
        let is_vague = self.words_due.contains_key(&ix);
        let version = (!is_vague).then_some(version);
        self.words_due.insert(ix, WordDue { due_on: Some(self.link.generation), version });
    }

    /// Whether the adapter's word on a change that left on this connection is to come.
    pub(crate) fn is_word_due(&self, ix: OrderIx) -> bool {
        self.words_due.get(&ix).is_some_and(|due| due.due_on == Some(self.link.generation))
    }

    /// The word came: the version that it is about, if that is sure. Once it is not, no later one is: each may be the
    /// one before's.
    pub(crate) fn take_word(&mut self, ix: OrderIx) -> Option<u32> {
        let due = self.words_due.get_mut(&ix)?;
        due.due_on = None;
        due.version?;
        self.words_due.remove(&ix)?.version
    }

    /// Starts the clock on the broker's answer to something written.
    pub(crate) fn expect_answer(&mut self, ix: OrderIx, due: UtcNanos) {
        self.answers_due.set(ix, due);
    }

    /// Stops that clock.
    pub(crate) fn acknowledged(&mut self, ix: OrderIx) {
        self.answers_due.remove(ix);
    }

    /// A cancel left: starts the clock on it.
    pub(crate) fn cancel_sent(&mut self, ix: OrderIx, now: UtcNanos, due: UtcNanos) {
        self.cancels.entry(ix).or_default().sent_at = Some(now);
        self.cancels_due.set(ix, due);
    }

    /// Stops that clock: the broker is at work on it.
    pub(crate) fn cancel_taken(&mut self, ix: OrderIx) {
        self.cancels_due.remove(ix);
    }

    /// Takes an order whose cancel is overdue at `now`.
    pub(crate) fn take_silent_cancel(&mut self, now: UtcNanos) -> Option<OrderIx> {
        let ix = self.cancels_due.overdue(now)?;
        self.cancels_due.remove(ix);
        Some(ix)
    }

    /// The order whose answer is longest due at `now`.
    pub(crate) fn overdue(&self, now: UtcNanos) -> Option<OrderIx> {
        self.answers_due.overdue(now)
    }

    /// Starts the clock on the executions of what the broker counts as filled, unless it runs.
    pub(crate) fn expect_fills(&mut self, ix: OrderIx, told: Qty, due: UtcNanos) {
        let most = self.fills_told.entry(ix).or_default();
        *most = told.max(*most);
        if !self.fills_due.has(ix) {
            self.fills_due.set(ix, due);
        }
    }

    /// Stops that clock once they have all come.
    pub(crate) fn counted(&mut self, ix: OrderIx, cum_qty: Qty) {
        if self.fills_told.get(&ix).is_some_and(|told| *told <= cum_qty) {
            self.fills_due.remove(ix);
            self.fills_told.remove(&ix);
        }
    }

    /// Takes an order whose executions are overdue at `now`.
    pub(crate) fn take_missing_fills(&mut self, now: UtcNanos) -> Option<OrderIx> {
        let ix = self.fills_due.overdue(now)?;
        self.fills_due.remove(ix);
        self.fills_told.remove(&ix);
        Some(ix)
    }

    /// The next instant at which something is due.
    pub(crate) fn next_deadline(&self) -> Option<UtcNanos> {
        let rule = self.waiting.values().flat_map(|waiting| waiting.deadlines.values()).min().copied();
        let clocks = [&self.answers_due, &self.cancels_due, &self.fills_due].map(Deadlines::next);
        clocks.into_iter().chain([rule, self.snapshot_due]).flatten().min()
    }

    /// Schedules a reading of the broker's books, unless one is due sooner.
    pub(crate) fn want_snapshot(&mut self, at: UtcNanos) {
        self.snapshot_due = Some(self.snapshot_due.map_or(at, |due| due.min(at)));
    }

    pub(crate) fn remember_commission(&mut self, report: CommissionReport) {
        if self.orphan_commissions.len() >= ORPHAN_COMMISSIONS_MAX {
            self.orphan_commissions.pop_first();
        }
        let known = self.orphan_commissions.get(&report.exec_id);
        if report.commission.is_some() || known.is_none() {
            self.orphan_commissions.insert(report.exec_id.clone(), report);
        }
    }

    pub(crate) fn take_commission(&mut self, exec_id: &ExecId) -> Option<CommissionReport> {
        self.orphan_commissions.remove(exec_id)
    }
}
