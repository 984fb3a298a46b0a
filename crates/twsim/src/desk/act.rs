//! Carries out the actions of the control port and of scenarios.

use rust_decimal::Decimal;

use super::Desk;
use crate::action::{Action, ActionError, MarketSpec, OrderAct, OrderPick, SideSpec};
use crate::faults::{Cause, Decision, nearest};
use crate::venue::{
    ConId, Execution, Instrument, Meddle, OrderKey, OrderKind, OrderReport, OrderSpec, Quote, SecType, Side,
    TimeInForce, UtcNs, VenueInput,
};

/// What an event was about; an action that names nothing means it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The order.
    pub order: Option<OrderKey>,
    /// The execution.
    pub exec_id: Option<String>,
    /// The client.
    pub client: Option<i32>,
}

impl Subject {
    /// As decisions name it.
    pub(super) fn text(&self) -> String {
        match (self.order, self.client) {
            (Some(key), _) => format!("order {}/{}", key.client_id, key.order_id),
            (None, Some(client)) => format!("client {client}"),
            (None, None) => "gateway".to_owned(),
        }
    }
}

impl Desk {
    /// Does what an action says, at this instant, and notes who wanted it.
    ///
    /// # Errors
    /// What it names is not there, or cannot be done to it. Nothing has happened then.
    pub fn act(
        &mut self,
        now: UtcNs,
        action: &Action,
        (cause, subject): (Cause, &Subject),
    ) -> Result<(), ActionError> {
        self.run_due(now);
        let done = self.carry_out(now, action, subject);
        self.note_act(now, (cause, subject), done.is_ok());
        self.run_script(now);
        self.flush(now);
        done
    }

    /// Notes who did something, or could not.
    pub(super) fn note_act(&mut self, now: UtcNs, (cause, subject): (Cause, &Subject), fired: bool) {
        let (on, seed) = (subject.text(), self.faults.seed());
        self.faults.note(Decision { at: now, cause, on, seed, drawn_from: None, draw: None, fired });
    }

    pub(super) fn carry_out(
        &mut self,
        now: UtcNs,
        action: &Action,
        subject: &Subject,
    ) -> Result<(), ActionError> {
        match action {
            Action::SetPrice { symbol, market } => {
                let con_id = self.listed(symbol)?;
                let quote = self.market_of(con_id, market)?;
                self.apply(now, VenueInput::SetQuote { con_id, quote });
            }
            Action::ReleasePrice { symbol } => {
                let con_id = self.listed(symbol)?;
                self.apply(now, VenueInput::Release { con_id });
            }
            Action::SetReject { symbol, reason } => {
                let con_id = self.listed(symbol)?;
                self.apply(now, VenueInput::SetReject { con_id, reason: reason.clone() });
            }
            Action::Inject(fault) => self.inject(now, fault.clone()),
            Action::ClearFaults(None) => self.clear_faults(now),
            Action::ClearFaults(Some(knob)) => {
                if !self.clear_fault(now, *knob) {
                    let what = format!("no fault {:?} is armed", knob.row().name);
                    return Err(ActionError::new(what, "`faults` lists those that are").at("name"));
                }
            }
            Action::Order { order, what } => self.touch_order(now, order, what, subject)?,
            Action::Correct { exec_id, price, quantity } => {
                let named = exec_id.clone().or_else(|| self.execution_of(subject));
                self.correct(now, named, (*price, *quantity))?;
            }
            Action::PlaceByHand { symbol, side, quantity, limit, account } => {
                let instrument = self.listed(symbol).map(|con_id| self.instrument(con_id))?;
                let Some(instrument) = instrument else { return Err(self.unlisted(symbol)) };
                let spec = self.by_hand(&instrument, (*side, *quantity, *limit), account.as_deref())?;
                self.apply(now, VenueInput::PlaceManual { spec });
            }
            Action::Disconnect { client: None, reset } => self.cut_all(*reset),
            Action::Disconnect { client: Some(client), reset } => match self.lines.by_client.get(client) {
                Some(conn) => self.lines.cut(*conn, *reset),
                None => return Err(self.nobody(*client)),
            },
        }
        Ok(())
    }

