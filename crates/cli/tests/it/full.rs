//! A disk that is full, or fills while a command runs: one clear error, the right exit code, nothing lost. With a file system
//! of its own where one can be mounted, and everywhere with a limit on the size of files.

use std::process::Command;

use crate::house::{House, Said, Sim, profile};

/// Kilobytes left for the journal: from none, over some that only last for a part of the command, to enough.
const FREE: [u32; 6] = [0, 40, 56, 72, 88, 1_024];

/// Runs `$0` with a journal on a disk of two megabytes, of which all but `FREE` kilobytes are taken, and keeps
/// what is on it afterwards. 77 means that nothing can be mounted.
const SCRIPT: &str = r#"
mkdir small && mount -t tmpfs -o size=2m none small || exit 77
cp kept/* small/
free=$(df -k small | tail -n 1 | awk '{ print $4 }')
head -c $(( (free - FREE) * 1024 )) /dev/zero > small/ballast
"$0" "$@"
code=$?
rm small/ballast
cp small/* kept/
exit $code
"#;

struct Tried {
    free: u32,
    said: Said,
    house: House,
    /// Runs for as long as this.
    _sim: Sim,
}

/// `None` where nothing can be mounted.
fn submit_with(free: u32) -> Option<Tried> {
    let (sim, house) = set_up();
    house.run(&["positions"]).exits(0);
    let order = ["--instrument", "AAPL", "--side", "buy", "--qty", "10", "--type", "limit", "--limit", "225"];
    let said =
        run_with(&house, free, &[&["order", "submit", "--client-order-id", "x"], &order[..]].concat())?;
    Some(Tried { free, said, house, _sim: sim })
}

fn set_up() -> (Sim, House) {
    let sim = Sim::start(&[]);
    let house = House::with(&profile(sim.addr).replace("paper.db", "kept/paper.db"));
    std::fs::create_dir(house.path("kept")).unwrap();
    (sim, house)
}

/// `None` where nothing can be mounted, but not in CI: there, nobody would see that these tests test nothing.
#[expect(clippy::print_stdout, reason = "why a test is skipped is for people")]
fn run_with(house: &House, free: u32, args: &[&str]) -> Option<Said> {
    let program = house.program(&[]);
    let mut outer = Command::new("unshare");
    outer.current_dir(program.get_current_dir().unwrap());
    outer.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &SCRIPT.replace("FREE", &free.to_string()),
    ]);
    outer.arg(program.get_program()).args(args).args(["--journal", "small/paper.db", "--json"]);
    let why = match outer.output() {
        Ok(output) => {
            let said = Said::of(&output);
            if said.code != 77 && !said.err.contains("unshare") {
                return Some(said);
            }
            said.err
        }
        Err(error) => error.to_string(),
    };
    let needed = format!("needs `unshare --user --map-root-user --mount` and there a tmpfs: {why}");
    assert!(std::env::var_os("CI").is_none(), "CI is set, and this {needed}");
    println!("skipped: {needed}");
    None
}

#[test]
fn a_cancel_leaves_though_the_disk_is_full() {
    // With nothing at all left not even the journal opens: the global cancel has one of its own elsewhere.
    for free in [40, 56, 72] {
        let (_sim, house) = set_up();
        house.submit("x", &["--type", "limit", "--limit", "225", "--tif", "gtc"]).exits(0);
        let Some(said) = run_with(&house, free, &["order", "cancel", "x", "--timeout", "5"]) else {
            return;
        };
        assert_eq!(said.json()["order"]["state"], "canceled", "{free}: {said:?}");
        // The journal that missed the end asks once more, and then learns of it from the broker's lists.
        let state =
            || house.run(&["order", "list", "--all", "--json"]).exits(0).json()["orders"][0]["state"].clone();
        house.until(|| state() == "canceled");
        house.run(&["audit", "verify", "--json"]).exits(0);
    }
}

impl Tried {
    /// One error of the journal; the broker never heard of the order, or the journal would now miss it
    /// and deny whatever comes.
    fn is_refused(&self) {
        let Self { free, said, house, .. } = self;
        assert_eq!(said.json()["error"]["kind"], "journal", "{free}: {said:?}");
        assert_eq!(
            said.err.lines().filter(|line| line.starts_with("error: ")).count(),
            1,
            "{free}: {said:?}"
        );
        assert!(said.err.contains("no space left"), "{free}: {said:?}");
        assert!(said.err.lines().count() <= 4, "{free}: {said:?}");
        let listed = house.run(&["order", "list", "--json"]).exits(0).json();
        assert_eq!(listed["orders"].as_array().map(Vec::len), Some(0), "{free}: {listed}");
        house.submit("later", &["--type", "market", "--wait", "done"]).exits(0);
    }

    fn is_placed(&self) {
        let shown = self.house.run(&["order", "status", "x", "--json"]).exits(0).json();
        assert_eq!(shown["order"]["state"], "working", "{}", self.free);
    }
}

#[test]
fn on_a_full_disk_an_order_is_refused_with_one_error_or_placed_and_nothing_is_lost() {
    let tried: Vec<Option<Tried>> = std::thread::scope(|scope| {
        let runs: Vec<_> = FREE.map(|free| scope.spawn(move || submit_with(free))).into_iter().collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let mut codes = Vec::new();
    for one in tried {
        let Some(one) = one else {
            // The journal's own tests stand in for this, with its size limit.
            return;
        };
        let verified = one.house.run(&["audit", "verify", "--json"]);
        assert_eq!(verified.code, 0, "{}: {verified:?}", one.free);
        match one.said.code {
            0 => one.is_placed(),
            1 => one.is_refused(),
            other => panic!("exit {other} with {} kB free: {:?}", one.free, one.said),
        }
        codes.push(one.said.code);
    }
    assert_eq!((codes.first(), codes.last()), (Some(&1), Some(&0)), "none is too little, plenty is enough");
}

/// The most that a file may hold, in blocks of 512 bytes (1,024 with some shells): from less than the journal has, over
/// some that only last for a part of the command, to enough.
const BLOCKS: [u32; 8] = [1, 30, 41, 60, 80, 100, 140, 20_000];

/// Submits an order with files limited to so many blocks. What the broker has must be in the journal, which must verify,
/// and without the limit trading must go on.
fn submit_below(blocks: u32) -> Said {
    let sim = Sim::start(&["--control", "127.0.0.1:0"]);
    let house = House::of(&sim);
    house.run(&["positions"]).exits(0);
    let program = house.program(&[]);
    let mut limited = Command::new("sh");
    limited.current_dir(program.get_current_dir().unwrap());
    limited.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(program.get_program());
    limited.args([
        "order",
        "submit",
        "--client-order-id",
        "x",
        "--json",
        "--instrument",
        "AAPL",
        "--side",
        "buy",
    ]);
    limited.args(["--qty", "10", "--type", "limit", "--limit", "225", "--timeout", "5"]);
    let said = Said::of(&limited.output().unwrap());
    house.run(&["audit", "verify", "--json"]).exits(0);
    let recorded = house.run(&["order", "list", "--all", "--json"]).exits(0).json();
    let recorded: Vec<&str> = recorded["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["order_ref"].as_str().unwrap())
        .collect();
    let at_broker = sim.ask(&serde_json::json!({ "do": "orders" })).unwrap();
    for order in at_broker["orders"].as_array().unwrap() {
        let order_ref = order["order_ref"].as_str().unwrap();
        assert!(recorded.contains(&order_ref), "{blocks}: {order_ref} is not in {recorded:?}");
    }
    if said.code == 0 {
        assert_eq!(at_broker["orders"].as_array().map(Vec::len), Some(1), "{blocks}: {at_broker}");
    }
    house.submit("later", &["--type", "market", "--wait", "done"]).exits(0);
    house.run(&["audit", "verify", "--json"]).exits(0);
    said
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_ends_nobody() {
    let said: Vec<Said> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            BLOCKS.map(|blocks| scope.spawn(move || submit_below(blocks))).into_iter().collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for (blocks, said) in BLOCKS.iter().zip(&said) {
        match said.code {
            0 => assert_eq!(said.json()["order"]["state"], "working", "{blocks}: {said:?}"),
            1 => {
                assert_eq!(said.json()["error"]["kind"], "journal", "{blocks}: {said:?}");
                assert!(said.err.contains("error: "), "{blocks}: {said:?}");
            }
            other => panic!("exit {other} with {blocks} blocks: {said:?}"),
        }
    }
    let codes: Vec<i32> = said.iter().map(|said| said.code).collect();
    assert_eq!((codes.first(), codes.last()), (Some(&1), Some(&0)), "none is too little, plenty is enough");
}
