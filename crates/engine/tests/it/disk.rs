//! The engine on a real journal on a disk that fails: nothing is at the broker that a power cut could take out of the
//! record, cancels leave whatever the disk does, and trading goes on once it works again.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use alphec_engine::core::Reply;
use alphec_engine::journal::faulty::{Crash, Dice, Disk, Fault, What};
use alphec_engine::journal::{Journal, OpenOptions, Reader, verify};
use alphec_engine::{CallError, Handle};
use alphec_model::{Body, BrokerOrderId, BrokerRequest, OrderState, Seq, UtcNanos};

use crate::support::{Broker, QUIET, World, cancel, key, modify, submit, until, work};

/// Runs of a change's tests; each is a broker's day of three orders.
const RUNS: u64 = 16;

fn options() -> OpenOptions {
    OpenOptions::new("test", UtcNanos::EPOCH)
}

/// An engine that is ready, on a journal under which the disk can fail.
async fn ready_on(path: &Path) -> (Handle, Broker, Disk) {
    Journal::create(path, options()).unwrap().close().unwrap();
    let disk = Disk::watch(path).unwrap();
    let mut world = World::new();
    world.store = Some(Box::new(Journal::open(path, options()).unwrap()));
    let (handle, broker) = world.ready().await;
    (handle, broker, disk)
}

/// The orders on record if the power went now.
fn on_record(disk: &Disk, seed: u64) -> BTreeSet<BrokerOrderId> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let _disk = disk.after_crash(Crash::PowerLoss { seed }, &path).unwrap();
    drop(Journal::open(&path, options()).unwrap());
    let reader = Reader::open(&path).unwrap();
    let bodies = reader.records(Seq::new(1)).unwrap().map(|stored| stored.unwrap().record.body);
    bodies
        .filter_map(|body| match body {
            Body::Accepted { order, .. } => order.broker_order_id,
            _ => None,
        })
        .collect()
}

/// What reaches the broker until it has been quiet for a while, each order compared with the disk as it comes.
async fn placed(broker: &mut Broker, disk: &Disk, seed: u64) -> Vec<BrokerOrderId> {
    let mut placed = Vec::new();
    while let Ok(Some(request)) = tokio::time::timeout(QUIET, broker.requests.recv()).await {
        if let BrokerRequest::Place(ticket) = request {
            let id = ticket.broker_order_id;
            assert!(on_record(disk, seed).contains(&id), "seed {seed}: {id} was sent before it was durable");
            placed.push(id);
        }
    }
    placed
}

fn draw(dice: &mut Dice) -> Fault {
    let what = match dice.below(6) {
        0 => What::WriteFails,
        1 => What::WriteTears,
        2 => What::Full,
        3 | 4 => What::SyncFails,
        _ => What::Slow(Duration::from_millis(20)),
    };
    Fault { what, nth: 1 + dice.below(4), times: 1 + dice.below(8) }
}

#[tokio::test]
async fn no_order_is_at_the_broker_that_a_power_cut_could_take_out_of_the_journal() {
    let (mut sent, mut withdrawn) = (0, 0);
    for seed in 0..RUNS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let (handle, mut broker, disk) = ready_on(&path).await;
        let mut dice = Dice::new(seed);
        disk.plan(draw(&mut dice));

        let names = ["a", "b", "c"];
        let replies = futures::future::join_all(names.iter().map(|name| handle.command(submit(name)))).await;
        let mut at_broker = placed(&mut broker, &disk, seed).await;
        disk.heal();
        until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
        at_broker.extend(placed(&mut broker, &disk, seed).await);

        for (name, reply) in names.iter().zip(replies) {
            let order = handle.order(&key(name)).await.unwrap().unwrap();
            let times = at_broker.iter().filter(|id| Some(**id) == order.broker_order_id).count();
            match reply {
                Ok(Reply::Order(told)) if told.state != OrderState::Denied => {
                    assert_eq!(times, 1, "seed {seed}: {name} was accepted, so it is sent, once");
                    sent += 1;
                }
                Ok(Reply::Order(_)) | Err(CallError::Journal { .. }) => {
                    assert_eq!((times, order.state), (0, OrderState::Denied), "seed {seed}: {name}");
                    withdrawn += 1;
                }
                other => panic!("seed {seed}: {name}: {other:?}"),
            }
        }
        let told = handle.status().await.unwrap().journal_seq;
        assert!(Some(verify(&path, &mut |_| {}).unwrap().head.seq) >= told, "seed {seed}");
    }
    assert!(sent > 5 && withdrawn > 5, "{sent} sent, {withdrawn} withdrawn: the faults have no effect");
}

