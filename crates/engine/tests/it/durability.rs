//! Durable before the wire; cancels before everything; a broken journal sends nothing new.

use std::time::{Duration, Instant};

use alphec_engine::CallError;
use alphec_engine::core::Reply;
use alphec_engine::journal::testing::{FailingSink, Failure, When};
use alphec_model::{Body, Command, DenyReason, OrderState, Record};

use crate::support::{QUIET, World, cancel, global_cancel, key, submit, until, until_ready, work};

#[tokio::test]
async fn no_order_reaches_the_broker_before_its_record_is_durable() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;

    sink.shut();
    let caller = handle.clone();
    let call = tokio::spawn(async move { caller.command(submit("a")).await });
    broker.no_trade().await;
    assert!(!call.is_finished(), "the caller hears nothing of it either");

    sink.open();
    let ticket = broker.next_place().await;
    let recorded = sink.records().into_iter().any(|record| {
        matches!(&record.body, Body::Accepted { order, .. } if order.broker_order_id == Some(ticket.broker_order_id))
    });
    assert!(recorded, "the intent is in the journal by the time the broker hears of it");
    assert!(matches!(call.await.unwrap().unwrap(), Reply::Order(_)));
}

#[tokio::test]
async fn a_cancel_leaves_within_its_deadline_behind_a_stalled_journal() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;

    sink.shut();
    let caller = handle.clone();
    let stuck = tokio::spawn(async move { caller.command(submit("b")).await });
    tokio::time::sleep(QUIET).await;
    let asked = Instant::now();
    let caller = handle.clone();
    let canceling = tokio::spawn(async move { caller.command(cancel("a")).await });
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
    assert!(asked.elapsed() < Duration::from_secs(2), "stalled for {:?}", asked.elapsed());

    sink.open();
    canceling.await.unwrap().unwrap();
    stuck.await.unwrap().unwrap();
    let recorded = sink.records().iter().any(|record| matches!(record.body, Body::CancelAsked));
    assert!(recorded, "the cancel is recorded once the journal moves again");
    assert!(handle.status().await.unwrap().stats.cancels_ahead >= 1);
}

#[tokio::test]
async fn a_cancel_behind_two_syncs_waits_no_longer_than_behind_one() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;

    sink.shut();
    let caller = handle.clone();
    drop(tokio::spawn(async move { caller.command(submit("b")).await }));
    tokio::time::sleep(QUIET).await;
    let caller = handle.clone();
    drop(tokio::spawn(async move { caller.command(cancel("a")).await }));
    tokio::time::sleep(Duration::from_millis(20)).await;
    // The first sync ends, and the one with the cancel begins and hangs.
    let asked = Instant::now();
    sink.let_pass(1);
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
    assert!(asked.elapsed() < Duration::from_secs(2), "held for {:?}", asked.elapsed());
    sink.open();
}

#[tokio::test]
async fn a_record_that_never_became_durable_sends_nothing_and_ends_as_denied() {
    for when in [When::BeforePersisting, When::AfterPersisting] {
        let mut world = World::new();
        let sink = world.sink.clone();
        let failing = Switched::new(sink.clone(), when);
        let switch = failing.switch();
        world.store = Some(Box::new(failing));
        let (handle, mut broker) = world.start();
        broker.come_up().await;
        until_ready(&handle).await;

        switch.store(true, std::sync::atomic::Ordering::SeqCst);
        let refused = handle.command(submit("a")).await;
        assert!(matches!(refused, Err(CallError::Journal { .. })), "{refused:?}");
        broker.no_trade().await;
        let denied = handle.command(submit("b")).await.unwrap();
        assert!(
            matches!(&denied, Reply::Order(order) if matches!(order.deny_reason, Some(DenyReason::Journal { .. }))),
            "{denied:?}"
        );

        switch.store(false, std::sync::atomic::Ordering::SeqCst);
        until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
        broker.recover(&handle).await;
        let order = handle.order(&key("a")).await.unwrap().unwrap();
        assert_eq!(order.state, OrderState::Denied, "{when:?}");
        assert!(matches!(order.deny_reason, Some(DenyReason::NotWritten { .. })), "{when:?}");
        broker.no_trade().await;

        handle.command(submit("c")).await.unwrap();
        assert_eq!(broker.next_place().await.order_ref.intent().unwrap().number, 2, "and trading goes on");
    }
}

#[tokio::test]
async fn an_order_never_follows_its_own_cancel() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;

    sink.shut();
    let caller = handle.clone();
    let submitting = tokio::spawn(async move { caller.command(submit("a")).await });
    let caller = handle.clone();
    let canceling = tokio::spawn(async move { caller.command(cancel("a")).await });
    broker.next_cancel().await;
    sink.open();
    submitting.await.unwrap().unwrap();
    canceling.await.unwrap().unwrap();
    broker.no_trade().await;
    let order = handle.order(&key("a")).await.unwrap().unwrap();
    assert_eq!(order.state, OrderState::Canceled, "it ended before it began");
}

