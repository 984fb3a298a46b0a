//! What the broker says about orders: converted, told once, never guessed.

use alphec_model::broker::{BrokerEvent, OrderNames, ServerLink};
use ibapi::orders::{CommissionReport, ExecutionData, OrderData, OrderStatus, OrderUpdate};
use ibapi::subscriptions::SubscriptionItem;
use ibapi::{Error, Notice, StartupMessage};
use tracing::{debug, warn};

use super::{End, Session, UNKNOWN_FRAMES_MAX, UpdateItem};
use crate::convert::{execution, names, raw_text, report, status, undecodable};
use crate::notices;

/// Times the order stream may break on an unreadable frame before the session ends for it.
const REOPENS_MAX: u32 = 32;

impl Session<'_> {
    pub(super) async fn update_item(&mut self, item: UpdateItem) -> Result<(), End> {
        match item {
            Some(Ok(SubscriptionItem::Data(update))) => {
                self.update(update);
                Ok(())
            }
            // Order-bound errors come here as notices, whichever request they also answer.
            Some(Ok(SubscriptionItem::Notice(notice))) => self.notice(notice),
            Some(Err(error)) if is_over(&error) => {
                Err(End::Lost(format!("the connection to the gateway was lost: {error}")))
            }
            Some(Err(error)) => self.reopen(Some(error)).await,
            None => self.reopen(None).await,
        }
    }

    /// One frame that does not decode ends ibapi's stream, and what is queued behind it is lost with it.
    async fn reopen(&mut self, error: Option<Error>) -> Result<(), End> {
        let why = error.as_ref().map_or_else(|| "the order stream ended".to_owned(), Error::to_string);
        if let Some(error) = &error {
            let raw = raw_text(error);
            self.port.push(BrokerEvent::Undecodable { names: OrderNames::default(), why: why.clone(), raw });
        }
        self.gap(format!("order messages may be missing: {why}"));
        self.reopened = self.reopened.saturating_add(1);
        if self.reopened > REOPENS_MAX {
            return Err(End::Lost(format!("the order stream broke {REOPENS_MAX} times: {why}")));
        }
        // The old one must go first: ibapi allows one order stream at a time.
        self.updates = None;
        match self.client.order_update_stream().await {
            Ok(updates) => self.updates = Some(updates),
            Err(error) => return Err(End::Lost(format!("the order stream cannot be reopened: {error}"))),
        }
        Ok(())
    }

    pub(super) fn update(&mut self, update: OrderUpdate) {
        match update {
            OrderUpdate::OrderStatus(status) => self.order_status(&status),
            OrderUpdate::OpenOrder(data) => self.open_order(&data),
            OrderUpdate::ExecutionData(data) => self.execution(&data),
            OrderUpdate::CommissionReport(data) => self.commission(&data),
            // A manual order got an API id; the port has no event for it, and lists show it anyway.
            OrderUpdate::OrderBound(bound) => debug!(?bound, "order bound"),
        }
    }

    pub(super) fn startup_message(&mut self, message: StartupMessage) {
        match message {
            StartupMessage::OpenOrder(data) => self.open_order(&data),
            StartupMessage::OrderStatus(status) => self.order_status(&status),
            StartupMessage::Execution(data) => self.execution(&data),
            StartupMessage::CommissionReport(data) => self.commission(&data),
            // Lists and account values are asked for anew.
            other => debug!(?other, "handshake message passed over"),
        }
    }

    fn order_status(&mut self, data: &OrderStatus) {
        let event = match status::report(data) {
            Ok(report) => BrokerEvent::Status(report),
            Err(refused) => {
                let raw = status::raw_names(data.order_id, data.client_id, data.perm_id);
                undecodable(names::names(raw), &refused, data)
            }
        };
        self.port.push(event);
    }

    fn open_order(&mut self, data: &OrderData) {
        let event = match report::open(data, self.directory) {
            Ok(report) => BrokerEvent::OpenOrder(report),
            Err(refused) => undecodable(report::open_names(data), &refused, data),
        };
        self.port.push(event);
    }

    fn execution(&mut self, data: &ExecutionData) {
        let event = match execution::execution(data, self.directory, &self.clock) {
            Ok(report) => BrokerEvent::Execution(report),
            Err(refused) => undecodable(execution::execution_names(data), &refused, data),
        };
        self.port.push(event);
    }

    fn commission(&mut self, data: &CommissionReport) {
        let event = match execution::commission(data) {
            Ok(report) => BrokerEvent::Commission(report),
            Err(refused) => undecodable(OrderNames::default(), &refused, data),
        };
        self.port.push(event);
    }

    /// A code with a text, and what it means for the session.
    pub(super) fn notice(&mut self, notice: Notice) -> Result<(), End> {
        let (code, text) = (notice.code, notice.message.clone());
        self.tell_notice(notice);
        if notices::lost_notices(code) {
            // One of them may have said that the servers are lost, or back: nothing asks for that again.
            return Err(End::Lost(format!("the connection fell behind its notices: {text}")));
        }
        if notices::server_link(code) == Some(ServerLink::RestoredDataLost) {
            self.data_losses.send_modify(|losses| *losses = losses.wrapping_add(1));
        }
        if code == notices::PORT_MOVED {
            return Err(End::Lost(moved(&text)));
        }
        Ok(())
    }

    /// The events of a notice.
    pub(super) fn tell_notice(&mut self, notice: Notice) {
        let code = notice.code;
        if code == notices::PORT_MOVED {
            self.moved = Some(notice.message.clone());
        }
        if notices::is_gap(code) {
            warn!(code, text = notice.message, "frames were lost");
            // A newer gateway may send a message that ibapi does not know again and again; one gap for each kind is
            // enough to look the books over.
            let is_unknown =
                notices::is_unknown_frame(code) && self.unknown_frames.len() < UNKNOWN_FRAMES_MAX;
            if !is_unknown || self.unknown_frames.insert(notice.message.clone()) {
                self.gap(format!("{} ({code})", notice.message));
            }
            return;
        }
        let notice = notices::convert(notice);
        if notice.broker_order_id.is_none() && notices::spoils_lists(code, &notice.text) {
            self.snapshots.spoil(format!("{code}: {}", notice.text));
        }
        let farm = notices::farm(code, &notice.text);
        self.port.push(BrokerEvent::Notice(notice));
        if let Some((kind, state, name)) = farm {
            self.port.push(BrokerEvent::Farm { generation: self.generation, kind, name, state });
        }
        if let Some(link) = notices::server_link(code) {
            self.is_server_lost = link == ServerLink::Lost;
            self.port.push(BrokerEvent::ServerLink { generation: self.generation, link });
        }
    }
}

/// Why a session ends whose gateway said where it can be reached now.
pub(super) fn moved(text: &str) -> String {
    format!("the gateway moved its API port (1300): {text}")
}

/// Errors of the connection itself; any other one is a frame that did not decode.
fn is_over(error: &Error) -> bool {
    matches!(
        error,
        Error::Shutdown | Error::ConnectionReset | Error::ConnectionFailed | Error::Cancelled | Error::Io(_)
    )
}
