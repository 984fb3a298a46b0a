//! The gate: every rule in one fixed order, failing closed, on new orders and on changes alike.
//!
//! It judges the worst case: the position if every live and in-doubt order on one side filled,
//! plus this one. Anything it needs and does not have denies. It never judges a cancel.

mod exact;
mod exposure;

use alphec_model::{
    AccountId, Check, Decimal, DenyReason, Instrument, InstrumentId, Limits, Order, OrderRequest, OrderSpec,
    OrderType, Price, Qty, Quote, Rule, Side, StrategyId, UtcNanos, Verdict, exact_mul, planted,
};

use crate::book::Exposure;
use crate::config::Mode;
use crate::machine::Turn;
use crate::orders::sent_replace;
use crate::session::Priced;

/// What is judged: a new order, or new terms for a live one.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) instrument: &'a InstrumentId,
    pub(crate) strategy_id: &'a StrategyId,
    pub(crate) spec: &'a OrderSpec,
    /// The order itself, when its exposure is reserved already.
    pub(crate) replaces: Option<&'a Order>,
    /// The terms that the broker has now, when this is a change.
    pub(crate) in_force: Option<&'a OrderSpec>,
    /// Of an order that is placed again, the attempt before may show up after all.
    is_second_attempt: bool,
    /// What another exit of the same entry reserves already: only one of them fills.
    covered: Decimal,
}

impl<'a> Candidate<'a> {
    pub(crate) const fn new_order(request: &'a OrderRequest) -> Self {
        Self {
            account: &request.account,
            instrument: &request.instrument,
            strategy_id: &request.strategy_id,
            spec: &request.spec,
            replaces: None,
            in_force: None,
            is_second_attempt: false,
            covered: Decimal::ZERO,
        }
    }

    /// A new leg of a group, of whose exits this much is reserved already.
    pub(crate) const fn leg(request: &'a OrderRequest, covered: Decimal) -> Self {
        Self { covered, ..Self::new_order(request) }
    }

    /// The same, where another exit of the same entry reserves this much.
    pub(crate) const fn covered_by(self, covered: Decimal) -> Self {
        Self { covered, ..self }
    }

    pub(crate) const fn change(order: &'a Order, spec: &'a OrderSpec) -> Self {
        Self {
            account: &order.account,
            instrument: &order.instrument,
            strategy_id: &order.strategy_id,
            spec,
            replaces: Some(order),
            in_force: Some(&order.spec),
            is_second_attempt: false,
            covered: Decimal::ZERO,
        }
    }

    /// An order about to be placed again.
    pub(crate) const fn second_attempt(order: &'a Order) -> Self {
        Self { is_second_attempt: true, ..Self::release(order) }
    }

    /// A staged order about to leave: nothing of it is at the broker yet.
    pub(crate) const fn release(order: &'a Order) -> Self {
        Self { in_force: None, ..Self::change(order, &order.spec) }
    }

