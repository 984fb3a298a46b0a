//! Rules over all instruments of an account: gross, net, leverage.

use alphec_model::{Decimal, DenyReason, Instrument, InstrumentId, Rule, Side, Verdict, exact_mul};

use super::{Scene, fresh, grows_within, reference_px, value};
use crate::book::Exposure;
use crate::machine::Turn;

/// Worst cases of one account, in its base currency.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    gross: Decimal,
    long: Decimal,
    short: Decimal,
}

impl Totals {
    fn add(&mut self, long: Decimal, short: Decimal) -> Option<()> {
        self.gross = self.gross.checked_add(long.abs().max(short.abs()))?;
        self.long = self.long.checked_add(long)?;
        self.short = self.short.checked_add(short)?;
        Some(())
    }

    fn net(&self) -> Decimal {
        self.long.abs().max(self.short.abs())
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
        let overflow = |rule: Rule| DenyReason::Overflow { rule };
        let mut before = Totals::default();
        for (id, exposure) in self.core.book.exposures_of(scene.candidate.account) {
            if id != scene.candidate.instrument && is_at_stake(exposure) {
                let (long, short) = self.worst_values(scene, id, exposure)?;
                before.add(long, short).ok_or_else(|| overflow(Rule::MaxGrossNotional))?;
            }
        }
        let mut after = before;
        let (long, short) = self.own_values(scene, scene.leaves_in_force, scene.px_in_force)?;
        before.add(long, short).ok_or_else(|| overflow(Rule::MaxGrossNotional))?;
        let (long, short) = self.own_values(scene, scene.worst_leaves, scene.worst_px)?;
        after.add(long, short).ok_or_else(|| overflow(Rule::MaxGrossNotional))?;

        let limits = scene.limits;
        grows_within(
            verdict,
            Rule::MaxGrossNotional,
            (before.gross, after.gross),
            limits.max_gross_notional,
        )?;
        grows_within(verdict, Rule::MaxNetNotional, (before.net(), after.net()), limits.max_net_notional)?;
        let net_liquidation = self.net_liquidation(scene)?;
        verdict.net_liquidation = Some(net_liquidation);
        let most =
            exact_mul(net_liquidation, limits.max_leverage).ok_or_else(|| overflow(Rule::MaxLeverage))?;
        grows_within(verdict, Rule::MaxLeverage, (before.gross, after.gross), most)
    }

    /// This instrument's worst long and worst short with `leaves` more on the order's side. The
    /// order's own part counts at its worst price `px`, the rest at the reference price.
    fn own_values(
        &self,
        scene: &Scene<'_>,
        leaves: Decimal,
        px: Decimal,
    ) -> Result<(Decimal, Decimal), DenyReason> {
        let rule = Rule::MaxGrossNotional;
        let rate = self.exchange_rate(scene, &rule)?;
        let at_reference = |qty| value(qty, scene.reference_px, scene.instrument, rate, &rule);
        let own = value(leaves, px, scene.instrument, rate, &rule)?;
        let (long, short) =
            (at_reference(scene.others.worst_long())?, at_reference(scene.others.worst_short())?);
        let moved = match scene.candidate.spec.side {
            Side::Buy => long.checked_add(own).map(|long| (long, short)),
            Side::Sell => short.checked_sub(own).map(|short| (long, short)),
        };
        moved.ok_or(DenyReason::Overflow { rule: Rule::MaxGrossNotional })
    }

    fn worst_values(
        &self,
        scene: &Scene<'_>,
        id: &InstrumentId,
        exposure: &Exposure,
    ) -> Result<(Decimal, Decimal), DenyReason> {
        let rule = Rule::MaxGrossNotional;
        let missing = |what: String| DenyReason::Missing { rule: Rule::MaxGrossNotional, what };
        let instrument =
            self.core.config.instruments.get(id).ok_or_else(|| {
                missing(format!("the instrument {id}, in which the account has a position"))
            })?;
        let quote = self.fresh_quote(id, self.core.config.limits_for(id), rule.clone())?;
        let px = reference_px(&quote, instrument, rule.clone())?;
        let rate = self.rate_of(scene, instrument, &rule)?;
        Ok((
            value(exposure.worst_long(), px, instrument, rate, &rule)?,
            value(exposure.worst_short(), px, instrument, rate, &rule)?,
        ))
    }

    pub(super) fn exchange_rate(&self, scene: &Scene<'_>, rule: &Rule) -> Result<Decimal, DenyReason> {
        self.rate_of(scene, scene.instrument, rule)
    }

    /// Base-currency value of one unit of the instrument's currency.
    fn rate_of(
        &self,
        scene: &Scene<'_>,
        instrument: &Instrument,
        rule: &Rule,
    ) -> Result<Decimal, DenyReason> {
        let account = scene.candidate.account;
        let missing = |what: String| DenyReason::Missing { rule: rule.clone(), what };
        let values = self
            .core
            .session
            .accounts
            .get(account)
            .ok_or_else(|| missing(format!("the values of {account}")))?;
        let (_, base) =
            values.net_liquidation.ok_or_else(|| missing(format!("net liquidation of {account}")))?;
        if instrument.currency() == base {
            return Ok(Decimal::ONE);
        }
        values
            .exchange_rates
            .get(&instrument.currency())
            .copied()
            // At a rate of zero everything would be worth nothing and pass.
            .filter(|rate| *rate > Decimal::ZERO)
            .ok_or_else(|| missing(format!("the exchange rate of {} to {base}", instrument.currency())))
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

fn is_at_stake(exposure: &Exposure) -> bool {
    !exposure.worst_long().is_zero() || !exposure.worst_short().is_zero()
}
