//! What the world may do to a gateway: one list of verbs, said over the control port, by a step of a scenario, or
//! in Rust.
//!
//! ```json
//! {"do": "set-price", "symbol": "AAPL", "bid": "231.50", "ask": "231.52"}
//! ```
//!
//! An action is a value: reading one does nothing, and the gateway carries it out at one instant.

mod fields;
mod verbs;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

pub use fields::ActionError;
pub use verbs::{Key, Use, VERBS, Verb};

pub(crate) use fields::{Beside, Fields};

use crate::faults::{Fault, Knob};
use crate::venue::{OrderKey, Side};

/// One thing to be done to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Sets the market of an instrument.
    SetPrice {
        /// Symbol or local symbol.
        symbol: String,
        /// The market.
        market: MarketSpec,
    },
    /// Lets the price of an instrument walk again.
    ReleasePrice {
        /// Symbol or local symbol.
        symbol: String,
    },
    /// Rejects new orders of an instrument (201), or accepts them again.
    SetReject {
        /// Symbol or local symbol.
        symbol: String,
        /// Why, or `None` to accept.
        reason: Option<String>,
    },
    /// Arms a fault.
    Inject(Fault),
    /// Disarms the faults of one name, or all, which also ends what they brought about.
    ClearFaults(Option<Knob>),
    /// Something happens to a working order.
    Order {
        /// Which one.
        order: OrderPick,
        /// What.
        what: OrderAct,
    },
    /// An execution is said again.
    Correct {
        /// Which one; the one that the event was about when `None`.
        exec_id: Option<String>,
        /// The right price; as it was when `None`.
        price: Option<Decimal>,
        /// The right quantity; as it was when `None`, and a bust when zero.
        quantity: Option<Decimal>,
    },
    /// Somebody places an order at the screen.
    PlaceByHand {
        /// Symbol or local symbol.
        symbol: String,
        /// Side.
        side: Side,
        /// Quantity.
        quantity: Decimal,
        /// Limit; a market order without one.
        limit: Option<Decimal>,
        /// Account; the first one when `None`.
        account: Option<String>,
    },
    /// A connection ends.
    Disconnect {
        /// Whose; all of them when `None`.
        client: Option<i32>,
        /// By a reset instead of a clean end.
        reset: bool,
    },
}

/// A market to set. What is not said is one tick away, the usual size, or the bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarketSpec {
    /// Best bid.
    pub bid: SideSpec,
    /// Best ask.
    pub ask: SideSpec,
    /// Size at the bid.
    pub bid_size: Option<Decimal>,
    /// Size at the ask.
    pub ask_size: Option<Decimal>,
    /// Last trade.
    pub last: Option<Decimal>,
}

/// One side of a market to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SideSpec {
    /// One tick from the other side.
    #[default]
    Unsaid,
    /// Nobody is there.
    Nobody,
    /// This price.
    At(Decimal),
}

/// Which order is meant. Everything that is said must fit; when nothing is, the one that the event was about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderPick {
    /// Client id.
    pub client: Option<i32>,
    /// Order id.
    pub order: Option<i32>,
    /// The client's mark.
    pub order_ref: Option<String>,
    /// Permanent id.
    pub perm_id: Option<i64>,
}

impl OrderPick {
    /// The order of this name.
    pub fn key(key: OrderKey) -> Self {
        Self { client: Some(key.client_id), order: Some(key.order_id), ..Self::default() }
    }

    /// True when nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What happens to a working order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAct {
    /// It fills: this much, or all that is left.
    Fill(Option<Decimal>),
    /// It is cancelled.
    Cancel,
    /// It is rejected, with this reason.
    Reject(String),
    /// Its time has come.
    Expire,
}

impl Action {
    /// Reads an action from its keys: `do` and those of the verb.
    ///
    /// # Errors
    /// The first key that is unknown, missing or not of its kind, with what would do.
    pub fn read(map: &Map<String, Value>) -> Result<Self, ActionError> {
        Self::read_beside(map, &[])
    }

    pub(crate) fn read_beside(map: &Map<String, Value>, beside: Beside) -> Result<Self, ActionError> {
        Self::of(Fields::of(map, beside, |kind| kind == Use::Act)?)
    }

