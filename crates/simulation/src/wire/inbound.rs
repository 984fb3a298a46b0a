//! What the gateway says: frames to messages, messages to events and rows of lists.

use alphec_ibkr::by_hand::{self, spoils_lists};
use alphec_model::AccountId;
use alphec_model::broker::{BrokerEvent, OrderNames, ServerLink};
use bytes::Bytes;
use prost::Message;

use super::frames::{self, frame, id};
use super::lists::{Reading, Stage};
use super::{Adapter, Sent, State, rows};
use crate::clock::Instant;

/// The port moved, and the gateway is about to drop the connection.
const PORT_MOVED: i32 = 1300;

/// Whether the adapter counts it as one: the client library keeps the rest to itself.
const fn is_sign_of_life(id: i32) -> bool {
    matches!(
        id,
        id::ERROR
            | id::OPEN_ORDER
            | id::ORDER_STATUS
            | id::EXECUTION
            | id::COMMISSION
            | id::TICK_PRICE
            | id::CURRENT_TIME
    )
}

impl Adapter {
    /// Bytes arrived.
    pub(crate) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        loop {
            if matches!(self.state, State::Offline { .. }) {
                self.inbox.clear();
                return;
            }
            match frames::take(&mut self.inbox) {
                Ok(None) => return,
                Ok(Some(payload)) => self.payload(now, payload),
                Err(frames::OutOfStep) => {
                    self.hung_up(now);
                    return;
                }
            }
        }
    }

    fn payload(&mut self, now: Instant, payload: Bytes) {
        if let State::Starting { greeted: greeted @ false, .. } = &mut self.state {
            // The handshake's answer: server version and time, as text.
            *greeted = true;
            let client_id = Some(self.setup.api_client_id.get());
            self.send(Sent::Other, frame(71, &frames::StartApi { client_id }));
            return;
        }
        let Some((id, body)) = frames::split(payload) else { return self.hung_up(now) };
        if !(1..=id::HIGHEST).contains(&id) {
            return self.unknown_frame(id);
        }
        if let State::Up(up) = &mut self.state
            && is_sign_of_life(id)
        {
            up.heard(now);
        }
        if self.message(now, id, &body).is_err() {
            self.undecodable(id);
        }
    }

    fn message(&mut self, now: Instant, id: i32, body: &Bytes) -> Result<(), prost::DecodeError> {
        match id {
            id::NEXT_VALID_ID => {
                let offered = frames::Number::decode(body.clone())?.value.unwrap_or_default();
                self.started(now, Some(offered), None);
            }
            id::MANAGED_ACCOUNTS => {
                let listed = frames::Text::decode(body.clone())?.value.unwrap_or_default();
                let accounts =
                    listed.split(',').filter_map(|name| AccountId::new(name.trim()).ok()).collect();
                self.started(now, None, Some(accounts));
                self.gave_a_sign(now);
                self.list_ended(now, Stage::Barrier);
            }
            id::ERROR => self.error(now, &frames::ErrorMessage::decode(body.clone())?),
            _ if !self.is_up() && !matches!(id, id::OPEN_ORDER | id::ORDER_STATUS) => {}
            id::OPEN_ORDER => self.open_order(frames::OpenOrder::decode(body.clone())?),
            id::ORDER_STATUS => self.order_status(&frames::OrderStatus::decode(body.clone())?),
            id::EXECUTION => self.execution(frames::ExecutionDetails::decode(body.clone())?),
            id::COMMISSION => self.commission(&frames::Commission::decode(body.clone())?),
            id::COMPLETED_ORDER => self.completed(frames::CompletedOrder::decode(body.clone())?),
            id::POSITION => self.position(&frames::Position::decode(body.clone())?),
            id::OPEN_ORDER_END => self.list_ended(now, Stage::Open),
            id::COMPLETED_ORDERS_END => self.list_ended(now, Stage::Completed),
            id::EXECUTIONS_END => {
                let of = frames::Number::decode(body.clone())?.value;
                if self.reading().is_some_and(|reading| Some(reading.req_id) == of) {
                    self.list_ended(now, Stage::Executions);
                }
            }
            id::POSITION_END => self.list_ended(now, Stage::Positions),
            id::CURRENT_TIME => self.probed(now),
            id::TICK_PRICE => self.tick(&frames::TickPrice::decode(body.clone())?),
            id::ACCOUNT_VALUE => self.account_value(&frames::AccountValue::decode(body.clone())?),
            // Sizes, portfolio lines, farm states: nobody here asks for them.
            _ => {}
        }
        Ok(())
    }

    /// A piece of the handshake; with the second one the session is up.
    fn started(&mut self, now: Instant, offered: Option<i32>, listed: Option<Vec<AccountId>>) {
        let State::Starting { next_id, accounts, .. } = &mut self.state else { return };
        *next_id = offered.or(*next_id);
        if listed.is_some() {
            *accounts = listed;
        }
        if let (Some(next_id), Some(accounts)) = (*next_id, accounts.take_if(|_| next_id.is_some())) {
            self.come_up(now, next_id, accounts);
        }
    }

    fn reading(&mut self) -> Option<&mut Reading> {
        match &mut self.state {
            State::Up(up) => up.reading.as_mut().filter(|reading| reading.asked_at.is_some()),
            State::Offline { .. } | State::Starting { .. } => None,
        }
    }

    fn reading_of(&mut self, stage: Stage) -> Option<&mut Reading> {
        self.reading().filter(|reading| reading.stage == stage)
    }

    /// The client library hands rows of an open-order list to the list and to the order stream alike.
    fn open_order(&mut self, message: frames::OpenOrder) {
        match self.converter.open(&rows::open(message)) {
            Ok(report) => {
                if let Some(reading) = self.reading_of(Stage::Open) {
                    reading.open.push(report.clone());
                }
                self.events.push_back(BrokerEvent::OpenOrder(report));
            }
            Err(event) => self.refused(*event, Stage::Open),
        }
    }

    fn completed(&mut self, message: frames::CompletedOrder) {
        match self.converter.completed(&rows::completed(message)) {
            Ok(report) => {
                if let Some(reading) = self.reading_of(Stage::Completed) {
                    reading.completed.push(report);
                }
            }
            Err(event) => self.refused(*event, Stage::Completed),
        }
    }

    fn order_status(&mut self, message: &frames::OrderStatus) {
        match rows::status(message) {
            Some(row) => self.events.push_back(by_hand::status(&row)),
            None => self.undecodable(id::ORDER_STATUS),
        }
    }

    fn execution(&mut self, message: frames::ExecutionDetails) {
        let (req_id, row) = rows::execution(message);
        match self.converter.execution(&row) {
            Ok(report) => {
                let listed = self.reading_of(Stage::Executions).filter(|reading| reading.req_id == req_id);
                match listed {
                    Some(reading) => {
                        reading.executions.push(report);
                        if let State::Up(up) = &mut self.state {
                            up.listed.insert(row.exec_id);
                        }
                    }
                    None if req_id == -1 => self.events.push_back(BrokerEvent::Execution(report)),
                    None => {}
                }
            }
            Err(event) => self.refused(*event, Stage::Executions),
        }
    }

    fn commission(&mut self, message: &frames::Commission) {
        let exec_id = message.exec_id.as_deref().unwrap_or_default();
        let amount = message.amount.unwrap_or_default();
        let currency = message.currency.as_deref().unwrap_or_default();
        let profit = rows::optional(message.realized_pnl);
        let is_listed = matches!(&self.state, State::Up(up) if up.listed.contains(exec_id));
        match by_hand::commission(exec_id, amount, currency, profit) {
            Ok(report) => match self.reading_of(Stage::Executions).filter(|_| is_listed) {
                Some(reading) => reading.commissions.push(report),
                None => self.events.push_back(BrokerEvent::Commission(report)),
            },
            Err(event) => self.refused(*event, Stage::Executions),
        }
    }

    fn position(&mut self, message: &frames::Position) {
        let contract = message.contract.clone().unwrap_or_default();
        let named = (contract.con_id.unwrap_or_default(), contract.symbol.as_deref().unwrap_or_default());
        let holder = message.account.as_deref().unwrap_or_default();
        let quantity = rows::number(message.quantity.as_deref());
        match self.converter.position(holder, named, quantity) {
            Ok(report) => {
                if let Some(reading) = self.reading_of(Stage::Positions) {
                    reading.positions.push(report);
                }
            }
            Err(event) => self.refused(*event, Stage::Positions),
        }
    }

    /// A row that cannot be understood: told, and a list with it proves nothing.
    fn refused(&mut self, event: BrokerEvent, stage: Stage) {
        self.events.push_back(event);
        if let Some(reading) = self.reading_of(stage) {
            reading.spoiled.get_or_insert_with(|| "a row could not be understood".to_owned());
        }
    }

    fn error(&mut self, now: Instant, message: &frames::ErrorMessage) {
        let (code, text) = (message.code.unwrap_or_default(), message.text.as_deref().unwrap_or_default());
        if matches!(self.state, State::Starting { .. }) {
            if code == 326 {
                self.wishes.push_back(super::Wish::Close);
                self.connect_failed(now, "client id in use (326)");
            }
            return;
        }
        let notice = by_hand::notice(message.id, code, text);
        if spoils_lists(&notice)
            && let Some(reading) = self.reading()
        {
            reading.spoiled.get_or_insert_with(|| format!("{code}: {text}"));
        }
        // The client library fails a waiting probe with any error that names nothing: a sign of life.
        if notice.broker_order_id.is_none() && message.id.is_none_or(|id| id == -1) {
            self.probed(now);
        }
        self.events.push_back(BrokerEvent::Notice(notice));
        if let Some(link) = by_hand::server_link(code) {
            if let State::Up(up) = &mut self.state {
                up.is_server_lost = link == ServerLink::Lost;
            }
            self.events.push_back(BrokerEvent::ServerLink { generation: self.generation(), link });
            if link == ServerLink::RestoredDataLost {
                self.ask_for_prices_again();
            }
        }
        if code == PORT_MOVED {
            self.lose(now, "the gateway moved its API port (1300)");
        }
    }

    fn ask_for_prices_again(&mut self) {
        let State::Up(up) = &self.state else { return };
        let wanted: Vec<(i32, Option<i32>)> = up
            .quotes
            .iter()
            .map(|(req_id, (name, _))| {
                let of = self.setup.instruments.iter().find(|instrument| instrument.id() == name);
                (*req_id, of.and_then(|instrument| instrument.con_id()).map(alphec_model::ConId::get))
            })
            .collect();
        for (req_id, con_id) in wanted {
            let contract = frames::Contract { con_id, ..frames::Contract::default() };
            let asked = frames::MarketData { req_id: Some(req_id), contract: Some(contract) };
            self.send(Sent::Other, frame(1, &asked));
        }
    }

    fn tick(&mut self, message: &frames::TickPrice) {
        let wall = self.wall;
        let State::Up(up) = &mut self.state else { return };
        let Some((name, quote)) = message.req_id.and_then(|id| up.quotes.get_mut(&id)) else { return };
        let Some(instrument) = self.setup.instruments.iter().find(|instrument| instrument.id() == name)
        else {
            return;
        };
        let price = by_hand::price(message.price.unwrap_or_default(), instrument);
        match message.field {
            Some(1) => quote.bid = price,
            Some(2) => quote.ask = price,
            Some(4) => quote.last = price,
            _ => return,
        }
        quote.at = wall;
        let (instrument, quote) = (name.clone(), *quote);
        self.events.push_back(BrokerEvent::Quote { instrument, quote });
    }

    fn account_value(&mut self, message: &frames::AccountValue) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (key, value, currency) = (text(&message.key), text(&message.value), text(&message.currency));
        let holder = text(&message.account);
        self.events.extend(by_hand::account_value(&holder, &key, &value, &currency));
    }

    /// The client library's order stream ends at a message that it cannot read, and is opened again.
    fn undecodable(&mut self, id: i32) {
        if !self.is_up() {
            return;
        }
        let why = format!("message {id} does not decode");
        let names = OrderNames::default();
        self.events.push_back(BrokerEvent::Undecodable { names, why: why.clone(), raw: String::new() });
        self.gap(format!("order messages may be missing: {why}"));
    }

    fn unknown_frame(&mut self, id: i32) {
        let State::Up(up) = &mut self.state else { return };
        if up.unknown_frames.insert(id) {
            self.gap(format!("unknown message {id}"));
        }
    }

    fn gap(&mut self, why: String) {
        let given_up = self.queue.give_up_all("messages may be missing");
        self.events.push_back(BrokerEvent::Gap { generation: self.generation(), why });
        self.events.extend(given_up);
    }
}
