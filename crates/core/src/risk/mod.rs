//! The gate: every rule in one fixed order, failing closed, on new orders and on changes alike.
//!
//! It judges the worst case: the position if every live and in-doubt order on one side filled,
//! plus this one. Anything it needs and does not have denies. It never judges a cancel.

mod exposure;

use alphec_model::{
    AccountId, Check, Decimal, DenyReason, Instrument, InstrumentId, Limits, Order, OrderRequest, OrderSpec,
    Quote, Rule, Side, UtcNanos, Verdict, exact_mul,
};

use crate::book::Exposure;
use crate::config::Mode;
use crate::machine::Turn;

/// What is judged: a new order, or new terms for a live one.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) instrument: &'a InstrumentId,
    pub(crate) spec: &'a OrderSpec,
    pub(crate) replaces: Option<&'a Order>,
}

impl<'a> Candidate<'a> {
    pub(crate) const fn new_order(request: &'a OrderRequest) -> Self {
        Self {
            account: &request.account,
            instrument: &request.instrument,
            spec: &request.spec,
            replaces: None,
        }
    }

    pub(crate) const fn change(order: &'a Order, spec: &'a OrderSpec) -> Self {
        Self { account: &order.account, instrument: &order.instrument, spec, replaces: Some(order) }
    }