    /// The terms that may be in force: those that the broker took over, then those of changes sent and given up, which
    /// it may still act on. None of what the broker does not have.
    fn specs_in_force(&self) -> impl Iterator<Item = &'a OrderSpec> {
        let order = self.replaces.filter(|_| self.in_force.is_some());
        let asked = order
            .into_iter()
            .flat_map(|order| sent_replace(order).into_iter().chain(&order.pending.given_up));
        self.in_force.into_iter().chain(asked.map(|replace| &replace.spec))
    }

    /// What the order can do before, as size and worst price; nothing of what the broker does not have. A change that
    /// asks for no more than the terms that the broker took over cannot enlarge what may be in force. One that asks
    /// for more, by size or by its worst price `px`, is judged by those terms alone: it is growth, however often it was
    /// asked for.
    fn before(&self, px: Decimal, worst_px: impl Fn(&OrderSpec) -> Decimal) -> (Decimal, Decimal) {
        let asks_for_more =
            self.in_force.is_some_and(|known| self.spec.order_qty > known.order_qty || px > worst_px(known));
        let specs = self.specs_in_force().take(if asks_for_more { 1 } else { usize::MAX });
        let most = specs
            .map(|spec| (spec.order_qty, worst_px(spec)))
            .reduce(|(qty, px), (other, other_px)| (qty.max(other), px.max(other_px)));
        let filled = self.replaces.map_or(Qty::ZERO, |order| order.cum_qty);
        most.map_or((Decimal::ZERO, px), |(qty, px)| (self.beyond(qty.saturating_sub(filled).get()), px))
    }

    fn beyond(&self, leaves: Decimal) -> Decimal {
        leaves.saturating_sub(self.covered).max(Decimal::ZERO)
    }

    /// The most this can still fill: of a change, the worse of both versions.
    fn worst_leaves(&self) -> Decimal {
        match self.replaces {
            None => self.beyond(self.spec.order_qty.get()),
            Some(order) => {
                let worst = order.leaves_at(self.spec.order_qty).max(order.worst_leaves_qty()).get();
                self.beyond(if self.is_second_attempt { worst.saturating_mul(Decimal::TWO) } else { worst })
            }
        }
    }
}

/// What the numeric rules share once the first ones have passed.
pub(crate) struct Scene<'a> {
    pub(crate) candidate: &'a Candidate<'a>,
    pub(crate) instrument: &'a Instrument,
    pub(crate) limits: &'a Limits,
    pub(crate) quote: Quote,
    pub(crate) reference_px: Decimal,
    /// Worst price the order can count at: the reference, or its own price when that is worse.
    pub(crate) worst_px: Decimal,
    /// Everything else live in this instrument.
    pub(crate) others: Exposure,
    pub(crate) worst_leaves: Decimal,
    /// The worst price of any version of it that may be in force.
    pub(crate) px_after: Decimal,
    /// Worst price and size of the order before it, when this is a change.
    pub(crate) px_before: Decimal,
    pub(crate) leaves_before: Decimal,
}

/// Messages remembered for the message rate: far above any rate that the broker takes.
const SENT_MAX: usize = 10_000;

type Judged = Result<(), DenyReason>;

