//! Orders out, answers in.

use std::time::Duration;

use alphec_ibkr::Clock;
use alphec_model::broker::{BrokerEvent, BrokerRequest, NoticeClass, Wire};
use alphec_model::{AccountId, BrokerOrderId, Generation, InstrumentId, OrderType, UtcNanos};

use crate::harness::{Adapter, config, gateway, px, ready, resting, ticket};

pub(crate) const QUIET: Duration = Duration::from_millis(300);

#[tokio::test]
async fn each_of_the_four_types_reaches_the_broker_with_its_terms_and_our_reference() {
    let (gateway, mut adapter, session) = ready(gateway()).await;
    gateway.set_price("AAPL", "200.00".parse().unwrap());
    let types = [
        (OrderType::Market, "Filled"),
        (OrderType::Limit { limit_px: px("150.00") }, "Submitted"),
        (OrderType::Stop { stop_px: px("250.00") }, "PreSubmitted"),
        (OrderType::StopLimit { stop_px: px("250.00"), limit_px: px("251.00") }, "PreSubmitted"),
    ];
    for (offset, (order_type, word)) in (0..).zip(types) {
        let ticket = ticket(&session, offset, order_type);
        let id = ticket.broker_order_id.get();
        adapter.send(BrokerRequest::Place(ticket.clone())).await;
        adapter.written(id, Wire::Place).await;
        adapter.status(id, word).await;
        let open = adapter.seen.iter().find_map(|event| match event {
            BrokerEvent::OpenOrder(open) if open.names.broker_order_id == Some(ticket.broker_order_id) => {
                Some(open)
            }
            _ => None,
        });
        let open = open.expect("an open order precedes its status");
        assert_eq!(open.names.order_ref.as_deref(), Some(ticket.order_ref.as_str()));
        assert_eq!(open.instrument, Some(InstrumentId::new("AAPL").unwrap()));
        assert_eq!(open.terms.limit_px, order_type.limit_px());
        assert_eq!(open.terms.stop_px, order_type.stop_px());
        assert_eq!(open.terms.order_qty, Some(ticket.spec.order_qty));
        assert_eq!(open.terms.time_in_force, "GTC");
    }
    adapter.finish().await;
}

#[tokio::test]
async fn a_fill_comes_as_execution_and_commission() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    let ticket = ticket(&session, 0, OrderType::Market);
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    let fill = adapter
        .until(|event| match event {
            BrokerEvent::Execution(fill) => Some(fill.clone()),
            _ => None,
        })
        .await;
    assert_eq!(fill.names.order_ref.as_deref(), Some(ticket.order_ref.as_str()));
    assert_eq!((fill.side, fill.last_qty), (ticket.spec.side, ticket.spec.order_qty));
    assert!(fill.instrument.is_some() && !fill.is_combo);
    let costs = adapter
        .until(|event| match event {
            BrokerEvent::Commission(costs) => Some(costs.clone()),
            _ => None,
        })
        .await;
    assert_eq!(costs.exec_id, fill.exec_id);
    assert!(costs.commission.is_some());
    adapter.finish().await;
}

