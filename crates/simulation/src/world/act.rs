//! Doing what the plan says.

use std::sync::Arc;

use alphec_engine::StopPolicy;
use alphec_model::{
    CancelScope, Command, CorrelationId, Decimal, GroupKind, GroupRequest, ModifyRequest, OrderRequest,
    OrderSpec, OrderType, Price, Side, StrategyId, TimeInForce, Trail, UtcNanos,
};
use alphec_twsim::venue::{self, OrderKind, Quote, VenueInput};

use super::{Restart, World};
use crate::clock::{Instant, SECOND};
use crate::net::Latency;
use crate::plan::{Act, Kind, Life, NewOrder, Scope};
use crate::profile::{self, LISTED, Listed};
use crate::sight::Sight;

impl World {
    pub(super) fn act(&mut self, act: Act) {
        if let Some(group) = act.group() {
            *self.tally.faults.entry(group).or_default() += 1;
        }
        match act {
            Act::Market { instrument, ticks, spread, size } => {
                self.move_market(instrument, ticks, spread, size)
            }
            Act::ManualOrder { instrument, is_buy, qty, away } => {
                self.type_order(instrument, is_buy, qty, away);
            }
            Act::TradeElsewhere { instrument, qty } => self.trade_elsewhere(instrument, qty),
            Act::Gateway(text) => self.inject(&text),
            Act::GatewayHeals => self.desk.clear_faults(self.now),
            Act::Disk(mood) => self.disk.set_mood(mood),
            Act::Rot { down, thousandths, bit } => {
                self.crash(down, (0, 0));
                if self.process.is_none() {
                    self.disk.rot(thousandths, bit);
                }
            }
            Act::Latency { from, to } => self.latency = Latency { from, to },
            Act::BlackHole { notices_after } => {
                let gone_at = self.now.saturating_add(notices_after);
                if let Some(line) = self.line_mut() {
                    line.lose_all();
                    (line.is_hole, line.gone_at) = (true, Some(gone_at));
                }
            }
            Act::Cut => self.cut(),
            Act::Crash { down, skew, drift } => self.crash(down, (skew, drift)),
            Act::Pause { span } => self.pause(span),
            Act::Step { by } => {
                if let Some(process) = &self.process {
                    process.clock.step(by);
                }
            }
            Act::Sleep { span } => {
                if let Some(process) = self.process.as_ref().filter(|it| it.paused_until <= self.now) {
                    // Whoever heals the world does not wake it.
                    let over = self.plan.setup.start.saturating_add(self.plan.setup.day);
                    let span = span.min(over.saturating_sub(self.now)).max(0);
                    process.clock.sleep(span);
                    self.pause(span);
                }
            }
            Act::Stop { cancels, down } => self.stop(cancels, down),
            Act::Abandon => {
                if let Some(process) = &mut self.process {
                    process.abandon();
                }
            }
            act => self.call(&act),
        }
    }

    /// The process stands still; a shorter pause does not wake it from a longer one.
    fn pause(&mut self, span: Instant) {
        let until = self.now.saturating_add(span);
        if let Some(process) = &mut self.process {
            process.paused_until = until.max(process.paused_until);
        }
    }

    /// What is in flight still is asked for again, as a strategy does that wants it: whether there was any.
    pub(super) fn change_again(&mut self) -> bool {
        let Some(process) = &self.process else { return false };
        let live = process.engine.core().book().live_orders();
        let again: Vec<Command> = live
            .filter_map(|order| {
                let spec = order.pending.replace.as_ref()?.spec.clone();
                let client_order_id = order.client_order_id.clone();
                let correlation_id = profile::literal("again");
                Some(Command::Modify(ModifyRequest { client_order_id, correlation_id, spec }))
            })
            .collect();
        let is_any = !again.is_empty();
        if is_any {
            self.tally.saw("lost change made again");
        }
        again.iter().for_each(|command| self.give(command));
        is_any
    }

    /// What callers do.
    fn call(&mut self, act: &Act) {
        if let Some(command) = self.command(act) {
            self.give(&command);
        }
    }

