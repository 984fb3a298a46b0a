//! Start, stop, restart, lost adapters, events.

use std::time::Duration;

use alphec_engine::core::Reply;
use alphec_engine::{BrokerTask, CallError, StopPolicy};
use alphec_model::broker::{BrokerStatus, LinkState};
use alphec_model::{AlertKind, Body, Command, OrderState, WhenInDoubt};

use crate::support::{PATIENCE, QUIET, World, key, submit, until, until_ready, work};

#[tokio::test]
async fn a_stop_cancels_waits_for_the_broker_and_reports_nothing_left() {
    let (handle, mut broker) = World::new().ready().await;
    let ticket = work(&handle, &mut broker, "a").await;

    let stopper = handle.clone();
    let stop = tokio::spawn(async move { stopper.stop(StopPolicy::Cancel, PATIENCE).await });
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
    broker.report(&ticket, BrokerStatus::Cancelled).await;
    let report = stop.await.unwrap().unwrap();
    assert!(report.left_working.is_empty() && report.all_answered && report.canceled == 1, "{report:?}");
    assert_eq!(handle.command(submit("b")).await.err(), Some(CallError::Stopped));
}

#[tokio::test]
async fn subscribers_hear_the_end_although_callers_live_on() {
    let (handle, _broker) = World::new().ready().await;
    let (mut events, mut alerts) = (handle.events(), handle.alerts());
    handle.stop(StopPolicy::Keep, PATIENCE).await.unwrap();
    let end = async {
        while events.recv().await.is_ok() {}
        while alerts.recv().await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, end).await.unwrap();
    assert_eq!(handle.events().recv().await.err(), Some(tokio::sync::broadcast::error::RecvError::Closed));
}

#[tokio::test]
async fn a_stop_without_an_answer_reports_what_is_left_working() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;
    work(&handle, &mut broker, "a").await;
    let report = handle.stop(StopPolicy::Cancel, Duration::from_millis(100)).await.unwrap();
    assert!(!report.all_answered);
    assert_eq!(report.left_working.len(), 1);
    let last = sink.records().pop().unwrap();
    assert!(matches!(&last.body, Body::Stopped { left_working } if left_working == &[key("a")]), "{last:?}");
}

#[tokio::test]
async fn even_a_stop_that_waits_for_nothing_sends_its_cancels() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;
    let report = handle.stop(StopPolicy::Cancel, Duration::ZERO).await.unwrap();
    assert_eq!((report.canceled, report.records_lost), (1, 0));
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
    assert!(
        matches!(sink.records().pop().unwrap().body, Body::Stopped { .. }),
        "the last record is the last"
    );
}

#[tokio::test]
async fn a_cancel_before_a_stop_that_keeps_orders_still_leaves() {
    let (handle, mut broker) = World::new().ready().await;
    let ticket = work(&handle, &mut broker, "a").await;
    let (canceled, stopped) = futures::future::join(
        handle.command(crate::support::cancel("a")),
        handle.stop(StopPolicy::Keep, Duration::from_millis(200)),
    )
    .await;
    assert!(canceled.is_ok(), "{canceled:?}");
    assert!(!stopped.unwrap().all_answered);
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
}

