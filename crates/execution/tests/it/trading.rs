//! A whole life against a simulated gateway on the real wire, from a file to a verified journal.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alphec_engine::journal::{EmergencyFile, EmergencyStore, Filter, Reader, verify};
use alphec_execution::config::{Overrides, arming};
use alphec_execution::model::{
    AccountId, ApiClientId, Body, CancelScope, ClientOrderId, InstrumentId, OrderRequest, OrderSpec,
    OrderState, OrderType, Price, Provenance, Qty, Record, Seq, Side, StrategyId, UtcNanos, record::Header,
};
use alphec_execution::{
    Clock, Error, ExecutionClient, Mode, OrderHandle, Profile, SystemClock, new_client_order_id,
    new_correlation_id,
};
use alphec_twsim::{Gateway, GatewayHandle};

use crate::support::{Folder, PAPER};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn gateway(account: &str) -> GatewayHandle {
    let gateway = Gateway::builder().account(account).fixed_prices().start().await.unwrap();
    assert!(gateway.set_price("AAPL", "200.00".parse().unwrap()));
    gateway
}

/// The sample, on this gateway, in a folder of its own.
pub(crate) fn profile(gateway: &GatewayHandle, account: &str, more: &str) -> (Folder, Profile) {
    let mode = if account.starts_with('D') { "paper" } else { "live" };
    let text = PAPER.replace("DU1234567", account).replace("mode = \"paper\"", &format!("mode = \"{mode}\""));
    let folder = Folder::with(&format!("{text}{more}\n"));
    let overrides = Overrides { port: Some(gateway.addr().port()), ..Overrides::default() };
    let profile = folder.load(&[], overrides).unwrap().profile;
    (folder, profile)
}

pub(crate) fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}

pub(crate) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

pub(crate) fn px(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn request(account: &str, spec: OrderSpec) -> OrderRequest {
    OrderRequest {
        client_order_id: new_client_order_id(),
        strategy_id: StrategyId::new("test").unwrap(),
        correlation_id: new_correlation_id(),
        account: AccountId::new(account).unwrap(),
        instrument: aapl(),
        spec,
        when_in_doubt: None,
    }
}

pub(crate) async fn reach(order: &mut OrderHandle, state: OrderState) {
    let reached = tokio::time::timeout(PATIENCE, order.until(|order| order.state == state)).await;
    assert!(matches!(reached, Ok(Ok(_))), "{state}: {:?}", order.last());
}

pub(crate) async fn ready(client: &ExecutionClient) {
    client.wait_ready(PATIENCE).await.unwrap();
    client.wait_quote(&aapl(), PATIENCE).await.unwrap();
}

fn verified(journal: &Path) -> u64 {
    verify(journal, &mut |_| {}).unwrap().records
}

#[tokio::test]
async fn an_order_lives_from_a_profile_to_a_verified_journal() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    let journal = profile.journal.clone();
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;

    let buy = OrderSpec::new(Side::Buy, qty("10"), OrderType::Market).unwrap();
    let mut market = client.submit_order(request("DU1234567", buy)).await.unwrap();
    reach(&mut market, OrderState::Filled).await;
    let fills = client.fills(market.client_order_id()).await.unwrap();
    assert_eq!(
        fills.iter().map(|fill| fill.last_qty.get()).sum::<alphec_execution::model::Decimal>(),
        qty("10").get()
    );

    let rest = OrderSpec::limit(Side::Buy, qty("10"), px("195.00")).unwrap();
    let mut limit = client.submit_order(request("DU1234567", rest.clone())).await.unwrap();
    reach(&mut limit, OrderState::Working).await;
    let nearer = OrderSpec { order_type: OrderType::Limit { limit_px: px("196.00") }, ..rest };
    client.modify_order(limit.client_order_id(), nearer.clone()).await.unwrap();
    let replaced = tokio::time::timeout(PATIENCE, limit.replaced()).await.unwrap().unwrap();
    assert_eq!((replaced.state, &replaced.spec), (OrderState::Working, &nearer));
    assert_eq!(client.open_orders().await.unwrap().len(), 1);
    client.cancel_order(limit.client_order_id()).await.unwrap();
    reach(&mut limit, OrderState::Canceled).await;

    let positions = client.positions().await.unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!((positions[0].instrument.as_str(), positions[0].qty.to_string().as_str()), ("AAPL", "10"));

    let large = OrderSpec::limit(Side::Buy, qty("101"), px("195.00")).unwrap();
    let denied = client.submit_order(request("DU1234567", large)).await.unwrap_err();
    assert!(denied.denied().is_some(), "{denied}");

    let kept = OrderSpec::limit(Side::Buy, qty("1"), px("195.00")).unwrap();
    let mut working = client.submit_order(request("DU1234567", kept)).await.unwrap();
    reach(&mut working, OrderState::Working).await;
    let report = client.stop().await.unwrap();
    assert!(report.all_answered && report.left_working.is_empty(), "{report:?}");
    assert_eq!(report.canceled, 1, "the profile's policy is to cancel");
    assert!(client.open_orders().await.is_err(), "a stopped engine says so");
    assert!(verified(&journal) > 20);
    assert_eq!(alphec_execution::read_books(&journal).unwrap().orders().len(), 4);
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_journal_goes_on_after_a_restart() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "stop.policy = \"keep\"");
    let client = ExecutionClient::start(profile.clone()).unwrap();
    ready(&client).await;
    let rest = OrderSpec::limit(Side::Buy, qty("3"), px("195.00")).unwrap();
    let request = request("DU1234567", rest);
    let mut order = client.submit_order(request.clone()).await.unwrap();
    reach(&mut order, OrderState::Working).await;
    let report = client.stop().await.unwrap();
    assert_eq!(report.left_working.len(), 1, "and it says what it leaves");

    let client = ExecutionClient::start(profile.clone()).unwrap();
    ready(&client).await;
    let open = client.open_orders().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].client_order_id, request.client_order_id);
    let again = client.submit_order(request).await.unwrap();
    assert_eq!(again.last().broker_order_id, order.last().broker_order_id, "the same order, not another");
    assert_eq!(gateway.truth().orders.len(), 1);
    client.stop().await.unwrap();
    verified(&profile.journal);
}