    fn give(&mut self, command: &Command) {
        let Some(process) = &mut self.process else { return };
        let (key, what) = match command {
            Command::Submit(request) => (Some(&request.client_order_id), "asked: again"),
            Command::Modify(request) => (Some(&request.client_order_id), "asked: change"),
            Command::Cancel { client_order_id, .. } => (Some(client_order_id), "asked: cancel"),
            Command::Settle { client_order_id, .. } => (Some(client_order_id), "asked: settle"),
            _ => (None, ""),
        };
        if let Some(order) = key.and_then(|key| process.engine.core().book().order(key)) {
            *self.tally.edges.entry((order.state.as_str(), what)).or_default() += 1;
        }
        if process.command(command.clone()) {
            self.see(&Sight::Asked(command));
        }
    }

    fn command(&mut self, act: &Act) -> Option<Command> {
        let (by, reason) = ("operator".to_owned(), "drill".to_owned());
        let correlation_id: CorrelationId = profile::literal("sim");
        Some(match *act {
            Act::Submit(new) => Command::Submit(self.new_order(new)?),
            Act::Bracket { entry, profit, loss } => Command::SubmitGroup(self.bracket(entry, profit, loss)?),
            Act::OneCancelsAll { first, legs } => Command::SubmitGroup(self.one_cancels_all(first, legs)?),
            Act::Again { back, is_other } => {
                let mut request = self.earlier(back)?.clone();
                if is_other {
                    request.spec.order_qty = request.spec.order_qty.checked_add(profile::qty(1))?;
                }
                Command::Submit(request)
            }
            Act::Modify { back, qty, ticks } => Command::Modify(self.change(back, qty, ticks)?),
            Act::Cancel { back } => {
                let client_order_id = self.earlier(back)?.client_order_id.clone();
                Command::Cancel { client_order_id, correlation_id }
            }
            Act::CancelAll(scope) => Command::CancelAll { scope: reach(scope), correlation_id },
            Act::GlobalCancel => Command::GlobalCancel { by, reason, correlation_id },
            Act::Halt => Command::Halt { by, reason },
            Act::Kill(scope) => Command::Kill { scope: reach(scope), by, reason, correlation_id },
            Act::Resume(scope) => Command::Resume { scope: reach(scope), by, reason },
            Act::Settle { back } => {
                let client_order_id = self.earlier(back)?.client_order_id.clone();
                self.is_over_at_the_broker(&client_order_id)?;
                Command::Settle { client_order_id, by, reason }
            }
            Act::AcceptPosition { instrument } => {
                let instrument = profile::literal(self.listed(instrument)?.name);
                Command::AcceptPosition { account: profile::account(), instrument, by, reason }
            }
            _ => return None,
        })
    }

    fn earlier(&self, back: usize) -> Option<&OrderRequest> {
        let last = self.submitted.len().checked_sub(1)?;
        self.submitted.get(last.saturating_sub(back))
    }

    /// An operator settles only what is really over: that is what they look up at the broker.
    fn is_over_at_the_broker(&self, key: &alphec_model::ClientOrderId) -> Option<()> {
        let process = self.process.as_ref()?;
        let order_ref = process.engine.core().book().order(key)?.order_ref.clone()?;
        let works = self.desk.venue().open_orders().any(|order| *order.spec.order_ref == *order_ref.as_str());
        (!works).then_some(())
    }