/// tws-behaviour.md §3.7: the forms seen; a bare time is on the gateway's clock, which the handshake told.
#[tokio::test]
async fn a_fill_is_dated_in_utc_in_whatever_form_its_time_comes() {
    let now = || UtcNanos::from_nanos(jiff::Timestamp::now().as_nanosecond().try_into().unwrap());
    let table = [
        (&["execution-zone=Asia/Tokyo"][..], true),
        (&["execution-zone=dash"], true),
        (&["execution-zone=instrument"], true),
        (&["execution-zone=none"], true),
        // Shanghai's name beside what is no time of Shanghai: nobody knows what clock that is.
        (&["execution-zone=none", "time-zone=China Standard Time"], false),
        (&["execution-zone=Nowhere/Town"], false),
    ];
    for (faults, is_known) in table {
        let mut builder = gateway();
        for fault in faults {
            builder = builder.fault(fault.parse().unwrap());
        }
        let gateway = builder.start().await.unwrap();
        let mut config = config(gateway.addr().port());
        config.clock = Clock::new(now);
        let began = now().saturating_sub(Duration::from_secs(1));
        let mut adapter = Adapter::start(config);
        let session = adapter.connected().await;
        adapter.resolved().await;
        adapter.send(BrokerRequest::Place(ticket(&session, 0, OrderType::Market))).await;
        let fill = adapter
            .until(|event| match event {
                BrokerEvent::Execution(fill) => Some(fill.clone()),
                _ => None,
            })
            .await;
        let is_right = fill.time.is_some_and(|time| began <= time && time <= now());
        assert_eq!((is_right, fill.time.is_some()), (is_known, is_known), "{faults:?}: {}", fill.time_text);
        adapter.finish().await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_change_goes_out_under_the_same_id_and_comes_back_in_the_terms() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    let mut ticket = resting(&session, 0);
    let id = ticket.broker_order_id.get();
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    adapter.status(id, "Submitted").await;
    ticket.spec.order_type = OrderType::Limit { limit_px: px("2.50") };
    adapter.send(BrokerRequest::Replace(ticket)).await;
    adapter.written(id, Wire::Replace).await;
    adapter
        .until(|event| match event {
            BrokerEvent::OpenOrder(open) => (open.terms.limit_px == Some(px("2.50"))).then_some(()),
            _ => None,
        })
        .await;
    adapter.finish().await;
}

#[tokio::test]
async fn a_cancel_is_answered_by_a_status_and_one_202() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    let ticket = resting(&session, 0);
    let id = ticket.broker_order_id.get();
    adapter.send(BrokerRequest::Place(ticket)).await;
    adapter.status(id, "Submitted").await;
    adapter.send(BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) }).await;
    adapter.written(id, Wire::Cancel).await;
    adapter.status(id, "Cancelled").await;
    let notice = adapter.notice(202).await;
    assert_eq!(notice.class, NoticeClass::Canceled);
    assert_eq!(notice.broker_order_id, Some(BrokerOrderId::new(id)));
    let told =
        adapter.count(QUIET, |event| matches!(event, BrokerEvent::Notice(notice) if notice.code == 202));
    assert_eq!(told.await, 1);
    let statuses = adapter.seen.iter().filter(
        |event| matches!(event, BrokerEvent::Status(status) if status.status.as_str() == "Cancelled"),
    );
    assert_eq!(statuses.count(), 1, "the cancel's own subscription adds no second copy");
    adapter.finish().await;
}

