//! A gateway, an adapter and the caller's end of its port.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alphec_ibkr::{Clock, Config, Ended, Heartbeat, Reconnect};
use alphec_model::broker::{
    BrokerEvent, BrokerRequest, Notice, Session, Snapshot, StatusReport, Ticket, Wire,
};
use alphec_model::instrument::InstrumentParts;
use alphec_model::{
    AccountId, ApiClientId, BrokerOrderId, Decimal, Generation, Instrument, InstrumentId, InstrumentKind,
    LogId, OrderRef, OrderSpec, OrderType, Price, Side, TickRule, TimeInForce, UtcNanos,
};
use alphec_twsim::{Gateway, GatewayBuilder, GatewayHandle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take in these tests.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const ACCOUNT: &str = "DU1234567";

/// A gateway with prices that stand still.
pub(crate) fn gateway() -> GatewayBuilder {
    Gateway::builder().account(ACCOUNT).fixed_prices().seed(7)
}

pub(crate) fn stock(symbol: &str) -> Instrument {
    instrument(symbol, symbol, InstrumentKind::Stock { primary_exchange: None }, "SMART")
}

pub(crate) fn instrument(id: &str, symbol: &str, contract: InstrumentKind, exchange: &str) -> Instrument {
    Instrument::new(InstrumentParts {
        id: InstrumentId::new(id).unwrap(),
        symbol: symbol.into(),
        contract,
        exchange: exchange.into(),
        currency: "USD".parse().unwrap(),
        multiplier: Decimal::ONE,
        tick: TickRule::fixed("0.01".parse().unwrap()),
        lot: "1".parse().unwrap(),
    })
    .unwrap()
}

/// A clock that ticks a microsecond with every look.
fn clock() -> Clock {
    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000_000_000);
    Clock::new(|| UtcNanos::from_nanos(NOW.fetch_add(1_000, Ordering::Relaxed)))
}

/// Short timings; no market data and no account values unless a test wants them.
pub(crate) fn config(port: u16) -> Config {
    let mut config = Config::new("127.0.0.1", port, ApiClientId::new(3), clock());
    config.instruments = vec![stock("AAPL")];
    config.reconnect = Reconnect {
        first_delay: Duration::from_millis(30),
        factor: 1.5,
        ceiling: Duration::from_millis(200),
        jitter: 0.0,
        attempts: None,
        seed: 1,
    };
    config.connect_timeout = Duration::from_secs(3);
    config.heartbeat =
        Heartbeat { interval: Duration::from_secs(30), deadline: Duration::from_secs(5), misses: 2 };
    config.snapshot_timeout = Duration::from_secs(5);
    config.messages_per_second = None;
    config.market_data.enabled = false;
    config.account_updates = false;
    config
}

pub(crate) struct Adapter {
    pub(crate) requests: mpsc::Sender<BrokerRequest>,
    pub(crate) events: mpsc::Receiver<BrokerEvent>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Ended>,
    /// Everything received, for what came before it was asked for.
    pub(crate) seen: Vec<BrokerEvent>,
}

impl Adapter {
    pub(crate) fn start(config: Config) -> Self {
        Self::start_with_room(config, 1_024)
    }

    pub(crate) fn start_with_room(config: Config, room: usize) -> Self {
        let (requests, incoming) = mpsc::channel(1_024);
        let (outgoing, events) = mpsc::channel(room);
        let stop = CancellationToken::new();
        let task = tokio::spawn(alphec_ibkr::run(config, incoming, outgoing, stop.clone()));
        Self { requests, events, stop, task, seen: Vec::new() }
    }