    fn listed(&self, instrument: u8) -> Option<&'static Listed> {
        LISTED.get(usize::from(instrument)).filter(|_| instrument < self.plan.setup.instruments)
    }

    fn quote(&self, listed: &Listed) -> Option<(Decimal, Decimal)> {
        let quote = self.desk.quote(listed.con_id)?;
        Some((quote.bid?, quote.ask?))
    }

    fn new_order(&mut self, new: NewOrder) -> Option<OrderRequest> {
        let listed = self.listed(new.instrument)?;
        let (bid, ask) = self.quote(listed)?;
        let side = if new.is_buy { Side::Buy } else { Side::Sell };
        let away = listed.tick.checked_mul(Decimal::from(new.away))?;
        let below = |px: Decimal| if new.is_buy { px.checked_sub(away) } else { px.checked_add(away) };
        let beyond = |px: Decimal| if new.is_buy { px.checked_add(away) } else { px.checked_sub(away) };
        let touch = if new.is_buy { bid } else { ask };
        let far = if new.is_buy { ask } else { bid };
        let px = |px: Option<Decimal>| Price::new(px?).ok();
        let order_type = match new.kind {
            Kind::Market => OrderType::Market,
            Kind::Limit => OrderType::Limit { limit_px: px(below(touch))? },
            Kind::Stop => OrderType::Stop { stop_px: px(beyond(far))? },
            Kind::StopLimit => OrderType::StopLimit { stop_px: px(beyond(far))?, limit_px: px(beyond(far))? },
            Kind::Trail => {
                let by = listed.tick.checked_mul(Decimal::from(new.away.max(1)))?;
                OrderType::TrailingStop { trail: Trail::Amount { amount: px(Some(by))? } }
            }
        };
        let time_in_force = match new.life {
            Life::Day => TimeInForce::Day,
            Life::Gtc => TimeInForce::Gtc,
            Life::Gtd(after) => {
                let at = self.now.saturating_add(after.saturating_mul(SECOND));
                TimeInForce::Gtd { expire_at: UtcNanos::from_nanos(at / SECOND * SECOND) }
            }
            Life::Ioc => TimeInForce::Ioc,
            Life::Fok => TimeInForce::Fok,
        };
        let spec = OrderSpec::new(side, profile::qty(new.qty), order_type).ok()?;
        let request = OrderRequest {
            client_order_id: Self::key(self.submitted.len()),
            strategy_id: strategy(new.strategy),
            correlation_id: profile::literal("sim"),
            account: profile::account(),
            instrument: profile::literal(listed.name),
            spec: spec.with_time_in_force(time_in_force),
            when_in_doubt: new.doubt,
        };
        Some(self.remember(request))
    }

    fn remember(&mut self, request: OrderRequest) -> OrderRequest {
        self.submitted.push(request.clone());
        self.tally.orders += 1;
        request
    }

    fn bracket(&mut self, entry: NewOrder, profit: i64, loss: i64) -> Option<GroupRequest> {
        let listed = self.listed(entry.instrument)?;
        let (bid, ask) = self.quote(listed)?;
        let away = |ticks: i64| {
            let by = listed.tick.checked_mul(Decimal::from(ticks))?;
            let px = if entry.is_buy { ask.checked_add(by)? } else { bid.checked_sub(by)? };
            Price::new(px).ok().filter(|_| ticks != 0)
        };
        let entry = self.new_order(entry)?;
        let group = GroupRequest::bracket(&entry, away(profit), away(loss.saturating_neg())).ok()?;
        for exit in group.orders.iter().skip(1) {
            self.remember(exit.clone());
        }
        self.tally.saw("group");
        Some(group)
    }

    fn one_cancels_all(&mut self, first: NewOrder, legs: i64) -> Option<GroupRequest> {
        let leg = |nth: i64| NewOrder { away: first.away.saturating_add(nth.saturating_mul(3)), ..first };
        let orders: Option<Vec<OrderRequest>> = (0..legs).map(|nth| self.new_order(leg(nth))).collect();
        self.tally.saw("group");
        Some(GroupRequest { kind: GroupKind::OneCancelsAll, orders: orders? })
    }

    /// New terms for an order as it stands.
    fn change(&self, back: usize, qty: i64, ticks: i64) -> Option<ModifyRequest> {
        let request = self.earlier(back)?;
        let known = self.process.as_ref()?.engine.core().book().order(&request.client_order_id);
        let mut spec = known.map_or(&request.spec, |order| &order.spec).clone();
        let listed = LISTED.iter().find(|listed| listed.name == request.instrument.as_str())?;
        let by = listed.tick.checked_mul(Decimal::from(ticks))?;
        let moved = |px: Price| Price::new(px.get().checked_add(by)?).ok();
        spec.order_qty = profile::qty(qty);
        spec.order_type = match spec.order_type {
            OrderType::Limit { limit_px } => OrderType::Limit { limit_px: moved(limit_px)? },
            OrderType::Stop { stop_px } => OrderType::Stop { stop_px: moved(stop_px)? },
            OrderType::StopLimit { stop_px, limit_px } => {
                OrderType::StopLimit { stop_px: moved(stop_px)?, limit_px: moved(limit_px)? }
            }
            other => other,
        };
        Some(ModifyRequest {
            client_order_id: request.client_order_id.clone(),
            correlation_id: profile::literal("sim"),
            spec,
        })
    }

    fn move_market(&mut self, instrument: u8, ticks: i64, spread: i64, size: i64) {
        let Some(listed) = self.listed(instrument) else { return };
        let Some(quote) = self.desk.quote(listed.con_id) else { return };
        let start = quote.bid.or(quote.last).unwrap_or(Decimal::ONE_HUNDRED);
        let moved = |by: i64| start + listed.tick * Decimal::from(by);
        let floor = listed.tick * Decimal::from(1_000);
        let bid = if moved(ticks) > floor { moved(ticks) } else { start };
        let ask = bid + listed.tick * Decimal::from(spread);
        let quote = Quote::new(bid, ask, Decimal::from(size));
        self.desk.control(self.now, VenueInput::SetQuote { con_id: listed.con_id, quote });
    }

    fn type_order(&mut self, instrument: u8, is_buy: bool, qty: i64, away: i64) {
        let Some((listed, (bid, ask))) = self.listed(instrument).and_then(|it| Some((it, self.quote(it)?)))
        else {
            return;
        };
        let by = listed.tick * Decimal::from(away);
        let limit = if is_buy { bid - by } else { ask + by };
        let spec = venue::OrderSpec {
            con_id: listed.con_id,
            exchange: "SMART".into(),
            account: profile::ACCOUNT.into(),
            side: if is_buy { venue::Side::Buy } else { venue::Side::Sell },
            quantity: Decimal::from(qty),
            kind: OrderKind::Limit { limit },
            tif: venue::TimeInForce::Day,
            order_ref: "".into(),
            parent_id: 0,
            transmit: true,
            outside_rth: false,
            extra: None,
            carried: Arc::from([].as_slice()),
        };
        self.desk.control(self.now, VenueInput::PlaceManual { spec });
    }

    fn trade_elsewhere(&mut self, instrument: u8, qty: i64) {
        let Some(listed) = self.listed(instrument) else { return };
        let (account, quantity) = (profile::ACCOUNT.to_owned(), Decimal::from(qty));
        let trade = venue::Meddle::TradeElsewhere { account, con_id: listed.con_id, quantity };
        self.tally.saw("trade elsewhere");
        self.desk.control(self.now, VenueInput::Meddle(trade));
    }

    fn inject(&mut self, text: &str) {
        match text.parse() {
            Ok(fault) => self.desk.inject(self.now, fault),
            Err(error) => self.fail(0, format!("a plan names a fault that is none: {error}")),
        }
    }

    /// The line is cut: what is on its way is lost, and both ends hear of it.
    fn cut(&mut self) {
        let Some(line) = self.line_mut() else { return };
        line.lose_all();
        let now = self.now;
        let latency = self.latency.draw(&mut self.dice);
        if let Some(line) = self.line_mut() {
            line.send_down(now, latency, crate::net::Down::End);
        }
        if let Some(conn) = self.line {
            self.desk.closed(conn);
        }
    }

    /// The process is killed; its machine may come back with another idea of the time.
    pub(super) fn crash(&mut self, down: Instant, (skew, drift): (i64, i64)) {
        if self.process.take().is_none() {
            return;
        }
        self.hang_up();
        self.disk.crash();
        self.see(&Sight::Died);
        self.restart = Some(Restart { at: self.now.saturating_add(down), skew, drift });
    }

    /// The process is told to stop. What it does after its last cancels is answered is left out: it ends there
    /// as if killed, so that its last record may be missing.
    fn stop(&mut self, cancels: bool, down: Instant) {
        let policy = if cancels { StopPolicy::Cancel } else { StopPolicy::Keep };
        if let Some(process) = &mut self.process {
            drop(process.engine.stop(policy, std::time::Duration::from_secs(3)));
            process.stops_for = Some(down);
        }
    }
}

fn strategy(number: u8) -> StrategyId {
    profile::literal(&format!("s{number}"))
}

fn reach(scope: Scope) -> CancelScope {
    match scope {
        Scope::All => CancelScope::All,
        Scope::Account => CancelScope::Account { account: profile::account() },
        Scope::Strategy(number) => CancelScope::Strategy { strategy_id: strategy(number) },
        Scope::Instrument(at) => {
            let name = LISTED.get(usize::from(at)).map_or("AAPL", |listed| listed.name);
            CancelScope::Instrument { instrument: profile::literal(name) }
        }
    }
}
