//! The long run: a million orders in one process, most of them through the gateway without sockets and three tenths
//! through a socket, with the process's memory flat once what is finished is being trimmed.
//!
//! `cargo run --release -p alphec-twsim --example soak -- --orders 1000000`, or `cargo xtask soak`

#![allow(clippy::print_stdout, reason = "it reports as it goes")]

#[path = "../tests/it/frames.rs"]
mod frames;
#[path = "../tests/it/load.rs"]
mod load;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use alphec_twsim::desk::Desk;
use alphec_twsim::wire::format_stamp;
use alphec_twsim::{Gateway, GatewayConfig, venue::Retention};

use frames::{ask, hello};
use load::Load;

type Failed = Box<dyn std::error::Error>;

const START: i64 = 1_763_870_277_000_000_000;
const SECOND: i64 = 1_000_000_000;
/// Orders between two looks at the memory.
const LOOK: u64 = 100_000;
/// Memory may grow by this much after the first two looks. Allocators keep odd pages; a leak of 32 bytes an
/// order would be 25 MB by the end.
const GROWTH_MAX: u64 = 12 * 1024 * 1024;
/// Trimming has begun well before the second look, also in the shorter run through a socket.
const KEPT: Retention = Retention { finished_orders: 5_000, executions: 5_000, bar_slots: 100 };

const REQ_CURRENT_TIME: i32 = 49;

fn main() -> Result<(), Failed> {
    let orders = wanted()?;
    println!("{:>9}  {:>9}  {:>9}  {:>8}", "orders", "orders/s", "RSS MB", "grown MB");
    let mut memory = Memory::default();
    let mut load = Load::from(0);
    let config = GatewayConfig { retention: KEPT, walk_every: None, ..GatewayConfig::default() };
    let mut desk = Desk::new(config, START);
    let mut now = START;
    let without_sockets = orders - orders * 3 / 10;
    while load.orders() < without_sockets {
        let until = (load.orders() + LOOK).min(without_sockets);
        let began = (Instant::now(), load.orders());
        run(&mut desk, &mut load, &mut now, until);
        memory.look(&load, began)?;
    }
    drop(desk);
    println!("through a socket:");
    let mut memory = Memory::default();
    let addr = serve()?;
    let mut client = Client::start(addr)?;
    let step = LOOK.min(orders / 20);
    while load.orders() < orders {
        let until = (load.orders() + step).min(orders);
        let began = (Instant::now(), load.orders());
        client.run(&mut load, until)?;
        memory.look(&load, began)?;
    }
    println!("{} orders, memory flat", load.orders());
    Ok(())
}

fn wanted() -> Result<u64, Failed> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(1_000_000),
        ["--orders", count] => Ok(count.parse::<u64>()?.max(1_000)),
        _ => Err("usage: soak [--orders N]".into()),
    }
}

/// Sessions that come and go, each with a hundred lives.
fn run(desk: &mut Desk, load: &mut Load, now: &mut i64, until: u64) {
    while load.orders() < until {
        let conn = desk.open();
        desk.receive(*now, conn, &hello(7));
        for _ in 0..100 {
            *now += SECOND / 20;
            desk.receive(*now, conn, &load.next(&format_stamp(*now + SECOND)));
            drop(desk.take_output(conn));
        }
        desk.closed(conn);
    }
}

/// The process's memory, from the third look on compared with the second.
#[derive(Default)]
struct Memory {
    looks: u32,
    settled: u64,
}

impl Memory {
    fn look(&mut self, load: &Load, (since, orders): (Instant, u64)) -> Result<(), Failed> {
        let rate = (load.orders() - orders) as f64 / since.elapsed().as_secs_f64();
        let Some(held) = resident() else {
            println!("{:>9}  {rate:>9.0}  (no /proc here: memory is not watched)", load.orders());
            return Ok(());
        };
        self.looks += 1;
        if self.looks <= 2 {
            self.settled = held;
        }
        let grown = held.saturating_sub(self.settled);
        let megabytes = |bytes: u64| bytes as f64 / 1_048_576.0;
        println!("{:>9}  {rate:>9.0}  {:>9.1}  {:>8.1}", load.orders(), megabytes(held), megabytes(grown));
        if grown > GROWTH_MAX {
            return Err(format!("memory grew by {:.1} MB since the second look", megabytes(grown)).into());
        }
        Ok(())
    }
}

/// Bytes of this process in memory.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// A gateway on a thread of its own, until the process ends.
fn serve() -> Result<SocketAddr, Failed> {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let gateway =
                Gateway::builder().fixed_prices().with(|config| config.retention = KEPT).start().await;
            let told = tell.send(gateway.as_ref().map(|it| it.addr()).map_err(ToString::to_string));
            if gateway.is_ok() && told.is_ok() {
                std::future::pending::<()>().await;
            }
        });
    });
    Ok(told.recv()??)
}

struct Client {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Client {
    fn start(addr: SocketAddr) -> Result<Self, Failed> {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.write_all(&hello(7))?;
        let mut client = Self { stream, held: Vec::new() };
        client.settle()?;
        Ok(client)
    }

    /// Lives by the hundred, each hundred read to its end.
    fn run(&mut self, load: &mut Load, until: u64) -> Result<(), Failed> {
        while load.orders() < until {
            let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
            let soon = format_stamp(i64::try_from(soon)? + SECOND);
            let lives: Vec<u8> = (0..100).flat_map(|_| load.next(&soon)).collect();
            self.stream.write_all(&lives)?;
            self.settle()?;
        }
        Ok(())
    }

    /// Reads and forgets up to the answer to a question asked now.
    fn settle(&mut self) -> Result<(), Failed> {
        self.stream.write_all(&ask(REQ_CURRENT_TIME, 0))?;
        loop {
            while let Some(prefix) = self.held.first_chunk::<4>() {
                let whole = 4 + u32::from_be_bytes(*prefix) as usize;
                let Some(frame) = self.held.get(..whole) else { break };
                let is_answer = frame.get(4..8) == Some(&(REQ_CURRENT_TIME + frames::PROTOBUF).to_be_bytes());
                self.held.drain(..whole);
                if is_answer {
                    return Ok(());
                }
            }
            let mut chunk = [0; 16_384];
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err("the gateway closed the connection".into());
            }
            self.held.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }
}