/// A record as a process leaves it that its journal did not take any more.
fn unrecorded(journal: &Path, order: &ClientOrderId, body: Body) -> Record {
    let last = Reader::open(journal).unwrap().head().unwrap().seq;
    let header = Header {
        correlation_id: Some(new_correlation_id()),
        client_order_id: Some(order.clone()),
        ..Header::nameless(last.next(), SystemClock::new().now(), Provenance::Decided)
    };
    Record { header, body }
}

#[tokio::test]
async fn a_cancel_that_an_ended_process_could_not_record_is_carried_out_by_the_next_one() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "stop.policy = \"keep\"");
    let journal = profile.journal.clone();
    let client = ExecutionClient::start(profile.clone()).unwrap();
    ready(&client).await;
    let rest = OrderSpec::limit(Side::Buy, qty("10"), px("195.00")).unwrap();
    let mut order = client.submit_order(request("DU1234567", rest)).await.unwrap();
    reach(&mut order, OrderState::Working).await;
    client.halt("operator", "drill").await.unwrap();
    client.reconcile(PATIENCE).await.unwrap();
    client.resume(CancelScope::All, "operator", "the drill is over").await.unwrap();
    client.stop().await.unwrap();
    let key = order.client_order_id().clone();
    let (mut file, left) = EmergencyFile::open(&journal).unwrap();
    assert!(left.records.is_empty(), "a whole journal leaves nothing");
    let halts = Reader::open(&journal).unwrap();
    let halt = halts.find(&Filter::default().kind("halted")).unwrap().next().unwrap().unwrap().record;
    let canceled = unrecorded(&journal, &key, Body::CancelAsked);
    file.keep(&[Arc::new(halt), Arc::new(canceled)]).unwrap();

    let client = ExecutionClient::start(profile.clone()).unwrap();
    // Ready: the halt is on record, and was lifted since.
    ready(&client).await;
    let mut order = client.order(&key).await.unwrap();
    reach(&mut order, OrderState::Canceled).await;
    client.stop().await.unwrap();
    let (file, left) = EmergencyFile::open(&journal).unwrap();
    assert!(left.records.is_empty(), "it is on record now");

    // What nobody understands may be somebody's wish to stop.
    std::fs::write(file.path(), "{\"header\":{\"seq\":\n").unwrap();
    let client = ExecutionClient::start(profile).unwrap();
    let status = client.status().await.unwrap();
    assert!(status.readiness.halted.is_some_and(|why| why.contains("emergency")), "halted");
    client.stop().await.unwrap();
    assert!(EmergencyFile::open(&journal).unwrap().1.unread.is_empty(), "and is on record as that");
    gateway.stop().await;
}