#[tokio::test]
async fn a_submission_during_a_stop_gets_its_own_answer() {
    let (handle, mut broker) = World::new().ready().await;
    let ticket = work(&handle, &mut broker, "a").await;
    let stopper = handle.clone();
    let stop = tokio::spawn(async move { stopper.stop(StopPolicy::Cancel, PATIENCE).await });
    broker.next_cancel().await;
    let Reply::Order(order) = handle.command(submit("b")).await.unwrap() else { panic!("an order") };
    assert_eq!((order.client_order_id.as_str(), order.state), ("b", OrderState::Denied));
    broker.report(&ticket, BrokerStatus::Cancelled).await;
    stop.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_that_keeps_orders_sends_no_cancel() {
    let (handle, mut broker) = World::new().ready().await;
    work(&handle, &mut broker, "a").await;
    until(&handle, |status| status.journal_seq.is_some()).await;
    let report = handle.stop(StopPolicy::Keep, PATIENCE).await.unwrap();
    assert_eq!((report.canceled, report.left_working.len()), (0, 1));
    while let Some(request) = broker.requests.recv().await {
        assert!(!matches!(request, alphec_model::BrokerRequest::Cancel { .. }), "{request:?}");
    }
}

#[tokio::test]
async fn a_stop_cancels_also_what_was_only_asked_for() {
    let first = World::new();
    let sink = first.sink.clone();
    let (handle, mut broker) = first.ready().await;
    let Command::Submit(mut request) = submit("a") else { panic!("an order") };
    request.when_in_doubt = Some(WhenInDoubt::CancelProbe);
    handle.command(Command::Submit(request)).await.unwrap();
    let sent = broker.next_place().await;
    handle.stop(StopPolicy::Keep, QUIET).await.unwrap();

    let mut second = World::new();
    second.sink = sink.clone();
    let (handle, mut broker) = second.start();
    broker.come_up().await;
    broker.answer_snapshot().await;
    assert_eq!(broker.next_cancel().await, sent.broker_order_id, "the question");
    handle.stop(StopPolicy::Cancel, QUIET).await.unwrap();
    let wishes = sink.records().iter().filter(|record| record.body == Body::CancelAsked).count();
    assert_eq!(wishes, 1, "the next process must know that it is to end");
}

#[tokio::test]
async fn dropping_every_handle_stops_by_the_policy() {
    let (handle, mut broker) = World::new().ready().await;
    let ticket = work(&handle, &mut broker, "a").await;
    drop(handle);
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
}

#[tokio::test]
async fn after_a_restart_an_unanswered_order_is_in_doubt_and_is_not_sent_again() {
    let first = World::new();
    let sink = first.sink.clone();
    let (handle, mut broker) = first.ready().await;
    handle.command(submit("a")).await.unwrap();
    let sent = broker.next_place().await;
    handle.stop(StopPolicy::Keep, PATIENCE).await.unwrap();

    let mut second = World::new();
    second.sink = sink.clone();
    let (handle, mut broker) = second.start();
    let order = handle.order(&key("a")).await.unwrap().unwrap();
    assert_eq!(order.state, OrderState::InDoubt);
    broker.come_up().await;
    // Again: the first does not show the order in doubt.
    broker.answer_snapshot().await;
    until_ready(&handle).await;
    broker.no_trade().await;
    let again = handle.command(submit("a")).await.unwrap();
    assert!(
        matches!(&again, Reply::Order(order) if order.state == OrderState::InDoubt),
        "the same key is the same order"
    );
    broker.no_trade().await;

    handle.command(submit("b")).await.unwrap();
    assert!(
        broker.next_place().await.broker_order_id > sent.broker_order_id,
        "ids only rise, across restarts"
    );
}

#[tokio::test]
async fn an_adapter_that_panics_costs_the_connection_and_not_the_engine() {
    let mut world = World::new();
    let task: BrokerTask = Box::new(|_, events, _| {
        Box::pin(async move {
            let session = alphec_model::broker::Session {
                generation: alphec_model::Generation::new(1),
                server_version: 226,
                api_client_id: alphec_model::ApiClientId::new(7),
                next_order_id: alphec_model::BrokerOrderId::new(1),
                accounts: vec![crate::support::account()],
            };
            events.send(alphec_model::BrokerEvent::Connected(session)).await.unwrap();
            panic!("a bug in the adapter")
        })
    });
    world.broker = Some(task);
    let (handle, _broker) = world.start();
    let mut alerts = handle.alerts();
    let mut events = handle.events();
    while tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap().record.body
        != (Body::LinkChanged {
            from: LinkState::Recovering,
            to: LinkState::Down,
            why: "the broker adapter has ended".to_owned(),
        })
    {}
    let Reply::Order(order) = handle.command(submit("a")).await.unwrap() else { panic!("an order") };
    assert_eq!(order.state, OrderState::Denied);
    let kinds: Vec<AlertKind> =
        std::iter::from_fn(|| alerts.try_recv().ok()).map(|alert| alert.kind).collect();
    assert!(kinds.contains(&AlertKind::OrderDenied), "{kinds:?}");
}

#[tokio::test]
async fn events_come_in_record_order_and_only_once_durable() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.start();
    let mut events = handle.events();
    broker.come_up().await;
    until_ready(&handle).await;
    for id in ["a", "b", "c"] {
        handle.command(submit(id)).await.unwrap();
    }
    handle.stop(StopPolicy::Keep, PATIENCE).await.unwrap();
    let durable = sink.records();
    let mut last = 0;
    while let Ok(event) = events.try_recv() {
        let seq = event.record.header.seq.get();
        assert!(seq > last, "{seq} after {last}");
        last = seq;
        assert_eq!(durable.get(seq as usize - 1), Some(&event.record));
    }
    assert!(last > 3);
}
