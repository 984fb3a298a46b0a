//! `kill -9` of the real program at named points and at random instants, of the gateway too, and then a restart: three
//! books are compared, that of the gateway, that of the journal, and that of the engine.
//!
//! The victims are `alphec-exec demo` and, as a process of its own, an engine that eight hands keep busy; and the gateway,
//! `alphec-exec sim`, whose control port tells the truth. What a killed gateway loses is its connections and what it had
//! parked: the broker's books are not in it, so `--books` keeps them in a file, each change before its answer leaves.
//! While nobody looks prices may move and fill what rests.
//!
//! `cargo xtask torture --kills N [--seed S] [--json]` runs it for long. The seed draws points, loads and prices; what
//! the threads of three processes make of it differs from run to run. Several worlds are tortured at a time, each with
//! a gateway, a journal and an engine of its own: most of a kill is waiting.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a failed test")]

mod books;
mod compare;
mod dice;
mod end;
mod gateway;
mod load;
mod planted;
mod point;
mod relay;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use books::{Books, Shown, Truth};
use compare::{Compared, Kind, Violation, compare};
use dice::Dice;
use end::End;
use gateway::Gateway;
use point::Point;
use relay::Relay;
use report::{Outcome, Report};

/// Kills of a change's test run; `cargo xtask torture` makes more.
const KILLS: u64 = 16;
/// From so many on, each point must have been reached twice.
const MANY: u64 = 200;
/// Worlds at a time.
const LANES: u64 = 4;
/// After so many kills a world begins anew, with an empty journal.
const ROUND: u64 = 12;
/// How long a restarted engine has to know everything again.
const PATIENCE: &str = "20";
const CHILD: &str = "ALPHEC_TORTURE_CHILD";
/// What the victim says.
const VICTIM: &str = "victim.txt";

/// Not a test by itself: the engine under load, until it is killed.
#[tokio::test]
async fn child_trades_until_killed() {
    let Ok(asked) = std::env::var(CHILD) else { return };
    let (seed, config) = asked.split_once(' ').expect("a seed and a configuration");
    load::trade_until_killed(Path::new(config), seed.parse().unwrap()).await;
}

#[test]
fn no_kill_loses_a_fill_doubles_an_order_or_hides_one() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (kills, seed) = (number("ALPHEC_KILLS").unwrap_or(KILLS), number("ALPHEC_KILL_SEED").unwrap_or(11));
    let report = Mutex::new(Report::new(seed, kills));
    let torture = Torture { kills, seed, begun: AtomicU64::new(0), report, failures: Mutex::default() };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                scope.spawn({
                    let torture = &torture;
                    move || torture.lane(lane)
                })
            })
            .collect();
        for lane in lanes {
            lane.join().expect("a world that ends");
        }
    });
    let failures = torture.failures.into_inner().unwrap();
    let report = torture.report.into_inner().unwrap();
    println!("{}", report.table());
    if let Some(path) = std::env::var_os("ALPHEC_KILL_REPORT") {
        std::fs::write(path, report.json().to_string()).unwrap();
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(report.json()["kills"], kills, "{}", report.table());
    // A point that is never reached tortures nothing, and neither does an engine that does nothing.
    if kills >= KILLS {
        assert!(report.points_reached(1) >= Point::ALL.len() - 2, "{}", report.table());
        assert!(report.has_traded(), "{}", report.table());
    }
    if kills >= MANY {
        assert_eq!(report.points_reached(2), Point::ALL.len(), "{}", report.table());
    }
}

/// What the worlds share.
struct Torture {
    kills: u64,
    seed: u64,
    begun: AtomicU64,
    report: Mutex<Report>,
    failures: Mutex<Vec<String>>,
}

