//! The last look: between a decision and the wire lies a sync, and the world may have moved.

use std::time::Duration;

use alphec_model::broker::{LinkState, Ticket};
use alphec_model::{BrokerRequest, DenyReason, Order, OrderState, UtcNanos, planted};

use crate::config::Mode;
use crate::machine::Core;

/// A decision this old is not sent: its price was judged by a market that is gone.
pub(crate) const SEND_WITHIN: Duration = Duration::from_secs(2);

impl Core {
    /// Whether a request that was decided may still leave now. Cancels and questions always may.
    ///
    /// # Errors
    /// Why not; the request is then given back as never written.
    pub fn last_look(&self, now: UtcNanos, request: &BrokerRequest) -> Result<(), String> {
        if planted::is("nothing-is-looked-at-twice") {
            return Ok(());
        }
        let ticket = match request {
            BrokerRequest::Place(ticket) => {
                self.is_still_to_be_placed(ticket)?;
                ticket
            }
            BrokerRequest::Replace(ticket) => {
                self.is_still_to_be_changed(ticket)?;
                ticket
            }
            _ => return Ok(()),
        };
        if let Some(reason) = self.not_ready(now) {
            return Err(reason.to_string());
        }
        if ticket.generation != self.generation() {
            return Err("it was decided for an earlier connection".to_owned());
        }
        self.still_priced(now, ticket)?;
        if now > ticket.send_by {
            let late = now.since(ticket.send_by);
            return Err(format!("it was to be sent {} ms ago, too long", late.as_millis()));
        }
        Ok(())
    }

    /// What it was judged by must still count as the market.
    fn still_priced(&self, now: UtcNanos, ticket: &Ticket) -> Result<(), String> {
        let quote = self.quote(&ticket.instrument).ok_or("there is no quote any more")?;
        let allowed = self.config.limits_for(&ticket.instrument).max_quote_age_ms;
        let age = now.since(quote.at);
        if age <= allowed {
            Ok(())
        } else {
            Err(format!("the quote it was judged by is {} ms old", age.as_millis()))
        }
    }

    fn is_still_to_be_placed(&self, ticket: &Ticket) -> Result<(), String> {
        let order = self.ticketed(ticket)?;
        if let Some(gone) = self.ended_leg(order) {
            return Err(format!("its group is not whole: order {} is {}", gone.client_order_id, gone.state));
        }
        match order.state {
            OrderState::PendingNew => Ok(()),
            state => Err(format!("the order is {state} by now")),
        }
    }

    /// A leg of the order's group that is over before this one was sent.
    fn ended_leg(&self, order: &Order) -> Option<&Order> {
        order.leg.as_ref()?;
        let legs = self.book.legs_of(self.book.ix_of(&order.client_order_id)?);
        let orders = legs.into_iter().filter_map(|ix| self.book.entry(ix)).map(|entry| &entry.order);
        orders.into_iter().find(|leg| leg.state.is_terminal() && leg.client_order_id != order.client_order_id)
    }

    fn is_still_to_be_changed(&self, ticket: &Ticket) -> Result<(), String> {
        let order = self.ticketed(ticket)?;
        match &order.pending.replace {
            Some(replace) if order.state == OrderState::Working && replace.spec == ticket.spec => Ok(()),
            _ => Err("the change is not wanted any more".to_owned()),
        }
    }

    /// The order behind a ticket; one that a cancel was asked for goes nowhere any more.
    fn ticketed(&self, ticket: &Ticket) -> Result<&Order, String> {
        let order = self
            .book
            .ix_by_broker_id(ticket.broker_order_id)
            .and_then(|ix| self.book.entry(ix))
            .map(|entry| &entry.order)
            .ok_or("no such order")?;
        if let Some(why) = self.book.halt_on(&order.account, &order.strategy_id, &order.instrument) {
            return Err(DenyReason::Halted { reason: why }.to_string());
        }
        let is_broken =
            self.book.exposure_ref(&order.account, &order.instrument).is_some_and(|it| it.broken.is_some());
        if is_broken && !planted::is("a-break-freezes-nothing") {
            return Err("the instrument is frozen: our position and the broker's differ".to_owned());
        }
        match order.pending.cancel_asked_at {
            Some(_) => Err("a cancel was asked for first".to_owned()),
            None => Ok(order),
        }
    }

    /// Why nothing new may be sent now, if so.
    pub(crate) fn not_ready(&self, now: UtcNanos) -> Option<DenyReason> {
        let readiness = self.readiness();
        if let Some(reason) = readiness.halted {
            return Some(DenyReason::Halted { reason });
        }
        if let Some(why_not) = readiness.journal_trouble {
            return Some(DenyReason::Journal { why_not });
        }
        if readiness.stopping {
            return Some(DenyReason::NotReady { state: "stopping".to_owned() });
        }
        let restart = self.config.restarting_until(now);
        if let Some(until) = restart.filter(|_| !planted::is("the-restart-window-is-open")) {
            let state = format!("the gateway's restart window lasts until {until}");
            return Some(DenyReason::NotReady { state });
        }
        if self.is_unarmed(now) {
            let state = "the live arming has expired; arm again";
            return Some(DenyReason::NotReady { state: state.to_owned() });
        }
        if let Some(state) = readiness.refused {
            return Some(DenyReason::NotReady { state });
        }
        let is_up = matches!(readiness.link, LinkState::Ready);
        (!is_up).then(|| DenyReason::NotReady { state: format!("the link is {}", readiness.link) })
    }

    /// Live trading without a permission that still lasts.
    fn is_unarmed(&self, now: UtcNanos) -> bool {
        match self.config.mode {
            Mode::Paper => false,
            Mode::Live => self.config.armed_until.is_none_or(|until| until <= now),
        }
    }
}
