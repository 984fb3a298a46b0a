//! Faults: what can go wrong between a client and a gateway, decided here and carried out by the desk.
//!
//! A pure decision module: it counts, compares instants, draws from seeded streams and answers questions. It
//! owns no socket and no clock. [`TABLE`] is the one list of everything that can go wrong; the parser, the help
//! texts and the matrix in the docs are made from it.
//!
//! A fault is written as `NAME[=VALUE | (KEY=VALUE, …)][@WHEN][%PROBABILITY]`:
//!
//! | part | examples | means |
//! |---|---|---|
//! | value | `reject=201`, `delay=50ms` | the fault's first parameter |
//! | parameters | `reject(code=201, client=7)` | any of them; `client`, `order` and `symbol` narrow most faults |
//! | when | `@3`, `@3..`, `@3..5`, `@30s`, `@30s..40s` | the n-th event, some of them, a time since it was armed, a span |
//! | probability | `%30`, `%0.5` | per cent of the events |
//!
//! A fault that is tied to a request happens once, unless it has a range or a probability; the others last
//! until they are cleared. Which event is counted is in the table.

mod args;
mod behaviours;
mod draw;
mod log;
mod near;
mod plan;
mod table;
mod text;
mod when;

pub use args::{Arg, Param, ParamKind};
pub use behaviours::{BEHAVIOURS, Behaviour};
pub use log::{Cause, Decision, DecisionLog};
pub use near::nearest;
pub use table::{Knob, Row, TABLE, Unit};
pub use text::{FaultTextError, NAMES_ARE_IN};
pub use when::When;

pub(crate) use args::{Args, NEVER, OPENING};
pub(crate) use plan::{FaultPlan, On};
pub(crate) use text::parse_span;

/// One fault: what, with which parameters, when, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub knob: Knob,
    /// Parameters that were given; the rest has the table's defaults.
    pub(crate) args: Args,
    /// When.
    pub when: When,
    /// Probability in millionths; `None` means always.
    pub ppm: Option<u32>,
}

impl Fault {
    /// A fault with default parameters, at once or at the next event that it is tied to.
    pub fn now(knob: Knob) -> Self {
        Self { knob, args: Args::default(), when: When::Now, ppm: None }
    }

    /// Every name of the text form.
    pub fn names() -> Vec<&'static str> {
        TABLE.iter().map(|row| row.name).collect()
    }

    /// One line per name, for help texts.
    pub fn help() -> String {
        let width = TABLE.iter().map(|row| row.usage().len()).max().unwrap_or(0);
        let mut help = String::new();
        for row in TABLE {
            help.push_str(&format!("{:width$}  {}\n", row.usage(), row.what));
        }
        help
    }

    /// A parameter, as given or by default.
    pub fn arg(&self, name: &str) -> Option<Arg> {
        self.args.get(name).cloned().or_else(|| self.knob.row().default_of(name))
    }

    pub(crate) fn span(&self, name: &str) -> i64 {
        match self.arg(name) {
            Some(Arg::Span(span)) => span,
            _ => 0,
        }
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        match self.arg(name) {
            Some(Arg::Int(number)) => number,
            _ => 0,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<rust_decimal::Decimal> {
        match self.arg(name) {
            Some(Arg::Number(number)) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn code(&self, name: &str) -> i32 {
        i32::try_from(self.int(name)).unwrap_or(0)
    }

    pub(crate) fn words(&self, name: &str) -> String {
        match self.arg(name) {
            Some(Arg::Text(text)) => text,
            _ => String::new(),
        }
    }

    pub(crate) fn is(&self, name: &str, word: &str) -> bool {
        self.words(name) == word
    }
}
