//! What durability costs, against a gateway on the same machine. All rows are measured in one run,
//! in turns, so that their ratios mean something on a shared machine.
//!
//! `cargo bench -p alphec-execution --bench round_trip`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops where it fails")]

use std::path::Path;
use std::time::{Duration, Instant};

use alphec_engine::journal::measure_sync_of;
use alphec_execution::model::{
    AccountId, Body, InstrumentId, OrderRequest, OrderSpec, OrderState, Side, StrategyId,
};
use alphec_execution::{ExecutionClient, config, new_client_order_id, new_correlation_id};
use alphec_twsim::{Gateway, GatewayHandle};
use futures::StreamExt;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, Order, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};

/// Turns, and orders in each.
const TURNS: usize = 15;
const ORDERS_A_TURN: usize = 20;
/// Orders submitted without waiting.
const BURST: usize = 10_000;
/// What one order's batch writes: pages of the table and its indexes, with their frame headers.
const COMMIT_BYTES: usize = 3 * 4_120;

fn main() {
    if std::env::args().any(|arg| arg == "--test") {
        println!("round_trip: nothing to test; run it as a benchmark");
        return;
    }
    let gateway = GatewayThread::start();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the target");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (bare, ours, sync) = runtime.block_on(round_trips(&gateway.addr, folder.path()));
    let burst = runtime.block_on(burst(&gateway.addr, folder.path()));
    let floor = bare + sync;
    println!();
    println!("| measured in one run | median |");
    println!("|---|---:|");
    println!("| bare `ibapi`: submit to first status | {} |", micros(bare));
    println!("| one `fdatasync` of {COMMIT_BYTES} bytes | {} |", micros(sync));
    println!("| **ours, durable: submit to first status** | **{}** |", micros(ours));
    println!(
        "| ratio to the sum of the two above (goal: at most 1.30) | {:.2} |",
        ours.as_secs_f64() / floor.as_secs_f64()
    );
    println!("| {BURST} orders without waiting: durable a second (goal: 10 000) | {:.0} |", burst.durable);
    println!("| the same, to the last broker status | {:.0} |", burst.acknowledged);
}

/// A gateway on a thread of its own, as it is in life.
struct GatewayThread {
    addr: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl GatewayThread {
    fn start() -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let gateway: GatewayHandle = Gateway::builder()
                    .fixed_prices()
                    .with(|config| {
                        config.working_per_side = None;
                        config.outbox_limit = usize::MAX / 2;
                    })
                    .start()
                    .await
                    .expect("a gateway");
                tell.send(gateway.addr().to_string()).expect("a listener");
                drop(stopped.await);
                gateway.stop().await;
            });
        });
        Self { addr: told.recv().expect("an address"), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for GatewayThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn round_trips(addr: &str, folder: &Path) -> (Duration, Duration, Duration) {
    let ours = start(addr, &folder.join("round_trip.db"), 11).await;
    let bare = Bare::connect(addr).await;
    let mut bare = bare;
    let (mut bare_times, mut our_times, mut sync_times) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let bare_turn = bare.turn().await;
        let our_turn = our_turn(&ours).await;
        let sync_turn = measure_sync_of(folder, COMMIT_BYTES, ORDERS_A_TURN).expect("a sync").median;
        // The first turn warms caches, connections and the journal's log file.
        if turn > 0 {
            bare_times.extend(bare_turn);
            our_times.extend(our_turn);
            sync_times.push(sync_turn);
        }
    }
    ours.stop().await.expect("a clean stop");
    (median(bare_times), median(our_times), median(sync_times))
}

async fn our_turn(client: &ExecutionClient) -> Vec<Duration> {
    let mut times = Vec::with_capacity(ORDERS_A_TURN);
    for _ in 0..ORDERS_A_TURN {
        let began = Instant::now();
        let order = client.submit_order(request()).await.expect("an order");
        order.accepted().await.expect("a status");
        times.push(began.elapsed());
        client.cancel_order(order.client_order_id()).await.expect("a cancel");
        order.done().await.expect("an end");
    }
    times
}

struct Rate {
    durable: f64,
    acknowledged: f64,
}