#[tokio::test]
async fn a_global_cancel_ends_the_orders_of_every_client_and_what_waited_is_proven_unwritten() {
    let gateway = gateway().start().await.unwrap();
    let mut other = Adapter::start(config_of(&gateway, 8, None));
    let theirs = other.connected().await;
    other.resolved().await;
    other.send(BrokerRequest::Place(resting(&theirs, 0))).await;
    other.status(theirs.next_order_id.get(), "Submitted").await;

    // Two messages a second: the third order still waits when the global cancel overtakes it.
    let mut adapter = Adapter::start(config_of(&gateway, 3, Some(2)));
    let session = adapter.connected().await;
    adapter.resolved().await;
    let first = session.next_order_id.get();
    for offset in 0..3 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    adapter.send(BrokerRequest::GlobalCancel).await;
    adapter.not_written(first + 2).await;
    adapter.until(|event| matches!(event, BrokerEvent::GlobalCancelWritten { .. }).then_some(())).await;
    other.status(theirs.next_order_id.get(), "Cancelled").await;
    adapter.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn cancels_that_are_here_when_a_stop_comes_are_written_before_it() {
    let (gateway, mut adapter, session) = ready(gateway()).await;
    for offset in 0..300 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    adapter.status(session.next_order_id.get() + 299, "Submitted").await;
    for offset in 0..300 {
        let broker_order_id = BrokerOrderId::new(session.next_order_id.get() + offset);
        adapter.requests.try_send(BrokerRequest::Cancel { broker_order_id }).unwrap();
    }
    let (ended, seen) = adapter.finish().await;
    assert_eq!(ended, alphec_ibkr::Ended::Stopped);
    let written = |event: &&BrokerEvent| matches!(event, BrokerEvent::Written { wire: Wire::Cancel, .. });
    assert_eq!(seen.iter().filter(written).count(), 300);
    drop(gateway);
}

#[tokio::test]
async fn a_global_cancel_without_a_session_is_proven_unwritten() {
    let mut adapter = Adapter::start(config(1));
    adapter.send(BrokerRequest::GlobalCancel).await;
    adapter.until(|event| matches!(event, BrokerEvent::GlobalCancelNotWritten { .. }).then_some(())).await;
    adapter.finish().await;
}

fn config_of(
    gateway: &alphec_twsim::GatewayHandle,
    client: i32,
    per_second: Option<u32>,
) -> alphec_ibkr::Config {
    let mut config = config(gateway.addr().port());
    config.api_client_id = alphec_model::ApiClientId::new(client);
    config.messages_per_second = per_second;
    config
}

#[tokio::test]
async fn cancels_that_fail_are_told_once_with_their_class() {
    let (_gateway, mut adapter, session) = ready(gateway()).await;
    let filled = ticket(&session, 0, OrderType::Market);
    let id = filled.broker_order_id.get();
    adapter.send(BrokerRequest::Place(filled)).await;
    adapter.status(id, "Filled").await;
    adapter.send(BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(id) }).await;
    let code = adapter
        .until(|event| match event {
            BrokerEvent::Notice(notice) if notice.broker_order_id == Some(BrokerOrderId::new(id)) => {
                assert_eq!(notice.class, NoticeClass::CancelRefused, "{notice:?}");
                Some(notice.code)
            }
            _ => None,
        })
        .await;
    assert!([161, 10148].contains(&code), "{code}");
    let unknown = BrokerOrderId::new(id + 50);
    adapter.send(BrokerRequest::Cancel { broker_order_id: unknown }).await;
    let notice = adapter.notice(10147).await;
    assert_eq!((notice.broker_order_id, notice.class), (Some(unknown), NoticeClass::NotFound));
    let told = adapter.count(
        QUIET,
        |event| matches!(event, BrokerEvent::Notice(notice) if notice.broker_order_id.is_some()),
    );
    assert_eq!(told.await, 2, "each exactly once");
    adapter.finish().await;
}

#[tokio::test]
async fn rejections_carry_their_code_once_and_are_dead() {
    for code in [201, 110, 200, 103] {
        let (_gateway, mut adapter, session) =
            ready(gateway().fault(format!("reject={code}").parse().unwrap())).await;
        let ticket = resting(&session, 0);
        adapter.send(BrokerRequest::Place(ticket.clone())).await;
        let notice = adapter.notice(code).await;
        assert_eq!(notice.broker_order_id, Some(ticket.broker_order_id));
        let class = if code == 103 { NoticeClass::IdTrouble } else { NoticeClass::Dead };
        assert_eq!(notice.class, class);
        let told =
            adapter.count(QUIET, |event| matches!(event, BrokerEvent::Notice(notice) if notice.code == code));
        assert_eq!(told.await, 1, "{code}");
        adapter.finish().await;
    }
}

