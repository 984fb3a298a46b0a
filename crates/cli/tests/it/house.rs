//! What every test needs: a gateway, a profile, a journal, and the program.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Insists on the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Insists on words of the error.
    #[track_caller]
    pub(crate) fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in {self:?}");
        }
        self
    }
}

/// The program, without anything of this machine's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("alphec-exec"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ALPHEC_EXEC_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Said {
    Said::of(&command.output().unwrap())
}

/// Ends a process as the system or a person does.
#[track_caller]
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A simulated gateway in a process of its own.
#[derive(Debug)]
pub(crate) struct Sim {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) first_line: String,
}

impl Sim {
    /// With prices that stand still: AAPL at 230.00 / 230.01.
    pub(crate) fn start(more: &[&str]) -> Self {
        let still = ["--walk-ms", "0", "--prices", "AAPL=230,MSFT=420"];
        Self::start_with(&[&still, more].concat())
    }

    pub(crate) fn start_with(args: &[&str]) -> Self {
        let mut command = program();
        command.args(["sim", "--listen", "127.0.0.1:0"]).args(args);
        Self::of(command)
    }

    /// From the command that starts it.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
        let (_, after) = first_line.split_once("listening").unwrap();
        let mut words = after.split(|letter: char| !letter.is_ascii_digit() && !".:".contains(letter));
        let addr = words.find_map(|word| word.parse().ok()).unwrap();
        Self { child, addr, first_line }
    }

    /// One request at its control port, which it needs `--control 127.0.0.1:0` for; `None` when it is gone.
    pub(crate) fn ask(&self, request: &Value) -> Option<Value> {
        let (_, control) = self.first_line.trim().rsplit_once("control port ").unwrap();
        let mut stream = TcpStream::connect(control).ok()?;
        stream.write_all(format!("{request}\n").as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Waits for its end, and says how it was.
    pub(crate) fn ends(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends it as the system does.
    pub(crate) fn signal(mut self, name: &str) -> ExitStatus {
        signal(&self.child, name);
        self.child.wait().unwrap()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Gone already when a test has ended it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory with a configuration, whose journal is in it too.
#[derive(Debug)]
pub(crate) struct House {
    folder: TempDir,
}

/// A profile as a user would write it.
pub(crate) fn profile(addr: SocketAddr) -> String {
    format!(
        r#"
[profiles.paper]
mode = "paper"
accounts = ["DU1234567"]
host = "{}"
port = {}
client_id = 7
journal = "paper.db"
instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
instruments.MSFT = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
instruments.NOPE = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
limits = {{ max_order_qty = 100, max_order_notional = 25000, max_position = 500, max_gross_notional = 100000, max_net_notional = 100000, max_leverage = 1, price_collar = "0.05" }}
"#,
        addr.ip(),
        addr.port()
    )
}

impl House {
    pub(crate) fn of(sim: &Sim) -> Self {
        Self::with(&profile(sim.addr))
    }

    pub(crate) fn with(config: &str) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(house.path("alphec-exec.toml"), config).unwrap();
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path("paper.db")
    }

    /// The program in this directory.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.folder.path()).args(args);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        run(&mut self.program(args))
    }

    /// Looks again until it is so.
    #[track_caller]
    pub(crate) fn until(&self, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < deadline, "it did not come to pass");
        }
    }

    /// Submits an order and gives what was said.
    #[track_caller]
    pub(crate) fn submit(&self, id: &str, more: &[&str]) -> Said {
        let base = [
            "order",
            "submit",
            "--json",
            "--instrument",
            "AAPL",
            "--side",
            "buy",
            "--qty",
            "10",
            "--client-order-id",
            id,
        ];
        self.run(&[&base, more].concat())
    }

    /// Changes bytes of a file wherever they stand: SQLite leaves old copies in its pages.
    #[track_caller]
    pub(crate) fn edit(&self, file: &Path, from: &[u8], to: &[u8]) {
        let text = fs::read(file).unwrap();
        let mut bytes = text.clone();
        let places: Vec<usize> = text
            .windows(from.len())
            .enumerate()
            .filter(|(_, window)| *window == from)
            .map(|(at, _)| at)
            .collect();
        assert!(!places.is_empty(), "something to change");
        for at in places {
            bytes.splice(at..at + from.len(), to.iter().copied());
        }
        fs::write(file, bytes).unwrap();
    }
}

/// An engine at work: it waits for an answer that the gateway swallows (start it with `--fault swallow@1`).
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(house: &House) -> Self {
        let args = [
            "order",
            "submit",
            "--instrument",
            "AAPL",
            "--side",
            "buy",
            "--qty",
            "1",
            "--type",
            "market",
            "--client-order-id",
            "slow",
            "--timeout",
            "60",
        ];
        let child = house.program(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        house.until(|| house.run(&["audit", "trail", "slow"]).out.contains("place written"));
        Self { child }
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
