//! Coming, staying and going.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alphec_ibkr::{Clock, Ended, Heartbeat};
use alphec_model::broker::{BrokerEvent, BrokerRequest, Session, Wire};
use alphec_model::{AccountId, ApiClientId, Generation, UtcNanos};
use alphec_twsim::GatewayHandle;
use tokio::net::TcpListener;

use crate::harness::{ACCOUNT, Adapter, config, gateway, ready, resting};

#[tokio::test]
async fn a_session_tells_version_client_id_next_order_id_and_accounts() {
    let (gateway, adapter, session) = ready(gateway()).await;
    assert_eq!(session.generation, Generation::new(1));
    assert_eq!(session.server_version, 226);
    assert_eq!(session.api_client_id, ApiClientId::new(3));
    assert!(session.next_order_id.get() >= 1);
    assert_eq!(session.accounts, [AccountId::new(ACCOUNT).unwrap()]);
    let (ended, seen) = adapter.finish().await;
    assert_eq!(ended, Ended::Stopped);
    assert!(matches!(seen.last(), Some(BrokerEvent::Disconnected { why, .. }) if why == "stopped"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(gateway.connections(), 0, "the socket is closed");
}

#[tokio::test]
async fn a_lost_connection_comes_back_under_the_same_client_id_as_the_next_generation() {
    let (gateway, mut adapter, _) = ready(gateway()).await;
    gateway.disconnect_all();
    let (generation, why) = adapter.disconnected().await;
    assert_eq!(generation, Generation::new(1));
    assert!(!why.is_empty());
    let again = adapter.connected().await;
    assert_eq!(again.generation, Generation::new(2));
    assert_eq!(again.api_client_id, ApiClientId::new(3));
    adapter.finish().await;
}

#[tokio::test]
async fn a_held_client_id_is_retried_and_never_changed() {
    let (gateway, mut adapter, _) = ready(gateway().fault("hold-client-id=2".parse().unwrap())).await;
    gateway.disconnect_all();
    for attempt in 1..=2 {
        let (number, retry, error) = adapter
            .until(|event| match event {
                BrokerEvent::ConnectFailed { attempt, retry_in_ms, error } => {
                    Some((*attempt, *retry_in_ms, error.clone()))
                }
                _ => None,
            })
            .await;
        assert!(number >= attempt && retry.is_some());
        assert!(error.contains("326") && error.contains("client id 3"), "{error}");
    }
    assert_eq!(adapter.connected().await.api_client_id, ApiClientId::new(3));
    assert_eq!(gateway.counters().client_ids_refused, 2);
    adapter.finish().await;
}

#[tokio::test]
async fn a_silent_gateway_is_found_out_within_the_heartbeat_budget() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.heartbeat =
        Heartbeat { interval: Duration::from_millis(300), deadline: Duration::from_millis(300), misses: 2 };
    let mut adapter = Adapter::start(config);
    adapter.connected().await;
    gateway.inject("half-open".parse().unwrap());
    let started = tokio::time::Instant::now();
    let (_, why) = adapter.disconnected().await;
    assert!(why.contains("silent"), "{why}");
    // Interval, deadline, two seconds of spacing from probe to probe, deadline.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    gateway.clear_faults();
    assert_eq!(adapter.connected().await.generation, Generation::new(2));
    adapter.finish().await;
}

#[tokio::test]
async fn a_live_gateway_that_answers_once_a_second_is_never_taken_for_dead() {
    let gateway = gateway().with(|config| config.clock_once_per_second = true).start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.heartbeat =
        Heartbeat { interval: Duration::from_millis(100), deadline: Duration::from_millis(300), misses: 2 };
    let mut adapter = Adapter::start(config);
    adapter.connected().await;
    let lost = adapter
        .count(Duration::from_secs(3), |event| matches!(event, BrokerEvent::Disconnected { .. }))
        .await;
    assert_eq!(lost, 0);
    adapter.finish().await;
}

#[tokio::test]
async fn a_gateway_that_pauses_for_less_than_the_spacing_is_not_given_up() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.heartbeat =
        Heartbeat { interval: Duration::from_millis(100), deadline: Duration::from_millis(300), misses: 2 };
    let mut adapter = Adapter::start(config);
    adapter.connected().await;
    gateway.inject("half-open=1s".parse().unwrap());
    let lost = adapter
        .count(Duration::from_secs(3), |event| matches!(event, BrokerEvent::Disconnected { .. }))
        .await;
    assert_eq!(lost, 0, "one probe is missed, the next is two seconds later");
    adapter.finish().await;
}