#[tokio::test]
async fn a_ticket_of_another_connection_is_never_written() {
    let (gateway, mut adapter, session) = ready(gateway()).await;
    gateway.disconnect_all();
    let again = adapter.connected().await;
    assert_ne!(again.generation, session.generation);
    let stale = resting(&session, 0);
    adapter.send(BrokerRequest::Place(stale.clone())).await;
    assert!(adapter.not_written(stale.broker_order_id.get()).await.contains("decided for connection 1"));
    let early = alphec_model::broker::Ticket { generation: Generation::new(9), ..resting(&again, 1) };
    adapter.send(BrokerRequest::Replace(early.clone())).await;
    adapter.not_written(early.broker_order_id.get()).await;
    assert_eq!(gateway.truth().orders.len(), 0, "the gateway never heard of either");
    adapter.finish().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_refused_with_the_reason() {
    let (gateway, mut adapter, session) = ready(gateway()).await;
    let base = resting(&session, 0);
    let foreign = AccountId::new("U7654321").unwrap();
    let unlisted = InstrumentId::new("TSLA").unwrap();
    let cases = [
        (alphec_model::broker::Ticket { send_by: UtcNanos::EPOCH, ..base.clone() }, "too long"),
        (alphec_model::broker::Ticket { account: foreign, ..base.clone() }, "account"),
        (alphec_model::broker::Ticket { instrument: unlisted, ..base.clone() }, "instrument"),
        (alphec_model::broker::Ticket { broker_order_id: BrokerOrderId::new(0), ..base.clone() }, "order id"),
        (
            alphec_model::broker::Ticket { broker_order_id: BrokerOrderId::new(1_500_000_000), ..base },
            "order id",
        ),
    ];
    for (ticket, part) in cases {
        let id = ticket.broker_order_id.get();
        adapter.send(BrokerRequest::Place(ticket)).await;
        let why = adapter.not_written(id).await;
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(gateway.truth().orders.len(), 0);
    adapter.finish().await;
}

#[tokio::test]
async fn an_order_cut_off_by_the_gateway_is_never_called_unwritten() {
    for kind in ["drop-before-accept", "drop-after-accept"] {
        let (_gateway, mut adapter, session) = ready(gateway().fault(kind.parse().unwrap())).await;
        let ticket = resting(&session, 0);
        adapter.send(BrokerRequest::Place(ticket.clone())).await;
        adapter.disconnected().await;
        adapter.connected().await;
        let denied = adapter.seen.iter().any(|event| matches!(event, BrokerEvent::NotWritten { .. }));
        assert!(!denied, "{kind:?}");
        adapter.finish().await;
    }
}

#[tokio::test]
async fn paced_orders_wait_their_turn_and_a_cancel_overtakes_them() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.messages_per_second = Some(10);
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    let first = resting(&session, 0);
    adapter.send(BrokerRequest::Place(first.clone())).await;
    adapter.status(first.broker_order_id.get(), "Submitted").await;
    for offset in 1..=20 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    adapter.send(BrokerRequest::Cancel { broker_order_id: first.broker_order_id }).await;
    let last = session.next_order_id.get() + 20;
    adapter.written(last, Wire::Place).await;
    let order: Vec<Wire> = adapter
        .seen
        .iter()
        .filter_map(|event| match event {
            BrokerEvent::Written { wire, .. } => Some(*wire),
            _ => None,
        })
        .collect();
    let cancel_at = order.iter().position(|wire| *wire == Wire::Cancel).expect("the cancel was written");
    assert!(cancel_at < 12, "the cancel waited behind {cancel_at} orders");
    adapter.finish().await;
}

#[tokio::test]
async fn a_cancel_of_a_waiting_order_gives_up_both() {
    let gateway = gateway().start().await.unwrap();
    let mut config = config(gateway.addr().port());
    config.messages_per_second = Some(2);
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    for offset in 0..6 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    let last = resting(&session, 5).broker_order_id;
    adapter.send(BrokerRequest::Cancel { broker_order_id: last }).await;
    assert!(adapter.not_written(last.get()).await.contains("canceled before it was written"));
    assert!(adapter.not_written(last.get()).await.contains("never written"));
    adapter.stop.cancel();
    let (_, seen) = adapter.finish().await;
    let written = |id| {
        seen.iter().any(
            |event| matches!(event, BrokerEvent::Written { broker_order_id, .. } if *broker_order_id == id),
        )
    };
    let proven = |id| {
        seen.iter()
            .any(|event| matches!(event, BrokerEvent::NotWritten { broker_order_id, .. } if *broker_order_id == id))
    };
    for offset in 0..6 {
        let id = resting(&session, offset).broker_order_id;
        assert!(
            written(id) != proven(id),
            "order {id}: written or proven unwritten, never both, never neither"
        );
    }
}

#[tokio::test]
async fn a_slow_caller_loses_no_order_event() {
    let gateway = gateway().start().await.unwrap();
    let mut adapter = Adapter::start_with_room(config(gateway.addr().port()), 1);
    let session = adapter.connected().await;
    adapter.resolved().await;
    for offset in 0..300 {
        adapter.send(BrokerRequest::Place(resting(&session, offset))).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    for offset in 0..300 {
        adapter.written(session.next_order_id.get() + offset, Wire::Place).await;
    }
    let statuses = adapter.count(
        QUIET,
        |event| matches!(event, BrokerEvent::Status(status) if status.status.as_str() == "Submitted"),
    );
    assert!(statuses.await >= 300);
    adapter.finish().await;
}