    fn touch_order(
        &mut self,
        now: UtcNs,
        pick: &OrderPick,
        act: &OrderAct,
        subject: &Subject,
    ) -> Result<(), ActionError> {
        let key = self.pick(pick, subject)?;
        let input = match act {
            OrderAct::Fill(quantity) => VenueInput::Meddle(Meddle::Fill { key, quantity: *quantity }),
            OrderAct::Cancel => VenueInput::Cancel { key },
            OrderAct::Reject(reason) => VenueInput::Meddle(Meddle::Reject { key, reason: reason.clone() }),
            OrderAct::Expire => VenueInput::Meddle(Meddle::Expire { key }),
        };
        self.apply(now, input);
        Ok(())
    }

    /// The one working order that is meant.
    fn pick(&self, pick: &OrderPick, subject: &Subject) -> Result<OrderKey, ActionError> {
        let hint = "name it by client and order, by order_ref or by perm_id";
        let pick = match (pick.is_empty(), subject.order) {
            (true, Some(key)) => &OrderPick::key(key),
            (true, None) => return Err(ActionError::new("no order is named", hint)),
            (false, _) => pick,
        };
        let fits = |order: &OrderReport| {
            pick.client.is_none_or(|client| client == order.key.client_id)
                && pick.order.is_none_or(|id| id == order.key.order_id)
                && pick.perm_id.is_none_or(|id| id == order.perm_id)
                && pick.order_ref.as_deref().is_none_or(|mark| mark == &*order.spec.order_ref)
        };
        let mut found = self.venue.open_orders().filter(|order| fits(order)).map(|order| order.key);
        match (found.next(), found.count()) {
            (Some(key), 0) => Ok(key),
            (None, _) => Err(ActionError::new("no working order is like this", "`orders` lists them")),
            (Some(_), more) => {
                Err(ActionError::new(format!("{} working orders are like this", more + 1), hint))
            }
        }
    }

    fn correct(
        &mut self,
        now: UtcNs,
        exec_id: Option<String>,
        (price, quantity): (Option<Decimal>, Option<Decimal>),
    ) -> Result<(), ActionError> {
        let hint = "`executions` lists them by exec_id";
        let Some(exec_id) = exec_id else {
            return Err(ActionError::new("no execution is named", hint).at("exec_id"));
        };
        let base = |id: &str| id.rsplit_once('.').map_or(id.to_owned(), |(base, _)| base.to_owned());
        let is_it = |it: &Execution| base(&it.exec_id) == base(&exec_id);
        let Some(old) = self.venue.executions().rev().find(|it| is_it(it)) else {
            return Err(ActionError::new(format!("there is no execution {exec_id:?}"), hint).at("exec_id"));
        };
        let (price, quantity) = (price.unwrap_or(old.price), quantity.unwrap_or(old.quantity));
        self.apply(now, VenueInput::Correct { exec_id, price, quantity });
        Ok(())
    }

    /// The execution that an event was about, or the latest of its order.
    fn execution_of(&self, subject: &Subject) -> Option<String> {
        let latest =
            |key| self.venue.executions().rev().find(|it| it.key == key).map(|it| it.exec_id.clone());
        subject.exec_id.clone().or_else(|| subject.order.and_then(latest))
    }

    /// A person's order: the fields that a person sees.
    fn by_hand(
        &self,
        instrument: &Instrument,
        (side, quantity, limit): (Side, Decimal, Option<Decimal>),
        account: Option<&str>,
    ) -> Result<OrderSpec, ActionError> {
        let known = || self.venue.accounts().map(|account| &account.id);
        let mut found = known().filter(|id| account.is_none_or(|named| named == &***id));
        let Some(account) = found.next() else {
            let listed: Vec<&str> = known().map(|id| &**id).collect();
            let hint = format!("there are {}", listed.join(", "));
            let what = format!("there is no account {:?}", account.unwrap_or_default());
            return Err(ActionError::new(what, hint).at("account"));
        };
        Ok(OrderSpec {
            con_id: instrument.con_id,
            exchange: instrument.exchange.as_str().into(),
            account: account.clone(),
            side,
            quantity,
            kind: limit.map_or(OrderKind::Market, |limit| OrderKind::Limit { limit }),
            tif: TimeInForce::Day,
            order_ref: "".into(),
            parent_id: 0,
            transmit: true,
            outside_rth: false,
            extra: None,
            carried: [].into(),
        })
    }

