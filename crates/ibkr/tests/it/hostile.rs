//! Frames that a gateway does send, and that no well-behaved simulator would.

use std::time::Duration;

use alphec_model::broker::{BrokerEvent, BrokerRequest, NoticeClass, ServerLink, Wire};
use alphec_model::{BrokerOrderId, ExecId, FarmKind, FarmState, Generation};
use alphec_twsim::GatewayHandle;

use crate::harness::{Adapter, config, gateway, resting};
use crate::tap::{self, Field, Tap, body, frame};

const UNSET_DECIMAL: &str = "170141183460469231731687303715884105727";

async fn tapped(early: Vec<Vec<u8>>) -> (GatewayHandle, Tap, Adapter) {
    let gateway = gateway().start().await.unwrap();
    let tap = Tap::before(gateway.addr(), early).await;
    let adapter = Adapter::start(config(tap.port));
    (gateway, tap, adapter)
}

fn status(id: i64, word: &str, filled: &str, remaining: &str) -> Vec<u8> {
    let fields = [
        Field::Number(1, id),
        Field::Text(2, word),
        Field::Text(3, filled),
        Field::Text(4, remaining),
        Field::Number(6, 4_711),
        Field::Number(9, 3),
    ];
    frame(tap::ORDER_STATUS, &body(&fields))
}

fn execution(exec_id: &str, side: &str, price: f64) -> Vec<u8> {
    let contract = body(&[Field::Number(1, 1), Field::Text(2, "XYZ"), Field::Text(3, "STK")]);
    let execution = body(&[
        Field::Number(1, 77),
        Field::Text(2, exec_id),
        Field::Text(3, "20261123-14:30:00"),
        Field::Text(4, "DU1234567"),
        Field::Text(5, "ISLAND"),
        Field::Text(6, side),
        Field::Text(7, "5"),
        Field::Double(8, price),
        Field::Number(10, 3),
    ]);
    frame(
        tap::EXECUTION,
        &body(&[Field::Number(1, -1), Field::Message(2, contract), Field::Message(3, execution)]),
    )
}

#[tokio::test]
async fn an_unknown_status_is_kept_and_an_unset_quantity_is_not_guessed() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    tap.speak(status(5, "WarnState", "0", "10"));
    let report = adapter.status(5, "WarnState").await;
    assert!(matches!(report.status, alphec_model::broker::BrokerStatus::Unknown(_)));
    tap.speak(status(6, "Submitted", "0", UNSET_DECIMAL));
    let (names, why, raw) = adapter
        .until(|event| match event {
            BrokerEvent::Undecodable { names, why, raw } => Some((names.clone(), why.clone(), raw.clone())),
            _ => None,
        })
        .await;
    assert_eq!(names.broker_order_id, Some(BrokerOrderId::new(6)));
    assert!(why.contains("remaining") && raw.contains("Submitted"), "{why} {raw}");
    adapter.finish().await;
}

#[tokio::test]
async fn a_frame_that_does_not_decode_is_a_gap_and_the_stream_goes_on() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    // No `remaining`; a side that is neither bought nor sold; a truncated body.
    tap.speak(frame(
        tap::ORDER_STATUS,
        &body(&[Field::Number(1, 5), Field::Text(2, "Filled"), Field::Text(3, "10")]),
    ));
    tap.speak(execution("a.b.01.01", "LEFT", 1.0));
    tap.speak(frame(tap::OPEN_ORDER, &[0x12, 0xff]));
    for _ in 0..3 {
        adapter.until(|event| matches!(event, BrokerEvent::Undecodable { .. }).then_some(())).await;
        let generation = adapter
            .until(|event| match event {
                BrokerEvent::Gap { generation, .. } => Some(*generation),
                _ => None,
            })
            .await;
        assert_eq!(generation, Generation::new(1));
        // Frames queued behind a broken one are lost with ibapi's stream, so the next is spoken after it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        tap.speak(execution("a.b.01.01", "LEFT", 1.0));
    }
    adapter.until(|event| matches!(event, BrokerEvent::Gap { .. }).then_some(())).await;
    tap.speak(execution("c.d.01.01", "BOT", 27.333_333_333_333_332));
    let fill = adapter
        .until(|event| match event {
            BrokerEvent::Execution(fill) => Some(fill.clone()),
            _ => None,
        })
        .await;
    assert_eq!(fill.exec_id, ExecId::new("c.d.01.01").unwrap());
    assert_eq!(fill.instrument, None, "not an instrument of the profile");
    adapter.finish().await;
}