#[tokio::test]
async fn a_kill_that_was_carried_out_under_another_number_and_lifted_is_not_done_again() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    let journal = profile.journal.clone();
    let client = ExecutionClient::start(profile.clone()).unwrap();
    ready(&client).await;
    client.stop().await.unwrap();
    let (by, reason) = ("operator".to_owned(), "drill".to_owned());
    let halted = Body::Halted { scope: CancelScope::All, kill: true, by, reason };
    let mut kill = unrecorded(&journal, &new_client_order_id(), halted);
    kill.header.client_order_id = None;
    // What was lost with it had counted, too.
    kill.header.seq = Seq::new(kill.header.seq.get() + 1_000);
    let kill = Arc::new(kill);

    let (mut file, _) = EmergencyFile::open(&journal).unwrap();
    file.keep(&[Arc::clone(&kill)]).unwrap();
    let client = ExecutionClient::start(profile.clone()).unwrap();
    assert!(client.wait_killed(&CancelScope::All, PATIENCE).await.unwrap());
    client.reconcile(PATIENCE).await.unwrap();
    client.resume(CancelScope::All, "operator", "the drill is over").await.unwrap();
    client.stop().await.unwrap();

    let (mut file, left) = EmergencyFile::open(&journal).unwrap();
    assert!(left.records.is_empty(), "cleared");
    file.keep(&[kill]).unwrap();
    let client = ExecutionClient::start(profile.clone()).unwrap();
    ready(&client).await;
    assert!(client.status().await.unwrap().readiness.halted.is_none());
    client.stop().await.unwrap();
    assert!(EmergencyFile::open(&journal).unwrap().1.records.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_second_engine_on_the_same_journal_is_refused() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    let client = ExecutionClient::start(profile.clone()).unwrap();
    let error = ExecutionClient::start(profile).unwrap_err();
    assert!(matches!(error, Error::Journal(_)), "{error}");
    client.stop().await.unwrap();
}

