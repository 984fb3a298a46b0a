//! What-if: what an order would cost and tie up, without there being one (tws-behaviour 2.9).

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Venue;
use super::io::{OrderReport, VenueOutput};
use super::refusal::Refusal;
use super::types::{OrderKey, OrderSpec, Status, UtcNs};

/// Places of an amount of money.
const CENTS: u32 = 2;

/// An amount as it is and what an order would add to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// As it is.
    pub before: Decimal,
    /// What the order would add; negative for what it would free.
    pub change: Decimal,
}

impl Change {
    fn new(before: Decimal, change: Decimal) -> Self {
        Self { before: before.round_dp(CENTS), change: change.round_dp(CENTS) }
    }

    /// As it would be.
    pub fn after(self) -> Decimal {
        self.before + self.change
    }
}

/// The answer to a what-if.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The order as it would be acknowledged. Nothing is placed, so it has no permanent id.
    pub order: OrderReport,
    /// Initial margin of the account.
    pub initial_margin: Change,
    /// Maintenance margin of the account.
    pub maintenance_margin: Change,
    /// Equity with loan value of the account: the commission leaves it, and what options cost.
    pub equity: Change,
    /// Currency of the three.
    pub margin_currency: Arc<str>,
    /// What the whole order would cost, in the instrument's currency.
    pub commission: Decimal,
}

impl Venue {
    /// Answers with a preview, or with the error that the order would get. The id is used up either way.
    pub(super) fn preview(&mut self, now: UtcNs, key: OrderKey, spec: OrderSpec, out: &mut Vec<VenueOutput>) {
        let answer = self.check_unused(key).and_then(|()| {
            self.use_id(key);
            self.previewed(now, key, spec)
        });
        out.push(match answer {
            Ok(preview) => VenueOutput::Preview(Box::new(preview)),
            Err(refusal) => VenueOutput::Refused { key, refusal },
        });
    }

    /// A preview has an id of its own, never that of an order.
    fn check_unused(&self, key: OrderKey) -> Result<(), Refusal> {
        if self.by_key.contains_key(&key) || self.parked.contains_key(&key) {
            return Err(Refusal::DuplicateId);
        }
        self.check_new_id(key)
    }

    fn previewed(&self, now: UtcNs, key: OrderKey, spec: OrderSpec) -> Result<Preview, Refusal> {
        if !spec.transmit {
            return Err(Refusal::PreviewNotTransmitted);
        }
        self.check_terms(&spec)?;
        self.check_parent(key, &spec)?;
        self.check_venue(now, &spec)?;
        let (Some(market), Some(account)) = (self.market(spec.con_id), self.accounts.get(&spec.account))
        else {
            return Err(Refusal::UnknownContract);
        };
        let instrument = &market.instrument;
        let (currency, base) = (&instrument.currency, &account.base_currency);
        let (Some(rate), Some(totals)) = (self.exchange_rate(currency, base), self.totals_of(account)) else {
            return Err(Refusal::no_rate(currency, base));
        };
        let value = market.worst_price(&spec).checked_mul(spec.quantity);
        let value = value.and_then(|value| value.checked_mul(instrument.point_value()));
        let (Some(value), Some(effect)) = (value, self.effect(&spec, spec.quantity)) else {
            return Err(Refusal::margin(Decimal::MAX, totals.available_funds));
        };
        let commission = if instrument.is_combination() {
            self.legs_commission(&spec, spec.quantity).unwrap_or_default()
        } else {
            instrument.commission.due(spec.quantity, value.abs())
        };
        Ok(Preview {
            initial_margin: Change::new(totals.initial_margin, effect.margin.initial),
            maintenance_margin: Change::new(totals.maintenance_margin, effect.margin.maintenance),
            equity: Change::new(totals.equity_with_loan, effect.equity - commission * rate),
            margin_currency: Arc::clone(&account.base_currency),
            commission,
            order: OrderReport {
                key,
                perm_id: 0,
                parent_perm_id: 0,
                status: Status::PreSubmitted,
                filled: Decimal::ZERO,
                remaining: spec.quantity,
                avg_price: Decimal::ZERO,
                last_price: Decimal::ZERO,
                commission: Decimal::ZERO,
                why_held: "",
                bound: true,
                reject_reason: "".into(),
                spec: Arc::new(spec),
            },
        })
    }
}
