//! An order: what was asked, and where it stands.

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal::{Price, Qty};
use crate::doubt::WhenInDoubt;
use crate::group::Leg;
use crate::ids::{
    AccountId, BrokerOrderId, ClientOrderId, CorrelationId, InstrumentId, LogId, OrderRef, PermId, StrategyId,
};
use crate::instrument::Instrument;
use crate::lifecycle::OrderState;
use crate::reason::{DenyReason, RejectReason};
use crate::time::UtcNanos;

/// Buy or sell; a short sale is a sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Raises the position.
    Buy,
    /// Lowers the position.
    Sell,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// How an order meets the market. Prices live in the variant that needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum OrderType {
    /// At the best price there is.
    #[serde(deserialize_with = "crate::bare::read")]
    Market,
    /// At this price or better.
    Limit {
        /// Worst price accepted.
        limit_px: Price,
    },
    /// A market order once the trigger trades.
    Stop {
        /// The trigger.
        stop_px: Price,
    },
    /// A limit order once the trigger trades.
    StopLimit {
        /// The trigger.
        stop_px: Price,
        /// Worst price accepted after it.
        limit_px: Price,
    },
    /// A stop that follows the market at a distance and never goes back. The broker moves it.
    TrailingStop {
        /// The distance.
        trail: Trail,
    },
}

/// How far a trailing stop stays behind the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trail {
    /// By so much of the price.
    Amount {
        /// How much.
        amount: Price,
    },
    /// By a part of the price.
    Percent {
        /// Above 0 and below 100.
        #[serde(with = "crate::decimal::text")]
        percent: Decimal,
    },
}

impl OrderType {
    /// The limit price, if it has one.
    #[must_use]
    pub const fn limit_px(&self) -> Option<Price> {
        match self {
            Self::Limit { limit_px } | Self::StopLimit { limit_px, .. } => Some(*limit_px),
            Self::Market | Self::Stop { .. } | Self::TrailingStop { .. } => None,
        }
    }

    /// The trigger price, if it has one.
    #[must_use]
    pub const fn stop_px(&self) -> Option<Price> {
        match self {
            Self::Stop { stop_px } | Self::StopLimit { stop_px, .. } => Some(*stop_px),
            Self::Market | Self::Limit { .. } | Self::TrailingStop { .. } => None,
        }
    }

    /// How far it stays behind the market, if it follows it.
    #[must_use]
    pub const fn trail(&self) -> Option<Trail> {
        match self {
            Self::TrailingStop { trail } => Some(*trail),
            Self::Market | Self::Limit { .. } | Self::Stop { .. } | Self::StopLimit { .. } => None,
        }
    }

    /// The kind as one lower-case word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::Stop { .. } => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::TrailingStop { .. } => "trailing_stop",
        }
    }
}

impl fmt::Display for OrderType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How long an order lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tif", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TimeInForce {
    /// Until the session ends.
    #[serde(deserialize_with = "crate::bare::read")]
    Day,
    /// Until canceled.
    #[serde(deserialize_with = "crate::bare::read")]
    Gtc,
    /// Until an instant.
    Gtd {
        /// The instant; the broker keeps whole seconds.
        expire_at: UtcNanos,
    },
    /// What fills at once; the rest is canceled.
    #[serde(deserialize_with = "crate::bare::read")]
    Ioc,
    /// All at once or nothing.
    #[serde(deserialize_with = "crate::bare::read")]
    Fok,
}

impl TimeInForce {
    /// The kind as one lower-case word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Gtc => "gtc",
            Self::Gtd { .. } => "gtd",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
        }
    }
}

