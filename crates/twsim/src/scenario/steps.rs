//! The script: when, and what.

use serde_json::Value;

use super::ScenarioError;
use super::toml::{Item, Table};
use crate::action::{Action, ActionError};
use crate::faults::nearest;
use crate::venue::{Instrument, UtcNs};
use crate::wire::parse_instant;

/// Keys of a step that say when; the others are its action's.
const WHEN: &[&str] = &["at", "after", "wait"];

/// One line of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the file.
    pub line: usize,
    /// When.
    pub when: Moment,
    /// What.
    pub action: Action,
    /// The action as it is written, in JSON.
    pub text: String,
}

/// When a step happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// This many nanoseconds after the gateway opened.
    At(i64),
    /// At an instant; at the opening when that is later.
    Instant(UtcNs),
    /// After an event, and after its answers.
    After {
        /// The event.
        event: Event,
        /// Which one of those that fit, counted from 1.
        nth: u64,
        /// Nanoseconds between the event and the step.
        wait: i64,
    },
}

/// Which events are meant: everything that is said must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What kind.
    pub kind: EventKind,
    /// Of this client.
    pub client: Option<i32>,
    /// Of this order id.
    pub order: Option<i32>,
    /// Of an order with this mark.
    pub order_ref: Option<String>,
    /// Of this symbol or local symbol.
    pub symbol: Option<String>,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A session began.
    Connect,
    /// A session ended.
    Disconnect,
    /// A new order came in.
    Order,
    /// A change of an order came in.
    Modify,
    /// A cancel came in.
    Cancel,
    /// The venue acknowledged a new order.
    Accept,
    /// An execution.
    Fill,
    /// An order filled to its end.
    Filled,
    /// An order ended otherwise: cancelled or expired.
    Cancelled,
    /// An order was rejected.
    Rejected,
}

impl EventKind {
    /// All kinds with their names.
    pub const ALL: [(&'static str, Self); 10] = [
        ("connect", Self::Connect),
        ("disconnect", Self::Disconnect),
        ("order", Self::Order),
        ("modify", Self::Modify),
        ("cancel", Self::Cancel),
        ("accept", Self::Accept),
        ("fill", Self::Fill),
        ("filled", Self::Filled),
        ("cancelled", Self::Cancelled),
        ("rejected", Self::Rejected),
    ];

    /// True for those that are about a client and no order.
    const fn is_of_session(self) -> bool {
        matches!(self, Self::Connect | Self::Disconnect)
    }
}

impl Step {
    pub(super) fn read(item: Item<'_>, listed: &[Instrument]) -> Result<Self, ScenarioError> {
        let table = item.table("a step")?;
        let mut map = table.json()?;
        let action = Action::read_beside(&map, WHEN).map_err(|error| table.refuse(error))?;
        if let (Some(symbol), Some(named)) = (action.symbol(), table.get("symbol")) {
            check_symbol(named, symbol, listed)?;
            check_prices(&action, find(listed, symbol)).map_err(|error| table.refuse(error))?;
        }
        for key in WHEN {
            map.remove(*key);
        }
        Ok(Self {
            line: table.line,
            when: moment(table, listed)?,
            action,
            text: Value::Object(map).to_string(),
        })
    }
}

fn moment(table: Table<'_>, listed: &[Instrument]) -> Result<Moment, ScenarioError> {
    let when = "write at = \"30s\" or after = { event = \"fill\" }";
    match (table.get("at"), table.get("after")) {
        (Some(at), None) => {
            if let Some(wait) = table.get("wait") {
                return Err(wait.error("\"wait\" goes with `after`", "write a later `at`"));
            }
            match parse_instant(at.text()?) {
                Some(instant) => Ok(Moment::Instant(instant)),
                None => at.span().map(Moment::At).map_err(|mut error| {
                    error.hint.push_str(", or an instant: \"2026-11-25T14:30:00Z\"");
                    error
                }),
            }
        }
        (None, Some(after)) => {
            let fields = after.table("`after`")?;
            let event = event(fields, listed)?;
            let nth: u64 = fields.get("nth").map_or(Ok(1), Item::whole)?;
            if nth == 0 {
                return Err(fields.error("\"nth\" is 0", "count from 1"));
            }
            let wait = table.get("wait").map_or(Ok(0), Item::span)?;
            Ok(Moment::After { event, nth, wait })
        }
        (Some(_), Some(after)) => Err(after.error("a step has `at` or `after`, not both", when)),
        (None, None) => Err(table.error("a step does not say when", when)),
    }
}

fn event(table: Table<'_>, listed: &[Instrument]) -> Result<Event, ScenarioError> {
    let table = table.only(&["event", "client", "order", "order_ref", "symbol", "nth"])?;
    let named = table.need("event")?;
    let text = named.text()?;
    let Some((_, kind)) = EventKind::ALL.into_iter().find(|(name, _)| *name == text) else {
        let names: Vec<&str> = EventKind::ALL.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(text, names.iter().copied()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("it is one of {}", names.join(", ")),
        };
        return Err(named.error(format!("unknown event {text:?}"), hint));
    };
    for key in ["order", "order_ref", "symbol"] {
        if let Some(item) = table.get(key).filter(|_| kind.is_of_session()) {
            return Err(
                item.error(format!("{text:?} is about no order"), "take the key out, or use `client`")
            );
        }
    }
    let text = |key: &str| table.get(key).map(|item| item.text().map(str::to_owned)).transpose();
    let symbol = text("symbol")?;
    if let (Some(symbol), Some(item)) = (&symbol, table.get("symbol")) {
        check_symbol(item, symbol, listed)?;
    }
    Ok(Event {
        kind,
        client: table.get("client").map(Item::whole).transpose()?,
        order: table.get("order").map(Item::whole).transpose()?,
        order_ref: text("order_ref")?,
        symbol,
    })
}

/// Prices that a step names must be prices of its instrument, or it would fail when its time comes.
fn check_prices(action: &Action, instrument: Option<&Instrument>) -> Result<(), ActionError> {
    let Some(instrument) = instrument else { return Ok(()) };
    match action {
        Action::SetPrice { market, .. } => market.checked(instrument).map(drop),
        Action::PlaceByHand { limit: Some(limit), .. } => instrument.check_price("limit", *limit),
        _ => Ok(()),
    }
}

/// The instrument that a symbol means: by its own name first, then by the plain one.
pub(super) fn find<'a>(listed: &'a [Instrument], name: &str) -> Option<&'a Instrument> {
    listed.iter().find(|it| it.local_symbol == name).or_else(|| listed.iter().find(|it| it.symbol == name))
}

/// A symbol that a scenario names must be listed, or nothing would ever come of it.
pub(super) fn check_symbol(item: Item<'_>, symbol: &str, listed: &[Instrument]) -> Result<(), ScenarioError> {
    if listed.iter().any(|it| it.symbol == symbol || it.local_symbol == symbol) {
        return Ok(());
    }
    let names = || listed.iter().map(|it| it.local_symbol.as_str());
    let hint = match nearest(symbol, names()) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("listed are {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(item.error(format!("{symbol:?} is not listed"), hint))
}
