//! The faults that are armed, and what they decide.
//!
//! Three kinds of questions: does this event meet a fault (`fires`), is this order under one (`marks`, decided
//! once per order), is the gateway in a state (`level`). Events that begin by themselves come out of `on_time`
//! and `on_new_order`. Every decision that could have gone either way, or did something, is logged.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::draw::{draw, stream_of};
use super::log::{Cause, Decision, DecisionLog};
use super::{Arg, Fault, Knob, Unit, When};
use crate::venue::{OrderKey, UtcNs};

/// Most orders whose fate one fault remembers; the oldest is decided anew, by the same draw.
const MARKS_MAX: usize = 65_536;

/// What a question is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct On<'a> {
    pub(crate) client: i32,
    /// 0 for none.
    pub(crate) order: i32,
    /// Empty for none.
    pub(crate) symbol: &'a str,
}

impl<'a> On<'a> {
    pub(crate) fn order(key: OrderKey, symbol: &'a str) -> Self {
        Self { client: key.client_id, order: key.order_id, symbol }
    }

    pub(crate) fn client(client: i32) -> Self {
        Self { client, order: 0, symbol: "" }
    }

    fn text(&self) -> String {
        match (self.client, self.order) {
            (0, 0) => "gateway".to_owned(),
            (client, 0) => format!("client {client}"),
            (client, order) => format!("order {client}/{order}"),
        }
    }
}

#[derive(Debug)]
struct Armed {
    fault: Arc<Fault>,
    since: UtcNs,
    /// Events counted so far.
    seen: u64,
    /// Questions answered by a draw of their own.
    asked: u64,
    /// Happened, and happens no more.
    spent: bool,
    stream: u64,
    marks: HashMap<OrderKey, bool>,
    marked: VecDeque<OrderKey>,
}

impl Armed {
    fn knob(&self) -> Knob {
        self.fault.knob
    }

    fn unit(&self) -> Unit {
        self.fault.knob.row().unit
    }

    fn fits(&self, on: &On<'_>) -> bool {
        let fits = |name: &str, have: i32| match self.fault.args.get(name) {
            Some(Arg::Int(wanted)) => *wanted == i64::from(have),
            _ => true,
        };
        // A row may use a filter's name for a parameter of its own.
        let own = |name: &str| self.knob().row().params.iter().any(|param| param.name == name);
        (own("client") || fits("client", on.client))
            && fits("order", on.order)
            && match self.fault.args.get("symbol") {
                Some(Arg::Text(wanted)) => wanted == on.symbol,
                _ => true,
            }
    }

    fn is_due(&self, now: UtcNs) -> bool {
        self.fault.when.is_due(self.seen, now.saturating_sub(self.since))
    }

    fn is_repeating(&self) -> bool {
        !self.unit().is_once() || !self.fault.when.is_single() || self.fault.ppm.is_some()
    }
}