impl Turn<'_> {
    /// Judges, and leaves the inputs it judged by in the verdict.
    pub(crate) fn judge(&self, candidate: &Candidate<'_>) -> Verdict {
        let mut verdict = Verdict { checks: Vec::with_capacity(9), ..Verdict::default() };
        verdict.denied = self.judge_into(candidate, &mut verdict).err();
        verdict
    }

    fn judge_into(&self, candidate: &Candidate<'_>, verdict: &mut Verdict) -> Judged {
        if candidate.in_force.is_some() && planted::is("a-change-skips-the-gate") {
            return Ok(());
        }
        if let Some(reason) = self.not_ready() {
            return Err(reason);
        }
        let halt = self.core.book.halt_on(candidate.account, candidate.strategy_id, candidate.instrument);
        if let Some(reason) = halt {
            return Err(DenyReason::Halted { reason });
        }
        self.allowed_account(candidate.account)?;
        let instrument = self.allowed_instrument(candidate)?;
        candidate.spec.check(instrument, self.now).map_err(|error| DenyReason::Terms { error })?;
        let limits = self.core.config.limits_for(candidate.instrument);
        max_order_qty(candidate, limits, verdict)?;
        let scene = self.scene(candidate, instrument, limits)?;
        verdict.quote = Some(scene.quote);
        verdict.position = Some(scene.others.position);
        price_collar(&scene, verdict)?;
        self.order_notional(&scene, verdict)?;
        max_position(&scene, verdict)?;
        max_open_orders(&scene, verdict)?;
        self.account_exposure(&scene, verdict)?;
        self.message_rate(limits, verdict)?;
        if candidate.in_force.is_none() && self.core.book.next_broker_id().get() == i32::MAX {
            let state = "the order ids of this client id are used up; begin a new journal under another one";
            return Err(DenyReason::NotReady { state: state.to_owned() });
        }
        let is_full = candidate.replaces.is_none() && self.core.book.len() >= self.core.config.orders_max;
        match is_full {
            true => Err(DenyReason::Journal { why_not: "the book is full; start a new journal".to_owned() }),
            false => Ok(()),
        }
    }

    /// Why nothing new may be sent now, if so. The last look before the wire uses it too.
    pub(crate) fn not_ready(&self) -> Option<DenyReason> {
        self.core.not_ready(self.now)
    }

    fn allowed_account(&self, account: &AccountId) -> Judged {
        let is_paper = account.as_str().starts_with('D');
        let fits_mode = match self.core.config.mode {
            Mode::Paper => is_paper,
            Mode::Live => !is_paper,
        };
        if self.core.config.accounts.contains(account) && fits_mode {
            Ok(())
        } else {
            Err(DenyReason::AccountNotAllowed { account: account.clone() })
        }
    }

    fn allowed_instrument(&self, candidate: &Candidate<'_>) -> Result<&Instrument, DenyReason> {
        let id = candidate.instrument;
        let refuse = |why_not: String| DenyReason::InstrumentNotAllowed { instrument: id.clone(), why_not };
        let Some(instrument) = self.core.config.instruments.get(id) else {
            return Err(refuse("it is not in this profile's instruments".to_owned()));
        };
        if let Some(why) = self.core.session.unknown_instruments.get(id) {
            return Err(refuse(format!("the broker does not know it: {why}")));
        }
        if instrument.con_id().is_none() {
            return Err(refuse("the broker has not confirmed its contract yet".to_owned()));
        }
        let is_broken = self.core.book.exposure(candidate.account, id).broken.is_some();
        if is_broken && !planted::is("a-break-freezes-nothing") {
            return Err(refuse("frozen: our position and the broker's differ".to_owned()));
        }
        Ok(instrument)
    }

    fn scene<'a>(
        &self,
        candidate: &'a Candidate<'a>,
        instrument: &'a Instrument,
        limits: &'a Limits,
    ) -> Result<Scene<'a>, DenyReason> {
        let priced = self.core.session.quotes.get(candidate.instrument);
        let priced = self.priced(priced, candidate.instrument, limits, &Rule::PriceCollar)?;
        let quote = priced.quote;
        let reference_px = priced.reference_px.unwrap_or_default();
        let worst_px_of = |spec: &OrderSpec| worst_px(spec, &quote, reference_px);
        let px = worst_px_of(candidate.spec);
        let (leaves_before, px_before) = candidate.before(px, worst_px_of);
        let px_after = candidate.specs_in_force().map(worst_px_of).fold(px, Decimal::max);
        let exposure = self.core.book.exposure(candidate.account, candidate.instrument);
        let others = match candidate.replaces {
            Some(order) => exposure.without(order, self.core.book.reserved_by(order)),
            None => exposure,
        };
        Ok(Scene {
            candidate,
            instrument,
            limits,
            quote,
            reference_px,
            worst_px: px,
            others,
            worst_leaves: candidate.worst_leaves(),
            px_after,
            px_before,
            leaves_before,
        })
    }

    /// The market of one instrument, fresh and with a price to judge by.
    pub(crate) fn priced<'b>(
        &self,
        priced: Option<&'b Priced>,
        id: &InstrumentId,
        limits: &Limits,
        rule: &Rule,
    ) -> Result<&'b Priced, DenyReason> {
        let missing =
            |what: &str| DenyReason::Missing { rule: rule.clone(), what: format!("{what} of {id}") };
        let priced = priced.ok_or_else(|| missing("a quote"))?;
        let at = priced.quote.at;
        fresh(at, self.now, limits.max_quote_age_ms, || (rule.clone(), format!("the quote of {id}")))?;
        priced.reference_px.ok_or_else(|| missing("a reference price"))?;
        Ok(priced)
    }

    /// What another exit of the same entry reserves already.
    pub(crate) fn covered(&self, order: &Order) -> Decimal {
        let ix = self.core.book.ix_of(&order.client_order_id);
        self.core.book.largest_exit(order.leg.as_ref(), ix)
    }

    fn order_notional(&self, scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
        let rule = Rule::MaxOrderNotional;
        let rate = self.rates(scene.candidate.account, &rule)?.of(scene.instrument.currency(), &rule)?;
        let qty = scene.candidate.spec.order_qty.get();
        let notional = value(qty, scene.worst_px, scene.instrument, rate, &rule)?;
        within(verdict, rule, notional, scene.limits.max_order_notional)
    }

    fn message_rate(&self, limits: &Limits, verdict: &mut Verdict) -> Judged {
        let second = std::time::Duration::from_secs(1);
        let sent_at = &self.core.session.sent_at;
        let old = sent_at.iter().take_while(|at| self.now.since(**at) >= second).count();
        let sent = sent_at.len().saturating_sub(old);
        let after = Decimal::from(sent).saturating_add(Decimal::ONE);
        within(verdict, Rule::MaxMessageRate, after, Decimal::from(limits.max_messages_per_second))
    }

    /// Counts a message that goes out, cancels included.
    pub(crate) fn note_sent(&mut self) {
        let second = std::time::Duration::from_secs(1);
        let sent_at = &mut self.core.session.sent_at;
        // The second bound holds when the clock steps back and nothing seems to grow old.
        while sent_at.len() >= SENT_MAX || sent_at.front().is_some_and(|at| self.now.since(*at) >= second) {
            sent_at.pop_front();
        }
        sent_at.push_back(self.now);
    }
}

