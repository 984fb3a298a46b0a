//! What a commit costs: with the disk (beside a bare sync of the same size), without it, and reading back.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run should stop")]
#![expect(clippy::print_stdout, reason = "the bare sync belongs beside the numbers")]

use std::hint::black_box;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alphec_journal::{Journal, OpenOptions, Reader, Sink, verify};
use alphec_model::{
    AccountId, Body, BrokerOrderId, ClientOrderId, CorrelationId, Decimal, Header, InstrumentId, LogId,
    Order, OrderRef, OrderSpec, OrderState, Pending, Provenance, Qty, Record, Seq, Side, StrategyId,
    UtcNanos, Verdict,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const BATCH: u64 = 500;

/// Where nothing waits for a disk, if there is such a place.
fn memory_dir() -> Option<PathBuf> {
    Some(PathBuf::from("/dev/shm")).filter(|dir| dir.is_dir())
}

fn disk_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// An accepted order: the record that every order waits for.
fn record(seq: u64) -> Record {
    let order_number = seq / 6;
    let client_order_id = ClientOrderId::new(format!("mean-reversion-{order_number:08}")).unwrap();
    let correlation_id = CorrelationId::new(format!("signal-{order_number:08}")).unwrap();
    let at = UtcNanos::from_nanos(1_700_000_000_000_000_000 + i64::try_from(seq).unwrap() * 1_000_003);
    let broker_order_id = Some(BrokerOrderId::new(i32::try_from(order_number).unwrap()));
    let order = Order {
        client_order_id: client_order_id.clone(),
        strategy_id: StrategyId::new("mean-reversion").unwrap(),
        correlation_id: correlation_id.clone(),
        account: AccountId::new("DU1234567").unwrap(),
        instrument: InstrumentId::new("AAPL").unwrap(),
        spec: OrderSpec::limit(Side::Buy, "100".parse().unwrap(), "187.25".parse().unwrap()).unwrap(),
        version: 1,
        state: OrderState::PendingNew,
        pending: Pending::default(),
        order_ref: Some(OrderRef::of_intent(&LogId::new("k3f9q2aa").unwrap(), order_number, "terms")),
        broker_order_id,
        perm_id: None,
        cum_qty: Qty::ZERO,
        cum_value: Decimal::ZERO,
        commission: Decimal::ZERO,
        deny_reason: None,
        reject_reason: None,
        when_in_doubt: alphec_model::WhenInDoubt::Hold,
        attempts: 1,
        leg: None,
        created_at: at,
        updated_at: at,
    };
    let header = Header {
        seq: Seq::new(seq),
        at,
        provenance: Provenance::Decided,
        correlation_id: Some(correlation_id),
        client_order_id: Some(client_order_id),
        broker_order_id,
        perm_id: None,
        exec_id: None,
    };
    Record { header, body: Body::Accepted { order: Box::new(order), verdict: Verdict::default() } }
}

fn batch(from: u64, count: u64) -> Vec<Arc<Record>> {
    (from..from + count).map(record).map(Arc::new).collect()
}

fn create(dir: &Path) -> (tempfile::TempDir, Journal) {
    let dir = tempfile::tempdir_in(dir).unwrap();
    let journal =
        Journal::create(dir.path().join("bench.journal"), OpenOptions::new("bench", UtcNanos::EPOCH));
    (dir, journal.unwrap())
}

/// A one-record commit and a bare write with its sync, in turn, so that both meet the same disk.
fn beside_a_bare_sync(dir: &Path) {
    const ROUNDS: u64 = 2_000;
    /// Two pages of the WAL with their headers: table and index.
    const BYTES: usize = 2 * 4_120;
    let mut file = tempfile::tempfile_in(dir).unwrap();
    let block = [1; BYTES];
    (0..ROUNDS).for_each(|_| file.write_all(&block).unwrap());
    file.sync_all().unwrap();
    file.rewind().unwrap();
    let (_dir, mut journal) = create(dir);
    let (mut bare, mut commit) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        file.write_all(&block).unwrap();
        file.sync_data().unwrap();
        bare.push(start.elapsed());
        commit.push(time_appends(&mut journal, 1, 1));
    }
    for (name, mut times) in [("bare write and sync", bare), ("one-record commit", commit)] {
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100];
        println!("{name:20} min {:?}, median {:?}, p99 {:?}", at(0), at(50), at(99));
    }
}

/// The time of `iterations` appends of `count` records each; making the records is not counted.
fn time_appends(journal: &mut Journal, iterations: u64, count: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..iterations {
        let records = batch(journal.head().seq.get() + 1, count);
        let start = Instant::now();
        let _durable = black_box(journal.append(&records).unwrap());
        spent += start.elapsed();
        journal.maintain().unwrap();
    }
    spent
}

fn appends(criterion: &mut Criterion) {
    let size = serde_json::to_vec(&record(1_000)).unwrap().len();
    println!("payload {size} bytes; on disk, in turn:");
    beside_a_bare_sync(&disk_dir());
    let places = [("memory", memory_dir()), ("disk", Some(disk_dir()))];
    for (name, dir) in places.into_iter().filter_map(|(name, dir)| Some((name, dir?))) {
        let mut group = criterion.benchmark_group(format!("append/{name}"));
        for count in [1, 10, BATCH] {
            let (_dir, mut journal) = create(&dir);
            group.throughput(Throughput::Elements(count));
            group.bench_function(format!("{count} per commit"), |bencher| {
                bencher.iter_custom(|iterations| time_appends(&mut journal, iterations, count));
            });
        }
        group.finish();
    }
}

fn reads(criterion: &mut Criterion) {
    const RECORDS: u64 = 100_000;
    let (dir, mut journal) = create(&memory_dir().unwrap_or_else(disk_dir));
    for from in (1..RECORDS).step_by(usize::try_from(BATCH).unwrap()) {
        let _durable = journal.append(&batch(from, BATCH)).unwrap();
    }
    journal.close().unwrap();
    let path = dir.path().join("bench.journal");
    let reader = Reader::open(&path).unwrap();
    let mut group = criterion.benchmark_group("read/100000 records");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("replay", |bencher| bencher.iter(|| reader.records(Seq::new(1)).unwrap().count()));
    group.bench_function("verify", |bencher| bencher.iter(|| verify(&path, &mut |_| {}).unwrap()));
    group.throughput(Throughput::Elements(1));
    let order = ClientOrderId::new("mean-reversion-00004321").unwrap();
    group.bench_function("trail of one order", |bencher| {
        bencher.iter(|| reader.trail(&order).unwrap().count())
    });
    group.bench_function("last 20", |bencher| bencher.iter(|| reader.tail(20).unwrap().count()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(20);
    targets = appends, reads
}
criterion_main!(benches);