impl Torture {
    /// One world after the other, as long as there are kills to make.
    fn lane(&self, lane: u64) {
        let mut dice = Dice::new(self.seed.wrapping_mul(LANES).wrapping_add(lane));
        loop {
            let mut world = World::begin(dice.below(u64::MAX));
            for _ in 0..ROUND {
                let kill = self.begun.fetch_add(1, Ordering::SeqCst);
                if kill >= self.kills {
                    return world.end();
                }
                let point = Point::ALL[usize::try_from(kill).unwrap() % Point::ALL.len()];
                if let Err(violations) = self.kill_once(&mut world, point) {
                    return self.fail((kill, point), world, &violations);
                }
            }
            world.end();
        }
    }

    /// Takes victims until one of them was killed: a demo may be through before, an engine under load is not.
    fn kill_once(&self, world: &mut World, point: Point) -> Result<(), Vec<Violation>> {
        loop {
            let outcome = world.kill_at(point)?;
            self.report.lock().unwrap().add(&outcome);
            if outcome.is_kill {
                return Ok(());
            }
        }
    }

    /// The others need not go on.
    fn fail(&self, (kill, point): (u64, Point), world: World, violations: &[Violation]) {
        self.begun.store(self.kills, Ordering::SeqCst);
        self.report.lock().unwrap().violated(violations);
        let found: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let Self { kills, seed, .. } = self;
        self.failures.lock().unwrap().push(format!(
            "kill {kill} at {}: {}\nagain: cargo xtask torture --kills {kills} --seed {seed}\nleft in {}",
            point.name(),
            found.join("\n"),
            world.folder.keep().display()
        ));
    }
}

/// What one restart shows.
struct Look {
    compared: Compared,
    truth: Truth,
    /// The broker's books changed while the engine started.
    has_moved: bool,
    recovery: Duration,
}

impl Look {
    /// Whether all that is wrong may be news that the engine had no time to hear.
    fn is_excusable(&self) -> bool {
        self.has_moved && self.compared.violations.iter().all(|violation| violation.kind.may_be_late())
    }
}

/// One gateway, one journal, one engine after the other.
struct World {
    folder: tempfile::TempDir,
    gateway: Arc<Gateway>,
    relay: Relay,
    config: PathBuf,
    dice: Dice,
}

impl World {
    fn begin(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(folder.path().join("books.jsonl"), seed);
        let relay = Relay::start(Arc::clone(&gateway.address));
        let config = write_profile(folder.path(), &relay);
        let world = Self { folder, gateway: Arc::new(gateway), relay, config, dice: Dice::new(seed) };
        world.prices("230", "420");
        world
    }

    fn kill_at(&mut self, point: Point) -> Result<Outcome, Vec<Violation>> {
        let before = self.gateway.truth();
        let gateways = self.gateway.kills();
        let is_reached = Arc::new(AtomicBool::new(false));
        let victim = Arc::new(Mutex::new(self.start_victim()));
        let striker = self.set_trap(point, &victim, &is_reached);
        let latest = Instant::now() + point.at_the_latest(&mut self.dice);
        while victim.lock().unwrap().try_wait().unwrap().is_none() && Instant::now() < latest {
            thread::sleep(Duration::from_millis(1));
        }
        self.relay.disarm();
        // Before the striker is waited for: a gateway killed later is no reason to have failed.
        let has_lost_gateway = self.gateway.kills() > gateways;
        if let Some(striker) = striker {
            striker.join().unwrap();
        }
        // Gone already when the trap was quicker, or a demo ended.
        drop(victim.lock().unwrap().kill());
        let ended = victim.lock().unwrap().wait().unwrap();
        let end = End::of(ended, has_lost_gateway);
        if end == End::Defect {
            let said = std::fs::read_to_string(self.folder.path().join(VICTIM)).unwrap_or_default();
            return Err(vec![Violation::new(
                Kind::Restart,
                format!("the victim ended with {ended}: {said}"),
            )]);
        }
        self.gateway.wait_open();
        let mut doubts = 0;
        if self.journal().exists() {
            let books = Books::read(&self.journal())?;
            books.check_intents(&self.gateway.truth())?;
            doubts = books.doubts();
        }
        self.move_prices();
        let first = self.look()?;
        let recovery = first.recovery;
        let (last, second_look) = match first.compared.violations.clone() {
            found if found.is_empty() => (first, found),
            // Not all that happened meanwhile can have been heard; when all is quiet, it is.
            found if first.is_excusable() => (self.look()?, found),
            found => return Err(found),
        };
        let Look { compared, truth, .. } = last;
        if !compared.violations.is_empty() {
            return Err(compared.violations);
        }
        Ok(Outcome {
            point,
            is_kill: end == End::Killed,
            is_reached: is_reached.load(Ordering::SeqCst)
                || !point.is_on_the_wire() && point != Point::AfterAppend,
            gateway_kills: self.gateway.kills() - gateways,
            orders: truth.orders.len().saturating_sub(before.orders.len()),
            fills: truth.executions.len().saturating_sub(before.executions.len()),
            doubts,
            compared,
            second_look,
            recovery,
        })
    }