/// A gateway that an order meets half-open after a silence, with the heartbeat far away.
async fn idle(deadline: u64) -> (GatewayHandle, Adapter, Session) {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.heartbeat =
        Heartbeat { interval: Duration::from_secs(60), deadline: Duration::from_millis(deadline), misses: 2 };
    config.probe_after_idle = Some(Duration::from_millis(200));
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    (gateway, adapter, session)
}

#[tokio::test]
async fn an_order_after_a_silence_is_never_written_to_a_gateway_that_does_not_answer() {
    let (gateway, mut adapter, session) = idle(300).await;
    gateway.inject("half-open".parse().unwrap());
    let order = resting(&session, 0);
    adapter.send(BrokerRequest::Place(order.clone())).await;
    let why = adapter.not_written(order.broker_order_id.get()).await;
    assert!(why.contains("silent"), "{why}");
    gateway.clear_faults();
    adapter.connected().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(gateway.truth().orders.is_empty(), "it resumed and had nothing to act on");
    adapter.finish().await;
}

#[tokio::test]
async fn a_cancel_waits_for_no_round_trip() {
    let (gateway, mut adapter, session) = idle(3_000).await;
    let order = resting(&session, 0);
    adapter.send(BrokerRequest::Place(order.clone())).await;
    adapter.status(order.broker_order_id.get(), "Submitted").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    gateway.inject("half-open".parse().unwrap());
    adapter.send(BrokerRequest::Place(resting(&session, 1))).await;
    adapter.send(BrokerRequest::Cancel { broker_order_id: order.broker_order_id }).await;
    adapter.written(order.broker_order_id.get(), Wire::Cancel).await;
    let second = resting(&session, 1).broker_order_id;
    let is_written = adapter.seen.iter().any(
        |event| matches!(event, BrokerEvent::Written { broker_order_id, .. } if *broker_order_id == second),
    );
    assert!(!is_written);
    adapter.finish().await;
}

#[tokio::test]
async fn what_waits_for_the_round_trip_is_withdrawn_and_nothing_else() {
    let (gateway, mut adapter, session) = idle(5_000).await;
    gateway.inject("half-open=1s".parse().unwrap());
    let (withdrawn, kept) = (resting(&session, 0), resting(&session, 1));
    for order in [&withdrawn, &kept] {
        adapter.send(BrokerRequest::Place(order.clone())).await;
    }
    let unknown = alphec_model::BrokerOrderId::new(kept.broker_order_id.get() + 1);
    let broker_order_ids = vec![withdrawn.broker_order_id, unknown];
    adapter.send(BrokerRequest::Withdraw { broker_order_ids }).await;
    let why = adapter.not_written(withdrawn.broker_order_id.get()).await;
    assert!(why.contains("withdrawn"), "{why}");
    adapter.status(kept.broker_order_id.get(), "Submitted").await;
    // It comes too late for what was written.
    adapter.send(BrokerRequest::Withdraw { broker_order_ids: vec![kept.broker_order_id] }).await;
    let unwritten =
        adapter.count(crate::orders::QUIET, |event| matches!(event, BrokerEvent::NotWritten { .. })).await;
    assert_eq!((unwritten, gateway.truth().orders.len()), (1, 1), "the first one only");
    adapter.finish().await;
}

#[tokio::test]
async fn an_order_that_waited_too_long_for_the_round_trip_is_given_up_though_the_gateway_came_back() {
    let (gateway, mut adapter, session) = idle(5_000).await;
    gateway.inject("half-open=2500ms".parse().unwrap());
    let order = resting(&session, 0);
    adapter.send(BrokerRequest::Place(order.clone())).await;
    let why = adapter.not_written(order.broker_order_id.get()).await;
    assert!(why.contains("round trip"), "{why}");
    let fresh = resting(&session, 1);
    adapter.send(BrokerRequest::Place(fresh.clone())).await;
    adapter.status(fresh.broker_order_id.get(), "Submitted").await;
    adapter.finish().await;
}