#[tokio::test]
async fn what_a_slow_sync_held_back_is_not_sent_late() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;

    sink.shut();
    let refused = tokio::time::timeout(crate::support::PATIENCE, handle.command(submit("a"))).await.unwrap();
    assert!(
        matches!(refused, Err(CallError::Journal { .. })),
        "told while the sync still hangs: {refused:?}"
    );
    let denied = tokio::time::timeout(crate::support::PATIENCE, handle.command(submit("b"))).await.unwrap();
    assert!(matches!(&denied, Ok(Reply::Order(order)) if order.state == OrderState::Denied), "{denied:?}");
    sink.open();
    until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
    broker.no_trade().await;
    assert_eq!(handle.order(&key("a")).await.unwrap().unwrap().state, OrderState::Denied);
}

#[tokio::test]
async fn a_cancel_sent_with_its_submission_still_on_the_way_finds_it() {
    let (handle, _broker) = World::new().ready().await;
    let both = futures::future::join(handle.command(submit("a")), handle.command(cancel("a"))).await;
    assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
    let order = handle.order(&key("a")).await.unwrap().unwrap();
    assert!(order.state == OrderState::Canceled || order.pending.cancel_asked_at.is_some(), "{order:?}");
}

#[tokio::test]
async fn a_cancel_passes_a_broken_journal() {
    let mut world = World::new();
    let failing = Switched::new(world.sink.clone(), When::BeforePersisting);
    let switch = failing.switch();
    world.store = Some(Box::new(failing));
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;

    switch.store(true, std::sync::atomic::Ordering::SeqCst);
    let canceled = handle.command(cancel("a")).await;
    assert!(matches!(canceled, Ok(Reply::Order(_))), "{canceled:?}");
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
}

#[tokio::test]
async fn a_halt_that_is_not_on_record_is_answered_as_such_and_in_force() {
    let mut world = World::new();
    let failing = Switched::new(world.sink.clone(), When::BeforePersisting);
    let switch = failing.switch();
    world.store = Some(Box::new(failing));
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;

    switch.store(true, std::sync::atomic::Ordering::SeqCst);
    let (by, reason) = ("operator".to_owned(), "drill".to_owned());
    let halted = handle.command(Command::Halt { by: by.clone(), reason: reason.clone() }).await;
    assert!(matches!(halted, Err(CallError::NotOnRecord { .. })), "{halted:?}");
    let correlation_id = alphec_model::CorrelationId::new("drill").unwrap();
    let scope = alphec_model::CancelScope::All;
    let killed = handle.command(Command::Kill { scope, by, reason, correlation_id }).await;
    assert!(matches!(killed, Err(CallError::NotOnRecord { .. })), "{killed:?}");
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id, "and the cancels have left");
    assert!(handle.status().await.unwrap().readiness.halted.is_some());
}

#[tokio::test]
async fn a_global_cancel_leaves_ahead_of_a_broken_journal_and_no_order_follows_it() {
    let mut world = World::new();
    let sink = world.sink.clone();
    let failing = Switched::new(sink.clone(), When::BeforePersisting);
    let switch = failing.switch();
    world.store = Some(Box::new(failing));
    let (handle, mut broker) = world.ready().await;
    work(&handle, &mut broker, "a").await;

    switch.store(true, std::sync::atomic::Ordering::SeqCst);
    let done = futures::future::join(handle.command(submit("b")), handle.command(global_cancel())).await;
    assert!(matches!(done.1, Ok(Reply::GloballyCanceling { not_sent: None, .. })), "{done:?}");
    while broker.next().await != alphec_model::BrokerRequest::GlobalCancel {}
    broker.no_trade().await;

    switch.store(false, std::sync::atomic::Ordering::SeqCst);
    until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
    let recorded = sink.records().iter().any(|record| {
        matches!(&record.body, Body::Requested { request: alphec_model::BrokerRequest::GlobalCancel })
    });
    assert!(recorded, "what left ahead is on record once the journal moves");
}

/// A store in memory: what it holds, and how often it was cleared.
#[derive(Clone, Default)]
struct Kept(std::sync::Arc<std::sync::Mutex<(Vec<Record>, usize)>>);

impl alphec_engine::journal::EmergencyStore for Kept {
    fn keep(&mut self, records: &[std::sync::Arc<Record>]) -> std::io::Result<()> {
        self.0.lock().unwrap().0.extend(records.iter().map(|record| (**record).clone()));
        Ok(())
    }

    fn clear(&mut self) -> std::io::Result<()> {
        let mut held = self.0.lock().unwrap();
        held.0.clear();
        held.1 += 1;
        Ok(())
    }
}