/// All armed faults.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    seed: u64,
    armed: Vec<Armed>,
    /// One bit per knob that is armed.
    present: u128,
    log: DecisionLog,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, armed: Vec::new(), present: 0, log: DecisionLog::default() }
    }

    pub(crate) fn arm(&mut self, now: UtcNs, fault: Fault) {
        let name = fault.knob.row().name;
        let ordinal = self.armed.iter().filter(|armed| armed.knob() == fault.knob).count() as u64;
        self.present |= fault.knob.bit();
        self.armed.push(Armed {
            fault: Arc::new(fault),
            since: now,
            seen: 0,
            asked: 0,
            spent: false,
            stream: stream_of(name, ordinal),
            marks: HashMap::new(),
            marked: VecDeque::new(),
        });
    }

    /// Disarms everything; the log stays.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
        self.present = 0;
    }

    /// Disarms one name. False when it was not armed.
    pub(crate) fn clear_knob(&mut self, knob: Knob) -> bool {
        let was = self.has(knob);
        self.armed.retain(|armed| armed.knob() != knob);
        self.present &= !knob.bit();
        was
    }

    /// True when nothing is armed: the way of a message then costs nothing more.
    pub(crate) fn is_idle(&self) -> bool {
        self.present == 0
    }

    pub(crate) fn has(&self, knob: Knob) -> bool {
        self.present & knob.bit() != 0
    }

    /// The faults that are armed and not spent.
    pub(crate) fn armed(&self) -> impl Iterator<Item = &Fault> {
        self.armed.iter().filter(|armed| !armed.spent).map(|armed| &*armed.fault)
    }

    /// Adds what others decided.
    pub(crate) fn note(&mut self, decision: Decision) {
        self.log.add(decision);
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn log(&self) -> &DecisionLog {
        &self.log
    }

    /// Decides about one event that the knob is tied to. Every fault that waits for it counts it; the first
    /// that is due decides.
    pub(crate) fn fires(&mut self, now: UtcNs, knob: Knob, on: On<'_>) -> Option<Arc<Fault>> {
        self.fires_first(now, &[knob], on)
    }

    /// As `fires`, for knobs of which one event meets one at most.
    pub(crate) fn fires_first(&mut self, now: UtcNs, knobs: &[Knob], on: On<'_>) -> Option<Arc<Fault>> {
        if !knobs.iter().any(|knob| self.has(*knob)) {
            return None;
        }
        let mut fired: Option<Arc<Fault>> = None;
        let tied = |armed: &&mut Armed| knobs.contains(&armed.knob()) && !armed.spent && armed.fits(&on);
        for armed in self.armed.iter_mut().filter(tied) {
            armed.seen += 1;
            if fired.is_some() || !armed.is_due(now) {
                continue;
            }
            let decision = decide(armed, (self.seed, armed.seen), now, &on);
            armed.spent = decision.fired && !armed.is_repeating();
            if decision.fired {
                fired = Some(Arc::clone(&armed.fault));
            }
            self.log.add(decision);
        }
        fired
    }

    /// Decides about an order for its whole life, at the first question.
    pub(crate) fn marks(
        &mut self,
        now: UtcNs,
        knob: Knob,
        key: OrderKey,
        symbol: &str,
    ) -> Option<Arc<Fault>> {
        if !self.has(knob) {
            return None;
        }
        let on = On::order(key, symbol);
        let mut marked = None;
        for armed in self.armed.iter_mut().filter(|armed| armed.knob() == knob && armed.fits(&on)) {
            let fired = match armed.marks.get(&key) {
                Some(fired) => *fired,
                None => {
                    armed.seen += 1;
                    let due = armed.is_due(now);
                    let decision = due.then(|| decide(armed, (self.seed, position_of(key)), now, &on));
                    let fired = decision.as_ref().is_some_and(|it| it.fired);
                    if let Some(decision) = decision {
                        self.log.add(decision);
                    }
                    remember(armed, key, fired);
                    fired
                }
            };
            if fired && marked.is_none() {
                marked = Some(Arc::clone(&armed.fault));
            }
        }
        marked
    }

    /// The state of the gateway that a knob stands for, asked about `on`.
    pub(crate) fn level(&mut self, now: UtcNs, knob: Knob, on: On<'_>) -> Option<Arc<Fault>> {
        if !self.has(knob) {
            return None;
        }
        let mut active = None;
        for armed in self.armed.iter_mut().filter(|armed| armed.knob() == knob && armed.is_due(now)) {
            if active.is_some() {
                break;
            }
            armed.asked += 1;
            let decision = decide(armed, (self.seed, armed.asked), now, &on);
            if decision.fired {
                active = Some(Arc::clone(&armed.fault));
            }
            self.log.add(decision);
        }
        active
    }

    /// As `level`, for states that are read over and over and not worth a line each.
    pub(crate) fn quiet_level(&self, now: UtcNs, knob: Knob) -> Option<&Arc<Fault>> {
        if !self.has(knob) {
            return None;
        }
        self.armed.iter().find(|armed| armed.knob() == knob && armed.is_due(now)).map(|armed| &armed.fault)
    }

    /// Counts a new order for the faults that count them beside their own questions, and says what begins now.
    pub(crate) fn on_new_order(&mut self, now: UtcNs, key: OrderKey) -> Vec<Arc<Fault>> {
        let counts = |armed: &&mut Armed| matches!(armed.unit(), Unit::Level | Unit::Instant);
        for armed in self.armed.iter_mut().filter(counts) {
            armed.seen += 1;
        }
        let by_count = |when| matches!(when, When::Nth(_) | When::Counts(..));
        self.begin(now, On::order(key, ""), by_count)
    }

    /// What begins by the passage of time.
    pub(crate) fn on_time(&mut self, now: UtcNs) -> Vec<Arc<Fault>> {
        if self.is_idle() {
            return Vec::new();
        }
        let by_time = |when| matches!(when, When::Now | When::After(_) | When::Span(..));
        self.begin(now, On::default(), by_time)
    }

    /// When `on_time` next has something to say.
    pub(crate) fn next_wake(&self) -> Option<UtcNs> {
        if self.is_idle() {
            return None;
        }
        let waiting = |armed: &&Armed| armed.unit() == Unit::Instant && !armed.spent;
        let instants = self.armed.iter().filter(waiting).filter_map(|armed| match armed.fault.when {
            When::Now => Some(armed.since),
            When::After(wait) | When::Span(wait, _) => Some(armed.since.saturating_add(wait)),
            When::Nth(_) | When::Counts(..) => None,
        });
        instants.min()
    }

    fn begin(&mut self, now: UtcNs, on: On<'_>, counts: impl Fn(When) -> bool) -> Vec<Arc<Fault>> {
        let mut begun = Vec::new();
        let waiting = |armed: &&mut Armed| {
            armed.unit() == Unit::Instant && !armed.spent && counts(armed.fault.when) && armed.is_due(now)
        };
        for armed in self.armed.iter_mut().filter(waiting) {
            let decision = decide(armed, (self.seed, armed.seen), now, &on);
            armed.spent = !matches!(armed.fault.when, When::Counts(..));
            if decision.fired {
                begun.push(Arc::clone(&armed.fault));
            }
            self.log.add(decision);
        }
        begun
    }
}

fn decide(armed: &Armed, (seed, position): (u64, u64), now: UtcNs, on: &On<'_>) -> Decision {
    let drawn = armed.fault.ppm.map(|ppm| (draw(seed, armed.stream, position), ppm));
    Decision {
        at: now,
        cause: Cause::Fault(armed.fault.to_string()),
        on: on.text(),
        seed,
        drawn_from: drawn.map(|_| (armed.stream, position)),
        draw: drawn.map(|(draw, _)| draw),
        fired: drawn.is_none_or(|(draw, ppm)| draw < ppm),
    }
}

/// An order's own place in a stream: the same whatever came before it.
fn position_of(key: OrderKey) -> u64 {
    let half = |number: i32| u64::from(number.cast_unsigned());
    (half(key.client_id) << 32) | half(key.order_id)
}

fn remember(armed: &mut Armed, key: OrderKey, fired: bool) {
    armed.marks.insert(key, fired);
    armed.marked.push_back(key);
    if armed.marked.len() > MARKS_MAX
        && let Some(oldest) = armed.marked.pop_front()
    {
        armed.marks.remove(&oldest);
    }
}
