//! As many clients at once as a gateway takes, one of them talking nonsense and one that never reads: the
//! others trade undisturbed, and each sees its own orders only.

use std::time::Duration;

use alphec_twsim::{Gateway, GatewayHandle};
use bytes::Bytes;
use prost::Message;
use tokio::task::JoinSet;

use crate::frames::{Body, ask, cancel, frame, limit, order, place};
use crate::raw::{ErrorFrame, Raw};

const CLIENTS: i32 = 32;
/// Limit orders of each client; every second one is cancelled.
const ORDERS: i32 = 40;

const ERROR: i32 = 4;
const OPEN_ORDER: i32 = 5;
const ORDER_STATUS: i32 = 3;
const EXECUTION: i32 = 11;
const OPEN_ORDER_END: i32 = 53;
const EXECUTIONS_END: i32 = 55;

#[derive(Clone, PartialEq, Message)]
struct OpenOrder {
    #[prost(int32, tag = "1")]
    order_id: i32,
    #[prost(message, optional, tag = "3")]
    order: Option<Order>,
}

#[derive(Clone, PartialEq, Message)]
struct Order {
    #[prost(int32, tag = "1")]
    client_id: i32,
    #[prost(string, tag = "28")]
    order_ref: String,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    order_id: i32,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(int32, tag = "9")]
    client_id: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Execution {
    #[prost(message, optional, tag = "3")]
    body: Option<ExecutionBody>,
}

#[derive(Clone, PartialEq, Message)]
struct ExecutionBody {
    #[prost(int32, tag = "10")]
    client_id: i32,
    #[prost(string, tag = "14")]
    order_ref: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_clients_trade_at_once_and_each_sees_its_own() {
    let gateway =
        Gateway::builder().fixed_prices().with(|it| it.outbox_limit = 1024 * 1024).start().await.unwrap();
    let nonsense = Raw::session(&gateway, 1).await;
    let deaf = Raw::session(&gateway, 2).await;
    let mut connected = Vec::new();
    for client_id in 3..=CLIENTS {
        connected.push((Raw::session(&gateway, client_id).await, client_id));
    }
    assert_eq!(gateway.connections(), CLIENTS as usize);
    // One more is refused, as the real gateway does.
    let mut late = Raw::open(&gateway).await;
    late.bytes(&crate::frames::hello(CLIENTS + 1)).await;
    assert_eq!(late.error().await.code, Some(326));

    let mut traders: JoinSet<()> =
        connected.into_iter().map(|(raw, client_id)| trade(raw, client_id)).collect();
    let disturbed = async {
        tokio::join!(talk_nonsense(&gateway, nonsense), never_read(&gateway, deaf));
        while let Some(ended) = traders.join_next().await {
            ended.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), disturbed).await.expect("everybody done in time");
    check_truth(&gateway);
}

/// Places, cancels, fills, lists; whatever arrives on the way must be this client's.
async fn trade(mut raw: Raw, client_id: i32) {
    let name = |id: i32| format!("client-{client_id}-order-{id}");
    for id in 1..=ORDERS {
        raw.bytes(&place(id, limit("BUY", "10", 229.0).text(28, &name(id)))).await;
        until_status(&mut raw, client_id, id, "Submitted").await;
        if id % 2 == 0 {
            raw.bytes(&cancel(id)).await;
            until_status(&mut raw, client_id, id, "Cancelled").await;
        }
    }
    let last = ORDERS + 1;
    raw.bytes(&place(last, order("BUY", "10", "MKT").text(28, &name(last)))).await;
    until_status(&mut raw, client_id, last, "Filled").await;

    raw.bytes(&Body::default().frame(OPEN_ORDER)).await;
    let mut listed = Vec::new();
    for (id, body) in collect(&mut raw, OPEN_ORDER_END).await {
        if id == OPEN_ORDER {
            let order = OpenOrder::decode(body).unwrap();
            let inner = order.order.unwrap();
            assert_eq!((inner.client_id, inner.order_ref), (client_id, name(order.order_id)));
            listed.push(order.order_id);
        }
    }
    assert_eq!(listed, (1..=ORDERS).filter(|id| id % 2 == 1).collect::<Vec<_>>());

    let filter = Body::default().int(1, client_id);
    raw.bytes(&Body::default().int(1, 77).nested(2, &filter).frame(7)).await;
    let executions = collect(&mut raw, EXECUTIONS_END).await;
    let executions: Vec<_> = executions.into_iter().filter(|(id, _)| *id == EXECUTION).collect();
    assert_eq!(executions.len(), 1);
    let body = Execution::decode(executions[0].1.clone()).unwrap().body.unwrap();
    assert_eq!((body.client_id, body.order_ref), (client_id, name(last)));
}

async fn until_status(raw: &mut Raw, client_id: i32, order_id: i32, wanted: &str) {
    loop {
        let (id, body) = raw.message().await.expect("an open connection");
        if id == ERROR {
            // Farm notices, and 202 for a cancel.
            let error = ErrorFrame::decode(body).unwrap();
            assert!(matches!(error.code, Some(202 | 2100..2200)), "{error:?}");
        } else if id == ORDER_STATUS {
            let seen = Status::decode(body).unwrap();
            assert_eq!(seen.client_id, client_id);
            if (seen.order_id, seen.status.as_str()) == (order_id, wanted) {
                return;
            }
        }
    }
}

async fn collect(raw: &mut Raw, end: i32) -> Vec<(i32, Bytes)> {
    let mut found = Vec::new();
    loop {
        let (id, body) = raw.message().await.expect("an open connection");
        if id == end {
            return found;
        }
        found.push((id, body));
    }
}

/// Comes back each time it is thrown out.
async fn talk_nonsense(gateway: &GatewayHandle, mut raw: Raw) {
    let spoiled = frame(203, &[0xff; 40]);
    let endless = [0xff; 64];
    let nothing = [0; 8];
    let http = b"GET / HTTP/1.1\r\n\r\n";
    for (round, bytes) in [&spoiled[..], &endless, &nothing, http].into_iter().cycle().take(12).enumerate() {
        raw.bytes(bytes).await;
        while raw.payload().await.is_some() {}
        assert_eq!(gateway.counters().malformed, round as u64 + 1);
        raw = Raw::session(gateway, 1).await;
    }
}

/// Asks for every list again and again and reads none, until it is thrown out.
async fn never_read(gateway: &GatewayHandle, mut raw: Raw) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(25);
    while gateway.counters().slow_clients == 0 && tokio::time::Instant::now() < deadline {
        for request in [16, 99] {
            // A write fails once the gateway has given up on us, which is the point.
            if !raw.tries(&ask(request, 0)).await {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.counters().slow_clients, 1);
}

fn check_truth(gateway: &GatewayHandle) {
    let truth = gateway.truth();
    for client_id in 3..=CLIENTS {
        let of_client = truth.orders.iter().filter(|order| order.report.key.client_id == client_id);
        let working = of_client.clone().filter(|order| order.ended_at.is_none()).count();
        assert_eq!((of_client.count(), working), (ORDERS as usize + 1, ORDERS as usize / 2), "{client_id}");
    }
    let traders = CLIENTS as usize - 2;
    assert_eq!(truth.executions.len(), traders);
    assert_eq!(gateway.counters().orders, (traders * (ORDERS as usize + 1)) as u64);
}