async fn burst(addr: &str, folder: &Path) -> Rate {
    let client = start(addr, &folder.join("burst.db"), 12).await;
    let mut events = client.subscribe();
    let began = Instant::now();
    let submitted = (0..BURST).map(|_| client.submit_order(request()));
    let orders = futures::future::join_all(submitted).await;
    let durable = BURST as f64 / began.elapsed().as_secs_f64();
    assert!(
        orders.iter().all(Result::is_ok),
        "every order is accepted: {:?}",
        orders.iter().find(|order| order.is_err())
    );
    let all_work = async {
        let mut working = 0;
        while working < BURST {
            let event = events.recv().await.expect("no event missed");
            working +=
                usize::from(matches!(&event.record.body, Body::OrderChanged { to: OrderState::Working, .. }));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_work).await.expect("every order acknowledged");
    let acknowledged = BURST as f64 / began.elapsed().as_secs_f64();
    drop(orders);
    let stop = config::Stop { policy: alphec_execution::StopPolicy::Keep, deadline: Duration::from_secs(5) };
    client.stop_with(stop).await.expect("a clean stop");
    Rate { durable, acknowledged }
}

async fn start(addr: &str, journal: &Path, client_id: i32) -> ExecutionClient {
    let (host, port) = addr.split_once(':').expect("host and port");
    let text = format!(
        r#"
        [profiles.bench]
        mode = "paper"
        host = "{host}"
        port = {port}
        client_id = {client_id}
        accounts = ["DU1234567"]
        journal = "{}"
        pacing_per_second = 0
        instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
        limits = {{ max_order_qty = 100, max_order_notional = 1000000, max_position = 10000000, max_gross_notional = "1e9", max_net_notional = "1e9", max_leverage = 100000, price_collar = "0.5", max_open_orders = 1000000, max_messages_per_second = 1000000, max_quote_age_ms = 600000 }}
        "#,
        journal.display()
    )
    .replace("\"1e9\"", "100000000000");
    let file = journal.with_extension("toml");
    std::fs::write(&file, text).expect("a profile");
    let source = config::Source { path: Some(file), ..config::Source::default() };
    let profile = config::load(source).expect("a sound profile").profile;
    let client = ExecutionClient::start(profile).expect("an engine");
    client.wait_ready(Duration::from_secs(20)).await.expect("a connection");
    client.wait_quote(&aapl(), Duration::from_secs(20)).await.expect("a quote");
    client
}

fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").expect("an id")
}

/// Far below the market: it rests.
fn request() -> OrderRequest {
    OrderRequest {
        client_order_id: new_client_order_id(),
        strategy_id: StrategyId::new("bench").expect("an id"),
        correlation_id: new_correlation_id(),
        account: AccountId::new("DU1234567").expect("an id"),
        instrument: aapl(),
        spec: OrderSpec::limit(Side::Buy, "1".parse().expect("a size"), "200".parse().expect("a price"))
            .expect("an order"),
        when_in_doubt: None,
    }
}

/// The crate alone: nothing durable, nothing checked.
struct Bare {
    client: ibapi::Client,
    updates: Subscription<OrderUpdate>,
}

impl Bare {
    async fn connect(addr: &str) -> Self {
        let client = ibapi::Client::connect(addr, 10).await.expect("a connection");
        let updates = client.order_update_stream().await.expect("a stream");
        Self { client, updates }
    }

    async fn turn(&mut self) -> Vec<Duration> {
        let contract = Contract { contract_id: 265_598, exchange: "SMART".into(), ..Contract::default() };
        let mut times = Vec::with_capacity(ORDERS_A_TURN);
        for _ in 0..ORDERS_A_TURN {
            let order = Order {
                action: Action::Buy,
                total_quantity: 1.0,
                order_type: "LMT".to_owned(),
                limit_price: Some(200.0),
                transmit: true,
                ..Order::default()
            };
            let id = self.client.next_order_id();
            let began = Instant::now();
            self.client.submit_order(id, &contract, &order).await.expect("a write");
            self.until(|update| match update {
                OrderUpdate::OpenOrder(open) => open.order_id == id,
                OrderUpdate::OrderStatus(status) => status.order_id == id,
                _ => false,
            })
            .await;
            times.push(began.elapsed());
            drop(self.client.cancel_order(id, "").await.expect("a cancel"));
            self.until(|update| match update {
                OrderUpdate::OrderStatus(status) => {
                    status.order_id == id && status.status == ibapi::orders::OrderStatusKind::Cancelled
                }
                _ => false,
            })
            .await;
        }
        times
    }

    async fn until(&mut self, wanted: impl Fn(&OrderUpdate) -> bool) {
        loop {
            match self.updates.next().await {
                Some(Ok(SubscriptionItem::Data(update))) if wanted(&update) => return,
                Some(Ok(_)) => {}
                ended => unreachable!("the stream ended: {ended:?}"),
            }
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}
