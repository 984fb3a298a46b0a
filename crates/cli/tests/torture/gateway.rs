//! The gateway: `alphec-exec sim` as a process of its own, which can be killed and comes back with the broker's books.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::books::Truth;

/// The control port shows the newest so many.
const ROWS_MAX: usize = 10_000;

/// Where it listens now; nowhere while it is dead.
pub(crate) type Address = Arc<Mutex<Option<SocketAddr>>>;

pub(crate) struct Gateway {
    books: PathBuf,
    seed: u64,
    pub(crate) address: Address,
    process: Mutex<Option<Process>>,
    kills: AtomicU64,
}

struct Process {
    child: Child,
    control: SocketAddr,
}

impl Gateway {
    pub(crate) fn start(books: PathBuf, seed: u64) -> Self {
        let address = Address::default();
        let gateway = Self { books, seed, address, process: Mutex::default(), kills: AtomicU64::new(0) };
        gateway.open();
        gateway
    }

    /// Starts the process, with the books as they are.
    pub(crate) fn open(&self) {
        let mut process = self.process.lock().unwrap();
        let mut child = Command::new(crate::program())
            .args(["sim", "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--walk-ms", "0"])
            .args(["--seed", &self.seed.to_string(), "--books"])
            .arg(&self.books)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("a gateway that starts");
        let at = |key: &str| said[key].as_str().unwrap().parse().unwrap();
        *self.address.lock().unwrap() = Some(at("listening"));
        *process = Some(Process { child, control: at("control") });
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        *self.address.lock().unwrap() = None;
        if let Some(mut process) = self.process.lock().unwrap().take() {
            // Before it dies, so that who fails for want of it is never seen earlier than its kill.
            self.kills.fetch_add(1, Ordering::SeqCst);
            process.child.kill().unwrap();
            process.child.wait().unwrap();
        }
    }

    /// Waits until it is back.
    pub(crate) fn wait_open(&self) {
        while self.process.lock().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn kills(&self) -> u64 {
        self.kills.load(Ordering::SeqCst)
    }

    pub(crate) fn truth(&self) -> Truth {
        let truth = Truth::read(&self.ask(&json!({ "do": "truth" })));
        assert!(truth.orders.len().max(truth.executions.len()) < ROWS_MAX, "begin the world anew more often");
        truth
    }

    pub(crate) fn set_price(&self, symbol: &str, bid: &str) {
        self.ask(&json!({ "do": "set-price", "symbol": symbol, "bid": bid }));
    }

    /// One request at the control port.
    fn ask(&self, request: &Value) -> Value {
        let control = self.process.lock().unwrap().as_ref().expect("a gateway that runs").control;
        let mut stream = TcpStream::connect(control).unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}
