//! A deterministic exchange and broker without I/O: instruments, accounts, moving prices, order books, fills.
//!
//! Time is an argument and chance comes from a seed: the same configuration and the same inputs give the
//! same outputs, bit for bit. There is no clock, no socket and no thread here, and nothing can fail: what is
//! wrong with a request is a [`Refusal`] among the outputs.
//!
//! Liquidity model: an order may take the displayed size of the touch once per price change, and orders do
//! not take it from each other. A larger order therefore fills in parts as the market moves. With a [`Depth`] it takes
//! the levels behind the touch too, each at its own price, and as often.

mod account;
mod archive;
mod bars;
mod calendar;
mod combination;
mod commission;
mod correct;
mod depth;
mod diary;
mod extra;
mod family;
mod fills;
mod funds;
mod growth;
mod instrument;
mod io;
mod kind;
mod listing;
mod margin;
mod market;
mod meddle;
mod oca;
mod order;
mod orders;
mod preview;
mod prices;
mod query;
mod rates;
mod refusal;
mod sessions;
mod sizes;
mod types;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rust_decimal::Decimal;

pub use account::{Account, AccountConfig, AccountTextError, Position};
pub use archive::{FinishedOrder, Retention};
pub use bars::{BarPrice, PriceBar, SLOT_NS};
pub use calendar::{Calendar, CalendarError, Phase};
pub use combination::{Apart, CombinationProblem, Leg, LegSpec, LegTerms};
pub use commission::CommissionRule;
pub use depth::{Depth, DepthTextError, Level};
pub use extra::Extra;
pub use funds::AccountTotals;
pub use instrument::{Instrument, Right, SecType, TickStep};
pub use io::{Execution, OrderReport, Quote, VenueInput, VenueOutput};
pub use kind::{OrderKind, TrailBy};
pub use listing::ListingError;
pub use margin::{Margin, MarginRule, MarginTextError};
pub use meddle::Meddle;
pub use oca::{Oca, OcaKind};
pub use preview::{Change, Preview};
pub use prices::PricePath;
pub use rates::{Ledger, MissingRate, missing_rate};
pub use refusal::Refusal;
pub use types::{ConId, DAY_NS, OrderKey, OrderSpec, Side, Status, TimeInForce, UtcNs};

use archive::Archive;
use diary::Diary;
use market::Market;
use oca::{Group, GroupName, Unheard};
use order::LiveOrder;

/// How a venue starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueConfig {
    /// Seed of every price walk.
    pub seed: u64,
    /// The instant the venue opens. Also keeps ids of two runs apart.
    pub start: UtcNs,
    /// Accounts.
    pub accounts: Vec<AccountConfig>,
    /// Instruments.
    pub instruments: Vec<Instrument>,
    /// Nanoseconds between two steps of the price walk; `None` for prices that move by hand only.
    pub walk_every: Option<i64>,
    /// Instruments whose prices follow a script; the others walk.
    pub paths: BTreeMap<ConId, PricePath>,
    /// The book behind the touch, where an instrument has none of its own; `None` for the touch alone.
    pub depth: Option<Depth>,
    /// Nanoseconds between a fill and its commission report.
    pub commission_delay: i64,
    /// Nanoseconds between a cancel and its confirmation; fills go on meanwhile.
    pub cancel_delay: i64,
    /// Most working orders per instrument, side and account; beyond it 201.
    pub working_per_side: Option<usize>,
    /// Most working orders; beyond it 201.
    pub working_max: usize,
    /// Most parked orders; beyond it 201.
    pub parked_max: usize,
    /// How much of the past is kept.
    pub retention: Retention,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            start: 0,
            accounts: vec![AccountConfig::usd("DU1234567", Decimal::from(1_000_000))],
            instruments: Instrument::defaults(),
            walk_every: None,
            paths: BTreeMap::new(),
            depth: None,
            commission_delay: 0,
            cancel_delay: 0,
            working_per_side: None,
            working_max: 1_000_000,
            parked_max: 10_000,
            retention: Retention::default(),
        }
    }
}

/// Something the venue will do by itself.
#[derive(Debug)]
enum Scheduled {
    Walk,
    /// The next point of an instrument's script, by market and position.
    Path(usize, usize),
    DayEnd,
    /// A market opens or closes.
    Bell(usize),
    Commission(Arc<Execution>),
    FinishCancel(u64),
    /// The instant before which an order is not at work has come.
    Start(u64),
    Expire(u64),
    /// The next leg of a fill that trades in parts.
    Leg(u64),
}

