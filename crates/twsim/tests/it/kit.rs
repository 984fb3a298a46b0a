//! What the tests share: a gateway with still prices, a client, and contracts.

use std::time::Duration;

use alphec_twsim::{Gateway, GatewayBuilder, GatewayHandle};
use futures::StreamExt;
use ibapi::Client;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, CommissionReport, ExecutionData, Order, OrderData, OrderStatus, OrderUpdate};
use ibapi::subscriptions::{Subscription, SubscriptionItem};
use rust_decimal::Decimal;

/// AAPL at 230.00 / 230.01 with 500 on each side; nothing moves by itself.
pub(crate) fn still() -> GatewayBuilder {
    Gateway::builder().fixed_prices()
}

pub(crate) async fn connect(gateway: &GatewayHandle, client_id: i32) -> Client {
    Client::connect(&gateway.addr().to_string(), client_id).await.expect("connect")
}

pub(crate) fn aapl() -> Contract {
    Contract { contract_id: 265_598, exchange: "SMART".into(), ..Contract::default() }
}

pub(crate) fn order(action: Action, quantity: f64, kind: &str) -> Order {
    Order {
        action,
        total_quantity: quantity,
        order_type: kind.to_owned(),
        transmit: true,
        ..Order::default()
    }
}

pub(crate) fn limit(action: Action, quantity: f64, price: f64) -> Order {
    Order { limit_price: Some(price), ..order(action, quantity, "LMT") }
}

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Order callbacks of one client, in order of arrival, as short words where a test only needs the sequence.
pub(crate) struct Tape {
    updates: Subscription<OrderUpdate>,
}

#[derive(Debug)]
pub(crate) enum Event {
    Open(Box<OrderData>),
    Status(OrderStatus),
    Execution(Box<ExecutionData>),
    Commission(CommissionReport),
    Notice(i32, String),
}

impl Event {
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Open(data) => format!("OO {}", data.order_state.status),
            Self::Status(status) => format!("OS {} {}/{}", status.status, status.filled, status.remaining),
            Self::Execution(data) => format!("EX {}", data.execution.shares),
            Self::Commission(_) => "CR".to_owned(),
            Self::Notice(code, _) => format!("ER {code}"),
        }
    }
}

impl Tape {
    pub(crate) async fn of(client: &Client) -> Self {
        Self { updates: client.order_update_stream().await.expect("order stream") }
    }

    /// The next event, which must come soon.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            let item = tokio::time::timeout(Duration::from_secs(5), self.updates.next()).await;
            match item.expect("an event in time").expect("an open stream").expect("a readable event") {
                SubscriptionItem::Data(OrderUpdate::OpenOrder(data)) => return Event::Open(Box::new(data)),
                SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) => return Event::Status(status),
                SubscriptionItem::Data(OrderUpdate::ExecutionData(data)) => {
                    return Event::Execution(Box::new(data));
                }
                SubscriptionItem::Data(OrderUpdate::CommissionReport(report)) => {
                    return Event::Commission(report);
                }
                SubscriptionItem::Notice(notice) => return Event::Notice(notice.code, notice.message),
                SubscriptionItem::Data(_) => {}
            }
        }
    }

    pub(crate) async fn words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(self.next().await.word());
        }
        words
    }

    /// Skips to the first status with this text.
    pub(crate) async fn until_status(&mut self, text: &str) -> OrderStatus {
        loop {
            if let Event::Status(status) = self.next().await
                && status.status.to_string() == text
            {
                return status;
            }
        }
    }

    /// Skips to the first error.
    pub(crate) async fn until_error(&mut self) -> (i32, String) {
        loop {
            if let Event::Notice(code, text) = self.next().await {
                return (code, text);
            }
        }
    }

    /// True when the stream ends or fails without another event.
    pub(crate) async fn ended(&mut self) -> bool {
        let item = tokio::time::timeout(Duration::from_secs(5), self.updates.next()).await;
        match item.expect("an end in time") {
            None | Some(Err(_)) => true,
            Some(Ok(SubscriptionItem::Notice(_))) => true,
            Some(Ok(SubscriptionItem::Data(_))) => false,
        }
    }
}