#[tokio::test]
async fn an_account_that_the_gateway_does_not_have_trades_nothing() {
    let gateway = gateway("DU7654321").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    let client = ExecutionClient::start(profile).unwrap();
    let error = client.wait_ready(Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    assert!(error.to_string().contains("DU1234567"), "{error}");
    let spec = OrderSpec::limit(Side::Buy, qty("1"), px("195.00")).unwrap();
    let denied = client.submit_order(request("DU1234567", spec)).await.unwrap_err();
    assert!(denied.denied().is_some_and(alphec_execution::model::DenyReason::is_not_ready), "{denied}");
    client.stop().await.unwrap();
    assert!(gateway.truth().orders.is_empty());
}

#[tokio::test]
async fn a_paper_profile_on_a_live_login_trades_nothing_whatever_the_port() {
    let gateway = gateway("U1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    let client = ExecutionClient::start(profile).unwrap();
    let error = client.wait_ready(Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    client.stop().await.unwrap();
    assert!(gateway.truth().orders.is_empty());
}

#[tokio::test]
async fn an_unreachable_port_is_said_and_the_stop_is_prompt() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    gateway.stop().await;
    let journal = profile.journal.clone();
    let client = ExecutionClient::start(profile).unwrap();
    let error = client.wait_ready(Duration::from_millis(500)).await.unwrap_err();
    assert!(error.to_string().starts_with("not ready: the link is "), "{error}");
    let began = Instant::now();
    client.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    verified(&journal);
}

/// The system's clock, moved on by hand.
#[derive(Default)]
struct Moved {
    system: SystemClock,
    seconds: AtomicU64,
}

impl Clock for Moved {
    fn now(&self) -> UtcNanos {
        self.system.now().saturating_add(Duration::from_secs(self.seconds.load(Ordering::Relaxed)))
    }
}

#[tokio::test]
async fn an_armed_live_profile_trades_until_its_arming_ends_and_cancels_after() {
    let gateway = gateway("U1234567").await;
    let (_folder, profile) = profile(&gateway, "U1234567", "allow_live = true");
    let account = profile.accounts[0].clone();
    let clock = Arc::new(Moved::default());
    let until = clock.now().saturating_add(Duration::from_secs(3_600));
    let builder = ExecutionClient::builder(profile).clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let client = builder.arm(arming::token_for(&account, until)).start().unwrap();
    ready(&client).await;
    let spec = OrderSpec::limit(Side::Buy, qty("1"), px("195.00")).unwrap();
    let mut order = client.submit_order(request("U1234567", spec.clone())).await.unwrap();
    reach(&mut order, OrderState::Working).await;

    clock.seconds.store(3_601, Ordering::Relaxed);
    let denied = client.submit_order(request("U1234567", spec.clone())).await.unwrap_err();
    assert!(denied.to_string().contains("the live arming has expired; arm again"), "{denied}");
    let nearer = OrderSpec { order_type: OrderType::Limit { limit_px: px("196.00") }, ..spec };
    let denied = client.modify_order(order.client_order_id(), nearer).await.unwrap_err();
    assert!(denied.to_string().contains("arm again"), "{denied}");
    client.cancel_order(order.client_order_id()).await.unwrap();
    reach(&mut order, OrderState::Canceled).await;
    client.stop().await.unwrap();
    assert_eq!(gateway.truth().orders.len(), 1);
}

#[tokio::test]
async fn a_journal_of_another_client_id_or_mode_is_refused_before_anything_is_written() {
    let gateway = gateway("DU1234567").await;
    let (_folder, profile) = profile(&gateway, "DU1234567", "");
    ExecutionClient::start(profile.clone()).unwrap().stop().await.unwrap();
    let records = verified(&profile.journal);

    let other = Profile { client_id: ApiClientId::new(9), ..profile.clone() };
    let refused = ExecutionClient::start(other).unwrap_err().to_string();
    assert!(refused.contains("belongs to client id 1, but the profile is client id 9"), "{refused}");

    let account = AccountId::new("U1234567").unwrap();
    let token = arming::token_for(&account, SystemClock::new().now().saturating_add(Duration::from_secs(60)));
    let live = Profile { mode: Mode::Live, allow_live: true, accounts: vec![account], ..profile.clone() };
    let refused = ExecutionClient::builder(live).arm(token).start().unwrap_err().to_string();
    assert!(refused.contains("belongs to paper trading, but the profile is for live"), "{refused}");
    assert_eq!(verified(&profile.journal), records);
}

#[tokio::test]
async fn a_denial_reaches_the_webhook_of_the_profile() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway("DU1234567").await;
    let (folder, profile) = profile(&gateway, "DU1234567", "alerts.webhook = \"file:hook\"");
    let hook = folder.dir.path().join("hook");
    std::fs::write(&hook, format!("http://{}/\n", listener.local_addr().unwrap())).unwrap();
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&hook, owner_only).unwrap();
    let client = ExecutionClient::start(profile).unwrap();
    ready(&client).await;
    let large = OrderSpec::limit(Side::Buy, qty("101"), px("195.00")).unwrap();
    client.submit_order(request("DU1234567", large)).await.unwrap_err();
    let posted = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert!(socket.read_buf(&mut request).await.unwrap() > 0);
        }
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        socket.write_all(answer).await.unwrap();
        String::from_utf8(request).unwrap()
    };
    let posted = tokio::time::timeout(PATIENCE, posted).await.unwrap();
    assert!(posted.contains("order_denied"), "{posted}");
    drop(listener);
    client.stop().await.unwrap();
}