/// The venue. See the module documentation.
#[derive(Debug)]
pub struct Venue {
    config: VenueConfig,
    markets: Vec<Market>,
    market_index: HashMap<ConId, usize>,
    /// The combinations that were named, by symbol and legs.
    combinations: HashMap<(String, Vec<LegSpec>), ConId>,
    accounts: BTreeMap<Arc<str>, Account>,
    live: BTreeMap<u64, LiveOrder>,
    by_key: HashMap<OrderKey, u64>,
    /// Working children by the name of their parent, working or filled.
    children: HashMap<OrderKey, Vec<u64>>,
    /// One-cancels-all groups with a working member.
    groups: HashMap<GroupName, Group>,
    /// Fills without block that are still to take effect.
    unheard: Vec<Unheard>,
    parked: BTreeMap<OrderKey, OrderSpec>,
    archive: Archive,
    highest_id: HashMap<i32, i32>,
    schedule: BTreeMap<(UtcNs, u64), Scheduled>,
    next_seq: u64,
    next_perm_id: i64,
    next_exec: u64,
    next_timer: u64,
    next_manual: i32,
    /// Hand-typed orders get the next positive ids of client 0.
    positive_manual: bool,
    /// The order that arrives is typed by hand.
    by_hand: bool,
    /// The order that a fault holds as it arrives.
    held_next: Option<OrderKey>,
    /// What changes it, in words, while somebody keeps its books.
    diary: Option<Box<Diary>>,
}

/// Walk steps made up for when time jumps; a longer gap is skipped, so that one late wake stays cheap.
const WALK_CATCH_UP: i64 = 64;

impl Venue {
    /// Opens the venue.
    pub fn new(config: VenueConfig) -> Self {
        let markets: Vec<Market> =
            config.instruments.iter().map(|it| Market::new(it.clone(), &config)).collect();
        let market_index =
            markets.iter().enumerate().map(|(at, market)| (market.instrument.con_id, at)).collect();
        let accounts = config
            .accounts
            .iter()
            .map(|account| (Arc::from(account.id.as_str()), Account::open(account)))
            .collect();
        // Two runs of one seed must not hand out the same permanent ids: a client keeps them for years.
        let opened_ms = (config.start / 1_000_000).max(0);
        let mut venue = Self {
            archive: Archive::new(config.retention),
            config,
            markets,
            market_index,
            combinations: HashMap::new(),
            accounts,
            live: BTreeMap::new(),
            by_key: HashMap::new(),
            children: HashMap::new(),
            groups: HashMap::new(),
            unheard: Vec::new(),
            parked: BTreeMap::new(),
            highest_id: HashMap::new(),
            schedule: BTreeMap::new(),
            next_seq: 1,
            next_perm_id: opened_ms.saturating_mul(100) + 1,
            next_exec: 1,
            next_timer: 0,
            next_manual: -1,
            positive_manual: false,
            by_hand: false,
            held_next: None,
            diary: None,
        };
        let start = venue.config.start;
        if let Some(every) = venue.config.walk_every {
            venue.schedule_at(start + every.max(1), Scheduled::Walk);
        }
        venue.schedule_at(day_start(start) + DAY_NS, Scheduled::DayEnd);
        venue.begin_sessions();
        venue.begin_paths();
        venue
    }

    /// Takes one input at `now`, after everything that was due before it.
    pub fn handle(&mut self, now: UtcNs, input: VenueInput) -> Vec<VenueOutput> {
        let mut out = Vec::new();
        self.handle_into(now, input, &mut out);
        out
    }

    /// As [`handle`](Self::handle), appending to a buffer of the caller's.
    pub fn handle_into(&mut self, now: UtcNs, input: VenueInput, out: &mut Vec<VenueOutput>) {
        self.note_input(now, &input);
        self.advance(now, out);
        match input {
            VenueInput::Place { key, spec } => self.place(now, key, spec, out),
            VenueInput::Preview { key, spec } => self.preview(now, key, *spec, out),
            VenueInput::Refuse { key, refusal, spec } => {
                self.refuse(now, (key, spec.as_deref()), refusal, out);
            }
            VenueInput::Cancel { key } => self.cancel(now, key, out),
            VenueInput::CancelAll => self.cancel_all(now, out),
            VenueInput::PlaceManual { spec } => self.place_manual(now, spec, out),
            VenueInput::SetQuote { con_id, quote } => self.set_quote(now, con_id, quote, out),
            VenueInput::Release { con_id } => {
                if let Some(market) = self.market_mut(con_id) {
                    market.pinned = market.instrument.is_combination();
                }
            }
            VenueInput::SetReject { con_id, reason } => {
                if let Some(at) = self.market_index.get(&con_id) {
                    Arc::make_mut(&mut self.markets[*at].instrument).reject_reason = reason;
                }
            }
            VenueInput::Correct { exec_id, price, quantity } => {
                self.correct(&exec_id, (price, quantity), out);
            }
            VenueInput::Meddle(meddle) => self.meddle(now, meddle, out),
            VenueInput::Wake => {}
        }
        self.tell_groups(now, out);
    }

    /// When the venue next wants to be woken.
    pub fn next_wake(&self) -> Option<UtcNs> {
        self.schedule.first_key_value().map(|((at, _), _)| *at)
    }

    /// Makes the hand-typed orders known to client 0 under the negative ids they get, and returns them.
    pub fn bind_manual(&mut self) -> Vec<OrderReport> {
        let mut bound = Vec::new();
        for order in self.live.values_mut().filter(|order| !order.bound) {
            order.bound = true;
            bound.push(*order.report());
        }
        if !bound.is_empty() {
            self.note_bound();
        }
        bound
    }

