//! `kill -9` at random instants of the demo, then a restart: three books are compared, that of the
//! gateway, that of the journal, and that of the engine.
//!
//! The gateway lives in this test, so it survives the kills; the demo is the real program.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alphec_execution::model::{Body, Decimal, ExecId, OrderRef, OrderState, Record, Seq, Side};
use alphec_journal::Reader;
use alphec_twsim::{Gateway, GatewayHandle};

/// Kills in a change's test run; `ALPHEC_KILLS=2000` for a long one.
const KILLS: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_a_fill_doubles_an_order_or_hides_one() {
    let kills = std::env::var("ALPHEC_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::builder().seed(11).start().await.unwrap();
    let config = write_profile(folder.path(), &gateway);
    let journal = folder.path().join("kill.db");

    for kill in 0..kills {
        let mut demo = start_demo(&config);
        // Spread over the whole length of the demo.
        let at = Duration::from_millis(10 + (kill * 61) % 420);
        tokio::time::sleep(at).await;
        // Gone already when it was quicker than that: a demo that ended well is as good a case.
        drop(demo.kill());
        demo.wait().unwrap();
        if journal.exists() {
            compare(&gateway, &journal, Moment::AfterKill(kill));
        }
    }

    let last = start_demo(&config).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&last.stdout);
    assert!(
        last.status.success(),
        "the demo after {kills} kills: {text}\n{}",
        String::from_utf8_lossy(&last.stderr)
    );
    compare(&gateway, &journal, Moment::AtTheEnd);
    gateway.stop().await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    AfterKill(u64),
    AtTheEnd,
}

/// Compares what the gateway knows with what the journal holds.
fn compare(gateway: &GatewayHandle, journal: &Path, moment: Moment) {
    let truth = gateway.truth();
    let books = Books::read(journal);

    let mut seen = BTreeSet::new();
    for order in &truth.orders {
        let order_ref = OrderRef::new(&*order.report.spec.order_ref)
            .expect("every order at the broker carries our reference");
        assert!(seen.insert(order_ref.clone()), "{moment:?}: {order_ref} was sent twice");
        assert!(
            books.intents.contains(&order_ref),
            "{moment:?}: {order_ref} is at the broker and not in the journal"
        );
    }
    if moment != Moment::AtTheEnd {
        return;
    }

    let at_broker: BTreeSet<ExecId> =
        truth.executions.iter().map(|execution| ExecId::new(&execution.exec_id).unwrap()).collect();
    assert_eq!(books.executions, at_broker, "every fill is booked, once");
    let working: BTreeSet<OrderRef> = truth
        .orders
        .iter()
        .filter(|order| order.ended_at.is_none())
        .map(|order| OrderRef::new(&*order.report.spec.order_ref).unwrap())
        .collect();
    let shown: BTreeSet<OrderRef> = books
        .states
        .iter()
        .filter(|(_, state)| !state.is_terminal())
        .map(|(order_ref, _)| order_ref.clone())
        .collect();
    assert!(
        working.is_subset(&shown),
        "working at the broker but not shown: {:?}",
        working.difference(&shown)
    );
    for account in &truth.accounts {
        for (con_id, position) in &account.positions {
            let ours = books.positions.get(&i64::from(*con_id)).copied().unwrap_or_default();
            assert_eq!(ours, position.quantity, "position in contract {con_id}");
        }
    }
}

/// What the journal says, read record by record.
#[derive(Debug, Default)]
struct Books {
    intents: BTreeSet<OrderRef>,
    executions: BTreeSet<ExecId>,
    states: BTreeMap<OrderRef, OrderState>,
    positions: BTreeMap<i64, Decimal>,
}

impl Books {
    fn read(journal: &Path) -> Self {
        let mut books = Self::default();
        let mut refs = BTreeMap::new();
        let reader = Reader::open(journal).unwrap();
        for stored in reader.records(Seq::new(1)).unwrap() {
            let Record { header, body } = stored.unwrap().record;
            match body {
                Body::Accepted { order, .. } => {
                    let order_ref = order.order_ref.unwrap();
                    refs.insert(order.client_order_id, order_ref.clone());
                    books.states.insert(order_ref.clone(), order.state);
                    assert!(books.intents.insert(order_ref), "an intent is recorded once");
                }
                Body::OrderChanged { to, .. } => {
                    let key = header.client_order_id.unwrap();
                    if let Some(order_ref) = refs.get(&key) {
                        books.states.insert(order_ref.clone(), to);
                    }
                }
                Body::Filled { fill } => {
                    assert!(
                        books.executions.insert(fill.exec_id.clone()),
                        "{} is booked twice",
                        fill.exec_id
                    );
                    let con_id = if fill.instrument.as_str() == "AAPL" { AAPL } else { MSFT };
                    let qty = fill.last_qty.get();
                    let signed = if fill.side == Side::Buy { qty } else { -qty };
                    if !fill.in_baseline {
                        *books.positions.entry(con_id).or_default() += signed;
                    }
                }
                Body::PositionBroken { .. } => panic!("a position break: {body:?}"),
                _ => {}
            }
        }
        books
    }
}

const AAPL: i64 = 265_598;
const MSFT: i64 = 272_093;

fn start_demo(config: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_alphec-exec"))
        .args(["demo", "--json", "--profile", "paper", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn write_profile(folder: &Path, gateway: &GatewayHandle) -> PathBuf {
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
limits = {{ max_order_qty = 100, max_order_notional = 100000, max_position = 5000, max_gross_notional = 5000000, max_net_notional = 5000000, max_leverage = 20, price_collar = "0.50", max_messages_per_second = 1000 }}
timeouts = {{ ack_ms = 1000, resnapshot_ms = 200, absent_ms = 0 }}
pacing_per_second = 0
"#,
        port = gateway.addr().port()
    );
    std::fs::write(&path, text).unwrap();
    path
}
