//! What only some orders ask for, kept apart so that the others pay nothing for it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::combination::LegTerms;
use super::instrument::Instrument;
use super::oca::Oca;
use super::refusal::Refusal;
use super::types::{OrderSpec, UtcNs};

/// The rarer terms of an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Extra {
    /// The one-cancels-all group it belongs to.
    pub oca: Option<Oca>,
    /// Not at work before this instant.
    pub good_after: Option<UtcNs>,
    /// Everything that is left in one fill, or nothing yet.
    pub all_or_none: bool,
    /// The first fill takes at least as much.
    pub min_quantity: Option<Decimal>,
    /// Not to be shown in the market's depth. No client's order is shown here, so it changes nothing.
    pub hidden: bool,
    /// What it says about the legs of a combination.
    pub legs: Option<LegTerms>,
}

impl OrderSpec {
    /// When the order may go to work, if it names an instant.
    pub fn good_after(&self) -> Option<UtcNs> {
        self.extra.as_ref().and_then(|extra| extra.good_after)
    }

    pub(super) fn is_all_or_none(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| extra.all_or_none)
    }

    /// The least a fill may take now that `filled` has been filled, out of `remaining`.
    pub(super) fn least_fill(&self, filled: Decimal, remaining: Decimal) -> Decimal {
        match self.extra.as_deref() {
            Some(extra) if extra.all_or_none => remaining,
            Some(extra) if filled.is_zero() => extra.min_quantity.unwrap_or_default().min(remaining),
            Some(_) | None => Decimal::ZERO,
        }
    }

    /// Terms that make no sense, or that the instrument does not have.
    pub(super) fn check_extra(&self, instrument: &Instrument) -> Result<(), Refusal> {
        let Some(extra) = &self.extra else { return Ok(()) };
        if extra.all_or_none && !instrument.takes_all_or_none() {
            return Err(Refusal::NoAllOrNone);
        }
        match extra.min_quantity {
            Some(least) if least > self.quantity => {
                let text = "The minimum quantity is greater than the size of the order";
                Err(Refusal::Invalid(text.to_owned()))
            }
            Some(_) | None => Ok(()),
        }
    }
}