    pub(crate) fn of(fields: Fields<'_>) -> Result<Self, ActionError> {
        let symbol = || fields.needed("symbol").map(str::to_owned);
        Ok(match fields.verb.name {
            "set-price" => Self::SetPrice { symbol: symbol()?, market: market(fields)? },
            "release-price" => Self::ReleasePrice { symbol: symbol()? },
            "refuse-orders" => {
                let reason = fields.text("reason")?.unwrap_or("refused by the simulator");
                Self::SetReject { symbol: symbol()?, reason: Some(reason.to_owned()) }
            }
            "accept-orders" => Self::SetReject { symbol: symbol()?, reason: None },
            "inject" => Self::Inject(fault(fields)?),
            "clear-faults" => Self::ClearFaults(knob(fields)?),
            "fill" => order(fields, OrderAct::Fill(fields.above_zero("quantity")?))?,
            "cancel" => order(fields, OrderAct::Cancel)?,
            "reject" => {
                let reason = fields.text("reason")?.unwrap_or("rejected by the simulator");
                order(fields, OrderAct::Reject(reason.to_owned()))?
            }
            "expire" => order(fields, OrderAct::Expire)?,
            "correct" => correction(fields)?,
            "bust" => Self::Correct {
                exec_id: fields.text("exec_id")?.map(str::to_owned),
                price: None,
                quantity: Some(Decimal::ZERO),
            },
            "place-by-hand" => by_hand(fields, symbol()?)?,
            "disconnect" => Self::Disconnect {
                client: fields.whole("client")?,
                reset: fields.word("how", &["fin", "rst"])? == Some("rst"),
            },
            other => {
                debug_assert!(false, "{other} is in the table and not read");
                return Err(ActionError::new(format!("unknown verb {other:?}"), "see help"));
            }
        })
    }
}

impl Action {
    /// The symbol that it names, if it names one.
    pub(crate) fn symbol(&self) -> Option<&str> {
        match self {
            Self::SetPrice { symbol, .. }
            | Self::ReleasePrice { symbol }
            | Self::SetReject { symbol, .. }
            | Self::PlaceByHand { symbol, .. } => Some(symbol),
            Self::Inject(_)
            | Self::ClearFaults(_)
            | Self::Order { .. }
            | Self::Correct { .. }
            | Self::Disconnect { .. } => None,
        }
    }
}

fn market(fields: Fields<'_>) -> Result<MarketSpec, ActionError> {
    let market = MarketSpec {
        bid: side(fields, "bid")?,
        ask: side(fields, "ask")?,
        bid_size: fields.above_zero("bid_size")?,
        ask_size: fields.above_zero("ask_size")?,
        last: fields.decimal("last")?,
    };
    match (market.bid, market.ask) {
        (SideSpec::At(bid), SideSpec::At(ask)) if bid >= ask => {
            let what = format!("the bid {bid} is not below the ask {ask}");
            Err(ActionError::new(what, "write a bid below the ask").at("ask"))
        }
        (SideSpec::Unsaid, SideSpec::Unsaid | SideSpec::Nobody) | (SideSpec::Nobody, SideSpec::Unsaid) => {
            Err(ActionError::new("neither bid nor ask is given", "write \"bid\": \"231.50\""))
        }
        _ => Ok(market),
    }
}

fn side(fields: Fields<'_>, name: &str) -> Result<SideSpec, ActionError> {
    if matches!(fields.text(name), Ok(Some("none"))) {
        return Ok(SideSpec::Nobody);
    }
    Ok(fields.decimal(name)?.map_or(SideSpec::Unsaid, SideSpec::At))
}

fn fault(fields: Fields<'_>) -> Result<Fault, ActionError> {
    let hint = "`alphec-exec sim --list-faults` lists them all";
    let text = fields.needed("fault")?;
    text.parse().map_err(|error| ActionError::new(format!("{error}"), hint).at("fault"))
}

fn knob(fields: Fields<'_>) -> Result<Option<Knob>, ActionError> {
    let Some(name) = fields.text("name")? else { return Ok(None) };
    Knob::named(name).map(Some).map_err(|error| {
        ActionError::new(format!("{error}"), "name a fault, or leave `name` out to clear all").at("name")
    })
}

fn order(fields: Fields<'_>, what: OrderAct) -> Result<Action, ActionError> {
    let order = OrderPick {
        client: fields.whole("client")?,
        order: fields.whole("order")?,
        order_ref: fields.text("order_ref")?.map(str::to_owned),
        perm_id: fields.whole("perm_id")?,
    };
    Ok(Action::Order { order, what })
}

fn correction(fields: Fields<'_>) -> Result<Action, ActionError> {
    let (price, quantity) = (fields.decimal("price")?, fields.above_zero("quantity")?);
    if price.is_none() && quantity.is_none() {
        return Err(ActionError::new("nothing is corrected", "write a price, a quantity or both"));
    }
    Ok(Action::Correct { exec_id: fields.text("exec_id")?.map(str::to_owned), price, quantity })
}

fn by_hand(fields: Fields<'_>, symbol: String) -> Result<Action, ActionError> {
    let side = match fields.word("side", &["buy", "sell"])? {
        Some("sell") => Side::Sell,
        _ => Side::Buy,
    };
    let quantity = fields.above_zero("quantity")?;
    let quantity = quantity.ok_or_else(|| ActionError::new("\"quantity\" is missing", fields.verb.what))?;
    let account = fields.text("account")?.map(str::to_owned);
    Ok(Action::PlaceByHand { symbol, side, quantity, limit: fields.decimal("limit")?, account })
}

#[cfg(test)]
mod tests;