impl fmt::Display for TimeInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why terms make no order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SpecError {
    /// A size of zero.
    #[error("order quantity is zero; give a size above zero")]
    #[serde(deserialize_with = "crate::bare::read")]
    ZeroQty,
    /// A size off the instrument's lot.
    #[error("quantity {qty} is not a multiple of the lot {lot} of {instrument}")]
    OffLot {
        /// As given.
        qty: Qty,
        /// The step.
        lot: Qty,
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// A price off the tick (the broker's error 110).
    #[error("{field} {price} is off the tick of {instrument}: the step there is {increment}")]
    OffTick {
        /// Which price.
        field: String,
        /// As given.
        price: Price,
        /// The step at that price.
        increment: Price,
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// A price that this kind of instrument cannot have.
    #[error("{field} {price} is not possible for {instrument}: its prices are above zero")]
    NotPositivePrice {
        /// Which price.
        field: String,
        /// As given.
        price: Price,
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// An order type that cannot be immediate.
    #[error("a {order_type} order cannot be {tif}: use day, gtc or gtd")]
    TypeNeedsRest {
        /// The type.
        order_type: String,
        /// The time in force.
        tif: String,
    },
    /// An expiry that is already over.
    #[error("good-till-date {expire_at} is not after now ({now})")]
    AlreadyExpired {
        /// As given.
        expire_at: UtcNanos,
        /// The clock.
        now: UtcNanos,
    },
    /// A distance that no trailing stop can have.
    #[error(
        "a trailing distance of {distance} is not possible: give an amount above 0, or a percentage between 0 and 100"
    )]
    BadTrail {
        /// As given.
        #[serde(with = "crate::decimal::text")]
        distance: Decimal,
    },
    /// A mark that only a limit order can have.
    #[error(
        "a {order_type} order cannot be resend_if_absent: only a limit order has a price that still holds"
    )]
    NotResendable {
        /// The type.
        order_type: String,
    },
    /// A change that says nothing new, or a quantity at or below what is filled.
    #[error("new quantity {qty} is not above the {filled} already filled")]
    BelowFilled {
        /// As given.
        qty: Qty,
        /// Filled so far.
        filled: Qty,
    },
}

/// The terms of an order: everything the market sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderSpec {
    /// Buy or sell.
    pub side: Side,
    /// Total size, fills included.
    pub order_qty: Qty,
    /// How it meets the market.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
}

impl OrderSpec {
    /// Day order at a limit.
    ///
    /// # Errors
    /// [`SpecError::ZeroQty`]. Ticks and lots are checked against the instrument by [`Self::check`].
    pub fn limit(side: Side, order_qty: Qty, limit_px: Price) -> Result<Self, SpecError> {
        Self::new(side, order_qty, OrderType::Limit { limit_px })
    }

    /// Day order of any type; chain [`Self::with_time_in_force`] for another life.
    ///
    /// # Errors
    /// [`SpecError::ZeroQty`].
    pub fn new(side: Side, order_qty: Qty, order_type: OrderType) -> Result<Self, SpecError> {
        if order_qty.is_zero() {
            return Err(SpecError::ZeroQty);
        }
        Ok(Self { side, order_qty, order_type, time_in_force: TimeInForce::Day })
    }

    /// The same terms with another life.
    #[must_use]
    pub const fn with_time_in_force(mut self, time_in_force: TimeInForce) -> Self {
        self.time_in_force = time_in_force;
        self
    }

    /// Whether the instrument and the clock allow these terms.
    ///
    /// # Errors
    /// The first [`SpecError`] found.
    pub fn check(&self, instrument: &Instrument, now: UtcNanos) -> Result<(), SpecError> {
        if self.order_qty.is_zero() {
            return Err(SpecError::ZeroQty);
        }
        let off_lot =
            self.order_qty.get().checked_rem(instrument.lot().get()).is_none_or(|rest| !rest.is_zero());
        if off_lot {
            return Err(SpecError::OffLot {
                qty: self.order_qty,
                lot: instrument.lot(),
                instrument: instrument.id().clone(),
            });
        }
        if let Some(limit_px) = self.order_type.limit_px() {
            check_price("limit price", limit_px, instrument)?;
        }
        if let Some(stop_px) = self.order_type.stop_px() {
            check_price("stop price", stop_px, instrument)?;
        }
        if let Some(trail) = self.order_type.trail() {
            check_trail(trail)?;
        }
        self.check_life(now)
    }