#[tokio::test]
async fn while_syncs_fail_cancels_leave_nothing_new_does_and_then_trading_goes_on() {
    for what in [What::SyncFails, What::WriteFails, What::WriteTears, What::Full] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let (handle, mut broker, disk) = ready_on(&path).await;
        let working = work(&handle, &mut broker, "working").await;
        until(&handle, |status| status.stats.commits > 1).await;

        disk.plan(Fault { what, nth: 1, times: u64::MAX });
        let refused = handle.command(submit("refused")).await;
        assert!(matches!(refused, Err(CallError::Journal { .. })), "{what:?}: {refused:?}");
        let canceled = handle.command(cancel("working")).await;
        assert!(matches!(canceled, Ok(Reply::Order(_))), "{what:?}: {canceled:?}");
        assert_eq!(broker.next_cancel().await, working.broker_order_id, "{what:?}");
        broker.no_trade().await;

        disk.heal();
        until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
        // Twice: the first does not show the order that works.
        broker.recover(&handle).await;
        assert_eq!(handle.order(&key("refused")).await.unwrap().unwrap().state, OrderState::Denied);
        handle.command(submit("after")).await.unwrap();
        let after = broker.next_place().await;
        assert!(on_record(&disk, 1).contains(&after.broker_order_id), "{what:?}");
    }
}

#[tokio::test]
async fn an_order_asked_for_again_is_not_told_to_be_working_while_that_is_not_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let (handle, mut broker, disk) = ready_on(&path).await;
    handle.command(submit("a")).await.unwrap();
    let ticket = broker.next_place().await;

    disk.plan(Fault { what: What::SyncFails, nth: 1, times: u64::MAX });
    broker.acknowledge(&ticket).await;
    until(&handle, |status| status.readiness.journal_trouble.is_some()).await;
    let again = handle.command(submit("a")).await;
    assert!(matches!(again, Err(CallError::NotOnRecord { .. })), "{again:?}");
    let new = handle.command(submit("b")).await;
    assert!(matches!(&new, Ok(Reply::Order(order)) if order.state == OrderState::Denied), "{new:?}");

    disk.heal();
    until(&handle, |status| status.readiness.journal_trouble.is_none()).await;
    let again = handle.command(submit("a")).await;
    assert!(matches!(&again, Ok(Reply::Order(order)) if order.state == OrderState::Working), "{again:?}");
}

#[tokio::test]
async fn an_order_asked_for_again_is_not_told_to_be_unsent_for_a_change_of_it_that_was_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let (handle, mut broker, disk) = ready_on(&path).await;
    work(&handle, &mut broker, "a").await;
    while handle.order(&key("a")).await.unwrap().unwrap().state != OrderState::Working {
        tokio::task::yield_now().await;
    }

    disk.plan(Fault { what: What::SyncFails, nth: 1, times: u64::MAX });
    let (changed, again) = tokio::join!(handle.command(modify("a", "20")), handle.command(submit("a")));
    assert!(matches!(changed, Err(CallError::Journal { .. })), "{changed:?}");
    assert!(matches!(again, Err(CallError::NotOnRecord { .. })), "{again:?}");
    broker.no_trade().await;
}
