//! Snapshots: complete, or a failure that says nothing.

use std::time::Duration;

use alphec_model::broker::{BrokerEvent, BrokerRequest};
use alphec_model::{InstrumentId, OrderType};
use alphec_twsim::venue::Quote;

use crate::harness::{Adapter, config, gateway, ready, resting, ticket};

fn ask(id: u64) -> BrokerRequest {
    BrokerRequest::Snapshot { id, executions_days: 2 }
}

#[tokio::test]
async fn a_snapshot_holds_open_and_completed_orders_executions_and_positions() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    adapter.send(ask(1)).await;
    let empty = adapter.snapshot(1).await.unwrap();
    assert!(empty.open.is_empty() && empty.executions.is_empty() && empty.positions.is_empty());

    let (filled, open) = (ticket(&session, 0, OrderType::Market), resting(&session, 1));
    adapter.send(BrokerRequest::Place(filled.clone())).await;
    adapter.send(BrokerRequest::Place(open.clone())).await;
    adapter.status(open.broker_order_id.get(), "Submitted").await;
    adapter.send(ask(2)).await;
    let books = adapter.snapshot(2).await.unwrap();
    assert_eq!(books.generation, session.generation);
    let refs: Vec<_> = books.open.iter().map(|row| row.names.order_ref.as_deref()).collect();
    assert_eq!(refs, [Some(open.order_ref.as_str())]);
    assert_eq!(books.completed.len(), 1);
    assert_eq!(books.completed[0].names.order_ref.as_deref(), Some(filled.order_ref.as_str()));
    assert!(!books.executions.is_empty());
    assert_eq!(books.executions.len(), books.commissions.len());
    let held: Vec<_> =
        books.positions.iter().map(|row| (row.instrument.clone(), row.qty.to_string())).collect();
    assert_eq!(held, [(Some(InstrumentId::new("AAPL").unwrap()), "10".to_owned())]);
    adapter.finish().await;
}

#[tokio::test]
async fn orders_of_other_clients_are_in_the_list() {
    let gateway = gateway().start().await.unwrap();
    let mut other_config = config(gateway.addr().port());
    other_config.api_client_id = alphec_model::ApiClientId::new(8);
    let mut other = Adapter::start(other_config);
    let session = other.connected().await;
    other.resolved().await;
    other.send(BrokerRequest::Place(resting(&session, 0))).await;
    other.status(session.next_order_id.get(), "Submitted").await;
    let mut adapter = Adapter::start(config(gateway.addr().port()));
    adapter.connected().await;
    adapter.send(ask(1)).await;
    let books = adapter.snapshot(1).await.unwrap();
    assert_eq!(books.open.len(), 1);
    assert_eq!(books.open[0].names.api_client_id, Some(alphec_model::ApiClientId::new(8)));
    adapter.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn snapshots_asked_for_together_are_answered_one_by_one_up_to_a_limit() {
    let (_gateway, mut adapter, _) = ready(gateway()).await;
    for id in 1..=12 {
        adapter.send(ask(id)).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 12 {
        match adapter.next().await {
            BrokerEvent::Snapshot(snapshot) => answers.push((snapshot.id, true)),
            BrokerEvent::SnapshotFailed { id, why, .. } => {
                assert!(why.contains("already wait"), "{why}");
                answers.push((id, false));
            }
            _ => {}
        }
    }
    let read: Vec<u64> = answers.iter().filter(|(_, read)| *read).map(|(id, _)| *id).collect();
    assert!(read.len() >= 4 && read.is_sorted(), "{answers:?}");
    adapter.finish().await;
}

#[tokio::test]
async fn read_only_mode_fails_a_snapshot_early_instead_of_showing_empty_books() {
    let gateway = gateway().with(|config| config.read_only = true).start().await.unwrap();
    let mut adapter = Adapter::start(config(gateway.addr().port()));
    adapter.connected().await;
    let started = tokio::time::Instant::now();
    adapter.send(ask(1)).await;
    let why = adapter.snapshot(1).await.unwrap_err();
    assert!(why.contains("321"), "{why}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // The list that was refused may still end, so the next snapshot gets a new connection.
    adapter.send(ask(2)).await;
    adapter.snapshot(2).await.unwrap_err();
    adapter.disconnected().await;
    adapter.connected().await;
    adapter.finish().await;
}

#[tokio::test]
async fn a_silent_gateway_fails_a_snapshot_at_its_deadline() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.snapshot_timeout = Duration::from_millis(300);
    let mut adapter = Adapter::start(config);
    adapter.connected().await;
    adapter.resolved().await;
    gateway.inject("half-open".parse().unwrap());
    adapter.send(ask(1)).await;
    let why = adapter.snapshot(1).await.unwrap_err();
    assert!(why.contains("did not end within"), "{why}");
    adapter.finish().await;
}

#[tokio::test]
async fn a_lost_connection_fails_the_snapshot_under_way() {
    let (gateway, mut adapter, _) = ready(gateway()).await;
    gateway.inject("half-open".parse().unwrap());
    adapter.send(ask(1)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    gateway.disconnect_all();
    assert!(adapter.snapshot(1).await.is_err());
    adapter.disconnected().await;
    adapter.finish().await;
}

#[tokio::test]
async fn a_busy_day_is_read_to_the_last_row() {
    const ROWS: i32 = 1_500;
    let (gateway, mut adapter, session) = ready(gateway()).await;
    let con_id = adapter
        .seen
        .iter()
        .find_map(|event| match event {
            BrokerEvent::InstrumentResolved { con_id, .. } => Some(con_id.get()),
            _ => None,
        })
        .unwrap();
    // Cheap and plenty, so that every market order fills whole.
    let [bid, offer, size] = ["2.00", "2.01", "1000000"].map(|text| text.parse().unwrap());
    gateway.set_quote(con_id, Quote::new(bid, offer, size));
    for offset in 0..ROWS {
        adapter.send(BrokerRequest::Place(ticket(&session, 2 * offset, OrderType::Market))).await;
        adapter.send(BrokerRequest::Place(resting(&session, 2 * offset + 1))).await;
        // The caller reads as it goes: two channels that fill up together would stand still together.
        while let Ok(event) = adapter.events.try_recv() {
            adapter.seen.push(event);
        }
    }
    adapter.status(session.next_order_id.get() + 2 * ROWS - 1, "Submitted").await;
    adapter.send(ask(1)).await;
    let books = adapter.snapshot(1).await.unwrap();
    let rows = usize::try_from(ROWS).unwrap();
    assert_eq!((books.open.len(), books.completed.len(), books.executions.len()), (rows, rows, rows));
    assert!(!adapter.seen.iter().any(|event| matches!(event, BrokerEvent::Gap { .. })));
    adapter.finish().await;
}