    fn check_life(&self, now: UtcNanos) -> Result<(), SpecError> {
        match self.time_in_force {
            TimeInForce::Ioc | TimeInForce::Fok
                if self.order_type.stop_px().is_some() || self.order_type.trail().is_some() =>
            {
                Err(SpecError::TypeNeedsRest {
                    order_type: self.order_type.as_str().to_owned(),
                    tif: self.time_in_force.as_str().to_owned(),
                })
            }
            TimeInForce::Gtd { expire_at } if expire_at <= now => {
                Err(SpecError::AlreadyExpired { expire_at, now })
            }
            TimeInForce::Day
            | TimeInForce::Gtc
            | TimeInForce::Gtd { .. }
            | TimeInForce::Ioc
            | TimeInForce::Fok => Ok(()),
        }
    }
}

fn check_trail(trail: Trail) -> Result<(), SpecError> {
    let (distance, most) = match trail {
        Trail::Amount { amount } => (amount.get(), None),
        Trail::Percent { percent } => (percent, Some(Decimal::ONE_HUNDRED)),
    };
    let fits = distance > Decimal::ZERO && most.is_none_or(|most| distance < most);
    if fits { Ok(()) } else { Err(SpecError::BadTrail { distance }) }
}

fn check_price(field: &str, price: Price, instrument: &Instrument) -> Result<(), SpecError> {
    if !instrument.kind().allows_negative_price() && price.get() <= Decimal::ZERO {
        return Err(SpecError::NotPositivePrice {
            field: field.to_owned(),
            price,
            instrument: instrument.id().clone(),
        });
    }
    if instrument.tick().admits(price) {
        return Ok(());
    }
    Err(SpecError::OffTick {
        field: field.to_owned(),
        price,
        increment: instrument.tick().increment_at(price).unwrap_or(Price::ZERO),
        instrument: instrument.id().clone(),
    })
}

/// A change asked for and not yet answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingReplace {
    /// The terms wanted.
    pub spec: OrderSpec,
    /// The version it would become.
    pub version: u32,
    /// Who asked.
    pub correlation_id: CorrelationId,
    /// When.
    pub asked_at: UtcNanos,
    /// Whether a custom risk rule has yet to answer (then nothing was sent).
    pub staged: bool,
}

/// What rides beside a live order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// A change in flight; at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<PendingReplace>,
    /// When a cancel was asked for, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_asked_at: Option<UtcNanos>,
    /// That cancel is our own question whether the order exists; nobody asked for the order to end.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub is_probe: bool,
    /// Terms that may be in force at the broker although others are taken to be: changes given up because its lists
    /// kept showing other terms, or because a code may have meant another one. A gateway can act on one long after.
    /// The largest stays reserved until the order ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<PendingReplace>,
}

impl Pending {
    /// Whether somebody asked for the order to end, and was not refused: not a question whether it exists.
    #[must_use]
    pub const fn is_cancel_asked(&self) -> bool {
        self.cancel_asked_at.is_some() && !self.is_probe
    }
}

const fn first() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_first(attempts: &u8) -> bool {
    *attempts == 1
}

/// An order and where it stands: the one shape that core, journal and callers share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Ours; the idempotency key.
    pub client_order_id: ClientOrderId,
    /// Whose idea.
    pub strategy_id: StrategyId,
    /// Ties it to the work it came from.
    pub correlation_id: CorrelationId,
    /// Where it trades.
    pub account: AccountId,
    /// What it trades.
    pub instrument: InstrumentId,
    /// Its part in a group, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<Leg>,
    /// What may be done by itself while its outcome is not proven.
    #[serde(default, skip_serializing_if = "WhenInDoubt::is_hold")]
    pub when_in_doubt: WhenInDoubt,
    /// How often it was placed: 1, or 2 once it was placed again because the first was proven absent. Both can
    /// still fill as far as limits are concerned.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempts: u8,
    /// The terms last known to be in force.
    pub spec: OrderSpec,
    /// Version of those terms: 1, then one more for each accepted change.
    pub version: u32,
    /// Where it stands.
    pub state: OrderState,
    /// What rides beside it.
    #[serde(default)]
    pub pending: Pending,
    /// Our identity at the broker; absent only on an order that we denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<OrderRef>,
    /// The API handle, given when the order goes to the wire; absent on one that never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker_order_id: Option<BrokerOrderId>,
    /// The broker's durable id, once seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perm_id: Option<PermId>,
    /// Filled so far, from executions only.
    pub cum_qty: Qty,
    /// Sum of price times size over the fills; [`Self::avg_px`] divides it.
    #[serde(with = "crate::decimal::text")]
    pub cum_value: Decimal,
    /// Commission reported so far, in the commission's own currency.
    #[serde(with = "crate::decimal::text")]
    pub commission: Decimal,
    /// Why we refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_reason: Option<DenyReason>,
    /// Why the broker refused or ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<RejectReason>,
    /// When it was recorded.
    pub created_at: UtcNanos,
    /// When it last changed.
    pub updated_at: UtcNanos,
}