    fn market_of(&self, con_id: ConId, market: &MarketSpec) -> Result<Quote, ActionError> {
        let Some(instrument) = self.venue.instrument(con_id) else {
            return Err(ActionError::new("there is no such instrument", "`prices` lists them"));
        };
        market.checked(instrument)
    }

    fn listed(&self, symbol: &str) -> Result<ConId, ActionError> {
        self.con_id_of(symbol).ok_or_else(|| self.unlisted(symbol))
    }

    fn unlisted(&self, symbol: &str) -> ActionError {
        let names: Vec<&str> = self.venue.instruments().map(|it| it.local_symbol.as_str()).collect();
        let hint = match nearest(symbol, names.iter().copied()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("listed are {}", names.join(", ")),
        };
        ActionError::new(format!("{symbol:?} is not listed here"), hint).at("symbol")
    }

    fn nobody(&self, client: i32) -> ActionError {
        let mut clients: Vec<i32> = self.lines.by_client.keys().copied().collect();
        clients.sort_unstable();
        let listed: Vec<String> = clients.iter().map(i32::to_string).collect();
        let hint = match listed.is_empty() {
            true => "nobody is connected".to_owned(),
            false => format!("connected are {}", listed.join(", ")),
        };
        ActionError::new(format!("client {client} is not connected"), hint).at("client")
    }
}

impl Instrument {
    /// That this is a price of it, which stands under a key.
    pub(crate) fn check_price(&self, key: &str, price: Decimal) -> Result<(), ActionError> {
        let what = format!("{price} is no price of {}", self.local_symbol);
        if price <= Decimal::ZERO && self.sec_type != SecType::Future {
            return Err(ActionError::new(what, "only futures have prices of zero or less").at(key));
        }
        if self.on_grid(price) {
            return Ok(());
        }
        let hint = format!("its prices are multiples of {}", self.increment_at(price));
        Err(ActionError::new(what, hint).at(key))
    }
}

impl MarketSpec {
    /// The whole market of an instrument, if these are prices of it.
    pub(crate) fn checked(&self, instrument: &Instrument) -> Result<Quote, ActionError> {
        for (key, side) in [("bid", self.bid), ("ask", self.ask)] {
            if let SideSpec::At(price) = side {
                instrument.check_price(key, price)?;
            }
        }
        Ok(self.quote(instrument))
    }

    /// The whole market of an instrument.
    fn quote(&self, instrument: &Instrument) -> Quote {
        let (bid, ask) = match (self.bid, self.ask) {
            (SideSpec::At(bid), SideSpec::At(ask)) => (Some(bid), Some(ask)),
            (SideSpec::At(bid), SideSpec::Unsaid) => (Some(bid), Some(bid + instrument.increment_at(bid))),
            (SideSpec::At(bid), SideSpec::Nobody) => (Some(bid), None),
            (SideSpec::Unsaid, SideSpec::At(ask)) => (Some(ask - instrument.increment_at(ask)), Some(ask)),
            (SideSpec::Nobody, SideSpec::At(ask)) => (None, Some(ask)),
            (SideSpec::Unsaid | SideSpec::Nobody, SideSpec::Unsaid | SideSpec::Nobody) => (None, None),
        };
        let size = |given: Option<Decimal>| given.unwrap_or(instrument.display_size);
        let (bid_size, ask_size) = (size(self.bid_size), size(self.ask_size));
        Quote {
            bid,
            ask,
            last: self.last.or(bid).or(ask),
            bid_size,
            ask_size,
            last_size: bid_size.min(Decimal::ONE_HUNDRED),
        }
    }
}