    /// Hand-typed orders from now on get the next positive ids of client 0, or negative ones (tws-behaviour 1.4).
    pub(crate) fn number_by_hand(&mut self, positive: bool) {
        if self.positive_manual != positive {
            self.positive_manual = positive;
            self.note_numbering(positive);
        }
    }

    fn advance(&mut self, now: UtcNs, out: &mut Vec<VenueOutput>) {
        while let Some(entry) = self.schedule.first_entry() {
            let (at, _) = *entry.key();
            if at > now {
                break;
            }
            let due = entry.remove();
            self.run(now, at, due, out);
            self.tell_groups(at, out);
        }
    }

    fn run(&mut self, now: UtcNs, at: UtcNs, due: Scheduled, out: &mut Vec<VenueOutput>) {
        match due {
            Scheduled::Walk => {
                let every = self.config.walk_every.unwrap_or(DAY_NS).max(1);
                let late = now - at > every.saturating_mul(WALK_CATCH_UP);
                self.schedule_at(if late { now } else { at } + every, Scheduled::Walk);
                for index in 0..self.markets.len() {
                    if self.markets[index].walks() {
                        self.markets[index].step();
                        self.after_quote(at, index, out);
                    }
                }
            }
            Scheduled::Path(index, point) => self.follow_path(at, (index, point), out),
            Scheduled::DayEnd => {
                self.schedule_at(day_start(now) + DAY_NS, Scheduled::DayEnd);
                self.end_day(at, out);
            }
            Scheduled::Bell(index) => self.ring(at, index, out),
            Scheduled::Commission(execution) => out.push(VenueOutput::Commission(execution)),
            Scheduled::FinishCancel(seq) => self.finish_cancel(at, seq, out),
            Scheduled::Start(seq) => self.start(at, seq, out),
            Scheduled::Expire(seq) => self.expire(at, seq, out),
            Scheduled::Leg(seq) => self.trade_next_leg(at, seq, out),
        }
    }

    fn set_quote(&mut self, now: UtcNs, con_id: ConId, quote: Quote, out: &mut Vec<VenueOutput>) {
        let Some(&index) = self.market_index.get(&con_id) else { return };
        if self.markets[index].instrument.is_combination() {
            // Its legs make its price.
            return;
        }
        self.markets[index].pinned = true;
        self.markets[index].set(quote);
        self.after_quote(now, index, out);
    }

    /// Scripted markets do not walk, and their first price is there from the start.
    fn begin_paths(&mut self) {
        for index in 0..self.markets.len() {
            let con_id = self.markets[index].instrument.con_id;
            let Some(path) = self.config.paths.get(&con_id) else { continue };
            let first = path.points().first().copied();
            self.markets[index].pinned = true;
            if let Some((after, quote)) = first {
                if after == 0 {
                    let market = &mut self.markets[index];
                    market.set(quote);
                    market.tape.note_quote(self.config.start, &quote);
                }
                let point = usize::from(after == 0);
                self.schedule_point(index, point);
            }
        }
    }

    fn follow_path(&mut self, at: UtcNs, (index, point): (usize, usize), out: &mut Vec<VenueOutput>) {
        let con_id = self.markets[index].instrument.con_id;
        let quote = self.config.paths.get(&con_id).and_then(|path| path.points().get(point));
        if let Some((_, quote)) = quote {
            self.markets[index].set(*quote);
            self.after_quote(at, index, out);
        }
        self.schedule_point(index, point + 1);
    }

    fn schedule_point(&mut self, index: usize, point: usize) {
        let con_id = self.markets[index].instrument.con_id;
        let after = self.config.paths.get(&con_id).and_then(|path| path.points().get(point)).map(|it| it.0);
        if let Some(after) = after {
            self.schedule_at(self.config.start.saturating_add(after), Scheduled::Path(index, point));
        }
    }

    fn after_quote(&mut self, now: UtcNs, index: usize, out: &mut Vec<VenueOutput>) {
        let market = &mut self.markets[index];
        market.tape.note_quote(now, &market.quote);
        out.push(VenueOutput::Quote { con_id: market.instrument.con_id, quote: market.quote });
        for seq in market.book.touched(&market.quote) {
            self.match_order(now, seq, out);
        }
        self.tell_groups(now, out);
        self.move_combinations(now, index, out);
    }

    fn schedule_at(&mut self, at: UtcNs, what: Scheduled) -> (UtcNs, u64) {
        self.next_timer += 1;
        self.schedule.insert((at, self.next_timer), what);
        (at, self.next_timer)
    }

    fn market(&self, con_id: ConId) -> Option<&Market> {
        self.market_index.get(&con_id).map(|at| &self.markets[*at])
    }

    fn market_mut(&mut self, con_id: ConId) -> Option<&mut Market> {
        self.market_index.get(&con_id).map(|at| &mut self.markets[*at])
    }
}

/// Midnight (UTC) at or before `at`.
pub fn day_start(at: UtcNs) -> UtcNs {
    at - at.rem_euclid(DAY_NS)
}