    pub(crate) async fn send(&self, request: BrokerRequest) {
        self.requests.send(request).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> BrokerEvent {
        let event = tokio::time::timeout(PATIENCE, self.events.recv())
            .await
            .unwrap_or_else(|_| panic!("nothing came; seen so far: {:#?}", self.seen))
            .expect("the adapter is running");
        self.seen.push(event.clone());
        event
    }

    /// The next event that `pick` takes; others are passed over.
    pub(crate) async fn until<T>(&mut self, pick: impl Fn(&BrokerEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(&self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn connected(&mut self) -> Session {
        self.until(|event| match event {
            BrokerEvent::Connected(session) => Some(session.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn disconnected(&mut self) -> (Generation, String) {
        self.until(|event| match event {
            BrokerEvent::Disconnected { generation, why } => Some((*generation, why.clone())),
            _ => None,
        })
        .await
    }

    pub(crate) async fn resolved(&mut self) {
        self.until(|event| matches!(event, BrokerEvent::InstrumentResolved { .. }).then_some(())).await;
    }

    pub(crate) async fn written(&mut self, id: i32, wanted: Wire) {
        self.until(|event| match event {
            BrokerEvent::Written { broker_order_id, wire, at: _ } if broker_order_id.get() == id => {
                assert_eq!(*wire, wanted);
                Some(())
            }
            BrokerEvent::NotWritten { broker_order_id, why, .. } if broker_order_id.get() == id => {
                panic!("order {id} was not written: {why}")
            }
            _ => None,
        })
        .await;
    }

    pub(crate) async fn not_written(&mut self, id: i32) -> String {
        self.until(|event| match event {
            BrokerEvent::NotWritten { broker_order_id, wire: _, why } if broker_order_id.get() == id => {
                Some(why.clone())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn status(&mut self, id: i32, word: &str) -> StatusReport {
        self.until(|event| match event {
            BrokerEvent::Status(report)
                if report.names.broker_order_id == Some(BrokerOrderId::new(id))
                    && report.status.as_str() == word =>
            {
                Some(report.clone())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn notice(&mut self, wanted: i32) -> Notice {
        self.until(|event| match event {
            BrokerEvent::Notice(notice) if notice.code == wanted => Some(notice.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn snapshot(&mut self, id: u64) -> Result<Snapshot, String> {
        self.until(|event| match event {
            BrokerEvent::Snapshot(snapshot) if snapshot.id == id => Some(Ok(snapshot.clone())),
            BrokerEvent::SnapshotFailed { id: failed, why, .. } if *failed == id => Some(Err(why.clone())),
            _ => None,
        })
        .await
    }

    /// How often `pick` takes an event among all seen and all that come within `quiet`.
    pub(crate) async fn count(&mut self, quiet: Duration, pick: impl Fn(&BrokerEvent) -> bool) -> usize {
        while let Ok(Some(event)) = tokio::time::timeout(quiet, self.events.recv()).await {
            self.seen.push(event);
        }
        self.seen.iter().filter(|event| pick(event)).count()
    }

    pub(crate) async fn finish(mut self) -> (Ended, Vec<BrokerEvent>) {
        self.stop.cancel();
        while let Some(event) = self.events.recv().await {
            self.seen.push(event);
        }
        (self.task.await.unwrap(), self.seen)
    }
}

/// A gateway and an adapter that is connected and knows its instrument.
pub(crate) async fn ready(builder: GatewayBuilder) -> (GatewayHandle, Adapter, Session) {
    let gateway = builder.start().await.unwrap();
    let mut adapter = Adapter::start(config(gateway.addr().port()));
    let session = adapter.connected().await;
    adapter.resolved().await;
    (gateway, adapter, session)
}

pub(crate) fn px(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn ticket(session: &Session, offset: i32, order_type: OrderType) -> Ticket {
    let id = session.next_order_id.get() + offset;
    Ticket {
        generation: session.generation,
        broker_order_id: BrokerOrderId::new(id),
        order_ref: OrderRef::of_intent(&LogId::new("test").unwrap(), u64::try_from(id).unwrap(), "terms"),
        account: AccountId::new(ACCOUNT).unwrap(),
        instrument: InstrumentId::new("AAPL").unwrap(),
        spec: OrderSpec::new(Side::Buy, "10".parse().unwrap(), order_type)
            .unwrap()
            .with_time_in_force(TimeInForce::Gtc),
        send_by: UtcNanos::from_nanos(i64::MAX),
        leg: None,
    }
}

/// A limit far below the market: it rests.
pub(crate) fn resting(session: &Session, offset: i32) -> Ticket {
    ticket(session, offset, OrderType::Limit { limit_px: px("1.00") })
}
