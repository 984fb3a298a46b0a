//! How long a start takes, from the profile to an engine that connects: the journal is made by the real
//! machine from whole order lives, closed, and started from by `ExecutionClient`.
//!
//! `cargo bench -p alphec-execution --bench restart -- 1000000`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops where it fails")]

mod desk;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alphec_engine::BrokerTask;
use alphec_execution::{ExecutionClient, StopPolicy, config};

/// Records of the journal, unless the command says how many.
const RECORDS: u64 = 1_000_000;
const STARTS: usize = 5;

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    if std::env::args().any(|arg| arg == "--test") {
        println!("restart: nothing to test; run it as a benchmark");
        return;
    }
    let kept = std::env::var_os("RESTART_FOLDER").map(PathBuf::from);
    for count in if numbers.is_empty() { vec![RECORDS] } else { numbers } {
        let fresh = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the target");
        let folder = kept.clone().unwrap_or_else(|| fresh.path().to_owned());
        measure(&folder, count);
    }
}

fn measure(folder: &Path, count: u64) {
    let journal = folder.join(format!("restart-{count}.db"));
    if !journal.exists() {
        let began = Instant::now();
        let orders = desk::write(&journal, count);
        println!("{count} records of {orders} orders written in {:.1} s", began.elapsed().as_secs_f64());
    }
    let bytes = std::fs::metadata(&journal).expect("a journal").len();
    let mut times: Vec<Duration> = (0..STARTS).map(|_| start(&journal)).collect();
    times.sort_unstable();
    println!();
    println!("| restart | |");
    println!("|---|---:|");
    println!("| records | {count} |");
    println!("| journal | {} MB |", bytes / 1_000_000);
    println!("| ready to connect: best, median, worst of {STARTS} | {times:.2?} |");
    println!("| a record, median | {:.2?} |", times[STARTS / 2] / u32::try_from(count).expect("a count"));
    println!("| memory at its peak | {} MB |", peak_memory_kb() / 1_000);
}

/// From the profile to the engine's first breath: opened, checked, replayed, started.
fn start(journal: &Path) -> Duration {
    let profile = profile(journal);
    let began = Instant::now();
    let client = ExecutionClient::builder(profile).broker(nobody()).start().expect("an engine");
    let took = began.elapsed();
    let stop = config::Stop { policy: StopPolicy::Keep, deadline: Duration::ZERO };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(client.stop_with(stop)).expect("a clean stop");
    took
}

/// A gateway that is not there.
fn nobody() -> BrokerTask {
    Box::new(|_requests, _events, stop| Box::pin(async move { stop.cancelled().await }))
}

fn profile(journal: &Path) -> config::Profile {
    let text = format!(
        r#"
        [profiles.bench]
        mode = "paper"
        client_id = 7
        pacing_per_second = 0
        accounts = ["DU1234567"]
        journal = "{}"
        instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
        limits = {{ max_order_qty = 100, max_order_notional = 1000000, max_position = 10000000, max_gross_notional = 100000000000, max_net_notional = 100000000000, max_leverage = 100000, price_collar = "0.5", max_open_orders = 1000000, max_messages_per_second = 1000000, max_quote_age_ms = 600000 }}
        "#,
        journal.display()
    );
    let file = journal.with_extension("toml");
    std::fs::write(&file, text).expect("a profile");
    let source = config::Source { path: Some(file), ..config::Source::default() };
    config::load(source).expect("a sound profile").profile
}

/// The most memory that this process ever had, where the system tells.
fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