    /// A restart, and the three books compared after it.
    fn look(&self) -> Result<Look, Vec<Violation>> {
        let before = self.gateway.truth();
        let begun = Instant::now();
        let view = self.restart().map_err(|why| Violation::new(Kind::Restart, why))?;
        let recovery = begun.elapsed();
        let truth = self.gateway.truth();
        let books = Books::read(&self.journal())?;
        books.check_intents(&truth)?;
        let mut compared = compare(&view, [&before, &truth], &books);
        compared.violations.extend(books.check_fills(&truth).err());
        Ok(Look { compared, has_moved: before != truth, truth, recovery })
    }

    /// The thread that strikes the gateway at an instant, where no frame decides.
    fn set_trap(
        &mut self,
        point: Point,
        victim: &Arc<Mutex<Child>>,
        is_reached: &Arc<AtomicBool>,
    ) -> Option<JoinHandle<()>> {
        let kill = {
            let (victim, is_reached) = (Arc::clone(victim), Arc::clone(is_reached));
            move || {
                is_reached.store(true, Ordering::SeqCst);
                drop(victim.lock().unwrap().kill());
            }
        };
        // The books are read once at a start, and then for as long as something is in doubt.
        let nth = if point.is_reconciling() { 1 } else { 1 + self.dice.below(3) };
        if point.takes_the_gateway() {
            return self.set_gateway_trap(point, nth, (kill, Arc::clone(is_reached)));
        }
        match point {
            Point::AfterAppend => {
                let (note, moves) = (self.folder.path().join("kill.db.head"), 1 + self.dice.below(60));
                thread::spawn(move || after_moves(&note, moves, kill));
            }
            _ if point.is_on_the_wire() => self.relay.set_trap(point, nth, Box::new(kill)),
            _ => {}
        }
        None
    }