#[tokio::test]
async fn the_link_to_the_servers_and_a_moved_port_are_told() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    for (code, expected) in [
        (1100, ServerLink::Lost),
        (1102, ServerLink::Restored),
        (2110, ServerLink::Lost),
        (1101, ServerLink::RestoredDataLost),
    ] {
        tap.speak(tap::error(-1, code, "connectivity"));
        let notice = adapter.notice(code).await;
        assert_eq!((notice.class, notice.broker_order_id), (NoticeClass::Link, None));
        let link = adapter
            .until(|event| match event {
                BrokerEvent::ServerLink { link, .. } => Some(*link),
                _ => None,
            })
            .await;
        assert_eq!(link, expected);
    }
    // 1101 takes every subscription away: contracts are asked for anew.
    adapter.resolved().await;
    tap.speak(tap::error(-1, 1300, "Socket port has been reset to 7500"));
    let (_, why) = adapter.disconnected().await;
    assert!(why.contains("1300") && why.contains("7500"), "{why}");
    adapter.connected().await;
    adapter.finish().await;
}

#[tokio::test]
async fn no_order_is_written_while_the_gateway_has_no_servers_and_cancels_are() {
    let (gateway, tap, mut adapter) = tapped(Vec::new()).await;
    let session = adapter.connected().await;
    adapter.resolved().await;
    tap.speak(tap::error(-1, 1100, "connectivity"));
    adapter.notice(1100).await;
    let ticket = resting(&session, 0);
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    assert!(adapter.not_written(ticket.broker_order_id.get()).await.contains("servers"));
    adapter.send(BrokerRequest::Cancel { broker_order_id: ticket.broker_order_id }).await;
    adapter.written(ticket.broker_order_id.get(), Wire::Cancel).await;
    assert_eq!(gateway.truth().orders.len(), 0);
    adapter.finish().await;
}

#[tokio::test]
async fn a_broken_data_farm_is_told_as_one() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    tap.speak(tap::error(-1, 2103, "Market data farm connection is broken:usfarm"));
    let farm = adapter.until(|event| match event {
        BrokerEvent::Farm { kind, name, state: FarmState::Down, .. } => Some((*kind, name.clone())),
        _ => None,
    });
    assert_eq!(farm.await, (FarmKind::MarketData, "usfarm".to_owned()));
    adapter.finish().await;
}

#[tokio::test]
async fn errors_are_told_once_each_and_filed_by_their_id() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    let frames = [
        (42, 10349, Some(42), NoticeClass::Informational),
        (-7, 202, Some(-7), NoticeClass::Canceled),
        (43, 10318, Some(43), NoticeClass::Unlisted),
        (-1, 321, None, NoticeClass::Dead),
    ];
    for (id, code, order, class) in frames {
        tap.speak(tap::error(id, code, "Text, vielleicht übersetzt"));
        let notice = adapter.notice(code).await;
        assert_eq!(notice.broker_order_id, order.map(BrokerOrderId::new));
        assert_eq!(notice.class, class, "{code}");
    }
    let codes = frames.map(|(_, code, _, _)| code);
    let told = adapter.count(
        Duration::from_millis(200),
        |event| matches!(event, BrokerEvent::Notice(notice) if codes.contains(&notice.code)),
    );
    assert_eq!(told.await, 4);
    adapter.finish().await;
}

#[tokio::test]
async fn orders_downloaded_during_the_handshake_are_told_after_connected() {
    let (_gateway, _tap, mut adapter) = tapped(vec![status(9, "PreSubmitted", "0", "3")]).await;
    let mut order = Vec::new();
    while order.len() < 2 {
        match adapter.next().await {
            BrokerEvent::Connected(_) => order.push("connected"),
            BrokerEvent::Status(report) if report.names.broker_order_id == Some(BrokerOrderId::new(9)) => {
                order.push("status");
            }
            _ => {}
        }
    }
    assert_eq!(order, ["connected", "status"]);
    adapter.finish().await;
}

#[tokio::test]
async fn an_unasked_end_marker_does_not_cut_the_list_of_open_orders_short() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    let session = adapter.connected().await;
    adapter.resolved().await;
    let ticket = resting(&session, 0);
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    adapter.status(ticket.broker_order_id.get(), "Submitted").await;
    tap.speak(frame(tap::OPEN_ORDER_END, &[]));
    adapter.send(BrokerRequest::Snapshot { id: 1, executions_days: 1 }).await;
    assert_eq!(adapter.snapshot(1).await.unwrap().open.len(), 1);
    adapter.finish().await;
}

