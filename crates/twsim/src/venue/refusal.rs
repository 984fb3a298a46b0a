//! Why the venue (or the gateway before it) answers an order with an error: one table of codes and texts.
//! Texts follow the broker's wording closely enough to be recognised; clients must branch on the code.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::combination::CombinationProblem;
use super::types::Status;

/// An order-related error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// 103: the id was used before.
    DuplicateId,
    /// 104: the order is filled.
    ModifyFilled,
    /// 105: more than price, size and time in force changed.
    ModifyMismatch,
    /// 329: the order type changed.
    ModifyKind,
    /// 2102: a cancel is pending, nothing else is taken.
    ModifyTooEarly,
    /// 110: price off the tick grid. Kills a new order, leaves a modified one working at its old price.
    OffGrid,
    /// 135: a change names a parent that nobody remembers; the order itself is well (tws-behaviour 2.3).
    ParentGone(i32),
    /// 161: cancel while a cancel is pending.
    NotCancellable {
        /// Named in the text.
        perm_id: i64,
    },
    /// 111: an order type without this time in force.
    TifMismatch,
    /// 113: an order for the close that is not for the day.
    CloseNeedsDay,
    /// 162: no bars of the past, with a reason.
    NoHistory(String),
    /// 200: no such contract.
    UnknownContract,
    /// 201: rejected, with a reason and a status.
    Rejected(String),
    /// 202: not an error, the confirmation of a cancel.
    Cancelled(Cow<'static, str>),
    /// 320: a field cannot be read.
    Unreadable(String),
    /// 312, 313, 314, 356, 387, 10000, 10243: about a combination.
    Combination(CombinationProblem),
    /// 321: the request is not valid.
    Invalid(String),
    /// 387: order type unknown here.
    UnsupportedKind(String),
    /// 391: unreadable date or time zone.
    BadTime(String),
    /// 399: not a refusal; the order waits for its market to open.
    NotYet {
        /// The order, in short.
        what: String,
        /// When, on the exchange's clock.
        until: String,
    },
    /// 388: below the least that the instrument trades in.
    BelowMinimum {
        /// What was asked for.
        size: Decimal,
        /// The least.
        least: Decimal,
    },
    /// 403: stop price is not positive.
    BadStop,
    /// 413: a preview of an order that is not to be transmitted.
    PreviewNotTransmitted,
    /// 434: size is zero.
    ZeroSize,
    /// 435: several accounts and none named.
    AccountRequired,
    /// 2109: not a refusal; the order goes on without its `outsideRth`.
    OutsideIgnored,
    /// 10242: a change of an order that has a part of a share.
    FractionChanged,
    /// 10243: part of a share where only whole ones trade.
    Fraction,
    /// 10257: all-or-none where the instrument's order types do not have it.
    NoAllOrNone,
    /// 10236: a child that may fill in parts of a parent that may not.
    ChildInParts,
    /// 10341: a change names another parent.
    ParentChanged,
    /// 10326: a change that names another group, one where there was none, or none where there was one.
    OcaGroup,
    /// 10327: a change that names another type for the same group.
    OcaKind,
    /// 10006: parent unknown.
    MissingParent(i32),
    /// 10147: nothing to cancel under this id.
    NotFound(i32),
    /// 10148: known, but over.
    Finished(i32, Status),
    /// 10149: order id 0 or below.
    BadOrderId(i32),
    /// 10314: unreadable end of a period.
    BadEnd(String),
    /// A code of the caller's choice, for injected rejections.
    Injected(i32, String),
}

impl Refusal {
    /// The rejection of an order that the account cannot carry.
    pub fn margin(needed: Decimal, available: Decimal) -> Self {
        Self::Rejected(format!(
            "Your account has insufficient margin: initial margin {needed:.2}, available funds {available:.2}"
        ))
    }

    /// The rejection of an order of which nobody can tell what it would tie up.
    pub fn no_rate(currency: &str, base: &str) -> Self {
        Self::Rejected(format!("No exchange rate from {currency} to {base}"))
    }

    /// True when the broker also sends a status: the order existed, and ended.
    pub fn has_status(&self) -> bool {
        matches!(self, Self::Rejected(_)) || matches!(self, Self::Injected(201 | 203, _))
    }

