//! `kill -9` of the real program at named points and at random instants, of the gateway too, and then a restart: three
//! books are compared, that of the gateway, that of the journal, and that of the engine.
//!
//! The victims are `alphec-exec demo` and, as a process of its own, an engine that eight hands keep busy. What a killed
//! gateway loses is its connections and what it had parked: the broker's books are not in it, here as in truth (fault
//! `restart`). While nobody looks prices may move and fill what rests.
//!
//! `cargo xtask torture --kills N [--seed S] [--json]` runs it for long. The seed draws points, loads and prices; what
//! the threads of three processes make of it differs from run to run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is a failed test")]

mod books;
mod dice;
mod load;
mod point;
mod relay;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use alphec_execution::model::Decimal;
use alphec_twsim::{Fault, Gateway, GatewayHandle};
use books::{Books, check_view};
use dice::Dice;
use point::Point;
use relay::Relay;
use report::{Outcome, Report};

/// Kills of a change's test run; `cargo xtask torture` makes more.
const KILLS: u64 = 12;
/// After so many kills the world begins anew, with an empty journal.
const ROUND: u64 = 12;
/// How long a restarted engine has to know everything again.
const PATIENCE: &str = "20";
const CHILD: &str = "ALPHEC_TORTURE_CHILD";

/// Not a test by itself: the engine under load, until it is killed.
#[tokio::test]
async fn child_trades_until_killed() {
    let Ok(asked) = std::env::var(CHILD) else { return };
    let (seed, config) = asked.split_once(' ').expect("a seed and a configuration");
    load::trade_until_killed(Path::new(config), seed.parse().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_a_fill_doubles_an_order_or_hides_one() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (kills, seed) = (number("ALPHEC_KILLS").unwrap_or(KILLS), number("ALPHEC_KILL_SEED").unwrap_or(11));
    let mut report = Report::new(seed, kills);
    let mut dice = Dice::new(seed);
    let mut done = 0;
    while done < kills {
        let mut world = World::begin(dice.below(u64::MAX)).await;
        for _ in 0..ROUND.min(kills - done) {
            let point = Point::ALL[usize::try_from(done).unwrap() % Point::ALL.len()];
            match world.kill_at(point) {
                Ok(outcome) => report.add(outcome),
                Err(why) => panic!(
                    "kill {done} at {}: {why}\nagain: cargo xtask torture --kills {kills} --seed {seed}",
                    point.name()
                ),
            }
            done += 1;
        }
        world.end().await;
    }
    println!("{}", report.table());
    if let Some(path) = std::env::var_os("ALPHEC_KILL_REPORT") {
        std::fs::write(path, report.json().to_string()).unwrap();
    }
    // A point that is never reached tortures nothing.
    if kills >= KILLS {
        assert!(report.points_reached() >= Point::ALL.len() - 2, "{}", report.table());
    }
}

/// One gateway, one journal, one engine after the other.
struct World {
    folder: tempfile::TempDir,
    gateway: Arc<GatewayHandle>,
    relay: Relay,
    config: PathBuf,
    dice: Dice,
}

impl World {
    async fn begin(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gateway = Gateway::builder().seed(seed).fixed_prices().start().await.unwrap();
        let relay = Relay::start(gateway.addr());
        let config = write_profile(folder.path(), &relay);
        let world = Self { folder, gateway: Arc::new(gateway), relay, config, dice: Dice::new(seed) };
        world.prices("230", "420");
        world
    }

    fn kill_at(&mut self, point: Point) -> Result<Outcome, String> {
        let before = self.gateway.truth();
        let is_reached = Arc::new(AtomicBool::new(false));
        let victim = Arc::new(Mutex::new(self.start_victim()));
        self.set_trap(point, &victim, &is_reached);
        let latest = Instant::now() + point.at_the_latest(&mut self.dice);
        while victim.lock().unwrap().try_wait().unwrap().is_none() && Instant::now() < latest {
            thread::sleep(Duration::from_millis(1));
        }
        self.relay.disarm();
        // Gone already when the trap was quicker, or a demo ended well: that is as good a case.
        drop(victim.lock().unwrap().kill());
        victim.lock().unwrap().wait().unwrap();
        let mut doubts = 0;
        if self.journal().exists() {
            let books = Books::read(&self.journal())?;
            books.check_intents(&self.gateway.truth())?;
            doubts = books.doubts();
        }
        self.move_prices();
        let begun = Instant::now();
        let mut view = self.restart()?;
        let recovery = begun.elapsed();
        let mut truth = self.gateway.truth();
        if check_view(&view, &truth).is_err() {
            // A cancel of the life before may have been on its way while the orders were listed.
            view = self.restart()?;
            truth = self.gateway.truth();
        }
        let books = Books::read(&self.journal())?;
        books.check_intents(&truth)?;
        books.check_fills(&truth)?;
        check_view(&view, &truth)?;
        Ok(Outcome {
            point,
            is_reached: is_reached.load(Ordering::SeqCst)
                || !point.is_on_the_wire() && point != Point::AfterAppend,
            orders: truth.orders.len().saturating_sub(before.orders.len()),
            fills: truth.executions.len().saturating_sub(before.executions.len()),
            doubts,
            recovery,
        })
    }

    fn set_trap(&mut self, point: Point, victim: &Arc<Mutex<Child>>, is_reached: &Arc<AtomicBool>) {
        let (victim, is_reached) = (Arc::clone(victim), Arc::clone(is_reached));
        let kill = move || {
            is_reached.store(true, Ordering::SeqCst);
            drop(victim.lock().unwrap().kill());
        };
        let nth = 1 + self.dice.below(3);
        match point {
            Point::Random | Point::WhileStarting => {}
            Point::AfterAppend => {
                let (note, moves) = (self.folder.path().join("kill.db.head"), 1 + self.dice.below(60));
                thread::spawn(move || after_moves(&note, moves, kill));
            }
            Point::GatewayFirst => {
                let gateway = Arc::clone(&self.gateway);
                let fault: Fault = format!("restart(down={}ms)", 50 + self.dice.below(300)).parse().unwrap();
                let later = self.dice.millis(500);
                let kill = Arc::new(kill);
                let act = move || {
                    gateway.inject(fault.clone());
                    let kill = Arc::clone(&kill);
                    thread::spawn(move || {
                        thread::sleep(later);
                        kill();
                    });
                };
                self.relay.set_trap(point, nth, Box::new(act));
            }
            _ => self.relay.set_trap(point, nth, Box::new(kill)),
        }
    }

    fn start_victim(&mut self) -> Child {
        if self.dice.below(4) == 0 {
            return self.program(&["demo"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        }
        let asked = format!("{} {}", self.dice.below(1 << 32), self.config.display());
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_trades_until_killed", "--nocapture", "--test-threads=1"])
            .env(CHILD, asked)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// A new engine reads the broker's books, waits until nothing is in doubt, and shows every order.
    fn restart(&self) -> Result<serde_json::Value, String> {
        let said = self.program(&["order", "list", "--all", "--timeout", PATIENCE]).output().unwrap();
        if !said.status.success() {
            return Err(format!("the restart: {}", String::from_utf8_lossy(&said.stderr)));
        }
        serde_json::from_slice(&said.stdout).map_err(|error| error.to_string())
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
            assert!(self.gateway.set_price(symbol, price.parse::<Decimal>().unwrap()));
        }
    }

    /// In the end a demo has to work as on the first day.
    async fn end(self) {
        let last = self.program(&["demo"]).output().unwrap();
        let text = String::from_utf8_lossy(&last.stdout);
        assert!(last.status.success(), "the last demo: {text}\n{}", String::from_utf8_lossy(&last.stderr));
        if let Some(gateway) = Arc::into_inner(self.gateway) {
            gateway.stop().await;
        }
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("kill.db")
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alphec-exec"));
        command.args(args).args(["--json", "--profile", "paper", "--config"]).arg(&self.config);
        command.stdin(Stdio::null());
        command
    }
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
timeouts = {{ ack_ms = 1000, resnapshot_ms = 200, absent_ms = 0 }}
when_in_doubt = "cancel-probe"
reconnect = {{ first_delay_ms = 50, ceiling_ms = 200 }}
pacing_per_second = 0
"#,
        port = relay.addr.port()
    );
    std::fs::write(&path, text).unwrap();
    path
}