#[tokio::test]
async fn a_frame_of_impossible_length_costs_the_connection_only() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    tap.speak(vec![0xff; 8]);
    adapter.disconnected().await;
    assert_eq!(adapter.connected().await.generation, Generation::new(2));
    adapter.finish().await;
}

#[tokio::test]
async fn a_fill_just_before_the_connection_is_lost_is_still_told() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    for number in 1..=20 {
        tap.speak(execution(&format!("e.f.{number}.01"), "SLD", 10.5));
    }
    tap.speak(vec![0xff; 8]);
    adapter.disconnected().await;
    let fills = adapter.seen.iter().filter(|event| matches!(event, BrokerEvent::Execution(_)));
    assert_eq!(fills.count(), 20, "all before the end");
    adapter.finish().await;
}

#[tokio::test]
async fn unknown_messages_are_one_gap_for_each_kind_and_no_more() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    adapter.resolved().await;
    for _ in 0..5 {
        tap.speak(frame(197, b"future"));
    }
    let is_gap = |event: &BrokerEvent| matches!(event, BrokerEvent::Gap { .. });
    assert_eq!(adapter.count(Duration::from_millis(300), is_gap).await, 1);
    for _ in 0..5 {
        tap.speak(frame(198, b"a slip of the framing looks like this"));
    }
    assert_eq!(adapter.count(Duration::from_millis(300), is_gap).await, 2);
    adapter.finish().await;
}

#[tokio::test]
async fn what_waits_when_messages_may_be_missing_is_given_up() {
    let gateway = gateway().start().await.unwrap();
    let tap = Tap::before(gateway.addr(), Vec::new()).await;
    let mut config = config(tap.port);
    config.probe_after_idle = Some(Duration::from_millis(200));
    let mut adapter = Adapter::start(config);
    let session = adapter.connected().await;
    adapter.resolved().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It waits for a round trip, and what comes is a message that nobody understands.
    gateway.inject("half-open".parse().unwrap());
    let order = resting(&session, 0);
    adapter.send(BrokerRequest::Place(order.clone())).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    tap.speak(frame(197, b"future"));
    let why = adapter.not_written(order.broker_order_id.get()).await;
    assert!(why.contains("messages may be missing"), "{why}");
    adapter.finish().await;
}

#[tokio::test]
async fn a_word_about_the_servers_counts_whichever_request_it_comes_with() {
    let gateway = gateway().start().await.unwrap();
    let tap = Tap::before(gateway.addr(), Vec::new()).await;
    let mut config = config(tap.port);
    config.market_data.enabled = true;
    let mut adapter = Adapter::start(config);
    adapter.until(|event| matches!(event, BrokerEvent::Quote { .. }).then_some(())).await;
    // One of these numbers is that of the market data subscription.
    for id in 1_500_000_000..1_500_000_040 {
        tap.speak(tap::error(id, 1100, "Connectivity between IB and TWS has been lost."));
    }
    let lost = adapter.until(|event| match event {
        BrokerEvent::ServerLink { link, .. } => Some(*link),
        _ => None,
    });
    assert_eq!(lost.await, ServerLink::Lost);
    adapter.finish().await;
}

#[tokio::test]
async fn an_order_is_written_with_transmit_and_reference_and_a_cancel_without_a_time() {
    let (_gateway, tap, mut adapter) = tapped(Vec::new()).await;
    let session = adapter.connected().await;
    adapter.resolved().await;
    let ticket = resting(&session, 0);
    let id = ticket.broker_order_id;
    adapter.send(BrokerRequest::Place(ticket.clone())).await;
    adapter.status(id.get(), "Submitted").await;
    adapter.send(BrokerRequest::Cancel { broker_order_id: id }).await;
    adapter.written(id.get(), Wire::Cancel).await;
    adapter.status(id.get(), "Cancelled").await;
    let place = tap.bodies(3);
    assert_eq!(place.len(), 1, "written once");
    let contains = |needle: &[u8]| place[0].windows(needle.len()).any(|window| window == needle);
    // Field 66 is `transmit`: absent means false, and the order would stay parked at the gateway.
    assert!(contains(&[0x90, 0x04, 0x01]), "transmit is written out");
    assert!(contains(ticket.order_ref.as_str().as_bytes()));
    assert!(contains(b"DU1234567") && contains(b"GTC") && contains(b"LMT"));
    let cancels = tap.bodies(4);
    assert_eq!(cancels.len(), 1);
    assert!(cancels[0].len() <= 8, "only the order id: {:?}", cancels[0]);
    adapter.finish().await;
}