impl Kept {
    async fn cleared(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.0.lock().unwrap().1 == 0 {
            assert!(Instant::now() < until, "the journal has everything, and it is still kept");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn holds(&self, kinds: &[&str]) {
        let held = || self.0.lock().unwrap().0.iter().map(|record| record.body.kind()).collect::<Vec<_>>();
        let until = Instant::now() + Duration::from_secs(10);
        while held() != kinds {
            assert!(Instant::now() < until, "{:?}, not {kinds:?}", held());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn cancels_and_halts_that_a_broken_journal_does_not_take_are_kept_until_it_has_them() {
    let mut world = World::new();
    let kept = Kept::default();
    let failing = Switched::new(world.sink.clone(), When::BeforePersisting);
    let switch = failing.switch();
    world.store = Some(Box::new(failing));
    world.emergency = Some(Box::new(kept.clone()));
    let (handle, mut broker) = world.ready().await;
    work(&handle, &mut broker, "a").await;
    work(&handle, &mut broker, "b").await;
    handle.command(cancel("b")).await.unwrap();

    switch.store(true, std::sync::atomic::Ordering::SeqCst);
    let canceled = handle.command(cancel("a")).await;
    assert!(matches!(canceled, Ok(Reply::Order(_)) | Err(CallError::NotOnRecord { .. })), "{canceled:?}");
    kept.holds(&["cancel_asked"]).await;
    for _ in 0..10 {
        drop(handle.command(cancel("a")).await);
    }
    let (by, reason) = ("operator".to_owned(), "drill".to_owned());
    let halted = handle.command(Command::Halt { by, reason }).await;
    assert!(matches!(halted, Err(CallError::NotOnRecord { .. })), "{halted:?}");
    kept.holds(&["cancel_asked", "halted"]).await;
    assert_eq!(kept.0.lock().unwrap().1, 0);

    switch.store(false, std::sync::atomic::Ordering::SeqCst);
    until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
    kept.cleared().await;
    kept.holds(&[]).await;
}

#[tokio::test]
async fn what_an_earlier_process_could_not_record_is_carried_out_before_anything_else_and_cleared() {
    let world = World::new();
    let sink = world.sink.clone();
    let (handle, mut broker) = world.ready().await;
    let ticket = work(&handle, &mut broker, "a").await;
    handle.stop(alphec_engine::StopPolicy::Keep, Duration::from_millis(300)).await.unwrap();

    let mut world = World::new();
    world.sink = sink.clone();
    let kept = Kept::default();
    world.emergency = Some(Box::new(kept.clone()));
    let (by, reason) = ("operator".to_owned(), "drill".to_owned());
    world.unfinished = vec![cancel("a"), cancel("never-on-record"), Command::Halt { by, reason }];
    let (handle, mut broker) = world.start();
    broker.connect().await;
    assert_eq!(broker.next_cancel().await, ticket.broker_order_id);
    let status = handle.status().await.unwrap();
    assert!(status.readiness.halted.is_some_and(|why| why.contains("drill")));
    let kinds: Vec<_> = sink.records().iter().map(|record| record.body.kind()).collect();
    assert!(kinds.contains(&"cancel_asked") && kinds.contains(&"halted"), "{kinds:?}");
    kept.cleared().await;
}

#[tokio::test]
async fn one_failed_sync_is_tried_again_and_loses_no_record() {
    let mut world = World::new();
    let sink = world.sink.clone();
    let failing = FailingSink::new(sink.clone()).fail_nth(1, When::AfterPersisting, Failure::DiskFull);
    world.store = Some(Box::new(failing));
    let (handle, mut broker) = world.start();
    until(&handle, |status| status.readiness.journal_trouble.is_some()).await;
    until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
    broker.come_up().await;
    until_ready(&handle).await;
    assert!(handle.status().await.unwrap().stats.commits > 0);
    let seqs: Vec<u64> = sink.records().iter().map(|record| record.header.seq.get()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

/// A sink that fails while its switch is on.
struct Switched {
    inner: crate::support::SharedSink,
    on: std::sync::Arc<std::sync::atomic::AtomicBool>,
    when: When,
}

impl Switched {
    fn new(inner: crate::support::SharedSink, when: When) -> Self {
        Self { inner, on: std::sync::Arc::default(), when }
    }

    fn switch(&self) -> std::sync::Arc<std::sync::atomic::AtomicBool> {
        std::sync::Arc::clone(&self.on)
    }
}

impl alphec_engine::journal::Sink for Switched {
    fn append(
        &mut self,
        records: &[std::sync::Arc<Record>],
    ) -> Result<alphec_engine::journal::Durable, alphec_engine::journal::Error> {
        if self.on.load(std::sync::atomic::Ordering::SeqCst) {
            return FailingSink::new(self.inner.clone()).fail_nth(1, self.when, Failure::Io).append(records);
        }
        self.inner.append(records)
    }

    fn head(&self) -> alphec_engine::journal::Head {
        self.inner.head()
    }
}
