//! One world: a process, its disk, the network, the gateway with its venue, and time. One thread, one clock, no
//! chance but the seed's.

mod act;
mod turn;

use alphec_model::{ClientOrderId, OrderRequest, OrderState};
use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::{ConnId, Desk};
use alphec_twsim::venue::{AccountConfig, Instrument, VenueOutput};
use rust_decimal::Decimal;

use crate::check::{Checks, Violation};
use crate::clock::{Instant, MINUTE, SECOND};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::net::{Latency, Line};
use crate::plan::{Act, Plan};
use crate::process::Process;
use crate::profile::{self, LISTED};
use crate::sight::Sight;
use crate::story::Story;
use crate::tally::Tally;

/// How long everything has, after it healed, to settle.
const SETTLE: Instant = 12 * MINUTE;

/// Rounds at one instant after which something is taken to go in circles.
const ROUNDS_MAX: u32 = 20_000;

/// Steps of one run after which it is taken to have no end.
const STEPS_MAX: u64 = 4_000_000;

/// A process that is to start.
#[derive(Debug, Clone, Copy)]
struct Restart {
    at: Instant,
    skew: i64,
    drift: i64,
}

pub(crate) struct World {
    plan: Plan,
    now: Instant,
    desk: Desk,
    /// Lines that still carry something; the last one is the adapter's, while it has one.
    lines: Vec<Line>,
    line: Option<ConnId>,
    latency: Latency,
    /// Boxed: it is large, and taken and put back every round.
    process: Option<Box<Process>>,
    restart: Option<Restart>,
    disk: Disk,
    dice: Dice,
    next_act: usize,
    submitted: Vec<OrderRequest>,
    checks: Checks,
    violation: Option<Violation>,
    story: Story,
    pub(crate) tally: Tally,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    pub(crate) violation: Option<Violation>,
    /// The journal's bytes, and a digest of everything on the wire.
    pub(crate) journal: Vec<u8>,
    pub(crate) wire: u64,
    /// The last things seen, of a run that was to tell them.
    pub(crate) story: String,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let setup = &plan.setup;
        let now = setup.start;
        let mut desk = Desk::new(gateway(&plan), now);
        desk.watch();
        let mut disk = Disk::new(setup.disk, Dice::new(plan.seed, 2));
        disk.set_mood(setup.disk);
        Self {
            now,
            desk,
            lines: Vec::new(),
            line: None,
            latency: Latency { from: setup.latency.0, to: setup.latency.1 },
            process: None,
            restart: Some(Restart { at: now, skew: 0, drift: 0 }),
            disk,
            dice: Dice::new(plan.seed, 3),
            next_act: 0,
            submitted: Vec::new(),
            checks: Checks::new(&plan.setup),
            violation: None,
            story: Story::default(),
            tally: Tally { runs: 1, ..Tally::default() },
            plan,
        }
    }

    /// The same world, to be told.
    pub(crate) fn telling(self) -> Self {
        Self { story: Story::from(self.plan.setup.start), ..self }
    }

    /// Lives the day, heals, lets everything settle, and looks a last time.
    pub(crate) fn run(mut self) -> Outcome {
        let over = self.plan.setup.start.saturating_add(self.plan.setup.day);
        self.live_until(over, true);
        self.heal();
        // The books are read at least once, and again where they differ.
        let patience = self.plan.setup.reconcile_every.saturating_add(MINUTE);
        self.live_until(over.saturating_add(SETTLE.max(patience)), false);
        if self.has_doubts() || !self.checks.is_our_login() {
            // What this connection cannot prove any more, or never could with another login, a new one can.
            self.tally.saw("settled by a new connection");
            self.act(Act::Cut);
            self.live_until(over.saturating_add(SETTLE.max(patience).saturating_mul(2)), false);
        }
        if self.change_again() {
            self.live_until(self.now.saturating_add(SETTLE), false);
        }
        self.last_look();
        let ended = self.now.saturating_sub(self.plan.setup.start);
        self.tally.simulated_seconds = u64::try_from(ended / SECOND).unwrap_or(0);
        Outcome {
            wire: self.checks.wire_digest(),
            tally: self.tally,
            violation: self.violation,
            story: self.story.told(),
            journal: self.disk.bytes().to_vec(),
        }
    }

    fn live_until(&mut self, end: Instant, acts: bool) {
        while self.violation.is_none() {
            let next_act = if acts { self.next_act_at() } else { Instant::MAX };
            let next = self.next_due().min(next_act);
            if next > end {
                break;
            }
            self.tally.steps += 1;
            if self.tally.steps > STEPS_MAX {
                self.fail(0, "the run has no end".to_owned());
                break;
            }
            self.now = self.now.max(next);
            while acts && self.violation.is_none() && self.next_act_at() <= self.now {
                self.act_next();
            }
            self.settle();
        }
        self.now = self.now.max(end);
        self.settle();
    }

    fn next_act_at(&self) -> Instant {
        let planned = self.plan.acts.get(self.next_act);
        planned.map_or(Instant::MAX, |planned| self.plan.setup.start.saturating_add(planned.at))
    }

    fn act_next(&mut self) {
        if let Some(planned) = self.plan.acts.get(self.next_act).cloned() {
            self.next_act = self.next_act.saturating_add(1);
            self.act(planned.act);
        }
    }

    /// When something happens next by itself.
    fn next_due(&self) -> Instant {
        let mut next = self.desk.next_wake().unwrap_or(Instant::MAX);
        for line in &self.lines {
            next = next.min(line.due_up());
        }
        if let Some(restart) = self.restart {
            next = next.min(restart.at);
        }
        if let Some(process) = &self.process {
            let own =
                self.line().map_or(Instant::MAX, Line::due_down).min(process.due()).min(self.disk.due());
            next = next.min(own.max(process.paused_until));
        }
        next
    }

    fn line(&self) -> Option<&Line> {
        self.lines.iter().find(|line| Some(line.conn) == self.line)
    }

    fn line_mut(&mut self) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| Some(line.conn) == self.line)
    }

    fn see(&mut self, sight: &Sight<'_>) {
        if self.violation.is_none() {
            self.story.see(self.now, sight);
            self.violation = self.checks.see(self.now, sight, &mut self.tally).err();
        }
    }

    fn fail(&mut self, number: u8, what: String) {
        self.violation.get_or_insert(Violation { number, at: self.now, what });
    }

    fn heal(&mut self) {
        self.act(Act::GatewayHeals);
        let setup = &self.plan.setup;
        self.disk.set_mood(setup.disk);
        self.latency = Latency { from: setup.latency.0, to: setup.latency.1 };
        if let Some(process) = &mut self.process {
            process.paused_until = Instant::MIN;
        }
        self.checks.heal(self.now);
    }

    fn has_doubts(&self) -> bool {
        let Some(process) = &self.process else { return false };
        process.engine.core().book().live_orders().any(|order| order.state == OrderState::InDoubt)
    }

    fn last_look(&mut self) {
        if self.violation.is_some() {
            return;
        }
        let truth = self.desk.truth();
        let Some(process) = &self.process else {
            return self.fail(26, "no process runs at the end".to_owned());
        };
        let parked: Vec<String> =
            self.desk.venue().parked_orders().map(|spec| spec.order_ref.to_string()).collect();
        let (core, journal) = (process.engine.core(), self.disk.bytes());
        let sight = Sight::End { core, truth: &truth, parked: &parked, journal };
        self.violation = self.checks.see(self.now, &sight, &mut self.tally).err();
    }

    fn see_venue(&mut self) {
        let seen: Vec<VenueOutput> = self.desk.take_watched();
        for output in &seen {
            self.see(&Sight::Venue(output));
        }
    }

    fn key(nth: usize) -> ClientOrderId {
        profile::literal(&format!("o{nth}"))
    }
}

fn gateway(plan: &Plan) -> GatewayConfig {
    let setup = &plan.setup;
    let listed = Instrument::defaults();
    let wanted = LISTED.iter().take(usize::from(setup.instruments));
    let instruments =
        wanted.filter_map(|one| listed.iter().find(|it| it.con_id == one.con_id).cloned()).collect();
    GatewayConfig {
        seed: plan.seed,
        accounts: vec![AccountConfig::usd(profile::ACCOUNT, Decimal::from(1_000_000_000_i64))],
        instruments,
        walk_every: None,
        cancel_delay: profile::span(setup.cancel_delay),
        commission_delay: profile::span(setup.commission_delay),
        account_refresh: std::time::Duration::from_secs(3_600),
        ..GatewayConfig::default()
    }
}