#[tokio::test]
async fn each_attempt_of_the_round_trip_is_counted_and_the_order_waits_for_its_turn_behind_the_last() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.heartbeat =
        Heartbeat { interval: Duration::from_secs(60), deadline: Duration::from_millis(700), misses: 3 };
    // Longer than a second: who waits for the budget would be asked about again.
    config.probe_after_idle = Some(Duration::from_millis(1_500));
    config.messages_per_second = Some(1);
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    // The first attempt goes unanswered, the second one, 700 ms later, is answered.
    gateway.inject("half-open=1s".parse().unwrap());
    let asked = tokio::time::Instant::now();
    let order = resting(&session, 0);
    adapter.send(BrokerRequest::Place(order.clone())).await;
    adapter.written(order.broker_order_id.get(), Wire::Place).await;
    assert!(asked.elapsed() >= Duration::from_millis(1_700), "{:?}", asked.elapsed());
    adapter.finish().await;
}

#[tokio::test]
async fn an_unreachable_port_is_retried_until_the_attempts_are_spent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut config = config(port);
    config.reconnect.attempts = Some(3);
    let mut adapter = Adapter::start(config);
    for attempt in 1..=3 {
        let event = adapter.next().await;
        let BrokerEvent::ConnectFailed { attempt: number, retry_in_ms, error } = event else {
            panic!("{event:?}")
        };
        assert_eq!((number, retry_in_ms.is_some()), (attempt, attempt < 3));
        assert!(error.contains("start TWS or Gateway"), "{error}");
    }
    assert_eq!(adapter.task.await.unwrap(), Ended::GaveUp);
}

#[tokio::test]
async fn a_port_that_accepts_and_stays_mute_is_a_failed_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(listener.local_addr().unwrap().port());
    config.connect_timeout = Duration::from_millis(200);
    config.reconnect.attempts = Some(1);
    let mut adapter = Adapter::start(config);
    let event = adapter.next().await;
    assert!(
        matches!(&event, BrokerEvent::ConnectFailed { retry_in_ms: None, error, .. } if error.contains("no handshake")),
        "{event:?}"
    );
}

#[tokio::test]
async fn without_a_connection_every_request_is_answered_as_not_written() {
    let (gateway, mut adapter, session) = ready(gateway()).await;
    gateway.stop().await;
    adapter.disconnected().await;
    let ticket = resting(&session, 0);
    let id = ticket.broker_order_id;
    adapter.send(BrokerRequest::Place(ticket)).await;
    assert!(adapter.not_written(id.get()).await.contains("not connected"));
    adapter.send(BrokerRequest::Cancel { broker_order_id: id }).await;
    adapter.not_written(id.get()).await;
    adapter.send(BrokerRequest::Snapshot { id: 9, executions_days: 1 }).await;
    assert!(adapter.snapshot(9).await.is_err());
    adapter.finish().await;
}

#[tokio::test]
async fn a_dropped_caller_ends_the_adapter() {
    let (_gateway, adapter, _) = ready(gateway()).await;
    drop(adapter.events);
    assert_eq!(adapter.task.await.unwrap(), Ended::PortClosed);
}

/// A clock that is read at the first handshake, fails at its second look and then goes on.
fn failing_once(why: &'static str) -> Clock {
    let looks = AtomicU32::new(0);
    Clock::new(move || {
        assert!(looks.fetch_add(1, Ordering::Relaxed) != 1, "{why}");
        UtcNanos::EPOCH
    })
}

#[tokio::test]
async fn a_panic_costs_the_connection_and_not_the_process() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.clock = failing_once("the first look at the clock in a session fails");
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    adapter.send(BrokerRequest::Place(resting(&session, 0))).await;
    let (generation, why) = adapter.disconnected().await;
    assert_eq!(generation, session.generation);
    assert!(why.contains("panic") && why.contains("clock"), "{why}");
    let again = adapter.connected().await;
    let ticket = resting(&again, 0);
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    adapter.written(ticket.broker_order_id.get(), Wire::Place).await;
    adapter.finish().await;
}

#[tokio::test]
async fn a_panic_in_a_background_task_costs_the_connection_too() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.market_data.enabled = true;
    config.clock = failing_once("no clock for quotes");
    let mut adapter = Adapter::start(config);
    let (_, why) = adapter.disconnected().await;
    assert!(why.contains("no clock for quotes"), "{why}");
    adapter.connected().await;
    adapter.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_on_a_multi_thread_runtime() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    for offset in 0..50 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    adapter.status(session.next_order_id.get() + 49, "Submitted").await;
    adapter.finish().await;
}

#[test]
fn it_runs_on_a_current_thread_runtime_without_a_local_set() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (_gateway, adapter, _) = ready(gateway()).await;
        adapter.finish().await;
    });
}