impl Order {
    /// What can still fill: total less filled while live, zero when terminal.
    #[must_use]
    pub fn leaves_qty(&self) -> Qty {
        if self.state.is_terminal() { Qty::ZERO } else { self.spec.order_qty.saturating_sub(self.cum_qty) }
    }

    /// The largest size that the broker may hold it at: in force, asked for, or given up without a refusal.
    #[must_use]
    pub fn worst_order_qty(&self) -> Qty {
        let asked = self.pending.replace.iter().chain(&self.pending.given_up);
        asked.map(|replace| replace.spec.order_qty).fold(self.spec.order_qty, Qty::max)
    }

    /// The most that can still fill, counting the worst of the terms that may be in force.
    #[must_use]
    pub fn worst_leaves_qty(&self) -> Qty {
        if self.state.is_terminal() {
            return Qty::ZERO;
        }
        let wanted = self.pending.replace.as_ref().map_or(Qty::ZERO, |replace| replace.spec.order_qty);
        if !wanted.is_zero() && crate::planted::is("a-change-reserves-only-its-new-size") {
            return self.leaves_at(wanted);
        }
        self.leaves_at(self.worst_order_qty())
    }

    /// What could still fill if its size were this: an earlier attempt that shows up after all counts too.
    #[must_use]
    pub fn leaves_at(&self, order_qty: Qty) -> Qty {
        let all = (1..self.attempts).fold(order_qty, |sum, _| sum.checked_add(order_qty).unwrap_or(sum));
        all.saturating_sub(self.cum_qty)
    }

    /// The order's identity at the broker, as the `number`-th intent of journal `log`.
    #[must_use]
    pub fn reference(&self, log: &LogId, number: u64) -> OrderRef {
        OrderRef::of_intent(log, number, &self.terms_in_words())
    }

    /// What the print in the reference is of: one line for each of who, where, what, when, and the terms. To be
    /// kept as it is: whoever audits a journal computes it again.
    fn terms_in_words(&self) -> String {
        let Self { client_order_id, strategy_id, account, instrument, created_at, spec, .. } = self;
        let OrderSpec { side, order_qty, order_type, time_in_force } = spec;
        let price = |px: Option<Price>| px.map_or_else(|| "-".to_owned(), |px| px.to_string());
        let trail = match order_type.trail() {
            None => "-".to_owned(),
            Some(Trail::Amount { amount }) => amount.to_string(),
            Some(Trail::Percent { percent }) => format!("{percent}%"),
        };
        let (limit, stop) = (price(order_type.limit_px()), price(order_type.stop_px()));
        let until = match time_in_force {
            TimeInForce::Gtd { expire_at } => expire_at.as_nanos(),
            TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => 0,
        };
        format!(
            "{client_order_id}\n{strategy_id}\n{account}\n{instrument}\n{}\n\
             {side} {order_qty} {order_type} {limit} {stop} {trail} {time_in_force} {until}\n",
            created_at.as_nanos(),
        )
    }

    /// Average fill price; `None` before the first fill. Rounded to 28 digits, for display only.
    #[must_use]
    pub fn avg_px(&self) -> Option<Decimal> {
        if self.cum_qty.is_zero() { None } else { self.cum_value.checked_div(self.cum_qty.get()) }
    }
}