/// Judges one number and leaves it in the verdict.
pub(crate) fn within(verdict: &mut Verdict, rule: Rule, measured: Decimal, limit: Decimal) -> Judged {
    verdict.checks.push(Check { rule: rule.clone(), measured, limit });
    let limit = if planted::is("a-limit-is-off-by-one") { limit.saturating_add(Decimal::ONE) } else { limit };
    if measured > limit { Err(DenyReason::Limit { rule, measured, limit }) } else { Ok(()) }
}

pub(crate) fn fresh(
    at: UtcNanos,
    now: UtcNanos,
    allowed: std::time::Duration,
    what: impl FnOnce() -> (Rule, String),
) -> Judged {
    let age = now.since(at);
    if age <= allowed || planted::is("any-quote-is-fresh") {
        return Ok(());
    }
    let (rule, what) = what();
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Err(DenyReason::Stale { rule, what, age_ms: ms(age), limit_ms: ms(allowed) })
}

/// Size times price times multiplier times exchange rate; what has no exact value denies.
pub(crate) fn value(
    qty: Decimal,
    px: Decimal,
    instrument: &Instrument,
    rate: Decimal,
    rule: &Rule,
) -> Result<Decimal, DenyReason> {
    exact_mul(qty, px)
        .and_then(|value| exact_mul(value, instrument.multiplier()))
        .and_then(|value| exact_mul(value, rate))
        .ok_or_else(|| DenyReason::Overflow { rule: rule.clone() })
}

/// The worst price that terms can count at: the reference, or their own price when that is worse;
/// without a price of their own, the side of the market that they take.
fn worst_px(spec: &OrderSpec, quote: &Quote, reference_px: Decimal) -> Decimal {
    let own = [spec.order_type.limit_px(), spec.order_type.stop_px(), taken_px(spec, quote)];
    own.into_iter().flatten().map(|px| px.get().abs()).fold(reference_px.abs(), Decimal::max)
}