    /// The gateway dies, and is back a little later; the engine dies before that, after it, or in the same moment.
    fn set_gateway_trap(
        &mut self,
        point: Point,
        nth: u64,
        (kill, is_reached): (impl Fn() + Clone + Send + Sync + 'static, Arc<AtomicBool>),
    ) -> Option<JoinHandle<()>> {
        let gateway = Arc::clone(&self.gateway);
        let down = Duration::from_millis(20) + self.dice.millis(280);
        let later = if point == Point::Both { Duration::ZERO } else { self.dice.millis(600) };
        let act = move || {
            is_reached.store(true, Ordering::SeqCst);
            if point == Point::Both {
                kill();
            }
            gateway.kill();
            let (gateway, kill) = (Arc::clone(&gateway), kill.clone());
            thread::spawn(move || {
                thread::sleep(down);
                gateway.open();
            });
            thread::spawn(move || {
                thread::sleep(later);
                kill();
            });
        };
        if point.is_on_the_wire() {
            self.relay.set_trap(point, nth, Box::new(act));
            return None;
        }
        let at = self.dice.millis(700);
        Some(thread::spawn(move || {
            thread::sleep(at);
            act();
        }))
    }

    fn start_victim(&mut self) -> Child {
        let said = std::fs::File::create(self.folder.path().join(VICTIM)).unwrap();
        if self.dice.below(4) == 0 {
            // Why it failed, if it does, is in its report.
            let stdout = said.try_clone().unwrap();
            return self.program(&["demo"]).stdout(stdout).stderr(said).spawn().unwrap();
        }
        let asked = format!("{} {}", self.dice.below(1 << 32), self.config.display());
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_trades_until_killed", "--nocapture", "--test-threads=1"])
            .env(CHILD, asked)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap()
    }

    /// A new engine reads the broker's books, waits until nothing is in doubt, and shows every order.
    fn restart(&self) -> Result<Vec<Shown>, String> {
        let said = self.program(&["order", "list", "--all", "--timeout", PATIENCE]).output().unwrap();
        if !said.status.success() {
            return Err(format!("the restart: {}", String::from_utf8_lossy(&said.stderr)));
        }
        let view = serde_json::from_slice(&said.stdout).map_err(|error| error.to_string())?;
        Shown::read(&view)
    }

    /// Half the time the market goes through what rests, and comes back.
    fn move_prices(&mut self) {
        match self.dice.below(4) {
            0 => self.prices("222", "412"),
            1 => self.prices("238", "428"),
            _ => {}
        }
        self.prices("230", "420");
    }

    fn prices(&self, aapl: &str, msft: &str) {
        for (symbol, price) in [("AAPL", aapl), ("MSFT", msft)] {
            self.gateway.set_price(symbol, price);
        }
    }

    /// In the end a demo has to work as on the first day.
    fn end(self) {
        let last = self.program(&["demo"]).output().unwrap();
        let text = String::from_utf8_lossy(&last.stdout);
        assert!(last.status.success(), "the last demo: {text}\n{}", String::from_utf8_lossy(&last.stderr));
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("kill.db")
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).args(["--json", "--profile", "paper", "--config"]).arg(&self.config);
        command.stdin(Stdio::null());
        command
    }
}

/// `alphec-exec`: the one that was built with this, or a copy of it that later builds leave alone.
fn program() -> PathBuf {
    let built = env!("CARGO_BIN_EXE_alphec-exec");
    std::env::var_os("ALPHEC_KILL_BINARY").map_or_else(|| built.into(), PathBuf::from)
}

/// Acts once the note of the journal's head has changed so many times.
fn after_moves(note: &Path, mut moves: u64, act: impl Fn()) {
    let until = Instant::now() + Duration::from_millis(1_400);
    let mut last = std::fs::read(note).unwrap_or_default();
    while Instant::now() < until {
        let now = std::fs::read(note).unwrap_or_default();
        if now != last {
            last = now;
            moves -= 1;
            if moves == 0 {
                return act();
            }
        }
        thread::sleep(Duration::from_micros(50));
    }
}

/// Orders are not held in doubt, so that each one's end is proven before the next kill.
fn write_profile(folder: &Path, relay: &Relay) -> PathBuf {
    let path = folder.join("alphec-exec.toml");
    let text = format!(
        r#"
[profiles.paper]
mode = "paper"
port = {port}
client_id = 1
accounts = ["DU1234567"]
journal = "kill.db"
instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
instruments.MSFT = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
limits = {{ max_order_qty = 100, max_order_notional = 100000, max_position = 5000, max_gross_notional = 5000000, max_net_notional = 5000000, max_leverage = 20, price_collar = "0.50", max_open_orders = 2000, max_messages_per_second = 1000 }}
timeouts = {{ ack_ms = 500, resnapshot_ms = 100, absent_ms = 0 }}
when_in_doubt = "cancel-probe"
reconnect = {{ first_delay_ms = 50, ceiling_ms = 200 }}
pacing_per_second = 0
"#,
        port = relay.addr.port()
    );
    std::fs::write(&path, text).unwrap();
    path
}
