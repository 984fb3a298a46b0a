//! Rules over all instruments of an account: gross, net, leverage.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

use alphec_model::{
    AccountId, AccountValues, Currency, Decimal, DenyReason, InstrumentId, Rule, Side, Verdict, exact_mul,
};

use super::exact::Exact;
use super::{Scene, fresh, grows_within};
use crate::book::Exposure;
use crate::machine::Turn;
use crate::session::Priced;

/// Worst cases of one account, in its base currency.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    gross: Exact,
    long: Exact,
    short: Exact,
}

impl Totals {
    fn with(self, long: Exact, short: Exact) -> Option<Self> {
        Some(Self {
            gross: self.gross.plus(long.abs().larger(short.abs())?)?,
            long: self.long.plus(long)?,
            short: self.short.plus(short)?,
        })
    }

    fn gross(&self) -> Result<Decimal, DenyReason> {
        self.gross.get().ok_or(DenyReason::Overflow { rule: Rule::MaxGrossNotional })
    }

    fn net(&self) -> Result<Decimal, DenyReason> {
        let net = self.long.abs().larger(self.short.abs()).and_then(Exact::get);
        net.ok_or(DenyReason::Overflow { rule: Rule::MaxNetNotional })
    }
}

impl Turn<'_> {
    /// Gross, net and leverage with this order, each refused only when the order makes it larger:
    /// a closing order passes even when the market has carried the account over a limit.
    pub(super) fn account_exposure(
        &self,
        scene: &Scene<'_>,
        verdict: &mut Verdict,
    ) -> Result<(), DenyReason> {
        let others = self.others(scene)?;
        let before = self.with_own(others, scene, (scene.leaves_before, scene.px_before))?;
        // Whichever version fills: never less than the largest size at the worst price of them all.
        let after = self.with_own(others, scene, (scene.worst_leaves, scene.px_after))?;

        let limits = scene.limits;
        let gross = (before.gross()?, after.gross()?);
        grows_within(verdict, Rule::MaxGrossNotional, gross, limits.max_gross_notional)?;
        let net = (before.net()?, after.net()?);
        grows_within(verdict, Rule::MaxNetNotional, net, limits.max_net_notional)?;
        let net_liquidation = self.net_liquidation(scene)?;
        verdict.net_liquidation = Some(net_liquidation);
        let most = exact_mul(net_liquidation, limits.max_leverage);
        let most = most.ok_or(DenyReason::Overflow { rule: Rule::MaxLeverage })?;
        grows_within(verdict, Rule::MaxLeverage, gross, most)
    }

    /// The totals with this instrument's worst long and worst short, and `leaves` more on the order's
    /// side. The order's own part counts at its worst price `px`, the rest at the reference price.
    fn with_own(
        &self,
        others: Totals,
        scene: &Scene<'_>,
        (leaves, px): (Decimal, Decimal),
    ) -> Result<Totals, DenyReason> {
        let rule = Rule::MaxGrossNotional;
        let rate = self.rates(scene.candidate.account, &rule)?.of(scene.instrument.currency(), &rule)?;
        let money = Exact::of(scene.instrument.multiplier()).times(Exact::of(rate));
        let worth = |qty: Decimal, px: Decimal| Exact::of(qty).times(Exact::of(px))?.times(money?);
        let own = worth(leaves, px);
        let (long, short) = (
            worth(scene.others.worst_long(), scene.reference_px),
            worth(scene.others.worst_short(), scene.reference_px),
        );
        let totals = match scene.candidate.spec.side {
            Side::Buy => long.zip(own).and_then(|(long, own)| long.plus(own)).zip(short),
            Side::Sell => long.zip(short.zip(own).and_then(|(short, own)| short.minus(own))),
        };
        let totals = totals.and_then(|(long, short)| others.with(long, short));
        totals.ok_or(DenyReason::Overflow { rule })
    }

    /// Everything at stake in the account's other instruments. Both maps are walked side by side:
    /// they have almost the same keys, and this is the longest part of a decision.
    fn others(&self, scene: &Scene<'_>) -> Result<Totals, DenyReason> {
        let rule = Rule::MaxGrossNotional;
        let account = scene.candidate.account;
        let rates = self.rates(account, &rule)?;
        let own = self.core.book.exposure_ref(account, scene.candidate.instrument);
        let mut quotes = Walk::over(&self.core.session.quotes);
        let mut totals = Totals::default();
        for (id, exposure) in self.core.book.exposures_of(account) {
            if own.is_some_and(|own| std::ptr::eq(own, exposure)) || !exposure.is_at_stake() {
                continue;
            }
            let priced = self.priced_holding(quotes.seek(id), id, &rule)?;
            let rate = rates.of(priced.currency, &rule)?;
            let with =
                worst_values(exposure, priced, rate).and_then(|(long, short)| totals.with(long, short));
            totals = with.ok_or_else(|| DenyReason::Overflow { rule: rule.clone() })?;
        }
        Ok(totals)
    }

    fn priced_holding<'b>(
        &self,
        priced: Option<&'b Priced>,
        id: &InstrumentId,
        rule: &Rule,
    ) -> Result<&'b Priced, DenyReason> {
        match priced {
            // Only instruments of the profile have quotes.
            None if !self.core.config.instruments.contains_key(id) => Err(DenyReason::Missing {
                rule: rule.clone(),
                what: format!("the instrument {id}, in which the account has a position"),
            }),
            priced => self.priced(priced, id, self.core.config.limits_for(id), rule),
        }
    }

    /// What the account's figures say of currencies.
    pub(super) fn rates<'b>(&'b self, account: &'b AccountId, rule: &Rule) -> Result<Rates<'b>, DenyReason> {
        let missing =
            |what: &str| DenyReason::Missing { rule: rule.clone(), what: format!("{what} of {account}") };
        let values = self.core.session.accounts.get(account).ok_or_else(|| missing("the values"))?;
        let (_, base) = values.net_liquidation.ok_or_else(|| missing("net liquidation"))?;
        Ok(Rates { values, base })
    }

    fn net_liquidation(&self, scene: &Scene<'_>) -> Result<Decimal, DenyReason> {
        let account = scene.candidate.account;
        let rule = Rule::MaxLeverage;
        let missing = |what: &str| DenyReason::Missing {
            rule: Rule::MaxLeverage,
            what: format!("{what} of {account}"),
        };
        let values = self.core.session.accounts.get(account).ok_or_else(|| missing("the values"))?;
        if !values.ready {
            return Err(missing("current values (the broker says they are not ready)"));
        }
        let at = values.updated_at.ok_or_else(|| missing("the values"))?;
        fresh(at, self.now, scene.limits.max_account_age_ms, || (rule, format!("the values of {account}")))?;
        values.net_liquidation.map(|(amount, _)| amount).ok_or_else(|| missing("net liquidation"))
    }
}