    /// The most this can still fill: of a change, the worse of both versions.
    fn worst_leaves(&self) -> Decimal {
        match self.replaces {
            None => self.spec.order_qty.get(),
            Some(order) => {
                self.spec.order_qty.saturating_sub(order.cum_qty).max(order.worst_leaves_qty()).get()
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
}

type Judged = Result<(), DenyReason>;

impl Turn<'_> {
    /// Judges, and leaves the inputs it judged by in the verdict.
    pub(crate) fn judge(&self, candidate: &Candidate<'_>) -> Verdict {
        let mut verdict = Verdict { checks: Vec::with_capacity(9), ..Verdict::default() };
        verdict.denied = self.judge_into(candidate, &mut verdict).err();
        verdict
    }

    fn judge_into(&self, candidate: &Candidate<'_>, verdict: &mut Verdict) -> Judged {
        if let Some(reason) = self.not_ready() {
            return Err(reason);
        }
        self.allowed_account(candidate.account)?;
        let instrument = self.allowed_instrument(candidate)?;
        candidate.spec.check(instrument, self.now).map_err(|error| DenyReason::Terms { error })?;
        let limits = self.core.config.limits_for(candidate.instrument);
        within(verdict, Rule::MaxOrderQty, candidate.spec.order_qty.get(), limits.max_order_qty.get())?;
        let scene = self.scene(candidate, instrument, limits)?;
        verdict.quote = Some(scene.quote);
        verdict.position = Some(scene.others.position);
        price_collar(&scene, verdict)?;
        self.order_notional(&scene, verdict)?;
        max_position(&scene, verdict)?;
        max_open_orders(&scene, verdict)?;
        self.account_exposure(&scene, verdict)?;
        self.message_rate(limits, verdict)?;
        match self.core.book.len() >= self.core.config.orders_max {
            true => Err(DenyReason::Journal { why_not: "the book is full; start a new journal".to_owned() }),
            false => Ok(()),
        }
    }

    /// Why nothing new may be sent now, if so. The last look before the wire uses it too.
    pub(crate) fn not_ready(&self) -> Option<DenyReason> {
        let readiness = self.core.readiness();
        if let Some(reason) = readiness.halted {
            return Some(DenyReason::Halted { reason });
        }
        if let Some(why_not) = readiness.journal_trouble {
            return Some(DenyReason::Journal { why_not });
        }
        if readiness.stopping {
            return Some(DenyReason::NotReady { state: "stopping".to_owned() });
        }
        if let Some(state) = readiness.refused {
            return Some(DenyReason::NotReady { state });
        }
        let is_up = matches!(readiness.link, alphec_model::broker::LinkState::Ready);
        (!is_up).then(|| DenyReason::NotReady { state: format!("the link is {}", readiness.link) })
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
        if self.core.book.exposure(candidate.account, id).broken.is_some() {
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
        let quote = self.fresh_quote(candidate.instrument, limits, Rule::PriceCollar)?;
        let reference_px = quote.reference_px().ok_or_else(|| DenyReason::Missing {
            rule: Rule::PriceCollar,
            what: format!("a reference price of {}", candidate.instrument),
        })?;
        let own = [candidate.spec.order_type.limit_px(), candidate.spec.order_type.stop_px()];
        let worst_px =
            own.into_iter().flatten().map(|px| px.get().abs()).fold(reference_px.abs(), Decimal::max);
        let exposure = self.core.book.exposure(candidate.account, candidate.instrument);
        let others = match candidate.replaces {
            Some(order) => exposure.without(order),
            None => exposure,
        };
        let worst_leaves = candidate.worst_leaves();
        Ok(Scene { candidate, instrument, limits, quote, reference_px, worst_px, others, worst_leaves })
    }

    pub(crate) fn fresh_quote(
        &self,
        id: &InstrumentId,
        limits: &Limits,
        rule: Rule,
    ) -> Result<Quote, DenyReason> {
        let Some(quote) = self.core.session.quotes.get(id) else {
            return Err(DenyReason::Missing { rule, what: format!("a quote of {id}") });
        };
        fresh(quote.at, self.now, limits.max_quote_age_ms, || (rule, format!("the quote of {id}")))?;
        Ok(*quote)
    }

    fn order_notional(&self, scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
        let rule = Rule::MaxOrderNotional;
        let rate = self.exchange_rate(scene, &rule)?;
        let qty = scene.candidate.spec.order_qty.get();
        let notional = value(qty, scene.worst_px, scene.instrument, rate, &rule)?;
        within(verdict, rule, notional, scene.limits.max_order_notional)
    }

    fn message_rate(&self, limits: &Limits, verdict: &mut Verdict) -> Judged {
        let second = std::time::Duration::from_secs(1);
        let sent =
            self.core.session.sent_at.iter().rev().take_while(|at| self.now.since(**at) < second).count();
        let after = Decimal::from(sent).saturating_add(Decimal::ONE);
        within(verdict, Rule::MaxMessageRate, after, Decimal::from(limits.max_messages_per_second))
    }

    /// Counts a message that goes out, cancels included.
    pub(crate) fn note_sent(&mut self) {
        let second = std::time::Duration::from_secs(1);
        let sent_at = &mut self.core.session.sent_at;
        while sent_at.front().is_some_and(|at| self.now.since(*at) >= second) {
            sent_at.pop_front();
        }
        sent_at.push_back(self.now);
    }
}

/// Judges one number and leaves it in the verdict.
pub(crate) fn within(verdict: &mut Verdict, rule: Rule, measured: Decimal, limit: Decimal) -> Judged {
    verdict.checks.push(Check { rule: rule.clone(), measured, limit });
    if measured > limit { Err(DenyReason::Limit { rule, measured, limit }) } else { Ok(()) }
}

pub(crate) fn fresh(
    at: UtcNanos,
    now: UtcNanos,
    allowed: std::time::Duration,
    what: impl FnOnce() -> (Rule, String),
) -> Judged {
    let age = now.since(at);
    if age <= allowed {
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

/// A limit price must be near the reference; that of a stop-limit near its own trigger, because
/// the market will be there when it counts. A plain stop and a market order have no price to judge,
/// but no order passes without a fresh reference.
fn price_collar(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    let Some(limit_px) = scene.candidate.spec.order_type.limit_px() else { return Ok(()) };
    let around =
        scene.candidate.spec.order_type.stop_px().map_or(scene.reference_px, alphec_model::Price::get);
    let distance = limit_px.get().checked_sub(around).map(|distance| distance.abs());
    let allowed = exact_mul(around.abs(), scene.limits.price_collar);
    match (distance, allowed) {
        (Some(distance), Some(allowed)) => within(verdict, Rule::PriceCollar, distance, allowed),
        _ => Err(DenyReason::Overflow { rule: Rule::PriceCollar }),
    }
}

/// Only the side that the order enlarges is judged, so an order that closes a position passes.
fn max_position(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    let worst = match scene.candidate.spec.side {
        Side::Buy => scene.others.worst_long().checked_add(scene.worst_leaves),
        Side::Sell => scene.others.worst_short().checked_sub(scene.worst_leaves).map(|position| -position),
    };
    let worst = worst.ok_or(DenyReason::Overflow { rule: Rule::MaxPosition })?;
    within(verdict, Rule::MaxPosition, worst, scene.limits.max_position.get())
}

fn max_open_orders(scene: &Scene<'_>, verdict: &mut Verdict) -> Judged {
    let open = match scene.candidate.spec.side {
        Side::Buy => scene.others.buys,
        Side::Sell => scene.others.sells,
    };
    let after = Decimal::from(open).saturating_add(Decimal::ONE);
    within(verdict, Rule::MaxOpenOrders, after, Decimal::from(scene.limits.max_open_orders))
}