    /// The code on the wire.
    pub fn code(&self) -> i32 {
        match self {
            Self::DuplicateId => 103,
            Self::ModifyFilled => 104,
            Self::ModifyMismatch => 105,
            Self::OffGrid => 110,
            Self::TifMismatch => 111,
            Self::CloseNeedsDay => 113,
            Self::ParentGone(_) => 135,
            Self::NotCancellable { .. } => 161,
            Self::NoHistory(_) => 162,
            Self::UnknownContract => 200,
            Self::Rejected(_) => 201,
            Self::Cancelled(_) => 202,
            Self::Unreadable(_) => 320,
            Self::Combination(problem) => problem.code(),
            Self::Invalid(_) => 321,
            Self::ModifyKind => 329,
            Self::UnsupportedKind(_) => 387,
            Self::BadTime(_) => 391,
            Self::NotYet { .. } => 399,
            Self::BelowMinimum { .. } => 388,
            Self::BadStop => 403,
            Self::PreviewNotTransmitted => 413,
            Self::ZeroSize => 434,
            Self::AccountRequired => 435,
            Self::ModifyTooEarly => 2102,
            Self::OutsideIgnored => 2109,
            Self::MissingParent(_) => 10_006,
            Self::ChildInParts => 10_236,
            Self::ParentChanged => 10_341,
            Self::OcaGroup => 10_326,
            Self::OcaKind => 10_327,
            Self::FractionChanged => 10_242,
            Self::Fraction => 10_243,
            Self::NoAllOrNone => 10_257,
            Self::NotFound(_) => 10_147,
            Self::Finished(..) => 10_148,
            Self::BadOrderId(_) => 10_149,
            Self::BadEnd(_) => 10_314,
            Self::Injected(code, _) => *code,
        }
    }

    /// The text on the wire.
    pub fn text(&self) -> String {
        match self {
            Self::DuplicateId => "Duplicate order id".to_owned(),
            Self::ModifyFilled => "Cannot modify a filled order.".to_owned(),
            Self::ModifyMismatch => "Order being modified does not match original order.".to_owned(),
            Self::ModifyKind => "Order modify failed. Cannot change to the new order type.".to_owned(),
            Self::OffGrid => {
                "The price does not conform to the minimum price variation for this contract.".to_owned()
            }
            Self::ParentGone(id) => format!("Can't find order with id = {id}"),
            Self::TifMismatch => "The TIF (Tif type) and the order type are incompatible.".to_owned(),
            Self::CloseNeedsDay => "The Tif option should be set to DAY for MOC and LOC orders.".to_owned(),
            Self::NotYet { what, until } => format!(
                "Order Message:\n{what}\nWarning: Your order will not be placed at the exchange until {until}"
            ),
            Self::OutsideIgnored => {
                "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored \
                based on the order type and destination. PlaceOrder is now being processed."
                    .to_owned()
            }
            Self::NotCancellable { perm_id } => {
                format!(
                    "Cancel attempted when order is not in a cancellable state.  Order permId = {perm_id}"
                )
            }
            Self::UnknownContract => "No security definition has been found for the request".to_owned(),
            Self::NoHistory(what) => format!("Historical Market Data Service error message:{what}"),
            Self::Rejected(reason) => format!("Order rejected - reason:{reason}"),
            Self::Cancelled(reason) => format!("Order Canceled - reason:{reason}"),
            Self::Unreadable(what) => format!("Server error when reading an API client request: {what}"),
            Self::Combination(problem) => problem.text(),
            Self::Invalid(cause) => format!("Error validating request.-'sim' : cause - {cause}"),
            Self::UnsupportedKind(kind) => {
                format!("Unsupported order type for this exchange and security type: {kind}")
            }
            Self::BadTime(text) | Self::BadEnd(text) => {
                format!(
                    "The date, time, or time-zone entered is invalid: {text:?}. Use yyyymmdd hh:mm:ss UTC"
                )
            }
            Self::BelowMinimum { size, least } => {
                format!("Order size {size} is smaller than the minimum required size of {least}.")
            }
            Self::FractionChanged => "Fractional-sized order cannot be modified via API.".to_owned(),
            Self::Fraction => "Fractional-sized order cannot be placed via API.".to_owned(),
            Self::BadStop => "Invalid stop price.".to_owned(),
            Self::PreviewNotTransmitted => {
                "The What-If order should have its transmit flag set to true.".to_owned()
            }
            Self::ZeroSize => "The order size cannot be zero.".to_owned(),
            Self::AccountRequired => "You must specify an account.".to_owned(),
            Self::ModifyTooEarly => "Unable to modify this order as it is still being processed.".to_owned(),
            Self::NoAllOrNone => {
                "The 'All or None' order attribute may not be specified for this order.".to_owned()
            }
            Self::ChildInParts => "Child has to be AON if parent order is AON.".to_owned(),
            Self::ParentChanged => "Parent order id cannot be modified.".to_owned(),
            Self::OcaGroup => "OCA group revision is not allowed.".to_owned(),
            Self::OcaKind => "OCA group type revision is not allowed.".to_owned(),
            Self::MissingParent(id) => format!("Missing parent order {id}."),
            Self::NotFound(id) => format!("OrderId {id} that needs to be cancelled is not found."),
            Self::Finished(id, status) => {
                format!("OrderId {id} that needs to be cancelled cannot be cancelled, state: {status}.")
            }
            Self::BadOrderId(id) => format!("Invalid order id: {id}"),
            Self::Injected(_, text) => text.clone(),
        }
    }
}