/// What a holding is worth at its worst on both sides.
fn worst_values(exposure: &Exposure, priced: &Priced, rate: Decimal) -> Option<(Exact, Exact)> {
    let position = Exact::of(exposure.position.get());
    let unit = Exact::of(priced.unit_value?).times(Exact::of(rate))?;
    let long = position.plus(Exact::of(exposure.all_buy_leaves()))?;
    let short = position.minus(Exact::of(exposure.all_sell_leaves()))?;
    Some((long.times(unit)?, short.times(unit)?))
}

/// Base-currency values of one unit of each currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates<'a> {
    values: &'a AccountValues,
    base: Currency,
}

impl Rates<'_> {
    /// Of one currency.
    pub(super) fn of(&self, currency: Currency, rule: &Rule) -> Result<Decimal, DenyReason> {
        if currency == self.base {
            return Ok(Decimal::ONE);
        }
        // At a rate of zero everything would be worth nothing and pass.
        let rate = self.values.exchange_rates.get(&currency).copied().filter(|rate| *rate > Decimal::ZERO);
        rate.ok_or_else(|| DenyReason::Missing {
            rule: rule.clone(),
            what: format!("the exchange rate of {currency} to {}", self.base),
        })
    }
}

/// One map, read in step with another of the same order.
struct Walk<'a, V> {
    entries: Peekable<btree_map::Iter<'a, InstrumentId, V>>,
}

impl<'a, V> Walk<'a, V> {
    fn over(map: &'a BTreeMap<InstrumentId, V>) -> Self {
        Self { entries: map.iter().peekable() }
    }

    /// The value of `id`; asked for in rising order only.
    fn seek(&mut self, id: &InstrumentId) -> Option<&'a V> {
        loop {
            let (key, value) = *self.entries.peek()?;
            match key.cmp(id) {
                Ordering::Less => self.entries.next(),
                Ordering::Equal => return Some(value),
                Ordering::Greater => return None,
            };
        }
    }
}