/// What a market order would pay or get now; a plain stop that the market is beyond already is one.
fn taken_px(spec: &OrderSpec, quote: &Quote) -> Option<Price> {
    let (taken, is_beyond): (_, fn(Price, Decimal) -> bool) = match spec.side {
        Side::Buy => (quote.ask, |stop, market| stop.get() <= market),
        Side::Sell => (quote.bid, |stop, market| stop.get() >= market),
    };
    match &spec.order_type {
        OrderType::Market => taken,
        OrderType::Stop { stop_px } if quote.reference_px().is_some_and(|px| is_beyond(*stop_px, px)) => {
            taken
        }
        _ => None,
    }
}

fn max_order_qty(candidate: &Candidate<'_>, limits: &Limits, verdict: &mut Verdict) -> Judged {
    if planted::is("a-limit-is-not-looked-at") {
        return Ok(());
    }
    within(verdict, Rule::MaxOrderQty, candidate.spec.order_qty.get(), limits.max_order_qty.get())
}

/// A limit price must be near the reference; that of a stop-limit near its own trigger, because
/// the market will be there when it counts; a market order's is the side of the market it takes,
/// so that a torn market denies it. A plain stop has no price to judge until the market is beyond it,
/// but no order passes without a fresh reference.
fn price_collar(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    if planted::is("the-collar-is-off") {
        return Ok(());
    }
    let spec = scene.candidate.spec;
    let Some(px) = spec.order_type.limit_px().or_else(|| taken_px(spec, &scene.quote)) else { return Ok(()) };
    let trigger = spec.order_type.stop_px().filter(|_| spec.order_type.limit_px().is_some());
    let around = trigger.map_or(scene.reference_px, Price::get);
    let distance = px.get().checked_sub(around).map(|distance| distance.abs());
    let allowed = exact_mul(around.abs(), scene.limits.price_collar);
    match (distance, allowed) {
        (Some(distance), Some(allowed)) => within(verdict, Rule::PriceCollar, distance, allowed),
        _ => Err(DenyReason::Overflow { rule: Rule::PriceCollar }),
    }
}

/// Only the side that the order enlarges is judged, so an order that closes a position passes, and
/// so does a change that makes nothing larger.
fn max_position(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    if scene.candidate.spec.side == Side::Sell && planted::is("a-sell-has-no-position-limit") {
        return Ok(());
    }
    let worst_with = |leaves: Decimal| match scene.candidate.spec.side {
        Side::Buy => scene.others.worst_long().checked_add(leaves),
        Side::Sell => scene.others.worst_short().checked_sub(leaves).map(|position| -position),
    };
    let overflow = DenyReason::Overflow { rule: Rule::MaxPosition };
    let open = if planted::is("open-orders-do-not-count") { scene.others.buy_leaves } else { Decimal::ZERO };
    let after = worst_with(scene.worst_leaves.saturating_sub(open)).ok_or_else(|| overflow.clone())?;
    let before = worst_with(scene.leaves_before).ok_or(overflow)?;
    grows_within(verdict, Rule::MaxPosition, (before, after), scene.limits.max_position.get())
}

fn max_open_orders(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    let open = match scene.candidate.spec.side {
        Side::Buy => scene.others.buys.saturating_add(scene.others.foreign_buys),
        Side::Sell => scene.others.sells.saturating_add(scene.others.foreign_sells),
    };
    let itself = if planted::is("an-order-does-not-count-itself") { Decimal::ZERO } else { Decimal::ONE };
    let after = Decimal::from(open).saturating_add(itself);
    let before = if scene.candidate.in_force.is_some() { after } else { Decimal::from(open) };
    grows_within(verdict, Rule::MaxOpenOrders, (before, after), Decimal::from(scene.limits.max_open_orders))
}

/// Judges a sum: over the limit denies only if the order makes it larger.
pub(crate) fn grows_within(
    verdict: &mut Verdict,
    rule: Rule,
    (before, after): (Decimal, Decimal),
    limit: Decimal,
) -> Judged {
    if after > before {
        return within(verdict, rule, after, limit);
    }
    verdict.checks.push(Check { rule, measured: after, limit });
    Ok(())
}
